"""Where a grid on a contract can stand inside its range, and what it holds and rests there.

A grid stands at rung g when the cells below g have sold and those from g on have bought: `grid.core.cells`, rung g
rests empty. Cells that borrow are short when they have sold, the others long when they have bought. All numbers are
for one unit of base per rung, or for as many as `Ladder.weights` names for each cell; whatever a plan needs grows in
proportion to that unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from domain.grids import Direction
from domain.instrument import FeeRates
from domain.money import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """What decides the stances. `entry_price` is the worst at which the first trade may be done."""

    prices: tuple[Decimal, ...]  # ascending
    gap: int
    direction: Direction
    start_empty: bool
    entry_price: Decimal
    fees: FeeRates
    weights: tuple[int, ...] = ()  # of each cell; empty where all are 1
    is_start: bool = True  # False of a window that a ladder comes to by following the price
    carried: tuple[Decimal, ...] = ()  # there: what each cell was opened at; empty where each is at its own rung
    lost: Decimal = ZERO  # there: what the first trade cost more than its position brought, quote

    def weight(self, k: int) -> int:
        return self.weights[k] if self.weights else 1

    @property
    def entry_weight(self) -> int:
        """Return how many units the first trade brings."""
        return sum(self.weight(k) for k in self.entry_cells)

    @property
    def entry_cells(self) -> range:
        """Return the cells that the first trade is for."""
        if self.start_empty or not self.is_start or self.direction is Direction.NEUTRAL:
            return range(0)
        return range(self.gap, len(self.prices) - 1) if self.direction is Direction.LONG else range(self.gap)

    def opened_at(self, k: int) -> Decimal | None:
        """Return the price at which a cell's position was opened before it traded here, None where it was not."""
        if self.carried:
            return self.carried[k]
        return self.entry_price if k in self.entry_cells else None

    def borrows(self, k: int) -> bool:
        return self.direction is Direction.SHORT or (self.direction is Direction.NEUTRAL and k >= self.gap)

    def is_used(self, k: int) -> bool:
        """Tell whether the cell ever trades; started empty, those that begin on the other side never do."""
        return not self.start_empty or self.borrows(k) is (k >= self.gap)


class Part(NamedTuple):
    """What one cell, or several together, hold and rest.

    `cash` is the least that trading can have left, fees taken off: nothing but the first trade and what opened the
    position, for every cycle adds to it. `cost` is what a long position cost at most, or a short one brought at least.
    """

    held: int = 0  # units, below 0 when short
    cash: Decimal = ZERO
    cost: Decimal = ZERO
    bids: Decimal = ZERO
    asks: Decimal = ZERO
    opening_bids: Decimal = ZERO
    opening_asks: Decimal = ZERO

    def times(self, weight: int) -> "Part":
        if weight == 1:
            return self
        held, *amounts = self
        return Part(held * weight, *(amount * weight for amount in amounts))

    def moved(self, out: "Part", into: "Part") -> "Part":
        return Part(
            self.held - out.held + into.held,
            self.cash - out.cash + into.cash,
            self.cost - out.cost + into.cost,
            self.bids - out.bids + into.bids,
            self.asks - out.asks + into.asks,
            self.opening_bids - out.opening_bids + into.opening_bids,
            self.opening_asks - out.opening_asks + into.opening_asks,
        )


class Stance(NamedTuple):
    """One of them lasts while the price is between `low` and `high`, the next resting orders or the range's ends."""

    part: Part
    low: Decimal
    high: Decimal


def stances(ladder: Ladder, resting: int | None = None) -> list[Stance]:
    """Return where the grid can stand, from the lowest rung to the highest.

    With `resting` only so many orders of each side rest, those nearest the rung it stands at.
    """
    prices, cells = ladder.prices, range(len(ladder.prices) - 1)
    bought = [_bought(ladder, k).times(ladder.weight(k)) for k in cells]
    sold = [_sold(ladder, k).times(ladder.weight(k)) for k in cells]
    part = Part(cash=-ladder.lost)
    for each in bought:
        part = part.moved(Part(), each)
    found = []
    for g in range(len(prices)):
        if g:
            part = part.moved(bought[g - 1], sold[g - 1])
        kept = part if resting is None else _only_near(part, sold[:g], bought[g:], resting)
        found.append(Stance(kept, prices[max(g - 1, 0)], prices[min(g + 1, len(prices) - 1)]))
    return found


def _only_near(part: Part, below: Sequence[Part], above: Sequence[Part], resting: int) -> Part:
    bids = [each for each in below if each.bids][-resting:]
    asks = [each for each in above if each.asks][:resting]
    return part._replace(
        bids=sum((each.bids for each in bids), ZERO),
        asks=sum((each.asks for each in asks), ZERO),
        opening_bids=sum((each.opening_bids for each in bids), ZERO),
        opening_asks=sum((each.opening_asks for each in asks), ZERO),
    )


def exposure(ladder: Ladder) -> Decimal:
    """Return what all cells' opening trades are worth together, as the risk gate counts them: both sides in full."""
    total = ZERO
    for k in range(len(ladder.prices) - 1):
        if ladder.is_used(k):
            opens_at = ladder.prices[k + 1 if ladder.borrows(k) else k]
            total += max(opens_at, ladder.opened_at(k) or opens_at) * ladder.weight(k)
    return total


def lost_by_entry(ladder: Ladder) -> Decimal:
    """Return what the first trade costs at worst once all that it brought is closed one rung on, not below 0."""
    changed = (_bought(ladder, k) if ladder.borrows(k) else _sold(ladder, k) for k in ladder.entry_cells)
    return -sum((min(part.cash, ZERO) for part in changed), ZERO)


def _bought(ladder: Ladder, k: int) -> Part:
    if not ladder.is_used(k):
        return Part()
    below, above = ladder.prices[k], ladder.prices[k + 1]
    before = ladder.opened_at(k)
    if ladder.borrows(k):
        cash = ZERO if before is None else _sale(ladder, before) - _purchase(ladder, below)
        return Part(cash=cash, asks=above, opening_asks=above)
    opened = below if before is None else before
    return Part(held=1, cash=-_purchase(ladder, opened), cost=max(opened, below), asks=above)


def _sold(ladder: Ladder, k: int) -> Part:
    if not ladder.is_used(k):
        return Part()
    below, above = ladder.prices[k], ladder.prices[k + 1]
    before = ladder.opened_at(k)
    if ladder.borrows(k):
        opened = above if before is None else before
        return Part(held=-1, cash=_sale(ladder, opened), cost=min(opened, above), bids=below)
    cash = ZERO if before is None else _sale(ladder, above) - _purchase(ladder, before)
    return Part(cash=cash, bids=below, opening_bids=below)


def _purchase(ladder: Ladder, price: Decimal) -> Decimal:
    """Return what one base costs with the dearer of the two fees: a rung already through the market takes."""
    return price * (1 + max(ladder.fees.maker, ladder.fees.taker))


def _sale(ladder: Ladder, price: Decimal) -> Decimal:
    return price * (1 - max(ladder.fees.maker, ladder.fees.taker))
