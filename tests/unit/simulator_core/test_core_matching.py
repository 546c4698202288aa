import pytest

from simulator.core.events import ExecutionType, OrderChanged, PublicTrade
from simulator.core.orders import ExpiryReason, OrderStatus, OrderType, StpMode, TimeInForce
from simulator.core.symbols import UNIT
from unit.simulator_core.trading_floor import HUNDREDTH, SYMBOL, Floor, refused


class TestPrints:
    def test_a_print_through_a_limit_fills_the_order_whole_at_its_own_price(self):
        floor = Floor()
        buy = floor.place("a", "BUY", 100, 50)
        floor.print(99, 1)
        assert floor.fills(buy) == [(100, 50)]
        assert floor.order(buy).status is OrderStatus.FILLED
        assert floor.tape() == [(100, 50), (99, 1)]

    def test_a_print_through_several_limits_fills_them_in_price_time_order(self):
        floor = Floor()
        later_but_better = [floor.place("a", "SELL", price, 10) for price in (103, 101, 102, 101)]
        floor.print(104, 5)
        assert [event.order.order_id for event in fills_told(floor)] == [2, 4, 3, 1]
        assert all(floor.filled(order) == 10 for order in later_but_better)

    def test_at_the_limit_the_volume_ahead_trades_first(self):
        floor = Floor()
        floor.book({100: 30}, {101: 30})
        buy = floor.place("a", "BUY", 100, 20)
        floor.print(100, 25)
        assert floor.filled(buy) == 0
        floor.print(100, 10)
        assert floor.order(buy).status is OrderStatus.PARTIALLY_FILLED
        assert floor.filled(buy) == 5
        floor.print(100, 40)
        assert floor.fills(buy) == [(100, 5), (100, 15)]
        assert floor.tape() == [(100, 25), (100, 5), (100, 5), (100, 15), (100, 25)]

    def test_earlier_orders_at_the_price_come_first(self):
        floor = Floor()
        first, second = floor.place("a", "BUY", 100, 20), floor.place("b", "BUY", 100, 20)
        floor.print(100, 30)
        assert (floor.filled(first), floor.filled(second)) == (20, 10)

    def test_the_same_external_volume_stands_ahead_of_several_orders_only_once(self):
        floor = Floor()
        floor.book({100: 10}, {})
        first, second = floor.place("a", "BUY", 100, 5), floor.place("b", "BUY", 100, 5)
        floor.print(100, 18)
        assert (floor.filled(first), floor.filled(second)) == (5, 3)

    def test_an_order_that_was_reached_has_nothing_ahead_any_more(self):
        floor = Floor()
        floor.book({100: 30}, {})
        buy = floor.place("a", "BUY", 100, 20)
        floor.book({99: 5}, {})
        floor.place("b", "SELL", None, 5)
        floor.print(100, 3)
        assert floor.fills(buy) == [(100, 5), (100, 3)]

    def test_volume_ahead_stays_when_the_feed_changes_its_depth(self):
        floor = Floor()
        floor.book({100: 30}, {})
        buy = floor.place("a", "BUY", 100, 20)
        floor.book({99: 5}, {})
        floor.print(100, 30)
        assert floor.filled(buy) == 0
        floor.print(100, 1)
        assert floor.filled(buy) == 1

    def test_a_print_uses_up_the_external_levels_it_trades_with(self):
        floor = Floor()
        floor.book({100: 30, 99: 30}, {101: 30})
        floor.print(100, 10)
        assert floor.depth() == ({100: 20, 99: 30}, {101: 30})
        floor.print(99, 5)
        assert floor.depth() == ({99: 25}, {101: 30})
        floor.print(102, 5)
        assert floor.depth() == ({99: 25}, {})

    def test_a_print_between_the_sides_touches_nothing(self):
        floor = Floor()
        buy, sell = floor.place("a", "BUY", 100, 10), floor.place("a", "SELL", 104, 10)
        floor.print(102, 1000)
        assert (floor.filled(buy), floor.filled(sell)) == (0, 0)
        assert floor.exchange.last_price(SYMBOL) == 102 * UNIT

    def test_public_trade_ids_are_shared_and_without_gaps(self):
        floor = Floor()
        floor.book({}, {105: 100})
        floor.place("a", "BUY", 100, 10)
        floor.print(99, 1)
        floor.place("b", "BUY", None, 10)
        told = [event for event in floor.events if isinstance(event, PublicTrade)]
        assert [event.trade_id for event in told] == [1, 2, 3]
        assert [event.own for event in told] == [True, False, True]
        assert [event.buyer_is_maker for event in told] == [True, True, False]

    def test_impossible_prints_are_refused(self):
        with pytest.raises(ValueError, match="price above 0"):
            Floor().print(0, 1)


