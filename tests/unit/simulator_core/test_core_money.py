from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.commissions import commission_in_bnb, commission_on
from simulator.core.orders import OrderType, TimeInForce
from simulator.core.symbols import NOTIONAL_UNIT, UNIT, SymbolSpec
from unit.simulator_core.trading_floor import SYMBOL, Floor, refused

NO_FUNDS = "Account has insufficient balance for requested action."


class TestCommissionAmount:
    @pytest.mark.parametrize(
        ("received", "rate_ppm", "commission"),
        [
            (NOTIONAL_UNIT, 1000, UNIT // 1000),
            (500 * UNIT, 1000, 1),  # 0.5e-8 is a tie: up
            (1_499 * UNIT, 1000, 1),
            (1_500 * UNIT, 1000, 2),
            (1_500 * UNIT - 1, 1000, 1),
            (1 * UNIT, 1000, 1),  # never below 1e-8
            (UNIT - 1, 1000, 0),  # nor above what came in
            (NOTIONAL_UNIT, 0, 0),
        ],
    )
    def test_half_up_to_eight_decimals_and_never_below_one_unit(self, received, rate_ppm, commission):
        assert commission_on(received, rate_ppm) == commission

    @given(received=st.integers(0, 10**24), rate_ppm=st.integers(1, 20_000))
    def test_it_is_the_nearest_unit(self, received, rate_ppm):
        commission = commission_on(received, rate_ppm)
        exact_times = received * rate_ppm  # in 1e-22
        if commission > 1:
            assert abs(commission * UNIT * 10**6 - exact_times) <= UNIT * 10**6 // 2
        assert commission * UNIT <= received

    def test_bnb_is_a_quarter_cheaper(self):
        assert commission_in_bnb(1_000 * NOTIONAL_UNIT, 1000, 500 * UNIT) == 15 * UNIT // 10_000


class TestFees:
    def test_a_buyer_pays_in_base_and_a_seller_in_quote(self):
        floor = Floor(maker_ppm=500, taker_ppm=1000)
        sell = floor.place("b", "SELL", 100, 100)
        buy = floor.place("a", "BUY", None, 100)
        (bought,), (sold,) = buy.fills, floor.exchange.trades("b", SYMBOL)
        assert (bought.commission, bought.commission_asset) == (UNIT // 1000, "BTC")
        assert (sold.commission, sold.commission_asset) == (UNIT // 20, "USDT")
        assert floor.order(sell).executed_quote == bought.quote == 100 * NOTIONAL_UNIT

    def test_an_account_can_have_its_own_rates(self):
        floor = Floor()
        floor.exchange.set_commission("a", maker_ppm=0, taker_ppm=2000, pays_in_bnb=False)
        assert floor.exchange.commission("a") == (0, 2000, False)
        floor.book({}, {100: 1000})
        floor.place("a", "BUY", 90, 100)
        floor.print(89, 1)
        assert floor.exchange.trades("a", SYMBOL)[0].commission == 0
        assert floor.place("a", "BUY", None, 100).fills[0].commission == 2 * UNIT // 1000

    def test_all_of_what_was_bought_cannot_be_sold_again(self):
        floor = Floor()
        floor.exchange.open_account("new", {"USDT": 1000 * NOTIONAL_UNIT})
        floor.book({99: 1000}, {100: 1000})
        floor.place("new", "BUY", None, 100)
        with refused(-2010, NO_FUNDS):
            floor.place("new", "SELL", None, 100)
        floor.place("new", "SELL", None, None, quantity=999 * UNIT // 1000)


class TestBnb:
    def bnb_floor(self, bnb: int) -> Floor:
        floor = Floor()
        floor.exchange.open_account("payer", {"USDT": 10_000 * NOTIONAL_UNIT, "BNB": bnb}, pays_in_bnb=True)
        floor.print(500, 1, symbol="BNBUSDT")
        floor.book({}, {100: 10_000})
        return floor

    def test_the_discounted_fee_is_converted_at_the_bnb_market(self):
        floor = self.bnb_floor(NOTIONAL_UNIT)
        (fill,) = floor.place("payer", "BUY", None, 100).fills
        assert (fill.commission, fill.commission_asset) == (15_000, "BNB")  # 0.1 * 0.75 / 500
        assert floor.free("payer", "BNB") == NOTIONAL_UNIT - 15_000 * UNIT
        assert floor.free("payer", "BTC") == NOTIONAL_UNIT

    def test_short_of_bnb_the_full_fee_falls_back_in_the_middle_of_an_order(self):
        floor = self.bnb_floor(15_000 * UNIT)
        floor.book({}, {100: 100, 101: 100})
        order = floor.place("payer", "BUY", None, 200)
        assert [(fill.commission, fill.commission_asset) for fill in order.fills] == [
            (15_000, "BNB"),
            (UNIT // 1000, "BTC"),
        ]

    def test_without_a_bnb_price_the_fee_is_paid_in_what_was_received(self):
        floor = Floor()
        floor.exchange.set_commission("a", maker_ppm=1000, taker_ppm=1000, pays_in_bnb=True)
        floor.exchange.deposit("a", "BNB", NOTIONAL_UNIT)
        floor.book({}, {100: 100})
        assert floor.place("a", "BUY", None, 1).fills[0].commission_asset == "BTC"

    def test_bought_bnb_pays_for_itself(self):
        floor = Floor()
        floor.exchange.set_commission("a", maker_ppm=1000, taker_ppm=1000, pays_in_bnb=True)
        floor.exchange.set_book("BNBUSDT", [], [(500 * UNIT, 10 * UNIT)])
        (fill,) = floor.place("a", "BUY", None, 100, symbol="BNBUSDT").fills
        assert (fill.commission, fill.commission_asset) == (75 * UNIT // 100_000, "BNB")

    def test_on_a_market_quoted_in_bnb_one_bnb_is_worth_one(self):
        floor = Floor()
        floor.exchange.add_symbol(replace(floor.exchange.symbol(SYMBOL), symbol="BTCBNB", quote="BNB"))
        floor.exchange.deposit("a", "BNB", 1000 * NOTIONAL_UNIT)
        floor.exchange.set_commission("a", maker_ppm=1000, taker_ppm=1000, pays_in_bnb=True)
        floor.exchange.set_book("BTCBNB", [], [(100 * UNIT, UNIT)])
        (fill,) = floor.place("a", "BUY", None, 100, symbol="BTCBNB").fills
        assert (fill.commission, fill.commission_asset) == (75 * UNIT // 1000, "BNB")

    def test_no_rate_no_commission(self):
        floor = Floor(taker_ppm=0)
        floor.exchange.set_commission("a", maker_ppm=0, taker_ppm=0, pays_in_bnb=True)
        floor.print(500, 1, symbol="BNBUSDT")
        floor.book({}, {100: 100})
        assert floor.place("a", "BUY", None, 1).fills[0].commission == 0


class TestLocks:
    def test_a_buy_locks_quote_a_sell_locks_base(self):
        floor = Floor(wealth=1)
        floor.place("a", "SELL", 100, 40)
        assert (floor.free("a", "BTC"), floor.locked("a", "BTC")) == (
            NOTIONAL_UNIT * 6 // 10,
            NOTIONAL_UNIT * 4 // 10,
        )
        floor.place("a", "BUY", 2, 25)
        assert floor.locked("a", "USDT") == NOTIONAL_UNIT // 2

    def test_locks_are_exact_to_the_last_digit(self):
        floor = Floor()
        floor.exchange.set_symbol(tiny_steps(floor))
        floor.place("a", "BUY", None, None, **limit(price=100 * UNIT + 1, quantity=UNIT + 3))
        assert floor.locked("a", "USDT") == (100 * UNIT + 1) * (UNIT + 3)

    def test_a_better_price_gives_the_rest_of_the_lock_back(self):
        floor = Floor(wealth=1000, taker_ppm=0)
        floor.book({}, {100: 100})
        floor.place("a", "BUY", 110, 200)
        assert floor.locked("a", "USDT") == 110 * NOTIONAL_UNIT
        assert floor.free("a", "USDT") == (1000 - 100 - 110) * NOTIONAL_UNIT

    @pytest.mark.parametrize(
        ("side", "price", "hundredths"),
        [("BUY", 100, 101), ("SELL", 100, 10_001), ("BUY", None, 101), ("SELL", None, 10_001)],
    )
    def test_what_is_not_there_cannot_be_used(self, side, price, hundredths):
        floor = Floor(wealth=100)
        floor.book({99: 100_000}, {101: 100_000})
        before = floor.exchange.dump()
        with refused(-2010, NO_FUNDS):
            floor.place("a", side, price, hundredths)
        after = floor.exchange.dump()
        assert {**after, "now_ms": 0} == {**before, "now_ms": 0, "histories": after["histories"]}
        assert floor.exchange.open_orders("a") == []

    def test_a_quote_quantity_needs_the_whole_budget(self):
        floor = Floor(wealth=100)
        floor.book({}, {101: 10})
        with refused(-2010, NO_FUNDS):
            floor.place("a", "BUY", None, None, quote_quantity=100 * UNIT + 1)

    def test_locked_funds_are_not_free_for_another_order(self):
        floor = Floor(wealth=100)
        floor.place("a", "BUY", 100, 60)
        with refused(-2010, NO_FUNDS):
            floor.place("a", "BUY", 100, 41)
        floor.place("a", "BUY", 100, 40)


class TestTransfers:
    def test_deposits_and_withdrawals_are_told(self):
        floor = Floor(wealth=1)
        floor.exchange.deposit("a", "ADA", 5)
        floor.exchange.withdraw("a", "ADA", 2)
        assert floor.free("a", "ADA") == 3
        moved, changed = floor.events[2:]
        assert (moved.asset, moved.delta) == ("ADA", -2)
        assert changed.assets["ADA"].free == 3

    def test_only_free_funds_can_leave(self):
        floor = Floor(wealth=1)
        floor.place("a", "SELL", 100, 60)
        with refused(-2010, NO_FUNDS):
            floor.exchange.withdraw("a", "BTC", NOTIONAL_UNIT // 2)

    @pytest.mark.parametrize("amount", [0, -1])
    def test_amounts_are_positive(self, amount):
        with pytest.raises(ValueError, match="above 0"):
            Floor().exchange.deposit("a", "BTC", amount)

    def test_accounts_are_opened_once_and_before_use(self):
        floor = Floor()
        with pytest.raises(ValueError, match="exists"):
            floor.exchange.open_account("a", {})
        with pytest.raises(ValueError, match="open_account"):
            floor.exchange.balances("nobody")
        with pytest.raises(ValueError, match="below 0"):
            floor.exchange.open_account("d", {"BTC": -1})
        assert floor.exchange.account_ids == ("a", "b", "c")


def tiny_steps(floor: Floor) -> SymbolSpec:
    return replace(floor.exchange.symbol(SYMBOL), tick=1, lot=1, min_qty=1)


def limit(**fields: int) -> dict[str, object]:
    return {"type": OrderType.LIMIT, "time_in_force": TimeInForce.GTC, **fields}
