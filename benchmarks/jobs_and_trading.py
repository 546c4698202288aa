"""Whether trading feels long work: how long a fill waits for its counter-order, without and with jobs that burn.

    PYTHONPATH=src .venv/bin/python benchmarks/jobs_and_trading.py [--rounds 5] [--fills 40]

Measured from outside as in start_up.py: from the arrival of a fill's report to the arrival of the report that the
exchange accepted the counter-order. Each round measures three times beside one running server: alone; with one job per
processor that does nothing but compute, run as the server runs its jobs; and with the same jobs at the priority of any
other process, to show what theirs is worth. The last line is JSON.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

from pydantic import BaseModel
from start_up import START, Server, ask, open_orders, write_config, write_standing_market, zigzag

from adapters.jobs.kinds import JobKind, JobLimits
from adapters.jobs.queue import ChildJobs
from ports.jobs import Progress, progress_line
from utils.clock import SystemClock

HERE = Path(__file__).resolve().parent
PROCESSORS = os.cpu_count() or 1
CONDITIONS = ("alone", "with jobs", "with jobs at normal priority")


class Nothing(BaseModel):
    """A burning job needs no parameters."""


def burn() -> None:
    print(progress_line(Progress(0.0, "burning")), flush=True)
    while True:
        sum(range(100_000))


@contextmanager
def burning(folder: Path, condition: str) -> Iterator[None]:
    """Keep every processor busy with jobs for as long as the with block lasts."""
    if condition == CONDITIONS[0]:
        yield
        return
    limits = JobLimits(running=PROCESSORS, free_disk_bytes=0, in_background=condition == CONDITIONS[1])
    kinds = {"burn": JobKind(module=Path(__file__).stem, parameters=Nothing, results=())}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE)}
    jobs = ChildJobs(
        folder / "jobs", HERE.parent / "src", lambda: environment, SystemClock(), kinds=kinds, limits=limits
    )
    jobs.start()
    try:
        ids = [jobs.submit("burn", {}).job_id for _ in range(PROCESSORS)]
        while not all(jobs.job(job_id).progress.doing for job_id in ids):
            time.sleep(0.05)
        yield
    finally:
        jobs.close()


def measure(rounds: int, fills: int) -> dict[str, list[float]]:
    """Return the ms of every fill by condition."""
    found: dict[str, list[float]] = {condition: [] for condition in CONDITIONS}
    with tempfile.TemporaryDirectory(prefix="gridhive-jobs-") as name:
        folder = Path(name)
        write_standing_market(folder / "BTCUSDT.csv")
        write_config(folder / "config.yaml")
        options = ("--market", "replay", "--replay", f"BTCUSDT={folder / 'BTCUSDT.csv'}", "--speed", "0.05")
        with Server(folder, *options, "--config", str(folder / "config.yaml")) as server:
            exchange = server.exchange()

            def print_trade(price: float) -> None:
                ask(f"{exchange}/admin/print", {"symbol": "BTCUSDT", "price": f"{price:.2f}", "qty": "50"})

            while open_orders(exchange) < 9:
                print_trade(START)
                server.pause()
            url = f"ws{exchange.removeprefix('http')}/ws-api/v3"
            for round_number in range(rounds):
                for condition in CONDITIONS[round_number % 3 :] + CONDITIONS[: round_number % 3]:
                    with burning(folder / "burning", condition):
                        found[condition] += zigzag(url, fills, print_trade)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fills", type=int, default=40, help="an even number")
    arguments = parser.parse_args()
    if arguments.fills < 2 or arguments.fills % 2:
        parser.error("--fills must be even: after an odd number the price stands where no order waits")
    told = {}
    for condition, latencies in measure(arguments.rounds, arguments.fills).items():
        p99 = quantiles(latencies, n=100)[98]
        told[condition] = {"median": round(median(latencies), 2), "p99": round(p99, 2)}
        print(f"{condition:<30} {median(latencies):7.1f} ms median {p99:8.1f} ms p99 of {len(latencies)}")
    print(json.dumps({"benchmark": "jobs_and_trading", "fill_to_counter_order_ms": told, "processors": PROCESSORS}))


if __name__ == "__main__":
    if len(sys.argv) == 2 and (Path(sys.argv[1]) / "parameters.json").exists():
        burn()
    main()
