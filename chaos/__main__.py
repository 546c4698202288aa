"""Crash the trading code at every boundary, under every fault, and count what was doubled, orphaned or lost.

python -m chaos --runs 10000 --seed 1
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from chaos.bugs import BUGS
from chaos.campaign import Bench, Tally, place_for_databases, play, quiet
from chaos.report import failing_line, show_table, write_markdown, write_summary
from domain.instrument import Market

MARKETS: Final = {"spot": Market.SPOT, "um": Market.FUTURES}


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 where every run held, 1 where one failed."""
    options = _options(arguments)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    quiet()
    if options.verbose:
        return _replay(console, options)
    return _campaign(console, options)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--runs", type=_positive, default=300, help="how many seeds to play (default 300)")
    parser.add_argument("--seed", type=int, default=1, help="the first of them (default 1)")
    parser.add_argument("--market", choices=sorted(MARKETS), help="play all seeds on it (default: even seeds on um)")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the event log of each run")
    parser.add_argument("--plant", choices=sorted(BUGS), default="", help="plant a mistake that has to be found")
    parser.add_argument("--processes", type=_positive, default=os.cpu_count() or 1, help="default: one per core")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was counted")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table for docs/chaos.md")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _replay(console: Console, options: argparse.Namespace) -> int:
    failed = 0
    with place_for_databases() as folder:
        bench = Bench(folder, options.plant, MARKETS.get(options.market))
        for number in range(options.seed, options.seed + options.runs):
            outcome = bench.run(number, console.print)
            console.print(f"seed {number}: {outcome.reason or 'held'}")
            failed += bool(outcome.reason)
    return 1 if failed else 0


def _campaign(console: Console, options: argparse.Namespace) -> int:
    market, started_s = MARKETS.get(options.market), time.monotonic()
    tally = Tally(markets=tuple(Market) if market is None else (market,))
    columns = (TextColumn("chaos"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[bad]} failed"))
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task("runs", total=options.runs, bad=0)
        seeds = range(options.seed, options.seed + options.runs)
        processes = min(options.processes, options.runs)
        for outcome in play(seeds, processes=processes, bug=options.plant, market=market):
            tally.add(outcome)
            if outcome.reason:
                progress.console.print(failing_line(outcome.seed, outcome.reason, options.plant, options.market))
            progress.update(task, advance=1, bad=len(tally.failed))
    seconds = time.monotonic() - started_s
    show_table(console, tally)
    console.print(
        f"{tally.runs} runs ({tally.on_contracts} of them on a contract, {tally.twins} beside an undisturbed twin), "
        f"{sum(tally.deaths.values())} deaths, {tally.orders} orders, {tally.trades} trades, {tally.payments} funding "
        f"payments in {seconds:.0f} s: {len(tally.failed)} failed"
    )
    if options.json:
        write_summary(options.json, tally, first_seed=options.seed, seconds=seconds)
    if options.markdown:
        write_markdown(options.markdown, tally)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
