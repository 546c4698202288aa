"""What a comparison found, in words and as strict JSON."""

from collections.abc import Iterator
from typing import Any, Final

from backtest.parity.calibration import FEWEST_ORDERS, Calibration, fill_of, fill_words
from backtest.parity.comparing import LatencyFrom, Level, Parity
from backtest.parity.delays import FEWEST_SALES, MeasuredDelays
from backtest.parity.heard import Source
from backtest.parity.matching import Completion, Pair, Why
from backtest.report.facts import json_value, moment
from backtest.report.sentences import amount, minute, percent, span
from backtest.result import BUY
from backtest.wording import counted
from domain.money import plain

FORMAT: Final = 1
_DAY_MS: Final = 86_400_000
_SOURCES: Final = {
    Source.RECORDED: "prices the grid heard itself",
    Source.TRADES: "recorded trades of the market: the grid kept no prices",
    Source.CANDLES: "recorded candles, the way within each guessed: the grid kept no prices and no trades are stored",
}
WHY: Final = {
    Why.QUEUE: "its price was traded at and not beyond; live, others in the queue came first",
    Why.PARTLY: "live it was filled in part when the replay had filled it whole",
    Why.NOT_THERE: "the price was there before the live order was: it was still on its way",
    Why.BEYOND: "the price heard went beyond it and live it did not fill",
    Why.UNHEARD: "no price was heard that could have filled it",
    Why.EARLIER: "it follows from a difference at another order before it",
}


def headline(found: Parity) -> str:
    """Return the finding in a sentence or two."""
    grid = f"grid {found.lived.row.grid_id} on {found.lived.row.instrument.base}/{found.lived.row.instrument.quote}"
    if found.agreement is None:
        return f"Neither {grid} nor its replay filled an order while prices were heard."
    quote = found.lived.row.instrument.quote
    return (
        f"{percent(found.agreement, places=1)} of the fills of {grid} and of its replay ({fill_words(found.fill)}) "
        f"agree, {found.exact_count:,} of {len(found.pairs):,} to the last digit. Live gain "
        f"{amount(found.live_equity, signed=True)} {quote}, replayed {amount(found.replayed_equity, signed=True)}."
    )


def latency_sentence(found: Parity) -> str:
    """Return how long the replay's orders take, where that comes from, and what it changes."""
    latency, measured = found.latency, found.lived.delays
    match latency.source:
        case LatencyFrom.MEASURED:
            told = f"The replay's orders take {latency.used_ms:,} ms, as the grid's own did {_measured(measured)}"
        case LatencyFrom.GIVEN:
            own = f"the grid's own took {measured.median_ms:,} ms {_measured(measured)}" if measured.sales else ""
            known = own or f"of the grid's own way {_too_few(measured)}"
            told = f"The replay's orders take {latency.used_ms:,} ms, as asked for; {known}"
        case LatencyFrom.UNKNOWN:
            told = f"The replay's orders take no time: of the grid's own way {_too_few(measured)}"
    if found.at_once is None:
        return f"{told}."
    once = found.at_once
    share = "–" if once.agreement is None else percent(once.agreement, places=1)
    quote = found.lived.row.instrument.quote
    return (
        f"{told}. If they took none, {share} would agree, {once.exact:,} of {once.pairs:,} to the last digit, and the "
        f"replay would gain {amount(once.equity, signed=True)} {quote}."
    )


def _measured(measured: MeasuredDelays) -> str:
    span_ms = f"{measured.low_ms:,} to {measured.high_ms:,} ms for nine in ten"
    sales = counted(measured.sales, "sale")
    left = [
        f"{measured.untold:,} more the books do not tell" if measured.untold else "",
        f"{measured.waited:,} waited over a minute and were left out" if measured.waited else "",
    ]
    told = "".join(f"; {part}" for part in left if part)
    return f"from a purchase to the exchange taking its sale (median of {sales}, {span_ms}{told})"


def _too_few(measured: MeasuredDelays) -> str:
    sales = counted(measured.sales, "sale")
    silent = f"; of {measured.untold:,} more they do not hold when the exchange took them" if measured.untold else ""
    waited = f"; {measured.waited:,} waited over a minute and were left out" if measured.waited else ""
    return f"its books tell too little: {sales} that answered a purchase, of {FEWEST_SALES} needed{silent}{waited}"


