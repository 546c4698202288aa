"""What the venue itself trades for us when a contract ends: it closes the position, by an order with a name of its own.

One grid trades a contract, so what was closed was its own. The order is entered as one of ours that ends the grid,
under an id that we compute, so that books and restarts treat it like any other.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
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


def settlement_orders(
    told: Iterable[Fill], placing: Placing, ledger: Ledger, now: Moment
) -> Iterator[tuple[Intent, VenueOrder, tuple[Fill, ...]]]:
    """Yield each settlement after our first trade that the books lack: as intent, order and trades of ours.

    Enter one before the next is taken: ids are never used twice. What is told later is of the order entered before.
    """
    first_id = ledger.first_trade_id
    fresh: dict[int, list[Fill]] = defaultdict(list)
    for fill in told:
        is_later = first_id is not None and fill.trade_id > first_id
        if is_later and is_settlement(fill) and not _is_booked(fill, ledger):
            fresh[fill.venue_order_id].append(fill)
    for fills in fresh.values():
        client_id = ledger.resolved(fills[0]).client_id
        intent = ledger[client_id].intent if client_id in ledger else _intent(fills, placing, ledger, now)
        yield intent, _order(intent, fills, ledger), tuple(replace(it, client_id=intent.client_id) for it in fills)


def _is_booked(fill: Fill, ledger: Ledger) -> bool:
    client_id = ledger.resolved(fill).client_id
    return client_id in ledger and fill.trade_id in ledger[client_id].fills


def _intent(fills: Sequence[Fill], placing: Placing, ledger: Ledger, now: Moment) -> Intent:
    first = fills[0]
    slot = Slot(placing.grid, Role.UNWIND, first.side, 0)
    return Intent(
        client_id=placing.next_id(slot, 0),
        slot=slot,
        cycle=0,
        attempt=ledger.next_attempt(slot, 0),
        instrument=first.instrument,
        type=OrderType.MARKET,
        time_in_force=None,
        quantity=_sum(fills),
        price=None,
        reason=SETTLED,
        created_ms=now.wall_ms,
        position_side=first.position_side,
        reduce_only=first.position_side is PositionSide.BOTH,
    )


def _order(intent: Intent, fills: Sequence[Fill], ledger: Ledger) -> VenueOrder:
    before = ledger[intent.client_id].fills.values() if intent.client_id in ledger else ()
    executed = _sum([*before, *fills])
    return VenueOrder(
        instrument=intent.instrument,
        client_id=intent.client_id,
        venue_order_id=fills[0].venue_order_id,
        side=intent.side,
        type=OrderType.MARKET,
        status=Status.FILLED,
        price=ZERO,
        quantity=executed,
        executed_quantity=executed,
        updated_ms=max(fill.time_ms for fill in fills),
    )


@exact
def _sum(fills: Iterable[Fill]) -> Decimal:
    return sum((fill.quantity for fill in fills), ZERO)
