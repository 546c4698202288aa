"""Neutral, long and short grids on contracts: the compiled replay against the live grid on the USD-M core."""

import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtest.batch import run_many
from backtest.candles import Candles
from backtest.contract_market import ContractMarket, FundingHistory
from backtest.price_path import PricePath
from backtest.report.facts import json_value
from backtest.result import RanBy, Result
from backtest.run import run_on
from backtest.scenario import Fees, FillAssumption, FillKind, PathRule, Scenario
from backtest.sweep.trials import Account, Ground, Trials
from domain.futures import MarginType
from domain.grids import Direction, GridRequest, Reinvesting
from domain.money import exact, from_units
from fakes.contract_replay import (
    MINUTE_MS,
    ContractLived,
    brackets_for_grid,
    contract_plan,
    contract_spec,
    funding_every,
    live_through_contract,
    recorded_contract,
    recorded_funding,
    rules_of_contract,
    wild_candles,
)
from simulator.core.symbols import UNIT
from simulator.um.core.catalogue import CONTRACTS
from simulator.um.core.contracts import ContractSpec

DATA = os.environ.get("GRIDHIVE_TEST_DATA", "")
recorded = pytest.mark.skipif(
    not (Path(DATA) / "market" / "um" / "BTCUSDT_5m.parquet").is_file() or not DATA,
    reason="GRIDHIVE_TEST_DATA names no folder with market/um/BTCUSDT_5m.parquet; set it to replay recorded days",
)
STEPS = ((UNIT // 10, UNIT // 1_000), (UNIT // 100, UNIT // 100), (UNIT // 100_000, UNIT))  # like BTC, ETH, DOGE


def scenario_of(seed: int, direction: Direction) -> tuple[Candles, Scenario, ContractSpec]:
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
        growth_ppm=[0, 0, 150_000][seed % 3],
    )
    if seed % 2:  # steps of the price and lots are coarse here: what is set aside for a lot is made small
        most = tuple(quantity * 10 for quantity in plan.quantities)
        plan = replace(plan, reinvesting=Reinvesting(fee_ppm=200, most=most, aside=plan.rules.tick * (seed % 5)))
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
    return candles, scenario, spec


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


PINNED = {
    Direction.NEUTRAL: "bbf66853fea77aaef096e50674a3ceaf8b80f23831b5846867c1bb19680f16b5",
    Direction.LONG: "52f702da8bbb935a40f25b54e8634af13554bd89ebb6ab806a7a5915b77a7488",
    Direction.SHORT: "e3992eadb185dd128818121506e58cd1f4beeb2ba311f4c58ff5c56e8d9c783b",
}
RECORDED = {
    Direction.NEUTRAL: "8eaed61ac83b762aa51640f2082cb9c3a930200bc3e020b4cc1a66f982edc300",
    Direction.LONG: "7515470ba988c4922528d8b925b5c9394ac9298e6b67ab2f14aa299a891046ae",
    Direction.SHORT: "d589a64691840b4c0774edf59e221acaba9f50bbd866bbf46c28f8d146c8054f",
}


def made_up(direction: Direction) -> tuple[Candles, Scenario, ContractSpec]:
    spec = contract_spec(UNIT // 10, UNIT // 1_000)
    candles = wild_candles(Random(7), 400_000 * spec.tick, spec.tick, 4_000 * spec.tick, 4_000)
    plan = contract_plan(spec, int(candles.open[0]), direction, levels=12, lots=10)
    contract = ContractMarket(
        brackets=brackets_for_grid(spec), funding=funding_every(candles, 480, Random(7), known=True)
    )
    scenario = Scenario(
        plan=plan,
        rules=rules_of_contract(spec),
        balances={"USDT": Decimal(10_000)},
        fees=Fees(200, 500),
        contract=contract,
    )
    return candles, scenario, spec


@pytest.mark.parametrize("direction", Direction)
def test_a_made_up_contract_gives_the_same_fills_on_every_machine(direction: Direction):
    candles, scenario, _ = made_up(direction)
    result = run_on(PricePath.of(candles, scenario), scenario)
    assert result.books.trades > 300
    assert result.trades_hash == PINNED[direction]


def test_a_batch_comes_to_what_single_replays_come_to():
    for seed in range(3):
        candles, scenario, _ = scenario_of(seed, Direction.NEUTRAL)
        scenario = replace(scenario, fill=FillAssumption(FillKind.SHARE, 300_000), max_exposure=None)
        path = PricePath.of(candles, scenario)
        batch, single = run_many(path, [scenario, scenario], threads=1), run_on(path, scenario)
        assert batch.books(1) == single.books
        assert batch.columns()["funding"][0] == float(single.books.funding)


def test_a_sweep_varies_direction_and_leverage_and_knows_its_funding_again():
    candles, scenario, _ = made_up(Direction.NEUTRAL)
    account = Account(capital=Decimal(10_000), fees=Fees(200, 500), contract=scenario.contract)
    base = {"initial_levels": "12", "spacing_perc": "1"}
    ground = Ground(candles=candles, rules=scenario.rules, account=account, base=base)
    varied = [{"direction": direction, "leverage": most} for direction in Direction for most in (1, 3)]
    tried = Trials(ground, 1).run(varied)
    for keys, trial in zip(varied, tried, strict=True):
        single = ground.scenario(keys)
        assert (single.plan.request.direction, single.terms.leverage) == (keys["direction"], keys["leverage"])
        result = run_on(PricePath.of(candles, single), single)
        assert trial.refusal is None
        assert trial.measures["equity_change"] == result.books.equity_change
        assert trial.measures["cycles"] == result.books.cycles
    assert scenario.contract is not None
    unpaid = replace(scenario.contract, funding=FundingHistory.none())
    assert json_value(account) != json_value(replace(account, contract=unpaid))


def recorded_case(direction: Direction) -> tuple[Candles, Scenario, ContractSpec]:
    spec = CONTRACTS["BTCUSDT"]
    candles = recorded_contract(Path(DATA), spec.symbol, "2025-02-03", days=2)
    contract = ContractMarket(
        brackets=brackets_for_grid(spec), funding=recorded_funding(Path(DATA), spec.symbol, candles)
    )
    low, high = (from_units(int(price)) for price in (candles.low.min(), candles.high.max()))
    request = GridRequest(
        instrument=rules_of_contract(spec).instrument,
        levels=40,
        lower=low,
        upper=high,
        capital=Decimal(9_000),
        direction=direction,
        leverage=3,
    )
    scenario = Scenario.of(
        request,
        candles,
        rules_of_contract(spec),
        balances={"USDT": Decimal(10_000)},
        fees=Fees(200, 500),
        contract=contract,
    )
    return candles, scenario, spec


@recorded
@pytest.mark.parametrize("direction", Direction)
def test_recorded_days_of_a_contract_are_the_live_grids_days(direction: Direction):
    candles, scenario, spec = recorded_case(direction)
    result = run_on(PricePath.of(candles, scenario), scenario)
    lived = live_through_contract(candles, scenario, replace(spec, mult_up_ppm=5_000_000, mult_down_ppm=100_000))
    assert_same(result, lived, scenario, from_units(int(candles.close[-1])))
    assert result.books.trades > 100
    assert result.books.funding != 0
    assert result.trades_hash == RECORDED[direction]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("direction", Direction)
def test_the_replay_of_a_contract_does_what_the_live_grid_does(direction: Direction):
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(seed=st.integers(0, 10**9))
    def hold(seed: int) -> None:
        candles, scenario, spec = scenario_of(seed, direction)
        path = PricePath.of(candles, scenario)
        compiled = run_on(path, scenario, curve=True)
        lived = live_through_contract(candles, scenario, spec)
        assert_same(compiled, lived, scenario, from_units(int(candles.close[-1])))
        assert_alike(run_on(path, scenario, curve=True, form=RanBy.PLAIN), compiled)

    hold()
