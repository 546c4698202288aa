"""Several grids on several symbols of one account, replayed on the merged time line of their candles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from math import gcd

import numpy as np
import numpy.typing as npt

from backtest.candles import BadCandles, Candles, IntColumn
from backtest.core import layout as at
from backtest.outcome import Outcome, result_of
from backtest.portfolio.tables import Played, Rows, Tables, allow_all_cash, limit_cash, play, set_account
from backtest.price_path import PricePath
from backtest.result import RanBy, Result
from backtest.run import named
from backtest.scales import Setting, scales_of, setting_of
from backtest.scenario import Scenario
from domain.errors import FieldMistake, InvalidRequest
from domain.grids import GridRequest
from domain.money import exact, from_units
from grid.core.exit_checks import begin_and_end_fields


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
    -1. `at_risk` has a column per grid at its candles' closes, in `unit`s of quote: inventory at cost and open buys.
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
    end_at_risk: Decimal  # inventory at cost, and buys at rest and under way
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
    played, ran_by = playing.play(form)
    results = playing.results(played, ran_by)
    return together_of(ordered, playing.settings, played.tables, results, played.at_risk, max_exposure)


def _of_one_grid_alone(request: GridRequest) -> Iterator[str]:
    """Yield the fields of a request that no portfolio replays."""
    if request.resting_levels is not None:
        yield "resting_levels"
    if request.post_only:
        yield "post_only"
    for name in ("trail_up_to", "trail_down_to"):
        if getattr(request, name) is not None:
            yield name
    yield from begin_and_end_fields(request)


def check_scenarios(scenarios: Sequence[Scenario]) -> None:
    """Refuse grids that do not belong on one account.

    Raises:
        InvalidRequest: for what is replayed of one grid alone.
        ValueError: for a symbol named twice, unlike quote assets, balances, delays or markets of BNB.
    """
    first = scenarios[0]
    asked = [name for scenario in scenarios for name in _of_one_grid_alone(scenario.plan.request)]
    if asked:
        told = "is replayed for one grid at a time; leave it out of a portfolio"
        raise InvalidRequest([FieldMistake(name, told) for name in dict.fromkeys(asked)])
    bases = [scenario.rules.instrument.base for scenario in scenarios]
    if any(scenario.rules.instrument.quote != first.rules.instrument.quote for scenario in scenarios):
        raise ValueError("all grids of a portfolio trade against one quote asset")
    if len(set(bases)) < len(bases):
        raise ValueError("a symbol is named twice; grids of one symbol could meet each other's orders")
    for scenario in scenarios[1:]:
        if scenario.balances != first.balances:
            raise ValueError("the balances of every scenario are those of the one account")
        if scenario.delays != first.delays:
            raise ValueError("the delays of every scenario are those of the one account")
        if scenario.fees.bnb_market is not first.fees.bnb_market:
            raise ValueError("the fees of every scenario are paid in BNB of one market")


def _check(members: Sequence[Member]) -> None:
    if not members:
        raise ValueError("a portfolio needs at least one grid")
    first = members[0]
    check_scenarios([member.scenario for member in members])
    for member in members[1:]:
        if member.candles.interval_ms != first.candles.interval_ms:
            raise BadCandles(
                f"candles of {member.symbol} are of another interval than those of {first.symbol}; use one for all"
            )
        if (member.candles.start_ms - first.candles.start_ms) % first.candles.interval_ms:
            raise BadCandles(f"candles of {member.symbol} do not open when those of {first.symbol} do")


@dataclass(slots=True)
class _Playing:
    members: tuple[Member, ...]
    paths: list[PricePath]
    settings: list[Setting]
    open_ms: IntColumn
    steps: npt.NDArray[np.int64]

    @classmethod
    def of(cls, members: tuple[Member, ...], max_exposure: Decimal | None) -> "_Playing":
        unit = common_unit([member.scenario for member in members])
        settings = [setting_of(member.scenario, at.POINTS_PER_ROW, unit=unit) for member in members]
        set_account(settings, members[0].candles.interval_ms, max_exposure)
        open_ms, steps = time_line([member.candles for member in members])
        paths = [PricePath.of(member.candles, member.scenario, unit=unit) for member in members]
        return cls(members, paths, settings, open_ms, steps)

    def play(self, form: RanBy | None) -> tuple[Played, RanBy]:
        """Return what came out, by the compiled form wherever int64 holds it."""
        before, markets = Tables.at_start(self.settings), [Rows.of(path) for path in self.paths]
        if form is not RanBy.PLAIN and limit_cash(self.settings, self.paths):
            played = play(np.int64, before, self.settings, self.steps, markets)
            if played is not None:
                return played, RanBy.COMPILED
        allow_all_cash(self.settings)
        played = play(object, before, self.settings, self.steps, markets)
        assert played is not None  # noqa: S101 - Python's integers never overflow
        return played, RanBy.PLAIN

    def results(self, played: Played, ran_by: RanBy) -> list[Result]:
        found = []
        for index, (member, path, setting) in enumerate(zip(self.members, self.paths, self.settings, strict=True)):
            outcome = Outcome(
                played.tables.cells_of(index, self.settings),
                played.tables.state[index].tolist(),
                named(path, setting, played.fills[index]),
                played.gains[index],
                ran_by,
            )
            found.append(result_of(member.scenario, path, setting, outcome))
        return found


@exact
def together_of(
    members: tuple[Member, ...],
    settings: Sequence[Setting],
    tables: Tables,
    results: Sequence[Result],
    at_risk: Sequence[IntColumn],
    max_exposure: Decimal | None,
) -> Together:
    """Put amounts to the integers of the whole account; `at_risk` is a column per member."""
    unit, wallet = settings[0].scales.amount, tables.wallet.tolist()
    open_ms, steps = time_line([member.candles for member in members])
    return Together(
        members=members,
        results=tuple(results),
        steps=steps,
        time_ms=open_ms + (members[0].candles.interval_ms - 1),
        at_risk=tuple(at_risk),
        over_limit=tuple(state[at.OVER_LIMIT_EVER] for state in tables.state.tolist()),
        unit=unit,
        start_quote=members[0].scenario.balances[members[0].scenario.rules.instrument.quote],
        free_quote=wallet[at.WALLET_FREE] * unit,
        reserved_quote=tables.locked(settings) * unit,
        end_at_risk=wallet[at.WALLET_AT_RISK] * unit,
        end_bnb=from_units(wallet[at.WALLET_BNB]),
        max_exposure=max_exposure,
        ran_by=results[0].ran_by,
    )


def common_unit(scenarios: Sequence[Scenario]) -> int:
    """Return the largest unit of money in which every amount of all scenarios is whole."""
    return reduce(gcd, (scales_of(scenario).unit for scenario in scenarios))


def time_line(markets: Sequence[Candles]) -> tuple[IntColumn, npt.NDArray[np.int64]]:
    """Return when the intervals open in which any market has a candle, and the markets' candles in them, or -1."""
    interval_ms, first_ms = markets[0].interval_ms, min(candles.start_ms for candles in markets)
    places = [(candles.open_ms - first_ms) // interval_ms for candles in markets]
    length = 1 + max(int(place[-1]) for place in places)
    table = np.full((len(markets), length), -1, dtype=np.int64)
    for row, place in zip(table, places, strict=True):
        row[place] = np.arange(len(place))
    used = (table >= 0).any(axis=0)
    return first_ms + interval_ms * np.flatnonzero(used), np.ascontiguousarray(table[:, used])
