"""Grids are shown and taken up whatever the venue says of their symbol, and equity goes on whatever the clock does."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Conflict
from domain.events import RulesChanged
from domain.futures import Countdown
from domain.grids import GridPlan, GridStatus, Move, MoveKind, OnStop, Phase
from domain.instrument import Instrument, Market
from domain.money import ZERO
from domain.orders import FeeValue, Status
from fakes.clock import FakeClock
from fakes.grid_examples import BTC, btc_rules, plan, request
from fakes.some_market import Place, SomeMarket, answer_all, ended_grid, running_grid
from fakes.store import InMemoryStore
from fakes.store_examples import fill, intent, order
from grid.house import GridDefaults
from grid.manager import GridManager
from grid.units import NOT_READ, counted_in, planned_rules
from ports.store import GridRow, OrderRow, StoreFailed
from unit.grid.test_countdown_watch import BTC as CONTRACT
from unit.grid.test_countdown_watch import SomeCountdowns
from utils.clock import SystemClock

ETH = Instrument("binance", Market.SPOT, "ETH", "USDT")
DEADLINE_S = 20.0


class CountingStore(InMemoryStore):
    """Counts how often a grid was read whole."""

    reads = 0

    def orders(self, grid_id: int, *, live_only: bool = False) -> tuple[OrderRow, ...]:
        self.reads += 1
        return super().orders(grid_id, live_only=live_only)


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
    assert "BTCUSDT is not listed at the venue any more" in gone.phase_reason
    assert place.until(ETH, lambda shown: shown.phase_reason == "not subscribed yet").phase is Phase.STARTING
    assert place.gateway.sent == []
    assert place.manager.watched(Market.SPOT) == (ETH,), "no price of the other can be shown"
    place.until(BTC, lambda _shown: BTC in place.streams.inboxes)
    place.streams.inboxes[BTC].order(RulesChanged(BTC, btc_rules()))
    place.until(BTC, lambda shown: "NOT_LISTED" not in shown.phase_reason)


def test_a_grid_that_cannot_be_read_back_is_told_of_and_keeps_no_other_from_being_taken_up(
    opened: Callable[..., Place],
):
    store = InMemoryStore()
    store.add_grid(BTC, plan(), 1, 2)
    store.add_grid(ETH, replace(plan(), rules=btc_rules(instrument=ETH)), 1, 2)
    store.record([order(intent("gh-1", grid=1), Status.FILLED)], [fill(5, "gh-1")])
    store.add_move(1, Move(number=1, kind=MoveKind.EDIT, data="cut sho", after_trade=5, market_ms=3))
    place = opened(store, SomeMarket())
    assert place.manager.resume_all() == 1
    assert place.until(ETH, lambda shown: shown.phase_reason == "not subscribed yet").phase is Phase.STARTING
    shown = place.manager.snapshot(BTC)
    assert (shown.status, shown.phase, shown.ended_ms) == (GridStatus.ERROR, Phase.FAULTED, None)
    assert shown.alarms == (shown.phase_reason,)
    assert "could not be read back from the store" in shown.phase_reason
    assert shown.books.trades == 1
    assert shown in place.manager.snapshots()
    with pytest.raises(Conflict, match="grid 1: it could not be read back"):
        place.manager.start(request())
    with pytest.raises(Conflict, match="grid 1: it could not be read back"):
        place.manager.stop(BTC, OnStop.CANCEL)
    assert [runner.row.grid_id for runner in place.manager.running] == [2]
    assert place.gateway.sent == []


def test_a_start_that_fails_altogether_leaves_the_countdowns_that_protect_entries():
    class Unreadable(InMemoryStore):
        def grids(self) -> tuple[GridRow, ...]:
            raise StoreFailed("disk I/O error")

    place, countdowns = Place(Unreadable(), SomeMarket(), FakeClock()), SomeCountdowns()
    countdowns.armed[CONTRACT] = Countdown(instrument=CONTRACT, runs_out_ms=120_000)
    defaults = GridDefaults(capital=Decimal(1_000), min_order_value=Decimal(10), max_grids=5)
    market = SomeMarket()
    manager = GridManager(replace(place.house, countdowns=countdowns), market, market, defaults)
    with pytest.raises(StoreFailed):
        manager.resume_all()
    manager.close(cancel_orders=False)
    assert (countdowns.calls, [*countdowns.armed]) == ([], [CONTRACT])


def test_a_second_grid_on_a_symbol_is_refused_with_a_remedy_that_exists(opened: Callable[..., Place]):
    store = InMemoryStore()
    store.add_grid(BTC, plan(), 1, 2)
    place = opened(store, SomeMarket())
    place.manager.resume_all()
    with pytest.raises(Conflict, match=r"a grid runs on BTCUSDT spot already; stop it first$"):
        place.manager.start(request())


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
    found = counted_in(planned_rules(row), [made], (), ())
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
