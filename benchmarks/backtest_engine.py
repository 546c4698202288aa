"""Back-tests against the yardstick's bare loop: one path, every feature on, a sweep, start-up and memory.

The yardstick is a folder with `grid_numba.py`, the loop and nothing else over floats, `gen_data.py`, which makes two
seeded years of 1-minute candles (ou: busy, gbm: trending), and `gridspec.py`, the one grid that both run. Name it by
--bench or GRIDHIVE_BENCH; it is run unchanged. Yardstick and engine take turns, each in a process of its own, and
medians are compared, so that a busy machine slows both.

The engine's numbers hold a whole replay: planning is done before, everything from the scenario to the exact result is
inside. Of the yardstick's 1,000 configurations those whose step the fees would eat, which no grid may start with, get
the smallest step that may.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

TARGETS = {"one path": 3.0, "every feature": 6.0, "sweep": 3.0}
MOST_MEMORY_MB = 500
MOST_START_S = 2.0
LEVELS, SPACING = 10, Decimal("0.5")
SMALLEST_SPACING = Decimal("0.25")
CONFIGURATIONS = 1_000
KINDS = ("ou", "gbm")
Numbers = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, default=os.environ.get("GRIDHIVE_BENCH"), help="the yardstick's folder")
    parser.add_argument("--work", type=Path, default=Path("/tmp/gridhive-bench"), help="data and caches")  # noqa: S108
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=20, help="replays per process and measurement")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--child", choices=("one", "sweep"), help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options)))
        return 0
    if options.bench is None:
        parser.error("name the yardstick's folder by --bench or GRIDHIVE_BENCH")
    generate(options)
    missed = [name for name, row in compare(options) if not row]
    print(f"\nmissed: {', '.join(missed)}" if missed else "\nevery target was reached")
    return 1 if missed else 0


def generate(options: argparse.Namespace) -> None:
    if not all(data(options, kind).exists() for kind in KINDS):
        subprocess.run([sys.executable, "gen_data.py"], cwd=options.bench, env=environment(options), check=True)
    for kind in KINDS:  # compile both sides, so that no round does
        yardstick(options, "--data", str(data(options, kind)), "--reps", "1")
        engine(options, "one", kind)


def compare(options: argparse.Namespace) -> Iterator[tuple[str, bool]]:
    """Print a row per measurement and yield whether its target was reached."""
    starts = []
    for kind in KINDS:
        bare, ours = take_turns(
            options.rounds,
            lambda kind=kind: yardstick(options, "--data", str(data(options, kind))),
            lambda kind=kind: engine(options, "one", kind),
        )
        starts += [row["start_s"] for row in ours]
        loop = median(row["run_s"] for row in bare)
        print(f"{kind}: {bare[0]['fills']} fills of the yardstick, {ours[0]['fills']} of the engine")
        for name in ("one path", "every feature"):
            yield f"{name} ({kind})", shown(f"{name} ({kind})", median(row[name] for row in ours), loop, TARGETS[name])
        print(f"  translating the candles, once per market: {median(row['translate_s'] for row in ours) * 1e3:.2f} ms")
    bare, ours = take_turns(
        options.rounds,
        lambda: yardstick(
            options, "--data", str(data(options, "ou")), "--sweep", str(CONFIGURATIONS), "--threads", "2"
        ),
        lambda: engine(options, "sweep", "ou"),
    )
    seconds, loop = median(row["sweep_s"] for row in ours), median(row["run_s"] for row in bare)
    yield "sweep", shown(f"sweep of {CONFIGURATIONS} (ou)", seconds, loop, TARGETS["sweep"])
    print(f"  planning them: {median(row['plan_s'] for row in ours) * 1e3:.0f} ms")
    memory = max(row["memory_mb"] for row in ours)
    print(f"  memory of the sweep: {memory:.0f} MB (at most {MOST_MEMORY_MB})")
    yield "memory", memory < MOST_MEMORY_MB
    print(f"process start to first result: {median(starts):.2f} s (at most {MOST_START_S:.0f})")
    yield "start", median(starts) < MOST_START_S


def shown(name: str, seconds: float, loop: float, target: float) -> bool:
    ratio = seconds / loop
    print(f"  {name}: {seconds * 1e3:.2f} ms, bare loop {loop * 1e3:.2f} ms: {ratio:.2f} x (at most {target:.0f} x)")
    return ratio <= target


def take_turns(
    rounds: int, bare: Callable[[], Numbers], ours: Callable[[], Numbers]
) -> tuple[list[Numbers], list[Numbers]]:
    rows = [(bare(), ours()) for _ in range(rounds)]
    return [first for first, _ in rows], [second for _, second in rows]


def data(options: argparse.Namespace, kind: str) -> Path:
    return Path(options.work) / "bench-data" / f"{kind}.npz"


def environment(options: argparse.Namespace) -> dict[str, str]:
    cache = str(Path(options.work) / "numba")
    return warm(options) | {"BENCH_TMP": str(options.work), "NUMBA_CACHE_DIR": cache, "NB_CACHE": "1"}


def warm(options: argparse.Namespace) -> dict[str, str]:
    """Return an environment in which Python keeps its byte code, as it does where nobody forbids it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(Path(options.work) / "byte-code")}


def yardstick(options: argparse.Namespace, *words: str) -> Numbers:
    command = [sys.executable, "grid_numba.py", *words]
    done = subprocess.run(
        command, cwd=options.bench, env=environment(options), check=True, capture_output=True, text=True
    )
    row: Numbers = json.loads(done.stdout.splitlines()[-1].removeprefix("BENCH "))
    return row


