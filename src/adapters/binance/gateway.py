"""Orders to Binance, spot and USD-M: asynchronous, signed, honest about what is not known (protocol 2.3, 6A, 6B)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

from adapters.binance.answered_calls import AnsweredCalls
from adapters.binance.first_readings import FirstReadings
from adapters.binance.futures_parsing import parse_position
from adapters.binance.io_thread import IoThread
from adapters.binance.look_ups import LOOK_UP_PAUSES_S, find_or_prove_absent
from adapters.binance.open_orders import OpenOrders
from adapters.binance.order_calls import cancellation, order_question, placement
from adapters.binance.parsing import parse_order, parse_placement_fills, symbol_of
from adapters.binance.request_limits import Cost
from adapters.binance.trades import TradeReader
from adapters.binance.transport import Call, Transport
from adapters.binance.weights import Urgency
from domain import errors
from domain.events import (
    CancelRefused,
    OpenOrdersRead,
    OrderAbsent,
    OrderEvent,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OutcomeUnknown,
    ReadFailed,
    TradesRead,
)
from domain.futures import Position
from domain.instrument import Instrument, Market
from domain.orders import Fill, Intent, VenueOrder
from ports.clock import Clock
from ports.gateway import Answer

LOG: Final = logging.getLogger(__name__)

_RULE_BROKEN: Final = frozenset({-1013, -1111, -1121})
_FUTURES_RULE_BROKEN: Final = frozenset({-4002, -4003, -4004, -4005, -4013, -4014, -4023, -4108, -4140, -4141, -4164})
"""Refusals by a published filter, precision or symbol: the filters may have changed (protocol 6.19)."""
_NOT_EXECUTED: Final = (errors.Unreachable, errors.SlowDown, errors.ClockSkewed, errors.KeyRefused)
"""During a ban a good key may be refused, too (protocol 6.23): that is no word about the order."""


class BinanceGateway:
    """Implements ports.gateway.OrderGateway for both markets."""

    def __init__(
        self,
        io: IoThread,
        transport: Transport,
        trades: TradeReader,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        doubt_rules: Callable[[Market], None] = lambda _market: None,
        account_was_read: Callable[[Market], None] = lambda _market: None,
        askers: Callable[[Market], int] = lambda _market: 1,
        unread: Callable[[Market], FirstReadings] = lambda _market: FirstReadings(),
    ) -> None:
        self._calls: AnsweredCalls[OrderEvent] = AnsweredCalls(io)
        self._transport, self._trades = transport, trades
        self._doubt_rules, self._account_was_read = doubt_rules, account_was_read
        self._clock, self._sleep = clock, sleep
        self._open_orders = {
            market: OpenOrders(transport, clock, sleep, partial(askers, market), partial(unread, market), market=market)
            for market in Market
        }
        # Wall time after which nothing more was sent for an id whose outcome is unknown.
        self._unknown_since_ms: dict[str, int] = {}

    @property
    def in_flight(self) -> int:
        """Return how many calls have not been answered yet."""
        return self._calls.in_flight

    def submit(self, intent: Intent, answer: Answer) -> None:
        self._calls.begin(
            self._submit(intent),
            answer,
            never=OrderNotSent(intent.client_id, "the connection to the venue is closed"),
            broken=lambda text: self._unknown(intent.client_id, text),
        )

    def cancel(self, instrument: Instrument, client_id: str, answer: Answer) -> None:
        self._calls.begin(
            self._cancel(instrument, client_id),
            answer,
            never=OrderNotSent(client_id, "the connection to the venue is closed"),
            broken=lambda text: OutcomeUnknown(client_id, text),
        )

    def look_up(
        self,
        instrument: Instrument,
        client_id: str,
        sent_ms: int,
        answer: Answer,
        presumed: VenueOrder | None = None,
    ) -> None:
        what = f"look-up of {client_id}"
        self._calls.begin(
            self._look_up(instrument, client_id, sent_ms, presumed),
            answer,
            never=ReadFailed(what, "the connection to the venue is closed"),
            broken=lambda text: ReadFailed(what, text),
        )

    def read_open(
        self,
        instrument: Instrument,
        since_trade_id: int | None,
        answer: Answer,
        known: Sequence[tuple[int, str]] = (),
    ) -> None:
        what = f"open orders of {instrument}"
        self._calls.begin(
            self._read_open(instrument, since_trade_id, known),
            answer,
            never=ReadFailed(what, "the connection to the venue is closed"),
            broken=lambda text: ReadFailed(what, text),
        )

    def read_trades(
        self, instrument: Instrument, since_trade_id: int, answer: Answer, known: Sequence[tuple[int, str]] = ()
    ) -> None:
        what = f"trades of {instrument}"
        self._calls.begin(
            self._read_trades(instrument, since_trade_id, known),
            answer,
            never=ReadFailed(what, "the connection to the venue is closed"),
            broken=lambda text: ReadFailed(what, text),
        )

    async def _submit(self, intent: Intent) -> OrderEvent:
        try:
            row = await self._transport.send(placement(intent))
        except errors.OrderRejected as e:
            if e.code in _RULE_BROKEN | _FUTURES_RULE_BROKEN:
                LOG.warning("a rule of %s was missed: %s", intent.instrument, e)
                self._doubt_rules(intent.instrument.market)
            return OrderRefused(intent.client_id, e.code, str(e), e.would_take, e.market_closed, e.off_band)
        except _NOT_EXECUTED as e:
            return OrderNotSent(intent.client_id, str(e))
        except errors.OutcomeUnknown as e:
            return self._unknown(intent.client_id, str(e))
        except errors.VenueError as e:
            return OrderRefused(intent.client_id, e.code, str(e))
        order = parse_order(intent.instrument, row)
        if order.client_id != intent.client_id:
            return self._not_ours(intent.client_id, order)
        self._trades.remember(order)
        return OrderReported(order, await self._fills_of(order, row))

    async def _fills_of(self, order: VenueOrder, row: Any) -> tuple[Fill, ...]:
        """Return what a placement filled at once; futures do not say in their reply."""
        if order.instrument.market is Market.SPOT:
            fills = parse_placement_fills(order, row)
            if fills is None:
                LOG.error("the fills of %s do not add up to its total; its trades are read", order.client_id)
                fills = await self._trades.of_order(order)
            return fills
        try:
            return await self._trades.of_order(order) if order.executed_quantity else ()
        except errors.VenueError as e:  # whoever keeps the books asks for what is missing
            LOG.warning("%s was filled at once, but its trades cannot be read: %s", order.client_id, e)
            return ()

    async def _cancel(self, instrument: Instrument, client_id: str) -> OrderEvent:
        try:
            row = await self._transport.send(cancellation(instrument, client_id))
        except _NOT_EXECUTED as e:
            return OrderNotSent(client_id, str(e))
        except errors.OutcomeUnknown as e:
            return OutcomeUnknown(client_id, str(e))
        except errors.VenueError as e:
            return CancelRefused(client_id, e.code, str(e))
        order = parse_order(instrument, row)
        if order.client_id != client_id:
            return self._not_ours(client_id, order)
        return OrderReported(order)

    async def _look_up(
        self, instrument: Instrument, client_id: str, sent_ms: int, presumed: VenueOrder | None
    ) -> OrderEvent:
        if not self._transport.offers(instrument.market):
            return ReadFailed(f"look-up of {client_id}", f"the {instrument.market} market is not offered here")
        if presumed is not None and (confirmed := await self._confirmed(presumed)):
            return confirmed
        last_ms = max(sent_ms, self._unknown_since_ms.get(client_id, sent_ms))

        async def find() -> OrderEvent:
            order = await self._find(instrument, client_id)
            self._unknown_since_ms.pop(client_id, None)
            return await self._with_trades(order)

        try:
            found = await find_or_prove_absent(find, last_ms, self._clock, self._sleep)
        except errors.VenueError as e:
            return ReadFailed(f"look-up of {client_id}", str(e))
        if found is None:
            self._unknown_since_ms.pop(client_id, None)
            return OrderAbsent(client_id)
        return found

    async def _confirmed(self, presumed: VenueOrder) -> OrderReported | None:
        """Report the order as presumed if its trades, for 5 weight, add up to just that."""
        try:
            fills = await self._trades.of_order(presumed)
        except errors.VenueError:
            return None  # the look-up proper tries again and says why it fails
        if sum(fill.quantity for fill in fills) != presumed.executed_quantity:
            return None
        self._trades.remember(presumed)
        return OrderReported(presumed, fills)

    async def _find(self, instrument: Instrument, client_id: str) -> VenueOrder:
        row = await self._transport.send(order_question(instrument, client_id))
        order = parse_order(instrument, row)
        if order.client_id != client_id:
            raise errors.VenueError(f"asked for {client_id}, the venue answered about {order.client_id}")
        self._trades.remember(order)
        return order

    async def _with_trades(self, order: VenueOrder) -> OrderEvent:
        """Report an order with all its trades; the trade list may lag behind the order."""
        for pause_s in LOOK_UP_PAUSES_S:
            fills = await self._trades.of_order(order) if order.executed_quantity else ()
            if sum(fill.quantity for fill in fills) >= order.executed_quantity:
                return OrderReported(order, fills)
            await self._sleep(pause_s)
        return ReadFailed(f"look-up of {order.client_id}", "its trades do not add up to its quantity yet")

    async def _read_open(
        self, instrument: Instrument, since_trade_id: int | None, known: Sequence[tuple[int, str]]
    ) -> OrderEvent:
        self._trades.remember_ids(instrument, known)
        try:
            rows, started_s = await self._open_orders[instrument.market].of(instrument)
            ours = [row for row in rows if self._trades.is_ours(row["clientOrderId"])]
            orders = tuple(parse_order(instrument, row) for row in ours)
            for order in orders:
                self._trades.remember(order)
            fills = () if since_trade_id is None else await self._trades.of_everyone(instrument, since_trade_id)
            held = None if instrument.market is Market.SPOT else await positions(self._transport, instrument)
        except errors.VenueError as e:
            return ReadFailed(f"open orders of {instrument}", str(e))
        self._account_was_read(instrument.market)
        return OpenOrdersRead(
            instrument,
            orders,
            tuple(fill for fill in fills if self._trades.is_ours(fill.client_id)),
            started_s,
            has_trades=since_trade_id is not None,
            foreign=len(rows) - len(ours),
            positions=held,
            foreign_fills=tuple(fill for fill in fills if not self._trades.is_ours(fill.client_id)),
        )

    async def _read_trades(
        self, instrument: Instrument, since_trade_id: int, known: Sequence[tuple[int, str]]
    ) -> OrderEvent:
        self._trades.remember_ids(instrument, known)
        try:
            return TradesRead(instrument, await self._trades.since(instrument, since_trade_id))
        except errors.VenueError as e:
            return ReadFailed(f"trades of {instrument}", str(e))

    def _unknown(self, client_id: str, text: str) -> OutcomeUnknown:
        self._unknown_since_ms[client_id] = self._clock.wall_ms()
        return OutcomeUnknown(client_id, text)

    def _not_ours(self, client_id: str, order: VenueOrder) -> OutcomeUnknown:
        LOG.error("asked about %s, the venue answered about %s", client_id, order.client_id)
        return self._unknown(client_id, f"the venue answered about another order, {order.client_id}")


async def positions(transport: Transport, instrument: Instrument) -> tuple[Position, ...]:
    """Return what is held of one contract; nothing where it is flat.

    Raises:
        VenueError: if the venue does not answer.
    """
    call = Call(
        market=Market.FUTURES,
        method="GET",
        path="/fapi/v3/positionRisk",
        cost=Cost(5),
        params={"symbol": symbol_of(instrument)},
        signed=True,
        reading=Urgency.RECONCILE,
    )
    held = (parse_position(instrument, row) for row in await transport.send(call))
    return tuple(position for position in held if position.quantity)
