"""Takes over what no longer covers its maintenance margin (protocol section 4).

When the maintenance margin reaches the margin balance at the mark price, the engine cancels the orders of the
symbol (isolated) or of all cross symbols, and sends an IOC order at the bankruptcy price. What the book does
not take, the insurance fund takes at that price, without a trade on the public tape. The liquidation fee is
paid out of what is left; the fund also pays what is missing after a gap. Positions are closed whole; under
cross margin one after the other, the largest maintenance margin first, until the account is sound again.
There is no auto-deleveraging: the fund never runs dry.
"""

from typing import Final

from simulator.core.symbols import PPM, UNIT, half_up
from simulator.um.core.accounts import FuturesAccount
from simulator.um.core.appraisal import Appraisal
from simulator.um.core.desk import FuturesDesk, draft_liquidation
from simulator.um.core.events import AccountReason, Liquidated, MarginCall
from simulator.um.core.live_order import LiveFuturesOrder
from simulator.um.core.margins import bankruptcy_price
from simulator.um.core.orders import IncomeType
from simulator.um.core.positions import Position
from simulator.um.core.settlement import FuturesLedger, opposite

MARGIN_CALL_PERCENT: Final = 80  # maintenance margin over margin balance


class Liquidator:
    """Watches accounts after everything that may change their risk."""

    def __init__(self, ledger: FuturesLedger, appraisal: Appraisal, desk: FuturesDesk) -> None:
        self._ledger = ledger
        self._appraisal = appraisal
        self._desk = desk

    def watch(self, account: FuturesAccount, now_ms: int) -> bool:
        """Liquidate what has to be, send margin calls for what is near; says whether anything was closed."""
        closed = False
        for position in list(account.held()):
            if account.setting(position.symbol).is_isolated and self._appraisal.isolated_risk(position).is_exhausted:
                self._close_isolated(account, position, now_ms)
                closed = True
        if account.held_cross() and self._appraisal.cross_risk(account).is_exhausted:
            self._cancel_cross_orders(account, now_ms)
            self._close_cross_positions(account, now_ms)
            closed = True
        self._warn(account, now_ms)
        return closed

    def _close_isolated(self, account: FuturesAccount, position: Position, now_ms: int) -> None:
        self._cancel_orders(account, position.symbol, now_ms)
        order = self._close(account, position, position.isolated_wallet * UNIT, now_ms)
        left = position.isolated_wallet
        charge = min(self._fee(order), left)
        account.cross_wallet += left - charge
        position.isolated_wallet = 0
        self._clear(account, position, charge, now_ms)

    def _close_cross_positions(self, account: FuturesAccount, now_ms: int) -> None:
        while account.held_cross() and self._appraisal.cross_risk(account).is_exhausted:
            self._close_cross(account, max(account.held_cross(), key=self._appraisal.maintenance), now_ms)

    def _close_cross(self, account: FuturesAccount, position: Position, now_ms: int) -> None:
        others = self._appraisal.cross_unrealized(account) - self._appraisal.unrealized(position)
        order = self._close(account, position, account.cross_wallet * UNIT + others, now_ms)
        left = account.cross_wallet
        if left < 0:
            charge = 0 if account.held_cross() else left
        else:
            equity = self._appraisal.cross_risk(account).balance // UNIT
            charge = max(0, min(self._fee(order), left, equity))
        account.cross_wallet -= charge
        self._clear(account, position, charge, now_ms)

    def _close(self, account: FuturesAccount, position: Position, balance: int, now_ms: int) -> LiveFuturesOrder:
        """Sell or buy the whole position at its bankruptcy price or better; the fund takes the rest."""
        market = self._ledger.registry.market(position.symbol)
        order = draft_liquidation(
            market,
            account,
            side=opposite(position),
            position_side=position.side,
            quantity=position.size,
            price=bankruptcy_price(position, balance),
            now_ms=now_ms,
        )
        market.ids.next_order()
        self._ledger.open(order)
        self._desk.take(market, order, now_ms)
        if order.is_open:
            market.ids.next_trade()
            self._ledger.fill(market, order, order.price, order.remaining, is_maker=False, now_ms=now_ms)
        self._ledger.outbox.tell(Liquidated(order=order.snapshot(), time_ms=now_ms))
        return order

    def _fee(self, order: LiveFuturesOrder) -> int:
        spec = self._ledger.registry.market(order.symbol).spec
        return half_up(order.executed_quote * spec.liquidation_fee_ppm, UNIT * PPM)

    def _clear(self, account: FuturesAccount, position: Position, charge: int, now_ms: int) -> None:
        """Book what the insurance fund takes, or pays where it is below 0."""
        self._ledger.insurance_fund += charge
        self._ledger.book(account, IncomeType.INSURANCE_CLEAR, -charge, position.symbol, now_ms)
        self._ledger.tell_account(account, AccountReason.INSURANCE_CLEAR, now_ms, position, change=-charge)

    def _cancel_cross_orders(self, account: FuturesAccount, now_ms: int) -> None:
        for symbol in self._ledger.registry.exposed_symbols(account):
            if not account.setting(symbol).is_isolated:
                self._cancel_orders(account, symbol, now_ms)

    def _cancel_orders(self, account: FuturesAccount, symbol: str, now_ms: int) -> None:
        for order in list(self._ledger.registry.open_orders(account.account_id, symbol)):
            self._desk.cancel(order, now_ms)

    def _warn(self, account: FuturesAccount, now_ms: int) -> None:
        cross = account.held_cross()
        at_risk = bool(cross) and self._appraisal.cross_risk(account).is_above(MARGIN_CALL_PERCENT)
        if self._is_news(account, None, at_risk=at_risk):
            self._tell(account, cross, account.cross_wallet, now_ms)
        for position in account.positions.values():
            isolated = bool(position.quantity) and account.setting(position.symbol).is_isolated
            at_risk = isolated and self._appraisal.isolated_risk(position).is_above(MARGIN_CALL_PERCENT)
            if self._is_news(account, position, at_risk=at_risk):
                self._tell(account, [position], None, now_ms)

    def _is_news(self, account: FuturesAccount, position: Position | None, *, at_risk: bool) -> bool:
        key = None if position is None else position.key
        if not at_risk:
            account.warned.discard(key)
            return False
        is_news = key not in account.warned
        account.warned.add(key)
        return is_news

    def _tell(self, account: FuturesAccount, positions: list[Position], cross_wallet: int | None, now_ms: int) -> None:
        views = tuple(self._appraisal.position_view(account, position) for position in positions)
        self._ledger.outbox.tell(
            MarginCall(
                account_id=account.account_id, cross_wallet_balance=cross_wallet, positions=views, time_ms=now_ms
            )
        )
