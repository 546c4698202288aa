"""The sweep command's own work against the yardstick's bare sweep: from texts to the table of exact measures.

Where `backtest_engine.py` compares the replays, everything is inside here that a sweep does per configuration: reading
its keys, planning it as the live grid does, replaying, exact books, daily returns, ratios, and the part on disk. The
yardstick's folder is named as there (--bench or GRIDHIVE_BENCH). Both take turns, each in a process of its own.

With --configurations 10000 spacings lie closer, from the smallest that pays to 2 %; the bare loop's 1,000 are then
counted once per thousand.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

from backtest_engine import SMALLEST_SPACING, candles_of, configurations, data, generate, timed, warm, yardstick

TARGET = 3.0
MOST_MEMORY_MB = 500
PIECE = 1_000
Numbers = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, default=os.environ.get("GRIDHIVE_BENCH"), help="the yardstick's folder")
    parser.add_argument("--work", type=Path, default=Path("/tmp/gridhive-bench"), help="data and caches")  # noqa: S108
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--configurations", type=int, default=PIECE, help="a multiple of 1,000 (%(default)s)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(options)))
        return 0
    if options.bench is None:
        parser.error("name the yardstick's folder by --bench or GRIDHIVE_BENCH")
    generate(options)
    ours()
    return compare(options)


def compare(options: argparse.Namespace) -> int:
    words = ("--data", str(data(options, "ou")), "--sweep", "1000", "--threads", str(options.threads))
    rows = [(yardstick(options, *words)["run_s"], engine(options)) for _ in range(options.rounds)]
    count = options.configurations
    loop = median(bare for bare, _ in rows) * count / PIECE
    whole = median(row["whole_s"] for _, row in rows)
    memory = max(row["memory_mb"] for _, row in rows)
    print(
        f"{count:,} configurations, {options.threads} threads: {whole * 1e3:.0f} ms, bare sweep {loop * 1e3:.0f} ms: "
    )
    print(f"  {whole / loop:.2f} x (at most {TARGET:.0f} x), memory {memory:.0f} MB (at most {MOST_MEMORY_MB})")
    print(f"  processor time {median(row['cpu_s'] for _, row in rows):.1f} s, over all threads")
    print(f"  of it replays alone {median(row['replays_s'] for _, row in rows) * 1e3:.0f} ms")
    return 0 if whole / loop <= TARGET and memory < MOST_MEMORY_MB else 1


def engine(options: argparse.Namespace) -> Numbers:
    words = ["--child", "--repeats", str(options.repeats), "--threads", str(options.threads)]
    words += ["--configurations", str(options.configurations)]
    done = subprocess.run(
        [sys.executable, __file__, *words, "--work", str(options.work)],
        env=warm(options),
        check=True,
        capture_output=True,
        text=True,
    )
    row: Numbers = json.loads(done.stdout.splitlines()[-1])
    return row


def ours() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))


def child(options: argparse.Namespace) -> Numbers:
    ours()
    import resource  # noqa: PLC0415 - the child alone pays for these

    from backtest.batch import run_many  # noqa: PLC0415
    from backtest.price_path import PricePath  # noqa: PLC0415
    from backtest.sweep.folder import SweepFolder  # noqa: PLC0415
    from backtest.sweep.task import Part  # noqa: PLC0415

    task = task_of(options)
    part, pieces = Part(task, options.threads), range(0, options.configurations, PIECE)
    part.table(range(2))
    with tempfile.TemporaryDirectory() as place:
        folder = SweepFolder(Path(place))

        def whole() -> None:
            for first in pieces:
                folder.write(part.table(range(first, first + PIECE)))

        began = time.process_time()
        whole_s = timed(options.repeats, whole)
        cpu_s = (time.process_time() - began) / options.repeats
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    replays_s = 0.0
    for first in pieces:
        scenarios = [task.ground.scenario(task.space.values(row)) for row in range(first, first + PIECE)]
        path = PricePath.of(task.ground.candles, scenarios[0])
        began = time.perf_counter()
        run_many(path, scenarios, threads=options.threads)
        replays_s += time.perf_counter() - began
    return {"whole_s": whole_s, "cpu_s": cpu_s, "memory_mb": memory_mb, "replays_s": replays_s}


def task_of(options: argparse.Namespace) -> Any:
    from backtest.sweep.axes import Axis  # noqa: PLC0415
    from backtest.sweep.space import Space  # noqa: PLC0415
    from backtest.sweep.task import Task  # noqa: PLC0415
    from backtest.sweep.trials import Account, Ground  # noqa: PLC0415
    from domain.instrument import Instrument, InstrumentRules, Market  # noqa: PLC0415

    rules = InstrumentRules(
        instrument=Instrument("binance", Market.SPOT, "TST", "USDT"),
        status="TRADING",
        tick=Decimal("0.0001"),
        lot=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        max_quantity=Decimal(0),
        min_notional=Decimal(5),
    )
    pairs = configurations()
    spacings = tuple(dict.fromkeys(str(max(spacing, SMALLEST_SPACING)) for _, spacing in pairs))
    levels = tuple(dict.fromkeys(str(2 * level + 1) for level, _ in pairs))
    ground = Ground(
        candles=candles_of(data(options, "ou")),
        rules=rules,
        account=Account(capital=Decimal(10_000)),
        base={"quantity_per_level": "1"},
    )
    # The yardstick repeats a spacing that the fees would eat as the smallest one that pays; here it is varied anew.
    more = tuple(str(Decimal(spacing) + Decimal("0.0125")) for spacing in spacings[: 33 - len(spacings)])
    spaced = spacings + more if options.configurations == PIECE else closer(-(-options.configurations // len(levels)))
    return Task(ground=ground, space=Space((Axis("spacing_perc", spaced), Axis("initial_levels", levels))))


def closer(count: int) -> tuple[str, ...]:
    """Return that many spacings in percent, evenly from the smallest that pays to 2 %."""
    step = (2 - SMALLEST_SPACING) / (count - 1)
    return tuple(str((SMALLEST_SPACING + step * number).quantize(Decimal("0.0001"))) for number in range(count))


if __name__ == "__main__":
    sys.exit(main())
