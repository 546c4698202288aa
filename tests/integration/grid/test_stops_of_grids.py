"""A grid's stops at the venue while the grid runs: they stand before its orders, come back, and end it when reached."""

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
from fakes.grid_examples import gate
from fakes.simulator_calls import Caller
from fakes.store import InMemoryStore
from fakes.venue_process import KEY, SECRET, VenueProcess
from grid.house import GridDefaults, GridHouse
from grid.manager import GridManager
from utils.clock import SystemClock

DEADLINE_S: Final = 30.0
LEVELS: Final = 6


class Desk:
    """One account's grids in threads of their own, and the same account by raw requests."""

    def __init__(self, process: VenueProcess) -> None:
        self.process = process
        self.caller = Caller(process.ready["futures_url"], KEY, SECRET)
        self.venue: BinanceVenue = connect(
            mode=Mode.SHADOW,
            api_key=KEY,
            api_secret=SECRET,
            spot_url=process.url,
            futures_url=process.ready["futures_url"],
            clock=SystemClock(),
            client_id_prefix="gh-",
        )
        house = GridHouse(
            store=InMemoryStore(),
            gateway=self.venue.gateway,
            streams=self.venue.streams,
            gate=gate(max_exposure=Decimal(10_000_000), max_orders_per_10s=10_000),
            clock=SystemClock(),
            equity_every_ms=1_000,
            max_price_age_s=600.0,
            futures=self.venue.futures,
            conditional=self.venue.conditional,
        )
        defaults = GridDefaults(capital=Decimal(5_000), min_order_value=Decimal(10), max_grids=5)
        self.manager = GridManager(house, self.venue.market_data, self.venue.account, defaults)

    def close(self) -> None:
        self.manager.close(cancel_orders=False)
        self.venue.close()
        self.caller.__exit__()

    def instrument(self, symbol: str) -> Instrument:
        return self.venue.market_data.instrument(symbol, Market.FUTURES)

    def request(self, symbol: str, direction: Direction, **stops: Decimal) -> GridRequest:
        return GridRequest(
            instrument=self.instrument(symbol),
            levels=LEVELS,
            spacing_percent=Decimal("0.5"),
            direction=direction,
            leverage=2,
            margin_type=MarginType.CROSS,
            **stops,
        )

    def around(self, symbol: str) -> dict[str, Decimal]:
        """Return stops five percent around what a neutral grid would span."""
        rungs = self.manager.check(self.request(symbol, Direction.NEUTRAL)).prices
        tick = self.venue.market_data.rules(self.instrument(symbol)).tick
        below, above = rungs[0] * Decimal("0.95"), rungs[-1] * Decimal("1.05")
        return {"stop_below": below - below % tick, "stop_above": above - above % tick}

    def shown(self, symbol: str) -> GridSnapshot:
        return self.manager.snapshot(self.instrument(symbol))

    def until(self, symbol: str, fact: Callable[[GridSnapshot], object]) -> GridSnapshot:
        for _ in range(int(DEADLINE_S / 0.02)):
            if fact(shown := self.shown(symbol)):
                return shown
            Event().wait(0.02)
        raise AssertionError(f"not within {DEADLINE_S:g} s: {self.shown(symbol)}")

    def at_work(self, symbol: str) -> GridSnapshot:
        return self.until(symbol, lambda it: it.phase is Phase.TRADING and len(it.open_orders) == LEVELS - 1)

    def read(self, path: str, **params: object) -> Any:
        answer = self.caller.signed("GET", f"/fapi/v1/{path}", **params)
        assert answer.ok, answer.text
        return answer.json()

    def waiting(self, symbol: str) -> dict[str, str]:
        """Return the sides of the stops that wait, by client id."""
        return {one["clientAlgoId"]: one["side"] for one in self.read("openAlgoOrders", symbol=symbol)}

    def move_to(self, symbol: str, price: Decimal, is_there: Callable[[], object]) -> None:
        """Let spot trade there, and contract, index and mark price follow, the last once a second of market time."""
        for _ in range(50):
            self.process.admin("print", symbol=symbol, price=str(price), qty="50")
            if is_there():
                return
            self.process.step(1)
        raise AssertionError(f"{symbol} did not get to {price}")


