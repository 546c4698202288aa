"""Conditional orders: what is accepted, when they trigger, and what becomes of them."""

from typing import Any

import pytest

from simulator.core.orders import OrderStatus, StpMode
from simulator.core.symbols import UNIT
from simulator.um.core.events import AlgoUpdate, OrderUpdate
from simulator.um.core.orders import (
    AlgoStatus,
    FuturesOrderType,
    FuturesTimeInForce,
    PositionSide,
    WorkingType,
)
from unit.simulator_um.futures_floor import HUNDREDTH, SYMBOL, FuturesFloor, refused

ON_MARK = {"working_type": WorkingType.MARK_PRICE}


def _floor() -> FuturesFloor:
    """The last price is 100, and there is a book to take from."""
    floor = FuturesFloor()
    floor.print(100, 1)
    floor.book({99: 10_000}, {101: 10_000})
    return floor


def _states(floor: FuturesFloor) -> list[str]:
    return [update.algo.status for update in floor.told(AlgoUpdate)]


@pytest.mark.parametrize(
    ("code", "kind", "trigger", "more"),
    [
        (-1121, "STOP_MARKET", 105, {"hundredths": 10, "symbol": "NOUSDT"}),
        (-1116, "LIMIT", 105, {"hundredths": 10}),
        (-1102, "STOP_MARKET", None, {"hundredths": 10}),
        (-1102, "STOP_MARKET", 105, {}),
        (-1102, "STOP", 105, {"hundredths": 10}),
        (-1106, "STOP_MARKET", 105, {"hundredths": 10, "price": 105 * UNIT}),
        (-4137, "STOP_MARKET", 105, {"hundredths": 10, "close_position": True}),
        (-1106, "STOP_MARKET", 105, {"close_position": True, "reduce_only": True}),
        (-1106, "TRAILING_STOP_MARKET", None, {"close_position": True, "callback_ppm": 10_000}),
        (-1102, "TRAILING_STOP_MARKET", None, {"hundredths": 10}),
        (-1130, "TRAILING_STOP_MARKET", None, {"hundredths": 10, "callback_ppm": 999}),
        (-1106, "TRAILING_STOP_MARKET", 105, {"hundredths": 10, "callback_ppm": 10_000}),
        (-2021, "TRAILING_STOP_MARKET", None, {"hundredths": 10, "callback_ppm": 10_000, "activate_price": 101 * UNIT}),
        (-4061, "STOP_MARKET", 105, {"hundredths": 10, "position_side": PositionSide.LONG}),
        (-4014, "STOP", 105, {"hundredths": 10, "price": 105 * UNIT + UNIT // 100}),
        (-4003, "STOP_MARKET", 105, {"hundredths": 0}),
        (-5039, "STOP_MARKET", 105, {"hundredths": 10, "stp_mode": StpMode.TRANSFER}),
        (-4015, "STOP_MARKET", 105, {"hundredths": 10, "client_id": ""}),
        (-2021, "STOP_MARKET", 100, {"hundredths": 10}),
        (-2021, "STOP_MARKET", 100, {"hundredths": 10, **ON_MARK}),
        (-2021, "TAKE_PROFIT_MARKET", 100, {"hundredths": 10}),
    ],
)
def test_a_bad_conditional_order_is_refused_with_its_code(code: int, kind: str, trigger: int | None, more: Any) -> None:
    floor = _floor()
    with refused(code):
        floor.algo("a", "BUY", kind, trigger, **more)
    assert not floor.exchange.open_algos("a")


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "quiet", "loud"),
    [
        ("BUY", "STOP_MARKET", 105, 104, 105),
        ("SELL", "STOP_MARKET", 95, 96, 95),
        ("BUY", "TAKE_PROFIT_MARKET", 95, 96, 94),
        ("SELL", "TAKE_PROFIT_MARKET", 105, 104, 107),
    ],
)
def test_stops_trigger_away_from_the_position_and_take_profits_towards_it(
    side: str, kind: str, trigger: int, quiet: int, loud: int
) -> None:
    for by_mark in (False, True):
        floor = _floor()
        algo = floor.algo("a", side, kind, trigger, hundredths=10, **(ON_MARK if by_mark else {}))
        for price, status in ((quiet, AlgoStatus.NEW), (loud, AlgoStatus.FINISHED)):
            floor.mark(price) if by_mark else floor.print(price, 0)
            floor.book({price - 1: 10_000}, {price + 1: 10_000})
            assert floor.exchange.algo("a", algo_id=algo.algo_id).status is status
        assert floor.held("a") == (10 if side == "BUY" else -10)


