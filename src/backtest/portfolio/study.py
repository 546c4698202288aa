"""A portfolio back-tested with everything its report tells: each grid's measures and those of the whole account."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from backtest.candles import IntColumn
from backtest.measured import Measures, MonthOfGain, Risk
from backtest.measures import measure, monthly, risk_of
from backtest.portfolio.replay import Member, Together, replay_together
from backtest.ratios import DAY_MS, Absent, Figure
from backtest.result import Drawdown, GainCurve, RanBy
from backtest.rules_source import UsedRules
from backtest.scenario import FillAssumption, FillKind, PathRule
from backtest.study import TradesPlayed
from domain.money import ZERO, exact


@dataclass(frozen=True, slots=True)
class Source:
    """A grid's market: its rules, where its prices come from, and its trades where those were replayed."""

    rules: UsedRules
    origin: str
    trades: TradesPlayed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The whole account. Amounts in quote, exact; each is the sum of the grids' own.

    equity_change = grid_profit + inventory_change - fees + fee_asset_revaluation + residual
    """

    start_equity: Decimal
    end_equity: Decimal
    equity_change: Decimal
    grid_profit: Decimal
    inventory_change: Decimal
    fees: Decimal
    fee_asset_revaluation: Decimal
    residual: Decimal
    end_quote: Decimal  # start + cash flows of all grids = free + locked by orders
    free_quote: Decimal
    reserved_quote: Decimal
    inventory_cost: Decimal
    inventory_value: Decimal
    at_risk: Decimal  # at the end, as the risk gate counts it
    most_at_risk: Decimal  # at candles' closes
    cycles: int
    buys: int
    sells: int
    unpaid_orders: int
    over_limit_orders: int
    days: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PortfolioStudy:
    """Several grids on one account; members, sources, measures and gains in the same order.

    `gains` and `at_risk` have a row per grid and a column per step of `curve.time_ms`, in `curve.unit`s of quote.
    `correlations` are those of the grids' daily changes in quote. `bounds` are the account's gains by the pessimistic
    and the optimistic reading of the prices. Where trades were replayed, candles are the minutes made of them.
    """

    together: Together
    sources: tuple[Source, ...]
    measures: tuple[Measures, ...]
    total: Total
    risk: Risk
    months: tuple[MonthOfGain, ...]
    curve: GainCurve
    gains: npt.NDArray[np.int64]
    at_risk: npt.NDArray[np.int64]
    correlations: tuple[tuple[Figure, ...], ...]
    bounds: tuple[Decimal, Decimal] | None
    made_ms: int

    @property
    def quote(self) -> str:
        return self.together.members[0].scenario.rules.instrument.quote

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(member.symbol for member in self.together.members)


def study_portfolio(
    members: Sequence[Member],
    sources: Sequence[Source],
    *,
    max_exposure: Decimal | None = None,
    with_bounds: bool = True,
    made_ms: int = 0,
    form: RanBy | None = None,
) -> PortfolioStudy:
    """Replay the grids together and measure what came out; `sources` belong to `members` one by one.

    Raises:
        BadCandles: for candles that do not fit their scenario, or one another.
        ValueError: as `replay_together`.
    """
    source_of = {member.symbol: source for member, source in zip(members, sources, strict=True)}
    together = replay_together(members, max_exposure=max_exposure, form=form)
    bounds = _bounds(members, max_exposure, form) if with_bounds else None
    return study_of(together, [source_of[member.symbol] for member in together.members], bounds, made_ms)


def study_of(
    together: Together, sources: Sequence[Source], bounds: tuple[Decimal, Decimal] | None, made_ms: int
) -> PortfolioStudy:
    """Measure what came out; `sources` belong to its members one by one."""
    gains = _on_time_line(together, [_change(result.curve) for result in together.results])
    at_risk = _on_time_line(together, together.at_risk)
    curve = GainCurve(time_ms=together.time_ms, change=gains.sum(axis=0), unit=together.unit)
    total, start_ms = _total(together, at_risk), min(member.candles.start_ms for member in together.members)
    fills_ms = np.concatenate([result.fills.time_ms for result in together.results])
    return PortfolioStudy(
        together=together,
        sources=tuple(sources),
        measures=tuple(
            measure(result, member.candles, None if source.trades is None else source.trades.missing_share)
            for result, member, source in zip(together.results, together.members, sources, strict=True)
        ),
        total=total,
        risk=risk_of(
            curve,
            start_equity=total.start_equity,
            start_ms=start_ms,
            change=total.equity_change,
            fall=fall_of(curve, total.start_equity, start_ms),
            length=total.days,
            missing_share=missing_share(together.members, sources),
            liquidation=Absent("on spot nothing is borrowed, so nothing can be liquidated"),
        ),
        months=monthly(curve, total.start_equity, fills_ms),
        curve=curve,
        gains=gains,
        at_risk=at_risk,
        correlations=correlations(gains, curve),
        bounds=bounds,
        made_ms=made_ms,
    )


@exact
def _total(together: Together, at_risk: npt.NDArray[np.int64]) -> Total:
    books = [result.books for result in together.results]
    change = sum((book.equity_change for book in books), ZERO)
    cost = sum((book.inventory_cost for book in books), ZERO)
    value = sum((book.inventory_value for book in books), ZERO)
    start_ms = min(member.candles.start_ms for member in together.members)
    end_ms = max(member.candles.end_ms for member in together.members)
    return Total(
        start_equity=together.start_quote,
        end_equity=together.start_quote + change,
        equity_change=change,
        grid_profit=sum((book.grid_profit for book in books), ZERO),
        inventory_change=value - cost,
        fees=sum((book.fees for book in books), ZERO),
        fee_asset_revaluation=sum((book.fee_asset_revaluation for book in books), ZERO),
        residual=sum((book.residual for book in books), ZERO),
        end_quote=together.start_quote + sum((book.cash_flow for book in books), ZERO),
        free_quote=together.free_quote,
        reserved_quote=together.reserved_quote,
        inventory_cost=cost,
        inventory_value=value,
        at_risk=together.end_at_risk,
        most_at_risk=int(at_risk.sum(axis=0).max()) * together.unit,
        cycles=sum(book.cycles for book in books),
        buys=sum(book.buys for book in books),
        sells=sum(book.sells for book in books),
        unpaid_orders=sum(result.unpaid_orders for result in together.results),
        over_limit_orders=sum(together.over_limit),
        days=(end_ms - start_ms) / DAY_MS,
    )


@exact
def fall_of(curve: GainCurve, start_equity: Decimal, start_ms: int) -> Drawdown:
    """Return the deepest fall from a peak before it, relative to that peak, at the curve's moments and the start."""
    start = int(start_equity / curve.unit)
    equity = np.append(start, curve.change + start)
    time_ms = np.append(start_ms, curve.time_ms)
    peaks = np.maximum.accumulate(equity)
    falls = np.asarray((peaks - equity) / peaks, dtype=np.float64)
    trough = int(np.argmax(falls))
    if not falls[trough] > 0:
        return Drawdown(peak=ZERO, trough=ZERO, peak_ms=None, trough_ms=None)
    peak = int(np.argmax(equity[: trough + 1]))
    return Drawdown(
        peak=int(equity[peak]) * curve.unit,
        trough=int(equity[trough]) * curve.unit,
        peak_ms=int(time_ms[peak]),
        trough_ms=int(time_ms[trough]),
    )


