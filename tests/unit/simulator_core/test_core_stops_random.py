"""Random markets with stops, take-profits and OCOs beside all other orders."""

import json
from collections import Counter
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.events import ExecutionType, OrderChanged, PublicTrade
from simulator.core.exchange import Exchange
from simulator.core.order_lists import ListStatus, OcoLeg, OcoParams
from simulator.core.orders import CONDITIONAL_TYPES, MARKET_TYPES, Order, OrderParams, OrderType, Side, TimeInForce
from simulator.core.symbols import UNIT
from unit.simulator_core.test_core_properties import LOT, TICK, Print, Run, actions, check_conservation, lots, prices

LIMITED = (OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
RISING = {
    *((Side.BUY, kind) for kind in (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)),
    *((Side.SELL, kind) for kind in (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)),
}


@dataclass(frozen=True)
class Stop:
    account: str
    side: Side
    type: OrderType
    stop: int
    price: int
    lots: int
    force: TimeInForce

    def params(self) -> OrderParams:
        limited = self.type in LIMITED
        return OrderParams(
            symbol="BTCUSDT",
            side=self.side,
            type=self.type,
            time_in_force=self.force if limited else None,
            quantity=self.lots * LOT,
            price=self.price * TICK if limited else None,
            stop_price=self.stop * TICK,
        )


@dataclass(frozen=True)
class Pair:
    account: str
    side: Side
    near: int
    far: int
    limit: int | None
    profit: OrderType
    lots: int

    def params(self) -> OcoParams:
        sells = self.side is Side.SELL
        best, stop = (self.far, self.near) if sells else (self.near, self.far)
        is_maker = self.profit is OrderType.LIMIT_MAKER
        profit = OcoLeg(
            type=self.profit,
            price=None if self.profit is OrderType.TAKE_PROFIT else best * TICK,
            stop_price=None if is_maker else best * TICK,
            time_in_force=TimeInForce.GTC if self.profit is OrderType.TAKE_PROFIT_LIMIT else None,
        )
        loss = OcoLeg(
            type=OrderType.STOP_LOSS if self.limit is None else OrderType.STOP_LOSS_LIMIT,
            price=None if self.limit is None else self.limit * TICK,
            stop_price=stop * TICK,
            time_in_force=None if self.limit is None else TimeInForce.GTC,
        )
        above, below = (profit, loss) if sells else (loss, profit)
        return OcoParams(symbol="BTCUSDT", side=self.side, quantity=self.lots * LOT, above=above, below=below)


stops = st.builds(
    Stop,
    account=st.sampled_from("abc"),
    side=st.sampled_from(Side),
    type=st.sampled_from(sorted(CONDITIONAL_TYPES)),
    stop=prices,
    price=prices,
    lots=lots,
    force=st.sampled_from(TimeInForce),
)
pairs = st.builds(
    Pair,
    account=st.sampled_from("abc"),
    side=st.sampled_from(Side),
    near=st.integers(21, 25),
    far=st.integers(25, 29),
    limit=st.none() | prices,
    profit=st.sampled_from([OrderType.LIMIT_MAKER, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT]),
    lots=lots,
)
trading = actions.filter(lambda action: not (isinstance(action, Print) and not action.lots))
streams = st.lists(st.one_of(trading, stops, trading, pairs), min_size=15, max_size=40)


class StopRun(Run):
    """Also knows, of each order that waits, whether a trade has reached its stop price since it came."""

    def __init__(self) -> None:
        super().__init__()
        self.reached: dict[int, bool] = {}
        self._read = 0

    def play(self, action):
        match action:
            case Stop():
                self.now_ms += 1_000
                return self.refusable(lambda: self.exchange.place(action.account, action.params(), self.now_ms))
            case Pair():
                self.now_ms += 1_000
                return self.refusable(lambda: self.exchange.place_oco(action.account, action.params(), self.now_ms))
        return super().play(action)

    def hear(self) -> None:
        for event in self.events[self._read :]:
            self._hear(event)
        self._read = len(self.events)

    def _hear(self, event) -> None:
        if isinstance(event, PublicTrade) and event.symbol == "BTCUSDT":
            for order_id in self.reached:
                self.reached[order_id] |= reaches(event.price, self.order(order_id))
        elif isinstance(event, OrderChanged) and event.order.type in CONDITIONAL_TYPES:
            order = event.order
            if order.order_id not in self.reached and not order.is_working and order.is_open:
                self.reached[order.order_id] = False
            elif event.execution_type is ExecutionType.NEW:
                assert order.is_working
                assert self.reached[order.order_id], "it worked before a trade reached its stop price"

    def order(self, order_id: int) -> Order:
        return next(order for order in self.orders() if order.order_id == order_id)

    def has_book_for(self, order: Order) -> bool:
        bids, asks = self.exchange.depth("BTCUSDT", 1)
        return bool(asks if order.side is Side.BUY else bids)


def reaches(price: int, order: Order) -> bool:
    rises = (order.side, order.type) in RISING
    return price >= order.stop_price if rises else price <= order.stop_price


@settings(max_examples=80, deadline=None)
@given(streams)
def test_stops_work_at_the_first_trade_that_reaches_them_and_money_stays_whole(stream):
    run = StopRun()
    for action in stream:
        run.play(action)
        run.hear()
        check_conservation(run)
        check_locks_with_lists(run)
        check_lists(run)
        for order_id, was_reached in run.reached.items():
            order = run.order(order_id)
            if was_reached and order.is_open and not order.is_working:
                assert order.type in MARKET_TYPES
                assert not run.has_book_for(order)


def check_locks_with_lists(run: StopRun) -> None:
    for account in "abc":
        needs: Counter[str] = Counter()
        of_lists: dict[int, int] = {}
        for order in run.exchange.open_orders(account, "BTCUSDT"):
            buys = order.side is Side.BUY
            need = order.remaining * ((order.price or order.stop_price) if buys else UNIT)
            asset = "USDT" if buys else "BTC"
            if order.list_id >= 0:
                need, of_lists[order.list_id] = (
                    max(need, of_lists.get(order.list_id, 0)) - of_lists.get(order.list_id, 0),
                    max(need, of_lists.get(order.list_id, 0)),
                )
            needs[asset] += need
        for asset, balance in run.exchange.balances(account).items():
            assert (balance.locked, balance.free >= 0) == (needs[asset], True)


def check_lists(run: StopRun) -> None:
    for account in "abc":
        for found in run.exchange.all_order_lists(account):
            legs = [run.exchange.order(account, found.symbol, order_id=order_id) for order_id, _ in found.legs]
            assert (found.status is ListStatus.EXECUTING) == any(leg.is_open for leg in legs)
            assert sum(bool(leg.executed) for leg in legs) <= 1
            if any(leg.executed or (leg.is_working and leg.type in CONDITIONAL_TYPES) for leg in legs):
                assert sum(leg.is_open for leg in legs) <= 1


@settings(max_examples=40, deadline=None)
@given(streams, streams)
def test_a_saved_exchange_goes_on_with_its_stops_and_lists(before, after):
    run = StopRun()
    for action in before:
        run.play(action)
    saved = json.loads(json.dumps(run.exchange.dump()))
    again = StopRun()
    again.events.clear()
    again.exchange = Exchange.load(saved, listener=again.events.append)
    assert again.exchange.dump() == run.exchange.dump()
    again.now_ms = run.now_ms
    run.events.clear()
    for action in after:
        run.play(action)
        again.play(action)
    assert again.events == run.events
    assert again.exchange.dump() == run.exchange.dump()
