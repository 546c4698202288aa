"""Grids that begin and end by themselves: the compiled replay against the live grid, spot and contracts."""

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest

from backtest.batch import run_many
from backtest.candles import Candles
from backtest.contract_market import ContractMarket
from backtest.portfolio.replay import check_scenarios
from backtest.price_path import PricePath
from backtest.result import ENTRY_CELL, RanBy, Result
from backtest.run import run_on
from backtest.scenario import Delays, Fees, FillAssumption, FillKind, PathRule, Scenario
from backtest.trade_replay import replay_trades
from backtest.trade_slices import parts_of
from chaos.translate import rules_of
from domain.errors import InvalidRequest
from domain.exit_terms import ExitAction, ExitTerms
from domain.exits import ExitCondition
from domain.futures import MarginType
from domain.grids import Direction, GridRequest, Spacing
from domain.instrument import Market
from domain.money import exact, from_units
from fakes.contract_replay import (
    brackets_for_grid,
    contract_plan,
    contract_spec,
    funding_every,
    rules_of_contract,
    wild_candles,
)
from fakes.delayed_examples import SPEC, trades_about
from fakes.ends_replay import (
    EndsLived,
    begins_at,
    ending,
    live_to_its_end,
    live_to_its_end_on_a_contract,
    waiting,
)
from fakes.live_replay import Row, trade_prints
from fakes.replay_examples import candles as candles_of
from fakes.replay_examples import scenario as spot_scenario
from simulator.core.symbols import UNIT, SymbolSpec

