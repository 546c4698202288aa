"""Two orders of which one cancels the other: what makes a pair, what it locks, how it ends."""

from dataclasses import replace

import pytest

from simulator.core.events import BalancesChanged, ListChanged, OrderChanged
from simulator.core.order_lists import ListStatus, OcoLeg, OcoParams
from simulator.core.orders import ExpiryReason, OrderStatus, OrderType, Side, TimeInForce
from simulator.core.symbols import NOTIONAL_UNIT, UNIT
from unit.simulator_core.trading_floor import HUNDREDTH, SPEC, SYMBOL, Floor, refused

BAD_PRICES = "The relationship of the prices for the orders is not correct."
DUPLICATE = "Duplicate order sent."
TENTH = NOTIONAL_UNIT // 10


def leg(kind, *, at=None, limit=None, **more):
    force = TimeInForce.GTC if kind.endswith("_LIMIT") else None
    stop_price = None if at is None else at * UNIT
    price = None if limit is None else limit * UNIT
    return OcoLeg(type=OrderType(kind), price=price, stop_price=stop_price, time_in_force=force, **more)


MAKER, STOP = leg("LIMIT_MAKER", limit=105), leg("STOP_LOSS_LIMIT", at=95, limit=94)


def pair(floor, *, side="SELL", above=MAKER, below=STOP, account="a", **more):
    params = OcoParams(symbol=SYMBOL, side=Side(side), quantity=10 * HUNDREDTH, above=above, below=below)
    return floor.exchange.place_oco(account, replace(params, **more), floor.tick())


def legs(floor, placed):
    return [floor.exchange.order(placed.account_id, SYMBOL, order_id=order_id) for order_id, _ in placed.legs]


def states(floor, placed):
    return [(order.status.value, order.expiry_reason) for order in legs(floor, placed)]


def told(floor):
    """What the listener heard of orders, lists and balances."""
    kinds = {OrderChanged: lambda event: f"{event.order.type.value} {event.execution_type.value}",
             ListChanged: lambda event: event.order_list.status.value,
             BalancesChanged: lambda event: "balances"}  # fmt: skip
    return [kinds[type(event)](event) for event in floor.events if type(event) in kinds]


@pytest.fixture
def floor():
    floor = Floor()
    floor.book({99: 30, 90: 30}, {101: 30, 110: 30})
    floor.print(100, 1)
    floor.events.clear()
    return floor


class TestPairs:
    @pytest.mark.parametrize(
        ("side", "above", "below", "code", "text"),
        [
            ("SELL", "LIMIT", "STOP_LOSS", -1158, "Order type not supported in OCO."),
            ("SELL", "LIMIT_MAKER", "LIMIT_MAKER", -1168, "At least one OCO order must be contingent."),
            ("BUY", "LIMIT_MAKER", "STOP_LOSS", -1165, "A limit order in a buy OCO must be below."),
            ("SELL", "STOP_LOSS", "LIMIT_MAKER", -1166, "A limit order in a sell OCO must be above."),
            ("BUY", "TAKE_PROFIT", "STOP_LOSS", -1196, "A stop loss order in a buy OCO must be above."),
            ("SELL", "STOP_LOSS", "STOP_LOSS", -1197, "A stop loss order in a sell OCO must be below."),
            ("BUY", "TAKE_PROFIT", "LIMIT_MAKER", -1198, "A take profit order in a buy OCO must be below."),
            ("SELL", "LIMIT_MAKER", "TAKE_PROFIT", -1199, "A take profit order in a sell OCO must be above."),
        ],
    )
    def test_types_have_their_side_of_the_price(self, floor, side, above, below, code, text):
        with refused(code, text):
            pair(floor, side=side, above=leg(above), below=leg(below))

    def test_a_leg_lacks_or_has_too_much_by_its_own_name(self, floor):
        with refused(-1102, "Mandatory parameter 'abovePrice' was not sent, was empty/null, or malformed."):
            pair(floor, above=leg("LIMIT_MAKER"))
        with refused(-1106, "Parameter 'aboveStopPrice' sent when not required."):
            pair(floor, above=leg("LIMIT_MAKER", at=105, limit=105))
        with refused(-1102, "Mandatory parameter 'belowTimeInForce' was not sent, was empty/null, or malformed."):
            pair(floor, below=replace(STOP, time_in_force=None))

    @pytest.mark.parametrize(("above", "below"), [(100, 95), (105, 100), (99, 98), (95, 105)])
    def test_the_last_price_stands_between_its_prices(self, floor, above, below):
        with refused(-2010, BAD_PRICES):
            pair(floor, above=leg("LIMIT_MAKER", limit=above), below=leg("STOP_LOSS", at=below))
        assert floor.exchange.all_orders("a", SYMBOL) == []

    def test_where_one_leg_is_refused_neither_exists(self, floor):
        floor.book({99: 30}, {})
        floor.place("b", "BUY", 103, 1)
        with refused(-2010, "Order would immediately match and take."):
            pair(floor, above=leg("LIMIT_MAKER", limit=103))
        assert floor.exchange.all_orders("a", SYMBOL) == []
        assert floor.locked("a", "BTC") == 0

    def test_client_ids_of_legs_and_lists_are_free_again_when_they_end(self, floor):
        named = {"above": replace(MAKER, client_id="up"), "below": replace(STOP, client_id="down")}
        first = pair(floor, client_id="both", **named)
        for again in ({"client_id": "both"}, {"above": named["above"]}, {"below": named["below"]}):
            with refused(-2010, DUPLICATE):
                pair(floor, **again)
        with refused(-2010, DUPLICATE):
            pair(floor, above=replace(MAKER, client_id="x"), below=replace(STOP, client_id="x"))
        floor.exchange.cancel_list("a", SYMBOL, client_id="both", now_ms=floor.tick())
        second = pair(floor, client_id="both", **named)
        assert floor.exchange.order_list("a", client_id="both").list_id == second.list_id == first.list_id + 1
        assert {client_id for _, client_id in second.legs} == {"up", "down"}

    def test_it_counts_as_two_orders_one_conditional_and_one_list(self):
        spec = replace(SPEC, max_orders=3, max_algo_orders=1, max_order_lists=1)
        floor = Floor(spec)
        profit = leg("TAKE_PROFIT", at=105)
        with refused(-2010, "Filter failure: MAX_NUM_ALGO_ORDERS"):
            pair(floor, above=profit)
        pair(floor)
        floor.exchange.set_symbol(replace(spec, max_algo_orders=0))
        with refused(-2010, "Filter failure: MAX_NUM_ORDERS"):
            pair(floor)
        floor.exchange.set_symbol(replace(spec, max_orders=0, max_algo_orders=0))
        with refused(-2010, "Filter failure: MAX_NUM_ORDER_LISTS"):
            pair(floor)


