"""Accounts, positions and settings over REST (protocol section 1.8)."""

from collections.abc import Iterable
from typing import Final

from simulator.um.core.contracts import MARGIN_ASSET, Bracket, ContractSpec
from simulator.um.core.orders import IncomeRow, MarginChange, MarginType
from simulator.um.core.views import AccountView, PositionView, SymbolConfig
from simulator.um.wire.numbers import number, ratio, render_money, render_to

Json = dict[str, object]

FEE_TIER: Final = 0
NO_GROUP: Final = -1
ADD, REMOVE = 1, 2
_BREAK_EVEN_DECIMALS: Final = 8


def totals(view: AccountView) -> Json:
    return {
        "totalInitialMargin": render_money(view.initial_margin),
        "totalMaintMargin": render_money(view.maintenance_margin),
        "totalWalletBalance": render_money(view.wallet_balance),
        "totalUnrealizedProfit": render_money(view.unrealized),
        "totalMarginBalance": render_money(view.margin_balance),
        "totalPositionInitialMargin": render_money(view.position_initial_margin),
        "totalOpenOrderInitialMargin": render_money(view.open_order_initial_margin),
        "totalCrossWalletBalance": render_money(view.cross_wallet_balance),
        "totalCrossUnPnl": render_money(view.cross_unrealized),
        "availableBalance": render_money(view.available_balance),
        "maxWithdrawAmount": render_money(view.max_withdraw),
    }


def asset_row(view: AccountView) -> Json:
    return {
        "asset": MARGIN_ASSET,
        "walletBalance": render_money(view.wallet_balance),
        "unrealizedProfit": render_money(view.unrealized),
        "marginBalance": render_money(view.margin_balance),
        "maintMargin": render_money(view.maintenance_margin),
        "initialMargin": render_money(view.initial_margin),
        "positionInitialMargin": render_money(view.position_initial_margin),
        "openOrderInitialMargin": render_money(view.open_order_initial_margin),
        "crossWalletBalance": render_money(view.cross_wallet_balance),
        "crossUnPnl": render_money(view.cross_unrealized),
        "availableBalance": render_money(view.available_balance),
        "maxWithdrawAmount": render_money(view.max_withdraw),
        "updateTime": view.update_ms,
    }


def balance_row(view: AccountView, alias: str) -> Json:
    return {
        "accountAlias": alias,
        "asset": MARGIN_ASSET,
        "balance": render_money(view.wallet_balance),
        "crossWalletBalance": render_money(view.cross_wallet_balance),
        "crossUnPnl": render_money(view.cross_unrealized),
        "availableBalance": render_money(view.available_balance),
        "maxWithdrawAmount": render_money(view.max_withdraw),
        "marginAvailable": True,
        "updateTime": view.update_ms,
    }


def account_v2(view: AccountView, positions: Iterable[tuple[PositionView, ContractSpec]], *, fee_burn: bool) -> Json:
    """Return the account with every symbol, flat ones included."""
    return {
        "feeTier": FEE_TIER,
        "feeBurn": fee_burn,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "updateTime": view.update_ms,
        "multiAssetsMargin": False,
        "tradeGroupId": NO_GROUP,
        **totals(view),
        "assets": [{**asset_row(view), "marginAvailable": True}],
        "positions": [_account_position_v2(position, spec) for position, spec in positions],
    }


def _account_position_v2(position: PositionView, spec: ContractSpec) -> Json:
    return {
        "symbol": position.symbol,
        "initialMargin": render_money(position.initial_margin),
        "maintMargin": render_money(position.maintenance_margin),
        "unrealizedProfit": render_money(position.unrealized),
        "positionInitialMargin": render_money(position.position_initial_margin),
        "openOrderInitialMargin": render_money(position.open_order_initial_margin),
        "leverage": str(position.leverage),
        "isolated": position.margin_type is MarginType.ISOLATED,
        "entryPrice": render_to(position.entry_price, spec.price_precision),
        "maxNotional": render_to(position.max_notional, 0),
        "bidNotional": render_to(position.bid_notional, 0),
        "askNotional": render_to(position.ask_notional, 0),
        "positionSide": position.position_side.value,
        "positionAmt": render_to(position.quantity, spec.quantity_precision),
        "updateTime": position.update_ms,
    }


