"""Looks for a grid: ladders as wide as prices usually move, replayed; the best is judged on days that chose nothing.

The measure, in percent of the capital: what a grid earned beyond simply holding its first purchase, fees and funding
paid, less half of the account's deepest fall. Means over several starts are compared, so that one lucky start does not
win, and what lies within the noise of these means is told as such.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, stdev
from typing import Final

import numpy as np

from backtest.batch import Batch, run_many
from backtest.candles import BadCandles, Candles
from backtest.data.series import DAY_MS
from backtest.price_path import PricePath
from backtest.scenario import Scenario
from backtest.suggest_inputs import Search, volatility
from domain.errors import FieldMistake, InvalidRequest
from domain.grids import Books
from domain.instrument import FeeRates
from grid.core.shapes import Shape, Volatility, least_spacing, shapes

MEASURE: Final = (
    "mean over several starts of: what the grid earned beyond holding its first purchase, fees and funding paid, less "
    "half of the account's deepest fall; in percent of the capital"
)
HELD_OUT_DAYS: Final = 7
_HELD_OUT_SHARE: Final = 0.3  # of a window that is too short for so many days
STARTS: Final = 4
_SHORTEST_START_MS: Final = DAY_MS
KEPT: Final = 8
_FALL_COUNTS: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One grid over one stretch; `books` is None where it could not be planned there, `refusal` says why."""

    name: str
    from_ms: int
    until_ms: int
    books: Books | None = None
    fall_percent: float = 0.0
    in_range: float = 0.0
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A ladder that was replayed: its measure at each start, the noise of its lead, what it did over each stretch.

    `within_noise`: the best one's lead over it is no larger than the standard error of that lead.
    """

    shape: Shape
    scores: tuple[float, ...]
    within_noise: bool = False
    outcomes: tuple[Outcome, ...] = ()

    @property
    def score(self) -> float:
        return fmean(self.scores)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """All ladders, the best first, the first `KEPT` with outcomes. `chosen_on` and `held_out` do not overlap."""

    search: Search
    moves: Volatility
    chosen_on: Candles
    held_out: Candles
    starts: int
    ranked: tuple[Ranked, ...]
    refused: int


def find(search: Search) -> Found:
    """Rank the ladders that preflight passes at the present price.

    Raises:
        BadCandles: for candles too few to choose and to judge on, or that the rules do not fit.
        InvalidRequest: if preflight passes none, with what it has against the one that is cheapest to pay.
    """
    chosen_on, held_out = _split(search.candles)
    moves = volatility(chosen_on)
    able, refused = _able(search, moves)
    starts = _starts(chosen_on)
    played = [_play(search, able, part) for part in starts]
    able = [shape for shape in able if all(shape in scores for scores in played)]
    if not able:
        raise InvalidRequest([FieldMistake("capital", "no ladder could be paid at every start; give more capital")])
    rows = [Ranked(shape=shape, scores=tuple(scores[shape] for scores in played)) for shape in able]
    rows.sort(key=lambda row: -row.score)
    rows = [_beside(row, rows[0]) for row in rows]
    kept = list(_judged(search, rows[:KEPT], chosen_on, held_out))
    return Found(
        search=search,
        moves=moves,
        chosen_on=chosen_on,
        held_out=held_out,
        starts=len(starts),
        ranked=(*kept, *rows[KEPT:]),
        refused=refused,
    )


def stretches(candles: Candles, chosen_on: Candles, held_out: Candles) -> Iterator[tuple[str, Candles]]:
    """Yield what is told of a grid: the days it was chosen on, those held out, the last 7 and the last 30."""
    yield "chosen_on", chosen_on
    yield "held_out", held_out
    yield "last_7_days", candles.between(max(candles.start_ms, candles.end_ms - 7 * DAY_MS), candles.end_ms)
    yield "last_30_days", candles.between(max(candles.start_ms, candles.end_ms - 30 * DAY_MS), candles.end_ms)


def _split(candles: Candles) -> tuple[Candles, Candles]:
    span_ms = candles.end_ms - candles.start_ms
    held_ms = min(HELD_OUT_DAYS * DAY_MS, int(span_ms * _HELD_OUT_SHARE))
    cut_ms = candles.end_ms - held_ms
    chosen_on = candles.between(candles.start_ms, cut_ms)
    if len(chosen_on) * candles.interval_ms < _SHORTEST_START_MS:
        raise BadCandles(
            f"{candles.symbol} has {len(candles)} candles of the last 30 days, too few to choose a grid on; "
            "wait until it has traded for two days"
        )
    return chosen_on, candles.between(cut_ms, candles.end_ms)


def _able(search: Search, moves: Volatility) -> tuple[list[Shape], int]:
    """Return the ladders that preflight passes, and how many it does not."""
    given, able, why = search.given, [], None
    wanted = shapes(moves, least_spacing(FeeRates(given.maker_rate, given.taker_rate), given.rules.tick, given.price))
    for shape in wanted:
        try:
            search.check(shape)
        except InvalidRequest as error:
            why = why or error
        else:
            able.append(shape)
    if not able and why is not None:
        raise why
    return able, len(wanted) - len(able)


def _starts(chosen_on: Candles) -> list[Candles]:
    """Return the parts that a grid is started anew in, of equal length; one that is mostly missing is left out."""
    span_ms = chosen_on.end_ms - chosen_on.start_ms
    count = max(1, min(STARTS, span_ms // _SHORTEST_START_MS))
    edges = [chosen_on.start_ms + span_ms * number // count for number in range(count + 1)]
    parts = []
    for from_ms, until_ms in pairwise(edges):
        try:
            part = chosen_on.between(from_ms, until_ms)
        except BadCandles:
            continue
        if len(part) * chosen_on.interval_ms * 2 > until_ms - from_ms:
            parts.append(part)
    return parts or [chosen_on]


def _play(search: Search, able: Sequence[Shape], part: Candles) -> dict[Shape, float]:
    """Return the measure of every ladder that fits at the part's start."""
    scenarios: dict[Shape, Scenario] = {}
    for shape in able:
        try:
            scenarios[shape] = search.scenario(shape, part)
        except InvalidRequest:
            continue
    if not scenarios:
        return {}
    batch = _replayed(part, list(scenarios.values()))
    columns = batch.columns()
    earned = columns["versus_hold"] / columns["start_equity"]
    measured = 100 * (earned - _FALL_COUNTS * columns["max_drawdown"])
    return dict(zip(scenarios, np.asarray(measured, dtype=np.float64).tolist(), strict=True))


