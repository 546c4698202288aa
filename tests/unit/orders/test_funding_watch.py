"""When funding is asked for, what is owed, and that each payment counts once; all on times that are passed in."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import FundingRead, Moment
from domain.futures import FundingPayment, FundingRate
from domain.instrument import Instrument, Market
from domain.money import ZERO
from domain.orders import Fill, PositionSide, Side
from orders.books import FifoBooks
from orders.funding_watch import DAY_MS, ENDING_S, HOUR_MS, LAG_MS, LONGEST_RETRY_S, OWED_S, RETRY_S, FundingWatch
from orders.positions import HeldPositions

BTC = Instrument("binance", Market.FUTURES, "BTC", "USDT")
START_MS = 1_700_000_000_000 - 1_700_000_000_000 % (8 * HOUR_MS) + HOUR_MS  # an hour after a settlement
FIRST_MS = START_MS + 7 * HOUR_MS
RATE, MARK = Decimal("0.0001"), Decimal(60_000)


def fill(number: int, quantity: str, at_ms: int, side: PositionSide = PositionSide.BOTH) -> Fill:
    amount = Decimal(quantity)
    return Fill(
        instrument=BTC, trade_id=number, client_id="c", venue_order_id=1, side=Side.BUY if amount > 0 else Side.SELL,
        price=MARK, quantity=abs(amount), quote_quantity=abs(amount) * MARK, commission=ZERO, commission_asset="USDT",
        is_maker=True, time_ms=at_ms, position_side=side,
    )  # fmt: skip


def payment(at_ms: int, amount: str = "-6", number: int = 0, asset: str = "USDT") -> FundingPayment:
    return FundingPayment(instrument=BTC, id=number or at_ms, amount=Decimal(amount), asset=asset, at_ms=at_ms)


@dataclass
class Venue:
    """Settles every eight hours; its list of payments shows what it is told to show."""

    settled: list[FundingRate] = field(default_factory=list)
    payments: list[FundingPayment] = field(default_factory=list)

    def settle(self, at_ms: int, rate: Decimal = RATE) -> None:
        self.settled.append(FundingRate(instrument=BTC, rate=rate, mark=MARK, at_ms=at_ms))

    def answer(self, since_ms: int, at_ms: int) -> FundingRead:
        period = 8 * HOUR_MS
        settled = tuple(rate for rate in self.settled if since_ms <= rate.at_ms <= at_ms)
        paid = tuple(one for one in self.payments if since_ms <= one.at_ms <= at_ms)
        return FundingRead(BTC, since_ms, at_ms, at_ms - at_ms % period + period, settled, paid)


class Asked:
    """A watch whose questions are answered at once."""

    def __init__(self) -> None:
        self.watch, self.venue = FundingWatch(START_MS), Venue()
        self.at_ms = START_MS
        self.questions = 0
        self.paid: list[FundingPayment] = []

    def now(self) -> Moment:
        return Moment(self.at_ms, self.at_ms, (self.at_ms - START_MS) / 1000)

    def tick(self) -> int:
        """Ask what is due and hear the answer; return how many questions left."""
        asked = self.watch.due(self.now())
        for question in asked:
            assert self.watch.due(self.now()) == [], "one question at a time"
            self.paid += self.watch.take(self.venue.answer(question.since_ms, self.at_ms), self.now())
        self.questions += len(asked)
        return len(asked)

    def until(self, at_ms: int, step_ms: int = 10_000) -> int:
        """Let time pass; return how many questions left meanwhile."""
        before = self.questions
        while self.at_ms < at_ms:
            self.at_ms = min(self.at_ms + step_ms, at_ms)
            self.tick()
        return self.questions - before


def held(quantity: str = "1") -> Asked:
    """Return a watch that knows of a position since its start, and when the first settlement is due."""
    asked = Asked()
    asked.watch.note(fill(1, quantity, START_MS + 1_000))
    asked.at_ms += 2_000
    assert asked.tick() == 1
    return asked


def test_nothing_is_asked_before_a_position_was_held() -> None:
    asked = Asked()
    assert asked.until(START_MS + DAY_MS, step_ms=HOUR_MS) == 0
    assert asked.watch.keeps_waiting(asked.now()) == ""


def test_it_is_asked_once_a_while_after_each_settlement_and_never_between() -> None:
    asked = held()
    for number in range(3):
        at_ms = FIRST_MS + number * 8 * HOUR_MS
        asked.venue.settle(at_ms)
        asked.venue.payments.append(payment(at_ms + 20))
        assert asked.until(at_ms + LAG_MS - 1) == 0
        assert asked.until(at_ms + LAG_MS + 10_000) == 1
    assert [one.at_ms - 20 for one in asked.paid] == [FIRST_MS + number * 8 * HOUR_MS for number in range(3)]


def test_a_payment_that_shows_late_is_asked_for_again_ever_more_seldom() -> None:
    asked = held()
    asked.venue.settle(FIRST_MS)
    first_ms = FIRST_MS + LAG_MS + 5_000
    assert asked.until(first_ms) == 1
    assert asked.paid == []
    assert asked.until(first_ms + 1_000 * int(RETRY_S * (1 + 2 + 4 + 8)) + 30_000) == 4
    asked.venue.payments.append(payment(FIRST_MS))
    assert asked.until(first_ms + 1_000 * int(RETRY_S * 31) + 60_000) == 1
    assert [one.amount for one in asked.paid] == [-6]
    assert asked.until(FIRST_MS + 4 * HOUR_MS) == 0
    assert asked.watch.notice == ""


def test_what_never_shows_is_given_up_after_a_day_and_named() -> None:
    asked = held()
    asked.venue.settle(FIRST_MS)
    count = asked.until(FIRST_MS + 1_000 * int(OWED_S + 2 * LONGEST_RETRY_S), step_ms=60_000)
    assert count < 40
    assert "it is missing in the books" in asked.watch.notice


@pytest.mark.parametrize("why", ["flat", "rate of 0", "too small", "never settled"])
def test_where_nothing_was_due_it_is_not_asked_again(why: str) -> None:
    asked = held("0.001" if why == "too small" else "1")
    if why == "flat":
        asked.watch.note(fill(2, "-1", FIRST_MS - HOUR_MS))
    if why != "never settled":
        rates = {"rate of 0": ZERO, "too small": Decimal("0.0000000001")}
        asked.venue.settle(FIRST_MS, rates.get(why, RATE))
    count = 5 if why == "never settled" else 1  # for ten minutes where it is announced and then not listed
    assert asked.until(FIRST_MS + HOUR_MS - 10_000) == count
    assert (asked.watch.notice, asked.watch.keeps_waiting(asked.now())) == ("", "")


def test_each_leg_of_hedge_mode_has_a_payment_of_its_own() -> None:
    asked = Asked()
    asked.watch.note(fill(1, "1", START_MS, PositionSide.LONG))
    asked.watch.note(fill(2, "-1", START_MS, PositionSide.SHORT))
    asked.tick()
    asked.venue.settle(FIRST_MS)
    asked.venue.payments.append(payment(FIRST_MS, "-6", 1))
    assert asked.until(FIRST_MS + LAG_MS + 20_000) == 1
    asked.venue.payments.append(payment(FIRST_MS, "6", 2))
    assert asked.until(FIRST_MS + LAG_MS + 90_000) == 1
    assert sum(one.amount for one in asked.paid) == 0
    assert asked.until(FIRST_MS + 4 * HOUR_MS) == 0


def test_a_grid_ends_at_once_where_no_full_hour_passed_since_the_reading() -> None:
    asked = held()
    asked.at_ms += 10 * 60_000
    assert asked.watch.keeps_waiting(asked.now()) == ""


def test_a_grid_that_ends_right_after_a_settlement_waits_for_its_payment() -> None:
    asked = held()
    asked.venue.settle(FIRST_MS)
    asked.until(FIRST_MS + 2_000)
    asked.watch.note(fill(2, "-1", FIRST_MS + 2_500))
    assert "the funding of" in asked.watch.keeps_waiting(asked.now())
    asked.venue.payments.append(payment(FIRST_MS))
    asked.until(FIRST_MS + LAG_MS + 20_000)
    assert asked.watch.keeps_waiting(asked.now()) == ""
    assert len(asked.paid) == 1


def test_a_settlement_that_was_not_announced_is_found_before_the_end() -> None:
    asked = held()
    hour_ms = START_MS + HOUR_MS
    asked.venue.settle(hour_ms)
    asked.venue.payments.append(payment(hour_ms))
    asked.until(hour_ms + 10 * 60_000)
    assert asked.paid == []
    assert asked.watch.keeps_waiting(asked.now()) != ""
    assert asked.tick() == 1
    assert asked.watch.keeps_waiting(asked.now()) == ""
    assert [one.at_ms for one in asked.paid] == [hour_ms]


def test_a_grid_that_ends_waits_ten_minutes_at_most_and_says_what_is_missing() -> None:
    asked = held()
    asked.venue.settle(FIRST_MS)
    asked.until(FIRST_MS + HOUR_MS // 2)
    assert asked.watch.keeps_waiting(asked.now()) != ""
    begun_ms = asked.at_ms
    while asked.watch.keeps_waiting(asked.now()):
        asked.until(asked.at_ms + 30_000)
    assert asked.at_ms - begun_ms <= ENDING_S * 1_000 + 30_000
    assert "before the venue showed a payment" in asked.watch.notice


def test_a_failed_reading_is_asked_for_again_after_a_pause() -> None:
    watch = FundingWatch(START_MS)
    watch.note(fill(1, "1", START_MS))
    now = Moment(START_MS, START_MS, 0)
    assert len(watch.due(now)) == 1
    watch.failed(now)
    assert watch.due(Moment(START_MS, START_MS, RETRY_S - 1)) == []
    assert len(watch.due(Moment(START_MS, START_MS, RETRY_S))) == 1


def test_a_restart_reads_the_day_before_the_newest_payment_again_and_counts_nothing_twice() -> None:
    asked = held()
    stored = (payment(FIRST_MS), payment(FIRST_MS + 16 * HOUR_MS))  # the one between was never stored
    asked.venue.payments += [*stored, payment(FIRST_MS + 8 * HOUR_MS)]
    for number in range(3):
        asked.venue.settle(FIRST_MS + number * 8 * HOUR_MS)
    again = Asked()
    again.venue, again.at_ms = asked.venue, FIRST_MS + 17 * HOUR_MS
    again.watch.note(fill(1, "1", START_MS + 1_000))
    again.watch.restore(stored)
    again.tick()
    assert [one.at_ms for one in again.paid] == [FIRST_MS + 8 * HOUR_MS]


def test_what_was_paid_before_the_grid_began_is_not_its_own() -> None:
    asked = held()
    told = FundingRead(BTC, 0, asked.at_ms, FIRST_MS, (), (payment(START_MS - 1),))
    assert asked.watch.take(told, asked.now()) == ()


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 20)), max_size=12), st.integers(0, 20), st.integers(0, 5))
def test_what_was_held_at_a_time_is_the_sum_of_what_was_traded_before(
    trades: list[tuple[int, int]], from_ms: int, length: int
) -> None:
    positions = HeldPositions()
    trades = [(quantity, at_ms) for quantity, at_ms in trades if quantity]
    for number, (quantity, at_ms) in enumerate(trades):
        positions.add(fill(number, str(quantity), at_ms))

    def held_at(moment_ms: int) -> int:
        return sum(quantity for quantity, at_ms in trades if at_ms <= moment_ms)

    moments = [held_at(at_ms) for at_ms in range(from_ms, from_ms + length + 1)]
    if any(moments):
        found = positions.within(from_ms, from_ms + length)
        assert abs(found[PositionSide.BOTH]) >= max(map(abs, moments))
    assert sum(positions.now().values()) == held_at(99)


amounts = st.decimals("-1000", "1000", places=8)


def booked(fills: Iterable[Fill], payments: Iterable[FundingPayment]) -> FifoBooks:
    books = FifoBooks(BTC)
    for one in fills:
        books.add(one)
    for each in payments:
        books.add_funding(each.amount)
    return books


@given(
    trades=st.lists(st.tuples(st.integers(-5, 5).filter(bool), st.integers(50_000, 70_000)), max_size=20),
    paid=st.lists(amounts, max_size=6),
    mark=st.integers(50_000, 70_000),
    data=st.data(),
)
def test_funding_counts_once_in_any_order_and_the_identity_holds_for_shorts_too(
    trades: list[tuple[int, int]], paid: list[Decimal], mark: int, data: st.DataObject
) -> None:
    fills = []
    for number, (quantity, price) in enumerate(trades, 1):
        one = fill(number, str(quantity), START_MS)
        cost = one.quantity * price
        fills.append(Fill(**{name: getattr(one, name) for name in one.__slots__} | {
            "price": Decimal(price), "quote_quantity": cost, "commission": Decimal("0.01")}))  # fmt: skip
    payments = [payment(FIRST_MS + number, str(amount), number + 1) for number, amount in enumerate(paid)]
    told = data.draw(st.permutations(payments + payments))
    watch = FundingWatch(START_MS)
    watch.note(fill(0, "1", START_MS))
    now = Moment(FIRST_MS + DAY_MS, FIRST_MS + DAY_MS, 0)
    fresh = []
    for each in told:
        fresh += watch.take(FundingRead(BTC, 0, FIRST_MS, FIRST_MS + HOUR_MS, (), (each,)), now)
    assert sorted(one.id for one in fresh) == [one.id for one in payments]
    books = booked(fills, fresh).marked(Decimal(mark))
    position = sum(quantity for quantity, _ in trades)
    assert books.residual == 0
    assert books.funding == sum(paid, ZERO)
    assert books.base_held == position
    assert books.equity_change == books.cash_flow + position * mark
    assert books == booked(fills, payments).marked(Decimal(mark))
