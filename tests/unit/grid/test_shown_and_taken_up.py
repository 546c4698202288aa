"""Grids are shown and taken up whatever the venue says of their symbol, and equity goes on whatever the clock does."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import NotFound, Unreachable
from domain.events import Balance, Candle, FeeEvent, OrderEvent, PriceSeen, RulesChanged, StreamResumed, Ticker
from domain.grids import GridPlan, GridSnapshot, GridStatus, OnStop, Phase
from domain.instrument import FeeRates, Instrument, InstrumentRules, Market
from domain.money import ZERO
from domain.orders import FeeValue, Status
from fakes.clock import FakeClock
from fakes.gateway import FakeGateway
from fakes.grid_examples import BTC, btc_rules, gate, plan
from fakes.store import InMemoryStore
from fakes.store_examples import fill, intent, order
from grid.manager import GridDefaults, GridManager
from grid.units import NOT_READ, counted_in, planned_rules
from grid.worker import StopRequested
from grid.worker_host import GridHouse, WorkerHost
from ports.market_data import Connection, Inbox
from ports.store import GridRow, OrderRow
from utils.clock import SystemClock

ETH = Instrument("binance", Market.SPOT, "ETH", "USDT")
DEADLINE_S = 20.0


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

    def distrust(self, kind: str, reason: str) -> None:
        raise AssertionError(f"no stream of kind {kind} is to be distrusted here: {reason}")


class CountingStore(InMemoryStore):
    """Counts how often a grid was read whole."""

    reads = 0

    def orders(self, grid_id: int, *, live_only: bool = False) -> tuple[OrderRow, ...]:
        self.reads += 1
        return super().orders(grid_id, live_only=live_only)


class Place:
    """One account's grids before a market of the test's choosing."""

    def __init__(self, store: InMemoryStore, market: SomeMarket, clock: FakeClock | SystemClock) -> None:
        self.store, self.streams = store, KnownInboxes()
        self.answers: list[OrderEvent | FeeEvent] = []
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


@pytest.fixture
def opened() -> Iterator[Callable[[InMemoryStore, SomeMarket], Place]]:
    """Opens places whose grids run in threads of their own."""
    with ExitStack() as stack:

        def open_place(store: InMemoryStore, market: SomeMarket) -> Place:
            place = Place(store, market, SystemClock())
            stack.callback(lambda: place.manager.close(cancel_orders=False))
            return place

        yield open_place


def with_rules_of_old_books(made: GridPlan) -> GridPlan:
    return replace(made, rules=None)


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


@pytest.mark.parametrize("of_books", [replace, with_rules_of_old_books])
def test_an_ended_grid_is_shown_without_a_word_from_the_venue(of_books: Callable[[GridPlan], GridPlan]):
    market = SomeMarket(BTC, reachable=False)
    place = Place(InMemoryStore(), market, FakeClock())
    seen = ended_grid(place, of_books(plan()))
    assert seen.books.trades > 0
    shown = place.manager.snapshot(BTC)
    assert (shown.status, shown.phase) == (GridStatus.STOPPED, Phase.ENDED)
    at_one_price = replace(seen.books, mark_price=ZERO, inventory_value=ZERO, equity_change=ZERO, hold_change=ZERO)
    assert (
        replace(shown.books, mark_price=ZERO, inventory_value=ZERO, equity_change=ZERO, hold_change=ZERO)
        == at_one_price
    )
    assert (shown.alarms, shown.faulted_slots, shown.open_orders) == ((), (), ())
    assert place.manager.snapshots() == (shown,)
    newest = place.manager.fills(BTC, 3)
    assert newest == tuple(reversed(place.store.fills(1)))[:3]
    assert market.asked == []


def test_a_grid_that_ended_is_read_from_the_store_once():
    store = CountingStore()
    place = Place(store, SomeMarket(BTC), FakeClock())
    ended_grid(place, plan())
    before = store.reads
    first = place.manager.snapshots()
    read = store.reads
    assert read > before
    assert place.manager.snapshots() == first
    assert place.manager.snapshot(BTC) == first[0]
    assert store.reads == read


def test_an_ended_grid_with_a_fee_of_unknown_value_is_read_again_until_the_value_is_known():
    place = Place(InMemoryStore(), SomeMarket(BTC), FakeClock())
    made = plan()
    place.store.add_grid(BTC, made, 1, 2)
    rung = intent("gh-1", grid=1)
    bought = replace(fill(5, "gh-1"), price=made.prices[0], quote_quantity=made.prices[0] / 100, commission_asset="BNB")
    price_ticks = btc_rules().ticks(made.prices[0])
    placed = replace(rung, slot=replace(rung.slot, price_ticks=price_ticks), price=made.prices[0])
    place.store.record([order(placed, Status.FILLED)], [bought])
    place.store.set_grid(1, status=GridStatus.STOPPED, phase="ended", phase_reason="", on_stop="cancel", ended_ms=9)
    assert place.manager.snapshot(BTC).books.fees_unvalued == {"BNB": bought.commission}
    place.store.add_fee_value(FeeValue(instrument=BTC, trade_id=5, asset="BNB", price=Decimal(600), at_ms=7))
    shown = place.manager.snapshot(BTC)
    assert (shown.books.fees_unvalued, shown.books.fees) == ({}, bought.commission * 600)


def test_a_symbol_that_is_listed_no_more_pauses_its_grid_alone(opened: Callable[..., Place]):
    store, market = InMemoryStore(), SomeMarket(BTC)
    of_btc = plan()
    store.add_grid(BTC, of_btc, 1, 2)
    store.add_grid(ETH, replace(of_btc, rules=btc_rules(instrument=ETH)), 1, 2)
    place = opened(store, market)
    assert place.manager.resume_all() == 2
    gone = place.until(BTC, lambda shown: shown.phase is Phase.PAUSED)
    assert gone.status is GridStatus.RUNNING
    assert "BTCUSDT is NOT_LISTED at the venue" in gone.phase_reason
    assert place.until(ETH, lambda shown: shown.phase_reason == "not subscribed yet").phase is Phase.STARTING
    assert place.gateway.sent == []
    assert place.manager.watched(Market.SPOT) == (ETH,), "no price of the other can be shown"
    place.until(BTC, lambda _shown: BTC in place.streams.inboxes)
    place.streams.inboxes[BTC].order(RulesChanged(BTC, btc_rules()))
    place.until(BTC, lambda shown: "NOT_LISTED" not in shown.phase_reason)


@pytest.mark.parametrize(
    ("of_books", "says"), [(replace, "not subscribed yet"), (with_rules_of_old_books, f"BTCUSDT is {NOT_READ}")]
)
def test_a_venue_out_of_reach_is_asked_once_and_the_grids_are_taken_up(
    opened: Callable[..., Place], of_books: Callable[[GridPlan], GridPlan], says: str
):
    store, market = InMemoryStore(), SomeMarket(reachable=False)
    store.add_grid(BTC, of_books(plan()), 1, 2)
    store.add_grid(ETH, replace(plan(), rules=btc_rules(instrument=ETH)), 1, 2)
    place = opened(store, market)
    assert place.manager.resume_all() == 2
    assert market.asked == [BTC]
    assert place.manager.watched(Market.SPOT) == (BTC, ETH)
    place.until(BTC, lambda shown: says in shown.phase_reason)
    assert place.gateway.sent == []


@settings(max_examples=60, deadline=None)
@given(levels=st.integers(2, 40), per_mille=st.integers(30, 300), price=st.decimals(Decimal(10), 90_000, places=2))
def test_older_books_are_counted_in_steps_that_fit_whatever_was_planned(levels: int, per_mille: int, price: Decimal):
    made = with_rules_of_old_books(
        plan(
            {"price": price, "free_quote": None, "rules": btc_rules(tick=Decimal("0.00001"), max_quantity=ZERO)},
            levels=levels,
            spacing_percent=Decimal(per_mille) / 100,
            capital=Decimal(20_000),
        )
    )
    row = GridRow(
        grid_id=1,
        instrument=BTC,
        plan=made,
        status=GridStatus.STOPPED,
        phase="ended",
        phase_reason="",
        on_stop="cancel",
        started_ms=1,
        started_wall_ms=1,
        ended_ms=2,
    )
    found = counted_in(planned_rules(row), made, (), ())
    assert [found.price(found.ticks(rung)) for rung in made.prices] == list(made.prices)
    assert found.quantity(found.lots(made.quantity_per_rung)) == made.quantity_per_rung
    assert found.lots(made.entry_quantity) >= 0
    assert not planned_rules(row).is_trading


def test_rows_of_equity_go_on_after_the_clock_stepped_back():
    clock = FakeClock()
    place = Place(InMemoryStore(), SomeMarket(), clock)
    host = running_grid(place, plan())

    def rows_after(seconds: float) -> int:
        clock.advance(seconds)
        host.fire_timer()
        answer_all(place, host)
        return len(place.store.equity(1, 100))

    assert [rows_after(1), rows_after(30), rows_after(30)] == [1, 1, 2]
    clock.jump_wall(-3_600_000)
    assert [rows_after(1), rows_after(30), rows_after(30)] == [3, 3, 4]
