"""Open orders, listed once for everyone who asks at about the same time (protocol sections 1.3 and 3).

After a start and after a gap in the user stream every grid asks, each as soon as it gets to it. One listing of the
whole account costs 80 on spot and 40 on futures, one of a symbol 6 and 1; from fourteen symbols on (futures: 41) the
whole account is cheaper. Then the first who asks has it listed for all who have still to ask for the first time, so
that the cost does not hang on how long they take. At other times who asks waits a moment for others.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.binance.account_paths import PATHS
from adapters.binance.first_readings import FirstReadings
from adapters.binance.parsing import symbol_of
from adapters.binance.request_limits import Cost
from adapters.binance.transport import Call, Transport
from adapters.binance.weights import Urgency
from domain.instrument import Instrument, Market
from ports.clock import Clock

QUIET_S: Final = 0.25
LONGEST_S: Final = 1.5
"""Who asks first waits for the others of the account while they keep coming, but not for long."""
WEIGHT_OF_ONE: Final = PATHS[Market.SPOT].open_orders_weight
WEIGHT_OF_ALL: Final = PATHS[Market.SPOT].all_open_orders_weight


@dataclass(slots=True)
class _Round:
    """Who asks together. `left_s` is before anything was sent; `everything`: the whole account is being listed."""

    symbols: set[str] = field(default_factory=set)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    left_s: float = 0.0
    everything: "asyncio.Task[dict[str, list[Any]]] | None" = None

    @property
    def failed(self) -> bool:
        task = self.everything
        return task is not None and task.done() and (task.cancelled() or task.exception() is not None)


class OpenOrders:
    """The open orders of one market. Lives on the I/O loop.

    Args:
        askers: how many instruments may ask; with one there is nobody to wait for.
        unread: who has not asked yet since the user stream came up.
    """

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        askers: Callable[[], int],
        unread: Callable[[], FirstReadings] = FirstReadings,
        *,
        market: Market = Market.SPOT,
    ) -> None:
        self._transport, self._clock, self._sleep, self._askers = transport, clock, sleep, askers
        self._unread, self._market, self._paths = unread, market, PATHS[market]
        self._gathering: _Round | None = None
        self._for_all: _Round | None = None

    async def of(self, instrument: Instrument) -> tuple[Sequence[Any], float]:
        """Return the instrument's open orders as the venue's rows, and when the listing left (monotonic seconds).

        Raises:
            VenueError: if they could not be had, or this market is not offered here.
        """
        symbol = symbol_of(instrument)
        asked = self._first(symbol) or await self._join(symbol)
        if asked.everything is not None:
            return (await asyncio.shield(asked.everything))[symbol], asked.left_s
        return await self._list(self._paths.open_orders_weight, {"symbol": symbol}), asked.left_s

    def _first(self, symbol: str) -> _Round | None:
        """Return the listing of the account that serves for the symbol's first reading, None where none does."""
        unread = self._unread()
        left_to_ask = len(unread.symbols)
        if not unread.take(symbol):
            return None
        asked = self._for_all
        if asked is not None and asked.left_s >= unread.since_s and not asked.failed:
            return asked
        if not self._is_dearer(left_to_ask):
            return None
        self._for_all = asked = _Round(left_s=self._clock.monotonic_s())
        asked.everything = asyncio.create_task(self._list_everything())
        return asked

    async def _join(self, symbol: str) -> _Round:
        asked = self._gathering
        if asked is not None:
            asked.symbols.add(symbol)
            await asked.closed.wait()
            return asked
        asked = self._gathering = _Round({symbol})
        try:
            await self._gather(asked)
        finally:
            self._gathering = None
            asked.left_s = self._clock.monotonic_s()
            if self._is_dearer(len(asked.symbols)):
                asked.everything = asyncio.create_task(self._list_everything())
            asked.closed.set()
        return asked

    def _is_dearer(self, symbols: int) -> bool:
        """Tell whether listing so many symbols one by one costs more than the whole account."""
        return symbols * self._paths.open_orders_weight > self._paths.all_open_orders_weight

    async def _gather(self, asked: _Round) -> None:
        end_s, there = self._clock.monotonic_s() + LONGEST_S, 0
        while there < len(asked.symbols) < self._askers() and self._clock.monotonic_s() < end_s:
            there = len(asked.symbols)
            await self._sleep(QUIET_S)

    async def _list_everything(self) -> dict[str, list[Any]]:
        by_symbol: dict[str, list[Any]] = defaultdict(list)
        for row in await self._list(self._paths.all_open_orders_weight, {}):
            by_symbol[row["symbol"]].append(row)
        return by_symbol

    async def _list(self, weight: int, params: dict[str, object]) -> list[Any]:
        rows: list[Any] = await self._transport.send(
            Call(
                market=self._market,
                method="GET",
                path=self._paths.open_orders,
                cost=Cost(weight),
                params=params,
                signed=True,
                reading=Urgency.RECONCILE,
            )
        )
        return rows
