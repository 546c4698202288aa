"""Which queue assumption explains a grid's own fills best, how sure that is, and where it is kept.

Touch and through are the ends of one scale: the share of what is traded at an order's price that the order gets, all
of it or nothing. For every order at whose price something was traded before the price went beyond it, and for every
share on the scale, the filled part is compared with the live one after each of these trades; their mean distance is
how badly the share explains the order. The best share has the least distance over all orders; its interval is that of
1,000 resamples of the orders (bootstrap, 95 %).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backtest.data.series import WORD_OF_MARKET, refuse
from backtest.parity.evidence import Evidence
from backtest.scenario import PPM, FillAssumption, FillKind
from domain.errors import Conflict
from domain.instrument import Instrument
from domain.money import plain

FOLDER: Final = "parity"
FORMAT: Final = 1
FEWEST_ORDERS: Final = 30
CONFIDENCE: Final = 0.95
SCALE_PPM: Final = (
    *(0, 2_500, 5_000, 10_000, 20_000, 30_000, 50_000, 75_000, 100_000, 150_000, 200_000, 300_000, 500_000, 750_000),
    PPM,
)
_MOST_PRINTS: Final = 500
_RESAMPLES: Final = 1_000
_EQUAL: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Candidate:
    """One share: its mean distance from what happened, and the fraction of orders it explains entirely."""

    share_ppm: int
    distance: float
    explained: float

    @property
    def fill(self) -> FillAssumption:
        return fill_of(self.share_ppm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The share that explains `orders` of them best, and between which shares it lies with 95 % confidence."""

    share_ppm: int
    low_ppm: int
    high_ppm: int
    orders: int
    explained: float
    candidates: tuple[Candidate, ...]

    @property
    def fill(self) -> FillAssumption:
        return fill_of(self.share_ppm)

    @property
    def is_enough(self) -> bool:
        return self.orders >= FEWEST_ORDERS


def fill_of(share_ppm: int) -> FillAssumption:
    """Return what a place on the scale is called: through, share or touch."""
    if share_ppm == 0:
        return FillAssumption(FillKind.THROUGH)
    return FillAssumption(FillKind.TOUCH) if share_ppm == PPM else FillAssumption(FillKind.SHARE, share_ppm)


def fill_words(fill: FillAssumption) -> str:
    """Return it as --fill takes it."""
    return f"share:{plain(Decimal(fill.share_ppm) / 10_000)}%" if fill.kind is FillKind.SHARE else fill.kind.value


def calibrate(evidence: Sequence[Evidence], *, seed: int = 1) -> Calibration | None:
    """Return the share that explains the orders best; None where none of them tells anything."""
    telling = [one for one in evidence if one.tells]
    if not telling:
        return None
    distances = np.array([_distances(one) for one in telling])
    means = distances.mean(axis=0)
    best = _best(means[None, :])[0]
    draws = np.random.default_rng(seed).integers(0, len(telling), (_RESAMPLES, len(telling)))
    resampled = np.stack([distances[draw].mean(axis=0) for draw in draws])
    drawn = _best(resampled)
    tied = np.flatnonzero(means <= means.min() + _EQUAL)
    edge = (1 - CONFIDENCE) / 2
    low = min(int(np.quantile(drawn, edge, method="lower")), int(tied[0]))
    high = max(int(np.quantile(drawn, 1 - edge, method="higher")), int(tied[-1]))
    explained = (distances <= _EQUAL).mean(axis=0)
    return Calibration(
        share_ppm=SCALE_PPM[best],
        low_ppm=SCALE_PPM[low],
        high_ppm=SCALE_PPM[high],
        orders=len(telling),
        explained=float(explained[best]),
        candidates=tuple(
            Candidate(share, float(means[at]), float(explained[at])) for at, share in enumerate(SCALE_PPM)
        ),
    )


def _distances(one: Evidence) -> npt.NDArray[np.float64]:
    """Return for every share how far the filled part it foretells lies from the live one, 0 to 1."""
    traded = np.cumsum(one.at_lots[:_MOST_PRINTS].astype(np.float64))
    foretold = np.floor(np.outer(np.array(SCALE_PPM) / PPM, traded) + _EQUAL) / one.life.lots
    lived = np.array([one.life.filled_until(int(at)) for at in one.at_ms[:_MOST_PRINTS]]) / one.life.lots
    distances: npt.NDArray[np.float64] = np.abs(np.minimum(foretold, 1) - np.minimum(lived, 1)).mean(axis=1)
    return distances


def _best(means: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the best place on the scale of each row; of equal ones touch where it is among them, else the least."""
    is_best = means <= means.min(axis=1, keepdims=True) + _EQUAL
    return np.where(is_best[:, -1], len(SCALE_PPM) - 1, is_best.argmax(axis=1)).astype(np.int64)


def file_of(data_dir: Path, instrument: Instrument) -> Path:
    """Return where a symbol's calibration is kept."""
    market = WORD_OF_MARKET[instrument.market]
    return data_dir / FOLDER / f"{market}-{instrument.base}{instrument.quote}.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A calibration as it was stored: of which day, whose fills, and how many orders told it."""

    fill: FillAssumption
    made: str
    orders: int
    explained: float
    low_ppm: int
    high_ppm: int
    account: str
    market_source: str

    @property
    def sentence(self) -> str:
        """Return where it comes from, for people."""
        low, high = (fill_words(fill_of(ppm)) for ppm in (self.low_ppm, self.high_ppm))
        return (
            f"{fill_words(self.fill)}, calibrated on {self.made[:10]} from {self.orders} orders of {self.account} "
            f"(95 % between {low} and {high}; it explains {self.explained:.0%} of them)"
        )


def keep(file: Path, calibration: Calibration, told: dict[str, Any]) -> None:
    """Store a calibration with what else is `told` of its origin.

    Raises:
        OSError: if it cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    body = {
        "format": FORMAT,
        **told,
        "fill": fill_words(calibration.fill),
        "share_ppm": calibration.share_ppm,
        "orders": calibration.orders,
        "explained": calibration.explained,
        "interval": {"confidence": CONFIDENCE, "low_ppm": calibration.low_ppm, "high_ppm": calibration.high_ppm},
    }
    fresh = file.with_suffix(".part")
    fresh.write_text(json.dumps(body, indent=1) + "\n", "utf-8")
    fresh.replace(file)


def load(data_dir: Path, instrument: Instrument) -> Kept:
    """Return the calibration of a symbol.

    Raises:
        InvalidRequest: naming `fill`, if there is none or it rests on too few orders.
        Conflict: if its file cannot be used.
    """
    file, symbol = file_of(data_dir, instrument), f"{instrument.base}{instrument.quote}"
    if not file.is_file():
        refuse("fill", f"nothing is calibrated for {symbol} yet; run: python -m backtest parity --symbol {symbol}")
    try:
        told = json.loads(file.read_text("utf-8"))
        kept = Kept(
            fill=fill_of(int(told["share_ppm"])),
            made=str(told["made"]),
            orders=int(told["orders"]),
            explained=float(told["explained"]),
            low_ppm=int(told["interval"]["low_ppm"]),
            high_ppm=int(told["interval"]["high_ppm"]),
            account=str(told["account"]),
            market_source=str(told["prices"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Conflict(f"{file} cannot be used ({error!r}); delete it and run parity anew") from None
    if kept.orders < FEWEST_ORDERS:
        refuse(
            "fill",
            f"the calibration of {symbol} rests on {kept.orders} orders, fewer than {FEWEST_ORDERS}; let the grid "
            "trade on and run parity again, or say --fill touch, through or share:5%",
        )
    return kept
