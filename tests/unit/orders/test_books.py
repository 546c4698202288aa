"""The books by hand, against a slow model in fractions, and with a residual of exactly nothing."""

from collections import deque
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.grids import Books
from domain.orders import Fill, Side
from fakes.grid_examples import BTC
from fakes.order_examples import BUY_SLOT, SELL_SLOT, fill, intent
from orders.books import FifoBooks

BUY, SELL = intent(BUY_SLOT), intent(SELL_SLOT)


def trade(number: int, side: Side, quantity: str, price: str, fee: str = "0", asset: str = "USDT") -> Fill:
    of = BUY if side is Side.BUY else SELL
    return fill(of, number, Decimal(quantity), price=Decimal(price), commission=Decimal(fee), commission_asset=asset)


def books_of(*fills: Fill) -> FifoBooks:
    books = FifoBooks(BTC)
    for each in fills:
        books.add(each)
    return books


def test_first_in_first_out_by_hand():
    books = books_of(
        trade(1, Side.BUY, "2", "100"),
        trade(2, Side.BUY, "1", "110"),
        trade(3, Side.SELL, "2.5", "120"),
    ).marked(Decimal(130))
    assert books.grid_profit == 2 * 20 + Decimal("0.5") * 10
    assert (books.base_held, books.inventory_cost, books.inventory_value) == (Decimal("0.5"), 55, 65)
    assert (books.cash_flow, books.equity_change, books.residual) == (-10, 55, 0)
    assert (books.buys, books.sells, books.trades) == (2, 1, 3)


def test_a_fee_in_quote_by_hand():
    books = books_of(
        trade(1, Side.BUY, "1", "100", "0.1"),
        trade(2, Side.SELL, "1", "110", "0.11"),
    ).marked(Decimal(1))
    assert (books.grid_profit, books.fees, books.equity_change) == (10, Decimal("0.21"), Decimal("9.79"))
    assert books.fees_by_asset == {"USDT": Decimal("0.21")}


def test_a_fee_in_base_takes_base_and_is_valued_at_its_fill():
    books = books_of(trade(1, Side.BUY, "1", "100", "0.001", "BTC")).marked(Decimal(200))
    assert (books.base_held, books.inventory_cost, books.fees) == (Decimal("0.999"), Decimal("99.9"), Decimal("0.1"))
    assert books.equity_change == Decimal("0.999") * 200 - 100
    assert books.residual == 0


def test_a_fee_in_a_third_asset_is_revalued():
    books = FifoBooks(BTC)
    books.add(trade(1, Side.BUY, "1", "100", "0.01", "BNB"), Decimal(300))
    shown = books.marked(Decimal(100), {"BNB": Decimal(400)})
    assert (shown.fees, shown.fee_asset_revaluation, shown.equity_change, shown.residual) == (3, -1, -4, 0)


def test_a_fee_in_a_third_asset_counts_nowhere_until_its_price_is_known():
    books = books_of(trade(1, Side.BUY, "1", "100", "0.01", "BNB"))
    before = books.marked(Decimal(110), {"BNB": Decimal(400)})
    assert (before.fees, before.fee_asset_revaluation, before.equity_change, before.residual) == (0, 0, 10, 0)
    assert before.fees_by_asset == before.fees_unvalued == {"BNB": Decimal("0.01")}
    assert books.value_fee(1, Decimal(300))
    after = books.marked(Decimal(110), {"BNB": Decimal(400)})
    assert (after.fees, after.fee_asset_revaluation, after.equity_change, after.residual) == (3, -1, 6, 0)
    assert (after.fees_unvalued, after.fee_prices) == ({}, {"BNB": Decimal(400)})


def test_a_value_told_twice_or_for_an_unknown_trade_changes_nothing():
    books = books_of(trade(1, Side.BUY, "1", "100", "0.01", "BNB"))
    assert books.value_fee(1, Decimal(300))
    shown = books.marked(Decimal(100))
    assert not books.value_fee(1, Decimal(999))
    assert not books.value_fee(2, Decimal(300))
    assert books.marked(Decimal(100)) == shown


def test_without_a_fresh_price_fees_are_revalued_at_their_newest_fill():
    books = books_of(trade(1, Side.BUY, "1", "100", "1", "BNB"), trade(2, Side.BUY, "1", "100", "1", "BNB"))
    books.value_fee(2, Decimal(5))
    books.value_fee(1, Decimal(4))  # told late, but of an older trade
    shown = books.marked(Decimal(100))
    assert (shown.fee_prices, shown.fees, shown.fee_asset_revaluation) == ({"BNB": Decimal(5)}, 9, -1)
    assert shown.residual == 0


def test_what_the_venue_rounds_off_a_quote_amount_is_named_and_no_residual():
    bought = replace(trade(1, Side.BUY, "0.0011", "0.03123"), quote_quantity=Decimal("0.00003435"))
    sold = replace(trade(2, Side.SELL, "0.0011", "0.03133"), quote_quantity=Decimal("0.00003446"))
    shown = books_of(bought, sold).marked(Decimal(1))
    assert shown.quote_rounding == Decimal("0.000000003") + Decimal("-0.000000003")
    assert (shown.residual, shown.equity_change) == (0, Decimal("0.00000011"))
    assert books_of(bought).marked(Decimal(1)).quote_rounding == Decimal("0.000000003")


def test_a_quote_amount_that_is_not_price_times_quantity_is_left_over():
    wrong = replace(trade(1, Side.BUY, "1", "100"), quote_quantity=Decimal(101))
    shown = books_of(wrong).marked(Decimal(100))
    assert (shown.residual, shown.quote_rounding) == (-1, 0)


