"""How far the winner of thousands is to be trusted."""

from typing import Final

import numpy as np
import numpy.typing as npt

from backtest.candles import FloatColumn
from backtest.overfitting import Honesty, deflated_sharpe, effective_trials, moments, overfitting
from backtest.ratios import Absent

BLOCKS: Final = 16


def judge_winner(winner: FloatColumn, sample: npt.NDArray[np.float64], sharpes: FloatColumn, tried: int) -> Honesty:
    """Judge a winner by its daily returns.

    Args:
        winner: its daily returns.
        sample: (days, configurations) of a fair choice of all that ran, for their likeness and for CSCV.
        sharpes: Sharpe ratios per day of all that have one; their variance is that of the trials.
        tried: how many ran.
    """
    alike = effective_trials(sample) if sample.size else 0.0
    columns = int((np.ptp(sample, axis=0) > 0).sum()) if sample.size else 0
    # The same mean correlation, but as many trials as there were: rho + (1 - rho) x M.
    rho = (columns - alike) / (columns - 1) if columns > 1 else 0.0
    independent = rho + (1 - rho) * tried
    variance = float(np.var(sharpes, ddof=1)) if len(sharpes) > 1 else 0.0
    found = overfitting(sample, BLOCKS) if sample.size else Absent("no daily returns")
    return Honesty(
        deflated_sharpe=deflated_sharpe(winner, independent, variance),
        overfitting=found if isinstance(found, Absent) else found.probability,
        trials=tried,
        effective_trials=independent,
    )


def sharpe_per_day(returns: FloatColumn) -> float | None:
    """Return the Sharpe ratio per day, None where there is none."""
    seen = moments(returns)
    return None if isinstance(seen, Absent) else seen.sharpe