def missing_share(members: Sequence[Member], sources: Sequence[Source]) -> float:
    """Return the fraction of all grids' candles, or trades, that is missing."""
    trades = [source.trades for source in sources if source.trades is not None]
    if trades:
        return sum(one.missing for one in trades) / sum(one.missing + one.count for one in trades)
    candles = [member.candles for member in members]
    due = sum((one.end_ms - one.start_ms) // one.interval_ms for one in candles)
    return (due - sum(map(len, candles))) / due


def correlations(gains: npt.NDArray[np.int64], curve: GainCurve) -> tuple[tuple[Figure, ...], ...]:
    """Return Pearson's correlation of every two grids' changes from one UTC day to the next."""
    day = curve.time_ms // DAY_MS
    last = np.flatnonzero(np.append(np.diff(day) != 0, True))
    changes = np.diff(gains[:, last].astype(np.float64), axis=1, prepend=0.0)
    return tuple(tuple(_correlation(one, other) for other in changes) for one in changes)


def _correlation(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> Figure:
    if len(one) < 3:
        return Absent("needs at least three days")
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return Absent("one of the two changed by the same amount every day")
    return float(np.clip(np.corrcoef(one, other)[0, 1], -1.0, 1.0))


def _change(curve: GainCurve | None) -> IntColumn:
    if curve is None:
        raise ValueError("a portfolio's grids are replayed with their curves")
    return curve.change


def _on_time_line(together: Together, columns: Sequence[IntColumn]) -> npt.NDArray[np.int64]:
    """Return the columns at every step of the common time line: 0 before a grid's first candle, then the last known."""
    rows = []
    for step, column in zip(together.steps, columns, strict=True):
        known = np.maximum.accumulate(step)
        rows.append(np.where(known >= 0, column[known], 0))
    return np.stack(rows)


def _bounds(members: Sequence[Member], max_exposure: Decimal | None, form: RanBy | None) -> tuple[Decimal, Decimal]:
    readings = (
        (PathRule.PESSIMISTIC, FillAssumption(FillKind.THROUGH)),
        (PathRule.OPTIMISTIC, FillAssumption(FillKind.TOUCH)),
    )
    gains = []
    for path, fill in readings:
        read = [replace(member, scenario=replace(member.scenario, path=path, fill=fill)) for member in members]
        found = replay_together(read, max_exposure=max_exposure, form=form)
        gains.append(gain_of(found))
    return gains[0], gains[1]


@exact
def gain_of(together: Together) -> Decimal:
    """Return the account's gain in quote."""
    return sum((result.books.equity_change for result in together.results), ZERO)
