"""The grid's decision: facts in, wanted orders out.

This text runs twice: plainly under the live worker, and compiled by numba under replay and training. It therefore
keeps to the integer subset both share: plain functions over indexable sequences of integers, no objects, no
exceptions, no floats.

A ladder of n rungs has n - 1 *cells*; cell k lies between rung k and rung k + 1. A cell either wants to buy at its
lower rung or to sell, at its upper rung, the base it holds. So n - 1 orders rest, the rung nearest the price rests
empty, a filled buy wants a sell one rung up and a filled sell a buy one rung down. Cells do not touch one another:
fills of different cells may arrive in any order.

A contract can be sold before it is bought. A cell that may do so *borrows*: its base counts from what it borrowed, so
that it sells down to 0 and buys back, by the same rules as a cell that bought first. What the grid really holds is all
base less all that is borrowed, below 0 for a short position. A long grid (and every spot grid) borrows nothing, a short
grid in every cell, a neutral one in the cells above the gap. The first trade brings the cells there that start on the
other side: a long grid buys for the cells above the gap, a short one sells for those below it, a neutral one has none.

Units: prices in ticks, orders in lots, base in 1e-8 of the asset (after a fee in base it is no whole number of
lots), notionals in tick x lot.

Rules that every host shares:

* A counter-order waits until its order is filled completely. A partly filled order goes on resting.
* A remainder worth less than the venue's minimum counts as filled; what rests of it is cancelled.
* A sell offers what is there: the whole lots of the base the cell holds. What is below one lot stays in the cell
  and is offered again after the next buy.
* Where a gap lets one cell buy at the very rung at which the cell below it sells, the purchase waits for the sale: the
  two would meet each other, and the venue's self-trade prevention would end one for the other without end.
* The first purchase comes before all rungs, so that nothing it needs is locked.
* What the first purchase brings beyond the cells' needs is the last cell's, or where a reserve is kept the grid's own:
  no rung ever offers a reserve.
* Where only so many orders may rest on each side, those nearest the gap do, of the cells that want one at all. What a
  cell wants does not depend on that.
"""

from collections.abc import MutableSequence, Sequence

BUYING = 0
SELLING = 1
UNUSED = 2  # above the start price of a grid started empty

# Places in `totals`, the numbers that belong to the whole grid.
ENTRY_LOTS = 0  # lots of the first trade; 0 when started empty
ENTRY_FILLED = 1  # lots of it done so far
ENTRY_BASE = 2  # base it brought, fee deducted, not given to cells (yet, or kept as reserve); below 0 where it sells
UNWOUND_LONG = 3  # base sold by unwinding
UNWOUND_SHORT = 4  # base bought back by unwinding
TOTALS = 5


def start_cells(
    side: MutableSequence[int],
    filled: MutableSequence[int],
    base: MutableSequence[int],
    cycle: MutableSequence[int],
    totals: MutableSequence[int],
    gap: int,
    entry_lots: int,
    start_empty: bool,
    borrowed: Sequence[int],
) -> None:
    """Set all cells to their state before the first fill: buying below the rung `gap`, selling above it."""
    for k in range(len(side)):
        side[k] = BUYING if k < gap else SELLING
        if start_empty and (k < gap) == (borrowed[k] > 0):
            side[k] = UNUSED
        filled[k] = 0
        base[k] = borrowed[k]
        cycle[k] = 0
    for i in range(TOTALS):
        totals[i] = 0
    totals[ENTRY_LOTS] = entry_lots


def entry_is_open(totals: Sequence[int], entry_price: int, min_notional: int) -> bool:
    """Tell whether a part of the first trade is still to be done."""
    rest = totals[ENTRY_LOTS] - totals[ENTRY_FILLED]
    if rest <= 0:
        return False
    return totals[ENTRY_FILLED] == 0 or rest * entry_price >= min_notional


def book_entry_fill(
    fill_lots: int,
    base_gain: int,
    lots: Sequence[int],
    lot_units: int,
    gap: int,
    entry_price: int,
    min_notional: int,
    sells: bool,
    reserve: int,
    base: MutableSequence[int],
    totals: MutableSequence[int],
) -> None:
    """Book a fill of the first trade; complete, a purchase goes to the cells above the gap, a sale to those below.

    `reserve` is base that a purchase brings for no cell; it stays in `totals`.
    """
    totals[ENTRY_FILLED] += fill_lots
    totals[ENTRY_BASE] += base_gain
    if entry_is_open(totals, entry_price, min_notional):
        return
    if sells:
        for k in range(gap):
            owed = min(lots[k] * lot_units, -totals[ENTRY_BASE])
            base[k] -= owed
            totals[ENTRY_BASE] += owed
        return
    last = len(base) - 1
    for k in range(gap, last + 1):
        share = lots[k] * lot_units
        if k == last:
            share = max(share, totals[ENTRY_BASE] - reserve)
        share = min(share, totals[ENTRY_BASE])
        base[k] += share
        totals[ENTRY_BASE] -= share


