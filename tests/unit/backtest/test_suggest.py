"""Which grid is suggested, on what it rests, and when it says that this is too little."""

from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest.candles import BadCandles
from backtest.run import run
from backtest.suggest import Found, find
from backtest.suggest_inputs import Search, candles_of, volatility, whole_funding
from backtest.suggest_told import told
from domain.errors import InvalidRequest
from domain.instrument import FeeRates
from fakes.suggest_examples import A_DAY, DAY_MS, START_MS, wandering, wanted, wanted_contract
from grid.core.shapes import LEVELS, Volatility, break_even_percent, least_spacing, shapes
from ports.suggest_job import Settlement, SuggestParameters

HOUR_MS = 3_600_000


@cache
def usual() -> Found:
    return find(Search.of(wanted(wandering(30))))


def keys(warnings: list[dict[str, Any]]) -> set[str]:
    return {warning["key"] for warning in warnings}


def test_the_choice_does_not_know_the_days_held_out() -> None:
    before, cut = wandering(30), 23 * A_DAY
    fall = zip(wandering(7, seed=9, drift=-10), before[cut:], strict=True)
    fallen = (*before[:cut], *(row._replace(open_ms=old.open_ms) for row, old in fall))
    other = find(Search.of(wanted(fallen, price=before[-1].close)))
    assert [(row.shape, row.scores) for row in other.ranked] == [(row.shape, row.scores) for row in usual().ranked]
    assert "suggest_lost" in keys(told(other)["ranked"][0]["warnings"])
    assert usual().held_out.end_ms - usual().held_out.start_ms == 7 * DAY_MS
    assert usual().chosen_on.end_ms == usual().held_out.start_ms


def test_what_is_told_is_what_a_back_test_says() -> None:
    found = usual()
    best = told(found)["ranked"][0]
    by_name = {window["name"]: window for window in best["windows"]}
    assert by_name["held_out"]["seen_when_chosen"] == "none"
    for name, candles in (("chosen_on", found.chosen_on), ("held_out", found.held_out)):
        result = run(candles, found.search.scenario(found.ranked[0].shape, candles))
        assert Decimal(by_name[name]["equity_change"]) == result.books.equity_change
        assert Decimal(by_name[name]["versus_hold"]) == result.books.versus_hold
        assert by_name[name]["cycles"] == result.books.cycles
    scores = [row.score for row in found.ranked]
    assert scores == sorted(scores, reverse=True)
    assert len(found.ranked[0].scores) == found.starts == 4
    found.search.check(found.ranked[0].shape)


def test_within_noise_is_what_the_lead_does_not_outgrow() -> None:
    best = usual().ranked[0]
    assert not best.within_noise
    for row in usual().ranked[1:]:
        leads = [mine - its for mine, its in zip(best.scores, row.scores, strict=True)]
        mean = sum(leads) / len(leads)
        error = (sum((lead - mean) ** 2 for lead in leads) / (len(leads) - 1) / len(leads)) ** 0.5
        assert row.within_noise is (mean <= error)
    assert any(row.within_noise for row in usual().ranked)
    assert "suggest_noise" in keys(told(usual())["warnings"])


def test_it_says_when_it_rests_on_too_little() -> None:
    rows = wandering(3)
    holed = (*rows[:100], *rows[130:])
    found = told(find(Search.of(wanted(holed, market_source="synthetic"))))
    assert {"suggest_synthetic", "suggest_short", "suggest_gaps", "suggest_starts"} <= keys(found["warnings"])
    assert found["candles"]["missing"] == 30
    assert "suggest_few_cycles" in keys(found["ranked"][0]["warnings"])
    assert not keys(told(usual())["warnings"]) & {"suggest_synthetic", "suggest_short", "suggest_gaps"}
    falling = told(find(Search.of(wanted(wandering(4, drift=-15)))))
    assert "suggest_no_gain" in keys(falling["ranked"][0]["warnings"])
    with pytest.raises(BadCandles, match="too few"):
        find(Search.of(wanted(wandering(1))))


def test_a_grid_on_a_contract_pays_funding_and_says_where_it_is_guessed() -> None:
    rate = Decimal("0.0001")
    paid = tuple(Settlement(START_MS + hours * HOUR_MS, rate, Decimal(0)) for hours in range(0, 24, 8))
    given_here = wanted_contract(wandering(4), direction="long", settlements=paid)
    found = told(find(Search.of(SuggestParameters.model_validate(given_here.model_dump(mode="json")))))
    (guessed,) = (warning for warning in found["warnings"] if warning["key"] == "suggest_funding")
    assert guessed["values"] == {"count": 9}
    assert Decimal(found["ranked"][0]["windows"][0]["funding"]) < 0


def test_funding_is_filled_only_where_nothing_is_told() -> None:
    candles = candles_of(wanted(wandering(2)))
    every_four = tuple(
        Settlement(START_MS + hours * HOUR_MS, Decimal("0.0002"), Decimal(1)) for hours in range(0, 48, 4)
    )
    assert whole_funding(every_four, candles) == (every_four, 0)
    newest = every_four[8:]
    filled, guessed = whole_funding(newest, candles)
    assert guessed == 4
    assert filled[4:] == newest
    assert all(one.rate == Decimal("0.0002") for one in filled)
    nothing, count = whole_funding((), candles)
    assert count == len(nothing) == 6
    assert {one.rate for one in nothing} == {Decimal(0)}


def test_volatility_is_that_of_hours() -> None:
    one = wandering(1)[0]
    flat = [
        replace_prices(one, START_MS + number * HOUR_MS // 4, 100 if number // 4 % 2 else 101) for number in range(96)
    ]
    found = volatility(candles_of(wanted(tuple(flat))))
    assert found.hourly_range == pytest.approx(100 * (23 / 24) * (1 / 100 + 1 / 101) / 2, rel=0.05)
    assert found.daily_move == pytest.approx(100 * (23 / 24) ** 0.5 * 24**0.5 * 0.00995, rel=0.01)


def replace_prices(row: Any, open_ms: int, price: int) -> Any:
    value = Decimal(price)
    return row._replace(open_ms=open_ms, open=value, high=value, low=value, close=value)


def test_no_capital_is_no_suggestion() -> None:
    with pytest.raises(InvalidRequest, match="capital"):
        find(Search.of(wanted(wandering(4), capital=Decimal(15))))


@settings(max_examples=60, deadline=None)
@given(
    hourly=st.floats(0.001, 20),
    daily=st.floats(0.001, 60),
    maker=st.decimals(0, "0.01", places=5),
    tick=st.integers(1, 99),
)
def test_no_ladder_is_spaced_so_closely_that_fees_eat_it(
    hourly: float, daily: float, maker: Decimal, tick: int
) -> None:
    fees = FeeRates(maker, maker)
    least = least_spacing(fees, Decimal(tick) / 100, Decimal(100))
    found = shapes(Volatility(hourly, daily), least)
    assert found
    assert {shape.levels for shape in found} <= set(LEVELS)
    assert all(shape.spacing >= least >= 3 * break_even_percent(fees) for shape in found)
    assert all(shape.spacing * 100 == int(shape.spacing * 100) for shape in found)
    assert len(set(found)) == len(found)
