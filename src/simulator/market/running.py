"""A candle that still grows."""

from collections.abc import Iterable
from typing import Self

from simulator.core.events import MarketTrade
from simulator.market.feed import Candle
from simulator.market.intervals import interval_bounds


class RunningCandle:
    """Mutable twin of `Candle`, same fields and units."""

    __slots__ = (
        "close",
        "close_ms",
        "first_trade_id",
        "high",
        "last_trade_id",
        "low",
        "open",
        "open_ms",
        "quote_volume",
        "taker_buy_base",
        "taker_buy_quote",
        "trades",
        "volume",
    )

    def __init__(self, open_ms: int, close_ms: int, price: int) -> None:
        self.open_ms = open_ms
        self.close_ms = close_ms
        self.open = self.high = self.low = self.close = price
        self.volume = self.quote_volume = self.trades = 0
        self.taker_buy_base = self.taker_buy_quote = 0
        self.first_trade_id = self.last_trade_id = -1

    @classmethod
    def of(cls, candle: Candle) -> Self:
        running = cls(candle.open_ms, candle.close_ms, candle.open)
        running.absorb(candle)
        return running

    @classmethod
    def covering(cls, interval: str, part: Candle) -> Self:
        """Return the candle of `interval` that holds `part`, with nothing else in it yet."""
        running = cls(*interval_bounds(interval, part.open_ms), part.open)
        running.absorb(part)
        return running

    def add(self, trade: MarketTrade, trade_id: int) -> None:
        price, quantity = trade.price, trade.qty
        quote = price * quantity
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.volume += quantity
        self.quote_volume += quote
        self.trades += 1
        if not trade.buyer_is_maker:
            self.taker_buy_base += quantity
            self.taker_buy_quote += quote
        if trade_id >= 0:
            self._count_id(trade_id, trade_id)

    def absorb(self, part: Candle) -> None:
        """Take in a candle that lies inside this one and after what it holds."""
        self.high = max(self.high, part.high)
        self.low = min(self.low, part.low)
        self.close = part.close
        self.volume += part.volume
        self.quote_volume += part.quote_volume
        self.trades += part.trades
        self.taker_buy_base += part.taker_buy_base
        self.taker_buy_quote += part.taker_buy_quote
        if part.last_trade_id >= 0:
            self._count_id(part.first_trade_id, part.last_trade_id)

    def subtract(self, part: Candle) -> None:
        """Take out volume and counts of a part that will be absorbed again later."""
        self.volume -= part.volume
        self.quote_volume -= part.quote_volume
        self.trades -= part.trades
        self.taker_buy_base -= part.taker_buy_base
        self.taker_buy_quote -= part.taker_buy_quote

    def frozen(self) -> Candle:
        return Candle(
            self.open_ms,
            self.close_ms,
            self.open,
            self.high,
            self.low,
            self.close,
            self.volume,
            self.quote_volume,
            self.trades,
            self.taker_buy_base,
            self.taker_buy_quote,
            self.first_trade_id,
            self.last_trade_id,
        )

    def _count_id(self, first: int, last: int) -> None:
        if self.first_trade_id < 0:
            self.first_trade_id = first
        self.last_trade_id = last


def flat_candle(open_ms: int, close_ms: int, price: int) -> Candle:
    """Return the candle of an interval in which nothing traded."""
    return Candle(open_ms, close_ms, price, price, price, price, 0, 0, 0, 0, 0)


def roll_up(candles: Iterable[Candle], interval: str) -> list[Candle]:
    """Return candles of a coarser `interval` from finer ones in time order."""
    rolled: list[RunningCandle] = []
    for candle in candles:
        if rolled and candle.open_ms <= rolled[-1].close_ms:
            rolled[-1].absorb(candle)
        else:
            rolled.append(RunningCandle.covering(interval, candle))
    return [candle.frozen() for candle in rolled]


def still_missing(recorded: Candle, built: RunningCandle | None) -> Candle:
    """Return what has to be absorbed into `built` so that it equals the recorded candle."""
    if built is None or built.open_ms != recorded.open_ms:
        return recorded
    return recorded._replace(
        volume=recorded.volume - built.volume,
        quote_volume=recorded.quote_volume - built.quote_volume,
        trades=recorded.trades - built.trades,
        taker_buy_base=recorded.taker_buy_base - built.taker_buy_base,
        taker_buy_quote=recorded.taker_buy_quote - built.taker_buy_quote,
        first_trade_id=-1,
        last_trade_id=-1,
    )


def seconds_of(trades: Iterable[MarketTrade]) -> list[Candle]:
    """Return candles of one second from the prints of one symbol in time order."""
    seconds: list[RunningCandle] = []
    for trade in trades:
        if not seconds or trade.time_ms > seconds[-1].close_ms:
            seconds.append(RunningCandle(*interval_bounds("1s", trade.time_ms), trade.price))
        seconds[-1].add(trade, -1)
    return [candle.frozen() for candle in seconds]
