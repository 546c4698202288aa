import json
import re
from dataclasses import replace

import pytest

from simulator.core.errors import ExchangeError
from simulator.core.events import BalancesChanged, ExecutionType, OrderChanged, PublicTrade
from simulator.core.exchange import Exchange
from simulator.core.orders import CancelRestriction, OrderParams, OrderStatus, OrderType, Side, TimeInForce
from simulator.core.replacing import CancelReplaceError, LegResult, ReplaceMode
from simulator.core.symbols import NOTIONAL_UNIT, UNIT
from unit.simulator_core.trading_floor import HUNDREDTH, SYMBOL, Floor, refused

DAY_MS = 86_400_000
UNKNOWN = "Unknown order sent."


class TestClientIds:
    def test_one_is_made_where_none_is_given(self):
        floor = Floor()
        made = {floor.place("a", "BUY", 100, 1).client_id for _ in range(3)}
        assert len(made) == 3
        assert all(re.fullmatch("[a-zA-Z0-9-_]{22}", client_id) for client_id in made)

    def test_open_orders_of_one_account_and_symbol_never_share_one(self):
        floor = Floor()
        floor.place("a", "BUY", 100, 1, client_id="mine")
        with refused(-2010, "Duplicate order sent."):
            floor.place("a", "BUY", 100, 1, client_id="mine")
        floor.place("b", "BUY", 100, 1, client_id="mine")
        floor.place("a", "BUY", 100, 1, client_id="mine", symbol="ETHUSDT")

    def test_a_final_order_frees_its_id_and_the_newest_answers_to_it(self):
        floor = Floor()
        first = floor.place("a", "BUY", 100, 1, client_id="mine")
        floor.cancel("a", first)
        second = floor.place("a", "BUY", 99, 1, client_id="mine")
        assert floor.exchange.order("a", SYMBOL, client_id="mine").order_id == second.order_id
        assert floor.order(first).status is OrderStatus.CANCELED

    def test_the_longest_id_is_36_characters(self):
        Floor().place("a", "BUY", 100, 1, client_id="x-_9" * 9)


class TestCancel:
    def test_it_has_an_id_of_its_own_and_frees_the_funds(self):
        floor = Floor()
        order = floor.place("a", "BUY", 100, 10, client_id="mine")
        cancelled = floor.cancel("a", order, new_client_id="the-cancel")
        assert (cancelled.client_id, cancelled.cancel_client_id) == ("mine", "the-cancel")
        assert floor.locked("a", "USDT") == 0
        told = [event for event in floor.events if isinstance(event, OrderChanged)][-1]
        assert (told.execution_type, told.cancel_client_id) == (ExecutionType.CANCELED, "the-cancel")
        assert floor.depth() == ({}, {})

    def test_what_was_filled_stays_filled(self):
        floor = Floor()
        order = floor.place("a", "BUY", 100, 10)
        floor.print(100, 4)
        cancelled = floor.cancel("a", order)
        assert (cancelled.status, cancelled.executed) == (OrderStatus.CANCELED, 4 * HUNDREDTH)

    def test_only_open_orders_of_the_account_and_symbol_can_be_cancelled(self):
        floor = Floor()
        order = floor.place("a", "BUY", 100, 10, client_id="mine")
        for account, target in (("b", order), ("a", replace(order, symbol="ETHUSDT"))):
            with refused(-2011, UNKNOWN):
                floor.cancel(account, target)
        with refused(-2011, UNKNOWN):
            floor.cancel("a", order, client_id="other")
        floor.cancel("a", order, client_id="mine")
        with refused(-2011, UNKNOWN):
            floor.cancel("a", order)

    def test_an_id_is_needed(self):
        text = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
        with refused(-1102, text):
            Floor().exchange.cancel("a", SYMBOL, now_ms=1)

    @pytest.mark.parametrize("filled", [False, True])
    def test_restrictions(self, filled):
        floor = Floor()
        order = floor.place("a", "BUY", 100, 10)
        if filled:
            floor.print(100, 4)
        fits, misfits = CancelRestriction.ONLY_NEW, CancelRestriction.ONLY_PARTIALLY_FILLED
        if filled:
            fits, misfits = misfits, fits
        with refused(-2011, "Order was not canceled due to cancel restrictions."):
            floor.cancel("a", order, restrictions=misfits)
        floor.cancel("a", order, restrictions=fits)

    def test_all_of_a_symbol(self):
        floor = Floor()
        orders = [floor.place("a", side, price, 1) for side, price in (("BUY", 100), ("SELL", 101))]
        kept = [floor.place("b", "BUY", 100, 1), floor.place("a", "BUY", 9, 1, symbol="ETHUSDT")]
        cancelled = floor.exchange.cancel_all("a", SYMBOL, floor.tick())
        assert [order.order_id for order in cancelled] == [order.order_id for order in orders]
        assert all(floor.order(order).is_open for order in kept)
        with refused(-2011, UNKNOWN):
            floor.exchange.cancel_all("a", SYMBOL, floor.tick())


