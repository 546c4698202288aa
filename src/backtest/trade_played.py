"""What a replay over trades has come to so far: kept from slice to slice, and put into amounts at the end."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backtest.candles import Candles, IntColumn
from backtest.core import layout as at
from backtest.outcome import Outcome, result_of
from backtest.price_path import PricePath
from backtest.result import Drawdown, EquityCurve, Fills, RanBy, Result
from backtest.scales import Setting
from backtest.scenario import Scenario
from domain.money import exact, to_units

_PLACES: Final = (at.PEAK_AT, at.TROUGH_AT, at.WORST_PEAK_AT, at.WORST_TROUGH_AT)
"""Places in `state` that name a row. Between slices they name a time: -3, -4, ... are those in `_times_ms`."""
_BEFORE: Final = at.NEVER - 1
_NO_CURVE: Final[IntColumn] = np.empty(0, dtype=np.int64)


@dataclass(slots=True, eq=False)
class PlayedTrades:
    """One scenario's cells and state as the last slice left them, its fills, and the minutes that were played."""

    scenario: Scenario
    setting: Setting
    ran_by: RanBy
    cell: list[list[int]] = field(init=False)
    totals: list[int] = field(init=False)
    flight: list[int] = field(init=False)
    state: list[int] = field(init=False)
    minutes: "Minutes" = field(init=False)
    _times_ms: list[int] = field(init=False)
    _fills: list[npt.NDArray[Any]] = field(init=False)
    _path: PricePath | None = None
    _triggered_ms: int | None = None
    _ended_ms: int | None = None

    def __post_init__(self) -> None:
        self.cell, self.totals = self.setting.cells_at_start()
        self.flight = self.setting.flight_at_start()
        self.state = list(self.setting.state)
        self.minutes = Minutes()
        self._times_ms = [0] * len(_PLACES)
        self._fills = []

    def add_fills(self, parts: Sequence[npt.NDArray[Any]]) -> None:
        """Add fills that are named by their times."""
        self._fills += parts

    def end_slice(self, path: PricePath, last_ms: IntColumn, equity: npt.NDArray[Any]) -> None:
        """Note the equity at the last trades of the minutes of a slice, and let its rows be known by their time.

        For the next slice counts its own from 0.
        """
        self.minutes.add(path.candles, last_ms, equity)
        before = list(self._times_ms)
        for index, place in enumerate(_PLACES):
            row = self.state[place]
            if row != at.NEVER:
                is_here = row >= at.AT_START
                self._times_ms[index] = int(path.open_ms[max(row, 0)]) if is_here else before[_BEFORE - row]
                self.state[place] = _BEFORE - index
        if self._triggered_ms is None and self.state[at.TRIGGERED_AT]:
            self._triggered_ms = path.time_of(self.state[at.TRIGGERED_AT] - 1)
        if self._ended_ms is None and self.state[at.ENDED_BY]:
            self._ended_ms = path.time_of(self.state[at.ENDED_AT])
        self._path = path

    @exact
    def result(self) -> Result:
        """Return what came out; the curve is of minutes, the deepest fall of single trades.

        Raises:
            ValueError: before anything was played.
        """
        candles, state = self.minutes.candles(), list(self.state)
        assert self._path is not None  # noqa: S101 - there are candles, so something was played
        state[at.WORST_PEAK_AT] = at.NEVER  # a time by now, and no row
        state[at.TRIGGERED_AT] = state[at.ENDED_AT] = 0  # of an earlier slice, whose times were noted
        prices = self.scenario.plan.prices
        bottom, top = to_units(prices[0]), to_units(prices[-1])
        state[at.IN_RANGE] = int(((bottom <= candles.close) & (candles.close <= top)).sum())
        table = np.concatenate([np.empty((0, at.FILL_WIDTH), dtype=np.int64), *self._fills])
        outcome = Outcome(self.cell, state, table, _NO_CURVE, self.ran_by)
        found = result_of(self.scenario, replace(self._path, candles=candles), self.setting, outcome)
        end = found.end if found.end is None or self._ended_ms is None else replace(found.end, at_ms=self._ended_ms)
        curve, drawdown = self._curve(found.fills), self._drawdown(found.drawdown)
        return replace(found, curve=curve, drawdown=drawdown, end=end, triggered_ms=self._triggered_ms)

    def equity_before(self, close: IntColumn) -> npt.NDArray[Any]:
        """Return what the account at the start would be worth at closes (1e-8 quote)."""
        rules: list[int] = self.setting.rules
        price: npt.NDArray[Any] = close // self.setting.scales.tick
        price = price.astype(object) if self.ran_by is RanBy.PLAIN else price
        worth: npt.NDArray[Any] = rules[at.START_CASH] + rules[at.START_BASE] * rules[at.BASE_UNIT] * price
        return worth

    @exact
    def _drawdown(self, never: Drawdown) -> Drawdown:
        if self.state[at.WORST_PEAK_AT] > _BEFORE:
            return never
        unit = self.setting.scales.amount
        return Drawdown(
            peak=self.state[at.WORST_PEAK] * unit,
            trough=self.state[at.WORST_TROUGH] * unit,
            peak_ms=self._times_ms[_PLACES.index(at.WORST_PEAK_AT)],
            trough_ms=self._times_ms[_PLACES.index(at.WORST_TROUGH_AT)],
        )

    @exact
    def _curve(self, fills: Fills) -> EquityCurve:
        """Return the gain at the minutes' last trades."""
        return EquityCurve(
            time_ms=self.minutes.last_ms(),
            change=self.minutes.equity() - self.equity_before(self.minutes.candles().close),
            unit=self.setting.scales.amount,
            fills=fills,
            lot=self.setting.scales.lot,
        )


@dataclass(slots=True)
class Minutes:
    """What is kept of every minute."""

    _candles: list[Candles] = field(default_factory=list)
    _last_ms: list[IntColumn] = field(default_factory=list)
    _equity: list[npt.NDArray[Any]] = field(default_factory=list)

    def add(self, candles: Candles, last_ms: IntColumn, equity: npt.NDArray[Any]) -> None:
        self._candles.append(candles)
        self._last_ms.append(last_ms)
        self._equity.append(equity)

    def last_ms(self) -> IntColumn:
        return np.concatenate(self._last_ms)

    def equity(self) -> npt.NDArray[Any]:
        return np.concatenate(self._equity)

    def candles(self) -> Candles:
        if not self._candles:
            raise ValueError("no trade was played")
        first = self._candles[0]
        return Candles(
            symbol=first.symbol,
            market=first.market,
            interval_ms=first.interval_ms,
            open_ms=np.concatenate([part.open_ms for part in self._candles]),
            open=np.concatenate([part.open for part in self._candles]),
            high=np.concatenate([part.high for part in self._candles]),
            low=np.concatenate([part.low for part in self._candles]),
            close=np.concatenate([part.close for part in self._candles]),
            volume=np.concatenate([part.volume for part in self._candles]),
        )
