"""What is suggested, as the API shows it."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import Field

from domain.errors import Conflict, InvalidRequest
from domain.grids import GridPlan
from domain.instrument import Market
from domain.money import plain
from ports.jobs import Job
from ports.suggest_job import SuggestParameters
from routes.formats import iso
from routes.job_views import JobView, facts_of
from routes.messages import say
from routes.schemas import GridBody
from routes.services import services
from routes.views import View


class WindowView(View):
    """A replay of the suggested grid over one stretch; amounts are exact texts in quote, null where it did not fit."""

    name: str = Field(description="chosen_on, held_out, last_7_days or last_30_days")
    start: str
    end: str
    seen_when_chosen: str = Field(description="all, part or none of it took part in the choice")
    refusal: str = Field(description="why no grid could be started there")
    equity_change: str | None = Field(None, description="what the account gained, fees and funding paid")
    hold_change: str | None = Field(None, description="what holding its first purchase would have gained")
    versus_hold: str | None = None
    grid_profit: str | None = Field(None, description="of closed cycles, before fees")
    fees: str | None = None
    funding: str | None = None
    cycles: int | None = None
    deepest_fall_perc: float | None = Field(None, description="percent of the account's peak")
    time_in_range_perc: float | None = None

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        rest = {name: value for name, value in told.items() if name not in ("from_ms", "until_ms")}
        return cls(start=iso(told["from_ms"]), end=iso(told["until_ms"]), **rest)


class CandlesView(View):
    """The candles it rests on."""

    interval: str
    count: int
    missing: int
    start: str
    end: str
    low: str
    high: str


class TriedView(View):
    """One of the best ladders; `score` is the measure's mean, `scores` that of each start."""

    levels: int
    spacing_perc: str
    score: float = Field(description="percent of the capital")
    scores: list[float]
    within_noise: bool = Field(description="the first one's lead over it may be chance")
    passes: bool | None = Field(
        description="whether a start would take it now; null: not looked at, a better one passes"
    )
    refusal: str = Field(description="why it would not")

    @classmethod
    def of(cls, row: Mapping[str, Any], *, passes: bool | None, refusal: str = "") -> Self:
        shown = {name: row[name] for name in ("levels", "spacing_perc", "score", "scores", "within_noise")}
        return cls(**shown, passes=passes, refusal=refusal)


class SuggestedView(View):
    """The best ladder that a start would take now."""

    start: dict[str, Any] | None = Field(description="body for POST /api/grid/start; null where none passes now")
    grid_range: str | None = Field(description="low - high of its rungs around the present price")
    levels: int | None
    spacing_perc: str | None = Field(description="percent between neighbouring rungs")
    capital_needed: str | None
    profit_per_cycle: str | None = Field(description="quote, after two maker fees")
    market_source: str
    measure: str = Field(description="what ladders are ranked by")
    assumptions: str
    candles: CandlesView
    hourly_range_perc: float = Field(description="mean true range of an hour")
    daily_move_perc: float = Field(description="standard deviation of a day's move")
    replayed: int = Field(description="how many ladders were tried")
    refused: int = Field(description="how many more preflight did not pass")
    starts: int = Field(description="how often each was started anew")
    windows: list[WindowView]
    ranked: list[TriedView] = Field(description="the best ladders, best first")
    warnings: list[str] = Field(description="why this may mislead")

    @classmethod
    def of(cls, given: SuggestParameters, told: Mapping[str, Any]) -> Self:
        """Check the ladders at the present price, best first, and suggest the first that passes."""
        tried, chosen = _first_that_passes(given, told["ranked"])
        candles, moves = told["candles"], told["volatility"]
        reasons: list[Mapping[str, Any]] = list(told["warnings"])
        windows: Sequence[Mapping[str, Any]] = ()
        plan, start = None, None
        if chosen is not None:
            row, plan = chosen
            reasons, windows, start = [*reasons, *row["warnings"]], row["windows"], _start(given, row)
        return cls(
            start=start,
            grid_range=None if plan is None else f"{plain(plan.prices[0])} - {plain(plan.prices[-1])}",
            levels=None if plan is None else len(plan.prices),
            spacing_perc=None if start is None else start["config"]["spacing_perc"],
            capital_needed=None if plan is None else plain(plan.capital_needed),
            profit_per_cycle=None if plan is None else plain(plan.profit_per_cycle),
            market_source=told["market_source"],
            measure=told["measure"],
            assumptions=told["assumptions"],
            candles=CandlesView(
                start=iso(candles["from_ms"]),
                end=iso(candles["until_ms"]),
                **{name: candles[name] for name in ("interval", "count", "missing", "low", "high")},
            ),
            hourly_range_perc=moves["hourly_range_perc"],
            daily_move_perc=moves["daily_move_perc"],
            replayed=told["replayed"],
            refused=told["refused"],
            starts=told["starts"],
            windows=[WindowView.of(window) for window in windows],
            ranked=tried,
            warnings=[*(say(it["key"], **it["values"]) for it in reasons), *(plan.warnings if plan else ())],
        )


class SuggestionView(JobView):
    """A search for a grid."""

    suggestion: SuggestedView | None = Field(description="once it has succeeded")

    @classmethod
    def of(cls, job: Job, suggestion: SuggestedView | None = None) -> Self:
        return cls(**facts_of(job), suggestion=suggestion)


def _start(given: SuggestParameters, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body by which the grid is started."""
    market = given.rules.instrument.market
    config: dict[str, Any] = {
        "initial_levels": row["levels"],
        "spacing_perc": row["spacing_perc"],
        "market_type": market.value,
        "capital": plain(given.capital),
    }
    if market is Market.FUTURES:
        terms = {"direction": given.direction, "leverage": given.leverage, "margin_type": given.margin_type}
        config |= {name: value for name, value in terms.items() if value is not None}
    return {"symbol": given.symbol, "config": config}


def _first_that_passes(
    given: SuggestParameters, rows: Sequence[Mapping[str, Any]]
) -> tuple[list[TriedView], tuple[Mapping[str, Any], GridPlan] | None]:
    """Check ladders, best first, by the very requests that would start them, until one passes."""
    views: list[TriedView] = []
    for number, row in enumerate(rows):
        body = GridBody.model_validate(_start(given, row))
        try:
            plan = services().commands.check_grid(body.request(given.rules.instrument, services().futures_direction))
        except (InvalidRequest, Conflict) as error:
            views.append(TriedView.of(row, passes=False, refusal=str(error)))
            continue
        views.append(TriedView.of(row, passes=True))
        views += [TriedView.of(rest, passes=None) for rest in rows[number + 1 :]]
        return views, (row, plan)
    return views, None
