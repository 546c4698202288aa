"""A short grid on a recorded contract through a settlement: funding, the wallet's books, and a hand that intervenes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Final

import pytest

from adapters.binance.connect import connect
from domain.account import Mode
from domain.account_books import WalletPart
from domain.futures import MarginType
from domain.grids import Direction, GridRequest, GridSnapshot, GridStatus, OnStop, Phase
from domain.instrument import Instrument, Market
from domain.money import plain
from fakes.grid_examples import gate
from fakes.simulator_calls import Caller
from fakes.store import InMemoryStore
from fakes.venue_process import KEY, SECRET, VenueProcess
from grid.bookkeeper import FRESH_S, AccountBookkeeper
from grid.house import GridDefaults, GridHouse
from grid.manager import GridManager
from grid.venue_lists import AccountSources
from utils.clock import SystemClock

BTC: Final = Instrument("binance", Market.FUTURES, "BTC", "USDT")
SETTLED_MS: Final = 1_722_844_800_000
MINUTE_MS: Final = 60_000
BEFORE, AFTER = 12, 30  # minutes
WAVE: Final = (60_000, 60_150, 60_400, 60_150, 60_000, 59_850, 59_600, 59_850)
WALLET: Final = Decimal(10_000)
LIMITS: Final = ("--futures-request-weight-limit", "1000000", "--futures-orders-10s", "100000")
DEADLINE_S: Final = 30.0


@pytest.fixture
def process(tmp_path: Path) -> Iterator[VenueProcess]:
    begin_ms = SETTLED_MS - BEFORE * MINUTE_MS
    rows = ["open_time,open,high,low,close,volume"]
    for minute in range(BEFORE + AFTER):
        first, last = WAVE[minute % len(WAVE)], WAVE[(minute + 1) % len(WAVE)]
        rows.append(f"{begin_ms + minute * MINUTE_MS},{first},{max(first, last)},{min(first, last)},{last},50")
    (tmp_path / "BTCUSDT_1m.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "BTCUSDT_funding.csv").write_text(f"funding_time,funding_rate\n{SETTLED_MS},0.00034567\n")
    data = (f"um:{tmp_path / 'BTCUSDT_1m.csv'}", f"funding:BTCUSDT={tmp_path / 'BTCUSDT_funding.csv'}")
    market = ("--market", "replay", "--data", *data, "--speed", "max", "--messages-per-s", "50", *LIMITS)
    with VenueProcess(*market, "--futures-balance", f"USDT={WALLET}") as running:
        yield running


class LaterClock(SystemClock):
    """Another clock's time, moved on as the test likes, so that what is remembered grows old."""

    def __init__(self, of: SystemClock) -> None:
        super().__init__()
        self._of, self.ahead_s = of, 0.0

    def monotonic_s(self) -> float:
        return self._of.monotonic_s() + self.ahead_s

    def market_ms(self) -> int:
        return self._of.market_ms()


class Desk:
    """One account's grids and books, and the same account by hand."""

    def __init__(self, process: VenueProcess, store: InMemoryStore) -> None:
        self.process, self.store, self.clock = process, store, SystemClock()
        self.later = LaterClock(self.clock)
        self.hand = Caller(process.ready["futures_url"])
        self.venue = connect(
            mode=Mode.SHADOW,
            api_key=KEY,
            api_secret=SECRET,
            spot_url=process.url,
            futures_url=process.ready["futures_url"],
            clock=self.clock,
            client_id_prefix="gh-",
        )
        house = GridHouse(
            store=store,
            gateway=self.venue.gateway,
            streams=self.venue.streams,
            gate=gate(max_exposure=Decimal(10_000_000), max_orders_per_10s=10_000),
            clock=self.clock,
            equity_every_ms=MINUTE_MS,
            max_price_age_s=1e9,
            funding=self.venue.funding,
            futures=self.venue.futures,
        )
        defaults = GridDefaults(capital=Decimal(3_000), min_order_value=Decimal(10), max_grids=5)
        self.manager = GridManager(house, self.venue.market_data, self.venue.account, defaults)
        self.bookkeeper = AccountBookkeeper(
            AccountSources(
                store=store,
                shown=self.manager.shown,
                market_data=self.venue.market_data,
                reader=self.venue.account,
                trades=self.venue.account_trades,
                clock=self.later,
                futures=self.venue.futures,
                forget=self.manager.forget,
            )
        )

    def close(self) -> None:
        self.manager.close(cancel_orders=False)
        self.venue.close()
        self.hand.__exit__()

    def until(self, fact: Callable[[GridSnapshot], object]) -> GridSnapshot:
        for _ in range(int(DEADLINE_S / 0.02)):
            if fact(shown := self.manager.snapshot(BTC)):
                return shown
            Event().wait(0.02)
        raise AssertionError(f"not within {DEADLINE_S:g} s: {shown.phase} {shown.phase_reason} {shown.books}")

    def play_until(self, market_ms: int) -> None:
        """Let the market move on, point by point, each time every trade is booked."""
        while (told := self.process.step(1))["market_ms"] < market_ms:
            assert not told["finished"]
            self.until_all_is_booked()

    def until_all_is_booked(self) -> None:
        there = len(self.trades())
        self.until(lambda shown: shown.books.trades >= there and self.manager.is_idle)

    def trades(self) -> list[dict[str, str]]:
        return list(self.hand.signed("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", limit=1000).json())

    def paid(self) -> Decimal:
        rows = self.hand.signed("GET", "/fapi/v1/income", incomeType="FUNDING_FEE").json()
        return sum((Decimal(row["income"]) for row in rows), Decimal(0))

    def wallet(self) -> WalletPart:
        for _ in range(int(DEADLINE_S / 0.02)):
            self.later.ahead_s += FRESH_S
            books = self.bookkeeper.take()
            assert books.account is not None, books.account_error
            assert books.account.futures is not None, books.account.futures_error
            if books.account.futures.settled:
                return books.account.futures
        raise AssertionError("the wallet never came to rest")


