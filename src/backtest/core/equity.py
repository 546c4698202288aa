"""The account at closes: its peak, how deep it fell, and its curve."""

from backtest.core import layout as at
from backtest.core.layout import Column, Ints, Kept, Tape


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


def equity_at(i: int, tape: Tape, rules: Ints, state: Ints) -> int:
    """Return what the account is worth at the close of candle `i`, its BNB left out but for what fees took of it."""
    equity = state[at.CASH] + state[at.BASE] * rules[at.BASE_UNIT] * tape.prices[at.ROW_WIDTH * i + at.CLOSE]
    if rules[at.BNB_MOVES] == 1:
        equity += revaluation(tape.bnb[i], state)
    return equity


def revaluation(price: int, state: Ints) -> int:
    """Return what fees in BNB were worth when they were paid, less what that BNB is worth at `price`."""
    return state[at.FEE_BNB_WORTH] - state[at.FEE_BNB] * price


def start_watching(prices: Ints, rules: Ints, state: Column) -> None:
    """Let the account as it is at the first open be its first peak, unless that was done before."""
    if state[at.PEAK_AT] == at.NEVER:
        state[at.PEAK] = state[at.CASH] + state[at.BASE] * rules[at.BASE_UNIT] * prices[at.OPEN]
        state[at.PEAK_AT] = at.AT_START
        state[at.TROUGH] = state[at.PEAK]
        state[at.TROUGH_AT] = at.AT_START


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
        state[at.PEAK] = equity
        state[at.PEAK_AT] = i
        state[at.TROUGH] = equity
        state[at.TROUGH_AT] = i
    elif equity < state[at.TROUGH]:
        state[at.TROUGH] = equity
        state[at.TROUGH_AT] = i


def lowest_close(first: int, until: int, is_short: bool, prices: Ints) -> int:
    """Return the first candle of the lowest close; of the highest for a short position."""
    lowest = first
    for i in range(first, until):
        gain = prices[at.ROW_WIDTH * i + at.CLOSE] - prices[at.ROW_WIDTH * lowest + at.CLOSE]
        if (gain > 0) if is_short else (gain < 0):
            lowest = i
    return lowest


def watch_quiet(block: int, first: int, until: int, tape: Tape, rules: Ints, state: Column) -> None:
    """Follow the equity over a block in which nothing happened: it lies between those at its extreme prices."""
    worth = state[at.BASE] * rules[at.BASE_UNIT]
    lowest = state[at.CASH] + worth * tape.blocks[at.BLOCK_BOTTOM][block]
    highest = state[at.CASH] + worth * tape.blocks[at.BLOCK_TOP][block]
    if worth < 0:
        lowest, highest = highest, lowest
    moves = rules[at.BNB_MOVES] == 1
    if moves:
        lowest += revaluation(tape.blocks[at.BLOCK_BNB_TOP][block], state)
        highest += revaluation(tape.blocks[at.BLOCK_BNB_BOTTOM][block], state)
    if highest > state[at.PEAK] or (moves and lowest < state[at.TROUGH]):
        for i in range(first, until):
            watch(equity_at(i, tape, rules, state), i, state)
    elif lowest < state[at.TROUGH]:
        state[at.TROUGH] = lowest
        state[at.TROUGH_AT] = lowest_close(first, until, worth < 0, tape.prices)


def closes_within(block: int, first: int, until: int, tape: Tape, prices: Ints) -> int:
    """Count the candles of a block that closed within the ladder."""
    blocks = tape.blocks
    bottom = prices[0]
    top = prices[len(prices) - 1]
    if bottom <= blocks[at.BLOCK_BOTTOM][block] and blocks[at.BLOCK_TOP][block] <= top:
        return until - first
    count = 0
    if bottom <= blocks[at.BLOCK_TOP][block] and blocks[at.BLOCK_BOTTOM][block] <= top:
        for i in range(first, until):
            if bottom <= tape.prices[at.ROW_WIDTH * i + at.CLOSE] <= top:
                count += 1
    return count


def write_curve(first: int, until: int, tape: Tape, rules: Ints, state: Ints, curve: Column) -> None:
    """Write the equity gained since the start, at closes between which nothing happened."""
    cash = state[at.CASH] - rules[at.START_CASH]
    worth = (state[at.BASE] - rules[at.START_BASE]) * rules[at.BASE_UNIT]
    if rules[at.BNB_MOVES] == 1:
        cash += state[at.FEE_BNB_WORTH]
        paid = state[at.FEE_BNB]
        for i in range(first, until):
            curve[i] = cash + worth * tape.prices[at.ROW_WIDTH * i + at.CLOSE] - paid * tape.bnb[i]
    else:
        for i in range(first, until):
            curve[i] = cash + worth * tape.prices[at.ROW_WIDTH * i + at.CLOSE]


def next_mark(state: Ints, marks: Ints) -> int:
    """Return the next candle whose equity is to be kept; above all candles when there is none."""
    return marks[state[at.NEXT_MARK]] if state[at.NEXT_MARK] < len(marks) else at.NOTHING


def write_marks(until: int, tape: Tape, rules: Ints, state: Column, kept: Kept) -> None:
    """Keep the equity of the marked candles before `until`, in which nothing happened."""
    mark = next_mark(state, kept.marks)
    while mark < until:
        kept.marked[state[at.NEXT_MARK]] = equity_at(mark, tape, rules, state)
        state[at.NEXT_MARK] += 1
        mark = next_mark(state, kept.marks)
