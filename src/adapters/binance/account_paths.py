"""Where each market keeps an account's orders and trades, and what asking costs (protocol sections 1.3, 1.4, 1.7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.instrument import Market


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPaths:
    """One market's paths and their IP weights.

    `open_orders_weight` is that of one symbol, `all_open_orders_weight` that of the whole account; `trades_weight`
    that of a symbol's trades, `order_trades_weight` that of one order's.
    """

    order: str
    placing_weight: int
    asking_weight: int
    open_orders: str
    open_orders_weight: int
    all_open_orders_weight: int
    all_orders: str
    all_orders_weight: int
    trades: str
    trades_weight: int
    order_trades_weight: int


PATHS: Final[Mapping[Market, AccountPaths]] = {
    Market.SPOT: AccountPaths(
        order="/api/v3/order",
        placing_weight=1,
        asking_weight=4,
        open_orders="/api/v3/openOrders",
        open_orders_weight=6,
        all_open_orders_weight=80,
        all_orders="/api/v3/allOrders",
        all_orders_weight=20,
        trades="/api/v3/myTrades",
        trades_weight=20,
        order_trades_weight=5,
    ),
    Market.FUTURES: AccountPaths(
        order="/fapi/v1/order",
        placing_weight=0,
        asking_weight=1,
        open_orders="/fapi/v1/openOrders",
        open_orders_weight=1,
        all_open_orders_weight=40,
        all_orders="/fapi/v1/allOrders",
        all_orders_weight=5,
        trades="/fapi/v1/userTrades",
        trades_weight=5,
        order_trades_weight=5,
    ),
}
