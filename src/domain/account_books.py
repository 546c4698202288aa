"""The books of a whole account as values: what its grids did, what others did, and what is left over."""

from dataclasses import dataclass, field
from decimal import Decimal

from domain.grids import GridSnapshot
from domain.money import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetLine:
    """One asset since the account's books began, in units of the asset.

    balance - baseline = grids + foreign_trades + other_movements + residual
    """

    asset: str
    baseline: Decimal
    balance: Decimal
    grids: Decimal  # what the grids booked
    foreign_trades: Decimal  # trades of other orders on the grids' symbols, from the venue's list
    other_movements: Decimal  # what no trade on these symbols explains: deposits, withdrawals, transfers, dust, ...
    residual: Decimal  # trades of our orders in the venue's list, less what the grids booked


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueLines:
    """The assets' lines in one currency.

    equity_change = grids + foreign_trades + other_movements + revaluation + residual
    """

    equity_change: Decimal
    grids: Decimal
    foreign_trades: Decimal
    other_movements: Decimal
    revaluation: Decimal  # what the holdings of the baseline gained by price alone
    residual: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPart:
    """What the venue says about the account, explained.

    `prices` and `baseline_prices` are units of the books' currency per unit of the asset; assets that lack one are
    named in `unpriced` and count in no value. `settled` is False while trades of ours were still arriving.
    """

    since_ms: int
    assets: tuple[AssetLine, ...]
    prices: dict[str, Decimal]
    baseline_prices: dict[str, Decimal]
    value: ValueLines
    unpriced: tuple[str, ...]
    settled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The sums over all grids that share a quote asset; the names are those of `domain.grids.Books`."""

    grids: int = 0
    grid_profit: Decimal = ZERO
    inventory_cost: Decimal = ZERO
    inventory_value: Decimal = ZERO
    fees: Decimal = ZERO
    fee_asset_revaluation: Decimal = ZERO
    quote_rounding: Decimal = ZERO
    cash_flow: Decimal = ZERO
    equity_change: Decimal = ZERO
    residual: Decimal = ZERO
    hold_change: Decimal = ZERO
    versus_hold: Decimal = ZERO
    trades: int = 0
    cycles: int = 0
    fees_by_asset: dict[str, Decimal] = field(default_factory=dict)
    fees_unvalued: dict[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBooks:
    """All grids the account ever had, their sums by quote asset, and the account itself.

    `account` is None where the venue cannot be read; `account_error` then says why.
    """

    account_id: str
    valued_in: str
    taken_ms: int
    grids: tuple[GridSnapshot, ...]
    totals: dict[str, Totals]
    account: AccountPart | None
    account_error: str
