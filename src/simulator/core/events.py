"""What the exchange tells its listener, in the order in which it happened."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from simulator.core.order_lists import OrderList
from simulator.core.orders import ExpiryReason, Fill, Order


@dataclass(frozen=True, slots=True)
class MarketTrade:
    """One print of the feed; price and qty scaled by UNIT."""

    symbol: str
    price: int
    qty: int
    time_ms: int
    buyer_is_maker: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """Holdings of one asset, scaled by NOTIONAL_UNIT (10**16) for every asset, base assets too."""

    free: int
    locked: int


class ExecutionType(StrEnum):
    NEW = "NEW"
    TRADE = "TRADE"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    TRADE_PREVENTION = "TRADE_PREVENTION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prevention:
    """One prevented self-trade; `quantity` (UNIT) is what this order lost to it."""

    match_id: int
    quantity: int
    price: int
    counter_order_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChanged:
    """An executionReport: `execution_id` strictly increases per symbol.

    `cancel_client_id` is the id of the cancel request, on CANCELED only.
    """

    account_id: str
    order: Order
    execution_type: ExecutionType
    execution_id: int
    time_ms: int
    fill: Fill | None = None
    cancel_client_id: str | None = None
    expiry_reason: ExpiryReason | None = None
    prevention: Prevention | None = None


@dataclass(frozen=True, slots=True)
class ListChanged:
    """A listStatus: the list was placed, or is done with; comes after the reports of its orders."""

    account_id: str
    order_list: OrderList
    time_ms: int


@dataclass(frozen=True, slots=True)
class BalancesChanged:
    """Balances of the assets an operation touched; comes after all order events of the operation."""

    account_id: str
    assets: Mapping[str, Balance]
    time_ms: int


@dataclass(frozen=True, slots=True)
class BalanceMoved:
    """A deposit or withdrawal (balanceUpdate), never a trade; `delta` is scaled by NOTIONAL_UNIT."""

    account_id: str
    asset: str
    delta: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """A trade everyone sees: a print of the feed, or a fill of accounts (`own`).

    A print exactly at the limit of resting orders is split: their fills and one trade for the rest, if any.
    Fills of a print that went through a limit come before it and are not taken from its quantity.
    """

    symbol: str
    trade_id: int
    price: int
    qty: int
    time_ms: int
    buyer_is_maker: bool
    own: bool


ExchangeEvent = OrderChanged | ListChanged | BalancesChanged | BalanceMoved | PublicTrade
