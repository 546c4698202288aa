"""Prices of the venue: tickers and candles."""

from flask import Response, request
from pydantic import RootModel
from pydantic_core import PydanticCustomError

from domain.errors import FieldMistake, InvalidRequest
from domain.events import Candle, Ticker
from domain.instrument import Instrument, Market
from domain.money import plain
from routes.addressing import listed, symbol_of
from routes.formats import number
from routes.links import page_links
from routes.messages import say
from routes.resource import resource
from routes.schemas import KlinesQuery, SymbolPath, TickersQuery, check_symbol
from routes.services import services
from routes.views import View, answer

MOST_SYMBOLS = 100

bp = resource("market", "Market data")


class TickerView(View):
    symbol: str
    price: str
    volume: str
    change_24h: str
    high_24h: str
    low_24h: str
    quote_volume: str
    bid: str
    ask: str
    market_type: str

    @classmethod
    def of(cls, ticker: Ticker) -> "TickerView":
        return cls(
            symbol=symbol_of(ticker.instrument),
            price=plain(ticker.price),
            volume=plain(ticker.volume),
            change_24h=plain(ticker.change_percent),
            high_24h=plain(ticker.high),
            low_24h=plain(ticker.low),
            quote_volume=plain(ticker.quote_volume),
            bid=plain(ticker.bid),
            ask=plain(ticker.ask),
            market_type=ticker.instrument.market.value,
        )


class TickersView(RootModel[list[TickerView]]):
    """A bare array."""


class CandleView(View):
    timestamp: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    close_time: int
    quote_volume: float
    trades: int

    @classmethod
    def of(cls, candle: Candle) -> "CandleView":
        return cls(
            timestamp=candle.open_ms,
            open=number(candle.open),
            high=number(candle.high),
            low=number(candle.low),
            close=number(candle.close),
            volume=number(candle.volume),
            close_time=candle.close_ms,
            quote_volume=number(candle.quote_volume),
            trades=candle.trades,
        )


class KlinesView(View):
    symbol: str
    interval: str
    data: list[CandleView]
    market_type: str
    market_source: str


@bp.get("/market_data", responses={200: TickersView})
def market_data(query: TickersQuery) -> Response:
    """Give 24 h figures of the symbols in use, of those named, or of all with one quote asset."""
    market = query.market or services().default_market
    wanted = _wanted(query, market)
    page = wanted[query.offset : query.offset + query.limit]
    tickers = services().market_data.tickers(page) if page else ()
    response = answer(TickersView([TickerView.of(ticker) for ticker in tickers]))
    more = {"next": {"offset": query.offset + query.limit}} if len(wanted) > query.offset + query.limit else {}
    response.headers.update(page_links(request.full_path, more))
    return response


def _wanted(query: TickersQuery, market: Market) -> list[Instrument]:
    if query.symbols is not None:
        return [listed(symbol, market) for symbol in _symbols(query.symbols)]
    if query.quote is not None:
        return sorted(services().market_data.instruments(market, query.quote), key=symbol_of)
    return list(services().snapshots.watched(market))


def _symbols(text: str) -> list[str]:
    symbols = list(dict.fromkeys(part.strip() for part in text.split(",")))
    if len(symbols) > MOST_SYMBOLS:
        sentence = say("too_many_symbols", field="symbols", count=len(symbols), limit=MOST_SYMBOLS)
        raise InvalidRequest([FieldMistake("symbols", sentence)])
    try:
        return [check_symbol(symbol) for symbol in symbols]
    except PydanticCustomError as error:
        raise InvalidRequest([FieldMistake("symbols", say(error.type, field="symbols"))]) from None


@bp.get("/klines/<path:symbol>", responses={200: KlinesView})
def klines(path: SymbolPath, query: KlinesQuery) -> Response:
    """Give candles, oldest first; the last one may still be open."""
    instrument = listed(path.symbol, query.market or Market.SPOT)
    candles = services().market_data.candles(instrument, query.interval, query.limit, query.end_time)
    return answer(
        KlinesView(
            symbol=symbol_of(instrument),
            interval=query.interval,
            data=[CandleView.of(candle) for candle in candles],
            market_type=instrument.market.value,
            market_source=services().market_data.market_source(),
        )
    )
