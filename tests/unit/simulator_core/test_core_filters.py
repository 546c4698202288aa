from dataclasses import replace

import pytest

from simulator.core.orders import OrderParams, OrderType, Side, StpMode, TimeInForce
from simulator.core.symbols import PPM, UNIT, SymbolSpec
from unit.simulator_core.trading_floor import HUNDREDTH, SPEC, SYMBOL, Floor, refused


def failing(name: str, code: int = -1013):
    return refused(code, f"Filter failure: {name}")


def floor_with(**changes) -> Floor:
    return Floor(replace(SPEC, **changes))


class TestPriceFilter:
    @pytest.mark.parametrize(
        ("price", "passes"),
        [
            (99 * UNIT, False),
            (100 * UNIT, True),
            (100 * UNIT + UNIT // 100, True),
            (100 * UNIT + 1, False),
            (200 * UNIT, True),
            (200 * UNIT + UNIT // 100, False),
        ],
    )
    def test_bounds_and_tick(self, price, passes):
        floor = floor_with(min_price=100 * UNIT, max_price=200 * UNIT)
        if passes:
            floor.place("a", "BUY", 1, 1, price=price)
        else:
            with failing("PRICE_FILTER"):
                floor.place("a", "BUY", 1, 1, price=price)

    def test_zero_switches_a_bound_off(self):
        floor_with(min_price=0, max_price=0).place("a", "BUY", 1, 1, price=UNIT // 100)


class TestPercentPriceBySide:
    @pytest.mark.parametrize(
        ("side", "price", "passes"),
        [
            ("BUY", 120, True),
            ("BUY", 121, False),
            ("BUY", 50, True),
            ("BUY", 49, False),
            ("SELL", 300, True),
            ("SELL", 301, False),
            ("SELL", 80, True),
            ("SELL", 79, False),
        ],
    )
    def test_each_side_has_its_own_multipliers(self, side, price, passes):
        floor = floor_with(bid_mult_up=1_200_000, bid_mult_down=PPM // 2, ask_mult_up=3 * PPM, ask_mult_down=800_000)
        floor.print(100, 10)
        if passes:
            floor.place("a", side, price, 1)
        else:
            with failing("PERCENT_PRICE_BY_SIDE"):
                floor.place("a", side, price, 1)

    def test_the_average_is_weighted_by_volume_over_five_minutes(self):
        floor = floor_with(bid_mult_up=PPM)
        floor.print(1_000_000, 1)
        floor.now_ms += 5 * 60_000
        floor.print(100, 30)
        floor.print(200, 10)
        assert floor.exchange.average_price(SYMBOL) == 125 * UNIT
        floor.place("a", "BUY", 125, 1)
        with failing("PERCENT_PRICE_BY_SIDE"):
            floor.place("a", "BUY", 126, 1)

    def test_without_minutes_the_last_price_counts(self):
        floor = floor_with(bid_mult_up=PPM, avg_price_mins=0)
        floor.print(100, 30)
        floor.print(200, 1)
        floor.place("a", "BUY", 200, 1)

    def test_after_five_quiet_minutes_the_last_price_counts(self):
        floor = Floor()
        floor.print(100, 30)
        floor.print(200, 1)
        floor.now_ms += 5 * 60_000
        floor.print(7, 1, symbol="ETHUSDT")
        assert floor.exchange.average_price(SYMBOL) == 200 * UNIT
        floor.print(300, 1)
        assert floor.exchange.average_price(SYMBOL) == 300 * UNIT

    def test_a_window_can_change_its_length_while_it_runs(self):
        floor = Floor()
        floor.print(100, 10)
        floor.now_ms += 120_000
        floor.print(200, 10)
        assert floor.exchange.average_price(SYMBOL) == 150 * UNIT
        floor.exchange.set_symbol(replace(SPEC, avg_price_mins=1))
        assert floor.exchange.average_price(SYMBOL) == 200 * UNIT


class TestLotSize:
    @pytest.mark.parametrize(
        ("quantity", "passes"), [(5, False), (10, True), (15, True), (17, False), (100, True), (105, False)]
    )
    def test_bounds_and_step(self, quantity, passes):
        floor = floor_with(min_qty=10 * HUNDREDTH, max_qty=100 * HUNDREDTH, lot=5 * HUNDREDTH)
        if passes:
            floor.place("a", "BUY", 100, quantity)
        else:
            with failing("LOT_SIZE"):
                floor.place("a", "BUY", 100, quantity)

    def test_market_orders_have_both_filters(self):
        floor = floor_with(max_qty=100 * HUNDREDTH, market_min_qty=2 * HUNDREDTH, market_max_qty=50 * HUNDREDTH)
        floor.book({}, {100: 1000})
        floor.place("a", "BUY", 100, 60)
        floor.place("a", "BUY", None, 50)
        for quantity in (1, 51):
            with failing("MARKET_LOT_SIZE"):
                floor.place("a", "BUY", None, quantity)
        with failing("LOT_SIZE"):
            floor.place("a", "BUY", None, 101)

    def test_quote_quantities_satisfy_both_steps_at_once(self):
        floor = floor_with(lot=2 * HUNDREDTH, market_step=3 * HUNDREDTH, min_qty=0)
        floor.book({}, {100: 1000})
        order = floor.place("a", "BUY", None, None, quote_quantity=17 * UNIT)
        assert order.quantity == 12 * HUNDREDTH


class TestNotional:
    @pytest.mark.parametrize(("hundredths", "passes"), [(9, False), (10, True), (20, True), (21, False)])
    def test_limit_orders_by_their_own_price(self, hundredths, passes):
        floor = floor_with(min_notional=10 * UNIT, max_notional=20 * UNIT)
        if passes:
            floor.place("a", "BUY", 100, hundredths)
        else:
            with failing("NOTIONAL"):
                floor.place("a", "BUY", 100, hundredths)

    @pytest.mark.parametrize("applies", [True, False])
    def test_market_orders_by_the_average_price_where_it_applies(self, applies):
        floor = floor_with(
            min_notional=10 * UNIT,
            max_notional=20 * UNIT,
            apply_min_to_market=applies,
            apply_max_to_market=applies,
        )
        floor.print(50, 10)
        floor.book({}, {100: 1000})
        floor.place("a", "BUY", None, 20)
        for hundredths in (19, 41):  # 9.50 and 20.50 at the average, though not at the book's price
            if applies:
                with failing("NOTIONAL"):
                    floor.place("a", "BUY", None, hundredths)
            else:
                floor.place("a", "BUY", None, hundredths)

    def test_quote_quantities_are_their_own_notional(self):
        floor = floor_with(min_notional=10 * UNIT)
        floor.book({}, {100: 1000})
        with failing("NOTIONAL"):
            floor.place("a", "BUY", None, None, quote_quantity=10 * UNIT - 1)
        floor.place("a", "BUY", None, None, quote_quantity=10 * UNIT)


class TestCounts:
    def test_open_orders_are_counted_per_account_and_symbol(self):
        floor = floor_with(max_orders=2)
        orders = [floor.place("a", "BUY", 100, 1) for _ in range(2)]
        with failing("MAX_NUM_ORDERS", code=-2010):
            floor.place("a", "BUY", 100, 1)
        floor.place("b", "BUY", 100, 1)
        floor.place("a", "BUY", 100, 1, symbol="ETHUSDT")
        floor.cancel("a", orders[0])
        floor.place("a", "BUY", 100, 1)

    def test_a_position_counts_holdings_and_open_buys(self):
        floor = Floor(replace(SPEC, max_position=11 * UNIT), wealth=10)
        floor.place("a", "BUY", 1, 60)
        with failing("MAX_POSITION", code=-2010):
            floor.place("a", "BUY", 1, 41)
        floor.place("a", "BUY", 1, 40)
        floor.place("a", "SELL", 2, 500)

    def test_a_position_bought_by_budget_counts_too(self):
        floor = Floor(replace(SPEC, max_position=11 * UNIT), wealth=10)
        floor.book({}, {2: 1000})
        with failing("MAX_POSITION", code=-2010):
            floor.place("a", "BUY", None, None, quote_quantity=3 * UNIT)
        floor.place("a", "BUY", None, None, quote_quantity=2 * UNIT)


class TestOrderOfEvaluation:
    CHECKS = (
        ({"quantity": 0}, -1013, "Invalid quantity."),
        ({"symbol": "NOPE"}, -1121, "Invalid symbol."),
        ({"price": 100 * UNIT + 1}, -1013, "Filter failure: PRICE_FILTER"),
        ({"price": 201 * UNIT}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({"quantity": 1}, -1013, "Filter failure: LOT_SIZE"),
        ({"price": 50 * UNIT}, -1013, "Filter failure: NOTIONAL"),
    )

    @pytest.mark.parametrize("first", range(len(CHECKS)))
    def test_the_earlier_check_wins(self, first):
        floor = floor_with(bid_mult_up=2 * PPM, min_notional=UNIT)
        floor.print(100, 1)
        earlier, code, text = self.CHECKS[first]
        later = {key: value for change, _, _ in self.CHECKS[first + 1 :] for key, value in change.items()}
        with refused(code, text):
            floor.place("a", "BUY", 100, 1, **{**later, **earlier})

    def test_counts_then_duplicates_then_funds_then_matching(self):
        floor = floor_with(max_orders=1)
        floor.place("a", "SELL", 100, 1, client_id="taken")
        many = 10**12
        with failing("MAX_NUM_ORDERS", code=-2010):
            floor.maker("a", "BUY", 100, many, client_id="taken")
        floor.exchange.set_symbol(replace(SPEC, max_orders=2))
        with refused(-2010, "Duplicate order sent."):
            floor.maker("a", "BUY", 100, many, client_id="taken")
        with refused(-2010, "Account has insufficient balance for requested action."):
            floor.maker("a", "BUY", 100, many)
        with refused(-2010, "Order would immediately match and take."):
            floor.maker("a", "BUY", 100, 1)


LIMIT = OrderParams(
    symbol=SYMBOL,
    side=Side.BUY,
    type=OrderType.LIMIT,
    time_in_force=TimeInForce.GTC,
    quantity=HUNDREDTH,
    price=100 * UNIT,
)
MARKET = replace(LIMIT, type=OrderType.MARKET, time_in_force=None, price=None)
MAKER = replace(LIMIT, type=OrderType.LIMIT_MAKER, time_in_force=None)
MISSING = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."
CLIENT_ID_TEXT = "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'."


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        (replace(LIMIT, time_in_force=None), -1102, MISSING.format("timeInForce")),
        (replace(LIMIT, quantity=None), -1102, MISSING.format("quantity")),
        (replace(LIMIT, price=None), -1102, MISSING.format("price")),
        (replace(LIMIT, quote_quantity=UNIT), -1106, "Parameter 'quoteOrderQty' sent when not required."),
        (replace(LIMIT, price=0), -1013, "Invalid price."),
        (
            replace(MAKER, time_in_force=TimeInForce.GTC),
            -1114,
            "TimeInForce parameter sent when not required.",
        ),
        (replace(MARKET, price=UNIT), -1106, "Parameter 'price' sent when not required."),
        (
            replace(MARKET, time_in_force=TimeInForce.GTC),
            -1106,
            "Parameter 'timeInForce' sent when not required.",
        ),
        (
            replace(MARKET, quantity=None),
            -1102,
            "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!",
        ),
        (replace(MARKET, quote_quantity=UNIT), -1128, "Combination of optional parameters invalid."),
        (replace(MARKET, quantity=None, quote_quantity=0), -1013, "Price * QTY is zero or less."),
        (replace(LIMIT, client_id="a.b"), -1100, CLIENT_ID_TEXT),
        (replace(LIMIT, client_id="x" * 37), -1100, CLIENT_ID_TEXT),
        (replace(LIMIT, client_id=""), -1100, CLIENT_ID_TEXT),
        (replace(LIMIT, client_id="new\n"), -1100, CLIENT_ID_TEXT),
        (replace(LIMIT, client_id="é"), -1100, CLIENT_ID_TEXT),
    ],
)
def test_shape_of_a_request(params, code, text):
    floor = Floor()
    with refused(code, text):
        floor.exchange.check("a", params, 1)
    with refused(code, text):
        floor.exchange.place("a", params, 1)
    assert floor.events == []


def test_a_symbol_that_does_not_trade_takes_cancels_only():
    floor = Floor()
    order = floor.place("a", "BUY", 100, 1)
    floor.exchange.set_symbol(replace(SPEC, status="HALT"))
    with refused(-1013, "Market is closed."):
        floor.place("a", "BUY", 100, 1)
    floor.cancel("a", order)


def test_a_self_trade_mode_the_symbol_does_not_allow():
    floor = floor_with(stp_modes=(StpMode.NONE, StpMode.EXPIRE_MAKER))
    text = "This symbol does not allow the specified self-trade prevention mode."
    with refused(-1013, text):
        floor.place("a", "BUY", 100, 1, stp_mode=StpMode.EXPIRE_BOTH)


def test_order_test_checks_neither_counts_nor_funds_nor_the_book():
    floor = floor_with(max_orders=1)
    floor.place("a", "SELL", 100, 1, client_id="taken")
    before = floor.exchange.dump()
    floor.exchange.check("a", replace(MAKER, quantity=10**15, client_id="taken"), floor.now_ms)
    assert floor.exchange.dump() == before


def test_symbols_can_be_added_and_replaced_but_not_twice():
    floor = Floor()
    with pytest.raises(ValueError, match="set_symbol"):
        floor.exchange.add_symbol(SPEC)
    with refused(-1121, "Invalid symbol."):
        floor.exchange.set_symbol(replace(SPEC, symbol="NOPE"))
    floor.exchange.add_symbol(replace(SPEC, symbol="ADAUSDT", base="ADA"))
    assert floor.exchange.symbol("ADAUSDT").base == "ADA"


def test_filters_need_a_tick_and_a_lot():
    with pytest.raises(ValueError, match="tick and lot"):
        SymbolSpec(symbol="X", base="A", quote="B", tick=0, lot=1)
