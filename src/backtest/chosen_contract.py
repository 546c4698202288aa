"""What a contract's market tells besides prices, as the words of a command name it."""

import argparse
from pathlib import Path

from backtest.brackets import BUILT_IN, built_in, read_brackets
from backtest.candles import Candles
from backtest.contract_market import ContractMarket, FundingHistory
from backtest.data.command import store_of
from backtest.data.series import refuse
from backtest.funding_history import NONE, STORED, read_funding, stored_funding
from config.settings import Settings
from domain.instrument import Market


def contract_of(given: argparse.Namespace, settings: Settings, candles: Candles) -> ContractMarket | None:
    """Return brackets and funding of the candles' contract; None on spot.

    Raises:
        InvalidRequest: naming `brackets`, `funding`, or a word that says nothing on spot.
        Conflict: if a file of the store is damaged.
    """
    if candles.market is Market.SPOT:
        for word in ("direction", "leverage", "margin_type", "brackets", "funding"):
            if getattr(given, word, None) is not None:
                refuse(word, "goes with futures; say --market um, or leave it out")
        return None
    wanted = getattr(given, "brackets", None) or BUILT_IN
    brackets = built_in(candles.symbol) if wanted == BUILT_IN else read_brackets(Path(wanted), candles.symbol)
    return ContractMarket(brackets=brackets, funding=_funding(given, settings, candles))


def _funding(given: argparse.Namespace, settings: Settings, candles: Candles) -> FundingHistory:
    wanted = getattr(given, "funding", None) or STORED
    if wanted == NONE:
        return FundingHistory.none("left out, as asked for")
    store = store_of(settings)
    if wanted == STORED:
        return stored_funding(store, candles, allow_gaps=given.allow_gaps)
    return read_funding(Path(wanted), store, candles, allow_gaps=given.allow_gaps)
