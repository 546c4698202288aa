"""Ladders stand on the tick grid, ascend, and meet their bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid.core import ladder


def test_geometric_rungs_stand_around_the_start_by_hand():
    assert ladder.geometric_around(10_000, 10_000, 5) == [9803, 9901, 10_000, 10_100, 10_201]


def test_arithmetic_rungs_stand_around_the_start_by_hand():
    assert ladder.arithmetic_around(10_000, 10_000, 4) == [9800, 9900, 10_000, 10_100]


def test_between_bounds_by_hand():
    assert ladder.geometric_between(100, 400, 3) == [100, 200, 400]
    assert ladder.arithmetic_between(100, 400, 4) == [100, 200, 300, 400]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ladder.geometric_around(100, 1_000, 10), "round to one price tick"),
        (lambda: ladder.arithmetic_around(100, 300_000, 9), "at or below zero"),
        (lambda: ladder.arithmetic_between(200, 100, 3), "lower bound"),
        (lambda: ladder.geometric_between(100, 200, 1), "at least two"),
    ],
)
def test_a_ladder_that_cannot_stand_says_why(make, says):
    with pytest.raises(ladder.LadderError, match=says):
        make()


@given(start=st.integers(10_000, 10**9), ppm=st.integers(500, 100_000), levels=st.integers(2, 60))
def test_geometric_neighbours_keep_their_ratio_to_half_a_tick(start: int, ppm: int, levels: int):
    try:
        rungs = ladder.geometric_around(start, ppm, levels)
    except ladder.LadderError:
        return
    assert rungs[levels // 2] == start
    assert rungs == sorted(set(rungs))
    for index, rung in enumerate(rungs):
        exact = start * (1 + ppm / 1e6) ** (index - levels // 2)
        assert abs(rung - exact) <= 0.5 + exact * 1e-12


@given(lower=st.integers(100, 10**8), width=st.integers(200, 10**8), levels=st.integers(2, 50))
def test_ladders_between_bounds_touch_both(lower: int, width: int, levels: int):
    for make in (ladder.geometric_between, ladder.arithmetic_between):
        try:
            rungs = make(lower, lower + width, levels)
        except ladder.LadderError:
            continue
        assert (rungs[0], rungs[-1], len(rungs)) == (lower, lower + width, levels)
        assert rungs == sorted(set(rungs))


@given(prices=st.lists(st.integers(1, 1000), min_size=1, unique=True).map(sorted), price=st.integers(0, 1100))
def test_the_nearest_rung_is_nearest(prices: list[int], price: int):
    found = prices[ladder.nearest_rung(prices, price)]
    assert abs(found - price) == min(abs(rung - price) for rung in prices)
