"""Grids that begin and end by themselves, lived through: the plain worker, told one price for each print."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random
from typing import Any, Protocol

from backtest.candles import Candles
from backtest.contract_market import moment_of
from backtest.core import layout as at
from backtest.scenario import Scenario
from chaos.contract_translate import params_of
from chaos.host import ACCOUNT, ALL, InProcessHost, Latency
from chaos.translate import amount
from domain.events import FundingRead, OrderReported, PriceSeen, TimerFired
from domain.exit_terms import ExitAction, ExitTerms
from domain.exits import ReachedExit
from domain.futures import FundingPayment
from domain.grids import Direction, GridPlan, Phase
from domain.orders import Intent, OrderType, Side
from fakes.contract_replay import ContractHost, offer_of, prints_of
from fakes.grid_examples import gate
from fakes.live_replay import ENDLESS, NO_LIMIT, Row, beside_bnb, offer_at, pay_fees, points, row_of
from fakes.replay_examples import bnb_price_at
from fakes.store import InMemoryStore
from grid.waiting import unmarked, was_reached
from grid.worker_events import WorkerEvent
from orders.books import FifoBooks
from simulator.core.symbols import SymbolSpec
from simulator.market.feed import BookUpdate, FeedStep
from simulator.um.core.contracts import ContractSpec
from simulator.um.core.orders import IncomeType


class Base(Protocol):
    exchange: Any


class _OnePrice(InProcessHost):
    """Tells the worker each print's own price, once, and offers all that an order at market takes there."""

    last: int | None = None

    def _symbol_name(self) -> str:
        raise NotImplementedError

    def _tell(self, event: WorkerEvent) -> None:
        if isinstance(event, PriceSeen) and self.last is not None:
            event = replace(event, price=amount(self.last))
        super()._tell(event)

    def _tell_price(self, _seen: PriceSeen) -> None:
        return

    def play(self, steps: Iterable[FeedStep]) -> None:
        for step in steps:
            self.settle()
            self.heap.advance_to(step.time_ms)
            for trade in step.trades:
                self.exchange.print_trade(trade)
            self.last = step.trades[-1].price
            self._tell(PriceSeen(self.instrument, amount(self.last), step.time_ms, self.heap.monotonic_s()))
            if step.book is not None:
                self.exchange.set_book(step.book.symbol, step.book.bids, step.book.asks)
            if self.heap.now_ms >= self._next_timer_ms:
                self._next_timer_ms = self.heap.market_ms() + 60_000
                self._tell(TimerFired())
        self.settle()

    def _with_book(self, intent: Intent, place: Callable[[], None]) -> Callable[[], None]:
        if intent.type is not OrderType.MARKET:
            return place

        def meet() -> None:
            level, name = ((self.last, ENDLESS),), self._symbol_name()
            sells = intent.side is Side.SELL
            self.exchange.set_book(name, level if sells else (), () if sells else level)
            place()
            self.exchange.set_book(name, (), ())

        return meet


class SpotEndsHost(_OnePrice):
    def _symbol_name(self) -> str:
        return self.spec.symbol

    def _placing(self, intent: Intent) -> Callable[[], None]:
        return self._with_book(intent, super()._placing(intent))


class ContractEndsHost(ContractHost, _OnePrice):
    def _symbol_name(self) -> str:
        return self._symbol

    def _placing(self, intent: Intent) -> Callable[[], None]:
        if intent.type is not OrderType.MARKET:
            return super()._placing(intent)

        def place() -> None:
            order = self.exchange.place(ACCOUNT, params_of(intent, self._symbol), self.heap.market_ms())
            fills = tuple(self._fill(fill, intent.client_id) for fill in order.fills)
            self._answer(OrderReported(self._order(order), fills))

        return self._with_book(intent, place)


@dataclass(frozen=True)
class EndsLived:
    """What the live code did and why it ended."""

    rows: list[Row]
    books: Any
    shown: Any
    reached: ReachedExit | None
    is_triggered: bool
    phase: Phase
    liquidated: bool = False


