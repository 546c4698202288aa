"""When a position is taken over, at which price, and who pays."""

from dataclasses import dataclass, replace
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator.core.orders import OrderStatus
from simulator.core.symbols import PPM, UNIT
from simulator.um.core.contracts import ContractSpec
from simulator.um.core.events import Liquidated, MarginCall, OrderUpdate
from simulator.um.core.orders import IncomeType, PositionSide
from unit.simulator_um.futures_floor import BRACKETS, HUNDREDTH, SPEC, SYMBOL, FuturesFloor

WIDE = replace(SPEC, mult_up_ppm=0, mult_down_ppm=0, max_qty=10**9 * UNIT)


@dataclass(frozen=True)
class Case:
    """One position of `hundredths` at `entry`, backed by a wallet or an isolated margin."""

    long: bool
    isolated: bool
    entry: int
    hundredths: int
    leverage: int
    wallet: int


CASES = st.builds(
    Case,
    long=st.booleans(),
    isolated=st.booleans(),
    entry=st.integers(1_000, 60_000),
    hundredths=st.integers(1, 6_000),
    leverage=st.sampled_from([1, 2, 3, 5, 10]),
    wallet=st.integers(50, 2_000_000),
)


def _opened(case: Case) -> FuturesFloor:
    floor = FuturesFloor(_unbounded(WIDE), wallet=case.wallet, mark=case.entry)
    floor.exchange.set_commission("a", maker_ppm=0, taker_ppm=0)
    floor.isolate("a", case.leverage) if case.isolated else floor.leverage("a", case.leverage)
    margin = -(-case.entry * case.hundredths // case.leverage) // 100 + 1
    assume(margin * 1.01 < case.wallet)
    floor.open("a", "BUY" if case.long else "SELL", case.entry, case.hundredths)
    return floor


def _unbounded(spec: ContractSpec) -> ContractSpec:
    return replace(spec, mult_up_ppm=10**9, mult_down_ppm=1)


def _is_exhausted(case: Case, wallet: Fraction, mark: Fraction) -> bool:
    """Section 4, in fractions: margin balance at the mark price against N * MMR - cum."""
    quantity = Fraction(case.hundredths, 100) * (1 if case.long else -1)
    balance = wallet + quantity * (mark - case.entry)
    return balance <= _maintenance(abs(quantity) * mark)


def _maintenance(notional: Fraction) -> Fraction:
    bracket = next((b for b in BRACKETS if notional * UNIT <= b.cap), BRACKETS[-1])
    return notional * Fraction(bracket.rate_ppm, PPM) - Fraction(bracket.cum, UNIT)


def _backing(floor: FuturesFloor, case: Case) -> Fraction:
    amount = floor.position("a").isolated_wallet if case.isolated else floor.wallet("a")
    return Fraction(amount, UNIT)


@given(CASES, st.lists(st.integers(1, 3_000_000), min_size=1, max_size=12))
@settings(max_examples=80)
def test_a_position_falls_at_the_first_mark_price_that_its_margin_does_not_survive(
    case: Case, ratios_ppm: list[int]
) -> None:
    floor = _opened(case)
    for ratio_ppm in ratios_ppm:
        mark = case.entry * UNIT * ratio_ppm // PPM + 1
        falls = _is_exhausted(case, _backing(floor, case), Fraction(mark, UNIT))
        floor.exchange.set_mark(SYMBOL, mark, mark, floor.tick())
        assert (floor.held("a") == 0) == falls
        if falls:
            break


@given(CASES)
@settings(max_examples=80)
def test_the_liquidation_price_shown_is_the_first_mark_price_that_liquidates(case: Case) -> None:
    shown = _opened(case).position("a").liquidation_price
    step = 1 if case.long else -1
    if shown == 0:
        assert case.long
        survives = 1
    else:
        survives, falls = shown + step, shown - step
        floor = _opened(case)
        floor.exchange.set_mark(SYMBOL, max(falls, 1), UNIT, floor.tick())
        assert floor.held("a") == 0
    floor = _opened(case)
    floor.exchange.set_mark(SYMBOL, survives, UNIT, floor.tick())
    assert floor.held("a") != 0


@given(CASES, CASES)
@settings(max_examples=80)
def test_under_cross_margin_every_position_counts(first: Case, second: Case) -> None:
    first = replace(first, isolated=False, leverage=10)
    second = replace(second, isolated=False, leverage=10, wallet=first.wallet)
    floor = _opened(first)
    worth = second.entry * second.hundredths // 100
    assume((worth + first.entry * first.hundredths // 100) * 0.11 < first.wallet)
    eth = "ETHUSDT"
    floor.exchange.set_contract(replace(_unbounded(WIDE), symbol=eth, base="ETH"))
    floor.exchange.set_leverage("a", eth, 10, floor.tick())
    floor.exchange.set_mark(eth, second.entry * UNIT, UNIT, floor.tick())
    levels = [(second.entry * UNIT, second.hundredths * HUNDREDTH)]
    floor.exchange.set_book(eth, *(([], levels) if second.long else (levels, [])))
    floor.place("a", "BUY" if second.long else "SELL", None, second.hundredths, symbol=eth)
    shown = floor.position("a").liquidation_price
    assume(shown)
    step = 1 if first.long else -1
    floor.exchange.set_mark(SYMBOL, shown + step, UNIT, floor.tick())
    assert not floor.told(Liquidated)
    floor.exchange.set_mark(SYMBOL, max(shown - step, 1), UNIT, floor.tick())
    assert floor.told(Liquidated)
    # The fund takes a position over at its bankruptcy price, so the account ends at nothing or above.
    assert floor.wallet("a") >= 0


@given(CASES, st.integers(1, 6_000))
@settings(max_examples=80)
def test_both_sides_of_a_hedge_count_under_cross_margin(case: Case, shorts: int) -> None:
    case = replace(case, leverage=10)
    floor = FuturesFloor(_unbounded(WIDE), wallet=case.wallet, mark=case.entry)
    assume(case.entry * (case.hundredths + shorts) // 100 * 0.11 < case.wallet)
    floor.leverage("a", 10)
    floor.hedge("a")
    floor.open("a", "BUY", case.entry, case.hundredths, position_side=PositionSide.LONG)
    floor.open("a", "SELL", case.entry, shorts, position_side=PositionSide.SHORT)
    shown = floor.position("a", "LONG").liquidation_price
    assert floor.position("a", "SHORT").liquidation_price == shown
    assume(shown)
    step = 1 if shown < case.entry * UNIT else -1
    floor.exchange.set_mark(SYMBOL, shown + step, UNIT, floor.tick())
    assert not floor.told(Liquidated)
    floor.exchange.set_mark(SYMBOL, max(shown - step, 1), UNIT, floor.tick())
    assert floor.told(Liquidated)


def test_a_cross_account_keeps_what_is_sound_once_the_worst_is_closed() -> None:
    floor = FuturesFloor(wallet=100)
    floor.exchange.set_mark("ETHUSDT", 100 * UNIT, 100 * UNIT, floor.tick())
    floor.leverage("a", 50)
    floor.exchange.set_book("ETHUSDT", [], [(100 * UNIT, UNIT)])
    floor.place("a", "BUY", None, 100, symbol="ETHUSDT")
    floor.open("a", "BUY", 100, 1_000)
    floor.book({93: 10_000}, {})
    floor.mark(90.2)
    assert [update.order.symbol for update in floor.told(Liquidated)] == [SYMBOL]
    assert floor.held("a") == 0
    assert floor.exchange.positions("a", "ETHUSDT")[0].quantity == UNIT


@pytest.mark.parametrize(
    ("side", "leverage", "wallet", "expected"),
    [("BUY", 10, None, "45180.72"), ("SELL", 10, None, "54780.88"), ("BUY", 20, 50_000, "47735.28")],
)
def test_the_worked_values_of_the_reference(side: str, leverage: int, wallet: int | None, expected: str) -> None:
    floor = FuturesFloor(wallet=wallet or 1_000_000, mark=50_000)
    floor.exchange.set_commission("a", maker_ppm=0, taker_ppm=0)
    floor.isolate("a", leverage) if wallet is None else floor.leverage("a", leverage)
    floor.open("a", side, 50_000, 100 if wallet is None else 2_000)
    shown = floor.position("a").liquidation_price
    assert f"{Fraction(shown, UNIT).__float__():.2f}" == expected


def _isolated_long(floor: FuturesFloor) -> None:
    """One coin at 1,000 with 10x: margin 100, falls below 904.x, bankrupt at 900."""
    floor.mark(1_000)
    floor.isolate("a", 10)
    floor.open("a", "BUY", 1_000, 100)
    floor.events.clear()


def test_the_fund_takes_over_at_the_bankruptcy_price_and_the_account_loses_its_margin_alone() -> None:
    floor = FuturesFloor()
    _isolated_long(floor)
    wallet = floor.wallet("a")
    floor.place("a", "BUY", 990, 100)
    floor.events.clear()
    floor.mark(900)
    assert floor.held("a") == 0
    assert wallet - floor.wallet("a") == 100 * UNIT
    assert not floor.exchange.open_orders("a")
    assert floor.kinds() == [
        "OrderUpdate:CANCELED", "OrderUpdate:NEW", "AccountUpdate", "OrderUpdate:CALCULATED", "Liquidated",
        "AccountUpdate",
    ]  # fmt: skip
    (order,) = floor.exchange.force_orders("a")
    assert (order.price, order.status) == (900 * UNIT, OrderStatus.FILLED)
    assert order.client_id.startswith("autoclose-")
    assert floor.exchange.insurance_fund == 0


def test_what_the_book_pays_above_the_bankruptcy_price_bears_the_liquidation_fee() -> None:
    floor = FuturesFloor()
    _isolated_long(floor)
    wallet = floor.wallet("a")
    floor.book({920: 40, 903: 60, 850: 500}, {})
    floor.events.clear()
    floor.mark(903)
    left = (920 * 40 + 903 * 60 - 90_000) * UNIT // 100
    fee = (920 * 40 + 903 * 60) * UNIT // 100 * 12_500 // PPM
    assert fee > left
    assert floor.exchange.insurance_fund == left
    assert wallet - floor.wallet("a") == 100 * UNIT
    rows = floor.exchange.income("a", type=IncomeType.INSURANCE_CLEAR)
    assert [row.amount for row in rows] == [-left]
    fills = [event.fill for event in floor.told(OrderUpdate) if event.fill]
    assert [fill.price // UNIT for fill in fills] == [920, 903]
    assert all(fill.commission == 0 for fill in fills)


def test_a_rich_cross_account_keeps_what_is_left_after_the_fee() -> None:
    floor = FuturesFloor(wallet=40)
    floor.mark(1_000)
    floor.leverage("a", 50)
    floor.open("a", "SELL", 1_000, 100)
    wallet = floor.wallet("a")
    floor.book({}, {1_010: 500})
    floor.mark(1_036)
    fee = 1_010 * UNIT * 12_500 // PPM
    assert floor.held("a") == 0
    assert floor.wallet("a") == wallet - 10 * UNIT - fee
    assert floor.exchange.insurance_fund == fee


def test_the_liquidation_fee_leaves_no_debt() -> None:
    floor = FuturesFloor(wallet=40)
    floor.mark(1_000)
    floor.leverage("a", 50)
    floor.open("a", "SELL", 1_000, 100)
    floor.book({}, {1_035: 500})
    left = floor.wallet("a") - 35 * UNIT
    floor.mark(1_036)
    assert floor.wallet("a") == 0
    assert floor.exchange.insurance_fund == left


def test_a_margin_balance_equal_to_the_maintenance_margin_is_too_little() -> None:
    for margin_e3, falls in ((99_616, True), (99_617, False)):
        floor = FuturesFloor()
        floor.mark(1_000)
        floor.isolate("a", 20)
        floor.open("a", "BUY", 1_000, 100)
        floor.exchange.adjust_margin("a", SYMBOL, (margin_e3 - 50_000) * UNIT // 1_000, floor.tick())
        floor.mark(904)  # maintenance 3.616, balance margin - 96
        assert (floor.held("a") == 0) == falls


def test_isolated_positions_fall_alone() -> None:
    floor = FuturesFloor()
    floor.mark(1_000)
    floor.isolate("a", 10)
    floor.hedge("a")
    floor.open("a", "BUY", 1_000, 100, position_side=PositionSide.LONG)
    floor.open("a", "SELL", 1_000, 50, position_side=PositionSide.SHORT)
    floor.mark(900)
    assert floor.held("a", "LONG") == 0
    assert floor.held("a", "SHORT") == -50


def test_a_margin_call_comes_once_before_the_end_and_again_after_a_recovery() -> None:
    floor = FuturesFloor()
    _isolated_long(floor)
    for mark, calls in ((910, 0), (904.4, 1), (904.3, 0), (950, 0), (904.4, 1)):
        floor.mark(mark)
        assert len(floor.told(MarginCall)) == calls
        floor.events.clear()
    assert floor.held("a") == 100


def test_funding_can_be_the_last_straw() -> None:
    floor = FuturesFloor()
    _isolated_long(floor)
    floor.mark(905)
    floor.fund(UNIT // 500, 905)
    assert floor.held("a") == 0
