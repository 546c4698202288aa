"""`python -m backtest data`: what each of its commands does."""

import argparse
import asyncio
import errno
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any, Final

from backtest.data.coverage import cover, extent
from backtest.data.exact import TimeUnit
from backtest.data.getting import Getting, Outcome, Request, files_of
from backtest.data.importing import Words, import_files
from backtest.data.intake import Intake
from backtest.data.options import parse
from backtest.data.periods import parse_window
from backtest.data.progress import shown
from backtest.data.reading import Dialect
from backtest.data.series import FUTURES_KINDS, Series, parse_interval, parse_kind, parse_market, parse_symbol, refuse
from backtest.data.store import FOLDER, Store
from backtest.data.texts import coverage_lines, extent_lines, import_lines, outcome_lines, series_words
from backtest.outside import Outside
from config.loading import load_settings_of_process
from config.settings import Settings
from domain.account import Mode
from domain.errors import Conflict, NotFound, Unreachable
from domain.instrument import Market
from domain.money import parse_amount
from ports.archives import Archives

_OPTIONS: Final = ("data-dir", "config", "archive-url")


def main(words: Sequence[str], program: str, outside: Outside) -> int:
    """Run `data WORDS` and return its exit code.

    Raises:
        TradingError: what cannot be done, in one sentence.
        ConfigError: if environment, file or options cannot be used.
    """
    given = parse(words, program)
    settings = settings_of(given, program)
    try:
        return _COMMANDS[given.command](given, settings, outside)
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Conflict(f"the disk of {store_of(settings).folder} is full; make room and ask again") from error
        raise Conflict(f"{error.filename or store_of(settings).folder}: {error.strerror or error}") from error


def settings_of(given: argparse.Namespace, program: str) -> Settings:
    """Return the settings that options, environment and file say together.

    Raises:
        ConfigError: holding every mistake.
    """
    pairs = [(f"--{name}", getattr(given, name.replace("-", "_"), None)) for name in _OPTIONS]
    options = [word for flag, value in pairs if value is not None for word in (flag, str(value))]
    # Shadow, whatever the file says: recordings need neither keys nor a confirmation.
    return load_settings_of_process(program, [*options, "--mode", Mode.SHADOW])


def store_of(settings: Settings) -> Store:
    """Return the recordings of the data folder these settings name."""
    return Store(settings.server.data_dir / FOLDER)


def _get(given: argparse.Namespace, settings: Settings, outside: Outside) -> int:
    store, address, now_ms = store_of(settings), settings.backtest.archive_url, outside.now_ms()
    request = _request(given, now_ms)
    if not address:
        refuse("backtest.archive_url", "is empty, so nothing can be downloaded; give an address, or import files")
    archives = outside.archives(address)
    if given.list_urls:
        urls = [archives.url(file) for file in files_of(request, now_ms)]
        _show(given, {"urls": urls}, [line for url in urls for line in (url, f"{url}.CHECKSUM")])
        return 0
    try:
        with store.writing(), shown(quiet=given.as_json) as watcher:
            told = asyncio.run(_run(Getting(request, archives, store, watcher, now_ms), archives))
    except Unreachable as error:
        raise Unreachable(
            f"{error}. What came before is kept, and asking again goes on from there. Without a way to the archives: "
            "add --list-urls, fetch those files elsewhere, and bring them in by `data import`"
        ) from error
    _show(given, _plain(told), outcome_lines(request.series, told, store.folder))
    return 1 if told.failed else 0


async def _run(getting: Getting, archives: Archives) -> Outcome:
    try:
        return await getting.run()
    finally:
        await archives.close()


def _request(given: argparse.Namespace, now_ms: int) -> Request:
    kind = parse_kind(given.kind or "klines")
    market = parse_market(given.market) if given.market else (Market.FUTURES if kind in FUTURES_KINDS else Market.SPOT)
    series = Series.named(given.symbol, market, kind, given.interval)
    from_ms, to_ms = parse_window(given.start, given.end)
    assert from_ms is not None  # noqa: S101 - argparse asks for it
    if from_ms >= now_ms:
        refuse("from", f"{given.start} has not come yet")
    return Request(series=series, from_ms=from_ms, to_ms=min(to_ms or now_ms, now_ms), replace=given.replace)


