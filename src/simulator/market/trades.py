"""Recorded trades: Binance trade or aggTrade messages, one JSON object per line, gzipped or not."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from simulator.core.events import MarketTrade
from simulator.market.feed import MarketError
from simulator.market.numbers import parse_text

_KINDS: Final = ("trade", "aggTrade")


class TradeFile:
    """Trades of one symbol; each pass reads the file anew, so it never lies in memory whole.

    A line is the message itself, the message of a combined stream (`stream`, `data`), or either of them
    under `msg`. Other messages and symbols are passed over. If a file has both kinds of trade, the kind
    that comes first counts. Trades the exchange made outside the book (futures field `X` other than
    MARKET) are passed over too.
    """

    def __init__(self, path: Path, symbol: str) -> None:
        self._path = path
        self._symbol = symbol

    def prints(self) -> Iterator[MarketTrade]:
        """Yield the trades in the order of the file.

        Raises:
            MarketError: naming file and line for a line that cannot be read, a price or quantity not above
                zero, or a time before the one before.
        """
        kind: str | None = None
        last_ms = 0
        with _open(self._path) as lines:
            for number, line in enumerate(_checked(self._path, lines), start=1):
                message = self._message(number, line)
                if message.get("e") not in _KINDS or message.get("s") != self._symbol:
                    continue
                kind = kind or message["e"]
                if message["e"] != kind or message.get("X", "MARKET") != "MARKET":
                    continue
                trade = self._trade(number, message)
                if trade.time_ms < last_ms:
                    raise self._bad(number, "is older than the trade before; sort the file by trade time")
                last_ms = trade.time_ms
                yield trade

    def _message(self, number: int, line: str) -> dict[str, Any]:
        try:
            message = json.loads(line)
        except ValueError as error:
            raise self._bad(number, f"is no JSON ({error}); mend or drop it") from error
        for envelope in ("msg", "data"):
            if isinstance(message, dict) and isinstance(message.get(envelope), dict):
                message = message[envelope]
        if not isinstance(message, dict):
            raise self._bad(number, "is no JSON object; mend or drop it")
        return message

    def _trade(self, number: int, message: dict[str, Any]) -> MarketTrade:
        try:
            price, quantity = parse_text(message["p"]), parse_text(message["q"])
            time_ms, buyer_is_maker = int(message["T"]), bool(message["m"])
        except (KeyError, TypeError, ValueError) as error:
            raise self._bad(number, f"is no trade with p, q, T and m ({error}); mend or drop it") from error
        if price <= 0 or quantity <= 0:
            raise self._bad(number, "has a price or quantity that is not above 0; drop it")
        return MarketTrade(self._symbol, price, quantity, time_ms, buyer_is_maker)

    def _bad(self, number: int, remedy: str) -> MarketError:
        return MarketError(f"{self._path}: line {number} {remedy}")


def _open(path: Path) -> IO[str]:
    if path.name.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def _checked(path: Path, lines: IO[str]) -> Iterator[str]:
    try:
        yield from lines
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise MarketError(f"{path}: cannot be read ({error}); it should be JSON lines, gzipped or not") from error
