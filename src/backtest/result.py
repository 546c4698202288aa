"""What a replay gives back: exact totals, every fill, and what it rested on."""

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from backtest.candles import FloatColumn, IntColumn
from backtest.scenario import Scenario
from domain.exit_terms import ExitAction
from domain.exits import ExitCondition
from domain.grids import Books
from domain.money import exact

BUY: Final = 0
SELL: Final = 1
ENTRY_CELL: Final = -1
"""The cell of the first purchase, and of what closes all as a grid ends by itself."""

FEE_IN_BASE: Final = 0
FEE_IN_QUOTE: Final = 1
FEE_IN_BNB: Final = 2


class RanBy(StrEnum):
    """Which form of the engine's one text ran."""

    COMPILED = "compiled"  # int64, by numba
    PLAIN = "plain"  # Python's own integers, where int64 could overflow


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fills:
    """Every fill in the order in which it happened, as int64 columns of one length.

    `cell` is the ladder's cell (it buys at its lower rung, `plan.prices[cell]`, and sells one rung up; of a ladder that
    follows the price `plan.master[cell]`), ENTRY_CELL for the first purchase. `side` is BUY or SELL. The quote amount
    is price_ticks x lots (unit: tick x lot), exactly.
    `commission` is in 1e-8 of the asset that `commission_asset` names (FEE_IN_BASE, FEE_IN_QUOTE, FEE_IN_BNB).
    """

    time_ms: IntColumn
    cell: IntColumn
    side: IntColumn
    price_ticks: IntColumn
    lots: IntColumn
    commission: IntColumn
    commission_asset: IntColumn

    def __len__(self) -> int:
        return len(self.time_ms)

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """Return the fills as one table: time, cell, side, price, lots, commission, its asset."""
        columns = (
            self.time_ms,
            self.cell,
            self.side,
            self.price_ticks,
            self.lots,
            self.commission,
            self.commission_asset,
        )
        return np.column_stack(columns).astype("<i8")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GainCurve:
    """What was gained until each candle's close, fees deducted.

    `change` is the gain since the start in whole `unit`s of the quote asset (an exact decimal). `time_ms` is the
    candle's last millisecond.
    """

    time_ms: IntColumn
    change: IntColumn
    unit: Decimal

    @property
    def change_quote(self) -> FloatColumn:
        """Return the gain since the start in quote, as floats for statistics."""
        return self.change.astype(np.float64) * float(self.unit)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EquityCurve(GainCurve):
    """The account at every candle's close. `lot` is 1e-8 of base per lot."""

    fills: Fills
    lot: int
    flat_from_ms: int | None = None  # nothing is held from then on: the position was liquidated

    @property
    def base(self) -> IntColumn:
        """Return the base bought since the start, in 1e-8, counted from the fills."""
        signed = np.where(self.fills.side == BUY, 1, -1) * self.fills.lots * self.lot
        signed -= np.where(self.fills.commission_asset == FEE_IN_BASE, self.fills.commission, 0)
        held = np.concatenate(([0], np.cumsum(signed)))
        base: IntColumn = held[np.searchsorted(self.fills.time_ms, self.time_ms, "right")]
        return base if self.flat_from_ms is None else np.where(self.time_ms < self.flat_from_ms, base, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawdown:
    """The deepest fall of the account's equity from a peak before it, at candles' closes, relative to that peak.

    Equities in quote are those of the whole account: its quote and base at the start plus the change since. Times are
    None where it never fell.
    """

    peak: Decimal
    trough: Decimal
    peak_ms: int | None
    trough_ms: int | None

    @property
    def amount(self) -> Decimal:
        return self.peak - self.trough

    @property
    def fraction(self) -> float:
        return float(self.amount / self.peak) if self.peak else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractOutcome:
    """What became of a position in a contract; prices and amounts in quote.

    `liquidation_price` is that of the position at the end, on the tick: None where no price liquidates it, or where it
    was liquidated. Then `liquidated_ms` says when, at which price, and what it `lost`: the margin that went with it.
    `margin_short` counts moments after which the orders that rest needed more initial margin than there was: orders
    that the venue refuses for that are not replayed, so the result tells too much above 0.
    """

    position: Decimal
    liquidation_price: Decimal | None
    liquidated_ms: int | None
    liquidated_at: Decimal | None
    lost: Decimal
    settlements: int  # of funding within the window
    margin_short: int

    @property
    def is_liquidated(self) -> bool:
        return self.liquidated_ms is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class GridEnd:
    """How a grid ended by itself: which condition was met when, at which price and with which profit, in quote.

    `rests` is what is left, in base, of the one order that was to close all, where that was not filled by the end.
    """

    condition: ExitCondition
    action: ExitAction
    at_ms: int
    price: Decimal
    profit: Decimal
    rests: Decimal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """One replay.

    `books` are those the live grid would show at the last close: equity_change, grid_profit, fees, fees_by_asset,
    inventory at cost and at market, residual, buys, sells, cycles and dust among them (domain.grids.Books).
    Counts of candles: all, and those whose close lay within the ladder.
    """

    scenario: Scenario
    books: Books
    start_equity: Decimal  # the account at the start, in quote at the first open
    drawdown: Drawdown
    fills: Fills
    curve: EquityCurve | None
    start_ms: int
    end_ms: int
    candles: int
    candles_in_range: int
    first_price: Decimal
    last_price: Decimal
    unpaid_orders: int  # how often an order was wanted that the free balance could not pay
    faulted_slots: int  # orders below the venue's minimum, never sent, or refused five times
    post_only_refusals: int  # orders that would have taken when they arrived, and went out again as plain limit orders
    late_cancels: int  # cancels that arrived after the order had filled
    rate_waits: int  # orders that the gate's limit of orders per ten seconds made wait
    over_limit_orders: int  # orders that the limit of exposure made wait
    is_entered: bool  # whether the first purchase was made (True where none was asked for)
    ran_by: RanBy
    contract: ContractOutcome | None  # None on spot
    triggered_ms: int | None = None  # when its trigger price was reached; None: never, or there was none
    end: GridEnd | None = None  # None: it did not end by itself

    @property
    def trades_hash(self) -> str:
        """Return SHA-256 over the fills' canonical rows: the same decisions give the same text on every machine."""
        return hashlib.sha256(np.ascontiguousarray(self.fills.rows).tobytes()).hexdigest()

    @property
    def time_in_range(self) -> float:
        """Return the fraction of candles that closed within the ladder."""
        return self.candles_in_range / self.candles

    @property
    @exact
    def end_equity(self) -> Decimal:
        """Return the account at the end, in quote at the last close."""
        return self.start_equity + self.hold_of_start_base + self.books.equity_change

    @property
    @exact
    def hold_of_start_base(self) -> Decimal:
        """Return what base that lay on the account before the grid gained by the price alone, in quote."""
        base = self.scenario.balances.get(self.scenario.rules.instrument.base, Decimal(0))
        return base * (self.last_price - self.first_price)
