"""The words of `search`, and what they mean."""

import argparse
from collections.abc import Sequence
from typing import Final

from backtest.command_options import (
    FUTURES_FEES,
    add_assumptions,
    add_contract,
    add_grid,
    add_market,
    add_result_as_json,
    add_resumable,
    new_parser,
)
from backtest.grid_config import GRID_KEYS
from backtest.sweep.options import add_max_time, add_varied, parse_or_resume

TRIALS: Final = 200
OWN: Final = ("out", "resume", "threads", "as_json", "trials", "max_time")
"""Words that say how it is done, or for how long."""
_EPILOG: Final = """\
examples:
  {program} --symbol BTCUSDT --from 2024-01 --to 2024-12 --capital 10000 \\
      --vary spacing_perc=0.1..5 --vary initial_levels=3..60 --trials 300 --walk-forward 6 --embargo 1d --out search
  {program} ... --objective profit,drawdown        several aims, with their Pareto front
  {program} --resume search --trials 600           go on, with more trials

One aim is searched for by TPE, several by NSGA-II (Optuna). Values: KEY=a..b (all between), and those of `sweep`. Keys:
{keys}. More: docs/backtest-sweep.md
"""


def parse(words: Sequence[str], program: str) -> argparse.Namespace:
    """Read the command line; `--help` and mistakes in it end the process, as argparse does."""
    parser = new_parser(
        program,
        "Search a grid's parameters over recorded candles, and tell whether what was found is luck.",
        _EPILOG.format(program=program, keys=", ".join(GRID_KEYS)),
    )
    add_market(parser.add_argument_group("market"), needs_symbol=False)
    add_grid(parser.add_argument_group("grid and account"))
    add_contract(parser.add_argument_group("futures"))
    add_varied(parser.add_argument_group("what is searched"), draws=False)
    _add_walk(parser.add_argument_group("walk-forward"))
    add_assumptions(parser.add_argument_group("assumptions"), fees=None, on_futures=f", on futures {FUTURES_FEES}")
    _add_work(parser.add_argument_group("work and result"))
    return parse_or_resume(parser, words)


def _add_walk(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--walk-forward", type=int, metavar="N", help="search in N windows, each judged in the one after it"
    )
    group.add_argument(
        "--embargo", default="0s", metavar="TIME", help="left out between the two, e.g. 1d (%(default)s)"
    )
    group.add_argument(
        "--train", type=int, default=3, metavar="X", help="windows to search are X times as long (%(default)s)"
    )
    group.add_argument("--anchored", action="store_true", help="all windows to search begin at the first candle")


def _add_work(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--trials", type=int, metavar="N", help=f"configurations to try per window ({TRIALS})")
    add_resumable(group, "search")
    add_max_time(group)
    add_result_as_json(group)
