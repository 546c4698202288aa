"""`python -m backtest parity`: what a grid did, beside what a replay over the prices it saw does."""

import argparse
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from backtest.candles import BadCandles
from backtest.command_options import add_folders, add_result, new_parser
from backtest.command_result import check_folder, tell
from backtest.data.command import settings_of, store_of
from backtest.data.loading import load_candles
from backtest.data.periods import parse_window
from backtest.data.series import refuse
from backtest.outside import Outside
from backtest.parity import calibration
from backtest.parity.comparing import NothingToCompare, Parity, compare
from backtest.parity.heard import Prices, Source, prices_of_candles, prices_of_trades, read_recorded
from backtest.parity.lived import LivedGrid, read_grid
from backtest.report.facts import moment
from backtest.rules_source import find_rules
from backtest.run_options import parse_fill, parse_latency
from backtest.trade_slices import whole
from backtest.trade_study import stored_trades
from config.settings import Settings
from domain.account import Account
from domain.errors import Conflict, FieldMistake, InvalidRequest, NotFound
from domain.grids import MoveKind
from domain.instrument import InstrumentRules, Market
from ports.books import Books
from ports.heard_prices import folder_of
from ports.store import GridRow, StoreFailed

_EPILOG: Final = """\
examples:
  {program}                                   the newest grid of the data folder, also while its server runs
  {program} --symbol BTCUSDT --out result     with a report and every fill
  {program} --grid 3 --fill through           against another assumption of the queue
  {program} --latency 0                       against a replay whose orders take no time

What explains the live fills best is kept for `run --fill calibrated`. More: docs/backtest-parity.md
"""
_SHOWN_GRIDS: Final = 20
_MEASURED: Final = "measured"
_Found = tuple[Account, GridRow]


def parse(words: Sequence[str], program: str) -> argparse.Namespace:
    """Read the command line; `--help` and mistakes in it end the process, as argparse does."""
    parser = new_parser(
        program,
        "Replay what a grid lived through and compare: fills, delays, prices, equity, by level.",
        _EPILOG.format(program=program),
    )
    which = parser.add_argument_group("which grid")
    which.add_argument("--symbol", help="the newest grid on it; default: the newest of all")
    which.add_argument("--grid", type=int, metavar="ID", help="its number, as the server's API tells it")
    which.add_argument("--account", metavar="ID", help="whose, where the books hold several accounts")
    add_folders(which)
    how = parser.add_argument_group("how")
    how.add_argument("--from", dest="start", metavar="TIME", help="prices from then on; default: its whole life")
    how.add_argument("--to", dest="end", metavar="TIME", help="prices until then; a month or day is meant whole")
    how.add_argument(
        "--prices", choices=tuple(Source), help="default: its own record, else stored trades, else candles"
    )
    how.add_argument("--fill", default="touch", metavar="RULE", help="touch (default), through, or share:5%%")
    how.add_argument(
        "--latency",
        default=_MEASURED,
        metavar="MS",
        help="of the replay's orders, from what the grid sees to what reaches the exchange; default: %(default)s, as "
        "its own books tell, 0 where they do not",
    )
    how.add_argument("--rules", metavar="FILE", help="order rules of grids older than their own note of them")
    how.add_argument("--no-save", action="store_true", help="do not keep the calibration")
    add_result(parser.add_argument_group("result"), "parity.json", "parity.json and report.html")
    return parser.parse_args(list(words))


def main(words: Sequence[str], program: str, outside: Outside) -> int:
    """Run `parity WORDS` and return its exit code.

    Raises:
        TradingError: what cannot be done, in one sentence.
        ConfigError: if environment, file or options cannot be used.
    """
    given = parse(words, program)
    settings = settings_of(given, program)
    fill = parse_fill(given.fill)
    latency_ms = None if given.latency == _MEASURED else parse_latency(given.latency)
    check_folder(given.out)
    try:
        with closing(outside.books(settings)) as books:
            account, row = _chosen(given, books)
            _refuse_edited(books, account, row)
            rules = row.plan.rules or _rules(given, settings, outside, row)
            lived = read_grid(account, books, row, rules)
    except StoreFailed as error:
        raise Conflict(str(error)) from error
    try:
        found = compare(lived, _prices(given, settings, lived), fill, outside.now_ms(), latency_ms=latency_ms)
    except NothingToCompare as error:
        raise Conflict(f"grid {row.grid_id}: {error}") from None
    except BadCandles as error:
        refuse("prices", str(error))
    _tell(given, found, _keep(given, settings, found))
    return 0


def _refuse_edited(books: Books, account: Account, row: GridRow) -> None:
    if row.plan.master:
        raise Conflict(f"grid {row.grid_id} follows the price, which is not replayed over recorded prices yet")
    if any(move.kind is MoveKind.EDIT for move in books.books_of(account).moves(row.grid_id)):
        raise Conflict(f"grid {row.grid_id} was edited; a replay plays the ladder that it was started with alone")


