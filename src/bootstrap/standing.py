"""The house that stands now, and the way from one mode to another."""

import contextlib
from collections.abc import Callable, Collection
from threading import Lock

from bootstrap.builder import NO_PRODUCTION
from bootstrap.house import House
from domain.account import Mode
from domain.errors import Conflict, FieldMistake, InvalidRequest, NotFound
from domain.grids import OnStop
from ports.control import SystemSnapshot

_ENDING = "the server is ending; ask again once it has been started anew"


class StandingHouse:
    """Exactly one house stands from `open` to `close`, also while another mode's is being built and when that fails.

    Args:
        build: builds the house of a mode.
        available: the modes whose keys are at hand.
    """

    def __init__(self, build: Callable[[Mode], House], available: Collection[Mode]) -> None:
        self._build, self._available = build, available
        self._changing = Lock()
        self._ending = False
        self._house: House | None = None

    @property
    def now(self) -> House:
        """Return the house that stands; there is one before anybody can ask."""
        assert self._house is not None  # noqa: S101 - see above
        return self._house

    def open(self, mode: Mode) -> None:
        """Build the first house and take its grids up again.

        Raises:
            TradingError, StoreFailed: in one sentence; nothing is left open.
        """
        self._house = self._raise(mode)

    def close(self, *, cancel_orders: bool) -> None:
        """End it, after a switch that is under way."""
        self._ending = True
        with self._changing:
            if self._house is not None:
                self._house.close(cancel_orders=cancel_orders)

    def switch(self, word: str, force: bool, confirm: bool) -> SystemSnapshot:
        """Let the house of another mode take this one's place. Grids end for good, but not before the other stands.

        Raises:
            InvalidRequest: for a mode that is none, or lacks its keys.
            Conflict: if grids run and `force` is not given, one did not end, or the mode is not offered.
            VenueError, StoreFailed: if the other house cannot be built.
        """
        mode = self._wanted(word, confirm=confirm)
        if not self._changing.acquire(blocking=False):
            raise Conflict(_ENDING if self._ending else "another switch of the mode is under way; ask again after it")
        try:
            if self._ending:
                raise Conflict(_ENDING)
            old = self.now
            if mode is not old.mode:
                self._house = self._exchange(old, mode, force=force)
                old.close(cancel_orders=False)
                self._house.play()
            return self.now.control.system()
        finally:
            self._changing.release()

    # --- helpers ---

    def _wanted(self, word: str, *, confirm: bool) -> Mode:
        try:
            mode = Mode.parse(word)
        except ValueError as error:
            raise InvalidRequest([FieldMistake("mode", str(error))]) from None
        if mode not in self._available:
            raise InvalidRequest([FieldMistake("mode", f"{mode} needs API keys; add them to .env and start again")])
        if mode is Mode.PRODUCTION and not confirm:
            raise InvalidRequest([FieldMistake("confirm", "Production trades real money; send confirm: true")])
        if mode is Mode.PRODUCTION:
            raise Conflict(NO_PRODUCTION)
        return mode

    def _exchange(self, old: House, mode: Mode, *, force: bool) -> House:
        """Return the new house, ready to stand; `old` then has no grids and starts none any more."""
        old.control.refuse_starts(f"the mode is being switched to {mode}; start the grid again after that")
        try:
            self._require_rest(old, force=force)
            new = self._raise(mode)
            try:
                self._end_grids(old)
            except BaseException:
                new.close(cancel_orders=False)
                raise
        except BaseException:
            old.control.allow_starts()
            raise
        return new

    def _raise(self, mode: Mode) -> House:
        """Build a house and take its grids up again; close it where that fails."""
        house = self._build(mode)
        try:
            house.resume()
        except BaseException:
            house.close(cancel_orders=False)
            raise
        return house

    def _require_rest(self, house: House, *, force: bool) -> None:
        running = house.manager.running
        if running and not force:
            raise Conflict(f"{len(running)} grid(s) run in {house.mode}; stop them first or send force: true")

    def _end_grids(self, house: House) -> None:
        for runner in house.manager.running:
            with contextlib.suppress(NotFound):  # it ended by itself meanwhile
                house.manager.stop(runner.row.instrument, OnStop.CANCEL, yields=True)
        left = ", ".join(f"{it.row.instrument.base}{it.row.instrument.quote}" for it in house.manager.running)
        if left:
            raise Conflict(f"{left} has not ended yet; the mode stays {house.mode}, ask again")
        if self._ending:
            raise Conflict(_ENDING)
