import json
from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.errors import ExchangeError
from simulator.core.events import ExchangeEvent, MarketTrade, OrderChanged, PublicTrade
from simulator.core.exchange import Exchange
from simulator.core.orders import Fill, Order, OrderParams, OrderStatus, OrderType, Side, StpMode, TimeInForce
from simulator.core.symbols import UNIT, SymbolSpec
from unit.simulator_core.slow_exchange import SlowExchange, SlowOrder

# Prime-ish steps, so that every product uses all 16 decimals and a lost digit shows.
TICK = 1_000_003
LOT = 12_347
SPEC = SymbolSpec(symbol="BTCUSDT", base="BTC", quote="USDT", tick=TICK, lot=LOT, min_qty=LOT, max_orders=12)
BNB_SPEC = replace(SPEC, symbol="BNBUSDT", base="BNB")
ASSETS = ("BTC", "USDT", "BNB")
START = {"BTC": 40 * LOT * UNIT, "USDT": 3_000 * TICK * LOT, "BNB": 900 * UNIT}


@dataclass(frozen=True)
class Print:
    price: int
    lots: int


@dataclass(frozen=True)
class Depth:
    bids: dict[int, int]
    asks: dict[int, int]


@dataclass(frozen=True)
class Place:
    account: str
    side: Side
    kind: str  # GTC, IOC, FOK, LIMIT_MAKER, MARKET or QUOTE
    price: int
    lots: int
    stp: StpMode

    def params(self) -> OrderParams:
        by_quote = self.kind == "QUOTE"
        timed = TimeInForce(self.kind) if self.kind in TimeInForce.__members__ else None
        kind = OrderType.LIMIT if timed else OrderType.MARKET if by_quote else OrderType(self.kind)
        return OrderParams(
            symbol="BTCUSDT",
            side=self.side,
            type=kind,
            time_in_force=timed,
            price=None if kind is OrderType.MARKET else self.price * TICK,
            quantity=None if by_quote else self.lots * LOT,
            quote_quantity=self.price * TICK * self.lots * LOT // UNIT if by_quote else None,
            stp_mode=self.stp,
        )


@dataclass(frozen=True)
class Cancel:
    account: str
    nth: int


prices = st.integers(22, 28)
lots = st.integers(1, 9)


@st.composite
def depths(draw) -> Depth:
    middle = draw(st.integers(21, 29))
    gaps = st.dictionaries(st.integers(1, 5), lots, max_size=4)
    bids, asks = draw(gaps), draw(gaps)
    return Depth({middle - gap: bids[gap] for gap in sorted(bids)}, {middle + gap: asks[gap] for gap in sorted(asks)})


places = st.builds(
    Place,
    account=st.sampled_from("abc"),
    side=st.sampled_from(Side),
    kind=st.sampled_from(["GTC", "GTC", "GTC", "LIMIT_MAKER", "IOC", "FOK", "MARKET", "QUOTE"]),
    price=prices,
    lots=lots,
    stp=st.sampled_from(StpMode),
)
actions = st.one_of(
    places,
    places,
    st.builds(Print, price=prices, lots=st.integers(0, 20)),
    depths(),
    st.builds(Cancel, account=st.sampled_from("abc"), nth=st.integers(0, 3)),
)
streams = st.lists(actions, min_size=25, max_size=60)  # long enough for the accounts to meet


