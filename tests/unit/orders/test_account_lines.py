"""The account's arithmetic: the worked example of docs/books.md, and the identities for anything."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.account_books import AssetLine
from domain.orders import Fill, Side
from fakes.grid_examples import BTC
from fakes.order_examples import BUY_SLOT, SELL_SLOT, fill, intent
from orders.account_lines import (
    VenueTrades,
    added,
    asset_lines,
    booked_by,
    moved_by,
    remarked,
    totals_of,
    valued,
)
from orders.books import FifoBooks


def paid_in_bnb(number: int, side: Side, quantity: str, price: str, fee: str) -> Fill:
    of = intent(BUY_SLOT if side is Side.BUY else SELL_SLOT)
    return fill(of, number, Decimal(quantity), price=Decimal(price), commission=Decimal(fee), commission_asset="BNB")


FILLS = (
    paid_in_bnb(1, Side.BUY, "0.002", "60000", "0.00018"),
    paid_in_bnb(2, Side.SELL, "0.001", "60600", "0.00009"),
    paid_in_bnb(3, Side.BUY, "0.001", "60000", "0.00009"),
)
NOW = {"BTC": Decimal(61_000), "BNB": Decimal(600), "USDT": Decimal(1)}


def example_books() -> FifoBooks:
    books = FifoBooks(BTC)
    for each in FILLS:
        books.add(each)
    books.value_fee(1, Decimal(500))
    books.value_fee(2, Decimal(550))
    return books


def test_the_worked_example_of_one_grid():
    books = example_books()
    shown = books.marked(NOW["BTC"], NOW)
    assert (shown.base_held, shown.cash_flow) == (Decimal("0.002"), Decimal("-119.4"))
    assert (shown.grid_profit, shown.inventory_cost, shown.inventory_value) == (Decimal("0.6"), 120, 122)
    assert (shown.fees, shown.fee_asset_revaluation) == (Decimal("0.1395"), Decimal("-0.0225"))
    assert (shown.fees_by_asset, shown.fees_unvalued) == ({"BNB": Decimal("0.00036")}, {"BNB": Decimal("0.00009")})
    assert (shown.equity_change, shown.residual) == (Decimal("2.438"), 0)
    books.value_fee(3, Decimal(560))
    later = books.marked(NOW["BTC"], NOW)
    assert (later.fees, later.fee_asset_revaluation) == (Decimal("0.1899"), Decimal("-0.0261"))
    assert (later.equity_change, later.residual) == (Decimal("2.384"), 0)


def test_the_worked_example_of_the_account():
    shown = example_books().marked(NOW["BTC"], NOW)
    venue = VenueTrades(1, 0, {}, {})
    assert venue.take(FILLS, {1, 2, 3})
    lines = asset_lines(
        baseline={"USDT": Decimal(10_000), "BNB": Decimal(1)},
        balances={"USDT": Decimal("9930.6"), "BTC": Decimal("0.002"), "BNB": Decimal("0.99964")},
        booked=booked_by(BTC, shown),
        ours=venue.ours,
        foreign=venue.foreign,
    )
    bnb, btc, usdt = lines
    assert (bnb.grids, bnb.other_movements, bnb.residual) == (Decimal("-0.00036"), 0, 0)
    assert (btc.grids, btc.other_movements, btc.residual) == (Decimal("0.002"), 0, 0)
    assert (usdt.grids, usdt.other_movements, usdt.residual) == (Decimal("-119.4"), 50, 0)
    value, unpriced = valued(lines, NOW, {"USDT": Decimal(1), "BNB": Decimal(500)})
    assert unpriced == ()
    assert (value.equity_change, value.grids) == (Decimal("152.384"), Decimal("2.384"))
    assert (value.other_movements, value.revaluation) == (50, 100)
    assert value.grids == shown.equity_change - shown.fees_unvalued["BNB"] * 600


def test_a_trade_the_books_lack_or_count_twice_is_residual_and_nothing_else():
    shown = example_books().marked(NOW["BTC"])
    venue = VenueTrades(1, 0, {}, {})
    venue.take([*FILLS, paid_in_bnb(4, Side.SELL, "0.001", "60600", "0.00009")], {1, 2, 3, 4})
    lines = asset_lines(
        baseline={}, balances=venue.ours, booked=booked_by(BTC, shown), ours=venue.ours, foreign=venue.foreign
    )
    left_over = {line.asset: line.residual for line in lines}
    assert left_over == {"BNB": Decimal("-0.00009"), "BTC": Decimal("-0.001"), "USDT": Decimal("60.6")}
    assert all(line.other_movements == line.foreign_trades == 0 for line in lines)


def test_trades_read_twice_count_once():
    venue = VenueTrades(1, 0, {}, {})
    assert venue.take(FILLS, {1, 3})
    assert not venue.take(FILLS, {1, 3})
    assert (venue.count_of_ours, venue.next_id) == (2, 4)
    assert venue.foreign == moved_by(FILLS[1])


def test_assets_without_a_price_are_named_and_count_in_no_value():
    zero = Decimal(0)
    odd = AssetLine(
        asset="ODD",
        baseline=zero,
        balance=Decimal(7),
        grids=zero,
        foreign_trades=zero,
        other_movements=Decimal(7),
        residual=zero,
    )
    value, unpriced = valued([odd], {}, {})
    assert unpriced == ("ODD",)
    assert value.equity_change == value.other_movements == 0


def test_books_marked_anew_are_the_books_marked_there_at_first():
    books = example_books()
    at_first = books.marked(Decimal(61_000), {"BNB": Decimal(600)})
    elsewhere = replace(books.marked(Decimal(50_000), {"BNB": Decimal(300)}), hold_change=Decimal(-20))
    again = remarked(elsewhere, BTC, Decimal("0.002"), Decimal(61_000), {"BNB": Decimal(600)})
    assert again == replace(at_first, hold_change=Decimal(2), versus_hold=at_first.equity_change - 2)


def test_totals_are_sums():
    one = example_books().marked(Decimal(61_000))
    sums = totals_of([one, one])
    assert (sums.grids, sums.trades, sums.equity_change) == (2, 6, 2 * one.equity_change)
    assert sums.fees_by_asset == {"BNB": Decimal("0.00072")}
    assert totals_of([]).equity_change == 0


assets = st.sampled_from(["BTC", "USDT", "BNB", "ODD"])
amounts = st.dictionaries(assets, st.decimals(-(10**9), 10**9, places=8), max_size=4)
prices = st.dictionaries(assets, st.decimals("0.00000001", 10**6, places=8), max_size=4)


@given(amounts, amounts, amounts, amounts, amounts, prices, prices)
def test_both_identities_hold_for_anything(baseline, balances, booked, ours, foreign, now, then):
    lines = asset_lines(baseline=baseline, balances=balances, booked=booked, ours=ours, foreign=foreign)
    for line in lines:
        explained = added({"": line.grids}, {"": line.foreign_trades}, {"": line.other_movements}, {"": line.residual})[
            ""
        ]
        assert line.balance - line.baseline == explained
    value, _ = valued(lines, now, then)
    parts = (value.grids, value.foreign_trades, value.other_movements, value.revaluation, value.residual)
    assert value.equity_change == added(*({"": part} for part in parts))[""]
