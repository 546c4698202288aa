"""Grids that a person edits while they trade: at any moment, with crashes, stops and pauses in between."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.host import InProcessHost
from domain.edits import GridChanges
from domain.errors import Conflict, NotFound
from domain.events import PriceSeen, StreamResumed
from domain.grids import MoveKind, OnStop, PauseKeep, Phase
from fakes.clock import FakeClock
from fakes.grid_examples import BTC, btc_rules, facts, plan
from fakes.some_market import Place, SomeMarket, answer_all, running_grid
from fakes.store import InMemoryStore
from grid.assembly import stored_state
from grid.editing import sketch_edit
from grid.pauses import PauseRequested, ResumeRequested
from grid.worker_events import EditRequested, StopRequested
from grid.worker_host import WorkerHost
from integration.grid.test_pauses_by_request import at_work, move, resting, run_some, started, walk
from ports.store import Store, StoreFailed

CHANGES = [
    GridChanges(levels=6),
    GridChanges(levels=14, capital=Decimal(1_500)),
    GridChanges(capital=Decimal(2_500)),
    GridChanges(capital=Decimal(400)),
    GridChanges(spacing_percent=Decimal("0.35")),
    GridChanges(lower=Decimal(58_000), upper=Decimal(61_500)),
]
PLAN = plan(capital=Decimal(1_000))
BACK = GridChanges(levels=10, capital=Decimal(1_000), spacing_percent=Decimal("0.5"))


def word(store: Store, changes: GridChanges, price: Decimal = Decimal(60_000)) -> EditRequested:
    row = store.grids()[-1]
    state = stored_state(row, btc_rules(), store)
    facts_now = facts(price=price, free_quote=Decimal(100_000))
    return EditRequested(sketch_edit(state, changes, facts_now, [row.plan], Decimal(500)).asked)


def ladder(host: InProcessHost) -> set[Decimal]:
    return {price for _, price, _ in resting(host)}


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    steps=st.integers(0, 50),
    in_flight=st.integers(0, 12),
    changes=st.sampled_from(CHANGES),
    edited_for=st.integers(0, 60),
    crashes=st.booleans(),
)
def test_an_edit_at_any_moment_ends_in_its_ladder_with_books_that_balance(
    seed: int, steps: int, in_flight: int, changes: GridChanges, edited_for: int, crashes: bool
):
    host = started(seed, PLAN)
    *path, last = walk(seed, steps + 2)
    host.play(path)
    asked = word(host.store, changes, host.snapshot().current_price or Decimal(60_000))
    move(host, last)
    run_some(host, in_flight)
    host.tell(asked)
    run_some(host, edited_for)
    if crashes:
        host.settle()
        host.resume(host.store.grids()[-1])
        host.tell(asked)  # the host asks again for what may not be stored; it is
    host.settle()
    shown = host.snapshot()
    assert (shown.plan, shown.is_edited_now) == (asked.asked.plan, False)
    assert shown.recovery.differs == ()
    assert shown.phase is Phase.TRADING
    assert len(resting(host)) == len(shown.plan.prices) - 1
    assert ladder(host) <= set(shown.plan.prices)
    host.play([replace(step, time_ms=step.time_ms + 10**6) for step in walk(seed + 1, 20)])
    shown = host.snapshot()
    assert (shown.books.residual, shown.recovery.differs) == (0, ())
    assert shown.books.base_held == host.balances()["BTC"]
    assert [move.kind for move in host.store.moves(1)] == [MoveKind.ASKED, MoveKind.EDIT]


def test_there_and_back_rests_what_rested_before():
    host = started(7, PLAN)
    host.play(walk(7, 30))
    before = resting(host)
    price = host.snapshot().current_price or Decimal(0)
    host.tell(word(host.store, GridChanges(spacing_percent=Decimal("0.6")), price))
    host.settle()
    assert resting(host) != before
    host.tell(word(host.store, BACK, price))
    host.settle()
    assert {price for _, price, _ in resting(host)} == {price for _, price, _ in before}


# --- what is stored before what is sent ---


class FailingStore(InMemoryStore):
    """Commits no move while `fails`."""

    fails = False

    def add_move(self, grid_id, move) -> None:
        if self.fails:
            raise StoreFailed("the disk is full")
        super().add_move(grid_id, move)


def reopened(place: Place) -> WorkerHost:
    host = WorkerHost(place.store.grids()[0], btc_rules(), place.house, place.answers.append)
    place.answers.clear()
    host.open()
    clock = place.house.clock
    host.handle(PriceSeen(BTC, Decimal(60_000), clock.market_ms(), clock.monotonic_s()))
    host.handle(StreamResumed("user"))
    return host


def prices_of(place: Place) -> set[Decimal]:
    return {order.price for order in place.gateway.open_orders}


def test_a_word_that_is_not_stored_cancels_nothing_and_outlives_the_worker_that_failed():
    store = FailingStore()
    place = Place(store, SomeMarket(), FakeClock())
    host = running_grid(place, PLAN)
    asked, store.fails = word(store, GridChanges(levels=6)), True
    with pytest.raises(StoreFailed):
        host.handle(asked)
    assert (place.gateway.cancels, store.moves(1)) == ([], ())
    store.fails = False
    host.drop()
    place.answers.clear()
    host.open()
    assert [move.kind for move in store.moves(1)] == [MoveKind.ASKED]
    assert host.snapshot().is_edited_now


def test_a_process_that_dies_while_orders_are_taken_off_goes_on_in_its_next_life():
    place = Place(InMemoryStore(), SomeMarket(), FakeClock())
    host = running_grid(place, PLAN)
    asked = word(place.store, GridChanges(spacing_percent=Decimal("0.3")))
    host.handle(asked)
    assert len(place.gateway.cancels) == 9
    assert host.snapshot().is_edited_now
    again = reopened(place)
    answer_all(place, again)
    shown = again.snapshot()
    assert (shown.plan, shown.is_edited_now) == (asked.asked.plan, False)
    assert prices_of(place) <= set(asked.asked.plan.prices)
    assert again.snapshot().books.residual == 0


@pytest.mark.parametrize("on_stop", list(OnStop))
def test_a_stop_while_orders_are_taken_off_wins(on_stop: OnStop):
    place = Place(InMemoryStore(), SomeMarket(), FakeClock())
    host = running_grid(place, PLAN)
    host.handle(word(place.store, GridChanges(levels=6)))
    sent = len(place.gateway.sent)
    host.handle(StopRequested(on_stop))
    answer_all(place, host)
    assert host.finished
    assert host.snapshot().plan == PLAN
    assert len(place.gateway.sent) - sent == (on_stop is OnStop.UNWIND), "nothing is placed but what unwinds"


def test_a_pause_while_orders_are_taken_off_holds_back_an_edit_that_trades():
    place = Place(InMemoryStore(), SomeMarket(), FakeClock())
    host = running_grid(place, PLAN)
    asked = word(place.store, GridChanges(capital=Decimal(2_000)))
    host.handle(asked)
    host.handle(PauseRequested(PauseKeep.NOTHING))
    sent = len(place.gateway.sent)
    answer_all(place, host)
    shown = host.snapshot()
    assert (shown.plan, shown.is_edited_now, len(place.gateway.sent)) == (PLAN, True, sent)
    assert shown.phase is Phase.PAUSED
    host.handle(ResumeRequested())
    answer_all(place, host)
    assert host.snapshot().phase is Phase.TRADING
    assert host.snapshot().plan == asked.asked.plan
    assert len(prices_of(place)) == 9


def test_an_edit_that_cannot_be_now_is_refused_with_the_remedy():
    store = InMemoryStore()
    store.add_grid(BTC, PLAN, 1, 2)
    with at_work(store) as place:
        place.until(BTC, lambda shown: shown.phase is Phase.STARTING)
        with pytest.raises(Conflict, match="reading the account; ask again"):
            place.manager.edit(BTC, GridChanges(levels=6), dry_run=True)
        with pytest.raises(NotFound):
            place.manager.edit(replace(BTC, base="ETH"), GridChanges(levels=6), dry_run=False)


def test_a_second_edit_waits_for_nobody():
    place = Place(InMemoryStore(), SomeMarket(), FakeClock())
    host = running_grid(place, PLAN)
    first, second = word(place.store, GridChanges(levels=6)), word(place.store, GridChanges(levels=8))
    host.handle(first)
    host.handle(second)
    answer_all(place, host)
    assert host.snapshot().plan == first.asked.plan
