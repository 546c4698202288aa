"""Markets and scenarios that tests of replays start from."""

from collections.abc import Iterable
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np

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
    its, price = result.scenario.rules, result.scenario.fees.bnb_price
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
        books.add(fill, price, lane=cell)
    return books.marked(mark)
