"""Walk-forward: where the windows lie, and what is said of what came of it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.data.series import DAY_MS
from backtest.objectives import parse_objectives
from backtest.overfitting import Honesty
from backtest.search.exploring import aims_of, winner_of
from backtest.search.finding import front_of
from backtest.search.forward import Step, sentence_of, splits_of, walk_section
from backtest.sweep.trials import SCHEMA, Trial
from backtest.windows import Split
from domain.errors import InvalidRequest
from fakes.backtest_studies import walk

YEAR = walk(365 * 24)
LUCK = Honesty(deflated_sharpe=0.2, overfitting=0.6, trials=9, effective_trials=4.0)


def trial(refusal: str | None = None, **measures: object) -> Trial:
    named = {**dict.fromkeys(SCHEMA, None), "refusal": refusal, **measures}
    total = measures.get("total_return", 0.0)
    return Trial(measures=named, returns=np.full(10, float(str(total)) / 10) if refusal is None else np.empty(0))


def step(searched: Trial, judged: Trial) -> Step:
    split = Split(YEAR.start_ms, YEAR.start_ms + 30 * DAY_MS, YEAR.start_ms + 31 * DAY_MS, YEAR.start_ms + 41 * DAY_MS)
    return Step(split=split, winner={"spacing_perc": "1"}, searched=searched, judged=judged, honesty=LUCK)


@given(count=st.integers(1, 20), train=st.integers(1, 6), embargo=st.integers(0, 5), anchored=st.booleans())
def test_judged_windows_follow_one_another_to_the_end_and_none_was_searched(
    count: int, train: int, embargo: int, anchored: bool
):
    splits = splits_of(YEAR, count, train=train, embargo_ms=embargo * DAY_MS, anchored=anchored)
    assert len(splits) == count
    assert splits[-1].judge_until_ms == YEAR.end_ms
    assert splits[0].search_from_ms >= YEAR.start_ms
    for before, after in pairwise(splits):
        assert after.judge_from_ms == before.judge_until_ms
    for split in splits:
        assert split.search_until_ms + embargo * DAY_MS == split.judge_from_ms
        assert split.search_until_ms - split.search_from_ms >= train * (split.judge_until_ms - split.judge_from_ms)
        assert (split.judge_until_ms - split.judge_from_ms) % DAY_MS == 0


def test_too_little_time_is_refused():
    with pytest.raises(InvalidRequest, match="too few for 9,999 splits"):
        splits_of(YEAR, 9999, train=3, embargo_ms=0)


def test_the_verdict_is_what_came_of_it():
    good, bad = trial(total_return=0.2, sharpe=1.0), trial(total_return=-0.1)
    assert "did not hold" in sentence_of([step(good, bad)])
    assert "held:" in sentence_of([step(good, trial(total_return=0.15))])
    assert "held in part" in sentence_of([step(good, trial(total_return=0.05))])
    assert "promised nothing" in sentence_of([step(bad, good)])
    refused = trial("capital: too little")
    assert "could have been started" in sentence_of([step(good, refused)])
    section = walk_section([step(good, refused), step(good, bad)], parse_objectives("return"), "USDT")
    assert all(len(row) == len(section.columns) for row in section.rows)
    assert section.rows[0][4] == "not started: capital: too little"
    assert section.rows[1][-1] == "may be"
    assert section.rows[1][3:5] == ["+20.00 %", "-10.00 %"]
    assert "0 of 1 gained" in section.text


def test_the_winner_is_the_best_in_the_first_aim_of_what_nothing_beats():
    aims = parse_objectives("return,drawdown")
    trials = [
        trial(total_return=0.1, max_drawdown=0.3),
        trial(total_return=0.3, max_drawdown=0.5),
        trial("refused"),
        trial(total_return=0.3, max_drawdown=0.4),
        trial(total_return=0.2, max_drawdown=0.1),
        trial(total_return=0.5),
    ]
    assert aims_of(trials[2], aims) is None
    assert aims_of(trials[5], aims) is None
    assert front_of(trials, aims) == [3, 4]
    assert winner_of(trials, aims, [3, 4]) == 3
    assert winner_of(trials, tuple(reversed(aims)), [3, 4]) == 4