def live_to_its_end(
    candles: Candles, scenario: Scenario, spec: SymbolSpec, trades: Iterator[FeedStep] | None = None
) -> EndsLived:
    """Run a spot scenario on the in-process host without latency, on the candles' points or on trades."""
    row_ms = candles.interval_ms if trades is None else 1
    limit = scenario.max_exposure or NO_LIMIT
    host = SpotEndsHost(
        spec=spec,
        balances=dict(scenario.balances),
        store=InMemoryStore(),
        gate=gate(max_order_notional=NO_LIMIT, max_exposure=limit, max_orders_per_10s=10**9),
        start_ms=candles.start_ms,
        seed=0,
        latency=Latency(0.0, 0.0),
        fee_price=lambda _asset, at_ms: bnb_price_at(scenario, at_ms, row_ms),
    )
    host.rules = scenario.rules
    pay_fees(host, scenario)
    steps = beside_bnb(trades or points(candles, scenario, spec), scenario, row_ms)
    _play(host, steps, scenario, lambda price: BookUpdate(spec.symbol, (), ((price, offer_at(scenario, price)),)))
    fills = list(host.store.fills(1))
    rows = [row_of(fill, scenario) for fill in fills]
    books = FifoBooks(scenario.rules.instrument)
    for fill, row in zip(fills, rows, strict=True):
        books.add(fill, bnb_price_at(scenario, fill.time_ms, row_ms), lane=row[1])
    now = bnb_price_at(scenario, candles.end_ms - 1, row_ms)
    marked = books.marked(amount(int(candles.close[-1])), {} if now is None else {"BNB": now})
    return _lived(host, rows, marked)


def _play(
    host: InProcessHost, steps: Iterator[FeedStep], scenario: Scenario, offer: Callable[[int], BookUpdate]
) -> None:
    first = next(steps)
    host.play([first])
    host.start(scenario.plan)
    host.settle()
    for step in steps:
        phase = host.snapshot().phase
        offered = offer(step.trades[-1].price)
        book = step.book if phase is Phase.ENTERING else BookUpdate(offered.symbol, (), ())
        if phase is Phase.WAITING:
            book = offered
        host.play([FeedStep(step.time_ms, step.trades, book)])


def _lived(host: InProcessHost, rows: list[Row], books: Any, *, liquidated: bool = False) -> EndsLived:
    word, shown = host.store.grids()[0].on_stop, host.snapshot()
    reached = ReachedExit.of(unmarked(word))
    return EndsLived(rows, books, shown.books, reached, was_reached(word), shown.phase, liquidated)


def ending(random: Random, plan: GridPlan, step: Decimal, tick: Decimal) -> GridPlan:
    """Return a plan that may begin at a trigger and ends by itself at something near to what its market does."""
    direction, capital = plan.request.direction, plan.request.capital or plan.capital_needed or Decimal(1_000)
    sign = -1 if direction is Direction.SHORT else 1
    away = Decimal(random.choice(["0.4", "1", "2.3", "5"])) * step
    price = (plan.start_price + sign * away) // tick * tick
    has_price = direction is not Direction.NEUTRAL and random.random() < 0.5 and price > 0
    gain = (capital * Decimal(random.choice(["0.001", "0.004", "0.02"]))).quantize(Decimal("1e-8"))
    loss = (capital * Decimal(random.choice(["0.0005", "0.003", "0.01", "0.04"]))).quantize(Decimal("1e-8"))
    below = (plan.prices[0] - Decimal(random.choice([1, 30])) * tick * 10) // tick * tick
    stops = direction is Direction.LONG and random.random() < 0.3 and below > 0
    terms = ExitTerms(
        take_profit_price=price if has_price and price != plan.start_price else None,
        take_profit_amount=gain if random.random() < 0.5 else None,
        stop_loss_amount=loss if random.random() < 0.5 else None,
        on_take_profit=random.choice([None, *ExitAction]),
        on_stop_loss=random.choice([None, *ExitAction]),
    )
    request = replace(plan.request, exits=terms, stop_below=below if stops else None)
    return replace(plan, request=request)


