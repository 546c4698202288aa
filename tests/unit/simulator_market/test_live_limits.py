"""The live feed keeps to the venue's limits: weight, bans to the second, and what others on the address used."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from fakes.binance_public import WEIGHT, PublicBinance
from fakes.clock import FakeClock
from simulator.market.live import BinanceFeed, LiveSettings, open_live_or_synthetic
from simulator.market.live_rest import CONNECTIONS, SHARE, Closed, LiveRest, RequestPace
from simulator.market.synthetic import SyntheticFeed
from utils.closed_hosts import ClosedHosts, host_of

MINUTE_MS = 60_000
BEGIN_MS = 1_795_132_800_000  # a minute's beginning, 2026-11-20 00:00 UTC
LATE_MS = 250
BTC = ("BTCUSDT",)
DEADLINE_S = 60.0


def run(work: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(DEADLINE_S):
            await work

    asyncio.run(bounded())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(wall_ms=BEGIN_MS + LATE_MS)


class Venue(PublicBinance):
    """Counts weight in the minutes of the test's clock, and notes when it was asked what."""

    def __init__(self, clock: FakeClock, scripts: list[list[dict[str, Any]]]) -> None:
        super().__init__(scripts, now_ms=clock.wall_ms())
        self.clock = clock
        self.heard: list[tuple[str, int]] = []
        self.by_minute: Counter[int] = Counter()
        self.when_asked = self.note

    def times(self, *names: str) -> list[int]:
        return [at_ms for name, at_ms in self.heard if name in names]

    def note(self, name: str) -> None:
        now_ms = self.clock.wall_ms()
        if self.heard and self.heard[-1][1] // MINUTE_MS != now_ms // MINUTE_MS:
            self.used = WEIGHT.get(name, 0)
        self.now_ms = now_ms
        self.heard.append((name, now_ms))
        self.by_minute[now_ms // MINUTE_MS] += WEIGHT.get(name, 0)


def settings_for(venue: Venue, *closures: Path) -> LiveSettings:
    return LiveSettings(
        f"http://{venue.url}",
        f"ws://{venue.url}",
        pauses_s=(0.0,),
        closures=closures,
        now_ms=venue.clock.wall_ms,
        sleep=venue.clock.sleep,
    )


@asynccontextmanager
async def asking(venue: Venue) -> AsyncIterator[LiveRest]:
    url, clock = f"http://{venue.url}", venue.clock
    pace = RequestPace(host_of(url), ClosedHosts((), clock.wall_ms), clock.wall_ms, clock.sleep)
    async with aiohttp.ClientSession() as session:
        yield LiveRest(session, url, pace)


def trade(trade_id: int, time_ms: int) -> dict[str, Any]:
    data = {"e": "trade", "s": "BTCUSDT", "t": trade_id, "p": "100", "q": "0.5", "T": time_ms, "m": True}
    return {"stream": "btcusdt@trade", "data": data}


def test_requests_keep_to_a_share_of_the_minute_and_wait_for_the_next(clock: FakeClock) -> None:
    async def work() -> None:
        venue = Venue(clock, [[]])
        venue.weight_limit = 100
        async with venue.running(), asking(venue) as rest:
            await rest.exchange_info(BTC)
            assert rest.pace.used_weight == 20
            for _ in range(30):
                await rest.klines("BTCUSDT", "1d")
        assert list(venue.by_minute.values()) == [50, 30], "20 and 15 times 2 of 100, then the rest"
        assert max(venue.by_minute.values()) <= venue.weight_limit * SHARE
        (first,) = {at_ms for at_ms in venue.times("klines") if at_ms >= BEGIN_MS + MINUTE_MS}
        assert first == BEGIN_MS + MINUTE_MS + LATE_MS, "no sooner and no later than the minute's end"

    run(work())


def test_what_others_on_the_address_used_counts_too(clock: FakeClock) -> None:
    async def work() -> None:
        venue = Venue(clock, [[]])
        async with venue.running(), asking(venue) as rest:
            await rest.get("ping")
            venue.used = 2_990  # a server that trades from here
            await rest.klines("BTCUSDT", "1d")
            assert rest.pace.used_weight == 2_992
            for _ in range(5):
                await rest.klines("BTCUSDT", "1d")
        minutes = [at_ms // MINUTE_MS - BEGIN_MS // MINUTE_MS for at_ms in venue.times("klines")]
        assert minutes == [0, 0, 0, 0, 0, 1], "3000 of 6000 is the end of it"

    run(work())


def test_a_whole_feed_opens_within_a_tight_limit(clock: FakeClock) -> None:
    async def work() -> None:
        venue = Venue(clock, [[]])
        venue.weight_limit = 60
        async with venue.running():
            feed = await BinanceFeed.open(("BTCUSDT", "ETHUSDT"), settings_for(venue))
            await feed.close()
        assert clock.wall_ms() >= BEGIN_MS + MINUTE_MS
        assert feed.last_price("ETHUSDT") > 0

    run(work())


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"), [(418, "119", 119), (429, "7", 7), (403, None, 10), (418, None, 120)]
)
@pytest.mark.parametrize("refused_by", ["rest", "stream"])
def test_a_freeze_ends_to_the_second_and_is_told_while_it_lasts(
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    refused_by: str,
    status: int,
    retry_after: str | None,
    seconds: int,
) -> None:
    told: list[tuple[str, ...]] = []

    async def work() -> None:
        venue = Venue(clock, [[trade(number, BEGIN_MS + number * 200_000)] for number in range(1, 4)] + [[]])

        async def nap(nap_s: float) -> None:
            told.append(feed.notices)
            await clock.sleep(nap_s)

        async with venue.running():
            feed = await BinanceFeed.open(BTC, replace(settings_for(venue), sleep=nap))
            steps = feed.live_steps()
            await anext(steps)
            (venue.refusals if refused_by == "rest" else venue.stream_refusals).append((status, retry_after))
            venue.heard.clear()
            await anext(step async for step in steps if step.trades)
            told.append(feed.notices)
            await feed.close()
        *refused, again = venue.heard[: 3 if refused_by == "rest" else 2]
        assert again[1] - refused[-1][1] == seconds * 1000
        assert {at_ms for _, at_ms in refused} == {BEGIN_MS + LATE_MS}

    with caplog.at_level(logging.WARNING):
        run(work())
    until = datetime.fromtimestamp((BEGIN_MS + LATE_MS) // 1000 + seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    assert all(f"is sent nothing until {until}" in notices[1] for notices in told[:-1])
    assert len(told[-1]) == 1, "nothing is left of it once it is over"
    assert len([record for record in caplog.records if "is sent nothing until" in record.message]) == 1


def test_a_restart_during_a_ban_sends_nothing_and_auto_says_why_and_until_when(
    clock: FakeClock, tmp_path: Path
) -> None:
    async def work() -> None:
        venue = Venue(clock, [[]])
        venue.refusals.append((418, "120"))
        async with venue.running():
            settings = settings_for(venue, tmp_path / "shared", tmp_path / "own")
            feed = await open_live_or_synthetic(BTC, seed=1, settings=settings)
            assert isinstance(feed, SyntheticFeed)
            assert "banned" in feed.notices[0]
            assert venue.asked == ["ping"]
            for closures in ([tmp_path / "shared"], [tmp_path / "own"]):  # each alone is enough
                clock.advance(50)
                with pytest.raises(Closed, match=r"is sent nothing until 2026-11-20 00:02:00 UTC"):
                    await BinanceFeed.open(BTC, settings_for(venue, *closures))
                feed = await open_live_or_synthetic(BTC, seed=1, settings=settings_for(venue, *closures))
                assert feed.notices[0].endswith("until 2026-11-20 00:02:00 UTC: a synthetic market takes its place")
            assert venue.asked == ["ping"], "nobody asked meanwhile"
            clock.advance(20)
            again = await open_live_or_synthetic(BTC, seed=1, settings=settings)
            assert isinstance(again, BinanceFeed)
            await again.close()

    run(work())


def test_streams_are_opened_half_as_often_as_an_address_may(clock: FakeClock) -> None:
    pace = RequestPace("venue", ClosedHosts((), clock.wall_ms), clock.wall_ms, clock.sleep)
    for _ in range(CONNECTIONS):
        assert pace.connection_wait_ms() == 0
        pace.connecting()
        clock.advance(1)
    assert pace.connection_wait_ms() == 300_000 - CONNECTIONS * 1000
    clock.advance(300 - CONNECTIONS)
    assert pace.connection_wait_ms() == 0


def test_a_refusal_in_the_middle_of_the_past_ends_the_asking(clock: FakeClock) -> None:
    async def work() -> None:
        venue = Venue(clock, [[]])

        def hear(name: str) -> None:
            if name == "klines" and not venue.times("klines"):
                venue.refusals += [(429, "30")] * 100
            venue.note(name)

        venue.when_asked = hear
        async with venue.running():
            with pytest.raises(Closed, match="asks this address to slow down"):
                await BinanceFeed.open(("BTCUSDT", "ETHUSDT"), settings_for(venue))
        assert len(venue.times("klines")) <= 8, "no more than were on their way"

    run(work())
