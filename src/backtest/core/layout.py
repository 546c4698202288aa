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
DELAYED = 35  # 1: orders travel, wait for their turn and may be refused (core.late)
LATENCY = 36  # ms from a decision to the venue
INTERVAL = 37  # ms of a candle
MAX_OPEN = 38  # orders that may rest at once, 0: no limit
MAX_RATE = 39  # orders that the gate lets go in RATE_MS, 0: no limit
SENT_AT = 40  # where in `flight` the times of the last MAX_RATE orders lie
CONTRACT = 41  # 1: a contract, which is sold before it is bought where cells borrow (core.contract)
BORROWS_FROM = 42  # the lowest cell that borrows
ENTRY_SELLS = 43  # 1: the first trade sells
LEVERAGE = 44
ISOLATED = 45  # 1: a position may lose its own margin alone
RESTING_LEVELS = 46  # orders that rest on each side, the nearest; 0: all
RESERVE = 47  # base that is bought first and that no rung sells, 1e-8
POST_ONLY = 48  # 1: orders of rungs never take, they wait behind the market
EXITS = 49  # 1: the grid may end by itself (core.ends); the prices and amounts below are then told
STOPS_BELOW = 50  # ticks; -1: nowhere
STOPS_ABOVE = 51  # NOTHING: nowhere
TAKES_BELOW = 52
TAKES_ABOVE = 53
WANTED_GAIN = 54  # units; 0: none ends it
WORST_LOSS = 55
ON_TAKE = 56  # what becomes of what is held, as `grid.core.exits` names it
ON_STOP = 57
MARKET_MOST = 58  # lots of the largest order at market, 0: no limit
SALE_PPM = 59  # what reinvested sales leave, see grid.core.reinvest; 0: nothing is reinvested
COST_PPM = 60
GROWTH_ASIDE = 61  # ticks
FOLLOWS = 62  # rungs of the master ladder, which stands behind the rules; 0: the ladder stays where it is
FOLLOWS_UP = 63
FOLLOWS_DOWN = 64
RULES = 65

# Places behind MAKER and TAKER: commission in 1e-8 as fractions of lots (in base) and of tick x lot (quote, BNB).
FEE_BASE_NUM = 0  # 0: no commission
FEE_BASE_DEN = 1
FEE_QUOTE_NUM = 2
FEE_QUOTE_DEN = 3
FEE_BNB_NUM = 4
FEE_BNB_DEN = 5  # to be multiplied by BNB_PRICE

