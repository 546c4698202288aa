"""Names of spot market streams (protocol section 1.9)."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

INTERVALS: Final = (
    "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M",
)  # fmt: skip


class TopicKind(StrEnum):
    """What a stream carries."""

    TRADE = "trade"
    AGG_TRADE = "aggTrade"
    BOOK_TICKER = "bookTicker"
    KLINE = "kline"
    MINI_TICKER = "miniTicker"
    ALL_MINI_TICKERS = "miniTicker@arr"
    TICKER = "ticker"
    AVERAGE_PRICE = "avgPrice"
    DEPTH = "depth"
    PARTIAL_DEPTH = "partial"
    MARK_PRICE = "markPrice"
    ALL_MARK_PRICES = "markPrice@arr"
    CONTINUOUS_KLINE = "continuousKline"
    ALL_TICKERS = "ticker@arr"
    ALL_BOOK_TICKERS = "allBookTickers"
    FORCE_ORDER = "forceOrder"
    ALL_FORCE_ORDERS = "forceOrder@arr"


@dataclass(frozen=True, slots=True)
class Topic:
    """One stream by its name; `period_ms` 0 means at once."""

    name: str
    kind: TopicKind
    symbol: str = ""
    interval: str = ""
    levels: int = 0
    period_ms: int = 0


_PLAIN: Final = {
    "trade": (TopicKind.TRADE, 0),
    "aggTrade": (TopicKind.AGG_TRADE, 0),
    "bookTicker": (TopicKind.BOOK_TICKER, 0),
    "miniTicker": (TopicKind.MINI_TICKER, 1_000),
    "ticker": (TopicKind.TICKER, 1_000),
    "avgPrice": (TopicKind.AVERAGE_PRICE, 1_000),
}
_ALL_MINI: Final = re.compile(r"!miniTicker@arr(@[0-9]+ms)?")
_DEPTH: Final = re.compile(r"depth(5|10|20)?(@100ms|@1000ms)?")


def parse_topic(name: str) -> Topic | None:
    """Return the stream of that name, None for names that only stay silent.

    Symbols must be lower-case, as on the live venue.
    """
    if _ALL_MINI.fullmatch(name):
        return Topic(name, TopicKind.ALL_MINI_TICKERS, period_ms=1_000)
    symbol, _, rest = name.partition("@")
    if not rest or not symbol or symbol != symbol.lower():
        return None
    if rest in _PLAIN:
        kind, period_ms = _PLAIN[rest]
        return Topic(name, kind, symbol.upper(), period_ms=period_ms)
    if rest.startswith("kline_"):
        return _kline(name, symbol.upper(), rest.removeprefix("kline_"))
    return _depth(name, symbol.upper(), rest)


def _kline(name: str, symbol: str, interval: str) -> Topic | None:
    if interval not in INTERVALS:
        return None
    period_ms = 1_000 if interval == "1s" else 2_000
    return Topic(name, TopicKind.KLINE, symbol, interval=interval, period_ms=period_ms)


def _depth(name: str, symbol: str, rest: str) -> Topic | None:
    match = _DEPTH.fullmatch(rest)
    if match is None:
        return None
    period_ms = 100 if match[2] == "@100ms" else 1_000
    if match[1]:
        return Topic(name, TopicKind.PARTIAL_DEPTH, symbol, levels=int(match[1]), period_ms=period_ms)
    return Topic(name, TopicKind.DEPTH, symbol, period_ms=period_ms)
