"""The two ports of whoever commands and whoever shows: routes, command line, messengers."""

from dataclasses import dataclass
from typing import Protocol

from domain.account_books import AccountBooks
from domain.edits import EditedGrid, GridChanges
from domain.grids import GridPlan, GridRequest, GridSnapshot, OnStop, PauseKeep
from domain.instrument import Instrument, Market
from domain.orders import Fill
from ports.connectivity import RequestBudget, StreamAge


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSnapshot:
    """The house at one moment. `notices` are sentences people must see (synthetic market, parts switched off)."""

    mode: str
    available_modes: tuple[str, ...]
    market_source: str
    account_id: str
    started_wall_ms: int
    market_ms: int
    venue_connected: bool
    venue_reason: str
    notices: tuple[str, ...]
    version: str
    streams: tuple[StreamAge, ...] = ()
    request_budgets: tuple[RequestBudget, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartState:
    """One part of the house at one moment.

    `alive`: it does its own work; the heartbeat stops with the first part that does not. `ready`: trading can go on as
    far as this part goes, and `reason` says why not. `age_s` is how old its newest result is, where that is told;
    `notice` is a sentence people must see.
    """

    name: str
    alive: bool
    ready: bool
    reason: str = ""
    age_s: float | None = None
    notice: str = ""


class Commands(Protocol):
    def check_grid(self, request: GridRequest) -> GridPlan:
        """Validate without starting.

        Raises:
            InvalidRequest: all mistakes at once.
        """

    def start_grid(self, request: GridRequest) -> GridSnapshot:
        """Start a grid; returns once it is stored and its thread runs.

        Raises:
            InvalidRequest: all mistakes at once.
            Conflict: if one already runs on this instrument.
        """

    def stop_grid(self, instrument: Instrument, on_stop: OnStop, *, grid_id: int | None = None) -> GridSnapshot:
        """End a grid for good; with `grid_id` that one alone.

        Raises:
            NotFound: if no grid runs on this instrument.
            Conflict: if it is another one.
        """

    def pause_grid(self, instrument: Instrument, keep: PauseKeep) -> GridSnapshot:
        """Take a grid's entries, or all its orders, off the book until it is resumed; again changes nothing.

        Returns once it is stored; where that takes too long, `paused` of the snapshot is not as asked for yet.

        Raises:
            NotFound: if no grid runs on this instrument.
            Conflict: if it is being stopped.
        """

    def resume_grid(self, instrument: Instrument) -> GridSnapshot:
        """Let a paused grid go on; one that was not paused is left as it is.

        Raises:
            NotFound, Conflict: as `pause_grid`.
        """

    def edit_grid(self, instrument: Instrument, changes: GridChanges, *, dry_run: bool) -> EditedGrid:
        """Change a grid's ladder or size while it works; with `dry_run` only tell what that would come to.

        Raises:
            InvalidRequest: all mistakes at once.
            NotFound: if no grid runs on this instrument.
            Conflict: if it cannot be edited now, or is being edited.
        """

    def switch_mode(self, mode: str, *, force: bool, confirm: bool) -> SystemSnapshot:
        """Rebuild the runtime on another mode's addresses, keys and books.

        Raises:
            InvalidRequest, Conflict.
        """


class Snapshots(Protocol):
    def system(self) -> SystemSnapshot: ...

    def parts(self) -> tuple[PartState, ...]:
        """Return the state of every part: database, venue, streams, grid threads, simulator, backups."""

    def grids(self) -> tuple[GridSnapshot, ...]:
        """Return the newest grid of each instrument that ever had one, running ones first."""

    def grid(self, instrument: Instrument) -> GridSnapshot:
        """Return the newest grid of the instrument.

        Raises:
            NotFound: if none ever ran.
        """

    def fills(self, instrument: Instrument, limit: int) -> tuple[Fill, ...]:
        """Return the newest fills of our grids on the instrument, newest first."""

    def books(self) -> AccountBooks:
        """Return the books of the whole account. Blocks on the venue; what it refuses is said in them."""

    def watched(self, market: Market) -> tuple[Instrument, ...]:
        """Return the instruments in use: running, preferred, watched."""
