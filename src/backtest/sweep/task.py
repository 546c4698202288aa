"""A sweep's whole work in a form that any process can take a part of: rows in, a table out."""

import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import polars as pl

from backtest.candles import Candles
from backtest.compiled import cache_folder
from backtest.report.facts import json_value
from backtest.sweep import trials
from backtest.sweep.space import Space
from backtest.sweep.trials import Ground, Trials, key_columns, measure_columns

ROW: Final = "row"
RETURNS: Final = "daily_returns"
MOST_KEPT: Final = 1_000
"""Configurations whose daily returns are kept: enough for the tests for luck, and no more than memory bears."""
_COLUMNS: Final = ("open_ms", "open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """What is tried, and where."""

    ground: Ground
    space: Space

    @property
    def kept(self) -> frozenset[int]:
        """Return the rows whose daily returns are kept, drawn evenly."""
        rows = range(len(self.space))
        if len(rows) <= MOST_KEPT:
            return frozenset(rows)
        return frozenset(Random(len(rows)).sample(rows, MOST_KEPT))  # noqa: S311 - a fair choice, no secret

    @property
    def identity(self) -> dict[str, str]:
        """Return a digest of everything that decides the result, by name: equal ones give equal tables."""
        ground = self.ground
        return {
            "candles": digest_of(ground.candles),
            "rules": digest_of_words(json_value(ground.rules)),
            "grid": digest_of_words([json_value(ground.base), json_value(self.space.axes), self.space.drawn]),
            "account": digest_of_words(json_value(ground.account)),
            "program": digest_of_words([cache_folder().name, inspect.getsource(trials)]),
        }


class Part:
    """Tries rows of a task; it keeps the translated candles for the next rows."""

    def __init__(self, task: Task, threads: int) -> None:
        self._task = task
        self._kept = task.kept
        self._trials = Trials(task.ground, threads)

    def table(self, rows: Sequence[int]) -> pl.DataFrame:
        """Return the rows with their keys, their measures and, of some, their daily returns.

        Raises:
            BadCandles: for candles that the rules do not fit.
        """
        space = self._task.space
        values = [space.values(row) for row in rows]
        found = self._trials.run(values)
        returns = [
            trial.returns.tolist() if row in self._kept and len(trial.returns) else None
            for row, trial in zip(rows, found, strict=True)
        ]
        return pl.DataFrame(
            {
                ROW: pl.Series(ROW, rows, dtype=pl.Int64),
                **key_columns(space.axes, values),
                **measure_columns(found),
                RETURNS: pl.Series(RETURNS, returns, dtype=pl.List(pl.Float64)),
            }
        )


def digest_of(candles: Candles) -> str:
    """Return SHA-256 over market and rows."""
    digest = hashlib.sha256(f"{candles.symbol} {candles.market} {candles.interval_ms}".encode())
    for name in _COLUMNS:
        digest.update(getattr(candles, name).tobytes())
    return digest.hexdigest()


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Return what two identities do not share."""
    return [name for name in one if one[name] != other.get(name)]


def digest_of_words(told: Any) -> str:
    """Return SHA-256 of anything that JSON, or a text, can write."""
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
