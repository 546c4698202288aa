"""`python -m backtest run`: one grid over recorded candles."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from backtest.candles import BadCandles
from backtest.chosen_market import candles_of, rules_of
from backtest.data.command import settings_of
from backtest.outside import Outside
from backtest.run_options import parse, wish_of
from backtest.study import Study, WindowLength, study
from domain.errors import Conflict, FieldMistake, InvalidRequest


def main(words: Sequence[str], program: str, outside: Outside) -> int:
    """Run `run WORDS` and return its exit code.

    Raises:
        TradingError: what cannot be done, in one sentence.
        ConfigError: if environment, file or options cannot be used.
    """
    given = parse(words, program)
    settings = settings_of(given, program)
    if given.out is not None and given.out.exists() and not given.out.is_dir():
        raise _wrong("out", f"{given.out} is a file; name a folder")
    rules = rules_of(given, settings, outside)
    wish = wish_of(given, rules.rules.instrument)
    candles, origin = candles_of(given, settings, rules)
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
