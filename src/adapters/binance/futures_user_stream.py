"""The door of USD-M: a listen key that is to be renewed, and the private group of its streams (protocol 1.8, 1.10).

One key serves all processes of an account, and any of them may end it; it is never deleted here. A dead key's
connection stays open and silent, so a key is asked for before every connection, which also renews one that lives.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from adapters.binance.futures_parsing import parse_futures_report
from adapters.binance.request_limits import Cost
from adapters.binance.sockets import Frame, FrameSocket, Receive
from adapters.binance.transport import Call, Transport
from adapters.binance.weights import Urgency
from domain.errors import VenueError
from domain.events import OrderReported
from domain.instrument import Instrument, Market

LOG: Final = logging.getLogger(__name__)

RENEW_EVERY_S: Final = 1_800.0
"""A key dies 60 minutes after its last renewal."""
RENEW_AGAIN_S: Final = 60.0
_NO_SUCH_KEY: Final = -1125
_PATH: Final = "/fapi/v1/listenKey"
_REPORTS: Final = "ORDER_TRADE_UPDATE"


class FuturesUserDoor:
    """Implements user_stream.UserDoor for USD-M.

    Args:
        url: the futures' streams without a path.
        transport: sends and connects.
        sleep: how the loop waits.
    """

    ended: Final = "listenKeyExpired"

    def __init__(self, url: str, transport: Transport, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._url, self._transport, self._sleep = url + "/private/ws", transport, sleep
        self._key = ""

    async def connect(self, receive: Receive) -> FrameSocket:
        self._key = (await self._ask("POST"))["listenKey"]
        return await self._transport.web_socket(f"{self._url}?listenKey={self._key}", receive, Market.FUTURES)

    async def subscribe(self, socket: FrameSocket) -> None:
        """Have the venue answer on this connection: a key needs no subscribing."""
        await socket.ask("LIST_SUBSCRIPTIONS", [])

    async def keep_alive(self, current: Callable[[], FrameSocket | None], /) -> None:
        """Renew the key every half hour, for ever; one that is dead or another's ends the connection."""
        pause_s = RENEW_EVERY_S
        while True:
            await self._sleep(pause_s)
            socket = current()
            pause_s = RENEW_EVERY_S
            if socket is None:
                continue  # connecting asks for a key
            try:
                await self._ask("PUT")
            except VenueError as e:
                if e.code == _NO_SUCH_KEY and socket is current():
                    socket.abandon("the listen key has expired")
                else:
                    LOG.warning("the listen key could not be renewed, again in %g s: %s", RENEW_AGAIN_S, e)
                    pause_s = RENEW_AGAIN_S

    def event(self, frame: Frame) -> Frame | None:
        return frame if "e" in frame else None

    def whose(self, event: Frame) -> tuple[str, str] | None:
        """Read ORDER_TRADE_UPDATE alone: TRADE_LITE tells the same trades without commission and status."""
        return (event["o"]["s"], event["o"]["c"]) if event["e"] == _REPORTS else None

    def report(self, instrument: Instrument, event: Frame) -> OrderReported:
        return parse_futures_report(instrument, event["o"])

    async def _ask(self, method: str) -> Any:
        """POST names the account's key, a new one where it has none; PUT renews the one it has."""
        call = Call(
            market=Market.FUTURES,
            method=method,
            path=_PATH,
            cost=Cost(1),
            params={"listenKey": self._key} if method == "PUT" else {},
            keyed=True,
            reading=Urgency.RECONCILE,
        )
        return await self._transport.send(call)
