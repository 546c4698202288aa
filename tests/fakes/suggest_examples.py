"""Markets that a grid is looked for on: a quarter of an hour each, seeded, wandering about 100."""

from decimal import Decimal
from random import Random
from typing import Any

from domain.futures import Bracket, MarginType
from domain.grids import Direction
from domain.instrument import Instrument, InstrumentRules, Market
from fakes.replay_examples import rules
from ports.suggest_job import GivenCandle, SuggestParameters

QUARTER_MS = 900_000
DAY_MS = 86_400_000
START_MS = 1_722_729_600_000
A_DAY = DAY_MS // QUARTER_MS
COIN_FUTURES = Instrument("binance", Market.FUTURES, "TST", "USDT")


def wandering(days: float, *, seed: int = 7, step: int = 40, drift: int = 0) -> tuple[GivenCandle, ...]:
    """Return candles in cents that return to 100 again and again, or fall and rise by `drift` cents each."""
    random, price, middle, rows = Random(seed), 10_000, 10_000, []
    for number in range(int(days * A_DAY)):
        middle += drift
        last = max(100, price + random.randint(-step, step) + (middle - price) // 60)
        high, low = max(price, last) + random.randint(0, step // 3), min(price, last) - random.randint(0, step // 3)
        prices = [Decimal(cents) / 100 for cents in (price, high, low, last)]
        rows.append(GivenCandle(START_MS + number * QUARTER_MS, *prices, Decimal(1000)))
        price = last
    return tuple(rows)


def wanted(candles: tuple[GivenCandle, ...], **changes: Any) -> SuggestParameters:
    """Return a search on spot with 10,000 USDT."""
    values: dict[str, Any] = {
        "symbol": "TSTUSDT",
        "interval": "15m",
        "interval_ms": QUARTER_MS,
        "market_source": "live",
        "price": candles[-1].close,
        "capital": Decimal(10_000),
        "direction": Direction.LONG,
        "maker_rate": Decimal("0.001"),
        "taker_rate": Decimal("0.001"),
        "min_order_value": Decimal(10),
        "max_order_notional": Decimal(10**6),
        "max_price_distance": Decimal("0.5"),
        "rules": rules(),
        "candles": candles,
    }
    return SuggestParameters(**(values | changes))


def wanted_contract(candles: tuple[GivenCandle, ...], **changes: Any) -> SuggestParameters:
    """Return a search on a contract; neutral, with leverage 1 under isolated margin."""
    its_rules: InstrumentRules = rules(instrument=COIN_FUTURES)
    bracket = Bracket(
        floor=Decimal(0),
        cap=Decimal(10**6),
        max_leverage=50,
        maintenance_rate=Decimal("0.01"),
        deduction=Decimal(0),
    )
    values: dict[str, Any] = {
        "rules": its_rules,
        "brackets": (bracket,),
        "direction": Direction.NEUTRAL,
        "leverage": 1,
        "margin_type": MarginType.ISOLATED,
        "maker_rate": Decimal("0.0002"),
        "taker_rate": Decimal("0.0005"),
    }
    return wanted(candles, **(values | changes))
