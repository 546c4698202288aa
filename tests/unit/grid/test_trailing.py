"""A grid whose ladder follows the price, at work on the matching core: what moves it, what rests, what it holds."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.host import InProcessHost, Latency
from chaos.translate import rules_of
from domain.errors import InvalidRequest
from domain.events import RulesChanged
from domain.grids import GridPlan, OnStop, PauseKeep, Spacing
from domain.money import exact, to_units
from domain.orders import Fill, Side
from fakes.grid_examples import gate, plan
from fakes.store import InMemoryStore
from grid.contract_end import NO_ENTRIES_MS
from grid.core.following import MOST_RUNGS
from grid.pauses import PauseRequested, ResumeRequested
from grid.state import GridState
from grid.worker_events import StopRequested
from orders.client_ids import ClientId
from simulator.core.events import MarketTrade
from simulator.core.symbols import UNIT, SymbolSpec
from simulator.market.feed import BookUpdate, FeedStep

SPEC = SymbolSpec(
    symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    tick=UNIT // 100,
    lot=1_000,
    min_qty=1_000,
    min_notional=5 * UNIT,
    max_orders=200,
)
NO_LIMIT = Decimal(10**12)


def planned(**changes: object) -> GridPlan:
    shape = {"levels": 5, "spacing_percent": Decimal(1), "spacing": Spacing.ARITHMETIC, "capital": Decimal(1_000)}
    return plan({"rules": rules_of(SPEC)}, **(shape | changes))


class Lived:
    """One grid on the in-process host; `print` lets the market trade at a price, enough to fill what it reaches."""

    def __init__(self, grid_plan: GridPlan, *, seed: int = 0, latency: Latency | None = None) -> None:
        self.host = InProcessHost(
            spec=SPEC,
            balances={"USDT": Decimal(50_000)},
            store=InMemoryStore(),
            gate=gate(max_order_notional=NO_LIMIT, max_exposure=NO_LIMIT, max_orders_per_10s=10**9),
            start_ms=1_700_000_000_000,
            seed=seed,
            latency=latency or Latency(0.0, 0.0),
        )
        self.now_ms = 1_700_000_000_000
        self.print(grid_plan.start_price, offer=10**15)
        self.row = self.host.start(grid_plan)
        self.host.settle()
        self.print(grid_plan.start_price)
        self.held = self.host.snapshot().books.base_held

    def print(self, price: Decimal, quantity: int = 10**15, offer: int = 0) -> None:
        self.now_ms += 1_000
        ticks = to_units(price)
        trade = MarketTrade("BTCUSDT", ticks, quantity, self.now_ms, buyer_is_maker=False)
        book = BookUpdate("BTCUSDT", (), ((ticks, offer),) if offer else ())
        self.host.play([FeedStep(self.now_ms, (trade,), book)])

    @property
    def resting(self) -> list[tuple[Side, Decimal]]:
        return sorted((order.side, order.price) for order in self.host.snapshot().open_orders)

    def shifted(self) -> int:
        trail = self.host.snapshot().trail
        assert trail is not None
        return trail.shifted


def test_it_goes_up_when_everything_is_sold_and_the_price_is_a_whole_rung_beyond():
    lived = Lived(planned(trail_up_to=Decimal(63000)))
    assert [str(price) for price in planned(trail_up_to=Decimal(63000)).prices] == [
        "58800.00",
        "59400.00",
        "60000.00",
        "60600.00",
        "61200.00",
    ]
    lived.print(Decimal("61799.99"))
    assert lived.shifted() == 0
    lived.print(Decimal(61800))
    shown = lived.host.snapshot()
    assert lived.resting == [(Side.BUY, Decimal(price)) for price in ("59400", "60000", "60600", "61200")]
    assert (shown.trail.shifted, shown.trail.low, shown.trail.high) == (1, Decimal(59400), Decimal(61800))
    assert shown.rungs[-1] == shown.trail.high
    assert "61800" in shown.trail.reason
    lived.print(Decimal(70000))
    assert (lived.shifted(), lived.host.snapshot().trail.goes_up_at) == (3, None)
    assert len(lived.host.store.moves(1)) == 2


def test_it_moves_no_more_once_nothing_is_to_be_opened_before_the_end_of_its_contract():
    lived = Lived(planned(trail_up_to=Decimal(63000)))
    now_ms, rules = lived.host.snapshot().updated_ms, rules_of(SPEC)
    lived.host.tell(RulesChanged(rules.instrument, replace(rules, settles_ms=now_ms + NO_ENTRIES_MS)))
    lived.print(Decimal(61_900))
    shown = lived.host.snapshot()
    assert (shown.trail.shifted, shown.trail.goes_up_at) == (0, None)


def test_what_the_highest_window_takes_beyond_this_one_is_told_as_needed():
    made = planned(trail_up_to=Decimal(63_000))
    lived = Lived(made)
    assert lived.host.snapshot().unlocked == (246_000 - 238_800) * made.quantity_per_rung
    lived.print(Decimal(61_800))
    assert lived.host.snapshot().unlocked == 4 * 1_200 * made.quantity_per_rung
    lived.print(Decimal(63_000))
    assert lived.host.snapshot().unlocked == 0
    assert Lived(planned(trail_down_to=Decimal(57_000))).host.snapshot().unlocked == 0


def test_it_goes_down_with_all_it_holds_and_offers_it_below_its_cost():
    lived = Lived(planned(trail_down_to=Decimal(56_000)))
    lived.print(Decimal(58_200) + Decimal("0.01"))
    held = lived.host.snapshot().books.base_held
    assert (lived.shifted(), lived.host.snapshot().trail.goes_down_at) == (0, Decimal(58_200))
    lived.print(Decimal(57_600))
    assert lived.shifted() == -2
    assert lived.resting == [(Side.SELL, Decimal(price)) for price in (58_200, 58_800, 59_400, 60_000)]
    assert lived.host.snapshot().books.base_held == held
    lived.print(Decimal(58_200))
    assert (Side.BUY, Decimal(57_600)) in lived.resting
    lived.print(Decimal(55_000))
    assert (lived.shifted(), len(lived.host.store.moves(1))) == (-4, 2)
    assert lived.host.snapshot().books.residual == 0


def test_only_a_price_of_the_side_that_was_asked_for_moves_it():
    up, down = Lived(planned(trail_up_to=Decimal(70_000))), Lived(planned(trail_down_to=Decimal(50_000)))
    up.print(Decimal(40_000))
    down.print(Decimal(80_000))
    assert (up.shifted(), down.shifted()) == (0, 0)
    assert up.host.store.moves(1) == down.host.store.moves(1) == ()


def test_a_paused_or_ending_grid_stays_and_goes_on_from_the_price_when_it_is_resumed():
    lived = Lived(planned(trail_up_to=Decimal(70_000)))
    lived.host.tell(PauseRequested(PauseKeep.EXITS))
    lived.print(Decimal(63_000))
    assert (lived.shifted(), lived.resting) == (0, [])
    lived.host.tell(ResumeRequested())
    lived.host.settle()
    assert (lived.shifted(), len(lived.resting)) == (3, 4)
    lived.host.tell(StopRequested(OnStop.CANCEL))
    lived.print(Decimal(66_000))
    assert (lived.shifted(), lived.resting) == (3, [])


@exact
def held_by(lived: Lived) -> Decimal:
    fills = lived.host.store.fills(1)
    return sum((fill.quantity if fill.side is Side.BUY else -fill.quantity) - fee_of(fill) for fill in fills)


def fee_of(fill: Fill) -> Decimal:
    return fill.commission if fill.commission_asset == "BTC" else Decimal(0)


def test_over_any_path_nothing_is_lost_and_no_slot_has_two_orders():
    moved = []

    @settings(max_examples=40, deadline=None, derandomize=True)
    @given(seed=st.integers(0, 10**9), levels=st.integers(2, 7), spacing=st.sampled_from(Spacing), late=st.booleans())
    def hold(seed: int, levels: int, spacing: Spacing, late: bool) -> None:
        moved.append(moves_of_a_path(seed, levels, spacing, late=late))

    hold()
    assert sum(moved) > 100


def moves_of_a_path(seed: int, levels: int, spacing: Spacing, *, late: bool) -> int:
    random = Random(seed)
    limits = {"trail_up_to": Decimal(66_000), "trail_down_to": Decimal(54_000)}
    if random.random() < 0.3:
        limits.pop(random.choice(sorted(limits)))
    made = planned(levels=levels, spacing=spacing, capital=Decimal(3_000), **limits)
    lived = Lived(made, seed=seed, latency=Latency(1.0, 900.0) if late else None)
    price = 60_000
    for _ in range(60):
        price = max(min(price + random.choice([-2_500, -900, -300, 0, 300, 900, 2_500]), 69_000), 51_000)
        lived.print(Decimal(price), random.choice([10**15, 1_000 * random.randint(0, 900)]))
        shown, state = lived.host.snapshot(), GridState(1, made, lived.host.rules)
        assert shown.alarms == ()
        assert len({(order.side, order.price) for order in shown.open_orders}) == len(shown.open_orders) <= levels - 1
        assert (shown.books.residual, shown.books.base_held) == (0, held_by(lived))
        waiting = list(lived.host.store.moves(1))
        for fill in lived.host.store.fills(1):
            while waiting and waiting[0].after_trade < fill.trade_id:
                state.move(waiting.pop(0))
            state.apply(ClientId.parse(fill.client_id).slot, fill)
        for move in waiting:
            state.move(move)
        assert [want.price for want in state.wanted()] == [price for _, price in sorted_by_price(lived.resting)]
        assert state.base_held == shown.books.base_held
    return len(lived.host.store.moves(1))


def sorted_by_price(resting: list[tuple[Side, Decimal]]) -> list[tuple[Side, Decimal]]:
    return sorted(resting, key=lambda order: order[1])


@pytest.mark.parametrize(
    ("limits", "field", "told"),
    [
        ({"trail_up_to": "61300"}, "trail_up_to", "at least the next rung above the range; use 61800"),
        ({"trail_up_to": "61800.005"}, "trail_up_to", "multiple of the tick 0.01"),
        ({"trail_down_to": "58300"}, "trail_down_to", "use 58200 or less"),
        ({"trail_down_to": "60000"}, "trail_down_to", "use 58200 or less"),
        ({"trail_up_to": "70000", "start_empty": True}, "start_empty", "begins with all its cells"),
        ({"trail_up_to": "700000"}, "trail_up_to", f"more than {MOST_RUNGS} rungs lie on the way"),
        ({"trail_down_to": "1"}, "capital", "is too little for 5 levels"),
    ],
)
def test_what_cannot_be_followed_is_refused_by_the_name_of_its_field(limits: dict, field: str, told: str):
    changes = {name: value if isinstance(value, bool) else Decimal(value) for name, value in limits.items()}
    with pytest.raises(InvalidRequest) as refused:
        planned(**changes)
    found = {mistake.field: mistake.message for mistake in refused.value.mistakes}
    assert told in found[field]


def test_the_window_that_needs_most_decides_and_the_answer_says_so():
    made, still = planned(trail_up_to=Decimal(72_000)), planned()
    highest = made.master[-5:]
    assert made.capital_needed == sum(highest[:-1]) * made.quantity_per_rung <= 1_000
    assert made.quantity_per_rung < still.quantity_per_rung
    (warning,) = made.warnings
    assert f"{highest[0].normalize():f} - {highest[-1].normalize():f}" in warning
    both = planned(trail_up_to=Decimal(72_000), trail_down_to=Decimal(54_000))
    assert len(both.warnings) == 3
    assert "no check bounds them" in both.warnings[-1]
    assert (still.warnings, still.master) == ((), ())


@pytest.mark.parametrize("spacing", Spacing)
@pytest.mark.parametrize("bounds", [{}, {"lower": Decimal(58_000), "upper": Decimal(62_345), "spacing_percent": None}])
def test_the_ladder_goes_on_by_its_own_rule(spacing: Spacing, bounds: dict):
    made = planned(trail_up_to=Decimal(70_000), trail_down_to=Decimal(52_000), spacing=spacing, **bounds)
    steps = [
        above - below if spacing is Spacing.ARITHMETIC else above / below for below, above in pairwise(made.master)
    ]
    assert max(steps) - min(steps) <= (Decimal("0.02") if spacing is Spacing.ARITHMETIC else Decimal("0.000001"))
    first = made.master.index(made.prices[0])
    assert made.master[first : first + 5] == made.prices
    assert made.master[0] - (made.master[1] - made.master[0]) < 52_000 <= made.master[0]
    assert made.master[-1] <= 70_000 < made.master[-1] * made.master[-1] / made.master[-2]