# Places in `state`, the numbers of the whole replay.
NEXT = 0  # candle to go on with
ACTIVE = 1  # 1: the rungs rest, OVER: the grid has ended by itself
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
HEAD = 35  # first request under way, -1 without
TAIL = 36
ENTRY_DUE = 37  # ms at which the first purchase reaches the venue, 0: not under way
TIMER_DUE = 38  # ms of the next timer that has something to do, 0: none has
SINCE = 39  # ms from which on a timer may be the next one
BEGAN = 40  # ms at which the grid started
LAST = 41  # ticks of the last print
WITHHELD = 42  # 1: an order is wanted that only another cell's news, or time, lets go
TIMED = 43  # 1: time alone may let one go
COOLING = 44  # slots that wait for the timer, the first purchase's among them
CANCELS = 45  # two places: buys and sells whose cancel is under way
STUCK_ORDERS = 47  # two places: unwanted buys and sells that may not be cancelled before the timer
RESTING = 49  # orders on the book
SENT = 50  # orders sent
REFUSALS = 51  # of post-only orders that would have taken
LATE_CANCELS = 52  # of orders that had filled by then
RATE_WAITS = 53  # orders that the gate made wait
OWN_COST = 54  # of base that cells hold, but for that bought at FIRST_PRICE, ticks x 1e-8
TAKER_FEE = 55  # 1e-8 base, of rungs that took
TAKER_FEE_VALUE = 56  # ticks x 1e-8
OVERFULL = 57  # 1: a cell held more lots than there are places for
STEP = 58  # what is under way within one moment
CURSOR = 59  # the cell that the print looks at next
NOW = 60  # ms
TAKER_CELL = 61  # where an order arrived that may take
TAKER_SIDE = 62
FILL_LOTS = 63  # the fill to be settled, 0: none
FILL_CELL = 64  # -1: the first purchase
FILL_SIDE = 65
FILL_PRICE = 66
FILL_RATES = 67
ENTRY_REFUSED = 68  # attempts at the first purchase that the balance did not pay
ENTRY_AGAIN = 69  # ms before which it is not tried again
FUNDING = 70  # what funding brought, 1e-8
NEXT_FUNDING = 71  # place in `funding` of the next settlement
MIXED = 72  # 1: cells of both kinds were in position at once, so that sales closed others' purchases
COST = 73  # what the open position was bought or sold for, 1e-8
CROSS = 74  # the wallet without what is set aside for an isolated position, 1e-8
SET_ASIDE = 75  # for an isolated position, 1e-8
FALLS_TO = 76  # ticks at which a long position is liquidated, -1: nowhere
RISES_TO = 77  # ticks at which a short position is liquidated
LIQUIDATED_AT = 78  # 1 + moment, 0: never
LIQUIDATED_AT_PRICE = 79  # ticks
LOST = 80  # what the liquidation took, 1e-8
MARGIN_SHORT = 81  # moments after which what rests needs more margin than there is
ROOM = 82  # orders that may be sent before those that leave are gone, where RESTING_LEVELS bounds them
KEPT = 83  # of the reserve what there is, bought at FIRST_PRICE, 1e-8
ASIDE = 84  # orders beside their rung, and those that wait for the price to move
AIMED_AT = 85  # ticks of the last print when the grid last aimed
PRINT_LEFT = 86  # lots that a print can still fill at its price
ARRIVED = 87  # orders that came to rest
WATCH_LOW = 88  # ticks at or below which the grid begins, ends or closes by itself; -1: nowhere
WATCH_HIGH = 89  # the same above; NOTHING: nowhere
TRIGGER_WAITS = 90  # 1: for its trigger price
TRIGGERED_AT = 91  # 1 + moment, 0: never
ENDED_BY = 92  # what was met, as `grid.core.exits` names it; 0: nothing
ENDED_AT = 93  # moment
ENDED_PRICE = 94  # ticks; also of the order that closes all
ENDED_PROFIT = 95  # units
CLOSE_LOTS = 96  # of the order that closes all, what rests of it
CLOSED = 97  # 1: what was held was closed by more than the cells' own orders
WINDOW = 98  # where on the master ladder the lowest rung stands
UP_AT = 99  # ticks from which on the ladder follows the price up, above all prices where it does not
DOWN_AT = 100  # the same downwards
MOVES = 101  # of the ladder
COUNTED = 102  # the row up to which IN_RANGE is counted, where a move parts a block
STATE = 103

OVER = 2

# Moments that are no row.
AT_START = -1  # the first open, before anything was paid
NEVER = -2

# Places in `wallet`, what several grids on one account share.
WALLET_FREE = 0  # units
WALLET_BNB = 1  # 1e-8
WALLET_AT_RISK = 2  # units
WALLET_STEP = 3  # step of the common time line to go on with
WALLET_STATUS = 4
WALLET_SENT = 5  # orders, of all grids
WALLET_BNB_PRICE = 6  # units per 1e-8 BNB
WALLET_TIMERS_MS = 7  # when the last timers came, or could have
WALLET_TIMERS = 8  # the last grid whose timer of that time came, or could have
WALLET = 9

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
LOTS = 10  # that it buys, and sells; more with every cycle where profit is reinvested
CARRY = 11  # what its cycles gained and no lot was bought for yet, tick x lot x PPM
MOST = 12  # lots that it may come to buy
CELL = 13

