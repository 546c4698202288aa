"""Compare minute returns of the synthetic market with recorded ones.

    python benchmarks/synthetic_returns.py [--days 30] [--seeds 3] [--plot returns.png]

Recorded candles come from the folder GRIDHIVE_TEST_DATA (market/spot/*_1m.parquet); without it only the
synthetic market is measured. The synthetic closes are those of the prints a server would play.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parent.parent / "src"))

from simulator.market.intervals import DAY_MS
from simulator.market.synthetic import SyntheticFeed
from simulator.market.synthetic_prints import CHARACTERS

START_MS = 1_767_225_600_000
STRETCHES = {
    "BTCUSDT": (("2024-02-12", "2024-03-17"), ("2024-07-27", "2024-08-25"), ("2025-05-20", "2025-08-18")),
    "ETHUSDT": (("2025-05-20", "2025-08-18"),),
    "SOLUSDT": (("2023-12-02", "2024-02-16"),),
}


def facts(closes: np.ndarray) -> dict[str, float]:
    """Stylised facts of a series of closes, returns in log."""
    returns = np.diff(np.log(closes))
    size = np.abs(returns)
    scaled = (returns - returns.mean()) / returns.std()

    def correlation(series: np.ndarray, lag: int) -> float:
        return float(np.corrcoef(series[:-lag], series[lag:])[0, 1])

    return {
        "std bp": float(returns.std() * 1e4),
        "kurtosis": float((scaled**4).mean() - 3.0),
        "p99.9 / std": float(np.quantile(size, 0.999) / returns.std()),
        "|r| lag 1": correlation(size, 1),
        "|r| lag 10": correlation(size, 10),
        "|r| lag 60": correlation(size, 60),
        "r lag 1": correlation(returns, 1),
    }


def recorded(folder: Path) -> Iterator[tuple[str, dict[str, float], dict[str, float]]]:
    for symbol, stretches in STRETCHES.items():
        frame = pl.read_parquet(folder / "market" / "spot" / f"{symbol}_1m.parquet")
        for since, until in stretches:
            begin, end = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (since, until))
            closes = frame.filter(pl.col("open_time").is_between(begin, end, closed="left"))["close"].to_numpy()
            yield f"{symbol} {since} to {until}", facts(closes), facts(closes[::5])


def synthetic(days: int, seed: int) -> dict[str, np.ndarray]:
    """Minute closes of `days` days after the start."""
    feed = SyntheticFeed(list(CHARACTERS), seed=seed, start_ms=START_MS)
    closes: dict[str, list[int]] = {symbol: [] for symbol in feed.symbols}
    last = {symbol: feed.last_price(symbol) for symbol in feed.symbols}
    minute = feed.start_ms // 60_000
    for trade in feed.prints():
        while trade.time_ms // 60_000 > minute:
            for symbol, price in last.items():
                closes[symbol].append(price)
            minute += 1
        if trade.time_ms >= feed.start_ms + days * DAY_MS:
            break
        last[trade.symbol] = trade.price
    return {symbol: np.array(prices, dtype=float) for symbol, prices in closes.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--plot", type=Path)
    chosen = parser.parse_args()
    show("series", facts(np.exp(np.random.default_rng(0).standard_normal(1_000) / 1e3)), head=True)
    if os.environ.get("GRIDHIVE_TEST_DATA"):
        for name, minute, five in recorded(Path(os.environ["GRIDHIVE_TEST_DATA"])):
            show(name, minute)
            show("  every 5 minutes", five)
    drawn = {}
    for seed in range(1, chosen.seeds + 1):
        drawn = synthetic(chosen.days, seed)
        for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
            show(f"synthetic {symbol} seed {seed}", facts(drawn[symbol]))
            show("  every 5 minutes", facts(drawn[symbol][::5]))
        pair = [np.diff(np.log(drawn[symbol])) for symbol in ("BTCUSDT", "ETHUSDT")]
        print(f"  correlation of BTCUSDT and ETHUSDT: {np.corrcoef(pair)[0, 1]:.2f}")
    if chosen.plot:
        plot(drawn["BTCUSDT"], chosen.plot)


def show(name: str, values: dict[str, float], *, head: bool = False) -> None:
    cells = list(values) if head else [f"{value:.2f}" for value in values.values()]
    print(f"{name:38}" + "".join(f"{cell:>13}" for cell in cells), flush=True)


def plot(closes: np.ndarray, path: Path) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415  only the picture needs it

    figure = Figure(figsize=(12, 6))
    upper, lower = figure.subplots(2, 1, sharex=True)
    upper.plot(closes / 1e8)
    lower.plot(np.diff(np.log(closes)) * 1e4, linewidth=0.4)
    lower.set_ylabel("minute return, bp")
    figure.savefig(path)


if __name__ == "__main__":
    main()