def book_rung_fill(
    k: int,
    bought: bool,
    fill_lots: int,
    base_change: int,
    prices: Sequence[int],
    lots: Sequence[int],
    lot_units: int,
    min_notional: int,
    side: MutableSequence[int],
    filled: MutableSequence[int],
    base: MutableSequence[int],
    cycle: MutableSequence[int],
) -> bool:
    """Book a fill of cell `k`. `base_change` is signed, fees in base deducted.

    Returns whether the cell turned round, so that it now wants its counter-order.
    """
    base[k] += base_change
    if bought:
        filled[k] += fill_lots
    return turn_if_done(k, prices, lots, lot_units, min_notional, side, filled, base, cycle)


def turn_if_done(
    k: int,
    prices: Sequence[int],
    lots: Sequence[int],
    lot_units: int,
    min_notional: int,
    side: MutableSequence[int],
    filled: MutableSequence[int],
    base: MutableSequence[int],
    cycle: MutableSequence[int],
) -> bool:
    """Turn cell `k` round if what its order still has to fill is nothing, or too little to be an order."""
    if side[k] == BUYING:
        rest = lots[k] - filled[k]
        if rest > 0 and (filled[k] == 0 or rest * prices[k] >= min_notional):
            return False
        if rest > 0 and (base[k] // lot_units) * prices[k + 1] < min_notional:
            return False  # what was bought could not be sold: better wait for the rest
        side[k] = SELLING
    elif side[k] == SELLING:
        rest = base[k] // lot_units
        if rest > 0 and rest * prices[k + 1] >= min_notional:
            return False
        side[k] = BUYING
    else:
        return False
    filled[k] = 0
    cycle[k] += 1
    return True


def wanted_rungs(
    prices: Sequence[int],
    lots: Sequence[int],
    lot_units: int,
    side: Sequence[int],
    filled: Sequence[int],
    base: Sequence[int],
    want_price: MutableSequence[int],
    want_lots: MutableSequence[int],
) -> int:
    """Write for each cell the price and lots of the order that should rest (0 lots: none); return how many rest."""
    count = 0
    for k in range(len(side)):
        want_rung(k, prices, lots, lot_units, side, filled, base, want_price, want_lots)
        if want_lots[k] > 0:
            count += 1
    return count


def want_rung(
    k: int,
    prices: Sequence[int],
    lots: Sequence[int],
    lot_units: int,
    side: Sequence[int],
    filled: Sequence[int],
    base: Sequence[int],
    want_price: MutableSequence[int],
    want_lots: MutableSequence[int],
) -> None:
    """Write what cell `k` wants. It looks at cell k - 1 too, whose wish has to be up to date."""
    want = 0
    price = 0
    if side[k] == BUYING:
        price = prices[k]
        want = lots[k] - filled[k]
        if k > 0 and side[k - 1] == SELLING and want_lots[k - 1] > 0:
            want = 0
    elif side[k] == SELLING:
        price = prices[k + 1]
        want = base[k] // lot_units
    want_price[k] = price
    want_lots[k] = max(want, 0)


def lowest_buy(side: Sequence[int], want_lots: Sequence[int], most: int) -> int:
    """Return the lowest cell whose buy may rest where only the `most` nearest do; 0 where all may, as for most = 0."""
    left = most
    for k in range(len(side) - 1, -1, -1):
        if side[k] == BUYING and want_lots[k] > 0:
            left -= 1
            if left == 0:
                return k
    return 0


def highest_sell(side: Sequence[int], want_lots: Sequence[int], most: int) -> int:
    """Return the highest cell whose sale may rest where only the `most` nearest do; the last one where all may."""
    left = most
    for k in range(len(side)):
        if side[k] == SELLING and want_lots[k] > 0:
            left -= 1
            if left == 0:
                return k
    return len(side) - 1


def base_held(base: Sequence[int], borrowed: Sequence[int], totals: Sequence[int]) -> int:
    """Return all base the grid holds, in 1e-8 units; below 0 what it is short."""
    held = totals[ENTRY_BASE] - totals[UNWOUND_LONG] + totals[UNWOUND_SHORT]
    for k in range(len(base)):
        held += base[k] - borrowed[k]
    return held
