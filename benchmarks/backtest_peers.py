"""One year of minutes, one grid: this engine, vectorbt and nautilus_trader in turn.

All run the grid of the yardstick's `gridspec.py` on its busy year (`gen_data.py`; see backtest_engine.py), each in
a process of its own, one after the other. Told is processor time, and of the ratios the median over the pairs of each
round, so that a busy machine slows both. The engine's time holds everything from the scenario to the exact result; the
peers' begins when their data are translated and their code is compiled. Every contender says how many fills it made, so
that nobody wins by doing less.

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
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from backtest_engine import LEVELS, SPACING, candles_of, data, generate, scenario_of, warm

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
    parser.add_argument("--repeats", type=int, default=20, help="replays of the engine per process")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options)))
        return 0
    if options.bench is None:
        parser.error("name the yardstick's folder by --bench or GRIDHIVE_BENCH")
    if not (options.bench / "gen_data.py").is_file():
        parser.error(f"{options.bench} is not the yardstick's folder: it holds no gen_data.py")
    for name in ("rounds", "repeats", "nautilus_rows"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be 1 or more")
    generate(options)
    for peer in PEERS:
        compare(options, peer)
    return 0


def compare(options: argparse.Namespace, peer: Peer) -> None:
    """Print how many times the engine's time a peer takes."""
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
        ours, theirs = ours_alone(options), run()
        rounds.append((ours["cpu_s"], theirs["cpu_s"] * scale(theirs), ours["fills"]))
    rows = first.get("rows", YEAR)
    stretch = "" if rows == YEAR else f", of {rows:,} candles, scaled to the year"
    ours_s, theirs_s = median(row[0] for row in rounds), median(row[1] for row in rounds)
    print(f"{peer.name} {first['version']}: {theirs_s:.3f} s{stretch}; the engine {ours_s * 1e3:.2f} ms")
    print(f"  {median(row[1] / row[0] for row in rounds):,.0f} times the engine's time")
    print(f"  fills: {first['fills']:,} of the peer, {rounds[0][2]:,} of the engine; its equity {first['equity']}")
    print(f"  it models: {peer.models}\n  it does not: {peer.lacks}")


def ours_alone(options: argparse.Namespace) -> Numbers:
    """Return what the engine takes, in a process of its own."""
    words = ["--child", "--repeats", str(options.repeats), "--work", str(options.work)]
    command = [sys.executable, __file__, *words]
    done = subprocess.run(command, env=warm(options), check=True, capture_output=True, text=True)
    told: Numbers = json.loads(done.stdout.splitlines()[-1])
    return told


def child(options: argparse.Namespace) -> Numbers:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
    from backtest.price_path import PricePath  # noqa: PLC0415 - the child alone pays for these
    from backtest.run import run_on  # noqa: PLC0415

    candles = candles_of(data(options, "ou"))
    scenario = scenario_of(candles, LEVELS, SPACING)
    path = PricePath.of(candles, scenario)
    fills, took = run_on(path, scenario).books.trades, []
    for _ in range(options.repeats):
        began = time.process_time()
        run_on(path, scenario)
        took.append(time.process_time() - began)
    return {"cpu_s": median(took), "fills": fills}


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
            return {"failed": (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]}
        told: Numbers = json.loads(done.stdout.splitlines()[-1])
        return told

    return run


if __name__ == "__main__":
    sys.exit(main())
