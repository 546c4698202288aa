"""How a sweep is told while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from backtest.objectives import Objective


class Watcher(Protocol):
    """Hears of a sweep's course."""

    def done(self, table: pl.DataFrame) -> None:
        """Hear of a piece that is finished."""
        ...


class Silent:
    """Tells nobody."""

    def done(self, table: pl.DataFrame) -> None: ...


class Bar:
    """One bar, with the speed and the best so far."""

    def __init__(self, progress: Progress, aim: Objective, rows: int, before: pl.DataFrame | None) -> None:
        self._progress = progress
        self._aim = aim
        self._best: float | None = None
        self._task = progress.add_task("", total=rows, speed="", best="")
        if before is not None:
            self._look(before)
            progress.update(self._task, completed=before.height)
            progress.reset(self._task, completed=before.height)

    def done(self, table: pl.DataFrame) -> None:
        self._look(table)
        self._progress.advance(self._task, table.height)
        speed = self._progress.tasks[0].speed
        self._progress.update(self._task, speed="" if speed is None else f"{speed:,.0f}/s", best=self._told)

    @property
    def _told(self) -> str:
        return "" if self._best is None else f"best {self._aim.name} {self._best:,.4g}"

    def _look(self, table: pl.DataFrame) -> None:
        values = table[self._aim.measure].cast(pl.Float64).drop_nulls()
        if len(values):
            here = values.max() if self._aim.more_is_better else values.min()
            known = [float(value) for value in (here, self._best) if isinstance(value, float)]
            self._best = max(known) if self._aim.more_is_better else min(known)


@contextmanager
def shown(aim: Objective, rows: int, before: pl.DataFrame | None, *, quiet: bool) -> Iterator[Watcher]:
    """Show a bar on stderr where that is a terminal and nobody asked for silence."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield Silent()
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[best]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bar(progress, aim, rows, before)
