"""A network that delays, repeats, reorders and loses, and a process that dies: the books and the slots hold."""

from collections import Counter
from decimal import Decimal
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaos.hostile import HostileHost, Hostility
from domain.grids import OnStop, Phase
from domain.money import exact
from fakes.grid_examples import gate, plan
from fakes.store import InMemoryStore, MemoryDatabase
from grid.worker_events import StopRequested
from orders.client_ids import ClientId
from simulator.core.events import MarketTrade
from simulator.core.symbols import UNIT
from simulator.market.catalogue import specs_of
from simulator.market.feed import BookUpdate, FeedStep

pytestmark = pytest.mark.no_cover  # the same lines thousands of times

SPEC = specs_of(["BTCUSDT"])["BTCUSDT"]
START_MS = 1_722_729_600_000
FUNDS = {"USDT": Decimal(10_000)}

seeds = st.integers(0, 10**9)
quick = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def step(price: Decimal, at_ms: int, quantity: Decimal) -> FeedStep:
    ticks = int(price * UNIT)
    trade = MarketTrade("BTCUSDT", ticks, int(quantity * UNIT), at_ms, buyer_is_maker=False)
    book = BookUpdate("BTCUSDT", ((ticks - SPEC.tick, UNIT),), ((ticks + SPEC.tick, UNIT),))
    return FeedStep(at_ms, (trade,), book)


def walk(seed: int, steps: int, after_ms: int) -> list[FeedStep]:
    """Prints of any size, hours or milliseconds apart, on a price that runs through several rungs at once."""
    random, price, at_ms, path = Random(seed), Decimal(60_000), after_ms, []
    for _ in range(steps):
        at_ms += random.choice([50, 400, 3_000, 20_000])
        price = (price * (1 + Decimal(random.randint(-60, 60)) / 10_000)).quantize(Decimal("0.01"))
        path.append(step(price, at_ms, Decimal(random.choice(["0.00013", "0.001", "0.3"]))))
    # Back to the start, so that a first purchase that waited for its price can end.
    return [*path, step(Decimal(60_000), at_ms + 1_000, Decimal(1))]


def make_host(seed: int, hostility: Hostility, store: InMemoryStore | None = None) -> HostileHost:
    host = HostileHost(
        spec=SPEC,
        balances=FUNDS,
        store=store or InMemoryStore(),
        start_ms=START_MS,
        seed=seed,
        hostility=hostility,
        new_gate=gate,
    )
    host.play_on([step(Decimal(60_000), START_MS, Decimal(1))], lambda: None)
    return host


def assert_one_live_order_per_slot(host: HostileHost) -> None:
    ids = [ClientId.parse(order.client_id) for order in host.exchange.open_orders("bot", "BTCUSDT")]
    live = Counter(found.slot for found in ids if found is not None)
    assert len(ids) == sum(live.values())
    assert max(live.values(), default=0) <= 1


def resting(host: HostileHost) -> set[tuple[str, Decimal, Decimal]]:
    orders = host.exchange.open_orders("bot", "BTCUSDT")
    return {(order.side.value, Decimal(order.price) / UNIT, Decimal(order.remaining) / UNIT) for order in orders}


def wanted(host: HostileHost) -> set[tuple[str, Decimal, Decimal]]:
    assert host._worker is not None
    return {(want.slot.side.value, want.price, want.quantity) for want in host._worker._state.wanted() if want.price}


def backup_of(store: InMemoryStore) -> InMemoryStore:
    """The database as it is now, restored later: a new epoch of the same instance."""
    backup = InMemoryStore(database=MemoryDatabase(instance=store.instance, epoch=store.epoch + 1))
    for name, rows in vars(store._rows).items():
        setattr(backup._rows, name, dict(rows))
    return backup