@pytest.fixture
def open_desk(process: VenueProcess) -> Iterator[Callable[[InMemoryStore], Desk]]:
    with ExitStack() as stack:

        def opened(store: InMemoryStore) -> Desk:
            desk = Desk(process, store)
            stack.callback(desk.close)
            return desk

        yield opened


def test_funding_reaches_books_and_wallet_once_and_a_hand_is_found_out(
    open_desk: Callable[[InMemoryStore], Desk],
) -> None:
    desk = open_desk(InMemoryStore())
    desk.process.step(4)
    desk.bookkeeper.begin()
    assert desk.store.baseline(Market.FUTURES) is None, "spot alone begins before a contract is traded"
    desk.bookkeeper.prepare(BTC)
    request = GridRequest(
        instrument=BTC, levels=8, spacing_percent=Decimal("0.3"), direction=Direction.SHORT, leverage=2,
        margin_type=MarginType.CROSS,
    )  # fmt: skip
    desk.manager.start(request)
    desk.until(lambda shown: shown.phase is Phase.TRADING and shown.books.base_held < 0 and shown.open_orders)
    desk.play_until(SETTLED_MS + 2 * MINUTE_MS)
    shown = desk.until(lambda shown: shown.books.funding)
    assert shown.books.funding == desk.paid() > 0, "the short side is paid"
    assert shown.books.residual == 0
    assert_wallet_is_explained(desk, shown)
    again = restarted(desk, open_desk)
    assert_hand_is_found_out(again)


def assert_wallet_is_explained(desk: Desk, shown: GridSnapshot) -> None:
    wallet = desk.wallet()
    (line,) = wallet.assets
    books = desk.manager.snapshot(BTC).books
    assert (line.asset, line.baseline) == ("USDT", WALLET)
    assert line.grids == books.realized_profit - books.fees + books.funding == line.balance - line.baseline
    assert (line.foreign_trades, line.other_movements, line.residual) == (0, 0, 0)
    assert wallet.value.grids + wallet.open_profit == books.equity_change
    assert (wallet.realized_rounding, wallet.realized_residual) == (0, 0)
    assert shown.books.cycles > 0


def restarted(desk: Desk, open_desk: Callable[[InMemoryStore], Desk]) -> Desk:
    """End the threads as a kill does and take the grid up again."""
    before = desk.manager.snapshot(BTC).books
    desk.close()
    again = open_desk(desk.store)
    assert again.manager.resume_all() == 1
    again.process.step(1)
    again.until(lambda shown: shown.phase is Phase.TRADING)
    again.play_until(SETTLED_MS + 6 * MINUTE_MS)
    assert again.manager.snapshot(BTC).books.funding == before.funding == again.paid()
    return again


def assert_hand_is_found_out(desk: Desk) -> None:
    """Buy a part of the short position back by hand: no order more, and the reason names both numbers and the trade."""
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.002", "newClientOrderId": "byhand"}
    assert desk.hand.signed("POST", "/fapi/v1/order", **order).ok
    held = desk.manager.snapshot(BTC).books.base_held
    desk.venue.streams.distrust("user", "read now what the next minute would read", Market.FUTURES)
    shown = desk.until(lambda shown: shown.phase is Phase.FAULTED)
    assert f"holds {plain(held + Decimal('0.002'))} BTC of this contract and the books {plain(held)}" in shown.alarms[0]
    assert "order byhand" in shown.alarms[0]
    assert shown.status is GridStatus.ERROR
    line = desk.wallet().assets[0]
    assert line.foreign_trades != 0
    assert line.residual == line.other_movements == 0
    desk.manager.stop(BTC, OnStop.CANCEL)
    ended = desk.until(lambda shown: shown.status is GridStatus.STOPPED)
    assert ended.open_orders == ()
