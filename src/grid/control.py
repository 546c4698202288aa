"""The two ports of whoever commands and whoever shows, on top of the grids of one account."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Event, Lock

from domain.account import Account
from domain.account_books import AccountBooks
from domain.edits import EditedGrid, GridChanges
from domain.errors import Conflict, VenueError
from domain.grids import GridPlan, GridRequest, GridSnapshot, OnStop, PauseKeep
from domain.instrument import Instrument, Market
from domain.orders import Fill
from grid.account_watch import AccountWatch
from grid.manager import GridManager
from grid.vitals import Vitals
from ports.clock import Clock
from ports.connectivity import Connectivity
from ports.control import PartState, SystemSnapshot
from ports.market_data import MarketData
from utils.worker_loop import LoopState, WorkerLoop

WATCH_S = 5.0
ANSWER_COUNTS_S = 2 * WATCH_S
"""How long an answer of the exchange counts: it is asked every `WATCH_S`, and a busy one may take as long to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseFacts:
    """What does not change while this account's house stands."""

    account: Account
    available_modes: tuple[str, ...]
    notices: tuple[str, ...]
    version: str
    started_wall_ms: int


class VenueWatch:
    """Asks the venue every few seconds whether it answers, so that nobody who shows it has to.

    `markets` tells which are in use: each has an endpoint of its own, and all of them count.
    """

    def __init__(
        self, market_data: MarketData, clock: Clock, markets: Callable[[], Iterable[Market]] = lambda: (Market.SPOT,)
    ) -> None:
        self._market_data = market_data
        self._clock = clock
        self._markets = markets
        self._answered_s: dict[Market, float] = {}
        self._failures: dict[Market, str] = {Market.SPOT: "not asked yet"}
        self._loop = WorkerLoop(
            "venue-watch",
            self.ask,
            clock=clock,
            every_s=WATCH_S,
            on_fault=self._faulted,
            max_failures=10**9,
            longest_pause_s=WATCH_S,
        )

    def start(self) -> None:
        self.ask()
        self._loop.start()

    def stop(self) -> None:
        self._loop.stop()
        self._loop.join(1.0)

    def ask(self) -> None:
        """Ask every market in use once; blocks on the venue."""
        in_use = tuple(dict.fromkeys(self._markets()))
        for market in in_use:
            failure = self._failure_of(market)
            if not failure:
                self._answered_s[market] = self._clock.monotonic_s()
            named = f"{market}: {failure}" if failure and market is not Market.SPOT else failure
            self._failures = {**self._failures, market: named}
        self._failures = {market: self._failures[market] for market in in_use}

    def _failure_of(self, market: Market) -> str:
        try:
            connection = self._market_data.connection(market)
        except VenueError as error:
            return str(error) or "it does not answer"
        return "" if connection.connected else connection.error or "it does not answer"

    @property
    def connected(self) -> bool:
        """Tell whether the newest question was answered, not longer than `ANSWER_COUNTS_S` ago."""
        return not self.reason

    @property
    def reason(self) -> str:
        """Return why it does not count as connected, empty where it does."""
        age_s, failures = self._age_s(), "; ".join(filter(None, self._failures.values()))
        if failures or age_s is None or age_s <= ANSWER_COUNTS_S:
            return failures
        return f"no answer for {age_s:.0f} s"

    def part(self) -> PartState:
        alive, reason = self._loop.state is LoopState.RUNNING, self.reason
        return PartState(name="venue", alive=alive, ready=not reason, reason=reason, age_s=self._age_s())

    def _age_s(self) -> float | None:
        """Return the age of the oldest of the newest answers."""
        answered_s = [self._answered_s[market] for market in self._failures if market in self._answered_s]
        return self._clock.monotonic_s() - min(answered_s) if answered_s else None

    def _faulted(self, _name: str, error: BaseException) -> None:
        self._failures = dict.fromkeys(self._failures, f"the watch ended: {error}")


class GridControl:
    """Implements ports.control.Commands and Snapshots."""

    def __init__(
        self,
        manager: GridManager,
        market_data: MarketData,
        watch: VenueWatch,
        clock: Clock,
        facts: HouseFacts,
        switch: Callable[[str, bool, bool], SystemSnapshot],
        vitals: Vitals,
        account: AccountWatch,
        connectivity: Connectivity,
    ) -> None:
        self._manager = manager
        self._market_data = market_data
        self._watch = watch
        self._clock = clock
        self._facts = facts
        self._switch = switch
        self._vitals = vitals
        self._account = account
        self._connectivity = connectivity
        self.grid_started = Event()
        self._starting = Lock()
        self._starts_no_grids: str | None = None

    def refuse_starts(self, reason: str) -> None:
        """Refuse every start from now on, for the first reason given; one that is under way is waited for."""
        self._starts_no_grids = self._starts_no_grids or reason
        with self._starting:
            pass

    def allow_starts(self) -> None:
        self._starts_no_grids = None

    def check_grid(self, request: GridRequest) -> GridPlan:
        return self._manager.check(request)

    def start_grid(self, request: GridRequest) -> GridSnapshot:
        with self._starting:
            if self._starts_no_grids is not None:
                raise Conflict(self._starts_no_grids)
            self._account.bookkeeper.prepare(request.instrument)
            snapshot = self._manager.start(request)
        self.grid_started.set()
        return snapshot

    def stop_grid(self, instrument: Instrument, on_stop: OnStop, *, grid_id: int | None = None) -> GridSnapshot:
        return self._manager.stop(instrument, on_stop, grid_id=grid_id)

    def pause_grid(self, instrument: Instrument, keep: PauseKeep) -> GridSnapshot:
        return self._manager.pause(instrument, keep)

    def resume_grid(self, instrument: Instrument) -> GridSnapshot:
        return self._manager.resume(instrument)

    def edit_grid(self, instrument: Instrument, changes: GridChanges, *, dry_run: bool) -> EditedGrid:
        return self._manager.edit(instrument, changes, dry_run=dry_run)

    def switch_mode(self, mode: str, *, force: bool, confirm: bool) -> SystemSnapshot:
        return self._switch(mode, force, confirm)

    def system(self) -> SystemSnapshot:
        facts = self._facts
        return SystemSnapshot(
            mode=facts.account.mode.value,
            available_modes=facts.available_modes,
            market_source=self._market_data.market_source(),
            account_id=facts.account.id,
            started_wall_ms=facts.started_wall_ms,
            market_ms=self._clock.market_ms(),
            venue_connected=self._watch.connected,
            venue_reason=self._watch.reason,
            notices=(*facts.notices, *self._passing_notices()),
            version=facts.version,
            streams=self._connectivity.stream_ages(),
            request_budgets=self._connectivity.request_budgets(),
        )

    def _passing_notices(self) -> list[str]:
        told = [part.notice for part in self.parts() if part.notice]
        if not self._watch.connected:
            told.append(f"The exchange does not answer ({self._watch.reason}); nothing is placed until it does.")
        return [*told, *self._connectivity.notices(), *self._account.notices]

    def parts(self) -> tuple[PartState, ...]:
        return self._vitals.parts()

    def grids(self) -> tuple[GridSnapshot, ...]:
        return self._manager.snapshots()

    def grid(self, instrument: Instrument) -> GridSnapshot:
        return self._manager.snapshot(instrument)

    def fills(self, instrument: Instrument, limit: int) -> tuple[Fill, ...]:
        return self._manager.fills(instrument, limit)

    def books(self) -> AccountBooks:
        return self._account.bookkeeper.take()

    def watched(self, market: Market) -> tuple[Instrument, ...]:
        return self._manager.watched(market)
