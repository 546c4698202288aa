"""The page: words that fit the numbers, figures that plotly takes, nothing from outside, nothing that breaks out."""

import io
import json
import re
from dataclasses import replace
from decimal import Decimal

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plotly.offline import get_plotlyjs
from rich.console import Console

from backtest.overfitting import Honesty
from backtest.report import figures
from backtest.report.document import embedded, html_of
from backtest.report.doubts import few_cycles, too_small, warnings
from backtest.report.files import write_all
from backtest.report.heat import heat_figure, heat_map
from backtest.report.sentences import amount, assumptions, headline, percent, span
from backtest.report.sweep import Sweep, sweep_html, sweep_report
from backtest.report.sweep import headline as sweep_headline
from backtest.report.terminal import show
from backtest.report.thinning import extremes, marks, stretches
from backtest.report.windows import windows_figure, windows_sentence
from backtest.result import BUY, SELL
from backtest.study import Window, WindowLength
from backtest.wording import counted, times
from fakes.backtest_studies import START_MS, a_study, walk, without

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def study():
    windows = tuple(
        Window(
            from_ms=START_MS + day * DAY_MS,
            until_ms=START_MS + (day + 1) * DAY_MS,
            change=Decimal(day - 3),
            fraction=(day - 3) / 100,
            hold_fraction=0.01,
            cycles=day,
        )
        for day in range(9)
    )
    return replace(a_study(), windows=windows, window_length=WindowLength.DAY)


@pytest.fixture(scope="module")
def page(study):
    return html_of(replace(study, origin="from </script><script>alert(1)</script>.csv"))


def test_the_deepest_fall_stands_on_the_front_in_percent_with_its_amount(study, page):
    risk = study.measures.risk
    assert f'<b class="">{percent(risk.max_drawdown)} ({amount(risk.max_drawdown_quote)} USDT)</b>' in page


def test_the_deepest_point_drawn_is_the_fall_that_is_told(study):
    under = next(trace for trace in figures.equity_figure(study)["data"] if trace.get("yaxis") == "y2")
    assert -min(under["y"]) == pytest.approx(study.measures.risk.max_drawdown, rel=1e-8)


def plain_colours(value):
    text = re.sub(r'"\$\w+(:[0-9a-f]{2})?"', '"#123456"', json.dumps(value))
    return json.loads(text)


@pytest.mark.parametrize("draw", [figures.equity_figure, figures.price_figure, figures.money_figure, windows_figure])
def test_figures_are_valid_for_plotly(study, draw):
    figure = draw(study)
    go.Figure(plain_colours(figure))
    json.dumps(figure, allow_nan=False)


def test_the_page_needs_nothing_else_and_nothing_breaks_out_of_it(page):
    assert page.count("<script") == 4 + get_plotlyjs().count("<script")
    assert "alert(1)</script>" not in page
    own = page.replace(get_plotlyjs(), "")
    assert not re.search(r'(src|href)="(?!data:)', own)
    assert "https://" not in own
    told = json.loads(re.search(r'id="facts">(.*?)</script>', page, re.DOTALL)[1])
    assert told["market"]["origin"] == "from </script><script>alert(1)</script>.csv"
    assert set(json.loads(re.search(r'id="figures">(.*?)</script>', page, re.DOTALL)[1])) == {
        "equity",
        "price",
        "money",
        "windows",
    }


def test_json_in_the_page_cannot_end_its_element():
    text = embedded({"a": "</script><!--&"})
    assert "<" not in text
    assert json.loads(text) == {"a": "</script><!--&"}


def test_the_headline_says_the_numbers(study):
    books = study.result.books
    told = headline(study)
    assert ("earned" in told) == (books.equity_change >= 0)
    assert f"{abs(books.equity_change):,.2f} USDT" in told
    assert "40 days" in told
    assert amount(study.bounds.optimistic.books.equity_change, signed=True) in told
    assert "between" not in headline(replace(study, bounds=None))


def test_gaps_and_few_cycles_are_warned_of():
    series = without(walk(24 * 20), 100, 140)
    told = " ".join(warnings(a_study(series, bounds=False)))
    assert "40 candles (8.33 %) are missing" in told
    assert "another month" in told
    assert "40 are missing" in assumptions(a_study(series, bounds=False))[0]


