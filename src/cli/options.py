"""The words of the command line, and help that teaches them."""

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bootstrap.data_folder import DataFolder, data_folder_of

PROGRAM: Final = "python -m cli"
_SHARED: Final = ("data-dir", "config", "database-url")
_HELP_OF_SHARED: Final = {
    "data-dir": "the server's data folder",
    "config": "the server's configuration file",
    "database-url": "address of the books, where they are not in the data folder",
}
_EPILOG: Final = """\
examples:
  python -m cli status                             is it up, can it trade, and if not: why?
  python -m cli status --data-dir other            the instance on another data folder
  python -m cli pause BTCUSDT                      buy nothing more for now; what is held goes on being offered
  python -m cli resume BTCUSDT                     go on
  python -m cli stop BTCUSDT --on-stop unwind      end a grid and sell what it holds
  python -m cli jobs                               back-tests and other long work; then: jobs log ID, jobs cancel ID
  python -m cli backup --to /media/usb/books.db    copy the books while they are in use
  python -m cli restore data/backups/gridhive-20261120T063000Z.db
  python -m cli verify --json                      for a timer: leaves with 1 if anything does not add up

It leaves with 0 when all is well, 1 when not, 2 for a mistake in the command or the configuration.
The folder is found as the server finds it: option, GRIDHIVE_... variable, .env, file, default. More: docs/operations.md
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One command as it was given."""

    command: str
    folder: DataFolder
    as_json: bool = False
    symbol: str = ""
    market_type: str | None = None
    on_stop: str = "cancel"
    keep: str = "exits"
    file: Path | None = field(default=None)
    action: str = "list"
    job_id: str = ""
    client_id: str = ""


def parse(words: list[str]) -> Wanted:
    """Read the command line; `--help` and mistakes in it end the process, as argparse does.

    Raises:
        ConfigError: if environment, file or options cannot be used.
    """
    parser = _parser()
    given = parser.parse_args(words)
    if given.command == "jobs" and (given.action == "list") == bool(given.job_id):
        parser.error("jobs list takes no ID" if given.job_id else f"jobs {given.action} needs the ID of a job")
    pairs = [(f"--{name}", getattr(given, name.replace("-", "_"))) for name in _SHARED]
    options = [word for flag, value in pairs if value is not None for word in (flag, value)]
    return Wanted(
        command=given.command,
        folder=data_folder_of(options, PROGRAM),
        as_json=given.as_json,
        symbol=getattr(given, "symbol", ""),
        market_type=getattr(given, "market_type", None),
        on_stop=getattr(given, "on_stop", "cancel"),
        keep=getattr(given, "keep", "exits"),
        file=getattr(given, "file", None),
        action=getattr(given, "action", "list"),
        job_id=getattr(given, "job_id", None) or "",
        client_id=getattr(given, "client_id", ""),
    )


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    for name in _SHARED:
        shared.add_argument(f"--{name}", metavar=name.rpartition("-")[2].upper(), help=_HELP_OF_SHARED[name])
    shared.add_argument("--json", dest="as_json", action="store_true", help="print one JSON object instead of text")
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Look after a Gridhive server and its data folder.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, short: str, long: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, parents=[shared], help=short, description=long)

    command(
        "status",
        "is it up and can it trade",
        "Ask the server that runs on the data folder how every part fares. Without one, tell what the folder holds. "
        "Leaves with 0 if trading can go on, 1 if not, 3 if no server runs.",
    )
    command("grids", "all grids and their books", "List the grids of every account with their books, from the store.")
    order = command(
        "order",
        "what became of one order",
        "Tell from the store what an order was for, every status it was told to have, and its fills.",
    )
    order.add_argument("client_id", metavar="CLIENT_ID", help="as the venue, the log and the API name it: gh-...")
    pause = command(
        "pause",
        "take a grid's entries off the book",
        "Ask the running server to take a grid's entries off the book until it is resumed, over restarts too.",
    )
    pause.add_argument(
        "--keep",
        choices=("exits", "nothing"),
        default="exits",
        help="what stays on the book: the orders that close what is held (default), or nothing",
    )
    resume = command("resume", "let a paused grid go on", "Ask the running server to let a paused grid go on.")
    stop = command("stop", "end a grid for good", "Ask the running server to end a grid for good.")
    for changes in (pause, resume, stop):
        changes.add_argument("symbol", metavar="SYMBOL", help="BTCUSDT or BTC/USDT")
        changes.add_argument("--market-type", choices=("spot", "futures"), help="which one, where both markets run")
    stop.add_argument(
        "--on-stop",
        choices=("cancel", "keep", "unwind"),
        default="cancel",
        help="cancel its orders (default), keep them resting, or cancel and sell what it holds",
    )
    jobs = command(
        "jobs",
        "back-tests and other long work",
        "List the running server's long work, read what a job's processes said, or end a job.",
    )
    jobs.add_argument("action", nargs="?", choices=("list", "log", "cancel"), default="list", help="default: list")
    jobs.add_argument("job_id", nargs="?", metavar="ID", help="of log and cancel: which job, as the list tells")
    backup = command(
        "backup", "copy the books", "Copy the books, with or without a server at work on them, and check the copy."
    )
    backup.add_argument(
        "--to", dest="file", type=Path, metavar="FILE", help="a new file; default: DATA_DIR/backups/manual-TIME.db"
    )
    restore = command(
        "restore",
        "put a copy back",
        "Put a copy in place of the books. Refuses while a server holds the data folder. What is replaced is kept in "
        "DATA_DIR/replaced; the epoch is raised, so that no order id is used twice.",
    )
    restore.add_argument("file", type=Path, metavar="FILE", help="a copy, e.g. from DATA_DIR/backups")
    command(
        "verify",
        "do the books add up",
        "Check the database file and rebuild every grid's books from the store alone. Leaves with 1 if anything is "
        "wrong; a server may be at work meanwhile.",
    )
    return parser