def _chosen(given: argparse.Namespace, books: Books) -> _Found:
    every: list[_Found] = [(account, row) for account in books.accounts() for row in books.books_of(account).grids()]
    if not every:
        raise NotFound("these books hold no grid yet")
    found = [
        (account, row)
        for account, row in every
        if given.account in (None, account.id)
        and given.grid in (None, row.grid_id)
        and (given.symbol is None or f"{row.instrument.base}{row.instrument.quote}" == given.symbol.replace("/", ""))
    ]
    if not found:
        there = "; ".join(_named(*one) for one in every[-_SHOWN_GRIDS:])
        refuse("grid", f"no grid goes by these words; the newest are: {there}")
    if given.grid is not None and len(found) > 1:
        refuse(
            "account", f"several have a grid {given.grid}: {', '.join(account.id for account, _ in found)}; say which"
        )
    return max(found, key=lambda one: one[1].started_wall_ms)


def _named(account: Account, row: GridRow) -> str:
    return f"{row.grid_id} on {row.instrument.base}{row.instrument.quote} of {account.id}"


def _rules(given: argparse.Namespace, settings: Settings, outside: Outside, row: GridRow) -> InstrumentRules:
    instrument = row.instrument
    symbol = f"{instrument.base}{instrument.quote}"
    return find_rules(given.rules, symbol, instrument.market, outside.parse_rules, settings.server.data_dir).rules


def _prices(given: argparse.Namespace, settings: Settings, lived: LivedGrid) -> Prices:
    """Return the prices of the grid's life: its own record, else what the store has of it.

    Raises:
        InvalidRequest: naming `prices` if there are none.
    """
    wanted = Source(given.prices) if given.prices else None
    from_ms, until_ms = parse_window(given.start, given.end)
    if wanted in (None, Source.RECORDED):
        row = lived.row
        folder = folder_of(settings.server.data_dir, lived.account.id, row.grid_id, row.instrument)
        try:
            recorded = read_recorded(folder, from_ms, until_ms)
        except (OSError, EOFError) as error:
            raise Conflict(f"{folder} cannot be read: {error}") from None
        if recorded is not None:
            return recorded
        if wanted is Source.RECORDED:
            here = f"in {folder}{_within((from_ms, until_ms))}"
            refuse("prices", f"grid {row.grid_id} kept none {here}; see backtest.record_prices, or leave this out")
    return _stored(wanted, settings, lived, (from_ms, until_ms))


def _stored(
    wanted: Source | None, settings: Settings, lived: LivedGrid, window: tuple[int | None, int | None]
) -> Prices:
    row, store = lived.row, store_of(settings)
    symbol, market = f"{row.instrument.base}{row.instrument.quote}", row.instrument.market
    if market is not Market.SPOT:
        refuse("market", "grids trade on spot alone so far")
    from_ms = row.started_ms if window[0] is None else max(window[0], row.started_ms)
    until_ms = row.ended_ms if window[1] is None else window[1]
    missing: list[str] = []
    for source in (Source.TRADES, Source.CANDLES):
        if wanted not in (None, source):
            continue
        try:
            if source is Source.CANDLES:
                return prices_of_candles(load_candles(store, symbol, market, "1m", from_ms, until_ms, allow_gaps=True))
            trades = stored_trades(store, symbol, market, None, (from_ms, until_ms), allow_gaps=True)
            return prices_of_trades(whole(trades.slices()))
        except (InvalidRequest, NotFound) as error:
            missing.append(str(error))
    own = f"grid {row.grid_id} kept none of what it heard{_within(window)}, and the store has none either"
    why = own if wanted is None else f"the store has no {wanted} of the life of grid {row.grid_id}{_within(window)}"
    raise InvalidRequest([FieldMistake("prices", f"{why} ({missing[-1]})")])


def _within(window: tuple[int | None, int | None]) -> str:
    return "" if window == (None, None) else " within that window"


def _keep(given: argparse.Namespace, settings: Settings, found: Parity) -> Path | None:
    """Keep the calibration beside others and return its file; None where there is none, or none is wanted."""
    if found.calibration is None or given.no_save:
        return None
    lived = found.lived
    told = {
        "symbol": f"{lived.row.instrument.base}{lived.row.instrument.quote}",
        "market": lived.row.instrument.market.value,
        "made": moment(found.made_ms),
        "account": lived.account.id,
        "grid": lived.row.grid_id,
        "prices": found.prices.source.value,
        "from": moment(found.from_ms),
        "until": moment(found.until_ms),
    }
    file = calibration.file_of(settings.server.data_dir, lived.row.instrument)
    try:
        calibration.keep(file, found.calibration, told)
    except OSError as error:
        raise Conflict(f"{file} cannot be written: {error.strerror}; say --no-save to do without") from error
    return file


def _tell(given: argparse.Namespace, found: Parity, kept: Path | None) -> None:
    from backtest.parity.telling import facts_of  # noqa: PLC0415 - slow to load, and not needed to refuse
    from backtest.parity.terminal import show  # noqa: PLC0415

    tell(given, found, write_all=_write, facts_of=facts_of, show=show, kept=[kept] if kept else [])


def _write(found: Parity, folder: Path) -> list[Path]:
    from backtest.parity.page import write_all  # noqa: PLC0415 - for --out alone

    return write_all(found, folder)
