"""Small portfolios: grids on symbols of their own that share one account."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from backtest.portfolio.replay import Member
from backtest.scenario import Scenario
from domain.grids import GridRequest, Profit
from domain.instrument import Instrument, Market
from fakes.replay_examples import MINUTE_MS, rules, walk


class Shape(NamedTuple):
    """One grid and its market; `skipped` candles are missing at its start."""

    seed: int = 1
    levels: int = 9
    capital: int = 3_000
    start: int = 10_000
    skipped: int = 0
    start_empty: bool = False
    growth: Decimal | None = None


def portfolio(
    shapes: Sequence[Shape], *, quote: Decimal = Decimal(100_000), count: int = 150, **changes: Any
) -> list[Member]:
    """Return a grid for each shape on symbols AAA, BBB, ...; `changes` are those of every scenario."""
    bnb = {"BNB": changes.pop("bnb")} if "bnb" in changes else {}
    return [
        _member(chr(ord("A") + index) * 3, shape, {"USDT": quote, **bnb}, count, changes)
        for index, shape in enumerate(shapes)
    ]


def _member(base: str, shape: Shape, balances: dict[str, Decimal], count: int, changes: dict[str, Any]) -> Member:
    market = replace(walk(shape.seed, count, start=shape.start), symbol=f"{base}USDT")
    market = market.between(market.start_ms + shape.skipped * MINUTE_MS, market.end_ms)
    market = replace(market, volume=np.full(len(market), 1_000.0))
    instrument = Instrument("binance", Market.SPOT, base, "USDT")
    request = GridRequest(
        instrument=instrument,
        levels=shape.levels,
        spacing_percent=Decimal("0.4"),
        capital=Decimal(shape.capital),
        start_empty=shape.start_empty,
        quantity_growth_percent=shape.growth,
        profit=Profit.REINVEST if shape.growth is not None else Profit.RELEASE,
    )
    planned = Scenario.of(request, market, rules(instrument=instrument), balances=balances | {"USDT": Decimal(10**6)})
    return Member(scenario=replace(planned, balances=balances, **changes), candles=market)
