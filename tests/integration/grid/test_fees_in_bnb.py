"""Commissions in BNB on the in-process host: the real worker, books and stores against the real matching core."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.storage import open_store
from chaos.host import ACCOUNT, InProcessHost
from domain.events import OrderReported
from domain.grids import OnStop, Phase
from domain.money import exact
from domain.orders import Side, Status
from fakes.grid_examples import gate, plan
from fakes.order_examples import venue_order
from fakes.store import SHADOW_ACCOUNT, InMemoryStore
from fakes.store_clock import StillClock
from grid.worker_events import StopRequested
from ports.store import Store
from simulator.core.events import MarketTrade
from simulator.core.symbols import NOTIONAL_UNIT, UNIT
from simulator.market.catalogue import specs_of
from simulator.market.feed import BookUpdate, FeedStep

SPECS = specs_of(["BTCUSDT", "BNBUSDT"])
BTC, BNB = SPECS["BTCUSDT"], SPECS["BNBUSDT"]
START_MS = 1_722_729_600_000
FUNDS = {"USDT": Decimal(10_000), "BNB": Decimal(2)}
FeePrice = Callable[[str, int], Decimal | None]


def bnb_at(_asset: str, at_ms: int) -> Decimal:
    """A price that moves, so that a fee valued at another time shows."""
    return Decimal(500) + Decimal(at_ms - START_MS) / 60_000 / 100


def nobody(_asset: str, _at_ms: int) -> None:
    return None


def step(price: Decimal, at_ms: int) -> FeedStep:
    ticks = int(price * UNIT)
    trade = MarketTrade("BTCUSDT", ticks, UNIT, at_ms, buyer_is_maker=False)
    book = BookUpdate("BTCUSDT", ((ticks - BTC.tick, 50 * UNIT),), ((ticks + BTC.tick, 50 * UNIT),))
    return FeedStep(at_ms, (trade,), book)


def walk(seed: int, steps: int) -> list[FeedStep]:
    random, price, path = Random(seed), Decimal(60_000), []
    for index in range(steps):
        path.append(step(price, START_MS + 15_000 * (index + 1)))
        price = (price * (1 + Decimal(random.randint(-100, 100)) / 25_000)).quantize(Decimal("0.01"))
    return path


def make_host(store: Store | None = None, *, fee_price: FeePrice = bnb_at, funds=FUNDS) -> InProcessHost:
    host = InProcessHost(
        spec=BTC,
        balances=funds,
        store=store or InMemoryStore(),
        gate=gate(),
        start_ms=START_MS,
        seed=1,
        fee_price=fee_price,
    )
    host.exchange.add_symbol(BNB)
    host.exchange.print_trade(MarketTrade("BNBUSDT", 500 * UNIT, UNIT, START_MS, buyer_is_maker=False))
    host.exchange.set_commission(ACCOUNT, maker_ppm=1000, taker_ppm=1000, pays_in_bnb=True)
    host.play([step(Decimal(60_000), START_MS)])
    return host


@exact
def assert_books_balance(host: InProcessHost) -> None:
    """The books against the exchange: amounts of every asset, and the fees' values added up by hand."""
    books, held = host.snapshot().books, host.balances()
    assert books.residual == 0
    assert books.base_held == held.get("BTC", Decimal(0))
    assert books.cash_flow == held["USDT"] - FUNDS["USDT"]
    paid = books.fees_by_asset.get("BNB", Decimal(0))
    assert paid == FUNDS["BNB"] - held.get("BNB", Decimal(0))
    valued = paid - books.fees_unvalued.get("BNB", Decimal(0))
    now = books.fee_prices.get("BNB", Decimal(0))
    assert books.equity_change == books.cash_flow + books.base_held * books.mark_price - valued * now


@exact
def bnb_fees_by_hand(host: InProcessHost) -> Decimal:
    trades = host.exchange.trades(ACCOUNT, "BTCUSDT", limit=10**9)
    in_bnb = [trade for trade in trades if trade.commission_asset == "BNB"]
    return sum((Decimal(trade.commission) / UNIT * bnb_at("BNB", trade.time_ms) for trade in in_bnb), Decimal(0))


def test_fees_in_bnb_are_valued_at_their_fills():
    host = make_host()
    host.start(plan())
    host.play(walk(3, 200))
    books = host.snapshot().books
    assert books.trades > 10
    assert set(books.fees_by_asset) == {"BNB"}
    assert books.fees_unvalued == {}
    assert books.fees == bnb_fees_by_hand(host)
    assert books.fee_asset_revaluation != 0
    assert len(host.store.fee_values(1)) == books.trades
    assert_books_balance(host)


def test_fees_nobody_can_price_stay_unvalued_and_the_grid_trades_on():
    host = make_host(fee_price=nobody)
    host.start(plan())
    host.play(walk(3, 200))
    shown = host.snapshot()
    assert (shown.phase, shown.alarms) == (Phase.TRADING, ())
    assert shown.books.trades > 10
    assert shown.books.fees == 0
    assert shown.books.fees_unvalued == shown.books.fees_by_asset
    assert_books_balance(host)


