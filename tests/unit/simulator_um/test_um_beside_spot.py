"""Both exchanges match by one set of rules: the same path of prints, books and orders fills the same."""

from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.errors import ExchangeError
from simulator.core.events import ExchangeEvent, MarketTrade, OrderChanged, PublicTrade
from simulator.core.exchange import Exchange
from simulator.core.orders import OrderParams, OrderType, Side, TimeInForce
from simulator.core.symbols import NOTIONAL_UNIT, UNIT, SymbolSpec
from simulator.um.core.catalogue import brackets_of
from simulator.um.core.events import FuturesEvent, OrderUpdate
from simulator.um.core.exchange import FuturesExchange
from simulator.um.core.orders import FuturesOrderType, FuturesParams, FuturesTimeInForce
from unit.simulator_um.futures_floor import HUNDREDTH, SPEC, SYMBOL

SPOT = SymbolSpec(symbol=SYMBOL, base="BTC", quote="USDT", tick=UNIT // 10, lot=HUNDREDTH, min_qty=HUNDREDTH)
FUTURES = replace(
    SPEC, min_notional=0, mult_up_ppm=10**9, mult_down_ppm=1, market_take_bound_ppm=999_999,
    brackets=brackets_of(((20, 10**9, 0),)),
)  # fmt: skip
RICH = 10**9
ACCOUNTS = ("a", "b")


@dataclass(frozen=True)
class Move:
    """An order, a print or a book around a price (whole USDT)."""

    kind: str  # GTC, IOC, FOK, GTX, MARKET, CANCEL, PRINT or BOOK
    account: str
    side: Side
    price: int
    lots: int


class Spot:
    """Fills as (account, side, price, quantity, is maker), and trades as everyone sees them."""

    def __init__(self) -> None:
        self.fills: list[tuple[str, Side, int, int, bool]] = []
        self.trades: list[PublicTrade] = []
        self.exchange = Exchange([SPOT], maker_ppm=0, taker_ppm=0, listener=self.hear)
        for account in ACCOUNTS:
            self.exchange.open_account(account, {"BTC": RICH * NOTIONAL_UNIT, "USDT": RICH * NOTIONAL_UNIT})

    def hear(self, event: ExchangeEvent) -> None:
        if isinstance(event, PublicTrade):
            self.trades.append(event)
        elif isinstance(event, OrderChanged) and event.fill:
            fill = event.fill
            self.fills.append((fill.account_id, fill.side, fill.price, fill.quantity, fill.is_maker))

    def place(self, move: Move, now_ms: int) -> None:
        kind = {"MARKET": OrderType.MARKET, "GTX": OrderType.LIMIT_MAKER}.get(move.kind, OrderType.LIMIT)
        params = OrderParams(
            symbol=SYMBOL,
            side=move.side,
            type=kind,
            time_in_force=TimeInForce(move.kind) if kind is OrderType.LIMIT else None,
            price=None if kind is OrderType.MARKET else move.price * UNIT,
            quantity=move.lots * HUNDREDTH,
        )
        self.exchange.place(move.account, params, now_ms)

    def cancel(self, move: Move, now_ms: int) -> None:
        self.exchange.cancel_all(move.account, SYMBOL, now_ms)


class Futures:
    """The same of the USD-M exchange."""

    def __init__(self) -> None:
        self.fills: list[tuple[str, Side, int, int, bool]] = []
        self.trades: list[PublicTrade] = []
        self.exchange = FuturesExchange([FUTURES], maker_ppm=0, taker_ppm=0, listener=self.hear)
        for account in ACCOUNTS:
            self.exchange.open_account(account)
            self.exchange.transfer(account, RICH * UNIT, 1)

    def hear(self, event: FuturesEvent) -> None:
        if isinstance(event, PublicTrade):
            self.trades.append(event)
        elif isinstance(event, OrderUpdate) and event.fill:
            fill = event.fill
            self.fills.append((fill.account_id, fill.side, fill.price, fill.quantity, fill.is_maker))

    def place(self, move: Move, now_ms: int) -> None:
        is_market = move.kind == "MARKET"
        params = FuturesParams(
            symbol=SYMBOL,
            side=move.side,
            type=FuturesOrderType.MARKET if is_market else FuturesOrderType.LIMIT,
            time_in_force=None if is_market else FuturesTimeInForce(move.kind),
            price=None if is_market else move.price * UNIT,
            quantity=move.lots * HUNDREDTH,
        )
        self.exchange.place(move.account, params, now_ms)

    def cancel(self, move: Move, now_ms: int) -> None:
        self.exchange.cancel_all(move.account, SYMBOL, now_ms)


def _apply(venue: Spot | Futures, move: Move, now_ms: int) -> None:
    if move.kind == "PRINT":
        trade = MarketTrade(SYMBOL, move.price * UNIT, move.lots * HUNDREDTH, now_ms, buyer_is_maker=True)
        venue.exchange.print_trade(trade)
    elif move.kind == "BOOK":
        bids = [((move.price - 1 - i) * UNIT, move.lots * HUNDREDTH) for i in range(3)]
        asks = [((move.price + 1 + i) * UNIT, move.lots * HUNDREDTH) for i in range(3)]
        venue.exchange.set_book(SYMBOL, bids, asks, now_ms=now_ms)
    else:
        try:
            venue.cancel(move, now_ms) if move.kind == "CANCEL" else venue.place(move, now_ms)
        except ExchangeError:
            return


# FOK self-trades in futures and not in spot, so each account keeps to its side.
MOVES = st.builds(
    Move,
    kind=st.sampled_from(["GTC"] * 4 + ["PRINT", "BOOK"] * 2 + ["IOC", "FOK", "GTX", "MARKET", "CANCEL"]),
    account=st.just(""),
    side=st.sampled_from(Side),
    price=st.integers(95, 105),
    lots=st.integers(1, 40),
).map(lambda move: replace(move, account=ACCOUNTS[move.side is Side.SELL]))


@given(st.lists(MOVES, max_size=40))
@settings(max_examples=80)
def test_the_same_path_fills_the_same_on_spot_and_futures(path: list[Move]) -> None:
    spot, futures = Spot(), Futures()
    for number, move in enumerate(path):
        _apply(spot, move, number + 2)
        _apply(futures, move, number + 2)
    assert futures.fills == spot.fills
    assert futures.trades == spot.trades
    assert futures.exchange.depth(SYMBOL, 100) == spot.exchange.depth(SYMBOL, 100)
