"""Checks a person makes before trading: does the symbol suit, does the venue answer."""

from typing import Literal

from flask import Response
from pydantic import Field
from pydantic_core import PydanticCustomError

from domain.errors import InvalidRequest, NotFound, TradingError
from domain.events import Candle, Ticker
from domain.instrument import FeeRates, Instrument, InstrumentRules, Market
from domain.money import ZERO, plain
from grid.core.shapes import break_even_percent
from grid.preflight import PreflightFacts
from ports.market_data import Connection
from routes.addressing import listed, symbol_of
from routes.formats import iso, number, number_or_none
from routes.messages import say
from routes.pair_views import told
from routes.recommendation import (
    ATR_HOURS,
    LOOK_BACK_HOURS,
    enough,
    hourly_range_percent,
    recommend,
    why_not,
    with_capital,
)
from routes.resource import resource
from routes.schemas import MarketQuery, RawSymbolPath, check_symbol
from routes.services import services
from routes.suggested import newest_suggestion
from routes.views import View, answer

bp = resource("validation", "Test and validation")


class SymbolInfoView(View):
    status: str
    base_asset: str
    quote_asset: str
    min_order_size: str = Field(description="base")
    tick_size: str
    min_notional: str = Field(description="quote")
    lot_size: str = Field(description="base per quantity step")

    @classmethod
    def of(cls, rules: InstrumentRules) -> "SymbolInfoView":
        return cls(
            status=rules.status,
            base_asset=rules.instrument.base,
            quote_asset=rules.instrument.quote,
            min_order_size=plain(rules.min_quantity),
            tick_size=plain(rules.tick),
            min_notional=plain(rules.min_notional),
            lot_size=plain(rules.lot),
        )


class GridAdviceView(View):
    suggested_levels: int
    suggested_spacing: float = Field(description="percent between neighbours")
    min_capital_needed: float = Field(description="quote")
    suggested_by: Literal["volatility", "replay"] = Field(
        description="replay: what POST /api/grid/suggest found within the last day"
    )
    suggestion: str | None = Field(description="address of that, null without one")


class SelectedView(View):
    """What the newest selection of pairs found, which asks more than whether a grid can work at all."""

    accepted: bool
    score: float | None = Field(description="0 to 100, null for a pair that was refused")
    reasons: list[str]
    age_seconds: float | None = Field(description="of the oldest fact")


class ValidatedSymbolView(View):
    symbol: str
    valid: bool
    market_type: str
    symbol_info: SymbolInfoView | None = None
    current_price: float | None = None
    volume_24h: str | None = Field(None, alias="24h_volume", description="in quote")
    suitable_for_grid: bool = False
    grid_recommendations: GridAdviceView | None = None
    pair_selection: SelectedView | None = Field(None, description="null where it was not looked at yet")
    reasons: list[str] = Field(description="why it is not valid or does not suit")


class LimitsView(View):
    connected: bool
    ping_ms: int | None
    server_time: str | None
    api_limits: dict[str, int]
    error: str | None

    @classmethod
    def of(cls, connection: Connection, market: Market) -> "LimitsView":
        return cls(
            connected=connection.connected,
            ping_ms=None if connection.ping_ms is None else round(connection.ping_ms),
            server_time=None if connection.server_time_ms is None else iso(connection.server_time_ms),
            api_limits={_prefixed(name, market): limit for name, limit in connection.limits.items()},
            error=connection.error,
        )


class ConnectionView(View):
    binance_spot: LimitsView
    binance_futures: LimitsView
    operation_mode: str
    market_source: str


@bp.get("/validate/symbol/<path:symbol>", responses={200: ValidatedSymbolView})
def validate_symbol(path: RawSymbolPath, query: MarketQuery) -> Response:
    """Check a symbol and recommend a grid; one that does not exist is 200 with valid: false."""
    market = query.market or services().default_market
    try:
        instrument = listed(check_symbol(path.symbol), market)
    except PydanticCustomError as error:
        return answer(_invalid(path.symbol, market, say(error.type, field="symbol")))
    except NotFound as error:
        return answer(_invalid(path.symbol, market, str(error)))
    return answer(_validated(instrument))


def _invalid(symbol: str, market: Market, reason: str) -> ValidatedSymbolView:
    return ValidatedSymbolView(symbol=symbol[:60], valid=False, market_type=market.value, reasons=[reason])


