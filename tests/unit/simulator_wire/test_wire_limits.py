import pytest

from simulator.wire.errors import ApiError
from simulator.wire.limits import (
    DAY_MS,
    FUTURES_LIMITS,
    LONGEST_BAN_S,
    REFUSALS_BEFORE_BAN,
    AddressLimiter,
    FixedWindow,
    Limits,
    OrderCounter,
)

MINUTE = 60_000
T0 = 29_916_666 * MINUTE
"""A whole minute."""


def test_windows_are_fixed_and_aligned() -> None:
    window = FixedWindow(10_000)
    assert window.add(3, 19_999) == 3
    assert window.used(20_000) == 0
    assert window.left_s(20_001) == 10
    assert window.left_s(29_999) == 1


def test_a_credit_never_goes_below_zero() -> None:
    window = FixedWindow(10_000)
    window.add(1, 0)
    assert window.add(-5, 1) == 0


def test_the_weight_limit_answers_429_until_the_minute_ends() -> None:
    limiter = AddressLimiter(Limits(request_weight=100))
    limiter.admit("a", 100, T0 + 45_000)
    with pytest.raises(ApiError) as refused:
        limiter.admit("a", 1, T0 + 45_000)
    assert (refused.value.code, refused.value.http_status, refused.value.retry_after_s) == (-1003, 429, 15)
    assert "current limit is 100 request weight per 1 MINUTE" in refused.value.message
    limiter.admit("b", 1, T0 + 45_000)
    limiter.admit("a", 1, T0 + MINUTE)


def test_going_on_after_429_is_banned_for_longer_each_time() -> None:
    limiter = AddressLimiter(Limits(request_weight=1))
    now = T0
    bans = []
    for _ in range(8):
        refusals = [refusal(limiter, now) for _ in range(REFUSALS_BEFORE_BAN + 2)]
        banned = [error for error in refusals if error is not None and error.http_status == 418]
        assert banned
        assert banned[0].retry_after_s is not None
        bans.append(banned[0].retry_after_s)
        assert f"IP banned until {now + bans[-1] * 1_000}" in banned[0].message
        assert refusal(limiter, now + bans[-1] * 1_000 - 1).http_status == 418  # type: ignore[union-attr]
        now = (now // MINUTE + bans[-1] // 60 + 1) * MINUTE
    assert bans[0] == 120
    assert bans == sorted(bans)
    assert bans[-1] == LONGEST_BAN_S


def refusal(limiter: AddressLimiter, now_ms: int) -> ApiError | None:
    try:
        limiter.admit("a", 1, now_ms)
    except ApiError as error:
        return error
    return None


def test_a_refund_makes_a_successful_order_free() -> None:
    limiter = AddressLimiter(Limits())
    limiter.admit("a", 1, T0)
    limiter.refund("a", 1, T0)
    assert limiter.used("a", T0) == 0


def test_connection_attempts_are_limited() -> None:
    limiter = AddressLimiter(Limits(connections=2))
    limiter.connect("a", T0)
    limiter.connect("a", T0)
    with pytest.raises(ApiError) as refused:
        limiter.connect("a", T0)
    assert (refused.value.code, refused.value.http_status) == (-1034, 429)


def test_unfilled_orders_count_and_first_fills_give_back() -> None:
    counter = OrderCounter(Limits(orders_10s=10, orders_day=12))
    for _ in range(10):
        counter.reserve("me", 1, T0)
    with pytest.raises(ApiError) as refused:
        counter.reserve("me", 1, T0)
    assert (refused.value.code, refused.value.http_status) == (-1015, 429)
    assert refused.value.message == "Too many new orders; current limit is 10 orders per 10 SECOND."
    counter.first_fill("me", maker=False, now_ms=T0)
    assert counter.counts("me", T0) == (9, 9)
    counter.first_fill("me", maker=True, now_ms=T0)
    assert counter.counts("me", T0) == (4, 4)
    counter.reserve("you", 1, T0)
    assert counter.counts("you", T0) == (1, 1)


def test_the_day_outlasts_the_ten_seconds() -> None:
    counter = OrderCounter(Limits(orders_10s=10, orders_day=2))
    counter.reserve("me", 1, T0)
    counter.reserve("me", 1, T0 + 10_000)
    assert counter.counts("me", T0 + 10_000) == (1, 2)
    with pytest.raises(ApiError) as refused:
        counter.reserve("me", 1, T0 + 20_000)
    assert "2 orders per 1 DAY" in refused.value.message
    counter.reserve("me", 1, (T0 // DAY_MS + 1) * DAY_MS)


def test_a_refused_placement_is_released() -> None:
    counter = OrderCounter(Limits())
    counter.reserve("me", 1, T0)
    counter.release("me", 1, T0)
    assert counter.counts("me", T0) == (0, 0)


def test_futures_count_requests_not_unfilled_orders() -> None:
    counter = OrderCounter(FUTURES_LIMITS)
    for _ in range(59):
        counter.reserve("a", 5, T0)
    assert counter.headers("a", T0) == {"X-MBX-ORDER-COUNT-10S": "295", "X-MBX-ORDER-COUNT-1M": "59"}
    counter.reserve("a", 5, T0)
    with pytest.raises(ApiError, match=r"-1015.*300 orders per 10 SECOND") as refused:
        counter.reserve("a", 1, T0)
    assert refused.value.http_status == 429
    for step in range(1, 6):
        for _ in range(228):
            counter.reserve("a", 1, T0 + step * 10_000)
    with pytest.raises(ApiError, match="1200 orders per 1 MINUTE"):
        counter.reserve("a", 1, T0 + 50_000)
