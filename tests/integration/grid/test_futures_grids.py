"""Neutral, long and short grids on contracts, live against the simulator's futures port: books and venue agree."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from threading import Event
from typing import Any, Final

import pytest

from adapters.binance.connect import BinanceVenue, connect
from domain.account import Mode
from domain.errors import InvalidRequest
from domain.futures import MarginType
from domain.grids import Direction, GridRequest, GridSnapshot, GridStatus, OnStop, Phase
from domain.instrument import Instrument, Market
from domain.orders import Status
from fakes.grid_examples import gate
from fakes.simulator_calls import Caller
from fakes.store import InMemoryStore
from fakes.venue_process import KEY, SECRET, VenueProcess
from grid.house import GridDefaults, GridHouse
from grid.manager import GridManager
from utils.clock import SystemClock

WALLET: Final = Decimal(100_000)
DIRECTIONS: Final = {"BTCUSDT": Direction.NEUTRAL, "ETHUSDT": Direction.LONG, "SOLUSDT": Direction.SHORT}
LEVELS: Final = 10
LEVERAGE: Final = 3
KEYS: Final = {"one-way": (KEY, SECRET), "hedge": ("hedge-key", "hedge-secret")}
MARGINS: Final = {"one-way": MarginType.ISOLATED, "hedge": MarginType.CROSS}
SWEEPS: Final = ("down", "up", "down", "up", "middle")
DEADLINE_S: Final = 30.0


class FuturesDesk:
    """One account's grids, in threads of their own, and the same account by raw signed requests."""

    def __init__(self, process: VenueProcess, mode: str, store: InMemoryStore) -> None:
        self.process, self.store = process, store
        self.hedge_mode = mode == "hedge"
        self.margin_type = MARGINS[mode]
        key, secret = KEYS[mode]
        self.caller = Caller(process.ready["futures_url"], key, secret)
        self.venue: BinanceVenue = connect(
            mode=Mode.SHADOW,
            api_key=key,
            api_secret=secret,
            spot_url=process.url,
            futures_url=process.ready["futures_url"],
            clock=SystemClock(),
            client_id_prefix="gh-",
        )
        house = GridHouse(
            store=store,
            gateway=self.venue.gateway,
            streams=self.venue.streams,
            gate=gate(max_exposure=Decimal(10_000_000), max_orders_per_10s=10_000),
            clock=SystemClock(),
            equity_every_ms=1_000,
            max_price_age_s=600.0,
            futures=self.venue.futures,
        )
        defaults = GridDefaults(capital=Decimal(10_000), min_order_value=Decimal(10), max_grids=5)
        self.manager = GridManager(house, self.venue.market_data, self.venue.account, defaults)

    def close(self) -> None:
        self.manager.close(cancel_orders=False)
        self.venue.close()
        self.caller.__exit__()

    # --- the grids ---

    def instrument(self, symbol: str) -> Instrument:
        return self.venue.market_data.instrument(symbol, Market.FUTURES)

    def request(self, symbol: str, **changes: Any) -> GridRequest:
        wanted: dict[str, Any] = {
            "instrument": self.instrument(symbol),
            "levels": LEVELS,
            "spacing_percent": Decimal("0.5"),
            "direction": DIRECTIONS[symbol],
            "leverage": LEVERAGE,
            "margin_type": self.margin_type,
        }
        return GridRequest(**(wanted | changes))

    def shown(self, symbol: str) -> GridSnapshot:
        return self.manager.snapshot(self.instrument(symbol))

    def until(self, symbol: str, fact: Callable[[GridSnapshot], object]) -> GridSnapshot:
        for _ in range(int(DEADLINE_S / 0.02)):
            if fact(shown := self.shown(symbol)):
                return shown
            Event().wait(0.02)
        raise AssertionError(f"not within {DEADLINE_S:g} s: {shown.phase} {shown.phase_reason} {shown.faulted_slots}")

    def sweep(self, symbol: str, where: str) -> None:
        """Let the market trade through every rung on one side, and wait until each has its counter-order."""
        rungs = self.shown(symbol).plan.prices
        price = {"down": rungs[0] - 1, "up": rungs[-1] + 1, "middle": rungs[LEVELS // 2]}[where]
        before = self.shown(symbol).books.trades
        self.print_trade(symbol, price)
        self.until(symbol, lambda shown: shown.books.trades > before and is_at_rest(shown) and self.agrees(symbol))

    def print_trade(self, symbol: str, price: Decimal) -> None:
        self.process.admin("print", symbol=symbol, price=str(price), qty="50", market="um")

    # --- the venue ---

    def read(self, path: str, **params: object) -> Any:
        answer = self.caller.signed("GET", f"/fapi/{path}", **params)
        assert answer.ok, answer.text
        return answer.json()

    def trades(self, symbol: str) -> list[dict[str, Any]]:
        return list(self.read("v1/userTrades", symbol=symbol, limit=1000))

    def resting(self, symbol: str) -> set[str]:
        return {order["clientOrderId"] for order in self.read("v1/openOrders", symbol=symbol)}

    def positions(self, symbol: str) -> dict[str, Decimal]:
        rows = self.read("v3/positionRisk", symbol=symbol)
        return {row["positionSide"]: Decimal(row["positionAmt"]) for row in rows if Decimal(row["positionAmt"])}

    def wallet(self) -> Decimal:
        (row,) = (row for row in self.read("v3/balance") if row["asset"] == "USDT")
        return Decimal(row["balance"])

    def agrees(self, symbol: str) -> bool:
        """Tell whether every trade is booked and every order that is shown rests, and no other."""
        shown = self.shown(symbol)
        booked = {fill.trade_id for fill in self.manager.fills(shown.instrument, 1000)}
        ours = {order.client_id for order in shown.open_orders}
        return booked == {trade["id"] for trade in self.trades(symbol)} and ours == self.resting(symbol)


def is_at_rest(shown: GridSnapshot) -> bool:
    rest = [order for order in shown.open_orders if order.status is Status.OPEN]
    return shown.phase is Phase.TRADING and len(rest) == len(shown.open_orders) == LEVELS - 1


@pytest.fixture(scope="module")
def process() -> Iterator[VenueProcess]:
    keys = [text for key, secret in KEYS.values() for text in ("--api-key", key, "--api-secret", secret)]
    market = ("--market", "synthetic", "--seed", "7", "--speed", "max", "--symbols", ",".join(DIRECTIONS))
    limits = ("--futures-orders-10s", "100000", "--futures-orders-minute", "100000")
    wallet = ("--futures-balance", f"USDT={WALLET}")
    with VenueProcess(*market, *keys, *wallet, *limits, "--messages-per-s", "50") as running:
        yield running


@pytest.fixture
def open_desk(process: VenueProcess) -> Iterator[Callable[..., FuturesDesk]]:
    with ExitStack() as stack:

        def opened(mode: str, store: InMemoryStore | None = None) -> FuturesDesk:
            desk = FuturesDesk(process, mode, store or InMemoryStore())
            stack.callback(desk.close)
            return desk

        yield opened


@pytest.mark.parametrize("mode", list(KEYS))
def test_three_directions_agree_with_the_venue_to_the_last_digit(
    open_desk: Callable[..., FuturesDesk], mode: str
) -> None:
    desk = open_desk(mode)
    desk.process.step(50)  # a fresh book, whoever traded before
    if desk.hedge_mode:
        desk.caller.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")
    before = desk.wallet()
    for symbol in DIRECTIONS:
        desk.manager.start(desk.request(symbol))
    for symbol in DIRECTIONS:
        desk.until(symbol, is_at_rest)
        assert_terms_hold(desk, symbol)
        for where in SWEEPS:
            desk.sweep(symbol, where)
            assert_position_is_booked(desk, symbol)
    for symbol in DIRECTIONS:
        assert_books_are_the_venues(desk, symbol)
    assert_wallet_is_booked(desk, before)
    assert_a_restart_keeps_orders(desk, open_desk, mode)


def assert_terms_hold(desk: FuturesDesk, symbol: str) -> None:
    (row,) = desk.read("v1/symbolConfig", symbol=symbol)
    words = {MarginType.ISOLATED: "ISOLATED", MarginType.CROSS: "CROSSED"}
    assert (row["leverage"], row["marginType"]) == (LEVERAGE, words[desk.margin_type])
    terms = desk.shown(symbol).plan.terms
    assert terms is not None
    assert (terms.leverage, terms.margin_type, terms.hedge_mode) == (LEVERAGE, desk.margin_type, desk.hedge_mode)


def assert_position_is_booked(desk: FuturesDesk, symbol: str) -> None:
    held, positions = desk.shown(symbol).books.base_held, desk.positions(symbol)
    assert sum(positions.values()) == held
    assert set(positions) <= ({"LONG", "SHORT"} if desk.hedge_mode else {"BOTH"})
    if DIRECTIONS[symbol] is Direction.LONG:
        assert held >= 0
    if DIRECTIONS[symbol] is Direction.SHORT:
        assert held <= 0


def assert_books_are_the_venues(desk: FuturesDesk, symbol: str) -> None:
    books, trades = desk.shown(symbol).books, desk.trades(symbol)
    assert books.trades == len(trades) >= 4 * (LEVELS - 1) // 2
    assert books.fees == sum(Decimal(trade["commission"]) for trade in trades)
    assert books.realized_profit == sum(Decimal(trade["realizedPnl"]) for trade in trades)
    moved = sum(Decimal(trade["quoteQty"]) * (-1 if trade["side"] == "BUY" else 1) for trade in trades)
    assert books.cash_flow == moved - books.fees + books.funding
    assert books.residual == 0
    assert books.cycles > 0


def assert_wallet_is_booked(desk: FuturesDesk, before: Decimal) -> None:
    books = [desk.shown(symbol).books for symbol in DIRECTIONS]
    assert desk.wallet() - before == sum(one.realized_profit - one.fees + one.funding for one in books)


def assert_a_restart_keeps_orders(desk: FuturesDesk, open_desk: Callable[..., FuturesDesk], mode: str) -> None:
    """End the threads as a kill does, change a setting meanwhile, take all up again, and end each grid its own way."""
    resting = {symbol: desk.resting(symbol) for symbol in DIRECTIONS}
    desk.close()
    again = open_desk(mode, desk.store)
    again.caller.signed("POST", "/fapi/v1/leverage", symbol="ETHUSDT", leverage=LEVERAGE + 1)
    assert again.manager.resume_all() == len(DIRECTIONS)
    paused = again.until("ETHUSDT", lambda shown: shown.phase is Phase.PAUSED and "leverage" in shown.phase_reason)
    assert f"its leverage is {LEVERAGE + 1}, the grid's {LEVERAGE}" in paused.phase_reason
    for symbol in DIRECTIONS:
        again.print_trade(symbol, again.shown(symbol).plan.prices[LEVELS // 2])
        again.until(symbol, lambda shown: shown.current_price is not None and shown.resumed)
    for symbol in ("BTCUSDT", "SOLUSDT"):
        again.until(symbol, is_at_rest)
    assert {symbol: again.resting(symbol) for symbol in DIRECTIONS} == resting, "not one order was sent or taken off"
    end_each_its_way(again)


def end_each_its_way(desk: FuturesDesk) -> None:
    for symbol, how in zip(DIRECTIONS, (OnStop.KEEP, OnStop.UNWIND, OnStop.UNWIND), strict=True):
        kept = desk.resting(symbol)
        desk.manager.stop(desk.instrument(symbol), how)
        shown = desk.until(symbol, lambda shown: shown.status is GridStatus.STOPPED)
        assert desk.resting(symbol) == (kept if how is OnStop.KEEP else set())
        assert_position_is_booked(desk, symbol)
        assert how is OnStop.KEEP or not shown.books.base_held
        assert_books_are_the_venues(desk, symbol)
        desk.process.step(20)  # a book to unwind into
    with pytest.raises(InvalidRequest, match="rest here"):
        desk.manager.check(desk.request("BTCUSDT"))