class TestCancelReplace:
    def attempt(self, floor, mode, *, order_id=1, price=99, hundredths=10, **more):
        params = OrderParams(
            symbol=SYMBOL,
            side=Side.BUY,
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            price=price * UNIT,
            quantity=hundredths * HUNDREDTH,
        )
        return floor.exchange.cancel_replace("a", params, mode, order_id=order_id, now_ms=floor.tick(), **more)

    @pytest.fixture
    def floor(self):
        floor = Floor(wealth=100)
        floor.place("a", "BUY", 100, 100)
        return floor

    @pytest.mark.parametrize("mode", list(ReplaceMode))
    def test_the_funds_of_the_old_order_pay_for_the_new_one(self, floor, mode):
        outcome = self.attempt(floor, mode, hundredths=100, new_client_id="cancel-id")
        assert (outcome.cancelled.cancel_client_id, outcome.placed.order_id) == ("cancel-id", 2)
        assert outcome.cancel_result is outcome.new_order_result is LegResult.SUCCESS

    @pytest.mark.parametrize(
        ("mode", "old", "hundredths", "limited", "code", "status", "results"),
        [
            ("STOP_ON_FAILURE", 7, 1, False, -2022, 400, ("FAILURE", "NOT_ATTEMPTED")),
            ("STOP_ON_FAILURE", 1, 999, False, -2021, 409, ("SUCCESS", "FAILURE")),
            ("ALLOW_FAILURE", 7, 0, False, -2021, 409, ("FAILURE", "SUCCESS")),
            ("ALLOW_FAILURE", 1, 999, False, -2021, 409, ("SUCCESS", "FAILURE")),
            ("ALLOW_FAILURE", 7, 999, False, -2022, 400, ("FAILURE", "FAILURE")),
            ("STOP_ON_FAILURE", 1, 1, True, -2021, 429, ("SUCCESS", "FAILURE")),
            ("STOP_ON_FAILURE", 7, 1, True, -2022, 429, ("FAILURE", "NOT_ATTEMPTED")),
            ("ALLOW_FAILURE", 1, 1, True, -2021, 409, ("SUCCESS", "FAILURE")),
            ("ALLOW_FAILURE", 7, 1, True, -2022, 400, ("FAILURE", "FAILURE")),
        ],
    )
    def test_the_table_of_failures(self, floor, mode, old, hundredths, limited, code, status, results):
        if not hundredths:
            floor.exchange.deposit("a", "USDT", 1000 * NOTIONAL_UNIT)
            hundredths = 1
        limit = ExchangeError(-1015, "Too many new orders.", 429) if limited else None
        with pytest.raises(CancelReplaceError) as caught:
            self.attempt(floor, ReplaceMode(mode), order_id=old, hundredths=hundredths, order_count_error=limit)
        error = caught.value
        assert (error.code, error.http_status) == (code, status)
        assert (error.outcome.cancel_result, error.outcome.new_order_result) == results
        texts = {-2021: "Order cancel-replace partially failed.", -2022: "Order cancel-replace failed."}
        assert error.message == texts[code]

    def test_filters_of_the_new_order_come_before_the_cancel(self, floor):
        with refused(-1013, "Filter failure: LOT_SIZE"):
            self.attempt(floor, ReplaceMode.ALLOW_FAILURE, hundredths=0.01)
        assert floor.exchange.open_orders("a")[0].order_id == 1