def engine(options: argparse.Namespace, what: str, kind: str) -> Numbers:
    words = ["--child", what, "--data", str(data(options, kind)), "--threads", str(options.threads)]
    words += ["--repeats", str(options.repeats), "--work", str(options.work)]
    began = time.time()
    command = [sys.executable, __file__, *words]
    done = subprocess.run(command, env=warm(options), check=True, capture_output=True, text=True)
    row: Numbers = json.loads(done.stdout.splitlines()[-1])
    row["start_s"] = row.pop("first_result_at", began) - began
    return row


# --- in the child ---


def child(options: argparse.Namespace) -> Numbers:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
    return one(options) if options.child == "one" else sweep(options)


def candles_of(file: Path) -> Any:
    import numpy as np  # noqa: PLC0415 - the child alone pays for it

    from backtest.candles import Candles  # noqa: PLC0415
    from domain.instrument import Market  # noqa: PLC0415

    columns = np.load(file)

    def units(name: str) -> Any:
        return np.round(columns[name] * 10_000).astype(np.int64) * 10_000

    return Candles(
        symbol="TSTUSDT",
        market=Market.SPOT,
        interval_ms=60_000,
        open_ms=columns["ts"].astype(np.int64),
        open=units("open"),
        high=units("high"),
        low=units("low"),
        close=units("close"),
        volume=columns["volume"].astype(np.float64),
    )


def scenario_of(candles: Any, levels: int, spacing: Decimal, **assumed: Any) -> Any:
    from backtest.scenario import Scenario  # noqa: PLC0415
    from domain.grids import GridRequest  # noqa: PLC0415
    from domain.instrument import Instrument, InstrumentRules, Market  # noqa: PLC0415

    instrument = Instrument("binance", Market.SPOT, "TST", "USDT")
    rules = InstrumentRules(
        instrument=instrument,
        status="TRADING",
        tick=Decimal("0.0001"),
        lot=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        max_quantity=Decimal(0),
        min_notional=Decimal(5),
    )
    request = GridRequest(instrument=instrument, levels=2 * levels + 1, spacing_percent=spacing, quantity=Decimal(1))
    balances = {"USDT": Decimal(220 * levels), "BNB": Decimal(1_000)}
    return Scenario.of(request, candles, rules, balances=balances, **assumed)


def one(options: argparse.Namespace) -> Numbers:
    from backtest.bnb_market import BnbMarket  # noqa: PLC0415
    from backtest.price_path import PricePath  # noqa: PLC0415
    from backtest.run import run_on  # noqa: PLC0415
    from backtest.scenario import Delays, Fees, FillAssumption, FillKind  # noqa: PLC0415

    candles = candles_of(options.data)
    plain = scenario_of(candles, LEVELS, SPACING)
    began = time.perf_counter()
    path = PricePath.of(candles, plain)
    translate_s = time.perf_counter() - began
    first = run_on(path, plain)
    found = {"translate_s": translate_s, "first_result_at": time.time(), "fills": first.books.trades}
    full = scenario_of(
        candles,
        LEVELS,
        SPACING,
        fees=Fees(750, 1_000, bnb_market=BnbMarket(candles)),
        fill=FillAssumption(FillKind.SHARE, 500_000),
        delays=Delays(latency_ms=200, orders_per_10s=50),
        max_exposure=plain.plan.capital_needed,
    )
    with_bnb = PricePath.of(candles, full)
    return found | {
        "one path": timed(options.repeats, lambda: run_on(path, plain)),
        "every feature": timed(options.repeats, lambda: run_on(with_bnb, full, curve=True)),
    }


def sweep(options: argparse.Namespace) -> Numbers:
    import resource  # noqa: PLC0415

    from backtest.batch import run_many  # noqa: PLC0415
    from backtest.price_path import PricePath  # noqa: PLC0415

    candles = candles_of(options.data)
    began = time.perf_counter()
    scenarios = [scenario_of(candles, levels, max(spacing, SMALLEST_SPACING)) for levels, spacing in configurations()]
    plan_s = time.perf_counter() - began
    path = PricePath.of(candles, scenarios[0])
    run_many(path, scenarios[:2], threads=options.threads)
    sweep_s = timed(5, lambda: run_many(path, scenarios, threads=options.threads).columns())
    return {
        "sweep_s": sweep_s,
        "plan_s": plan_s,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def configurations() -> list[tuple[int, Decimal]]:
    """Return the yardstick's 1,000 configurations: 32 spacings from 0.2 to 2 %, 32 ladders, topped up."""
    import numpy as np  # noqa: PLC0415

    side = int(np.ceil(np.sqrt(CONFIGURATIONS)))
    levels = np.unique(np.linspace(3, 40, side).round().astype(int)).tolist()
    found = [(level, float(spacing)) for spacing in np.linspace(0.002, 0.02, side) for level in levels]
    while len(found) < CONFIGURATIONS:
        extra = len(found)
        found.append((levels[extra % len(levels)], 0.0205 + 0.0001 * extra))
    return [(level, Decimal(str(round(spacing * 100, 4)))) for level, spacing in found[:CONFIGURATIONS]]


def timed(repeats: int, work: Callable[[], object]) -> float:
    took = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return median(took)


if __name__ == "__main__":
    sys.exit(main())