# Places in `flight`, FLIGHT for each cell: its two slots (buy, sell), then what it bought, oldest first. Behind them
# all, and behind those of all grids on one account, the last MAX_RATE times at which orders were sent.
STAGE = 0
LEFT = 1  # lots that its order still has to fill
TAKES = 2  # 1: the order is a plain limit order, not post-only
ORDER_CYCLE = 3
TAKING = 4  # 1 + cycle in which post-only was refused, so that the next attempt may take
COOLS = 5  # 1: nothing is sent before the timer
STUCK = 6  # 1: the order is not wanted, and its slot cools
REFUSED = 7  # attempts of cycle REFUSED_CYCLE that were refused for another reason
REFUSED_CYCLE = 8
AGAIN = 9  # ms before which nothing is sent
WAITS = 10  # what of the gate it waits for: FOR_RATE, FOR_LIMIT, or 0
FOLLOWING = 11  # two places: the request sent after the placement, after the cancel, -1: none
DUE = 13  # two places: ms at which they arrive
PRICE = 15  # ticks; that of the rung, but for an order that waits behind the market
QUEUED = 16  # its place among all that came to rest
BEHIND = 17  # attempts of cycle BEHIND_CYCLE that would have taken
BEHIND_CYCLE = 18
TRIED = 19  # ticks of the last print when the latest attempt was sent
SLOT = 20
LOTS_HELD = 40
HELD_PRICE = 41  # ticks
HELD_BASE = 49  # 1e-8
MOST_LOTS = 8
FLIGHT = 57

# Stages of a slot's order.
NO_ORDER = 0
UNDER_WAY = 1
RESTS_NOW = 2
CANCELLING = 3  # and rests until the cancel arrives

# Steps: nothing, a print that goes through the buys and then the sells, an order that arrived and may take.
IDLE = 0
ON_BUYS = 1
ON_SELLS = 2
ON_TAKER = 3

FOR_RATE = 1  # its limit of orders
FOR_LIMIT = 2  # its limit of exposure
FOR_PRICE = 3  # no limit of the gate's: a price other than the last one

TIMER_MS = 1_000  # the live worker's timer (grid.worker_host)
RATE_MS = 10_000  # the gate's window (risk.gate)
MOST_REFUSALS = 5  # as orders.placing has it
MOST_AT_ONCE = 5  # as orders.repricing has it

UNPAID_ORDER = 1
BUY_FAULTED = 2
SELL_FAULTED = 4

# Rows of `ladder`.
PRICES = 0

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

# Width of a settlement in `funding`: its moment, what a lot pays (whole 1e-8, then the 16 digits behind them in two
# halves), and its sign.
FUNDING_WIDTH = 5
SETTLED_AT = 0
PER_LOT = 1
PER_LOT_HIGH = 2
PER_LOT_LOW = 3
LONGS_PAY = 4  # 1, or -1: shorts do
EIGHT_DIGITS = 100_000_000

# Width of a bracket in `brackets`: for notionals up to CAP, maintenance is notional x RATE less DEDUCTION.
BRACKET_WIDTH = 3
CAP = 0  # units
RATE_PPM = 1
DEDUCTION = 2  # units
PPM = 1_000_000

LATE_ROOM = 4  # times the fills of a block where orders travel: between two prints they may take too

# Width of a fill in `fills`: moment (where orders travel its time, ms), cell, side, price, lots, commission, its asset.
FILL_WIDTH = 7
IN_BASE = 0
IN_QUOTE = 1
IN_BNB = 2

Ints = Sequence[int]
Column = MutableSequence[int]
Table = Sequence[MutableSequence[int]]
Wide = Sequence[Sequence[int]]


class Tape(NamedTuple):
    """One market as a replay reads it; `bnb` is empty where the price of BNB stands still.

    `times` are those of the rows' first points, ms. `funding` and `brackets` are a contract's, one behind the other.
    """

    prices: Ints
    blocks: Wide
    volume: Ints
    bnb: Ints
    times: Ints
    funding: Ints
    brackets: Ints


class Grid(NamedTuple):
    """One grid: what it is told, its rungs and cells, what has become of it, and where its fills are written.

    `flight` is empty where no order travels.
    """

    rules: Ints
    ladder: Table
    cell: Table
    totals: Column
    state: Column
    fills: Column
    flight: Column


class Kept(NamedTuple):
    """Where the equity is written: at every close where asked for, and at the rows that `marks` names, ascending."""

    curve: Column
    marks: Ints
    marked: Column


class Tapes(NamedTuple):
    """Several markets one behind the other; `starts` counts the rows before each."""

    starts: Any
    prices: Any
    volume: Any
    bnb: Any
    times: Any


class Grids(NamedTuple):
    """Several grids, their tables one behind the other; `starts` counts the cells before each."""

    starts: Any
    rules: Any
    ladders: Any
    cells: Any
    totals: Any
    state: Any
    fills: Any
    flight: Any
