"""May this account send this order now? Counts, client ids, reduce-only, position limit and margin."""

from dataclasses import dataclass

from simulator.core.orders import Side
from simulator.core.symbols import UNIT
from simulator.um.core.accounts import FuturesAccount
from simulator.um.core.appraisal import Appraisal
from simulator.um.core.contract_market import ContractMarket
from simulator.um.core.errors import refused
from simulator.um.core.filters import check_notional, check_percent_price, check_price, check_quantity
from simulator.um.core.live_order import LiveFuturesOrder, closes
from simulator.um.core.margins import assumed_price, open_loss, open_notional, order_margin
from simulator.um.core.orders import PositionSide
from simulator.um.core.positions import Position, sign_of
from simulator.um.core.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An order someone wants at work; `price` None is MARKET, `skip` the order that it replaces."""

    side: Side
    position_side: PositionSide
    quantity: int
    price: int | None
    reduce_only: bool
    from_algo: bool = False
    skip: LiveFuturesOrder | None = None

    @property
    def is_closing(self) -> bool:
        return closes(self.side, self.position_side, reduce_only=self.reduce_only)


class Admission:
    """Checks requests against the account's state; raises ExchangeError, changes nothing."""

    def __init__(self, registry: Registry, appraisal: Appraisal) -> None:
        self._registry = registry
        self._appraisal = appraisal

    def check_static(self, market: ContractMarket, request: Request) -> None:
        """Check status and filters: whatever needs neither account nor book."""
        spec = market.spec
        if not spec.is_open:
            raise refused(-4141)
        if request.price is not None:
            check_price(spec, request.price)
            check_percent_price(spec, request.side, request.price, market.mark_price)
        check_quantity(spec, request.quantity, is_market=request.price is None)
        price = market.mark if request.price is None else request.price
        if price and not request.is_closing:
            check_notional(spec, price * request.quantity)

    def check_counts(
        self, account: FuturesAccount, market: ContractMarket, *, is_market: bool, client_id: str | None
    ) -> None:
        """-2025 where the symbol is full of orders, -4116 where an open order carries the client id."""
        history = self._registry.history(account.account_id, market.symbol)
        if not is_market and market.spec.max_orders and len(history.open) >= market.spec.max_orders:
            raise refused(-2025)
        if client_id is not None and history.is_taken(client_id):
            raise refused(-4116)

    def check_account(self, account: FuturesAccount, market: ContractMarket, request: Request) -> None:
        """Check a closing order against its position, any other against bracket and margin."""
        position = account.position(market.symbol, request.position_side)
        if request.is_closing:
            self._check_closing(account, position, request)
            return
        orders = open_notional(self._registry.open_orders(account.account_id, market.symbol), request.skip)
        best = _best_counter(market, request.side)
        mark = market.mark or request.price or best
        price = assumed_price(request.side, request.price, best=best, mark=mark, last=market.last_price)
        resting = orders.bid if request.side is Side.BUY else orders.ask
        exposure = sign_of(request.side) * position.quantity * mark + resting + price * request.quantity
        if exposure > market.spec.max_notional(account.setting(market.symbol).leverage) * UNIT:
            raise refused(-2027)
        before = order_margin(account, market.symbol, mark, orders)
        orders.add(request.side, price * request.quantity)
        cost = order_margin(account, market.symbol, mark, orders) - before
        if cost > 0:
            closable = 0 if resting else position.closable(request.side, request.quantity)
            cost += open_loss(request.side, request.quantity - closable, price, mark)
            if cost > self._available(account, market.symbol, before, request.skip):
                raise refused(-2019)

    def _available(self, account: FuturesAccount, symbol: str, before: int, skip: LiveFuturesOrder | None) -> int:
        """Return the available balance, with what the replaced order holds given back."""
        available = self._appraisal.available(account)
        if skip is not None:
            orders = open_notional(self._registry.open_orders(account.account_id, symbol))
            available += order_margin(account, symbol, self._appraisal.mark(symbol), orders) - before
        return available

    def _check_closing(self, account: FuturesAccount, position: Position, request: Request) -> None:
        """-2022 where it would open something, -4118 where resting reduce-only orders leave nothing to close.

        A triggered conditional order takes precedence over resting ones, which expire as it fills.
        """
        if position.closable(request.side, request.quantity) < request.quantity:
            raise refused(-2022)
        if request.from_algo:
            return
        resting = sum(
            order.remaining
            for order in self._registry.open_orders(account.account_id, position.symbol)
            if order is not request.skip and order.is_closing and order.side is request.side
        )
        if resting + request.quantity > position.size:
            raise refused(-2022 if account.hedge else -4118)


def _best_counter(market: ContractMarket, side: Side) -> int:
    counter = market.book.of(side.opposite)
    return 0 if counter.is_empty else counter.best
