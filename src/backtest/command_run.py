"""`python -m backtest run`: one grid over recorded candles."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from backtest.candle_files import read_candles
from backtest.candles import BadCandles, Candles
from backtest.data.command import settings_of, store_of
from backtest.data.loading import load_candles
from backtest.data.periods import parse_window
from backtest.data.series import parse_market, parse_symbol
from backtest.outside import Outside
from backtest.rules_source import UsedRules, find_rules
from backtest.run_options import parse, wish_of
from backtest.study import Study, WindowLength, study
from config.settings import Settings
from domain.errors import Conflict, FieldMistake, InvalidRequest
from domain.instrument import Market


def main(words: Sequence[str], program: str, outside: Outside) -> int:
    """Run `run WORDS` and return its exit code.

    Raises:
        TradingError: what cannot be done, in one sentence.
        ConfigError: if environment, file or options cannot be used.
    """
    given = parse(words, program)
    settings = settings_of(given, program)
    symbol, market = parse_symbol(given.symbol), parse_market(given.market)
    if market is not Market.SPOT:
        raise _wrong("market", "grids trade on spot alone so far; say --market spot")
    if given.out is not None and given.out.exists() and not given.out.is_dir():
        raise _wrong("out", f"{given.out} is a file; name a folder")
    rules = find_rules(given.rules, symbol, market, outside.parse_rules, settings.server.data_dir)
    wish = wish_of(given, rules.rules.instrument)
    candles, origin = _candles(given, symbol, market, rules, settings)
    try:
        found = study(
            wish.request,
            candles,
            rules,
            wish.assumed,
            origin=origin,
            with_bounds=given.bounds,
            windows=WindowLength(given.windows) if given.windows else None,
            made_ms=outside.now_ms(),
        )
    except BadCandles as error:
        raise _wrong("candles", str(error)) from None
    _tell(given, found)
    return 0


def _candles(
    given: argparse.Namespace, symbol: str, market: Market, rules: UsedRules, settings: Settings
) -> tuple[Candles, str]:
    window = parse_window(given.start, given.end)
    if given.data is None:
        store = store_of(settings)
        interval = given.interval or "1m"
        return load_candles(store, symbol, market, interval, *window, allow_gaps=given.allow_gaps), "from the store"
    candles, notices = read_candles(
        given.data, symbol, market, given.interval, window, tick=rules.rules.tick, allow_gaps=given.allow_gaps
    )
    return candles, "; ".join([f"from {given.data.name}", *notices])


def _tell(given: argparse.Namespace, found: Study) -> None:
    from backtest.report.facts import facts_of, to_json  # noqa: PLC0415 - the replay itself needs none of these
    from backtest.report.terminal import show  # noqa: PLC0415

    written: list[Path] = []
    if given.out is not None:
        from backtest.report.files import write_all  # noqa: PLC0415

        try:
            written = write_all(found, given.out)
        except OSError as error:
            raise Conflict(f"{given.out} cannot be written: {error.strerror}") from error
    if given.as_json:
        print(to_json(facts_of(found), indent=2))  # noqa: T201
    else:
        show(found, written)


def _wrong(field: str, message: str) -> InvalidRequest:
    return InvalidRequest([FieldMistake(field, message)])
