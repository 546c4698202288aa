"""Replay of recorded candles or trades, several symbols in strict time order."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, Literal, Self

from simulator.core.symbols import SymbolSpec
from simulator.market.feed import Candle, FeedStep, MarketError
from simulator.market.files import DataSource
from simulator.market.intervals import DURATION_MS, INTERVALS
from simulator.market.recordings import Recording, Stretch, open_recording

WANTED_HISTORY: Final = 500
"""Candles of each interval up to a day that indicators want before the start."""


class ReplayFeed:
    """A market that was. Its past is what the files hold before the start, and nothing is made up."""

    source: Literal["replay"] = "replay"

    def __init__(self, recordings: Sequence[Recording], stretch: Stretch, shift_ms: int) -> None:
        self._recordings = {recording.spec.symbol: recording for recording in recordings}
        self._stretch = stretch
        self._shift_ms = shift_ms
        for recording in recordings:
            recording.shift(shift_ms)
        first_ms = min(recording.first_ms for recording in recordings)
        self.start_ms = (first_ms if stretch.from_ms is None else stretch.from_ms) + shift_ms
        self.symbols = tuple(self._recordings)
        self.specs: Mapping[str, SymbolSpec] = {r.spec.symbol: r.spec for r in recordings}
        self.outage_ms = max(recording.outage_ms for recording in recordings)
        self.notices = tuple(notice for recording in recordings for notice in self._notices(recording))

    @classmethod
    def open(
        cls,
        sources: Sequence[DataSource],
        stretch: Stretch | None = None,
        *,
        at_ms: int | None = None,
        resume: Mapping[str, Any] | None = None,
    ) -> Self:
        """Open files for replay.

        Args:
            sources: one file per symbol.
            stretch: what of them is played; everything if not given.
            at_ms: shift times so that the stretch begins here, rounded down to a whole candle.
            resume: `state()` of an earlier run; it keeps that run's shift.

        Raises:
            MarketError: for unusable files, two files of one symbol, or a state of another market.
        """
        chosen = stretch or Stretch()
        names = [source.symbol for source in sources]
        if not names:
            raise MarketError("a replay needs at least one file; give --data FILE")
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise MarketError(f"--data gives more than one file for {', '.join(sorted(twice))}; give one each")
        recordings = [open_recording(source, chosen) for source in sources]
        shift_ms = 0
        if resume is not None:
            _refuse_another(resume, _identity(sources, chosen))
            shift_ms = int(resume["shift_ms"])
        elif at_ms is not None:
            begins_ms = chosen.from_ms or min(recording.first_ms for recording in recordings)
            grain_ms = max(recording.grain_ms for recording in recordings)
            shift_ms = (at_ms - begins_ms) // grain_ms * grain_ms
        return cls(recordings, chosen, shift_ms)

    def history(self, symbol: str, interval: str, end_ms: int, limit: int) -> list[Candle]:
        """Return the newest `limit` candles that ended before `end_ms`; see `MarketPast.history`."""
        return self._of(symbol).history(interval, end_ms, limit)

    def last_price(self, symbol: str) -> int:
        recording = self._of(symbol)
        for interval in INTERVALS:
            past = recording.history(interval, self.start_ms, 1)
            if past:
                return past[-1].close
        return next(trade.price for step in recording.steps(None) for trade in step.trades)

    def steps(self, after_ms: int | None = None) -> Iterator[FeedStep]:
        """Yield the steps of all symbols by time; at the same time in the order of `symbols`."""
        return heapq.merge(
            *(recording.steps(after_ms) for recording in self._recordings.values()), key=attrgetter("time_ms")
        )

    def state(self) -> dict[str, Any]:
        sources = [recording.source for recording in self._recordings.values()]
        return {**_identity(sources, self._stretch), "shift_ms": self._shift_ms}

    def _of(self, symbol: str) -> Recording:
        if symbol not in self._recordings:
            raise MarketError(f"symbol {symbol!r} is not in this replay; it has {', '.join(self.symbols)}")
        return self._recordings[symbol]

    def _notices(self, recording: Recording) -> Iterator[str]:
        yield from recording.notices
        reach_ms = self.start_ms - recording.earliest_ms - self._shift_ms
        short = [
            interval
            for interval in INTERVALS
            if recording.grain_ms <= DURATION_MS[interval] <= DURATION_MS["1d"]
            and reach_ms // DURATION_MS[interval] < WANTED_HISTORY
        ]
        if short:
            yield (
                f"{recording.spec.symbol}: the file reaches back {reach_ms / DURATION_MS['1h']:.1f} h before the "
                f"start, fewer than {WANTED_HISTORY} candles of {' '.join(short)}; choose a later --from"
            )


def _identity(sources: Sequence[DataSource], stretch: Stretch) -> dict[str, Any]:
    return {
        "source": "replay",
        "data": [[source.market, source.symbol, source.path.name] for source in sources],
        "from_ms": stretch.from_ms,
        "to_ms": stretch.to_ms,
    }


def _refuse_another(state: Mapping[str, Any], identity: Mapping[str, Any]) -> None:
    for name, value in identity.items():
        if state.get(name) != value:
            raise MarketError(
                f"the saved state is of another market ({name} {state.get(name)!r}, now {value!r}); "
                "start with the old options or another --state folder"
            )
