"""The rolling 24 hours behind Binance's day ticker."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from simulator.market.feed import Candle
from simulator.market.intervals import DAY_MS
from simulator.market.running import RunningCandle


@dataclass(frozen=True, slots=True)
class DayTicker:
    """24 h figures: prices and volume scaled by 10**8, quote volume by 10**16; zeros before any print.

    `previous_close` is the last price before the window, the window's first price where none is known.
    """

    open_ms: int
    close_ms: int
    open: int
    high: int
    low: int
    last: int
    last_qty: int
    previous_close: int
    volume: int
    quote_volume: int
    weighted_average: int
    count: int
    first_trade_id: int
    last_trade_id: int

    @property
    def change(self) -> int:
        return self.last - self.open


class DayStats:
    """Sums over the candles of the last 24 hours, a minute at a time, each added and taken out once."""

    def __init__(self) -> None:
        self._window: deque[Candle] = deque()
        self._highs: deque[Candle] = deque()
        self._lows: deque[Candle] = deque()
        self._volume = self._quote_volume = self._count = 0
        self._previous_close: int | None = None

    def absorb(self, candle: Candle) -> None:
        """Take in a closed candle; candles come in time order."""
        self._window.append(candle)
        self._volume += candle.volume
        self._quote_volume += candle.quote_volume
        self._count += candle.trades
        while self._highs and self._highs[-1].high <= candle.high:
            self._highs.pop()
        self._highs.append(candle)
        while self._lows and self._lows[-1].low >= candle.low:
            self._lows.pop()
        self._lows.append(candle)
        self._forget(candle.close_ms)

    def ticker(self, now_ms: int, tail: Iterable[Candle] = (), *, last_qty: int = 0) -> DayTicker:
        """Return the figures of the 24 h up to `now_ms`; `tail` is what happened since the last absorbed."""
        self._forget(now_ms)
        opened_ms = now_ms - DAY_MS
        previous_close = self._previous_close
        whole = self._summary()
        for part in tail:
            if part.open_ms < opened_ms:
                previous_close = part.close
            elif whole is None:
                whole = RunningCandle.of(part)
            else:
                whole.absorb(part)
        if whole is None:
            return _empty(now_ms, previous_close or 0, last_qty)
        return DayTicker(
            open_ms=opened_ms,
            close_ms=now_ms,
            open=whole.open,
            high=whole.high,
            low=whole.low,
            last=whole.close,
            last_qty=last_qty,
            previous_close=whole.open if previous_close is None else previous_close,
            volume=whole.volume,
            quote_volume=whole.quote_volume,
            weighted_average=whole.quote_volume // whole.volume if whole.volume else whole.close,
            count=whole.trades,
            first_trade_id=whole.first_trade_id,
            last_trade_id=whole.last_trade_id,
        )

    def _summary(self) -> RunningCandle | None:
        if not self._window:
            return None
        first, last = self._window[0], self._window[-1]
        whole = RunningCandle(first.open_ms, last.close_ms, first.open)
        whole.high, whole.low, whole.close = self._highs[0].high, self._lows[0].low, last.close
        whole.volume, whole.quote_volume, whole.trades = self._volume, self._quote_volume, self._count
        whole.first_trade_id = next((c.first_trade_id for c in self._window if c.first_trade_id >= 0), -1)
        whole.last_trade_id = next((c.last_trade_id for c in reversed(self._window) if c.last_trade_id >= 0), -1)
        return whole

    def _forget(self, now_ms: int) -> None:
        opened_ms = now_ms - DAY_MS
        while self._window and self._window[0].open_ms < opened_ms:
            gone = self._window.popleft()
            self._volume -= gone.volume
            self._quote_volume -= gone.quote_volume
            self._count -= gone.trades
            self._previous_close = gone.close
            for extremes in (self._highs, self._lows):
                if extremes and extremes[0] is gone:
                    extremes.popleft()


def _empty(now_ms: int, price: int, last_qty: int) -> DayTicker:
    opened_ms = now_ms - DAY_MS
    return DayTicker(opened_ms, now_ms, price, price, price, price, last_qty, price, 0, 0, price, 0, -1, -1)
