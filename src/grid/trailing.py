"""A grid's ladder follows the price: first the orders that it leaves behind go, then it moves, then the new ones come.

Nothing of that is stored but the move itself. One that is under way is seen anew from the price and the fills alone.
"""

import json
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from domain.events import Moment
from domain.grids import GridRequest, Move, MoveKind, TrailView
from domain.money import ZERO, exact, plain
from domain.orders import Role, Side, Slot
from grid.contract_end import Stage
from grid.core import trail
from grid.core.ladder_numbers import LadderNumbers
from grid.life import GridLife
from grid.parts import GridParts
from grid.state import GridState
from grid.worker_events import SaveMove
from orders.wanted import WantedOrder


class Trailing:
    """Of one grid; idle in one that does not follow the price."""

    def __init__(self, parts: GridParts, life: GridLife) -> None:
        request = parts.row.plan.request
        self._parts, self._life = parts, life
        self._ups, self._downs = request.trail_up_to is not None, request.trail_down_to is not None
        self._start = parts.state.ladder.first
        self._aims_at: int | None = None
        self._bounds = (-1, trail.NEVER)
        self._below, self._above = Decimal(-1), Decimal("Infinity")
        self.is_used = bool(parts.state.ladder.master)

    def heeds(self, price: Decimal) -> bool:
        """Tell whether a price may change what is decided."""
        return self.is_used and (self._aims_at is not None or not self._below < price < self._above)

    def step(self, now: Moment) -> list[SaveMove]:
        """Move the ladder if the price asks for it and nothing it leaves behind can be filled any more.

        A stale price decides nothing: what was begun stays begun.
        """
        if not self.is_used:
            return []
        if not self._may_follow():
            self._aim(None)
            return []
        price = self._parts.market.fresh_price(now)
        if price is None or not self._parts.desk.synced:
            return []
        self._aim(target(self._parts.state, self._parts.row.plan.request, price.value, self._parts.rules.tick))
        if self._aims_at is None or self._leaves_orders(self._aims_at):
            return []
        return [self._move(self._aims_at, price.value, now)]

    def wanted(self, wanted: Sequence[WantedOrder]) -> list[WantedOrder]:
        """Return the orders that may rest, those left out that a move under way leaves behind."""
        if self._aims_at is None:
            return [*wanted]
        first = self._aims_at
        ladder = self._parts.state.ladder
        return [order for order in wanted if not is_left_behind(order.slot, ladder, first)]

    @property
    @exact
    def unlocked(self) -> Decimal:
        """Return the quote that the highest window's purchases on spot will take beyond those of the window now."""
        ladder, plan = self._parts.state.ladder, self._parts.row.plan
        if not self.is_used or not self._ups or plan.terms is not None:
            return ZERO
        high = ladder.master[-len(ladder.prices) : -1]
        more = sum((above - now) * lots for above, now, lots in zip(high, ladder.prices, ladder.lots, strict=False))
        return more * self._parts.rules.tick * self._parts.rules.lot

    def shown(self) -> TrailView | None:
        """Return where the ladder stands now and what would move it."""
        if not self.is_used:
            return None
        ladder, request, price = self._parts.state.ladder, self._parts.row.plan.request, self._parts.rules.price
        below, above = self._bounds
        return TrailView(
            low=price(ladder.prices[0]),
            high=price(ladder.prices[-1]),
            shifted=ladder.first - self._start,
            up_to=request.trail_up_to,
            down_to=request.trail_down_to,
            goes_up_at=None if above == trail.NEVER else price(above),
            goes_down_at=None if below < 0 else price(below),
            moves=len(self._trails),
            reason=self._reason(),
        )

    def _may_follow(self) -> bool:
        """Tell whether the ladder may move: not of a grid that waits, ends, is paused, or whose books are in doubt.

        Nor so near to the end of its contract that nothing is opened any more: it would take off what closes its cells.
        """
        life, parts = self._life, self._parts
        if life.contract_end.stage >= Stage.NO_ENTRIES:
            return False
        is_free = not life.is_ending and life.ended_ms is None and life.paused is None and life.trigger.is_reached
        return is_free and not parts.money.alarm and not parts.state.is_entering

    def _aim(self, first: int | None) -> None:
        state = self._parts.state
        self._aims_at = first
        below, above = (-1, trail.NEVER)
        if self._may_follow():
            ladder = state.ladder
            below = trail.next_down(ladder.first, state.sides, ladder.master, self._downs)
            above = trail.next_up(ladder.first, state.sides, ladder.master, self._ups)
        if self._bounds != (below, above):
            self._bounds, price = (below, above), self._parts.rules.price
            self._below = Decimal(-1) if below < 0 else price(below)
            self._above = Decimal("Infinity") if above == trail.NEVER else price(above)

    def _leaves_orders(self, first: int) -> bool:
        """Tell whether an order that a move leaves behind may still be filled."""
        for order in self._parts.desk.ledger.unsettled():
            slot = order.intent.slot
            if slot.role is not Role.RUNG or is_left_behind(slot, self._parts.state.ladder, first):
                return True
        return False

    def _move(self, first: int, price: Decimal, now: Moment) -> SaveMove:
        state = self._parts.state
        move = state.next_move(MoveKind.TRAIL, {"first": first, "price": plain(price)}, now.market_ms)
        state.move(move)
        self._aim(None)
        return SaveMove(move)

    def _reason(self) -> str:
        aim, first = self._aims_at, self._parts.state.ladder.first
        if aim is not None:
            where = "up" if aim > first else "down"
            return f"it is to go {where}; the orders that it leaves behind are being cancelled"
        if not self._trails:
            return "the price has not left the range by a whole rung yet"
        price = json.loads(self._trails[-1].data)["price"]
        return f"the last move came as the price reached {price}"

    @property
    def _trails(self) -> list[Move]:
        return [move for move in self._parts.state.moves if move.kind is MoveKind.TRAIL]


def target(state: GridState, request: GridRequest, price: Decimal, tick: Decimal) -> int | None:
    """Return which rung of the master ladder is to be the window's lowest at a price, None for the one that is."""
    ladder, ups, downs = state.ladder, request.trail_up_to is not None, request.trail_down_to is not None
    count, above = len(ladder.lots), _ticks(price, tick, ROUND_FLOOR)
    if above >= trail.next_up(ladder.first, state.sides, ladder.master, ups):
        return trail.reached(above, ladder.first, count, ladder.master, goes_up=True)
    below = _ticks(price, tick, ROUND_CEILING)
    if below <= trail.next_down(ladder.first, state.sides, ladder.master, downs):
        return trail.reached(below, ladder.first, count, ladder.master, goes_up=False)
    return None


def is_left_behind(slot: Slot, ladder: LadderNumbers, first: int) -> bool:
    """Tell whether a rung's cell is not among those of the window from rung `first` on."""
    if slot.role is not Role.RUNG:
        return False
    low, high = ladder.master[first], ladder.master[first + len(ladder.lots)]
    return not (low <= slot.price_ticks < high if slot.side is Side.BUY else low < slot.price_ticks <= high)


@exact
def _ticks(price: Decimal, tick: Decimal, rounding: str) -> int:
    return int((price / tick).to_integral_value(rounding))
