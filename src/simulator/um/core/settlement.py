"""Carries money and states from one match to the next, and tells the listener afterwards."""

from simulator.core.clearing import Clearing
from simulator.core.events import Prevention, PublicTrade
from simulator.core.orders import OrderStatus, Side
from simulator.core.outbox import Outbox
from simulator.core.symbols import PPM, UNIT, half_up
from simulator.um.core.accounts import FuturesAccount
from simulator.um.core.appraisal import Appraisal
from simulator.um.core.contract_market import ContractMarket
from simulator.um.core.contracts import MARGIN_ASSET
from simulator.um.core.events import AccountReason, AccountUpdate, FuturesEvent, FuturesExecution, OrderUpdate
from simulator.um.core.live_order import LiveFuturesOrder
from simulator.um.core.margins import ceil_div
from simulator.um.core.orders import FuturesFill, IncomeRow, IncomeType
from simulator.um.core.positions import Position, sign_of
from simulator.um.core.registry import Registry


class FuturesLedger(Clearing[ContractMarket, LiveFuturesOrder, FuturesFill]):
    """The only place where wallets, positions and orders change.

    Attributes:
        insurance_fund: liquidation fees taken in, less the deficits paid for (UNIT).
        touched: accounts whose risk the running operation may have changed.
        ended: conditional orders' ids whose actual orders became final during the running operation.
    """

    def __init__(self, registry: Registry, appraisal: Appraisal, outbox: Outbox[FuturesEvent]) -> None:
        self.registry = registry
        self.appraisal = appraisal
        self.outbox = outbox
        self.insurance_fund = 0
        self.last_tran_id = 0
        self.touched: dict[str, None] = {}
        self.ended: list[tuple[str, int]] = []

    def publish(self, trade: PublicTrade) -> None:
        self.outbox.tell(trade)

    def open(self, order: LiveFuturesOrder) -> None:
        """Enter an order into the history and report it NEW."""
        self.registry.history(order.account_id, order.symbol).add(order)
        self.report(order, FuturesExecution.NEW, order.time_ms)

    def fill(
        self, market: ContractMarket, order: LiveFuturesOrder, price: int, quantity: int, *, is_maker: bool, now_ms: int
    ) -> FuturesFill:
        """Settle one fill under the contract's current trade id, and report it."""
        account = self.registry.account(order.account_id)
        position = account.position(order.symbol, order.position_side)
        rate_ppm = account.maker_ppm if is_maker else account.taker_ppm
        fee = 0 if order.liquidates else half_up(price * quantity * rate_ppm, UNIT * PPM)
        realized = _trade(account, position, order, quantity, price, fee)
        order.ahead = 0
        order.execute(quantity, price * quantity, now_ms)
        position.update_ms = now_ms
        trade_id = market.ids.trade
        self.book(account, IncomeType.REALIZED_PNL, realized, order.symbol, now_ms, trade_id=trade_id)
        self.book(account, IncomeType.COMMISSION, -fee, order.symbol, now_ms, trade_id=trade_id)
        fill = _row(order, trade_id, price, quantity, realized=realized, fee=fee, is_maker=is_maker)
        self.registry.history(order.account_id, order.symbol).fills.append(fill)
        self._drop_if_done(market, order)
        kind = FuturesExecution.CALCULATED if order.liquidates else FuturesExecution.TRADE
        self.tell_account(account, AccountReason.ORDER, now_ms, position)
        self.report(order, kind, now_ms, fill=fill)
        self._trim(position, account.account_id, now_ms)
        return fill

    def prevent(self, market: ContractMarket, order: LiveFuturesOrder, prevention: Prevention, now_ms: int) -> None:
        order.lose(prevention.quantity, now_ms)
        self._drop_if_done(market, order)
        self.report(order, FuturesExecution.EXPIRED, now_ms)

    def finish(self, order: LiveFuturesOrder, status: OrderStatus, now_ms: int) -> None:
        """Cancel or expire what is left of an order."""
        order.end(status, now_ms)
        self._drop_if_done(self.registry.market(order.symbol), order)
        kind = FuturesExecution.CANCELED if status is OrderStatus.CANCELED else FuturesExecution.EXPIRED
        self.report(order, kind, now_ms)

    def book(
        self,
        account: FuturesAccount,
        kind: IncomeType,
        amount: int,
        symbol: str,
        now_ms: int,
        *,
        trade_id: int | None = None,
    ) -> IncomeRow | None:
        """Write an income row for an amount that has moved (UNIT); nothing for 0."""
        self.touched[account.account_id] = None
        if not amount:
            return None
        self.last_tran_id += 1
        info = "" if trade_id is None else str(trade_id)
        row = IncomeRow(
            symbol=symbol,
            type=kind,
            amount=amount,
            info=info or kind.value,
            time_ms=now_ms,
            tran_id=self.last_tran_id,
            trade_id=trade_id,
        )
        account.book_income(row)
        return row

    def tell_account(
        self, account: FuturesAccount, reason: AccountReason, now_ms: int, *positions: Position, change: int = 0
    ) -> None:
        """Report wallet and positions as they are now; `change` is what moved besides PnL and commission."""
        self.outbox.tell(
            AccountUpdate(
                account_id=account.account_id,
                reason=reason,
                wallet_balance=account.wallet,
                cross_wallet_balance=account.cross_wallet,
                change=change,
                positions=tuple(self.appraisal.position_view(account, position) for position in positions),
                time_ms=now_ms,
            )
        )

    def report(
        self, order: LiveFuturesOrder, kind: FuturesExecution, now_ms: int, *, fill: FuturesFill | None = None
    ) -> None:
        account = self.registry.account(order.account_id)
        orders = self.appraisal.open_notional(account, order.symbol)
        self.outbox.tell(
            OrderUpdate(
                account_id=order.account_id,
                order=order.snapshot(),
                execution_type=kind,
                time_ms=now_ms,
                bid_notional=half_up(orders.bid, UNIT),
                ask_notional=half_up(orders.ask, UNIT),
                fill=fill,
            )
        )

    def _trim(self, position: Position, account_id: str, now_ms: int) -> None:
        """Expire resting orders that may only close and, in the order they came, find too little left to close."""
        room = position.size
        for order in list(self.registry.open_orders(account_id, position.symbol)):
            if not (order.rests and order.is_closing and order.position_side is position.side):
                continue
            if position.direction == -sign_of(order.side) and order.remaining <= room:
                room -= order.remaining
            else:
                self.finish(order, OrderStatus.EXPIRED, now_ms)

    def _drop_if_done(self, market: ContractMarket, order: LiveFuturesOrder) -> None:
        if order.is_open:
            return
        if order.rests:
            market.book.of(order.side).remove(order)
        self.registry.history(order.account_id, order.symbol).close(order)
        if order.algo_id is not None:
            self.ended.append((order.account_id, order.algo_id))


