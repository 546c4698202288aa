"""What a portfolio's back-test found: in words, and as strict JSON."""

from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal
from typing import Any, Final

from backtest.portfolio.replay import Member
from backtest.portfolio.study import PortfolioStudy, Source, missing_share
from backtest.ratios import Absent, Figure
from backtest.report.doubts import (
    FEW_CYCLES,
    OUT_OF_RANGE_FROM,
    SHORT_DAYS,
    about_rates,
    above_limit,
    few_cycles,
    too_small,
)
from backtest.report.facts import json_value, moment
from backtest.report.sentences import (
    about_trades,
    amount,
    assumptions_of,
    day,
    interval,
    minute,
    percent,
    span,
)
from backtest.wording import counted, times
from domain.money import ZERO, plain

FORMAT: Final = 1
_OTHER_LIMITS: Final = "Its limits of order size and of price distance are not replayed."
_TRADES_TIME_LINE: Final = (
    "Time line: all grids' trades in the order of their times; of one millisecond the first of each grid, in the order "
    "of their symbols' names, then all second ones, and so on."
)
_LATE_TIME_LINE: Final = (
    "Orders and cancels that arrive at the same time do so in the order of their symbols' names, before prices of that "
    "time; what is free and at risk is what the account has when they are sent or arrive."
)
_CANDLES_TIME_LINE: Final = (
    "Time line: in each interval all grids' first prices come in the order of their symbols' names, then all second "
    "ones, and so on."
)
_TIME_LINE: Final = f"{_CANDLES_TIME_LINE.removesuffix('.')}; what one sale frees the next order may use at once."


def headline(found: PortfolioStudy) -> str:
    """Return the whole finding in a sentence or two."""
    total, quote = found.total, found.quote
    change = total.equity_change
    grids = "This grid" if len(found.symbols) == 1 else f"These {len(found.symbols)} grids"
    first = (
        f"{grids} on one account would have {'earned' if change >= 0 else 'lost'} {amount(abs(change))} {quote} "
        f"({percent(abs(float(change / total.start_equity)))}) in {span(total.days)}, "
        f"with at most {amount(total.most_at_risk)} at risk."
    )
    if found.bounds is None:
        return first
    low, high = min(found.bounds), max(found.bounds)
    if low == high == change:
        return f"{first} The pessimistic and the optimistic reading of the prices agree with that."
    if has_trades(found):
        return (
            f"{first} Last in every queue it would have been {amount(found.bounds[0], signed=True)} {quote}, "
            f"first in every queue {amount(found.bounds[1], signed=True)}."
        )
    told = (
        f"Other readings of the same candles put it between {amount(low, signed=True)} and "
        f"{amount(high, signed=True)} {quote}."
    )
    return f"{first} {told}"


def warnings(found: PortfolioStudy) -> list[str]:
    """Return why the result may mislead, the weightiest first."""
    return [*_about_the_account(found), *_about_the_answer(found), *_about_the_grids(found)]


def _about_the_account(found: PortfolioStudy) -> Iterator[str]:
    total, together, quote = found.total, found.together, found.quote
    needed = sum((member.scenario.plan.capital_needed for member in together.members), ZERO)
    for name, limit in (("the account holds", total.start_equity), ("--max-exposure is", together.max_exposure)):
        if limit is not None and needed > limit:
            yield (
                f"The plans need {amount(needed)} {quote} together, {name} {amount(limit)}: live, a grid that "
                "finds too little left is refused at its start; here it starts, and its orders wait."
            )
    for symbol, result in zip(found.symbols, together.results, strict=True):
        if not result.is_entered:
            yield (
                f"{symbol}: the first purchase was never made; price, balance or limit never allowed it, so the grid "
                "only waited."
            )
    if total.unpaid_orders:
        yield f"{times(total.unpaid_orders)} an order could not be paid from the shared balance and had to wait."
    if total.over_limit_orders:
        yield above_limit(total.over_limit_orders)


