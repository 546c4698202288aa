"""All intervals of one symbol, from one stream of prints.

A print touches the running second only. A closed second goes into its minute, a closed minute into the
intervals up to an hour, a closed hour into those up to a day, a closed day into the rest; what is still
on its way is folded in when somebody asks.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from simulator.core.events import MarketTrade
from simulator.market.feed import Candle, ClosedCandle
from simulator.market.intervals import DURATION_MS, INTERVALS, SECOND_MS
from simulator.market.running import RunningCandle, still_missing
from simulator.market.stats import DayStats

PARENT: Final = {
    "1m": "1s",
    **dict.fromkeys(("3m", "5m", "15m", "30m", "1h"), "1m"),
    **dict.fromkeys(("2h", "4h", "6h", "8h", "12h", "1d"), "1h"),
    **dict.fromkeys(("3d", "1w", "1M"), "1d"),
}
"""The interval whose closed candles each interval is made of; every one divides its child."""


class _Rung:
    """One interval: closed candles, and the parent's closed candles since the last one."""

    __slots__ = ("children", "closed", "interval", "on_close", "running")

    def __init__(self, interval: str, keep: int) -> None:
        self.interval = interval
        self.closed: deque[Candle] = deque(maxlen=keep)
        self.running: RunningCandle | None = None
        self.children: list[_Rung] = []
        self.on_close: Callable[[Candle], None] | None = None

    def absorb(self, part: Candle) -> None:
        if self.running is not None and part.open_ms > self.running.close_ms:
            self.close()
        if self.running is None:
            self.running = RunningCandle.covering(self.interval, part)
        else:
            self.running.absorb(part)

    def close(self) -> None:
        if self.running is None:
            return
        candle, self.running = self.running.frozen(), None
        self.closed.append(candle)
        if self.on_close is not None:
            self.on_close(candle)
        for child in self.children:
            child.absorb(candle)


class IntervalLadder:
    """Candles of every interval and the 24 h statistics of one symbol."""

    def __init__(self, keep: int) -> None:
        self._rungs = {interval: _Rung(interval, keep) for interval in INTERVALS}
        for child, parent in PARENT.items():
            self._rungs[parent].children.append(self._rungs[child])
        self._seconds = self._rungs["1s"]
        self._second_ends_ms = -1
        self.last_qty = 0
        self.stats = DayStats()
        self._rungs["1m"].on_close = self.stats.absorb

    def add(self, trade: MarketTrade, trade_id: int) -> None:
        self.last_qty = trade.qty
        if trade.time_ms <= self._second_ends_ms and self._seconds.running is not None:
            self._seconds.running.add(trade, trade_id)
            return
        self._seconds.close()
        open_ms = trade.time_ms - trade.time_ms % SECOND_MS
        self._second_ends_ms = open_ms + SECOND_MS - 1
        self._seconds.running = RunningCandle(open_ms, self._second_ends_ms, trade.price)
        self._seconds.running.add(trade, trade_id)

    def settle(self, closed: ClosedCandle) -> None:
        """Let the recorded candle's figures stand where the prints could only approximate them."""
        parent = PARENT.get(closed.interval)
        for interval in _line_down_to(parent):
            self._rungs[interval].close()
        difference = still_missing(closed.candle, self._rungs[closed.interval].running)
        siblings = self._rungs[parent].children if parent is not None else [self._seconds]
        for sibling in siblings:
            if DURATION_MS[sibling.interval] >= DURATION_MS[closed.interval]:
                sibling.absorb(difference)
        if DURATION_MS[closed.interval] > DURATION_MS["1m"]:
            self.stats.absorb(difference)

    def candles(self, interval: str) -> list[Candle]:
        """Return all candles held, oldest first; the last one may be open."""
        return [*self._rungs[interval].closed, *self.tail(interval)]

    def newest(self, interval: str) -> Candle | None:
        tail = self.tail(interval)
        if tail:
            return tail[-1]
        closed = self._rungs[interval].closed
        return closed[-1] if closed else None

    def tail(self, interval: str) -> list[Candle]:
        """Return what is not yet in the ring: perhaps finished candles, and last the open one."""
        running = self._rungs[interval].running
        found = [RunningCandle.of(running.frozen())] if running is not None else []
        for part in self.tail(PARENT[interval]) if interval in PARENT else []:
            if found and part.open_ms <= found[-1].close_ms:
                found[-1].absorb(part)
            else:
                found.append(RunningCandle.covering(interval, part))
        return [candle.frozen() for candle in found]

    def seed(self, interval: str, candles: Sequence[Candle], start_ms: int) -> None:
        """Take a past, from the finest interval to the coarsest; the last candle may reach beyond the start.

        An open candle holds its open part as well; that part comes up again when it closes, so it is
        taken out of the sums here.
        """
        rung = self._rungs[interval]
        finished = [candle for candle in candles if candle.close_ms < start_ms]
        rung.closed.extend(finished)
        if len(finished) == len(candles):
            return
        partial = RunningCandle.of(candles[-1])
        for part in self.tail(PARENT[interval]) if interval in PARENT else []:
            if part.open_ms >= partial.open_ms:
                partial.subtract(part)
        rung.running = partial
        if rung is self._seconds:
            self._second_ends_ms = partial.close_ms


def _line_down_to(interval: str | None) -> list[str]:
    """The intervals a recorded candle's prints pass through on their way, finest first."""
    line: list[str] = []
    while interval is not None:
        line.insert(0, interval)
        interval = PARENT.get(interval)
    return line
