"""A second stream of each symbol with a time of its own, which tells that the connection lives and what was traded.

Trades come when they come, so their silence proves nothing. Spot's `<symbol>@kline_1s` comes every second, traded in or
not, and names the second's last trade (protocol 1.9: 1000 ms; an interval without a trade is told with `n` 0). USD-M
has no such candle: `<symbol>@markPrice@1s` comes every second and knows of no trades, `<symbol>@ticker` every two
seconds and names the last one.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain.instrument import Market

LOG: Final = logging.getLogger(__name__)

PERIOD_S: Final = 1.0
LOOK_S: Final = 0.1
"""How often silence is looked for."""
SILENT_AFTER_S: Final = 2 * PERIOD_S - LOOK_S
"""Silence of so long is noticed at the next look: twice the period at most."""
GIVE_UP_S: Final = 4 * PERIOD_S
"""After so long without anything at all the connection is given up; a lost packet comes again before."""
_PROOF: Final = 3  # arrivals in time before a witness is held to its time
_MORE_PROOF: Final = 20  # times as many after it was held to a time that it does not keep
_MOST_PROOF: Final = 3_600
_SECOND_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Word:
    """What one frame of a witness says.

    Attributes:
        keeps_time: whether it is of the stream that comes every second.
        last_id: the last trade it knows of, None where it says nothing of trades, -1 where there was none.
        second_ms: the beginning of the second it is about, None where it is about everything up to now.
        is_idle: whether it came although nothing was traded.
    """

    symbol: str
    keeps_time: bool
    last_id: int | None = None
    second_ms: int | None = None
    is_idle: bool = False


def _of_kline(frame: Mapping[str, Any]) -> Word | None:
    kline = frame["k"]
    if kline["i"] != "1s":
        return None
    symbol, is_idle = frame["s"], not int(kline["n"])
    last_id = -1 if is_idle else int(kline["L"])
    if kline["x"]:
        return Word(symbol, True, last_id, int(kline["t"]), is_idle)
    return Word(symbol, True, None if is_idle else last_id, is_idle=is_idle)  # it may yet be traded in


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Word | None]]] = {
    "kline": _of_kline,
    "markPriceUpdate": lambda frame: Word(frame["s"], True, is_idle=True),
    "24hrTicker": lambda frame: Word(frame["s"], False, int(frame["L"])),
}
NAMES: Final[Mapping[Market, tuple[str, ...]]] = {
    Market.SPOT: ("kline_1s",),
    Market.FUTURES: ("markPrice@1s", "ticker"),
}
"""The streams of each market's witness, without the symbol."""


def read_word(frame: Mapping[str, Any]) -> Word | None:
    """Return what a frame says as a witness, None where it is none or cannot be understood."""
    reader = _READERS.get(frame.get("e", ""))
    try:
        return None if reader is None else reader(frame)
    except (KeyError, TypeError, ValueError) as e:  # it stands beside the prices, and must not end them
        LOG.debug("a witness cannot be understood: %r", e)
        return None


class Witness:
    """One symbol's witness on one connection. Times are monotonic seconds.

    From its subscription it is held to its second on credit, so that a connection which is mute from its birth is
    noticed like any other. The first silence in which nothing is missing ends the credit; then it is held to it only
    once it has kept it: a venue without witnesses, or one that tells of busy seconds alone, is judged by the learned
    gaps between trades.
    """

    def __init__(self) -> None:
        self.heard_s: float | None = None
        self.was_kept = self.is_subscribed = False
        self._credit_s: float | None = None
        self._in_time, self._needed = 0, _PROOF
        self._was_idle = False
        self._second_ms: int | None = None
        self._unbroken_since_s: float | None = None

    @property
    def is_kept(self) -> bool:
        """Tell whether it keeps its time."""
        return self._in_time >= self._needed

    @property
    def is_held(self) -> bool:
        """Tell whether its silence means something."""
        return self.is_kept or self._credit_s is not None

    @property
    def is_there(self) -> bool:
        """Tell whether this connection has it."""
        return self.is_subscribed or self.heard_s is not None

    @property
    def spoke_s(self) -> float | None:
        """Return since when it is silent: its last arrival, before the first its subscription."""
        return self._credit_s if self.heard_s is None else self.heard_s

    def subscribed(self, now_s: float) -> None:
        """Note that the venue confirmed its subscription on a new connection."""
        self.is_subscribed, self._credit_s = True, now_s

    def heard(self, word: Word, now_s: float) -> None:
        """Note one frame."""
        if word.keeps_time:
            self._keep_time(now_s)
        self._was_idle = self._was_idle or word.is_idle
        if word.second_ms is not None and (self._second_ms is None or word.second_ms > self._second_ms):
            if self._second_ms is None or word.second_ms != self._second_ms + _SECOND_MS:
                self._unbroken_since_s = now_s
            self._second_ms = word.second_ms

    def proves(self, word: Word, known_id: int, confirmed_s: float | None) -> bool:
        """Tell whether, by this frame, nothing was traded after `known_id`, which was complete at `confirmed_s`."""
        if word.last_id is None or word.last_id > known_id:
            return False
        if word.last_id == known_id >= 0:
            return True
        if word.second_ms is None:
            return False
        # One second says nothing of those before it: each since then must have been told.
        since_s = self._unbroken_since_s
        return since_s is not None and confirmed_s is not None and confirmed_s >= since_s

    def interrupted(self) -> None:
        """Note that the connection broke off: what comes next must keep its time anew."""
        self.heard_s = self._credit_s = self._second_ms = self._unbroken_since_s = None
        self._in_time, self.is_subscribed = 0, False

    def gave_out(self) -> None:
        """Note that it is silent and nothing is missing: it proves nothing until it has kept its time again.

        One that never came in an idle second came by trades alone, and must show more before it is believed again.
        """
        was_kept, self._credit_s = self.is_kept, None
        self._in_time, self._second_ms, self._unbroken_since_s = 0, None, None
        if was_kept and not self._was_idle:
            self._needed = min(self._needed * _MORE_PROOF, _MOST_PROOF)

    def _keep_time(self, now_s: float) -> None:
        if self.heard_s is not None:
            self._in_time = self._in_time + 1 if now_s - self.heard_s < SILENT_AFTER_S else 0
            if self.is_kept:
                self.was_kept, self._credit_s = True, None
        self.heard_s = now_s
