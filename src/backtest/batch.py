"""Thousands of scenarios on one market, over the cores: what a sweep runs.

Only totals are kept of each, so memory does not grow with the candles. The numbers are those of single replays, digit
for digit: the same machine code runs, or the plain form where int64 would not hold one of them.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from os import cpu_count
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backtest.bounds import cash_limit, rules_in_int64
from backtest.candles import FloatColumn, IntColumn
from backtest.compiled import compiled_replays
from backtest.contract_market import netted_cost
from backtest.core import layout as at
from backtest.outcome import books_of, drawdown_of, flows_of, is_netted, last_bnb_price
from backtest.price_path import PricePath
from backtest.result import Drawdown, RanBy
from backtest.run import play_plainly, run_on
from backtest.scales import Setting, setting_of
from backtest.scenario import Delays, Scenario
from domain.grids import Books
from domain.instrument import InstrumentRules

DAY_MS: Final = 86_400_000
_CHUNK: Final = 8  # scenarios that one thread takes at a time
_NOTHING: Final[IntColumn] = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What one scenario came to: the engine's last numbers, from which everything else follows."""

    scenario: Scenario
    setting: Setting
    cell: list[list[int]]
    state: list[int]
    ran_by: RanBy
    netted: int | None = None  # as `books_of` has it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """What a batch came to, in the order of its scenarios.

    `marked_ms` are the ends of the UTC days in the candles and of the last candle; `equity` is each account's equity
    there in quote, a row per scenario, for statistics.
    """

    path: PricePath
    totals: Sequence[Totals]
    marked_ms: IntColumn
    equity: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.totals)

    def books(self, index: int) -> Books:
        """Return one scenario's exact books at the last close."""
        one = self.totals[index]
        return books_of(one.scenario, self.path, one.setting, one.cell, one.state, one.netted)

    def drawdown(self, index: int) -> Drawdown:
        """Return one scenario's deepest fall, exact."""
        one = self.totals[index]
        return drawdown_of(one.state, self.path, one.setting.scales.amount)

    def columns(self) -> dict[str, FloatColumn | IntColumn]:
        """Return totals by the names of `Measures.flat()`: amounts in quote, fractions, counts.

        Amounts are the exact ones, each rounded once to a float.
        """
        rows = [self._row(one) for one in self.totals]
        names = rows[0] if rows else {}
        return {name: np.array([row[name] for row in rows]) for name in names}

    def _row(self, one: Totals) -> dict[str, float | int]:
        state, setting = one.state, one.setting
        unit, rules = setting.scales.unit, setting.rules
        flows = flows_of(setting, one.cell, state, one.netted)
        first = int(self.path.table[0, at.OPEN]) * rules[at.BASE_UNIT]
        last = int(self.path.table[-1, at.CLOSE]) * rules[at.BASE_UNIT]
        fee_quote = state[at.FEE_QUOTE] * rules[at.FEE_UNIT]
        fee_bnb, fee_bnb_now = state[at.FEE_BNB_WORTH], state[at.FEE_BNB] * last_bnb_price(self.path, setting)
        fee_base, cost = flows.fee_base_value * rules[at.BASE_UNIT], flows.cost * rules[at.BASE_UNIT]
        value, funding = flows.base * last, state[at.FUNDING] * rules[at.FEE_UNIT]
        change = flows.quote + value - fee_bnb_now
        start = setting.state[at.CASH] + setting.state[at.BASE] * first
        lots = -setting.numbers.entry_lots if setting.numbers.entry_sells else setting.numbers.entry_lots
        hold = lots * setting.numbers.lot_units * (last - self._planned_at(one))
        worst = state[at.WORST_PEAK] - state[at.WORST_TROUGH]
        amounts = {
            "start_equity": start,
            "equity_change": change,
            "grid_profit": flows.quote + fee_quote + cost + fee_base - funding,
            "inventory_value": value,
            "inventory_change": value - cost,
            "fees": fee_base + fee_quote + fee_bnb,
            "fee_asset_revaluation": fee_bnb - fee_bnb_now,
            "funding": funding,
            "hold_change": hold,
            "versus_hold": change - hold,
            "max_drawdown_quote": worst,
        }
        return {name: amount * unit / 10**16 for name, amount in amounts.items()} | {
            "total_return": change / start,
            "max_drawdown": worst / state[at.WORST_PEAK],
            "time_in_range": state[at.IN_RANGE] / len(self.path.candles),
            "buys": state[at.BUYS],
            "sells": state[at.SELLS],
            "cycles": state[at.CYCLES],
            "unpaid_orders": state[at.UNPAID_EVER],
            "faulted_slots": state[at.FAULTED],
            "post_only_refusals": state[at.REFUSALS],
            "late_cancels": state[at.LATE_CANCELS],
            "rate_waits": state[at.RATE_WAITS],
            "over_limit_orders": state[at.OVER_LIMIT_EVER],
        }

    def _planned_at(self, one: Totals) -> int:
        return one.scenario.rules.ticks(one.scenario.plan.start_price) * one.setting.rules[at.BASE_UNIT]


def run_many(path: PricePath, scenarios: Sequence[Scenario], *, threads: int | None = None) -> Batch:
    """Replay every scenario on `path`.

    Args:
        path: candles, translated for the scenarios' tick.
        scenarios: of one instrument with the same rules, fill assumption and delays.
        threads: how many run at once; all cores by default.

    Raises:
        ValueError: where rules, fill assumptions or delays differ.
    """
    marks = _day_ends(path)
    settings = [setting_of(scenario, path.points) for scenario in scenarios]
    _check_alike(scenarios)
    for scenario in scenarios:
        path.check(scenario)
    for setting in settings:
        setting.rules[at.CASH_LIMIT] = cash_limit(setting, path)
        setting.rules[at.INTERVAL] = path.candles.interval_ms
    tables = _Tables.of([setting for setting in settings if setting.rules[at.CASH_LIMIT]], len(marks))
    tables.play(path, marks, threads or cpu_count() or 1)
    found = list(_totals(path, scenarios, settings, tables, marks))
    return Batch(
        path=path,
        totals=[totals for totals, _ in found],
        marked_ms=path.close_ms[marks],
        equity=np.array([equity for _, equity in found]).reshape(len(found), len(marks)),
    )


