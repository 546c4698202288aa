"""Takes orders in: admission, taking, resting, modifying, cancelling (protocol sections 2.2, 2.6 and 2.7)."""

from dataclasses import dataclass
from typing import Final

from simulator.core.client_ids import made_id
from simulator.core.errors import unknown_order_sent
from simulator.core.matching import Match, plan_taker, traded
from simulator.core.orders import OrderStatus, Side, StpMode
from simulator.core.symbols import PPM
from simulator.um.core.accounts import FuturesAccount
from simulator.um.core.admission import Admission, Request
from simulator.um.core.contract_market import ContractMarket
from simulator.um.core.errors import not_valid, refused
from simulator.um.core.events import FuturesExecution
from simulator.um.core.filters import check_position_side, check_shape
from simulator.um.core.live_order import LiveAlgo, LiveFuturesOrder
from simulator.um.core.margins import ceil_div
from simulator.um.core.orders import (
    Amendment,
    FuturesFill,
    FuturesOrder,
    FuturesOrderType,
    FuturesParams,
    FuturesTimeInForce,
    PositionSide,
    WorkingType,
)
from simulator.um.core.settlement import FuturesLedger

MAX_MODIFICATIONS: Final = 10_000
_NEVER_RESTS: Final = frozenset({FuturesTimeInForce.IOC, FuturesTimeInForce.FOK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A modification: both price and quantity (UNIT) are named, `reduce_only` may confirm what the order is."""

    side: Side
    quantity: int
    price: int
    reduce_only: bool | None = None


class FuturesDesk:
    """Places, modifies and cancels orders; its callers refresh the book and hand the events over."""

    def __init__(self, ledger: FuturesLedger, admission: Admission) -> None:
        self._ledger = ledger
        self._admission = admission

    def admit(self, market: ContractMarket, account: FuturesAccount, params: FuturesParams, now_ms: int) -> Request:
        """Check shape, position side and static filters; returns what is asked for."""
        check_shape(params, now_ms)
        side = check_position_side(params.position_side, hedge=account.hedge, reduce_only=params.reduce_only)
        request = Request(
            side=params.side,
            position_side=side,
            quantity=params.quantity or 0,
            price=params.price,
            reduce_only=bool(params.reduce_only),
        )
        self._admission.check_static(market, request)
        return request

    def place(
        self, market: ContractMarket, account: FuturesAccount, params: FuturesParams, now_ms: int
    ) -> FuturesOrder:
        request = self.admit(market, account, params, now_ms)
        return self.enter(market, account, params, request, now_ms)

    def check_entry(
        self, market: ContractMarket, account: FuturesAccount, params: FuturesParams, request: Request
    ) -> None:
        """Check counts, client id, reduce-only, position limit and margin."""
        is_market = params.type is FuturesOrderType.MARKET
        self._admission.check_counts(account, market, is_market=is_market, client_id=params.client_id)
        self._admission.check_account(account, market, request)

    def enter(
        self,
        market: ContractMarket,
        account: FuturesAccount,
        params: FuturesParams,
        request: Request,
        now_ms: int,
        *,
        algo: LiveAlgo | None = None,
    ) -> FuturesOrder:
        """Let an admitted order trade and rest; `algo` is the conditional order that it comes from."""
        self.check_entry(market, account, params, request)
        order = _draft(market, account, params, request, now_ms, algo)
        self._check_matching(market, order)
        market.ids.next_order()
        self._ledger.open(order)
        fills = tuple(self.take(market, order, now_ms))
        self._rest_or_expire(market, order, now_ms)
        return order.snapshot(fills=fills)

    def cancel(self, order: LiveFuturesOrder, now_ms: int) -> FuturesOrder:
        self._ledger.finish(order, OrderStatus.CANCELED, now_ms)
        return order.snapshot()

    def modify(
        self, market: ContractMarket, account: FuturesAccount, order: LiveFuturesOrder, change: Change, now_ms: int
    ) -> FuturesOrder:
        """Change price and quantity; the order loses its place in the queue.

        It is cancelled instead where nothing would be left of it, or where a GTX order would take.
        """
        self._check_change(market, order, change)
        if change.quantity <= order.executed:
            return self.cancel(order, now_ms)
        left = Request(
            side=order.side,
            position_side=order.position_side,
            quantity=change.quantity - order.executed,
            price=change.price,
            reduce_only=order.reduce_only,
            skip=order,
        )
        self._admission.check_account(account, market, left)
        self._amend(market, order, change, now_ms)
        if order.time_in_force is FuturesTimeInForce.GTX and _plan(market, order):
            return self.cancel(order, now_ms)
        fills = tuple(self.take(market, order, now_ms))
        self._rest_or_expire(market, order, now_ms)
        return order.snapshot(fills=fills)

    def _check_change(self, market: ContractMarket, order: LiveFuturesOrder, change: Change) -> None:
        if not market.spec.is_open:
            raise refused(-5024)
        if order.type is not FuturesOrderType.LIMIT:
            raise refused(-5025)
        if change.side is not order.side:
            raise not_valid("side")
        if change.reduce_only and not order.reduce_only:
            raise refused(-5047)
        if order.modifications >= MAX_MODIFICATIONS:
            raise refused(-5026)
        if (change.price, change.quantity) == (order.price, order.quantity):
            raise refused(-5027)
        whole = Request(
            side=order.side,
            position_side=order.position_side,
            quantity=change.quantity,
            price=change.price,
            reduce_only=order.reduce_only,
        )
        self._admission.check_static(market, whole)

    def _amend(self, market: ContractMarket, order: LiveFuturesOrder, change: Change, now_ms: int) -> None:
        if not order.rests:
            raise unknown_order_sent()
        market.book.of(order.side).remove(order)
        history = self._ledger.registry.history(order.account_id, order.symbol)
        order.modifications += 1
        history.amendments.append(
            Amendment(
                amendment_id=len(history.amendments) + 1,
                symbol=order.symbol,
                order_id=order.order_id,
                client_id=order.client_id,
                time_ms=now_ms,
                price_before=order.price,
                price_after=change.price,
                quantity_before=order.quantity,
                quantity_after=change.quantity,
                count=order.modifications,
            )
        )
        order.price, order.quantity, order.update_ms = change.price, change.quantity, now_ms
        self._ledger.report(order, FuturesExecution.AMENDMENT, now_ms)

    def _check_matching(self, market: ContractMarket, order: LiveFuturesOrder) -> None:
        """Refuse what must not come to exist: a GTX that takes, a FOK that cannot, a MARKET too far away."""
        if order.type is FuturesOrderType.MARKET:
            counter, limit = market.book.of(order.side.opposite), _limit(market, order)
            if limit is not None and not counter.is_empty and counter.is_better(limit, counter.best):
                raise refused(-4131)
        elif order.time_in_force is FuturesTimeInForce.GTX and _plan(market, order):
            raise refused(-5022)
        elif order.time_in_force is FuturesTimeInForce.FOK and traded(_plan(market, order)) < order.quantity:
            raise refused(-5021)

    def take(self, market: ContractMarket, order: LiveFuturesOrder, now_ms: int) -> list[FuturesFill]:
        """Trade against the book; again where a maker of the plan was gone when its turn came."""
        fills: list[FuturesFill] = []
        while order.is_open and (matches := _plan(market, order)):
            fills += self._ledger.carry_out(market, order, matches, now_ms)
        return fills

    def _rest_or_expire(self, market: ContractMarket, order: LiveFuturesOrder, now_ms: int) -> None:
        if not order.is_open:
            return
        if order.type is FuturesOrderType.MARKET or order.time_in_force in _NEVER_RESTS:
            self._ledger.finish(order, OrderStatus.EXPIRED, now_ms)
        else:
            market.book.of(order.side).add(order)


def _draft(
    market: ContractMarket,
    account: FuturesAccount,
    params: FuturesParams,
    request: Request,
    now_ms: int,
    algo: LiveAlgo | None,
) -> LiveFuturesOrder:
    order_id = market.ids.order + 1
    return LiveFuturesOrder(
        symbol=params.symbol,
        order_id=order_id,
        account_id=account.account_id,
        client_id=params.client_id or made_id("order", params.symbol, order_id),
        side=params.side,
        position_side=request.position_side,
        type=params.type,
        original_type=algo.type if algo else params.type,
        time_in_force=params.time_in_force or FuturesTimeInForce.GTC,
        price=params.price or 0,
        quantity=request.quantity,
        stp_mode=params.stp_mode or StpMode.EXPIRE_MAKER,
        reduce_only=request.reduce_only,
        close_position=algo.close_position if algo else False,
        stop_price=algo.trigger_price if algo else 0,
        working_type=algo.working_type if algo else WorkingType.CONTRACT_PRICE,
        price_protect=algo.price_protect if algo else False,
        good_till_ms=params.good_till_ms or 0,
        algo_id=algo.algo_id if algo else None,
        time_ms=now_ms,
        update_ms=now_ms,
    )


def draft_liquidation(
    market: ContractMarket, account: FuturesAccount, *, side: Side, position_side: PositionSide, quantity: int,
    price: int, now_ms: int,
) -> LiveFuturesOrder:  # fmt: skip
    """Build the liquidation engine's IOC order at the bankruptcy price."""
    order = draft_settlement(
        market, account, side=side, position_side=position_side, quantity=quantity, price=price, now_ms=now_ms
    )
    order.client_id = f"autoclose-{order.order_id}"
    order.type = order.original_type = FuturesOrderType.LIQUIDATION
    order.liquidates = True
    return order


def draft_settlement(
    market: ContractMarket, account: FuturesAccount, *, side: Side, position_side: PositionSide, quantity: int,
    price: int, now_ms: int,
) -> LiveFuturesOrder:  # fmt: skip
    """Build the order by which a contract that ends closes a position at its last price."""
    order_id = market.ids.order + 1
    return LiveFuturesOrder(
        symbol=market.symbol,
        order_id=order_id,
        account_id=account.account_id,
        client_id=f"settlement_autoclose-{order_id}",
        side=side,
        position_side=position_side,
        type=FuturesOrderType.LIMIT,
        original_type=FuturesOrderType.LIMIT,
        time_in_force=FuturesTimeInForce.IOC,
        price=price,
        quantity=quantity,
        stp_mode=StpMode.EXPIRE_MAKER,
        reduce_only=position_side is PositionSide.BOTH,
        time_ms=now_ms,
        update_ms=now_ms,
    )


def _limit(market: ContractMarket, order: LiveFuturesOrder) -> int | None:
    """Return the worst price an order may trade at: its own, or what protects a MARKET order."""
    if order.type is not FuturesOrderType.MARKET:
        return order.price
    if not market.mark:
        return None
    bound = market.spec.market_take_bound_ppm
    if order.side is Side.BUY:
        return market.mark * (PPM + bound) // PPM
    return ceil_div(market.mark * (PPM - bound), PPM)


def _plan(market: ContractMarket, order: LiveFuturesOrder) -> list[Match[LiveFuturesOrder]]:
    """Plan what an order takes; self-trade prevention does not apply to FOK (protocol section 2.6)."""
    stp_mode = StpMode.NONE if order.time_in_force is FuturesTimeInForce.FOK else order.stp_mode
    offers = market.book.of(order.side.opposite).offers(_limit(market, order))
    return plan_taker(offers, order.remaining, order.account_id, stp_mode)
