"""What every operation of the exchange goes through: time, timers, triggers, liquidation, events."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from simulator.core.orders import OrderStatus
from simulator.core.outbox import Outbox
from simulator.um.core.account_queries import AccountQueries
from simulator.um.core.admission import Admission
from simulator.um.core.algo_book import AlgoBook
from simulator.um.core.algo_desk import AlgoDesk
from simulator.um.core.delivery import Deliverer
from simulator.um.core.desk import FuturesDesk
from simulator.um.core.events import FuturesEvent
from simulator.um.core.liquidation import Liquidator
from simulator.um.core.registry import Registry
from simulator.um.core.settlement import FuturesLedger
from simulator.um.core.timers import Timers


class Engine(AccountQueries):
    """The working parts, wired; subclasses offer operations on them."""

    def __init__(self, listener: Callable[[FuturesEvent], None]) -> None:
        registry = Registry()
        algos = AlgoBook()
        super().__init__(registry, algos)
        self._outbox: Outbox[FuturesEvent] = Outbox(listener)
        self._ledger = FuturesLedger(registry, self._appraisal, self._outbox)
        self._admission = Admission(registry, self._appraisal)
        self._desk = FuturesDesk(self._ledger, self._admission)
        self._algo_desk = AlgoDesk(self._ledger, self._desk, algos)
        self._liquidator = Liquidator(self._ledger, self._appraisal, self._desk)
        self._deliverer = Deliverer(self._ledger, self._desk, self._algo_desk, algos)
        self._timers = Timers()

    @property
    def insurance_fund(self) -> int:
        """Liquidation fees taken in, less the deficits paid for (UNIT)."""
        return self._ledger.insurance_fund

    def next_deadline_ms(self) -> int | None:
        """Return when `pass_time` has something to do; None where nothing waits."""
        return self._timers.next_ms

    def pass_time(self, now_ms: int) -> None:
        """Cancel and expire what is due by now."""
        with self._operation(now_ms):
            pass

    @contextmanager
    def _operation(self, now_ms: int) -> Iterator[int]:
        """Advance market time and run what is due; afterwards triggers and liquidations, then the listener."""
        self._now_ms = max(self._now_ms, now_ms)
        self._run_timers()
        try:
            yield self._now_ms
        finally:
            self._settle()
            self._outbox.hand_over()

    def _settle(self) -> None:
        """Let prices trigger and liquidate until nothing moves any more."""
        moved = True
        while moved:
            moved = False
            for market in self._registry.markets.values():
                moved |= self._algo_desk.run(market, self._now_ms)
            touched, self._ledger.touched = self._ledger.touched, {}
            for account_id in touched:
                moved |= self._liquidator.watch(self._registry.account(account_id), self._now_ms)
        self._algo_desk.settle_ended(self._now_ms)
        for market in self._registry.markets.values():
            market.book.refresh()

    def _run_timers(self) -> None:
        now_ms = self._now_ms
        if not self._timers.is_due(now_ms):
            return
        for account_id, symbol in self._timers.due_countdowns(now_ms):
            for order in list(self._registry.open_orders(account_id, symbol)):
                self._desk.cancel(order, now_ms)
        for _, account_id, symbol, number, is_algo in self._timers.due_expiries(now_ms):
            if is_algo:
                self._expire_algo(symbol, number, now_ms)
            else:
                self._expire_order(account_id, symbol, number, now_ms)

    def _expire_algo(self, symbol: str, algo_id: int, now_ms: int) -> None:
        algo = self._algos.on_symbol(symbol).get(algo_id)
        if algo is not None:
            self._algo_desk.expire(algo, now_ms)

    def _expire_order(self, account_id: str, symbol: str, order_id: int, now_ms: int) -> None:
        order = self._registry.history(account_id, symbol).open.get(order_id)
        if order is not None:
            self._ledger.finish(order, OrderStatus.EXPIRED, now_ms)
