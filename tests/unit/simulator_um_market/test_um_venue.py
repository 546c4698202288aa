"""The futures venue beside spot: asleep until asked for, awake with a past, funding and timers in their turn."""

from dataclasses import replace

from simulator.core.events import MarketTrade
from simulator.core.symbols import UNIT
from simulator.market.candles import CandleBook
from simulator.market.feed import FeedStep
from simulator.market.synthetic import SyntheticFeed
from simulator.um.core.events import AccountUpdate
from simulator.um.market.feed import ContractFeed
from simulator.um.wire.venue import FuturesVenue
from simulator.venues import Venues
from simulator.wire.limits import FUTURES_LIMITS, Limits
from simulator.wire.venue import Clocks, Venue

T0 = 1_722_816_000_000
SYMBOLS = ("BTCUSDT", "ETHUSDT")
HOUR_MS = 3_600_000


class Market:
    """Both venues on a synthetic market whose clock the steps carry."""

    def __init__(self) -> None:
        self.now_ms = T0
        self.feed = SyntheticFeed(SYMBOLS, seed=5, start_ms=T0)
        clocks = Clocks(lambda: self.now_ms, lambda: self.now_ms)
        spot = Venue(self.feed, CandleBook.of_feed(self.feed), clocks, Limits())
        self.venues = Venues(spot, FuturesVenue(ContractFeed(self.feed, seed=5), spot, FUTURES_LIMITS))
        self._steps = self.feed.steps()

    def play(self, count: int) -> None:
        for _ in range(count):
            self.pass_step(next(self._steps))

    def pass_step(self, step: FeedStep) -> None:
        self.now_ms = step.time_ms
        self.venues.play(step)

    def jump(self, time_ms: int) -> None:
        """Let the spot market trade once, at that time."""
        price = self.venues.spot.last_price("BTCUSDT")
        trade = MarketTrade("BTCUSDT", price, UNIT // 1_000, time_ms, buyer_is_maker=False)
        self.pass_step(FeedStep(time_ms, (trade,)))


def test_a_contract_nobody_asks_for_prints_nothing() -> None:
    market = Market()
    market.play(50)
    futures = market.venues.futures
    assert (futures.is_awake, futures.has_news()) == (False, False)
    assert futures.last_price("BTCUSDT") > 0, "its price is known all the same"
    futures.require("BTCUSDT")
    futures.take_turn()
    market.play(50)
    events, touched = futures.take_turn()
    assert events
    assert touched == {"BTCUSDT"}
    assert futures.awake == ["BTCUSDT"]


def test_waking_late_shows_the_same_past_and_prices_as_waking_early() -> None:
    early, late = Market(), Market()
    early.venues.futures.require("ETHUSDT")
    for market in (early, late):
        market.play(3_000)
        market.venues.futures.require("ETHUSDT")
    hours = [market.venues.futures.candles.candles("ETHUSDT", "1h", limit=20)[:-2] for market in (early, late)]
    assert hours[0] == hours[1]
    rates = [market.venues.futures.pricing.rate("ETHUSDT") for market in (early, late)]
    assert rates[0] == rates[1]


def test_every_print_of_spot_moves_an_awake_contract() -> None:
    market = Market()
    futures = market.venues.futures
    futures.require("BTCUSDT")
    market.play(2_000)
    basis = futures.feed.basis.ppm("BTCUSDT", market.now_ms)
    spot = market.venues.spot.last_price("BTCUSDT")
    assert abs(futures.last_price("BTCUSDT") - spot * (1_000_000 + basis) // 1_000_000) <= spot // 1_000
    bids, asks = futures.exchange.depth("BTCUSDT", 1)
    assert bids[0][0] < asks[0][0]
    assert futures.exchange.mark_price("BTCUSDT") > 0


def test_funding_is_settled_once_at_each_whole_interval() -> None:
    market = Market()
    futures = market.venues.futures
    futures.require("BTCUSDT")
    for hours in (3, 9, 9, 30):
        market.jump(T0 + hours * HOUR_MS + 5)
    rows = futures.pricing.history("BTCUSDT", market.now_ms)
    times = [row.time_ms for row in rows]
    assert times == sorted(set(times))
    assert times[-3:] == [T0 + hours * HOUR_MS for hours in (8, 16, 24)]
    assert all(row.mark for row in rows[-3:])


def test_a_countdown_runs_out_between_two_prints() -> None:
    market = Market()
    futures = market.venues.futures
    futures.exchange.open_account("a")
    futures.exchange.transfer("a", 1_000 * UNIT, T0)
    futures.require("BTCUSDT")
    futures.exchange.set_countdown("a", "BTCUSDT", 60_000, T0)
    futures.advance(T0 + 59_999)
    assert futures.exchange.next_deadline_ms() == T0 + 60_000
    market.jump(T0 + 61_000)
    assert futures.exchange.next_deadline_ms() is None
    assert any(isinstance(event, AccountUpdate) for event in futures.take_turn()[0])


def test_a_contract_that_is_not_open_stands_still() -> None:
    market = Market()
    futures = market.venues.futures
    futures.require("BTCUSDT")
    futures.set_contract(replace(futures.spec("BTCUSDT"), status="PENDING_TRADING"))
    before = futures.exchange.last_price("BTCUSDT")
    market.play(500)
    assert futures.exchange.last_price("BTCUSDT") == before
    futures.delist("BTCUSDT")
    assert list(futures.symbols) == ["ETHUSDT"]
