"""The ports of the process: opened, counted and closed together."""

import asyncio
import os
from collections.abc import Callable
from functools import partial

from simulator.faults.board import FaultBoard
from simulator.faults.kinds import FaultKind
from simulator.wire.connections import SocketRules
from simulator.wire.dispatch import Dispatcher
from simulator.wire.door import Door
from simulator.wire.gateway import Gateway, Port
from simulator.wire.user_streams import UserStreams


class Ports:
    """Those that listen so far; `gateways` is theirs, for whoever sends sockets away."""

    def __init__(self, host: str, users: UserStreams, faults: FaultBoard, wall_ms: Callable[[], int]) -> None:
        self._host, self._users, self._faults = host, users, faults
        self._wall_ms = wall_ms
        self._doors: list[Door] = []
        self.gateways: list[Gateway] = []

    @property
    def backlog(self) -> int:
        """Frames waiting for the slowest reader of all."""
        return max((gateway.backlog for gateway in self.gateways), default=0)

    @property
    def were_opened(self) -> bool:
        """Tell whether the process ever listened; still known after `close`."""
        return bool(self._doors)

    @property
    def addresses(self) -> list[str]:
        """Return host and port of each that listens, in the order in which they were opened."""
        shown = f"[{self._host}]" if ":" in self._host else self._host
        return [f"{shown}:{door.port}" for door in self._doors]

    async def listen(self, port: Port, dispatcher: Dispatcher, rules: SocketRules, *, name: str, number: int) -> None:
        """Open a port; 0 takes a free one.

        Raises:
            OSError: it cannot be had; the text names address and remedy.
        """
        gateway = Gateway(port, dispatcher, self._users, rules)
        refuses = partial(self._faults.strike, FaultKind.REFUSE, name)
        try:
            self._doors.append(await Door.open(gateway, self._host, number, lambda: refuses(self._wall_ms())))
            self.gateways.append(gateway)
        except OSError as exc:
            raise OSError(
                f"cannot listen on {self._host}:{number} ({os.strerror(exc.errno or 0)}); "
                "choose another port, or 0 for a free one"
            ) from exc

    async def close(self, patience_s: float) -> None:
        """Say goodbye on every socket, wait so long for readers that are behind, then close."""
        for gateway in self.gateways:
            gateway.farewell()
        if self.backlog:
            await asyncio.sleep(patience_s)
        await asyncio.gather(*(door.close() for door in self._doors))
