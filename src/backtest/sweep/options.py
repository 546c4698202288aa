"""The words of `sweep`, and what they mean."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

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
from backtest.data.series import parse_market, refuse
from backtest.funding_history import NONE, STORED
from backtest.grid_config import GRID_KEYS
from backtest.objectives import OBJECTIVES
from backtest.rules_source import BUILT_IN
from backtest.run_options import (
    keys_of,
    parse_capital,
    parse_delays,
    parse_fees,
    parse_fill,
    parse_limit,
    read_all,
    usual_fees,
)
from backtest.scenario import PathRule
from backtest.sweep.axes import Axis, parse_axes
from backtest.sweep.space import Space
from backtest.sweep.trials import Account
from domain.errors import FieldMistake, InvalidRequest
from domain.instrument import InstrumentRules

_EPILOG: Final = """\
examples:
  {program} --symbol BTCUSDT --from 2024-01 --to 2024-12 --capital 10000 \\
      --vary spacing_perc=0.2..2:40 --vary initial_levels=3..40 --out sweep
  {program} ... --random 10000 --vary spacing_perc=0.1..5 --vary initial_levels=3..60 --out sweep
  {program} --resume sweep
  {program} ... --ray auto

Values: KEY=a..b:40 (40 even ones), KEY=a..b:40:log (by equal factors), KEY=a..b/0.1 (in steps), KEY=3..40 (all whole
numbers; with --random all values), KEY=a,b,c. Keys: {keys}. More: docs/backtest-sweep.md
"""
OWN: Final = ("out", "resume", "threads", "ray", "as_json", "max_time")
"""Words that say how it is done, not what."""
_PATHS: Final = ("rules", "data_dir", "config", "funding", "brackets")
"""Words that name files and folders, and are no Path yet."""


def parse(words: Sequence[str], program: str) -> argparse.Namespace:
    """Read the command line; `--help` and mistakes in it end the process, as argparse does."""
    parser = new_parser(
        program,
        "Try every combination of a grid's parameters, or a fair draw of them, over recorded candles.",
        _EPILOG.format(program=program, keys=", ".join(GRID_KEYS)),
    )
    add_market(parser.add_argument_group("market"), needs_symbol=False)
    add_grid(parser.add_argument_group("grid and account"))
    add_contract(parser.add_argument_group("futures"))
    add_varied(parser.add_argument_group("what is varied"))
    add_assumptions(parser.add_argument_group("assumptions"), fees=None, on_futures=f", on futures {FUTURES_FEES}")
    _add_work(parser.add_argument_group("work and result"))
    return parse_or_resume(parser, words)


def parse_or_resume(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """Read words that begin work, or go on with it."""
    given = parser.parse_args(list(words))
    if given.resume is None and (given.symbol is None or given.out is None or not given.vary):
        parser.error("--symbol, --vary and --out are needed, or --resume FOLDER alone")
    return given


def add_varied(group: argparse._ArgumentGroup, *, draws: bool = True) -> None:
    """Add the words for the varied keys, and how many are drawn."""
    group.add_argument("--vary", action="append", default=[], metavar="KEY=VALUES", help="a key and its values")
    if draws:
        group.add_argument("--random", type=int, metavar="N", help="draw so many combinations instead of trying all")
    group.add_argument("--seed", type=int, default=1, help="of what is drawn (%(default)s)")
    names = ", ".join(OBJECTIVES)
    told = "what the best is best in" if draws else "what to search for; several, comma between, give a Pareto front"
    group.add_argument("--objective", default="profit", metavar="NAME", help=f"{told}: {names} (%(default)s)")


def _add_work(group: argparse._ArgumentGroup) -> None:
    add_resumable(group, "sweep")
    group.add_argument("--ray", metavar="ADDRESS", help="spread over a Ray cluster: auto, HOST:PORT, ray://HOST:PORT")
    add_max_time(group)
    add_result_as_json(group)


def add_max_time(group: argparse._ArgumentGroup) -> None:
    """Add the word for the longest time that work may take."""
    group.add_argument("--max-time", metavar="TIME", help="do not begin what would take longer, e.g. 30m or 2h")


def deciding_words(given: argparse.Namespace, own: Sequence[str] = OWN) -> dict[str, Any]:
    """Return the words that decide the result, as JSON keeps them; files by their full path."""
    words = {name: value for name, value in vars(given).items() if name not in own}
    return {name: str(Path(value).resolve()) if _is_path(name, value) else value for name, value in words.items()}


def _is_path(name: str, value: object) -> bool:
    return isinstance(value, Path) or (name in _PATHS and value not in (None, BUILT_IN, STORED, NONE))


def resumed(given: argparse.Namespace, words: Mapping[str, Any], own: Sequence[str] = OWN) -> argparse.Namespace:
    """Return the words that work was begun with, done the way it is asked for now."""
    found = {
        name: Path(value) if value and name in ("data", "grid", "bnb_data") else value for name, value in words.items()
    }
    return argparse.Namespace(**{"bnb_data": None, **found}, **{name: getattr(given, name) for name in own})


def account_of(given: argparse.Namespace) -> Account:
    """Return what is assumed of account and market.

    Raises:
        InvalidRequest: with every mistake in capital, fees, fill, delays and limit.
    """
    read = read_all(
        {
            "capital": lambda: None if given.capital is None else parse_capital(given.capital),
            "fees": lambda: parse_fees(given.fees or usual_fees(parse_market(given.market)), given.bnb_price),
            "fill": lambda: parse_fill(given.fill),
            "delays": lambda: parse_delays(given),
            "max_exposure": lambda: parse_limit(given),
        }
    )
    return Account(**read, path=PathRule(given.path), bnb=given.bnb)


def base_of(given: argparse.Namespace, axes: Sequence[Axis]) -> dict[str, object]:
    """Return the keys that all configurations share.

    Raises:
        InvalidRequest: for a key that is set and varied.
    """
    base = keys_of(given)
    both = [axis.key for axis in axes if axis.key in base]
    if both:
        raise InvalidRequest([FieldMistake(key, "is both set and varied; say one of the two") for key in both])
    return base


def space_of(given: argparse.Namespace, rules: InstrumentRules) -> Space:
    """Return what is tried.

    Raises:
        InvalidRequest: with every mistake in the varied keys.
    """
    if given.random is None:
        return Space.grid(parse_axes(given.vary, rules, dense=False))
    return Space.random(parse_axes(given.vary, rules, dense=True), given.random, given.seed)


def check_threads(threads: int) -> None:
    """Refuse fewer than one.

    Raises:
        InvalidRequest: naming `threads`.
    """
    if threads < 1:
        refuse("threads", f"must be at least 1, was {threads}")
