"""Built-in contracts: filters and brackets that Binance publishes for them, of 2022 to 2026.

Smallest notionals are those of 2025; brackets are those a demo account without tier sees.
"""

from typing import Final

from simulator.core.symbols import UNIT
from simulator.um.core.contracts import Bracket, ContractSpec

# max leverage, cap of the notional in thousands of USDT, maintenance rate in parts per million
_BTC: Final = (
    (150, 300, 4_000), (100, 800, 5_000), (75, 3_000, 6_500), (50, 12_000, 10_000), (25, 70_000, 20_000),
    (20, 100_000, 25_000), (10, 230_000, 50_000), (5, 480_000, 100_000), (4, 600_000, 125_000),
    (3, 800_000, 150_000), (2, 1_200_000, 250_000), (1, 1_800_000, 500_000),
)  # fmt: skip
_ETH: Final = (
    (125, 300, 4_000), (100, 800, 5_000), (75, 3_000, 6_500), (50, 12_000, 10_000), (25, 50_000, 20_000),
    (20, 65_000, 25_000), (10, 150_000, 50_000), (5, 320_000, 100_000), (4, 400_000, 125_000),
    (3, 530_000, 150_000), (2, 800_000, 250_000), (1, 1_200_000, 500_000),
)  # fmt: skip
_SOL: Final = (
    (100, 50, 5_000), (75, 400, 6_500), (50, 1_000, 10_000), (25, 4_000, 20_000), (20, 8_000, 25_000),
    (10, 40_000, 50_000), (5, 80_000, 100_000), (4, 100_000, 125_000), (2, 200_000, 250_000),
    (1, 400_000, 500_000),
)  # fmt: skip
_BNB: Final = (
    (75, 10, 5_000), (50, 50, 6_000), (40, 200, 10_000), (25, 1_500, 20_000), (20, 3_000, 25_000),
    (10, 15_000, 50_000), (5, 30_000, 100_000), (4, 37_500, 125_000), (2, 75_000, 250_000),
    (1, 150_000, 500_000),
)  # fmt: skip
_DOGE: Final = (
    (75, 80, 6_500), (50, 150, 10_000), (40, 750, 12_500), (25, 2_000, 20_000), (20, 4_000, 25_000),
    (10, 20_000, 50_000), (5, 40_000, 100_000), (4, 50_000, 125_000), (2, 100_000, 250_000),
    (1, 200_000, 500_000),
)  # fmt: skip


def brackets_of(steps: tuple[tuple[int, int, int], ...]) -> tuple[Bracket, ...]:
    """Build brackets from (max leverage, cap in thousands of USDT, rate in ppm).

    `cum` follows from continuity: cum_n = floor_n * (rate_n - rate_{n-1}) + cum_{n-1} (protocol section 4).
    """
    brackets: list[Bracket] = []
    floor = cum = last_rate = 0
    for leverage, thousands, rate in steps:
        cum += floor * (rate - last_rate) // 1_000_000
        cap = thousands * 1_000 * UNIT
        brackets.append(Bracket(leverage, floor, cap, rate, cum))
        floor, last_rate = cap, rate
    return tuple(brackets)


def _contract(
    base: str,
    steps: tuple[tuple[int, int, int], ...],
    *,
    tick: int,
    price_precision: int,
    lot: int,
    quantity_precision: int,
    min_price: int,
    max_price: int,
    max_qty: int,
    market_max_qty: int,
    min_notional: int,
    liquidation_fee_ppm: int,
) -> ContractSpec:
    """Build a USDT perpetual: tick, lot and prices scaled by UNIT, other amounts in whole units."""
    return ContractSpec(
        symbol=f"{base}USDT",
        base=base,
        tick=tick,
        lot=lot,
        price_precision=price_precision,
        quantity_precision=quantity_precision,
        min_price=min_price,
        max_price=max_price,
        min_qty=lot,
        max_qty=max_qty * UNIT,
        market_min_qty=lot,
        market_max_qty=market_max_qty * UNIT,
        market_step=lot,
        min_notional=min_notional * UNIT,
        liquidation_fee_ppm=liquidation_fee_ppm,
        brackets=brackets_of(steps),
    )


_CENT: Final = UNIT // 100
_MILLI: Final = UNIT // 1_000

CONTRACTS: Final = {
    spec.symbol: spec
    for spec in (
        _contract(
            "BTC", _BTC, tick=10 * _CENT, price_precision=2, lot=_MILLI, quantity_precision=3,
            min_price=55_680 * _CENT, max_price=4_529_764 * UNIT, max_qty=1_000, market_max_qty=120,
            min_notional=100, liquidation_fee_ppm=12_500,
        ),
        _contract(
            "ETH", _ETH, tick=_CENT, price_precision=2, lot=_MILLI, quantity_precision=3,
            min_price=3_986 * _CENT, max_price=306_177 * UNIT, max_qty=10_000, market_max_qty=2_000,
            min_notional=20, liquidation_fee_ppm=12_500,
        ),
        _contract(
            "SOL", _SOL, tick=_CENT, price_precision=4, lot=UNIT, quantity_precision=0,
            min_price=42 * _CENT, max_price=6_857 * UNIT, max_qty=1_000_000, market_max_qty=9_000,
            min_notional=5, liquidation_fee_ppm=10_000,
        ),
        _contract(
            "BNB", _BNB, tick=_CENT, price_precision=3, lot=_CENT, quantity_precision=2,
            min_price=660 * _CENT, max_price=100_000 * UNIT, max_qty=100_000, market_max_qty=1_500,
            min_notional=5, liquidation_fee_ppm=10_000,
        ),
        _contract(
            "DOGE", _DOGE, tick=1_000, price_precision=6, lot=UNIT, quantity_precision=0,
            min_price=244_000, max_price=30 * UNIT, max_qty=10_000_000, market_max_qty=2_500_000,
            min_notional=5, liquidation_fee_ppm=10_000,
        ),
    )
}  # fmt: skip
