"""A grid's books count in the tick and lot of its start."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.grids import GridPlan, Reinvesting
from domain.orders import Status
from fakes.grid_examples import btc_rules, plan
from fakes.order_examples import BUY_SLOT, fill, intent
from grid.core.ladder_numbers import ladder_numbers
from grid.units import counted_in
from ports.store import OrderRow

PLAN = plan()
OLDER = replace(PLAN, rules=None)
"""As books hold it that are older than the rules of a plan."""
ROW = OrderRow(intent=intent(BUY_SLOT), status=Status.OPEN, venue_order_id=1, updated_ms=0)
steps = st.sampled_from(["1", "0.5", "0.1", "0.01", "0.001", "0.0005", "0.00001", "0.00000001"]).map(Decimal)


@pytest.mark.parametrize("its_plan", [PLAN, OLDER])
@given(tick=steps, lot=steps)
def test_whatever_the_venue_asks_for_the_slots_stay_and_the_ladder_stands(
    its_plan: GridPlan, tick: Decimal, lot: Decimal
) -> None:
    rules = counted_in(btc_rules(tick=tick, lot=lot), [its_plan], [ROW], [])
    assert rules.tick == Decimal("0.01")
    numbers = ladder_numbers(PLAN, rules)
    assert [rules.price(ticks) for ticks in numbers.prices] == list(PLAN.prices)
    assert rules.quantity(numbers.lots[0]) == PLAN.quantity_per_rung


@given(tick=steps, lot=steps)
def test_an_older_plan_without_orders_is_counted_in_the_venues_steps_that_fit(tick: Decimal, lot: Decimal) -> None:
    rules = counted_in(btc_rules(tick=tick, lot=lot), [OLDER], [], [])
    fits = not any(price % tick for price in (*PLAN.prices, PLAN.entry_limit_price))
    assert (rules.tick == tick) is fits or rules.tick <= Decimal("0.01")
    ladder_numbers(PLAN, rules)


def test_a_part_traded_in_finer_lots_is_still_whole() -> None:
    part = fill(intent(), 1, Decimal("0.0000123"))
    assert counted_in(btc_rules(), [PLAN], [ROW], [part]).lots(part.quantity) == 123


def test_rules_that_did_not_change_are_the_venues_own() -> None:
    assert counted_in(btc_rules(), [PLAN], [ROW], []) == btc_rules()


def test_an_order_that_was_placed_beside_its_rung_changes_no_tick() -> None:
    """As where the venue's tick had grown, or where rungs never take."""
    beside = replace(intent(BUY_SLOT), price=(intent(BUY_SLOT).price or Decimal(1)) - Decimal("0.03"))
    rules = counted_in(btc_rules(tick=Decimal("0.05")), [PLAN], [replace(ROW, intent=beside)], [])
    assert rules.tick == Decimal("0.01")


@given(lot=steps, least=st.integers(0, 30))
def test_what_was_done_stays_done_whatever_the_venue_asks_for_now(lot: Decimal, least: int) -> None:
    rules = counted_in(btc_rules(lot=lot, min_notional=Decimal(least)), [PLAN], [ROW], [])
    assert (rules.lot, rules.min_notional) == (btc_rules().lot, max(btc_rules().min_notional, Decimal(least)))


def test_the_most_that_a_reinvesting_cell_may_hold_is_whole_too() -> None:
    growing = replace(PLAN, reinvesting=Reinvesting(fee_ppm=1_000, most=(Decimal("0.00000123"),)))
    assert counted_in(btc_rules(), [growing], [ROW], []).lot == Decimal("0.00000001")
