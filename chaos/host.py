"""The in-process host: one event heap joins grid worker, ledger, store and the simulator's matching core.

No socket, no thread, no real time: a seed and a path give the same run to the last digit. The market moves only when
nothing is in flight, as in the lock-step replay over the wire.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from chaos.clock import EventHeap
from chaos.translate import amount, fill_of, instrument_of, order_of, params_of, rules_of
from domain.events import (
    CancelRefused,
    FeeEvent,
    FeeNotPriced,
    FeePriced,
    OpenOrdersRead,
    OrderAbsent,
    OrderEvent,
    OrderRefused,
    OrderReported,
    PriceSeen,
    StreamResumed,
    TimerFired,
    TradesRead,
)
from domain.grids import GridPlan, GridSnapshot
from domain.orders import Fill, Intent
from grid.assembly import build_worker
from grid.worker import GridWorker
from grid.worker_events import Effect, Finished, SaveEquity, SaveMove, SavePhase, WorkerEvent
from orders.effects import (
    AskFeePrice,
    Cancel,
    LookUp,
    ReadOpen,
    ReadTrades,
    Record,
    RecordFeeValue,
    StoreIntents,
    Submit,
)
from ports.store import GridRow, Store
from risk.gate import RiskGate
from simulator.core.errors import ExchangeError
from simulator.core.events import ExchangeEvent, OrderChanged, PublicTrade
from simulator.core.exchange import Exchange
from simulator.core.symbols import NOTIONAL_UNIT, SymbolSpec
from simulator.market.feed import FeedStep

ACCOUNT = "bot"
TIMER_EVERY_MS = 60_000
ALL = 10**9  # the wire's paging is not what is tried here
WOULD_TAKE = "Order would immediately match and take."


@dataclass(frozen=True, slots=True)
class Latency:
    """One-way delays in virtual ms, drawn evenly between the bounds."""

    low_ms: float = 1.0
    high_ms: float = 5.0


class InProcessHost:
    """Runs one grid against the matching core.

    Args:
        spec: the symbol that is traded.
        balances: the account at the start, in decimal amounts per asset.
        store: where the bot keeps its books; the host asks for nothing but the port.
        seed: of the latencies.
        fee_price: what one unit of a fee asset is worth in the symbol's quote at a time, None if it cannot be told.
    """

    def __init__(
        self,
        *,
        spec: SymbolSpec,
        balances: dict[str, Decimal],
        store: Store,
        gate: RiskGate,
        start_ms: int,
        seed: int,
        latency: Latency | None = None,
        fee_price: Callable[[str, int], Decimal | None] = lambda _asset, _at_ms: None,
    ) -> None:
        self._fee_price = fee_price
        self.heap = EventHeap(start_ms)
        self.spec = spec
        self.instrument = instrument_of(spec)
        self.rules = rules_of(spec)
        self.store = store
        self.exchange = Exchange([spec], listener=self._on_exchange_event)
        self.exchange.open_account(ACCOUNT, {asset: int(value * NOTIONAL_UNIT) for asset, value in balances.items()})
        self.finished = False
        self._gate = gate
        self._latency = latency or Latency()
        self._random = Random(seed)
        self._stream_ms = 0.0
        self._worker: GridWorker | None = None
        self._next_timer_ms = start_ms + TIMER_EVERY_MS

    def start(self, plan: GridPlan) -> GridRow:
        """Store and start a grid."""
        row = self.store.add_grid(self.instrument, plan, self.heap.market_ms(), self.heap.wall_ms())
        self.resume(row)
        return row

    def resume(self, row: GridRow) -> None:
        """Start the worker of a stored grid: a first start and one after a crash are the same."""
        self._worker = build_worker(
            row,
            self.rules,
            gate=self._gate,
            store=self.store,
            equity_every_ms=TIMER_EVERY_MS,
            max_price_age_s=3600.0,
        )
        first = row.plan.waits_from or row.plan.start_price
        self._tell(PriceSeen(self.instrument, first, self.heap.market_ms(), self.heap.monotonic_s()))
        self._tell(StreamResumed("user"))

    def play(self, steps: Iterable[FeedStep]) -> None:
        """Play the market; it moves on only when nothing is in flight."""
        for step in steps:
            self.settle()
            self.heap.advance_to(step.time_ms)
            for trade in step.trades:
                self.exchange.print_trade(trade)
            if step.book is not None:
                self.exchange.set_book(step.book.symbol, step.book.bids, step.book.asks)
            if self.heap.now_ms >= self._next_timer_ms:
                self._next_timer_ms = self.heap.market_ms() + TIMER_EVERY_MS
                self._tell(TimerFired())
        self.settle()

    def settle(self) -> None:
        """Run until nothing is in flight."""
        while len(self.heap):
            self.heap.run_next()

    def tell(self, event: WorkerEvent) -> None:
        """Give the worker an event from outside, such as a command."""
        self._tell(event)

    def snapshot(self) -> GridSnapshot:
        """Return what would be shown of the grid."""
        if self._worker is None:
            raise ValueError("no grid was started")
        return self._worker.snapshot(self.heap.moment())

    def balances(self) -> dict[str, Decimal]:
        """Return what the venue says the account holds, free and locked together."""
        return {
            asset: amount(balance.free + balance.locked, NOTIONAL_UNIT)
            for asset, balance in self.exchange.balances(ACCOUNT).items()
        }

    # --- from the venue ---

    def _on_exchange_event(self, event: ExchangeEvent) -> None:
        match event:
            case OrderChanged(account_id="bot"):
                client_id = event.order.client_id
                fills = () if event.fill is None else (fill_of(event.fill, self.instrument, client_id),)
                report = OrderReported(order_of(event.order, self.instrument), fills)
                self._by_stream(lambda: self._tell(report))
            case PublicTrade() if event.symbol == self.spec.symbol:
                seen = PriceSeen(self.instrument, amount(event.price), event.time_ms, self.heap.monotonic_s())
                self._tell_price(seen)
            case _:
                return

    def _tell_price(self, seen: PriceSeen) -> None:
        # A price changes no decision by itself, so it takes no place in the heap and cannot reorder anything.
        if self._worker is not None:
            self._carry_out(self._worker.handle(seen, self.heap.moment()))

    def _by_stream(self, action: Callable[[], None]) -> None:
        """Deliver over the user stream: delayed, but never overtaking one another."""
        self._stream_ms = max(self._stream_ms, self.heap.now_ms + self._delay())
        self.heap.after(self._stream_ms - self.heap.now_ms, action)

    def _delay(self) -> float:
        return self._random.uniform(self._latency.low_ms, self._latency.high_ms)

    # --- to the venue ---

    def _tell(self, event: WorkerEvent) -> None:
        if self._worker is not None and not self.finished:
            self._carry_out(self._worker.handle(event, self.heap.moment()))

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case StoreIntents(intents=intents):
                    self.store.add_intents(intents)
                case Record(orders=orders, fills=fills):
                    self.store.record(orders, fills)
                case AskFeePrice():
                    self.heap.after(self._delay(), self._pricing(effect))
                case RecordFeeValue() | SavePhase() | SaveMove() | SaveEquity() | Finished():
                    self._carry_out_own(effect)
                case Submit(intent=intent):
                    self.heap.after(self._delay(), self._placing(intent))
                case Cancel(client_id=client_id):
                    self.heap.after(self._delay(), self._cancelling(client_id))
                case LookUp() | ReadOpen() | ReadTrades():
                    self.heap.after(self._delay(), self._asking(effect))

    def _asking(self, effect: LookUp | ReadOpen | ReadTrades) -> Callable[[], None]:
        match effect:
            case LookUp(client_id=client_id):
                return self._looking_up(client_id)
            case ReadTrades(since_trade_id=since_id):
                return self._reading_trades(since_id)
            case ReadOpen(since_trade_id=since):
                return self._reading(since, self.heap.monotonic_s())

    def _carry_out_own(self, effect: RecordFeeValue | SavePhase | SaveMove | SaveEquity | Finished) -> None:
        match effect:
            case RecordFeeValue(value=value):
                self.store.add_fee_value(value)
            case SavePhase(status=status, phase=phase, reason=reason, on_stop=on_stop, ended_ms=ended_ms):
                (row,) = [row for row in self.store.grids() if row.grid_id == self.store.grids()[-1].grid_id]
                self.store.set_grid(
                    row.grid_id, status=status, phase=phase, phase_reason=reason, on_stop=on_stop, ended_ms=ended_ms
                )
            case SaveMove(move=move):
                self.store.add_move(self.store.grids()[-1].grid_id, move)
            case SaveEquity(row=equity):
                self.store.add_equity(equity)
            case Finished():
                self.finished = True

    def _answer(self, event: OrderEvent | FeeEvent) -> None:
        self.heap.after(self._delay(), lambda: self._tell(event))

    def _placing(self, intent: Intent) -> Callable[[], None]:
        def place() -> None:
            try:
                order = self.exchange.place(ACCOUNT, params_of(intent, self.spec.symbol), self.heap.market_ms())
            except ExchangeError as error:
                would_take = error.message == WOULD_TAKE
                self._answer(OrderRefused(intent.client_id, error.code, error.message, would_take))
                return
            fills = tuple(fill_of(fill, self.instrument, intent.client_id) for fill in order.fills)
            self._answer(OrderReported(order_of(order, self.instrument), fills))

        return place

    def _cancelling(self, client_id: str) -> Callable[[], None]:
        def cancel() -> None:
            try:
                order = self.exchange.cancel(
                    ACCOUNT, self.spec.symbol, client_id=client_id, now_ms=self.heap.market_ms()
                )
            except ExchangeError as error:
                self._answer(CancelRefused(client_id, error.code, error.message))
                return
            self._answer(OrderReported(order_of(order, self.instrument)))

        return cancel

    def _looking_up(self, client_id: str) -> Callable[[], None]:
        def look_up() -> None:
            try:
                order = self.exchange.order(ACCOUNT, self.spec.symbol, client_id=client_id)
            except ExchangeError:
                self._answer(OrderAbsent(client_id))
                return
            self._answer(OrderReported(order_of(order, self.instrument), tuple(self._trades(order_id=order.order_id))))

        return look_up

    def _reading(self, since: int | None, started_s: float) -> Callable[[], None]:
        def read() -> None:
            orders = self.exchange.open_orders(ACCOUNT, self.spec.symbol)
            listed = tuple(order_of(order, self.instrument) for order in orders)
            fills = () if since is None else tuple(self._trades(from_id=since))
            self._answer(OpenOrdersRead(self.instrument, listed, fills, started_s, since is not None))

        return read

    def _pricing(self, asked: AskFeePrice) -> Callable[[], None]:
        def tell() -> None:
            price = self._fee_price(asked.asset, asked.at_ms)
            if price is None:
                self._answer(FeeNotPriced(asked.trade_id, asked.asset, "no market tells"))
            else:
                self._answer(FeePriced(self.instrument, asked.trade_id, asked.asset, price, asked.at_ms))

        return tell

    def _reading_trades(self, since: int) -> Callable[[], None]:
        return lambda: self._answer(TradesRead(self.instrument, tuple(self._trades(from_id=since))))

    def _trades(self, *, order_id: int | None = None, from_id: int | None = None) -> list[Fill]:
        """Return our trades as the venue's trade list gives them: named by the venue's order id alone."""
        trades = self.exchange.trades(ACCOUNT, self.spec.symbol, order_id=order_id, from_id=from_id, limit=ALL)
        return [fill_of(trade, self.instrument, "") for trade in trades]