def _check_alike(scenarios: Sequence[Scenario]) -> None:
    def kind(scenario: Scenario) -> tuple[InstrumentRules, Any, Delays, bool]:
        return scenario.rules, scenario.fill, scenario.delays, scenario.orders_travel

    for index, scenario in enumerate(scenarios):
        if kind(scenario) != kind(scenarios[0]):
            raise ValueError(
                f"scenario {index} has other rules, another fill assumption or other delays; run it in its own batch"
            )


def _day_ends(path: PricePath) -> IntColumn:
    """Return the last candle of every UTC day."""
    day = path.open_ms // DAY_MS
    return np.append(np.flatnonzero(day[1:] != day[:-1]), len(day) - 1).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    """Scenarios side by side, as `core.many` wants them."""

    starts: IntColumn
    rules: npt.NDArray[np.int64]
    ladders: IntColumn
    cell: IntColumn
    flight: IntColumn
    totals: npt.NDArray[np.int64]
    state: npt.NDArray[np.int64]
    marked: npt.NDArray[np.int64]
    status: IntColumn
    brackets: IntColumn

    @classmethod
    def of(cls, settings: Sequence[Setting], marks: int) -> "_Tables":
        count = len(settings)
        cells = [setting.cells_at_start() for setting in settings]
        flat = [row for rows, _ in cells for row in rows]
        ladders = [row for setting in settings for row in setting.ladder()]
        return cls(
            starts=np.array([0, *accumulate(setting.cell_count for setting in settings)], dtype=np.int64),
            rules=_rules_of(settings),
            ladders=np.array([number for row in ladders for number in row], dtype=np.int64),
            cell=np.array([number for row in flat for number in row], dtype=np.int64),
            flight=np.zeros(sum(len(setting.flight_at_start()) for setting in settings), dtype=np.int64),
            totals=np.array([totals for _, totals in cells], dtype=np.int64).reshape(count, -1 if count else 0),
            state=np.array([setting.state for setting in settings], dtype=np.int64).reshape(count, at.STATE),
            marked=np.empty((count, marks), dtype=np.int64),
            status=np.zeros(count, dtype=np.int64),
            brackets=np.array(settings[0].brackets if settings else [], dtype=np.int64),
        )

    def play(self, path: PricePath, marks: IntColumn, threads: int) -> None:
        """Run all scenarios; an interrupt stops after the chunks under way."""
        is_contract = path.contract is not None
        replays = compiled_replays(late=len(self.flight) > 0, contract=is_contract)

        def chunk(first: int) -> None:
            replays(
                first,
                min(first + _CHUNK, len(self.rules)),
                path.market,
                path.blocks,
                path.volume,
                path.bnb,
                path.open_ms,
                path.funding,
                self.brackets,
                self.starts,
                self.rules,
                self.ladders,
                self.cell,
                self.flight,
                self.totals,
                self.state,
                _NOTHING,
                _NOTHING,
                marks,
                self.marked,
                self.status,
            )

        with ThreadPoolExecutor(threads, thread_name_prefix="replay") as pool:
            running: list[Future[None]] = [pool.submit(chunk, first) for first in range(0, len(self.rules), _CHUNK)]
            try:
                for future in running:
                    future.result()
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def cells_of(self, index: int) -> list[list[int]]:
        first, until = at.CELL * int(self.starts[index]), at.CELL * int(self.starts[index + 1])
        rows: list[list[int]] = self.cell[first:until].reshape(at.CELL, -1).tolist()
        return rows


def _rules_of(settings: Sequence[Setting]) -> npt.NDArray[np.int64]:
    """Return a row for each, as long as the one with the longest way to follow the price on."""
    rows = list(map(rules_in_int64, settings))
    width = max(map(len, rows), default=at.RULES)
    return np.array([row + [0] * (width - len(row)) for row in rows], dtype=np.int64).reshape(len(rows), width)


def _totals(
    path: PricePath, scenarios: Sequence[Scenario], settings: Sequence[Setting], tables: _Tables, marks: IntColumn
) -> Iterator[tuple[Totals, FloatColumn]]:
    """Yield each scenario's totals and its equity at the marks, from the tables or run plainly."""
    compiled = iter(range(len(tables.rules)))
    for scenario, setting in zip(scenarios, settings, strict=True):
        index = next(compiled) if setting.rules[at.CASH_LIMIT] else None
        if index is not None and tables.status[index] == at.DONE:
            cell, state, ran_by = tables.cells_of(index), tables.state[index].tolist(), RanBy.COMPILED
            marked = tables.marked[index].astype(np.float64)
        else:
            outcome, amounts = play_plainly(path, setting, marks.tolist())
            cell, state, ran_by = outcome.cell, outcome.state, outcome.ran_by
            marked = np.array([float(amount) for amount in amounts])
        netted = None
        if is_netted(state):
            netted = netted_cost(run_on(path, scenario).fills.rows.tolist(), setting.scales.lot, setting.lanes)
        totals = Totals(scenario=scenario, setting=setting, cell=cell, state=state, ran_by=ran_by, netted=netted)
        yield totals, marked * float(setting.scales.amount)
