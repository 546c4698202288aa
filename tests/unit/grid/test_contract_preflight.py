"""Every mistake in a request for a contract is named with its field and its remedy, and the remedies work."""

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.errors import FieldMistake, InvalidRequest
from domain.futures import MarginType
from domain.grids import ContractTerms, Direction, GridPlan, Spacing
from domain.instrument import FeeRates
from domain.orders import Side
from fakes.contract_grid import (
    BTC_SPEC,
    contract_facts,
    contract_rules,
    futures_facts,
    futures_request,
    planned,
)
from fakes.grid_examples import facts as spot_facts
from fakes.grid_examples import request as spot_request
from grid.core.planning import plan_grid

PRICE = Decimal(60_000)


def terms(leverage: int = 3, margin_type: MarginType = MarginType.CROSS, *, hedge_mode: bool = False) -> ContractTerms:
    return ContractTerms(leverage=leverage, margin_type=margin_type, hedge_mode=hedge_mode)


def isolated(leverage: int) -> dict[str, Any]:
    return {"terms": terms(leverage, MarginType.ISOLATED)}


def asked(contract: dict[str, Any] | None = None, known: dict[str, Any] | None = None, /, **changes: Any) -> GridPlan:
    """Plan the usual grid; `contract` and `known` change the facts, `changes` the request."""
    return plan_grid(futures_request(**changes), futures_facts(contract_facts(**(contract or {})), **(known or {})))


def mistakes(*args: Any, **changes: Any) -> tuple[FieldMistake, ...]:
    with pytest.raises(InvalidRequest) as refused:
        asked(*args, **changes)
    return refused.value.mistakes


def rules(**changes: Any) -> dict[str, Any]:
    return {"rules": replace(contract_rules(BTC_SPEC), **changes)}


NEUTRAL = {"direction": Direction.NEUTRAL}
SHORT = {"direction": Direction.SHORT}
RICH = {"capital": Decimal(10**6)}
CASES: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], str, str]] = [
    ({"position": Decimal("-0.25")}, {}, {}, "symbol", "holds a position of -0.25 here; close it"),
    ({"foreign_orders": 2}, {}, {}, "symbol", "2 order(s) of the account rest here; cancel them"),
    ({}, rules(status="SETTLING"), {}, "symbol", "status is SETTLING"),
    ({"mark_price": Decimal(54_000)}, {}, {}, "symbol", "no buy above 56700 while the mark price is 54000; wait"),
    ({"mark_price": Decimal(66_000)}, {}, SHORT, "symbol", "no sale below 62700 while the mark price is 66000; wait"),
    ({"terms": terms(21)}, {}, {}, "leverage", "futures_risk.max_leverage; use at most 20"),
    ({"terms": terms(151), "max_leverage": 200}, {}, {}, "leverage", "largest leverage for this contract is 150"),
    ({"terms": terms(0)}, {}, {}, "leverage", "must be 1 or more"),
    (
        {"terms": terms(100), "max_leverage": 125},
        {"free_quote": None},
        RICH,
        "leverage",
        "use less capital, or at most leverage 27",
    ),
    ({"terms": terms(1)}, {"free_quote": None}, {"capital": Decimal(10**10)}, "capital", "no leverage allows that"),
    ({"largest_position": Decimal(9_000)}, {}, {}, "capital", "max_position_size_perc allows a position of 9000, not"),
    (isolated(10), {}, {}, "leverage", "use a leverage of at most 4, or"),
    (isolated(10) | {"liquidation_buffer": Decimal(0)}, {}, {"lower": Decimal(45_000)}, "leverage", "inside the range"),
    (isolated(5), {}, {}, "leverage", "too near to the range (15 % beyond it is asked for); use a leverage of at"),
    (isolated(5), {}, SHORT, "leverage", "use margin_type: cross, where the whole futures wallet"),
    (isolated(3) | {"funding_rate": Decimal("-0.02")}, {}, SHORT, "leverage", "by 30 days of funding alone"),
    ({}, {}, NEUTRAL | {"start_empty": True}, "start_empty", "a neutral grid always starts empty; leave it out"),
    (
        {},
        {},
        {"start_empty": True, "lower": PRICE, "upper": Decimal(63_000)},
        "start_empty",
        "no rung lies where this grid could begin",
    ),
    ({}, {}, SHORT | {"start_empty": True, "lower": Decimal(57_000), "upper": PRICE}, "start_empty", "move the range"),
    ({}, {}, {"capital": Decimal(100)}, "capital", "100 is too little for 11 levels; the smallest that works is"),
    ({}, {}, {"quantity": Decimal("0.003")}, "quantity_per_level", "use at least 0.004"),
    ({}, {}, {"quantity": Decimal("0.0035")}, "quantity_per_level", "multiple of the lot 0.001"),
    ({}, rules(max_quantity=Decimal("0.01")), {}, "capital", "largest order is 0.01; use less"),
    ({}, {"max_order_notional": Decimal(900)}, {}, "capital", "limit max_order_notional, 900; use less"),
    ({}, {"free_quote": Decimal(9_000)}, {}, "capital", "only 9000 are free"),
    ({}, {"free_exposure": Decimal(9_000)}, {}, "capital", "max_exposure of the risk gate leaves 9000"),
    ({}, rules(max_open_orders=9), {}, "initial_levels", "the venue allows 9 open orders here; use at most 10"),
    ({}, {}, {"levels": 1}, "initial_levels", "at least 2"),
    ({}, {}, {"upper": None}, "upper_price", "give both bounds"),
    ({}, {"max_price_distance": Decimal("0.04")}, {}, "lower_price", "over 4 % away"),
    ({}, {"fees": FeeRates(Decimal("0.006"), Decimal("0.006"))}, {}, "initial_levels", "fees of 1.2 % per cycle eat"),
]


