"""The feeds against real recordings, where GRIDHIVE_TEST_DATA names the folder that holds them."""

import os
from itertools import islice, takewhile
from pathlib import Path

import polars as pl
import pytest

from simulator.core.symbols import UNIT
from simulator.market.candles import CandleBook
from simulator.market.feed import Candle
from simulator.market.files import DataSource, parse_moment
from simulator.market.intervals import MINUTE_MS
from simulator.market.numbers import parse_text
from simulator.market.recordings import Stretch
from simulator.market.replay import ReplayFeed

DATA = os.environ.get("GRIDHIVE_TEST_DATA", "")
pytestmark = pytest.mark.skipif(not DATA, reason="set GRIDHIVE_TEST_DATA to the folder of recorded market data")
MINUTES = f"{DATA}/market/spot/BTCUSDT_1m.parquet"


def recorded(path: str, since: str, count: int) -> list[tuple[int, ...]]:
    frame = pl.read_parquet(path).filter(pl.col("open_time").dt.epoch("ms") >= parse_moment(since)).head(count)
    rows = frame.select("open_time", "open", "high", "low", "close", "volume").rows()
    return [(int(at.timestamp()) * 1_000, *(parse_text(repr(value)) for value in rest)) for at, *rest in rows]


def figures(candle: Candle) -> tuple[int, ...]:
    return (candle.open_ms, candle.open, candle.high, candle.low, candle.close, candle.volume)


def test_recorded_trades_rebuild_the_ten_recorded_candles() -> None:
    book = CandleBook(["BTCUSDT"])
    for day in ("20240808", "20240809"):
        source = DataSource.parse(f"{DATA}/stream/ws_spot_BTCUSDT_{day}.jsonl.gz")
        for step in ReplayFeed.open([source]).steps():
            for trade in step.trades:
                book.add_trade(trade)
    wanted = recorded(MINUTES, "2024-08-08T23:55", 10)
    first_ms, last_ms = wanted[0][0], wanted[-1][0]
    built = book.candles("BTCUSDT", "1m", start_ms=first_ms, end_ms=last_ms)
    assert [figures(candle) for candle in built] == wanted


@pytest.mark.parametrize(
    ("file", "since"),
    [
        ("spot/BTCUSDT_1m.parquet", "2024-08-05"),
        ("spot/BTCUSDT_1m.parquet", "2021-05-19"),
        ("spot/ETHUSDT_1m.parquet", "2025-08-01"),
        ("spot/SOLUSDT_1m.parquet", "2021-10-28"),
        ("spot/BTCUSDT_5m.parquet", "2024-03-08"),
        ("spot/DOGEUSDT_1h.parquet", "2021-05-01"),
        ("um/FILUSDT_1m_taker.parquet", "2023-08-02"),
    ],
)
def test_a_replay_rebuilds_recorded_candles_exactly(file: str, since: str) -> None:
    source = DataSource.parse(f"{DATA}/market/{file}")
    feed = ReplayFeed.open([source], Stretch(from_ms=parse_moment(since)))
    interval = source.path.stem.split("_")[1]
    wanted = recorded(f"{DATA}/market/{file}", since, 900)
    book = CandleBook.of_feed(feed)
    end_ms = wanted[-1][0]
    for step in takewhile(lambda step: step.time_ms < end_ms, feed.steps()):
        for trade in step.trades:
            book.add_trade(trade)
        if step.candle is not None:
            book.close_candle(step.candle)
    built = book.candles(source.symbol, interval, start_ms=wanted[0][0], end_ms=end_ms - 1, limit=1_000)
    assert [figures(candle) for candle in built if candle.volume or candle.high > candle.low] == [
        row for row in wanted[:-1] if row[5] or row[2] > row[3]
    ]


def test_recorded_quote_volume_count_and_taker_part_are_kept() -> None:
    source = DataSource.parse(f"{DATA}/market/spot/BTCUSDT_1m_taker.parquet")
    feed = ReplayFeed.open([source], Stretch(from_ms=parse_moment("2025-08-03")))
    book = CandleBook.of_feed(feed)
    for step in islice(feed.steps(), 4 * 300):
        for trade in step.trades:
            book.add_trade(trade)
        if step.candle is not None:
            book.close_candle(step.candle)
    built = book.candles("BTCUSDT", "1m", start_ms=feed.start_ms)
    rows = pl.read_parquet(source.path).filter(pl.col("open_time").dt.epoch("ms") >= feed.start_ms).head(300)
    told = rows.select("quote_volume", "trades", "taker_buy_base", "taker_buy_quote").rows()
    assert [(c.quote_volume, c.trades, c.taker_buy_base, c.taker_buy_quote) for c in built] == [
        (parse_text(repr(q), unit=UNIT**2), n, parse_text(repr(b)), parse_text(repr(tq), unit=UNIT**2))
        for q, n, b, tq in told
    ]
    day = book.day("BTCUSDT", feed.start_ms + 300 * MINUTE_MS)
    past = pl.read_parquet(source.path).filter(
        (pl.col("open_time").dt.epoch("ms") >= day.open_ms) & (pl.col("open_time").dt.epoch("ms") < day.close_ms)
    )
    assert day.count == past["trades"].sum()
    assert day.volume == sum(parse_text(repr(value)) for value in past["volume"])
    assert day.quote_volume == sum(parse_text(repr(value), unit=UNIT**2) for value in past["quote_volume"])
    assert day.high == parse_text(repr(past["high"].max()))


def test_an_old_recording_is_traded_under_the_steps_of_its_time() -> None:
    source = DataSource.parse(f"{DATA}/market/spot/SOLUSDT_1h.parquet")
    early = ReplayFeed.open([source], Stretch(parse_moment("2021-01-01"), parse_moment("2021-06-01")))
    late = ReplayFeed.open([source], Stretch(parse_moment("2025-01-01"), parse_moment("2025-06-01")))
    assert (early.specs["SOLUSDT"].tick, late.specs["SOLUSDT"].tick) == (UNIT // 10_000, UNIT // 100)
    assert Path(MINUTES).exists()
