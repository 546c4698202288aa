"""Is the winner of a search good, or the luckiest of many?

Sharpe ratios here are per period (a day), not per year. Returns are fractions per period.

[DSR] Bailey and Lopez de Prado, The Deflated Sharpe Ratio, Journal of Portfolio Management 40 (2014).
[PBO] Bailey, Borwein, Lopez de Prado and Zhu, The Probability of Backtest Overfitting, Journal of Computational
Finance 20 (2015).
"""

import math
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from backtest.candles import FloatColumn
from backtest.ratios import Absent, Figure

Matrix = npt.NDArray[np.float64]

TRUSTED_FROM: Final = 0.95
"""A deflated Sharpe ratio from here on is taken for skill: the chance of luck is below 5 %."""
OVERFIT_FROM: Final = 0.5
"""Above this probability of overfitting the winner does worse than the middle of the field out of sample."""
_EVEN: Final = 0.5
_EULER: Final = 0.577215664901532860606512090082402431
_NORMAL: Final = NormalDist()
_CHUNK: Final = 512  # combinations looked at in one go, so that memory stays small


class Moments(NamedTuple):
    """A return series in the numbers that the statistics need. `kurtosis` is 3 for a normal distribution."""

    length: int
    sharpe: float
    skewness: float
    kurtosis: float


def moments(returns: FloatColumn) -> Moments | Absent:
    """Return length, Sharpe ratio per period (deviation by n - 1), skewness and kurtosis (by n)."""
    if len(returns) < 3:
        return Absent("needs at least three days")
    if np.ptp(returns) == 0:
        return Absent("the returns do not vary")
    mean = returns.mean()
    z = (returns - mean) / returns.std()
    return Moments(len(returns), float(mean / returns.std(ddof=1)), float(np.mean(z**3)), float(np.mean(z**4)))


def expected_maximum_sharpe(trials: float, variance: float) -> float:
    """Return the best Sharpe ratio to be expected of `trials` strategies without any skill ([DSR], equation 1).

    sqrt(variance) x ((1 - gamma) x Z^-1[1 - 1/N] + gamma x Z^-1[1 - 1/(N e)]), gamma being Euler's constant.

    Args:
        trials: independent ones, N.
        variance: of the trials' Sharpe ratios.
    """
    if trials <= 1:
        return 0.0
    first = _NORMAL.inv_cdf(1 - 1 / trials)
    second = _NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    # Between one and two trials the approximation falls below the 0 that one trial has.
    return math.sqrt(variance) * max(0.0, (1 - _EULER) * first + _EULER * second)


def probabilistic_sharpe(seen: Moments, benchmark: float) -> Figure:
    """Return the probability that the true Sharpe ratio lies above `benchmark` ([DSR], equation 2).

    Z[(SR - benchmark) x sqrt(T - 1) / sqrt(1 - skewness x SR + (kurtosis - 1) / 4 x SR^2)].
    """
    spread = 1 - seen.skewness * seen.sharpe + (seen.kurtosis - 1) / 4 * seen.sharpe**2
    if spread <= 0:
        return Absent("the returns are too skewed for this estimate")
    return _NORMAL.cdf((seen.sharpe - benchmark) * math.sqrt(seen.length - 1) / math.sqrt(spread))


def deflated_sharpe(returns: FloatColumn, trials: float, variance: float) -> Figure:
    """Return the probability that the winner's true Sharpe ratio is above 0, its selection accounted for.

    Args:
        returns: the winner's, per period.
        trials: how many independent strategies it was chosen from (`effective_trials`).
        variance: of all trials' Sharpe ratios per period.
    """
    seen = moments(returns)
    if isinstance(seen, Absent):
        return seen
    return probabilistic_sharpe(seen, expected_maximum_sharpe(trials, variance))


def effective_trials(returns: Matrix) -> float:
    """Return how many independent trials the columns are worth: rho + (1 - rho) x M ([DSR], appendix 3).

    `rho` is their mean correlation; a negative one counts as none. Columns that never vary do not count.
    """
    varying = returns[:, np.ptp(returns, axis=0) > 0]
    columns = int(varying.shape[1])
    if columns < 2:
        return float(columns)
    z = (varying - varying.mean(axis=0)) / varying.std(axis=0)
    # The sum of all correlations is the mean square of the rows' sums: no matrix of columns x columns is needed.
    total = float(np.mean(z.sum(axis=1) ** 2))
    rho: float = max(0.0, (total - columns) / (columns * (columns - 1)))
    return rho + (1 - rho) * columns


