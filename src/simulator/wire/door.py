"""A listening port whose new connections can be turned away as soon as they are accepted."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, Self

from aiohttp import web

from simulator.faults.board import Fault
from simulator.wire.connections import cut_off
from simulator.wire.gateway import Gateway

_SHUTDOWN_S: Final = 0.5


class Door:
    """One port. `refuses` is asked at each new connection for the fault that turns it away."""

    def __init__(self, runner: web.ServerRunner, server: asyncio.Server) -> None:
        self._runner, self._server = runner, server

    @classmethod
    async def open(cls, gateway: Gateway, host: str, port: int, refuses: Callable[[], Fault | None]) -> Self:
        """Listen; port 0 takes a free one.

        Raises:
            OSError: the port is taken or the host unknown.
        """
        served = web.Server(gateway.handle)
        runner = web.ServerRunner(served, shutdown_timeout=_SHUTDOWN_S)
        await runner.setup()

        def accept() -> asyncio.BaseProtocol:
            fault = refuses()
            return served() if fault is None else _TurnedAway(reset=fault.reset)

        try:
            server = await asyncio.get_running_loop().create_server(accept, host, port, reuse_address=True)
        except OSError:
            with contextlib.suppress(asyncio.CancelledError):
                await runner.cleanup()
            raise
        return cls(runner, server)

    @property
    def port(self) -> int:
        """Return the port in use."""
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Take no more connections and end those there are."""
        self._server.close()
        await self._runner.cleanup()


class _TurnedAway(asyncio.Protocol):
    def __init__(self, *, reset: bool) -> None:
        self._resets = reset

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cut_off(transport, reset=self._resets)
