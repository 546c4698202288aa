"""Several grids on several symbols of one account, replayed on the merged time line of their candles."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from itertools import accumulate
from math import gcd
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backtest.bounds import LARGEST, cash_limit
from backtest.candles import BadCandles, Candles, IntColumn
from backtest.compiled import compiled_together
from backtest.core import layout as at
from backtest.core.together import play_together
from backtest.outcome import Outcome, result_of
from backtest.price_path import PricePath
from backtest.result import RanBy, Result
from backtest.run import fill_room, named
from backtest.scales import Setting, scales_of, setting_of
from backtest.scenario import Scenario
from domain.money import exact, from_units

_PER_QUOTE: Final = 10**16  # the engine's unit of money is counted in 1e-16 quote


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """One grid of a portfolio. The balances of its scenario are those of the whole account."""

    scenario: Scenario
    candles: Candles

    @property
    def symbol(self) -> str:
        instrument = self.scenario.rules.instrument
        return instrument.base + instrument.quote


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Together:
    """What came out, the grids in the order in which they were replayed.

    Each result is what its grid did on the account; its curve, fall and equity are those of an account on which the
    others had gained nothing. `steps` holds a row per grid: its candle in every interval of the common time line, or
    -1. `at_risk` has a column per grid at its candles' closes, in `unit`s of quote: inventory at cost and resting buys.
    `over_limit` counts per grid the orders that `max_exposure` did not allow when they were first wanted.
    """

    members: tuple[Member, ...]
    results: tuple[Result, ...]
    steps: npt.NDArray[np.int64]
    time_ms: IntColumn  # the last millisecond of every step
    at_risk: tuple[IntColumn, ...]
    over_limit: tuple[int, ...]
    unit: Decimal
    start_quote: Decimal
    free_quote: Decimal  # at the end, locked by no order
    reserved_quote: Decimal  # at the end, by resting buys
    end_bnb: Decimal
    max_exposure: Decimal | None
    ran_by: RanBy


def replay_together(
    members: Sequence[Member], *, max_exposure: Decimal | None = None, form: RanBy | None = None
) -> Together:
    """Replay the grids on one account, in the order of their symbols' names.

    `max_exposure` (quote) is the risk gate's limit: inventory at cost plus open buys of all grids; sales always pass.
    `form` asks for one form of the engine; without it the compiled one runs wherever int64 is known to hold.

    Raises:
        BadCandles: for candles that do not fit their scenario, or one another.
        ValueError: without grids, for a symbol named twice, unlike balances, delays or markets of BNB.
    """
    ordered = tuple(sorted(members, key=lambda member: member.symbol))
    _check(ordered)
    playing = _Playing.of(ordered, max_exposure)
    played = None
    if form is not RanBy.PLAIN and playing.limit_cash():
        played = playing.play(np.int64)
    if played is None:
        playing.allow_all_cash()
        played = playing.play(object)
        assert played is not None  # noqa: S101 - Python's integers never overflow
    return playing.result(played, max_exposure)


def _check(members: Sequence[Member]) -> None:
    if not members:
        raise ValueError("a portfolio needs at least one grid")
    first = members[0]
    symbols = [member.symbol for member in members]
    if len(set(symbols)) < len(symbols):
        raise ValueError("a symbol is named twice; grids of one symbol could meet each other's orders")
    for member in members[1:]:
        if member.scenario.rules.instrument.quote != first.scenario.rules.instrument.quote:
            raise ValueError("all grids of a portfolio trade against one quote asset")
        if member.scenario.balances != first.scenario.balances:
            raise ValueError("the balances of every scenario are those of the one account")
        if member.scenario.delays != first.scenario.delays:
            raise ValueError("the delays of every scenario are those of the one account")
        if member.scenario.fees.bnb_market is not first.scenario.fees.bnb_market:
            raise ValueError("the fees of every scenario are paid in BNB of one market")
        if member.candles.interval_ms != first.candles.interval_ms:
            raise BadCandles(
                f"candles of {member.symbol} are of another interval than those of {first.symbol}; use one for all"
            )
        if (member.candles.start_ms - first.candles.start_ms) % first.candles.interval_ms:
            raise BadCandles(f"candles of {member.symbol} do not open when those of {first.symbol} do")


@dataclass(slots=True)
class _Played:
    cells: list[list[list[int]]]
    state: list[list[int]]
    fills: list[npt.NDArray[Any]]
    curve: npt.NDArray[Any]
    at_risk: npt.NDArray[Any]
    wallet: list[int]
    ran_by: RanBy


@dataclass(slots=True)
class _Playing:
    members: tuple[Member, ...]
    paths: list[PricePath]
    settings: list[Setting]
    open_ms: IntColumn
    steps: npt.NDArray[np.int64]

    @classmethod
    def of(cls, members: tuple[Member, ...], max_exposure: Decimal | None) -> "_Playing":
        unit = reduce(gcd, (scales_of(member.scenario).unit for member in members))
        settings = [setting_of(member.scenario, at.POINTS_PER_ROW, unit=unit) for member in members]
        for setting in settings:
            setting.rules[at.RECORD] = 1
            setting.rules[at.CURVE] = 1
            setting.rules[at.INTERVAL] = members[0].candles.interval_ms
            if max_exposure is not None:
                setting.rules[at.MAX_EXPOSURE] = int(max_exposure * _PER_QUOTE // unit)
        _share_sending(settings)
        open_ms, steps = _time_line([member.candles for member in members])
        paths = [PricePath.of(member.candles, member.scenario, unit=unit) for member in members]
        return cls(members, paths, settings, open_ms, steps)

    def limit_cash(self) -> bool:
        """Set the money up to which int64 is safe for all grids together; tell whether it is from the start."""
        limits = [cash_limit(setting, path) for setting, path in zip(self.settings, self.paths, strict=True)]
        left = LARGEST - sum(LARGEST - limit for limit in limits)
        each = left // len(limits)
        start = max(setting.state[at.CASH] for setting in self.settings)
        for setting in self.settings:
            setting.rules[at.CASH_LIMIT] = each
        return all(limits) and start < each

    def allow_all_cash(self) -> None:
        for setting in self.settings:
            setting.rules[at.CASH_LIMIT] = sum(balance for balance in setting.state if balance > 0) << 256

    def play(self, kind: type) -> _Played | None:
        """Return what came out, by the form for arrays of `kind`; None where the money outgrew int64."""
        starts = [setting.cells_at_start() for setting in self.settings]
        cells = _array([value for rows, _ in starts for row in rows for value in row], kind)
        totals = _array([numbers for _, numbers in starts], kind)
        state = _array([setting.state for setting in self.settings], kind)
        fills: Any = np.zeros((len(self.settings), max(map(fill_room, self.settings))), dtype=kind)
        candle_count = sum(len(path.candles) for path in self.paths)
        flight: Any = np.zeros(_flight_room(self.settings), dtype=kind)
        curve: Any = np.zeros(candle_count, dtype=kind)
        at_risk = curve.copy()
        wallet = self._wallet(kind)
        fixed = self._fixed(kind)
        late = bool(self.settings[0].rules[at.DELAYED])
        run: Callable[..., None] = compiled_together(late=late) if kind is np.int64 else play_together
        parts: list[list[npt.NDArray[Any]]] = [[] for _ in self.settings]
        while wallet[at.WALLET_STATUS] == at.FILLS_FULL:
            run(*fixed, cells, totals, state, fills, flight, curve, at_risk, wallet)
            columns = zip(fills, self.paths, self.settings, state, parts, strict=True)
            for row, path, setting, own, mine in columns:
                mine.append(named(path, setting, row[: own[at.FILL_AT]]))
                own[at.FILL_AT] = 0
        if wallet[at.WALLET_STATUS] == at.TOO_LARGE:
            return None
        return _Played(
            cells=self._split_cells(cells.tolist()),
            state=state.tolist(),
            fills=[np.concatenate(mine) for mine in parts],
            curve=curve,
            at_risk=at_risk,
            wallet=wallet.tolist(),
            ran_by=RanBy.COMPILED if kind is np.int64 else RanBy.PLAIN,
        )

    @exact
    def result(self, played: _Played, max_exposure: Decimal | None) -> Together:
        """Put amounts to the integers."""
        bounds = self._market_starts()
        results, risks = [], []
        for index, (member, path, setting) in enumerate(zip(self.members, self.paths, self.settings, strict=True)):
            part = slice(bounds[index], bounds[index + 1])
            outcome = Outcome(
                played.cells[index],
                played.state[index],
                played.fills[index],
                played.curve[part],
                played.ran_by,
            )
            results.append(result_of(member.scenario, path, setting, outcome))
            risks.append(played.at_risk[part])
        unit, instrument = self.settings[0].scales.amount, self.members[0].scenario.rules.instrument
        at_risk = played.wallet[at.WALLET_AT_RISK] * unit
        return Together(
            members=self.members,
            results=tuple(results),
            steps=self.steps,
            time_ms=self.open_ms + (self.members[0].candles.interval_ms - 1),
            at_risk=tuple(risks),
            over_limit=tuple(state[at.OVER_LIMIT_EVER] for state in played.state),
            unit=unit,
            start_quote=self.members[0].scenario.balances[instrument.quote],
            free_quote=played.wallet[at.WALLET_FREE] * unit,
            reserved_quote=at_risk - sum((result.books.inventory_cost for result in results), Decimal(0)),
            end_bnb=from_units(played.wallet[at.WALLET_BNB]),
            max_exposure=max_exposure,
            ran_by=played.ran_by,
        )

    def _fixed(self, kind: type) -> tuple[npt.NDArray[Any], ...]:
        """Return what no step changes, in the order of `play_together`."""
        rules = _array([setting.rules for setting in self.settings], object)
        if kind is np.int64:  # whose numbers all stay below LARGEST, so that this limits nothing less
            rules[:, at.MAX_EXPOSURE] = np.minimum(rules[:, at.MAX_EXPOSURE], LARGEST)
        ladders = [value for setting in self.settings for row in setting.ladder() for value in row]
        return (
            self.steps,
            _array(self._market_starts(), np.int64),
            np.concatenate([path.market for path in self.paths]).astype(kind, copy=False),
            np.concatenate([path.volume for path in self.paths]).astype(kind, copy=False),
            np.concatenate([path.bnb for path in self.paths]).astype(kind, copy=False),
            np.concatenate([path.open_ms for path in self.paths]).astype(kind, copy=False),
            _array(self._cell_starts(), np.int64),
            rules.astype(kind),
            _array(ladders, kind),
        )

    def _wallet(self, kind: type) -> npt.NDArray[Any]:
        wallet = [0] * at.WALLET
        wallet[at.WALLET_FREE] = self.settings[0].state[at.FREE]
        wallet[at.WALLET_BNB] = self.settings[0].state[at.BNB]
        wallet[at.WALLET_STATUS] = at.FILLS_FULL
        wallet[at.WALLET_TIMERS_MS] = wallet[at.WALLET_TIMERS] = -1
        made: npt.NDArray[Any] = _array(wallet, kind)
        return made

    def _market_starts(self) -> list[int]:
        return _starts([len(path.candles) for path in self.paths])

    def _cell_starts(self) -> list[int]:
        return _starts([setting.cell_count for setting in self.settings])

    def _split_cells(self, flat: list[int]) -> list[list[list[int]]]:
        tables = []
        for first, setting in zip(self._cell_starts(), self.settings, strict=False):
            count, begin = setting.cell_count, at.CELL * first
            tables.append([flat[begin + row * count : begin + (row + 1) * count] for row in range(at.CELL)])
        return tables


def _time_line(markets: Sequence[Candles]) -> tuple[IntColumn, npt.NDArray[np.int64]]:
    """Return when the intervals open in which any market has a candle, and the markets' candles in them, or -1."""
    interval_ms, first_ms = markets[0].interval_ms, min(candles.start_ms for candles in markets)
    places = [(candles.open_ms - first_ms) // interval_ms for candles in markets]
    length = 1 + max(int(place[-1]) for place in places)
    table = np.full((len(markets), length), -1, dtype=np.int64)
    for row, place in zip(table, places, strict=True):
        row[place] = np.arange(len(place))
    used = (table >= 0).any(axis=0)
    return first_ms + interval_ms * np.flatnonzero(used), np.ascontiguousarray(table[:, used])


def _share_sending(settings: Sequence[Setting]) -> None:
    """Let all grids note at one place, behind all that is under way, when the account's last orders left."""
    starts = _starts([setting.cell_count for setting in settings])
    for setting, start in zip(settings, starts, strict=False):
        setting.rules[at.SENT_AT] = at.FLIGHT * (starts[-1] - start)


def _flight_room(settings: Sequence[Setting]) -> int:
    first = settings[0].rules
    cells = sum(setting.cell_count for setting in settings)
    return first[at.DELAYED] * (at.FLIGHT * cells + first[at.MAX_RATE])


def _starts(lengths: Sequence[int]) -> list[int]:
    return [0, *accumulate(lengths)]


def _array(numbers: Any, kind: type) -> Any:
    return np.array(numbers, dtype=kind)
