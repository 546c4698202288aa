"""How dear a print is to the candle book, a step to the feeds, and a start to the synthetic market.

    python benchmarks/market_feeds.py [--prints 300000]

With GRIDHIVE_TEST_DATA set, the replay of recorded minutes is measured too.
"""

import argparse
import os
import sys
import time
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from simulator.core.events import MarketTrade
from simulator.market.candles import CandleBook
from simulator.market.catalogue import SPECS
from simulator.market.files import DataSource, parse_moment
from simulator.market.recordings import Stretch
from simulator.market.replay import ReplayFeed
from simulator.market.synthetic import SyntheticFeed

START_MS = 1_767_225_600_000


def candle_book(count: int, gap_ms: int) -> float:
    """Microseconds per print with `gap_ms` between prints."""
    prints = [
        MarketTrade("BTCUSDT", 10**13 + at * 7_919 % 10**6, 10**6, START_MS + at * gap_ms, at % 2 == 0)
        for at in range(count)
    ]
    book = CandleBook(["BTCUSDT"])
    began = time.perf_counter()
    for at, trade in enumerate(prints):
        book.add_trade(trade, at)
    return (time.perf_counter() - began) / count * 1e6


def replay(folder: Path, count: int) -> None:
    source = DataSource.parse(str(folder / "market" / "spot" / "BTCUSDT_1m.parquet"))
    began = time.perf_counter()
    feed = ReplayFeed.open([source], Stretch(from_ms=parse_moment("2025-06-01")))
    book = CandleBook.of_feed(feed)
    print(f"replay: file of 755,353 minutes opened, past built    {time.perf_counter() - began:8.2f} s")
    began = time.perf_counter()
    for step in islice(feed.steps(), count):
        for trade in step.trades:
            book.add_trade(trade)
    print(f"replay: step with book, counted into candles          {per_step(began, count):8.2f} us")


def per_step(began: float, count: int) -> float:
    return (time.perf_counter() - began) / count * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prints", type=int, default=300_000)
    count = parser.parse_args().prints
    for gap_ms in (10, 300, 15_000):
        print(f"candle book: print, {gap_ms:6} ms apart                   {candle_book(count, gap_ms):8.2f} us")
    began = time.perf_counter()
    feed = SyntheticFeed(list(SPECS), seed=1, start_ms=START_MS)
    CandleBook.of_feed(feed)
    print(f"synthetic: start with 8 symbols and their past        {time.perf_counter() - began:8.2f} s")
    began = time.perf_counter()
    for _ in islice(feed.steps(), count):
        pass
    print(f"synthetic: step with book                             {per_step(began, count):8.2f} us")
    if os.environ.get("GRIDHIVE_TEST_DATA"):
        replay(Path(os.environ["GRIDHIVE_TEST_DATA"]), count)


if __name__ == "__main__":
    main()
