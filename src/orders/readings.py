"""When the account is read, and how much of it.

A reading lists the open orders; what the account traded is read with it only where the list cannot tell enough.

**Why no fill is missed.** The ledger holds every order of ours that may have left, because its intent is committed
first. A reading that began after all that was last heard of an order shows it

- listed, with no more executed than is booked: nothing happened to it;
- listed, with more executed: the trades of this order are read by its id;
- not listed: it has ended, and it is asked about by its id until what is booked is what was executed.

An order whose fate is unknown is settled by the list, or asked about. So every trade of every order the ledger knows is
booked, whatever the stream told. Orders the ledger does *not* know can only have left where commits were lost or a copy
was put back (`Store.may_lack_orders`), and show themselves when one of them turns up. Then all trades since the last
one known are read before anything is decided, twice, because replicas lag (`LAG_S`); and besides, every
`TRADES_EVERY_S`, for faults nobody thought of.
"""

from collections.abc import Sequence

from domain.orders import Fill
from orders.effects import ReadOpen, ReadTrades
from orders.ledger import Ledger

CROSS_CHECK_S = 60.0
TRADES_EVERY_S = 300.0
LAG_S = 5.0
"""What one replica of the venue's database may lag behind another: an order may be gone from the list of orders and its
trades not yet in the list of trades."""
OLD_MS = 60_000
"""What is older than this every replica knows."""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 8.0
"""After readings that failed."""
FEW = 4
"""Up to here asking for the trades of single orders (weight 5) costs no more than reading them all (20)."""


class Readings:
    """One reading at a time."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.under_way = False
        self.has_ended_once = False
        self.complete_until = 0
        self.is_whole = True
        self._wants_trades = False
        self.has_failed = False
        self._pause_s, self._again_s = FIRST_PAUSE_S, float("-inf")
        self._read_s: float | None = None
        self._trades_s: float | None = None
        self._clean_s: float | None = None

    def begin(self, *, complete_until: int, is_whole: bool) -> None:
        """Start from the books: trades up to the id `complete_until` are in them; `is_whole`: all orders too."""
        self.complete_until, self.is_whole = complete_until, is_whole

    @property
    def needs_trades(self) -> bool:
        """Tell whether only a reading with trades will do."""
        return self._wants_trades or not self.is_whole

    def ask(self) -> list[ReadOpen]:
        """Return the reading to be made, nothing while one is under way."""
        if self.under_way:
            return []
        self.under_way = True
        if not self.needs_trades:
            return [ReadOpen(None)]
        return [ReadOpen(self.complete_until + 1, self._known())]

    def ask_whole(self) -> list[ReadOpen]:
        """Return a reading with trades, whatever the books need; nothing while one is under way: then the next has."""
        self._wants_trades = True
        return self.ask()

    def ask_trades(self) -> list[ReadTrades]:
        """Return the reading of trades alone, for when the orders have just been listed."""
        if self.under_way:
            return []
        self.under_way = True
        return [ReadTrades(self.complete_until + 1, self._known())]

    def _known(self) -> tuple[tuple[int, str], ...]:
        held = ((order.venue_order_id, order.intent.client_id) for order in self._ledger.unsettled())
        return tuple((number, client_id) for number, client_id in held if number is not None)

    def due(self, now_s: float, *, live: bool, was_read: bool, every_s: float = CROSS_CHECK_S) -> list[ReadOpen]:
        """Return the reading that is due: missing while the stream is `live`, failed, or the cross-check `every_s`."""
        if self._read_s is None or self._trades_s is None:
            self._read_s = self._trades_s = now_s
        if now_s - self._trades_s >= TRADES_EVERY_S:
            self._wants_trades = True
        settling = self._clean_s is not None and now_s < self._clean_s + LAG_S
        missing = live and (not was_read or self.has_failed or self._wants_trades) and not settling
        is_due = now_s >= self._again_s and (missing or now_s - self._read_s >= every_s)
        return self.ask() if is_due else []

    def listed(self, now_s: float) -> None:
        """Take note that the open orders were listed."""
        self.under_way = self.has_failed = False
        self._pause_s, self._again_s = FIRST_PAUSE_S, float("-inf")
        self.has_ended_once, self._read_s = True, now_s

    def traded(
        self, fills: Sequence[Fill], strays: Sequence[Fill], now_s: float, old_foreign: Sequence[Fill] = ()
    ) -> None:
        """Take note that all trades since the last one known were read; `strays` are of orders the ledger lacks.

        `old_foreign`: trades of others so old that all of ours before them are listed too. They are not read again,
        but where orders may be missing.
        """
        self.under_way = False
        known = [*fills, *old_foreign] if self.is_whole else fills
        read = [fill.trade_id for fill in known] if not strays else [strays[0].trade_id - 1]
        self.complete_until = max([self.complete_until, *read])
        self._wants_trades, self._trades_s = False, now_s

    def doubt(self) -> None:
        """Note that an order of ours turned up that the ledger lacked: others may be missing too."""
        self.is_whole, self._clean_s = False, None

    def shows_all(self, started_s: float, now_s: float) -> bool:
        """Tell whether a reading that brought no order the ledger lacks, begun at `started_s`, proves there is none.

        Where orders may be missing it takes two: what the first did not list any more has its trades in a second one
        that begins `LAG_S` later.
        """
        if self.is_whole:
            return True
        if self._clean_s is None:
            self._clean_s = now_s
        return started_s >= self._clean_s + LAG_S

    def trust(self) -> bool:
        """Note that every order of ours was found; tell whether that is news."""
        was_whole, self.is_whole, self._clean_s = self.is_whole, True, None
        return not was_whole

    def failed(self, now_s: float) -> None:
        """Note that a reading or look-up could not be had; the timer reads again, ever later."""
        self.under_way, self.has_failed = False, True
        self._again_s = now_s + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
