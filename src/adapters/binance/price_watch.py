"""What is known of the prices of the watched symbols, and how surely.

A symbol is in doubt, and said to be lost, while its trades and its witness are both silent, or while its witness or
REST knows of trades that did not come. The doubt ends with proof that nothing is missing; where none comes in time the
connection is given up.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from adapters.binance.rhythm import Rhythm, SilenceBounds
from adapters.binance.sockets import Frame
from adapters.binance.watchers import Watchers
from adapters.binance.witness import GIVE_UP_S, PERIOD_S, SILENT_AFTER_S, Witness, Word
from domain.events import PriceSeen, StreamLost, StreamResumed
from domain.money import parse_amount

PATIENCE_S: Final = 0.5
"""How long a trade that is known from elsewhere may be on its way before nothing is decided without it."""
GRACE_S: Final = 2.0
"""How long before the connection is given up for it."""
_ASK_AGAIN_S: Final = 2.0


@dataclass(slots=True)
class Heard:
    """The latest trade known of one symbol."""

    aggregate_id: int
    trade_id: int
    price: Decimal
    market_ms: int


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be done about silence: of which symbols to ask REST, and why to give the connection up, if so."""

    ask: list[str]
    give_up: str = ""


class Watched:
    """One symbol. Times are monotonic seconds."""

    def __init__(self, bounds: SilenceBounds) -> None:
        self._bounds = bounds
        self.rhythm, self.witness = Rhythm(bounds), Witness()
        self.heard: Heard | None = None
        self.doubt = ""
        self.told_s = self.asked_s = float("-inf")
        self.held: PriceSeen | None = None
        self.owed_id = -1
        self.owed_s: float | None = None

    @property
    def silent_after_s(self) -> float:
        """Return after how long without a word REST is asked."""
        if self.witness.is_held:
            return 2 * PERIOD_S
        # A witness that should keep its time, and does not, may be as mute as its neighbour.
        is_missed = self.witness.was_kept or self.witness.is_subscribed
        return self._bounds.shortest_s if is_missed else self.rhythm.silent_after_s

    def owes(self, trade_id: int, now_s: float) -> None:
        """Note that this trade is known from elsewhere."""
        self.owed_id = max(self.owed_id, trade_id)
        self.owed_s = now_s if self.owed_s is None else self.owed_s

    def take(self, heard: Heard) -> None:
        self.heard = heard
        if self.owed_s is not None and heard.trade_id >= self.owed_id:
            self.owed_id, self.owed_s = -1, None

    def interrupted(self) -> None:
        self.heard, self.doubt, self.held = None, "", None
        self.owed_id, self.owed_s, self.asked_s = -1, None, float("-inf")
        self.rhythm.interrupted()
        self.witness.interrupted()

    def is_overdue(self, now_s: float, patience_s: float) -> bool:
        """Tell whether a trade that is known from elsewhere did not come for so long."""
        return self.owed_s is not None and now_s - self.owed_s >= patience_s

    def is_mute(self, now_s: float) -> bool:
        """Tell whether trades and a witness that is held to its time are both silent."""
        signs = (self.witness.spoke_s, self.rhythm.heard_s)
        return self.witness.is_held and now_s - max(s for s in signs if s is not None) >= SILENT_AFTER_S


