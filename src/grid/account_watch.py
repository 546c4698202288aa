"""Looks after the account once a minute: where its books begin, what fees still cost, and whether they can be paid.

Where a copy of the books was put back, it also looks for orders of ours that no grid in them placed. The first minute
belongs to the grids that are taken up again: until it is over only the beginning of the books is seen to, which asks
the venue nothing where they began before.
"""

import logging
from collections import defaultdict
from decimal import Decimal
from queue import Empty, SimpleQueue
from typing import Final

from domain.errors import VenueError
from domain.events import FeeEvent, FeePriced
from domain.grids import GridSnapshot, GridStatus
from domain.instrument import Market
from domain.money import plain
from domain.orders import FeeValue
from grid.bookkeeper import AccountBookkeeper
from orders.client_ids import ClientId
from ports.clock import Clock
from ports.gateway import FeePrices
from ports.market_data import AccountReader
from ports.store import Store
from utils.worker_loop import WorkerLoop

log = logging.getLogger(__name__)

WATCH_S: Final = 60.0
MOST_AT_ONCE: Final = 8
ANSWER_S: Final = 60.0


class AccountWatch:
    """A thread of its own, because it waits for the venue.

    Args:
        floor_fills: a notice is given when the free balance of a fee asset pays for fewer fills than this; 0: never.
    """

    def __init__(
        self,
        *,
        bookkeeper: AccountBookkeeper,
        reader: AccountReader,
        store: Store,
        fee_prices: FeePrices,
        clock: Clock,
        floor_fills: int,
    ) -> None:
        self.bookkeeper = bookkeeper
        self._reader = reader
        self._store = store
        self._fee_prices = fee_prices
        self._floor_fills = floor_fills
        self.notices: tuple[str, ...] = ()
        self._has_begun = False
        self._may_be_unwatched = store.epoch > 1
        self._loop = WorkerLoop(
            "account-watch",
            self._step,
            clock=clock,
            every_s=WATCH_S,
            on_fault=lambda _name, error: log.error("the account is no longer looked after: %s", error),
            max_failures=10**9,
            longest_pause_s=WATCH_S,
        )

    def start(self) -> None:
        self._loop.start()

    def stop(self) -> None:
        self._loop.stop()
        self._loop.join(1.0)

    def _step(self) -> None:
        if self._has_begun:
            self.look()
            return
        self._has_begun = True
        try:
            self.bookkeeper.begin()
        except VenueError as error:
            log.warning("the account's books could not begin: %s", error)

    def look(self) -> None:
        """Do everything once."""
        try:
            self.bookkeeper.begin()
            grids = self.bookkeeper.grids()
            self._value_fees_of_ended(grids)
            self.notices = (*self._floor_notices(grids), *_alarms_of(grids), *self._unwatched_notices())
        except VenueError as error:
            log.warning("the account could not be looked after: %s", error)

    def _floor_notices(self, grids: tuple[GridSnapshot, ...]) -> list[str]:
        needs = _needs_per_fill([grid for grid in grids if grid.status is not GridStatus.STOPPED])
        if not needs or not self._floor_fills:
            return []
        free = {balance.asset: balance.free for balance in self._reader.balances(Market.SPOT)}
        notices = []
        for asset, per_fill in sorted(needs.items()):
            left, need = free.get(asset, Decimal(0)), per_fill * self._floor_fills
            if left < need:
                notices.append(
                    f"{asset} for fees runs low: {plain(left)} free, the next {self._floor_fills} fills need about "
                    f"{need:.8f}; without it the venue takes fees from what is traded"
                )
        return notices

    def _unwatched_notices(self) -> list[str]:
        """Name orders of ours that no grid in the books placed: theirs began after the copy that was put back.

        Asked of the venue in a life of the database that is not its first, until there are none.
        """
        if not self._may_be_unwatched:
            return []
        known = {row.grid_id for row in self._store.grids()}
        found: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
        for order in self._reader.open_order_ids():
            ours = ClientId.parse(order.client_id)
            if ours is not None and ours.instance == self._store.instance and ours.slot.grid not in known:
                found[ours.slot.grid, order.symbol].append(order.client_id)
        self._may_be_unwatched = bool(found)
        return [
            f"{len(client_ids)} order(s) on {symbol} rest of grid {grid}, which these books lack, and nobody watches "
            f"them: cancel them at the exchange, the first is {client_ids[0]}"
            for (grid, symbol), client_ids in sorted(found.items())
        ]

    def _value_fees_of_ended(self, grids: tuple[GridSnapshot, ...]) -> None:
        """Ask for what fees of ended grids were worth, where no worker is left to do so."""
        for grid in grids:
            if grid.status is GridStatus.STOPPED and grid.books.fees_unvalued:
                self._value_fees_of(grid)

    def _value_fees_of(self, grid: GridSnapshot) -> None:
        known = {value.trade_id for value in self._store.fee_values(grid.grid_id)}
        waiting = [
            fill
            for fill in self._store.fills(grid.grid_id)
            if fill.commission_asset in grid.books.fees_unvalued and fill.commission and fill.trade_id not in known
        ][:MOST_AT_ONCE]
        answers: SimpleQueue[FeeEvent] = SimpleQueue()
        for fill in waiting:
            self._fee_prices.ask(grid.instrument, fill.commission_asset, fill.time_ms, fill.trade_id, answers.put)
        for _ in waiting:
            try:
                event = answers.get(timeout=ANSWER_S)
            except Empty:
                return
            if isinstance(event, FeePriced) and event.trade_id is not None:
                self._store.add_fee_value(
                    FeeValue(
                        instrument=event.instrument,
                        trade_id=event.trade_id,
                        asset=event.asset,
                        price=event.price,
                        at_ms=event.at_ms,
                    )
                )
                self.bookkeeper.forget(grid.grid_id)


def _alarms_of(grids: tuple[GridSnapshot, ...]) -> list[str]:
    alarms = [f"Grid {grid.grid_id} raises an alarm: {alarm}" for grid in grids for alarm in grid.alarms]
    given_up = [f"Grid {grid.grid_id} has given up an order: {slot}" for grid in grids for slot in grid.faulted_slots]
    return [*alarms, *given_up]


def _needs_per_fill(grids: list[GridSnapshot]) -> dict[str, Decimal]:
    """Return what one fill costs in each third asset, by the dearer of the last fill and the average."""
    needs: dict[str, Decimal] = {}
    for grid in grids:
        own = (grid.instrument.base, grid.instrument.quote)
        for asset, amount in grid.books.fees_by_asset.items():
            if asset in own or not grid.books.trades:
                continue
            last = grid.last_fill
            newest = last.commission if last is not None and last.commission_asset == asset else Decimal(0)
            needs[asset] = max(needs.get(asset, Decimal(0)), newest, amount / grid.books.trades)
    return needs