def sharpe_variance(returns: Matrix) -> float:
    """Return the variance (n - 1) of the columns' Sharpe ratios per period; columns that never vary are left out."""
    varying = returns[:, np.ptp(returns, axis=0) > 0]
    if varying.shape[1] < 2:
        return 0.0
    return float(np.var(varying.mean(axis=0) / varying.std(axis=0, ddof=1), ddof=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Overfitting:
    """What combinatorially symmetric cross-validation found.

    `logits` holds one number per split: how the winner in sample ranked out of sample, 0 being the middle.
    """

    probability: float
    logits: FloatColumn
    loss_probability: float  # how often the winner in sample had a Sharpe ratio below 0 out of sample
    blocks: int


def overfitting(returns: Matrix, blocks: int = 16) -> Overfitting | Absent:
    """Return the probability of backtest overfitting by CSCV ([PBO], section 3).

    The rows are cut into `blocks`; for every way to choose half of them the best column by Sharpe ratio in that half
    is ranked among all columns in the other half. The probability is how often it is not above the middle.

    Args:
        returns: (periods, strategies), the same periods for every strategy.
        blocks: even.

    Raises:
        ValueError: for an odd number of blocks.
    """
    if blocks < 2 or blocks % 2:
        raise ValueError(f"blocks must be an even number from 2 on, was {blocks}")
    length, strategies = returns.shape
    if strategies < 2:
        return Absent("needs at least two strategies to choose from")
    if length < 2 * blocks:
        return Absent(f"needs at least {2 * blocks} days, has {length}")
    sums, squares, rows = _block_sums(returns[length % blocks :], blocks)
    chosen = np.array(
        [[i in half for i in range(blocks)] for half in map(set, combinations(range(blocks), blocks // 2))]
    )
    logits, losses = [], 0
    for start in range(0, len(chosen), _CHUNK):
        inside = chosen[start : start + _CHUNK].astype(np.float64)
        seen = _sharpes(inside @ sums, inside @ squares, rows)
        later = _sharpes((1 - inside) @ sums, (1 - inside) @ squares, rows)
        best = seen.argmax(axis=1)
        won = np.take_along_axis(later, best[:, None], axis=1)
        below, equal = (later < won).sum(axis=1), (later == won).sum(axis=1)
        share = (below + (equal + 1) / 2) / (strategies + 1)
        logits.append(np.log(share / (1 - share)))
        losses += int((won < 0).sum())
    found = np.concatenate(logits)
    return Overfitting(
        probability=float((found <= 0).mean()),
        logits=found,
        loss_probability=losses / len(chosen),
        blocks=blocks,
    )


def _block_sums(returns: Matrix, blocks: int) -> tuple[Matrix, Matrix, int]:
    parts = returns.reshape(blocks, len(returns) // blocks, -1)
    return parts.sum(axis=1), (parts**2).sum(axis=1), len(returns) // 2


def _sharpes(sums: Matrix, squares: Matrix, rows: int) -> Matrix:
    mean = sums / rows
    spread = np.sqrt(np.maximum(squares / rows - mean**2, 0.0))
    return np.divide(mean, spread, out=np.zeros_like(mean), where=spread > 1e-15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Honesty:
    """How far a search's winner is to be trusted."""

    deflated_sharpe: Figure
    overfitting: Figure  # probability
    trials: int
    effective_trials: float

    @property
    def is_probably_luck(self) -> bool:
        """Whether either test leaves that open; where neither could be made, nothing was shown and this is True."""
        dsr, pbo = self.deflated_sharpe, self.overfitting
        if isinstance(dsr, Absent) and isinstance(pbo, Absent):
            return True
        doubtful = not isinstance(dsr, Absent) and dsr < TRUSTED_FROM
        return doubtful or (not isinstance(pbo, Absent) and pbo > OVERFIT_FROM)

    @property
    def sentence(self) -> str:
        """Return the verdict in plain words, with the numbers it rests on."""
        dsr, pbo = self.deflated_sharpe, self.overfitting
        chance = f"cannot be told ({dsr.reason})" if isinstance(dsr, Absent) else f"is {dsr * 100:.1f} %"
        again = (
            f"the probability of overfitting cannot be told ({pbo.reason})"
            if isinstance(pbo, Absent)
            else f"in {pbo * 100:.0f} % of all splits the winner of one half was below the middle in the other"
        )
        verdict = "The winner is probably not mere luck"
        if self.is_probably_luck:
            is_again_good = isinstance(pbo, Absent) or pbo <= OVERFIT_FROM
            may = is_again_good and not isinstance(dsr, Absent) and dsr > _EVEN
            verdict = "The winner may well be luck" if may else "The winner is probably luck"
        worth = f"{self.effective_trials:,.0f} independent"
        worth += " one" if worth == "1 independent" else " ones"
        return (
            f"{verdict}: of {self.trials:,} tried ones (worth {worth}) the "
            f"probability that its Sharpe ratio is truly above 0 {chance}, and {again}."
        )


def judge(returns: Matrix, winner: int, blocks: int = 16) -> Honesty:
    """Judge column `winner` of the daily returns of all trials, (days, trials)."""
    independent = effective_trials(returns)
    found = overfitting(returns, blocks)
    return Honesty(
        deflated_sharpe=deflated_sharpe(returns[:, winner], independent, sharpe_variance(returns)),
        overfitting=found if isinstance(found, Absent) else found.probability,
        trials=returns.shape[1],
        effective_trials=independent,
    )
