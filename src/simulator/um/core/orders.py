"""Orders, conditional orders and fills of USD-M, as callers and listeners see them: immutable snapshots."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from simulator.core.orders import OPEN_STATUSES, OrderStatus, Side, StpMode
from simulator.core.symbols import half_up


class PositionSide(StrEnum):
    BOTH = "BOTH"
    LONG = "LONG"
    SHORT = "SHORT"


class MarginType(StrEnum):
    CROSSED = "CROSSED"
    ISOLATED = "ISOLATED"


class FuturesOrderType(StrEnum):
    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP = "STOP"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    TRAILING_STOP_MARKET = "TRAILING_STOP_MARKET"
    LIQUIDATION = "LIQUIDATION"


CONDITIONAL_TYPES: Final = frozenset(
    {
        FuturesOrderType.STOP,
        FuturesOrderType.STOP_MARKET,
        FuturesOrderType.TAKE_PROFIT,
        FuturesOrderType.TAKE_PROFIT_MARKET,
        FuturesOrderType.TRAILING_STOP_MARKET,
    }
)


class FuturesTimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"
    GTD = "GTD"


class WorkingType(StrEnum):
    CONTRACT_PRICE = "CONTRACT_PRICE"
    MARK_PRICE = "MARK_PRICE"


class AlgoStatus(StrEnum):
    NEW = "NEW"
    TRIGGERING = "TRIGGERING"
    TRIGGERED = "TRIGGERED"
    FINISHED = "FINISHED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


class IncomeType(StrEnum):
    TRANSFER = "TRANSFER"
    REALIZED_PNL = "REALIZED_PNL"
    FUNDING_FEE = "FUNDING_FEE"
    COMMISSION = "COMMISSION"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"


@dataclass(frozen=True, slots=True, kw_only=True)
class FuturesParams:
    """A request to place a LIMIT or MARKET order; amounts scaled by UNIT, parsed by the caller.

    `position_side` None means it was not sent (BOTH in one-way mode, -4061 in hedge mode); `client_id` None
    lets the exchange make one; `stp_mode` None takes EXPIRE_MAKER; `good_till_ms` belongs to GTD alone.
    """

    symbol: str
    side: Side
    type: FuturesOrderType
    time_in_force: FuturesTimeInForce | None = None
    position_side: PositionSide | None = None
    quantity: int | None = None
    price: int | None = None
    reduce_only: bool | None = None
    client_id: str | None = None
    stp_mode: StpMode | None = None
    good_till_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgoParams:
    """A request to place a conditional order (algoType CONDITIONAL); prices and quantity scaled by UNIT.

    `callback_ppm` is the trailing distance in parts per million (callbackRate 0.1 is 1000).
    """

    symbol: str
    side: Side
    type: FuturesOrderType
    time_in_force: FuturesTimeInForce | None = None
    position_side: PositionSide | None = None
    quantity: int | None = None
    price: int | None = None
    trigger_price: int | None = None
    activate_price: int | None = None
    callback_ppm: int | None = None
    working_type: WorkingType = WorkingType.CONTRACT_PRICE
    price_protect: bool = False
    close_position: bool = False
    reduce_only: bool | None = None
    client_id: str | None = None
    stp_mode: StpMode | None = None
    good_till_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FuturesFill:
    """One match of one order: a row of userTrades.

    `price`, `quantity`, `commission` and `realized_pnl` (before the commission) are scaled by UNIT, `quote`
    (price times quantity) by NOTIONAL_UNIT.
    """

    symbol: str
    trade_id: int
    order_id: int
    account_id: str
    side: Side
    position_side: PositionSide
    price: int
    quantity: int
    quote: int
    realized_pnl: int
    commission: int
    commission_asset: str
    is_maker: bool
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FuturesOrder:
    """One order as it was at one moment; prices and quantities scaled by UNIT.

    Attributes:
        price: limit; 0 for MARKET.
        original_type: the conditional type of an order that a conditional one became, else `type`.
        executed_quote: sum of price times quantity over all fills, scaled by NOTIONAL_UNIT.
        stop_price, working_type, price_protect, close_position: of the conditional order it came from.
        algo_id: of the conditional order it came from, None for an order placed directly.
        modifications: how often it was amended.
        fills: fills of the call that returned this snapshot; empty in snapshots of queries and events.
    """

    symbol: str
    order_id: int
    account_id: str
    client_id: str
    side: Side
    position_side: PositionSide
    type: FuturesOrderType
    original_type: FuturesOrderType
    time_in_force: FuturesTimeInForce
    price: int
    quantity: int
    executed: int
    executed_quote: int
    status: OrderStatus
    reduce_only: bool
    close_position: bool
    stop_price: int
    working_type: WorkingType
    price_protect: bool
    stp_mode: StpMode
    good_till_ms: int
    time_ms: int
    update_ms: int
    modifications: int
    algo_id: int | None
    fills: tuple[FuturesFill, ...] = ()

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def average_price(self) -> int:
        """Average fill price (UNIT, half up); 0 without a fill."""
        return half_up(self.executed_quote, self.executed) if self.executed else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgoOrder:
    """One conditional order as it was at one moment.

    Attributes:
        trigger_price: where it triggers; of a trailing stop the current one, 0 before its activation.
        actual_order_id: the order it became, None before.
        failure: why that order was refused (`rm` of ALGO_UPDATE), empty without.
    """

    symbol: str
    algo_id: int
    account_id: str
    client_id: str
    side: Side
    position_side: PositionSide
    type: FuturesOrderType
    time_in_force: FuturesTimeInForce
    quantity: int
    price: int
    trigger_price: int
    activate_price: int
    callback_ppm: int
    working_type: WorkingType
    price_protect: bool
    close_position: bool
    reduce_only: bool
    stp_mode: StpMode
    good_till_ms: int
    status: AlgoStatus
    time_ms: int
    update_ms: int
    trigger_ms: int
    actual_order_id: int | None
    failure: str

    @property
    def is_open(self) -> bool:
        return self.status is AlgoStatus.NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomeRow:
    """One row of the income history; `amount` in USDT scaled by UNIT, below 0 where the wallet paid.

    The sum of an account's rows is its wallet balance: nothing else ever moves money.
    """

    symbol: str
    type: IncomeType
    amount: int
    info: str
    time_ms: int
    tran_id: int
    trade_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """One modification of an order (orderAmendment); prices and quantities scaled by UNIT."""

    amendment_id: int
    symbol: str
    order_id: int
    client_id: str
    time_ms: int
    price_before: int
    price_after: int
    quantity_before: int
    quantity_after: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginChange:
    """One adjustment of an isolated position's margin (positionMargin/history); `amount` above 0, UNIT."""

    symbol: str
    position_side: PositionSide
    adds: bool
    amount: int
    time_ms: int
