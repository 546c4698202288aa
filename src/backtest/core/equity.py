"""The account at closes: its peak, how deep it fell, and its curve."""

from backtest.core import layout as at
from backtest.core.layout import Column, Ints, Wide


def wide_product(a: int, b: int) -> tuple[int, int]:
    """Return the product of two numbers of at most 62 bits in two limbs of 62 bits."""
    half = (1 << 31) - 1
    a_high = a >> 31
    a_low = a & half
    b_high = b >> 31
    b_low = b & half
    low = a_low * b_low
    middle = a_high * b_low + (low >> 31)
    other = a_low * b_high + (middle & half)
    return a_high * b_high + (middle >> 31) + (other >> 31), ((other & half) << 31) | (low & half)


def is_deeper(peak: int, trough: int, worst_peak: int, worst_trough: int) -> bool:
    """Tell whether (peak - trough) / peak > (worst_peak - worst_trough) / worst_peak, without overflow."""
    high, low = wide_product(peak - trough, worst_peak)
    worst_high, worst_low = wide_product(worst_peak - worst_trough, peak)
    return high > worst_high or (high == worst_high and low > worst_low)


def end_fall(state: Column) -> None:
    """Keep the fall that a new peak, or the end, has ended if it is the deepest so far."""
    peak = state[at.PEAK]
    trough = state[at.TROUGH]
    worst_peak = state[at.WORST_PEAK]
    worst_trough = state[at.WORST_TROUGH]
    # Peaks only rise, so a deeper relative fall is a larger one too: the cheap question first.
    if peak - trough > worst_peak - worst_trough and is_deeper(peak, trough, worst_peak, worst_trough):
        state[at.WORST_PEAK] = peak
        state[at.WORST_PEAK_AT] = state[at.PEAK_AT]
        state[at.WORST_TROUGH] = trough
        state[at.WORST_TROUGH_AT] = state[at.TROUGH_AT]


def watch(equity: int, i: int, state: Column) -> None:
    """Follow the equity's peak and its lowest value since."""
    if equity > state[at.PEAK]:
        end_fall(state)
        state[at.LONGEST] = max(state[at.LONGEST], i - state[at.PEAK_AT])
        state[at.PEAK] = equity
        state[at.PEAK_AT] = i
        state[at.TROUGH] = equity
        state[at.TROUGH_AT] = i
    elif equity < state[at.TROUGH]:
        state[at.TROUGH] = equity
        state[at.TROUGH_AT] = i


def lowest_close(first: int, until: int, market: Ints) -> int:
    """Return the first candle of the lowest close."""
    lowest = first
    for i in range(first, until):
        if market[at.ROW_WIDTH * i + at.CLOSE] < market[at.ROW_WIDTH * lowest + at.CLOSE]:
            lowest = i
    return lowest


def watch_quiet(block: int, first: int, until: int, blocks: Wide, market: Ints, rules: Ints, state: Column) -> None:
    """Follow the equity over a block in which nothing happened: it lies between those at its extreme closes."""
    cash = state[at.CASH]
    worth = state[at.BASE] * rules[at.BASE_UNIT]
    lowest = cash + worth * blocks[at.BLOCK_BOTTOM][block]
    if cash + worth * blocks[at.BLOCK_TOP][block] > state[at.PEAK]:
        for i in range(first, until):
            watch(cash + worth * market[at.ROW_WIDTH * i + at.CLOSE], i, state)
    elif lowest < state[at.TROUGH]:
        state[at.TROUGH] = lowest
        state[at.TROUGH_AT] = lowest_close(first, until, market)


def closes_within(block: int, first: int, until: int, blocks: Wide, market: Ints, prices: Ints) -> int:
    """Count the candles of a block that closed within the ladder."""
    bottom = prices[0]
    top = prices[len(prices) - 1]
    if bottom <= blocks[at.BLOCK_BOTTOM][block] and blocks[at.BLOCK_TOP][block] <= top:
        return until - first
    count = 0
    if bottom <= blocks[at.BLOCK_TOP][block] and blocks[at.BLOCK_BOTTOM][block] <= top:
        for i in range(first, until):
            if bottom <= market[at.ROW_WIDTH * i + at.CLOSE] <= top:
                count += 1
    return count


def write_curve(first: int, until: int, rules: Ints, market: Ints, state: Ints, curve: Column) -> None:
    """Write the equity gained since the start, at closes between which nothing happened."""
    cash = state[at.CASH] - rules[at.START_CASH]
    worth = (state[at.BASE] - rules[at.START_BASE]) * rules[at.BASE_UNIT]
    for i in range(first, until):
        curve[i] = cash + worth * market[at.ROW_WIDTH * i + at.CLOSE]


def next_mark(state: Ints, marks: Ints) -> int:
    """Return the next candle whose equity is to be kept; above all candles when there is none."""
    return marks[state[at.NEXT_MARK]] if state[at.NEXT_MARK] < len(marks) else at.NOTHING


def write_marks(until: int, rules: Ints, market: Ints, state: Column, marks: Ints, marked: Column) -> None:
    """Keep the equity of the marked candles before `until`, in which nothing happened."""
    mark = next_mark(state, marks)
    while mark < until:
        marked[state[at.NEXT_MARK]] = (
            state[at.CASH] + state[at.BASE] * rules[at.BASE_UNIT] * market[at.ROW_WIDTH * mark + at.CLOSE]
        )
        state[at.NEXT_MARK] += 1
        mark = next_mark(state, marks)
