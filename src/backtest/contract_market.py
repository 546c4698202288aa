"""What a contract's market tells besides prices: funding as it was settled, and the brackets of its margin."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np

from backtest.candles import Candles, IntColumn
from backtest.core import layout as at
from domain.futures import Bracket, MarginType
from domain.grids import ContractTerms, GridRequest
from domain.money import ZERO, from_units
from grid.core.contract import ContractFacts

_MINUTE_MS: Final = 60_000
_SCALE: Final = 10**16  # of price x rate, both in 1e-8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FundingHistory:
    """Settlements, oldest first; rates and marks in 1e-8. A mark of 0 is not known.

    `source` says for people where rates and marks come from.
    """

    time_ms: IntColumn
    rate: IntColumn
    mark: IntColumn
    source: str = ""

    def __len__(self) -> int:
        return len(self.time_ms)

    @classmethod
    def none(cls, source: str = "") -> "FundingHistory":
        """Return a history in which nothing is settled."""
        empty = np.empty(0, dtype=np.int64)
        return cls(time_ms=empty, rate=empty, mark=empty, source=source)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContractMarket:
    """One contract besides its prices. `brackets` smallest positions first."""

    brackets: tuple[Bracket, ...]
    funding: FundingHistory

    def __post_init__(self) -> None:
        if not self.brackets:
            raise ValueError("a contract needs at least one bracket")

    @property
    def told(self) -> dict[str, object]:
        """Return what a report tells of it, with a digest of everything that decides a result."""
        funding = self.funding
        digest = hashlib.sha256(repr(self.brackets).encode())
        for column in (funding.time_ms, funding.rate, funding.mark):
            digest.update(column.tobytes())
        return {"funding": funding.source, "settlements": len(funding), "sha256": digest.hexdigest()}

    def facts(self, request: GridRequest, price: Decimal) -> ContractFacts:
        """Return what preflight has to know where the mark price is `price`, on an account that trades nothing else.

        Leverage is 1 and margin cross where the request names none, as a server's usual settings have it.
        """
        return ContractFacts(
            terms=ContractTerms(
                leverage=request.leverage or 1, margin_type=request.margin_type or MarginType.CROSS, hedge_mode=False
            ),
            max_leverage=max(bracket.max_leverage for bracket in self.brackets),
            brackets=self.brackets,
            mark_price=price,
            funding_rate=from_units(int(self.funding.rate[0])) if len(self.funding) else ZERO,
            funding_interval_h=8,
            position=ZERO,
            foreign_orders=0,
        )

    def settlements(self, candles: Candles, lot: int) -> list[int]:
        """Return `funding` as the engine reads it; `lot` in 1e-8 base.

        A settlement comes before the first print of its time or later; the venue's few milliseconds past the minute
        do not count. Where its mark is not known it is the open of its candle.
        """
        told: list[int] = []
        columns = (self.funding.time_ms.tolist(), self.funding.rate.tolist(), self.funding.mark.tolist())
        for settled_ms, rate, mark in zip(*columns, strict=True):
            moment = moment_of(settled_ms // _MINUTE_MS * _MINUTE_MS, candles)
            if moment is not None and rate:
                price = mark or int(candles.open[moment // at.POINTS_PER_ROW])
                whole, rest = divmod(lot * price * abs(rate), _SCALE)
                told += [moment, whole, *divmod(rest, at.EIGHT_DIGITS), 1 if rate > 0 else -1]
        return told


def moment_of(time_ms: int, candles: Candles) -> int | None:
    """Return the moment of the first print at a time or later; None before the candles and after them."""
    row = int(np.searchsorted(candles.open_ms, time_ms, "right")) - 1
    if row < 0:
        return None
    passed, interval_ms = time_ms - int(candles.open_ms[row]), candles.interval_ms
    prints = (0, interval_ms // 4, interval_ms // 2, interval_ms - 1)
    for point, after in enumerate(prints):
        if after >= passed:
            return at.POINTS_PER_ROW * row + point
    return at.POINTS_PER_ROW * (row + 1) if row + 1 < len(candles) else None


def netted_cost(fills: Sequence[Sequence[int]], lot: int, lanes: int = 0) -> int:
    """Return what is held cost, in ticks x 1e-8, below 0 for a short position, as `orders.books` matches lots.

    `fills` are rows of the engine: time, cell, side, price, lots, commission, its asset. Needed where cells of a
    neutral grid that are long and cells that are short stood beside each other, so that they closed one another's lots,
    where a grid that ended closed what it held at once, and where cells went round to other rungs: then every `lanes`
    cells the same one comes again.
    """
    held: list[list[int]] = []  # cell, base, price; oldest first
    is_long = True
    for _, told, side, price, lots, fee, asset in fills:
        cell = told % lanes if lanes and told >= 0 else told
        left, bought = lots * lot - (fee if asset == at.IN_BASE else 0), side == 0
        if is_long is not bought:
            for one in sorted(held, key=lambda other: other[0] != cell):
                part = min(left, one[1])
                one[1] -= part
                left -= part
            held = [one for one in held if one[1]]
        if left:
            is_long = bought
            held.append([cell, left, price])
    cost = sum(base * price for _, base, price in held)
    return cost if is_long else -cost
