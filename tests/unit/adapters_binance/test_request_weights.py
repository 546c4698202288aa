import asyncio
import itertools
from collections.abc import Coroutine
from typing import Any

import pytest

from adapters.binance.request_limits import LATE_MS, Cost
from adapters.binance.weights import Urgency, WeightBroker
from domain.errors import SlowDown
from domain.instrument import Market
from fakes.clock import FakeClock

SPOT, FUTURES = Market.SPOT, Market.FUTURES
ONE = Cost(1)


def broker_of(clock: FakeClock) -> WeightBroker:
    return WeightBroker(clock, clock.wall_ms, clock.sleep)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 10))


@pytest.fixture
def clock() -> FakeClock:
    minute_ms = 1_700_000_000_000 - 1_700_000_000_000 % 60_000
    return FakeClock(wall_ms=minute_ms + LATE_MS)  # a window's beginning


def limit(kind: str, interval: str, number: int, most: int) -> dict[str, object]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": most}


def test_the_venues_own_count_replaces_our_reckoning(clock: FakeClock) -> None:
    broker = broker_of(clock)

    async def work() -> None:
        async with broker.turn(SPOT, Cost(20), Urgency.DATA) as turn:
            assert broker.used_weight(SPOT) == 20
            turn.answered(200, {"X-MBX-USED-WEIGHT-1M": "137"})
        assert broker.used_weight(SPOT) == 137
        async with broker.turn(SPOT, ONE, Urgency.ORDER) as turn:
            turn.answered(200, {"x-mbx-used-weight-1m": "136"})  # overtaken by a later reply
        assert broker.used_weight(SPOT) == 137
        async with broker.turn(SPOT, Cost(5), Urgency.DATA):
            pass  # no answer: counted in full
        assert broker.used_weight(SPOT) == 142

    run(work())


def test_a_new_minute_begins_at_zero_and_old_replies_do_not_count_in_it(clock: FakeClock) -> None:
    broker = broker_of(clock)

    async def work() -> None:
        clock.advance(59.9)
        async with broker.turn(SPOT, Cost(20), Urgency.DATA) as turn:
            clock.advance(0.2)
            turn.answered(200, {"X-MBX-USED-WEIGHT-1M": "5990"})
        assert broker.used_weight(SPOT) == 0

    run(work())


def test_a_clock_that_is_a_little_ahead_neither_sends_too_early_nor_takes_over_the_old_minutes_count(
    clock: FakeClock,
) -> None:
    broker = broker_of(clock)
    ahead_s = 0.2

    async def work() -> None:
        async with broker.turn(SPOT, ONE, Urgency.DATA) as turn:
            turn.answered(200, {"X-MBX-USED-WEIGHT-1M": "6000"})
        clock.advance(40)
        async with broker.turn(SPOT, ONE, Urgency.RECONCILE) as turn:
            venue_s = (clock.wall_ms() / 1000 - ahead_s) % 60
            assert venue_s < 1, "the venue has begun the next minute too"
            turn.answered(200, {"X-MBX-USED-WEIGHT-1M": "1"})
        assert broker.used_weight(SPOT) == 1

    run(work())


def test_reads_leave_weight_for_orders_and_orders_for_cancels(clock: FakeClock) -> None:
    broker = broker_of(clock)
    broker.set_limits(SPOT, [limit("REQUEST_WEIGHT", "MINUTE", 1, 100)])
    granted: list[Urgency] = []

    async def one(urgency: Urgency) -> None:
        async with broker.turn(SPOT, ONE, urgency):
            granted.append(urgency)

    async def work() -> None:
        async with broker.turn(SPOT, Cost(80), Urgency.DATA):
            pass
        with pytest.raises(SlowDown, match="the request limit is used up on spot") as refused:
            await one(Urgency.DATA)
        assert refused.value.retry_after_s == 60, "it does not fit before the next minute"
        for _ in range(15):
            await one(Urgency.ORDER)
        with pytest.raises(SlowDown):
            await one(Urgency.ORDER)
        for _ in range(5):
            await one(Urgency.CANCEL)

    run(work())
    assert granted.count(Urgency.CANCEL) == 5


def test_after_a_429_everyone_waits_then_cancels_go_first(clock: FakeClock) -> None:
    broker = broker_of(clock)
    order: list[str] = []

    async def one(name: str, urgency: Urgency) -> None:
        async with broker.turn(SPOT, ONE, urgency):
            order.append(name)

    async def work() -> None:
        async with broker.turn(SPOT, ONE, Urgency.DATA) as turn:
            turn.answered(429, {}, slow_down=SlowDown("", code=-1003, retry_after_s=10))
        waiting = [
            asyncio.create_task(one("read", Urgency.DATA)),
            asyncio.create_task(one("order 1", Urgency.ORDER)),
            asyncio.create_task(one("order 2", Urgency.ORDER)),
            asyncio.create_task(one("cancel", Urgency.CANCEL)),
        ]
        await asyncio.sleep(0)
        assert order == []
        await asyncio.gather(*waiting)

    run(work())
    assert order == ["cancel", "order 1", "order 2", "read"]
    assert sum(clock.waits) == pytest.approx(10)


