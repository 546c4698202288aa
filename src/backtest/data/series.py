"""What the store holds, by name, and the words people use for it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NoReturn, Self

from domain.errors import FieldMistake, InvalidRequest
from domain.instrument import Market
from ports.archives import Recording

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
INTERVALS_MS: Final[Mapping[str, int]] = {
    "1s": 1_000,
    **{f"{n}m": n * MINUTE_MS for n in (1, 3, 5, 15, 30)},
    **{f"{n}h": n * HOUR_MS for n in (1, 2, 4, 6, 8, 12)},
    "1d": DAY_MS,
}
"""Binance's candle intervals that tile the day."""
MARKET_WORDS: Final[Mapping[str, Market]] = {"spot": Market.SPOT, "um": Market.FUTURES}
WORD_OF_MARKET: Final[Mapping[Market, str]] = {market: word for word, market in MARKET_WORDS.items()}
CANDLE_KINDS: Final = frozenset({Recording.KLINES, Recording.MARK})
TRADE_KINDS: Final = frozenset({Recording.TRADES, Recording.AGG_TRADES})
FUTURES_KINDS: Final = frozenset({Recording.MARK, Recording.FUNDING})
_SYMBOL: Final = re.compile(r"\w{2,30}")
_SYMBOL_IN_NAME: Final = re.compile(r"(?:(?:spot|um)_)?(?P<symbol>[A-Z0-9]{5,20})[-_.]")


def refuse(field: str, message: str) -> NoReturn:
    """Refuse one named field.

    Raises:
        InvalidRequest: always.
    """
    raise InvalidRequest([FieldMistake(field, message)])


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """One recording: `interval` is empty but for candles."""

    market: Market
    kind: Recording
    symbol: str
    interval: str = ""

    @classmethod
    def named(cls, symbol: str, market: str | Market, kind: str | Recording, interval: str | None = None) -> Self:
        """Read the words of a person.

        Raises:
            InvalidRequest: naming each of them that is unknown.
        """
        where, what = parse_market(market), parse_kind(kind)
        if what in FUTURES_KINDS and where is not Market.FUTURES:
            refuse("market", f"{what} exists for futures alone; say --market um")
        if what not in CANDLE_KINDS:
            return cls(where, what, parse_symbol(symbol))
        return cls(where, what, parse_symbol(symbol), parse_interval(interval or "1m"))

    @property
    def folder(self) -> Path:
        """Return where it lies in the store, e.g. `spot/klines/BTCUSDT/1m`."""
        return Path(WORD_OF_MARKET[self.market], self.kind, self.symbol, self.interval)

    @property
    def interval_ms(self) -> int:
        """Return the length of a candle; candles only."""
        return INTERVALS_MS[self.interval]

    @property
    def of_days(self) -> bool:
        """Whether one file holds a day instead of a month: a month of trades does not fit into memory."""
        return self.kind in TRADE_KINDS

    def __str__(self) -> str:
        return " ".join(filter(None, (WORD_OF_MARKET[self.market], self.symbol, self.kind, self.interval)))


def parse_symbol(text: str) -> str:
    """Return BTCUSDT for BTCUSDT, btcusdt or BTC/USDT."""
    symbol = text.strip().upper().replace("/", "")
    if not _SYMBOL.fullmatch(symbol):
        refuse("symbol", f"{text!r} is no symbol; write it as Binance does, e.g. BTCUSDT")
    return symbol


def symbol_in_name(name: str) -> str | None:
    """Return what the name of a file begins with: BTCUSDT of BTCUSDT_1m.parquet or BTCUSDT-1m-2023-01.zip."""
    found = _SYMBOL_IN_NAME.match(name)
    return found["symbol"] if found else None


def parse_market(text: str | Market) -> Market:
    if isinstance(text, Market):
        return text
    known = {**MARKET_WORDS, "futures": Market.FUTURES}
    if text.lower() not in known:
        refuse("market", f"{text!r} is no market; it is spot or um (USD-M futures)")
    return known[text.lower()]


def parse_kind(text: str | Recording) -> Recording:
    for kind in Recording:
        if kind.lower() == text.lower():
            return kind
    refuse("kind", f"{text!r} is not recorded; there are {', '.join(Recording)}")


def parse_interval(text: str) -> str:
    if text not in INTERVALS_MS:
        near = get_close_matches(text.lower(), INTERVALS_MS, n=1)
        hint = f"did you mean {near[0]}? There are" if near else "there are"
        refuse("interval", f"{text!r} is not known; {hint} {', '.join(INTERVALS_MS)}")
    return text
