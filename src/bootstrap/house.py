"""Everything that belongs to one account in one mode, while it stands."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from adapters.binance.connect import BinanceVenue
from adapters.locks import HeldLocks
from adapters.price_recorder import FilePriceRecorder
from adapters.simulator_process import SimulatorProcess
from adapters.storage import SqlStore
from domain.account import Mode
from grid.account_watch import AccountWatch
from grid.control import GridControl, VenueWatch
from grid.manager import GridManager
from grid.pair_watch import PairWatch

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class House:
    """Its parts."""

    mode: Mode
    locks: HeldLocks
    simulator: SimulatorProcess | None
    venue: BinanceVenue
    store: SqlStore
    manager: GridManager
    control: GridControl
    watch: VenueWatch
    books: AccountWatch
    pairs: PairWatch
    recorder: FilePriceRecorder | None
    asgi: Asgi

    def resume(self) -> None:
        """Take the grids up again that ran when this account's server last ended."""
        self.venue.streams.expect(sum(row.ended_ms is None for row in self.store.grids()))
        self.manager.resume_all()
        self.pairs.start()

    def play(self) -> None:
        """Let the market of a replay at full speed begin; other markets run by themselves."""
        if self.venue.in_lockstep:
            manager = self.manager
            driver = self.venue.lockstep(lambda: manager.is_idle, paused=lambda: not manager.running)
            self.venue.io.spawn(driver.run())

    def close(self, *, cancel_orders: bool) -> None:
        """End threads first, then what they use, the exchange last; what fails keeps nothing else from closing."""
        with ExitStack() as closing:  # the last one first
            closing.callback(self.locks.release)
            if self.simulator is not None:
                closing.callback(self.simulator.stop)
            closing.callback(self.store.close)
            closing.callback(self.venue.close)
            if self.recorder is not None:
                closing.callback(self.recorder.stop)
            closing.callback(self.books.stop)
            closing.callback(self.watch.stop)
            closing.callback(self.manager.close, cancel_orders=cancel_orders)
            closing.callback(self.pairs.stop)
            closing.callback(
                self.control.refuse_starts, "the server is ending; start the grid again after its next start"
            )
