"""The page: one HTML file that needs nothing else, not even a network."""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from backtest.report import figures, glossary, sentences
from backtest.report.doubts import warnings
from backtest.report.facts import facts_of, moment, to_json
from backtest.report.windows import windows_figure, windows_sentence
from backtest.result import BUY, SELL, Result
from backtest.scenario import Scenario
from backtest.study import Study
from backtest.whole_files import write_text
from backtest.wording import counted
from domain.grids import GridPlan
from domain.money import plain
from domain.orders import Side

_CARDS: Final = (
    "equity_change",
    "annual_return",
    "versus_hold",
    "max_drawdown",
    "sharpe",
    "cycles",
)
_ADDED: Final = (
    "equity_change",
    "grid_profit",
    "inventory_change",
    "fees",
    "funding",
    "fee_asset_revaluation",
    "hold_change",
    "versus_hold",
    "all_in_change",
)


def write_report(study: Study, file: Path) -> None:
    """Write the page; the file appears whole or not at all.

    Raises:
        OSError: if it cannot be written.
    """
    write_text(file, html_of(study))


def html_of(study: Study) -> str:
    """Return the page as text."""
    quote = study.rules.rules.instrument.quote
    drawn = {
        "equity": figures.equity_figure(study),
        "price": figures.price_figure(study),
        "money": figures.money_figure(study),
    }
    of_windows = windows_figure(study)
    if of_windows is not None:
        drawn["windows"] = of_windows
    groups = [
        {"title": group.title, "rows": list(glossary.rows(study.measures, group, quote))} for group in glossary.GROUPS
    ]
    every = {row.name: row for group in groups for row in group["rows"] if isinstance(row, glossary.Row)}
    fills = study.result.fills
    return render(
        "study.html",
        title=f"Back-test {sentences.name_of(study.result)}",
        badges=_badges(study),
        footer=(
            f"Gridhive back-test, made {moment(study.made_ms)} · trades hash {study.result.trades_hash} · "
            "what a grid did on past prices says little about what it will do on others"
        ),
        facts=facts_of(study),
        figures=drawn,
        headline=sentences.headline(study),
        is_gain=study.result.books.equity_change >= 0,
        cards=[_card(every, name) for name in _CARDS],
        warnings=warnings(study),
        bounds=list(_bounds(study)),
        is_thinned=any((fills.side == side).sum() > figures.MARKS for side in (BUY, SELL)),
        money=[every[name] for name in added(study)],
        months=list(_months(study)),
        windows_text=windows_sentence(study),
        has_windows=of_windows is not None,
        assumptions=sentences.assumptions(study),
        grid=_grid(study.result.scenario),
        groups=groups,
    )


def _card(every: Mapping[str, glossary.Row], name: str) -> glossary.Row:
    """Return one figure of the page's front; beside the deepest fall, in percent, stands its amount."""
    row = every[name]
    if name != "max_drawdown":
        return row
    return row._replace(text=f"{row.text} ({every['max_drawdown_quote'].text})")


def added(study: Study) -> list[str]:
    """Return the amounts that add up to the gain, by their names; what BNB was worth where that moved."""
    left_out = set() if study.measures.money.fee_asset_revaluation else {"fee_asset_revaluation"}
    if study.result.contract is None:
        left_out.add("funding")
    return [name for name in _ADDED if name not in left_out]


def render(template: str, *, facts: Mapping[str, Any], figures: Mapping[str, Any], **named: object) -> str:
    """Fill a page's template; everything is escaped but our own style and scripts."""
    from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]  # noqa: PLC0415 - five megabytes, for a page alone

    parts = files("backtest.report") / "page"
    names = ("base.html", "study.html", "sweep.html", "parity.html", "portfolio.html")
    loader = DictLoader({name: (parts / name).read_text("utf-8") for name in names})
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.get_template(template).render(
        **named,
        facts=embedded(facts),
        figures=embedded(figures),
        style=_ours("style.css"),
        script=_ours("script.js"),
        plotly=Markup(get_plotlyjs()),  # noqa: S704 - a library's text, with nothing of the user in it
    )


