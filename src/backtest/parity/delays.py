"""How long a grid's orders took, from the fill that they answer to the exchange that took them, by its own books.

A sale follows the purchase of its cell at once, and no gate holds it back: the time from the purchase's last fill to
the sale's acceptance is what replays call latency, and the exchange's own clock tells both. A purchase may have waited
for another cell, for balance or for the gate, so none is counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from backtest.scenario import MOST_LATENCY_MS
from domain.orders import Fill, Role, Side, Status
from ports.books import Moves
from ports.store import OrderRow

FEWEST_SALES: Final = 5
"""Fewer tell of chance more than of the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredDelays:
    """What the sales after a purchase of their own tell. Times in ms, None where not one tells any.

    `sales` tell it; of `untold` the books do not hold when the exchange took them: they are older than the note of it,
    were refused at first, filled at once, or our clock was ahead of the exchange's by more than the way. `waited` took
    more than a minute, which no way does: the grid was stopped, or the connection lost.
    """

    sales: int
    untold: int
    waited: int
    median_ms: int | None
    low_ms: int | None  # 5 of 100 took no longer
    high_ms: int | None  # 95 of 100 did

    @property
    def is_enough(self) -> bool:
        return self.sales >= FEWEST_SALES


def measure_delays(
    orders: Sequence[OrderRow], fills: Iterable[Fill], moves: Mapping[str, Moves], rungs: Sequence[int]
) -> MeasuredDelays:
    """Measure them; `moves` are those of the orders by client id, `rungs` the ladder's prices in ticks, ascending."""
    every = list(_delays(orders, fills, moves, rungs))
    known = [delay for delay in every if delay is not None]
    told = sorted(delay for delay in known if delay <= MOST_LATENCY_MS)
    low, median, high = (round(float(part)) for part in np.percentile(told, (5, 50, 95))) if told else (None,) * 3
    return MeasuredDelays(
        sales=len(told),
        untold=len(every) - len(known),
        waited=len(known) - len(told),
        median_ms=median,
        low_ms=low,
        high_ms=high,
    )


def _delays(
    orders: Sequence[OrderRow], fills: Iterable[Fill], moves: Mapping[str, Moves], rungs: Sequence[int]
) -> Iterator[int | None]:
    """Yield the delay of each first attempt at a sale after a purchase of its own; None where the books are silent."""
    below = dict(zip(rungs[1:], rungs, strict=False))
    rung_orders = [order for order in orders if order.intent.slot.role is Role.RUNG]
    of_order = {order.intent.client_id: order.intent for order in rung_orders if order.intent.side is Side.BUY}
    bought: dict[tuple[int, int], list[int]] = defaultdict(list)
    for fill in fills:
        intent = of_order.get(fill.client_id)
        if intent is not None:
            bought[intent.slot.price_ticks, intent.cycle].append(fill.time_ms)
    for order in rung_orders:
        intent = order.intent
        if intent.side is not Side.SELL or intent.attempt > 0 or intent.slot.price_ticks not in below:
            continue
        answers = bought.get((below[intent.slot.price_ticks], intent.cycle - 1))
        if answers:
            taken_ms = _taken_ms(order, moves.get(intent.client_id, ()))
            before = [time_ms for time_ms in answers if taken_ms is not None and time_ms <= taken_ms]
            yield taken_ms - max(before) if before and taken_ms is not None else None


def _taken_ms(order: OrderRow, moves: Moves) -> int | None:
    """Return when the exchange took an order, by its own clock; None where that is not known.

    The books never let an order be taken before it left by our clock. Where both are the same, that one was ahead, and
    how far nobody knows.
    """
    taken_ms = next((at_ms for status, at_ms in moves if status is Status.OPEN), None)
    return None if taken_ms == order.intent.created_ms else taken_ms
