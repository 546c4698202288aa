"""Takes conditional orders in, cancels them, and turns triggered ones into ordinary orders."""

from typing import Final

from simulator.core.client_ids import made_id
from simulator.core.errors import ExchangeError, missing_parameter, surplus_parameter
from simulator.core.orders import Side, StpMode
from simulator.um.core.accounts import FuturesAccount
from simulator.um.core.admission import Request
from simulator.um.core.algo_book import AlgoBook, does_trigger, follow, is_reached, watched_price
from simulator.um.core.contract_market import ContractMarket
from simulator.um.core.contracts import MAX_OPEN_ALGOS
from simulator.um.core.desk import FuturesDesk
from simulator.um.core.errors import not_valid, refused
from simulator.um.core.events import AlgoUpdate
from simulator.um.core.filters import (
    check_client_id,
    check_good_till,
    check_position_side,
    check_price,
    check_quantity,
    check_stp_mode,
)
from simulator.um.core.live_order import LiveAlgo, closes
from simulator.um.core.orders import (
    CONDITIONAL_TYPES,
    AlgoOrder,
    AlgoParams,
    AlgoStatus,
    FuturesOrder,
    FuturesOrderType,
    FuturesParams,
    FuturesTimeInForce,
    PositionSide,
)
from simulator.um.core.settlement import FuturesLedger

CALLBACK_PPM: Final = (1_000, 100_000)
_WITH_LIMIT: Final = frozenset({FuturesOrderType.STOP, FuturesOrderType.TAKE_PROFIT})
_MAY_CLOSE: Final = frozenset({FuturesOrderType.STOP_MARKET, FuturesOrderType.TAKE_PROFIT_MARKET})
_TRAILING: Final = FuturesOrderType.TRAILING_STOP_MARKET


class AlgoDesk:
    """Keeps the life cycle NEW, TRIGGERING, TRIGGERED, FINISHED, or CANCELED, EXPIRED, REJECTED."""

    def __init__(self, ledger: FuturesLedger, desk: FuturesDesk, book: AlgoBook) -> None:
        self._ledger = ledger
        self._desk = desk
        self.book = book

    def place(self, market: ContractMarket, account: FuturesAccount, params: AlgoParams, now_ms: int) -> AlgoOrder:
        """Take a conditional order in; neither margin nor position are looked at before it triggers."""
        _check_shape(params, now_ms)
        side = check_position_side(params.position_side, hedge=account.hedge, reduce_only=params.reduce_only)
        if not market.spec.is_open:
            raise refused(-4141)
        _check_filters(market, params)
        if len(self.book.open_of(account.account_id)) >= MAX_OPEN_ALGOS:
            raise refused(-4045)
        if params.client_id is not None and self.book.is_taken(account.account_id, params.client_id):
            raise refused(-4116)
        algo = _draft(self.book.last_id + 1, account, params, side, now_ms)
        _check_not_reached(algo, market)
        self.book.last_id += 1
        self.book.add(algo)
        self._report(algo, now_ms)
        return algo.snapshot()

    def cancel(self, algo: LiveAlgo, now_ms: int) -> AlgoOrder:
        self._end(algo, AlgoStatus.CANCELED, now_ms)
        return algo.snapshot()

    def expire(self, algo: LiveAlgo, now_ms: int) -> None:
        self._end(algo, AlgoStatus.EXPIRED, now_ms)

    def run(self, market: ContractMarket, now_ms: int) -> bool:
        """Fire what the prices of the moment trigger; says whether anything did.

        A market order stays TRIGGERING while the other side of the book is empty: a print that triggers it
        may have used the known book up, and no market is ever without an offer.
        """
        for algo in [algo for algo in self.book.on_symbol(market.symbol).values() if does_trigger(algo, market)]:
            self.book.start_triggering(algo)
            algo.trigger_ms = now_ms
            self._move(algo, AlgoStatus.TRIGGERING, now_ms)
        moved = False
        for algo in self.book.triggering(market.symbol):
            moved |= self._fire(market, algo, now_ms)
        return moved

    def settle_ended(self, now_ms: int) -> None:
        """Finish the conditional orders whose actual orders have become final."""
        ended, self._ledger.ended = self._ledger.ended, []
        for account_id, algo_id in ended:
            algo = self.book.get(account_id, algo_id)
            if algo.status is AlgoStatus.TRIGGERED:
                self._move(algo, AlgoStatus.FINISHED, now_ms)

    def _fire(self, market: ContractMarket, algo: LiveAlgo, now_ms: int) -> bool:
        """Make an ordinary order of it; says whether it is done with, or waits for a book."""
        account = self._ledger.registry.account(algo.account_id)
        request = _request(algo, account)
        if not request.quantity:
            self._end(algo, AlgoStatus.EXPIRED, now_ms)
            return True
        params = _params(self._ledger, algo, request)
        try:
            self._desk.check_entry(market, account, params, request)
            if algo.type not in _WITH_LIMIT and market.book.of(algo.side.opposite).is_empty:
                return False
            order = self._desk.enter(market, account, params, request, now_ms, algo=algo)
        except ExchangeError as error:
            algo.failure = error.message
            self._end(algo, AlgoStatus.REJECTED, now_ms)
            return True
        algo.actual_order_id = order.order_id
        self.book.close(algo)
        self._move(algo, AlgoStatus.TRIGGERED, now_ms, actual=order)
        return True

    def _end(self, algo: LiveAlgo, status: AlgoStatus, now_ms: int) -> None:
        self.book.close(algo)
        self._move(algo, status, now_ms)

    def _move(self, algo: LiveAlgo, status: AlgoStatus, now_ms: int, *, actual: FuturesOrder | None = None) -> None:
        algo.status, algo.update_ms = status, now_ms
        self._report(algo, now_ms, actual=actual)

    def _report(self, algo: LiveAlgo, now_ms: int, *, actual: FuturesOrder | None = None) -> None:
        if actual is None and algo.actual_order_id is not None:
            history = self._ledger.registry.history(algo.account_id, algo.symbol)
            placed = history.orders.get(algo.actual_order_id)
            actual = placed.snapshot() if placed else None
        self._ledger.outbox.tell(
            AlgoUpdate(account_id=algo.account_id, algo=algo.snapshot(), time_ms=now_ms, actual_order=actual)
        )


