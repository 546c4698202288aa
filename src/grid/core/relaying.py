"""A running ladder laid anew: which cells stay, who gets what is held, and the trade that brings the rest.

Units as in `grid.core.cells`: ticks, lots, 1e-8 of base, tick x lot. A cell *stays* where the new ladder has one on the
same two rungs, for as many lots, borrowing as much: it keeps all it knows. The others' base is *loose*; the cells that
are new get it from the gap outwards, once a trade has brought what lacks or taken what is too much.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from grid.core.cells import BUYING, SELLING, UNUSED
from grid.core.ladder import nearest_rung
from grid.core.ladder_numbers import LadderNumbers

PPM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where the cells of a ladder stand; see `grid.core.cells`. `loose` is base that no cell accounts for."""

    side: tuple[int, ...]
    filled: tuple[int, ...]
    base: tuple[int, ...]
    cycle: tuple[int, ...]
    loose: int = 0
    waiting: tuple[bool, ...] = ()
    """Cells that have no order before the trade of the move is done; empty where none waits."""

    def waits(self, k: int) -> bool:
        return bool(self.waiting) and self.waiting[k]


class Trade(NamedTuple):
    """The trade of a move at no worse than `price`; 0 lots: none is needed, or it would be too small."""

    lots: int
    sells: bool
    price: int


def anchor(side: Sequence[int], gap: int) -> int:
    """Return the rung that rests empty, between the highest buying and the lowest selling cell; else `gap`."""
    buying = [k for k, its in enumerate(side) if its == BUYING]
    if buying:
        return buying[-1] + 1
    return next((k for k, its in enumerate(side) if its == SELLING), gap)


def reference(prices: Sequence[int], empty: int, price: int) -> int:
    """Return the price that a new ladder's gap stands nearest to: the empty rung, or `price` more than a rung away."""
    below = prices[empty] - prices[empty - 1] if empty > 0 else prices[1] - prices[0]
    above = prices[empty + 1] - prices[empty] if empty + 1 < len(prices) else prices[-1] - prices[-2]
    return prices[empty] if prices[empty] - below <= price <= prices[empty] + above else price


def new_gap(old: LadderNumbers, side: Sequence[int], new: LadderNumbers, price: int) -> int:
    """Return the rung of the new ladder that rests empty, the last price being `price`."""
    return nearest_rung(new.prices, reference(old.prices, anchor(side, old.gap), price))


def staying(old: LadderNumbers, old_side: Sequence[int], new: LadderNumbers, unused: Sequence[bool]) -> list[int]:
    """Return for each cell of the new ladder the old one that stays as it, -1 where there is none."""
    known = {
        (old.prices[k], old.prices[k + 1], old.lots[k], old.borrowed[k]): k
        for k in range(len(old.lots))
        if old_side[k] != UNUSED
    }
    return [
        -1 if unused[k] else known.get((new.prices[k], new.prices[k + 1], new.lots[k], new.borrowed[k]), -1)
        for k in range(len(new.lots))
    ]


def unused_cells(new: LadderNumbers, *, start_empty: bool) -> list[bool]:
    """Return which cells of a ladder never trade: those of a grid started empty that would begin by closing."""
    return [start_empty and (k < new.gap) == (new.borrowed[k] > 0) for k in range(len(new.lots))]


def relaid(
    old: LadderNumbers,
    standing: Standing,
    new: LadderNumbers,
    gap: int,
    *,
    start_empty: bool,
    resting: frozenset[tuple[bool, int, int]] = frozenset(),
) -> Standing:
    """Return where the cells of the new ladder stand before the trade of the move.

    Args:
        old: the ladder so far.
        standing: of its cells.
        new: the ladder to be.
        gap: its rung that rests empty.
        start_empty: whether the grid was started without a first trade.
        resting: what the old ladder wants to rest: whether it sells, price in ticks, lots. An order that the new
            ladder wants just so rests on.
    """
    unused = unused_cells(new, start_empty=start_empty)
    stays = staying(old, standing.side, new, unused)
    side = [UNUSED if unused[k] else BUYING if k < gap else SELLING for k in range(len(new.lots))]
    base = [new.borrowed[k] if unused[k] else 0 for k in range(len(new.lots))]
    anew = max(standing.cycle, default=-1) + 1  # a slot that was used in a cycle before begins one of its own
    filled, cycle, waiting = [0] * len(side), [anew] * len(side), [not is_out for is_out in unused]
    held = standing.loose + sum(has - owes for has, owes in zip(standing.base, old.borrowed, strict=True))
    for k, before in enumerate(stays):
        if before >= 0:
            side[k], filled[k] = standing.side[before], standing.filled[before]
            base[k], cycle[k], waiting[k] = standing.base[before], standing.cycle[before], standing.waits(before)
    loose = held - sum(has - owes for has, owes in zip(base, new.borrowed, strict=True))
    for k in range(len(side)):
        if not waiting[k]:
            continue
        sells = side[k] == SELLING
        share = new.lots[k] * new.lot_units if sells else 0
        if (sells, new.prices[k + sells], new.lots[k]) in resting and share <= max(loose, 0):
            base[k], waiting[k] = share, False
            loose -= share
    return Standing(
        side=tuple(side),
        filled=tuple(filled),
        base=tuple(base),
        cycle=tuple(cycle),
        loose=loose,
        waiting=tuple(waiting),
    )


def needed(standing: Standing, new: LadderNumbers) -> int:
    """Return the base that the waiting cells begin with, all together."""
    return sum(
        new.lots[k] * new.lot_units for k in range(len(new.lots)) if standing.waits(k) and standing.side[k] == SELLING
    )


def trade_of(standing: Standing, new: LadderNumbers, buy_at: int, sell_at: int, fee_ppm: int) -> Trade:
    """Return the trade that brings what the waiting cells lack, or takes what they have no use for.

    Args:
        standing: as `relaid` returns it.
        new: the ladder to be.
        buy_at: the most that is paid, in ticks.
        sell_at: the least that is taken.
        fee_ppm: of a purchase, in base; 0 where fees are taken from elsewhere.
    """
    lacks = needed(standing, new) - standing.loose
    if lacks > 0:
        lots = -(-lacks * PPM // (new.lot_units * (PPM - fee_ppm)))
        return Trade(lots if lots * buy_at >= new.min_notional else 0, False, buy_at)
    lots = -lacks // new.lot_units
    return Trade(lots if lots and lots * sell_at >= new.min_notional else 0, True, sell_at)


def handed_out(standing: Standing, new: LadderNumbers) -> Standing:
    """Return the cells with the loose base given to those that wait, from the gap outwards.

    The last of them takes what is left over, as after a first purchase, unless that is as much as another cell's share.
    A share too small to be sold stays loose.
    """
    base, loose = list(standing.base), standing.loose
    sellers = [k for k in range(len(base)) if standing.waits(k) and standing.side[k] == SELLING]
    for k in sellers:
        share = min(new.lots[k] * new.lot_units, max(loose, 0))
        if k == sellers[-1] and loose < 2 * share:
            share = loose
        if (share // new.lot_units) * new.prices[k + 1] < new.min_notional:
            continue
        base[k], loose = share, loose - share
    return replace(standing, base=tuple(base), loose=loose, waiting=())
