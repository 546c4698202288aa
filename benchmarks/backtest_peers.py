"""One year of minutes, one grid: this engine, the yardstick's bare loop, vectorbt and nautilus_trader in turn.

All four run the grid of the yardstick's `gridspec.py` on its busy year (`gen_data.py`; see backtest_engine.py), each in
a process of its own, one after the other, and what is told is the median of the pairs of one round: a busy machine
slows both. Every contender says how many fills it made, so that nobody wins by doing less.

The peers are no dependency of ours and exclude one another (their pandas), so each has an environment of its own:

    python -m venv PLACE/vectorbt && PLACE/vectorbt/bin/pip install -r benchmarks/requirements-peers-vectorbt.txt
    python -m venv PLACE/nautilus && PLACE/nautilus/bin/pip install -r benchmarks/requirements-peers-nautilus.txt
    python benchmarks/backtest_peers.py --bench YARDSTICK --vectorbt PLACE/vectorbt/bin/python \\
        --nautilus PLACE/nautilus/bin/python

A peer that is not there is left out, and that is said.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from backtest_engine import data, engine, generate, yardstick

YEAR = 525_600
Numbers = dict[str, Any]


class Peer(NamedTuple):
    """A contender, and what its number does and does not hold."""

    name: str
    script: str
    models: str
    lacks: str


PEERS = (
    Peer(
        "vectorbt",
        "peer_vectorbt.py",
        "orders that we write as a numba function, floats, fees as a fraction, cash, one path through the candle",
        "resting orders (which limit the price reaches is our own code), tick, lot and minimum notional, place in the "
        "queue, latency, refusals, fees in BNB, the code that would trade",
    ),
    Peer(
        "nautilus",
        "peer_nautilus.py",
        "resting orders in a matching engine, exact prices and accounts, tick and lot, order states, a strategy that "
        "could trade live; latency and the chance to fill at a touch where asked for (here: none, always)",
        "a share of a candle's volume for what rests, fees in BNB at its moving price, bounds of what candles hide",
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, default=os.environ.get("GRIDHIVE_BENCH"), help="the yardstick's folder")
    parser.add_argument("--work", type=Path, default=Path("/tmp/gridhive-bench"), help="data and caches")  # noqa: S108
    parser.add_argument("--vectorbt", default=sys.executable, help="interpreter of an environment with vectorbt")
    parser.add_argument("--nautilus", default=sys.executable, help="interpreter of one with nautilus_trader")
    parser.add_argument("--nautilus-rows", type=int, default=YEAR, help="candles that nautilus_trader is given")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5, help="replays of the engine per process")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.bench is None:
        parser.error("name the yardstick's folder by --bench or GRIDHIVE_BENCH")
    generate(options)
    for peer in PEERS:
        compare(options, peer)
    return 0


def compare(options: argparse.Namespace, peer: Peer) -> None:
    """Print how many times longer than the engine, and than the bare loop, a peer takes."""
    run = runner(options, peer)
    first = run()
    if "failed" in first:
        print(f"{peer.name}: left out, its run failed: {first['failed']}")
        return
    if "absent" in first:
        needed = f"benchmarks/requirements-peers-{peer.name}.txt"
        print(f"{peer.name}: left out, it is not installed here ({first['absent']}); install {needed} in an")
        print(f"  environment of its own and name its interpreter by --{peer.name}")
        return
    rounds = []
    for _ in range(options.rounds):
        bare = yardstick(options, "--data", str(data(options, "ou")))
        ours, theirs = engine(options, "one", "ou"), run()
        rounds.append((bare["run_s"], ours["one path"], theirs["run_s"] * scale(theirs), ours["fills"]))
    rows = first.get("rows", YEAR)
    stretch = "" if rows == YEAR else f", of {rows:,} candles, scaled to the year"
    theirs_s, ours_s = median(row[2] for row in rounds), median(row[1] for row in rounds)
    print(f"{peer.name} {first['version']}: {theirs_s:.3f} s{stretch}; the engine {ours_s * 1e3:.2f} ms")
    print(f"  {median(row[2] / row[1] for row in rounds):,.0f} times the engine's time (median of pairs), ")
    print(f"  {median(row[2] / row[0] for row in rounds):,.0f} times the bare loop's; ", end="")
    print(f"the engine {median(row[1] / row[0] for row in rounds):.2f} times")
    print(f"  fills: {first['fills']:,} of the peer, {rounds[0][3]:,} of the engine; its equity {first['equity']}")
    print(f"  it models: {peer.models}\n  it does not: {peer.lacks}")


def scale(told: Numbers) -> float:
    return YEAR / float(told.get("rows", YEAR))


def runner(options: argparse.Namespace, peer: Peer) -> Callable[[], Numbers]:
    """Return what runs a peer once, in a process of its own."""
    words = ["--rows", str(options.nautilus_rows)] if peer.name == "nautilus" else []
    script = Path(__file__).with_name(peer.script)
    command = [getattr(options, peer.name), str(script), "--data", str(data(options, "ou")), *words]

    def run() -> Numbers:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            return {"absent": str(error)}
        if done.returncode:
            return {"failed": done.stderr.strip().splitlines()[-1]}
        told: Numbers = json.loads(done.stdout.splitlines()[-1])
        return told

    return run


if __name__ == "__main__":
    sys.exit(main())