@exact
def assert_books_balance(host: HostileHost) -> None:
    books, held = host.snapshot().books, host.balances()
    base = held.get("BTC", Decimal(0))
    assert books.residual == 0
    assert books.base_held == base
    assert books.equity_change == held["USDT"] + base * books.mark_price - FUNDS["USDT"]
    booked = {fill.trade_id for fill in host.store.fills(1)}
    assert booked == {trade.trade_id for trade in host.exchange.trades("bot", "BTCUSDT", limit=10**9)}


def assert_came_to_rest(host: HostileHost) -> None:
    shown = host.snapshot()
    assert (shown.phase, shown.faulted_slots) == (Phase.TRADING, ())
    assert resting(host) == wanted(host)
    assert_books_balance(host)


def run(seed: int, hostility: Hostility, steps: int = 150, levels: int = 12) -> HostileHost:
    host = make_host(seed, hostility)
    host.start(plan(levels=levels, spacing_percent=Decimal("0.3"), capital=Decimal(5_000)))
    host.play_on(walk(seed, steps, START_MS), lambda: assert_one_live_order_per_slot(host))
    host.heal(minutes=6)
    assert_one_live_order_per_slot(host)
    return host


@quick
@given(seed=seeds, levels=st.integers(2, 20))
def test_delays_repeats_and_reordering_lose_nothing(seed: int, levels: int):
    hostility = Hostility(answer_lost=0, request_lost=0, read_failed=0, stream_lost=0, repeated=0.3, reordered=0.5)
    assert_came_to_rest(run(seed, hostility, levels=levels))


@quick
@given(seed=seeds)
def test_lost_requests_answers_readings_and_streams_lose_no_fill_and_double_no_order(seed: int):
    hostility = Hostility(answer_lost=0.2, request_lost=0.15, read_failed=0.3, stream_lost=0.03)
    assert_came_to_rest(run(seed, hostility))


@quick
@given(seed=seeds)
def test_a_process_killed_between_any_two_effects_takes_up_where_it_was(seed: int):
    host = run(seed, Hostility(crash=0.02, answer_lost=0.1, request_lost=0.1))
    assert_came_to_rest(host)


@quick
@given(seed=seeds, on_stop=st.sampled_from([OnStop.CANCEL, OnStop.UNWIND]))
def test_a_stop_in_the_middle_of_chaos_leaves_nothing_on_the_book(seed: int, on_stop: OnStop):
    host = make_host(seed, Hostility(answer_lost=0.2, request_lost=0.1, read_failed=0.2, stream_lost=0.02))
    host.start(plan(levels=12, spacing_percent=Decimal("0.3"), capital=Decimal(5_000)))
    host.play_on(walk(seed, 80, START_MS), lambda: assert_one_live_order_per_slot(host))
    host.tell(StopRequested(on_stop))
    host.play_on(walk(seed + 1, 20, host.heap.market_ms()), lambda: assert_one_live_order_per_slot(host))
    host.heal(minutes=8)
    assert host.finished
    assert resting(host) == set()
    assert_books_balance(host)


def test_a_rung_that_one_cell_buys_and_the_cell_below_sells_does_not_trade_with_itself():
    assert_came_to_rest(run(158_851, Hostility(crash=0.02, answer_lost=0.1, request_lost=0.1)))


def test_the_same_seed_gives_the_same_chaos():
    def once() -> tuple[object, ...]:
        host = run(11, Hostility(crash=0.01))
        return host.snapshot().books, host.lives, host.exchange.dump()

    first = once()
    assert first == once()
    assert first[1] > 1


@pytest.mark.parametrize("seed", range(3))
def test_a_restored_older_database_adopts_what_happened_since(seed: int):
    store = InMemoryStore()
    host = make_host(seed, Hostility(answer_lost=0, request_lost=0), store)
    host.start(plan(levels=12, spacing_percent=Decimal("0.3"), capital=Decimal(5_000)))
    path = walk(seed, 160, START_MS)
    host.play_on(path[:60], lambda: None)
    backup = backup_of(store)
    host.play_on(path[60:], lambda: None)
    host.store = backup
    host.crash()
    host.heal(minutes=8)
    assert_came_to_rest(host)
