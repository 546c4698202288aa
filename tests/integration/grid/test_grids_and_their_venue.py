"""A grid in its real thread, against the real simulator, while the connection tells nothing, lies or is gone."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from adapters.binance.connect import BinanceVenue, connect
from adapters.binance.rhythm import SilenceBounds
from domain.account import Mode
from domain.grids import GridRequest, GridSnapshot, OnStop, Phase
from domain.instrument import Instrument, Market
from domain.orders import Status
from fakes.cut_line import CutLine
from fakes.grid_examples import gate
from fakes.simulator_calls import Caller
from fakes.store import InMemoryStore
from fakes.venue_process import KEY, SECRET, VenueProcess
from grid.house import GridDefaults, GridHouse
from grid.manager import GridManager
from utils.clock import SystemClock

BTC = Instrument("binance", Market.SPOT, "BTC", "USDT")
DEADLINE_S = 60.0
RESTING = 9


class MovedClock(SystemClock):
    """The host's clocks, which the test can move on, together or the wall's alone."""

    ahead_s = 0.0
    wall_ahead_ms = 0

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead_s

    def wall_ms(self) -> int:
        return super().wall_ms() + round(self.ahead_s * 1000) + self.wall_ahead_ms


class GridsOnLine:
    """Grids of one account behind a line that can be cut."""

    def __init__(self, url: str, store: InMemoryStore, rules_file: Path) -> None:
        self.clock = MovedClock()
        self.venue: BinanceVenue = connect(
            mode=Mode.SHADOW,
            api_key=KEY,
            api_secret=SECRET,
            spot_url=url,
            clock=self.clock,
            client_id_prefix="gh-",
            silence=SilenceBounds(0.5, 2.0),
            rules_file=rules_file,
        )
        house = GridHouse(
            store=store,
            gateway=self.venue.gateway,
            streams=self.venue.streams,
            gate=gate(),
            clock=self.clock,
            equity_every_ms=1_000,
            max_price_age_s=30.0,
        )
        defaults = GridDefaults(capital=Decimal(1_000), min_order_value=Decimal(10), max_grids=5)
        self.manager = GridManager(house, self.venue.market_data, self.venue.account, defaults)

    @property
    def shown(self) -> GridSnapshot:
        return self.manager.snapshot(BTC)

    def start(self) -> None:
        self.manager.start(GridRequest(instrument=BTC, levels=10, spacing_percent=Decimal("0.5")))

    def until(self, fact: Callable[[GridSnapshot], object], deadline_s: float = DEADLINE_S) -> GridSnapshot:
        for _ in range(int(deadline_s / 0.02)):
            shown = self.shown
            if fact(shown):
                return shown
            Event().wait(0.02)
        raise AssertionError(f"not within {deadline_s:g} s: {self.shown.phase} {self.shown.phase_reason}")

    def close(self) -> None:
        self.manager.close(cancel_orders=False)
        self.venue.close()


@pytest.fixture
def process() -> Iterator[VenueProcess]:
    with VenueProcess() as running:
        running.step(200)  # every symbol has traded
        yield running


@pytest.fixture
def line(process: VenueProcess) -> Iterator[CutLine]:
    with CutLine(process.url) as whole:
        yield whole


@pytest.fixture
def caller(process: VenueProcess) -> Iterator[Caller]:
    with Caller(process.url) as calling:
        yield calling


@pytest.fixture
def open_grids(line: CutLine, tmp_path: Path) -> Iterator[Callable[[InMemoryStore], GridsOnLine]]:
    with ExitStack() as stack:

        def opened(store: InMemoryStore) -> GridsOnLine:
            grids = GridsOnLine(line.url, store, tmp_path / "rules.json")
            stack.callback(grids.close)
            return grids

        yield opened


@pytest.fixture
def grids(open_grids: Callable[[InMemoryStore], GridsOnLine]) -> GridsOnLine:
    """A grid that trades, with all its orders resting."""
    opened = open_grids(InMemoryStore())
    opened.start()
    opened.until(is_trading)
    return opened


def is_trading(shown: GridSnapshot) -> bool:
    """Tell whether every order rests and is known to."""
    rest = [order for order in shown.open_orders if order.status is Status.OPEN]
    return shown.phase is Phase.TRADING and len(rest) == len(shown.open_orders) == RESTING


def resting(caller: Caller) -> list[dict[str, Any]]:
    return list(caller.signed("GET", "/api/v3/openOrders", symbol="BTCUSDT").json())


def resting_ids(caller: Caller) -> set[str]:
    return {order["clientOrderId"] for order in resting(caller)}


def ids_of(shown: GridSnapshot) -> set[str]:
    return {order.client_id for order in shown.open_orders}


def below(shown: GridSnapshot) -> Decimal:
    """A price that goes through the highest buy."""
    return max(order.price for order in shown.open_orders if order.side == "BUY" and order.price) - 1


def test_a_mute_user_stream_is_found_out_by_the_price_and_what_it_kept_is_booked(
    grids: GridsOnLine, process: VenueProcess, caller: Caller
) -> None:
    process.fault("drop_user_stream")
    traded = grids.shown.books.trades
    process.print_trade("BTCUSDT", below(grids.shown), "50")
    grids.until(lambda shown: shown.books.trades > traded and is_trading(shown))
    grids.clock.ahead_s += 11  # what REST told first is owed no longer
    grids.until(lambda _shown: grids.venue.streams.counts.user_reconnects > 0)
    told = grids.venue.streams.counts.user_events
    traded = grids.until(is_trading).books.trades
    process.print_trade("BTCUSDT", below(grids.shown), "50")
    grids.until(lambda shown: shown.books.trades > traded and is_trading(shown))
    grids.until(lambda _shown: grids.venue.streams.counts.user_events > told)
    shown = grids.until(lambda shown: is_trading(shown) and ids_of(shown) == resting_ids(caller))
    assert shown.books.residual == 0


def test_repeated_and_late_events_change_nothing_and_are_no_reason_for_distrust(
    grids: GridsOnLine, process: VenueProcess
) -> None:
    process.fault("duplicate_event", "executionReport", count=20)
    process.fault("delay_event", "executionReport", count=3, delay_ms=1_500)
    process.fault("read_lag", "spot.openOrders", count=3, delay_ms=2_000)
    traded = grids.shown.books.trades
    process.print_trade("BTCUSDT", below(grids.shown), "50")
    shown = grids.until(lambda shown: shown.books.trades == traded + 1 and is_trading(shown))
    assert shown.books.residual == 0
    assert grids.venue.streams.counts.user_reconnects == 0


def test_a_frozen_market_stream_is_lost_within_its_bounds_and_nothing_is_decided_on_it(
    grids: GridsOnLine, process: VenueProcess
) -> None:
    price = grids.shown.current_price
    assert price is not None
    for step in range(1, 4):
        process.print_trade("BTCUSDT", price + step, "0.001")
    process.fault("freeze_stream", "btcusdt@aggTrade", seconds=4)
    process.print_trade("BTCUSDT", price + 4, "0.001")
    grids.until(lambda shown: shown.phase is Phase.PAUSED and "the market stream is lost" in shown.phase_reason)
    grids.until(lambda shown: is_trading(shown) and shown.current_price == price + 4)


def test_an_exchange_out_of_reach_at_first_is_tried_until_it_answers_and_nothing_is_placed(
    open_grids: Callable[[InMemoryStore], GridsOnLine], line: CutLine, caller: Caller
) -> None:
    store = InMemoryStore()
    first = open_grids(store)
    first.start()
    first.until(is_trading)
    first.close()
    before = resting(caller)
    again = open_grids(store)
    line.cut()
    assert again.manager.resume_all() == 1
    waiting = again.until(lambda shown: "no connection to the exchange yet" in shown.phase_reason)
    assert waiting.phase is Phase.STARTING
    assert len(waiting.open_orders) == RESTING, "what the books hold is shown"
    tried = line.attempts
    again.until(lambda _shown: line.attempts >= tried + 3)
    assert again.shown.phase is Phase.STARTING
    ages = {age.kind: age for age in again.venue.stream_ages()}
    assert (ages["market"].live, ages["user"].live) == (False, False)
    assert "attempt" in ages["user"].reason
    assert resting(caller) == before
    line.mend()
    again.until(is_trading)
    assert resting(caller) == before, "not one order was sent or taken off"


def says_that_it_hears_nothing(shown: GridSnapshot) -> bool:
    return "lost" in shown.phase_reason or "connection" in shown.phase_reason


def test_a_line_that_is_cut_for_a_while_loses_no_fill(
    grids: GridsOnLine, line: CutLine, process: VenueProcess, caller: Caller
) -> None:
    traded = grids.shown.books.trades
    price = below(grids.shown)
    line.cut()
    grids.until(lambda shown: shown.phase is Phase.PAUSED and says_that_it_hears_nothing(shown))
    process.print_trade("BTCUSDT", price, "50")
    line.mend()
    grids.until(lambda shown: shown.books.trades == traded + 1 and is_trading(shown))
    grids.until(lambda shown: ids_of(shown) == resting_ids(caller))


def test_a_host_that_slept_reads_the_account_before_it_decides_anything(
    grids: GridsOnLine, process: VenueProcess
) -> None:
    reconnects = grids.venue.streams.counts
    grids.clock.wall_ahead_ms = 3_600_000  # the wall clock went on while the monotonic one stood still
    grids.until(
        lambda _shown: (
            grids.venue.streams.counts.user_reconnects > reconnects.user_reconnects
            and grids.venue.streams.counts.market_reconnects > reconnects.market_reconnects
        )
    )
    grids.until(is_trading)
    assert abs(grids.venue.transport.times[Market.SPOT].offset_ms + 3_600_000) < 60_000, "measured again"
    traded = grids.shown.books.trades
    process.print_trade("BTCUSDT", below(grids.shown), "50")
    grids.until(lambda shown: shown.books.trades == traded + 1 and is_trading(shown))


def is_halted(shown: GridSnapshot) -> bool:
    return shown.phase is Phase.PAUSED and "BTCUSDT is HALT at the venue" in shown.phase_reason


def test_a_halted_symbol_pauses_the_grid_with_its_books_and_goes_on_when_it_trades_again(
    grids: GridsOnLine, process: VenueProcess, caller: Caller
) -> None:
    before, books = resting(caller), grids.shown.books
    process.admin("symbol", symbol="BTCUSDT", status="HALT")
    grids.venue.market_data.directory.doubt(Market.SPOT)
    grids.clock.ahead_s += 6  # a doubt is looked into once the last reading is 5 s old
    halted = grids.until(is_halted)
    assert (halted.books.trades, halted.books.residual) == (books.trades, 0)
    process.admin("symbol", symbol="BTCUSDT", status="TRADING")
    grids.clock.ahead_s += 31  # a halted symbol is asked about every 30 s
    grids.until(is_trading)
    assert resting(caller) == before


def test_filters_that_change_are_learned_from_a_refusal_and_the_grid_heeds_them(
    grids: GridsOnLine, process: VenueProcess
) -> None:
    traded = grids.shown.books.trades
    grids.clock.ahead_s += 6
    process.admin("symbol", symbol="BTCUSDT", minNotional="5000")
    process.print_trade("BTCUSDT", below(grids.shown), "50")
    shown = grids.until(lambda shown: shown.books.trades == traded + 1 and shown.faulted_slots)
    shown = grids.until(lambda shown: any("below the venue's minimum 5000" in text for text in shown.faulted_slots))
    assert shown.books.residual == 0
    process.admin("symbol", symbol="BTCUSDT", minNotional="5")
    grids.venue.market_data.directory.doubt(Market.SPOT)
    grids.clock.ahead_s += 6
    grids.until(lambda shown: is_trading(shown) and not shown.faulted_slots)


def test_a_tick_that_changes_leaves_the_orders_in_their_slots(
    grids: GridsOnLine, process: VenueProcess, caller: Caller
) -> None:
    before, began_ms = resting(caller), grids.shown.recovery.began_ms
    process.admin("symbol", symbol="BTCUSDT", tickSize="0.001")
    grids.venue.market_data.directory.doubt(Market.SPOT)
    grids.clock.ahead_s += 6
    shown = grids.until(lambda shown: shown.recovery.began_ms != began_ms and is_trading(shown))  # built anew
    assert (resting(caller), shown.alarms) == (before, ())
    traded = shown.books.trades
    process.print_trade("BTCUSDT", below(shown), "50")
    shown = grids.until(lambda shown: shown.books.trades == traded + 1 and is_trading(shown))
    assert (shown.books.residual, shown.alarms, shown.faulted_slots) == (0, (), ())


def test_a_grid_on_a_halted_symbol_can_be_stopped(grids: GridsOnLine, process: VenueProcess, caller: Caller) -> None:
    process.admin("symbol", symbol="BTCUSDT", status="HALT")
    grids.venue.market_data.directory.doubt(Market.SPOT)
    grids.clock.ahead_s += 6
    grids.until(is_halted)
    grids.manager.stop(BTC, OnStop.KEEP)
    grids.until(lambda shown: shown.phase is Phase.ENDED)
    assert len(resting(caller)) == RESTING
