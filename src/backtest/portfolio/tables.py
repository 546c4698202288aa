"""Several grids as the engine keeps them: arrays that lie one behind the other, taken from stretch to stretch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from backtest.bounds import LARGEST, cash_limit, rules_in_int64
from backtest.candles import IntColumn
from backtest.compiled import compiled_together
from backtest.core import layout as at
from backtest.core.together import play_together
from backtest.price_path import PricePath
from backtest.run import fill_room
from backtest.scales import Setting
from grid.core.cells import BUYING

_PER_QUOTE: Final = 10**16  # the engine's unit of money is counted in 1e-16 quote
_NOBODY: Final = -1
Numbers = npt.NDArray[Any]


class Rows(NamedTuple):
    """Rows of one grid's market; all columns are empty where it has none."""

    prices: IntColumn
    volume: IntColumn
    bnb: IntColumn
    times: IntColumn

    @classmethod
    def of(cls, path: PricePath | None) -> "Rows":
        if path is None:
            nothing = np.empty(0, dtype=np.int64)
            return cls(nothing, nothing, nothing, nothing)
        return cls(path.market, path.volume, path.bnb, path.open_ms)


class Tables(NamedTuple):
    """What changes while grids are played."""

    cells: Numbers
    totals: Numbers
    state: Numbers
    flight: Numbers
    wallet: Numbers

    @classmethod
    def at_start(cls, settings: Sequence[Setting]) -> "Tables":
        starts = [setting.cells_at_start() for setting in settings]
        first = settings[0]
        wallet = [0] * at.WALLET
        wallet[at.WALLET_FREE] = first.state[at.FREE]
        wallet[at.WALLET_BNB] = first.state[at.BNB]
        wallet[at.WALLET_TIMERS_MS] = wallet[at.WALLET_TIMERS] = _NOBODY
        cells = sum(setting.cell_count for setting in settings)
        slots = first.rules[at.DELAYED] * (at.FLIGHT * cells + first.rules[at.MAX_RATE])
        return cls(
            cells=_array([value for rows, _ in starts for row in rows for value in row], object),
            totals=_array([numbers for _, numbers in starts], object),
            state=_array([setting.state for setting in settings], object),
            flight=_array([0] * slots, object),
            wallet=_array(wallet, object),
        )

    def fit(self, settings: Sequence[Setting]) -> bool:
        """Tell whether int64 holds all that another stretch adds to."""
        fees = (sum(self.cells_of(index, settings)[at.FEE_BASE]) for index in range(len(settings)))
        return all(int(abs(table).max(initial=0)) <= LARGEST for table in self) and max(fees) <= LARGEST // 2

    def cells_of(self, index: int, settings: Sequence[Setting]) -> list[list[int]]:
        """Return the rows of one grid's cells."""
        count, begin = settings[index].cell_count, at.CELL * cell_starts(settings)[index]
        rows: list[list[int]] = self.cells[begin : begin + at.CELL * count].reshape(at.CELL, count).tolist()
        return rows

    def flight_of(self, index: int, settings: Sequence[Setting]) -> list[int]:
        """Return one grid's orders under way and at rest."""
        count, begin = settings[index].cell_count, at.FLIGHT * cell_starts(settings)[index]
        slots: list[int] = self.flight[begin : begin + at.FLIGHT * count].tolist()
        return slots

    def locked(self, settings: Sequence[Setting]) -> int:
        """Return what resting buys lock, in units of money."""
        total = 0
        for index, setting in enumerate(settings):
            cells, slots = self.cells_of(index, settings), self.flight_of(index, settings)
            for k, price in enumerate(setting.numbers.prices[:-1]):
                if slots:
                    rests = slots[at.FLIGHT * k + at.STAGE] >= at.RESTS_NOW
                    lots = slots[at.FLIGHT * k + at.LEFT] if rests else 0
                else:
                    lots = cells[at.RESTS][k] if cells[at.SIDE][k] == BUYING else 0
                total += lots * price * setting.rules[at.NOTIONAL_UNIT]
        return total


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What a stretch left: the tables, and each grid's fills, its gain and what it has at risk at its rows' closes."""

    tables: Tables
    fills: list[Numbers]
    gains: list[Numbers]
    at_risk: list[Numbers]


def play(
    kind: type, before: Tables, settings: Sequence[Setting], steps: npt.NDArray[np.int64], markets: Sequence[Rows]
) -> Played | None:
    """Play a stretch by the form for arrays of `kind`; None, with nothing changed, where its money outgrew int64.

    `steps` holds a row for each grid: its row of the market in each step of the common time line, or -1.
    """
    now = Tables(*(table.astype(kind) for table in before))
    now.wallet[at.WALLET_STEP], now.wallet[at.WALLET_STATUS] = 0, at.FILLS_FULL
    starts = _starts([len(rows.times) for rows in markets])
    columns: list[Numbers] = [np.concatenate(column).astype(kind, copy=False) for column in zip(*markets, strict=True)]
    fixed = (steps, _array(starts, np.int64), *columns, _array(cell_starts(settings), np.int64), *_told(settings, kind))
    fills: Any = np.zeros((len(settings), max(map(fill_room, settings))), dtype=kind)
    gains: Any = np.zeros(starts[-1], dtype=kind)
    at_risk = gains.copy()
    late = bool(settings[0].rules[at.DELAYED])
    run: Callable[..., None] = compiled_together(late=late) if kind is np.int64 else play_together
    parts: list[list[Numbers]] = [[] for _ in settings]
    while now.wallet[at.WALLET_STATUS] == at.FILLS_FULL:
        run(*fixed, now.cells, now.totals, now.state, fills, now.flight, gains, at_risk, now.wallet)
        for row, own, mine in zip(fills, now.state, parts, strict=True):
            mine.append(row[: own[at.FILL_AT]].copy())
            own[at.FILL_AT] = 0
    if now.wallet[at.WALLET_STATUS] == at.TOO_LARGE:
        return None
    bounds = starts[1:-1]
    return Played(now, [np.concatenate(mine) for mine in parts], np.split(gains, bounds), np.split(at_risk, bounds))


def set_account(settings: Sequence[Setting], interval_ms: int, max_exposure: Decimal | None) -> None:
    """Tell the grids of one account what they share: the limit, and where they note when its orders left."""
    starts = cell_starts(settings)
    for setting, start in zip(settings, starts, strict=False):
        setting.rules[at.RECORD] = setting.rules[at.CURVE] = 1
        setting.rules[at.INTERVAL] = interval_ms
        setting.rules[at.SENT_AT] = at.FLIGHT * (starts[-1] - start)
        if max_exposure is not None:
            setting.rules[at.MAX_EXPOSURE] = int(max_exposure * _PER_QUOTE // setting.scales.unit)


def limit_cash(settings: Sequence[Setting], paths: Sequence[PricePath | None]) -> bool:
    """Set the money up to which int64 is safe for all grids together; tell whether it is from the start."""
    pairs = zip(settings, paths, strict=True)
    limits = [LARGEST if path is None else cash_limit(setting, path) for setting, path in pairs]
    left = LARGEST - sum(LARGEST - limit for limit in limits)
    each = left // len(limits)
    start = max(setting.state[at.CASH] for setting in settings)
    for setting in settings:
        setting.rules[at.CASH_LIMIT] = each
    return all(limits) and start < each


def allow_all_cash(settings: Sequence[Setting]) -> None:
    """Set no limit, for Python's integers never overflow."""
    for setting in settings:
        setting.rules[at.CASH_LIMIT] = sum(balance for balance in setting.state if balance > 0) << 256


def cell_starts(settings: Sequence[Setting]) -> list[int]:
    """Return how many cells lie before each grid's, and their number."""
    return _starts([setting.cell_count for setting in settings])


def _told(settings: Sequence[Setting], kind: type) -> tuple[Numbers, Numbers]:
    """Return rules and ladders, which nothing changes."""
    rules = [rules_in_int64(setting) if kind is np.int64 else setting.rules for setting in settings]
    ladders = [value for setting in settings for row in setting.ladder() for value in row]
    return _array(rules, kind), _array(ladders, kind)


def _starts(lengths: Sequence[int]) -> list[int]:
    return [0, *accumulate(lengths)]


def _array(numbers: Any, kind: type) -> Any:
    return np.array(numbers, dtype=kind)
