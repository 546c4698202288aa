"""A contract scenario lived through: the plain grid worker and the USD-M core, fed with a candle's points."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl

from backtest.candles import Candles
from backtest.contract_market import ContractMarket, FundingHistory, moment_of
from backtest.core import layout as at
from backtest.scenario import PathRule, Scenario
from chaos.clock import EventHeap
from chaos.host import ACCOUNT, ALL, TIMER_EVERY_MS, InProcessHost, Latency
from chaos.translate import STATUS, amount, scaled
from domain.events import CancelRefused, OpenOrdersRead, OrderRefused, OrderReported, PriceSeen
from domain.futures import Bracket
from domain.futures import MarginType as GridMargin
from domain.grids import Books, ContractTerms, Direction, GridPlan, GridRequest, Reinvesting, Spacing
from domain.instrument import Instrument, InstrumentRules, Market
from domain.orders import Fill, Intent, OrderType, Side, TimeInForce, VenueOrder
from fakes.grid_examples import gate
from fakes.live_replay import ENDLESS, NO_LIMIT, Row, lane_of, quantity_of, row_of, show_price
from fakes.store import InMemoryStore
from grid.core import ladder
from grid.core.sizes import GrowingSizes
from orders.books import FifoBooks
from orders.effects import LookUp, ReadOpen, ReadTrades
from simulator.core.errors import ExchangeError
from simulator.core.events import MarketTrade, PublicTrade
from simulator.core.orders import Side as VenueSide
from simulator.core.symbols import NOTIONAL_UNIT, UNIT
from simulator.market.feed import BookUpdate, FeedStep
from simulator.market.files import parse_moment
from simulator.um.core.catalogue import brackets_of
from simulator.um.core.contracts import ContractSpec
from simulator.um.core.events import FuturesEvent, OrderUpdate
from simulator.um.core.exchange import FuturesExchange
from simulator.um.core.orders import (
    FuturesFill,
    FuturesOrder,
    FuturesOrderType,
    FuturesParams,
    FuturesTimeInForce,
    IncomeType,
    MarginType,
)
from simulator.um.core.views import AccountView, PositionView

WOULD_TAKE = -5022
START_MS = 1_722_729_600_000
MINUTE_MS = 60_000
STEPS = ((50, 50, 4_000), (20, 500, 10_000), (5, 10_000, 100_000), (2, 1_000_000, 250_000))


def contract_spec(tick: int, lot: int, **changes: Any) -> ContractSpec:
    """Return a made-up contract; its brackets are steep, so that small positions reach several."""
    values: dict[str, Any] = {
        "symbol": "TSTUSDT",
        "base": "TST",
        "tick": tick,
        "lot": lot,
        "price_precision": 8,
        "quantity_precision": 8,
        "min_qty": lot,
        "min_notional": 5 * UNIT,
        "mult_up_ppm": 5_000_000,
        "mult_down_ppm": 100_000,
        "brackets": brackets_of(STEPS),
    }
    return ContractSpec(**(values | changes))


def rules_of_contract(spec: ContractSpec) -> InstrumentRules:
    return InstrumentRules(
        instrument=Instrument("binance", Market.FUTURES, spec.base, spec.quote),
        status=spec.status,
        tick=amount(spec.tick),
        lot=amount(spec.lot),
        min_quantity=amount(spec.min_qty),
        max_quantity=amount(spec.max_qty),
        min_notional=amount(spec.min_notional),
        max_open_orders=spec.max_orders,
    )


def brackets_for_grid(spec: ContractSpec) -> tuple[Bracket, ...]:
    return tuple(
        Bracket(
            floor=amount(bracket.floor),
            cap=amount(bracket.cap),
            max_leverage=bracket.max_leverage,
            maintenance_rate=Decimal(bracket.rate_ppm) / 10**6,
            deduction=amount(bracket.cum),
        )
        for bracket in spec.brackets
    )


def contract_plan(
    spec: ContractSpec,
    start: int,
    direction: Direction,
    *,
    levels: int = 8,
    spacing_ppm: int = 10_000,
    lots: int = 100,
    leverage: int = 5,
    margin_type: GridMargin = GridMargin.CROSS,
    empty: bool = False,
    growth_ppm: int = 0,
    reinvesting: Reinvesting | None = None,
) -> GridPlan:
    """Return a plan around `start` (1e-8) with so many lots on each rung, whatever margin that takes."""
    rules = rules_of_contract(spec)
    rungs = ladder.geometric_around(start // spec.tick, spacing_ppm, levels)
    gap = ladder.nearest_rung(rungs, start // spec.tick)
    held = GrowingSizes(levels - 1, gap, growth_ppm).lots(lots)
    traded = {Direction.LONG: sum(held[gap:]), Direction.NEUTRAL: 0, Direction.SHORT: sum(held[:gap])}[direction]
    slip = Decimal("0.995") if direction is Direction.SHORT else Decimal("1.005")
    return GridPlan(
        request=GridRequest(
            instrument=rules.instrument,
            levels=levels,
            spacing=Spacing.GEOMETRIC,
            direction=direction,
            start_empty=empty,
            leverage=leverage,
            margin_type=margin_type,
        ),
        start_price=amount(start),
        prices=tuple(rules.price(rung) for rung in rungs),
        gap=gap,
        quantity_per_rung=rules.quantity(lots),
        entry_quantity=rules.quantity(0 if empty else traded),
        entry_limit_price=rules.price(int(start // spec.tick * slip)),
        capital_needed=Decimal(0),
        profit_per_cycle=Decimal(0),
        rules=rules,
        terms=ContractTerms(leverage=leverage, margin_type=margin_type, hedge_mode=False),
        cell_quantities=tuple(rules.quantity(count) for count in held) if growth_ppm else (),
        reinvesting=reinvesting,
    )


def wild_candles(
    random: Random, start: int, tick: int, step: int, count: int, *, interval_ms: int = MINUTE_MS
) -> Candles:
    """Return candles whose moves are of the size of a step between rungs; closes and next opens may gap."""
    rows, price = [], start
    for index in range(count):
        first = max(price + (random.choice([0, 0, 0, step, -step]) if index else 0), tick)
        last = max(first + random.randint(-2 * step, 2 * step) + (start - first) // 20, tick)
        high = max(first, last) + random.randint(0, step)
        low = max(min(first, last) - random.randint(0, step), tick)
        rows.append([value // tick * tick for value in (first, high, low, last)])
        price = last
    columns = np.array(rows, dtype=np.int64).T.copy()
    return Candles(
        symbol="TSTUSDT",
        market=Market.FUTURES,
        interval_ms=interval_ms,
        open_ms=START_MS + interval_ms * np.arange(count, dtype=np.int64),
        open=columns[0],
        high=columns[1],
        low=columns[2],
        close=columns[3],
        volume=np.array([random.randint(0, 400) for _ in range(count)], dtype=np.float64),
    )


@dataclass(frozen=True)
class ContractLived:
    """What the live code and the venue did; amounts of the venue in its own units."""

    rows: list[Row]
    books: Books
    shown: Books
    account: AccountView
    position: PositionView
    liquidated_ms: int | None
    refused: list[str]


def live_through_contract(candles: Candles, scenario: Scenario, spec: ContractSpec) -> ContractLived:
    """Run the scenario on the in-process host without latency; after every point the mark price follows it."""
    host = ContractHost(spec, scenario, candles.start_ms)
    assert scenario.contract is not None
    due = iter(_due(scenario.contract, candles))
    next_due = next(due, None)
    steps = prints_of(candles, scenario, spec)
    liquidated_ms = None
    entering = True
    for moment, step in enumerate(steps):
        while next_due is not None and next_due[0] <= moment:
            host.exchange.settle_funding(spec.symbol, next_due[1], next_due[2], step.time_ms)
            next_due = next(due, None)
        offer = step.book if entering else BookUpdate(spec.symbol, (), ())
        host.set_timer(step.time_ms + (0 if moment % at.POINTS_PER_ROW == 0 else 1))
        host.play([FeedStep(step.time_ms, step.trades, offer)])
        show_price(host, step)
        if moment == 0:
            host.exchange.set_mark(spec.symbol, step.trades[0].price, step.trades[0].price, step.time_ms)
            host.start(scenario.plan)
            host.settle()
        entering = entering and scenario.plan.entry_quantity > 0 and not host.store.fills(1)
        host.exchange.set_mark(spec.symbol, step.trades[0].price, step.trades[0].price, step.time_ms)
        if host.exchange.force_orders(ACCOUNT):
            liquidated_ms = step.time_ms
            break
    fills = list(host.store.fills(1))
    rows = [row_of(fill, scenario) for fill in fills]
    books = FifoBooks(scenario.rules.instrument)
    for fill, row in zip(fills, rows, strict=True):
        books.add(fill, lane=lane_of(row[1], scenario))
    for income in host.exchange.income(ACCOUNT, type=IncomeType.FUNDING_FEE, limit=ALL):
        books.add_funding(amount(income.amount))
    return ContractLived(
        rows=rows,
        books=books.marked(amount(int(candles.close[-1]))),
        shown=host.snapshot().books,
        account=host.exchange.account(ACCOUNT),
        position=host.exchange.positions(ACCOUNT, spec.symbol)[0],
        liquidated_ms=liquidated_ms,
        refused=host.refused,
    )


def _due(contract: ContractMarket, candles: Candles) -> list[tuple[int, int, int]]:
    """Return moment, rate and mark of what is settled within the candles."""
    funding, told = contract.funding, []
    for time_ms, rate, mark in zip(funding.time_ms.tolist(), funding.rate.tolist(), funding.mark.tolist(), strict=True):
        moment = moment_of(time_ms // MINUTE_MS * MINUTE_MS, candles)
        if moment is not None:
            told.append((moment, rate, mark or int(candles.open[moment // at.POINTS_PER_ROW])))
    return told


def prints_of(candles: Candles, scenario: Scenario, spec: ContractSpec) -> Iterator[FeedStep]:
    """Yield four prints for each candle; the opens offer what the first trade and rungs passed since may take."""
    columns = (candles.open_ms, candles.open, candles.high, candles.low, candles.close, candles.volume)
    for open_ms, first, high, low, last, volume in zip(*(column.tolist() for column in columns), strict=True):
        quantity = quantity_of(scenario, volume, spec)
        low_first = (last >= first) != (scenario.path is PathRule.OPTIMISTIC)
        way = (first, low, high, last) if low_first else (first, high, low, last)
        interval = candles.interval_ms
        times = (open_ms, open_ms + interval // 4, open_ms + interval // 2, open_ms + interval - 1)
        for index, (price, time_ms) in enumerate(zip(way, times, strict=True)):
            trade = MarketTrade(spec.symbol, price, quantity, time_ms, buyer_is_maker=False)
            book = offer_of(price, scenario, spec) if index == 0 else BookUpdate(spec.symbol, (), ())
            yield FeedStep(time_ms, (trade,), book)


def offer_of(price: int, scenario: Scenario, spec: ContractSpec) -> BookUpdate:
    """Return an offer on the side that entries take, no more than the first trade takes where exits could rest."""
    plan = scenario.plan
    middle, whole = plan.prices[plan.gap], scaled(plan.entry_quantity)
    direction, at_price = plan.request.direction, amount(price)
    if direction is Direction.SHORT or (direction is Direction.NEUTRAL and at_price >= middle):
        size = ENDLESS if at_price > middle or direction is Direction.NEUTRAL else whole
        return BookUpdate(spec.symbol, ((price, size),) if size else (), ())
    size = ENDLESS if at_price < middle else whole
    return BookUpdate(spec.symbol, (), ((price, size),) if size else ())


class ContractHost(InProcessHost):
    """The in-process host on the USD-M core, in one-way mode."""

    def __init__(self, spec: ContractSpec, scenario: Scenario, start_ms: int) -> None:
        self._fee_price = lambda _asset, _at_ms: None
        self.heap = EventHeap(start_ms)
        self.rules = scenario.rules
        self.instrument = self.rules.instrument
        self.store = InMemoryStore()
        self.refused: list[str] = []
        self.finished = False
        self._symbol = spec.symbol
        limit = NO_LIMIT if scenario.max_exposure is None else scenario.max_exposure
        self._gate = gate(max_order_notional=NO_LIMIT, max_exposure=limit, max_orders_per_10s=10**9)
        self._latency = Latency(0.0, 0.0)
        self._random = Random(0)
        self._stream_ms = 0.0
        self._worker = None
        self._next_timer_ms = start_ms + TIMER_EVERY_MS
        fees, terms = scenario.fees, scenario.terms
        self.exchange: Any = FuturesExchange(
            [spec], maker_ppm=fees.maker_ppm, taker_ppm=fees.taker_ppm, listener=self._on_futures_event
        )
        self.exchange.open_account(ACCOUNT)
        self.exchange.transfer(ACCOUNT, scaled(scenario.balances[spec.quote]), start_ms)
        isolated = terms.margin_type is GridMargin.ISOLATED
        margin_type = MarginType.ISOLATED if isolated else MarginType.CROSSED
        if isolated:
            self.exchange.set_margin_type(ACCOUNT, spec.symbol, margin_type, start_ms)
        self.exchange.set_leverage(ACCOUNT, spec.symbol, terms.leverage, start_ms)

    def set_timer(self, at_ms: int) -> None:
        """Let the timer come at a time: of a candle at its open alone, when a first trade is tried again."""
        self._next_timer_ms = at_ms

    def _on_futures_event(self, event: FuturesEvent) -> None:
        if isinstance(event, OrderUpdate):
            fills = () if event.fill is None else (self._fill(event.fill, event.order.client_id),)
            report = OrderReported(self._order(event.order), fills)
            self._by_stream(lambda: self._tell(report))
        elif isinstance(event, PublicTrade):
            seen = PriceSeen(self.instrument, amount(event.price), event.time_ms, self.heap.monotonic_s())
            self._tell_price(seen)

    def _placing(self, intent: Intent) -> Callable[[], None]:
        def place() -> None:
            try:
                order = self.exchange.place(ACCOUNT, _params(intent, self._symbol), self.heap.market_ms())
            except ExchangeError as error:
                if error.code != WOULD_TAKE:
                    self.refused.append(error.message)
                self._answer(OrderRefused(intent.client_id, error.code, error.message, error.code == WOULD_TAKE))
                return
            fills = tuple(self._fill(fill, intent.client_id) for fill in order.fills)
            self._answer(OrderReported(self._order(order), fills))

        return place

    def _cancelling(self, client_id: str) -> Callable[[], None]:
        def cancel() -> None:
            try:
                order = self.exchange.cancel(ACCOUNT, self._symbol, client_id=client_id, now_ms=self.heap.market_ms())
            except ExchangeError as error:
                self._answer(CancelRefused(client_id, error.code, error.message))
                return
            self._answer(OrderReported(self._order(order)))

        return cancel

    def _asking(self, effect: LookUp | ReadOpen | ReadTrades) -> Callable[[], None]:
        assert isinstance(effect, ReadOpen), effect
        since, started_s = effect.since_trade_id, self.heap.monotonic_s()

        def read() -> None:
            listed = tuple(self._order(order) for order in self.exchange.open_orders(ACCOUNT, self._symbol))
            rows = [] if since is None else self.exchange.trades(ACCOUNT, self._symbol, from_id=since, limit=ALL)
            fills = tuple(self._fill(row, "") for row in rows)
            self._answer(OpenOrdersRead(self.instrument, listed, fills, started_s, since is not None))

        return read

    def _order(self, order: FuturesOrder) -> VenueOrder:
        return VenueOrder(
            instrument=self.instrument,
            client_id=order.client_id,
            venue_order_id=order.order_id,
            side=Side(order.side.value),
            type=OrderType.LIMIT,
            status=STATUS[order.status],
            price=amount(order.price),
            quantity=amount(order.quantity),
            executed_quantity=amount(order.executed),
            updated_ms=order.update_ms,
        )

    def _fill(self, fill: FuturesFill, client_id: str) -> Fill:
        return Fill(
            instrument=self.instrument,
            trade_id=fill.trade_id,
            client_id=client_id,
            venue_order_id=fill.order_id,
            side=Side(fill.side.value),
            price=amount(fill.price),
            quantity=amount(fill.quantity),
            quote_quantity=amount(fill.quote, NOTIONAL_UNIT),
            commission=amount(fill.commission),
            commission_asset=fill.commission_asset,
            is_maker=fill.is_maker,
            time_ms=fill.time_ms,
            realized_profit=amount(fill.realized_pnl),
        )


def _params(intent: Intent, symbol: str) -> FuturesParams:
    in_force = {
        None: FuturesTimeInForce.GTX,
        TimeInForce.GTC: FuturesTimeInForce.GTC,
        TimeInForce.IOC: FuturesTimeInForce.IOC,
    }
    assert intent.price is not None
    return FuturesParams(
        symbol=symbol,
        side=VenueSide(intent.side.value),
        type=FuturesOrderType.LIMIT,
        time_in_force=in_force[intent.time_in_force],
        quantity=scaled(intent.quantity),
        price=scaled(intent.price),
        client_id=intent.client_id,
    )


def recorded_contract(data: Path, symbol: str, day: str, *, days: int) -> Candles:
    """Return recorded candles of five minutes; recorded prices are floats of at most 8 decimals."""
    frame = pl.read_parquet(data / "market" / "um" / f"{symbol}_5m.parquet")
    opened = frame["open_time"].dt.epoch("ms").to_numpy()
    start = parse_moment(day)
    first, last = np.searchsorted(opened, [start, start + days * 86_400_000])
    columns = {
        name: np.rint(frame[name].to_numpy()[first:last] * 1e8).astype(np.int64)
        for name in ("open", "high", "low", "close")
    }
    return Candles(
        symbol=symbol,
        market=Market.FUTURES,
        interval_ms=5 * MINUTE_MS,
        open_ms=opened[first:last].astype(np.int64),
        volume=frame["volume"].to_numpy()[first:last].copy(),
        **columns,
    )


def recorded_funding(data: Path, symbol: str, candles: Candles) -> FundingHistory:
    """Return the settlements within the candles, their marks unknown."""
    rows = [line.split(",") for line in (data / "market" / "um" / f"{symbol}_funding.csv").read_text().split()[1:]]
    told = [(int(at_ms), scaled(Decimal(rate)), 0) for at_ms, rate in rows]
    inside = [row for row in told if candles.start_ms <= row[0] < candles.end_ms]
    time_ms, rate, mark = np.array(inside, dtype=np.int64).T.copy()
    return FundingHistory(time_ms=time_ms, rate=rate, mark=mark)


def funding_every(candles: Candles, every: int, random: Random, *, known: bool) -> FundingHistory:
    """Return settlements every so many candles, off the open of some; their marks are known or not."""
    rows = list(range(every, len(candles), every))
    later = [0, 7, candles.interval_ms // 4, candles.interval_ms // 3]
    times = [int(candles.open_ms[row]) + random.choice(later) for row in rows]
    marks = [int(candles.open[row]) + random.randint(-99_999, 99_999) if known else 0 for row in rows]
    rates = [random.choice([0, 10_000, -7_777, 123_457, -200_000]) for _ in rows]
    columns = (np.array(column, dtype=np.int64) for column in (times, rates, marks))
    time_ms, rate, mark = columns
    return FundingHistory(time_ms=time_ms, rate=rate, mark=mark)
