"""Ratios equal an established library's wherever both are defined, and are absent with a reason where they are not."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backtest.ratios import (
    DAY_MS,
    Absent,
    annual_growth,
    by_day,
    calmar,
    drawdowns,
    sharpe,
    sortino,
    under_water,
    volatility,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import empyrical

returns_of_days = st.lists(
    st.floats(-0.4, 0.5, allow_nan=False).map(lambda value: round(value, 6)), min_size=2, max_size=60
).map(lambda values: np.array(values, dtype=np.float64))


def close(ours, theirs):
    return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)


@given(returns_of_days)
def test_sharpe_sortino_and_volatility_are_those_of_empyrical(returns):
    assume(np.ptp(returns) > 0)
    assert close(sharpe(returns), empyrical.sharpe_ratio(returns, annualization=365))
    assert close(volatility(returns), empyrical.annual_volatility(returns, annualization=365))
    if (returns < 0).any():
        assert close(sortino(returns), empyrical.sortino_ratio(returns, annualization=365))


@given(returns_of_days)
def test_growth_drawdown_and_calmar_are_those_of_empyrical(returns):
    equity = np.concatenate(([1.0], np.cumprod(1 + returns)))
    growth = annual_growth(equity[-1] - 1, len(returns))
    deepest = float(drawdowns(equity).max())
    assert close(deepest, -empyrical.max_drawdown(returns))
    assume(not isinstance(growth, Absent))
    assert math.isclose(growth, empyrical.annual_return(returns, annualization=365), rel_tol=1e-9, abs_tol=1e-9)
    if deepest > 0:
        assert math.isclose(
            calmar(growth, deepest), empyrical.calmar_ratio(returns, annualization=365), rel_tol=1e-9, abs_tol=1e-9
        )


@pytest.mark.parametrize(
    ("figure", "reason"),
    [
        (sharpe(np.array([0.1])), "two days"),
        (sharpe(np.full(9, 0.001)), "nothing to divide"),
        (sortino(np.array([0.1, 0.0, 0.2])), "no day lost"),
        (volatility(np.empty(0)), "two days"),
        (calmar(0.2, 0.0), "never fell"),
        (calmar(Absent("why"), 0.1), "why"),
        (annual_growth(-1.0, 30), "lost"),
        (annual_growth(1e300, 1), "too large"),
        (annual_growth(0.1, 0), "no time"),
    ],
)
def test_what_does_not_exist_says_why(figure, reason):
    assert isinstance(figure, Absent)
    assert reason in figure.reason


def test_days_without_candles_have_no_row():
    hour = DAY_MS // 24
    time_ms = np.array([23 * hour, 24 * hour + 1, 5 * DAY_MS, 5 * DAY_MS + hour], dtype=np.int64)
    days = by_day(time_ms, np.array([110.0, 121.0, 90.0, 60.5]), 100.0)
    assert days.start_ms.tolist() == [0, DAY_MS, 5 * DAY_MS]
    assert days.returns == pytest.approx([0.1, 0.1, -0.5])


def test_a_curve_at_nothing_has_no_returns():
    with pytest.raises(ValueError, match="fell to nothing"):
        by_day(np.array([0, DAY_MS]), np.array([0.0, 5.0]), 100.0)


def test_under_water_reaches_from_the_last_peak_to_its_level():
    equity = np.array([1.0, 3.0, 3.0, 2.0, 2.5, 3.0, 1.0])
    time_ms = np.arange(7, dtype=np.int64) * DAY_MS
    assert under_water(time_ms, equity, 3) == (2 * DAY_MS, 5 * DAY_MS, True)
    assert under_water(time_ms, equity, 6) == (5 * DAY_MS, 6 * DAY_MS, False)
    assert under_water(time_ms, equity, 3).days == 3
