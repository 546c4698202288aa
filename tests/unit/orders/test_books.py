"""The books by hand, against a slow model in fractions, and with a residual of exactly nothing."""

from collections import deque
from decimal import Decimal
from fractions import Fraction

import pytest
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


def test_a_third_asset_without_its_price_is_refused():
    third = trade(1, Side.BUY, "1", "100", "0.01", "BNB")
    with pytest.raises(ValueError, match="BNB"):
        books_of(third)
    books = FifoBooks(BTC)
    books.add(third, Decimal(300))
    with pytest.raises(ValueError, match="BNB"):
        books.marked(Decimal(100))


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
        self.cash = self.profit = self.fees = self.bnb = Fraction(0)

    def add(self, each: Fill, bnb_price: Fraction) -> None:
        sign = 1 if each.side is Side.BUY else -1
        price, fee = Fraction(each.price), Fraction(each.commission)
        change = sign * Fraction(each.quantity)
        self.cash -= sign * Fraction(each.quote_quantity)
        if each.commission_asset == "USDT":
            self.cash, self.fees = self.cash - fee, self.fees + fee
        elif each.commission_asset == "BTC":
            change, self.fees = change - fee, self.fees + fee * price
        else:
            self.bnb, self.fees = self.bnb + fee, self.fees + fee * bnb_price
        while change and self.lots and (self.lots[0][0] > 0) != (change > 0):
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
        ]
        return all(Fraction(ours) == slow for ours, slow in pairs)


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[Fill], list[Decimal], Decimal]:
    """Fills on one realistic tick and lot, with fees in three assets and a price of the third at each."""
    tick = draw(st.sampled_from([Decimal("0.01"), Decimal("0.0001"), Decimal("0.00000001")]))
    lot = draw(st.sampled_from([Decimal("0.00001"), Decimal("0.1"), Decimal(1)]))
    fills, bnb_prices = [], []
    for number in range(draw(st.integers(1, 25))):
        of = draw(st.sampled_from([BUY, SELL]))
        price, quantity = tick * draw(st.integers(1, 10**8)), lot * draw(st.integers(1, 10**6))
        asset = draw(st.sampled_from(["USDT", "BTC", "BNB"]))
        most = quantity if asset == "BTC" else price * quantity
        fee = (most * draw(st.integers(0, 1000)) / 10**6).quantize(Decimal("0.00000001"))
        fills.append(fill(of, number, quantity, price=price, commission=fee, commission_asset=asset))
        bnb_prices.append(Decimal(draw(st.integers(1, 10**6))) / 100)
    return fills, bnb_prices, tick * draw(st.integers(1, 10**8))


@settings(max_examples=150, deadline=None)
@given(markets())
def test_any_fills_leave_no_residual_and_agree_with_a_slow_model(
    market: tuple[list[Fill], list[Decimal], Decimal],
):
    fills, bnb_prices, mark = market
    books, slow = FifoBooks(BTC), SlowBooks()
    for each, bnb_price in zip(fills, bnb_prices, strict=True):
        books.add(each, bnb_price)  # raises Inexact if anything would be rounded
        slow.add(each, Fraction(bnb_price))
    shown = books.marked(mark, {"BNB": bnb_prices[-1]})
    assert shown.residual == 0
    assert slow.agrees_with(shown, Fraction(bnb_prices[-1]))
    assert shown.trades == len(fills)
