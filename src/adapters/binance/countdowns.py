"""The heartbeat of the venue's dead-man switch: countdown auto-cancel, renewed for as long as this house lives (1.8).

It has a connection of its own, so that a queue of answers on the others cannot hold it up, and the urgency of a cancel.
Each renewal replaces the countdown, so one that got no answer is simply sent again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Final

from adapters.binance.io_thread import IoThread
from adapters.binance.parsing import symbol_of
from adapters.binance.request_limits import Cost
from adapters.binance.transport import Call, Transport
from adapters.binance.weights import Urgency
from domain.errors import VenueError
from domain.futures import Countdown
from domain.instrument import Instrument
from ports.clock import Clock

LOG: Final = logging.getLogger(__name__)

COUNTDOWN_S: Final = 120.0
RENEW_EVERY_S: Final = 50.0
RENEW_AGAIN_S: Final = 5.0
_LOOK_S: Final = 1.0
_DEADLINE_S: Final = 20.0
_COST: Final = Cost(10)


@dataclass(slots=True)
class _Armed:
    """One contract; `lock` keeps a renewal from overtaking the call that stops it."""

    shown: Countdown
    due_s: float
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class CountdownKeeper:
    """Implements ports.futures.Countdowns."""

    def __init__(
        self,
        io: IoThread,
        transport: Transport,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._io, self._transport, self._clock, self._sleep = io, transport, clock, sleep
        self._armed: dict[Instrument, _Armed] = {}
        self._alive: Callable[[Instrument], bool] = lambda _instrument: True
        self._runs = False
        self._dead: set[Instrument] = set()

    def arm(self, instrument: Instrument) -> None:
        """Start the countdown at the venue and renew it from now on.

        Raises:
            VenueError: if the venue does not confirm it; then nothing is renewed.
        """
        self._io.run(self._arm(instrument), _DEADLINE_S)

    def disarm(self, instrument: Instrument) -> None:
        """Renew it no more, and stop it at the venue, also one that a process before this one armed.

        Raises:
            VenueError: if the venue does not confirm it; what rests is then cancelled when it runs out.
        """
        self._io.run(self._disarm(instrument), _DEADLINE_S)

    def renew_while(self, alive: Callable[[Instrument], bool]) -> None:
        """Renew a contract's only while `alive` says yes of it; it is asked on the I/O thread and must not block."""
        self._alive = alive

    def standing(self) -> tuple[Countdown, ...]:
        """Return what is armed. Never blocks; any thread may ask."""
        return tuple(armed.shown for armed in list(self._armed.values()))

    async def renew_due(self) -> None:
        """Renew what is due, on the I/O loop, but for contracts of which the house says that it is not alive."""
        now_s = self._clock.monotonic_s()
        due = [instrument for instrument, armed in self._armed.items() if armed.due_s <= now_s]
        await asyncio.gather(*(self._renew(instrument) for instrument in due if self._may_renew(instrument)))

    def _may_renew(self, instrument: Instrument) -> bool:
        if self._alive(instrument):
            self._dead.discard(instrument)
            return True
        if instrument not in self._dead:
            self._dead.add(instrument)
            LOG.error("the grid on %s is not alive: the venue's countdown is renewed no more and runs out", instrument)
        return False

    async def _arm(self, instrument: Instrument) -> None:
        known = self._armed.get(instrument)
        if known is not None:
            known.due_s = float("-inf")
            return
        runs_out_ms = await self._send(instrument, COUNTDOWN_S)
        due_s = self._clock.monotonic_s() + RENEW_EVERY_S
        self._armed[instrument] = _Armed(Countdown(instrument=instrument, runs_out_ms=runs_out_ms), due_s)
        if not self._runs:
            self._runs = self._io.spawn(self._run())

    async def _disarm(self, instrument: Instrument) -> None:
        armed = self._armed.pop(instrument, None)
        async with armed.lock if armed is not None else nullcontext():
            await self._send(instrument, 0)

    async def _run(self) -> None:
        while True:
            await self._sleep(_LOOK_S)
            try:
                await self.renew_due()
            except Exception:
                LOG.exception("renewing countdowns failed and begins anew")

    async def _renew(self, instrument: Instrument) -> None:
        armed = self._armed[instrument]
        async with armed.lock:
            if self._armed.get(instrument) is not armed:
                return
            try:
                runs_out_ms = await self._send(instrument, COUNTDOWN_S)
            except VenueError as e:
                LOG.warning("the countdown of %s could not be renewed, again in %g s: %s", instrument, RENEW_AGAIN_S, e)
                armed.shown = replace(armed.shown, trouble=str(e))
                armed.due_s = self._clock.monotonic_s() + RENEW_AGAIN_S
                return
            armed.shown = Countdown(instrument=instrument, runs_out_ms=runs_out_ms)
            armed.due_s = self._clock.monotonic_s() + RENEW_EVERY_S

    async def _send(self, instrument: Instrument, seconds: float) -> int:
        """Replace the countdown, 0 to stop it; return the wall time at which it runs out at the earliest."""
        sent_ms, countdown_ms = self._clock.wall_ms(), round(seconds * 1000)
        await self._transport.send(
            Call(
                market=instrument.market,
                method="POST",
                path="/fapi/v1/countdownCancelAll",
                cost=_COST,
                params={"symbol": symbol_of(instrument), "countdownTime": countdown_ms},
                signed=True,
                reading=Urgency.CANCEL,
                apart=True,
            )
        )
        return sent_ms + countdown_ms
