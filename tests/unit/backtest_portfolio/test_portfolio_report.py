"""What a portfolio's replay is measured by and told as."""

import io
import json
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest
from rich.console import Console

from backtest.portfolio import page, telling
from backtest.portfolio.options import parse, requests_of, wanted_of
from backtest.portfolio.study import Source, correlations, fall_of, study_portfolio
from backtest.portfolio.terminal import show
from backtest.ratios import DAY_MS, Absent
from backtest.report.facts import to_json
from backtest.result import GainCurve, RanBy
from backtest.rules_source import UsedRules
from backtest.scenario import Fees
from domain.errors import InvalidRequest
from fakes.portfolio_examples import Shape, portfolio
from fakes.replay_examples import bnb_walk, walk


@pytest.fixture(scope="module")
def found():
    shapes = [Shape(seed=4), Shape(seed=5, skipped=10), Shape(seed=6, capital=6_000)]
    fees = Fees(bnb_market=bnb_walk(9, walk(1, 2_000)))
    members = portfolio(shapes, quote=Decimal(11_000), count=2_000, fees=fees, bnb=Decimal("0.1"))
    sources = [
        Source(UsedRules(member.scenario.rules, "a test", date(2024, 8, 1)), f"of </script> {member.symbol}")
        for member in members
    ]
    return study_portfolio(members, sources, max_exposure=Decimal(11_500), form=RanBy.PLAIN)


def test_the_total_is_the_sum_of_its_grids_to_the_last_digit(found):
    total = found.total
    assert total.equity_change == sum(one.money.equity_change for one in found.measures)
    earned = total.grid_profit + total.inventory_change - total.fees
    assert total.equity_change == earned + total.fee_asset_revaluation + total.residual
    assert total.fee_asset_revaluation != 0
    assert total.end_quote == total.free_quote + total.reserved_quote
    bnb = sum(
        book.fees_by_asset["BNB"] * book.fee_prices["BNB"] for book in (one.books for one in found.together.results)
    )
    assert total.end_equity == total.end_quote + total.inventory_value - bnb
    assert int(found.curve.change[-1]) * found.curve.unit == total.equity_change
    assert sum(month.gain for month in found.months) == total.equity_change
    assert total.residual == 0
    assert found.bounds is not None
    assert found.risk.max_drawdown_quote == found.risk.max_drawdown_quote.normalize()


def test_a_grid_that_starts_later_counts_nothing_before(found):
    later = found.symbols.index("BBBUSDT")
    assert not found.gains[later][:10].any()
    assert not found.at_risk[later][:10].any()
    assert found.at_risk[later][10] > 0
    (told,) = [line for line in telling.warnings(found) if line.startswith("BBBUSDT has prices from ")]
    assert re.search(r"from \d{4}-\d\d-\d\d \d\d:\d\d on;", told), "a day alone says nothing within the first one"


def test_the_deepest_fall_is_exact_and_relative():
    curve = GainCurve(time_ms=np.arange(6), change=np.array([0, 100, 50, 300, 230, 400]), unit=Decimal("0.01"))
    fall = fall_of(curve, Decimal(1), -5)
    assert (fall.peak, fall.trough, fall.peak_ms, fall.trough_ms) == (Decimal(2), Decimal("1.50"), 1, 2)
    assert fall_of(replace(curve, change=np.arange(6)), Decimal(1), -5).trough_ms is None
    down = fall_of(replace(curve, change=np.array([-60, -20, -10, 0, 10, 20])), Decimal(1), -5)
    assert (down.peak, down.trough, down.peak_ms, down.trough_ms) == (Decimal(1), Decimal("0.40"), -5, 0)


def test_correlations_are_of_daily_changes():
    days = np.array([0, 5, 9, 2, 8, 30])
    curve = GainCurve(time_ms=np.arange(1, 7) * DAY_MS - 1, change=days, unit=Decimal(1))
    ((one, same, against, still), *_) = correlations(np.stack([days, days * 3, -days, days * 0]), curve)
    assert (one, same, against) == pytest.approx((1, 1, -1))
    assert isinstance(still, Absent)


