"""Replays over trades that come slice by slice: the same engine, going on where the slice before ended."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backtest.bounds import LARGEST, cash_limit, rules_in_int64
from backtest.candles import Candles, IntColumn
from backtest.compiled import compiled_replays
from backtest.core import layout as at
from backtest.core.replay import replay
from backtest.price_path import PricePath
from backtest.result import RanBy, Result
from backtest.run import fill_room, named
from backtest.scales import setting_of
from backtest.scenario import Scenario
from backtest.trade_played import PlayedTrades
from backtest.trade_slices import TradeSlice
from domain.errors import FieldMistake, InvalidRequest

_NO_CURVE: Final[IntColumn] = np.empty(0, dtype=np.int64)


class TradeReplay:
    """One scenario over trades; `play` them in order, then ask for the `result`.

    Args:
        scenario: planned at the first trade's price.
        form: asks for one form of the engine; without it the compiled one runs wherever int64 is known to hold.
    """

    def __init__(self, scenario: Scenario, *, form: RanBy | None = None) -> None:
        if scenario.plan.master:
            told = "a ladder that follows the price is replayed on candles alone; leave it out, or leave trades out"
            field = "trail_down_to" if scenario.plan.request.trail_up_to is None else "trail_up_to"
            raise InvalidRequest([FieldMistake(field, told)])
        self.scenario = scenario
        self._played = PlayedTrades(scenario, setting_of(scenario, 1), form or RanBy.COMPILED)
        self._played.setting.rules[at.RECORD] = 1

    def play(self, trades: TradeSlice) -> None:
        """Go on with the next trades.

        Raises:
            BadCandles: for another market, or prices off the scenario's tick.
        """
        path, played = PricePath.of_trades(trades, self.scenario), self._played
        marks = trades.minute_ends
        marked = self._play_compiled(path, marks) if played.ran_by is RanBy.COMPILED else None
        if marked is None:
            played.ran_by = RanBy.PLAIN
            marked = self._play_plainly(path, marks)
        played.end_slice(path, trades.time_ms[marks], marked)

    @property
    def ran_by(self) -> RanBy:
        return self._played.ran_by

    @property
    def candles(self) -> Candles:
        """Return the minutes that were played.

        Raises:
            ValueError: before anything was.
        """
        return self._played.minutes.candles()

    def result(self) -> Result:
        """Return what came out; the curve is of minutes, the deepest fall of single trades.

        Raises:
            ValueError: before anything was played.
        """
        return self._played.result()

    def _play_compiled(self, path: PricePath, marks: IntColumn) -> IntColumn | None:
        """Return the equity at `marks`; None, with nothing changed, where int64 does not hold it."""
        played = self._played
        setting = played.setting
        setting.rules[at.CASH_LIMIT] = limit = cash_limit(setting, path)
        numbers = [*played.state, *(value for row in played.cell for value in row), *played.flight]
        if not limit or max(map(abs, numbers)) > LARGEST or sum(played.cell[at.FEE_BASE]) > LARGEST // 2:
            return None
        cell, flight, state = _array(played.cell), _array(played.flight), _array(played.state)
        state[at.NEXT] = state[at.NEXT_MARK] = 0
        totals, marked, status = _array([played.totals]), np.empty((1, len(marks)), dtype=np.int64), _array([0])
        fills, parts = np.empty(fill_room(setting), dtype=np.int64), []
        one = (_array([0, setting.cell_count]), _array([rules_in_int64(setting)]), _array(setting.ladder()).reshape(-1))
        market = (path.market, path.blocks, path.volume, path.bnb, path.open_ms, path.funding, _array(setting.brackets))
        status[0] = at.FILLS_FULL
        replays = compiled_replays(late=bool(setting.rules[at.DELAYED]), contract=False)
        while status[0] == at.FILLS_FULL:
            here = (cell.reshape(-1), flight, totals, state.reshape(1, -1), fills, _NO_CURVE, marks, marked, status)
            replays(0, 1, *market, *one, *here)
            parts.append(named(path, setting, fills[: state[at.FILL_AT]]))
            state[at.FILL_AT] = 0
        if status[0] == at.TOO_LARGE:
            return None
        played.cell, played.totals, played.state = cell.tolist(), totals[0].tolist(), state.tolist()
        played.flight = flight.tolist()
        played.add_fills(parts)
        equity: IntColumn = marked[0]
        return equity

    def _play_plainly(self, path: PricePath, marks: IntColumn) -> npt.NDArray[Any]:
        played = self._played
        setting, rules, state = played.setting, list(played.setting.rules), played.state
        rules[at.CASH_LIMIT] = sum(abs(balance) for balance in setting.state) << 256
        state[at.NEXT] = state[at.NEXT_MARK] = 0
        fills, kept = [0] * fill_room(setting), at.Kept([], marks.tolist(), [0] * len(marks))
        tape = path.plain_tape(setting.brackets)
        grid = at.Grid(rules, setting.ladder(), played.cell, played.totals, state, fills, played.flight)
        status = at.FILLS_FULL
        while status == at.FILLS_FULL:
            status = replay(tape, grid, kept)
            played.add_fills([named(path, setting, np.array(fills[: state[at.FILL_AT]], dtype=object))])
            state[at.FILL_AT] = 0
        return np.array(kept.marked, dtype=object)


def replay_trades(slices: Iterable[TradeSlice], scenario: Scenario, *, form: RanBy | None = None) -> TradeReplay:
    """Play all slices and return the replay."""
    playing = TradeReplay(scenario, form=form)
    for trades in slices:
        playing.play(trades)
    return playing


def _array(numbers: Any) -> Any:
    return np.array(numbers, dtype=np.int64)
