"""One account's grids before a market of the test's choosing: what is listed, whether it answers, what it says."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from threading import Event

from domain.errors import NotFound, Unreachable
from domain.events import Balance, Candle, FeeEvent, FundingEvent, OrderEvent, PriceSeen, StreamResumed, Ticker
from domain.grids import GridPlan, GridSnapshot, OnStop
from domain.instrument import FeeRates, Instrument, InstrumentRules, Market
from fakes.clock import FakeClock
from fakes.gateway import FakeGateway
from fakes.grid_examples import BTC, btc_rules, gate
from fakes.store import InMemoryStore
from grid.house import GridDefaults, GridHouse
from grid.manager import GridManager
from grid.worker_events import StopRequested
from grid.worker_host import WorkerHost
from ports.market_data import Connection, Inbox
from utils.clock import SystemClock

DEADLINE_S = 60.0


class SomeMarket:
    """Implements MarketData and AccountReader: `missing` symbols are not listed, nothing is told unless `reachable`."""

    def __init__(self, *missing: Instrument, reachable: bool = True) -> None:
        self.missing, self.reachable = missing, reachable
        self.asked: list[Instrument] = []

    def rules(self, instrument: Instrument) -> InstrumentRules:
        self.asked.append(instrument)
        if not self.reachable:
            raise Unreachable("no connection to the exchange yet")
        if instrument in self.missing:
            raise NotFound(f"{instrument} is not listed")
        return btc_rules(instrument=instrument)

    def instrument(self, symbol: str, market: Market) -> Instrument:
        raise NotFound(f"{symbol} is not listed on {market}")

    def symbol(self, instrument: Instrument) -> str:
        return f"{instrument.base}{instrument.quote}"

    def tickers(self, instruments: Sequence[Instrument]) -> tuple[Ticker, ...]:
        raise Unreachable(f"no tickers of {instruments}")

    def candles(
        self, instrument: Instrument, interval: str, limit: int, end_ms: int | None = None
    ) -> tuple[Candle, ...]:
        raise Unreachable(f"no {limit} candles of {instrument} {interval} {end_ms}")

    def instruments(self, market: Market, quote: str | None = None) -> tuple[Instrument, ...]:
        raise Unreachable(f"no list of {market} {quote}")

    def connection(self, market: Market) -> Connection:
        raise Unreachable(f"no connection to {market}")

    def market_source(self) -> str:
        return "synthetic"

    def balances(self, market: Market) -> tuple[Balance, ...]:
        raise Unreachable(f"no balances on {market}")

    def fee_rates(self, instrument: Instrument) -> FeeRates:
        raise Unreachable(f"no fees of {instrument}")


class KnownInboxes:
    """Implements Streams; says nothing of its own accord."""

    def __init__(self) -> None:
        self.inboxes: dict[Instrument, Inbox] = {}

    def watch(self, instrument: Instrument, inbox: Inbox) -> None:
        self.inboxes[instrument] = inbox

    def unwatch(self, instrument: Instrument, inbox: Inbox) -> None:
        if self.inboxes.get(instrument) is inbox:
            del self.inboxes[instrument]

    def distrust(self, kind: str, reason: str, market: Market = Market.SPOT) -> None:
        raise AssertionError(f"no stream of kind {kind} is to be distrusted here: {reason}")


class Place:
    """One account's grids before a market of the test's choosing."""

    def __init__(self, store: InMemoryStore, market: SomeMarket, clock: FakeClock | SystemClock) -> None:
        self.store, self.streams = store, KnownInboxes()
        self.answers: list[OrderEvent | FeeEvent | FundingEvent] = []
        self.gateway = FakeGateway(clock, btc_rules(), price=Decimal(60_000))
        self.house = GridHouse(
            store=store,
            gateway=self.gateway,
            streams=self.streams,
            gate=gate(),
            clock=clock,
            equity_every_ms=60_000,
            max_price_age_s=1e9,
        )
        defaults = GridDefaults(capital=Decimal(1_000), min_order_value=Decimal(10), max_grids=5)
        self.manager = GridManager(self.house, market, market, defaults)

    def until(self, instrument: Instrument, fact: Callable[[GridSnapshot], bool]) -> GridSnapshot:
        for _ in range(int(DEADLINE_S / 0.01)):
            shown = self.manager.snapshot(instrument)
            if fact(shown):
                return shown
            Event().wait(0.01)
        raise AssertionError(f"not within {DEADLINE_S:g} s: {shown.phase} {shown.phase_reason}")


def running_grid(place: Place, made: GridPlan) -> WorkerHost:
    """Start a grid in the calling thread and have its first purchase executed."""
    row = place.store.add_grid(BTC, made, 1_000, 1_000)
    host = WorkerHost(row, btc_rules(), place.house, place.answers.append)
    host.open()
    clock = place.house.clock
    host.handle(PriceSeen(BTC, Decimal(60_000), clock.market_ms(), clock.monotonic_s()))
    host.handle(StreamResumed("user"))
    answer_all(place, host)
    return host


def answer_all(place: Place, host: WorkerHost) -> None:
    while place.gateway.deliver():
        told, place.answers[:] = list(place.answers), []
        for event in told:
            host.handle(event)


def ended_grid(place: Place, made: GridPlan) -> GridSnapshot:
    host = running_grid(place, made)
    host.handle(StopRequested(OnStop.CANCEL))
    answer_all(place, host)
    assert host.finished
    return host.snapshot()
