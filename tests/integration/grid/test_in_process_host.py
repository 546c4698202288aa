"""The real worker, ledger and books against the real matching core, on one event heap."""

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.host import InProcessHost
from domain.grids import GridStatus, OnStop, Phase
from domain.money import exact
from domain.orders import Side, Status
from fakes.grid_examples import gate, plan
from fakes.store import InMemoryStore
from grid.worker_events import StopRequested
from simulator.core.events import MarketTrade
from simulator.core.orders import OrderParams
from simulator.core.orders import OrderType as VenueType
from simulator.core.orders import Side as VenueSide
from simulator.core.symbols import NOTIONAL_UNIT, UNIT
from simulator.market.catalogue import specs_of
from simulator.market.feed import BookUpdate, FeedStep

SPEC = specs_of(["BTCUSDT"])["BTCUSDT"]
START_MS = 1_722_729_600_000
FUNDS = {"USDT": Decimal(10_000)}


def step(price: Decimal, at_ms: int, quantity: Decimal = Decimal(1)) -> FeedStep:
    """One print with a book of one tick's spread around it."""
    ticks = int(price * UNIT)
    trade = MarketTrade("BTCUSDT", ticks, int(quantity * UNIT), at_ms, buyer_is_maker=False)
    book = BookUpdate("BTCUSDT", ((ticks - SPEC.tick, 50 * UNIT),), ((ticks + SPEC.tick, 50 * UNIT),))
    return FeedStep(at_ms, (trade,), book)


def walk(seed: int, steps: int, spread: Decimal = Decimal("0.004")) -> list[FeedStep]:
    random, price, path = Random(seed), Decimal(60_000), []
    for index in range(steps):
        path.append(step(price, START_MS + 15_000 * (index + 1)))
        move = Decimal(random.randint(-100, 100)) / 100 * spread
        price = (price * (1 + move)).quantize(Decimal("0.01"))
    return path


def make_host(store: InMemoryStore | None = None, seed: int = 1) -> InProcessHost:
    host = InProcessHost(
        spec=SPEC, balances=FUNDS, store=store or InMemoryStore(), gate=gate(), start_ms=START_MS, seed=seed
    )
    host.play([step(Decimal(60_000), START_MS)])
    return host


@exact
def equity(host: InProcessHost) -> Decimal:
    held = host.balances()
    return held["USDT"] + held.get("BTC", Decimal(0)) * host.snapshot().books.mark_price


def assert_books_balance(host: InProcessHost) -> None:
    books = host.snapshot().books
    assert books.residual == 0
    assert books.equity_change == equity(host) - FUNDS["USDT"]
    assert books.base_held == host.balances().get("BTC", Decimal(0))


def resting(host: InProcessHost) -> set[tuple[str, Decimal, Decimal]]:
    orders = host.exchange.open_orders("bot", "BTCUSDT")
    return {(order.side.value, Decimal(order.price) / UNIT, Decimal(order.remaining) / UNIT) for order in orders}


def test_ten_levels_rest_nine_orders_after_the_first_purchase():
    host = make_host()
    host.start(plan())
    host.settle()
    shown = host.snapshot()
    assert shown.phase is Phase.TRADING
    sides = [side for side, _, _ in resting(host)]
    assert (sides.count("BUY"), sides.count("SELL")) == (5, 4)
    assert_books_balance(host)


def test_a_filled_buy_wants_a_sell_one_rung_up_and_a_filled_sell_a_buy_one_rung_down():
    host = make_host()
    grid = plan()
    host.start(grid)
    host.settle()
    below, start, above = grid.prices[4], grid.prices[5], grid.prices[6]
    host.play([step(below - 1, START_MS + 60_000)])
    prices = {(side, price) for side, price, _ in resting(host)}
    assert ("SELL", start) in prices
    assert ("BUY", below) not in prices
    host.play([step(start + 1, START_MS + 120_000), step(above + 1, START_MS + 180_000)])
    prices = {(side, price) for side, price, _ in resting(host)}
    assert ("BUY", start) in prices
    assert ("BUY", below) in prices
    assert host.snapshot().books.cycles == 2
    assert_books_balance(host)


def test_a_price_that_crosses_a_rung_without_a_fill_sends_nothing():
    host = make_host()
    host.start(plan())
    host.settle()
    before = host.exchange.all_orders("bot", "BTCUSDT", limit=1000)
    rung = host.snapshot().plan.prices[5]
    for index in range(200):
        host.play([step(rung + (Decimal(1) if index % 2 else Decimal(-1)), START_MS + 1000 * (index + 1))])
    assert host.exchange.all_orders("bot", "BTCUSDT", limit=1000) == before


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), levels=st.integers(2, 30), spacing=st.sampled_from(["0.3", "0.5", "1.2"]))
def test_books_balance_to_the_last_digit_on_any_path(seed: int, levels: int, spacing: str):
    host = make_host(seed=seed)
    host.start(plan(levels=levels, spacing_percent=Decimal(spacing), capital=Decimal(5_000)))
    host.play(walk(seed, 120))
    assert_books_balance(host)
    live = [order for order in host.snapshot().open_orders if order.status is Status.OPEN]
    assert len(live) == len(resting(host)) == levels - 1


