"""STOP_LOSS(_LIMIT) and TAKE_PROFIT(_LIMIT): what they need, when they work, what becomes of them."""

from dataclasses import replace

import pytest

from simulator.core.events import ExecutionType, OrderChanged
from simulator.core.orders import ExpiryReason, OrderParams, OrderStatus, OrderType, StpMode, TimeInForce
from simulator.core.replacing import ReplaceMode
from simulator.core.symbols import NOTIONAL_UNIT, UNIT
from unit.simulator_core.trading_floor import HUNDREDTH, SPEC, SYMBOL, Floor, refused

WOULD_TRIGGER = "Stop price would trigger immediately."
MARKET_KINDS = ("STOP_LOSS", "TAKE_PROFIT")


def stop(floor, account, side, kind, at, *, limit=None, hundredths=10, **more):
    """Place a conditional order, GTC where it has a limit."""
    force = TimeInForce.GTC if limit is not None else None
    fields = {"type": OrderType(kind), "stop_price": at * UNIT, "time_in_force": force, **more}
    return floor.place(account, side, limit, hundredths, **fields)


def steps(floor, order):
    """Execution type and whether it worked, of every report of an order."""
    return [
        (event.execution_type.value, event.order.is_working)
        for event in floor.events
        if isinstance(event, OrderChanged) and event.order.order_id == order.order_id
    ]


@pytest.fixture
def floor():
    """The last price is 100; there is a book around it."""
    floor = Floor()
    floor.book({99: 30, 98: 30, 95: 30}, {101: 30, 102: 30, 105: 30})
    floor.print(100, 1)
    return floor