def _replayed(part: Candles, scenarios: Sequence[Scenario]) -> Batch:
    return run_many(PricePath.of(part, scenarios[0]), scenarios, threads=1)


def _beside(row: Ranked, best: Ranked) -> Ranked:
    leads = [mine - its for mine, its in zip(best.scores, row.scores, strict=True)]
    noise = stdev(leads) / len(leads) ** 0.5 if len(leads) > 1 else float("inf")
    is_within = row is not best and fmean(leads) <= noise
    return Ranked(shape=row.shape, scores=row.scores, within_noise=is_within)


def _judged(search: Search, rows: Sequence[Ranked], chosen_on: Candles, held_out: Candles) -> Iterator[Ranked]:
    by_row: list[list[Outcome]] = [[] for _ in rows]
    for name, part in stretches(search.candles, chosen_on, held_out):
        for mine, outcome in zip(by_row, _outcomes(search, rows, name, part), strict=True):
            mine.append(outcome)
    for row, outcomes in zip(rows, by_row, strict=True):
        yield Ranked(shape=row.shape, scores=row.scores, within_noise=row.within_noise, outcomes=tuple(outcomes))


def _outcomes(search: Search, rows: Sequence[Ranked], name: str, part: Candles) -> list[Outcome]:
    scenarios: list[Scenario] = []
    places: list[int | str] = []
    for row in rows:
        try:
            scenarios.append(search.scenario(row.shape, part))
            places.append(len(scenarios) - 1)
        except InvalidRequest as error:
            places.append(str(error))
    batch = _replayed(part, scenarios) if scenarios else None
    columns = batch.columns() if batch is not None else {}
    told = []
    for place in places:
        if batch is None or isinstance(place, str):
            told.append(Outcome(name=name, from_ms=part.start_ms, until_ms=part.end_ms, refusal=str(place)))
            continue
        told.append(
            Outcome(
                name=name,
                from_ms=part.start_ms,
                until_ms=part.end_ms,
                books=batch.books(place),
                fall_percent=100 * float(columns["max_drawdown"][place]),
                in_range=float(columns["time_in_range"][place]),
            )
        )
    return told
