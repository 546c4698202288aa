"""What the USD-M exchange tells its listener, in the order in which it happened.

A fill is told as PublicTrade (not for what the insurance fund takes over), AccountUpdate, OrderUpdate, in that order
"""

from dataclasses import dataclass
from enum import StrEnum

from simulator.core.events import PublicTrade
from simulator.um.core.orders import AlgoOrder, FuturesFill, FuturesOrder
from simulator.um.core.views import PositionView


class FuturesExecution(StrEnum):
    """Execution type `x` of ORDER_TRADE_UPDATE; CALCULATED is a fill of the liquidation engine."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    CALCULATED = "CALCULATED"
    EXPIRED = "EXPIRED"
    TRADE = "TRADE"
    AMENDMENT = "AMENDMENT"


class AccountReason(StrEnum):
    """Reason `m` of ACCOUNT_UPDATE."""

    DEPOSIT = "DEPOSIT"
    WITHDRAW = "WITHDRAW"
    ORDER = "ORDER"
    FUNDING_FEE = "FUNDING_FEE"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"
    ADMIN_DEPOSIT = "ADMIN_DEPOSIT"
    MARGIN_TRANSFER = "MARGIN_TRANSFER"
    MARGIN_TYPE_CHANGE = "MARGIN_TYPE_CHANGE"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdate:
    """ORDER_TRADE_UPDATE; `bid_notional` and `ask_notional` (UNIT) are `b` and `a`.

    A fill of kind TRADE is also a TRADE_LITE, which is the wire's to send.
    """

    account_id: str
    order: FuturesOrder
    execution_type: FuturesExecution
    time_ms: int
    bid_notional: int = 0
    ask_notional: int = 0
    fill: FuturesFill | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUpdate:
    """ACCOUNT_UPDATE: balances of USDT scaled by UNIT; `change` excludes PnL and commission.

    `positions` are those the operation touched. `symbol` is set where the reason is a margin type change.
    """

    account_id: str
    reason: AccountReason
    wallet_balance: int
    cross_wallet_balance: int
    change: int
    positions: tuple[PositionView, ...]
    time_ms: int
    symbol: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgoUpdate:
    """ALGO_UPDATE; `actual_order` is the order it became, as it was then."""

    account_id: str
    algo: AlgoOrder
    time_ms: int
    actual_order: FuturesOrder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginCall:
    """MARGIN_CALL: maintenance margin is at least MARGIN_CALL_PERCENT of the margin balance.

    `cross_wallet_balance` (UNIT) is None for an isolated position.
    """

    account_id: str
    cross_wallet_balance: int | None
    positions: tuple[PositionView, ...]
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverageChanged:
    """ACCOUNT_CONFIG_UPDATE `ac`."""

    account_id: str
    symbol: str
    leverage: int
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidated:
    """An order of the liquidation engine is final: the public forceOrder stream."""

    order: FuturesOrder
    time_ms: int


FuturesEvent = OrderUpdate | AccountUpdate | AlgoUpdate | MarginCall | LeverageChanged | Liquidated | PublicTrade
