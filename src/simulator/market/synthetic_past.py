"""The past of the synthetic market: 500 days by the hour, the last weeks by the minute, then prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.core.events import MarketTrade
from simulator.core.symbols import UNIT, SymbolSpec
from simulator.market.dynamics import Dynamics, Floats, MarketMood, Moves
from simulator.market.feed import Candle
from simulator.market.intervals import DURATION_MS, HOUR_MS, MINUTE_MS, interval_bounds
from simulator.market.running import seconds_of
from simulator.market.synthetic_prints import Character

DAYS: Final = 501
MINUTE_HOURS: Final = 512
"""Hours that are drawn minute by minute: 1000 half hours and some."""
_HOUR_POINTS: Final = 20
_MINUTE_POINTS: Final = 12
_FINER: Final = {
    "1m": "1s",
    "3m": "1m",
    "5m": "1m",
    "15m": "5m",
    "30m": "15m",
    "1h": "30m",
    "2h": "1h",
    "4h": "2h",
    "6h": "2h",
    "8h": "4h",
    "12h": "6h",
    "1d": "12h",
    "3d": "1d",
    "1w": "1d",
    "1M": "1d",
}
"""What the candles of each interval are made of."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PastMoves:
    """Moves by the hour and then by the minute, up to `end_ms`."""

    hours: Moves
    minutes: Moves
    end_ms: int

    @property
    def end(self) -> Floats:
        """(symbols,) log price at the end, relative to the beginning."""
        ending: Floats = self.hours.path[-1, -1] + self.minutes.path[-1, -1]
        return ending


def draw_past(dynamics: Dynamics, mood: MarketMood, rng: np.random.Generator, end_ms: int) -> PastMoves:
    """Draw the moves of 501 days before `end_ms` (a whole minute); `mood` is left as it is at the end."""
    fine_ms = end_ms // HOUR_MS * HOUR_MS - MINUTE_HOURS * HOUR_MS
    hours = DAYS * 24 - MINUTE_HOURS
    first_minute = (fine_ms - hours * HOUR_MS) // MINUTE_MS
    coarse = dynamics.draw(mood, rng, start_minute=first_minute, bars=hours, minutes=60, points=_HOUR_POINTS)
    fine = dynamics.draw(
        mood,
        rng,
        start_minute=fine_ms // MINUTE_MS,
        bars=(end_ms - fine_ms) // MINUTE_MS,
        minutes=1,
        points=_MINUTE_POINTS,
    )
    return PastMoves(coarse, fine, end_ms)


