"""A scenario lived through: the plain grid worker and the simulator's matching core, fed with a candle's points."""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np

from backtest.candles import Candles
from backtest.result import BUY, ENTRY_CELL, FEE_IN_BASE, FEE_IN_BNB, FEE_IN_QUOTE, SELL
from backtest.scenario import PPM, FillKind, PathRule, Scenario
from backtest.trade_slices import TradeSlice
from chaos.host import ACCOUNT, InProcessHost, Latency
from domain.events import PriceSeen
from domain.grids import Books, Phase
from domain.instrument import Market
from domain.money import to_units
from domain.orders import Fill, Role, Side
from fakes.grid_examples import gate
from fakes.replay_examples import bnb_price_at
from fakes.store import InMemoryStore
from orders.books import FifoBooks
from orders.client_ids import ClientId
from simulator.core.events import MarketTrade
from simulator.core.symbols import UNIT, SymbolSpec
from simulator.market.catalogue import SPECS
from simulator.market.feed import BookUpdate, FeedStep

ENDLESS = 10**15 * UNIT
NO_LIMIT = Decimal(10**15)
Row = tuple[int, int, int, int, int, int, int]


@dataclass(frozen=True)
class Lived:
    """What the live code did: fills as rows of `Fills.rows`, its books, its balances."""

    rows: list[Row]
    fills: list[Fill]
    books: Books
    balances: dict[str, Decimal]
    marked: Books


def live_through(
    candles: Candles,
    scenario: Scenario,
    spec: SymbolSpec,
    steps: Iterator[FeedStep] | None = None,
    *,
    max_exposure: Decimal | None = None,
) -> Lived:
    """Run the scenario on the in-process host without latency, on the candles' points or on `steps`."""
    row_ms = 1 if steps else candles.interval_ms
    host = InProcessHost(
        spec=spec,
        balances=dict(scenario.balances),
        store=InMemoryStore(),
        gate=gate(
            max_order_notional=NO_LIMIT,
            max_exposure=max_exposure or scenario.max_exposure or NO_LIMIT,
            max_orders_per_10s=10**9,
        ),
        start_ms=candles.start_ms,
        seed=0,
        latency=Latency(0.0, 0.0),
        fee_price=lambda _asset, at_ms: bnb_price_at(scenario, at_ms, row_ms),
    )
    pay_fees(host, scenario)
    steps = beside_bnb(steps or points(candles, scenario, spec), scenario, row_ms)
    first = next(steps)
    host.play([first])
    host.start(scenario.plan)
    host.settle()
    entering = host.snapshot().phase is Phase.ENTERING
    last_ms = first.time_ms
    for step in steps:
        last_ms = step.time_ms
        offer = step.book if entering else BookUpdate(spec.symbol, (), ())
        host.play([FeedStep(step.time_ms, step.trades, offer)])
        show_price(host, step)
        entering = entering and host.snapshot().phase is Phase.ENTERING
    now = bnb_price_at(scenario, last_ms, row_ms)
    return what_lived(host, scenario, candles, lambda fill: bnb_price_at(scenario, fill.time_ms, row_ms), now)


def what_lived(
    host: InProcessHost,
    scenario: Scenario,
    candles: Candles,
    bnb_at: Callable[[Fill], Decimal | None],
    bnb_now: Decimal | None,
    *,
    grid_id: int = 1,
) -> Lived:
    """Return what a host's grid did, its books at the last close and at what BNB cost at each fill and costs now."""
    fills = list(host.store.fills(grid_id))
    rows = [row_of(fill, scenario) for fill in fills]
    books = FifoBooks(scenario.rules.instrument)
    for fill, row in zip(fills, rows, strict=True):
        books.add(fill, bnb_at(fill), lane=lane_of(row[1], scenario))
    prices = {} if bnb_now is None else {"BNB": bnb_now}
    marked = books.marked(to_decimal(int(candles.close[-1])), prices)
    return Lived(rows, fills, host.snapshot().books, host.balances(), marked)


def show_price(host: InProcessHost, step: FeedStep) -> None:
    """Let the grid see the price of a print that fills nothing at it: the exchange tells of trades alone."""
    its = host.instrument
    for trade in step.trades:
        if not trade.qty and trade.symbol == f"{its.base}{its.quote}":
            host.tell(PriceSeen(host.instrument, to_decimal(trade.price), step.time_ms, host.heap.monotonic_s()))
            host.settle()


def lane_of(cell: int, scenario: Scenario) -> int:
    """Return what a cell's fills are matched by: of a ladder that follows the price each comes again and again."""
    plan = scenario.plan
    return cell % (len(plan.prices) - 1) if plan.master and cell >= 0 else cell


def pay_fees(host: InProcessHost, scenario: Scenario) -> None:
    """Let the account pay what the scenario's fees say."""
    host.exchange.set_commission(
        ACCOUNT,
        maker_ppm=scenario.fees.maker_ppm,
        taker_ppm=scenario.fees.taker_ppm,
        pays_in_bnb=scenario.fees.first_bnb_price is not None,
    )
    host.exchange.add_symbol(SPECS["BNBUSDT"])