class TestBookUpdates:
    def test_an_ask_below_a_resting_buy_means_it_was_traded_through(self):
        floor = Floor()
        through, touched = floor.place("a", "BUY", 100, 10), floor.place("a", "BUY", 99, 10)
        floor.book({98: 1}, {99: 1})
        assert floor.fills(through) == [(100, 10)]
        assert floor.filled(touched) == 0

    def test_a_bid_above_a_resting_sell_means_it_was_traded_through(self):
        floor = Floor()
        sells = [floor.place("a", "SELL", price, 10) for price in (102, 101, 103)]
        floor.book({103: 1}, {104: 1})
        assert [floor.filled(order) for order in sells] == [10, 10, 0]
        assert [event.order.order_id for event in fills_told(floor)] == [2, 1]

    def test_depth_is_never_locked_by_an_external_level(self):
        floor = Floor()
        floor.place("a", "BUY", 100, 10)
        floor.book({99: 1}, {100: 7, 101: 8})
        assert floor.depth() == ({100: 10, 99: 1}, {101: 8})

    def test_depth_adds_resting_orders_to_external_levels(self):
        floor = Floor()
        floor.book({100: 5, 99: 5, 98: 5}, {101: 5})
        floor.place("a", "BUY", 99, 10)
        floor.place("b", "BUY", 97, 10)
        assert floor.depth() == ({100: 5, 99: 15, 98: 5, 97: 10}, {101: 5})
        assert floor.depth(2) == ({100: 5, 99: 15}, {101: 5})

    def test_a_crossed_external_book_is_refused(self):
        with pytest.raises(ValueError, match="crossed"):
            Floor().book({100: 1}, {100: 1})