class TestLookUps:
    def test_both_ids_have_to_agree(self):
        floor = Floor()
        order = floor.place("a", "BUY", 100, 1, client_id="mine")
        ids = {"order_id": order.order_id}
        assert floor.exchange.order("a", SYMBOL, client_id="mine", **ids) == order
        with refused(-2039, "Client order ID is not correct for this order ID."):
            floor.exchange.order("a", SYMBOL, client_id="other", **ids)

    def test_unknown_orders_and_symbols(self):
        floor = Floor()
        order = floor.place("a", "BUY", 100, 1)
        with refused(-2013, "Order does not exist."):
            floor.exchange.order("b", SYMBOL, order_id=order.order_id)
        with refused(-2013, "Order does not exist."):
            floor.exchange.order("a", SYMBOL, client_id="never")
        with refused(-1121, "Invalid symbol."):
            floor.exchange.order("a", "NOPE", order_id=1)

    def test_unfilled_ends_are_archived_after_90_days_fills_never(self):
        floor = Floor()
        unfilled, filled = floor.place("a", "BUY", 100, 1), floor.place("a", "BUY", 101, 10)
        floor.print(101, 5)
        for order in (unfilled, filled):
            floor.cancel("a", order)
        floor.now_ms += 90 * DAY_MS
        floor.print(100, 1)
        floor.order(filled)
        text = "Order was canceled or expired with no executed qty over 90 days ago and has been archived."
        with refused(-2026, text):
            floor.order(unfilled)

    def test_open_orders_of_one_symbol_or_all(self):
        floor = Floor()
        for symbol in (SYMBOL, "ETHUSDT", SYMBOL):
            floor.place("a", "BUY", 100, 1, symbol=symbol)
        assert [order.order_id for order in floor.exchange.open_orders("a", SYMBOL)] == [1, 2]
        assert [order.symbol for order in floor.exchange.open_orders("a")] == [SYMBOL, SYMBOL, "ETHUSDT"]
        assert floor.exchange.open_orders("b") == []

    def test_all_orders_from_an_id_from_a_time_or_the_latest(self):
        floor = Floor()
        orders = [floor.place("a", "BUY", 100, 1) for _ in range(5)]
        times = [order.time_ms for order in orders]

        def found(**choice):
            return [order.order_id for order in floor.exchange.all_orders("a", SYMBOL, **choice)]

        assert found() == [1, 2, 3, 4, 5]
        assert found(limit=2) == [4, 5]
        assert found(order_id=2, limit=2) == [2, 3]
        assert found(start_ms=times[1], end_ms=times[3]) == [2, 3, 4]
        assert found(start_ms=times[1], limit=1) == [2]
        assert found(end_ms=times[2], limit=2) == [2, 3]

    def test_trades_by_order_id_and_time(self):
        floor = Floor()
        floor.book({}, {101: 10, 102: 10, 103: 10})
        one = floor.place("a", "BUY", None, 20)
        two = floor.place("a", "BUY", None, 10)

        def found(**choice):
            return [fill.trade_id for fill in floor.exchange.trades("a", SYMBOL, **choice)]

        assert found() == [1, 2, 3]
        assert found(limit=2) == [2, 3]
        assert found(from_id=2) == [2, 3]
        assert found(from_id=1, limit=1) == [1]
        assert found(order_id=one.order_id) == [1, 2]
        assert found(start_ms=two.time_ms) == [3]
        assert found(end_ms=one.time_ms) == [1, 2]


