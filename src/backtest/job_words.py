"""What keeps a job from being replayed, in the words of POST /api/backtest, and what its sender or the owner can do."""

import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from backtest.candles import BadCandles, Gap
from backtest.data.coverage import extent, gaps_text
from backtest.data.loading import GapsInWindow, NoneInWindow, NotStored
from backtest.data.periods import Month, utc
from backtest.data.series import INTERVALS_MS, WORD_OF_MARKET, Series
from backtest.data.store import Store
from domain.errors import FieldMistake
from domain.instrument import Market
from ports.backtest_job import BacktestParameters

_EXAMPLE: Final = "2024-01"


def not_stored(error: NotStored, given: BacktestParameters, store: Store) -> FieldMistake:
    """Say that no candles are there of which the wanted ones could be made."""
    command = get_more(error.wanted, given.from_ms, store)
    symbol = given.symbol
    if error.intervals:
        there = ", ".join(sorted(error.intervals, key=INTERVALS_MS.__getitem__))
        return FieldMistake(
            "interval",
            f"no candles of {given.interval} can be made of those that are stored of {symbol} ({there}); choose an "
            f"interval that can, or {command}",
        )
    hint = f"did you mean {error.near}? Else choose" if error.near else "choose"
    return FieldMistake("symbol", f"no candles of {symbol} are stored; {hint} a symbol of which some are, or {command}")


def none_in_window(error: NoneInWindow, given: BacktestParameters, store: Store) -> FieldMistake:
    """Say that the window lies outside of what is stored, or is shorter than the candles that are asked for."""
    held = extent(store, error.series)
    begins_before_end = error.from_ms is None or error.from_ms < held.end_ms
    if error.series.interval != given.interval and begins_before_end and (error.to_ms or held.end_ms) > held.first_ms:
        return FieldMistake(
            "interval",
            f"no whole candle of {given.interval} lies in this window; choose a longer window or shorter candles",
        )
    field = _start_field(given) if given.from_ms is not None or given.days is not None else "to"
    return FieldMistake(
        field,
        f"no candles of {_name(error.series)} lie in this window; stored are those from {iso(held.first_ms)} until "
        f"{iso(held.end_ms)}. Choose another window between these, or {get_more(error.series, error.from_ms, store)}",
    )


def gaps_in_window(error: GapsInWindow, given: BacktestParameters, store: Store) -> Iterator[FieldMistake]:
    """Say what is missing before, after and between the candles that are there, each by the field that mends it."""
    found = error.found
    before = [gap for gap in found.gaps if gap.until_ms == found.first_ms]
    after = [gap for gap in found.gaps if gap.from_ms == found.end_ms]
    between = [gap for gap in found.gaps if gap not in (*before, *after)]
    name, anyway = _name(found.series), "set allow_gaps to true to replay what is there"
    if before:
        yield FieldMistake(
            _start_field(given),
            f"candles of {name} are stored from {iso(found.first_ms)} on, this window asks for {before[0].missing:,} "
            f"before that; begin there, {anyway}, or {get_more(found.series, before[0].from_ms, store)}",
        )
    if after:
        yield FieldMistake(
            "to",
            f"candles of {name} are stored until {iso(found.end_ms)}, this window asks for {after[0].missing:,} after "
            f"that; end there, {anyway}, or {get_more(found.series, after[0].from_ms, store)}",
        )
    if between:
        yield FieldMistake(
            "allow_gaps",
            f"{_count(between)} of {name} are missing within this window: {gaps_text(between)}, UTC. Choose another "
            f"window, {anyway}, or {get_more(found.series, between[0].from_ms, store)}",
        )


def unfit_candles(error: BadCandles) -> FieldMistake:
    """Say that stored candles contradict themselves or the exchange's rules of today."""
    return FieldMistake(
        "from",
        f"the stored candles cannot be replayed under the exchange's present rules ({error}). Choose another window, "
        "or on the server's machine: python -m backtest run --rules FILE, with the rules of that time",
    )


def beyond_memory() -> FieldMistake:
    return FieldMistake(
        "interval", "the window holds more candles than fit into a job's memory; take longer ones or a shorter window"
    )


def _count(gaps: Sequence[Gap]) -> str:
    missing = sum(gap.missing for gap in gaps)
    return "1 candle" if missing == 1 else f"{missing:,} candles"


def _start_field(given: BacktestParameters) -> str:
    return "from" if given.days is None else "days"


def _name(series: Series) -> str:
    return f"{series.symbol} ({series.interval})"


def iso(ms: int) -> str:
    """Return a moment as `from` and `to` take it."""
    return f"{utc(ms).replace(' ', 'T')}Z"


def get_more(series: Series, from_ms: int | None, store: Store) -> str:
    """Return how the owner gets what is missing: a command that works as it stands, whatever folder is in use."""
    start = _EXAMPLE if from_ms is None else str(Month.of(from_ms))
    words = ["python", "-m", "backtest", "data", "get", series.symbol, "--interval", series.interval, "--from", start]
    words += [] if series.market is Market.SPOT else ["--market", WORD_OF_MARKET[series.market]]
    return f"get more on the server's machine: {shlex.join([*words, '--data-dir', str(store.folder.parent)])}"