class PriceWatch:
    """The watched symbols of one connection. Lives on the I/O loop, but for `symbols`, which any thread may read."""

    def __init__(self, kind: str, watchers: Watchers, silence: SilenceBounds, monotonic_s: Callable[[], float]) -> None:
        self._kind, self._watchers, self._silence, self._now_s = kind, watchers, silence, monotonic_s
        self.symbols: dict[str, Watched] = {}
        self.announced: set[str] = set()
        self.mute_witnesses: set[str] = set()
        """Symbols whose witness is to be subscribed anew."""
        self._spoke_s: float | None = None
        self._was_timed = False

    def follow(self, symbols: Collection[str]) -> None:
        """Watch these symbols: a new map whenever one comes or goes."""
        self.announced &= set(symbols)
        if not symbols:  # nobody has to say anything any more
            self._spoke_s, self._was_timed = None, False
        self.symbols = {symbol: self.symbols.get(symbol) or Watched(self._silence) for symbol in symbols}

    def is_live(self, symbol: str) -> bool:
        return symbol in self.announced and not self.doubt_of(symbol)

    def doubt_of(self, symbol: str) -> str:
        """Return why nothing may be decided on a symbol's price; empty if there is no such reason."""
        watched = self.symbols.get(symbol)
        return "" if watched is None else watched.doubt

    def announce(self, symbols: Collection[str], witnessed: Collection[str] = ()) -> bool:
        """Tell that symbols are subscribed, some with their witness; return whether one's price is not known yet."""
        unheard = False
        for symbol in sorted(set(symbols) & set(self.symbols) - self.announced):
            self.announced.add(symbol)
            if symbol in witnessed:
                self.symbols[symbol].witness.subscribed(self._now_s())
            self._watchers.order(symbol, StreamResumed(self._kind))
            unheard = unheard or self.symbols[symbol].heard is None
        return unheard

    def unheard(self) -> list[str]:
        return sorted(symbol for symbol in self.announced if self._is_unheard(symbol))

    def lost(self) -> None:
        """Note that the connection broke off: nothing is known any more."""
        self.announced.clear()
        self.mute_witnesses.clear()
        self._spoke_s, self._was_timed = None, False
        for watched in self.symbols.values():
            watched.interrupted()

    def traded(self, symbol: str, heard: Heard, quantity: Decimal) -> None:
        """Take in a trade; one told already, by the other connection of a planned move, changes nothing."""
        self._spoke_s = self._now_s()
        watched = self.symbols.get(symbol)
        if watched is None or (watched.heard is not None and heard.aggregate_id <= watched.heard.aggregate_id):
            return
        watched.take(heard)
        watched.rhythm.heard(self._spoke_s)
        self._tell(symbol, watched, heard, quantity)

    def witnessed(self, word: Word) -> None:
        """Take in what a witness says."""
        now_s = self._spoke_s = self._now_s()
        watched = self.symbols.get(word.symbol)
        if watched is None:
            return
        watched.witness.heard(word, now_s)
        self._was_timed = self._was_timed or watched.witness.is_kept
        if (heard := watched.heard) is None:
            return
        if word.last_id is not None and word.last_id > heard.trade_id:
            watched.owes(word.last_id, now_s)
        elif watched.owed_s is None and watched.witness.proves(word, heard.trade_id, watched.rhythm.confirmed_s):
            watched.rhythm.confirmed(now_s)
            if watched.doubt or now_s - watched.told_s >= self._silence.shortest_s:
                self._tell(word.symbol, watched, heard)

    def look(self) -> Look:
        """Find what is silent, and say so to whoever watches it."""
        now_s, ask, missing = self._now_s(), [], []
        for symbol in sorted(self.announced):
            watched = self.symbols[symbol]
            if watched.is_overdue(now_s, GRACE_S):
                missing.append(symbol)
            elif watched.is_overdue(now_s, PATIENCE_S) and watched.witness.is_there:
                self._doubt(symbol, watched, f"trades of {symbol} did not arrive")
            elif self._is_to_ask(symbol, watched, now_s):
                watched.asked_s = now_s
                watched.rhythm.asked(now_s)
                ask.append(symbol)
        if missing:
            return Look([], f"trades of {', '.join(missing)} did not arrive")
        if self._was_timed and self._spoke_s is not None and now_s - self._spoke_s >= GIVE_UP_S:
            return Look([], f"nothing at all arrived for {GIVE_UP_S:g} s")
        return Look(ask)

    def known(self) -> dict[str, Heard | None]:
        """Return the latest trades, for `compare`."""
        return {symbol: watched.heard for symbol, watched in self.symbols.items()}

    def compare(self, rows: Mapping[str, Frame], asked: Mapping[str, Heard | None]) -> None:
        """Confirm what REST confirms, and note of what it knows more than was told.

        Args:
            rows: REST's 24 h rows.
            asked: what was known when they were asked for.
        """
        for symbol, row in rows.items():
            if (watched := self.symbols.get(symbol)) is None:
                continue
            told = Heard(-1, int(row["lastId"]), parse_amount(row["lastPrice"]), int(row["closeTime"]))
            if watched.heard is None:
                self._first(symbol, watched, told)
            elif told.trade_id > watched.heard.trade_id:
                watched.owes(told.trade_id, self._now_s())
            elif watched.heard is asked.get(symbol):  # else the stream went on meanwhile, and REST is older
                if 0 <= told.trade_id < watched.heard.trade_id:
                    watched.take(told)  # the venue was wiped and counts anew
                self._confirm(symbol, watched, watched.heard)

    def _first(self, symbol: str, watched: Watched, told: Heard) -> None:
        """Take what REST says of a symbol that nothing was heard of.

        Without a trade in 24 h there is no id to compare the stream with, but a last price all the same.
        """
        if told.trade_id < 0 and not told.price:
            watched.rhythm.confirmed(self._now_s())
            watched.witness.gave_out()  # what was never traded may have none
            return
        watched.take(told)
        self._confirm(symbol, watched, told)

    def _is_unheard(self, symbol: str) -> bool:
        return self.symbols[symbol].heard is None

    def _is_to_ask(self, symbol: str, watched: Watched, now_s: float) -> bool:
        if watched.is_mute(now_s):
            self._doubt(symbol, watched, f"prices of {symbol} are silent")
            return now_s - watched.asked_s >= _ASK_AGAIN_S
        return watched.rhythm.is_silent(now_s, None if watched.witness.is_held else watched.silent_after_s)

    def _doubt(self, symbol: str, watched: Watched, reason: str) -> None:
        if not watched.doubt:
            watched.doubt = reason
            self._watchers.order(symbol, StreamLost(self._kind, reason))

    def _confirm(self, symbol: str, watched: Watched, heard: Heard) -> None:
        """Take REST's word that nothing is missing, unless a witness knows better."""
        if watched.owed_s is not None:
            return
        now_s = self._now_s()
        watched.rhythm.confirmed(now_s)
        if watched.is_mute(now_s):
            watched.witness.gave_out()
            self.mute_witnesses.add(symbol)
        self._tell(symbol, watched, heard)

    def _tell(self, symbol: str, watched: Watched, heard: Heard, quantity: Decimal | None = None) -> None:
        instrument = self._watchers.instrument(symbol)
        if instrument is None:
            return
        now_s = self._now_s()
        event = PriceSeen(instrument, heard.price, heard.market_ms, now_s, quantity)
        if watched.held is not None:
            event, watched.held = event.in_place_of(watched.held), None
        if watched.doubt and watched.owed_s is not None:
            watched.held = event  # late itself: told together with what is still missing
            return
        if watched.doubt:
            watched.doubt = ""
            self._watchers.order(symbol, StreamResumed(self._kind, now_s))
        watched.told_s = now_s
        self._watchers.price(symbol, event)