def _import(given: argparse.Namespace, settings: Settings, _outside: Outside) -> int:
    store = store_of(settings)
    unit: TimeUnit | None = given.time_unit
    intake = Intake(dialect=Dialect(time_unit=unit, tick=_tick(given.tick)), tidy=given.sort, replace=given.replace)
    words = Words(symbol=given.symbol, market=given.market, kind=given.kind, interval=given.interval)
    done = import_files(store, given.files, words, intake)
    told = {"files": [{**asdict(one), "series": series_words(one.series)} for one in done], "folder": str(store.folder)}
    _show(given, told, import_lines(done, store.folder))
    return 0


def _list(given: argparse.Namespace, settings: Settings, _outside: Outside) -> int:
    store = store_of(settings)
    extents = [extent(store, series) for series in store.series()]
    told = [{**asdict(one), "series": series_words(one.series)} for one in extents]
    _show(given, {"folder": str(store.folder), "recordings": told}, extent_lines(extents, store.folder))
    return 0


def _gaps(given: argparse.Namespace, settings: Settings, _outside: Outside) -> int:
    store = store_of(settings)
    from_ms, to_ms = parse_window(given.start, given.end)
    found = [cover(store, series, from_ms, to_ms) for series in _named(given, store)]
    told = [
        {
            **asdict(one),
            "series": series_words(one.series),
            "missing": one.missing,
            "gaps": [gap._asdict() for gap in one.gaps],
        }
        for one in found
    ]
    _show(given, {"recordings": told}, [line for one in found for line in coverage_lines(one)])
    return 1 if any(one.gaps for one in found) else 0


def _drop(given: argparse.Namespace, settings: Settings, _outside: Outside) -> int:
    store = store_of(settings)
    from_ms, to_ms = parse_window(given.start, given.end)
    named = _named(given, store)
    if len(named) > 1 and not given.every:
        refuse("symbol", f"that names {'; '.join(map(str, named))}: say which, or --all")
    with store.writing():
        dropped = {str(series): store.drop(series, from_ms, to_ms) for series in named}
    lines = [f"{series}: {files} files deleted" for series, files in dropped.items()]
    if (from_ms, to_ms) != (None, None):
        lines.append("files that lie only partly in the window stay whole")
    _show(given, {"dropped": dropped}, lines)
    return 0


_COMMANDS: Final[Mapping[str, Callable[[argparse.Namespace, Settings, Outside], int]]] = {
    "get": _get,
    "import": _import,
    "list": _list,
    "gaps": _gaps,
    "drop": _drop,
}


def _named(given: argparse.Namespace, store: Store) -> list[Series]:
    """Return the stored series that the words name.

    Raises:
        InvalidRequest: if there is no such word.
        NotFound: if nothing of that name is stored.
    """
    symbol = parse_symbol(given.symbol)
    market = parse_market(given.market) if given.market else None
    kind = parse_kind(given.kind) if given.kind else None
    interval = parse_interval(given.interval) if given.interval else None
    stored = store.series()
    named = [
        series
        for series in stored
        if series.symbol == symbol
        and market in (None, series.market)
        and kind in (None, series.kind)
        and interval in (None, series.interval)
    ]
    if not named:
        there = "; ".join(map(str, stored)) or "nothing yet"
        raise NotFound(f"nothing of {symbol} is stored that these words name; stored is: {there}")
    return named


def _tick(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        tick = parse_amount(text)
    except ValueError as error:
        refuse("tick", f"{error}; write the symbol's price step, e.g. 0.01")
    if tick <= 0 or tick != round(tick, 8):
        refuse("tick", f"{text} is no price step; write e.g. 0.01")
    return tick


def _plain(told: Outcome) -> dict[str, Any]:
    return asdict(told)


def _show(given: argparse.Namespace, told: Mapping[str, Any], lines: Sequence[str]) -> None:
    print(json.dumps(told, ensure_ascii=False, indent=2) if given.as_json else "\n".join(lines))  # noqa: T201