@pytest.mark.parametrize(("contract", "known", "changes", "field", "says"), CASES)
def test_every_mistake_on_a_contract_names_its_field_and_its_remedy(
    contract: dict[str, Any], known: dict[str, Any], changes: dict[str, Any], field: str, says: str
):
    found = mistakes(contract, known, **changes)
    assert any(mistake.field == field and says in mistake.message for mistake in found), found


def test_all_mistakes_on_a_contract_are_named_at_once():
    found = mistakes(
        isolated(25) | {"position": Decimal(1), "foreign_orders": 1},
        {"free_quote": Decimal(1)},
        direction=Direction.SHORT,
    )
    assert [mistake.field for mistake in found] == ["symbol", "symbol", "leverage", "capital", "leverage"]


def test_spot_takes_none_of_a_contracts_terms():
    with pytest.raises(InvalidRequest) as refused:
        plan_grid(spot_request(direction=Direction.SHORT, leverage=2, margin_type=MarginType.CROSS), spot_facts())
    assert [mistake.field for mistake in refused.value.mistakes] == ["direction", "leverage", "margin_type"]


def test_what_is_sold_short_first_is_the_rungs_below_and_fees_take_no_base():
    long, short, neutral = (planned(direction) for direction in (Direction.LONG, Direction.SHORT, Direction.NEUTRAL))
    assert (long.entry_side, long.entry_quantity) == (Side.BUY, 5 * long.quantity_per_rung)
    assert (short.entry_side, short.entry_quantity) == (Side.SELL, 5 * short.quantity_per_rung)
    assert (neutral.entry_quantity, neutral.entry_position) == (0, 0)
    assert short.entry_limit_price == Decimal(59_700)
    assert (long.liquidation_above, short.liquidation_below) == (None, None)
    assert neutral.liquidation_below is not None
    assert neutral.liquidation_above is not None


def test_a_neutral_grid_takes_about_half_the_margin_and_in_hedge_mode_the_same_as_both_sides():
    quantity = {"quantity": Decimal("0.01")}
    long, neutral = planned(Direction.LONG, **quantity), planned(Direction.NEUTRAL, **quantity)
    hedged = planned(Direction.NEUTRAL, terms(hedge_mode=True), **quantity)
    assert Decimal("0.45") < neutral.margin_worst / long.margin_worst < Decimal("0.6")
    assert Decimal("0.9") < hedged.margin_worst / long.margin_worst < Decimal("1.1")


def test_without_leverage_a_long_grid_takes_what_spot_would_and_what_it_keeps_back():
    made = planned(Direction.LONG, terms(1), capital=Decimal(10_000))
    bought = sum(made.prices[: made.gap]) * made.quantity_per_rung + made.entry_quantity * made.entry_limit_price
    assert 1 < (made.capital_needed - made.funding_reserve) / bought < Decimal("1.02")
    assert made.capital_needed <= 10_000
    assert made.liquidation_below is None