def waiting(random: Random, plan: GridPlan, step: Decimal, tick: Decimal) -> GridPlan:
    """Return a plan that some of the time waits for its own start price, from a price beside it."""
    if random.random() < 0.6:
        return plan
    trigger = plan.start_price
    begins = trigger + Decimal(random.choice([-1, 1])) * (step * random.choice([1, 2]) // tick * tick)
    return replace(plan, request=replace(plan.request, trigger_price=trigger), waits_from=begins)


def begins_at(candles: Candles, price: int) -> Candles:
    """Return candles whose first open is a price."""
    opened, high, low = candles.open.copy(), candles.high.copy(), candles.low.copy()
    opened[0] = price
    high[0], low[0] = max(high[0], price), min(low[0], price)
    return replace(candles, open=opened, high=high, low=low)


def live_to_its_end_on_a_contract(candles: Candles, scenario: Scenario, spec: ContractSpec) -> EndsLived:
    """Run a contract scenario; the worker hears of funding at once, and after every point the mark price follows it."""
    host = ContractEndsHost(spec, scenario, candles.start_ms)
    assert scenario.contract is not None
    funding = scenario.contract.funding
    due = [
        (moment, rate, mark or int(candles.open[moment // at.POINTS_PER_ROW]))
        for time_ms, rate, mark in zip(
            funding.time_ms.tolist(), funding.rate.tolist(), funding.mark.tolist(), strict=True
        )
        if (moment := moment_of(time_ms // 60_000 * 60_000, candles)) is not None
    ]
    liquidated = False
    for moment, step in enumerate(prints_of(candles, scenario, spec)):
        while due and due[0][0] <= moment:
            _, rate, mark = due.pop(0)
            host.exchange.settle_funding(spec.symbol, rate, mark, step.time_ms)
            host.heap.advance_to(step.time_ms)
            host.tell(_paid(host))
        phase = None if moment == 0 else host.snapshot().phase
        book = step.book if phase in (None, Phase.ENTERING) else BookUpdate(spec.symbol, (), ())
        if phase is Phase.WAITING:
            book = offer_of(step.trades[0].price, scenario, spec)
        host.set_timer(step.time_ms + (0 if moment % at.POINTS_PER_ROW == 0 else 1))
        host.play([FeedStep(step.time_ms, step.trades, book)])
        price = step.trades[0].price
        if moment == 0:
            host.exchange.set_mark(spec.symbol, price, price, step.time_ms)
            host.start(scenario.plan)
            host.settle()
        host.exchange.set_mark(spec.symbol, price, price, step.time_ms)
        if host.exchange.force_orders(ACCOUNT):
            liquidated = True
            break
    rows = [row_of(fill, scenario) for fill in host.store.fills(1)]
    books = FifoBooks(scenario.rules.instrument)
    for fill, row in zip(host.store.fills(1), rows, strict=True):
        books.add(fill, lane=row[1])
    for payment in _paid(host).payments:
        books.add_funding(payment.amount)
    assert host.refused == []
    return _lived(host, rows, books.marked(amount(int(candles.close[-1]))), liquidated=liquidated)


def _paid(host: ContractEndsHost) -> FundingRead:
    rows = host.exchange.income(ACCOUNT, type=IncomeType.FUNDING_FEE, limit=ALL)
    now = host.heap.market_ms()
    payments = tuple(
        FundingPayment(
            instrument=host.instrument, id=row.tran_id, amount=amount(row.amount), asset="USDT", at_ms=row.time_ms
        )
        for row in rows
    )
    return FundingRead(host.instrument, 0, now, now + 10**12, (), payments)
