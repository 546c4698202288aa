"""One replay from a scenario and candles to its result."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backtest.bounds import cash_limit, rules_in_int64
from backtest.candles import Candles
from backtest.compiled import compiled_replays
from backtest.core import layout as at
from backtest.core.replay import replay
from backtest.outcome import Outcome, result_of
from backtest.price_path import PricePath
from backtest.result import RanBy, Result
from backtest.scales import Setting, setting_of
from backtest.scenario import Scenario

_ROOM_FOR_FILLS: Final = 1 << 14


def run(candles: Candles, scenario: Scenario, *, curve: bool = False) -> Result:
    """Replay one scenario; with `curve` its equity at every candle too.

    Raises:
        BadCandles: for candles of another market, or off the scenario's tick.
    """
    return run_on(PricePath.of(candles, scenario), scenario, curve=curve)


def run_on(path: PricePath, scenario: Scenario, *, curve: bool = False, form: RanBy | None = None) -> Result:
    """Replay one scenario on candles that are translated already.

    `form` asks for one form of the engine; without it the compiled one runs wherever int64 is known to hold.
    """
    path.check(scenario)
    setting = setting_of(scenario, path.points)
    limit = cash_limit(setting, path)
    setting.rules[at.CASH_LIMIT] = limit
    setting.rules[at.RECORD] = 1
    setting.rules[at.CURVE] = int(curve)
    setting.rules[at.INTERVAL] = path.candles.interval_ms
    outcome = None
    if limit and form is not RanBy.PLAIN:
        outcome = _Compiled(path, setting).play()
    if outcome is None:
        outcome, _ = play_plainly(path, setting, [])
    return result_of(scenario, path, setting, outcome)


@dataclass(slots=True)
class _Compiled:
    path: PricePath
    setting: Setting

    def play(self) -> Outcome | None:
        """Return what came out; None where the money outgrew int64 on the way."""
        rules = self.setting.rules
        replays = compiled_replays(late=bool(rules[at.DELAYED]), contract=bool(rules[at.CONTRACT]))
        rows, totals = self.setting.cells_at_start()
        cell, state = _array(rows), _array(self.setting.state)
        fills = np.empty(fill_room(self.setting), dtype=np.int64)
        length = len(self.path.candles) if self.setting.rules[at.CURVE] else 0
        curve = np.empty(length, dtype=np.int64)
        status = _array([at.FILLS_FULL])
        one = (
            _array([0, self.setting.cell_count]),
            _array([rules_in_int64(self.setting)]),
            _array(self.setting.ladder()).reshape(-1),
            cell.reshape(-1),
            _array(self.setting.flight_at_start()),
            _array([totals]),
            state.reshape(1, -1),
        )
        path, unmarked = self.path, (_array([]), np.empty((1, 0), dtype=np.int64))
        brackets = _array(self.setting.brackets)
        parts = []
        while status[0] == at.FILLS_FULL:
            market = (path.market, path.blocks, path.volume, path.bnb, path.open_ms, path.funding, brackets)
            replays(0, 1, *market, *one, fills, curve, *unmarked, status)
            parts.append(named(path, self.setting, fills[: state[at.FILL_AT]]))
            state[at.FILL_AT] = 0
        if status[0] == at.TOO_LARGE:
            return None
        table = np.concatenate(parts)
        return Outcome(cell.tolist(), state.tolist(), table, curve, RanBy.COMPILED)


def play_plainly(path: PricePath, setting: Setting, marks: list[int]) -> tuple[Outcome, list[int]]:
    """Return what came out, and the equity at `marks`, by Python's own integers, which never overflow."""
    cell, totals = setting.cells_at_start()
    state, rules = list(setting.state), list(setting.rules)
    rules[at.CASH_LIMIT] = sum(balance for balance in state if balance > 0) << 256
    fills = [0] * fill_room(setting)
    length = len(path.candles) if rules[at.CURVE] else 0
    kept = at.Kept([0] * length, marks, [0] * len(marks))
    grid = at.Grid(rules, setting.ladder(), cell, totals, state, fills, setting.flight_at_start())
    tape = path.plain_tape(setting.brackets)
    written: list[int] = []
    status = at.FILLS_FULL
    while status == at.FILLS_FULL:
        status = replay(tape, grid, kept)
        written += fills[: state[at.FILL_AT]]
        state[at.FILL_AT] = 0
    table = named(path, setting, np.array(written, dtype=object))
    return Outcome(cell, state, table, np.array(kept.curve, dtype=object), RanBy.PLAIN), list(kept.marked)


def named(path: PricePath, setting: Setting, fills: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the engine's fills as a table of its own, each with its time."""
    if setting.rules[at.DELAYED]:
        return fills.reshape(-1, at.FILL_WIDTH).copy()
    return path.named(fills)


def fill_room(setting: Setting) -> int:
    """Return places for the fills of at least two blocks of candles."""
    block = 4 * (setting.cell_count + 2) * at.BLOCK * (at.LATE_ROOM if setting.rules[at.DELAYED] else 1)
    return at.FILL_WIDTH * max(2 * block, _ROOM_FOR_FILLS)


def _array(numbers: Any) -> Any:
    return np.array(numbers, dtype=np.int64)