pytestmark = pytest.mark.no_cover
SPECS = [(UNIT // 100, 1_000), (UNIT // 100, UNIT // 1_000), (1_000, UNIT)]


def spot_case(seed: int) -> tuple[Candles, Scenario, SymbolSpec]:
    random = Random(seed)
    tick, lot = random.choice(SPECS)
    spec = SymbolSpec(
        symbol="TSTUSDT",
        base="TST",
        quote="USDT",
        tick=tick,
        lot=lot,
        min_qty=lot,
        min_notional=5 * UNIT,
        max_orders=200,
    )
    start = random.randint(400, 60_000) * tick
    spacing = random.choice(["0.4", "1", "2.5"])
    step = max(start * int(Decimal(spacing) * 10) // 1_000 // tick, 1) * tick
    candles = replace(wild_candles(random, start, tick, step, random.randint(5, 60)), market=Market.SPOT)
    shape: dict[str, object] = {}
    if random.random() < 0.2:
        shape = {"quantity_growth_percent": Decimal(7)}
    elif random.random() < 0.2:
        shape = {"infinity": True, "lower": from_units(start - 4 * step)}
    request = GridRequest(
        instrument=rules_of(spec).instrument,
        levels=random.randint(2, 12),
        **shape,  # type: ignore[arg-type]
        spacing_percent=Decimal(spacing),
        spacing=random.choice(list(Spacing)),
        capital=Decimal(random.randint(200, 5_000)),
        start_empty="infinity" not in shape and random.random() < 0.2,
    )
    bnb = random.choice([None, None, Decimal("612.37")])
    its = rules_of(spec)
    scenario = Scenario.of(
        request,
        candles,
        replace(its, market_max_quantity=its.lot * 10**6) if random.random() < 0.3 else its,
        balances={"USDT": Decimal(20_000), "BNB": Decimal(random.choice(["0", "0.002", "5"]))},
        fees=Fees(random.choice([0, 200, 1_000]), random.choice([0, 1_000]), bnb),
        fill=FillAssumption(random.choice(list(FillKind)), random.choice([50_000, 1_000_000])),
        path=random.choice(list(PathRule)),
    )
    plan = ending(random, scenario.plan, from_units(step), from_units(tick))
    plan = waiting(random, plan, from_units(step), from_units(tick))
    if plan.waits_from is not None:
        candles = begins_at(candles, int(plan.waits_from * UNIT))
    limit = random.choice([None, None, 90, 104])
    exposure = None if limit is None else round(plan.capital_needed * limit / 100, 8)
    return candles, replace(scenario, plan=plan, max_exposure=exposure), spec


def contract_case(seed: int) -> tuple[Candles, Scenario, object]:
    random = Random(seed)
    steps = random.choice([(UNIT // 10, UNIT // 1_000), (UNIT // 100_000, UNIT)])
    spec = contract_spec(*steps, market_take_bound_ppm=999_999)
    start = random.randint(2_000, 60_000) * spec.tick
    spacing_ppm = random.choice([4_000, 10_000, 25_000])
    step = max(start * spacing_ppm // 10**6 // spec.tick, 1) * spec.tick
    candles = wild_candles(random, start, spec.tick, step, random.randint(5, 60))
    plan = contract_plan(
        spec,
        start,
        random.choice(list(Direction)),
        levels=random.randint(2, 12),
        spacing_ppm=spacing_ppm,
        lots=max(1, 100 * UNIT * UNIT // (start * spec.lot)),
        leverage=random.choice([2, 5]),
        margin_type=random.choice(list(MarginType)),
        empty=random.random() < 0.2,
    )
    plan = replace(plan, capital_needed=Decimal(500))
    plan = ending(random, plan, from_units(step), from_units(spec.tick))
    plan = waiting(
        random, replace(plan, request=replace(plan.request, stop_below=None)), from_units(step), from_units(spec.tick)
    )
    if plan.waits_from is not None:
        candles = begins_at(candles, int(plan.waits_from * UNIT))
    funding = funding_every(candles, random.randint(2, 9), random, known=random.random() < 0.5)
    scenario = Scenario(
        plan=plan,
        rules=rules_of_contract(spec),
        balances={"USDT": Decimal(20_000)},
        fees=Fees(random.choice([0, 200]), random.choice([0, 500])),
        fill=FillAssumption(random.choice(list(FillKind)), 300_000),
        path=random.choice(list(PathRule)),
        contract=ContractMarket(brackets=brackets_for_grid(spec), funding=funding),
    )
    return candles, scenario, spec


def begins_two_rungs_away(result: Result, scenario: Scenario) -> bool:
    """Tell whether a grid began below two of its rungs: the live one then waits with the second, which is not replayed.

    See core.begin.activate.
    """
    plan, rows = scenario.plan, result.fills.rows.tolist()
    return bool(rows) and scenario.rules.price(rows[0][3]) <= plan.prices[max(plan.gap - 2, 0)]


def at_once(rows: list[Row]) -> list[list[int]]:
    """Return the fills, those in one that closed parts of a position at one time and price.

    The live grid sells what it knows of and then what it hears of; that may be two orders where the replay has one.
    """
    told: list[list[int]] = []
    for row in rows:
        if told and row[1] == ENTRY_CELL and tuple(told[-1][:4]) == row[:4]:
            told[-1][4] += row[4]
        else:
            told.append(list(row[:5]))
    return told


@exact
def assert_same(result: Result, lived: EndsLived, scenario: Scenario) -> None:
    rows = list(map(tuple, result.fills.rows.tolist()))
    assert at_once(rows) == at_once(lived.rows)
    assert (result.end is None) is (lived.reached is None)
    assert lived.is_triggered is (result.triggered_ms is not None)
    if result.end is not None and lived.reached is not None:
        assert (result.end.condition, result.end.action) == (lived.reached.condition, lived.reached.action)
        assert result.end.price == lived.reached.price
        if result.end.condition is ExitCondition.TAKE_PROFIT_AMOUNT:
            assert result.end.profit == lived.reached.profit
        else:  # told before the fills of the same print
            assert result.end.profit <= lived.reached.profit
    books, ours = result.books, lived.books
    assert books.residual == 0
    if lived.liquidated:
        return
    if rows != lived.rows:  # commissions of two orders are rounded twice
        assert abs(books.equity_change - ours.equity_change) <= Decimal("1e-7")
        return
    hold = scenario.plan.entry_position * (books.mark_price - scenario.plan.start_price)
    assert books == replace(
        ours,
        cycles=lived.shown.cycles,
        dust=lived.shown.dust,
        hold_change=hold,
        versus_hold=books.equity_change - hold,
        realized_profit=books.realized_profit,
    )


def assert_alike(path: PricePath, scenario: Scenario, compiled: Result) -> None:
    plain = run_on(path, scenario, curve=True, form=RanBy.PLAIN)
    assert (plain.ran_by, compiled.ran_by) == (RanBy.PLAIN, RanBy.COMPILED)
    assert plain.trades_hash == compiled.trades_hash
    assert plain.curve is not None
    assert compiled.curve is not None
    assert plain.curve.change.tolist() == compiled.curve.change.tolist()
    for name in ("books", "drawdown", "contract", "end", "triggered_ms", "is_entered"):
        assert getattr(plain, name) == getattr(compiled, name)


@pytest.mark.timeout(900)
def test_the_replay_of_a_spot_grid_begins_and_ends_as_the_live_grid_does():
    ended: list[ExitCondition | None] = []
    for seed in range(130):
        try:
            candles, scenario, spec = spot_case(seed)
        except InvalidRequest:
            continue
        path = PricePath.of(candles, scenario)
        compiled = run_on(path, scenario, curve=True)
        if begins_two_rungs_away(compiled, scenario):
            continue
        assert_same(compiled, live_to_its_end(candles, scenario, spec), scenario)
        assert_alike(path, scenario, compiled)
        ended.append(compiled.end.condition if compiled.end else None)
    assert len(set(ended)) == 5
    assert len(ended) > 80


def test_trades_slice_by_slice_end_a_grid_as_the_live_grid_ends():
    ended = 0
    for seed in range(40):
        random = Random(seed)
        start, step = 4_000_000 * SPEC.tick // 100, 200 * SPEC.tick
        trades = trades_about(random, 60, start, step, SPEC)
        request = GridRequest(
            instrument=rules_of(SPEC).instrument, levels=8, spacing_percent=Decimal("0.5"), capital=Decimal(2_000)
        )
        fill = FillAssumption(random.choice(list(FillKind)), 1_000_000)
        balances = {"USDT": Decimal(20_000)}
        scenario = Scenario.of(request, trades.candles(), rules_of(SPEC), balances=balances, fill=fill)
        plan = ending(random, scenario.plan, from_units(step), from_units(SPEC.tick))
        scenario = replace(scenario, plan=plan)
        result = replay_trades(parts_of(trades, 20), scenario).result()
        lived = live_to_its_end(trades.candles(), scenario, SPEC, trade_prints(trades, scenario, SPEC))
        assert at_once(list(map(tuple, result.fills.rows.tolist()))) == at_once(lived.rows)
        assert (result.end is None) is (lived.reached is None)
        if result.end is not None and lived.reached is not None:
            assert (result.end.condition, result.end.price) == (lived.reached.condition, lived.reached.price)
            prices = [from_units(int(price)) for price in trades.price[trades.time_ms == result.end.at_ms]]
            assert result.end.price in prices
            ended += 1
    assert ended > 10


@pytest.mark.timeout(900)
def test_the_replay_of_a_contract_begins_and_ends_as_the_live_grid_does():
    ended: list[ExitCondition | None] = []
    for seed in range(90):
        candles, scenario, spec = contract_case(seed)
        path = PricePath.of(candles, scenario)
        compiled = run_on(path, scenario, curve=True)
        lived = live_to_its_end_on_a_contract(candles, scenario, spec)  # type: ignore[arg-type]
        assert_same(compiled, lived, scenario)
        assert_alike(path, scenario, compiled)
        ended.append(compiled.end.condition if compiled.end else None)
    assert len(set(ended)) == 4


RISING = [(10_000 + 100 * i, 10_130 + 100 * i, 9_990 + 100 * i, 10_100 + 100 * i) for i in range(40)]


def with_ends(action: ExitAction | None = None, **terms: object) -> Scenario:
    """Return a long grid on a market that rises all the time, and that ends by itself."""
    scenario = spot_scenario(candles_of(RISING))
    exits = ExitTerms(on_take_profit=action, **terms)  # type: ignore[arg-type]
    return replace(scenario, plan=replace(scenario.plan, request=replace(scenario.plan.request, exits=exits)))


def test_a_batch_comes_to_what_single_replays_come_to():
    price = {"take_profit_price": Decimal(102)}
    scenarios = [with_ends(action, **price) for action in ExitAction] + [with_ends(take_profit_amount=Decimal(10))]
    path = PricePath.of(candles_of(RISING), scenarios[0])
    batch = run_many(path, scenarios, threads=1)
    for index, scenario in enumerate(scenarios):
        single = run_on(path, scenario, curve=True)
        assert single.end is not None
        assert batch.books(index) == single.books
        assert batch.columns()["equity_change"][index] == float(single.books.equity_change)
        held = [row[5] for row in single.fills.rows.tolist()]
        assert (single.books.base_held < Decimal("0.001")) is (single.end.action is not ExitAction.KEEP)
        assert held
        assert single.curve is not None
        assert single.curve.base[-1] == single.books.base_held * UNIT


def test_what_is_not_replayed_beside_it_is_refused_by_name():
    with pytest.raises(InvalidRequest, match="take_profit_price: is not replayed together with latency"):
        replace(with_ends(take_profit_price=Decimal(102)), delays=Delays(latency_ms=5))
    with pytest.raises(InvalidRequest, match="take_profit_price: is replayed for one grid at a time"):
        check_scenarios([with_ends(take_profit_price=Decimal(102))])
    few = replace(with_ends(take_profit_price=Decimal(102)).rules, market_max_quantity=Decimal("0.1"))
    with pytest.raises(InvalidRequest, match="more than 64 orders at market"):
        replace(with_ends(take_profit_price=Decimal(102)), rules=few)
