"""Several grids on several symbols of one account over single trades, stretch after stretch of whole minutes."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backtest.candles import IntColumn
from backtest.core import layout as at
from backtest.data.series import MINUTE_MS
from backtest.portfolio.replay import Member, Together, check_scenarios, common_unit, together_of
from backtest.portfolio.tables import Played, Rows, Tables, allow_all_cash, limit_cash, play, set_account
from backtest.price_path import PricePath
from backtest.result import RanBy
from backtest.run import named
from backtest.scales import setting_of
from backtest.scenario import Scenario
from backtest.trade_played import PlayedTrades
from backtest.trade_slices import TradeSlice

_MOST_IN_A_MS: Final = 1 << 20
Part = TradeSlice | None


class TradesTogether:
    """Grids on one account over trades; `play` stretches in their order, then ask for the `result`.

    Trades of all grids print in the order of their times. Of the same millisecond the first ones print in the order of
    the symbols, then all second ones, and so on.

    Args:
        scenarios: planned at their first trades' prices, in the order of their symbols' names.
        max_exposure: the risk gate's limit (quote), as in `replay_together`.
        form: asks for one form of the engine; without it the compiled one runs wherever int64 is known to hold.

    Raises:
        ValueError: for scenarios that do not belong on one account.
    """

    def __init__(
        self, scenarios: Sequence[Scenario], *, max_exposure: Decimal | None = None, form: RanBy | None = None
    ) -> None:
        check_scenarios(scenarios)
        self._unit = common_unit(scenarios)
        self._settings = [setting_of(scenario, 1, unit=self._unit) for scenario in scenarios]
        set_account(self._settings, MINUTE_MS, max_exposure)
        self._ran_by = form or RanBy.COMPILED
        pairs = zip(scenarios, self._settings, strict=True)
        self._grids = [PlayedTrades(scenario, setting, self._ran_by) for scenario, setting in pairs]
        self._tables = Tables.at_start(self._settings)
        self._at_risk: list[list[npt.NDArray[Any]]] = [[] for _ in scenarios]
        self._max_exposure = max_exposure

    def play(self, parts: Sequence[Part]) -> None:
        """Go on with the next trades of each grid, of the same whole minutes; None where there are none.

        Raises:
            BadCandles: for another market, or prices off a scenario's tick.
        """
        paths = [self._path(grid, part) for grid, part in zip(self._grids, parts, strict=True)]
        played = self._play(paths, moments(parts))
        self._tables = played.tables
        for index, (grid, part, path) in enumerate(zip(self._grids, parts, paths, strict=True)):
            grid.ran_by = self._ran_by
            grid.cell = played.tables.cells_of(index, self._settings)
            grid.state = played.tables.state[index].tolist()
            grid.add_fills([_named(path, grid, played.fills[index])])
            if part is not None and path is not None:
                marks = part.minute_ends
                equity = played.gains[index][marks] + grid.equity_before(part.price[marks])
                grid.end_slice(path, part.time_ms[marks], equity)
                self._at_risk[index].append(played.at_risk[index][marks])
                self._tables.state[index] = grid.state

    def result(self) -> Together:
        """Return what came out; curves and what was at risk are of minutes, the deepest falls of single trades.

        Raises:
            ValueError: where a grid saw no trade.
        """
        results = [grid.result() for grid in self._grids]
        members = tuple(Member(scenario=grid.scenario, candles=grid.minutes.candles()) for grid in self._grids)
        at_risk = [np.concatenate(parts) for parts in self._at_risk]
        return together_of(members, self._settings, self._tables, results, at_risk, self._max_exposure)

    def _path(self, grid: PlayedTrades, part: Part) -> PricePath | None:
        return None if part is None else PricePath.of_trades(part, grid.scenario, unit=self._unit)

    def _play(self, paths: Sequence[PricePath | None], steps: npt.NDArray[np.int64]) -> Played:
        markets, settings = [Rows.of(path) for path in paths], self._settings
        if self._ran_by is RanBy.COMPILED and limit_cash(settings, paths) and self._tables.fit(settings):
            played = play(np.int64, self._tables, settings, steps, markets)
            if played is not None:
                return played
        self._ran_by = RanBy.PLAIN
        allow_all_cash(settings)
        played = play(object, self._tables, settings, steps, markets)
        assert played is not None  # noqa: S101 - Python's integers never overflow
        return played


def moments(parts: Sequence[Part]) -> npt.NDArray[np.int64]:
    """Return a row per grid: its trade in every step of the common time line, or -1.

    The n-th trades of all grids in a millisecond make one step.
    """
    keys = [np.empty(0, dtype=np.int64) if part is None else _keys(part.time_ms) for part in parts]
    line = np.unique(np.concatenate(keys))
    steps = np.full((len(parts), len(line)), -1, dtype=np.int64)
    for row, own in zip(steps, keys, strict=True):
        row[np.searchsorted(line, own)] = np.arange(len(own))
    return steps


def _keys(time_ms: IntColumn) -> IntColumn:
    number = np.arange(len(time_ms)) - np.searchsorted(time_ms, time_ms)
    keys: IntColumn = time_ms * _MOST_IN_A_MS + number
    return keys


def _named(path: PricePath | None, grid: PlayedTrades, fills: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return fills by their times; without a trade only orders that travel can have filled, and know theirs."""
    return fills.reshape(-1, at.FILL_WIDTH) if path is None else named(path, grid.setting, fills)
