"""Only the orders nearest the gap rest: which they are, what that changes in preflight, and how the window moves."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest.compiled import compiled_cells
from chaos.host import InProcessHost
from domain.errors import InvalidRequest
from domain.events import TimerFired
from domain.grids import ContractTerms, Direction, GridPlan
from domain.orders import Fill, Side, Slot
from fakes.contract_grid import contract_facts, futures_facts, futures_request
from fakes.grid_examples import btc_rules, gate, plan
from fakes.jumping_market import SPEC, START_MS, jumps
from fakes.store import InMemoryStore
from grid.core import cells
from grid.core.planning import plan_grid
from grid.state import GridState
from orders.wanted import WantedOrder
from simulator.um.core.catalogue import CONTRACTS

sides = st.lists(
    st.tuples(st.sampled_from([cells.BUYING, cells.SELLING, cells.UNUSED]), st.integers(0, 2)), min_size=1, max_size=12
)


@settings(max_examples=150, deadline=None)
@given(rows=sides, most=st.integers(0, 5))
def test_those_that_may_rest_are_the_nearest_that_want_to(rows: list[tuple[int, int]], most: int):
    side, lots = [row[0] for row in rows], [row[1] for row in rows]
    for text, make in ((cells, list), (compiled_cells, lambda row: np.array(row, dtype=np.int64))):
        lowest, highest = text.lowest_buy(make(side), make(lots), most), text.highest_sell(make(side), make(lots), most)
        buys = [k for k, row in enumerate(rows) if row[0] == cells.BUYING and row[1] > 0]
        sells = [k for k, row in enumerate(rows) if row[0] == cells.SELLING and row[1] > 0]
        assert [k for k in buys if k >= lowest] == (buys[-most:] if most else buys)
        assert [k for k in sells if k <= highest] == (sells[:most] if most else sells)


def nearest(wanted: list[WantedOrder], side: Side, most: int) -> set[Slot]:
    of_side = [want.slot for want in wanted if want.slot.side is side]
    of_side.sort(key=lambda slot: slot.price_ticks, reverse=side is Side.BUY)
    return set(of_side[:most])


class Watched(InProcessHost):
    """Notes the most orders that rested at once, and checks what rests whenever nothing is under way."""

    most = 0
    unlimited: GridPlan

    def settle(self) -> None:
        super().settle()
        if not self.store.grids():
            return
        self.tell(TimerFired())  # a slot whose cancel came too late waits for it
        super().settle()
        open_orders = self.exchange.open_orders("bot", "BTCUSDT")
        self.most = max(self.most, len(open_orders))
        state = GridState(1, self.unlimited, self.rules)
        for slot, fill in self._told():
            state.apply(slot, fill)
        if state.is_entering:
            return
        wanted, most = state.wanted(), self.store.grids()[0].plan.request.resting_levels
        assert most is not None
        expected = nearest(wanted, Side.BUY, most) | nearest(wanted, Side.SELL, most)
        assert {(slot.side.value, slot.price_ticks * SPEC.tick) for slot in expected} == {
            (order.side.value, order.price) for order in open_orders
        }

    def _told(self) -> list[tuple[Slot, Fill]]:
        by_id = {row.intent.client_id: row.intent.slot for row in self.store.orders(1)}
        return [(by_id[fill.client_id], fill) for fill in self.store.fills(1)]


@settings(max_examples=8, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), levels=st.integers(4, 30), most=st.integers(1, 6))
def test_the_window_follows_the_fills_and_what_wants_to_rest_does_once_all_is_quiet(seed: int, levels: int, most: int):
    grid = plan(levels=levels, resting_levels=most, capital=Decimal(5_000))
    host = Watched(
        spec=SPEC,
        balances={"USDT": Decimal(10_000)},
        store=InMemoryStore(),
        gate=gate(),
        start_ms=START_MS,
        seed=seed,
    )
    host.unlimited = replace(grid, request=replace(grid.request, resting_levels=None))
    path = jumps(seed, 60)
    host.play(path[:1])
    host.start(grid)
    host.play(path[1:])
    assert host.most <= 2 * most
    shown = host.snapshot()
    assert (shown.books.residual, shown.faulted_slots) == (0, ())


WIDE = {"levels": 600, "spacing_percent": Decimal("0.3"), "quantity": Decimal("0.001")}


@pytest.mark.parametrize(
    ("asked", "field", "told"),
    [
        ({}, "initial_levels", "the venue allows 200 open orders here; use at most 201 levels, or resting_levels of"),
        ({"resting_levels": 101}, "resting_levels", "the venue allows 200 open orders here; use at most 100"),
        ({"resting_levels": 0}, "resting_levels", "at least 1 order has to rest on each side"),
        ({"resting_levels": 300}, "initial_levels", "use at most 201 levels"),
    ],
)
def test_preflight_counts_what_may_rest(asked: dict[str, int], field: str, told: str):
    with pytest.raises(InvalidRequest) as refused:
        plan({"free_quote": None}, **WIDE, **asked)
    (mistake,) = [mistake for mistake in refused.value.mistakes if mistake.field == field]
    assert told in mistake.message


def test_a_ladder_of_more_rungs_than_orders_are_allowed_is_planned_whole():
    made = plan({"free_quote": None}, **WIDE, resting_levels=100)
    assert len(made.prices) == 600
    few = {"levels": 60, "spacing_percent": Decimal("0.5")}
    needed = [plan(**few, resting_levels=most).capital_needed for most in (None, 3)]
    assert needed[0] == needed[1]


def test_only_what_rests_has_to_lie_within_the_venues_band():
    narrow = {"rules": btc_rules(bid_down=Decimal("0.95"), ask_up=Decimal("1.05"))}
    asked = {"levels": 60, "spacing_percent": Decimal("0.5")}
    with pytest.raises(InvalidRequest, match="takes no buy below"):
        plan(narrow, **asked)
    assert plan(narrow, **asked, resting_levels=9).prices[0] < 57_000
    with pytest.raises(InvalidRequest, match="takes no sale above"):
        plan(narrow, **asked, resting_levels=11)
    with pytest.raises(InvalidRequest, match="takes no buy below 58000"):
        plan({"rules": btc_rules(min_price=Decimal(58_000))}, **asked, resting_levels=2)


@pytest.mark.parametrize("hedged", [False, True])
def test_on_a_contract_less_margin_is_held_for_the_same_capital(hedged: bool):
    spec = CONTRACTS["BTCUSDT"]
    terms = ContractTerms(leverage=3, margin_type=contract_facts().terms.margin_type, hedge_mode=hedged)
    asked = {"levels": 40, "lower": Decimal(50_000), "upper": Decimal(70_000), "direction": Direction.NEUTRAL}
    checked = futures_facts(contract_facts(spec, terms=terms), spec)
    whole, near = (plan_grid(futures_request(spec, **asked, resting_levels=most), checked) for most in (None, 2))
    assert (near.capital_needed, near.quantity_per_rung) == (whole.capital_needed, whole.quantity_per_rung)
    assert near.margin_worst < whole.margin_worst
