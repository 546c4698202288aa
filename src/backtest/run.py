"""One replay from a scenario and candles to its result."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from backtest import engine
from backtest.bounds import cash_limit
from backtest.candles import Candles, IntColumn
from backtest.compiled import compiled_replay
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
    setting = setting_of(scenario, path.candles.interval_ms, path.points)
    limit = cash_limit(setting, int(path.blocks[engine.BLOCK_HIGH].max()), len(path.candles))
    setting.rules[engine.CASH_LIMIT] = limit
    setting.rules[engine.RECORD] = 1
    setting.rules[engine.CURVE] = int(curve)
    volume = path.print_lots(scenario)
    outcome = None
    if limit and form is not RanBy.PLAIN:
        outcome = _Compiled(path, setting, volume).play()
    if outcome is None:
        outcome = _Plain(path, setting, volume).play()
    return result_of(scenario, path, setting, outcome)


@dataclass(slots=True)
class _Compiled:
    path: PricePath
    setting: Setting
    volume: IntColumn

    def play(self) -> Outcome | None:
        """Return what came out; None where the money outgrew int64 on the way."""
        replay = compiled_replay()
        rows, totals = self.setting.cells_at_start()
        cell, state = np.array(rows, dtype=np.int64), np.array(self.setting.state, dtype=np.int64)
        rules = np.array(self.setting.rules, dtype=np.int64)
        fills = np.empty(_fill_room(self.setting), dtype=np.int64)
        length = len(self.path.candles) if rules[engine.CURVE] else 0
        curve = (np.empty(length, dtype=np.int64), np.empty(length, dtype=np.int64))
        arguments: tuple[Any, ...] = (
            self.path.table,
            self.path.blocks,
            self.volume,
            self.path.open_ms,
            rules,
            np.array(self.setting.ladder(), dtype=np.int64),
            cell,
            np.array(totals, dtype=np.int64),
            state,
            fills,
            *curve,
        )
        parts = []
        status = engine.FILLS_FULL
        while status == engine.FILLS_FULL:
            status = replay(*arguments)
            parts.append(fills[: state[engine.FILL_AT]].copy())
            state[engine.FILL_AT] = 0
        if status == engine.TOO_LARGE:
            return None
        table = np.concatenate(parts).reshape(-1, engine.FILL_WIDTH)
        return Outcome(cell.tolist(), state.tolist(), table, curve, RanBy.COMPILED)


@dataclass(slots=True)
class _Plain:
    path: PricePath
    setting: Setting
    volume: IntColumn

    def play(self) -> Outcome:
        """Return what came out, by Python's own integers, which never overflow."""
        cell, totals = self.setting.cells_at_start()
        state, rules = list(self.setting.state), list(self.setting.rules)
        rules[engine.CASH_LIMIT] = sum(balance for balance in state if balance > 0) << 256
        room = _fill_room(self.setting)
        fills = [0] * room
        length = len(self.path.candles) if rules[engine.CURVE] else 0
        curve = ([0] * length, [0] * length)
        market, blocks = self.path.table.tolist(), self.path.blocks.tolist()
        volume, open_ms, ladder = self.volume.tolist(), self.path.open_ms.tolist(), self.setting.ladder()
        written: list[int] = []
        status = engine.FILLS_FULL
        while status == engine.FILLS_FULL:
            status = engine.replay(
                market, blocks, volume, open_ms, rules, ladder, cell, totals, state, fills, curve[0], curve[1]
            )
            written += fills[: state[engine.FILL_AT]]
            state[engine.FILL_AT] = 0
        table = np.array(written, dtype=object).reshape(-1, engine.FILL_WIDTH)
        columns = (np.array(curve[0], dtype=object), np.array(curve[1], dtype=object))
        return Outcome(cell, state, table, columns, RanBy.PLAIN)


def _fill_room(setting: Setting) -> int:
    """Return places for the fills of at least two blocks of candles."""
    block = 4 * (setting.cell_count + 2) * engine.BLOCK
    return engine.FILL_WIDTH * max(2 * block, _ROOM_FOR_FILLS)