class TestParameters:
    @pytest.mark.parametrize("kind", MARKET_KINDS)
    def test_what_executes_as_market_takes_no_price_and_no_time_in_force(self, floor, kind):
        with refused(-1106, "Parameter 'price' sent when not required."):
            stop(floor, "a", "SELL", kind, 90, price=90 * UNIT)
        with refused(-1106, "Parameter 'timeInForce' sent when not required."):
            stop(floor, "a", "SELL", kind, 90, time_in_force=TimeInForce.GTC)
        with refused(-1106, "Parameter 'quoteOrderQty' sent when not required."):
            stop(floor, "a", "SELL", kind, 90, quote_quantity=UNIT)

    @pytest.mark.parametrize("kind", ["STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"])
    def test_a_limit_kind_needs_price_and_time_in_force(self, floor, kind):
        for field, name in (("price", "price"), ("time_in_force", "timeInForce"), ("quantity", "quantity")):
            with refused(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."):
                stop(floor, "a", "SELL", kind, 90, limit=89, **{field: None})

    def test_each_needs_a_stop_price_and_no_other_type_takes_one(self, floor):
        with refused(-1102, "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!"):
            stop(floor, "a", "SELL", "STOP_LOSS", 90, stop_price=None)
        for price in (None, 90):
            with refused(-1106, "Parameter 'stopPrice' sent when not required."):
                floor.place("a", "BUY", price, 1, stop_price=90 * UNIT)

    def test_the_price_filter_holds_for_the_stop_price(self, floor):
        with refused(-1013, "Filter failure: PRICE_FILTER"):
            stop(floor, "a", "SELL", "STOP_LOSS", 90, stop_price=90 * UNIT + 1)

    @pytest.mark.parametrize(
        ("side", "kind", "reached", "waits"),
        [("BUY", "STOP_LOSS", 100, 101), ("SELL", "STOP_LOSS", 100, 99),
         ("BUY", "TAKE_PROFIT", 100, 99), ("SELL", "TAKE_PROFIT", 100, 101)],
    )  # fmt: skip
    def test_a_stop_price_that_the_last_trade_has_reached_is_refused(self, floor, side, kind, reached, waits):
        with refused(-2010, WOULD_TRIGGER):
            stop(floor, "a", side, kind, reached)
        assert stop(floor, "a", side, kind, waits).working_ms is None

    def test_before_the_first_trade_the_middle_of_the_book_decides(self):
        floor = Floor()
        floor.book({99: 30}, {101: 30})
        with refused(-2010, WOULD_TRIGGER):
            stop(floor, "a", "SELL", "STOP_LOSS", 100)
        stop(floor, "a", "SELL", "STOP_LOSS", 99)

    def test_five_may_be_open_on_a_symbol(self, floor):
        for _ in range(5):
            stop(floor, "a", "SELL", "STOP_LOSS", 90)
        with refused(-2010, "Filter failure: MAX_NUM_ALGO_ORDERS"):
            stop(floor, "a", "BUY", "STOP_LOSS_LIMIT", 110, limit=110)
        floor.place("a", "BUY", 90, 1)
        stop(floor, "b", "SELL", "STOP_LOSS", 90)


class TestWaiting:
    def test_it_is_no_part_of_the_book_and_locks_its_funds(self, floor):
        sells = stop(floor, "a", "SELL", "STOP_LOSS_LIMIT", 90, limit=89)
        stop(floor, "a", "BUY", "STOP_LOSS_LIMIT", 110, limit=112)
        stop(floor, "b", "BUY", "TAKE_PROFIT", 90)
        assert floor.depth()[1] == {101: 30, 102: 30, 105: 30}
        assert floor.locked("a", "BTC") == NOTIONAL_UNIT // 10
        assert floor.locked("a", "USDT") == 112 * NOTIONAL_UNIT // 10
        assert floor.locked("b", "USDT") == 90 * NOTIONAL_UNIT // 10
        assert steps(floor, sells) == [("NEW", False)]
        assert (sells.status, sells.working_ms, sells.stop_price) == (OrderStatus.NEW, None, 90 * UNIT)

    def test_prices_that_do_not_reach_it_leave_it_alone(self, floor):
        order = stop(floor, "a", "SELL", "STOP_LOSS", 94)
        floor.print(103, 1)
        floor.book({}, {101: 1})  # what stands in the book triggers nothing: trades do
        floor.print(95, 1)
        assert steps(floor, order) == [("NEW", False)]

    def test_cancelling_frees_its_funds(self, floor):
        order = stop(floor, "a", "SELL", "STOP_LOSS", 94)
        floor.cancel("a", order)
        assert floor.locked("a", "BTC") == 0
        floor.print(90, 1)
        assert floor.order(order).status is OrderStatus.CANCELED
        assert stop(floor, "a", "BUY", "TAKE_PROFIT", 80).client_id
        assert len(floor.exchange.cancel_all("a", SYMBOL, floor.tick())) == 1

    def test_it_replaces_and_is_replaced(self, floor):
        order = stop(floor, "a", "SELL", "STOP_LOSS_LIMIT", 94, limit=93)
        params = replace(request_of(order), stop_price=92 * UNIT)
        outcome = floor.exchange.cancel_replace(
            "a", params, ReplaceMode.STOP_ON_FAILURE, order_id=order.order_id, now_ms=floor.tick()
        )
        assert outcome.placed.stop_price == 92 * UNIT
        assert floor.locked("a", "BTC") == NOTIONAL_UNIT // 10


def request_of(order):
    return OrderParams(
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        time_in_force=order.time_in_force,
        quantity=order.quantity,
        price=order.price,
        stop_price=order.stop_price,
    )


class TestTriggered:
    def test_a_stop_loss_sells_into_the_book_right_after_the_print(self, floor):
        order = stop(floor, "a", "SELL", "STOP_LOSS", 98, hundredths=40)
        floor.print(98, 10)
        assert floor.fills(order) == [(98, 20), (95, 20)]
        assert floor.tape()[-3:] == [(98, 10), (98, 20), (95, 20)]
        assert steps(floor, order) == [("NEW", False), ("NEW", True), ("TRADE", True), ("TRADE", True)]
        done = floor.order(order)
        assert (done.status, done.working_ms, done.type) == (OrderStatus.FILLED, done.update_ms, OrderType.STOP_LOSS)
        assert floor.locked("a", "BTC") == 0

    def test_one_with_a_limit_rests_where_it_does_not_take(self, floor):
        order = stop(floor, "a", "SELL", "STOP_LOSS_LIMIT", 98, limit=99)
        floor.print(98, 30)
        assert floor.order(order).status is OrderStatus.NEW
        assert floor.order(order).is_working
        assert floor.depth()[1][99] == 10
        floor.print(99, 4)
        assert floor.fills(order) == [(99, 4)]
        assert floor.locked("a", "BTC") == 6 * NOTIONAL_UNIT // 100

    @pytest.mark.parametrize(
        ("force", "fills", "reason"),
        [("IOC", [(101, 30)], ExpiryReason.UNFILLED_IOC), ("FOK", [], ExpiryReason.UNFILLED_FOK)],
    )
    def test_time_in_force_holds_from_the_trigger_on(self, floor, force, fills, reason):
        order = stop(
            floor, "a", "BUY", "TAKE_PROFIT_LIMIT", 99, limit=101, hundredths=40, time_in_force=TimeInForce(force)
        )
        floor.print(99, 1)
        assert floor.fills(order) == fills
        assert (floor.order(order).status, floor.order(order).expiry_reason) == (OrderStatus.EXPIRED, reason)
        assert floor.locked("a", "USDT") == 0

    def test_an_account_that_cannot_pay_the_market_price_gets_nothing(self):
        floor = Floor(wealth=11)
        floor.book({99: 30}, {105: 5, 120: 30})
        floor.print(100, 1)
        order = stop(floor, "a", "BUY", "STOP_LOSS", 102)
        floor.print(102, 1)
        assert (floor.order(order).status, floor.order(order).expiry_reason) == (
            OrderStatus.EXPIRED, ExpiryReason.REJECTED,
        )  # fmt: skip
        assert (floor.free("a", "USDT"), floor.locked("a", "USDT")) == (11 * NOTIONAL_UNIT, 0)

    def test_it_waits_for_a_book_that_its_print_used_up(self, floor):
        order = stop(floor, "a", "SELL", "STOP_LOSS", 94)
        floor.print(80, 1)
        assert not floor.order(order).is_working
        floor.book({85: 30}, {95: 30})
        assert floor.fills(order) == [(85, 10)]

    def test_own_trades_trigger_too_and_one_stop_sets_off_the_next(self, floor):
        first = stop(floor, "a", "SELL", "STOP_LOSS", 98)
        second = stop(floor, "b", "SELL", "STOP_LOSS", 97)
        rising = stop(floor, "b", "BUY", "STOP_LOSS", 104)
        taker = floor.place("c", "SELL", None, 55)  # 30 at 99, 25 at 98
        assert taker.status is OrderStatus.FILLED
        assert floor.fills(first) == [(98, 5), (95, 5)]
        assert floor.fills(second) == [(95, 10)]
        assert floor.order(rising).status is OrderStatus.NEW

    def test_it_meets_its_own_resting_order_as_its_mode_says(self, floor):
        floor.place("a", "BUY", 98, 10)
        order = stop(floor, "a", "SELL", "STOP_LOSS", 98, stp_mode=StpMode.EXPIRE_TAKER, hundredths=60)
        floor.print(98, 1)
        assert floor.order(order).status is OrderStatus.EXPIRED_IN_MATCH

    def test_market_lots_count_for_what_executes_as_market(self):
        floor = Floor(replace(SPEC, market_max_qty=HUNDREDTH))
        with refused(-1013, "Filter failure: MARKET_LOT_SIZE"):
            stop(floor, "a", "SELL", "STOP_LOSS", 90)
        stop(floor, "a", "SELL", "STOP_LOSS_LIMIT", 90, limit=90)
        assert [kind for _, kind in floor.reports()] == [ExecutionType.NEW]
