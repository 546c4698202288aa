"""What accounts and positions are worth and need at the mark prices of the moment."""

from typing import NamedTuple

from simulator.core.symbols import NOTIONAL_UNIT, PPM, UNIT, half_up
from simulator.um.core.accounts import FuturesAccount
from simulator.um.core.margins import (
    OpenNotional,
    liquidation_price,
    maintenance_ppm,
    open_notional,
    order_margin,
    position_margin,
)
from simulator.um.core.positions import Position
from simulator.um.core.registry import Registry
from simulator.um.core.views import AccountView, PositionView


class Risk(NamedTuple):
    """A margin balance (NOTIONAL_UNIT) and the maintenance margin it has to exceed (NOTIONAL_UNIT * PPM)."""

    balance: int
    maintenance_ppm: int

    @property
    def is_exhausted(self) -> bool:
        return self.balance * PPM <= self.maintenance_ppm

    def is_above(self, percent: int) -> bool:
        """Say whether maintenance is at least that share of the balance."""
        return self.maintenance_ppm * 100 >= self.balance * PPM * percent


class Appraisal:
    """Reads the registry, changes nothing."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def mark(self, symbol: str) -> int:
        return self._registry.market(symbol).mark

    def unrealized(self, position: Position) -> int:
        return position.unrealized(self.mark(position.symbol))

    def cross_unrealized(self, account: FuturesAccount) -> int:
        return sum(self.unrealized(position) for position in account.held_cross())

    def maintenance(self, position: Position) -> int:
        """Return a position's maintenance margin (NOTIONAL_UNIT * PPM)."""
        market = self._registry.market(position.symbol)
        return maintenance_ppm(market.spec, position.notional(market.mark))

    def cross_risk(self, account: FuturesAccount) -> Risk:
        held = account.held_cross()
        balance = account.cross_wallet * UNIT + sum(self.unrealized(position) for position in held)
        return Risk(balance, sum(self.maintenance(position) for position in held))

    def isolated_risk(self, position: Position) -> Risk:
        balance = position.isolated_wallet * UNIT + self.unrealized(position)
        return Risk(balance, self.maintenance(position))

    def open_notional(self, account: FuturesAccount, symbol: str) -> OpenNotional:
        return open_notional(self._registry.open_orders(account.account_id, symbol))

    def order_margin(self, account: FuturesAccount, symbol: str, orders: OpenNotional) -> int:
        return order_margin(account, symbol, self.mark(symbol), orders)

    def used(self, account: FuturesAccount) -> int:
        """Return what cross positions and all open orders take out of the cross wallet (NOTIONAL_UNIT)."""
        total = 0
        for symbol in self._registry.exposed_symbols(account):
            total += self.order_margin(account, symbol, self.open_notional(account, symbol))
            if not account.setting(symbol).is_isolated:
                mark = self.mark(symbol)
                total += sum(position_margin(account, held, mark) for held in account.of_symbol(symbol))
        return total

    def available(self, account: FuturesAccount) -> int:
        """Return availableBalance before it is cut at 0 (NOTIONAL_UNIT)."""
        return account.cross_wallet * UNIT + self.cross_unrealized(account) - self.used(account)

    def max_withdraw(self, account: FuturesAccount) -> int:
        """Return what may leave the wallet (UNIT): unrealised profit stays, losses count."""
        losses = min(0, self.cross_unrealized(account))
        return max(0, account.cross_wallet * UNIT + losses - self.used(account)) // UNIT

    def liquidation_price(self, account: FuturesAccount, position: Position) -> int:
        if not position.quantity:
            return 0
        market = self._registry.market(position.symbol)
        if account.setting(position.symbol).is_isolated:
            return liquidation_price(market.spec, [position], position.isolated_wallet * UNIT, market.mark)
        held = account.held_cross()
        legs = [other for other in held if other.symbol == position.symbol]
        others = [other for other in held if other.symbol != position.symbol]
        spare = account.cross_wallet * UNIT + sum(self.unrealized(other) for other in others)
        spare -= sum(self.maintenance(other) for other in others) // PPM
        return liquidation_price(market.spec, legs, spare, market.mark)

    def position_view(self, account: FuturesAccount, position: Position) -> PositionView:
        symbol, setting = position.symbol, account.setting(position.symbol)
        mark = self.mark(symbol)
        unrealized = position.unrealized(mark)
        orders = self.open_notional(account, symbol)
        own = position_margin(account, position, mark)
        for_orders = order_margin(account, symbol, mark, orders, side=position.side)
        isolated = position.isolated_wallet * UNIT + unrealized if setting.is_isolated else 0
        return PositionView(
            symbol=symbol,
            position_side=position.side,
            quantity=position.quantity,
            entry_price=position.entry_price,
            break_even_price=position.break_even_price,
            mark_price=mark,
            unrealized=_shown(unrealized),
            liquidation_price=self.liquidation_price(account, position),
            leverage=setting.leverage,
            max_notional=self._registry.market(symbol).spec.max_notional(setting.leverage),
            margin_type=setting.margin_type,
            isolated_wallet=position.isolated_wallet,
            isolated_margin=_shown(isolated),
            notional=_shown(position.quantity * mark),
            initial_margin=_shown(own + for_orders),
            position_initial_margin=_shown(own),
            open_order_initial_margin=_shown(for_orders),
            maintenance_margin=half_up(self.maintenance(position), UNIT * PPM),
            bid_notional=_shown(orders.bid),
            ask_notional=_shown(orders.ask),
            realized=position.realized,
            update_ms=position.update_ms,
        )

    def account_view(self, account: FuturesAccount) -> AccountView:
        held = list(account.held())
        unrealized = sum(self.unrealized(position) for position in held)
        own = sum(position_margin(account, position, self.mark(position.symbol)) for position in held)
        symbols = self._registry.exposed_symbols(account)
        orders = sum(self.order_margin(account, symbol, self.open_notional(account, symbol)) for symbol in symbols)
        return AccountView(
            wallet_balance=account.wallet,
            cross_wallet_balance=account.cross_wallet,
            unrealized=_shown(unrealized),
            cross_unrealized=_shown(self.cross_unrealized(account)),
            margin_balance=account.wallet + _shown(unrealized),
            initial_margin=_shown(own + orders),
            position_initial_margin=_shown(own),
            open_order_initial_margin=_shown(orders),
            maintenance_margin=half_up(sum(self.maintenance(position) for position in held), UNIT * PPM),
            available_balance=max(0, self.available(account)) // UNIT,
            max_withdraw=self.max_withdraw(account),
            update_ms=account.update_ms,
        )


def _shown(amount: int) -> int:
    return half_up(amount, NOTIONAL_UNIT // UNIT)
