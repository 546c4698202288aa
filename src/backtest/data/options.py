"""The words of `data`, and help that teaches them."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from ports.archives import Recording

_EPILOG: Final = """\
examples:
  {program} get BTCUSDT --from 2023-01                       1-minute candles of the spot market until today
  {program} get BTC/USDT --interval 5m --from 2023-01 --to 2023-12 --market um
  {program} get BTCUSDT --kind funding --from 2023-01        funding rates (of futures, always)
  {program} get BTCUSDT --kind aggTrades --from 2024-08-05 --to 2024-08-05
  {program} import BTCUSDT-1m-2023-*.zip                     archives fetched elsewhere, checksums beside them
  {program} import candles.csv --symbol ETHUSDT              any CSV, Parquet or feather file with named columns
  {program} gaps BTCUSDT                                     what is missing
  {program} drop BTCUSDT --interval 5m

Stored is below DATA_DIR/market, found as the server finds it: option, GRIDHIVE_... variable, .env, file, default.
More: docs/backtest-data.md
"""


_Add = Callable[[str, str, str], argparse.ArgumentParser]


def parse(words: Sequence[str], program: str) -> argparse.Namespace:
    """Read the command line; `--help` and mistakes in it end the process, as argparse does."""
    shared = _shared()
    parser = argparse.ArgumentParser(
        prog=program,
        description="Get, import and look at recorded markets.",
        epilog=_EPILOG.format(program=program),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, short: str, long: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, parents=[shared], help=short, description=long)

    _add_get(command)
    _add_import(command)
    _add_looking(command)
    return parser.parse_args(list(words))


def _shared() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data-dir", metavar="DIR", help="the data folder; recordings lie in its folder market")
    shared.add_argument("--config", metavar="FILE", help="the configuration file")
    shared.add_argument("--json", dest="as_json", action="store_true", help="print one JSON object instead of text")
    return shared


def _add_get(command: _Add) -> None:
    get = command(
        "get",
        "from Binance's public archives",
        "Get recordings from Binance's public archives: files of whole months, and of days where a month is not over "
        "or not wanted whole. Checksums are verified; what is stored already is skipped; what was broken off goes on.",
    )
    get.add_argument("symbol", metavar="SYMBOL", help="BTCUSDT or BTC/USDT")
    _add_series(get)
    get.add_argument("--from", dest="start", required=True, metavar="TIME", help="2023-01 or 2023-01-15")
    get.add_argument("--to", dest="end", metavar="TIME", help="the last month or day, included; default: yesterday")
    get.add_argument("--replace", action="store_true", help="get everything anew and overrule what is stored")
    get.add_argument("--archive-url", metavar="URL", help="address of the archives, or of a mirror")
    get.add_argument(
        "--list-urls", action="store_true", help="only print what would be asked for, to fetch it elsewhere"
    )


def _add_import(command: _Add) -> None:
    bring = command(
        "import",
        "from files you have",
        "Check files and store them: CSV (also .csv.gz, or Binance's own .zip), Parquet or feather, with Binance's "
        "columns or with named ones. All are checked before anything is stored. Binary floats become 8 decimals.",
    )
    bring.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="checked by FILE.CHECKSUM if that lies beside"
    )
    bring.add_argument("--symbol", metavar="SYMBOL", help="default: what the file's name begins with")
    _add_series(bring, told_by_files=True)
    bring.add_argument(
        "--time-unit", choices=("s", "ms", "us", "ns"), help="of times that are numbers; default: by size"
    )
    bring.add_argument("--tick", metavar="PRICE", help="round prices that are binary floats to multiples of this")
    bring.add_argument("--sort", action="store_true", help="sort rows and drop equal repeats instead of refusing them")
    bring.add_argument("--replace", action="store_true", help="overrule stored rows that say otherwise")


def _add_looking(command: _Add) -> None:
    command("list", "what is stored", "List every recording: how far it reaches and how large it is.")
    gaps = command(
        "gaps", "what is missing", "List what is missing in recordings of a symbol. Leaves with 1 if anything is."
    )
    drop = command("drop", "delete recordings", "Delete recordings of a symbol: one, or --all that there are.")
    for looking in (gaps, drop):
        looking.add_argument("symbol", metavar="SYMBOL", help="BTCUSDT or BTC/USDT")
        _add_series(looking, told_by_files=True)
        looking.add_argument("--from", dest="start", metavar="TIME", help="2023-01, 2023-01-15 or 2023-01-15T14:30")
        looking.add_argument("--to", dest="end", metavar="TIME", help="a month or day is meant whole")
    drop.add_argument(
        "--all", dest="every", action="store_true", help="all markets, kinds and intervals that are not named"
    )


def _add_series(parser: argparse.ArgumentParser, *, told_by_files: bool = False) -> None:
    """Add the words that name a series; they have no default where files or the store tell them."""
    words = (
        ("--market", "spot or um (USD-M futures)", "spot"),
        ("--kind", ", ".join(Recording), "klines"),
        ("--interval", "of candles: 1s to 1d", "1m"),
    )
    for flag, text, default in words:
        told = text if told_by_files else f"{text}; default {default}"
        parser.add_argument(flag, metavar=flag[2:].upper(), help=told)
