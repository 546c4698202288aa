"""Options that every start script and entry point shares: one table for the command line, the environment and help."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

from config.catalogue import all_keys, shown
from config.mistakes import ConfigError, Mistake

ENVIRONMENT_PREFIX = "GRIDHIVE_"
TEST_PREFIX = "GRIDHIVE_TEST_"  # read by the tests alone


@dataclass(frozen=True, slots=True)
class Option:
    """One option. `sets` is the value a switch writes into its key; None means that the option takes a value."""

    name: str
    group: str
    key: str
    help: str
    metavar: str = ""
    sets: bool | None = None
    many: bool = False

    @property
    def flag(self) -> str:
        return f"--{self.name}"

    @property
    def variable(self) -> str:
        """Return the environment variable that says the same."""
        return ENVIRONMENT_PREFIX + self.name.replace("-", "_").upper()

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.key.split(".")) if self.key else ()


SERVER, TRADING, MARKET, STORAGE = "Server", "Trading", "Market in Shadow", "Storage and log"
SYMBOLS_OF_FILES = "recorded candles or trades, each PATH or [spot:|um:]SYMBOL=PATH"

OPTIONS: tuple[Option, ...] = (
    Option("host", SERVER, "server.host", "address the API listens on", "ADDRESS"),
    Option("port", SERVER, "server.port", "port of the API; 0 takes a free one", "N"),
    Option("data-dir", SERVER, "server.data_dir", "folder for books and state; logs lie under it too", "DIR"),
    Option("config", SERVER, "", "configuration file", "FILE"),
    Option("mode", TRADING, "operation_mode", "shadow, testnet or production", "MODE"),
    Option("confirm-production", TRADING, "confirm_production", "needed for production: real money", sets=True),
    Option("no-autostart", TRADING, "trading.autostart", "start no first grid by itself", sets=False),
    Option("market", MARKET, "simulator.market", "auto, live, replay or synthetic", "KIND"),
    Option("replay", MARKET, "simulator.replay", SYMBOLS_OF_FILES, "FILE", many=True),
    Option("from", MARKET, "simulator.from", "start of the stretch that is played", "TIME"),
    Option("to", MARKET, "simulator.to", "end of the stretch that is played", "TIME"),
    Option("at", MARKET, "simulator.at", "now shifts the recording so that it begins now", "now"),
    Option("speed", MARKET, "simulator.speed", "market seconds per second, or max", "X"),
    Option("seed", MARKET, "simulator.seed", "seed of the synthetic market", "N"),
    Option("faults", MARKET, "simulator.faults", "plan by which the simulator misbehaves", "FILE"),
    Option("exchange-url", MARKET, "simulator.exchange_url", "spot address of a running simulator", "URL"),
    Option("exchange-futures-url", MARKET, "simulator.exchange_futures_url", "its futures address", "URL"),
    Option("database-url", STORAGE, "database.url", "address of the books", "URL"),
    Option("redis-url", STORAGE, "redis.url", "address of a Redis for other processes", "URL"),
    Option("archive-url", STORAGE, "backtest.archive_url", "address of the archives that back-tests load", "URL"),
    Option("log-level", STORAGE, "logging.level", "DEBUG, INFO, WARNING, ERROR or CRITICAL", "LEVEL"),
)


class _Parser(argparse.ArgumentParser):
    """Tells what is wrong as a configuration mistake instead of leaving the process."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError([Mistake("command line", "", message, "see --help")])


def build_parser(program: str, description: str) -> argparse.ArgumentParser:
    """Return the parser; its help names each option's variable, key and default. Values stay text."""
    parser = _Parser(
        prog=program,
        description=description,
        epilog="An option wins over the environment, the environment over .env, .env over the file.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    groups = {name: parser.add_argument_group(name) for name in (SERVER, TRADING, MARKET, STORAGE)}
    for option in OPTIONS:
        _add(groups[option.group], option)
    return parser


def parse_options(parser: argparse.ArgumentParser, argv: Sequence[str]) -> tuple[dict[Option, object], list[Mistake]]:
    """Return the options that were given, as text, and a mistake for each word that is no option."""
    values, unknown = parser.parse_known_args(list(argv))
    given = {option: getattr(values, option.name) for option in OPTIONS}
    flags = [option.flag for option in OPTIONS]
    mistakes = []
    for word in unknown:
        near = get_close_matches(word.partition("=")[0], flags, n=1)
        remedy = f"did you mean {near[0]}?" if near else "see --help"
        mistakes.append(Mistake("command line", word.partition("=")[0], "is not an option", remedy))
    return {option: value for option, value in given.items() if value is not None}, mistakes


def _add(group: argparse._ArgumentGroup, option: Option) -> None:
    words = f"{option.help}  [{option.variable}; {_origin(option)}]".replace("%", "%%")
    if option.sets is not None:
        group.add_argument(option.flag, dest=option.name, action="store_const", const="true", help=words)
    elif option.many:
        group.add_argument(
            option.flag, dest=option.name, nargs="+", action="extend", metavar=option.metavar, help=words
        )
    else:
        group.add_argument(option.flag, dest=option.name, metavar=option.metavar, help=words)


def _origin(option: Option) -> str:
    if not option.key:
        return "default src/config/config.yaml"
    default = shown(all_keys()[option.path].default)
    return f"{option.key}; default {default or 'none'}"
