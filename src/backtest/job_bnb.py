"""What BNB costs in a job of the server, and how much of it the account holds. Mistakes are in the API's words."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NoReturn

from backtest.bnb_market import BnbMarket
from backtest.candles import BadCandles, Candles
from backtest.data.loading import load_candles
from backtest.data.series import Series, refuse
from backtest.data.store import Store
from backtest.job_words import get_more, iso
from backtest.scenario import PPM, Fees
from domain.errors import InvalidRequest
from domain.instrument import Market
from ports.archives import Recording
from ports.backtest_job import BNB_FOLLOWS_MARKET, BacktestParameters

_FIELD: Final = "fees.bnb_price"
_BNB_SHARE: Final = Decimal("0.01")


def fees_of(given: BacktestParameters) -> Fees:
    """Return the fees; where the price of BNB follows its market, that is still to be added."""
    price = None if given.bnb_price == BNB_FOLLOWS_MARKET else given.bnb_price
    return Fees(int(given.maker_rate * PPM), int(given.taker_rate * PPM), price)


def with_bnb(given: BacktestParameters, candles: Candles, store: Store) -> tuple[Fees, Mapping[str, Decimal]]:
    """Return fees and account, with BNB at its market's price over the time of `candles` where that is asked for.

    Raises:
        InvalidRequest: naming `fees.bnb_price`, for candles of BNB that are not stored, or not from start to end.
        Conflict: if a file of the store is damaged.
    """
    fees = fees_of(given)
    if given.bnb_price != BNB_FOLLOWS_MARKET:
        return fees, given.balances
    instrument = given.rules.instrument
    if "BNB" in (instrument.base, instrument.quote):
        refuse(_FIELD, "fees in BNB on BNB's own market are not replayed; leave it out")
    market = BnbMarket(_stored(given, candles, store))
    bnb = round(given.balances[instrument.quote] * _BNB_SHARE / market.first_price, 8)
    return Fees(fees.maker_ppm, fees.taker_ppm, bnb_market=market), {"BNB": bnb, **given.balances}


def _stored(given: BacktestParameters, candles: Candles, store: Store) -> Candles:
    series = Series.named(f"BNB{given.rules.instrument.quote}", Market.SPOT, Recording.KLINES, given.interval)
    window = (candles.start_ms, candles.end_ms)

    def missing(what: str, from_ms: int, mend: str = "") -> NoReturn:
        refuse(_FIELD, f"{what}; give a number instead, {mend}or {get_more(series, from_ms, store)}")

    try:
        found = load_candles(store, series.symbol, series.market, series.interval, *window, allow_gaps=True)
    except (InvalidRequest, BadCandles):
        told = f"candles of {series.symbol} tell what BNB costs, and none that fit are stored of this window"
        missing(told, window[0])
    if found.start_ms > window[0]:
        missing(f"candles of {series.symbol} are stored from {iso(found.start_ms)} on, too late", window[0])
    if found.end_ms < window[1] and not given.allow_gaps:
        anyway = "set allow_gaps to true to go on with the last known price, "
        missing(f"candles of {series.symbol} are stored until {iso(found.end_ms)}, too short", found.end_ms, anyway)
    return found
