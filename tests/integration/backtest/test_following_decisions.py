"""A ladder that follows the price, compiled and live: same moves, same fills, same money, to the last digit."""

from dataclasses import replace
from decimal import Decimal
from random import Random

import numpy as np
import pytest

from backtest.batch import run_many
from backtest.candles import Candles
from backtest.contract_market import ContractMarket
from backtest.portfolio.replay import check_scenarios
from backtest.price_path import PricePath
from backtest.result import RanBy, Result
from backtest.run import run_on
from backtest.scenario import Delays, Fees, FillAssumption, FillKind, PathRule, Scenario
from backtest.trade_replay import TradeReplay
from chaos.translate import rules_of
from domain.errors import InvalidRequest
from domain.futures import MarginType
from domain.grids import Direction, GridRequest, Spacing
from domain.instrument import Market
from domain.money import from_units
from fakes.contract_replay import (
    brackets_for_grid,
    contract_plan,
    contract_spec,
    funding_every,
    live_through_contract,
    rules_of_contract,
)
from fakes.live_replay import live_through
from integration.backtest.test_contract_decisions import assert_alike as assert_contracts_alike
from integration.backtest.test_contract_decisions import assert_same as assert_contracts_same
from integration.backtest.test_same_decisions import assert_alike, assert_same
from simulator.core.symbols import UNIT, SymbolSpec
from simulator.um.core.contracts import ContractSpec

pytestmark = pytest.mark.no_cover  # the same lines thousands of times

START_MS = 1_722_729_600_000
MINUTE_MS = 60_000
SPEC = SymbolSpec(
    symbol="TSTUSDT",
    base="TST",
    quote="USDT",
    tick=UNIT // 100,
    lot=UNIT // 1_000,
    min_qty=UNIT // 1_000,
    min_notional=5 * UNIT,
    max_orders=200,
)