class Run:
    """One exchange played through a stream; account c pays in BNB."""

    def __init__(self) -> None:
        self.events: list[ExchangeEvent] = []
        self.exchange = Exchange([SPEC, BNB_SPEC], maker_ppm=777, taker_ppm=1333, listener=self.events.append)
        for account in "abc":
            self.exchange.open_account(account, START, pays_in_bnb=account == "c")
        self.exchange.print_trade(MarketTrade("BNBUSDT", 7 * TICK, LOT, 0, buyer_is_maker=False))
        self.now_ms = 0

    def play(self, action: Print | Depth | Place | Cancel) -> Order | None:
        """Do it; None where the exchange refused or nothing comes back."""
        self.now_ms += 1_000
        match action:
            case Print(price, count):
                trade = MarketTrade("BTCUSDT", price * TICK, count * LOT, self.now_ms, buyer_is_maker=True)
                self.exchange.print_trade(trade)
            case Depth(bids, asks):
                self.exchange.set_book("BTCUSDT", levels(bids), levels(asks))
            case Place():
                return self.refusable(lambda: self.exchange.place(action.account, action.params(), self.now_ms))
            case Cancel(account, nth):
                return self.cancel(account, nth)
        return None

    def cancel(self, account: str, nth: int) -> Order | None:
        waiting = self.exchange.open_orders(account, "BTCUSDT")
        if nth >= len(waiting):
            return None
        return self.exchange.cancel(account, "BTCUSDT", order_id=waiting[nth].order_id, now_ms=self.now_ms)

    def refusable(self, attempt) -> Order | None:
        told = len(self.events)
        before = self.exchange.balances("a"), self.exchange.balances("b"), self.exchange.balances("c")
        try:
            return attempt()
        except ExchangeError:
            after = self.exchange.balances("a"), self.exchange.balances("b"), self.exchange.balances("c")
            assert (len(self.events), before) == (told, after)
            return None

    def orders(self) -> list[Order]:
        return [order for account in "abc" for order in self.exchange.all_orders(account, "BTCUSDT")]

    def fills(self) -> list[Fill]:
        return [fill for account in "abc" for fill in self.exchange.trades(account, "BTCUSDT")]


@settings(max_examples=150, deadline=None)
@given(streams)
def test_money_is_neither_made_nor_lost(stream):
    run = Run()
    for action in stream:
        run.play(action)
        check_conservation(run)
        check_locks(run)


def check_conservation(run: Run) -> None:
    totals = Counter({asset: 3 * START[asset] for asset in ASSETS})
    sides = Counter(fill.trade_id for fill in run.fills())
    for fill in run.fills():
        totals[fill.commission_asset] -= fill.commission * UNIT
        if sides[fill.trade_id] == 1:  # against the outside market
            sign = 1 if fill.side is Side.BUY else -1
            totals["BTC"] += sign * fill.quantity * UNIT
            totals["USDT"] -= sign * fill.price * fill.quantity
    for asset in ASSETS:
        held = [run.exchange.balances(account)[asset] for account in "abc"]
        assert sum(balance.free + balance.locked for balance in held) == totals[asset]


def check_locks(run: Run) -> None:
    for account in "abc":
        needs = Counter(dict.fromkeys(ASSETS, 0))
        for order in run.exchange.open_orders(account):
            buys = order.side is Side.BUY
            needs["USDT" if buys else "BTC"] += order.remaining * (order.price if buys else UNIT)
        for asset, balance in run.exchange.balances(account).items():
            assert balance.locked == needs[asset]
            assert balance.free >= 0


@settings(max_examples=150, deadline=None)
@given(streams)
def test_no_order_gets_more_or_worse_than_it_asked_for(stream):
    run = Run()
    for action in stream:
        run.play(action)
    by_order = {key: list(fills) for key, fills in groupby(sorted_fills(run), lambda fill: fill.order_id)}
    for order in run.orders():
        fills = by_order.get(order.order_id, [])
        assert order.executed == sum(fill.quantity for fill in fills)
        assert order.executed_quote == sum(fill.price * fill.quantity for fill in fills)
        assert 0 <= order.executed <= order.quantity - order.prevented
        assert (order.status is OrderStatus.FILLED) == (order.executed == order.quantity)
        if order.quote_quantity:
            assert order.executed_quote <= order.quote_quantity * UNIT
        for fill in fills:
            assert fill.price <= order.price or order.side is Side.SELL or not order.price
            assert fill.price >= order.price or order.side is Side.BUY
            assert not fill.is_maker or fill.price == order.price


