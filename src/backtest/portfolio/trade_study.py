"""A portfolio back-tested on recorded trades with everything its report tells."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain

from backtest.portfolio.options import named
from backtest.portfolio.study import PortfolioStudy, Source, gain_of, study_of
from backtest.portfolio.trades import TradesTogether
from backtest.rules_source import UsedRules
from backtest.scenario import FillAssumption, FillKind, Scenario
from backtest.study import Assumptions, TradesPlayed, scenario_of
from backtest.trade_slices import TradeSlice, in_step
from backtest.trade_study import TradeSource
from domain.errors import InvalidRequest
from domain.grids import GridRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class TradedGrid:
    """A grid, and the trades it is replayed on."""

    symbol: str
    request: GridRequest
    rules: UsedRules
    trades: TradeSource


def _slices_of(grid: TradedGrid) -> Iterator[TradeSlice]:
    try:
        yield from grid.trades.slices()
    except InvalidRequest as error:
        raise InvalidRequest(named(grid.symbol, error)) from None


class TradeStudy:
    """Grids on one account, each planned at its own first trade's price; `scenarios` are in the symbols' order.

    Raises:
        InvalidRequest: with the mistakes of a request, their fields after `SYMBOL.`, or naming what the trades lack.
    """

    def __init__(self, grids: Sequence[TradedGrid], assumed: Assumptions) -> None:
        self._grids = sorted(grids, key=lambda grid: grid.symbol)
        self._slices = [_slices_of(grid) for grid in self._grids]
        self._firsts = [next(slices) for slices in self._slices]
        self.scenarios: list[Scenario] = []
        mistakes = []
        for grid, first in zip(self._grids, self._firsts, strict=True):
            try:
                self.scenarios.append(scenario_of(grid.request, first.candles(), grid.rules, assumed))
            except InvalidRequest as error:
                mistakes += named(grid.symbol, error)
        if mistakes:
            raise InvalidRequest(mistakes)

    def run(self, *, max_exposure: Decimal | None, with_bounds: bool, made_ms: int) -> PortfolioStudy:
        """Replay all trades, once. The bounds are the last place in every queue and the first.

        Raises:
            InvalidRequest: naming what the trades lack.
            BadCandles: for trades that the rules do not fit.
            ValueError: as `TradesTogether`.
        """
        fills = [self.scenarios[0].fill]
        if with_bounds:
            fills += [FillAssumption(kind) for kind in (FillKind.THROUGH, FillKind.TOUCH)]
        replays = {
            fill: TradesTogether(
                [replace(scenario, fill=fill) for scenario in self.scenarios], max_exposure=max_exposure
            )
            for fill in fills
        }
        for parts in in_step([chain([first], rest) for first, rest in zip(self._firsts, self._slices, strict=True)]):
            for playing in replays.values():
                playing.play(parts)
        found = {fill: playing.result() for fill, playing in replays.items()}
        bounds = (gain_of(found[fills[1]]), gain_of(found[fills[2]])) if with_bounds else None
        sources = [
            Source(grid.rules, grid.trades.origin, TradesPlayed(grid.trades.count, grid.trades.missing))
            for grid in self._grids
        ]
        return study_of(found[fills[0]], sources, bounds, made_ms)
