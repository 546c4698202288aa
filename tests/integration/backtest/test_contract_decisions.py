"""Neutral, long and short grids on contracts: the compiled replay against the live grid on the USD-M core."""

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtest.candles import Candles
from backtest.contract_market import ContractMarket
from backtest.price_path import PricePath
from backtest.result import RanBy, Result
from backtest.run import run_on
from backtest.scenario import Fees, FillAssumption, FillKind, PathRule, Scenario
from domain.futures import MarginType
from domain.grids import Direction
from domain.money import exact, from_units
from fakes.contract_replay import (
    MINUTE_MS,
    ContractLived,
    brackets_for_grid,
    contract_plan,
    contract_spec,
    funding_every,
    live_through_contract,
    rules_of_contract,
    wild_candles,
)
from simulator.core.symbols import UNIT
from simulator.um.core.contracts import ContractSpec

STEPS = ((UNIT // 10, UNIT // 1_000), (UNIT // 100, UNIT // 100), (UNIT // 100_000, UNIT))  # like BTC, ETH, DOGE


def scenario_of(seed: int, direction: Direction, **changes: object) -> tuple[Candles, Scenario, ContractSpec]:
    """Return a seeded market and grid."""
    random = Random(seed)
    spec = contract_spec(*random.choice(STEPS))
    start = random.randint(2_000, 60_000) * spec.tick
    spacing_ppm = random.choice([4_000, 10_000, 25_000])
    step = max(start * spacing_ppm // 10**6 // spec.tick, 1) * spec.tick
    interval_ms = random.choice([MINUTE_MS, 60 * MINUTE_MS])
    candles = wild_candles(random, start, spec.tick, step, random.randint(5, 60), interval_ms=interval_ms)
    each = max(1, 100 * UNIT * UNIT // (start * spec.lot))  # lots worth 100 USDT
    plan = contract_plan(
        spec,
        start,
        direction,
        levels=random.randint(2, 12),
        spacing_ppm=spacing_ppm,
        lots=each,
        leverage=random.choice([2, 5]),
        margin_type=random.choice(list(MarginType)),
        empty=random.random() < 0.2,
    )
    by = random.choice([0, 0, 0, -step, step])
    opened = candles.open.copy()
    opened[0] += by
    high, low = candles.high.copy(), candles.low.copy()
    high[0], low[0] = max(high[0], opened[0]), min(low[0], opened[0])
    candles = replace(candles, open=opened, high=high, low=low)
    fill = FillAssumption(random.choice(list(FillKind)), 300_000)
    limit = random.choice([None, Decimal(100 * len(plan.prices)), Decimal(350)])
    scenario = Scenario(
        plan=plan,
        rules=rules_of_contract(spec),
        balances={"USDT": Decimal(20_000)},
        fees=Fees(random.choice([0, 200, 180]), random.choice([0, 500])),
        fill=fill,
        max_exposure=None if direction is Direction.NEUTRAL and fill.kind is FillKind.SHARE else limit,
        path=random.choice(list(PathRule)),
        contract=ContractMarket(
            brackets=brackets_for_grid(spec),
            funding=funding_every(candles, random.randint(2, 9), random, known=random.random() < 0.5),
        ),
    )
    return candles, replace(scenario, **changes), spec  # type: ignore[arg-type]


@exact
def assert_same(result: Result, lived: ContractLived, scenario: Scenario, last: Decimal) -> None:
    assert lived.refused == []
    assert list(map(tuple, result.fills.rows.tolist())) == lived.rows
    books, contract = result.books, result.contract
    assert contract is not None
    assert contract.liquidated_ms == lived.liquidated_ms
    assert contract.position == from_units(lived.position.quantity)
    wallet = from_units(lived.account.wallet_balance)
    assert wallet == scenario.balances["USDT"] + books.realized_profit - books.fees + books.funding
    assert result.end_equity == wallet + from_units(lived.account.unrealized)
    assert books.residual == 0
    if lived.liquidated_ms is not None:
        return
    hold = scenario.plan.entry_position * (last - scenario.plan.start_price)
    assert books == replace(
        lived.books,
        cycles=lived.shown.cycles,
        dust=lived.shown.dust,
        hold_change=hold,
        versus_hold=books.equity_change - hold,
    )
    assert_liquidation_price(result, lived)


@exact
def assert_liquidation_price(result: Result, lived: ContractLived) -> None:
    """On the tick where the venue's own price lies at it or between it and the next."""
    assert result.contract is not None
    ours, venues = result.contract.liquidation_price, from_units(lived.position.liquidation_price)
    if ours is None:
        assert venues < result.scenario.rules.tick
        return
    beyond = venues - ours if lived.position.quantity > 0 else ours - venues
    assert 0 <= beyond < result.scenario.rules.tick + Decimal("0.00000001")


def assert_alike(plain: Result, compiled: Result) -> None:
    assert (plain.ran_by, compiled.ran_by) == (RanBy.PLAIN, RanBy.COMPILED)
    assert plain.trades_hash == compiled.trades_hash
    assert plain.curve is not None
    assert compiled.curve is not None
    assert plain.curve.change.tolist() == compiled.curve.change.tolist()
    for name in ("books", "drawdown", "contract", "candles_in_range", "faulted_slots", "is_entered"):
        assert getattr(plain, name) == getattr(compiled, name)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("direction", Direction)
def test_the_replay_of_a_contract_does_what_the_live_grid_does(direction: Direction):
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(seed=st.integers(0, 10**9))
    def hold(seed: int) -> None:
        candles, scenario, spec = scenario_of(seed, direction)
        path = PricePath.of(candles, scenario)
        compiled = run_on(path, scenario, curve=True)
        lived = live_through_contract(candles, scenario, spec)
        assert_same(compiled, lived, scenario, from_units(int(candles.close[-1])))
        assert_alike(run_on(path, scenario, curve=True, form=RanBy.PLAIN), compiled)

    hold()
