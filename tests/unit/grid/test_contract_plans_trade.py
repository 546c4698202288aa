"""What preflight passes on a contract, the exchange accepts wherever the price goes, and does not liquidate."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, localcontext

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.errors import InvalidRequest
from domain.futures import MarginType
from domain.grids import ContractTerms, Direction, GridPlan, Profit, Spacing
from domain.instrument import FeeRates, InstrumentRules
from fakes.contract_grid import (
    DEEP,
    ContractGrid,
    amount,
    contract_facts,
    contract_rules,
    futures_facts,
    futures_request,
)
from grid.core.contract import ContractFacts
from grid.core.planning import plan_grid
from simulator.um.core.catalogue import CONTRACTS
from simulator.um.core.contracts import ContractSpec

PRICES = {"BTCUSDT": 60_000, "ETHUSDT": 3_000, "SOLUSDT": 150, "BNBUSDT": 600, "DOGEUSDT": Decimal("0.2")}
PERMILLE = 1_000
ALL = 10_000  # settlements: as many as the horizon has

Step = tuple[int, int, int, int | None]
"""A place in the range, where the mark price stands beside it, settlements of funding, lots of a first partial fill."""

places = st.integers(0, PERMILLE) | st.sampled_from([0, PERMILLE])


@dataclass(frozen=True)
class Planned:
    plan: GridPlan
    spec: ContractSpec
    fees: FeeRates
    contract: ContractFacts


def on_tick(rules: InstrumentRules, price: Decimal) -> Decimal:
    return rules.price(rules.nearest_ticks(price))


@st.composite
def plans(draw: st.DrawFn) -> Planned:
    """Draw a request, and facts, that preflight passes."""
    spec = CONTRACTS[draw(st.sampled_from(sorted(PRICES)))]
    rules = contract_rules(spec)
    price = on_tick(rules, Decimal(PRICES[spec.symbol]) * draw(st.integers(500, 2_000)) / PERMILLE)
    direction = draw(st.sampled_from(Direction))
    beside = Decimal(draw(st.integers(-99, 99))) / 9_973
    contract = contract_facts(
        spec,
        terms=ContractTerms(
            leverage=draw(st.integers(1, 8) | st.sampled_from([10, 20, 50, 75])),
            margin_type=draw(st.sampled_from(MarginType)),
            hedge_mode=draw(st.booleans()),
        ),
        max_leverage=125,
        mark_price=on_unit(price * (1 + beside)),
        funding_rate=Decimal(draw(st.integers(-20, 20))) / 10_000,
        funding_interval_h=draw(st.sampled_from([1, 4, 8])),
        liquidation_buffer=Decimal(draw(st.sampled_from([0, 5, 15]))) / 100,
        horizon_days=draw(st.sampled_from([1, 7, 30])),
    )
    low, high = draw(st.integers(2, 400)), draw(st.integers(2, 400))
    fees = FeeRates(Decimal(draw(st.integers(0, 50))) / 10**5, Decimal(draw(st.integers(0, 60))) / 10**5)
    asked = futures_request(
        spec,
        levels=draw(st.integers(2, 24)),
        lower=price * (PERMILLE - low) / PERMILLE,
        upper=price * (PERMILLE + high) / PERMILLE,
        capital=Decimal(draw(st.integers(1, 999))) * 10 ** draw(st.integers(1, 4)),
        spacing=draw(st.sampled_from(Spacing)),
        direction=direction,
        start_empty=direction is not Direction.NEUTRAL and draw(st.booleans()),
        resting_levels=draw(st.sampled_from([None, None, None, 1, 3])),
        quantity_growth_percent=draw(st.none() | st.sampled_from([Decimal("0.7"), Decimal(5), Decimal("33.3333")])),
        profit=draw(st.sampled_from([Profit.RELEASE, Profit.REINVEST])),
    )
    checked = futures_facts(contract, spec, price=price, fees=fees, free_quote=None)
    try:
        return Planned(plan_grid(asked, checked), spec, fees, contract)
    except InvalidRequest:
        assume(False)
        raise


def within(plan: GridPlan, rules: InstrumentRules, permille: int) -> Decimal:
    """Return a price inside the range, on its tick."""
    low, high = plan.prices[0], plan.prices[-1]
    return on_tick(rules, low + (high - low) * permille / PERMILLE)


steps = st.lists(
    st.tuples(places, st.integers(-1, 1), st.sampled_from([0, 0, 0, 0, 1, 30, ALL]), st.none() | st.integers(1, 400)),
    max_size=30,
)


class Walk:
    """The price goes through the range, the mark price beside it; funding is always paid, never got."""

    def __init__(self, made: Planned, entry: int) -> None:
        self.made, self.plan, self.rules = made, made.plan, contract_rules(made.spec)
        self.grid = ContractGrid(made.plan, made.spec, made.fees, mark=on_unit(made.contract.mark_price))
        worse = self.plan.entry_limit_price - self.plan.start_price
        self.grid.enter(on_tick(self.rules, self.plan.start_price + worse * entry / 2))
        self.left = self.plan.horizon_days * 24 // made.contract.funding_interval_h
        self.last = self.plan.start_price

    def go(self, step: Step) -> None:
        place, beside, settled, lots = step
        price = within(self.plan, self.rules, place)
        between = [rung for rung in self.plan.prices if min(self.last, price) < rung < max(self.last, price)]
        if lots is not None and between:  # a part of the first rung on the way, then all of them
            self._stand(between[0 if price > self.last else -1], beside, lots * self.made.spec.lot)
        on_way, most = sorted(between, reverse=price < self.last), self.plan.request.resting_levels
        for rung in on_way[::most] if most else ():  # what does not rest yet is not reached at once
            self._stand(rung, beside)
        self._stand(price, beside)
        self._fund(min(self.left, settled), beside_of(price, beside))
        self.last = price

    def _stand(self, price: Decimal, beside: int, quantity: int = DEEP) -> None:
        """Print a trade, let the mark price follow, and rest what is then wanted."""
        self.grid.print(price, quantity)
        self.grid.mark(beside_of(price, beside))
        self.grid.rest()
        assert self.grid.position == self.grid.state.base_held
        assert self.grid.resting == len(self.grid.state.wanted())

    def _fund(self, count: int, mark: Decimal) -> None:
        if count and self.grid.position:
            rate = abs(self.made.contract.funding_rate) * count
            self.grid.fund(rate if self.grid.position > 0 else -rate, mark)
            self.left -= count

    def check_end(self) -> None:
        """The exchange liquidates no earlier than the plan said, whatever happened on the way."""
        for view in self.grid.views:
            end = amount(view.liquidation_price)
            if view.quantity > 0:
                assert end <= (self.plan.liquidation_below or 0)
            else:
                assert self.plan.liquidation_above is not None
                assert end >= self.plan.liquidation_above


def beside_of(price: Decimal, permille: int) -> Decimal:
    return on_unit(price * (1 + Decimal(permille) / PERMILLE))


def on_unit(price: Decimal) -> Decimal:
    return price.quantize(Decimal("0.00000001"), ROUND_FLOOR)


def check_passed_plan(made: Planned, entry: int, path: list[Step], low_first: bool) -> None:
    """Walk inside the range and at last to both of its ends; every refusal of the exchange is raised."""
    walk = Walk(made, entry)
    for step in path:
        walk.go(step)
    ends: list[Step] = [(0, -1, ALL, None), (PERMILLE, 1, ALL, None)]
    for end in ends if low_first else reversed(ends):
        walk.go(end)
        walk.check_end()
    assert walk.grid.liquidations == []


@settings(max_examples=120, deadline=None)
@given(made=plans(), entry=st.integers(0, 2), path=steps, low_first=st.booleans())
def test_what_preflight_passes_is_neither_refused_nor_liquidated_inside_the_range(
    made: Planned, entry: int, path: list[Step], low_first: bool
):
    with localcontext() as context:
        context.prec = 60
        check_passed_plan(made, entry, path, low_first)
