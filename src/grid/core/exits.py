"""When a whole grid ends by itself: the prices at which its profit reaches what is asked for.

Like `grid.core.cells` this text runs twice, plainly under the live worker and compiled by numba under replay, and keeps
to integers that both share.

A grid's profit at a price is what it received less what it paid, fees valued at their fills and funding included, plus
what it holds at that price: `cash + worth * price`, `worth` being the money that one step of the price moves. Between
two fills both stand still, so each condition is a pair of prices: at or below the one, or at or above the other.
"""

NOWHERE_BELOW = -1
NOWHERE_ABOVE = 1 << 60
"""A price above all."""

# What was met; 0: nothing was. The first of these that is met is the one that is told.
STOP_PRICE = 1
TAKE_PRICE = 2
LOSS = 3
GAIN = 4

# What becomes of what the grid holds.
KEEP = 0
MARKET = 1
LIMIT = 2


def gain_band(cash: int, worth: int, gain: int) -> tuple[int, int]:
    """Return the prices at or below, and at or above, which the profit is at least `gain`; 0 asks for none."""
    if gain <= 0:
        return NOWHERE_BELOW, NOWHERE_ABOVE
    if worth > 0:
        return NOWHERE_BELOW, no_less_than_0(-((cash - gain) // worth))
    if worth < 0:
        return no_less_than_nowhere((cash - gain) // -worth), NOWHERE_ABOVE
    return NOWHERE_BELOW, 0 if cash >= gain else NOWHERE_ABOVE


def loss_band(cash: int, worth: int, loss: int) -> tuple[int, int]:
    """Return the prices at or below, and at or above, which at least `loss` is lost; 0 asks for none."""
    if loss <= 0:
        return NOWHERE_BELOW, NOWHERE_ABOVE
    if worth > 0:
        return no_less_than_nowhere((-loss - cash) // worth), NOWHERE_ABOVE
    if worth < 0:
        return NOWHERE_BELOW, no_less_than_0(-((-loss - cash) // -worth))
    return NOWHERE_BELOW, 0 if cash <= -loss else NOWHERE_ABOVE


def no_less_than_0(price: int) -> int:
    """Return a price at or above which something holds, within the prices that there are."""
    return min(max(price, 0), NOWHERE_ABOVE)


def no_less_than_nowhere(price: int) -> int:
    """Return a price at or below which something holds, within the prices that there are."""
    return min(max(price, NOWHERE_BELOW), NOWHERE_ABOVE - 1)


def is_within(price: int, low: int, high: int) -> bool:
    """Tell whether a price lies at or below `low`, or at or above `high`."""
    return price <= low or price >= high


def is_worth_closing(lots: int, price: int, min_notional: int, min_lots: int) -> bool:
    """Tell whether the venue takes an order of what is left at that price (ticks; lots; tick x lot)."""
    return lots >= max(min_lots, 1) and lots * price >= min_notional