def test_a_triggered_market_order_waits_for_a_book() -> None:
    floor = _floor()
    algo = floor.algo("a", "SELL", "STOP_MARKET", 98, hundredths=10)
    floor.print(98, 1)
    assert floor.exchange.algo("a", algo_id=algo.algo_id).status is AlgoStatus.TRIGGERING
    with refused(-4117):
        floor.exchange.cancel_algo("a", algo_id=algo.algo_id, now_ms=floor.tick())
    floor.print(100, 1)
    floor.book({97: 10}, {})
    assert floor.exchange.algo("a", algo_id=algo.algo_id).status is AlgoStatus.FINISHED
    assert floor.held("a") == -10


def test_a_triggered_order_becomes_an_ordinary_one_with_the_same_client_id() -> None:
    floor = _floor()
    algo = floor.algo("a", "BUY", "STOP", 105, hundredths=10, price=100 * UNIT, client_id="mine")
    assert not floor.exchange.open_orders("a")
    assert floor.position("a").open_order_initial_margin == 0
    floor.book({}, {})
    floor.print(105, 0)
    (order,) = floor.exchange.open_orders("a")
    assert (order.client_id, order.type, order.original_type) == ("mine", FuturesOrderType.LIMIT, FuturesOrderType.STOP)
    assert (order.stop_price, order.algo_id) == (105 * UNIT, algo.algo_id)
    waiting = floor.exchange.algo("a", client_id="mine")
    assert (waiting.status, waiting.actual_order_id) == (AlgoStatus.TRIGGERED, order.order_id)
    with refused(-2011):
        floor.exchange.cancel_algo("a", algo_id=algo.algo_id, now_ms=floor.tick())
    floor.cancel(order)
    assert floor.exchange.algo("a", client_id="mine").status is AlgoStatus.FINISHED
    assert _states(floor) == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]


def test_by_default_a_triggered_order_trades_with_its_own_account() -> None:
    for mode, filled in ((None, True), (StpMode.NONE, True), (StpMode.EXPIRE_TAKER, False)):
        floor = FuturesFloor()
        resting = floor.place("a", "SELL", 101, 10)
        floor.algo("a", "BUY", "STOP_MARKET", 103, hundredths=10, stp_mode=mode, **ON_MARK)
        floor.mark(103)
        assert (floor.order(resting).status is OrderStatus.FILLED) == filled


def test_close_position_closes_what_there_is_and_expires_without_a_position() -> None:
    floor = _floor()
    floor.open("a", "BUY", 101, 150)
    floor.book({99: 10_000}, {101: 10_000})
    floor.place("a", "SELL", 104, 150, reduce_only=True)
    floor.algo("a", "SELL", "STOP_MARKET", 95, close_position=True, **ON_MARK)
    floor.algo("a", "SELL", "STOP_MARKET", 94, close_position=True, **ON_MARK)
    floor.events.clear()
    floor.mark(95)
    assert floor.held("a") == 0
    assert not floor.exchange.open_orders("a")
    floor.mark(94)
    assert _states(floor) == ["TRIGGERING", "TRIGGERED", "FINISHED", "TRIGGERING", "EXPIRED"]
    closing = [event.order for event in floor.told(OrderUpdate) if event.order.close_position]
    assert closing[-1].status is OrderStatus.FILLED


def test_reduce_only_closes_no_more_than_there_is() -> None:
    floor = _floor()
    floor.open("a", "SELL", 99, 30)
    floor.book({99: 10_000}, {101: 10_000})
    floor.algo("a", "BUY", "STOP_MARKET", 103, hundredths=100, reduce_only=True, **ON_MARK)
    floor.mark(103)
    assert floor.held("a") == 0


def test_without_margin_at_the_trigger_it_is_rejected_with_the_reason() -> None:
    floor = FuturesFloor(wallet=10)
    algo = floor.algo("a", "BUY", "STOP_MARKET", 105, hundredths=10_000, **ON_MARK)
    floor.mark(105)
    found = floor.exchange.algo("a", algo_id=algo.algo_id)
    assert (found.status, found.failure) == (AlgoStatus.REJECTED, "Margin is insufficient.")
    assert found.actual_order_id is None
    assert not floor.exchange.all_orders("a", SYMBOL)