class SyntheticPast:
    """Candles of all intervals, made when first asked for.

    Inside, a series is an int64 array of shape (10, bars): open time, open, high, low, close (ticks),
    volume (lots), quote volume (ticks x lots), trades, taker bought volume and quote volume.

    Args:
        log_prices: (symbols,) log price in quote per base where the drawn moves end.
        prints: what was printed between there and the start.
    """

    def __init__(
        self,
        moves: PastMoves,
        log_prices: Floats,
        specs: Sequence[SymbolSpec],
        characters: Sequence[Character],
        prints: Sequence[MarketTrade],
        seed: int,
    ) -> None:
        self._moves = moves
        self._beginnings = log_prices - moves.end
        self._columns: Mapping[str, int] = {spec.symbol: at for at, spec in enumerate(specs)}
        self._specs = specs
        self._characters = characters
        self._prints = prints
        self._seed = seed
        self._series: dict[tuple[str, str], Ints] = {}

    def candles(self, symbol: str, interval: str, end_ms: int, limit: int) -> list[Candle]:
        """Return the newest `limit` candles that opened before `end_ms`; the last may be partial."""
        bars = self._bars(symbol, interval)
        stop = int(np.searchsorted(bars[0], end_ms))
        spec = self._specs[self._columns[symbol]]
        rows = bars[:, max(0, stop - limit) : stop].T.tolist()
        return [_candle(spec, interval, *row) for row in rows]

    def _bars(self, symbol: str, interval: str) -> Ints:
        key = symbol, interval
        if key not in self._series:
            self._series[key] = self._made(symbol, interval)
        return self._series[key]

    def _made(self, symbol: str, interval: str) -> Ints:
        column = self._columns[symbol]
        if interval == "1s":
            return self._printed(symbol)
        finer = _rolled(self._bars(symbol, _FINER[interval]), interval)
        if interval == "1m":
            level = self._beginnings[column] + self._moves.hours.path[-1, -1, column]
            drawn = self._drawn(column, self._moves.minutes, float(level), self._moves.end_ms, MINUTE_MS)
        elif interval == "1h":
            level = self._beginnings[column]
            drawn = self._drawn(column, self._moves.hours, float(level), int(finer[0, 0]), HOUR_MS)
        else:
            return finer
        return np.concatenate([drawn, finer], axis=1)

    def _printed(self, symbol: str) -> Ints:
        spec = self._specs[self._columns[symbol]]
        tick, lot = spec.tick, spec.lot
        rows = [
            (
                candle.open_ms,
                *(price // tick for price in (candle.open, candle.high, candle.low, candle.close)),
                candle.volume // lot,
                candle.quote_volume // (tick * lot),
                candle.trades,
                candle.taker_buy_base // lot,
                candle.taker_buy_quote // (tick * lot),
            )
            for candle in seconds_of(trade for trade in self._prints if trade.symbol == symbol)
        ]
        return np.array(rows, dtype=np.int64).T

    def _drawn(self, column: int, moves: Moves, log_price: float, end_ms: int, length_ms: int) -> Ints:
        """Turn drawn bars that end at `end_ms` and start at `log_price` into a series."""
        level = np.exp(log_price) * UNIT / self._specs[column].tick
        ticks = np.maximum(1, np.rint(np.exp(moves.path[:, :, column]) * level)).astype(np.int64)
        opens = np.append(max(1, round(float(level))), ticks[:-1, -1])
        highs = np.maximum(ticks.max(axis=1), opens)
        lows = np.minimum(ticks.min(axis=1), opens)
        lots, bought, counts = self._volumes(column, moves.wildness[:, column], length_ms // MINUTE_MS)
        open_ms = end_ms - length_ms * np.arange(len(opens), 0, -1)
        mean = (highs + lows + ticks[:, -1]) // 3
        return np.stack([open_ms, opens, highs, lows, ticks[:, -1], lots, mean * lots, counts, bought, mean * bought])

    def _volumes(self, column: int, wildness: Floats, minutes: int) -> tuple[Ints, Ints, Ints]:
        rng = np.random.default_rng([self._seed, column, minutes])
        usual = self._characters[column].minute_lots(self._specs[column])
        spread = rng.lognormal(-0.125, 0.5, len(wildness))
        lots = np.maximum(1, usual * minutes * wildness**0.7 * spread).astype(np.int64)
        bought = (lots * np.clip(rng.normal(0.5, 0.12, len(lots)), 0.0, 1.0)).astype(np.int64)
        counts = np.maximum(1, 180 * minutes * wildness**0.6).astype(np.int64)
        return lots, bought, counts


def _rolled(bars: Ints, interval: str) -> Ints:
    """Return a series of a coarser interval."""
    if interval == "1M":
        opens = np.array([interval_bounds(interval, open_ms)[0] for open_ms in bars[0].tolist()])
    else:
        first_ms, _ = interval_bounds(interval, 0)
        opens = bars[0] - (bars[0] - first_ms) % DURATION_MS[interval]
    starts = np.flatnonzero(np.append(True, opens[1:] != opens[:-1]))
    ends = np.append(starts[1:], len(opens)) - 1
    sums = np.add.reduceat(bars[5:], starts, axis=1)
    highs, lows = np.maximum.reduceat(bars[2], starts), np.minimum.reduceat(bars[3], starts)
    return np.concatenate([np.stack([opens[starts], bars[1, starts], highs, lows, bars[4, ends]]), sums], axis=0)


def _candle(
    spec: SymbolSpec,
    interval: str,
    open_ms: int,
    first: int,
    high: int,
    low: int,
    last: int,
    lots: int,
    quote: int,
    trades: int,
    bought: int,
    bought_quote: int,
) -> Candle:
    tick, lot = spec.tick, spec.lot
    return Candle(
        open_ms,
        interval_bounds(interval, open_ms)[1],
        first * tick,
        high * tick,
        low * tick,
        last * tick,
        lots * lot,
        quote * tick * lot,
        trades,
        bought * lot,
        bought_quote * tick * lot,
    )