class TestTakers:
    def test_a_market_order_sweeps_levels_and_orders_in_price_time_order(self):
        floor = Floor()
        floor.book({}, {101: 10, 103: 10})
        floor.place("b", "SELL", 101, 5)
        floor.place("c", "SELL", 102, 5)
        order = floor.place("a", "BUY", None, 25)
        expected = [(101, 10), (101, 5), (102, 5), (103, 5)]
        assert [(fill.price // UNIT, fill.quantity // HUNDREDTH) for fill in order.fills] == expected
        assert order.status is OrderStatus.FILLED
        assert floor.depth() == ({}, {103: 5})

    def test_external_volume_that_came_later_trades_after_the_resting_order(self):
        floor = Floor()
        floor.book({}, {101: 10})
        floor.place("b", "SELL", 101, 5)
        floor.book({}, {101: 30})
        order = floor.place("a", "BUY", None, 20)
        assert [fill.quantity // HUNDREDTH for fill in order.fills] == [10, 5, 5]

    def test_a_taken_level_is_gone_until_the_feed_sends_the_next_book(self):
        floor = Floor()
        floor.book({}, {101: 10, 102: 10})
        floor.place("a", "BUY", None, 10)
        assert floor.place("b", "BUY", None, 5).fills[0].price == 102 * UNIT
        floor.book({}, {101: 10, 102: 10})
        assert floor.place("b", "BUY", None, 5).fills[0].price == 101 * UNIT

    def test_a_limit_order_takes_up_to_its_limit_and_rests(self):
        floor = Floor()
        floor.book({}, {101: 10, 102: 10, 103: 10})
        order = floor.place("a", "BUY", 102, 50)
        assert order.status is OrderStatus.PARTIALLY_FILLED
        assert order.executed == 20 * HUNDREDTH
        assert floor.depth() == ({102: 30}, {103: 10})

    def test_the_maker_sets_the_price_between_accounts(self):
        floor = Floor()
        resting = floor.place("b", "SELL", 101, 10)
        taking = floor.place("a", "BUY", 105, 4)
        assert floor.fills(resting) == floor.fills(taking) == [(101, 4)]
        ours, theirs = floor.exchange.trades("a", SYMBOL)[0], floor.exchange.trades("b", SYMBOL)[0]
        assert ours.trade_id == theirs.trade_id
        assert (ours.is_maker, theirs.is_maker) == (False, True)
        assert floor.tape() == [(101, 4)]

    def test_a_market_order_that_empties_the_book_expires(self):
        floor = Floor()
        floor.book({}, {101: 10})
        order = floor.place("a", "BUY", None, 25)
        assert (order.status, order.executed) == (OrderStatus.EXPIRED, 10 * HUNDREDTH)
        assert order.expiry_reason is ExpiryReason.INSUFFICIENT_LIQUIDITY

    def test_a_market_order_needs_a_book(self):
        with refused(-1112, "No orders on book for symbol."):
            Floor().place("a", "BUY", None, 1)

    @pytest.mark.parametrize(("available", "status"), [(25, OrderStatus.FILLED), (24, OrderStatus.EXPIRED)])
    def test_fill_or_kill_is_all_or_nothing(self, available, status):
        floor = Floor()
        floor.book({}, {101: 10, 102: available - 10})
        order = floor.place("a", "BUY", 102, 25, time_in_force=TimeInForce.FOK)
        assert order.status is status
        assert order.executed == (25 * HUNDREDTH if status is OrderStatus.FILLED else 0)
        assert floor.locked("a", "USDT") == 0
        if status is OrderStatus.EXPIRED:
            assert order.expiry_reason is ExpiryReason.UNFILLED_FOK

    def test_immediate_or_cancel_keeps_what_it_got(self):
        floor = Floor()
        floor.book({}, {101: 10, 103: 10})
        order = floor.place("a", "BUY", 102, 25, time_in_force=TimeInForce.IOC)
        assert (order.status, order.executed) == (OrderStatus.EXPIRED, 10 * HUNDREDTH)
        assert order.expiry_reason is ExpiryReason.UNFILLED_IOC
        assert floor.locked("a", "USDT") == 0

    @pytest.mark.parametrize("by", ["feed", "account"])
    def test_post_only_at_the_best_opposite_price_would_take(self, by):
        floor = Floor()
        if by == "feed":
            floor.book({}, {101: 10})
        else:
            floor.place("b", "SELL", 101, 10)
        with refused(-2010, "Order would immediately match and take."):
            floor.maker("a", "BUY", 101, 5)
        order = floor.maker("a", "BUY", 100, 5)
        assert (order.status, order.time_in_force) == (OrderStatus.NEW, TimeInForce.GTC)


class TestQuoteQuantity:
    def test_it_is_rounded_down_to_the_step_and_stays_within_the_budget(self):
        floor = Floor()
        floor.book({}, {100: 10, 110: 1000})
        order = floor.place("a", "BUY", None, None, quote_quantity=32 * UNIT)
        assert order.quantity == order.executed == 30 * HUNDREDTH  # 10 for 10, then 20 of 22 for 22
        assert order.status is OrderStatus.FILLED

    def test_a_sell_brings_at_most_the_quote_quantity(self):
        floor = Floor()
        floor.book({100: 1000}, {})
        order = floor.place("a", "SELL", None, None, quote_quantity=25 * UNIT + 7)
        assert order.executed == 25 * HUNDREDTH

    def test_a_book_that_ends_leaves_the_rest_expired(self):
        floor = Floor()
        floor.book({}, {100: 10})
        order = floor.place("a", "BUY", None, None, quote_quantity=100 * UNIT)
        assert (order.status, order.executed) == (OrderStatus.EXPIRED, 10 * HUNDREDTH)
        assert order.expiry_reason is ExpiryReason.INSUFFICIENT_LIQUIDITY

    def test_an_empty_book_is_thinner_than_the_smallest_order(self):
        with refused(-2010, "Order book liquidity is less than symbol minimum quantity."):
            Floor().place("a", "BUY", None, None, quote_quantity=10 * UNIT)

    def test_less_than_the_smallest_order_on_the_book(self):
        floor = Floor()
        floor.exchange.set_book(SYMBOL, [], [(100 * UNIT, HUNDREDTH // 20)])
        text = "Order book liquidity is less than `LOT_SIZE` filter minimum quantity."
        with refused(-2010, text):
            floor.place("a", "BUY", None, None, quote_quantity=10 * UNIT)

    def test_a_budget_below_one_step_fails_the_lot_filter(self):
        floor = Floor()
        floor.book({}, {100: 1000})
        with refused(-1013, "Filter failure: LOT_SIZE"):
            floor.place("a", "BUY", None, None, quote_quantity=UNIT // 1000)


class TestSelfTradePrevention:
    def crossing(self, mode: StpMode | None, **more):
        """A rests 10 at 101, b 10 at 102; then a buys 15 up to 102."""
        floor = Floor()
        own = floor.place("a", "SELL", 101, 10)
        other = floor.place("b", "SELL", 102, 10)
        taker = floor.place("a", "BUY", 102, 15, stp_mode=mode, **more)
        return floor, floor.order(own), floor.order(other), taker

    def test_none_lets_the_account_trade_with_itself(self):
        floor, own, other, taker = self.crossing(StpMode.NONE)
        assert own.status is OrderStatus.FILLED
        assert (taker.executed, other.executed) == (15 * HUNDREDTH, 5 * HUNDREDTH)
        assert [fill.trade_id for fill in floor.exchange.trades("a", SYMBOL)] == [1, 1, 2]

    @pytest.mark.parametrize("mode", [None, StpMode.EXPIRE_MAKER])
    def test_expire_maker_is_the_default_and_the_taker_goes_on(self, mode):
        floor, own, other, taker = self.crossing(mode)
        assert (own.status, own.prevented) == (OrderStatus.EXPIRED_IN_MATCH, 10 * HUNDREDTH)
        assert other.status is OrderStatus.FILLED
        assert (taker.status, taker.executed) == (OrderStatus.PARTIALLY_FILLED, 10 * HUNDREDTH)
        assert ("a", ExecutionType.TRADE_PREVENTION) in floor.reports()
        assert floor.locked("a", "BTC") == 0

    def test_expire_taker_leaves_the_maker(self):
        floor, own, other, taker = self.crossing(StpMode.EXPIRE_TAKER)
        assert (own.status, other.executed) == (OrderStatus.NEW, 0)
        assert (taker.status, taker.prevented) == (OrderStatus.EXPIRED_IN_MATCH, 15 * HUNDREDTH)
        assert floor.locked("a", "USDT") == 0

    def test_expire_both(self):
        floor, own, other, taker = self.crossing(StpMode.EXPIRE_BOTH)
        assert own.status is taker.status is OrderStatus.EXPIRED_IN_MATCH
        assert other.executed == 0
        assert floor.locked("a", "USDT") == floor.locked("a", "BTC") == 0

    @pytest.mark.parametrize("mode", [StpMode.DECREMENT, StpMode.TRANSFER])
    def test_decrement_takes_the_smaller_from_both(self, mode):
        floor, own, other, taker = self.crossing(mode)
        assert (own.status, own.prevented) == (OrderStatus.EXPIRED_IN_MATCH, 10 * HUNDREDTH)
        assert other.executed == 5 * HUNDREDTH
        assert (taker.prevented, taker.executed, taker.remaining) == (10 * HUNDREDTH, 5 * HUNDREDTH, 0)
        assert not taker.is_open
        assert floor.locked("a", "USDT") == 0

    def test_decrement_keeps_the_larger_maker_with_its_place(self):
        floor = Floor()
        own = floor.place("a", "SELL", 101, 10)
        taker = floor.place("a", "BUY", 101, 4, stp_mode=StpMode.DECREMENT)
        assert taker.status is OrderStatus.EXPIRED_IN_MATCH
        assert floor.order(own).remaining == 6 * HUNDREDTH
        assert floor.depth() == ({}, {101: 6})

    def test_both_sides_learn_of_each_other(self):
        floor, own, _, taker = self.crossing(StpMode.EXPIRE_BOTH)
        told = [event for event in floor.events if isinstance(event, OrderChanged) and event.prevention]
        assert [(event.order.order_id, event.prevention.counter_order_id) for event in told] == [
            (own.order_id, taker.order_id),
            (taker.order_id, own.order_id),
        ]
        assert {event.prevention.match_id for event in told} == {1}
        assert {event.prevention.price for event in told} == {101 * UNIT}

    def test_fill_or_kill_that_only_own_orders_could_fill_changes_nothing(self):
        _floor, own, _, taker = self.crossing(StpMode.EXPIRE_MAKER, time_in_force=TimeInForce.FOK)
        assert (taker.status, taker.executed) == (OrderStatus.EXPIRED, 0)
        assert own.status is OrderStatus.NEW


def test_market_and_limit_maker_answers_carry_their_fills_only():
    floor = Floor()
    floor.book({}, {101: 10})
    resting = floor.place("a", "BUY", 100, 5)
    assert resting.fills == ()
    assert len(floor.place("a", "BUY", None, 10, type=OrderType.MARKET).fills) == 1


def fills_told(floor: Floor) -> list[OrderChanged]:
    return [
        event
        for event in floor.events
        if isinstance(event, OrderChanged) and event.execution_type is ExecutionType.TRADE
    ]
