"""Replays over trades that come slice by slice: the same engine, going on where the slice before ended."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backtest.bounds import LARGEST, cash_limit, rules_in_int64
from backtest.candles import Candles, IntColumn
from backtest.compiled import compiled_replays
from backtest.core import layout as at
from backtest.core.replay import replay
from backtest.outcome import Outcome, result_of
from backtest.price_path import PricePath
from backtest.result import Drawdown, EquityCurve, Fills, RanBy, Result
from backtest.run import fill_room, named
from backtest.scales import setting_of
from backtest.scenario import Scenario
from backtest.trade_slices import TradeSlice
from domain.money import exact, to_units

_PLACES: Final = (at.PEAK_AT, at.TROUGH_AT, at.WORST_PEAK_AT, at.WORST_TROUGH_AT)
"""Places in `state` that name a row. Between slices they name a time: -3, -4, ... are those in `_times_ms`."""
_BEFORE: Final = at.NEVER - 1
_NO_CURVE: Final[IntColumn] = np.empty(0, dtype=np.int64)


class TradeReplay:
    """One scenario over trades; `play` them in order, then ask for the `result`.

    Args:
        scenario: planned at the first trade's price.
        form: asks for one form of the engine; without it the compiled one runs wherever int64 is known to hold.
    """

    def __init__(self, scenario: Scenario, *, form: RanBy | None = None) -> None:
        self.scenario = scenario
        self.ran_by = form or RanBy.COMPILED
        self._setting = setting_of(scenario, 1)
        self._setting.rules[at.RECORD] = 1
        self._cell, self._totals = self._setting.cells_at_start()
        self._flight = self._setting.flight_at_start()
        self._state = list(self._setting.state)
        self._times_ms = [0] * len(_PLACES)
        self._fills: list[npt.NDArray[Any]] = []
        self._minutes = _Minutes()
        self._path: PricePath | None = None

    def play(self, trades: TradeSlice) -> None:
        """Go on with the next trades.

        Raises:
            BadCandles: for another market, or prices off the scenario's tick.
        """
        path = PricePath.of_trades(trades, self.scenario)
        marks = trades.minute_ends
        marked = self._play_compiled(path, marks) if self.ran_by is RanBy.COMPILED else None
        if marked is None:
            self.ran_by = RanBy.PLAIN
            marked = self._play_plainly(path, marks)
        self._minutes.add(path.candles, trades.time_ms[marks], marked)
        self._name_times(trades.time_ms)
        self._path = path

    @property
    def candles(self) -> Candles:
        """Return the minutes that were played.

        Raises:
            ValueError: before anything was.
        """
        return self._minutes.candles()

    @exact
    def result(self) -> Result:
        """Return what came out; the curve is of minutes, the deepest fall of single trades.

        Raises:
            ValueError: before anything was played.
        """
        candles, state = self.candles, list(self._state)
        assert self._path is not None  # noqa: S101 - there are candles, so something was played
        state[at.WORST_PEAK_AT] = at.NEVER  # a time by now, and no row
        prices = self.scenario.plan.prices
        bottom, top = to_units(prices[0]), to_units(prices[-1])
        state[at.IN_RANGE] = int(((bottom <= candles.close) & (candles.close <= top)).sum())
        table = np.concatenate([np.empty((0, at.FILL_WIDTH), dtype=np.int64), *self._fills])
        outcome = Outcome(self._cell, state, table, _NO_CURVE, self.ran_by)
        found = result_of(self.scenario, replace(self._path, candles=candles), self._setting, outcome)
        return replace(found, curve=self._curve(found.fills), drawdown=self._drawdown(found.drawdown))

    def _play_compiled(self, path: PricePath, marks: IntColumn) -> IntColumn | None:
        """Return the equity at `marks`; None, with nothing changed, where int64 does not hold it."""
        setting = self._setting
        setting.rules[at.CASH_LIMIT] = limit = cash_limit(setting, path)
        numbers = [*self._state, *(value for row in self._cell for value in row), *self._flight]
        if not limit or max(map(abs, numbers)) > LARGEST or sum(self._cell[at.FEE_BASE]) > LARGEST // 2:
            return None
        cell, flight, state = _array(self._cell), _array(self._flight), _array(self._state)
        state[at.NEXT] = state[at.NEXT_MARK] = 0
        totals, marked, status = _array([self._totals]), np.empty((1, len(marks)), dtype=np.int64), _array([0])
        fills, parts = np.empty(fill_room(setting), dtype=np.int64), []
        one = (_array([0, setting.cell_count]), _array([rules_in_int64(setting)]), _array(setting.ladder()).reshape(-1))
        market = (path.market, path.blocks, path.volume, path.bnb, path.open_ms)
        status[0] = at.FILLS_FULL
        replays = compiled_replays(late=bool(setting.rules[at.DELAYED]))
        while status[0] == at.FILLS_FULL:
            here = (cell.reshape(-1), flight, totals, state.reshape(1, -1), fills, _NO_CURVE, marks, marked, status)
            replays(0, 1, *market, *one, *here)
            parts.append(named(path, setting, fills[: state[at.FILL_AT]]))
            state[at.FILL_AT] = 0
        if status[0] == at.TOO_LARGE:
            return None
        self._cell, self._totals, self._state = cell.tolist(), totals[0].tolist(), state.tolist()
        self._flight = flight.tolist()
        self._fills += parts
        equity: IntColumn = marked[0]
        return equity

    def _play_plainly(self, path: PricePath, marks: IntColumn) -> npt.NDArray[Any]:
        rules, state = list(self._setting.rules), self._state
        rules[at.CASH_LIMIT] = sum(abs(balance) for balance in self._setting.state) << 256
        state[at.NEXT] = state[at.NEXT_MARK] = 0
        fills, kept = [0] * fill_room(self._setting), at.Kept([], marks.tolist(), [0] * len(marks))
        tape = path.plain_tape()
        grid = at.Grid(rules, self._setting.ladder(), self._cell, self._totals, state, fills, self._flight)
        status = at.FILLS_FULL
        while status == at.FILLS_FULL:
            status = replay(tape, grid, kept)
            self._fills.append(named(path, self._setting, np.array(fills[: state[at.FILL_AT]], dtype=object)))
            state[at.FILL_AT] = 0
        return np.array(kept.marked, dtype=object)

    def _name_times(self, time_ms: IntColumn) -> None:
        """Let rows of this slice be known by their time, for the next slice counts its own from 0."""
        before = list(self._times_ms)
        for index, place in enumerate(_PLACES):
            row = self._state[place]
            if row != at.NEVER:
                is_here = row >= at.AT_START
                self._times_ms[index] = int(time_ms[max(row, 0)]) if is_here else before[_BEFORE - row]
                self._state[place] = _BEFORE - index

    @exact
    def _drawdown(self, never: Drawdown) -> Drawdown:
        if self._state[at.WORST_PEAK_AT] > _BEFORE:
            return never
        unit = self._setting.scales.amount
        return Drawdown(
            peak=self._state[at.WORST_PEAK] * unit,
            trough=self._state[at.WORST_TROUGH] * unit,
            peak_ms=self._times_ms[_PLACES.index(at.WORST_PEAK_AT)],
            trough_ms=self._times_ms[_PLACES.index(at.WORST_TROUGH_AT)],
        )

    @exact
    def _curve(self, fills: Fills) -> EquityCurve:
        """Return the gain at the minutes' last trades."""
        setting, times_ms = self._setting, self._minutes.last_ms()
        price: npt.NDArray[Any] = self._minutes.candles().close // setting.scales.tick
        price = price.astype(object) if self.ran_by is RanBy.PLAIN else price
        before = setting.rules[at.START_CASH] + setting.rules[at.START_BASE] * setting.rules[at.BASE_UNIT] * price
        return EquityCurve(
            time_ms=times_ms,
            change=self._minutes.equity() - before,
            unit=setting.scales.amount,
            fills=fills,
            lot=setting.scales.lot,
        )


@dataclass(slots=True)
class _Minutes:
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


def replay_trades(slices: Iterable[TradeSlice], scenario: Scenario, *, form: RanBy | None = None) -> TradeReplay:
    """Play all slices and return the replay."""
    playing = TradeReplay(scenario, form=form)
    for trades in slices:
        playing.play(trades)
    return playing


def _array(numbers: Any) -> Any:
    return np.array(numbers, dtype=np.int64)
