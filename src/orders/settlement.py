"""What the venue itself trades for us when a contract ends: it closes the position, by an order with a name of its own.

One grid trades a contract, so what was closed was its own. The order is entered as one of ours that ends the grid,
under an id that we compute, so that books and restarts treat it like any other.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from domain.events import Moment
from domain.money import ZERO, exact
from domain.orders import Fill, Intent, OrderType, PositionSide, Role, Slot, Status, VenueOrder
from orders.ledger import Ledger
from orders.placing import Placing

SETTLED: Final = "the exchange closed the position at the end of the contract"
_ITS_NAMES: Final = ("settlement_autoclose-", "delivery_autoclose-")
"""How the client ids of such orders begin (protocol section 2.7)."""


def is_settlement(fill: Fill) -> bool:
    """Tell whether the venue made a trade because its contract ended."""
    return fill.client_id.startswith(_ITS_NAMES)


@exact
def settlement_orders(
    told: Iterable[Fill], placing: Placing, ledger: Ledger, now: Moment
) -> list[tuple[Intent, VenueOrder, tuple[Fill, ...]]]:
    """Return each settlement after our first trade that the books lack: as intent, order and trades of ours."""
    first_id = ledger.first_trade_id
    fresh: dict[int, list[Fill]] = defaultdict(list)
    for fill in told:
        is_later = first_id is not None and fill.trade_id > first_id
        if is_later and is_settlement(fill) and ledger.resolved(fill).client_id not in ledger:
            fresh[fill.venue_order_id].append(fill)
    found = []
    for number, fills in fresh.items():
        first = fills[0]
        slot = Slot(placing.grid, Role.UNWIND, first.side, 0)
        quantity = sum((fill.quantity for fill in fills), ZERO)
        intent = Intent(
            client_id=placing.next_id(slot, 0),
            slot=slot,
            cycle=0,
            attempt=ledger.next_attempt(slot, 0),
            instrument=first.instrument,
            type=OrderType.MARKET,
            time_in_force=None,
            quantity=quantity,
            price=None,
            reason=SETTLED,
            created_ms=now.wall_ms,
            position_side=first.position_side,
            reduce_only=first.position_side is PositionSide.BOTH,
        )
        order = VenueOrder(
            instrument=first.instrument,
            client_id=intent.client_id,
            venue_order_id=number,
            side=first.side,
            type=OrderType.MARKET,
            status=Status.FILLED,
            price=ZERO,
            quantity=quantity,
            executed_quantity=quantity,
            updated_ms=max(fill.time_ms for fill in fills),
        )
        found.append((intent, order, tuple(replace(fill, client_id=intent.client_id) for fill in fills)))
    return found
