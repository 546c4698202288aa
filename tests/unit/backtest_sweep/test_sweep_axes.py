"""What is varied: values as people write them, and rows by number."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.durations import duration_text, parse_duration_ms
from backtest.objectives import OBJECTIVES, better, pareto_front, parse_objectives
from backtest.sweep.axes import parse_axes
from backtest.sweep.options import parse as parse_words
from backtest.sweep.options import space_of
from backtest.sweep.space import MOST_ROWS, Space
from domain.errors import InvalidRequest
from fakes.backtest_studies import rules

RULES = rules().rules


def values(word: str, *, dense: bool = False) -> list[str]:
    (axis,) = parse_axes([word], RULES, dense=dense)
    return [axis.value(index) for index in range(len(axis))]


def test_values_are_counted_stepped_listed_or_all():
    assert values("spacing_perc=0.2..2:4") == ["0.2", "0.8", "1.4", "2"]
    assert values("spacing_perc=0.2..1/0.3") == ["0.2", "0.5", "0.8"]
    assert values("spacing_perc=1, 0.5,1.0") == ["1", "0.5"]
    assert values("initial_levels=3..6") == ["3", "4", "5", "6"]
    assert values("initial_levels=3..10:99") == [str(n) for n in range(3, 11)]
    assert values("lower_price=100..101:3") == ["100", "100.5", "101"]
    assert values("capital=1000..100000:3:log") == ["1000", "10000", "100000"]
    assert values("spacing_mode=geometric,arithmetic") == ["geometric", "arithmetic"]
    assert values("start_empty=true,false,true") == ["true", "false"]
    assert values("spacing_perc=1..1.0003", dense=True) == ["1", "1.0001", "1.0002", "1.0003"]
    assert len(parse_axes(["capital=1..100000000"], RULES, dense=True)[0]) == 9_999_999_901  # none of them made


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("spacing_prc=1", "did you mean spacing_perc"),
        ("spacing_perc", "write KEY="),
        ("spacing_perc=", "write KEY="),
        ("spacing_perc=1..2", "how many values"),
        ("spacing_perc=2..1:3", "ends below its start"),
        ("spacing_perc=1..2:0", "1 to 100000 values"),
        ("spacing_perc=1..2:x", "no number of values"),
        ("spacing_perc=1..2:3:exp", "no number of values"),
        ("spacing_perc=1e-400..1:5:log", "too large or too fine"),
        ("capital=1..1e30:5:log", "too large or too fine"),
        ("spacing_perc=1..2/0", "step must be above 0"),
        ("spacing_perc=0..2:3:log", "begin above 0"),
        ("spacing_perc=a..2:3", "not a decimal"),
        ("spacing_perc=1,nan", "not a finite"),
        ("spacing_mode=geometric,linear", "'linear' is none of"),
        ("market_type=spot", "one market"),
    ],
)
def test_mistakes_in_values_are_named(word: str, told: str):
    with pytest.raises(InvalidRequest, match=told):
        values(word)


def test_all_mistakes_are_told_together_and_a_key_varies_once():
    with pytest.raises(InvalidRequest) as refused:
        parse_axes(["spacing_perc=x", "levels=3", "capital=1,2", "capital=3"], RULES, dense=False)
    assert [mistake.field for mistake in refused.value.mistakes] == ["spacing_perc", "levels", "capital"]


@given(
    first=st.integers(1, 10**6),
    span=st.integers(0, 10**6),
    count=st.integers(1, 60),
    way=st.sampled_from(["", ":log"]),
)
def test_counted_values_lie_on_the_venues_steps_and_between_their_ends(first: int, span: int, count: int, way: str):
    low, high = Decimal(first) / 100, Decimal(first + span) / 100
    found = [Decimal(text) for text in values(f"lower_price={low}..{high}:{count}{way}")]
    assert found == sorted(set(found))
    assert all(low <= value <= high and value % RULES.tick == 0 for value in found)
    assert found[0] == low
    assert found[-1] == high or count == 1
    assert len(found) <= count


def test_a_grid_numbers_every_combination_once():
    space = Space.grid(parse_axes(["initial_levels=3..5", "spacing_perc=1,2"], RULES, dense=False))
    rows = [tuple(space.values(row).values()) for row in range(len(space))]
    assert rows == [("3", "1"), ("3", "2"), ("4", "1"), ("4", "2"), ("5", "1"), ("5", "2")]
    with pytest.raises(InvalidRequest, match=f"{MOST_ROWS:,}"):
        Space.grid(parse_axes(["capital=1..9999:9999", "lower_price=1..999:999"], RULES, dense=False))


@given(seed=st.integers(0, 99), count=st.integers(1, 30))
def test_a_draw_is_fair_to_its_seed_and_repeats_nothing(seed: int, count: int):
    axes = parse_axes(["initial_levels=3..7", "spacing_perc=1..1.0004"], RULES, dense=True)
    space = Space.random(axes, count, seed)
    rows = [tuple(space.values(row).values()) for row in range(len(space))]
    assert len(set(rows)) == len(rows) == min(count, 25)
    assert Space.random(axes, count, seed) == space
    assert math.prod(map(len, axes)) == 25


def test_a_draw_from_a_huge_space_makes_none_of_it():
    axes = parse_axes([f"{key}=1..100000000" for key in ("capital", "lower_price", "upper_price")], RULES, dense=True)
    space = Space.random(axes, 3, 1)
    assert len({tuple(space.values(row).values()) for row in range(3)}) == 3
    with pytest.raises(InvalidRequest, match="random"):
        Space.random(axes, 0, 1)


def test_words_choose_between_grid_and_draw():
    words = ["--symbol", "BTCUSDT", "--out", "x", "--vary", "initial_levels=3..40"]
    assert len(space_of(parse_words(words, "test"), RULES)) == 38
    assert len(space_of(parse_words([*words, "--random", "5"], "test"), RULES)) == 5


def test_aims_are_named_and_fronts_found():
    profit, fall = parse_objectives("profit, drawdown")
    assert (profit.measure, fall.measure) == ("equity_change", "max_drawdown")
    assert (profit.direction, fall.direction) == ("maximize", "minimize")
    for wrong in ("proft", "profit,profit", ""):
        with pytest.raises(InvalidRequest, match="objective"):
            parse_objectives(wrong)
    rows = [(1.0, 0.5), (2.0, 0.5), (3.0, 0.9), (2.0, 0.5), (0.5, 0.1), (0.4, 0.2)]
    assert pareto_front(rows, (profit, fall)) == [1, 2, 4]
    assert better((2, 1), (1, 1), (profit, fall))
    assert not better((2, 2), (1, 1), (profit, fall))
    assert set(OBJECTIVES) >= {"profit", "sharpe", "drawdown", "cycles"}


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_a_front_is_what_nothing_beats(rows: list[tuple[int, int]]):
    aims = parse_objectives("profit,drawdown")
    front = pareto_front(rows, aims)
    for at, row in enumerate(rows):
        beaten = any(better(other, row, aims) for other in rows)
        assert (at in front) == (not beaten and row not in rows[:at])


def test_durations_are_read_and_told():
    assert parse_duration_ms("embargo", "1d") == 86_400_000
    assert parse_duration_ms("embargo", "90s") == 90_000
    with pytest.raises(InvalidRequest, match="embargo"):
        parse_duration_ms("embargo", "1 day")
    assert [duration_text(s) for s in (0.2, 12, 240, 9000)] == ["less than a second", "12 s", "4 min", "2.5 h"]
