"""The command line of back-tests: `python -m backtest --help`."""

import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from backtest.outside import Outside
from config.mistakes import ConfigError
from config.settings import Settings
from domain.errors import Conflict, InvalidRequest, TradingError
from domain.instrument import Instrument, InstrumentRules
from ports.archives import Archives
from ports.books import Books
from ports.store import StoreFailed
from utils.clock import SystemClock

PROGRAM: Final = "python -m backtest"
MISTAKEN: Final = 2
INTERRUPTED: Final = 130


class Command(Protocol):
    """What a module of a command offers: its words to an exit code. Errors of these kinds are told in one sentence."""

    def main(self, words: Sequence[str], program: str, outside: Outside) -> int: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A command's module, imported when it is asked for, and what it does."""

    module: str
    help: str


COMMANDS: Final[Mapping[str, Entry]] = {
    "data": Entry("backtest.data.command", "get, import and look at recorded candles, trades and funding rates"),
    "run": Entry("backtest.command_run", "replay one grid over recorded candles, with a report"),
    "parity": Entry("backtest.parity.command", "hold a grid's own fills against a replay, and calibrate the queue"),
    "sweep": Entry("backtest.sweep.command", "try thousands of grids over recorded candles"),
    "portfolio": Entry("backtest.portfolio.command", "replay several grids on several symbols of one account"),
    "search": Entry("backtest.search.command", "search the best parameters, walk-forward, with the odds of luck"),
}
HELP: Final = """\
usage: {program} COMMAND ...

Replay the live grid's own decisions over recorded markets.

commands:
{commands}

examples:
  {program} data get BTCUSDT --from 2023-01         a market's candles from Binance's public archives
  {program} data list                               what is stored
  {program} run --symbol BTCUSDT --set initial_levels=20 --set spacing_perc=0.5 --capital 10000
  {program} sweep --symbol BTCUSDT --capital 10000 --vary spacing_perc=0.2..2:40 --vary initial_levels=3..40 --out s
  {program} parity --symbol BTCUSDT                 what a grid did, beside what a replay of it does
  {program} COMMAND --help                          the words of a command

It leaves with 0 when all is well, 1 when not, 2 for a mistake in the command, its files or the configuration.
"""


def main() -> int:
    """Run one command; return the exit code. What cannot be done is told in one sentence."""
    name, words = (sys.argv[1] if len(sys.argv) > 1 else "--help"), sys.argv[2:]
    if name in {"-h", "--help"}:
        print(_help())  # noqa: T201
        return 0
    if name not in COMMANDS:
        print(f"{PROGRAM}: {name!r} is no command; there are {', '.join(COMMANDS)}", file=sys.stderr)  # noqa: T201
        return MISTAKEN
    program = f"{PROGRAM} {name}"
    try:
        command = cast("Command", importlib.import_module(COMMANDS[name].module))
        outside = Outside(archives=_archives, now_ms=SystemClock().wall_ms, parse_rules=_parse_rules, books=_books)
        return command.main(words, program, outside)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    except TradingError as error:
        print(f"{program}: {error}", file=sys.stderr)  # noqa: T201
        return MISTAKEN if isinstance(error, InvalidRequest) else 1
    except BrokenPipeError:  # whoever read our output has left
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        print(f"{program}: stopped; what is finished stays, ask again to go on", file=sys.stderr)  # noqa: T201
        return INTERRUPTED


def _help() -> str:
    lines = (f"  {name:<10} {entry.help}" for name, entry in COMMANDS.items())
    return HELP.format(program=PROGRAM, commands="\n".join(lines)).rstrip()


def _archives(address: str) -> Archives:
    from adapters.binance.archives import BinanceArchives  # noqa: PLC0415 - most commands need no network

    return BinanceArchives.of_user(address)


def _parse_rules(instrument: Instrument, row: Mapping[str, Any]) -> InstrumentRules:
    from adapters.binance.parsing import parse_rules  # noqa: PLC0415

    return parse_rules(instrument, row)


def _books(settings: Settings) -> Books:
    from adapters.data_folder import DataFolder  # noqa: PLC0415 - most commands need no database

    url = settings.database.url
    try:
        reader = DataFolder(settings.server.data_dir, url.get_secret_value() if url else None).reader()
    except StoreFailed as error:
        raise Conflict(str(error)) from error
    if reader.problems:
        reader.close()
        raise Conflict(f"the books are damaged: {reader.problems[0]}; restore a backup")
    return reader


if __name__ == "__main__":
    sys.exit(main())
