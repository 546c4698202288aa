"""What a search for a grid is given, as replays read it: candles, a contract's market, what the price usually does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

import numpy as np

from backtest.candles import Candles
from backtest.contract_market import ContractMarket, FundingHistory
from backtest.data.series import DAY_MS, HOUR_MS
from backtest.scenario import PPM, Fees, FillAssumption, FillKind, Scenario
from domain.grids import GridRequest
from domain.instrument import Market
from domain.money import ZERO, from_units, plain, to_units
from grid.core.planning import PreflightFacts, plan_grid
from grid.core.shapes import Shape, Volatility
from ports.suggest_job import Settlement, SuggestParameters

FILL: Final = FillAssumption(FillKind.THROUGH)
"""Only a price beyond its own fills an order: what fills live for certain."""
_SETTLING_MS: Final = 8 * HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Search:
    """One market and the account; `guessed_settlements` counts those of which nothing was told."""

    given: SuggestParameters
    candles: Candles
    fees: Fees
    contract: ContractMarket | None
    guessed_settlements: int

    @classmethod
    def of(cls, given: SuggestParameters) -> "Search":
        """Read what was given.

        Raises:
            BadCandles: for candles that cannot be replayed.
        """
        candles = candles_of(given)
        contract, guessed = None, 0
        if given.rules.instrument.market is Market.FUTURES:
            settlements, guessed = whole_funding(given.settlements, candles)
            contract = ContractMarket(brackets=given.brackets, funding=_history(settlements))
        fees = Fees(int(given.maker_rate * PPM), int(given.taker_rate * PPM))
        return cls(given=given, candles=candles, fees=fees, contract=contract, guessed_settlements=guessed)

    def request(self, shape: Shape) -> GridRequest:
        """Return the grid that would be started."""
        given = self.given
        return GridRequest(
            instrument=given.rules.instrument,
            levels=shape.levels,
            spacing_percent=shape.spacing,
            capital=given.capital,
            direction=given.direction,
            leverage=given.leverage,
            margin_type=given.margin_type,
        )

    def check(self, shape: Shape) -> None:
        """Plan a ladder at the present price.

        Raises:
            InvalidRequest: with everything that preflight has against it.
        """
        given, request = self.given, self.request(shape)
        plan_grid(
            request,
            PreflightFacts(
                rules=given.rules,
                fees=self.fees.rates,
                price=given.price,
                free_quote=None,
                default_capital=given.capital,
                min_order_value=given.min_order_value,
                max_price_distance=given.max_price_distance,
                max_order_notional=given.max_order_notional,
                contract=None if self.contract is None else self.contract.facts(request, given.price),
            ),
        )

    def scenario(self, shape: Shape, candles: Candles) -> Scenario:
        """Plan a ladder at the first of these candles.

        Raises:
            InvalidRequest: if it does not fit there.
        """
        given = self.given
        return Scenario.of(
            self.request(shape),
            candles,
            given.rules,
            balances={given.rules.instrument.quote: given.capital},
            fees=self.fees,
            fill=FILL,
            min_order_value=given.min_order_value,
            contract=self.contract,
        )


def candles_of(given: SuggestParameters) -> Candles:
    """Return the given candles as columns.

    Raises:
        BadCandles: if they contradict themselves.
    """
    rows = given.candles

    def units(prices: Sequence[Decimal]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array([to_units(price) for price in prices], dtype=np.int64)

    return Candles(
        symbol=given.symbol,
        market=given.rules.instrument.market,
        interval_ms=given.interval_ms,
        open_ms=np.array([row.open_ms for row in rows], dtype=np.int64),
        open=units([row.open for row in rows]),
        high=units([row.high for row in rows]),
        low=units([row.low for row in rows]),
        close=units([row.close for row in rows]),
        volume=np.array([float(row.volume) for row in rows], dtype=np.float64),
    )


def volatility(candles: Candles) -> Volatility:
    """Return how far prices moved: the mean true range of an hour, and a day's standard deviation from hourly moves.

    Hours are made of the candles; candles longer than an hour would count as one each.
    """
    hours = candles.open_ms // max(HOUR_MS, candles.interval_ms)
    starts = np.flatnonzero(np.append(True, hours[1:] != hours[:-1]))
    high, low = np.maximum.reduceat(candles.high, starts), np.minimum.reduceat(candles.low, starts)
    close = candles.close[np.append(starts[1:], len(candles)) - 1].astype(np.float64)
    before = np.append(float(candles.open[0]), close[:-1])
    ranges = (np.maximum(high, before) - np.minimum(low, before)) / close
    moves = np.log(close / before)
    return Volatility(
        hourly_range=float(ranges.mean()) * 100,
        daily_move=float(np.sqrt(np.mean(moves**2))) * math.sqrt(DAY_MS / HOUR_MS) * 100,
    )


def whole_funding(told: Sequence[Settlement], candles: Candles) -> tuple[tuple[Settlement, ...], int]:
    """Fill stretches of which no settlement is told by one every eight hours, at the mean of the rates that are told.

    Returns:
        All settlements within the candles, and how many of them are guessed.
    """
    inside = [one for one in told if candles.start_ms <= one.at_ms < candles.end_ms]
    rates = [one.rate for one in told]
    usual = round(sum(rates, ZERO) / len(rates), 8) if rates else ZERO
    edges = [candles.start_ms - 1, *(one.at_ms for one in inside), candles.end_ms]
    guessed = [
        Settlement(at_ms, usual, ZERO)
        for before, after in pairwise(edges)
        if after - before > _SETTLING_MS * 3 // 2
        for at_ms in range((before // _SETTLING_MS + 1) * _SETTLING_MS, after, _SETTLING_MS)
        if at_ms >= candles.start_ms
    ]
    guessed = [one for one in guessed if all(abs(one.at_ms - other.at_ms) > HOUR_MS for other in inside)]
    return tuple(sorted([*inside, *guessed])), len(guessed)


def _history(settlements: Sequence[Settlement]) -> FundingHistory:
    return FundingHistory(
        time_ms=np.array([one.at_ms for one in settlements], dtype=np.int64),
        rate=np.array([to_units(round(one.rate, 8)) for one in settlements], dtype=np.int64),
        mark=np.array([to_units(round(one.mark, 8)) for one in settlements], dtype=np.int64),
        source="the exchange's settlements",
    )


def price_text(units: int) -> str:
    return plain(from_units(units))
