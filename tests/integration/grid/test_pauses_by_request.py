"""Grids that a person pauses: what rests meanwhile, what is stored when, and that resuming forgets nothing."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.host import InProcessHost
from domain.errors import Conflict, NotFound
from domain.events import PriceSeen, StreamResumed
from domain.grids import Direction, GridPlan, OnStop, PauseKeep, Phase
from domain.orders import Side, Status
from fakes.clock import FakeClock
from fakes.contract_grid import planned
from fakes.grid_examples import BTC, btc_rules, gate, plan
from fakes.some_market import Place, SomeMarket, answer_all, running_grid
from fakes.store import InMemoryStore
from grid.pauses import PauseRequested, RequestedPause, ResumeRequested
from grid.state import GridState
from grid.vitals import grid_part
from grid.worker_events import StopRequested
from grid.worker_host import WorkerHost
from ports.store import StoreFailed
from simulator.core.events import MarketTrade
from simulator.core.symbols import UNIT
from simulator.market.catalogue import specs_of
from simulator.market.feed import BookUpdate, FeedStep
from utils.clock import SystemClock

SPEC = specs_of(["BTCUSDT"])["BTCUSDT"]
START_MS = 1_722_729_600_000
PAUSE, RESUME = PauseRequested(PauseKeep.EXITS), ResumeRequested()
Resting = set[tuple[str, Decimal, Decimal]]


def step(price: Decimal, at_ms: int) -> FeedStep:
    """One print with a book of one tick's spread around it."""
    ticks = int(price * UNIT)
    trade = MarketTrade("BTCUSDT", ticks, UNIT, at_ms, buyer_is_maker=False)
    book = BookUpdate("BTCUSDT", ((ticks - SPEC.tick, 50 * UNIT),), ((ticks + SPEC.tick, 50 * UNIT),))
    return FeedStep(at_ms, (trade,), book)


def walk(seed: int, steps: int) -> list[FeedStep]:
    random, price, path = Random(seed), Decimal(60_000), []
    for index in range(steps):
        path.append(step(price, START_MS + 15_000 * (index + 1)))
        price = (price * (1 + Decimal(random.randint(-40, 40)) / 10_000)).quantize(Decimal("0.01"))
    return path


def started(seed: int, made: GridPlan) -> InProcessHost:
    funds = {"USDT": Decimal(10_000)}
    host = InProcessHost(spec=SPEC, balances=funds, store=InMemoryStore(), gate=gate(), start_ms=START_MS, seed=seed)
    host.play([step(Decimal(60_000), START_MS)])
    host.start(made)
    return host


def resting(host: InProcessHost) -> Resting:
    orders = host.exchange.open_orders("bot", "BTCUSDT")
    return {(order.side.value, Decimal(order.price) / UNIT, Decimal(order.remaining) / UNIT) for order in orders}


def sides(host: InProcessHost) -> set[str]:
    return {side for side, _, _ in resting(host)}


def move(host: InProcessHost, to: FeedStep) -> None:
    """Move the market, and leave in flight what comes of it."""
    host.heap.advance_to(to.time_ms)
    for trade in to.trades:
        host.exchange.print_trade(trade)
    assert to.book is not None
    host.exchange.set_book("BTCUSDT", to.book.bids, to.book.asks)


def run_some(host: InProcessHost, turns: int) -> None:
    for _ in range(min(turns, len(host.heap))):
        host.heap.run_next()


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    steps=st.integers(0, 60),
    in_flight=st.integers(0, 12),
    keep=st.sampled_from(PauseKeep),
    paused_for=st.integers(0, 40) | st.none(),
    crashes=st.booleans(),
)
def test_pause_and_resume_at_any_moment_end_in_what_never_pausing_ends_in(
    seed: int, steps: int, in_flight: int, keep: PauseKeep, paused_for: int | None, crashes: bool
):
    made = plan()
    untouched, host = started(seed, made), started(seed, made)
    for one in (untouched, host):
        *path, last = walk(seed, steps + 1)
        if steps:
            one.play(path)
            move(one, last)
        run_some(one, in_flight)
    host.tell(PauseRequested(keep))
    run_some(host, len(host.heap) if paused_for is None else paused_for)
    if crashes:
        host.settle()
        host.resume(host.store.grids()[-1])
    host.tell(RESUME)
    untouched.settle()
    host.settle()
    assert resting(host) == resting(untouched) != set()
    shown, usual = host.snapshot(), untouched.snapshot()
    assert (shown.phase, shown.paused, shown.recovery.differs) == (usual.phase, None, ())
    assert (shown.books.residual, shown.books.trades) == (0, usual.books.trades)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), steps=st.integers(5, 60), keep=st.sampled_from(PauseKeep), crashes=st.booleans())
def test_a_paused_grid_places_no_entry_and_books_what_its_exits_bring(
    seed: int, steps: int, keep: PauseKeep, crashes: bool
):
    host = started(seed, plan())
    path = walk(seed, 2 * steps)
    host.play(path[:steps])
    host.tell(PauseRequested(keep))
    host.settle()
    bought = host.snapshot().books.buys
    if crashes:
        host.resume(host.store.grids()[-1])
    host.play(path[steps:])
    shown = host.snapshot()
    assert sides(host) <= ({"SELL"} if keep is PauseKeep.EXITS else set())
    assert (shown.phase, shown.paused) == (Phase.PAUSED, keep)
    assert shown.phase_reason.startswith("paused by request (")
    assert shown.books.buys == bought
    assert shown.books.residual == 0
    assert host.store.grids()[-1].on_stop == f"pause:{keep}"