def leaving_candles(random: Random, start: int, tick: int, step: int, market: Market = Market.SPOT) -> Candles:
    """Candles that drift out of a ladder and back, with wicks over several rungs and gaps between them."""
    rows, price = [], start
    for _ in range(random.randint(20, 90)):
        drift = random.choice([-step, 0, step])
        first = max(price + random.choice([0, 0, 0, 3 * step, -3 * step]), 10 * step)
        last = max(first + drift + random.randint(-step, step), 10 * step)
        high = max(first, last) + random.choice([0, random.randint(0, step), random.randint(0, 6 * step)])
        low = max(min(first, last) - random.choice([0, random.randint(0, step), random.randint(0, 6 * step)]), 9 * step)
        rows.append([value // tick * tick for value in (first, high, low, last)])
        price = last
    rows[0][0] = start
    rows[0][1], rows[0][2] = max(rows[0][1], start), min(rows[0][2], start)
    columns = np.array(rows, dtype=np.int64).T.copy()
    return Candles(
        symbol="TSTUSDT",
        market=market,
        interval_ms=MINUTE_MS,
        open_ms=START_MS + MINUTE_MS * np.arange(len(rows), dtype=np.int64),
        open=columns[0],
        high=columns[1],
        low=columns[2],
        close=columns[3],
        volume=np.array([random.randint(0, 40) for _ in rows], dtype=np.float64) * random.choice([0.01, 1.0]),
    )


def limits(random: Random, start: Decimal, reach: Decimal) -> dict[str, Decimal]:
    both = {"trail_up_to": start * (1 + reach), "trail_down_to": start / (1 + reach)}
    if random.random() < 0.5:
        both.pop(random.choice(sorted(both)))
    return {name: price.quantize(Decimal("0.01")) for name, price in both.items()}


def spot_case(seed: int) -> tuple[Candles, Scenario]:
    random = Random(seed)
    start, spacing = 60_000 * SPEC.tick, random.choice(["0.4", "1", "2.5"])
    candles = leaving_candles(random, start, SPEC.tick, start * int(Decimal(spacing) * 10) // 1_000)
    levels = random.randint(2, 8)
    reach = Decimal(spacing) * (levels + random.randint(2, 12)) / 100
    request = GridRequest(
        instrument=rules_of(SPEC).instrument,
        levels=levels,
        spacing_percent=Decimal(spacing),
        spacing=random.choice(list(Spacing)),
        capital=Decimal(random.randint(500, 5_000)),
        **limits(random, Decimal(600), reach),
    )
    return candles, Scenario.of(
        request,
        candles,
        rules_of(SPEC),
        balances={"USDT": Decimal(40_000), "BNB": Decimal(random.choice(["0", "0.002", "5"]))},
        fees=Fees(random.choice([0, 750, 1_000]), 1_000, bnb_price=random.choice([None, Decimal("612.37")])),
        fill=FillAssumption(random.choice(list(FillKind)), 300_000),
        path=random.choice(list(PathRule)),
    )


def test_the_compiled_ladder_follows_as_the_live_one_does():
    moved = whole = 0
    for seed in range(40):
        candles, scenario = spot_case(seed)
        path = PricePath.of(candles, scenario)
        compiled, lived = run_on(path, scenario, curve=True), live_through(candles, scenario, SPEC)
        assert_same(compiled, lived, scenario, from_units(int(candles.close[-1])))
        assert_alike(run_on(path, scenario, curve=True, form=RanBy.PLAIN), compiled)
        moved += beyond_start(compiled)
        whole += compiled.books.trades
    assert moved > 15
    assert whole > 500


def contract_case(seed: int, direction: Direction) -> tuple[Candles, Scenario, ContractSpec]:
    random, spec = Random(seed), contract_spec(UNIT // 10, UNIT // 1_000)
    start = random.randint(20_000, 60_000) * spec.tick
    step = start * 10_000 // 10**6 // spec.tick * spec.tick
    candles = leaving_candles(random, start, spec.tick, step, Market.FUTURES)
    plan = contract_plan(
        spec,
        start,
        direction,
        levels=random.randint(2, 9),
        lots=max(1, 100 * UNIT * UNIT // (start * spec.lot)),
        leverage=random.choice([2, 5]),
        margin_type=random.choice(list(MarginType)),
    )
    apart, both = plan.prices[-1] - plan.prices[-2], {"trail_up_to": plan.prices[-1], "trail_down_to": plan.prices[0]}
    kept = random.choice([sorted(both), ["trail_up_to"], ["trail_down_to"]])
    below = [plan.prices[0] - apart * k for k in range(random.randint(1, 9), 0, -1)] if "trail_down_to" in kept else []
    above = [plan.prices[-1] + apart * k for k in range(1, random.randint(2, 9))] if "trail_up_to" in kept else []
    request = replace(plan.request, **{name: both[name] for name in kept})
    scenario = Scenario(
        plan=replace(plan, request=request, master=(*below, *plan.prices, *above)),
        rules=rules_of_contract(spec),
        balances={"USDT": Decimal(20_000)},
        fees=Fees(random.choice([0, 200]), 500),
        fill=FillAssumption(random.choice(list(FillKind)), 300_000),
        path=random.choice(list(PathRule)),
        contract=ContractMarket(
            brackets=brackets_for_grid(spec), funding=funding_every(candles, random.randint(2, 9), random, known=True)
        ),
    )
    return candles, scenario, spec


@pytest.mark.parametrize("direction", [Direction.LONG, Direction.SHORT])
def test_a_contract_follows_as_the_live_grid_does(direction: Direction):
    moved = 0
    for seed in range(18):
        candles, scenario, spec = contract_case(seed, direction)
        path = PricePath.of(candles, scenario)
        compiled, lived = run_on(path, scenario, curve=True), live_through_contract(candles, scenario, spec)
        assert_contracts_same(compiled, lived, scenario, from_units(int(candles.close[-1])))
        assert_contracts_alike(run_on(path, scenario, curve=True, form=RanBy.PLAIN), compiled)
        moved += beyond_start(compiled) and lived.liquidated_ms is None
    assert moved > 12


def beyond_start(result: Result) -> bool:
    plan = result.scenario.plan
    first = plan.master.index(plan.prices[0])
    return bool(set(result.fills.cell.tolist()) - {-1, *range(first, first + len(plan.prices) - 1)})


def test_a_batch_of_ways_of_different_length_comes_to_what_single_replays_come_to():
    candles, scenario = spot_case(4)
    market = spot_case(9)[0]
    others = [replace(spot_case(seed)[1], fill=scenario.fill, path=scenario.path) for seed in (4, 7, 12, 15)]
    path = PricePath.of(market, others[0])
    batch = run_many(path, others, threads=1)
    for index, other in enumerate(others):
        single = run_on(path, other)
        assert batch.books(index) == single.books
        assert batch.columns()["grid_profit"][index] == pytest.approx(float(single.books.grid_profit))
    assert candles.symbol == market.symbol


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"delays": Delays(latency_ms=50)}, "latency"), ({"max_exposure": Decimal(10_000)}, "max_exposure")],
)
def test_what_is_not_replayed_beside_it_is_refused_by_its_name(changes: dict, field: str):
    _, scenario = spot_case(1)
    with pytest.raises(InvalidRequest) as refused:
        replace(scenario, **changes)
    assert [mistake.field for mistake in refused.value.mistakes] == [field]
    with pytest.raises(InvalidRequest) as on_trades:
        TradeReplay(scenario)
    assert on_trades.value.mistakes[0].field.startswith("trail_")
    with pytest.raises(InvalidRequest):
        check_scenarios([scenario])
