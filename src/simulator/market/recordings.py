"""One symbol's recording: candles or trades, its past and its steps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Protocol

import numpy as np

from simulator.core.events import MarketTrade
from simulator.core.symbols import SymbolSpec
from simulator.market.books import BookModel
from simulator.market.catalogue import SPECS, spec_for_data
from simulator.market.feed import Candle, ClosedCandle, FeedStep, MarketError
from simulator.market.files import CandleFile, DataSource, read_candles
from simulator.market.intervals import DURATION_MS, HOUR_MS, MINUTE_MS
from simulator.market.ladder import IntervalLadder
from simulator.market.past import RecordedPast
from simulator.market.path import CandlePath
from simulator.market.trades import TradeFile

_READ_AHEAD: Final = 2_000
_SAMPLE: Final = 20_000
_KEEP: Final = 1_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """What of a recording is played: from_ms <= time < to_ms in the recording's own time, None where open."""

    from_ms: int | None = None
    to_ms: int | None = None

    def __post_init__(self) -> None:
        if self.from_ms is not None and self.to_ms is not None and self.from_ms >= self.to_ms:
            raise MarketError("--from must be earlier than --to")

    def holds(self, time_ms: int) -> bool:
        after = self.from_ms is None or time_ms >= self.from_ms
        return after and (self.to_ms is None or time_ms < self.to_ms)


class Recording(Protocol):
    """What a replay needs of each symbol. Times it gives and takes are shifted by `shift`.

    `grain_ms` is what times must be shifted by a multiple of, `outage_ms` the longest silence without a gap.
    """

    source: DataSource
    spec: SymbolSpec
    first_ms: int
    earliest_ms: int
    grain_ms: int
    outage_ms: int
    notices: tuple[str, ...]

    def shift(self, shift_ms: int) -> None: ...

    def history(self, interval: str, end_ms: int, limit: int) -> list[Candle]: ...

    def steps(self, after_ms: int | None) -> Iterator[FeedStep]: ...


def open_recording(source: DataSource, stretch: Stretch, known: Mapping[str, SymbolSpec] = SPECS) -> Recording:
    """Read a file as far as it must be read to know its filters and its first print; `known` are usual filters.

    Raises:
        MarketError: for a file that cannot be played, or has nothing in the stretch.
    """
    if source.holds_trades:
        return _RecordedTrades(source, stretch, known)
    return _RecordedCandles(read_candles(source), stretch, known)


class _RecordedCandles:
    def __init__(self, file: CandleFile, stretch: Stretch, known: Mapping[str, SymbolSpec]) -> None:
        columns = file.columns
        first = 0 if stretch.from_ms is None else np.searchsorted(columns.open_ms, stretch.from_ms)
        end = len(columns) if stretch.to_ms is None else np.searchsorted(columns.open_ms, stretch.to_ms)
        self._start, self._stop = int(first), int(end)
        self.earliest_ms = int(columns.open_ms[0])
        if self._start >= self._stop:
            raise _nothing(file.source, self.earliest_ms, int(columns.open_ms[-1]))
        self._file = file
        self.source = file.source
        self.spec = _spec_of(file, self._start, self._stop, known)
        self.first_ms = int(columns.open_ms[self._start])
        self.notices = file.notices
        self.grain_ms = self.outage_ms = DURATION_MS[file.interval]
        self._past = RecordedPast(file, self.spec.lot)
        optional = (columns.quote_volume, columns.trades, columns.taker_buy_base, columns.taker_buy_quote)
        self._knows_more = any(column is not None for column in optional)

    def shift(self, shift_ms: int) -> None:
        self._past = RecordedPast(self._file, self.spec.lot, shift_ms)

    def history(self, interval: str, end_ms: int, limit: int) -> list[Candle]:
        return self._past.history(interval, end_ms, limit)

    def steps(self, after_ms: int | None) -> Iterator[FeedStep]:
        start = self._start if after_ms is None else max(self._start, self._past.rows_before(after_ms + 1))
        path, book = self._past.path_at(start), BookModel(self.spec)
        for at in range(start, self._stop, _READ_AHEAD):
            for candle in self._past.rows(at, min(self._stop, at + _READ_AHEAD)):
                for step in self._played(candle, path, book):
                    if after_ms is None or step.time_ms > after_ms:
                        yield step

    def _played(self, candle: Candle, path: CandlePath, book: BookModel) -> Iterator[FeedStep]:
        prints = path.prints(candle)
        closed = ClosedCandle(self.spec.symbol, self._file.interval, candle)
        if not prints:
            yield FeedStep(candle.close_ms, (), None, closed)
        for at, trade in enumerate(prints, start=1):
            settled = closed if self._knows_more and at == len(prints) else None
            yield FeedStep(trade.time_ms, (trade,), book.after(trade), settled)


