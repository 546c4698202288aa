"""`python -m backtest run`: one grid over recorded candles or trades."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from backtest.candles import BadCandles
from backtest.chosen_bnb import with_bnb_market
from backtest.chosen_contract import contract_of
from backtest.chosen_market import candles_of, check_trade_words, rules_of, trades_of
from backtest.command_result import check_folder, tell
from backtest.data.command import settings_of
from backtest.data.periods import parse_window
from backtest.data.series import MINUTE_MS
from backtest.outside import Outside
from backtest.rules_source import UsedRules
from backtest.run_options import Wish, parse, wish_of
from backtest.study import Study, WindowLength, study
from backtest.trade_study import study_of_trades
from config.settings import Settings
from domain.errors import FieldMistake, InvalidRequest

CALIBRATED: Final = "calibrated"


def main(words: Sequence[str], program: str, outside: Outside) -> int:
    """Run `run WORDS` and return its exit code.

    Raises:
        TradingError: what cannot be done, in one sentence.
        ConfigError: if environment, file or options cannot be used.
    """
    given = parse(words, program)
    settings = settings_of(given, program)
    check_folder(given.out)
    rules = rules_of(given, settings, outside, contracts=True)
    origin = _calibrated(given, settings, rules)
    wish = wish_of(given, rules.rules.instrument)
    try:
        found = (_on_trades if given.trades else _on_candles)(given, settings, rules, wish, outside.now_ms())
    except BadCandles as error:
        raise _wrong("trades" if given.trades else "candles", str(error)) from None
    _tell(given, replace(found, fill_origin=origin))
    return 0


def _calibrated(given: argparse.Namespace, settings: Settings, rules: UsedRules) -> str:
    """Put the symbol's calibrated rule in the place of that word; return where it comes from, empty without it."""
    if given.fill != CALIBRATED:
        return ""
    from backtest.parity.calibration import fill_words, load  # noqa: PLC0415 - for this word alone

    kept = load(settings.server.data_dir, rules.rules.instrument)
    given.fill = fill_words(kept.fill)
    return kept.sentence


def _on_candles(given: argparse.Namespace, settings: Settings, rules: UsedRules, wish: Wish, now_ms: int) -> Study:
    candles, origin = candles_of(given, settings, rules)
    window, instrument = (candles.start_ms, candles.end_ms), rules.rules.instrument
    assumed = with_bnb_market(given, settings, wish.assumed, instrument, window, candles.interval_ms)
    return study(
        wish.request,
        candles,
        rules,
        replace(assumed, contract=contract_of(given, settings, candles)),
        origin=origin,
        with_bounds=given.bounds,
        windows=WindowLength(given.windows) if given.windows else None,
        made_ms=now_ms,
    )


def _on_trades(given: argparse.Namespace, settings: Settings, rules: UsedRules, wish: Wish, now_ms: int) -> Study:
    if given.windows:
        raise _wrong("windows", "goes with candles; leave it out, or leave out --trades")
    check_trade_words(given)
    source, window = trades_of(given, settings, rules), parse_window(given.start, given.end)
    assumed = with_bnb_market(given, settings, wish.assumed, rules.rules.instrument, window, MINUTE_MS)
    return study_of_trades(wish.request, source, rules, assumed, with_bounds=given.bounds, made_ms=now_ms)


def _tell(given: argparse.Namespace, found: Study) -> None:
    from backtest.report.facts import facts_of  # noqa: PLC0415 - the replay itself needs none of these
    from backtest.report.terminal import show  # noqa: PLC0415

    tell(given, found, write_all=_write, facts_of=facts_of, show=show)


def _write(found: Study, folder: Path) -> list[Path]:
    from backtest.report.files import write_all  # noqa: PLC0415 - slow to load, for --out alone

    return write_all(found, folder)


def _wrong(field: str, message: str) -> InvalidRequest:
    return InvalidRequest([FieldMistake(field, message)])
