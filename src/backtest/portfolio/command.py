"""`python -m backtest portfolio`: several grids on several symbols of one account."""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from backtest.candles import BadCandles
from backtest.chosen_bnb import with_bnb_market
from backtest.chosen_market import candles_of, rules_of
from backtest.command_result import check_folder, tell
from backtest.data.command import settings_of
from backtest.data.series import refuse
from backtest.outside import Outside
from backtest.portfolio.options import Wanted, assumed_of, named, parse, requests_of, wanted_of
from backtest.portfolio.replay import Member
from backtest.portfolio.study import PortfolioStudy, Source, study_portfolio
from backtest.rules_source import UsedRules
from backtest.run_options import parse_limit
from backtest.study import Assumptions, scenario_of
from config.settings import Settings
from domain.errors import FieldMistake, InvalidRequest
from domain.grids import GridRequest
from domain.money import plain

_Found = TypeVar("_Found")


def main(words: Sequence[str], program: str, outside: Outside) -> int:
    """Run `portfolio WORDS` and return its exit code.

    Raises:
        TradingError: what cannot be done, in one sentence.
        ConfigError: if environment, file or options cannot be used.
    """
    given = parse(words, program)
    settings = settings_of(given, program)
    check_folder(given.out)
    limit, wanted = parse_limit(given), wanted_of(given)
    rules = _rules(given, settings, wanted, outside)
    instruments = {symbol: used.rules.instrument for symbol, used in rules.items()}
    quotes = {instrument.quote for instrument in instruments.values()}
    if len(quotes) > 1:
        refuse("grid_of", f"all grids share one quote asset, these trade against {', '.join(sorted(quotes))}")
    assumed = assumed_of(given, next(iter(instruments.values())))
    requests = requests_of(wanted.grids, instruments, assumed.balances[quotes.pop()])
    members, sources = _members(given, settings, wanted, rules, requests, assumed)
    _check_limit(members, limit)
    try:
        found = study_portfolio(
            members, sources, max_exposure=limit, with_bounds=given.bounds, made_ms=outside.now_ms()
        )
    except BadCandles as error:
        raise InvalidRequest([FieldMistake("candles", str(error))]) from None
    _tell(given, found)
    return 0


def _rules(given: argparse.Namespace, settings: Settings, wanted: Wanted, outside: Outside) -> dict[str, UsedRules]:
    return _each(wanted.grids, lambda symbol: rules_of(_words_of(given, wanted, symbol), settings, outside))


def _members(
    given: argparse.Namespace,
    settings: Settings,
    wanted: Wanted,
    rules: Mapping[str, UsedRules],
    requests: Mapping[str, GridRequest],
    assumed: Assumptions,
) -> tuple[list[Member], list[Source]]:
    markets = _each(rules, lambda symbol: candles_of(_words_of(given, wanted, symbol), settings, rules[symbol]))
    candles = [found for found, _ in markets.values()]
    window = (min(found.start_ms for found in candles), max(found.end_ms for found in candles))
    instrument = next(iter(rules.values())).rules.instrument
    assumed = with_bnb_market(given, settings, assumed, instrument, window, candles[0].interval_ms)

    def member(symbol: str) -> Member:
        found = markets[symbol][0]
        return Member(scenario=scenario_of(requests[symbol], found, rules[symbol], assumed), candles=found)

    members = _each(requests, member)
    return list(members.values()), [Source(rules[symbol], markets[symbol][1]) for symbol in members]


def _each(symbols: Iterable[str], work: Callable[[str], _Found]) -> dict[str, _Found]:
    """Return what `work` finds for each symbol.

    Raises:
        InvalidRequest: with every mistake of every symbol.
    """
    done, mistakes = {}, []
    for symbol in symbols:
        try:
            done[symbol] = work(symbol)
        except InvalidRequest as error:
            mistakes += named(symbol, error)
    if mistakes:
        raise InvalidRequest(mistakes)
    return done


def _check_limit(members: Sequence[Member], limit: Decimal | None) -> None:
    """Refuse a grid that alone needs more than the limit, as the live grid's preflight does."""
    mistakes = [
        FieldMistake(
            f"{member.symbol}.capital",
            f"needs {plain(member.scenario.plan.capital_needed)}, above --max-exposure {plain(limit)}; use less",
        )
        for member in members
        if limit is not None and member.scenario.plan.capital_needed > limit
    ]
    if mistakes:
        raise InvalidRequest(mistakes)


def _words_of(given: argparse.Namespace, wanted: Wanted, symbol: str) -> argparse.Namespace:
    """Return the words as `run` would have been told them for one symbol."""
    return argparse.Namespace(**{**vars(given), "symbol": symbol, "market": "spot", "data": wanted.files.get(symbol)})


def _tell(given: argparse.Namespace, found: PortfolioStudy) -> None:
    from backtest.portfolio.page import write_all  # noqa: PLC0415 - the replay itself needs none of these
    from backtest.portfolio.telling import facts_of  # noqa: PLC0415
    from backtest.portfolio.terminal import show  # noqa: PLC0415

    tell(given, found, write_all=write_all, facts_of=facts_of, show=show)