def test_exits_are_sold_while_paused_and_their_cells_begin_anew_when_resumed():
    made = plan()
    host = started(1, made)
    host.settle()
    host.tell(PAUSE)
    host.settle()
    assert sides(host) == {"SELL"}
    top = made.prices[-1]
    host.play([step(top + 1, START_MS + 60_000)])
    assert resting(host) == set()
    assert host.snapshot().books.cycles == 4
    host.tell(RESUME)
    host.settle()
    assert {price for _, price, _ in resting(host)} == set(made.prices[:-1])


@pytest.mark.parametrize("on_stop", list(OnStop))
def test_a_paused_grid_is_stopped_as_ever(on_stop: OnStop):
    host = started(3, plan())
    host.play(walk(3, 40))
    host.tell(PAUSE)
    host.tell(StopRequested(on_stop))
    host.tell(PauseRequested(PauseKeep.NOTHING))
    host.settle()
    assert host.finished
    shown = host.snapshot()
    assert (shown.phase, shown.paused) == (Phase.ENDED, None)
    assert host.store.grids()[-1].on_stop == on_stop.value
    assert resting(host) == set() or on_stop is OnStop.KEEP


# --- what is stored before what is sent ---


class FailingStore(InMemoryStore):
    """Commits no state of life while `fails`."""

    fails = False

    def set_grid(self, grid_id: int, **told: Any) -> None:
        if self.fails:
            raise StoreFailed("the disk is full")
        super().set_grid(grid_id, **told)


def entries(place: Place) -> list[Side]:
    return [order.side for order in place.gateway.open_orders if order.side is Side.BUY]


def reopened(place: Place, host: WorkerHost) -> WorkerHost:
    host.drop()
    place.answers.clear()
    host.open()
    return host


def test_a_word_that_is_not_stored_cancels_nothing_and_outlives_the_worker_that_failed():
    store = FailingStore()
    place = Place(store, SomeMarket(), FakeClock())
    host = running_grid(place, plan())
    store.fails = True
    with pytest.raises(StoreFailed):
        host.handle(PAUSE)
    assert place.gateway.cancels == []
    died_here = WorkerHost(store.grids()[0], btc_rules(), place.house, place.answers.append)
    assert died_here.snapshot().paused is None, "what was not committed was never said"
    store.fails = False
    assert reopened(place, host).snapshot().paused is PauseKeep.EXITS
    assert store.grids()[0].on_stop == "pause:exits"

    store.fails, sent = True, len(place.gateway.sent)
    with pytest.raises(StoreFailed):
        host.handle(RESUME)
    assert len(place.gateway.sent) == sent
    store.fails = False
    assert reopened(place, host).snapshot().paused is None
    assert store.grids()[0].on_stop == ""


def test_a_process_that_dies_between_commit_and_cancel_takes_the_entries_off_in_its_next_life():
    place = Place(InMemoryStore(), SomeMarket(), FakeClock())
    first = running_grid(place, plan())
    assert len(entries(place)) == 5
    place.store.set_grid(1, status=first.row.status, phase="paused", phase_reason="", on_stop="pause:exits")
    again = reopened(place, WorkerHost(place.store.grids()[0], btc_rules(), place.house, place.answers.append))
    clock = place.house.clock
    again.handle(PriceSeen(BTC, Decimal(60_000), clock.market_ms(), clock.monotonic_s()))
    again.handle(StreamResumed("user"))
    answer_all(place, again)
    assert entries(place) == []
    assert {order.status for order in again.snapshot().open_orders} == {Status.OPEN}
    assert again.snapshot().phase is Phase.PAUSED


def test_on_a_contract_the_exits_of_a_short_position_are_its_purchases():
    made = planned(Direction.SHORT)
    assert made.rules is not None
    state = GridState(1, replace(made, entry_quantity=Decimal(0)), made.rules)
    allowed = RequestedPause("pause:exits").allowed(state.wanted())
    assert {order.slot.side for order in allowed} == {Side.BUY}
    assert RequestedPause("pause:nothing").allowed(state.wanted()) == []
    assert RequestedPause("").allowed(state.wanted()) == state.wanted()


# --- asked for by other threads ---


@contextmanager
def at_work(store: InMemoryStore) -> Iterator[Place]:
    place = Place(store, SomeMarket(), SystemClock())
    with ExitStack() as stack:
        stack.callback(lambda: place.manager.close(cancel_orders=False))
        place.manager.resume_all()
        yield place


def test_a_pause_is_stored_when_it_is_answered_and_holds_over_a_restart():
    store = InMemoryStore()
    store.add_grid(BTC, plan(), 1, 2)
    with at_work(store) as place:
        for _ in range(2):
            assert place.manager.pause(BTC, PauseKeep.NOTHING).paused is PauseKeep.NOTHING
            assert store.grids()[0].on_stop == "pause:nothing"
        assert place.manager.pause(BTC, PauseKeep.EXITS).paused is PauseKeep.EXITS
    with at_work(store) as place:
        shown = place.until(BTC, lambda shown: shown.phase is Phase.PAUSED)
        assert shown.phase_reason == "paused by request (exits rest); besides: not subscribed yet"
        assert not grid_part(place.manager.running[0]).ready, "what else is wrong still counts"
        for _ in range(2):
            assert place.manager.resume(BTC).paused is None
        assert store.grids()[0].on_stop == ""
    with at_work(store) as place:
        assert place.until(BTC, lambda shown: shown.phase is Phase.STARTING).paused is None
        place.manager.running[0].request_stop(StopRequested(OnStop.CANCEL))
        place.until(BTC, lambda shown: shown.phase is Phase.STOPPING)
        with pytest.raises(Conflict, match="is being stopped"):
            place.manager.pause(BTC, PauseKeep.EXITS)
        with pytest.raises(NotFound):
            place.manager.resume(replace(BTC, base="ETH"))
