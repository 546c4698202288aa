"""Filters of the symbols the simulator trades by default, and of symbols it only knows from data.

The filters are those Binance spot publishes for these symbols; market order limits, which the exchange
recomputes all the time from traded volume, are of a typical size.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from simulator.core.symbols import UNIT, SymbolSpec
from simulator.market.feed import MarketError

QUOTES: Final = ("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL")
_FINEST: Final = 1
_ON_GRID_SHARE: Final = 0.99


def _spot(
    base: str, *, tick: int, lot: int, max_price: int, max_qty: int, market_max_qty: int, min_notional: int = 5
) -> SymbolSpec:
    """Build a USDT symbol: tick and lot scaled by 10**8, all other amounts in whole units."""
    return SymbolSpec(
        symbol=f"{base}USDT",
        base=base,
        quote="USDT",
        tick=tick,
        lot=lot,
        min_price=tick,
        max_price=max_price * UNIT,
        min_qty=lot,
        max_qty=max_qty * UNIT,
        market_max_qty=market_max_qty * UNIT,
        min_notional=min_notional * UNIT,
        max_notional=9_000_000 * UNIT,
        bid_mult_up=5_000_000,
        bid_mult_down=200_000,
        ask_mult_up=5_000_000,
        ask_mult_down=200_000,
    )


_CENT: Final = UNIT // 100
_BASIS: Final = UNIT // 10_000

SPECS: Final = {
    spec.symbol: spec
    for spec in (
        _spot("BTC", tick=_CENT, lot=1_000, max_price=1_000_000, max_qty=9_000, market_max_qty=120),
        _spot("ETH", tick=_CENT, lot=_BASIS, max_price=1_000_000, max_qty=9_000, market_max_qty=2_500),
        _spot("BNB", tick=_CENT, lot=UNIT // 1_000, max_price=100_000, max_qty=900_000, market_max_qty=2_000),
        _spot("SOL", tick=_CENT, lot=UNIT // 1_000, max_price=10_000, max_qty=90_000, market_max_qty=30_000),
        _spot("ADA", tick=_BASIS, lot=UNIT // 10, max_price=1_000, max_qty=900_000, market_max_qty=900_000),
        _spot("XRP", tick=_BASIS, lot=UNIT // 10, max_price=10_000, max_qty=9_222_449, market_max_qty=1_500_000),
        _spot(
            "DOGE",
            tick=1_000,
            lot=UNIT,
            max_price=1_000,
            max_qty=9_000_000,
            market_max_qty=9_000_000,
            min_notional=1,
        ),
        _spot("LINK", tick=_CENT, lot=_CENT, max_price=10_000, max_qty=90_000, market_max_qty=50_000),
        # From here on: not traded unless asked for by --symbols.
        _spot("LTC", tick=_CENT, lot=UNIT // 1_000, max_price=100_000, max_qty=90_000, market_max_qty=16_000),
        _spot("TRX", tick=_BASIS, lot=UNIT // 10, max_price=1_000, max_qty=9_000_000, market_max_qty=6_000_000),
        _spot("AVAX", tick=_CENT, lot=_CENT, max_price=10_000, max_qty=90_000, market_max_qty=40_000),
        _spot("DOT", tick=UNIT // 1_000, lot=_CENT, max_price=10_000, max_qty=90_000, market_max_qty=90_000),
        _spot("BCH", tick=UNIT // 10, lot=UNIT // 1_000, max_price=100_000, max_qty=90_000, market_max_qty=1_700),
        _spot("NEAR", tick=UNIT // 1_000, lot=UNIT // 10, max_price=1_000, max_qty=900_000, market_max_qty=200_000),
        _spot("UNI", tick=UNIT // 1_000, lot=_CENT, max_price=10_000, max_qty=90_000, market_max_qty=58_000),
        _spot("ATOM", tick=UNIT // 1_000, lot=_CENT, max_price=10_000, max_qty=90_000, market_max_qty=84_000),
        _spot("ETC", tick=_CENT, lot=_CENT, max_price=10_000, max_qty=90_000, market_max_qty=21_000),
        _spot("FIL", tick=UNIT // 1_000, lot=_CENT, max_price=10_000, max_qty=9_222_449, market_max_qty=158_000),
        _spot("XLM", tick=_BASIS, lot=UNIT, max_price=1_000, max_qty=9_000_000, market_max_qty=3_500_000),
        _spot("AAVE", tick=_CENT, lot=UNIT // 1_000, max_price=100_000, max_qty=900_000, market_max_qty=4_700),
    )
}
"""By symbol; the first eight are the simulator's `--symbols` default."""


def specs_of(symbols: Iterable[str]) -> dict[str, SymbolSpec]:
    """Return the catalogue's filters of these symbols.

    Raises:
        MarketError: for a symbol the catalogue does not hold.
    """
    found: dict[str, SymbolSpec] = {}
    for symbol in symbols:
        if symbol not in SPECS:
            raise MarketError(f"symbol {symbol!r} has no known filters; use some of {', '.join(SPECS)}")
        found[symbol] = SPECS[symbol]
    return found


def split_symbol(symbol: str) -> tuple[str, str]:
    """Return base and quote asset of a symbol, by the quote assets Binance uses.

    Raises:
        MarketError: when it ends in none of them.
    """
    for quote in QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol.removesuffix(quote), quote
    raise MarketError(f"symbol {symbol!r} ends in no known quote asset; known are {', '.join(QUOTES)}")


def spec_for_data(
    symbol: str, prices: Sequence[int], volumes: Sequence[int], catalogue: Mapping[str, SymbolSpec] = SPECS
) -> SymbolSpec:
    """Return the filters under which recorded data was traded.

    The catalogue's where they fit. Where more than one row in a hundred lies off its tick or lot the data
    is from a time with finer steps, and those are used. For an unknown symbol both steps come from the data.
    """
    known = catalogue.get(symbol)
    tick = _step(prices, known.tick if known else None)
    lot = _step(volumes, known.lot if known else None)
    if known is not None:
        return replace(known, tick=tick, lot=lot, min_price=min(known.min_price, tick), min_qty=min(known.min_qty, lot))
    base, quote = split_symbol(symbol)
    template = _spot(base, tick=tick, lot=lot, max_price=1_000_000, max_qty=9_000_000, market_max_qty=900_000)
    return replace(template, symbol=symbol, quote=quote)


def _step(values: Sequence[int], wanted: int | None) -> int:
    """Return `wanted` if nearly all values are multiples of it, else the largest power of ten that is so."""
    positive = [value for value in values if value > 0]
    step = wanted if wanted is not None else UNIT
    while step > _FINEST and sum(value % step == 0 for value in positive) < _ON_GRID_SHARE * len(positive):
        step //= 10
    return max(step, _FINEST)
