"""Which fills are known decides what a grid wants, not the order in which they are told."""

from dataclasses import replace
from decimal import Decimal
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.grids import GridPlan
from domain.money import exact
from domain.orders import Fill, Side, Slot
from fakes.grid_examples import BTC, btc_rules, plan
from grid.state import GridState

RULES = btc_rules()


def story(grid_plan: GridPlan, seed: int, length: int) -> list[tuple[Slot, Fill]]:
    """Fills as a venue would give them: of orders that were wanted, whole or in parts, in the order of trade ids."""
    random, state, told = Random(seed), GridState(1, grid_plan, RULES), []
    for trade_id in range(1, length + 1):
        wants = state.wanted()
        if not wants:
            break
        want = random.choice(wants)
        lots = RULES.lots(want.quantity)
        part = RULES.quantity(random.choice([lots, lots, random.randint(1, lots)]))
        told.append((want.slot, fill_of(want.slot, trade_id, part, want.price or Decimal(60_000))))
        state.apply(*told[-1])
    return told


@exact
def fill_of(slot: Slot, trade_id: int, quantity: Decimal, price: Decimal) -> Fill:
    fee = (quantity / 1000).quantize(Decimal("0.00000001")) if slot.side is Side.BUY else Decimal(0)
    return Fill(
        instrument=BTC,
        trade_id=trade_id,
        client_id=f"order-{trade_id}",
        venue_order_id=trade_id,
        side=slot.side,
        price=price,
        quantity=quantity,
        quote_quantity=price * quantity,
        commission=fee,
        commission_asset="BTC",
        is_maker=True,
        time_ms=trade_id,
    )


def outcome(grid_plan: GridPlan, fills: list[tuple[Slot, Fill]]) -> tuple[object, ...]:
    state = GridState(1, grid_plan, RULES)
    for slot, fill in fills:
        state.apply(slot, fill)
    wants = [replace(want, reason="") for want in state.wanted()]
    return wants, state.base_held, state.cycles, state.is_entering


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**9),
    levels=st.integers(2, 8),
    length=st.integers(1, 60),
    start_empty=st.booleans(),
    resting=st.sampled_from([None, None, 1, 2]),
)
def test_fills_commute(seed: int, levels: int, length: int, start_empty: bool, resting: int | None):
    grid_plan = plan(levels=levels, start_empty=start_empty, resting_levels=resting)
    fills = story(grid_plan, seed, length)
    shuffled = list(fills)
    Random(seed + 1).shuffle(shuffled)
    assert outcome(grid_plan, shuffled) == outcome(grid_plan, fills)
