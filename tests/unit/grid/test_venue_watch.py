"""An answer of the exchange counts for ten seconds, whatever the next question does."""

from threading import Event

import pytest

from domain.errors import Unreachable
from domain.instrument import Market
from grid.control import ANSWER_COUNTS_S, VenueWatch
from ports.market_data import Connection

WELL = Connection(True, 1.0, 0, {}, None)


class HandClock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_ms(self) -> int:
        return int(self.now_s * 1000)

    market_ms = wall_ms

    def wait(self, stopping: Event, seconds: float) -> bool:
        return stopping.wait(60)  # no second question in these tests


class Venue:
    """Answers what it is told to; implements the one call the watch makes."""

    def __init__(self) -> None:
        self.answer: Connection | Unreachable = WELL
        self.asked: list[Market] = []
        self.down: set[Market] = set()

    def connection(self, market: Market) -> Connection:
        self.asked.append(market)
        if market in self.down:
            raise Unreachable("refused")
        if isinstance(self.answer, Unreachable):
            raise self.answer
        return self.answer


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def venue():
    return Venue()


@pytest.fixture
def watch(venue, clock):
    watch = VenueWatch(venue, clock)
    watch.start()
    yield watch
    watch.stop()


def test_an_answer_counts_for_its_time_and_no_longer(watch, clock):
    clock.now_s = ANSWER_COUNTS_S
    assert watch.connected
    assert (watch.part().ready, watch.part().age_s) == (True, ANSWER_COUNTS_S)
    clock.now_s += 0.5  # the next question hangs
    assert not watch.connected
    part = watch.part()
    assert (part.alive, part.ready, part.reason) == (True, False, "no answer for 10 s")


@pytest.mark.parametrize("answer", [Unreachable("refused"), Connection(False, None, None, {}, "refused")])
def test_a_refused_question_counts_at_once(venue, clock, answer):
    venue.answer = answer
    watch = VenueWatch(venue, clock)
    assert (watch.connected, watch.reason) == (False, "not asked yet")
    watch.start()
    try:
        assert (watch.connected, watch.reason) == (False, "refused")
        assert watch.part().age_s is None
    finally:
        watch.stop()


def test_every_market_in_use_is_asked_and_one_that_does_not_answer_is_named(venue, clock):
    venue.down = {Market.FUTURES}
    in_use = [Market.SPOT]
    watch = VenueWatch(venue, clock, lambda: in_use)
    watch.ask()
    assert (watch.connected, venue.asked) == (True, [Market.SPOT])
    in_use.append(Market.FUTURES)
    watch.ask()
    assert (watch.connected, watch.reason) == (False, "futures: refused")
    venue.down.clear()
    clock.now_s += ANSWER_COUNTS_S
    watch.ask()
    assert (watch.connected, watch.part().age_s) == (True, 0)
    venue.down = {Market.FUTURES}
    in_use.pop()
    watch.ask()
    assert watch.connected, "nobody trades there any more"
