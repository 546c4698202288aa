"""Recent public trades of one symbol, single and aggregated as Binance does it."""

from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Final

from simulator.core.events import PublicTrade

KEPT: Final = 20_000


@dataclass(slots=True)
class AggregateTrade:
    """Trades of one instant at one price with the same taker side; price and quantity scaled by UNIT."""

    aggregate_id: int
    price: int
    quantity: int
    first_id: int
    last_id: int
    time_ms: int
    buyer_is_maker: bool


class Tape:
    """The newest trades of a symbol, oldest first."""

    def __init__(self) -> None:
        self.trades: deque[PublicTrade] = deque(maxlen=KEPT)
        self.aggregates: deque[AggregateTrade] = deque(maxlen=KEPT)
        self._fresh: list[AggregateTrade] = []
        self._last_id = 0

    def add(self, trade: PublicTrade) -> None:
        self.trades.append(trade)
        last = self._fresh[-1] if self._fresh else None
        if last and (last.price, last.time_ms, last.buyer_is_maker) == (
            trade.price,
            trade.time_ms,
            trade.buyer_is_maker,
        ):
            last.quantity += trade.qty
            last.last_id = trade.trade_id
            return
        self._last_id += 1
        fresh = AggregateTrade(
            self._last_id,
            trade.price,
            trade.qty,
            trade.trade_id,
            trade.trade_id,
            trade.time_ms,
            trade.buyer_is_maker,
        )
        self._fresh.append(fresh)
        self.aggregates.append(fresh)

    def take_fresh(self) -> list[AggregateTrade]:
        """Return the aggregates since the last call; later trades start new ones."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def latest(self, limit: int) -> list[PublicTrade]:
        return list(self.trades)[-limit:]

    def from_id(self, trade_id: int, limit: int) -> list[PublicTrade]:
        """Return the oldest `limit` trades whose id is at least `trade_id`."""
        return list(islice((trade for trade in self.trades if trade.trade_id >= trade_id), limit))