class _RecordedTrades:
    def __init__(self, source: DataSource, stretch: Stretch, known: Mapping[str, SymbolSpec]) -> None:
        self._file = TradeFile(source.path, source.symbol)
        self._stretch = stretch
        self._shift_ms = 0
        self._known: tuple[int, IntervalLadder] | None = None
        self.source = source
        self.grain_ms, self.outage_ms = MINUTE_MS, HOUR_MS
        self.notices: tuple[str, ...] = ()
        sample, self.earliest_ms = self._look_ahead()
        self.first_ms = sample[0].time_ms
        self.spec = spec_for_data(source.symbol, [t.price for t in sample], [t.qty for t in sample], known)

    def shift(self, shift_ms: int) -> None:
        self._shift_ms, self._known = shift_ms, None

    def history(self, interval: str, end_ms: int, limit: int) -> list[Candle]:
        if self._known is None or self._known[0] != end_ms:
            ladder = IntervalLadder(_KEEP)
            for trade in self._shifted():
                if trade.time_ms >= end_ms:
                    break
                ladder.add(trade, -1)
            self._known = (end_ms, ladder)
        return self._known[1].candles(interval)[-limit:] if limit > 0 else []

    def steps(self, after_ms: int | None) -> Iterator[FeedStep]:
        book = BookModel(self.spec)
        for trade in self._shifted():
            played = self._stretch.holds(trade.time_ms - self._shift_ms)
            if played and (after_ms is None or trade.time_ms > after_ms):
                yield FeedStep(trade.time_ms, (trade,), book.after(trade))

    def _shifted(self) -> Iterator[MarketTrade]:
        for trade in self._file.prints():
            yield replace(trade, time_ms=trade.time_ms + self._shift_ms) if self._shift_ms else trade

    def _look_ahead(self) -> tuple[list[MarketTrade], int]:
        sample: list[MarketTrade] = []
        earliest_ms = latest_ms = 0
        for trade in self._file.prints():
            earliest_ms, latest_ms = earliest_ms or trade.time_ms, trade.time_ms
            if self._stretch.holds(trade.time_ms):
                sample.append(trade)
            if len(sample) == _SAMPLE:
                break
        if not sample:
            raise _nothing(self.source, earliest_ms, latest_ms)
        return sample, earliest_ms


def _spec_of(file: CandleFile, start: int, stop: int, known: Mapping[str, SymbolSpec]) -> SymbolSpec:
    part = file.columns.part(start, min(stop, start + _SAMPLE))
    prices = [price for column in (part.high, part.low, part.close) for price in column.tolist()]
    return spec_for_data(file.source.symbol, prices, part.volume.tolist(), known)


def _nothing(source: DataSource, first_ms: int, last_ms: int) -> MarketError:
    if not first_ms:
        return MarketError(f"{source.path}: holds no trade of {source.symbol}; name the symbol it holds")
    span = " to ".join(f"{datetime.fromtimestamp(ms / 1_000, UTC):%Y-%m-%dT%H:%M}" for ms in (first_ms, last_ms))
    return MarketError(f"{source.path}: has nothing between --from and --to; it holds {span}")