def test_readings_are_not_called_bounds_where_candles_are_taller_than_a_step():
    """A price that goes to and fro within a candle closes more cycles than the longest way through its four prices."""
    told = a_study(walk(24 * 4), levels=40, spacing_percent=Decimal("0.25"))
    assert "may lie outside all readings" in " ".join(warnings(told))
    assert "Other readings of the same candles put it between" in headline(told)
    assert "The truth mostly lies" in html_of(told)


def test_one_is_written_as_one_and_none_in_words():
    assert few_cycles(0, "the grid") == "No cycle was closed, so nothing is known of how the grid trades."
    assert few_cycles(1, "the grid").startswith("Only 1 cycle was closed;")
    assert too_small(1) == "1 order was given up: below the exchange's minimum, or refused five times."
    assert [counted(number, "gap") for number in (0, 1, 1_200)] == ["no gaps", "1 gap", "1,200 gaps"]
    assert [times(number) for number in (1, 2, 3)] == ["Once", "Twice", "3 times"]
    told = " ".join([*warnings(found := a_study(without(walk(40), 7, 8), bounds=False)), *assumptions(found)])
    assert "1 candle (2.50 %) is missing, the longest gap is 1 hour" in told
    assert "39 candles of 1h" in told
    assert "1 is missing, in 1 gap." in told


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        ([], "The data holds no whole month, so the grid was started anew in none."),
        ([None], "The grid could not have been started in the only month."),
        ([None, None], "The grid could not have been started in any of 2 months."),
        ([0.1], "The same grid started anew in 1 month brought +10.00 %."),
        ([0.1, -0.1, 0.3], "at the price of each of 3 months: half of them brought more than +10.00 %"),
    ],
)
def test_windows_that_do_not_fit_are_told_in_words_and_not_drawn(study, windows, said):
    made = tuple(
        Window(from_ms=0, until_ms=1, change=None, fraction=fraction, hold_fraction=fraction, cycles=0)
        for fraction in windows
    )
    found = replace(study, window_length=WindowLength.MONTH, windows=made)
    assert said in windows_sentence(found)
    assert (windows_figure(found) is None) == (not any(windows))
    if not windows:
        text = html_of(found)
        assert said in text
        assert 'id="figure-windows"' not in text
        console = Console(width=200, record=True, file=io.StringIO(), highlight=False)
        show(found, [], console)
        assert said in console.export_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (span(1 / 24), "1 hour"),
        (span(1 / 1_440), "1 minute"),
        (span(5 / 1_440), "5 minutes"),
        (span(30 / 86_400), "30 seconds"),
        (span(0), "less than a second"),
        (amount(Decimal("1234.555")), "1,234.56"),
        (amount(Decimal("-0.004"), signed=True), "-0.004000"),
        (amount(Decimal(0), signed=True), "0.00"),
        (percent(-0.00001, signed=True), "0.00 %"),
        (percent(0.1234, signed=True), "+12.34 %"),
        (span(61), "61 days"),
        (span(1.5), "36 hours"),
        (span(2.25), "2.2 days"),
    ],
)
def test_numbers_are_written_for_people(text, said):
    assert text == said


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=500), st.integers(2, 60))
def test_thinning_keeps_ends_and_extremes(values, most):
    column = np.array(values)
    rows = extremes(column, most)
    assert (np.diff(rows) > 0).all()
    assert {0, len(column) - 1} <= set(rows.tolist())
    assert column[rows].min() == column.min()
    assert column[rows].max() == column.max()
    assert len(rows) <= max(most + 4, 4)


@given(st.integers(0, 99), st.integers(1, 40))
@settings(max_examples=10, deadline=None)
def test_stretches_and_marks_lose_nothing(seed, most):
    series = walk(24 * 8, seed=seed)
    parts = stretches(series.open_ms, series.low, series.high, series.close, most)
    assert len(parts.time_ms) <= most
    assert (parts.low.min(), parts.high.max()) == (series.low.min(), series.high.max())
    assert parts.close[-1] == series.close[-1]
    fills = a_study(series, bounds=False).result.fills
    for side in (BUY, SELL):
        found = marks(fills, side, most)
        assert found.fills.sum() == (fills.side == side).sum()
        assert set(found.price_ticks) == set(fills.price_ticks[fills.side == side])


