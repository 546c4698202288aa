"""What a replay was worth: exact money, ratios of its daily returns, and how the grid worked.

Money is exact and in quote. Ratios rest on daily returns (UTC days, 365 a year, interest on cash 0); drawdowns on the
equity at every candle's close. What does not exist is `Absent` with its reason. docs/backtest.md explains every figure.
"""

from decimal import Context, Decimal, localcontext
from typing import Final

import numpy as np

from backtest.candles import Candles, FloatColumn, IntColumn
from backtest.measured import Measures, Money, MonthOfGain, Risk, Work
from backtest.ratios import (
    DAY_MS,
    Absent,
    Days,
    Figure,
    annual_growth,
    by_day,
    calmar,
    drawdowns,
    sharpe,
    sortino,
    under_water,
    volatility,
)
from backtest.result import Drawdown, GainCurve, Result
from domain.money import UNIT, exact

YEARLY_FROM_DAYS: Final = 14
"""Figures per year are told from so many days on: a shorter time says nothing of a year."""
GAPPY_FROM: Final = 0.05
"""Where more than this fraction of the window is missing, no figure per year or day is told."""
_NO_CURVE: Final = Absent("run without an equity curve")
_EMPTY: Final = Absent("the grid started empty: nothing was bought first that could have been held")
_NOT_BOUGHT: Final = Absent("the first purchase was never made, so there is nothing that could have been held")
_SHORT: Final = Absent(f"needs at least {YEARLY_FROM_DAYS} days; a shorter time says nothing of a year")


def measure(result: Result, candles: Candles, missing_share: float | None = None) -> Measures:
    """Measure one replay of `candles`. Without an equity curve everything daily is absent.

    `missing_share` is the fraction of the window that the recording lacks; without it that of the candles.
    """
    curve = result.curve
    missing = candles.missing_share if missing_share is None else missing_share
    return Measures(
        money=_money(result),
        risk=risk_of(
            result.curve,
            start_equity=result.start_equity,
            start_ms=result.start_ms,
            change=result.books.equity_change,
            fall=result.drawdown,
            length=_days_between(result),
            missing_share=missing,
            liquidation=_liquidation(result),
        ),
        work=_work(result, held_share(result, candles), missing),
        months=() if curve is None else monthly(curve, result.start_equity, result.fills.time_ms),
    )


def why_no_holding(result: Result) -> Absent | None:
    """Return why there was no first purchase that could have been held, None where there was one."""
    if not result.is_entered:
        return _NOT_BOUGHT
    return None if result.scenario.plan.entry_quantity else _EMPTY


def why_no_years(days: float, missing_share: float) -> Absent | None:
    """Return why there are no figures per year, None where there are."""
    return why_no_rates(missing_share) or (None if days >= YEARLY_FROM_DAYS else _SHORT)


def why_no_rates(missing_share: float) -> Absent | None:
    """Return why nothing is told per time, None where it may be."""
    if missing_share <= GAPPY_FROM:
        return None
    missing = f"{missing_share * 100:.1f} % of the window is missing, more than {GAPPY_FROM * 100:.0f} %"
    return Absent(f"{missing}; what is told per year or day would mislead")


def equity_of(curve: GainCurve, start_equity: Decimal) -> FloatColumn:
    """Return the account's equity in quote at every close, as floats for statistics."""
    return float(start_equity) + curve.change_quote


def from_the_start(equity: FloatColumn, start_equity: Decimal) -> FloatColumn:
    """Return the equity with that of the start before it, which is a peak like any other."""
    return np.append(float(start_equity), equity)


def days_of(result: Result) -> Days | Absent:
    """Return the daily returns of a replay, or why there are none."""
    return _NO_CURVE if result.curve is None else days_of_curve(result.curve, result.start_equity)


def days_of_curve(curve: GainCurve, start_equity: Decimal) -> Days | Absent:
    """Return the daily returns of a curve, or why there are none."""
    try:
        return by_day(curve.time_ms, equity_of(curve, start_equity), float(start_equity))
    except ValueError as error:
        return Absent(str(error))


@exact
def _money(result: Result) -> Money:
    books, no_holding = result.books, why_no_holding(result)
    return Money(
        start_equity=result.start_equity,
        end_equity=result.end_equity,
        equity_change=books.equity_change,
        grid_profit=books.grid_profit,
        inventory_change=books.inventory_value - books.inventory_cost,
        inventory_value=books.inventory_value,
        fees=books.fees,
        funding=books.funding,
        fee_asset_revaluation=books.fee_asset_revaluation,
        quote_rounding=books.quote_rounding,
        residual=books.residual,
        hold_change=no_holding or books.hold_change,
        versus_hold=no_holding or books.versus_hold,
        all_in_change=_share(result.start_equity * (result.last_price - result.first_price), result.first_price),
    )