def test_page_json_terminal_and_tables_tell_the_same(found, tmp_path):
    files = page.write_all(found, tmp_path)
    assert [file.name for file in files] == ["result.json", "fills.parquet", "equity.parquet", "report.html"]
    told = json.loads(files[0].read_text(), parse_constant=pytest.fail)
    assert told == json.loads(to_json(telling.facts_of(found)))
    assert [grid["symbol"] for grid in told["grids"]] == list(found.symbols)
    assert sum(Decimal(grid["money"]["equity_change"]) for grid in told["grids"]) == found.total.equity_change
    assert len(told["correlations"]) == 3
    fills = pl.read_parquet(files[1])
    assert len(fills) == found.total.buys + found.total.sells
    equity = pl.read_parquet(files[2])
    assert equity["change_units"][-1] * Decimal(equity["unit"][-1]) == found.total.equity_change
    text = files[3].read_text()
    assert "of </script>" not in text
    assert "Do they move together?" in text
    out = io.StringIO()
    show(found, files, Console(file=out, width=80))
    printed = out.getvalue()
    assert "together" in printed
    assert "…" not in printed
    assert "The plans need" in printed


def test_figures_are_what_plotly_takes(found):
    for figure in (page.equity_figure(found), page.grids_figure(found), page.risk_figure(found)):
        text = json.dumps(figure, allow_nan=False)
        go.Figure(json.loads(re.sub(r'"\$\w+(:[0-9a-f]{2})?"', '"#123456"', text)))
    stacked = page.risk_figure(found)["data"][:-1]
    highest = max(map(sum, zip(*(trace["y"] for trace in stacked), strict=True)))
    assert highest == pytest.approx(float(found.total.most_at_risk), rel=1e-6)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "grid_of: which grids"),
        (("--grid-of", "BTCUSDT"), "grid_of: 'BTCUSDT' is no SYMBOL=FILE"),
        (("--grid-of", "BTCUSDT=nowhere.yaml"), "grid: nowhere.yaml cannot be read"),
        (("--grids", "{flat}"), "grids: .* must hold a grid's keys"),
        (("--grids", "{both}", "--grid-of", "btcusdt={flat}"), "grid_of: BTCUSDT is named twice"),
        (("--grids", "{both}", "--data-of", "SOLUSDT=x.csv"), "data_of: no grid trades SOLUSDT; there are BTCUSDT"),
    ],
)
def test_wrong_words_are_refused(words, said, tmp_path):
    flat, both = tmp_path / "flat.yaml", tmp_path / "both.yaml"
    flat.write_text("initial_levels: 9\nspacing_perc: 1\n")
    both.write_text("BTCUSDT: {initial_levels: 9, spacing_perc: 1}\nETH/USDT: {initial_levels: 9, spacing_perc: 1}\n")
    with pytest.raises(InvalidRequest, match=said):
        wanted_of(parse(["--capital", "9", *(word.format(flat=flat, both=both) for word in words)], "test"))


def test_a_grid_without_a_size_gets_an_equal_share_and_mistakes_name_their_grid():
    instruments = {member.symbol: member.scenario.rules.instrument for member in portfolio([Shape(), Shape()], count=9)}
    keys = {"initial_levels": 9, "spacing_perc": 1}
    requests = requests_of({"AAAUSDT": keys, "BBBUSDT": keys | {"capital": 5}}, instruments, Decimal("100.00000001"))
    assert [request.capital for request in requests.values()] == [Decimal(50), Decimal(5)]
    with pytest.raises(InvalidRequest, match=r"BBBUSDT\.initial_levls: is not known"):
        requests_of({"AAAUSDT": keys, "BBBUSDT": {"initial_levls": 3}}, instruments, Decimal(1))
