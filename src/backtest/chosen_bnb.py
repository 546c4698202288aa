"""The price of BNB that the words of a command name: the candles of its market beside those that are replayed."""

import argparse
from dataclasses import replace
from typing import Final

from backtest.bnb_market import BnbMarket
from backtest.candle_files import read_candles
from backtest.candles import Candles
from backtest.data.command import store_of
from backtest.data.loading import load_candles
from backtest.data.periods import day_of, utc
from backtest.data.series import INTERVALS_MS, refuse
from backtest.run_options import BNB_FOLLOWS_MARKET, balances_of
from backtest.study import Assumptions
from config.settings import Settings
from domain.errors import InvalidRequest
from domain.instrument import Instrument, Market
from domain.money import UNIT

_OR_CONSTANT: Final = "or name a constant price, --bnb-price 600"
Window = tuple[int | None, int | None]


def with_bnb_market(
    given: argparse.Namespace,
    settings: Settings,
    assumed: Assumptions,
    instrument: Instrument,
    window: Window,
    interval_ms: int,
) -> Assumptions:
    """Return the assumptions with BNB at its market's price over the window, where the words ask for that.

    Raises:
        InvalidRequest: as `bnb_market_of`, or naming `bnb`.
    """
    market = bnb_market_of(given, settings, instrument, window, interval_ms)
    if market is None:
        return assumed
    fees = replace(assumed.fees, bnb_market=market)
    capital = assumed.balances[instrument.quote]
    return replace(assumed, fees=fees, balances=balances_of(instrument, capital, fees, given.bnb))


def bnb_market_of(
    given: argparse.Namespace, settings: Settings, instrument: Instrument, window: Window, interval_ms: int
) -> BnbMarket | None:
    """Return the market of BNB in the instrument's quote over the window; None where it is not asked for.

    Raises:
        InvalidRequest: naming `bnb_price` or `bnb_data`: not both said, nothing there, or not from the window's start,
            or, unless gaps are allowed, not to its end.
    """
    if given.bnb_price != BNB_FOLLOWS_MARKET:
        if given.bnb_data is not None:
            refuse("bnb_data", f"goes with --bnb-price {BNB_FOLLOWS_MARKET}; say both, or neither")
        return None
    if "BNB" in (instrument.base, instrument.quote):
        refuse("bnb_price", "fees in BNB on BNB's own market are not replayed; leave it out")
    symbol = f"BNB{instrument.quote}"
    candles = _candles_of(given, settings, symbol, window, interval_ms)
    _check_reach(candles, window, f"{_remedy(symbol, window, interval_ms)}, {_OR_CONSTANT}", given.allow_gaps)
    return BnbMarket(candles)


def _candles_of(
    given: argparse.Namespace, settings: Settings, symbol: str, window: Window, interval_ms: int
) -> Candles:
    if given.bnb_data is not None:
        try:
            return read_candles(given.bnb_data, symbol, Market.SPOT, None, window, tick=UNIT, allow_gaps=True)[0]
        except InvalidRequest as error:
            refuse("bnb_data", f"{_told(error)}; {_OR_CONSTANT}")
    try:
        store, interval = store_of(settings), _word_of(interval_ms)
        return load_candles(store, symbol, Market.SPOT, interval, *window, allow_gaps=True)
    except InvalidRequest as error:
        refuse(
            "bnb_price",
            f"candles of {symbol} tell what BNB costs, and {_told(error)}. {_remedy(symbol, window, interval_ms)}, "
            f"name a file by --bnb-data, {_OR_CONSTANT}",
        )


def _check_reach(candles: Candles, window: Window, remedy: str, allow_gaps: bool) -> None:
    from_ms, until_ms = window
    if from_ms is not None and candles.start_ms > from_ms:
        refuse(
            "bnb_price",
            f"the candles of {candles.symbol} begin at {utc(candles.start_ms)}, and what BNB cost from {utc(from_ms)} "
            f"on is not known. {remedy}",
        )
    if until_ms is not None and candles.end_ms < until_ms and not allow_gaps:
        refuse(
            "bnb_price",
            f"the candles of {candles.symbol} end at {utc(candles.end_ms)}, before {utc(until_ms)}. {remedy}, or say "
            "--allow-gaps to go on with the last known price",
        )


def _told(error: InvalidRequest) -> str:
    return "; ".join(mistake.message.split("; ")[0].split(". ")[0] for mistake in error.mistakes)


def _remedy(symbol: str, window: Window, interval_ms: int) -> str:
    """Return the command that downloads what is missing."""
    from_ms, until_ms = window
    words = f"data get {symbol} --interval {_word_of(interval_ms)}"
    words += f" --from {'2023-01' if from_ms is None else day_of(from_ms)}"
    return f"Get them: {words}" + ("" if until_ms is None else f" --to {day_of(until_ms - 1)}")


def _word_of(interval_ms: int) -> str:
    """Return the longest interval of the store that divides this one."""
    return max(
        (word for word, length in INTERVALS_MS.items() if interval_ms % length == 0),
        key=lambda word: INTERVALS_MS[word],
    )