def beside_bnb(steps: Iterator[FeedStep], scenario: Scenario, row_ms: int) -> Iterator[FeedStep]:
    """Yield the steps, before each of them a print of what BNB is known to cost in its row of `row_ms`."""
    for step in steps:
        price = bnb_price_at(scenario, step.time_ms, row_ms)
        told = () if price is None else (MarketTrade("BNBUSDT", to_units(price), UNIT, step.time_ms, False),)
        yield FeedStep(step.time_ms, (*told, *step.trades), step.book)


def points(candles: Candles, scenario: Scenario, spec: SymbolSpec) -> Iterator[FeedStep]:
    """Yield the prints; the opens offer base at their price, for the first purchase."""
    columns = zip(
        candles.open_ms.tolist(),
        candles.open.tolist(),
        candles.high.tolist(),
        candles.low.tolist(),
        candles.close.tolist(),
        candles.volume.tolist(),
        strict=True,
    )
    for open_ms, first, high, low, last, volume in columns:
        quantity = quantity_of(scenario, volume, spec)
        low_first = (last >= first) != (scenario.path is PathRule.OPTIMISTIC)
        way = (first, low, high, last) if low_first else (first, high, low, last)
        interval = candles.interval_ms
        times = (open_ms, open_ms + interval // 4, open_ms + interval // 2, open_ms + interval - 1)
        for index, (price, time_ms) in enumerate(zip(way, times, strict=True)):
            trade = MarketTrade(spec.symbol, price, quantity, time_ms, buyer_is_maker=False)
            offer = offer_at(scenario, price) if index == 0 else 0
            yield FeedStep(time_ms, (trade,), BookUpdate(spec.symbol, (), ((price, offer),) if offer else ()))


def recorded_trades(stream: Path, symbol: str) -> TradeSlice:
    """Return the trades that a recorded stream of the market told."""
    with gzip.open(stream, "rt") as lines:
        told = [row["msg"].get("data", {}) for row in map(json.loads, lines)]
    rows = [
        (row["T"], int(Decimal(row["p"]) * UNIT), int(Decimal(row["q"]) * UNIT))
        for row in told
        if row.get("e") == "trade"
    ]
    time_ms, price, quantity = np.array(rows, dtype=np.int64).T.copy()
    return TradeSlice(symbol=symbol, market=Market.SPOT, time_ms=time_ms, price=price, quantity=quantity)


def trade_prints(trades: TradeSlice, scenario: Scenario, spec: SymbolSpec) -> Iterator[FeedStep]:
    """Yield the trades, each with what the assumption leaves of it, worked out in fractions."""
    share = {FillKind.TOUCH: Fraction(1), FillKind.THROUGH: Fraction(0)}.get(
        scenario.fill.kind, Fraction(scenario.fill.share_ppm, PPM)
    )
    columns = (trades.time_ms.tolist(), trades.price.tolist(), trades.quantity.tolist())
    owed = given_away = Fraction(0)
    for time_ms, price, quantity in zip(*columns, strict=True):
        owed += quantity // spec.lot * share
        ours = int(owed - given_away)
        given_away += ours
        trade = MarketTrade(spec.symbol, price, ours * spec.lot, time_ms, buyer_is_maker=False)
        yield FeedStep(time_ms, (trade,), BookUpdate(spec.symbol, (), ((price, offer_at(scenario, price)),)))


def offer_at(scenario: Scenario, price: int) -> int:
    """Return what is offered at a first print: no more than the first purchase takes where a sale could rest there."""
    plan = scenario.plan
    return ENDLESS if to_decimal(price) < plan.prices[plan.gap] else to_units(plan.entry_quantity)


def quantity_of(scenario: Scenario, volume: float, spec: SymbolSpec) -> int:
    if scenario.path is PathRule.PESSIMISTIC or scenario.fill.kind is FillKind.THROUGH:
        return 0
    if scenario.fill.kind is FillKind.TOUCH:
        return ENDLESS
    lots = round(volume * UNIT) // spec.lot * scenario.fill.share_ppm // (4 * PPM)
    return lots * spec.lot


def row_of(fill: Fill, scenario: Scenario) -> Row:
    rules = scenario.rules
    parsed = ClientId.parse(fill.client_id)
    assert parsed is not None
    cell = ENTRY_CELL
    if parsed.slot.role is Role.RUNG:
        rung = (scenario.plan.master or scenario.plan.prices).index(rules.price(parsed.slot.price_ticks))
        cell = rung if fill.side is Side.BUY else rung - 1
    assets = {rules.instrument.base: FEE_IN_BASE, rules.instrument.quote: FEE_IN_QUOTE, "BNB": FEE_IN_BNB}
    return (
        fill.time_ms,
        cell,
        BUY if fill.side is Side.BUY else SELL,
        rules.ticks(fill.price),
        rules.lots(fill.quantity),
        to_units(fill.commission),
        assets[fill.commission_asset],
    )


def to_decimal(units: int) -> Decimal:
    return Decimal(units) / UNIT
