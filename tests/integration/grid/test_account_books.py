"""The account's books and the prices of fee assets against the real simulator, over its real ports."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from queue import SimpleQueue
from threading import Event

import pytest

from adapters.binance.connect import BinanceVenue, connect
from domain.account import Mode
from domain.account_books import AccountBooks, AssetLine
from domain.events import FeeEvent, FeeNotPriced, FeePriced
from domain.grids import GridRequest, GridStatus, OnStop, Phase
from domain.instrument import Instrument, Market
from domain.money import exact
from domain.orders import Side
from fakes.grid_examples import gate
from fakes.simulator_calls import Caller
from fakes.store import InMemoryStore, MemoryDatabase
from fakes.venue_process import KEY, SECRET, VenueProcess
from grid.account_watch import AccountWatch
from grid.bookkeeper import FRESH_S, AccountBookkeeper
from grid.house import GridDefaults, GridHouse
from grid.manager import GridManager
from grid.venue_lists import AccountSources
from orders.books import FifoBooks
from utils.clock import SystemClock

START = ("--market", "synthetic", "--seed", "7", "--speed", "max", "--fees-in-bnb")
HOLDINGS = ("--balance", "USDT=10000", "BNB=2", "ETH=1")
BTC = Instrument("binance", Market.SPOT, "BTC", "USDT")
DEADLINE_S = 60.0


class LaterClock(SystemClock):
    """Lets the test move the clock on, so that what is remembered grows old."""

    ahead_s = 0.0

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead_s


class AccountHouse:
    """Grids, bookkeeper and watch of one account on a simulator of its own."""

    def __init__(self, process: VenueProcess, store: InMemoryStore) -> None:
        self.clock = LaterClock()
        self.store = store
        self.process = process
        self.venue: BinanceVenue = connect(
            mode=Mode.SHADOW,
            api_key=KEY,
            api_secret=SECRET,
            spot_url=process.url,
            clock=self.clock,
            client_id_prefix="gh-",
        )
        house = GridHouse(
            store=store,
            gateway=self.venue.gateway,
            streams=self.venue.streams,
            gate=gate(),
            clock=self.clock,
            equity_every_ms=1_000,
            max_price_age_s=1e9,
            fee_prices=self.venue.fee_prices,
        )
        defaults = GridDefaults(capital=Decimal(1_000), min_order_value=Decimal(10), max_grids=5)
        self.manager = GridManager(house, self.venue.market_data, self.venue.account, defaults)
        self.bookkeeper = AccountBookkeeper(
            AccountSources(
                store=store,
                shown=self.manager.shown,
                market_data=self.venue.market_data,
                reader=self.venue.account,
                trades=self.venue.account_trades,
                clock=self.clock,
            )
        )

    def watch(self, floor_fills: int = 100) -> AccountWatch:
        return AccountWatch(
            bookkeeper=self.bookkeeper,
            reader=self.venue.account,
            store=self.store,
            fee_prices=self.venue.fee_prices,
            clock=self.clock,
            floor_fills=floor_fills,
        )

    def start(self) -> None:
        """Start a grid as the API does, and wait until its first purchase is booked and its fee has a value."""
        self.bookkeeper.prepare(BTC)
        self.manager.start(GridRequest(instrument=BTC, levels=10, spacing_percent=Decimal("0.5")))
        self.wait_for(lambda: bool(self.process.step(1)) and self.manager.snapshot(BTC).phase is Phase.TRADING)
        self.wait_for(lambda: not self.manager.snapshot(BTC).books.fees_unvalued)

    def stop(self, on_stop: OnStop) -> None:
        """Stop the grid and wait until it has ended, which a busy machine may put off."""
        self.manager.stop(BTC, on_stop)
        self.wait_for(lambda: self.manager.snapshot(BTC).status is GridStatus.STOPPED)

    def books(self) -> AccountBooks:
        """Return freshly read books with every trade in them."""
        taken: list[AccountBooks] = []

        def settled() -> bool:
            self.clock.ahead_s += FRESH_S
            taken.append(self.bookkeeper.take())
            return taken[-1].account is None or taken[-1].account.settled

        self.wait_for(settled)
        return taken[-1]

    def wait_for(self, fact: Callable[[], bool]) -> None:
        for _ in range(int(DEADLINE_S / 0.05)):
            if fact():
                return
            Event().wait(0.05)
        raise AssertionError("did not come to pass in time")

    def close(self) -> None:
        self.manager.close(cancel_orders=False)
        self.venue.close()


@pytest.fixture
def process() -> Iterator[VenueProcess]:
    with VenueProcess(*START, *HOLDINGS) as running:
        running.step(200)  # every symbol has traded: without a price of BNB the exchange takes fees elsewhere
        yield running


@pytest.fixture
def open_house(process: VenueProcess) -> Iterator[Callable[[InMemoryStore], AccountHouse]]:
    with ExitStack() as stack:

        def opened(store: InMemoryStore) -> AccountHouse:
            house = AccountHouse(process, store)
            stack.callback(house.close)
            return house

        yield opened


@pytest.fixture
def house(open_house: Callable[[InMemoryStore], AccountHouse]) -> AccountHouse:
    return open_house(InMemoryStore())


def lines_of(books: AccountBooks) -> dict[str, AssetLine]:
    assert books.account is not None, books.account_error
    assert all(line.residual == 0 for line in books.account.assets)
    return {line.asset: line for line in books.account.assets}


@exact
def assert_values_add_up(books: AccountBooks) -> None:
    assert books.account is not None
    value, prices = books.account.value, books.account.prices
    parts = (value.grids, value.foreign_trades, value.other_movements, value.revaluation, value.residual)
    assert value.equity_change == sum(parts)
    totals = books.totals["USDT"]
    unvalued = sum(amount * prices[asset] for asset, amount in totals.fees_unvalued.items())
    assert value.grids == totals.equity_change - unvalued
    assert totals.residual == 0


def test_an_account_without_grids_has_books_that_begin_now(house: AccountHouse) -> None:
    books = house.books()
    lines = lines_of(books)
    assert {asset: line.baseline for asset, line in lines.items()} == {
        "USDT": Decimal(10_000),
        "BNB": Decimal(2),
        "ETH": Decimal(1),
    }
    assert (books.grids, books.totals) == ((), {})
    assert books.account is not None
    assert books.account.value.equity_change == 0
    assert set(books.account.baseline_prices) == {"USDT", "BNB", "ETH"}


def test_orders_of_grids_that_a_restored_copy_lacks_are_named_until_they_are_gone(
    open_house: Callable[[InMemoryStore], AccountHouse], process: VenueProcess
) -> None:
    lost, others = "gh-t3st-1-7-rb-dIdo-0-0", ("gh-ab12-1-7-rb-dIdo-0-0", "gh-notes", "by-hand")
    with Caller(process.url) as caller:
        price = f"{caller.price() * 0.9:.2f}"
        for client_id in (lost, *others):
            assert caller.place(price=price, newClientOrderId=client_id)["status"] == "NEW"
        first_life = open_house(InMemoryStore()).watch()
        first_life.look()
        assert first_life.notices == ()
        watch = open_house(InMemoryStore(database=MemoryDatabase(epoch=2))).watch()
        watch.look()
        (notice,) = watch.notices
        assert notice.startswith("1 order(s) on BTCUSDT rest of grid 7, which these books lack")
        assert lost in notice
        caller.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId=lost)
    watch.look()
    assert watch.notices == ()


def test_what_the_grid_a_stranger_and_a_deposit_did_stand_in_their_own_lines(
    house: AccountHouse, process: VenueProcess
) -> None:
    house.start()
    assert_values_add_up(house.books())
    with Caller(process.url) as stranger:
        stranger.place(type="MARKET", quantity="0.01")
    process.admin("deposit", asset="USDT", amount="50")
    books = house.books()
    lines = lines_of(books)
    held = {balance.asset: balance.total for balance in house.venue.account.balances(Market.SPOT)}
    assert {asset: line.balance for asset, line in lines.items()} == held
    grid = house.manager.snapshot(BTC).books
    assert lines["BTC"].grids == grid.base_held > 0
    assert lines["BTC"].foreign_trades == Decimal("0.01")
    assert lines["USDT"].grids == grid.cash_flow
    assert lines["USDT"].foreign_trades < 0
    assert lines["USDT"].other_movements == 50
    assert lines["BNB"].grids == -grid.fees_by_asset["BNB"]
    assert lines["BNB"].foreign_trades < 0
    assert lines["ETH"].grids == lines["ETH"].other_movements == 0
    assert_values_add_up(books)


def test_the_fee_of_a_fill_has_the_price_of_its_minute(house: AccountHouse) -> None:
    house.start()
    (fill, *_), (value, *_) = house.store.fills(1), house.store.fee_values(1)
    bnb = house.venue.market_data.instrument("BNBUSDT", Market.SPOT)
    (candle,) = house.venue.market_data.candles(bnb, "1m", 1, fill.time_ms)
    assert value.price == (candle.open if candle.open_ms == fill.time_ms - fill.time_ms % 60_000 else candle.close)
    shown = house.manager.snapshot(BTC).books
    assert shown.fees == sum(fill.commission * value.price for fill in house.store.fills(1))


def test_books_of_an_older_version_begin_before_the_trades_they_hold(
    open_house: Callable[[InMemoryStore], AccountHouse],
) -> None:
    store = InMemoryStore()
    first = open_house(store)
    first.start()
    first.close()
    store._rows.baselines.clear()
    store._rows.trade_marks.clear()
    second = open_house(store)
    second.manager.resume_all()
    lines = lines_of(second.books())
    assert (lines["USDT"].baseline, lines["BNB"].baseline, lines["BTC"].baseline) == (10_000, 2, 0)
    assert all(line.other_movements == 0 for line in lines.values())


def test_a_trade_the_books_lost_is_residual(house: AccountHouse) -> None:
    house.start()
    grid = replace(house.manager.snapshot(BTC), books=FifoBooks(BTC).marked(Decimal(60_000)))
    forgetful = AccountBookkeeper(replace(house.bookkeeper._from, shown=lambda _row: grid))
    books = forgetful.take()
    assert books.account is not None
    assert not books.account.settled
    left = {line.asset: line.residual for line in books.account.assets if line.residual}
    assert set(left) == {"BTC", "USDT", "BNB"}
    assert all(line.other_movements == 0 for line in books.account.assets)


def test_what_orders_left_behind_do_is_not_the_grids(house: AccountHouse, process: VenueProcess) -> None:
    house.start()
    house.stop(OnStop.KEEP)
    sell = min(
        (order for order in house.manager.snapshot(BTC).open_orders if order.side is Side.SELL),
        key=lambda order: order.price or Decimal(0),
    )
    before = lines_of(house.books())["BTC"].grids
    process.step(200)
    with Caller(process.url) as hand:
        hand.place(type="MARKET", quantity="0.5")
    process.print_trade("BTCUSDT", (sell.price or 0) + 10, 5)
    after = lines_of(house.books())["BTC"]
    assert after.grids == before
    assert after.foreign_trades != Decimal(0)
    assert house.books().grids[0].status is GridStatus.STOPPED


def test_a_grid_that_sold_everything_is_valued_like_the_account(house: AccountHouse) -> None:
    house.start()
    house.manager.stop(BTC, OnStop.UNWIND)
    house.process.step(50)
    house.wait_for(lambda: house.manager.snapshot(BTC).status is GridStatus.STOPPED)
    assert house.manager.snapshot(BTC).books.fees_unvalued == {}
    books = house.books()
    assert books.grids[0].books.fee_prices
    assert_values_add_up(books)


def test_a_venue_that_does_not_answer_is_said_and_the_grids_are_shown(
    house: AccountHouse, process: VenueProcess
) -> None:
    house.start()
    house.venue.close()
    house.clock.ahead_s += FRESH_S
    books = house.bookkeeper.take()
    assert books.account is None
    assert books.account_error
    assert books.totals["USDT"].trades == len(house.store.fills(1))


def test_a_notice_warns_before_bnb_for_fees_runs_out(house: AccountHouse) -> None:
    house.start()
    plenty, short = house.watch(floor_fills=1), house.watch(floor_fills=10**6)
    plenty.look()
    short.look()
    assert plenty.notices == ()
    assert "BNB for fees runs low" in short.notices[0]
    never = house.watch(floor_fills=0)
    never.look()
    assert never.notices == ()


def test_fees_of_an_ended_grid_are_valued_by_the_watch(house: AccountHouse) -> None:
    house.start()
    house.stop(OnStop.CANCEL)
    values = house.store.fee_values(1)
    house.store._rows.fee_values.clear()
    house.manager._runners.clear()
    house.bookkeeper.forget(1)
    assert house.bookkeeper.grids()[0].status is GridStatus.STOPPED
    assert house.bookkeeper.grids()[0].books.fees_unvalued
    house.watch().look()
    assert house.store.fee_values(1) == values
    assert not house.bookkeeper.grids()[0].books.fees_unvalued


def ask(house: AccountHouse, instrument: Instrument, asset: str, at_ms: int) -> FeeEvent:
    answers: SimpleQueue[FeeEvent] = SimpleQueue()
    house.venue.fee_prices.ask(instrument, asset, at_ms, 7, answers.put)
    return answers.get(timeout=DEADLINE_S)


def test_grids_that_ask_for_one_price_together_have_it_read_once(house: AccountHouse) -> None:
    house.venue.market_data.instruments(Market.SPOT)
    answers: SimpleQueue[FeeEvent] = SimpleQueue()
    before = house.process.state()["request_weight"].get("spot.klines", 0)
    at_ms = house.clock.wall_ms() + 10**9
    for _grid in range(20):
        house.venue.fee_prices.ask(BTC, "BNB", at_ms, None, answers.put)
    prices = {answers.get(timeout=DEADLINE_S) for _grid in range(20)}
    assert len(prices) == 1
    assert house.process.state()["request_weight"]["spot.klines"] - before == 2


def test_prices_of_fee_assets_come_directly_over_usdt_or_not_at_all(house: AccountHouse) -> None:
    house.venue.market_data.instruments(Market.SPOT)
    at_ms = int(house.process.ready["market_ms"]) if "market_ms" in house.process.ready else house.clock.wall_ms()
    direct = ask(house, BTC, "BNB", at_ms)
    assert isinstance(direct, FeePriced)
    assert direct.trade_id == 7
    eth_btc = Instrument("binance", Market.SPOT, "ETH", "BTC")
    crossed, btc = ask(house, eth_btc, "BNB", at_ms), ask(house, BTC, "BTC", at_ms)
    assert isinstance(crossed, FeePriced)
    assert isinstance(btc, FeePriced)
    assert abs(crossed.price * btc.price / direct.price - 1) < Decimal("1e-14")
    unknown = ask(house, BTC, "NOSUCH", at_ms)
    assert isinstance(unknown, FeeNotPriced)
    assert "no market leads from NOSUCH" in unknown.message
    house.venue.close()
    assert isinstance(ask(house, BTC, "BNB", at_ms + 10**9), FeeNotPriced)