def test_a_429_stops_its_market_and_a_ban_stops_both(clock: FakeClock) -> None:
    broker = broker_of(clock)

    async def tries(market: Market) -> None:
        async with broker.turn(market, ONE, Urgency.DATA):
            pass

    async def work() -> None:
        async with broker.turn(SPOT, ONE, Urgency.DATA) as turn:
            turn.answered(429, {}, slow_down=SlowDown("", code=-1003, retry_after_s=100))
        await tries(FUTURES)
        with pytest.raises(SlowDown):
            await tries(SPOT)
        async with broker.turn(FUTURES, ONE, Urgency.DATA) as turn:
            turn.answered(418, {}, slow_down=SlowDown("", code=-1003, retry_after_s=300))
        with pytest.raises(SlowDown, match="the venue asks for silence on futures, it reopens in 300 s") as banned:
            await tries(FUTURES)
        assert banned.value.retry_after_s == 300
        with pytest.raises(SlowDown) as both:
            await tries(SPOT)
        assert both.value.retry_after_s == 300

    run(work())


def test_what_cannot_be_served_in_time_is_refused_at_once_and_not_kept_waiting(clock: FakeClock) -> None:
    broker = broker_of(clock)

    async def work() -> None:
        broker.close(SPOT, 119)
        with pytest.raises(SlowDown):
            async with broker.turn(SPOT, ONE, Urgency.ORDER):
                pass
        assert clock.waits == []
        async with broker.turn(SPOT, ONE, Urgency.CANCEL):  # a cancel waits longer
            pass
        assert sum(clock.waits) == pytest.approx(119)

    run(work())


def test_placements_keep_to_the_order_limit_the_venue_reports(clock: FakeClock) -> None:
    broker = broker_of(clock)
    broker.set_limits(SPOT, [limit("ORDERS", "SECOND", 10, 100), limit("ORDERS", "DAY", 1, 200_000)])

    async def place(headers: dict[str, str]) -> None:
        async with broker.turn(SPOT, Cost(1, orders=1), Urgency.ORDER) as turn:
            turn.answered(200, headers)

    async def work() -> None:
        await place({"X-MBX-ORDER-COUNT-10S": "95", "X-MBX-ORDER-COUNT-1D": "95"})
        waited = len(clock.waits)
        await place({"X-MBX-ORDER-COUNT-10S": "1"})  # 96 of 100 is above the orders' share: the next 10 s then
        assert sum(clock.waits[waited:]) == pytest.approx(10)
        await place({"X-MBX-ORDER-COUNT-10S": "95"})
        await place_after_fills()

    async def place_after_fills() -> None:
        # Fills give back: the venue's count falls, and so does ours.
        async with broker.turn(SPOT, ONE, Urgency.CANCEL) as turn:
            turn.answered(200, {"X-MBX-ORDER-COUNT-10S": "40"})
        waited = len(clock.waits)
        await place({})
        assert clock.waits[waited:] == []

    run(work())


def test_too_many_orders_stop_placements_alone(clock: FakeClock) -> None:
    broker = broker_of(clock)

    async def work() -> None:
        async with broker.turn(SPOT, Cost(1, orders=1), Urgency.ORDER) as turn:
            turn.answered(429, {}, slow_down=SlowDown("", code=-1015, retry_after_s=40_000))
        for urgency in Urgency:
            async with broker.turn(SPOT, ONE, urgency):
                pass
        assert clock.waits == []
        with pytest.raises(SlowDown):
            async with broker.turn(SPOT, Cost(1, orders=1), Urgency.ORDER):
                pass

    run(work())


def test_one_overloaded_answer_stops_nobody(clock: FakeClock) -> None:
    broker = broker_of(clock)

    async def work() -> None:
        async with broker.turn(SPOT, ONE, Urgency.ORDER) as turn:
            turn.answered(503, {}, slow_down=SlowDown("", code=-1008, retry_after_s=1))
        async with broker.turn(SPOT, ONE, Urgency.ORDER):
            assert clock.waits == []

    run(work())


def test_a_refused_placement_does_not_count_as_an_order(clock: FakeClock) -> None:
    broker = broker_of(clock)
    broker.set_limits(SPOT, [limit("ORDERS", "SECOND", 10, 2)])

    async def work() -> None:
        for _ in range(10):
            async with broker.turn(SPOT, Cost(1, orders=1), Urgency.ORDER) as turn:
                turn.answered(400, {})
        assert clock.waits == []

    run(work())


