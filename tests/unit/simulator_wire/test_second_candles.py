"""The stream of one-second candles: one frame for every second of market time, traded in or not, the same each time."""

from dataclasses import replace

import orjson

from simulator.core.events import MarketTrade
from simulator.core.symbols import UNIT
from simulator.faults.board import Fault
from simulator.faults.kinds import FaultKind
from simulator.market.candles import CandleBook
from simulator.market.feed import FeedStep
from simulator.market.synthetic import SyntheticFeed
from simulator.wire.frames import SpotDialect
from simulator.wire.limits import Limits
from simulator.wire.publisher import Publisher
from simulator.wire.venue import Clocks, Venue

T0 = 1_722_816_000_000


class Reader:
    combined = False

    def __init__(self) -> None:
        self.frames: list[dict[str, object]] = []

    def offer(self, frame: bytes) -> None:
        self.frames.append(orjson.loads(frame))


class LockStep:
    """A spot venue whose clock only steps move, and one reader of each stream."""

    def __init__(self) -> None:
        self.now_ms = T0 + 400
        feed = SyntheticFeed(("BTCUSDT",), seed=5, start_ms=T0)
        clocks = Clocks(lambda: self.now_ms, lambda: self.now_ms)
        self.venue = Venue(feed, CandleBook.of_feed(feed), clocks, Limits())
        self.publisher = Publisher(self.venue, SpotDialect(self.venue), lambda: self.now_ms)
        self.seconds, self.trades = Reader(), Reader()
        self.publisher.subscribe("btcusdt@kline_1s", self.seconds)
        self.publisher.subscribe("btcusdt@aggTrade", self.trades)
        self.steps = feed.steps()

    def play(self, step: FeedStep) -> None:
        self.now_ms = max(self.now_ms, step.time_ms)
        self.venue.play(step)
        self.publisher.publish(*self.venue.take_turn())

    def trade(self, time_ms: int) -> None:
        price = self.venue.last_price("BTCUSDT")
        self.play(FeedStep(time_ms, (MarketTrade("BTCUSDT", price, UNIT, time_ms, buyer_is_maker=False),)))

    def candles(self) -> list[dict[str, object]]:
        return [frame["k"] for frame in self.seconds.frames]  # type: ignore[misc]


def test_every_second_is_told_once_in_its_order_with_its_last_trade() -> None:
    market = LockStep()
    for _ in range(400):
        market.play(next(market.steps))
    told = market.candles()
    passed = (market.now_ms - T0) // 1_000
    assert [candle["t"] for candle in told] == [T0 + number * 1_000 for number in range(passed)]
    assert all(candle["x"] for candle in told)
    last_ids = {frame["T"] // 1_000 * 1_000: frame["l"] for frame in market.trades.frames}  # type: ignore[operator]
    assert [candle["L"] for candle in told] == [last_ids.get(candle["t"], -1) for candle in told]
    assert [candle["n"] == 0 for candle in told] == [candle["L"] == -1 for candle in told]
    again = LockStep()
    for _ in range(400):
        again.play(next(again.steps))
    assert again.seconds.frames == market.seconds.frames


def test_idle_seconds_are_told_as_flat_candles_however_long_nothing_trades() -> None:
    market = LockStep()
    market.trade(T0 + 1_500)
    price = market.candles()[0]["c"]
    for _ in range(7_200):
        market.now_ms += 1_000
        market.publisher.tick()
    told = market.candles()
    assert len(told) == 7_201
    assert [candle["n"] for candle in told[:3]] == [0, 1, 0]
    assert {(candle["o"], candle["c"], candle["v"]) for candle in told[2:]} == {(price, price, "0.00000000")}
    market.trade(market.now_ms)
    assert market.candles() == told, "a second is told when it is over"


def test_a_trade_that_comes_after_its_second_was_told_has_it_told_again() -> None:
    market = LockStep()
    market.trade(T0 + 1_500)
    market.now_ms = T0 + 2_050
    market.publisher.tick()
    market.trade(T0 + 1_990)
    market.now_ms = T0 + 3_050
    market.publisher.tick()
    seconds = [(candle["t"] - T0, candle["n"]) for candle in market.candles()]  # type: ignore[operator]
    assert seconds == [(0, 0), (1_000, 1), (1_000, 2), (2_000, 0)]
    assert market.candles()[2]["L"] == market.trades.frames[-1]["l"]


def test_trades_and_witness_can_be_muted_apart() -> None:
    market = LockStep()
    fault = market.venue.faults.arm(Fault(FaultKind.FREEZE_STREAM, "btcusdt@aggTrade", count=None))
    market.trade(T0 + 1_500)
    market.trade(T0 + 2_500)
    assert (len(market.trades.frames), len(market.seconds.frames)) == (0, 2)
    market.venue.faults.clear(fault.number)
    market.venue.faults.arm(replace(fault, match="btcusdt@kline_1s"))
    market.trade(T0 + 3_500)
    assert (len(market.trades.frames), len(market.seconds.frames)) == (1, 2)
