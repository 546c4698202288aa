"""Does the venue hold of a contract what our fills add up to? Pure: times are passed in.

One grid trades a contract, so while nothing is under way both are equal, side by side. One reading that differs is
suspicion: a fill may lie between the parts of the reading, or may not have been told yet. Nothing is placed meanwhile,
and the account is read once more, trades included. Where that shows the same difference and no fill of ours came in,
somebody else changed the position: the venue (liquidation, auto-deleveraging) or a hand.

An alarm is withdrawn once two readings, as far apart, show what the books hold.

An order that somebody else took off the book is a first sign of that: a liquidation begins so. Then too the position is
read before anything is placed.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.events import OpenOrdersRead
from domain.instrument import Instrument
from domain.money import plain
from domain.orders import Fill, PositionSide, Side
from orders.positions import Legs

CONFIRM_S: Final = 15.0
"""What was traded before the first reading is told by then: replicas were seen to lag up to about 10 s."""
_TOLD: Final = 3


@dataclass(frozen=True, slots=True)
class _Suspicion:
    there: Legs
    held: Legs
    since_s: float


class PositionCheck:
    """Of one grid on one contract."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._suspicion: _Suspicion | None = None
        self._shaken_s: float | None = None
        self._asked_s = float("-inf")
        self._foreign: deque[Fill] = deque(maxlen=_TOLD)  # the newest trades of others
        self._raised: list[str] = []
        self._equal_s: float | None = None  # since when readings show what the books hold
        self._equal_again = False

    def taken_off(self, now_s: float) -> None:
        """Note that a resting order of ours was taken off the book, and we did not ask for it."""
        self._shaken_s = now_s

    def judge(self, event: OpenOrdersRead, held: Legs, *, is_quiet: bool, now_s: float) -> str:
        """Compare a reading with what is held by the books; return an alarm, empty where none is due.

        Args:
            event: the reading.
            held: what all fills of ours add up to, those it brought included.
            is_quiet: no order of ours is under way, and every fill of those that ended is booked.
            now_s: monotonic.
        """
        known = {fill.trade_id for fill in self._foreign}
        self._foreign.extend(fill for fill in event.foreign_fills if fill.trade_id not in known)
        if event.positions is None or not is_quiet:
            return ""
        if self._shaken_s is not None and event.started_s >= self._shaken_s:
            self._shaken_s = None
        there = {position.side: position.quantity for position in event.positions if position.quantity}
        before, self._suspicion = self._suspicion, None
        if there == held:
            self._equal_s = now_s if self._equal_s is None else self._equal_s
            self._equal_again = event.started_s >= self._equal_s + CONFIRM_S
            return ""
        self._equal_s, self._equal_again = None, False
        if before is None or (before.there, before.held) != (there, held):
            self._suspicion = _Suspicion(there, held, now_s)
            return ""
        if event.started_s < before.since_s + CONFIRM_S or not event.has_trades:
            self._suspicion = before
            return ""
        alarm = self._alarm(there, held)
        self._raised.append(alarm)
        return alarm

    def disproved(self) -> list[str]:
        """Return the alarms that readings since have disproved, once each."""
        if not self._equal_again:
            return []
        raised, self._raised = self._raised, []
        return list(dict.fromkeys(raised))

    def doubt(self, held: Legs) -> str:
        """Return why nothing is placed now, empty where nothing speaks against it."""
        if self._suspicion is not None and self._suspicion.held == held:
            return "the venue holds another position than the books: it is read once more"
        if self._shaken_s is not None:
            return "somebody else took an order off the book: the position is read first"
        return ""

    def wants_reading(self, held: Legs, now_s: float) -> bool:
        """Tell whether a reading that clears a doubt is to be made now; told so, it is taken for made."""
        suspicion = self._suspicion
        is_due = self._shaken_s is not None
        if suspicion is not None and suspicion.held == held:
            is_due = now_s >= suspicion.since_s + CONFIRM_S
        if not is_due or now_s < self._asked_s + CONFIRM_S:
            return False
        self._asked_s = now_s
        return True

    def _alarm(self, there: Legs, held: Legs) -> str:
        base = self._instrument.base
        return (
            f"the venue holds {_shown(there)} {base} of this contract and the books {_shown(held)}: nothing more is "
            f"placed. {_told(self._foreign)}. Likely a liquidation (its orders are named autoclose-...), an automatic "
            "deleveraging (adl_autoclose...) or a trade by hand. Compare the contract's trades at the venue, then stop "
            "this grid and close what is left by hand, or bring the position back: the grid then goes on by itself"
        )


def _shown(legs: Legs) -> str:
    if not legs:
        return "0"
    names = {PositionSide.BOTH: "", PositionSide.LONG: "long ", PositionSide.SHORT: "short "}
    return ", ".join(f"{names[side]}{plain(legs[side])}" for side in sorted(legs))


def _told(foreign: Sequence[Fill]) -> str:
    if not foreign:
        return "No trade of others is listed since our last one"
    trades = (
        f"{'bought' if fill.side is Side.BUY else 'sold'} {plain(fill.quantity)} at {plain(fill.price)} (trade "
        f"{fill.trade_id}, order {fill.client_id or fill.venue_order_id})"
        for fill in foreign
    )
    return f"Others {'; '.join(trades)}"