def _check_shape(params: AlgoParams, now_ms: int) -> None:
    """Refuse parameters that the type needs and lacks, or does not take."""
    check_client_id(params.client_id)
    if params.type not in CONDITIONAL_TYPES:
        raise refused(-1116)
    if params.type is _TRAILING:
        _check_trailing(params)
    elif params.trigger_price is None:
        raise missing_parameter("triggerPrice")
    if params.type in _WITH_LIMIT and params.price is None:
        raise missing_parameter("price")
    if params.type not in _WITH_LIMIT and params.price is not None:
        raise surplus_parameter("price")
    if params.close_position:
        _check_close_position(params)
    elif params.quantity is None:
        raise missing_parameter("quantity")
    check_stp_mode(params.stp_mode, may_be_none=True)
    check_good_till(params.time_in_force, params.good_till_ms, now_ms)


def _check_trailing(params: AlgoParams) -> None:
    if params.callback_ppm is None:
        raise missing_parameter("callbackRate")
    low, high = CALLBACK_PPM
    if not low <= params.callback_ppm <= high:
        raise not_valid("callbackRate")
    if params.trigger_price is not None:
        raise surplus_parameter("triggerPrice")


def _check_close_position(params: AlgoParams) -> None:
    if params.type not in _MAY_CLOSE:
        raise surplus_parameter("closePosition")
    if params.quantity is not None:
        raise refused(-4137)
    if params.reduce_only is not None:
        raise surplus_parameter("reduceOnly")


def _check_filters(market: ContractMarket, params: AlgoParams) -> None:
    for price in (params.trigger_price, params.activate_price, params.price):
        if price is not None:
            check_price(market.spec, price)
    if params.quantity is not None:
        check_quantity(market.spec, params.quantity, is_market=params.type not in _WITH_LIMIT)


def _check_not_reached(algo: LiveAlgo, market: ContractMarket) -> None:
    """-2021 where the trigger, or the activation price of a trailing stop, is met already."""
    price = watched_price(algo, market)
    if not price:
        return
    if algo.type is not _TRAILING:
        if is_reached(algo, price):
            raise refused(-2021)
        return
    if algo.activate_price:
        buys = algo.side is Side.BUY
        if (algo.activate_price >= price) if buys else (algo.activate_price <= price):
            raise refused(-2021)
    follow(algo, price)


def _draft(algo_id: int, account: FuturesAccount, params: AlgoParams, side: PositionSide, now_ms: int) -> LiveAlgo:
    return LiveAlgo(
        symbol=params.symbol,
        algo_id=algo_id,
        account_id=account.account_id,
        client_id=params.client_id or made_id("algo", params.symbol, algo_id),
        side=params.side,
        position_side=side,
        type=params.type,
        time_in_force=params.time_in_force or FuturesTimeInForce.GTC,
        quantity=params.quantity or 0,
        price=params.price or 0,
        trigger_price=params.trigger_price or 0,
        activate_price=params.activate_price or 0,
        callback_ppm=params.callback_ppm or 0,
        working_type=params.working_type,
        price_protect=params.price_protect,
        close_position=params.close_position,
        reduce_only=bool(params.reduce_only) or (params.close_position and not account.hedge),
        stp_mode=params.stp_mode or StpMode.NONE,
        good_till_ms=params.good_till_ms or 0,
        time_ms=now_ms,
        update_ms=now_ms,
    )


def _request(algo: LiveAlgo, account: FuturesAccount) -> Request:
    """Return what a triggered order asks for: one that may only close asks for no more than there is."""
    quantity = algo.quantity
    if closes(algo.side, algo.position_side, reduce_only=algo.reduce_only):
        position = account.position(algo.symbol, algo.position_side)
        wanted = position.size if algo.close_position else quantity
        quantity = position.closable(algo.side, wanted)
    return Request(
        side=algo.side,
        position_side=algo.position_side,
        quantity=quantity,
        price=algo.price or None,
        reduce_only=algo.reduce_only,
        from_algo=True,
    )


def _params(ledger: FuturesLedger, algo: LiveAlgo, request: Request) -> FuturesParams:
    """Return the ordinary order; it keeps the client id unless an open order has it."""
    history = ledger.registry.history(algo.account_id, algo.symbol)
    is_limit = algo.type in _WITH_LIMIT
    return FuturesParams(
        symbol=algo.symbol,
        side=algo.side,
        type=FuturesOrderType.LIMIT if is_limit else FuturesOrderType.MARKET,
        time_in_force=algo.time_in_force if is_limit else None,
        position_side=algo.position_side,
        quantity=request.quantity,
        price=request.price,
        reduce_only=algo.reduce_only,
        client_id=None if history.is_taken(algo.client_id) else algo.client_id,
        stp_mode=algo.stp_mode,
        good_till_ms=algo.good_till_ms or None,
    )