@pytest.fixture(scope="module")
def process() -> Iterator[VenueProcess]:
    market = ("--market", "synthetic", "--seed", "7", "--speed", "max", "--symbols", "BTCUSDT,ETHUSDT,SOLUSDT")
    limits = ("--futures-orders-10s", "100000", "--futures-orders-minute", "100000", "--messages-per-s", "50")
    with VenueProcess(
        *market, "--api-key", KEY, "--api-secret", SECRET, "--futures-balance", "USDT=100000", *limits
    ) as p:
        yield p


@pytest.fixture
def desk(process: VenueProcess) -> Iterator[Desk]:
    with ExitStack() as stack:
        opened = Desk(process)
        stack.callback(opened.close)
        process.step(50)
        yield opened


@pytest.mark.parametrize(("symbol", "hedge_mode"), [("BTCUSDT", False), ("SOLUSDT", True)])
def test_a_stop_that_is_reached_ends_the_grid_with_its_books_exact(desk: Desk, symbol: str, hedge_mode: bool) -> None:
    desk.caller.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition=str(hedge_mode).lower())
    stops = desk.around(symbol)
    desk.manager.start(desk.request(symbol, Direction.NEUTRAL, **stops))
    shown = desk.at_work(symbol)
    assert {one.trigger_price: one.status for one in shown.stops} == dict.fromkeys(stops.values(), "waiting")
    assert sorted(desk.waiting(symbol).values()) == ["BUY", "SELL"]
    desk.move_to(symbol, shown.plan.prices[-1] + 1, lambda: len(desk.read("openOrders", symbol=symbol)) < 5)
    desk.move_to(symbol, stops["stop_above"] * Decimal("1.01"), lambda: "BUY" not in desk.waiting(symbol).values())
    ended = desk.until(symbol, lambda it: it.status is GridStatus.STOPPED)
    assert ended.phase_reason.startswith("stopped by its stop at ")
    assert (ended.books.base_held, ended.books.residual, ended.alarms) == (0, 0, ())
    trades = desk.read("userTrades", symbol=symbol, limit=1000)
    ours = {fill.trade_id for fill in desk.manager.fills(ended.instrument, 1000)}
    assert ours == {trade["id"] for trade in trades}
    assert desk.waiting(symbol) == {}
    assert desk.read("openOrders", symbol=symbol) == []


def test_a_stop_that_vanishes_is_placed_anew_and_goes_with_the_grid(desk: Desk) -> None:
    desk.caller.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition="false")
    stops = desk.around("ETHUSDT")
    with pytest.raises(InvalidRequest, match="use stop_below"):
        desk.manager.check(desk.request("ETHUSDT", Direction.LONG, **stops))
    desk.manager.start(desk.request("ETHUSDT", Direction.LONG, stop_below=stops["stop_below"]))
    desk.at_work("ETHUSDT")
    (first,) = desk.waiting("ETHUSDT")
    assert desk.caller.signed("DELETE", "/fapi/v1/algoOrder", clientAlgoId=first).ok
    again = desk.until("ETHUSDT", lambda it: it.stops[0].client_id != first and it.stops[0].status == "waiting")
    assert list(desk.waiting("ETHUSDT")) == [again.stops[0].client_id]
    desk.manager.stop(desk.instrument("ETHUSDT"), OnStop.UNWIND)
    ended = desk.until("ETHUSDT", lambda it: it.status is GridStatus.STOPPED)
    assert (ended.phase_reason, ended.books.base_held) == ("stopped by request (unwind)", 0)
    assert desk.waiting("ETHUSDT") == {}