def _about_the_answer(found: PortfolioStudy) -> Iterator[str]:
    total = found.total
    if found.bounds is not None and min(found.bounds) < 0 < max(found.bounds):
        yield "Gain or loss depends on what prices do not tell: the bounds lie on both sides of zero."
    if total.cycles < FEW_CYCLES:
        yield few_cycles(total.cycles, "the grids" if len(found.symbols) > 1 else "the grid")
    yield from about_rates(missing_share(found.together.members, found.sources))
    if total.days < SHORT_DAYS:
        yield f"It covers {span(total.days)}; another month may look quite different. Try a year."
    if total.equity_change > 0 > total.grid_profit - total.fees:
        yield "Closed cycles lost money after fees; the gain is the rise of what was held."
    if total.residual:
        yield f"The books do not add up: {plain(total.residual)} is left over. Please report this."
    if found.risk.max_drawdown_is_over is False and found.risk.max_drawdown >= 0.02:
        yield f"It ended in its deepest fall ({percent(found.risk.max_drawdown)}), not recovered yet."


def _apart(ms: int, other_ms: int) -> str:
    """Return the day, or where both are of one day the minute, too."""
    return day(ms) if day(ms) != day(other_ms) else minute(ms)


def _about_the_grids(found: PortfolioStudy) -> Iterator[str]:
    members = found.together.members
    start_ms = min(member.candles.start_ms for member in members)
    end_ms = max(member.candles.end_ms for member in members)
    for member, result, source in zip(members, found.together.results, found.sources, strict=True):
        candles, symbol = member.candles, member.symbol
        if candles.start_ms > start_ms:
            begins = _apart(candles.start_ms, start_ms)
            yield f"{symbol} has prices from {begins} on; its grid starts then, later than the others."
        if candles.end_ms < end_ms:
            ends = _apart(candles.end_ms, end_ms)
            yield f"{symbol} has prices until {ends} alone; from then on its last price is kept."
        what = "candle" if source.trades is None else "trade"
        missing = sum(gap.missing for gap in candles.gaps) if source.trades is None else source.trades.missing
        if missing:
            are = "is" if missing == 1 else "are"
            yield f"{symbol}: {counted(missing, what)} {are} missing; what happened in there is left out."
        outside = 1 - result.time_in_range
        if outside >= OUT_OF_RANGE_FROM:
            yield f"{symbol}: for {percent(outside, places=0)} of the time the price lay outside the ladder."
        if result.faulted_slots:
            yield f"{symbol}: {too_small(result.faulted_slots)}"


def assumptions(found: PortfolioStudy) -> list[str]:
    """Return what was taken for granted, one sentence each."""
    lists = [_assumptions_of(*pair) for pair in zip(found.together.members, found.sources, strict=True)]
    shared = [line for line in lists[0] if all(line in other for other in lists)]
    own = [line for lines in lists for line in lines if line not in shared]
    limit = found.together.max_exposure
    rule = (
        "no limit of exposure was asked for"
        if limit is None
        else f"at most {plain(limit)} {found.quote} at risk, inventory at cost plus open buys of all grids; sales pass"
    )
    line = [_TRADES_TIME_LINE if has_trades(found) else _TIME_LINE]
    if found.together.members[0].scenario.delays:
        line = [line[0] if has_trades(found) else _CANDLES_TIME_LINE, _LATE_TIME_LINE]
    return [*dict.fromkeys(own), *shared, f"Risk gate: {rule}. {_OTHER_LIMITS}", *line]


def _assumptions_of(member: Member, source: Source) -> list[str]:
    taken = assumptions_of(member.scenario, member.candles, source.rules, source.origin)
    if source.trades is None:
        return taken
    return [*about_trades(member.scenario, member.candles, source.trades, source.origin), *taken[3:]]


def has_trades(found: PortfolioStudy) -> bool:
    """Tell whether single trades were replayed."""
    return found.sources[0].trades is not None


