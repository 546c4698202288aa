"""Curve, drawdown and range: what blocks of candles skip must not show."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest.batch import run_many
from backtest.core.equity import is_deeper, wide_product
from backtest.price_path import PricePath
from backtest.result import FEE_IN_BASE, FEE_IN_BNB, FEE_IN_QUOTE, SELL, Result
from backtest.run import run_on
from backtest.scenario import Fees, FillAssumption, FillKind, PathRule
from domain.money import exact
from fakes.replay_examples import MINUTE_MS, bnb_price_at, bnb_walk, candles, fifo_books, scenario, walk

BIG = st.integers(0, 2**62 - 1)


@given(a=BIG, b=BIG)
def test_a_wide_product_is_the_product(a: int, b: int):
    high, low = wide_product(a, b)
    assert (high << 62) + low == a * b
    assert 0 <= low < 2**62


@given(peak=BIG, trough=BIG, worst_peak=BIG, worst_trough=BIG)
def test_falls_are_compared_without_rounding(peak: int, trough: int, worst_peak: int, worst_trough: int):
    peak, trough = max(peak, trough, 1), min(peak, trough)
    worst_peak, worst_trough = max(worst_peak, worst_trough, 1), min(worst_peak, worst_trough)
    deeper = Fraction(peak - trough, peak) > Fraction(worst_peak - worst_trough, worst_peak)
    assert is_deeper(peak, trough, worst_peak, worst_trough) is deeper


@exact
def naive_curve(result: Result, closes: list[Decimal], times: list[int]) -> list[tuple[Decimal, Decimal]]:
    """Return gain and base at every close, fill by fill."""
    its, rows = result.scenario.rules, result.fills.rows.tolist()
    curve, cash, base, index = [], Decimal(0), Decimal(0), 0
    paid = Decimal(0)
    for close, time_ms in zip(closes, times, strict=True):
        while index < len(rows) and rows[index][0] <= time_ms:
            _, _, side, ticks, lots, fee_units, asset = rows[index]
            paid += Decimal(fee_units).scaleb(-8) * (asset == FEE_IN_BNB)
            sign = -1 if side == SELL else 1
            fee = Decimal(fee_units).scaleb(-8)
            cash -= sign * its.price(ticks) * its.quantity(lots) + fee * (asset == FEE_IN_QUOTE)
            base += sign * its.quantity(lots) - fee * (asset == FEE_IN_BASE)
            index += 1
        bnb = bnb_price_at(result.scenario, time_ms, MINUTE_MS) or Decimal(0)
        curve.append((cash + base * close - paid * bnb, base))
    return curve


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    step=st.sampled_from([6, 25, 80]),
    fees=st.sampled_from([Fees(), Fees(0, 0), Fees(750, 1_000, Decimal("612.37")), None]),
    kind=st.sampled_from(FillKind),
    path=st.sampled_from(PathRule),
    start_base=st.sampled_from(["0", "3.5"]),
)
def test_curve_drawdown_and_range_are_those_of_every_single_candle(
    seed: int, step: int, fees: Fees | None, kind: FillKind, path: PathRule, start_base: str
):
    market = walk(seed, 300, step=step)
    balances = {"USDT": Decimal(10_000), "TST": Decimal(start_base), "BNB": Decimal("0.01")}
    fees = fees or Fees(750, 1_000, bnb_market=bnb_walk(seed, market))
    wanted = scenario(market, fees=fees, fill=FillAssumption(kind, 2_000), path=path, balances=balances)
    result = run_on(PricePath.of(market, wanted), wanted, curve=True)
    closes = [Decimal(int(close)).scaleb(-8) for close in market.close]
    times = (market.open_ms + 59_999).tolist()
    expected = naive_curve(result, closes, times)
    assert result.curve is not None
    assert result.curve.time_ms.tolist() == times
    assert [int(change) * result.curve.unit for change in result.curve.change] == [gain for gain, _ in expected]
    assert [Decimal(int(base)).scaleb(-8) for base in result.curve.base] == [base for _, base in expected]
    assert_drawdown(result, closes, times, [gain for gain, _ in expected])
    assert result.books.equity_change == expected[-1][0]
    assert result.books == replace(fifo_books(result, closes[-1]), **of_the_grid(result))
    low, high = wanted.plan.prices[0], wanted.plan.prices[-1]
    assert result.candles_in_range == sum(low <= close <= high for close in closes)


def of_the_grid(result: Result) -> dict[str, Any]:
    """Return what books of fills alone do not know."""
    return {name: getattr(result.books, name) for name in ("cycles", "dust", "hold_change", "versus_hold")}


@exact
def assert_drawdown(result: Result, closes: list[Decimal], times: list[int], gains: list[Decimal]) -> None:
    before = result.scenario.balances
    equity = [before["USDT"] + before["TST"] * close + gain for close, gain in zip(closes, gains, strict=True)]
    start = result.start_equity
    peak, deepest = start, Fraction(0)
    for value in equity:
        peak = max(peak, value)
        deepest = max(deepest, 1 - Fraction(value) / Fraction(peak))
    found = result.drawdown
    if deepest == 0:
        assert found.peak_ms is None
        return
    assert Fraction(found.amount) / Fraction(found.peak) == deepest
    assert found.peak_ms is not None
    assert found.trough_ms is not None
    is_start = found.peak_ms == result.start_ms
    assert found.peak == (start if is_start else equity[times.index(found.peak_ms)])
    assert equity[times.index(found.trough_ms)] == found.trough


def test_a_batch_holds_what_single_replays_hold():
    market = walk(4, 3_000, step=25)
    wanted = [
        scenario(market, levels=levels, spacing_percent=Decimal(spacing), path=path)
        for levels in (3, 8, 21)
        for spacing in ("0.3", "0.9")
        for path in PathRule
    ]
    path = PricePath.of(market, wanted[0])
    batch = run_many(path, wanted, threads=2)
    columns = batch.columns()
    for index, one in enumerate(wanted):
        single = run_on(path, one, curve=True)
        assert batch.books(index) == single.books
        assert batch.drawdown(index) == single.drawdown
        assert columns["equity_change"][index] == float(single.books.equity_change)
        assert columns["grid_profit"][index] == float(single.books.grid_profit)
        assert columns["versus_hold"][index] == float(single.books.versus_hold)
        assert columns["max_drawdown"][index] == pytest.approx(single.drawdown.fraction, rel=1e-15)
        assert columns["time_in_range"][index] == single.time_in_range
        assert single.curve is not None
        rows = np.searchsorted(single.curve.time_ms, batch.marked_ms)
        daily = single.curve.change_quote[rows] + float(single.start_equity)
        np.testing.assert_allclose(batch.equity[index], daily, rtol=1e-14)
    assert len(batch.marked_ms) == 3  # the ends of two days and the end


def test_a_batch_of_different_rules_is_refused():
    market = walk(4, 50)
    one, other = scenario(market), scenario(market, fill=FillAssumption(FillKind.THROUGH))
    with pytest.raises(ValueError, match="scenario 1 has other rules, another fill assumption or other delays"):
        run_many(PricePath.of(market, one), [one, other])


def test_an_empty_batch_is_empty():
    market = walk(4, 50)
    assert len(run_many(PricePath.of(market, scenario(market)), [])) == 0


def test_optimistic_fills_more_often_and_pessimistic_less():
    market = walk(9, 2_000, step=60)
    trades = {}
    for path in PathRule:
        wanted = scenario(market, path=path)
        trades[path] = run_on(PricePath.of(market, wanted), wanted).books.trades
    assert trades[PathRule.PESSIMISTIC] < trades[PathRule.CANDLE] < trades[PathRule.OPTIMISTIC]


def test_the_first_purchase_waits_for_its_price_and_a_later_open_makes_it():
    plan = scenario(candles([(10_000, 10_000, 10_000, 10_000)]))
    late = candles([(10_200, 10_200, 10_100, 10_100), (10_060, 10_060, 9_990, 9_990), (10_040, 10_100, 10_040, 10_060)])
    result = run_on(PricePath.of(late, plan), plan)
    first = result.fills.rows[0].tolist()
    assert (first[0], first[1], first[3]) == (late.open_ms[2], -1, 10_040)
    assert result.is_entered
    never = run_on(PricePath.of(late.between(late.start_ms, late.start_ms + 1), plan), plan)
    assert not never.is_entered
    assert never.books.trades == 0
