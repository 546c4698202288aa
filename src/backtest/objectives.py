"""What a search is for: names that people say, the measure behind each, and whether more of it is better."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final, Literal, NamedTuple

from backtest.data.series import refuse
from backtest.measures import YEARLY_FROM_DAYS, why_no_rates


class Objective(NamedTuple):
    """One aim; `measure` is its name in `Measures.flat()`."""

    name: str
    measure: str
    more_is_better: bool = True

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        """Return the direction as Optuna says it."""
        return "maximize" if self.more_is_better else "minimize"


OBJECTIVES: Final[Mapping[str, Objective]] = {
    objective.name: objective
    for objective in (
        Objective("profit", "equity_change"),
        Objective("return", "total_return"),
        Objective("annual-return", "annual_return"),
        Objective("versus-hold", "versus_hold"),
        Objective("grid-profit", "grid_profit"),
        Objective("sharpe", "sharpe"),
        Objective("sortino", "sortino"),
        Objective("calmar", "calmar"),
        Objective("drawdown", "max_drawdown", more_is_better=False),
        Objective("volatility", "volatility", more_is_better=False),
        Objective("worst-day", "worst_day"),
        Objective("fees", "fees", more_is_better=False),
        Objective("cycles", "cycles"),
        Objective("time-in-range", "time_in_range"),
    )
}

_YEARLY: Final = ("annual_return", "volatility", "sharpe", "sortino", "calmar")


def parse_objectives(text: str) -> tuple[Objective, ...]:
    """Return the aims that `profit,drawdown` names, the leading one first.

    Raises:
        InvalidRequest: naming `objective`.
    """
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in OBJECTIVES:
            near = get_close_matches(name, OBJECTIVES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(OBJECTIVES)}"
            refuse("objective", f"{name!r} is not known; {hint}")
        if names.count(name) > 1:
            refuse("objective", f"{name} is said twice")
    return tuple(OBJECTIVES[name] for name in names)


def check_length(aims: Sequence[Objective], days: float, missing_share: float = 0.0) -> None:
    """Refuse aims that are told per year where the candles are too few for that, or too many are missing.

    Raises:
        InvalidRequest: naming `objective`.
    """
    yearly = [aim.name for aim in aims if aim.measure in _YEARLY]
    if yearly and days < YEARLY_FROM_DAYS:
        refuse(
            "objective",
            f"{yearly[0]} needs at least {YEARLY_FROM_DAYS} days, a window here has {days:.1f}; take longer windows or "
            "--objective return",
        )
    gappy = why_no_rates(missing_share)
    if yearly and gappy is not None:
        refuse("objective", f"{yearly[0]} is not told here: {gappy.reason}; take another window or --objective return")


def better(one: Sequence[float], other: Sequence[float], aims: Sequence[Objective]) -> bool:
    """Tell whether `one` is nowhere worse than `other` and somewhere better."""
    signs = [1 if aim.more_is_better else -1 for aim in aims]
    gains = [sign * (a - b) for sign, a, b in zip(signs, one, other, strict=True)]
    return min(gains) >= 0 and max(gains) > 0


def pareto_front(rows: Sequence[Sequence[float]], aims: Sequence[Objective]) -> list[int]:
    """Return the places of the rows than which no other is better, ascending; of equal rows the first."""
    order = sorted(
        range(len(rows)), key=lambda at: [-v if aim.more_is_better else v for v, aim in _pairs(rows[at], aims)]
    )
    front: list[int] = []
    for at in order:
        if not any(rows[kept] == rows[at] or better(rows[kept], rows[at], aims) for kept in front):
            front.append(at)
    return sorted(front)


def _pairs(row: Sequence[float], aims: Sequence[Objective]) -> list[tuple[float, Objective]]:
    return list(zip(row, aims, strict=True))