def _trade(
    account: FuturesAccount, position: Position, order: LiveFuturesOrder, quantity: int, price: int, fee: int
) -> int:
    """Let a fill change position and wallets; returns the realised PnL (UNIT).

    What crosses through zero closes first and opens the rest at the same price. The fee is paid by the
    isolated wallet where the fill only closes, else by the cross wallet. An isolated position gets its
    initial margin at the fill price, or what the cross wallet still has after losses elsewhere.
    """
    is_isolated = account.setting(position.symbol).is_isolated
    closing = position.closable(order.side, quantity)
    realized = 0
    if closing:
        paid = fee if closing == quantity else 0
        size, before = position.size, position.isolated_wallet
        realized = position.reduce(closing, price)
        if is_isolated:
            balance = before + realized - paid
            stays = balance if order.liquidates else _share(position, balance, before * (size - closing), size)
            position.isolated_wallet = stays
            account.cross_wallet += balance - stays
        else:
            account.cross_wallet += realized - paid
        fee -= paid
    account.cross_wallet -= fee
    if quantity > closing:
        value = position.increase(order.side, quantity - closing, price, fee)
        if is_isolated:
            wanted = ceil_div(value, account.setting(position.symbol).leverage)
            margin = min(wanted, max(0, account.cross_wallet))
            position.isolated_wallet += margin
            account.cross_wallet -= margin
    return realized


def _row(
    order: LiveFuturesOrder, trade_id: int, price: int, quantity: int, *, realized: int, fee: int, is_maker: bool
) -> FuturesFill:
    return FuturesFill(
        symbol=order.symbol,
        trade_id=trade_id,
        order_id=order.order_id,
        account_id=order.account_id,
        side=order.side,
        position_side=order.position_side,
        price=price,
        quantity=quantity,
        quote=price * quantity,
        realized_pnl=realized,
        commission=fee,
        commission_asset=MARGIN_ASSET,
        is_maker=is_maker,
        time_ms=order.update_ms,
    )


def _share(position: Position, balance: int, kept: int, size: int) -> int:
    """Return what stays of an isolated wallet after a reduction: the share kept / size of the open part.

    A loss beyond the released margin eats into that share; of a closed position nothing stays.
    """
    return min(ceil_div(kept, size), balance) if position.quantity else 0


def opposite(position: Position) -> Side:
    """Return the side that closes it."""
    return Side.SELL if position.quantity > 0 else Side.BUY