def test_a_short_inventory_by_hand():
    books = books_of(
        trade(1, Side.SELL, "2", "100"),
        trade(2, Side.BUY, "0.5", "90"),
    ).marked(Decimal(80))
    assert (books.base_held, books.inventory_cost, books.inventory_value) == (Decimal("-1.5"), -150, -120)
    assert (books.grid_profit, books.equity_change, books.residual) == (5, 35, 0)


def test_inventory_that_changes_its_sign_opens_lots_at_the_new_price():
    books = books_of(
        trade(1, Side.BUY, "1", "100"),
        trade(2, Side.SELL, "3", "110"),
        trade(3, Side.BUY, "4", "105"),
    ).marked(Decimal(105))
    assert books.grid_profit == 10 + 2 * 5
    assert (books.base_held, books.inventory_cost) == (2, 210)
    assert books.residual == 0


class SlowBooks:
    """One unit of base after the other would do; pieces in fractions do the same, and nothing is shared with ours."""

    def __init__(self) -> None:
        self.lots: deque[tuple[Fraction, Fraction]] = deque()  # signed quantity, price
        self.cash = self.profit = self.fees = self.bnb = self.unvalued = Fraction(0)

    def add(self, each: Fill, bnb_price: Fraction | None) -> None:
        sign = 1 if each.side is Side.BUY else -1
        price, fee = Fraction(each.price), Fraction(each.commission)
        change = sign * Fraction(each.quantity)
        self.cash -= sign * Fraction(each.quote_quantity)
        if each.commission_asset == "USDT":
            self.cash, self.fees = self.cash - fee, self.fees + fee
        elif each.commission_asset == "BTC":
            change, self.fees = change - fee, self.fees + fee * price
        elif bnb_price is None:
            self.unvalued += fee
        else:
            self.bnb, self.fees = self.bnb + fee, self.fees + fee * bnb_price
        while change and self.lots and (self.lots[0][0] < 0) != (change < 0):
            held, paid = self.lots.popleft()
            part = min(abs(held), abs(change)) * (1 if held > 0 else -1)
            self.profit += part * (price - paid)
            change += part
            if held != part:
                self.lots.appendleft((held - part, paid))
        if change:
            self.lots.append((change, price))

    def agrees_with(self, books: Books, bnb_price: Fraction) -> bool:
        base = sum((quantity for quantity, _ in self.lots), Fraction(0))
        cost = sum((quantity * paid for quantity, paid in self.lots), Fraction(0))
        equity = self.cash + base * Fraction(books.mark_price) - self.bnb * bnb_price
        pairs = [
            (books.base_held, base),
            (books.inventory_cost, cost),
            (books.grid_profit, self.profit),
            (books.fees, self.fees),
            (books.cash_flow, self.cash),
            (books.equity_change, equity),
            (books.fees_unvalued.get("BNB", Decimal(0)), self.unvalued),
            (books.fees_by_asset.get("BNB", Decimal(0)), self.bnb + self.unvalued),
        ]
        return all(Fraction(ours) == slow for ours, slow in pairs)


When = Literal["at once", "late", "twice", "never"]


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[Fill], list[Decimal], list[When], Decimal]:
    """Fills on one realistic tick and lot, fees in three assets, a price of the third at each, and when it is told."""
    tick = draw(st.sampled_from([Decimal("0.01"), Decimal("0.0001"), Decimal("0.00000001")]))
    lot = draw(st.sampled_from([Decimal("0.00001"), Decimal("0.1"), Decimal(1)]))
    fills, bnb_prices, told = [], [], []
    for number in range(draw(st.integers(1, 25))):
        of = draw(st.sampled_from([BUY, SELL]))
        price, quantity = tick * draw(st.integers(1, 10**8)), lot * draw(st.integers(1, 10**6))
        asset = draw(st.sampled_from(["USDT", "BTC", "BNB"]))
        most = quantity if asset == "BTC" else price * quantity
        fee = (most * draw(st.integers(0, 1000)) / 10**6).quantize(Decimal("0.00000001"))
        fills.append(fill(of, number, quantity, price=price, commission=fee, commission_asset=asset))
        bnb_prices.append(Decimal(draw(st.integers(1, 10**6))) / 100)
        told.append(draw(st.sampled_from(get_args(When))))
    return fills, bnb_prices, told, tick * draw(st.integers(1, 10**8))


@settings(max_examples=200, deadline=None)
@given(markets())
def test_any_fills_leave_no_residual_and_agree_with_a_slow_model(
    market: tuple[list[Fill], list[Decimal], list[When], Decimal],
):
    fills, bnb_prices, told, mark = market
    books, slow = FifoBooks(BTC), SlowBooks()
    for each, bnb_price, when in zip(fills, bnb_prices, told, strict=True):
        books.add(each, bnb_price if when == "at once" else None)  # raises Inexact if anything would be rounded
        assert books.marked(mark).residual == 0
        slow.add(each, None if when == "never" else Fraction(bnb_price))
    for each, bnb_price, when in zip(fills, bnb_prices, told, strict=True):
        if when in ("late", "twice"):
            books.value_fee(each.trade_id, bnb_price)
            assert books.marked(mark).residual == 0
        if when == "twice":
            books.value_fee(each.trade_id, bnb_price + 1)
    shown = books.marked(mark, {"BNB": bnb_prices[-1]})
    assert shown.residual == 0
    assert slow.agrees_with(shown, Fraction(bnb_prices[-1]))
    assert shown.trades == len(fills)