class TestEvents:
    def test_an_orders_reports_come_in_order_and_balances_last(self):
        floor = Floor()
        floor.book({}, {101: 10, 102: 10})
        floor.place("a", "BUY", 102, 30, time_in_force=TimeInForce.IOC)
        kinds = [
            event.execution_type.value if isinstance(event, OrderChanged) else type(event).__name__
            for event in floor.events
        ]
        trade = ["PublicTrade", "TRADE"]
        assert kinds == ["NEW", *trade, *trade, "EXPIRED", "BalancesChanged"]
        assert floor.balance_events()[-1].assets == floor.exchange.balances("a")

    def test_execution_ids_rise_per_symbol_over_accounts(self):
        floor = Floor()
        for account in "abc":
            floor.place(account, "SELL", 101, 5)
        floor.place("a", "BUY", 101, 5, symbol="ETHUSDT")
        floor.print(102, 1)
        told = [event for event in floor.events if isinstance(event, OrderChanged)]
        of_symbol = [event.execution_id for event in told if event.order.symbol == SYMBOL]
        assert of_symbol == [1, 2, 3, 4, 5, 6]
        assert [event.execution_id for event in told if event.order.symbol == "ETHUSDT"] == [1]

    def test_only_touched_assets_are_told_and_every_account_once(self):
        floor = Floor()
        floor.place("b", "SELL", 101, 5)
        floor.place("b", "SELL", 101, 5)
        floor.events.clear()
        floor.place("a", "BUY", None, 10)
        told = {event.account_id: set(event.assets) for event in floor.balance_events()}
        assert told == {"a": {"USDT", "BTC"}, "b": {"USDT", "BTC"}}
        assert len(floor.balance_events()) == 2

    def test_the_exchange_is_consistent_when_the_listener_hears(self):
        seen = []

        def hear(event):
            if isinstance(event, BalancesChanged):
                seen.append(event.assets == {asset: exchange.balances("a")[asset] for asset in event.assets})
            elif isinstance(event, OrderChanged):
                seen.append(exchange.order("a", SYMBOL, order_id=event.order.order_id).is_open)

        exchange = Exchange([Floor().exchange.symbol(SYMBOL)], listener=hear)
        exchange.open_account("a", {"USDT": 1000 * NOTIONAL_UNIT})
        params = OrderParams(
            symbol=SYMBOL,
            side=Side.BUY,
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            price=UNIT,
            quantity=UNIT,
        )
        exchange.place("a", params, 1)
        assert seen == [True, True]

    def test_time_never_runs_backwards(self):
        floor = Floor()
        floor.print(100, 1)
        latest = floor.exchange.market_ms
        params = OrderParams(
            symbol=SYMBOL,
            side=Side.BUY,
            type=OrderType.LIMIT_MAKER,
            price=99 * UNIT,
            quantity=HUNDREDTH,
        )
        assert floor.exchange.place("a", params, latest - 500).time_ms == latest


class TestSavedState:
    def test_it_survives_json_and_continues(self):
        floor = Floor()
        floor.book({100: 30}, {101: 30})
        waiting = floor.place("a", "BUY", 100, 20, client_id="mine")
        floor.place("b", "SELL", 102, 10)
        floor.print(100, 25)
        heard = []
        loaded = Exchange.load(json.loads(json.dumps(floor.exchange.dump())), listener=heard.append)
        assert loaded.dump() == floor.exchange.dump()
        floor.exchange = loaded
        floor.print(100, 10)
        assert floor.filled(waiting) == 5
        trades = [event for event in heard if isinstance(event, PublicTrade)]
        assert [event.trade_id for event in trades] == [2, 3]
        with refused(-2010, "Duplicate order sent."):
            floor.place("a", "BUY", 100, 1, client_id="mine")

    def test_another_version_is_refused(self):
        saved = Floor().exchange.dump()
        with pytest.raises(ValueError, match="version"):
            Exchange.load({**saved, "version": 0}, listener=print)
