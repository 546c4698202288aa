import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from fakes.binance_public import PublicBinance
from simulator.core.symbols import UNIT
from simulator.market.candles import CandleBook
from simulator.market.feed import FeedStep, MarketError
from simulator.market.intervals import INTERVALS, MINUTE_MS
from simulator.market.live import BinanceFeed, LiveSettings, open_live_or_synthetic
from simulator.market.synthetic import SyntheticFeed

NOW = 1_795_132_823_456
MINUTE = NOW // MINUTE_MS * MINUTE_MS
SYMBOLS = ("BTCUSDT", "ETHUSDT")
DEADLINE_S = 60.0


def run(work: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(DEADLINE_S):
            await work

    asyncio.run(bounded())


def settings_for(server: PublicBinance) -> LiveSettings:
    return LiveSettings(f"http://{server.url}", f"ws://{server.url}", pauses_s=(0.0,))


def trade(symbol: str, trade_id: int, time_ms: int, price: str = "100.25") -> dict[str, Any]:
    data = {"e": "trade", "s": symbol, "t": trade_id, "p": price, "q": "0.5", "T": time_ms, "m": True}
    return {"stream": f"{symbol.lower()}@trade", "data": data}


def depth(symbol: str) -> dict[str, Any]:
    data = {"lastUpdateId": 7, "bids": [["100.24", "3"], ["100.2", "1"]], "asks": [["100.26", "2"]]}
    return {"stream": f"{symbol.lower()}@depth20@100ms", "data": data}


async def first_steps(feed: BinanceFeed, count: int) -> list[FeedStep]:
    steps: list[FeedStep] = []
    async for step in feed.live_steps():
        steps.append(step)
        if len(steps) == count:
            break
    return steps


def test_trades_and_books_are_relayed_in_order() -> None:
    async def work() -> None:
        script = [
            depth("ETHUSDT"),
            trade("BTCUSDT", 1, NOW - 5),
            trade("BTCUSDT", 5, NOW + 10),
            trade("BTCUSDT", 5, NOW + 10),
            {"stream": "btcusdt@trade", "data": trade("BTCUSDT", 4, NOW + 9)["data"]},
            trade("ETHUSDT", 9, NOW + 4),
            {"stream": "xrpusdt@trade", "data": {}},
            depth("BTCUSDT"),
        ]
        async with PublicBinance([script], now_ms=NOW).running() as server:
            feed = await BinanceFeed.open(SYMBOLS, settings_for(server))
            steps = await first_steps(feed, 4)
            await feed.close()
            assert server.stream_names == ["btcusdt@trade/btcusdt@depth20@100ms/ethusdt@trade/ethusdt@depth20@100ms"]
        assert [step.time_ms for step in steps] == [NOW, NOW + 10, NOW + 10, NOW + 10]
        assert steps[0].book is not None
        assert steps[0].book.bids == ((10_024_000_000, 3 * UNIT), (10_020_000_000, UNIT))
        assert [(t.symbol, t.price, t.qty, t.time_ms) for step in steps for t in step.trades] == [
            ("BTCUSDT", 10_025_000_000, UNIT // 2, NOW + 10),
            ("ETHUSDT", 10_025_000_000, UNIT // 2, NOW + 4),
        ]

    run(work())


def test_the_past_and_the_filters_come_from_rest() -> None:
    async def work() -> None:
        async with PublicBinance([[]], now_ms=NOW).running() as server:
            feed = await BinanceFeed.open(SYMBOLS, settings_for(server))
            await feed.close()
        assert feed.symbols == SYMBOLS
        assert (feed.source, feed.start_ms) == ("live", NOW)
        assert feed.specs["ETHUSDT"].tick == UNIT // 100
        for interval in INTERVALS:
            past = feed.history("BTCUSDT", interval, feed.start_ms, 500)
            assert len(past) == 2
            assert past[-1].open_ms <= NOW <= past[-1].close_ms
        assert feed.last_price("BTCUSDT") == 10_050_000_000
        assert feed.state() == {"source": "live", "symbols": list(SYMBOLS)}
        assert CandleBook.of_feed(feed).candles("BTCUSDT", "1d")[-1].trades == 9
        with pytest.raises(MarketError, match="'XRPUSDT' is not in this market"):
            feed.history("XRPUSDT", "1m", NOW, 5)

    run(work())


def test_after_a_break_missed_minutes_come_first_and_count_once() -> None:
    async def work() -> None:
        scripts = [
            [trade("BTCUSDT", 1, NOW), trade("BTCUSDT", 2, NOW + 3 * MINUTE_MS)],
            [
                trade("BTCUSDT", 2, NOW + 3 * MINUTE_MS),
                trade("BTCUSDT", 3, MINUTE + 3 * MINUTE_MS - 1),
                trade("BTCUSDT", 4, NOW + 5 * MINUTE_MS),
            ],
        ]
        async with PublicBinance(scripts, now_ms=NOW).running() as server:
            feed = await BinanceFeed.open(("BTCUSDT",), settings_for(server))
            book = CandleBook.of_feed(feed)
            received: list[FeedStep] = []
            async for step in feed.live_steps():
                received.append(step)
                if step.trades and step.trades[0].time_ms == NOW + 3 * MINUTE_MS:
                    server.now_ms = NOW + 5 * MINUTE_MS
                if step.trades and step.trades[0].time_ms == NOW + 5 * MINUTE_MS:
                    break
            await feed.close()
        for step in received:
            for one in step.trades:
                book.add_trade(one)
            if step.candle is not None:
                book.close_candle(step.candle)
        closed = [step.candle.candle.open_ms for step in received if step.candle is not None]
        assert closed == [MINUTE + 3 * MINUTE_MS, MINUTE + 4 * MINUTE_MS]
        times = [step.time_ms for step in received]
        assert times == sorted(times)
        minutes = book.candles("BTCUSDT", "1m", start_ms=MINUTE + 3 * MINUTE_MS)
        assert [candle.trades for candle in minutes] == [9, 9, 1]

    run(work())


def test_a_dead_market_is_told() -> None:
    async def work() -> None:
        server = PublicBinance([[]], now_ms=NOW)
        async with server.running():
            settings = settings_for(server)
        with pytest.raises(MarketError, match="cannot be used"):
            await BinanceFeed.open(SYMBOLS, settings)

    run(work())


def test_auto_asks_once_and_takes_the_live_market_when_it_answers() -> None:
    async def work() -> None:
        async with PublicBinance([[]], now_ms=NOW).running() as server:
            settings = replace(settings_for(server), asking_s=DEADLINE_S)
            feed = await open_live_or_synthetic(SYMBOLS, seed=1, settings=settings)
            assert isinstance(feed, BinanceFeed)
            await feed.close()
            assert server.asked.count("ping") == 1

    run(work())


def test_auto_falls_to_a_synthetic_market_and_says_so() -> None:
    async def work() -> None:
        server = PublicBinance([[]], now_ms=NOW)
        async with server.running():
            settings = settings_for(server)
        feed = await open_live_or_synthetic(SYMBOLS, seed=1, settings=settings)
        assert isinstance(feed, SyntheticFeed)
        assert "cannot be used" in feed.notices[0]
        assert "a synthetic market takes its place" in feed.notices[0]
        resumed = await open_live_or_synthetic(SYMBOLS, seed=1, settings=settings, resume=feed.state())
        assert resumed.notices[0].startswith("the saved state is synthetic")

    run(work())


def test_auto_does_not_wait_for_a_silent_market() -> None:
    async def work() -> None:
        server = PublicBinance([[]], now_ms=NOW)
        server.silent = True
        async with server.running():
            settings = replace(settings_for(server), asking_s=0.05)
            feed = await open_live_or_synthetic(SYMBOLS, seed=1, settings=settings)
            assert feed.source == "synthetic"
            assert server.asked == ["ping"]
        assert LiveSettings().asking_s == 3.0

    run(work())
