"""Words that several commands take, each said once: a command adds those it needs to groups of its own."""

import argparse
from os import cpu_count
from pathlib import Path
from typing import Final

from backtest.data.series import MARKET_WORDS
from backtest.scenario import PathRule
from domain.futures import MarginType
from domain.grids import Direction

SPOT_FEES: Final = "0.1,0.1"
FUTURES_FEES: Final = "0.02,0.05"
"""Of an account without discount: maker and taker, in percent."""


def new_parser(program: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """Return a parser whose help keeps the lines of `epilog`; words cannot be shortened."""
    return argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_market(group: argparse._ArgumentGroup, *, needs_symbol: bool = True) -> None:
    """Add the words that say which candles of one symbol are replayed."""
    group.add_argument("--symbol", required=needs_symbol, help="as Binance writes it, e.g. BTCUSDT")
    group.add_argument("--market", choices=tuple(MARKET_WORDS), default="spot", help="spot (default) or um")
    add_window(group)
    group.add_argument("--data", type=Path, metavar="FILE", help="CSV, Parquet or feather instead of what is stored")
    add_store(group)


def add_window(group: argparse._ArgumentGroup) -> None:
    """Add the words for interval and time."""
    group.add_argument("--interval", help="of the candles; default 1m, of a file what its rows tell")
    group.add_argument("--from", dest="start", metavar="TIME", help="2024-01, 2024-01-31 or 2024-01-31T14:30 (UTC)")
    group.add_argument("--to", dest="end", metavar="TIME", help="a month or day is meant whole")


def add_store(group: argparse._ArgumentGroup) -> None:
    """Add the words that say where candles are stored, and whether some may be missing."""
    group.add_argument("--allow-gaps", action="store_true", help="replay what is there, and say what is missing")
    add_folders(group, holding=", where candles are stored")


def add_folders(group: argparse._ArgumentGroup, *, holding: str = "") -> None:
    """Add data folder and configuration file; `holding` is what of the folder matters here."""
    group.add_argument("--data-dir", metavar="DIR", help=f"the server's data folder{holding}")
    group.add_argument("--config", metavar="FILE", help="the server's configuration file")


def add_grid(group: argparse._ArgumentGroup) -> None:
    """Add the words for the grid's keys and the account's capital."""
    group.add_argument("--grid", type=Path, metavar="FILE", help="YAML with the grid's keys")
    group.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="KEY=VALUE", help="one key of the grid"
    )
    group.add_argument("--capital", metavar="AMOUNT", help="quote on the account; default: the grid's own capital")


def add_contract(group: argparse._ArgumentGroup) -> None:
    """Add the words for grids on futures."""
    group.add_argument("--direction", choices=tuple(Direction), help="neutral (default), long or short; futures alone")
    group.add_argument("--leverage", metavar="N", help="of the contract; default: 1")
    group.add_argument("--margin-type", choices=tuple(MarginType), help="cross (default) or isolated")
    group.add_argument("--funding", metavar="FILE", help="settlements: stored (default), a file of them, or none")
    group.add_argument("--brackets", metavar="FILE", help="saved leverageBracket, or builtin (default)")


def add_assumptions(
    group: argparse._ArgumentGroup, *, more_fills: str = "", fees: str | None = SPOT_FEES, on_futures: str = ""
) -> None:
    """Add the words for fees, fills, path, delays, limit and rules.

    `more_fills` are rules of this command alone; `fees` None are those of the market, which `on_futures` tells.
    """
    told = f"in percent; default: {SPOT_FEES}{on_futures}"
    group.add_argument("--fees", default=fees, metavar="MAKER,TAKER", help=told)
    group.add_argument(
        "--bnb-price",
        metavar="PRICE",
        help="pay fees in BNB, a quarter less, at this constant price, or `market`: at what its own candles tell",
    )
    group.add_argument(
        "--bnb-data", type=Path, metavar="FILE", help="candles of BNB's market instead of the stored ones"
    )
    group.add_argument("--bnb", metavar="AMOUNT", help="BNB on the account; default: worth 1 %% of the capital")
    rules = f"touch (default), through, share:5%%{more_fills}"
    group.add_argument("--fill", default="touch", metavar="RULE", help=rules)
    group.add_argument(
        "--path", choices=tuple(PathRule), default=PathRule.CANDLE, help="way within a candle (%(default)s)"
    )
    group.add_argument("--latency", metavar="MS", help="from what the grid sees to what reaches the exchange (0)")
    group.add_argument(
        "--orders-per-10s", metavar="N", help="the risk gate's max_orders_per_10s; default: no order waits"
    )
    group.add_argument(
        "--max-exposure",
        metavar="AMOUNT",
        help="the risk gate's limit, in quote: inventory at cost plus open buys; default: none",
    )
    group.add_argument(
        "--rules", metavar="FILE", help="saved exchangeInfo, or builtin; default: a server's notes, else builtin"
    )


def add_bounds(group: argparse._ArgumentGroup) -> None:
    """Add the choice to leave the other two readings out."""
    group.add_argument(
        "--bounds",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="the pessimistic and the optimistic reading too (default)",
    )


def add_result(group: argparse._ArgumentGroup, document: str, files: str) -> None:
    """Add the folder of the result, and the choice of its JSON `document` instead of the table; `files` are all."""
    group.add_argument("--out", type=Path, metavar="FOLDER", help=f"write {files} there")
    group.add_argument("--json", dest="as_json", action="store_true", help=f"print {document} instead of the table")


def add_resumable(group: argparse._ArgumentGroup, noun: str) -> None:
    """Add the folder of long work (`noun`) that can be taken up again, and how many threads do it."""
    group.add_argument("--out", type=Path, metavar="FOLDER", help="write results.parquet and report.html there")
    group.add_argument("--resume", type=Path, metavar="FOLDER", help=f"go on with the {noun} in this folder")
    group.add_argument("--threads", type=int, default=cpu_count() or 1, metavar="N", help="all cores by default")


def add_result_as_json(group: argparse._ArgumentGroup) -> None:
    """Add the choice of JSON instead of text."""
    group.add_argument("--json", dest="as_json", action="store_true", help="print the result as JSON")