def queue_sentence(calibration: Calibration | None) -> str:
    """Return what explains the live fills best, and how sure that is."""
    if calibration is None:
        return "Nothing can be said of the queue: no order had trades of known size at its price."
    low, high = (fill_words(fill_of(ppm)) for ppm in (calibration.low_ppm, calibration.high_ppm))
    sure = f"95 % between {low} and {high}" if low != high else "all resamples agree"
    few = "" if calibration.is_enough else f"; too few to be used, which takes {FEWEST_ORDERS}"
    return (
        f"The live fills are explained best by {fill_words(calibration.fill)} ({sure}): entirely for "
        f"{percent(calibration.explained, places=0)} of {calibration.orders:,} orders at whose price something was "
        f"traded{few}."
    )


def notes(found: Parity) -> Iterator[str]:
    """Yield what to know of the comparison, and what to doubt."""
    days = (found.until_ms - found.from_ms) / _DAY_MS
    yield (
        f"Compared over {span(days)}, {minute(found.from_ms)} to {minute(found.until_ms)} (UTC), on "
        f"{len(found.prices):,} {_SOURCES[found.prices.source]}."
    )
    if found.entry.live_price is not None and found.entry.replayed_price is not None:
        yield (
            f"The first purchase was made at {plain(found.entry.live_price)} on the average; the replay begins after "
            f"it, at {plain(found.entry.replayed_price)}."
        )
    yield latency_sentence(found)
    if found.silences:
        lost = span(sum(one.until_ms - one.from_ms for one in found.silences) / _DAY_MS)
        yield f"In {len(found.silences):,} stretches, {lost} together, no prices were heard or kept."
    rates = found.lived.fees()
    paid_in = "" if rates.bnb_price is None else f", in BNB at a constant {rates.bnb_price:f}"
    yield (
        f"Fees as the fills were charged: maker {percent(rates.maker_ppm / 1e6, places=3)}, taker "
        f"{percent(rates.taker_ppm / 1e6, places=3)}{paid_in}."
    )
    if found.replay.unpaid_orders or found.replay.faulted_slots:
        yield "The replay could not place all of its orders; differences may come of that."


def reasons(found: Parity) -> list[tuple[str, int, str]]:
    """Return why fills differ, the commonest first: word, count, explanation."""
    counted = sorted(found.why.items(), key=lambda item: -item[1])
    return [(why.value, count, WHY[why]) for why, count in counted]


def facts_of(found: Parity) -> dict[str, Any]:
    """Return everything as JSON's own values. Times are ms since the epoch or ISO 8601 (UTC), amounts texts."""
    lived = found.lived
    told: dict[str, Any] = {
        "format": FORMAT,
        "kind": "parity",
        "made": moment(found.made_ms),
        "headline": headline(found),
        "queue": queue_sentence(found.calibration),
        "notes": list(notes(found)),
        "grid": {
            "account": lived.account.id,
            "id": lived.row.grid_id,
            "instrument": lived.row.instrument.id,
            "started_ms": lived.row.started_ms,
            "ended_ms": lived.row.ended_ms,
            "rungs": lived.row.plan.prices,
        },
        "window": {"from": moment(found.from_ms), "until": moment(found.until_ms)},
        "prices": {
            "source": found.prices.source,
            "count": len(found.prices),
            "silences": found.silences,
        },
        "fill": found.fill,
        "fills": {
            "live": found.live_count,
            "replayed": found.replayed_count,
            "paired": found.paired,
            "exact": found.exact_count,
            "agreement": found.agreement,
            "why": {why.value: count for why, count in found.why.items()},
        },
        "latency": {
            "used_ms": found.latency.used_ms,
            "from": found.latency.source,
            "measured": lived.delays,
            "at_once": found.at_once,
            "post_only_refusals": found.replay.post_only_refusals,
            "late_cancels": found.replay.late_cancels,
        },
        "equity": {
            "live": found.live_equity,
            "replayed": found.replayed_equity,
            "difference": found.equity_difference,
            "mark_price": found.replay.last_price,
        },
        "entry": found.entry,
        "levels": [_level(level) for level in found.levels],
        "calibration": found.calibration,
        "pairs": [_pair(pair) for pair in found.pairs],
    }
    return {name: json_value(value) for name, value in told.items()}


def _level(level: Level) -> dict[str, Any]:
    told: dict[str, Any] = json_value(level)
    side = "BUY" if level.side == BUY else "SELL"
    why = {reason.value: count for reason, count in level.why.items()}
    return told | {"side": side, "fill_rate": level.fill_rate, "why": why}


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "side": "BUY" if pair.side == BUY else "SELL",
        "rung": pair.rung,
        "live": _completion(pair.live),
        "replayed": _completion(pair.replayed),
        "delay_ms": pair.delay_ms,
        "why": pair.why,
    }


def _completion(one: Completion | None) -> dict[str, int] | None:
    return None if one is None else {"time_ms": one.time_ms, "lots": one.lots, "price_units": one.price}
