"""What the account's pages show: snapshots, every amount in USDT scaled by UNIT and rounded half up."""

from dataclasses import dataclass

from simulator.um.core.orders import MarginType, PositionSide


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionView:
    """One position (positionRisk v2/v3, account v2/v3, ACCOUNT_UPDATE `P`, MARGIN_CALL `p`).

    Attributes:
        quantity, notional: signed, below 0 for a short.
        entry_price, break_even_price: 0 when flat.
        liquidation_price: 0 when flat or not reachable.
        isolated_wallet: margin set aside, 0 under cross margin; `isolated_margin` adds the unrealised PnL.
        initial_margin: of the position and the symbol's open orders together.
        realized: accumulated since the account opened, before fees (`cr`).
        bid_notional, ask_notional: of the symbol's open orders that may open a position.
    """

    symbol: str
    position_side: PositionSide
    quantity: int
    entry_price: int
    break_even_price: int
    mark_price: int
    unrealized: int
    liquidation_price: int
    leverage: int
    max_notional: int
    margin_type: MarginType
    isolated_wallet: int
    isolated_margin: int
    notional: int
    initial_margin: int
    position_initial_margin: int
    open_order_initial_margin: int
    maintenance_margin: int
    bid_notional: int
    ask_notional: int
    realized: int
    update_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """Totals of the USDT wallet (account v2/v3, balance v2/v3)."""

    wallet_balance: int
    cross_wallet_balance: int
    unrealized: int
    cross_unrealized: int
    margin_balance: int
    initial_margin: int
    position_initial_margin: int
    open_order_initial_margin: int
    maintenance_margin: int
    available_balance: int
    max_withdraw: int
    update_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolConfig:
    """An account's settings for one symbol (symbolConfig); `max_notional` in UNIT."""

    symbol: str
    margin_type: MarginType
    leverage: int
    max_notional: int
