"""The papers' own numbers, and what must hold for any."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.overfitting import (
    Honesty,
    Moments,
    deflated_sharpe,
    effective_trials,
    expected_maximum_sharpe,
    judge,
    moments,
    overfitting,
    probabilistic_sharpe,
)
from backtest.ratios import Absent
from backtest.windows import walk_forward

DAILY = 1 / math.sqrt(250)
PAPER = Moments(length=1250, sharpe=2.5 * DAILY, skewness=-3.0, kurtosis=10.0)
VARIANCE = 0.5 / 250


def test_the_worked_example_of_the_deflated_sharpe_ratio():
    """Bailey and Lopez de Prado (2014): the numerical example."""
    assert expected_maximum_sharpe(100, VARIANCE) == pytest.approx(0.1132, abs=5e-5)
    assert probabilistic_sharpe(PAPER, expected_maximum_sharpe(100, VARIANCE)) == pytest.approx(0.9004, abs=5e-5)
    assert probabilistic_sharpe(PAPER, expected_maximum_sharpe(46, VARIANCE)) == pytest.approx(0.9505, abs=5e-5)
    normal = PAPER._replace(skewness=0.0, kurtosis=3.0)
    assert probabilistic_sharpe(normal, expected_maximum_sharpe(88, VARIANCE)) == pytest.approx(0.9505, abs=5e-5)


@given(st.integers(0, 1000), st.floats(1, 500), st.floats(1.01, 50), st.floats(1e-6, 1e-2))
def test_more_trials_make_the_same_sharpe_ratio_worth_less(seed, trials, factor, variance):
    returns = np.random.default_rng(seed).normal(0.001, 0.01, 120)
    few, many = (deflated_sharpe(returns, count, variance) for count in (trials, trials * factor))
    assert 0 <= many <= few <= 1


def noise(seed=0, days=320, trials=40):
    return np.random.default_rng(seed).normal(0, 0.01, (days, trials))


def test_the_best_of_noise_is_told_to_be_luck():
    found = [overfitting(noise(seed), blocks=10).probability for seed in range(8)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.12)
    returns = noise(1)
    winner = int((returns.mean(axis=0) / returns.std(axis=0)).argmax())
    verdict = judge(returns, winner, blocks=10)
    assert verdict.is_probably_luck
    assert "probably luck" in verdict.sentence
    assert verdict.effective_trials == pytest.approx(40, rel=0.1)


def test_one_that_is_truly_better_is_told_apart():
    returns = noise(2)
    returns[:, 7] += 0.006
    verdict = judge(returns, 7, blocks=10)
    assert verdict.overfitting == 0
    assert verdict.deflated_sharpe > 0.99
    assert not verdict.is_probably_luck
    assert "not mere luck" in verdict.sentence


def test_equal_trials_count_as_one():
    one = noise(3, trials=1)
    assert effective_trials(np.repeat(one, 30, axis=1)) == pytest.approx(1)
    assert effective_trials(np.zeros((50, 4))) == 0


def test_what_cannot_be_told_says_why_and_is_no_proof():
    assert isinstance(moments(np.zeros(9)), Absent)
    assert isinstance(overfitting(noise(days=20), blocks=16), Absent)
    assert isinstance(overfitting(noise(trials=1)), Absent)
    unknown = judge(np.zeros((10, 1)), 0)
    assert unknown.is_probably_luck
    assert "cannot be told" in unknown.sentence
    with pytest.raises(ValueError, match="even"):
        overfitting(noise(), blocks=7)
    good = {"trials": 9, "effective_trials": 5.0}
    assert not Honesty(deflated_sharpe=0.96, overfitting=0.5, **good).is_probably_luck
    assert Honesty(deflated_sharpe=0.96, overfitting=0.51, **good).is_probably_luck
    assert Honesty(deflated_sharpe=0.94, overfitting=0.1, **good).is_probably_luck


lengths = st.integers(1, 50)


@given(st.integers(0, 500), lengths, lengths, st.integers(0, 20), st.booleans())
def test_walking_forward_judges_later_than_it_searches_and_nothing_twice(data, search, judged, embargo, anchored):
    until = data + search + judged + embargo
    splits = list(walk_forward(0, until, search_ms=search, judge_ms=judged, embargo_ms=embargo, anchored=anchored))
    assert splits
    for split in splits:
        assert split.search_from_ms < split.search_until_ms == split.judge_from_ms - embargo
        assert split.judge_from_ms < split.judge_until_ms <= until
        assert anchored is False or split.search_from_ms == 0
    for one, other in pairwise(splits):
        assert one.judge_until_ms == other.judge_from_ms
    with pytest.raises(ValueError, match="too short"):
        list(walk_forward(0, search + judged + embargo - 1, search_ms=search, judge_ms=judged, embargo_ms=embargo))