class TestLocks:
    def test_a_selling_pair_locks_its_quantity_once(self, floor):
        pair(floor)
        assert floor.locked("a", "BTC") == TENTH

    @pytest.mark.parametrize(("best", "stop_limit"), [(95, 106), (98, 90)])
    def test_a_buying_pair_locks_what_the_dearer_leg_costs(self, floor, best, stop_limit):
        stop = leg("STOP_LOSS_LIMIT", at=105, limit=stop_limit)
        pair(floor, side="BUY", above=stop, below=leg("LIMIT_MAKER", limit=best))
        assert floor.locked("a", "USDT") == max(best, stop_limit) * TENTH

    def test_the_leg_that_goes_on_keeps_no_more_than_it_needs(self, floor):
        stop = leg("STOP_LOSS_LIMIT", at=105, limit=106)
        pair(floor, side="BUY", above=stop, below=leg("LIMIT_MAKER", limit=95))
        floor.book({94: 30}, {96: 30})
        floor.print(95, 4)
        assert floor.locked("a", "USDT") == 95 * NOTIONAL_UNIT * 6 // 100


class TestLife:
    def test_it_is_placed_stop_first_and_told_with_its_list(self, floor):
        placed = pair(floor)
        stop, maker = placed.orders
        assert (stop.type, stop.is_working, maker.is_working) == (OrderType.STOP_LOSS_LIMIT, False, True)
        assert stop.list_id == maker.list_id == placed.list_id
        assert placed.legs == tuple((order.order_id, order.client_id) for order in placed.orders)
        assert told(floor) == ["STOP_LOSS_LIMIT NEW", "LIMIT_MAKER NEW", "EXECUTING", "balances"]
        assert floor.exchange.open_order_lists("a") == [replace(placed, orders=())]

    def test_a_fill_however_small_expires_the_stop(self, floor):
        placed = pair(floor)
        floor.events.clear()
        floor.print(105, 4)
        assert told(floor) == ["STOP_LOSS_LIMIT EXPIRED", "LIMIT_MAKER TRADE", "balances"]
        assert states(floor, placed) == [("EXPIRED", ExpiryReason.OCO_TRIGGER), ("PARTIALLY_FILLED", None)]
        assert floor.exchange.order_list("a", list_id=placed.list_id).status is ListStatus.EXECUTING
        assert floor.exchange.trades("a", SYMBOL)[0].list_id == placed.list_id
        floor.events.clear()
        floor.print(106, 1)
        assert told(floor) == ["LIMIT_MAKER TRADE", "ALL_DONE", "balances"]
        assert floor.exchange.open_order_lists("a") == []

    def test_a_trigger_expires_the_limit_and_lets_the_stop_work(self, floor):
        placed = pair(floor)
        floor.events.clear()
        floor.print(95, 1)
        assert told(floor) == ["LIMIT_MAKER EXPIRED", "STOP_LOSS_LIMIT NEW", "balances"]
        assert states(floor, placed) == [("NEW", None), ("EXPIRED", ExpiryReason.OCO_TRIGGER)]
        assert floor.depth()[1][94] == 10
        floor.print(96, 1)
        assert floor.exchange.order_list("a", list_id=placed.list_id).status is ListStatus.ALL_DONE

    def test_a_stop_that_sells_at_once_ends_the_list(self, floor):
        placed = pair(floor, above=leg("TAKE_PROFIT", at=105), below=leg("STOP_LOSS", at=95))
        floor.print(95, 1)
        assert states(floor, placed) == [("FILLED", None), ("EXPIRED", ExpiryReason.OCO_TRIGGER)]
        assert floor.exchange.order_list("a", list_id=placed.list_id).status is ListStatus.ALL_DONE
        assert floor.locked("a", "BTC") == 0

    def test_a_prevented_self_trade_ends_the_pair(self, floor):
        placed = pair(floor)
        floor.book({99: 30}, {})
        floor.place("a", "BUY", 105, 1, time_in_force=TimeInForce.IOC)
        assert states(floor, placed) == [("EXPIRED", ExpiryReason.OCO_TRIGGER), ("EXPIRED_IN_MATCH", None)]
        assert floor.exchange.open_order_lists("a") == []

    @pytest.mark.parametrize("which", [0, 1])
    def test_cancelling_one_leg_cancels_the_list(self, floor, which):
        placed = pair(floor)
        floor.events.clear()
        cancelled = floor.cancel("a", placed.orders[which], new_client_id="the-cancel")
        assert cancelled.order_id == placed.orders[which].order_id
        assert states(floor, placed) == [("CANCELED", None)] * 2
        assert told(floor) == ["STOP_LOSS_LIMIT CANCELED", "LIMIT_MAKER CANCELED", "ALL_DONE", "balances"]
        ids = {event.cancel_client_id for event in floor.events if isinstance(event, OrderChanged)}
        assert (ids, floor.locked("a", "BTC")) == ({"the-cancel"}, 0)

    def test_cancelling_the_list_or_everything_answers_with_its_orders(self, floor):
        placed = pair(floor)
        cancelled = floor.exchange.cancel_list("a", SYMBOL, list_id=placed.list_id, now_ms=floor.tick())
        assert [order.status for order in cancelled.orders] == [OrderStatus.CANCELED] * 2
        assert cancelled.status is ListStatus.ALL_DONE
        plain = floor.place("a", "BUY", 90, 1)
        again = pair(floor)
        everything = floor.exchange.cancel_all("a", SYMBOL, floor.tick())
        assert (everything[0].order_id, everything[1].list_id) == (plain.order_id, again.list_id)

    def test_only_open_lists_of_the_account_and_symbol_can_be_cancelled(self, floor):
        placed = pair(floor, client_id="both")
        for account, symbol, ids in (
            ("b", SYMBOL, {"list_id": placed.list_id}), ("a", "ETHUSDT", {"list_id": placed.list_id}),
            ("a", SYMBOL, {"list_id": 99}), ("a", SYMBOL, {"list_id": placed.list_id, "client_id": "other"}),
        ):  # fmt: skip
            with refused(-2011, "Unknown order sent."):
                floor.exchange.cancel_list(account, symbol, now_ms=floor.tick(), **ids)
        with refused(-1102, "Param 'orderListId' or 'listClientOrderId' must be sent, but both were empty/null!"):
            floor.exchange.cancel_list("a", SYMBOL, now_ms=floor.tick())
        with refused(-2013, "Order does not exist."):
            floor.exchange.order_list("b", list_id=placed.list_id)

    def test_lists_are_found_from_an_id_or_a_time(self, floor):
        placed = []
        for _ in range(3):
            placed.append(pair(floor))
            floor.exchange.cancel_list("a", SYMBOL, list_id=placed[-1].list_id, now_ms=floor.tick())

        def found(**choice):
            return [one.list_id for one in floor.exchange.all_order_lists("a", **choice)]

        assert found() == found(from_id=1) == [1, 2, 3]
        assert (found(limit=2), found(from_id=2, limit=1)) == ([2, 3], [2])
        assert found(start_ms=placed[1].time_ms, end_ms=placed[1].time_ms) == [2]