def facts_of(found: PortfolioStudy) -> dict[str, Any]:
    """Return everything the report tells, as JSON's own values. Times are ISO 8601 (UTC) or ms since the epoch."""
    risk = found.risk
    told: dict[str, Any] = {
        "format": FORMAT,
        "kind": "portfolio",
        "made": moment(found.made_ms),
        "headline": headline(found),
        "warnings": warnings(found),
        "assumptions": assumptions(found),
        "quote": found.quote,
        "total": found.total,
        "risk": risk,
        "absent": {
            entry.name: value.reason for entry in fields(risk) if isinstance(value := getattr(risk, entry.name), Absent)
        },
        "max_exposure": found.together.max_exposure,
        "bounds": None if found.bounds is None else {"pessimistic": found.bounds[0], "optimistic": found.bounds[1]},
        "months": found.months,
        "correlations": [
            {"of": one, "and": other, "daily_changes": found.correlations[i][j]}
            for i, one in enumerate(found.symbols)
            for j, other in enumerate(found.symbols)
            if i < j
        ],
        "grids": [_grid(found, index) for index in range(len(found.symbols))],
        "ran_by": found.together.ran_by,
    }
    return {name: json_value(value) for name, value in told.items()}


def _grid(found: PortfolioStudy, index: int) -> dict[str, object]:
    member, result, measures = found.together.members[index], found.together.results[index], found.measures[index]
    candles, plan, unit = member.candles, member.scenario.plan, found.together.unit
    fills = result.fills.time_ms
    return {
        "symbol": member.symbol,
        "interval": interval(candles.interval_ms),
        "from": moment(candles.start_ms),
        "until": moment(candles.end_ms),
        "candles": len(candles),
        "gaps": [gap._asdict() for gap in candles.gaps],
        "trades": found.sources[index].trades,
        "origin": found.sources[index].origin,
        "rules": {"origin": found.sources[index].rules.origin, "dated": found.sources[index].rules.dated},
        "grid": plan.request,
        "prices": plan.prices,
        "capital_needed": plan.capital_needed,
        "is_entered": result.is_entered,
        "first_fill": moment(int(fills[0])) if len(fills) else None,
        "money": measures.money,
        "work": measures.work,
        "absent": dict(measures.absent),
        "share_of_gain": share_of_gain(found, index),
        "most_at_risk": int(found.at_risk[index].max()) * unit,
        "over_limit_orders": found.together.over_limit[index],
        "trades_hash": result.trades_hash,
    }


def share_of_gain(found: PortfolioStudy, index: int) -> Figure:
    """Return a grid's part of the whole gain, as a fraction; there is none where gains and losses mix."""
    own = [result.books.equity_change for result in found.together.results]
    if found.total.equity_change == 0 or min(own) < 0 < max(own):
        return Absent("some grids gained and some lost")
    return float(own[index] / found.total.equity_change)


COLUMNS: Final = ("grid", "gain", "profit", "inventory", "fees", "cycles", "at risk", "unpaid", "held")


def table(found: PortfolioStudy) -> list[list[str]]:
    """Return a row of texts for each grid, and the account's below them, under COLUMNS."""
    rows = []
    for index, symbol in enumerate(found.symbols):
        money, work = found.measures[index].money, found.measures[index].work
        amounts = (money.equity_change, money.grid_profit, money.inventory_change, money.fees)
        most = int(found.at_risk[index].max()) * found.together.unit
        counts = (work.unpaid_orders, found.together.over_limit[index])
        rows.append(_row(symbol, amounts, work.cycles, most, counts))
    total = found.total
    amounts = (total.equity_change, total.grid_profit, total.inventory_change, total.fees)
    counts = (total.unpaid_orders, total.over_limit_orders)
    return [*rows, _row("together", amounts, total.cycles, total.most_at_risk, counts)]


def _row(
    name: str,
    amounts: tuple[Decimal, Decimal, Decimal, Decimal],
    cycles: int,
    most: Decimal,
    counts: tuple[int, int],
) -> list[str]:
    gain, profit, inventory, fees = amounts
    return [
        name,
        *(amount(value, signed=True) for value in (gain, profit, inventory)),
        amount(fees),
        f"{cycles:,}",
        amount(most),
        *(f"{count:,}" for count in counts),
    ]


def ratio(value: Figure) -> str:
    """Return a ratio with two places, a dash where there is none."""
    return "–" if isinstance(value, Absent) else f"{value:,.2f}"
