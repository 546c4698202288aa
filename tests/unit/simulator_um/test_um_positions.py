"""How fills and funding change positions and wallets, with the sums worked out by hand."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from simulator.core.orders import Side
from simulator.core.symbols import UNIT
from simulator.um.core.events import AccountReason, AccountUpdate
from simulator.um.core.orders import IncomeType, PositionSide
from simulator.um.core.positions import Position
from unit.simulator_um.futures_floor import HUNDREDTH, SYMBOL, FuturesFloor

FEE_PPM = 500


def _fee(worth: int) -> int:
    return worth * UNIT * FEE_PPM // 1_000_000


def _amounts(floor: FuturesFloor, kind: IncomeType) -> list[int]:
    return [row.amount for row in floor.exchange.income("a", type=kind)]


def test_entry_price_is_the_average_and_a_reduction_keeps_it() -> None:
    floor = FuturesFloor()
    floor.open("a", "BUY", 100, 200)
    floor.open("a", "BUY", 103, 100)
    assert floor.position("a").entry_price == 101 * UNIT
    floor.open("a", "SELL", 104, 150)
    assert floor.position("a").entry_price == 101 * UNIT
    assert _amounts(floor, IncomeType.REALIZED_PNL) == [45 * UNIT // 10]
    assert _amounts(floor, IncomeType.COMMISSION) == [-_fee(200), -_fee(103), -_fee(156)]


def test_crossing_zero_closes_first_and_opens_the_rest_at_the_same_price() -> None:
    floor = FuturesFloor()
    floor.open("a", "BUY", 100, 100)
    floor.open("a", "SELL", 98, 300)
    view = floor.position("a")
    assert (view.quantity, view.entry_price) == (-200 * HUNDREDTH, 98 * UNIT)
    assert _amounts(floor, IncomeType.REALIZED_PNL) == [-2 * UNIT]
    assert view.unrealized == -4 * UNIT


def test_isolated_margin_comes_from_and_goes_back_to_the_cross_wallet() -> None:
    floor = FuturesFloor(wallet=1_000)
    floor.isolate("a", 10)
    floor.open("a", "BUY", 100, 200)
    assert floor.position("a").isolated_wallet == 20 * UNIT
    cross = 980 * UNIT - _fee(200)
    assert floor.exchange.account("a").cross_wallet_balance == cross
    floor.open("a", "SELL", 102, 100)
    assert floor.position("a").isolated_wallet == 10 * UNIT
    cross += 12 * UNIT - _fee(102)
    assert floor.exchange.account("a").cross_wallet_balance == cross
    floor.open("a", "SELL", 97, 200)
    view = floor.position("a")
    assert (view.quantity, view.isolated_wallet) == (-100 * HUNDREDTH, 97 * UNIT // 10)
    cross += 7 * UNIT - 97 * UNIT // 10 - _fee(194)
    assert floor.exchange.account("a").cross_wallet_balance == cross


def test_funding_goes_from_longs_to_shorts_and_an_isolated_position_pays_by_itself() -> None:
    floor = FuturesFloor()
    floor.isolate("a", 10)
    floor.open("a", "BUY", 100, 100)
    floor.open("b", "SELL", 100, 100)
    before = floor.wallet("a"), floor.wallet("b")
    isolated = floor.position("a").isolated_wallet
    floor.events.clear()
    floor.fund(10_000, 103)
    paid = 103 * UNIT // 10_000
    assert (floor.wallet("a"), floor.wallet("b")) == (before[0] - paid, before[1] + paid)
    assert floor.position("a").isolated_wallet == isolated - paid
    told = floor.told(AccountUpdate)
    assert [(update.account_id, update.change, len(update.positions)) for update in told] == [
        ("a", -paid, 1),
        ("b", paid, 0),
    ]
    assert told[0].reason is AccountReason.FUNDING_FEE
    assert _amounts(floor, IncomeType.FUNDING_FEE) == [-paid]


def test_break_even_covers_fees_and_funding() -> None:
    floor = FuturesFloor()
    floor.open("a", "BUY", 100, 100)
    floor.open("b", "SELL", 100, 100)
    floor.fund(10_000, 100)
    carry = _fee(100) + UNIT // 100
    assert floor.position("a").break_even_price == 100 * UNIT + carry
    assert floor.position("b").break_even_price == 100 * UNIT - _fee(100) + UNIT // 100
    assert floor.position("c").break_even_price == 0


def test_hedge_sides_realise_on_their_own() -> None:
    floor = FuturesFloor()
    floor.hedge("a")
    floor.open("a", "BUY", 100, 100, position_side=PositionSide.LONG)
    floor.open("a", "SELL", 104, 100, position_side=PositionSide.SHORT)
    floor.open("a", "SELL", 103, 100, position_side=PositionSide.LONG)
    assert (floor.held("a", "LONG"), floor.held("a", "SHORT")) == (0, -100)
    assert floor.position("a", "LONG").realized == 3 * UNIT
    fills = floor.exchange.trades("a", SYMBOL)
    assert [fill.position_side for fill in fills] == ["LONG", "SHORT", "LONG"]


def test_income_comes_in_pages() -> None:
    floor = FuturesFloor()
    for price in (99, 100, 101):
        floor.open("a", "BUY", price, 100)
    rows = floor.exchange.income("a")
    assert [row.type for row in rows] == ["TRANSFER", "COMMISSION", "COMMISSION", "COMMISSION"]
    assert floor.exchange.income("a", limit=2) == rows[2:]
    assert floor.exchange.income("a", limit=2, page=2) == rows[:2]
    assert floor.exchange.income("a", limit=3, page=2, start_ms=0) == rows[3:]
    assert floor.exchange.income("a", symbol=SYMBOL) == rows[1:]


TRADES = st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**5)), min_size=1, max_size=12)


@given(TRADES, st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 100)), min_size=1, max_size=12), st.booleans())
def test_a_closed_position_has_realised_exactly_what_its_fills_brought(
    opened: list[tuple[int, int]], closed: list[tuple[int, int]], buys: bool
) -> None:
    side = Side.BUY if buys else Side.SELL
    position = Position("X", PositionSide.BOTH)
    spent = sum(position.increase(side, lots * HUNDREDTH, price * UNIT, 0) for price, lots in opened)
    assert abs(position.entry_price - Fraction(spent * UNIT, position.size)) <= Fraction(1, 2)
    whole, got = position.size, 0
    for price, percent in [*closed, (777, 100)]:
        lots = min(position.size, whole * percent // 100 // HUNDREDTH * HUNDREDTH)
        if percent == 100:
            lots = position.size
        if lots:
            average = Fraction(position.cost, position.size)
            gained = position.reduce(lots, price * UNIT)
            exact = (Fraction(price) - average) * lots * (1 if buys else -1)
            assert abs(gained - exact) <= Fraction(1, 2)
            got += price * lots
    assert (position.quantity, position.cost) == (0, 0)
    assert position.realized == (got - spent if buys else spent - got)