def _validated(instrument: Instrument) -> ValidatedSymbolView:
    data = services().market_data
    rules = data.rules(instrument)
    ticker = data.tickers([instrument])[0]
    candles = data.candles(instrument, "1h", LOOK_BACK_HOURS)
    fees = services().account_reader.fee_rates(instrument)
    advice, against = _advice(_facts(rules, fees, ticker), candles)
    reasons = list(dict.fromkeys([*_against(rules, ticker, candles, fees), *against]))
    return ValidatedSymbolView(
        symbol=symbol_of(instrument),
        valid=True,
        market_type=instrument.market.value,
        symbol_info=SymbolInfoView.of(rules),
        current_price=number(ticker.price),
        volume_24h=plain(ticker.quote_volume),
        suitable_for_grid=not reasons,
        grid_recommendations=advice,
        pair_selection=_selected(instrument),
        reasons=reasons,
    )


def _selected(instrument: Instrument) -> SelectedView | None:
    given = services().pairs
    shown = None if given is None else given.shown()
    if shown is None or shown.selection is None:
        return None
    for candidate in shown.selection.candidates:
        if candidate.instrument == instrument:
            return SelectedView(
                accepted=candidate.is_accepted,
                score=number_or_none(candidate.score),
                reasons=[told(reason) for reason in candidate.against],
                age_seconds=None if shown.age_s is None else round(shown.age_s, 1),
            )
    return None


def _facts(rules: InstrumentRules, fees: FeeRates, ticker: Ticker) -> PreflightFacts:
    given = services()
    return PreflightFacts(
        rules=rules,
        fees=fees,
        price=ticker.price,
        free_quote=None,
        default_capital=ZERO,
        min_order_value=given.min_order_value,
        max_price_distance=given.max_price_distance,
        max_order_notional=given.max_order_notional,
    )


def _against(rules: InstrumentRules, ticker: Ticker, candles: tuple[Candle, ...], fees: FeeRates) -> list[str]:
    """Return what speaks against a grid on this instrument."""
    reasons = []
    if not rules.is_trading:
        reasons.append(say("not_trading", status=rules.status))
    if ticker.quote_volume <= 0:
        reasons.append(say("no_volume"))
    if not enough(candles):
        reasons.append(say("few_candles", count=len(candles), needed=ATR_HOURS + 1))
    elif (moved := hourly_range_percent(candles)) <= (cost := break_even_percent(fees)):
        reasons.append(say("fees_too_high", range_percent=f"{moved:.4f}", fees_percent=f"{cost:.4f}"))
    return reasons


def _advice(facts: PreflightFacts, candles: tuple[Candle, ...]) -> tuple[GridAdviceView | None, list[str]]:
    """Return the recommended grid, or what preflight has against one."""
    if not enough(candles) or facts.price <= 0 or not facts.rules.is_trading:
        return None, []
    found = newest_suggestion(facts.rules.instrument)
    try:
        advice = recommend(facts, candles) if found is None else with_capital(facts, found.levels, found.spacing)
    except InvalidRequest as error:
        return None, why_not(error)
    shown = GridAdviceView(
        suggested_levels=advice.levels,
        suggested_spacing=number(advice.spacing_percent),
        min_capital_needed=number(advice.capital),
        suggested_by="volatility" if found is None else "replay",
        suggestion=None if found is None else f"/api/grid/suggest/{found.job_id}",
    )
    return shown, [say("suggest_no_gain")] if found is not None and not found.gains else []


@bp.get("/test/connection", responses={200: ConnectionView})
def test_connection() -> Response:
    """Ask both markets of the venue for an answer now."""
    system = services().snapshots.system()
    return answer(
        ConnectionView(
            binance_spot=_connection(Market.SPOT),
            binance_futures=_connection(Market.FUTURES),
            operation_mode=system.mode,
            market_source=system.market_source,
        )
    )


def _connection(market: Market) -> LimitsView:
    if market not in services().supported_markets:
        return LimitsView.of(Connection(False, None, None, {}, say("market_off", market=market)), market)
    try:
        return LimitsView.of(services().market_data.connection(market), market)
    except TradingError as error:
        return LimitsView.of(Connection(False, None, None, {}, str(error)), market)


def _prefixed(name: str, market: Market) -> str:
    return name if name.startswith(f"{market}_") else f"{market}_{name}"