def risk_of(
    curve: GainCurve | None,
    *,
    start_equity: Decimal,
    start_ms: int,
    change: Decimal,
    fall: Drawdown,
    length: float,
    missing_share: float,
    liquidation: Figure,
) -> Risk:
    """Return the risk of an account that gained `change` in `length` days; without a curve all daily is absent."""
    days = _NO_CURVE if curve is None else days_of_curve(curve, start_equity)
    total = float(change / start_equity)
    no_years = why_no_years(length, missing_share)
    growth = no_years or annual_growth(total, length)
    drawdown = fall.fraction
    short = days if isinstance(days, Absent) else no_years
    returns = np.empty(0) if isinstance(days, Absent) else days.returns
    missing = days if isinstance(days, Absent) else None
    worst = None if missing or not isinstance(days, Days) else int(np.argmin(days.returns))
    lasted, is_over = _drawdown_days(fall, curve, start_equity, start_ms)
    return Risk(
        total_return=total,
        annual_return=growth,
        volatility=short or volatility(returns),
        sharpe=short or sharpe(returns),
        sortino=short or sortino(returns),
        calmar=calmar(growth, drawdown),
        max_drawdown=drawdown,
        max_drawdown_quote=fall.amount,
        max_drawdown_days=lasted,
        max_drawdown_is_over=is_over,
        worst_day=missing or float(returns.min()),
        worst_day_ms=int(days.start_ms[worst]) if isinstance(days, Days) and worst is not None else None,
        best_day=missing or float(returns.max()),
        positive_days=missing or float((returns > 0).mean()),
        liquidation_distance=liquidation,
    )


def _drawdown_days(
    fall: Drawdown, curve: GainCurve | None, start_equity: Decimal, start_ms: int
) -> tuple[Figure, bool | None]:
    if curve is None:
        return _NO_CURVE, None
    if fall.trough_ms is None:
        return Absent("the equity never fell"), None
    equity = from_the_start(equity_of(curve, start_equity), start_equity)
    time_ms = np.append(start_ms, curve.time_ms)
    trough = 1 + int(np.searchsorted(curve.time_ms, fall.trough_ms))
    water = under_water(time_ms, equity, min(trough, len(equity) - 1))
    return water.days, water.is_over


def _liquidation(result: Result) -> Figure:
    contract = result.contract
    if contract is None:
        return Absent("on spot nothing is borrowed, so nothing can be liquidated")
    if contract.is_liquidated:
        return Absent("the position was liquidated")
    if contract.liquidation_price is None:
        return Absent("no price liquidates what is held at the end")
    return float(abs(contract.liquidation_price - result.last_price) / result.last_price)


def _work(result: Result, held: FloatColumn | Absent, missing_share: float) -> Work:
    books, plan = result.books, result.scenario.plan
    length = _days_between(result)
    earned = books.grid_profit - books.fees
    return Work(
        days=length,
        buys=books.buys,
        sells=books.sells,
        cycles=books.cycles,
        cycles_per_day=why_no_rates(missing_share) or books.cycles / length,
        profit_per_cycle=_share(earned, Decimal(books.cycles)) if books.cycles else Absent("no cycle closed"),
        time_in_range=result.time_in_range,
        exposure=held if isinstance(held, Absent) else float(held.mean()),
        most_exposure=held if isinstance(held, Absent) else float(np.abs(held).max()),
        capital_used=float(plan.capital_needed / result.start_equity),
        capital_efficiency=float(earned / plan.capital_needed),
        fee_share=float(books.fees / books.grid_profit)
        if books.grid_profit > 0
        else Absent("no cycle earned anything"),
        unpaid_orders=result.unpaid_orders,
        faulted_slots=result.faulted_slots,
        post_only_refusals=result.post_only_refusals,
        late_cancels=result.late_cancels,
        rate_waits=result.rate_waits,
        over_limit_orders=result.over_limit_orders,
    )


def held_share(result: Result, candles: Candles) -> FloatColumn | Absent:
    """Return the share of the equity that is base, at every close."""
    if result.curve is None:
        return _NO_CURVE
    equity = equity_of(result.curve, result.start_equity)
    if not (equity > 0).all():
        return Absent("the equity fell to nothing")
    price = candles.close.astype(np.float64) * float(UNIT)
    return result.curve.base.astype(np.float64) * float(UNIT) * price / equity


@exact
def monthly(curve: GainCurve, start_equity: Decimal, fills_ms: IntColumn) -> tuple[MonthOfGain, ...]:
    """Return the months of a curve, each with its number of `fills_ms`.

    Their gains add up to the whole gain, to the last digit.
    """
    month = np.asarray(curve.time_ms, dtype="datetime64[ms]").astype("datetime64[M]")
    ends = np.append(np.flatnonzero(month[1:] != month[:-1]), len(month) - 1)
    fill_month = np.asarray(fills_ms, dtype="datetime64[ms]").astype("datetime64[M]")
    floats, rows, first, before = equity_of(curve, start_equity), [], 0, 0
    for end in ends:
        opened = start_equity + before * curve.unit
        gain = (int(curve.change[end]) - before) * curve.unit
        path = np.concatenate(([float(opened)], floats[first : end + 1]))
        rows.append(
            MonthOfGain(
                month=str(month[end]),
                gain=gain,
                total_return=float(gain) / float(opened) if opened > 0 else Absent("nothing was left to gain with"),
                max_drawdown=float(drawdowns(path).max()),
                fills=int((fill_month == month[end]).sum()),
            )
        )
        first, before = int(end) + 1, int(curve.change[end])
    return tuple(rows)


def _days_between(result: Result) -> float:
    return (result.end_ms - result.start_ms) / DAY_MS


def _share(amount: Decimal, of: Decimal) -> Decimal:
    """Return amount / of, rounded to 8 decimals."""
    with localcontext(Context(prec=60)):
        return (amount / of).quantize(UNIT)