def test_price_protection_waits_until_mark_and_contract_price_agree() -> None:
    floor = _floor()
    floor.algo("a", "BUY", "STOP_MARKET", 110, hundredths=10, price_protect=True)
    floor.print(111, 0)
    floor.book({}, {111: 100})
    assert floor.held("a") == 0
    floor.mark(108)
    assert floor.held("a") == 10


def test_a_trailing_stop_follows_the_best_price_and_fires_on_the_way_back() -> None:
    floor = _floor()
    kind = "TRAILING_STOP_MARKET"
    algo = floor.algo("a", "SELL", kind, None, hundredths=10, callback_ppm=50_000, activate_price=102 * UNIT)
    for price, trigger in ((90, 0), (102, 96.9), (104, 98.8), (99, 98.8)):
        floor.print(price, 0)
        assert floor.exchange.algo("a", algo_id=algo.algo_id).trigger_price == round(trigger * 10) * UNIT // 10
    assert floor.held("a") == 0
    floor.book({97: 100}, {})
    floor.print(98, 0)
    assert floor.held("a") == -10


def test_a_trailing_buy_without_activation_follows_downwards_from_now_on() -> None:
    floor = _floor()
    floor.algo("a", "BUY", "TRAILING_STOP_MARKET", None, hundredths=10, callback_ppm=100_000)
    for price in (99, 90, 98):
        floor.print(price, 0)
    assert floor.held("a") == 0
    floor.print(99, 0)
    assert floor.held("a") == 10


def test_one_trigger_can_set_off_the_next() -> None:
    floor = FuturesFloor()
    floor.print(100, 1)
    floor.book({97: 10, 95: 1_000}, {})
    floor.algo("a", "SELL", "STOP_MARKET", 97, hundredths=10)
    floor.algo("b", "SELL", "STOP_MARKET", 98, hundredths=10)
    floor.algo("c", "SELL", "STOP_MARKET", 96, hundredths=10)
    floor.print(98, 0)
    assert (floor.held("a"), floor.held("b"), floor.held("c")) == (-10, -10, -10)


def test_conditional_orders_are_cancelled_by_themselves_alone() -> None:
    floor = _floor()
    first = floor.algo("a", "BUY", "STOP_MARKET", 105, hundredths=10, client_id="one")
    with refused(-4116):
        floor.algo("a", "BUY", "STOP_MARKET", 105, hundredths=10, client_id="one")
    floor.algo("a", "BUY", "STOP_MARKET", 106, hundredths=10)
    floor.exchange.cancel_all("a", SYMBOL, floor.tick())
    assert len(floor.exchange.open_algos("a", SYMBOL)) == 2
    assert floor.exchange.cancel_algo("a", client_id="one", now_ms=floor.tick()).status is AlgoStatus.CANCELED
    with refused(-2011):
        floor.exchange.cancel_algo("a", algo_id=first.algo_id, now_ms=floor.tick())
    with refused(-2013):
        floor.exchange.algo("b", algo_id=first.algo_id)
    assert len(floor.exchange.cancel_all_algos("a", SYMBOL, floor.tick())) == 1
    assert [algo.status for algo in floor.exchange.all_algos("a", SYMBOL)] == [AlgoStatus.CANCELED] * 2


def test_they_count_against_a_limit_and_against_changes_of_settings() -> None:
    floor = _floor()
    for _ in range(200):
        floor.algo("a", "BUY", "STOP_MARKET", 105, hundredths=10)
    with refused(-4045):
        floor.algo("a", "BUY", "STOP_MARKET", 105, hundredths=10)
    with refused(-4067):
        floor.hedge("a")
    with refused(-4047):
        floor.isolate("a")


def test_a_good_till_date_ends_a_waiting_order() -> None:
    floor = _floor()
    until = floor.now_ms + 700_000
    in_time = {"time_in_force": FuturesTimeInForce.GTD, "good_till_ms": until}
    floor.algo("a", "BUY", "STOP", 105, hundredths=10, price=104 * UNIT, **in_time)
    floor.exchange.pass_time(until)
    assert _states(floor) == ["NEW", "EXPIRED"]


def test_a_hedge_stop_closes_its_side() -> None:
    floor = _floor()
    floor.hedge("a")
    floor.open("a", "BUY", 101, 40, position_side=PositionSide.LONG)
    floor.book({99: 10_000}, {101: 10_000})
    floor.algo("a", "SELL", "STOP_MARKET", 95, close_position=True, position_side=PositionSide.LONG, **ON_MARK)
    floor.mark(95)
    assert floor.held("a", "LONG") == 0
    assert floor.position("a", "LONG").realized == -2 * 40 * HUNDREDTH
