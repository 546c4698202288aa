"""What a back-test found, in words for a person."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Final

import numpy as np

from backtest.candles import Candles
from backtest.result import Result
from backtest.rules_source import UsedRules
from backtest.scenario import FillKind, PathRule, Scenario
from backtest.study import Study, TradesPlayed
from domain.money import plain

FEW_CYCLES: Final = 30
SHORT_DAYS: Final = 30
OUT_OF_RANGE_FROM: Final = 0.25
OLD_RULES_DAYS: Final = 365
SPANS_FROM: Final = 0.05

_PATHS: Final = {
    PathRule.CANDLE: "within a candle the price goes the shorter way: open, low, high, close if it did not fall, "
    "else open, high, low, close",
    PathRule.OPTIMISTIC: "within a candle the price goes the longer way, with the most round trips",
    PathRule.PESSIMISTIC: "within a candle the price goes the shorter way, and orders fill only where it goes "
    "through them",
}


def amount(value: Decimal, *, signed: bool = False) -> str:
    """Return money as people write it: two decimals, more where it is small (1,234.50)."""
    small = 0 < abs(value) < Decimal("0.01")
    places = Decimal("0.000001") if small else Decimal("0.01")
    rounded = value.quantize(places, ROUND_HALF_UP)
    if not rounded:
        return f"{abs(rounded):f}"
    return f"{rounded:+,f}" if signed else f"{rounded:,f}"


def percent(fraction: float, *, signed: bool = False, places: int = 2) -> str:
    """Return 1.23 %, without a sign before zero."""
    text = f"{fraction * 100:{'+' if signed else ''},.{places}f}"
    return f"{'0.' + '0' * places if float(text.replace(',', '')) == 0 else text} %"


def span(days: float) -> str:
    """Return a length of time as people say it."""
    if days >= 2:
        return f"{days:,.0f} days" if days == int(days) or days >= 20 else f"{days:,.1f} days"
    return f"{days * 24:,.1f} hours".replace(".0 ", " ")


def day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"


def headline(study: Study) -> str:
    """Return the whole finding in a sentence or two."""
    result, quote = study.result, study.rules.rules.instrument.quote
    change, hold = result.books.equity_change, result.books.hold_change
    verb = "earned" if change >= 0 else "lost"
    total = percent(abs(float(change / result.start_equity)))
    all_in = study.measures.money.all_in_change
    first = (
        f"This grid would have {verb} {amount(abs(change))} {quote} ({total}) in {span(study.measures.work.days)}. "
        f"Simply holding what it bought first would have {_moved(hold)}, "
        f"everything in {study.rules.rules.instrument.base} {_moved(all_in)}."
    )
    if study.bounds is None:
        return first
    low, high = (bound.books.equity_change for bound in (study.bounds.pessimistic, study.bounds.optimistic))
    if low == high == change:
        return f"{first} The pessimistic and the optimistic reading of the prices agree with that."
    if study.trades is not None:
        return (
            f"{first} Last in every queue it would have been {amount(low, signed=True)} {quote}, "
            f"first in every queue {amount(high, signed=True)}."
        )
    return (
        f"{first} What candles cannot tell puts it between {amount(min(low, high), signed=True)} and "
        f"{amount(max(low, high), signed=True)} {quote}."
    )


def _moved(change: Decimal) -> str:
    return f"{'gained' if change >= 0 else 'lost'} {amount(abs(change))}"


def assumptions(study: Study) -> list[str]:
    """Return what was taken for granted, one sentence each."""
    taken = assumptions_of(study.result.scenario, study.candles, study.rules, study.origin)
    if study.trades is not None:
        taken = [*_about_trades(study, study.trades), *taken[3:]]
    return [*taken, f"The fill rule is {study.fill_origin}."] if study.fill_origin else taken


def assumptions_of(scenario: Scenario, candles: Candles, rules: UsedRules, source: str) -> list[str]:
    """Return what is taken for granted of a scenario; `source` says where the candles come from."""
    instrument = scenario.rules.instrument
    gaps = candles.gaps
    missing = sum(gap.missing for gap in gaps)
    data = (
        f"{len(candles):,} candles of {interval(candles.interval_ms)} from {day(candles.start_ms)} to "
        f"{day(candles.end_ms)} (UTC)"
    )
    held = ", ".join(f"{plain(value)} {asset}" for asset, value in scenario.balances.items() if value)
    market = f"{instrument.base}/{instrument.quote} on {instrument.venue} {instrument.market}"
    origin = f", {source}" if source else ""
    lacks = f"{missing:,} are missing, in {len(gaps):,} gaps" if gaps else "none are missing"
    return [
        f"Market: {market}; {data}{origin}; {lacks}.",
        f"Fills: {_fill(scenario)}.",
        f"Path: {_PATHS[scenario.path]}.",
        f"Fees: {_fees(scenario)}.",
        f"Order rules: {rules.sentence}.",
        f"Account: {held} at the start, and nobody else trades on it; nothing is paid in or out.",
        f"Orders: {_delays(scenario)}.",
        "The grid's orders move no price; interest on cash is 0.",
    ]


def _about_trades(study: Study, trades: TradesPlayed) -> list[str]:
    scenario, candles = study.result.scenario, study.candles
    instrument = scenario.rules.instrument
    share = plain(Decimal(scenario.fill.share_ppm) / 10_000)
    ways = {
        FillKind.TOUCH: "a trade at its price fills a resting order up to the trade's size (the first in the queue)",
        FillKind.THROUGH: "trades at its price leave a resting order be (the last in the queue)",
        FillKind.SHARE: f"a resting order gets {share} % of what is traded at its price",
    }
    origin = f", {study.origin}" if study.origin else ""
    lacks = f"{trades.missing:,} are missing" if trades.missing else "none are missing"
    market = f"{instrument.base}/{instrument.quote} on {instrument.venue} {instrument.market}"
    window = f"{day(candles.start_ms)} to {day(candles.end_ms)} (UTC)"
    return [
        f"Market: {market}; {trades.count:,} trades from {window}{origin}; {lacks}.",
        f"Fills: {ways[scenario.fill.kind]}; a trade beyond its price fills it whole.",
        "Path: every trade in the order it happened; nothing is guessed between them.",
    ]


def warnings(study: Study) -> list[str]:
    """Return why the result may mislead, the weightiest first; empty where nothing was found."""
    return [*_about_the_answer(study), *_about_the_data(study), *_about_the_grid(study)]


def interval(interval_ms: int) -> str:
    """Return 1m, 5m, 1h or 1d."""
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)):
        if interval_ms % length == 0:
            return f"{interval_ms // length}{unit}"
    return f"{interval_ms} ms"


def _fill(scenario: Scenario) -> str:
    if scenario.path is PathRule.PESSIMISTIC or scenario.fill.kind is FillKind.THROUGH:
        return "a resting order fills whole once the price goes beyond it (the last in the queue)"
    if scenario.fill.kind is FillKind.TOUCH:
        return "a resting order fills whole as soon as its price is reached (the first in the queue)"
    share = plain(Decimal(scenario.fill.share_ppm) / 10_000)
    return f"at its price a resting order gets {share} % of the candle's volume, beyond it it fills whole"


def _fees(scenario: Scenario) -> str:
    fees = scenario.fees
    rates = f"maker {plain(fees.rates.maker * 100)} %, taker {plain(fees.rates.taker * 100)} %"
    if fees.bnb_price is None:
        return f"{rates}, taken from what each fill brings"
    return f"{rates}, a quarter less as long as BNB lasts, at a constant {plain(fees.bnb_price)} per BNB"


def _delays(scenario: Scenario) -> str:
    latency, most = scenario.delays.latency_ms, scenario.delays.orders_per_10s
    at_most = f"no more than {most:,} in ten seconds, as the risk gate has it" if most else "as many as are wanted"
    if not latency:
        return f"the exchange answers at once, so that post-only is never refused; {at_most}"
    return (
        f"they and their cancels reach the exchange {latency:,} ms after what they answer; until then prices meet the "
        f"old ones, and post-only that would take is refused and sent again as a plain limit order; {at_most}"
    )


def _about_the_answer(study: Study) -> Iterator[str]:
    books, work = study.result.books, study.measures.work
    if not study.result.is_entered:
        yield "The first purchase was never made: the price ran away from its limit, so the grid only waited."
    if study.bounds is not None:
        low, high = (bound.books.equity_change for bound in (study.bounds.pessimistic, study.bounds.optimistic))
        if min(low, high) < 0 < max(low, high):
            yield "Gain or loss depends on what prices do not tell: the bounds lie on both sides of zero."
    if work.cycles < FEW_CYCLES:
        yield f"Only {work.cycles} cycles were closed; with fewer than {FEW_CYCLES} chance says more than the grid."
    if work.days < SHORT_DAYS:
        yield f"It covers {span(work.days)}; another month may look quite different. Try a year."
    if books.equity_change > 0 > books.grid_profit - books.fees:
        yield "Closed cycles lost money after fees; the gain is the rise of what was held."
    if books.versus_hold < 0:
        yield "Simply holding the first purchase would have brought more."
    if books.residual:
        yield f"The books do not add up: {plain(books.residual)} is left over. Please report this."


def _about_the_data(study: Study) -> Iterator[str]:
    yield from _about_the_candles(study) if study.trades is None else _about_missing_trades(study.trades)
    yield from _about_the_rules(study)


def _about_missing_trades(trades: TradesPlayed) -> Iterator[str]:
    if trades.missing:
        share = percent(trades.missing / (trades.missing + trades.count))
        yield f"{trades.missing:,} trades ({share}) are missing: what they would have filled is left out."


def _about_the_candles(study: Study) -> Iterator[str]:
    candles, result = study.candles, study.result
    missing = sum(gap.missing for gap in candles.gaps)
    if missing:
        share = percent(missing / (missing + len(candles)))
        longest = max(candles.gaps, key=lambda gap: gap.missing)
        hours = span((longest.until_ms - longest.from_ms) / 86_400_000)
        yield (
            f"{missing:,} candles ({share}) are missing, the longest gap is {hours} from {day(longest.from_ms)}: "
            "what happened in there is left out."
        )
    spanning = _share_of_wide_candles(study)
    if spanning >= SPANS_FROM:
        yield (
            f"{percent(spanning, places=0)} of the candles are taller than the step between two rungs: what happened "
            f"within them is guessed. Shorter candles than {interval(candles.interval_ms)} would tell."
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
        yield f"{result.unpaid_orders:,} times an order could not be paid from the free balance and had to wait."
    if result.faulted_slots:
        yield f"{result.faulted_slots} orders were below the exchange's minimum, or refused five times, and given up."
    yield from result.scenario.plan.warnings
    refused = sum(window.change is None for window in study.windows)
    if refused:
        yield f"In {refused} of {len(study.windows)} windows the grid could not have been started at the price then."


def _share_of_wide_candles(study: Study) -> float:
    prices = study.result.scenario.plan.prices
    if len(prices) < 2:
        return 0.0
    steps = [float(above / below) - 1 for below, above in pairwise(prices)]
    heights = (study.candles.high - study.candles.low) / study.candles.low
    return float(np.mean(heights > min(steps)))


def name_of(result: Result) -> str:
    instrument = result.scenario.rules.instrument
    return f"{instrument.base}/{instrument.quote}"