def account_v3(view: AccountView, positions: Iterable[tuple[PositionView, ContractSpec]]) -> Json:
    """Return the account with the symbols that hold something."""
    return {
        **totals(view),
        "assets": [asset_row(view)],
        "positions": [_account_position_v3(position, spec) for position, spec in positions],
    }


def _account_position_v3(position: PositionView, spec: ContractSpec) -> Json:
    return {
        "symbol": position.symbol,
        "positionSide": position.position_side.value,
        "positionAmt": render_to(position.quantity, spec.quantity_precision),
        "unrealizedProfit": render_money(position.unrealized),
        "isolatedMargin": render_money(position.isolated_margin),
        "notional": render_money(position.notional),
        "isolatedWallet": render_money(position.isolated_wallet),
        "initialMargin": render_money(position.initial_margin),
        "maintMargin": render_money(position.maintenance_margin),
        "updateTime": position.update_ms,
    }


def _risk(position: PositionView, spec: ContractSpec) -> Json:
    return {
        "symbol": position.symbol,
        "positionSide": position.position_side.value,
        "positionAmt": render_to(position.quantity, spec.quantity_precision),
        "entryPrice": render_to(position.entry_price, spec.price_precision),
        "breakEvenPrice": render_to(position.break_even_price, spec.price_precision),
        "markPrice": render_to(position.mark_price, _BREAK_EVEN_DECIMALS),
        "unRealizedProfit": render_money(position.unrealized),
        "liquidationPrice": render_to(position.liquidation_price, 0),
        "isolatedMargin": render_money(position.isolated_margin),
        "notional": render_money(position.notional),
        "isolatedWallet": render_money(position.isolated_wallet),
        "updateTime": position.update_ms,
    }


def risk_v2(position: PositionView, spec: ContractSpec) -> Json:
    return {
        **_risk(position, spec),
        "leverage": str(position.leverage),
        "maxNotionalValue": render_to(position.max_notional, 0),
        "marginType": "isolated" if position.margin_type is MarginType.ISOLATED else "cross",
        "isAutoAddMargin": "false",
    }


def risk_v3(position: PositionView, spec: ContractSpec) -> Json:
    """Return one position; `adl` is 0 because this venue never auto-deleverages."""
    return {
        **_risk(position, spec),
        "marginAsset": MARGIN_ASSET,
        "initialMargin": render_money(position.initial_margin),
        "maintMargin": render_money(position.maintenance_margin),
        "positionInitialMargin": render_money(position.position_initial_margin),
        "openOrderInitialMargin": render_money(position.open_order_initial_margin),
        "adl": 0,
        "bidNotional": render_to(position.bid_notional, 0),
        "askNotional": render_to(position.ask_notional, 0),
    }


def symbol_config(config: SymbolConfig) -> Json:
    return {
        "symbol": config.symbol,
        "marginType": config.margin_type.value,
        "isAutoAddMargin": False,
        "leverage": config.leverage,
        "maxNotionalValue": render_to(config.max_notional, 0),
    }


def leverage_set(config: SymbolConfig) -> Json:
    return {
        "leverage": config.leverage,
        "maxNotionalValue": render_to(config.max_notional, 0),
        "symbol": config.symbol,
    }


def brackets(spec: ContractSpec) -> Json:
    rows = [_bracket(index, bracket) for index, bracket in enumerate(spec.brackets, 1)]
    return {"symbol": spec.symbol, "notionalCoef": 1.0, "brackets": rows}


def _bracket(index: int, bracket: Bracket) -> Json:
    return {
        "bracket": index,
        "initialLeverage": bracket.max_leverage,
        "notionalCap": number(bracket.cap),
        "notionalFloor": number(bracket.floor),
        "maintMarginRatio": ratio(bracket.rate_ppm),
        "cum": number(bracket.cum),
    }


def income_row(row: IncomeRow) -> Json:
    return {
        "symbol": row.symbol,
        "incomeType": row.type.value,
        "income": render_money(row.amount),
        "asset": MARGIN_ASSET,
        "info": row.info,
        "time": row.time_ms,
        "tranId": row.tran_id,
        "tradeId": "" if row.trade_id is None else str(row.trade_id),
    }


def margin_change(change: MarginChange) -> Json:
    return {
        "symbol": change.symbol,
        "type": ADD if change.adds else REMOVE,
        "deltaType": "USER_ADJUST",
        "amount": render_money(change.amount),
        "asset": MARGIN_ASSET,
        "time": change.time_ms,
        "positionSide": change.position_side.value,
    }
