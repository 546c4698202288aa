"""`python -m backtest portfolio`: several grids on several symbols of one account."""

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from backtest.candles import BadCandles
from backtest.chosen_bnb import with_bnb_market
from backtest.chosen_market import candles_of, check_trade_words, rules_of, trades_of
from backtest.command_result import check_folder, tell
from backtest.data.command import settings_of
from backtest.data.periods import parse_window
from backtest.data.series import MINUTE_MS, refuse
from backtest.outside import Outside
from backtest.portfolio.options import Wanted, assumed_of, named, parse, requests_of, wanted_of
from backtest.portfolio.replay import Member
from backtest.portfolio.study import PortfolioStudy, Source, study_portfolio
from backtest.portfolio.trade_study import TradedGrid, TradeStudy
from backtest.rules_source import UsedRules
from backtest.run_options import parse_limit
from backtest.scenario import Scenario
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
    on_market = _on_trades if given.trades else _on_candles
    try:
        found = on_market(given, settings, wanted, rules, requests, assumed, limit, outside.now_ms())
    except BadCandles as error:
        raise InvalidRequest([FieldMistake("trades" if given.trades else "candles", str(error))]) from None
    _tell(given, found)
    return 0


def _on_candles(
    given: argparse.Namespace,
    settings: Settings,
    wanted: Wanted,
    rules: Mapping[str, UsedRules],
    requests: Mapping[str, GridRequest],
    assumed: Assumptions,
    limit: Decimal | None,
    now_ms: int,
) -> PortfolioStudy:
    members, sources = _members(given, settings, wanted, rules, requests, assumed)
    _check_limit([member.scenario for member in members], limit)
    return study_portfolio(members, sources, max_exposure=limit, with_bounds=given.bounds, made_ms=now_ms)


def _on_trades(
    given: argparse.Namespace,
    settings: Settings,
    wanted: Wanted,
    rules: Mapping[str, UsedRules],
    requests: Mapping[str, GridRequest],
    assumed: Assumptions,
    limit: Decimal | None,
    now_ms: int,
) -> PortfolioStudy:
    check_trade_words(given)
    trades = _each(rules, lambda symbol: trades_of(_words_of(given, wanted, symbol), settings, rules[symbol]))
    instrument = next(iter(rules.values())).rules.instrument
    window = parse_window(given.start, given.end)
    assumed = with_bnb_market(given, settings, assumed, instrument, window, MINUTE_MS)
    grids = [
        TradedGrid(symbol=symbol, request=request, rules=rules[symbol], trades=trades[symbol])
        for symbol, request in requests.items()
    ]
    study = TradeStudy(grids, assumed)
    _check_limit(study.scenarios, limit)
    return study.run(max_exposure=limit, with_bounds=given.bounds, made_ms=now_ms)


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


def _check_limit(scenarios: Sequence[Scenario], limit: Decimal | None) -> None:
    """Refuse a grid that alone needs more than the limit, as the live grid's preflight does."""
    mistakes = [
        FieldMistake(
            f"{scenario.rules.instrument.base}{scenario.rules.instrument.quote}.capital",
            f"needs {plain(scenario.plan.capital_needed)}, above --max-exposure {plain(limit)}; use less",
        )
        for scenario in scenarios
        if limit is not None and scenario.plan.capital_needed > limit
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
