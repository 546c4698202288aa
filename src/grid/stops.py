"""A grid's stops as values: what is asked of the venue, what it tells, and what is to be done about them."""

from dataclasses import dataclass
from decimal import Decimal

from domain.conditional import ConditionalEvent, ConditionalIntent, ConditionalKind, ConditionalOrder
from domain.grids import GridPlan
from domain.instrument import Instrument, InstrumentRules
from domain.money import ZERO, plain
from domain.orders import Intent, OrderType, PositionSide, Role, Side, Slot, Status, VenueOrder
from orders.life_cycle import Order
from orders.positions import Legs
from orders.wanted import WantedOrder
from ports.store import ConditionalRow


@dataclass(frozen=True, slots=True)
class Stop:
    """A mark price at which the venue is to close the position; `slot` is that of the order it then becomes."""

    slot: Slot
    trigger_price: Decimal
    position_side: PositionSide

    def intent(self, client_id: str, instrument: Instrument, wall_ms: int) -> ConditionalIntent:
        """Return what is sent for it: one that closes whatever is held by then."""
        return ConditionalIntent(
            client_id=client_id,
            instrument=instrument,
            kind=ConditionalKind.STOP_MARKET,
            side=self.slot.side,
            trigger_price=self.trigger_price,
            quantity=None,
            position_side=self.position_side,
            reason=f"the grid's stop at {plain(self.trigger_price)}",
            created_ms=wall_ms,
        )


def stops_of(grid: int, plan: GridPlan, rules: InstrumentRules) -> tuple[Stop, ...]:
    """Return the stops of a plan: below for what was bought, above for what was sold."""
    if plan.terms is None:
        return ()
    wanted = (
        (Side.SELL, plan.request.stop_below, PositionSide.LONG),
        (Side.BUY, plan.request.stop_above, PositionSide.SHORT),
    )
    return tuple(
        Stop(
            Slot(grid, Role.UNWIND, side, rules.nearest_ticks(price)),
            price,
            leg if plan.terms.hedge_mode else PositionSide.BOTH,
        )
        for side, price, leg in wanted
        if price is not None
    )


def became(row: ConditionalRow, held: Legs) -> VenueOrder | None:
    """Return the order that a stop most likely became: one that closed all that is held; None where that is not known.

    It is known by the venue's number, whatever client id the venue gave it.
    """
    intent, quantity = row.intent, abs(held.get(row.intent.position_side, ZERO))
    if row.venue_order_id is None or not quantity:
        return None
    return VenueOrder(
        instrument=intent.instrument,
        client_id=intent.client_id,
        venue_order_id=row.venue_order_id,
        side=intent.side,
        type=OrderType.MARKET,
        status=Status.FILLED,
        price=ZERO,
        quantity=quantity,
        executed_quantity=quantity,
        updated_ms=row.updated_ms,
    )


def adopted(order: ConditionalOrder, wall_ms: int) -> ConditionalIntent:
    """Return the intent of a stop that the books lack, as far as the venue tells it."""
    return ConditionalIntent(
        client_id=order.client_id,
        instrument=order.instrument,
        kind=order.kind,
        side=order.side,
        trigger_price=order.trigger_price,
        quantity=order.quantity,
        price=order.price,
        position_side=order.position_side,
        reason="adopted: found at the venue, missing in the books",
        created_ms=wall_ms,
    )


def unwinding(intent: ConditionalIntent, slot: Slot, attempt: int, wall_ms: int) -> Intent:
    """Return the ordinary order that a stop becomes; its quantity is told when it appears."""
    return Intent(
        client_id=intent.client_id,
        slot=slot,
        cycle=0,
        attempt=attempt,
        instrument=intent.instrument,
        type=OrderType.MARKET,
        time_in_force=None,
        quantity=ZERO,
        price=None,
        reason=f"unwind: {intent.reason} was reached",
        created_ms=wall_ms,
        position_side=intent.position_side,
        reduce_only=intent.position_side is PositionSide.BOTH,
    )


def left_alone(order: Order) -> WantedOrder:
    """Return an order that a stop became as one that is wanted, so that nobody cancels it."""
    return WantedOrder(
        slot=order.intent.slot,
        cycle=order.intent.cycle,
        quantity=order.remaining,
        price=None,
        at_once=True,
        is_exit=True,
        reason=order.intent.reason,
    )


@dataclass(frozen=True, slots=True)
class StopTold:
    """The venue said something of a stop."""

    event: ConditionalEvent


@dataclass(frozen=True, slots=True)
class RecordStops:
    """Commit these; a new one before it leaves the house. `forget`: earlier ones of which nothing ever came."""

    rows: tuple[ConditionalRow, ...]
    forget: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceStop:
    intent: ConditionalIntent


@dataclass(frozen=True, slots=True)
class CancelStop:
    client_id: str


@dataclass(frozen=True, slots=True)
class LookUpStop:
    """Settle what became of a stop; `sent_ms` is the wall time at which the request was made."""

    client_id: str
    sent_ms: int


@dataclass(frozen=True, slots=True)
class ReadStops:
    """Read which stops wait."""


StopEffect = RecordStops | PlaceStop | CancelStop | LookUpStop | ReadStops
