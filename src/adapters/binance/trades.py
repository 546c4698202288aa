"""Our trades over REST. The venue's trade rows name the order's number only, so the client id is looked up."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

from adapters.binance.account_paths import PATHS
from adapters.binance.parsing import parse_trade, symbol_of
from adapters.binance.request_limits import Cost
from adapters.binance.transport import Call, Transport
from adapters.binance.weights import Urgency
from domain.errors import OrderUnknown
from domain.instrument import Instrument, Market
from domain.orders import Fill, VenueOrder

LOG: Final = logging.getLogger(__name__)

PAGE: Final = 1000
"""Rows per page, the most the venue gives; a page that is not full is the last."""
_REMEMBERED: Final = 50_000
_FEW: Final = 5  # up to here single queries (weight 4; 1 on futures) cost less than a page of allOrders (20; 5)
_WEEK_MS: Final = 7 * 86_400_000
_KEPT_WEEKS: Final = 14
_Key = tuple[Instrument, int]


class TradeReader:
    """Reads trades and tells ours from foreign ones by the prefix of their order's client id."""

    def __init__(self, transport: Transport, prefix: str) -> None:
        self._transport, self._prefix = transport, prefix
        self._client_ids: dict[_Key, str] = {}

    def is_ours(self, client_id: str) -> bool:
        return client_id.startswith(self._prefix)

    def remember(self, order: VenueOrder) -> None:
        """Keep which client id an order number stands for, so that its trades need no further question."""
        self._keep((order.instrument, order.venue_order_id), order.client_id)

    def remember_ids(self, instrument: Instrument, known: Iterable[tuple[int, str]]) -> None:
        """Keep which client ids order numbers stand for."""
        for number, client_id in known:
            self._keep((instrument, number), client_id)

    async def of_order(self, order: VenueOrder) -> tuple[Fill, ...]:
        """Return all trades of one order."""
        weight = PATHS[order.instrument.market].order_trades_weight
        rows = await self._pages(order.instrument, {"orderId": order.venue_order_id}, 0, weight=weight)
        return tuple(parse_trade(order.instrument, order.client_id, row) for row in rows)

    async def since(self, instrument: Instrument, trade_id: int) -> tuple[Fill, ...]:
        """Return our trades with an id of at least `trade_id`, oldest first."""
        return tuple(fill for fill in await self.of_everyone(instrument, trade_id) if self.is_ours(fill.client_id))

    async def of_everyone(self, instrument: Instrument, trade_id: int) -> tuple[Fill, ...]:
        """Return all trades of the account from `trade_id` on, oldest first, whoever placed the order.

        The client id is empty where the venue no longer knows the order.
        """
        rows = await self._pages(instrument, {}, trade_id, weight=_weight(instrument))
        await self._resolve(instrument, {int(row["orderId"]) for row in rows})
        owners = ((row, self._client_ids.get((instrument, int(row["orderId"])), "")) for row in rows)
        return tuple(parse_trade(instrument, owner, row) for row, owner in owners)

    async def newest_id(self, instrument: Instrument) -> int:
        """Return the id of the account's newest trade, 0 if there is none.

        Asked for the newest, futures look no further back than seven days, though three months are kept.
        """
        rows = await self._few(instrument, limit=1)
        if not rows and instrument.market is Market.FUTURES and await self._few(instrument, fromId=1, limit=1):
            rows = await self._newest_of_months(instrument)
        return int(rows[-1]["id"]) if rows else 0

    async def _newest_of_months(self, instrument: Instrument) -> list[dict[str, Any]]:
        """Return the trades of the newest week that has any, and all after them."""
        end_ms = self._transport.times[instrument.market].now_ms()
        for _ in range(_KEPT_WEEKS):
            rows = await self._few(instrument, startTime=end_ms - _WEEK_MS, endTime=end_ms, limit=PAGE)
            if rows:
                return [*rows, *await self._pages(instrument, {}, int(rows[-1]["id"]) + 1, weight=_weight(instrument))]
            end_ms -= _WEEK_MS
        return await self._pages(instrument, {}, 1, weight=_weight(instrument))

    async def _few(self, instrument: Instrument, **params: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await self._read(
            instrument, PATHS[instrument.market].trades, params, _weight(instrument)
        )
        return rows

    async def _pages(
        self, instrument: Instrument, narrow: dict[str, object], from_id: int, *, weight: int
    ) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            params = {**narrow, "fromId": from_id, "limit": PAGE}
            page = await self._read(instrument, PATHS[instrument.market].trades, params, weight)
            rows += page
            if len(page) < PAGE:
                return rows
            from_id = int(page[-1]["id"]) + 1

    async def _resolve(self, instrument: Instrument, order_ids: Iterable[int]) -> None:
        unknown = sorted(order_id for order_id in order_ids if (instrument, order_id) not in self._client_ids)
        if len(unknown) > _FEW:
            await self._resolve_many(instrument, unknown[0], unknown[-1])
            unknown = [order_id for order_id in unknown if (instrument, order_id) not in self._client_ids]
        paths = PATHS[instrument.market]
        for order_id in unknown:
            try:
                row = await self._read(instrument, paths.order, {"orderId": order_id}, paths.asking_weight)
            except OrderUnknown as e:
                LOG.warning("trades of order %s on %s left out: %s", order_id, instrument, e)
                continue
            self._keep((instrument, order_id), row["clientOrderId"])

    async def _resolve_many(self, instrument: Instrument, first: int, last: int) -> None:
        paths = PATHS[instrument.market]
        while first <= last:
            params: dict[str, object] = {"orderId": first, "limit": PAGE}
            page = await self._read(instrument, paths.all_orders, params, paths.all_orders_weight)
            for row in page:
                self._keep((instrument, int(row["orderId"])), row["clientOrderId"])
            if len(page) < PAGE:
                return
            first = int(page[-1]["orderId"]) + 1

    async def _read(self, instrument: Instrument, path: str, params: Mapping[str, object], weight: int) -> Any:
        return await self._transport.send(
            Call(
                market=instrument.market,
                method="GET",
                path=path,
                cost=Cost(weight),
                params={"symbol": symbol_of(instrument), **params},
                signed=True,
                reading=Urgency.RECONCILE,
            )
        )

    def _keep(self, key: _Key, client_id: str) -> None:
        self._client_ids[key] = client_id
        if len(self._client_ids) > _REMEMBERED:
            del self._client_ids[next(iter(self._client_ids))]


def _weight(instrument: Instrument) -> int:
    return PATHS[instrument.market].trades_weight
