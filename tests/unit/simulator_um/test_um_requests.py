"""What the exchange refuses and with which code; what it answers to what it takes."""

from dataclasses import replace
from typing import Any

import pytest

from simulator.core.orders import OrderStatus, Side, StpMode
from simulator.core.symbols import UNIT
from simulator.um.core.events import AccountReason, AccountUpdate, FuturesExecution, LeverageChanged, OrderUpdate
from simulator.um.core.orders import FuturesOrderType, FuturesTimeInForce, MarginType, PositionSide
from unit.simulator_um.futures_floor import HUNDREDTH, SPEC, SYMBOL, FuturesFloor, refused

MARKET = {"type": FuturesOrderType.MARKET, "price": None, "time_in_force": None}


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        (-1121, {"symbol": "NOUSDT"}),
        (-4120, {"type": FuturesOrderType.STOP_MARKET}),
        (-1116, {"type": FuturesOrderType.LIQUIDATION}),
        (-1102, {"time_in_force": None}),
        (-1102, {"price": None}),
        (-1102, {"quantity": None}),
        (-1106, {"type": FuturesOrderType.MARKET}),
        (-4015, {"client_id": "with space"}),
        (-4015, {"client_id": "x" * 37}),
        (-5039, {"stp_mode": StpMode.DECREMENT}),
        (-1102, {"time_in_force": FuturesTimeInForce.GTD}),
        (-5040, {"time_in_force": FuturesTimeInForce.GTD, "good_till_ms": 600_000}),
        (-1106, {"good_till_ms": 10_000_000}),
        (-4061, {"position_side": PositionSide.LONG}),
        (-1111, {"price": 100 * UNIT + 1}),
        (-1111, {"quantity": HUNDREDTH + 1}),
        (-4014, {"price": 100 * UNIT + UNIT // 100}),
        (-4013, {"price": 0}),
        (-4002, {"price": 1_000_001 * UNIT}),
        (-4016, {"price": 106 * UNIT}),
        (-4024, {"side": Side.SELL, "price": 94 * UNIT}),
        (-4003, {"quantity": 0}),
        (-4023, {"quantity": HUNDREDTH * 3 // 2}),
        (-4005, {"quantity": 10_001 * UNIT}),
        (-4005, {**MARKET, "quantity": 101 * UNIT}),
        (-4164, {"quantity": 4 * HUNDREDTH}),
        (-2022, {"reduce_only": True}),
        (-5021, {"time_in_force": FuturesTimeInForce.FOK}),
        (-2019, {"quantity": 5_000 * UNIT}),
    ],
)
def test_a_bad_order_is_refused_with_its_code_and_leaves_nothing(code: int, changes: dict[str, Any]) -> None:
    floor = FuturesFloor(wallet=20_000)
    with refused(code):
        floor.place("a", "BUY", 100, 100, **changes)
    assert not floor.exchange.all_orders("a", SYMBOL)
    assert not floor.events


def test_client_ids_are_unique_among_open_orders_and_free_afterwards() -> None:
    floor = FuturesFloor()
    first = floor.place("a", "BUY", 99, 100, client_id="web:a.b/c_1-2")
    with refused(-4116):
        floor.place("a", "BUY", 98, 100, client_id=first.client_id)
    floor.cancel(first)
    again = floor.place("a", "BUY", 98, 100, client_id=first.client_id)
    found = floor.exchange.order("a", SYMBOL, client_id=first.client_id)
    assert found.order_id == again.order_id
    assert floor.exchange.order("a", SYMBOL, order_id=first.order_id, client_id="other").status is OrderStatus.CANCELED
    assert again.order_id > 2**53


def test_a_contract_that_does_not_trade_takes_no_orders() -> None:
    floor = FuturesFloor()
    order = floor.place("a", "BUY", 99, 100)
    floor.exchange.set_contract(replace(SPEC, status="SETTLING", max_orders=1))
    with refused(-4141):
        floor.place("a", "BUY", 99, 100)
    with refused(-5024):
        floor.modify(order, 98, 100)
    floor.exchange.set_contract(replace(SPEC, max_orders=1))
    with refused(-2025):
        floor.place("a", "BUY", 99, 100)
    floor.cancel(order)
    with refused(-2011):
        floor.cancel(order)


def test_post_only_equality_takes_and_one_tick_below_rests() -> None:
    floor = FuturesFloor()
    floor.book({99: 100}, {101: 100})
    with refused(-5022):
        floor.place("a", "BUY", 101, 100, time_in_force=FuturesTimeInForce.GTX)
    order = floor.place("a", "BUY", 100.9, 100, time_in_force=FuturesTimeInForce.GTX)
    assert order.status is OrderStatus.NEW


def test_a_market_order_stops_at_the_bound_around_the_mark_price() -> None:
    floor = FuturesFloor()
    floor.book({}, {104: 100, 106: 100})
    order = floor.place("a", "BUY", None, 200)
    assert (order.status, order.executed) == (OrderStatus.EXPIRED, 100 * HUNDREDTH)
    with refused(-4131):
        floor.place("a", "BUY", None, 100)
    floor.book({}, {})
    assert floor.place("a", "BUY", None, 100).status is OrderStatus.EXPIRED


def test_self_trades_are_prevented_by_expiring_the_resting_order() -> None:
    floor = FuturesFloor()
    resting = floor.place("a", "SELL", 101, 100)
    floor.place("b", "SELL", 101, 100)
    floor.events.clear()
    taken = floor.place("a", "BUY", 101, 100)
    assert floor.order(resting).status is OrderStatus.EXPIRED_IN_MATCH
    assert (taken.status, taken.executed) == (OrderStatus.FILLED, 100 * HUNDREDTH)
    assert "OrderUpdate:EXPIRED" in floor.kinds()


def test_fill_or_kill_knows_no_self_trade_prevention() -> None:
    floor = FuturesFloor()
    resting = floor.place("a", "SELL", 101, 100)
    taken = floor.place("a", "BUY", 101, 100, time_in_force=FuturesTimeInForce.FOK)
    assert (taken.status, floor.order(resting).status) == (OrderStatus.FILLED, OrderStatus.FILLED)
    assert floor.held("a") == 0


def test_a_fill_is_told_as_trade_then_account_then_order() -> None:
    floor = FuturesFloor()
    floor.place("b", "SELL", 100, 100)
    floor.events.clear()
    floor.place("a", "BUY", 100, 100)
    both = ["AccountUpdate", "OrderUpdate:TRADE"]
    assert floor.kinds() == ["OrderUpdate:NEW", "PublicTrade", *both, *both]


def test_modifying_keeps_the_ids_and_loses_the_place_in_the_queue() -> None:
    floor = FuturesFloor()
    first = floor.place("a", "BUY", 99, 100)
    floor.place("b", "BUY", 99, 100)
    floor.modify(first, 98, 100)
    floor.events.clear()
    back = floor.modify(first, 99, 100)
    assert (back.order_id, back.client_id, back.modifications) == (first.order_id, first.client_id, 2)
    assert floor.told(OrderUpdate)[0].execution_type is FuturesExecution.AMENDMENT
    floor.print(99, 100)
    assert floor.held("a") == 0
    assert floor.held("b") == 100
    rows = floor.exchange.amendments("a", SYMBOL, order_id=first.order_id)
    assert [(row.price_before // UNIT, row.price_after // UNIT, row.count) for row in rows] == [
        (99, 98, 1),
        (98, 99, 2),
    ]


def test_what_cannot_be_modified() -> None:
    floor = FuturesFloor()
    order = floor.place("a", "BUY", 99, 100)
    with refused(-5027):
        floor.modify(order, 99, 100)
    with refused(-5047):
        floor.modify(order, 98, 100, reduce_only=True)
    with refused(-1130):
        floor.modify(replace(order, side=Side.SELL), 98, 100)
    with refused(-2011):
        floor.modify(replace(order, order_id=1), 98, 100)
    with refused(-4016):
        floor.modify(order, 106, 100)


def test_a_modification_cancels_what_has_nothing_left_or_would_take_as_post_only() -> None:
    floor = FuturesFloor()
    part = floor.place("a", "BUY", 99, 100)
    floor.print(99, 40)
    assert floor.modify(part, 99, 40).status is OrderStatus.CANCELED
    maker = floor.place("a", "BUY", 98, 100, time_in_force=FuturesTimeInForce.GTX)
    floor.book({}, {101: 100})
    assert floor.modify(maker, 101, 100).status is OrderStatus.CANCELED
    taker = floor.place("a", "BUY", 98, 100)
    assert floor.modify(taker, 101, 100).status is OrderStatus.FILLED


def test_open_orders_hold_margin_for_the_larger_side_only() -> None:
    floor = FuturesFloor()
    floor.place("a", "BUY", 100, 1_000)
    floor.place("a", "SELL", 101, 500)
    assert floor.position("a").open_order_initial_margin == 1_000 * UNIT // 20
    floor.place("a", "SELL", 101, 1_500)
    assert floor.position("a").open_order_initial_margin == 101 * 20 * UNIT // 20
    assert floor.exchange.account("a").available_balance == (1_000_000 - 101) * UNIT


def test_positions_are_bounded_by_the_bracket_of_the_leverage() -> None:
    floor = FuturesFloor()
    floor.leverage("a", 100)
    floor.place("a", "BUY", 100, 299_900)
    with refused(-2027):
        floor.place("a", "BUY", 100, 200)
    floor.leverage("a", 75)
    floor.place("a", "BUY", 100, 200)
    floor.exchange.cancel_all("a", SYMBOL, floor.tick())
    floor.open("a", "BUY", 100, 299_900 + 200)
    with refused(-2027):
        floor.leverage("a", 100)


def test_reduce_only_orders_share_what_there_is_to_close() -> None:
    floor = FuturesFloor()
    floor.open("a", "BUY", 100, 100)
    with refused(-2022):
        floor.place("a", "SELL", 101, 101, reduce_only=True)
    with refused(-2022):
        floor.place("a", "BUY", 99, 10, reduce_only=True)
    old = floor.place("a", "SELL", 101, 60, reduce_only=True)
    new = floor.place("a", "SELL", 102, 40, reduce_only=True)
    with refused(-4118):
        floor.place("a", "SELL", 103, 10, reduce_only=True)
    floor.open("a", "SELL", 100, 50)
    assert floor.order(old).status is OrderStatus.EXPIRED
    assert floor.order(new).status is OrderStatus.NEW
    floor.print(105, 1)
    assert floor.held("a") == 10


def test_small_closing_orders_are_exempt_from_the_smallest_notional() -> None:
    floor = FuturesFloor()
    floor.open("a", "BUY", 100, 100)
    assert floor.place("a", "SELL", 101, 1, reduce_only=True).is_open


def test_hedge_mode_keeps_two_books_and_its_own_rules() -> None:
    floor = FuturesFloor()
    floor.hedge("a")
    long, short = PositionSide.LONG, PositionSide.SHORT
    with refused(-4061):
        floor.place("a", "BUY", 99, 100)
    with refused(-1106):
        floor.place("a", "BUY", 99, 100, position_side=long, reduce_only=True)
    with refused(-2022):
        floor.place("a", "SELL", 101, 100, position_side=long)
    floor.open("a", "BUY", 100, 100, position_side=long)
    floor.open("a", "SELL", 100, 70, position_side=short)
    floor.place("a", "SELL", 101, 60, position_side=long)
    with refused(-2022):
        floor.place("a", "SELL", 102, 50, position_side=long)
    floor.print(102, 1)
    assert (floor.held("a", "LONG"), floor.held("a", "SHORT")) == (40, -70)
    with refused(-4068):
        floor.exchange.set_position_mode("a", False, floor.tick())


def test_settings_say_when_nothing_changes_and_what_stands_in_the_way() -> None:
    floor = FuturesFloor()
    exchange = floor.exchange
    with refused(-4059):
        exchange.set_position_mode("a", False, floor.tick())
    with refused(-4046):
        exchange.set_margin_type("a", SYMBOL, MarginType.CROSSED, floor.tick())
    with refused(-4171):
        exchange.set_multi_assets("a", False)
    with refused(-4084):
        exchange.set_multi_assets("a", True)
    for leverage in (0, 101):
        with refused(-4028):
            floor.leverage("a", leverage)
    order = floor.place("a", "BUY", 99, 100)
    with refused(-4047):
        floor.isolate("a")
    with refused(-4067):
        floor.hedge("a")
    floor.cancel(order)
    floor.open("a", "BUY", 100, 100)
    with refused(-4048):
        floor.isolate("a")
    floor.events.clear()
    assert exchange.set_leverage("a", SYMBOL, 50, floor.tick()).max_notional == 3_000_000 * UNIT
    assert [event.leverage for event in floor.told(LeverageChanged)] == [50]


def test_leverage_falls_only_where_margin_allows() -> None:
    floor = FuturesFloor(wallet=100)
    floor.open("a", "BUY", 100, 1_000)
    with refused(-2028):
        floor.leverage("a", 5)
    floor.isolate("b", 20)
    floor.open("b", "BUY", 100, 100)
    with refused(-4161):
        floor.leverage("b", 10)
    floor.leverage("b", 50)


def test_isolated_margin_moves_both_ways_within_its_bounds() -> None:
    floor = FuturesFloor(wallet=100)
    exchange = floor.exchange
    with refused(-4049):
        exchange.adjust_margin("a", SYMBOL, UNIT, floor.tick())
    floor.isolate("a", 10)
    with refused(-4054):
        exchange.adjust_margin("a", SYMBOL, UNIT, floor.tick())
    floor.open("a", "BUY", 100, 100)
    with refused(-4055):
        exchange.adjust_margin("a", SYMBOL, 0, floor.tick())
    with refused(-4050):
        exchange.adjust_margin("a", SYMBOL, 200 * UNIT, floor.tick())
    with refused(-4051):
        exchange.adjust_margin("a", SYMBOL, -1, floor.tick())
    wallet = floor.wallet("a")
    floor.events.clear()
    exchange.adjust_margin("a", SYMBOL, 5 * UNIT, floor.tick())
    assert floor.position("a").isolated_wallet == 15 * UNIT
    (told,) = floor.told(AccountUpdate)
    assert (told.reason, told.change) == (AccountReason.MARGIN_TRANSFER, -5 * UNIT)
    exchange.adjust_margin("a", SYMBOL, -5 * UNIT, floor.tick())
    assert floor.wallet("a") == wallet
    assert [row.adds for row in exchange.margin_changes("a", SYMBOL)] == [True, False]
    exchange.adjust_margin("a", SYMBOL, 5 * UNIT, floor.tick())
    floor.mark(97)
    exchange.adjust_margin("a", SYMBOL, -23 * UNIT // 10, floor.tick())
    with refused(-4051):
        exchange.adjust_margin("a", SYMBOL, -1, floor.tick())


def test_only_what_is_free_leaves_the_wallet() -> None:
    floor = FuturesFloor(wallet=100)
    floor.open("a", "BUY", 100, 100)
    floor.mark(110)
    free = floor.exchange.account("a").max_withdraw
    assert free == floor.wallet("a") - 110 * UNIT // 20
    with refused(-2018):
        floor.exchange.transfer("a", -free - 1, floor.tick())
    floor.exchange.transfer("a", -free, floor.tick(), reason=AccountReason.WITHDRAW)
    assert floor.exchange.income("a")[-1].amount == -free


def test_the_countdown_cancels_a_symbols_orders_and_nothing_else() -> None:
    floor = FuturesFloor()
    exchange = floor.exchange
    order = floor.place("a", "BUY", 99, 100)
    other = floor.place("a", "BUY", 99, 100, symbol="ETHUSDT")
    exchange.set_countdown("a", SYMBOL, 5_000, floor.tick())
    exchange.set_countdown("a", SYMBOL, 9_000, floor.tick())
    due_ms = exchange.next_deadline_ms()
    assert due_ms == floor.now_ms + 9_000
    exchange.pass_time(due_ms - 1)
    assert floor.order(order).is_open
    exchange.pass_time(due_ms)
    assert floor.order(order).status is OrderStatus.CANCELED
    assert floor.order(other).is_open
    assert exchange.next_deadline_ms() is None
    exchange.set_countdown("a", SYMBOL, 5_000, due_ms)
    exchange.set_countdown("a", SYMBOL, 0, due_ms)
    assert exchange.next_deadline_ms() is None


def test_good_till_dates_expire_orders() -> None:
    floor = FuturesFloor()
    until = floor.now_ms + 700_000
    order = floor.place("a", "BUY", 99, 100, time_in_force=FuturesTimeInForce.GTD, good_till_ms=until)
    floor.exchange.pass_time(until)
    assert floor.order(order).status is OrderStatus.EXPIRED


def test_old_orders_are_forgotten() -> None:
    floor = FuturesFloor()
    day_ms = 86_400_000
    order = floor.place("a", "BUY", 99, 100)
    floor.cancel(order)
    floor.open("a", "BUY", 100, 100)
    filled = floor.exchange.all_orders("a", SYMBOL)[-1]
    floor.exchange.pass_time(floor.now_ms + 3 * day_ms + 10)
    with refused(-2013):
        floor.order(order)
    assert floor.order(filled).status is OrderStatus.FILLED
    floor.exchange.pass_time(floor.now_ms + 91 * day_ms)
    with refused(-2013):
        floor.order(filled)
    assert not floor.exchange.all_orders("a", SYMBOL)
