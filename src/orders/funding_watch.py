"""What funding brought to one grid: when it is asked for, and which settlements are owed. Pure: times are passed in.

Funding is settled at full hours of market time, every eight, four or one of them, and the venue's record of a payment
comes a while later. So it is asked for when a position is held for the first time, a while after each settlement that
the venue announced, and before a grid ends whose position lived through a full hour since the last reading.

A settlement is *owed* while its payment does not show, until it is certain that there is none: nothing was held within
15 seconds of it, its rate was 0, or it would have come to less than 1e-8. Owed ones are asked for again after a minute,
then after twice as long, at most an hour. Nobody waits for ever: what does not show within a day is named in `notice`
and given up, a settlement the venue announced and then does not list after ten minutes, and a grid that is to end waits
ten minutes.
"""

from dataclasses import dataclass
from typing import Final

from domain.events import FundingRead, Moment
from domain.futures import FundingPayment, FundingRate
from domain.moments import shown_utc
from domain.money import UNIT, ZERO, exact
from domain.orders import Fill
from orders.effects import ReadFunding
from orders.positions import HeldPositions, Legs

LAG_MS: Final = 30_000
"""How long after a settlement its payments are asked for first."""
FUZZ_MS: Final = 15_000
"""The venue settles the position it finds within this time of the settlement (protocol section 7, funding)."""
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
MATCH_MS: Final = 600_000
"""A payment belongs to the settlement at most so far from it."""
RETRY_S: Final = 60.0
LONGEST_RETRY_S: Final = 3_600.0
UNLISTED_S: Final = 600.0
OWED_S: Final = 86_400.0
ENDING_S: Final = 600.0
_KEPT_MS: Final = 90 * DAY_MS
"""The venue keeps its record for three months."""


@dataclass(frozen=True, slots=True)
class _Owed:
    since_s: float
    is_listed: bool


