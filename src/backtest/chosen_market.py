"""The market that the words of a command name: its rules, its candles, its trades."""

import argparse
from pathlib import Path

from backtest.candle_files import read_candles
from backtest.candles import Candles
from backtest.data.command import store_of
from backtest.data.loading import load_candles
from backtest.data.periods import parse_window
from backtest.data.series import parse_market, parse_symbol, refuse, symbol_in_name
from backtest.outside import Outside
from backtest.rules_source import UsedRules, find_rules
from backtest.scenario import PathRule
from backtest.trade_study import TradeSource, stored_trades, trades_of_file
from config.settings import Settings
from domain.instrument import Market
from ports.archives import Recording


def rules_of(given: argparse.Namespace, settings: Settings, outside: Outside, *, contracts: bool = False) -> UsedRules:
    """Return the order rules of the symbol; `contracts` are for commands that replay them.

    Raises:
        InvalidRequest: naming `symbol`, `market`, `rules`, or `data` for a file that is named after another symbol.
    """
    symbol, market = parse_symbol(given.symbol), parse_market(given.market)
    if market is not Market.SPOT and not contracts:
        refuse("market", "futures are replayed one grid at a time so far; say --market spot")
    found = find_rules(given.rules, symbol, market, outside.parse_rules, settings.server.data_dir)
    if given.data is not None:
        _check_name(given.data, symbol, found.rules.instrument.quote)
    return found


def candles_of(given: argparse.Namespace, settings: Settings, rules: UsedRules) -> tuple[Candles, str]:
    """Return the candles of file or store, and where they come from.

    Raises:
        InvalidRequest: naming field, row and remedy.
        Conflict: if a file of the store is damaged.
    """
    window = parse_window(given.start, given.end)
    symbol, market = parse_symbol(given.symbol), parse_market(given.market)
    if given.data is None:
        interval = given.interval or "1m"
        store = store_of(settings)
        return load_candles(store, symbol, market, interval, *window, allow_gaps=given.allow_gaps), "from the store"
    candles, notices = read_candles(
        given.data, symbol, market, given.interval, window, tick=rules.rules.tick, allow_gaps=given.allow_gaps
    )
    return candles, "; ".join([f"from {given.data.name}", *notices])


def trades_of(given: argparse.Namespace, settings: Settings, rules: UsedRules) -> TradeSource:
    """Return the trades of file or store.

    Raises:
        InvalidRequest: naming field and remedy.
    """
    window = parse_window(given.start, given.end)
    kind = None if given.trades == "any" else Recording(given.trades)
    if given.data is not None:
        return trades_of_file(given.data, rules.rules, kind, window, allow_gaps=given.allow_gaps)
    symbol, market = parse_symbol(given.symbol), parse_market(given.market)
    return stored_trades(store_of(settings), symbol, market, kind, window, allow_gaps=given.allow_gaps)


def check_trade_words(given: argparse.Namespace) -> None:
    """Refuse words that say nothing of trades.

    Raises:
        InvalidRequest: naming `interval` or `path`.
    """
    if given.interval:
        refuse("interval", "goes with candles; leave it out, or leave out --trades")
    if given.path != PathRule.CANDLE:
        refuse("path", "goes with candles: between trades there is nothing to guess. Use --fill instead")


def _check_name(file: Path, symbol: str, quote: str) -> None:
    """Refuse a file whose name tells of another symbol in the same quote; any other name is the person's own."""
    named = symbol_in_name(file.name)
    if named is not None and named != symbol and named.endswith(quote):
        refuse("data", f"{file.name} is named after {named}; say --symbol {named}, or name a file of {symbol}")
