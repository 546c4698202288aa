"""Conditional orders to USD-M, through the endpoints of their own that ordinary ones do not share (protocol 1.7)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from adapters.binance.answered_calls import AnsweredCalls
from adapters.binance.conditional_parsing import (
    KIND_WORDS,
    PRICE_WORDS,
    parse_conditional,
    parse_conditional_report,
)
from adapters.binance.io_thread import IoThread
from adapters.binance.look_ups import find_or_prove_absent
from adapters.binance.parsing import symbol_of
from adapters.binance.request_limits import Cost
from adapters.binance.sockets import Frame
from adapters.binance.transport import Call, Transport
from adapters.binance.weights import Urgency
from domain import errors
from domain.conditional import (
    ConditionalEvent,
    ConditionalIntent,
    ConditionalOrder,
    ConditionalReported,
    ConditionalsRead,
)
from domain.events import CancelRefused, OrderAbsent, OrderNotSent, OrderRefused, OutcomeUnknown, ReadFailed
from domain.instrument import Instrument, Market
from domain.orders import PositionSide, TimeInForce
from ports.clock import Clock
from ports.conditional import ConditionalAnswer
from utils.binance_errors import Purpose
from utils.binance_signing import Params

LOG: Final = logging.getLogger(__name__)

_PATH: Final = "/fapi/v1/algoOrder"
_OPEN_PATH: Final = "/fapi/v1/openAlgoOrders"
_CLOSED: Final = "the connection to the venue is closed"
_NOT_EXECUTED: Final = (errors.Unreachable, errors.SlowDown, errors.ClockSkewed, errors.KeyRefused)


class BinanceConditionalGateway:
    """Implements ports.conditional.ConditionalGateway for USD-M."""

    def __init__(
        self,
        io: IoThread,
        transport: Transport,
        clock: Clock,
        prefix: str,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._calls: AnsweredCalls[ConditionalEvent] = AnsweredCalls(io)
        self._transport, self._clock, self._prefix, self._sleep = transport, clock, prefix, sleep
        # Wall time after which nothing more was sent for an id whose outcome is unknown.
        self._unknown_since_ms: dict[str, int] = {}
        self._hearing: dict[str, tuple[Instrument, ConditionalAnswer]] = {}

    @property
    def in_flight(self) -> int:
        """Return how many calls have not been answered yet."""
        return self._calls.in_flight

    def submit(self, intent: ConditionalIntent, answer: ConditionalAnswer) -> None:
        self._calls.begin(
            self._submit(intent),
            answer,
            never=OrderNotSent(intent.client_id, _CLOSED),
            broken=lambda text: self._unknown(intent.client_id, text),
        )

    def cancel(self, instrument: Instrument, client_id: str, answer: ConditionalAnswer) -> None:
        self._calls.begin(
            self._cancel(instrument, client_id),
            answer,
            never=OrderNotSent(client_id, _CLOSED),
            broken=lambda text: OutcomeUnknown(client_id, text),
        )

    def look_up(self, instrument: Instrument, client_id: str, sent_ms: int, answer: ConditionalAnswer) -> None:
        what = f"look-up of {client_id}"
        self._calls.begin(
            self._look_up(instrument, client_id, sent_ms),
            answer,
            never=ReadFailed(what, _CLOSED),
            broken=lambda text: ReadFailed(what, text),
        )

    def hear(self, instrument: Instrument, take: ConditionalAnswer) -> None:
        self._hearing[symbol_of(instrument)] = instrument, take

    def hear_no_more(self, instrument: Instrument) -> None:
        self._hearing.pop(symbol_of(instrument), None)

    def told(self, event: Frame) -> None:
        """Take in an event of the user stream, on the I/O loop; what is not ours or heard by nobody is left alone."""
        hearing = self._hearing.get(event["o"]["s"])
        if hearing is None or not str(event["o"]["caid"]).startswith(self._prefix):
            return
        instrument, take = hearing
        try:
            take(ConditionalReported(parse_conditional_report(instrument, event)))
        except Exception:  # the stream is everybody's: who cannot take this must not end it for the others
            LOG.exception("a report of a conditional order of %s was not taken", instrument)

    def read_open(self, instrument: Instrument, answer: ConditionalAnswer) -> None:
        what = f"conditional orders of {instrument}"
        self._calls.begin(
            self._read_open(instrument, what),
            answer,
            never=ReadFailed(what, _CLOSED),
            broken=lambda text: ReadFailed(what, text),
        )

    async def _submit(self, intent: ConditionalIntent) -> ConditionalEvent:
        try:
            row = await self._send("POST", _terms(intent), Purpose.PLACE, Cost(0, orders=1))
        except errors.OrderRejected as e:
            return OrderRefused(intent.client_id, e.code, str(e), market_closed=e.market_closed)
        except _NOT_EXECUTED as e:
            return OrderNotSent(intent.client_id, str(e))
        except errors.OutcomeUnknown as e:
            return self._unknown(intent.client_id, str(e))
        except errors.VenueError as e:
            return OrderRefused(intent.client_id, e.code, str(e))
        return self._reported(intent.instrument, intent.client_id, row)

    async def _cancel(self, instrument: Instrument, client_id: str) -> ConditionalEvent:
        """Cancel, and read how it ended: the reply does not say."""
        try:
            await self._send("DELETE", {"clientAlgoId": client_id}, Purpose.CANCEL, Cost(1))
        except _NOT_EXECUTED as e:
            return OrderNotSent(client_id, str(e))
        except errors.OutcomeUnknown as e:
            return OutcomeUnknown(client_id, str(e))
        except errors.VenueError as e:
            return CancelRefused(client_id, e.code, str(e))
        try:
            return ConditionalReported(await self._find(instrument, client_id))
        except errors.VenueError as e:
            return OutcomeUnknown(client_id, f"the venue took the cancel and does not say how it ended: {e}")

    async def _look_up(self, instrument: Instrument, client_id: str, sent_ms: int) -> ConditionalEvent:
        what = f"look-up of {client_id}"
        if not self._transport.offers(instrument.market):
            return ReadFailed(what, f"the {instrument.market} market is not offered here")
        last_ms = max(sent_ms, self._unknown_since_ms.get(client_id, sent_ms))
        try:
            found = await find_or_prove_absent(
                lambda: self._find(instrument, client_id), last_ms, self._clock, self._sleep, is_patient=True
            )
        except errors.VenueError as e:
            return ReadFailed(what, str(e))
        self._unknown_since_ms.pop(client_id, None)
        return OrderAbsent(client_id) if found is None else ConditionalReported(found)

    async def _find(self, instrument: Instrument, client_id: str) -> ConditionalOrder:
        row = await self._send("GET", {"clientAlgoId": client_id}, Purpose.READ, Cost(1))
        order = parse_conditional(instrument, row)
        if (order.client_id, row["symbol"]) != (client_id, symbol_of(instrument)):
            raise errors.VenueError(f"asked for {client_id}, the venue answered about {order.client_id}")
        return order

    async def _read_open(self, instrument: Instrument, what: str) -> ConditionalEvent:
        started_s = self._clock.monotonic_s()
        call = Call(
            market=instrument.market,
            method="GET",
            path=_OPEN_PATH,
            cost=Cost(1),
            params={"symbol": symbol_of(instrument)},
            signed=True,
            reading=Urgency.RECONCILE,
        )
        try:
            rows = await self._transport.send(call)
        except errors.VenueError as e:
            return ReadFailed(what, str(e))
        ours = [row for row in rows if str(row["clientAlgoId"]).startswith(self._prefix)]
        orders = tuple(parse_conditional(instrument, row) for row in ours)
        return ConditionalsRead(instrument, orders, started_s, len(rows) - len(ours))

    async def _send(self, method: str, params: Params, purpose: Purpose, cost: Cost) -> Any:
        return await self._transport.send(
            Call(
                market=Market.FUTURES,
                method=method,
                path=_PATH,
                cost=cost,
                params=params,
                signed=True,
                purpose=purpose,
                reading=Urgency.RECONCILE,
            )
        )

    def _reported(self, instrument: Instrument, client_id: str, row: Any) -> ConditionalEvent:
        order = parse_conditional(instrument, row)
        if order.client_id != client_id:
            LOG.error("asked about %s, the venue answered about %s", client_id, order.client_id)
            return self._unknown(client_id, f"the venue answered about another order, {order.client_id}")
        return ConditionalReported(order)

    def _unknown(self, client_id: str, text: str) -> OutcomeUnknown:
        self._unknown_since_ms[client_id] = self._clock.wall_ms()
        return OutcomeUnknown(client_id, text)


def _terms(intent: ConditionalIntent) -> Params:
    return {
        "algoType": "CONDITIONAL",
        "symbol": symbol_of(intent.instrument),
        "side": intent.side,
        "positionSide": None if intent.position_side is PositionSide.BOTH else intent.position_side,
        "type": KIND_WORDS[intent.kind],
        "timeInForce": None if intent.price is None else TimeInForce.GTC,
        "quantity": intent.quantity,
        "price": intent.price,
        "triggerPrice": intent.trigger_price,
        "workingType": PRICE_WORDS[intent.watches],
        "closePosition": True if intent.quantity is None else None,
        "reduceOnly": True if intent.reduce_only else None,
        "clientAlgoId": intent.client_id,
    }