def embedded(told: Mapping[str, Any]) -> Markup:
    """Return JSON that may stand inside a script element, whatever texts it holds."""
    text = to_json(told).replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup(text)  # noqa: S704 - nothing in it can end the element


def _ours(name: str) -> Markup:
    return Markup((files("backtest.report") / "page" / name).read_text("utf-8"))  # noqa: S704 - our own file


def _badges(study: Study) -> list[str]:
    candles = study.candles
    plan = study.result.scenario.plan
    return [
        str(candles.market),
        f"{sentences.day(candles.start_ms)} to {sentences.day(candles.end_ms)}",
        f"{counted(len(candles), 'candle')} of {sentences.interval(candles.interval_ms)}"
        if study.trades is None
        else counted(study.trades.count, "trade"),
        f"{len(plan.prices)} rungs",
    ]


def _bounds(study: Study) -> Iterator[dict[str, object]]:
    if study.bounds is None:
        return
    readings = (
        ("pessimistic", study.bounds.pessimistic),
        ("as assumed", study.result),
        ("optimistic", study.bounds.optimistic),
    )
    for name, result in readings:
        yield {"name": name, **_reading(result)}


def _reading(result: Result) -> dict[str, object]:
    books = result.books
    return {
        "gain": sentences.amount(books.equity_change, signed=True),
        "is_loss": books.equity_change < 0,
        "cycles": f"{books.cycles:,}",
        "fees": sentences.amount(books.fees),
        "fall": sentences.percent(result.drawdown.fraction),
    }


def _months(study: Study) -> Iterator[dict[str, object]]:
    months = study.measures.months
    largest = max((abs(month.gain) for month in months), default=0)
    for month in months:
        share = month.total_return
        yield {
            "month": month.month,
            "gain": sentences.amount(month.gain, signed=True),
            "is_loss": month.gain < 0,
            "total_return": sentences.percent(share, signed=True) if isinstance(share, float) else "–",
            "width": round(float(abs(month.gain) / largest) * 100, 1) if largest else 0,
            "fall": sentences.percent(month.max_drawdown),
            "fills": f"{month.fills:,}",
        }


def _terms(scenario: Scenario) -> list[tuple[str, str]]:
    if scenario.contract is None:
        return []
    terms = scenario.terms
    return [
        ("direction", str(scenario.plan.request.direction)),
        ("leverage", f"{terms.leverage}x, {terms.margin_type} margin"),
    ]


def _quantities(plan: GridPlan) -> str:
    """Return what the cells hold: the least and the most of them where they differ."""
    least, most = min(plan.quantities), max(plan.quantities)
    return plain(least) if least == most else f"{plain(least)} to {plain(most)}"


def _grid(scenario: Scenario) -> list[tuple[str, str]]:
    plan, instrument = scenario.plan, scenario.rules.instrument
    quote, base = instrument.quote, instrument.base
    spacing = plan.request.spacing_percent
    return [
        ("rungs", str(len(plan.prices))),
        ("from", f"{plain(plan.prices[0])} {quote}"),
        ("to", f"{plain(plan.prices[-1])} {quote}"),
        ("spacing", f"{plan.request.spacing}" + ("" if spacing is None else f", {plain(spacing)} %")),
        ("quantity per rung", f"{_quantities(plan)} {base}"),
        ("sold first" if plan.entry_side is Side.SELL else "bought first", f"{plain(plan.entry_quantity)} {base}"),
        *_terms(scenario),
        ("start price", f"{plain(plan.start_price)} {quote}"),
        ("capital bound", f"{sentences.amount(plan.capital_needed)} {quote}"),
        ("profit per cycle as planned", f"{sentences.amount(plan.profit_per_cycle, signed=True)} {quote}"),
    ]