def test_a_seed_and_a_path_give_the_same_run():
    def run() -> tuple[object, ...]:
        host = make_host(seed=7)
        host.start(plan(levels=20))
        host.play(walk(7, 300))
        return host.snapshot().books, host.exchange.dump()

    assert run() == run()


def test_a_resumed_worker_continues_without_doubling_anything():
    store = InMemoryStore()
    host = make_host(store)
    row = host.start(plan())
    path = walk(3, 200)
    host.play(path[:100])
    before = resting(host)
    host.resume(row)
    host.settle()
    assert resting(host) == before
    host.play(path[100:])
    assert_books_balance(host)


@pytest.mark.parametrize("on_stop", [OnStop.CANCEL, OnStop.UNWIND])
def test_a_stop_takes_every_order_off_the_book(on_stop: OnStop):
    host = make_host()
    host.start(plan())
    host.play(walk(5, 100))
    host.tell(StopRequested(on_stop))
    host.settle()
    assert host.finished
    assert resting(host) == set()
    shown = host.snapshot()
    assert (shown.status, shown.phase) == (GridStatus.STOPPED, Phase.ENDED)
    if on_stop is OnStop.UNWIND:
        assert shown.books.base_held < Decimal("0.00001") * 10
        assert shown.last_fill is not None
        assert shown.last_fill.side is Side.SELL
    assert_books_balance(host)


def test_started_empty_buys_nothing_first():
    host = make_host()
    host.start(plan(start_empty=True))
    host.settle()
    assert host.balances()["USDT"] == FUNDS["USDT"]
    assert {side for side, _, _ in resting(host)} == {"BUY"}


def test_a_partly_filled_buy_goes_on_resting_and_has_no_counter_order_yet():
    host = make_host()
    grid = plan()
    host.start(grid)
    host.settle()
    rung = grid.prices[4]
    part = Decimal("0.0003")
    # Exactly at the rung: what the print leaves after the volume ahead is less than the order.
    host.exchange.set_book("BTCUSDT", ((int((rung - 1) * UNIT), UNIT),), ((int((rung + 1) * UNIT), UNIT),))
    host.play(
        [FeedStep(START_MS + 1000, (MarketTrade("BTCUSDT", int(rung * UNIT), int(part * UNIT), START_MS, True),))]
    )
    open_buys = [order for order in host.snapshot().open_orders if order.price == rung]
    assert [order.executed_quantity for order in open_buys] == [part]
    assert ("SELL", grid.prices[5]) not in {(side, price) for side, price, _ in resting(host)}
    assert_books_balance(host)


def test_a_fill_that_fits_no_rung_is_booked_and_stops_the_grid_for_a_person():
    host = make_host()
    host.start(plan())
    host.settle()
    host.exchange.deposit("bot", "BTC", int(Decimal("0.0002") * NOTIONAL_UNIT))
    host.settle()
    stranger = host.snapshot().open_orders[0].client_id.split("-")
    stranger[5] = "1"  # our instance and grid, a price at which no rung stands: an order from another life of the books
    params = OrderParams(
        symbol="BTCUSDT",
        side=VenueSide.SELL,
        type=VenueType.MARKET,
        quantity=int(Decimal("0.0002") * UNIT),
        client_id="-".join([*stranger[:4], "rs", *stranger[5:]]),
    )
    host.exchange.place("bot", params, host.heap.market_ms())
    host.settle()
    shown = host.snapshot()
    assert (shown.status, shown.phase) == (GridStatus.ERROR, Phase.FAULTED)
    assert "fits no rung" in shown.phase_reason
    assert shown.books.residual == 0
    host.tell(StopRequested(OnStop.CANCEL))
    # A stranger puts the account in doubt: it is read until two readings, some seconds apart, show no more of them.
    host.play([step(Decimal(60_000), START_MS + 60_000 * passed) for passed in range(1, 5)])
    assert resting(host) == set()
    assert host.finished


def test_unwinding_heeds_the_largest_market_order():
    host = make_host()
    host.rules = replace(host.rules, market_max_quantity=Decimal("0.002"))
    host.start(plan())
    host.settle()
    held = host.snapshot().books.base_held
    host.tell(StopRequested(OnStop.UNWIND))
    host.settle()
    assert host.finished
    assert held > Decimal("0.002")
    assert host.snapshot().books.base_held < Decimal("0.0001")
    assert_books_balance(host)
