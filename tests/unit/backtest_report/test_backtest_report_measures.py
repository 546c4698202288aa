"""Money measures are exact and add up; what is missing has its reason; JSON is strict."""

import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest.measures import days_of, measure
from backtest.ratios import Absent
from backtest.report.document import html_of
from backtest.report.doubts import warnings
from backtest.report.facts import facts_of, to_json
from backtest.report.sentences import headline
from domain.money import ZERO
from fakes.backtest_studies import a_study, candles, replayed, scenario, walk, without


@given(st.integers(0, 10_000), st.integers(30, 24 * 70), st.sampled_from([0.002, 0.01]))
@settings(max_examples=12, deadline=None)
def test_the_gain_is_the_sum_of_its_parts_and_of_its_months(seed, hours, sigma):
    series = walk(hours, seed=seed, sigma=sigma)
    result = replayed(series, scenario(series))
    found = measure(result, series)
    money = found.money
    assert money.equity_change == (
        money.grid_profit
        + money.inventory_change
        - money.fees
        + money.funding
        + money.fee_asset_revaluation
        + money.quote_rounding
        + money.residual
    )
    assert money.residual == 0
    assert sum((month.gain for month in found.months), ZERO) == money.equity_change
    assert sum(month.fills for month in found.months) == found.work.buys + found.work.sells == len(result.fills)
    assert money.end_equity == money.start_equity + money.equity_change
    if result.is_entered:
        assert money.versus_hold == money.equity_change - money.hold_change
    assert 0 <= found.risk.max_drawdown < 1
    assert set(found.absent) == {name for name, value in found.flat().items() if value is None} - {
        "max_drawdown_is_over",
        "worst_day_ms",
    }
    days = days_of(result)
    assert np.prod(1 + days.returns) == pytest.approx(float(money.end_equity / money.start_equity))


def test_a_still_market_has_reasons_instead_of_numbers():
    flat = {name: np.full(24 * 20, 40_000 * 10**8, dtype=np.int64) for name in ("open", "high", "low", "close")}
    series = candles(flat, np.ones(24 * 20))
    study = a_study(series, start_empty=True)
    found = study.measures
    assert found.work.cycles == 0
    assert found.absent["profit_per_cycle"] == "no cycle closed"
    assert "nothing to divide" in found.absent["sharpe"]
    assert "never fell" in found.absent["calmar"]
    assert "spot" in found.absent["liquidation_distance"]
    told = json.loads(to_json(facts_of(study)), parse_constant=pytest.fail)
    assert told["risk"]["sharpe"] is None
    assert told["absent"]["sharpe"] == found.absent["sharpe"]


def test_what_was_never_bought_first_is_not_told_as_held():
    series = walk(24 * 20, drift=0.002)
    study = a_study(series, start_empty=True)
    for one, reason in (
        (study, "started empty"),
        (replace(study, result=replace(study.result, is_entered=False)), "never made"),
    ):
        never = replace(one, measures=measure(one.result, series))
        told = facts_of(never)
        for name in ("hold_change", "versus_hold"):
            assert told["money"][name] is None
            assert reason in told["absent"][name]
        assert told["declared"]["versus_hold"] is None
        assert not any("Simply holding" in line for line in (headline(never), *warnings(never)))
        assert "Everything in BTC would have gained" in headline(never)
        assert "holding the first purchase" not in html_of(never)
    told = facts_of(a_study(series))
    assert told["money"]["versus_hold"] is not None
    assert "versus_hold" not in told["absent"]


def test_one_day_has_no_yearly_figures():
    series = walk(12)
    found = a_study(series).measures
    for name in ("annual_return", "sharpe", "sortino", "calmar", "volatility"):
        assert "14 days" in found.absent[name]
    assert found.risk.worst_day_ms is not None
    assert len(found.months) == 1


def test_without_a_curve_only_what_days_need_is_missing():
    series = walk(24 * 20)
    result = replayed(series, scenario(series), curve=False)
    found = measure(result, series)
    assert found.months == ()
    assert found.absent["exposure"] == found.absent["sharpe"] == "run without an equity curve"
    assert found.money.equity_change == result.books.equity_change
    assert isinstance(found.risk.calmar, float | Absent)


@pytest.mark.parametrize(("missing", "is_told"), [(24, True), (25, False)])
def test_over_gaps_nothing_is_told_per_year_or_day(missing, is_told):
    study = a_study(without(walk(24 * 20), 100, 100 + missing), bounds=False)
    rates = ("annual_return", "sharpe", "sortino", "calmar", "volatility", "cycles_per_day")
    told = json.loads(to_json(facts_of(study)))
    assert [name for name in rates if name not in told["absent"]] == (list(rates) if is_told else [])
    values = {**told["risk"], **told["work"]}
    assert all((values[name] is not None) is is_told for name in rates)
    warned = " ".join(told["warnings"])
    assert f"{missing} candles" in warned
    assert ("No figure per year" in warned) is not is_told
    if not is_told:
        assert told["absent"]["sharpe"].startswith("5.2 % of the window is missing, more than 5 %")
    assert found_daily(told)


def found_daily(told):
    return told["risk"]["worst_day"] is not None and told["risk"]["total_return"] is not None


def test_a_fall_right_from_the_start_counts():
    close = np.full(24 * 20, 40_000 * 10**8, dtype=np.int64)
    close[:48] = 36_000 * 10**8
    first = np.append(np.int64(40_000 * 10**8), close[1:])
    units = {"open": first, "high": first.copy(), "low": close, "close": close.copy()}
    study = a_study(candles(units, np.ones(len(close))), bounds=False, lower=Decimal(30_000), upper=Decimal(44_000))
    fall, risk = study.result.drawdown, study.measures.risk
    assert (fall.peak, fall.peak_ms) == (study.result.start_equity, study.candles.start_ms)
    assert risk.max_drawdown > 0
    assert risk.max_drawdown_is_over
    assert risk.max_drawdown_days == pytest.approx(2 + 1 / 24)  # to the close of the first hour that is back


def test_the_drawdown_lasts_until_its_peak_is_reached_again():
    series = walk(24 * 40, seed=3)
    found = a_study(series).measures
    assert found.risk.max_drawdown_days > 0
    assert found.risk.max_drawdown_is_over in (True, False)
    assert found.risk.max_drawdown_quote > 0


def test_facts_are_strict_json_with_exact_amounts():
    study = a_study()
    told = json.loads(to_json(facts_of(study)), parse_constant=pytest.fail)
    assert Decimal(told["money"]["equity_change"]) == study.result.books.equity_change
    assert told["declared"]["trades_hash"] == study.result.trades_hash
    assert told["bounds"]["pessimistic"]["cycles"] <= told["bounds"]["optimistic"]["cycles"]
    assert told["market"]["instrument"] == "binance:spot:BTC/USDT"
    assert told["assumed"]["rules"]["dated"] == "2024-02-01"
    nothing = replace(study.measures.risk, sharpe=float("nan"))
    broken = replace(study, measures=replace(study.measures, risk=nothing))
    with pytest.raises(ValueError, match="JSON compliant"):
        to_json(facts_of(broken))
