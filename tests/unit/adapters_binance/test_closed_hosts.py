"""A ban is the address's: the server's broker, the simulator's live feed and the next life of each know of it."""

import asyncio
import logging
from pathlib import Path

import pytest

from adapters.binance.request_limits import Cost
from adapters.binance.weights import Urgency, WeightBroker
from domain.errors import SlowDown
from domain.instrument import Market
from fakes.binance_public import PublicBinance
from fakes.clock import FakeClock
from simulator.market.live import BinanceFeed, LiveSettings
from simulator.market.live_rest import Closed
from utils.closed_hosts import LONGEST_S, ClosedHosts, Closure, host_of

HOST, FUTURES_HOST = "api.example.com", "fapi.example.com"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def broker_of(clock: FakeClock, folder: Path, spot: str = HOST) -> WeightBroker:
    hosts = {Market.SPOT: spot, Market.FUTURES: FUTURES_HOST}
    closed_hosts = ClosedHosts((folder,), clock.wall_ms)
    return WeightBroker(clock, clock.wall_ms, clock.sleep, hosts=hosts, closed_hosts=closed_hosts)


async def cancel(broker: WeightBroker, market: Market) -> None:
    async with broker.turn(market, Cost(1), Urgency.CANCEL):
        pass


def refusal(broker: WeightBroker, market: Market) -> float:
    """Return the seconds after which a request that was refused may be sent."""
    with pytest.raises(SlowDown) as refused:
        asyncio.run(cancel(broker, market))
    return refused.value.retry_after_s


def test_a_broker_heeds_what_its_earlier_life_was_asked_for(clock: FakeClock, tmp_path: Path) -> None:
    broker_of(clock, tmp_path).close(Market.SPOT, 300.5)
    again = broker_of(clock, tmp_path)
    assert refusal(again, Market.SPOT) == 300.5
    asyncio.run(cancel(again, Market.FUTURES))
    clock.advance(300.5)
    asyncio.run(cancel(again, Market.SPOT))
    assert clock.waits == [], "open to the millisecond"


def test_a_ban_of_one_process_reaches_another_that_runs_and_both_its_markets(clock: FakeClock, tmp_path: Path) -> None:
    first, second = broker_of(clock, tmp_path), broker_of(clock, tmp_path)
    asyncio.run(cancel(second, Market.SPOT))
    first.close(Market.FUTURES, 1000, everyone=True)
    assert [refusal(second, market) for market in Market] == [1000, 1000]
    clock.advance(500)
    first.close(Market.SPOT, 2000, everyone=True)
    assert [refusal(second, market) for market in Market] == [2000, 2000]


def test_the_clock_set_back_does_not_lengthen_a_closure_of_ones_own(clock: FakeClock, tmp_path: Path) -> None:
    broker = broker_of(clock, tmp_path)
    broker.close(Market.SPOT, 200)
    clock.jump_wall(-50_000)
    assert refusal(broker, Market.SPOT) == 200


def test_broker_and_live_feed_see_each_others_ban(clock: FakeClock, tmp_path: Path) -> None:
    async def work() -> None:
        venue = PublicBinance([[]], now_ms=clock.wall_ms())
        async with venue.running():
            broker = broker_of(clock, tmp_path, host_of(f"http://{venue.url}"))
            settings = LiveSettings(
                f"http://{venue.url}",
                f"ws://{venue.url}",
                closures=(tmp_path,),
                now_ms=clock.wall_ms,
                sleep=clock.sleep,
            )
            broker.close(Market.SPOT, 150, everyone=True)
            with pytest.raises(Closed, match="has banned this address"):
                await BinanceFeed.open(("BTCUSDT",), settings)
            assert venue.asked == []
            clock.advance(150)
            venue.refusals.append((418, "300"))
            with pytest.raises(Closed):
                await BinanceFeed.open(("BTCUSDT",), settings)
            for market in Market:
                with pytest.raises(SlowDown) as refused:
                    await cancel(broker, market)
                assert refused.value.retry_after_s == 300

    asyncio.run(asyncio.wait_for(work(), 30))


def test_the_later_closure_holds_whoever_noted_it(clock: FakeClock, tmp_path: Path) -> None:
    now_ms = clock.wall_ms()
    first, second = (ClosedHosts((tmp_path,), clock.wall_ms) for _ in range(2))
    first.close(HOST, now_ms + 5_000, banned=True)
    second.close(HOST, now_ms + 3_000, banned=False)
    assert first.closure(HOST) == second.closure(HOST) == Closure(now_ms + 5_000, banned=True)
    second.close(HOST, now_ms + 9_000, banned=False)
    assert first.closure(HOST) == Closure(now_ms + 9_000, banned=True)
    assert first.closure(FUTURES_HOST) is None
    clock.advance(9)
    assert first.closure(HOST) is second.closure(HOST) is None


def test_a_file_that_tells_nothing_or_too_much_closes_nothing_for_long(
    clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hosts, file = ClosedHosts((tmp_path,), clock.wall_ms), tmp_path / f"{HOST}.json"
    for text in ("", "[]", '{"until_ms": "soon", "banned": true}', '{"banned": true}', "\xff"):
        file.write_text(text, "latin-1")
        assert hosts.closure(HOST) is None
        file.unlink()
    assert "it tells no closure" in caplog.text
    file.write_text('{"until_ms": 9999999999999, "banned": true}')
    assert hosts.closure(HOST) == Closure(clock.wall_ms() + LONGEST_S * 1000, banned=True)


def test_what_cannot_be_written_leaves_nothing_behind(clock: FakeClock, tmp_path: Path) -> None:
    (tmp_path / f"{HOST}.json").mkdir()
    closed_hosts = ClosedHosts((tmp_path,), clock.wall_ms)
    closed_hosts.close(HOST, clock.wall_ms() + 60_000, banned=True)
    assert closed_hosts.closure(HOST) == Closure(clock.wall_ms() + 60_000, banned=True)
    assert [path.name for path in tmp_path.iterdir()] == [f"{HOST}.json"]


def test_without_a_folder_that_can_be_written_this_process_still_keeps_to_it(
    clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with caplog.at_level(logging.WARNING):
        for folders in ((), (blocked / "below",)):
            hosts = ClosedHosts(folders, clock.wall_ms)
            hosts.close(HOST, clock.wall_ms() + 1_000, banned=False)
            assert hosts.closure(HOST) is not None
    assert caplog.text.count("other processes will not know") == 1
