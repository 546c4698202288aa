"""The gate: what it refuses and why, and that no headroom is granted twice."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.orders import Side
from fakes.grid_examples import BTC, LIMITS
from fakes.grid_examples import gate as make_gate
from risk.gate import Portfolio, Proposal, RiskGate, judge

PRICE = Decimal(60_000)


def proposal(**changes: Any) -> Proposal:
    values: dict[str, Any] = {
        "client_id": "one",
        "grid": 1,
        "instrument": BTC,
        "side": Side.BUY,
        "quantity": Decimal("0.01"),
        "price": PRICE,
        "is_exit": False,
        "last_price": PRICE,
        "price_age_s": 0.0,
    }
    return Proposal(**(values | changes))


EMPTY = Portfolio(Decimal(0), 0)
REFUSALS = [
    ({"quantity": Decimal("1.67")}, EMPTY, "max_order_notional 100000"),
    ({}, Portfolio(Decimal(999_401), 0), "max_exposure 1000000"),
    ({}, Portfolio(Decimal(0), 1_000), "max_orders_per_10s 1000"),
    ({"last_price": None, "price_age_s": None}, EMPTY, "no price is known"),
    ({"price_age_s": 1e10}, EMPTY, "max_price_age_s"),
    ({"price": Decimal("114000.01"), "quantity": Decimal("0.0001")}, EMPTY, "max_price_distance 0.9"),
    ({"price": Decimal("5999.99")}, EMPTY, "max_price_distance 0.9"),
]


@pytest.mark.parametrize(("changes", "portfolio", "says"), REFUSALS)
def test_a_refusal_names_its_limit_and_an_exit_is_never_refused(
    changes: dict[str, Any], portfolio: Portfolio, says: str
):
    limits = replace(LIMITS, max_price_distance=Decimal("0.9"))
    entry = judge(proposal(**changes), portfolio, limits)
    assert not entry.allowed
    assert all(word in entry.reason for word in says.split())
    assert judge(proposal(is_exit=True, side=Side.SELL, **changes), portfolio, limits).allowed


@pytest.mark.parametrize(
    ("changes", "portfolio"),
    [
        ({"quantity": Decimal("1.25"), "price": Decimal(80_000)}, EMPTY),
        ({}, Portfolio(Decimal(999_400), 0)),
        ({}, Portfolio(Decimal(0), 999)),
        ({"price": Decimal(114_000)}, EMPTY),
        ({"price": Decimal(6_000)}, EMPTY),
    ],
)
def test_at_the_limit_itself_is_allowed(changes: dict[str, Any], portfolio: Portfolio):
    assert judge(proposal(**changes), portfolio, LIMITS).allowed


def test_what_is_allowed_is_reserved_until_it_is_released():
    gate = make_gate()
    gate.ask(proposal(), 0)
    gate.ask(proposal(client_id="exit", is_exit=True, side=Side.SELL), 0)
    assert gate.exposure() == 600
    gate.hold("one", Decimal(200))
    assert gate.exposure() == 200
    gate.set_inventory(1, Decimal(400))
    gate.set_inventory(2, Decimal(50))
    gate.set_inventory(1, Decimal(300))
    assert gate.exposure() == 550
    gate.release("one")
    gate.release("one")
    assert gate.exposure() == 350


def test_what_is_refused_reserves_nothing_and_uses_up_no_rate():
    gate = make_gate(max_exposure=Decimal(700), max_orders_per_10s=2)
    assert gate.ask(proposal(), 0).allowed
    for _ in range(5):
        assert not gate.ask(proposal(client_id="two"), 0).allowed
    assert gate.exposure() == 600
    gate.release("one")
    assert gate.ask(proposal(client_id="two"), 0).allowed


def test_the_rate_is_counted_over_ten_seconds_of_market_time():
    gate = make_gate(max_orders_per_10s=2)
    verdicts = [gate.ask(proposal(client_id=str(at)), at).allowed for at in (0, 1_000, 9_999, 10_000, 10_999, 11_000)]
    assert verdicts == [True, True, False, True, False, True]


def test_a_clock_that_steps_back_stops_nothing_for_longer_than_the_window():
    gate = make_gate(max_orders_per_10s=2)
    hour_ms = 3_600_000
    assert gate.ask(proposal(client_id="a"), hour_ms).allowed
    assert gate.ask(proposal(client_id="b"), hour_ms + 1).allowed
    verdicts = [gate.ask(proposal(client_id=str(at)), at).allowed for at in (0, 9_999, 10_000, 10_001, 10_002)]
    assert verdicts == [False, False, True, True, False]


@settings(deadline=None)
@given(steps=st.lists(st.integers(-20_000, 4_000), max_size=60), rate=st.integers(1, 4))
def test_however_the_clock_steps_the_rate_holds_and_room_comes_back(steps: list[int], rate: int):
    gate, now_ms, since_step = make_gate(max_orders_per_10s=rate), 0, []
    for number, step in enumerate(steps):
        now_ms += step
        since_step = [] if step < 0 else since_step
        if gate.ask(proposal(client_id=str(number)), now_ms).allowed:
            since_step.append(now_ms)
        assert sum(now_ms - sent_ms < 10_000 for sent_ms in since_step) <= rate
    assert gate.ask(proposal(client_id="later"), now_ms + 10_000).allowed


def test_threads_whose_clocks_differ_by_a_little_are_counted_together():
    gate = make_gate(max_orders_per_10s=2)
    verdicts = [gate.ask(proposal(client_id=str(at)), at).allowed for at in (5_001, 5_000, 4_999)]
    assert verdicts == [True, True, False]


def ask_at_once(gate: RiskGate, proposals: list[Proposal]) -> list[bool]:
    barrier = Barrier(len(proposals))

    def ask(asked: Proposal) -> bool:
        barrier.wait()
        return gate.ask(asked, 0).allowed

    with ThreadPoolExecutor(len(proposals)) as threads:
        return list(threads.map(ask, proposals))


@settings(max_examples=10, deadline=None)
@given(
    quantities=st.lists(st.integers(1, 5_000), min_size=50, max_size=50),
    limit=st.integers(1_000, 20_000),
    rate=st.integers(1, 60),
)
def test_fifty_threads_at_once_exceed_neither_exposure_nor_rate(quantities: list[int], limit: int, rate: int):
    gate = make_gate(max_exposure=Decimal(limit), max_orders_per_10s=rate)
    proposals = [
        proposal(client_id=str(number), quantity=Decimal(lots) / 10**5, is_exit=number % 10 == 0)
        for number, lots in enumerate(quantities)
    ]
    allowed = ask_at_once(gate, proposals)
    entries = [asked for asked, passed in zip(proposals, allowed, strict=True) if passed and not asked.is_exit]
    assert gate.exposure() == sum((asked.quantity * PRICE for asked in entries), Decimal(0)) <= limit
    assert len(entries) <= rate
    assert all(passed for asked, passed in zip(proposals, allowed, strict=True) if asked.is_exit)
