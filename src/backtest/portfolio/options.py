"""The words of `portfolio`, and what they mean."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal, localcontext
from pathlib import Path
from typing import Any, Final

from backtest.command_options import add_assumptions, add_bounds, add_result, add_store, add_window, new_parser
from backtest.data.series import parse_symbol, refuse
from backtest.grid_config import parse_grid, read_config_file
from backtest.run_options import BNB_FOLLOWS_MARKET, balances_of, parse_capital, parse_delays, parse_fees, parse_fill
from backtest.scenario import PathRule
from backtest.study import Assumptions
from domain.errors import FieldMistake, InvalidRequest
from domain.grids import GridRequest
from domain.instrument import Instrument
from domain.money import UNIT
from ports.archives import Recording

_EPILOG: Final = """\
examples:
  {program} --grid-of BTCUSDT=btc.yaml --grid-of ETHUSDT=eth.yaml --capital 20000 --from 2024-01 --to 2024-06
  {program} --grids portfolio.yaml --capital 20000 --max-exposure 15000 --out result
  {program} ... --data-of BTCUSDT=btc.csv --data-of ETHUSDT=eth.csv
  {program} ... --trades --latency 200 --orders-per-10s 50

A file of --grid-of holds one grid's keys; one of --grids holds them under each symbol. The keys are those of `run`. A
grid that names neither capital nor quantity_per_level is planned with an equal share. More: docs/backtest-portfolio.md
"""


def parse(words: Sequence[str], program: str) -> argparse.Namespace:
    """Read the command line; `--help` and mistakes in it end the process, as argparse does."""
    parser = new_parser(
        program, "Replay several grids on several symbols that share one account.", _EPILOG.format(program=program)
    )
    _add_grids(parser.add_argument_group("grids and account"))
    _add_markets(parser.add_argument_group("markets"))
    add_assumptions(parser.add_argument_group("assumptions"))
    result = parser.add_argument_group("result")
    add_bounds(result)
    add_result(result, "result.json", "result.json, report.html and tables")
    return parser.parse_args(list(words))


def _add_grids(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--grid-of", action="append", default=[], metavar="SYMBOL=FILE", help="YAML with the keys of a symbol's grid"
    )
    group.add_argument("--grids", type=Path, metavar="FILE", help="YAML with the keys of every grid under its symbol")
    group.add_argument("--capital", required=True, metavar="AMOUNT", help="quote on the account, shared by all grids")


def _add_markets(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--data-of",
        action="append",
        default=[],
        metavar="SYMBOL=FILE",
        help="CSV, Parquet or feather of a symbol's candles or trades",
    )
    add_window(group)
    group.add_argument(
        "--trades",
        nargs="?",
        const="any",
        choices=("any", Recording.TRADES.value, Recording.AGG_TRADES.value),
        help="replay single trades instead of candles; of the store those that are there, or the kind that is named",
    )
    add_store(group)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Each symbol's keys, and its file of candles where one is named."""

    grids: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, Path]


def wanted_of(given: argparse.Namespace) -> Wanted:
    """Return the grids that the words name.

    Raises:
        InvalidRequest: naming `grid_of`, `grids` or `data_of`.
    """
    grids: dict[str, Mapping[str, Any]] = {}
    if given.grids is not None:
        for name, keys in read_config_file(given.grids).items():
            if not isinstance(keys, dict):
                refuse("grids", f"{given.grids}: {name} must hold a grid's keys; write a symbol, and its keys below it")
            _add(grids, "grids", parse_symbol(name), keys)
    for symbol, file in _files("grid_of", given.grid_of):
        _add(grids, "grid_of", symbol, read_config_file(file))
    if not grids:
        refuse("grid_of", "which grids? Say --grid-of BTCUSDT=btc.yaml for each, or --grids FILE")
    files: dict[str, Path] = {}
    for symbol, file in _files("data_of", given.data_of):
        if symbol not in grids:
            refuse("data_of", f"no grid trades {symbol}; there are {', '.join(grids)}")
        _add(files, "data_of", symbol, file)
    return Wanted(grids, files)


def _files(field: str, words: Sequence[str]) -> list[tuple[str, Path]]:
    found = []
    for word in words:
        symbol, sign, file = word.partition("=")
        if not sign or not file:
            refuse(field, f"{word!r} is no SYMBOL=FILE; write e.g. BTCUSDT=btc.yaml")
        found.append((parse_symbol(symbol), Path(file)))
    return found


def _add(found: dict[str, Any], field: str, symbol: str, what: object) -> None:
    if symbol in found:
        refuse(field, f"{symbol} is named twice; two grids of one symbol could meet each other's orders")
    found[symbol] = what


def assumed_of(given: argparse.Namespace, instrument: Instrument) -> Assumptions:
    """Return what is assumed of the account and of all markets.

    Raises:
        InvalidRequest: naming `capital`, `fees`, `bnb`, `fill`, `latency` or `orders_per_10s`.
    """
    delays = parse_delays(given)
    fees = parse_fees(given.fees, given.bnb_price)
    bnb = None if given.bnb_price == BNB_FOLLOWS_MARKET else given.bnb  # counted once its market is read
    balances = balances_of(instrument, parse_capital(given.capital), fees, bnb)
    fill, path = parse_fill(given.fill), PathRule(given.path)
    return Assumptions(balances=balances, fees=fees, fill=fill, path=path, delays=delays)


def requests_of(
    grids: Mapping[str, Mapping[str, Any]], instruments: Mapping[str, Instrument], capital: Decimal
) -> dict[str, GridRequest]:
    """Return each symbol's grid; one that names no size is planned with an equal share of the capital.

    Raises:
        InvalidRequest: with every mistake in every grid, named `SYMBOL.key`.
    """
    with localcontext(prec=60):
        share = (capital / len(grids)).quantize(UNIT, ROUND_FLOOR)
    mistakes, requests = [], {}
    for symbol, keys in grids.items():
        try:
            request = parse_grid(keys, instruments[symbol])
        except InvalidRequest as error:
            mistakes += named(symbol, error)
            continue
        has_size = request.capital is not None or request.quantity is not None
        requests[symbol] = request if has_size else replace(request, capital=share)
    if mistakes:
        raise InvalidRequest(mistakes)
    return requests


def named(symbol: str, error: InvalidRequest) -> list[FieldMistake]:
    """Return the mistakes with the symbol before their fields."""
    return [replace(mistake, field=f"{symbol}.{mistake.field}") for mistake in error.mistakes]