def test_the_plan_tells_what_funding_costs_and_what_stands_behind():
    made = asked(direction=Direction.LONG)
    assert made.horizon_days == 30
    worst = made.quantity_per_rung * 10 * made.prices[1]
    assert made.funding_reserve == pytest.approx(worst * Decimal("0.0001") * 90, rel=Decimal("0.002"))
    told = "\n".join(made.warnings)
    assert "cross margin: the whole futures wallet stands behind the position" in told
    assert re.search(r"funding of 0.01 % each 8 h costs up to [\d.]+ a day .* [\d.]+ % of one cycle's profit", told)
    assert re.search(r"[\d.]+ of the capital is kept for funding over 30 days", told)
    assert "brings up to" in "\n".join(asked(direction=Direction.SHORT).warnings)
    assert "costs or brings" in "\n".join(asked(direction=Direction.NEUTRAL).warnings)
    near = asked({"terms": terms(10)}, direction=Direction.LONG).warnings
    assert any("behind it the position is liquidated at" in line and "% below the range" in line for line in near), near
    assert asked({"funding_rate": Decimal(0)}, direction=Direction.LONG).funding_reserve == 0


@pytest.mark.parametrize("direction", Direction)
def test_the_documentation_tells_what_is_planned(direction: Direction):
    made = planned(
        direction,
        terms(3, MarginType.ISOLATED),
        lower=Decimal(54_000),
        upper=Decimal(66_000),
        spacing=Spacing.ARITHMETIC,
        capital=Decimal(10_000),
    )
    lines = (Path(__file__).parents[3] / "docs" / "futures.md").read_text(encoding="utf-8").splitlines()
    column = 2 + ["long", "short", "neutral"].index(direction)
    table = {cells[1].strip(" `"): cells[column].strip() for line in lines if len(cells := line.split("|")) == 6}
    for name in ("capital_needed", "margin_worst", "funding_reserve", "liquidation_below", "liquidation_above"):
        value = getattr(made, name)
        assert table[name] == ("–" if value is None else f"{value.quantize(Decimal('0.01')):,}"), name
    assert table["quantity per rung"] == str(made.quantity_per_rung)
    assert table["profit per cycle"] == f"{made.profit_per_cycle:.2f}"


@settings(max_examples=40, deadline=None)
@given(
    direction=st.sampled_from(Direction),
    leverage=st.integers(2, 125),
    low=st.integers(1, 40),
    high=st.integers(1, 40),
    levels=st.integers(2, 30),
    buffer=st.sampled_from([0, 5, 15]),
    spacing=st.sampled_from(Spacing),
)
def test_the_remedies_for_a_position_that_ends_too_early_work_and_no_higher_leverage_does(
    direction: Direction, leverage: int, low: int, high: int, levels: int, buffer: int, spacing: Spacing
):
    shape: dict[str, Any] = {
        "direction": direction,
        "lower": PRICE * (100 - low) / 100,
        "upper": PRICE * (100 + high) / 100,
        "levels": levels,
        "spacing": spacing,
        "capital": Decimal(1_000_000),
    }
    known = {"free_quote": None, "fees": FeeRates(Decimal(0), Decimal(0))}

    def of(count: int, **changes: Any) -> GridPlan:
        facts = isolated(count) | {"max_leverage": 125, "liquidation_buffer": Decimal(buffer) / 100}
        return asked(facts, known, **(shape | changes))

    told = next((text for text in _refused(lambda: of(leverage)) if "liquidated" in text), "")
    assume(told)
    if named := re.search(r"leverage of at most (\d+)", told):
        works = int(named[1])
        assert _refused(lambda: of(works)) == []
        assert works + 1 == leverage or _refused(lambda: of(works + 1))
    if named := re.search(r"narrow the range to ([\d.]+) - ([\d.]+)", told):
        assert _refused(lambda: of(leverage, lower=Decimal(named[1]), upper=Decimal(named[2]))) == []


def _refused(ask: Callable[[], GridPlan]) -> list[str]:
    try:
        ask()
    except InvalidRequest as refused:
        return [mistake.message for mistake in refused.mistakes]
    return []
