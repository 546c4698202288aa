"""Markets and scenarios that tests of replays start from."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np

from backtest.bnb_market import BnbMarket
from backtest.candles import Candles
from backtest.result import FEE_IN_BASE, FEE_IN_BNB, FEE_IN_QUOTE, SELL, Result
from backtest.scenario import Scenario
from domain.grids import Books, GridRequest
from domain.instrument import Instrument, InstrumentRules, Market
from domain.money import exact, from_units
from domain.orders import Fill, Side
from orders.books import FifoBooks

COIN = Instrument("binance", Market.SPOT, "TST", "USDT")
START_MS = 1_722_729_600_000
MINUTE_MS = 60_000
CENT = 1_000_000


def rules(**changes: Any) -> InstrumentRules:
    values: dict[str, Any] = {
        "instrument": COIN,
        "status": "TRADING",
        "tick": Decimal("0.01"),
        "lot": Decimal("0.001"),
        "min_quantity": Decimal("0.001"),
        "max_quantity": Decimal(0),
        "min_notional": Decimal(5),
    }
    return InstrumentRules(**(values | changes))


def candles(rows: Iterable[tuple[int, int, int, int]], *, unit: int = CENT, **changes: Any) -> Candles:
    """Return candles of (open, high, low, close) in `unit` (1e-8 quote), a minute each."""
    table = np.array(list(rows), dtype=np.int64).T * unit
    count = table.shape[1]
    values: dict[str, Any] = {
        "symbol": "TSTUSDT",
        "market": Market.SPOT,
        "interval_ms": MINUTE_MS,
        "open_ms": START_MS + MINUTE_MS * np.arange(count, dtype=np.int64),
        "open": table[0].copy(),
        "high": table[1].copy(),
        "low": table[2].copy(),
        "close": table[3].copy(),
        "volume": np.full(count, 1_000.0),
    }
    return Candles(**(values | changes))


def walk(seed: int, count: int, *, start: int = 10_000, step: int = 40, unit: int = CENT) -> Candles:
    """Return a seeded market that wanders about its start; `step` is the most it moves within a candle."""
    random, price, rows = Random(seed), start, []
    for _ in range(count):
        last = max(price + random.randint(-step, step) + (start - price) // 50, 1)
        high = max(price, last) + random.randint(0, step // 4)
        low = max(min(price, last) - random.randint(0, step // 4), 1)
        rows.append((price, high, low, last))
        price = last
    return candles(rows, unit=unit)


def scenario(market: Candles, *, its_rules: InstrumentRules | None = None, **changes: Any) -> Scenario:
    shape = {"levels": 11, "spacing_percent": Decimal("0.5"), "capital": Decimal(5_000), "start_empty": False}
    grid = {name: changes.pop(name, value) for name, value in shape.items()}
    values: dict[str, Any] = {"balances": {"USDT": Decimal(10_000)}}
    return Scenario.of(GridRequest(instrument=COIN, **grid), market, its_rules or rules(), **(values | changes))


@exact
def fifo_books(result: Result, mark: Decimal) -> Books:
    """Return the books that the live grid would keep of a result's fills."""
    its, candle_ms = result.scenario.rules, MINUTE_MS
    assets = {FEE_IN_BASE: its.instrument.base, FEE_IN_QUOTE: its.instrument.quote, FEE_IN_BNB: "BNB"}
    books = FifoBooks(its.instrument)
    for index, (at_ms, cell, side, ticks, lots, fee, asset) in enumerate(result.fills.rows.tolist()):
        fill = Fill(
            instrument=its.instrument,
            trade_id=index,
            client_id="",
            venue_order_id=0,
            side=Side.SELL if side == SELL else Side.BUY,
            price=its.price(ticks),
            quantity=its.quantity(lots),
            quote_quantity=its.price(ticks) * its.quantity(lots),
            commission=from_units(fee),
            commission_asset=assets[asset],
            is_maker=cell >= 0,
            time_ms=at_ms,
        )
        books.add(fill, bnb_price_at(result.scenario, at_ms, candle_ms), lane=cell)
    now = bnb_price_at(result.scenario, result.end_ms - 1, candle_ms)
    return books.marked(mark, {} if now is None else {"BNB": now})


def bnb_price_at(scenario: Scenario, at_ms: int, candle_ms: int) -> Decimal | None:
    """Return what a fill at that time pays for BNB, in a candle of that length; 1 where each row is a trade."""
    market = scenario.fees.bnb_market
    if market is None:
        return scenario.fees.bnb_price
    return from_units(int(market.at(np.array([at_ms - at_ms % candle_ms]))[0]))


def bnb_walk(seed: int, market: Candles, *, start: int = 61_237) -> BnbMarket:
    """Return a market of BNB beside another: its candles begin with it, and some are missing."""
    random, rows, price = Random(seed), [], start
    for _ in range(len(market)):
        price = max(price + random.randint(-900, 900), 1_000)
        rows.append((price, price + 50, price - 50, price + random.randint(-50, 50)))
    every = candles(rows, symbol="BNBUSDT", open_ms=market.open_ms.copy())
    kept = np.array([index == 0 or random.random() > 0.2 for index in range(len(every))])
    columns = {name: getattr(every, name)[kept] for name in ("open_ms", "open", "high", "low", "close", "volume")}
    return BnbMarket(replace(every, **columns))
