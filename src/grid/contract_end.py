"""The announced end of a contract: what its grid does ahead of it, so that nothing is left to the settlement.

Nothing is opened in the last day; two hours before the end what is held is closed at market, while others still trade.
"""

from collections.abc import Sequence
from decimal import Decimal
from enum import IntEnum
from typing import Final

from domain.events import Moment
from domain.moments import shown_utc
from domain.money import plain
from grid.parts import GridParts
from orders.wanted import WantedOrder

_HOUR_MS: Final = 3_600_000
NO_ENTRIES_MS: Final = 24 * _HOUR_MS
UNWIND_MS: Final = 2 * _HOUR_MS
"""The venue takes no new positions in about the last half hour, and its book grows thin before that."""


class Stage(IntEnum):
    """How near the end is."""

    NONE = 0
    ANNOUNCED = 1
    NO_ENTRIES = 2
    UNWIND = 3


class ContractEnd:
    """Of one grid; on spot, and on most contracts, none is announced. `settled_at`: the price, once it was settled."""

    def __init__(self, parts: GridParts) -> None:
        self._parts = parts
        self._now_ms = 0
        self.settled_at: Decimal | None = None

    def look(self, now: Moment) -> None:
        """Note what time it is at the market."""
        self._now_ms = now.market_ms

    @property
    def stage(self) -> Stage:
        settles_ms = self._parts.market.settles_ms
        if not settles_ms:
            return Stage.NONE
        left_ms = settles_ms - self._now_ms
        if left_ms <= UNWIND_MS:
            return Stage.UNWIND
        return Stage.NO_ENTRIES if left_ms <= NO_ENTRIES_MS else Stage.ANNOUNCED

    def allowed(self, wanted: Sequence[WantedOrder]) -> list[WantedOrder]:
        """Return those of the wanted orders that may rest so near to the end."""
        may_open = self.stage < Stage.NO_ENTRIES and self.settled_at is None
        return [order for order in wanted if order.is_exit or may_open]

    @property
    def told(self) -> str:
        """Return what a person should know; empty while no end is announced."""
        settles_ms = self._parts.market.settles_ms
        if self.settled_at is not None:
            return f"its contract was settled at {plain(self.settled_at)}"
        if not settles_ms:
            return ""
        at = f"its contract is settled at {shown_utc(settles_ms)}"
        follows = {
            Stage.ANNOUNCED: f"nothing is opened from {shown_utc(settles_ms - NO_ENTRIES_MS)} on, and what is held is "
            f"closed at {shown_utc(settles_ms - UNWIND_MS)}",
            Stage.NO_ENTRIES: f"nothing is opened any more, and what is held is closed at "
            f"{shown_utc(settles_ms - UNWIND_MS)}",
            Stage.UNWIND: "what is held is closed at market before that",
        }
        return f"{at}: {follows[self.stage]}"