def sorted_fills(run: Run) -> list[Fill]:
    return sorted(run.fills(), key=lambda fill: (fill.order_id, fill.trade_id))


@settings(max_examples=150, deadline=None)
@given(streams)
def test_makers_fill_in_price_time_order(stream):
    run = Run()
    for action in stream:
        told = len(run.events)
        run.play(action)
        makers = [
            event.order
            for event in run.events[told:]
            if isinstance(event, OrderChanged) and event.fill and event.fill.is_maker
        ]
        for side in Side:
            ranks = [
                (-order.price if side is Side.BUY else order.price, order.order_id)
                for order in makers
                if order.side is side
            ]
            assert ranks == sorted(ranks)
        crossing_free(run)


def crossing_free(run: Run) -> None:
    bids, asks = run.exchange.depth("BTCUSDT", 100)
    assert [price for price, _ in bids] == sorted({price for price, _ in bids}, reverse=True)
    assert [price for price, _ in asks] == sorted({price for price, _ in asks})
    assert all(quantity > 0 for _, quantity in bids + asks)
    assert not bids or not asks or bids[0][0] < asks[0][0]


@settings(max_examples=200, deadline=None)
@given(streams)
def test_the_sorted_book_fills_like_the_slow_obvious_one(stream):
    run, slow = Run(), SlowExchange()
    for action in stream:
        order = run.play(action)
        match action:
            case Print(price, count):
                slow.print(price, count)
            case Depth(bids, asks):
                slow.set_book(bids, asks)
            case Place() if order is not None:
                repeat(slow, action, order)
            case Cancel() if order is not None:
                slow.orders[order.order_id].rests = False
        assert {order.order_id: outcome(order) for order in run.orders()} == {
            number: (order.executed, order.spent, order.prevented) for number, order in slow.orders.items()
        }


def repeat(slow: SlowExchange, action: Place, order: Order) -> None:
    priced = order.type is not OrderType.MARKET
    slow.take(
        SlowOrder(
            number=order.order_id,
            account=action.account,
            side=action.side.value,
            price=action.price if priced else None,
            left=order.quantity // LOT,
        ),
        action.stp.value,
        all_or_nothing=order.time_in_force is TimeInForce.FOK,
        rests=priced and order.time_in_force is TimeInForce.GTC,
    )


def outcome(order: Order) -> tuple[int, int, int]:
    return order.executed // LOT, order.executed_quote // (TICK * LOT), order.prevented // LOT


@settings(max_examples=100, deadline=None)
@given(streams, st.integers(0, 25))
def test_a_run_split_by_a_save_equals_the_unsplit_run(stream, at):
    whole, split = Run(), Run()
    for index, action in enumerate(stream):
        if index == at:
            saved = json.loads(json.dumps(split.exchange.dump()))
            split.exchange = Exchange.load(saved, listener=split.events.append)
        whole.play(action)
        split.play(action)
    assert split.events == whole.events
    assert split.exchange.dump() == whole.exchange.dump()


@settings(max_examples=200, deadline=None)
@given(streams)
def test_identifiers_rise_without_gaps(stream):
    run = Run()
    for action in stream:
        run.play(action)
    told = [event for event in run.events if getattr(event, "symbol", "BTCUSDT") == "BTCUSDT"]
    trade_ids = [event.trade_id for event in told if isinstance(event, PublicTrade)]
    execution_ids = [event.execution_id for event in told if isinstance(event, OrderChanged)]
    assert trade_ids == list(range(1, len(trade_ids) + 1))
    assert execution_ids == list(range(1, len(execution_ids) + 1))
    assert sorted(order.order_id for order in run.orders()) == list(range(1, len(run.orders()) + 1))


def levels(side: dict[int, int]) -> list[tuple[int, int]]:
    return [(price * TICK, count * LOT) for price, count in side.items()]
