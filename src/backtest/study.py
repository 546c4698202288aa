"""One grid back-tested with everything its report tells: bounds of the declared path, outcomes over windows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from backtest.candles import BadCandles, Candles
from backtest.contract_market import ContractMarket
from backtest.measured import Measures
from backtest.measures import measure, why_no_holding
from backtest.result import Result
from backtest.rules_source import UsedRules
from backtest.run import run
from backtest.scenario import Delays, Fees, FillAssumption, FillKind, PathRule, Scenario
from domain.errors import InvalidRequest
from domain.grids import GridRequest

_MOSTLY: Final = 0.9


class WindowLength(StrEnum):
    """How long the windows are in which the same grid is started anew."""

    DAY = "day"
    WEEK = "week"  # from Monday
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What is assumed of account and market."""

    balances: Mapping[str, Decimal]
    fees: Fees = field(default_factory=Fees)
    fill: FillAssumption = field(default_factory=FillAssumption)
    path: PathRule = PathRule.CANDLE
    delays: Delays = field(default_factory=Delays)
    max_exposure: Decimal | None = None
    contract: ContractMarket | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bounds:
    """The same grid on the worst and on the best reading of the same candles."""

    pessimistic: Result
    optimistic: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The same grid, started at the window's first candle. Amounts in quote; None, with the reason, where refused.

    `hold_fraction` is None too where there was no first purchase to hold.
    """

    from_ms: int
    until_ms: int
    change: Decimal | None
    fraction: float | None
    hold_fraction: float | None
    cycles: int
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class TradesPlayed:
    """Trades that were replayed one by one; `missing` counts those whose ids the recording lacks."""

    count: int
    missing: int = 0

    @property
    def missing_share(self) -> float:
        return self.missing / (self.missing + self.count)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """One grid's back-test. `origin` says where the prices come from, `made_ms` is wall time.

    Where `trades` were replayed, `candles` are the minutes made of them, for pictures and figures of time.
    `fill_origin` says where a calibrated fill assumption comes from.
    """

    candles: Candles
    origin: str
    rules: UsedRules
    result: Result
    measures: Measures
    bounds: Bounds | None = None
    window_length: WindowLength | None = None
    windows: tuple[Window, ...] = ()
    made_ms: int = 0
    trades: TradesPlayed | None = None
    fill_origin: str = ""

    @property
    def missing_share(self) -> float:
        """Return the fraction of the window that the recording lacks."""
        return self.candles.missing_share if self.trades is None else self.trades.missing_share


def study(
    request: GridRequest,
    candles: Candles,
    rules: UsedRules,
    assumed: Assumptions,
    *,
    origin: str = "",
    with_bounds: bool = True,
    windows: WindowLength | None = None,
    made_ms: int = 0,
) -> Study:
    """Replay `request` over `candles`, planned at their first open.

    Raises:
        InvalidRequest: with every mistake in the request.
        BadCandles: for candles that the rules do not fit.
    """
    scenario = scenario_of(request, candles, rules, assumed)
    result = run(candles, scenario, curve=True)
    return Study(
        candles=candles,
        origin=origin,
        rules=rules,
        result=result,
        measures=measure(result, candles),
        bounds=bounds_of(scenario, candles) if with_bounds else None,
        window_length=windows,
        windows=tuple(_windows(request, candles, rules, assumed, windows)) if windows else (),
        made_ms=made_ms,
    )


def scenario_of(request: GridRequest, candles: Candles, rules: UsedRules, assumed: Assumptions) -> Scenario:
    """Return the scenario, planned at the first candle's open.

    Raises:
        InvalidRequest: with every mistake in the request.
    """
    return Scenario.of(
        request,
        candles,
        rules.rules,
        balances=assumed.balances,
        fees=assumed.fees,
        fill=assumed.fill,
        path=assumed.path,
        delays=assumed.delays,
        max_exposure=assumed.max_exposure,
        contract=assumed.contract,
    )


def bounds_of(scenario: Scenario, candles: Candles) -> Bounds:
    """Replay the pessimistic reading (filled only beyond the price) and the optimistic one (touch, the longer way)."""
    through, touch = FillAssumption(FillKind.THROUGH), FillAssumption(FillKind.TOUCH)
    return Bounds(
        pessimistic=run(candles, replace(scenario, path=PathRule.PESSIMISTIC, fill=through), curve=True),
        optimistic=run(candles, replace(scenario, path=PathRule.OPTIMISTIC, fill=touch), curve=True),
    )


def _windows(
    request: GridRequest, candles: Candles, rules: UsedRules, assumed: Assumptions, length: WindowLength
) -> Iterator[Window]:
    for from_ms, until_ms in _periods(candles, length):
        try:
            part = candles.between(from_ms, until_ms)
        except BadCandles:  # a gap as long as the window
            continue
        if len(part) * candles.interval_ms < _MOSTLY * (until_ms - from_ms):
            continue
        yield _outcome(request, part, rules, assumed, (from_ms, until_ms))


def _outcome(
    request: GridRequest, part: Candles, rules: UsedRules, assumed: Assumptions, window: tuple[int, int]
) -> Window:
    try:
        result = run(part, scenario_of(request, part, rules, assumed))
    except InvalidRequest as refused:
        return Window(
            from_ms=window[0],
            until_ms=window[1],
            change=None,
            fraction=None,
            hold_fraction=None,
            cycles=0,
            refusal=str(refused),
        )
    return Window(
        from_ms=window[0],
        until_ms=window[1],
        change=result.books.equity_change,
        fraction=float(result.books.equity_change / result.start_equity),
        hold_fraction=None if why_no_holding(result) else float(result.books.hold_change / result.start_equity),
        cycles=result.books.cycles,
    )


def _periods(candles: Candles, length: WindowLength) -> Iterator[tuple[int, int]]:
    """Yield the calendar's windows from the first that begins within the candles."""
    start = _floor(datetime.fromtimestamp(candles.start_ms / 1000, UTC), length)
    while _ms(start) < candles.end_ms:
        end = _next(start, length)
        yield _ms(start), _ms(end)
        start = end


def _floor(moment: datetime, length: WindowLength) -> datetime:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if length is WindowLength.MONTH:
        return midnight.replace(day=1)
    return midnight - timedelta(days=midnight.weekday()) if length is WindowLength.WEEK else midnight


def _next(start: datetime, length: WindowLength) -> datetime:
    if length is WindowLength.MONTH:
        return (start + timedelta(days=32)).replace(day=1)
    return start + timedelta(days=7 if length is WindowLength.WEEK else 1)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000
