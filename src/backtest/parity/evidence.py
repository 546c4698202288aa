"""What the prices did at each resting order's price, and what came of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from backtest.candles import IntColumn
from backtest.parity.heard import UNKNOWN, Prices
from backtest.parity.lived import Life
from backtest.result import BUY
from domain.instrument import InstrumentRules
from domain.money import to_units

GRACE_MS: Final = 1_000
"""How long after its placement an order may still be on its way to the exchange."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """One order against the prices heard while it rested. Times are market time, None where it did not happen.

    `at_ms`, `at_lots` are the prints at its very price before any went beyond it: their time and their size in lots
    (0 where it is not known). A print at its price in the same millisecond as one beyond belongs to that.
    """

    life: Life
    rests_ms: int | None  # the first price heard after its placement
    reached_ms: int | None
    beyond_ms: int | None
    early: bool  # its price was reached while it may still have been on its way
    at_ms: IntColumn
    at_lots: IntColumn
    sizes_known: bool

    @property
    def tells(self) -> bool:
        """Whether it says anything of the queue: trades of known size at its price, some time after its placement."""
        return len(self.at_ms) > 0 and self.sizes_known and not self.early


def evidence_of(lives: tuple[Life, ...] | list[Life], prices: Prices, rules: InstrumentRules) -> Iterator[Evidence]:
    """Yield what was seen of each order."""
    lot = to_units(rules.lot)
    for life in lives:
        yield _of_one(life, prices, lot)


def _of_one(life: Life, prices: Prices, lot: int) -> Evidence:
    first = int(np.searchsorted(prices.heard_ms, life.placed_ms, "right"))
    ended_ms = life.gone_ms if life.done_ms is None else None  # once filled, what it would have met still tells
    end = len(prices) if ended_ms is None else int(np.searchsorted(prices.time_ms, ended_ms, "right"))
    limit = to_units(life.price)
    price = prices.price[first:end]
    is_beyond = price < limit if life.side == BUY else price > limit
    is_at = price == limit
    beyond = first + int(np.argmax(is_beyond)) if is_beyond.any() else None
    beyond_ms = None if beyond is None else int(prices.time_ms[beyond])
    at = first + np.flatnonzero(is_at if beyond is None else is_at[: beyond - first])
    reached = [int(prices.time_ms[index]) for index in (*at[:1], *(() if beyond is None else (beyond,)))]
    if beyond_ms is not None:
        at = at[prices.time_ms[at] < beyond_ms]
    rests_ms = int(prices.time_ms[first]) if first < len(prices) else None
    # Up to here the market had come when it was placed; time goes on by prices alone.
    placed_ms = int(prices.time_ms[first - 1]) if first > 0 else life.placed_ms
    return Evidence(
        life=life,
        rests_ms=rests_ms,
        reached_ms=min(reached, default=None),
        beyond_ms=beyond_ms,
        early=bool(reached) and min(reached) < placed_ms + GRACE_MS,
        at_ms=prices.time_ms[at],
        at_lots=np.maximum(prices.quantity[at], 0) // lot,
        sizes_known=bool((prices.quantity[at] != UNKNOWN).all()),
    )