def test_one_who_gives_up_waiting_gives_back_his_place(clock: FakeClock) -> None:
    broker = broker_of(clock)

    async def one() -> None:
        async with broker.turn(SPOT, Cost(7), Urgency.ORDER):
            raise AssertionError("it was cancelled before its turn")

    async def work() -> None:
        broker.close(SPOT, 5)
        waiting = asyncio.create_task(one())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        async with broker.turn(SPOT, ONE, Urgency.ORDER):
            assert broker.used_weight(SPOT) == 1

    run(work())


def test_futures_calls_without_weight_answer_minus_one_and_count_nothing_back(clock: FakeClock) -> None:
    broker = broker_of(clock)

    async def work() -> None:
        async with broker.turn(FUTURES, Cost(0, orders=1), Urgency.ORDER) as turn:
            turn.answered(200, {"x-mbx-used-weight-1m": "-1", "x-mbx-order-count-1m": "3"})
        assert broker.used_weight(FUTURES) == 0

    run(work())


def test_after_a_freeze_everyone_goes_by_urgency_and_not_a_moment_early(clock: FakeClock) -> None:
    broker = broker_of(clock)
    began_s, order = clock.monotonic_s(), []

    async def one(urgency: Urgency) -> None:
        async with broker.turn(SPOT, ONE, urgency):
            order.append((urgency, clock.monotonic_s() - began_s))

    async def work() -> None:
        broker.close(SPOT, 9.25)
        await asyncio.gather(*(asyncio.create_task(one(urgency)) for urgency in reversed(Urgency)))

    run(work())
    assert [urgency for urgency, _ in order] == list(Urgency)
    assert {at_s for _, at_s in order} == {9.25}


def test_a_replayed_ban_is_respected_to_the_second(clock: FakeClock) -> None:
    broker = broker_of(clock)
    sent_s: list[float] = []

    async def cancel() -> None:
        async with broker.turn(SPOT, ONE, Urgency.CANCEL) as turn:
            sent_s.append(clock.monotonic_s())
            banned = SlowDown("", code=-1003, retry_after_s=119.0) if len(sent_s) < 4 else None
            turn.answered(418 if banned else 200, {}, slow_down=banned)

    async def work() -> None:
        for _ in range(4):
            await cancel()

    run(work())
    pauses = [later - sooner for sooner, later in itertools.pairwise(sent_s)]
    assert pauses == [119.0, 119.0, 119.0]


def test_the_account_being_full_of_orders_holds_up_no_reading_and_no_cancel(clock: FakeClock) -> None:
    broker = broker_of(clock)
    broker.set_limits(SPOT, [limit("ORDERS", "SECOND", 10, 1)])
    done: list[str] = []

    async def one(name: str, urgency: Urgency, orders: int) -> None:
        async with broker.turn(SPOT, Cost(1, orders=orders), urgency) as turn:
            turn.answered(200, {})
            done.append(name)

    async def work() -> None:
        broker.close_placing(SPOT, 8)
        placing = asyncio.create_task(one("order", Urgency.ORDER, 1))
        await asyncio.sleep(0)
        await one("reading", Urgency.RECONCILE, 0)
        await one("cancel", Urgency.CANCEL, 0)
        assert done == ["reading", "cancel"]
        placing.cancel()
        await asyncio.gather(placing, return_exceptions=True)

    run(work())


def test_the_budget_tells_what_is_used_and_until_when_nothing_is_sent(clock: FakeClock) -> None:
    broker = broker_of(clock)

    async def work() -> None:
        async with broker.turn(SPOT, Cost(20), Urgency.DATA) as turn:
            turn.answered(200, {"X-MBX-USED-WEIGHT-1M": "77", "X-MBX-ORDER-COUNT-10S": "3"})

    run(work())
    budget = broker.budget(SPOT)
    assert (budget.weight.used, budget.weight.limit, budget.weight.interval_s) == (77, 6000, 60)
    assert {use.interval_s: use.used for use in budget.orders} == {10: 3, 86_400: 0}
    assert (budget.frozen_until_ms, budget.placing_frozen_until_ms) == (None, None)
    broker.close(SPOT, 30, everyone=True)
    broker.close_placing(SPOT, 5)
    budget = broker.budget(SPOT)
    assert budget.frozen_until_ms == clock.wall_ms() + 30_000
    assert budget.placing_frozen_until_ms == clock.wall_ms() + 5_000
    assert broker.budget(FUTURES).frozen_until_ms == clock.wall_ms() + 30_000
    clock.advance(61)
    assert broker.budget(SPOT).weight.used == 0
    assert broker.budget(SPOT).frozen_until_ms is None
