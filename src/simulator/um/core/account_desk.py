"""What an account sets for itself: leverage, margin type, position mode, isolated margin, transfers."""

from simulator.core.symbols import UNIT
from simulator.um.core.accounts import FuturesAccount
from simulator.um.core.engine import Engine
from simulator.um.core.errors import leverage_not_valid, refused
from simulator.um.core.events import AccountReason, AccountUpdate, LeverageChanged
from simulator.um.core.filters import check_position_side
from simulator.um.core.margins import ceil_div, position_margin
from simulator.um.core.orders import IncomeRow, IncomeType, MarginChange, MarginType, PositionSide
from simulator.um.core.positions import Position
from simulator.um.core.views import SymbolConfig


class AccountDesk(Engine):
    """Amounts are USDT scaled by UNIT; refusals carry the codes of protocol sections 1.8 and 2.9."""

    def transfer(
        self, account_id: str, amount: int, now_ms: int, *, reason: AccountReason = AccountReason.DEPOSIT
    ) -> IncomeRow:
        """Move `amount` into the wallet, out of it where below 0; -2018 beyond max_withdraw."""
        account = self._registry.account(account_id)
        if amount < 0 and -amount > self._appraisal.max_withdraw(account):
            raise refused(-2018)
        with self._operation(now_ms) as time_ms:
            row = self._ledger.book(account, IncomeType.TRANSFER, amount, "", time_ms)
            if row is None:
                raise ValueError(f"a transfer needs an amount other than 0, was {amount}")
            account.cross_wallet += amount
            self._ledger.tell_account(account, reason, time_ms, change=amount)
            return row

    def set_leverage(self, account_id: str, symbol: str, leverage: int, now_ms: int) -> SymbolConfig:
        """Set the initial leverage; the same value is accepted.

        Raises:
            ExchangeError: -4028 out of range, -4161 lower with an isolated position, -2027 the position is
                larger than the new leverage allows, -2028 the margin does not suffice.
        """
        account = self._registry.account(account_id)
        market = self._registry.market(symbol)
        if not 1 <= leverage <= market.spec.max_leverage:
            raise leverage_not_valid(leverage)
        setting = account.setting(symbol)
        held = [position for position in account.of_symbol(symbol) if position.quantity]
        if held and setting.is_isolated and leverage < setting.leverage:
            raise refused(-4161)
        if any(position.notional(market.mark) > market.spec.max_notional(leverage) * UNIT for position in held):
            raise refused(-2027)
        before, setting.leverage = setting.leverage, leverage
        if leverage < before and self._appraisal.available(account) < 0:
            setting.leverage = before
            raise refused(-2028)
        with self._operation(now_ms) as time_ms:
            if leverage != before:
                self._outbox.tell(
                    LeverageChanged(account_id=account_id, symbol=symbol, leverage=leverage, time_ms=time_ms)
                )
        return self.symbol_config(account_id, symbol)

    def set_margin_type(self, account_id: str, symbol: str, margin_type: MarginType, now_ms: int) -> None:
        """Switch between cross and isolated: -4046 no change, -4047 open orders, -4048 position."""
        account = self._registry.account(account_id)
        self._registry.market(symbol)
        setting = account.setting(symbol)
        if setting.margin_type is margin_type:
            raise refused(-4046)
        if self._has_orders(account_id, symbol):
            raise refused(-4047)
        if not account.is_flat(symbol):
            raise refused(-4048)
        with self._operation(now_ms) as time_ms:
            setting.margin_type = margin_type
            self._outbox.tell(
                AccountUpdate(
                    account_id=account_id,
                    reason=AccountReason.MARGIN_TYPE_CHANGE,
                    wallet_balance=account.wallet,
                    cross_wallet_balance=account.cross_wallet,
                    change=0,
                    positions=(),
                    time_ms=time_ms,
                    symbol=symbol,
                )
            )

    def set_position_mode(self, account_id: str, hedge: bool, now_ms: int) -> None:
        """Switch between one-way and hedge mode: -4059 no change, -4067 open orders, -4068 position."""
        account = self._registry.account(account_id)
        if account.hedge == hedge:
            raise refused(-4059)
        if self._has_orders(account_id, None):
            raise refused(-4067)
        if any(account.held()):
            raise refused(-4068)
        with self._operation(now_ms):
            account.hedge = hedge

    def set_multi_assets(self, account_id: str, enabled: bool) -> None:
        """Refuse: the mode is off (-4171 says so) and cannot be switched on here (-4084)."""
        self._registry.account(account_id)
        raise refused(-4084 if enabled else -4171)

    def adjust_margin(
        self, account_id: str, symbol: str, amount: int, now_ms: int, *, position_side: PositionSide | None = None
    ) -> None:
        """Move margin into an isolated position, out of it where below 0.

        Raises:
            ExchangeError: -4055 amount 0, -4049 not isolated, -4061 position side, -4054 no position, -4050 the
                cross wallet has less, -4051 the position would keep less than its initial margin.
        """
        account = self._registry.account(account_id)
        self._registry.market(symbol)
        side = check_position_side(position_side, hedge=account.hedge, reduce_only=None)
        position = account.position(symbol, side)
        if not amount:
            raise refused(-4055)
        if not account.setting(symbol).is_isolated:
            raise refused(-4049)
        if not position.quantity:
            raise refused(-4054)
        if amount > 0 and amount * UNIT > self._appraisal.available(account):
            raise refused(-4050)
        if amount < 0 and -amount > self._removable(account, position):
            raise refused(-4051)
        with self._operation(now_ms) as time_ms:
            self._move_margin(account, position, amount, time_ms)

    def _removable(self, account: FuturesAccount, position: Position) -> int:
        """Return how much margin may leave: unrealised profit does not count, losses do (UNIT)."""
        mark = self._appraisal.mark(position.symbol)
        losses = max(0, -position.unrealized(mark))
        return position.isolated_wallet - ceil_div(position_margin(account, position, mark) + losses, UNIT)

    def _move_margin(self, account: FuturesAccount, position: Position, amount: int, now_ms: int) -> None:
        account.cross_wallet -= amount
        position.isolated_wallet += amount
        account.margin_changes.append(
            MarginChange(
                symbol=position.symbol,
                position_side=position.side,
                adds=amount > 0,
                amount=abs(amount),
                time_ms=now_ms,
            )
        )
        self._ledger.touched[account.account_id] = None
        self._ledger.tell_account(account, AccountReason.MARGIN_TRANSFER, now_ms, position, change=-amount)

    def _has_orders(self, account_id: str, symbol: str | None) -> bool:
        if self._algos.open_of(account_id, symbol):
            return True
        if symbol is None:
            return any(True for _ in self._registry.all_open_orders(account_id))
        return bool(self._registry.open_orders(account_id, symbol))
