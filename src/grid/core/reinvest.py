"""Reinvested profit: a cell that completed a cycle buys next with what its last sale brought.

Like `grid.core.cells` this text runs plainly under the live worker and compiled under replay.

What a cell gains is its own. Every lot that it sells at its upper rung and buys at its lower one, in whichever order,
leaves the difference of the two after two fees; when the cell turns round, whole lots are bought for what has gathered
and the rest waits in `carry`. So a cell pays for its growth itself, and the others' orders find what they always found:

* A cell that buys first pays its own rung, and the fee, for each lot more.
* A cell that borrows sells each lot more and buys it back later, perhaps at the top of the ladder. It pays twice the
  highest rung for it: whatever the price does inside the ladder, that covers the lot, and its margin too.
* On a contract `aside` is paid for each lot besides, in ticks: for its funding and for orders beyond the market.
* Lots left over from a sale too small to rest are counted as bought already.
* Gains may be taken twice nowhere: a cell of which the first trade began the position, on a contract, and what the
  first purchase's fee in base takes, begin with a debt (`LadderNumbers.carry`).

Units: tick x lot x PPM for money, lots, 1e-8 of base. `sale_ppm` is what a sale leaves, `cost_ppm` what a purchase
takes, in millionths of the rung's price.
"""

from collections.abc import MutableSequence, Sequence


def gained(k: int, lots: int, sale_ppm: int, cost_ppm: int, prices: Sequence[int], carry: MutableSequence[int]) -> None:
    """Book what closing `lots` of cell `k` gained, reckoned at its two rungs."""
    carry[k] += lots * (prices[k + 1] * sale_ppm - prices[k] * cost_ppm)


def grow(
    k: int,
    borrows: bool,
    cost_ppm: int,
    aside: int,
    prices: Sequence[int],
    lot_units: int,
    most: Sequence[int],
    lots: MutableSequence[int],
    carry: MutableSequence[int],
    base: MutableSequence[int],
) -> int:
    """Let cell `k`, which has just completed a cycle, hold what its gains pay for; return by how many lots more.

    What would lift it above `most` is not kept for later.
    """
    spare = carry[k]
    if borrows:
        price = 2 * prices[len(prices) - 1] + aside
    else:
        price = prices[k] + aside
        spare -= base[k] // lot_units * prices[k] * cost_ppm
    more = spare // (price * cost_ppm)
    if more <= 0:
        return 0
    if lots[k] + more > most[k]:
        more = most[k] - lots[k]
        carry[k] = 0
    else:
        carry[k] -= more * price * cost_ppm
    lots[k] += more
    if borrows:
        base[k] += more * lot_units
    return more
