"""Settling what became of a request by asking for it, until it is found or can no longer be accepted (protocol 6A)."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from adapters.binance.transport import RECV_WINDOW_MS
from domain.errors import OrderUnknown, Unreachable, VenueError
from ports.clock import Clock

T = TypeVar("T")

LOOK_UP_PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
SETTLED_MARGIN_MS: Final = 5_000
"""Beyond the receive window: what replicas of the order book may lag behind."""
_LONG_AGO_MS: Final = 60_000


async def find_or_prove_absent(
    find: Callable[[], Awaitable[T]],
    last_ms: int,
    clock: Clock,
    sleep: Callable[[float], Awaitable[None]],
    *,
    is_patient: bool = False,
) -> T | None:
    """Return what `find` finds; None where several tries miss it past the time at which it could still be accepted.

    Args:
        find: asks once; raises OrderUnknown for a miss.
        last_ms: wall time after which nothing more was sent.
        clock: wall time.
        sleep: how to wait between tries.
        is_patient: whether what was sent long ago is asked for as often as what was sent just now.

    Raises:
        VenueError: if neither is known yet.
    """
    over_ms = last_ms + RECV_WINDOW_MS + SETTLED_MARGIN_MS
    is_old = clock.wall_ms() - last_ms > _LONG_AGO_MS
    wanted_tries = 2 if is_old and not is_patient else len(LOOK_UP_PAUSES_S)
    misses, failure = 0, ""
    for attempt in range(2 * len(LOOK_UP_PAUSES_S)):
        try:
            return await find()
        except OrderUnknown:
            misses += 1
            if misses >= wanted_tries and clock.wall_ms() > over_ms:
                return None
        except VenueError as e:
            failure = str(e)
            if attempt + 1 >= len(LOOK_UP_PAUSES_S):
                break
        await sleep(LOOK_UP_PAUSES_S[min(attempt, len(LOOK_UP_PAUSES_S) - 1)])
    raise Unreachable(failure or "the request may still be accepted")