class FundingWatch:
    """Remembers the payments of one grid on one contract, each once.

    Payments from `started_ms` on are the grid's: it began on a contract without a position.
    """

    def __init__(self, started_ms: int) -> None:
        self.held = HeldPositions()
        self.notice = ""
        self._started_ms = self._since_ms = started_ms
        self._payments: dict[int, FundingPayment] = {}
        self._owed: dict[int, _Owed] = {}
        self._given_up: set[int] = set()
        self._next_ms: int | None = None
        self._read_ms = started_ms
        self._asked = False
        self._again_s = float("-inf")
        self._pause_s = RETRY_S
        self._ending_s: float | None = None

    def note(self, fill: Fill) -> None:
        """Take in a booked fill."""
        self.held.add(fill)

    def restore(self, payments: tuple[FundingPayment, ...]) -> None:
        """Take over what the store holds; a day before its newest payment is read again."""
        self._payments = {payment.id: payment for payment in payments}
        newest_ms = max((payment.at_ms for payment in payments), default=self._started_ms)
        self._since_ms = self._read_ms = max(self._started_ms, newest_ms - DAY_MS)

    # --- questions ---

    def due(self, now: Moment) -> list[ReadFunding]:
        """Return the reading to be made now, if any."""
        if self._asked or not self.held.were_ever or now.monotonic_s < self._again_s or not self._is_due(now):
            return []
        self._asked = True
        return [ReadFunding(max(self._since_ms, now.market_ms - _KEPT_MS))]

    def _is_due(self, now: Moment) -> bool:
        if self._next_ms is None or self._owed or now.market_ms >= self._next_ms + LAG_MS:
            return True
        hour_ms = self._unread_hour_ms(now) if self._ending_s is not None else None
        return hour_ms is not None and now.market_ms >= hour_ms + LAG_MS

    def _unread_hour_ms(self, now: Moment) -> int | None:
        """Return the first full hour that no reading covers yet and at which something was held, None if there is none.

        Besides the announced settlement, for the venue may settle more often from one hour to the next.
        """
        first_ms = self._read_ms - self._read_ms % HOUR_MS + HOUR_MS
        if self.held.were_ever and now.market_ms - first_ms > DAY_MS:
            return first_ms  # too many to look at each: a reading tells
        for hour_ms in range(first_ms, now.market_ms + 1, HOUR_MS):
            if self.held.within(hour_ms - FUZZ_MS, hour_ms + FUZZ_MS):
                return hour_ms
        return None

    # --- answers ---

    def failed(self, now: Moment) -> None:
        """Note that a reading could not be had."""
        self._asked = False
        self._wait(now)

    def take(self, event: FundingRead, now: Moment) -> tuple[FundingPayment, ...]:
        """Take in a reading; return the payments that were not known."""
        self._asked = False
        fresh = {
            payment.id: payment
            for payment in event.payments
            if payment.id not in self._payments and payment.at_ms >= self._started_ms
        }
        self._payments |= fresh
        self._judge(event, now)
        is_news = event.next_ms > now.market_ms
        self._next_ms = event.next_ms if is_news or self._next_ms is None else self._next_ms
        self._read_ms = max(self._read_ms, event.at_ms - LAG_MS)
        self._since_ms = max(self._started_ms, min([self._read_ms, *self._owed]) - HOUR_MS)
        self.held.forget_before(self._since_ms - HOUR_MS)
        if self._owed or not is_news:
            self._wait(now)
        else:
            self._again_s, self._pause_s = float("-inf"), RETRY_S
        return tuple(fresh.values())

    def contradicts(self, payment: FundingPayment) -> bool:
        """Tell whether a payment that is known was told with another amount."""
        known = self._payments.get(payment.id)
        return known is not None and (known.amount, known.asset) != (payment.amount, payment.asset)

    def _judge(self, event: FundingRead, now: Moment) -> None:
        listed = {rate.at_ms: rate for rate in event.settled}
        announced = [] if self._next_ms is None or event.at_ms < self._next_ms else [self._next_ms]
        for at_ms in sorted({*listed, *announced, *self._owed} - self._given_up):
            if at_ms < self._started_ms or self._is_paid(at_ms, listed.get(at_ms)):
                self._owed.pop(at_ms, None)
                continue
            before = self._owed.get(at_ms)
            owed = _Owed(now.monotonic_s, at_ms in listed)
            if before is not None:
                owed = _Owed(before.since_s, before.is_listed or owed.is_listed)
            self._owed[at_ms] = owed
            self._give_up_late(at_ms, owed, now)

    def _give_up_late(self, at_ms: int, owed: _Owed, now: Moment) -> None:
        is_missing = owed.is_listed and not self._payments_at(at_ms)  # legs may have been settled in one
        if now.monotonic_s - owed.since_s < (OWED_S if is_missing else UNLISTED_S):
            return
        del self._owed[at_ms]
        self._given_up.add(at_ms)
        if is_missing:
            self.notice = (
                f"the venue shows no payment for the funding of {shown_utc(at_ms)}: it is missing in the books"
            )

    def _is_paid(self, at_ms: int, rate: FundingRate | None) -> bool:
        """Tell whether all payments of a settlement are there, or there can be none."""
        legs = self.held.within(at_ms - FUZZ_MS, at_ms + FUZZ_MS)
        if not legs or (rate is not None and _is_nothing(legs, rate)):
            return True
        return self._payments_at(at_ms) >= len(legs)

    def _payments_at(self, at_ms: int) -> int:
        return sum(abs(payment.at_ms - at_ms) <= MATCH_MS for payment in self._payments.values())

    def _wait(self, now: Moment) -> None:
        self._again_s = now.monotonic_s + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_RETRY_S)

    # --- the end ---

    def keeps_waiting(self, now: Moment) -> str:
        """Return what a grid that is to end still waits for, empty when it may; told so, the asking is hastened."""
        owed_ms = self._owed_ms(now)
        if owed_ms is None and not self._asked:
            return ""
        if self._ending_s is None:
            self._ending_s, self._pause_s = now.monotonic_s, RETRY_S
            self._again_s = min(self._again_s, now.monotonic_s)
        if now.monotonic_s - self._ending_s < ENDING_S:
            return "what funding brought" if owed_ms is None else f"the funding of {shown_utc(owed_ms)}"
        if owed_ms is not None:
            self.notice = f"the grid ended before the venue showed a payment for the funding of {shown_utc(owed_ms)}"
        return ""

    def is_owed(self, now: Moment) -> bool:
        """Tell whether a settlement that the venue announced is over and its payment is still to come."""
        return bool(self._owed) or self._is_unread(now)

    def _is_unread(self, now: Moment) -> bool:
        if self._next_ms is None or self._next_ms > now.market_ms:
            return False
        return bool(self.held.within(self._next_ms - FUZZ_MS, self._next_ms + FUZZ_MS))

    def _owed_ms(self, now: Moment) -> int | None:
        """Return the oldest settlement that may still bring a payment."""
        times = [*self._owed]
        if self.held.were_ever:
            hour_ms = self._unread_hour_ms(now)
            times += [] if hour_ms is None else [hour_ms]
        if self._next_ms is not None and self._is_unread(now):
            times.append(self._next_ms)
        return min(times, default=None)


@exact
def _is_nothing(legs: Legs, rate: FundingRate) -> bool:
    """Tell whether a settlement comes to less than the venue's smallest amount."""
    if rate.mark is None:
        return not rate.rate
    largest = max((abs(quantity) for quantity in legs.values()), default=ZERO)
    return largest * rate.mark * abs(rate.rate) < UNIT
