"""Where every number of a replay stands in the integer arrays of the engine."""

from collections.abc import MutableSequence, Sequence
from typing import Any, NamedTuple

NOTHING = 1 << 60
"""A price above all, and a quantity that fills every order."""

# Places in `rules`, what a replay is told.
LOT_UNITS = 0  # 1e-8 of base per lot
MIN_NOTIONAL = 1  # tick x lot
MIN_LOTS = 2
GAP = 3
ENTRY_PRICE = 4  # ticks; the first purchase pays at most this
POINTS = 5  # prints per candle: 4, or 1 where a row is one trade
LONG_WAY = 6  # 1: visit the extremes in the order that makes the longer way
PRINT_LOTS = 7  # what a print can fill at its price, in lots; below 0: a share of the volume column
NOTIONAL_UNIT = 8  # units per tick x lot
BASE_UNIT = 9  # units per 1e-8 base and tick
FEE_UNIT = 10  # units per 1e-8 quote
CAP_NUM = 11  # 1e-8 quote per tick x lot, as a fraction: no commission is above what was received
CAP_DEN = 12
MAKER = 13  # six places of fractions, see FEE_*
TAKER = 19
PAYS_IN_BNB = 25
BNB_MOVES = 26  # 1: a column tells what BNB costs in each row, 0: BNB_PRICE stands still
CASH_LIMIT = 27  # units; beyond it int64 could overflow
RECORD = 28  # 1: write fills
CURVE = 29  # 1: write the equity curve
SHARE_NUM = 30  # of a candle's lots, per print
SHARE_DEN = 31
START_CASH = 32
START_BASE = 33
MAX_EXPOSURE = 34  # units; what all grids of the account may have at risk, -1: no limit
RULES = 35

# Places behind MAKER and TAKER: commission in 1e-8 as fractions of lots (in base) and of tick x lot (quote, BNB).
FEE_BASE_NUM = 0  # 0: no commission
FEE_BASE_DEN = 1
FEE_QUOTE_NUM = 2
FEE_QUOTE_DEN = 3
FEE_BNB_NUM = 4
FEE_BNB_DEN = 5  # to be multiplied by BNB_PRICE

# Places in `state`, the numbers of the whole replay.
NEXT = 0  # candle to go on with
ACTIVE = 1  # 1: the rungs rest
FREE = 2  # quote that no order has locked, units
CASH = 3  # quote less what fees in BNB were worth when they were paid, units
BASE = 4  # base of the whole account, 1e-8
BNB = 5  # 1e-8
BEST_BUY = 6  # cell of the highest resting buy, -1 without
BEST_SELL = 7  # cell of the lowest resting sell, number of cells without
UNPAID = 8  # orders wanted that wait for free balance, or for room under the limit of exposure
FILL_COUNT = 9
FILL_AT = 10  # next free place in `fills`
BUYS = 11
SELLS = 12
CYCLES = 13
FEE_QUOTE = 14  # 1e-8
FEE_BNB = 15  # 1e-8
FIRST_PRICE = 16  # ticks; what was bought before or as the rungs came to rest
FIRST_FEE = 17  # 1e-8 base, of those purchases
PEAK = 18  # units
PEAK_AT = 19  # a row, AT_START or NEVER, like the three below
TROUGH = 20  # lowest equity since the peak
TROUGH_AT = 21
WORST_PEAK = 22  # of the deepest relative fall so far that a newer peak, or the end, has ended
WORST_PEAK_AT = 23
WORST_TROUGH = 24
WORST_TROUGH_AT = 25
BNB_PRICE = 26  # units per 1e-8 BNB
IN_RANGE = 27  # candles that closed within the ladder
UNPAID_EVER = 28
FAULTED = 29  # slots whose order is below the venue's minimum
NEXT_MARK = 30
OTHERS_AT_RISK = 31  # by the other grids of the account, units
AT_RISK = 32  # by this one when it was last looked at
OVER_LIMIT_EVER = 33
FEE_BNB_WORTH = 34  # when they were paid, units
STATE = 35

# Moments that are no row.
AT_START = -1  # the first open, before anything was paid
NEVER = -2

# Places in `wallet`, what several grids on one account share.
WALLET_FREE = 0  # units
WALLET_BNB = 1  # 1e-8
WALLET_AT_RISK = 2  # units
WALLET_STEP = 3  # step of the common time line to go on with
WALLET_STATUS = 4
WALLET = 5

DONE = 0
FILLS_FULL = 1
TOO_LARGE = 2

# Rows of `cell`, the numbers of each cell.
SIDE = 0
FILLED = 1
HELD = 2  # base, 1e-8
CYCLE = 3
WANT_PRICE = 4
WANT_LOTS = 5
RESTS = 6  # lots of its order that rests
BLOCKED = 7  # why what it wants does not rest: UNPAID_ORDER, or BUY_FAULTED and SELL_FAULTED together
FIRST = 8  # base of it bought at FIRST_PRICE, 1e-8
FEE_BASE = 9  # paid in base for purchases at its rung, 1e-8
CELL = 10

UNPAID_ORDER = 1
BUY_FAULTED = 2
SELL_FAULTED = 4

# Rows of `ladder`.
PRICES = 0
LOTS = 1

# Prices of a row of `market`, and rows of `blocks`.
OPEN = 0
HIGH = 1
LOW = 2
CLOSE = 3
POINTS_PER_ROW = 4  # a moment is this times the row, plus the point
ROW_WIDTH = 4  # a row lies in one or two lines of the cache: what reads one price of it has read all
BLOCK_HIGH = 0
BLOCK_LOW = 1
BLOCK_TOP = 2  # highest close
BLOCK_BOTTOM = 3  # lowest close
BLOCK_BNB_TOP = 4  # highest price of BNB, where it moves
BLOCK_BNB_BOTTOM = 5
BLOCK_ROWS = 6
BLOCK = 32  # candles

# Width of a fill in `fills`: moment, cell, side, price, lots, commission, its asset.
FILL_WIDTH = 7
IN_BASE = 0
IN_QUOTE = 1
IN_BNB = 2

Ints = Sequence[int]
Column = MutableSequence[int]
Table = Sequence[MutableSequence[int]]
Wide = Sequence[Sequence[int]]


class Tape(NamedTuple):
    """One market as a replay reads it; `bnb` is empty where the price of BNB stands still."""

    prices: Ints
    blocks: Wide
    volume: Ints
    bnb: Ints


class Grid(NamedTuple):
    """One grid: what it is told, its rungs and cells, what has become of it, and where its fills are written."""

    rules: Ints
    ladder: Wide
    cell: Table
    totals: Column
    state: Column
    fills: Column


class Kept(NamedTuple):
    """Where the equity is written: at every close where asked for, and at the rows that `marks` names, ascending."""

    curve: Column
    marks: Ints
    marked: Column


class Tapes(NamedTuple):
    """Several markets one behind the other; `starts` counts the candles before each."""

    starts: Any
    prices: Any
    volume: Any
    bnb: Any


class Grids(NamedTuple):
    """Several grids, their tables one behind the other; `starts` counts the cells before each."""

    starts: Any
    rules: Any
    ladders: Any
    cells: Any
    totals: Any
    state: Any
    fills: Any
