"""Spot's door: a WebSocket API connection with a user-data subscription by signature (protocol 1.10).

The subscription lives and dies with its connection.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from adapters.binance.parsing import parse_report, report_client_id
from adapters.binance.sockets import Frame, FrameSocket, Receive, SocketRefusal
from adapters.binance.transport import Transport
from domain.errors import VenueError
from domain.events import OrderReported
from domain.instrument import Instrument, Market

_CLOCK_SKEWED: Final = -1021


class SpotUserDoor:
    """Implements user_stream.UserDoor for spot."""

    ended: Final = "eventStreamTerminated"

    def __init__(self, url: str, transport: Transport) -> None:
        self._url, self._transport = url, transport

    async def connect(self, receive: Receive) -> FrameSocket:
        return await self._transport.web_socket(self._url, receive)

    async def subscribe(self, socket: FrameSocket) -> None:
        try:
            await socket.ask("userDataStream.subscribe.signature", self._transport.socket_params())
        except VenueError as e:
            if e.code == _CLOCK_SKEWED:
                await self._transport.measure_clock(Market.SPOT)
            elif isinstance(e, SocketRefusal):
                self._transport.slow_down(e.status, e.code, e.headers)
            raise

    async def keep_alive(self, _current: Callable[[], FrameSocket | None], /) -> None:
        """Wait for ever: the connection is all there is."""
        await asyncio.get_running_loop().create_future()

    def event(self, frame: Frame) -> Frame | None:
        event = frame.get("event")
        return event if isinstance(event, dict) else None

    def whose(self, event: Frame) -> tuple[str, str] | None:
        return (event["s"], report_client_id(event)) if event.get("e") == "executionReport" else None

    def report(self, instrument: Instrument, event: Frame) -> OrderReported:
        return parse_report(instrument, event)