def test_where_bnb_runs_out_the_rest_is_paid_from_what_is_traded():
    funds = {**FUNDS, "BNB": Decimal("0.0005")}
    host = make_host(funds=funds)
    host.start(plan())
    host.play(walk(3, 200))
    books = host.snapshot().books
    assert set(books.fees_by_asset) == {"BNB", "BTC", "USDT"}
    assert books.residual == 0
    assert books.fees_by_asset["BNB"] == funds["BNB"] - host.balances().get("BNB", Decimal(0))


def sql_store(folder: Path) -> Store:
    return open_store(f"sqlite:///{folder / 'books.db'}", SHADOW_ACCOUNT, StillClock())


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_restart_in_between_changes_nothing(kind: str, tmp_path: Path):
    path = walk(5, 160)
    through = make_host()
    through.start(plan())
    through.play(path)

    store: Store = InMemoryStore() if kind == "memory" else sql_store(tmp_path)
    host = make_host(store)
    row = host.start(plan())
    for begin in range(0, 160, 40):
        host.play(path[begin : begin + 40])
        before = host.snapshot().books
        if kind == "sqlite":
            store.close()
            store = host.store = sql_store(tmp_path)
        host.resume(row)
        host.settle()
        after = host.snapshot().books
        assert replace(after, mark_price=before.mark_price).fees == before.fees
        assert (after.fees_by_asset, after.fees_unvalued) == (before.fees_by_asset, before.fees_unvalued)
        assert (after.cash_flow, after.grid_profit, after.residual) == (before.cash_flow, before.grid_profit, 0)
    there, here = through.snapshot().books, host.snapshot().books
    assert (here.fees, here.fees_by_asset, here.cash_flow) == (there.fees, there.fees_by_asset, there.cash_flow)
    assert_books_balance(host)
    store.close()


def test_what_had_no_price_before_a_restart_is_asked_for_again():
    store = InMemoryStore()
    host = make_host(store, fee_price=nobody)
    row = host.start(plan())
    host.play(walk(3, 100))
    assert host.snapshot().books.fees_unvalued
    assert store.fee_values(1) == ()
    host._fee_price = bnb_at
    host.resume(row)
    host.play(walk(3, 130)[100:])
    books = host.snapshot().books
    assert books.fees_unvalued == {}
    assert books.fees == bnb_fees_by_hand(host)
    assert_books_balance(host)


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    known=st.lists(st.booleans(), min_size=1, max_size=20),
    restarts=st.sets(st.integers(1, 5)),
)
def test_books_balance_on_any_path_whatever_prices_are_known(seed: int, known: list[bool], restarts: set[int]):
    asked = 0

    def sometimes(asset: str, at_ms: int) -> Decimal | None:
        nonlocal asked
        asked += 1
        return bnb_at(asset, at_ms) if known[asked % len(known)] else None

    host = make_host(fee_price=sometimes)
    row = host.start(plan(levels=14, spacing_percent=Decimal("0.4"), capital=Decimal(5_000)))
    path = walk(seed, 120)
    for part in range(6):
        host.play(path[20 * part : 20 * (part + 1)])
        assert_books_balance(host)
        if part in restarts:
            host.resume(row)
            host.settle()
            assert_books_balance(host)


def test_dust_and_just_holding_are_shown():
    host = make_host(funds={"USDT": Decimal(10_000)})  # without BNB, fees are taken in base
    grid = plan()
    host.start(grid)
    host.play(walk(3, 200))
    books = host.snapshot().books
    assert 0 < books.dust <= books.base_held
    assert books.dust % host.rules.lot != 0
    assert books.hold_change == grid.entry_quantity * (books.mark_price - grid.start_price)
    assert books.versus_hold == books.equity_change - books.hold_change


def test_books_that_do_not_balance_raise_an_alarm_and_nothing_is_bought():
    host = make_host()
    host.start(plan())
    host.settle()
    bought = next(order for order in host.snapshot().open_orders if order.side is Side.BUY)
    order = host.store.orders(1)
    intent = next(row.intent for row in order if row.intent.client_id == bought.client_id)
    filled = venue_order(intent, Status.OPEN, Decimal("0.00001"), venue_order_id=bought.venue_order_id)
    wrong = replace(
        host.store.fills(1)[0],
        trade_id=10**9,
        client_id=intent.client_id,
        price=intent.price,
        quantity=Decimal("0.00001"),
        quote_quantity=Decimal(3),
    )
    host.tell(OrderReported(filled, (wrong,)))
    host.settle()
    shown = host.snapshot()
    assert shown.phase is Phase.PAUSED
    assert "do not balance" in shown.phase_reason
    assert shown.alarms == (shown.phase_reason,)
    assert abs(shown.books.residual) > host.rules.tick
    assert {order.side for order in shown.open_orders} == {Side.SELL}
    host.resume(host.store.grids()[0])  # the alarm outlives a restart, because what caused it is stored
    host.settle()
    assert host.snapshot().alarms == shown.alarms
    assert {order.side for order in host.snapshot().open_orders} == {Side.SELL}
    host.tell(StopRequested(OnStop.CANCEL))
    host.settle()
    assert host.finished


def test_a_deposit_of_bnb_is_not_ours():
    host = make_host()
    host.start(plan())
    host.exchange.deposit(ACCOUNT, "BNB", NOTIONAL_UNIT)
    host.play(walk(3, 50))
    books = host.snapshot().books
    assert books.fees_by_asset["BNB"] == FUNDS["BNB"] + 1 - host.balances()["BNB"]
