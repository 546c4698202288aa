"""Names of USD-M market streams and the group each belongs to (protocol section 1.9)."""

import re
from typing import Final, Literal

from simulator.wire.topics import INTERVALS as SPOT_INTERVALS
from simulator.wire.topics import Topic, TopicKind

Group = Literal["public", "market"]

INTERVALS: Final = tuple(interval for interval in SPOT_INTERVALS if interval != "1s")
_PLAIN: Final = {
    "trade": (TopicKind.TRADE, 0),
    "aggTrade": (TopicKind.AGG_TRADE, 0),
    "bookTicker": (TopicKind.BOOK_TICKER, 0),
    "markPrice": (TopicKind.MARK_PRICE, 3_000),
    "markPrice@1s": (TopicKind.MARK_PRICE, 1_000),
    "miniTicker": (TopicKind.MINI_TICKER, 2_000),
    "ticker": (TopicKind.TICKER, 2_000),
    "forceOrder": (TopicKind.FORCE_ORDER, 1_000),
}
_OF_ALL: Final = {
    "!markPrice@arr": (TopicKind.ALL_MARK_PRICES, 3_000),
    "!markPrice@arr@1s": (TopicKind.ALL_MARK_PRICES, 1_000),
    "!ticker@arr": (TopicKind.ALL_TICKERS, 2_000),
    "!bookTicker": (TopicKind.ALL_BOOK_TICKERS, 5_000),
    "!forceOrder@arr": (TopicKind.ALL_FORCE_ORDERS, 1_000),
}
_ALL_MINI: Final = re.compile(r"!miniTicker@arr(@[0-9]+ms)?")
_DEPTH: Final = re.compile(r"depth(5|10|20)?(@100ms|@250ms|@500ms)?")
_CONTINUOUS: Final = re.compile(r"([a-z0-9]+)_perpetual@continuousKline_([0-9]+[mhdwM])")
_KLINE_MS: Final = 250
_PUBLIC: Final = frozenset(
    {
        TopicKind.TRADE,
        TopicKind.BOOK_TICKER,
        TopicKind.ALL_BOOK_TICKERS,
        TopicKind.DEPTH,
        TopicKind.PARTIAL_DEPTH,
    }
)


def group_of(topic: Topic) -> Group:
    """Return the group whose connections carry a stream; elsewhere it stays silent."""
    return "public" if topic.kind in _PUBLIC else "market"


def parse_topic(name: str) -> Topic | None:
    """Return the stream of that name, None for names that only stay silent.

    Symbols must be lower-case, as on the live venue.
    """
    if _ALL_MINI.fullmatch(name):
        return Topic(name, TopicKind.ALL_MINI_TICKERS, period_ms=2_000)
    if name in _OF_ALL:
        kind, period_ms = _OF_ALL[name]
        return Topic(name, kind, period_ms=period_ms)
    continuous = _CONTINUOUS.fullmatch(name)
    if continuous:
        return _kline(name, TopicKind.CONTINUOUS_KLINE, continuous[1], continuous[2])
    symbol, _, rest = name.partition("@")
    if not rest or not symbol or symbol != symbol.lower():
        return None
    if rest in _PLAIN:
        kind, period_ms = _PLAIN[rest]
        return Topic(name, kind, symbol.upper(), period_ms=period_ms)
    if rest.startswith("kline_"):
        return _kline(name, TopicKind.KLINE, symbol, rest.removeprefix("kline_"))
    return _depth(name, symbol.upper(), rest)


def _kline(name: str, kind: TopicKind, symbol: str, interval: str) -> Topic | None:
    if interval not in INTERVALS:
        return None
    return Topic(name, kind, symbol.upper(), interval=interval, period_ms=_KLINE_MS)


def _depth(name: str, symbol: str, rest: str) -> Topic | None:
    match = _DEPTH.fullmatch(rest)
    if match is None:
        return None
    period_ms = int((match[2] or "@250ms")[1:-2])
    if match[1]:
        return Topic(name, TopicKind.PARTIAL_DEPTH, symbol, levels=int(match[1]), period_ms=period_ms)
    return Topic(name, TopicKind.DEPTH, symbol, period_ms=period_ms)
