"""The books of a whole account as values: what its grids did, what others did, and what is left over."""

from dataclasses import dataclass, field
from decimal import Decimal

from domain.grids import GridSnapshot
from domain.money import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetLine:
    """One asset since the account's books began, in units of the asset.

    balance - baseline = grids + foreign_trades + other_movements + residual

    Of the futures wallet: its balance knows what was realised, not what open positions would bring.
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
class WalletPart:
    """The futures wallet, explained like the spot balances, by what the venue realised; and how grids count beside it.

    The sum of the equity_change of grids that are quoted in the books' currency
        = value.grids + open_profit + realized_rounding + realized_residual
    where no fee was paid in a third asset.
    """

    since_ms: int
    assets: tuple[AssetLine, ...]
    prices: dict[str, Decimal]
    baseline_prices: dict[str, Decimal]
    value: ValueLines
    unpriced: tuple[str, ...]
    open_profit: Decimal  # of grids that hold a position: what it would bring at their mark price
    realized_rounding: Decimal  # of flat grids: closed lots less what the venue realised, at most 1e-8 a fill
    realized_residual: Decimal  # of flat grids: the same where it is more than rounding; 0 unless something is wrong
    settled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPart:
    """What the venue says about the account, explained.

    `prices` and `baseline_prices` are units of the books' currency per unit of the asset; assets that lack one are
    named in `unpriced` and count in no value. `settled` is False while trades of ours were still arriving. `futures` is
    None while no contract was ever traded, or where `futures_error` says why it cannot be told.
    """

    since_ms: int
    assets: tuple[AssetLine, ...]
    prices: dict[str, Decimal]
    baseline_prices: dict[str, Decimal]
    value: ValueLines
    unpriced: tuple[str, ...]
    settled: bool
    futures: WalletPart | None = None
    futures_error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The sums over all grids that share a quote asset; the names are those of `domain.grids.Books`."""

    grids: int = 0
    grid_profit: Decimal = ZERO
    inventory_cost: Decimal = ZERO
    inventory_value: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    realized_profit: Decimal = ZERO
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
