"""Why a back-test may mislead, in words for a person."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final

import numpy as np

from backtest.measures import why_no_rates
from backtest.report.sentences import amount, day, interval, percent, span
from backtest.result import Result
from backtest.scenario import FillKind
from backtest.study import Study, TradesPlayed
from backtest.wording import counted, times
from domain.exit_terms import ExitAction
from domain.money import plain

FEW_CYCLES: Final = 30
SHORT_DAYS: Final = 30
OUT_OF_RANGE_FROM: Final = 0.25
OLD_RULES_DAYS: Final = 365
SPANS_FROM: Final = 0.05
_FOLLOWS: Final = {
    ExitAction.KEEP: "what it held was kept, and is marked to the end",
    ExitAction.MARKET: "what it held was closed at market",
    ExitAction.LIMIT: "what it held was offered at that price",
}


def warnings(study: Study) -> list[str]:
    """Return why the result may mislead, the weightiest first; empty where nothing was found."""
    return [*_about_the_answer(study), *_about_the_data(study), *_about_the_grid(study)]


def few_cycles(cycles: int, who: str) -> str:
    """Return that so few closed cycles say little of `who`."""
    if not cycles:
        return f"No cycle was closed, so nothing is known of how {who} trades."
    were = "cycle was" if cycles == 1 else "cycles were"
    return f"Only {cycles} {were} closed; with fewer than {FEW_CYCLES} chance says more than {who}."


def too_small(orders: int) -> str:
    """Return that so many orders were given up."""
    were = "was" if orders == 1 else "were"
    return f"{counted(orders, 'order')} {were} given up: below the exchange's minimum, or refused five times."


def above_limit(orders: int) -> str:
    """Return that so many orders waited for room under the limit of exposure."""
    return f"{times(orders)} the limit of exposure held an order back."


def about_rates(missing_share: float) -> Iterator[str]:
    """Yield why figures per year and day are not told, where they are not."""
    absent = why_no_rates(missing_share)
    if absent is not None:
        yield f"No figure per year, and no cycles per day: {absent.reason}."


def _about_the_answer(study: Study) -> Iterator[str]:
    yield from _about_the_contract(study.result)
    books, work, versus_hold = study.result.books, study.measures.work, study.measures.money.versus_hold
    yield from _about_ends(study.result)
    waits = study.result.scenario.plan.request.trigger_price is not None and study.result.triggered_ms is None
    if not study.result.is_entered and study.result.end is None and not waits:
        yield "The first purchase was never made: the price ran away from its limit, so the grid only waited."
    if study.bounds is not None:
        low, high = (bound.books.equity_change for bound in (study.bounds.pessimistic, study.bounds.optimistic))
        if min(low, high) < 0 < max(low, high):
            yield "Gain or loss depends on what prices do not tell: the bounds lie on both sides of zero."
    if work.cycles < FEW_CYCLES:
        yield few_cycles(work.cycles, "the grid")
    if work.days < SHORT_DAYS:
        yield f"It covers {span(work.days)}; another month may look quite different. Try a year."
    if books.equity_change > 0 > books.grid_profit - books.fees:
        yield "Closed cycles lost money after fees; the gain is the rise of what was held."
    if isinstance(versus_hold, Decimal) and versus_hold < 0:
        yield "Simply holding the first purchase would have brought more."
    if books.residual:
        yield f"The books do not add up: {plain(books.residual)} is left over. Please report this."


def _about_ends(result: Result) -> Iterator[str]:
    """Yield what a reader has to know before the numbers."""
    trigger, end = result.scenario.plan.request.trigger_price, result.end
    if trigger is not None and result.triggered_ms is None:
        yield f"The trigger price {plain(trigger)} was never reached, so the grid only waited."
    if end is None:
        return
    quote = result.scenario.rules.instrument.quote
    yield (
        f"The grid ended on {day(end.at_ms)}: its {end.condition} was reached at {plain(end.price)} with a profit of "
        f"{plain(end.profit)} {quote}; {_FOLLOWS[end.action]}."
    )
    if end.rests:
        yield f"{plain(end.rests)} of it still rests there unsold or not bought back: the market ran away."


def _about_the_contract(result: Result) -> Iterator[str]:
    told, quote = result.contract, result.scenario.rules.instrument.quote
    if told is None:
        return
    if told.liquidated_ms is not None and told.liquidated_at is not None:
        yield (
            f"LIQUIDATED on {day(told.liquidated_ms)} at {plain(told.liquidated_at)}: {amount(told.lost)} {quote} of "
            "margin were lost, and nothing was traded after that."
        )
    if told.margin_short:
        yield (
            f"{times(told.margin_short)} the margin was short of what the resting orders need: the exchange refuses "
            "some of them then, which is not replayed."
        )


def _about_the_data(study: Study) -> Iterator[str]:
    yield from _about_the_candles(study) if study.trades is None else _about_missing_trades(study.trades)
    yield from _about_the_rules(study)


def _about_missing_trades(trades: TradesPlayed) -> Iterator[str]:
    if trades.missing:
        share = percent(trades.missing / (trades.missing + trades.count))
        are = "is" if trades.missing == 1 else "are"
        yield f"{counted(trades.missing, 'trade')} ({share}) {are} missing: what they would have filled is left out."
    yield from about_rates(trades.missing_share)


def _about_the_candles(study: Study) -> Iterator[str]:
    candles, result = study.candles, study.result
    missing = sum(gap.missing for gap in candles.gaps)
    if missing:
        share = percent(missing / (missing + len(candles)))
        longest = max(candles.gaps, key=lambda gap: gap.missing)
        hours = span((longest.until_ms - longest.from_ms) / 86_400_000)
        yield (
            f"{counted(missing, 'candle')} ({share}) {'is' if missing == 1 else 'are'} missing, the longest gap is "
            f"{hours} from {day(longest.from_ms)}: what happened in there is left out."
        )
    yield from about_rates(candles.missing_share)
    spanning = _share_of_wide_candles(study)
    if spanning >= SPANS_FROM:
        yield (
            f"{percent(spanning, places=0)} of the candles are taller than the step between two rungs: what happened "
            "within them is guessed, and may lie outside all readings. Shorter candles than "
            f"{interval(candles.interval_ms)} would tell."
        )
    if result.scenario.fill.kind is FillKind.SHARE and not candles.volume.any():
        yield "The candles carry no volume, so a share of it never fills anything."


def _about_the_rules(study: Study) -> Iterator[str]:
    candles = study.candles
    if study.rules.dated is not None:
        middle = datetime.fromtimestamp((candles.start_ms + candles.end_ms) / 2000, UTC).date()
        if abs((study.rules.dated - middle).days) > OLD_RULES_DAYS:
            yield (
                f"The order rules are of {study.rules.dated}, the prices lie around {middle}: steps and minimum may "
                "have been others then."
            )
    if study.rules.dated is None:
        yield "Nobody knows of which day the order rules are."


def _about_the_grid(study: Study) -> Iterator[str]:
    result, risk = study.result, study.measures.risk
    outside = 1 - result.time_in_range
    if outside >= OUT_OF_RANGE_FROM:
        yield f"For {percent(outside, places=0)} of the time the price lay outside the ladder, where the grid waits."
    if risk.max_drawdown_is_over is False and risk.max_drawdown >= 0.02:
        yield f"It ended in its deepest fall ({percent(risk.max_drawdown)}), not recovered yet."
    if result.unpaid_orders:
        yield f"{times(result.unpaid_orders)} an order could not be paid from the free balance and had to wait."
    if result.over_limit_orders:
        yield above_limit(result.over_limit_orders)
    if result.faulted_slots:
        yield too_small(result.faulted_slots)
    yield from result.scenario.plan.warnings
    refused = sum(window.change is None for window in study.windows)
    if refused:
        yield f"In {refused} of {counted(len(study.windows), 'window')} the grid could not have been started then."


def _share_of_wide_candles(study: Study) -> float:
    prices = study.result.scenario.plan.prices
    if len(prices) < 2:
        return 0.0
    steps = [float(above / below) - 1 for below, above in pairwise(prices)]
    heights = (study.candles.high - study.candles.low) / study.candles.low
    return float(np.mean(heights > min(steps)))
