"""A trial of a sweep is a back-test: the same numbers, whatever was tried beside it."""

from decimal import Decimal

import pytest

from backtest.measures import measure
from backtest.run import run
from backtest.scenario import Fees
from backtest.sweep.axes import parse_axes
from backtest.sweep.space import Space
from backtest.sweep.task import RETURNS, Part, Task, differing
from backtest.sweep.trials import AMOUNTS, COUNTS, RATIOS, Account, Ground
from domain.errors import InvalidRequest
from fakes.backtest_studies import rules, walk

VARIED = ["spacing_perc=0.05,0.5,1,2.5", "initial_levels=3,9,20", "start_empty=false,true", "capital=60,9000"]


def task(**named: object) -> Task:
    given = {"candles": walk(24 * 40), "rules": rules().rules, "account": Account(capital=None), "base": {}, **named}
    return Task(ground=Ground(**given), space=Space.grid(parse_axes(VARIED, rules().rules, dense=False)))


@pytest.fixture(scope="module")
def swept() -> tuple[Task, Part]:
    made = task(account=Account(capital=None, fees=Fees(750, 1000, Decimal("612.5"))))
    return made, Part(made, 2)


def test_a_row_is_the_single_back_test_to_the_last_digit(swept: tuple[Task, Part]):
    made, part = swept
    rows = part.table(range(48)).to_dicts()
    ran = [row for row in rows if row["refusal"] is None]
    assert len(ran) > 20
    for row in ran[::3]:
        scenario = made.ground.scenario(made.space.values(row["row"]))
        alone = run(made.ground.candles, scenario, curve=True)
        single = measure(alone, made.ground.candles).flat()
        single |= {name: getattr(alone.books, name) for name in ("hold_change", "versus_hold")}  # numbers in every row
        for name in (*AMOUNTS, *COUNTS):
            assert row[name] == single[name], name
        for name in RATIOS:
            told = single[name]
            assert row[name] == (None if told is None else pytest.approx(told, rel=1e-9, abs=1e-12)), name


def test_what_cannot_be_started_is_a_row_with_its_reason(swept: tuple[Task, Part]):
    refused = swept[1].table(range(48)).filter(swept[1].table(range(48))["refusal"].is_not_null())
    told = " ".join(refused["refusal"].to_list())
    assert "fees of" in told
    assert "too little for 20 levels" in told
    assert refused["equity_change"].null_count() == refused.height


def test_rows_hang_neither_on_their_company_nor_on_threads(swept: tuple[Task, Part]):
    made, part = swept
    whole = part.table(range(48))
    assert whole[RETURNS].null_count() == whole["refusal"].is_not_null().sum()
    alone = Part(made, 1)
    for rows in ([47], range(10, 13), list(reversed(range(20, 30)))):
        assert alone.table(rows).equals(whole[list(rows)])


def test_a_task_is_known_by_everything_that_decides_it():
    one = task()
    assert differing(one.identity, task().identity) == []
    assert differing(one.identity, task(candles=walk(24 * 40, seed=2)).identity) == ["candles"]
    assert differing(one.identity, task(rules=rules(min_notional=Decimal(6)).rules).identity) == ["rules"]
    assert differing(one.identity, task(account=Account(capital=Decimal(5))).identity) == ["account"]
    assert differing(one.identity, task(base={"spacing_mode": "arithmetic"}).identity) == ["grid"]


def test_without_any_capital_a_grid_is_no_scenario():
    with pytest.raises(InvalidRequest, match="--capital"):
        task().ground.scenario({"initial_levels": "5", "spacing_perc": "1"})