def test_everything_is_written_exactly_into_a_folder(study, tmp_path):
    files = write_all(study, tmp_path / "new" / "folder")
    assert [file.name for file in files] == ["result.json", "fills.parquet", "equity.parquet", "report.html"]
    fills, equity = pl.read_parquet(files[1]), pl.read_parquet(files[2])
    assert fills.height == len(study.result.fills)
    signs = pl.when(pl.col("side") == "SELL").then(1).otherwise(-1)
    flow = fills.select((pl.col("quote_quantity") * signs).sum()).item()
    fees = fills.filter(pl.col("commission_asset") == "USDT")["commission"].sum()
    assert flow - fees == study.result.books.cash_flow
    assert equity.height == len(study.candles)
    last = equity.row(-1, named=True)
    assert int(last["change_units"]) * Decimal(last["unit"]) == study.result.books.equity_change
    assert not list(tmp_path.glob("**/*.part"))


def test_the_terminal_shows_the_same(study):
    console = Console(width=110, record=True, file=io.StringIO(), highlight=False)
    show(study, [], console)
    told = console.export_text()
    assert headline(study)[:40] in told
    assert all(word in told for word in ("pessimistic", "as assumed", "optimistic", "Sharpe ratio", "Order rules"))


def sweep(**named):
    random = np.random.default_rng(5)
    count = 400
    gain = random.normal(0, 100, count)
    table = pl.DataFrame(
        {
            "initial_levels": random.integers(3, 90, count),
            "spacing_perc": random.choice([0.3, 0.5, 1.0], count),
            "spacing_mode": random.choice(["geometric", "arithmetic"], count),
            "capital": [Decimal(1000)] * count,
            "equity_change": [None if row % 50 == 0 else Decimal(f"{value:.4f}") for row, value in enumerate(gain)],
            "max_drawdown": random.uniform(0, 0.3, count),
            "sharpe": np.where(gain > 0, gain, np.nan),
        }
    )
    keys = ("initial_levels", "spacing_perc", "spacing_mode", "capital")
    return Sweep(table=table, keys=keys, front=(1, 2), **named)


def test_a_sweep_shows_its_median_region_and_its_doubt(tmp_path):
    found = sweep(honesty=Honesty(deflated_sharpe=0.6, overfitting=0.6, trials=400, effective_trials=100.0))
    sweep_report(found, tmp_path / "sweep.html")
    page = (tmp_path / "sweep.html").read_text()
    assert "The winner is probably luck" in page
    assert "NaN" not in re.search(r'id="facts">(.*?)</script>', page, re.DOTALL)[1]
    drawn = json.loads(re.search(r'id="figures">(.*?)</script>', page, re.DOTALL)[1])
    assert set(drawn) == {"spread", "heat", "risk"}
    for figure in drawn.values():
        go.Figure(plain_colours({"data": figure["data"], "layout": figure["layout"]}))
    assert {"initial_levels|spacing_perc|equity_change", "spacing_perc|spacing_mode|max_drawdown"} <= set(
        drawn["heat"]["choices"]
    )
    told = sweep_headline(found)
    best = max(value for value in found.table["equity_change"] if value is not None)
    assert f"reached {amount(best, signed=True)} USDT" in told
    assert "8 could not have been started" in told
    assert "capital" not in told  # it never varied


def test_a_heat_map_tells_the_median_of_each_cell():
    table = pl.DataFrame({"x": [1, 1, 1, 2], "y": ["a", "a", "a", "b"], "gain": [1.0, 5.0, 3.0, 7.0]})
    assert heat_map(table, "x", "y", "gain") == (["1", "2"], ["a", "b"], [[3.0, None], [None, 7.0]])


@pytest.mark.parametrize(
    ("gains", "cell", "pointed_at"),
    [([1533.2, 12.5], ",.0f", ",.0f"), ([153.32, 12.5], ",.0f", ",.4~g"), ([0.1298, -0.02], ",.3~g", ",.4~g")],
)
def test_a_heat_map_writes_its_numbers_without_powers_of_ten(gains, cell, pointed_at):
    table = pl.DataFrame({"x": [1, 2], "y": ["a", "b"], "gain": gains})
    drawn = heat_figure(table, ["x", "y"], ["gain"])["data"][0]
    assert drawn["texttemplate"] == f"%{{z:{cell}}}"
    assert f"gain %{{z:{pointed_at}}}<" in drawn["hovertemplate"]


def test_a_sweep_of_which_nothing_ran_is_refused():
    empty = sweep().table.with_columns(equity_change=pl.lit(None, dtype=pl.Float64))
    with pytest.raises(ValueError, match="nothing to show"):
        sweep_html(Sweep(table=empty, keys=("spacing_perc",)))
    with pytest.raises(ValueError, match="lacks levels"):
        sweep_html(Sweep(table=empty, keys=("levels",)))
