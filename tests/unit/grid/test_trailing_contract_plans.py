"""A contract's ladder that follows the price one way: what preflight passes trades in every window and never ends."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.errors import InvalidRequest
from domain.futures import MarginType
from domain.grids import ContractTerms, Direction, GridPlan, MoveKind, Spacing
from fakes.contract_grid import BTC_SPEC, ContractGrid, contract_facts, futures_facts, futures_request
from grid.core.planning import plan_grid
from grid.trailing import target

START = Decimal(60_000)
BASIS = Decimal("0.0005")


def planned(direction: Direction, terms: ContractTerms, **changes: object) -> GridPlan:
    facts = contract_facts(BTC_SPEC, terms=terms, funding_rate=Decimal(0), liquidation_buffer=Decimal("0.05"))
    shape = {"capital": Decimal(9_000), "spacing": Spacing.ARITHMETIC}
    asked = futures_request(BTC_SPEC, direction=direction, **(shape | changes))
    return plan_grid(asked, futures_facts(facts, free_quote=None))


@st.composite
def plans(draw: st.DrawFn) -> GridPlan:
    way = draw(st.sampled_from(["trail_up_to", "trail_down_to"]))
    width, far = Decimal(draw(st.integers(1, 120))) / 1_000, 1 + Decimal(draw(st.integers(3, 250))) / 1_000
    upper = START * (1 + width)
    limit = upper * far if way == "trail_up_to" else START * (1 - width) / far
    try:
        return planned(
            draw(st.sampled_from([Direction.LONG, Direction.SHORT])),
            ContractTerms(
                leverage=draw(st.integers(1, 6)),
                margin_type=draw(st.sampled_from(MarginType)),
                hedge_mode=draw(st.booleans()),
            ),
            levels=draw(st.integers(2, 14)),
            lower=(START * (1 - width)).quantize(Decimal("0.1")),
            upper=upper.quantize(Decimal("0.1")),
            spacing=draw(st.sampled_from(Spacing)),
            **{way: limit.quantize(Decimal("0.1"))},
        )
    except InvalidRequest:
        assume(False)
        raise


class Walk:
    """The price goes from rung to rung, the mark price beside it, the ladder follows; it leaves no window behind it."""

    def __init__(self, plan: GridPlan) -> None:
        self.plan = plan
        self.grid = ContractGrid(plan, BTC_SPEC, mark=START)
        self.grid.enter(plan.entry_limit_price)
        self.last, self.moves = plan.start_price, 0

    def go(self, price: Decimal, beside: int) -> None:
        window = self.grid.state.ladder.prices
        low, high = self.grid.rules.price(window[0]), self.grid.rules.price(window[-1])
        price = min(price, high) if self.plan.request.trail_up_to is None else max(price, low)
        rungs = [rung for rung in self.plan.master if min(self.last, price) < rung < max(self.last, price)]
        for stop in (*sorted(rungs, reverse=price < self.last), price):
            self._stand(stop, beside)
        self.last = price

    def _stand(self, price: Decimal, beside: int) -> None:
        grid, state = self.grid, self.grid.state
        grid.print(price)
        grid.mark((price * (1 + beside * BASIS)).quantize(Decimal("0.00000001")))
        grid.rest()
        first = target(state, self.plan.request, price, grid.rules.tick)
        if first is not None:
            held = grid.position
            state.move(state.next_move(MoveKind.TRAIL, {"first": first, "price": str(price)}, 0))
            grid.rest()
            assert grid.position == held
            self.moves += 1
        assert grid.position == state.base_held
        assert grid.resting == len(state.wanted())


def test_what_preflight_passes_is_neither_refused_nor_liquidated_in_any_window():
    moved = []

    @settings(max_examples=30, deadline=None, derandomize=True)
    @given(
        made=plans(), path=st.lists(st.tuples(st.integers(0, 100), st.integers(-1, 1)), max_size=8), low=st.booleans()
    )
    def hold(made: GridPlan, path: list[tuple[int, int]], low: bool) -> None:
        with localcontext() as context:
            context.prec = 60
            walk, span = Walk(made), made.master[-1] - made.master[0]
            for place, beside in [*path, *[(0, -1), (100, 1)][:: 1 if low else -1]]:
                walk.go((made.master[0] + span * place / 100).quantize(Decimal("0.1")), beside)
            assert walk.grid.liquidations == []
            moved.append(walk.moves)

    hold()
    assert sum(moved) > 30


def test_an_end_that_lies_on_the_way_is_refused_with_its_window():
    isolated = ContractTerms(leverage=4, margin_type=MarginType.ISOLATED, hedge_mode=False)
    planned(Direction.LONG, isolated)
    with pytest.raises(InvalidRequest) as refused:
        planned(Direction.LONG, isolated, trail_down_to=Decimal(45_000))
    (mistake,) = refused.value.mistakes
    assert mistake.field == "leverage"
    assert "the window 45000 - 51000" in mistake.message
    assert "follow the price less far" in mistake.message
    with pytest.raises(InvalidRequest) as both:
        planned(Direction.NEUTRAL, isolated, trail_up_to=Decimal(70_000))
    assert [one.field for one in both.value.mistakes] == ["trail_up_to"]


def test_the_worst_window_decides_and_is_told():
    cross = ContractTerms(leverage=2, margin_type=MarginType.CROSS, hedge_mode=False)
    still, made = planned(Direction.LONG, cross), planned(Direction.LONG, cross, trail_down_to=Decimal(48_000))
    assert made.quantity_per_rung < still.quantity_per_rung
    assert any("in the window 48000 - 54000, the start" in told for told in made.warnings)
    assert any("bought higher is sold in lower windows, at a loss" in told for told in made.warnings)
    stop = planned(Direction.LONG, cross, trail_down_to=Decimal(48_000), stop_below=Decimal(47_000))
    assert stop.request.stop_below == 47_000
    with pytest.raises(InvalidRequest, match="lowest rung"):
        planned(Direction.LONG, cross, trail_down_to=Decimal(48_000), stop_below=Decimal(50_000))
