"""What a cell bought and at which prices, first in, first out: needed where orders that arrive late take anywhere."""

from backtest.core import layout as at
from backtest.core.layout import Column


def hold(k: int, price: int, base: int, flight: Column, state: Column) -> None:
    """Add base bought at `price` to cell `k`.

    A sale takes the oldest first and leaves less than the smallest order of the newest, and a cycle buys at two prices
    at most, so that MOST_LOTS are more than enough.
    """
    cell = at.FLIGHT * k
    count = flight[cell + at.LOTS_HELD]
    state[at.OWN_COST] += price * base
    newest = cell + count - 1
    if count > 0 and flight[newest + at.HELD_PRICE] == price:
        flight[newest + at.HELD_BASE] += base
        return
    if count == at.MOST_LOTS:
        state[at.OVERFULL] = 1
        return
    flight[cell + at.HELD_PRICE + count] = price
    flight[cell + at.HELD_BASE + count] = base
    flight[cell + at.LOTS_HELD] = count + 1


def release(k: int, base: int, first: Column, flight: Column, state: Column) -> None:
    """Take what a sale of cell `k` sold out of its own lots, then out of the first purchase, as the books do."""
    cell = at.FLIGHT * k
    left = base
    used = 0
    while left > 0 and used < flight[cell + at.LOTS_HELD]:
        part = min(left, flight[cell + at.HELD_BASE + used])
        flight[cell + at.HELD_BASE + used] -= part
        state[at.OWN_COST] -= part * flight[cell + at.HELD_PRICE + used]
        left -= part
        if flight[cell + at.HELD_BASE + used] == 0:
            used += 1
    if used > 0:
        count = flight[cell + at.LOTS_HELD] - used
        for i in range(count):
            flight[cell + at.HELD_PRICE + i] = flight[cell + at.HELD_PRICE + used + i]
            flight[cell + at.HELD_BASE + i] = flight[cell + at.HELD_BASE + used + i]
        flight[cell + at.LOTS_HELD] = count
    first[k] -= left
