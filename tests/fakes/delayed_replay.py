"""A scenario lived through with orders that travel: the plain grid worker behind a delay line in market time.

Placements and cancels reach the matching core `latency_ms` after they were decided, whatever the market does meanwhile;
answers and reports come at once. The worker's timer comes every second, as live.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from backtest.candles import Candles
from backtest.scenario import Scenario
from chaos.host import InProcessHost, Latency
from chaos.translate import amount
from domain.events import CancelRefused, OrderEvent, OrderRefused, PriceSeen, TimerFired
from domain.grids import GridPlan
from domain.orders import Intent, OrderType, Side
from fakes.grid_examples import gate
from fakes.live_replay import ENDLESS, NO_LIMIT, Lived, beside_bnb, pay_fees, points, what_lived
from fakes.store import InMemoryStore
from grid.worker_events import Effect
from grid.worker_host import TIMER_S
from orders.effects import Cancel, Submit
from simulator.core.events import ExchangeEvent, OrderChanged, PublicTrade
from simulator.core.symbols import SymbolSpec
from simulator.market.feed import FeedStep

TIMER_MS = int(TIMER_S * 1000)
NO_RATE = 10**9


@dataclass
class Happened:
    """How often what the tests want to see came about."""

    post_only_refusals: int = 0
    late_cancels: int = 0
    other_refusals: int = 0
    takes: int = 0


class DelayLineHost(InProcessHost):
    """Lets the market move on while requests travel.

    The venue stands where its last print was: an order whose price that print went through, and the first purchase,
    meets as much as it wants at that price.
    """

    def __init__(self, *, latency_ms: int, **named: Any) -> None:
        super().__init__(seed=0, latency=Latency(0.0, 0.0), **named)
        self.happened = Happened()
        self.bnb_price: Decimal | None = None
        self.paid_at: dict[int, Decimal | None] = {}  # what BNB cost, by trade id
        self._way_ms = latency_ms
        self._last = 0
        self._next_timer: float = float("inf")

    def begin(self, first: FeedStep, plan: GridPlan) -> None:
        """Print the first step, then start the grid."""
        self._print(first)
        self._next_timer = first.time_ms + TIMER_MS
        self.start(plan)
        self._hear(first.time_ms)
        self._run_until(first.time_ms)

    def go_on(self, steps: Iterable[FeedStep]) -> None:
        """Print step by step; what is due by then happens before."""
        for step in steps:
            self._run_until(step.time_ms)
            self._print(step)
            self._run_until(step.time_ms)

    def _print(self, step: FeedStep) -> None:
        self.heap.advance_to(step.time_ms)
        for trade in step.trades:
            if trade.symbol == self.spec.symbol:
                self._last = trade.price
                self._hear(step.time_ms)
            else:
                self.bnb_price = amount(trade.price)
            self.exchange.print_trade(trade)

    def _hear(self, time_ms: int) -> None:
        """Tell the price before it fills anything, also where a print leaves nothing to others."""
        self._tell_price(PriceSeen(self.instrument, amount(self._last), time_ms, self.heap.monotonic_s()))

    def _on_exchange_event(self, event: ExchangeEvent) -> None:
        if isinstance(event, PublicTrade):
            return
        if isinstance(event, OrderChanged) and event.fill is not None:
            self.paid_at[event.fill.trade_id] = self.bnb_price
        super()._on_exchange_event(event)

    def _run_until(self, until_ms: int) -> None:
        while True:
            due_ms = self.heap.next_ms()
            if due_ms is not None and due_ms <= min(until_ms, self._next_timer):
                self.heap.run_next()
            elif self._next_timer <= until_ms:
                self.heap.advance_to(int(self._next_timer))
                self._next_timer += TIMER_MS
                self.tell(TimerFired())
            else:
                return

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Submit(intent=intent):
                    self.heap.after(self._way_ms, self._placing(intent))
                case Cancel(client_id=client_id):
                    self.heap.after(self._way_ms, self._cancelling(client_id))
                case _:
                    super()._carry_out([effect])

    def _answer(self, event: Any) -> None:
        self._count(event)
        super()._answer(event)

    def _count(self, event: OrderEvent) -> None:
        if isinstance(event, OrderRefused):
            self.happened.post_only_refusals += event.would_take
            self.happened.other_refusals += not event.would_take
        self.happened.late_cancels += isinstance(event, CancelRefused)

    def _placing(self, intent: Intent) -> Callable[[], None]:
        inner = super()._placing(intent)

        def place() -> None:
            bids, asks = self._offered(intent)
            self.happened.takes += bool(bids or asks) and intent.type is not OrderType.LIMIT_MAKER
            self.exchange.set_book(self.spec.symbol, bids, asks)
            inner()
            self.exchange.set_book(self.spec.symbol, (), ())

        return place

    def _offered(self, intent: Intent) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
        assert intent.price is not None
        price, offer = int(intent.price * 10**8), ((self._last, ENDLESS),)
        if intent.slot.side is Side.SELL:
            return (offer if self._last > price else ()), ()
        takes_here = intent.slot.role.name == "ENTRY" and self._last == price
        return (), (offer if self._last < price or takes_here else ())


def live_through_delays(
    candles: Candles, scenario: Scenario, spec: SymbolSpec, steps: Iterator[FeedStep] | None = None
) -> tuple[Lived, Happened]:
    """Run the scenario with its latency on the candles' points, or on `steps`; what is under way at the end is lost."""
    row_ms = 1 if steps else candles.interval_ms
    host = DelayLineHost(
        latency_ms=scenario.delays.latency_ms,
        spec=spec,
        balances=dict(scenario.balances),
        store=InMemoryStore(),
        gate=gate(
            max_order_notional=NO_LIMIT,
            max_exposure=scenario.max_exposure or NO_LIMIT,
            max_orders_per_10s=scenario.delays.orders_per_10s or NO_RATE,
            max_price_distance=NO_LIMIT,
        ),
        start_ms=candles.start_ms,
        fee_price=lambda _asset, _at_ms: host.bnb_price,
    )
    pay_fees(host, scenario)
    steps = beside_bnb(steps or points(candles, scenario, spec), scenario, row_ms)
    host.begin(next(steps), scenario.plan)
    host.go_on(steps)
    lived = what_lived(host, scenario, candles, lambda fill: host.paid_at[fill.trade_id], host.bnb_price)
    return lived, host.happened
