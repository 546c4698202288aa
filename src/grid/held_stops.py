"""What is known of a grid's stops at the venue: each conditional order, how it stands, and what it became."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from domain.conditional import ConditionalOrder, ConditionalStatus
from domain.events import Moment
from domain.instrument import Instrument
from domain.orders import Intent, Slot
from grid.stops import RecordStops, Stop, adopted, left_alone, unwinding
from orders.client_ids import ClientId
from orders.ledger import Ledger
from orders.wanted import WantedOrder
from ports.store import ConditionalRow

_RANK: Final = {
    None: 0,
    ConditionalStatus.WAITING: 1,
    ConditionalStatus.CANCELED: 2,  # also what a look-up did not find: proof that it was reached wins over that
    ConditionalStatus.EXPIRED: 2,
    ConditionalStatus.TRIGGERED: 3,
    ConditionalStatus.FINISHED: 4,
    ConditionalStatus.REJECTED: 4,
}
_REACHED: Final = (ConditionalStatus.TRIGGERED, ConditionalStatus.FINISHED, ConditionalStatus.REJECTED)
_ALIVE: Final = (None, ConditionalStatus.WAITING)
_GONE: Final = (ConditionalStatus.CANCELED, ConditionalStatus.EXPIRED)


@dataclass(slots=True)
class HeldStop:
    """One conditional order, and when it was last heard of."""

    row: ConditionalRow
    slot: Slot
    attempt: int
    heard_s: float = float("-inf")
    was_refused: bool = False  # so that nothing ever came of it

    @property
    def client_id(self) -> str:
        return self.row.intent.client_id

    @property
    def is_standing(self) -> bool:
        return self.row.status is ConditionalStatus.WAITING

    @property
    def is_alive(self) -> bool:
        """Tell whether it waits, or may wait once its placement is answered."""
        return self.row.status in _ALIVE

    @property
    def is_gone(self) -> bool:
        """Tell whether it ended without being reached, or was not found."""
        return self.row.status in _GONE

    @property
    def was_reached(self) -> bool:
        return self.row.status in _REACHED

    @property
    def became_none(self) -> bool:
        """Tell whether it was reached and no order came of it."""
        return self.was_reached and self.row.status is not ConditionalStatus.TRIGGERED and not self.row.venue_order_id


class HeldStops:
    """Of one grid, by client id, in the order in which they were stored."""

    def __init__(self, *, grid: int, instance: str, epoch: int, instrument: Instrument) -> None:
        self._grid, self._instance, self._epoch, self._instrument = grid, instance, epoch, instrument
        self._held: dict[str, HeldStop] = {}

    def __iter__(self) -> Iterator[HeldStop]:
        return iter(list(self._held.values()))

    def get(self, client_id: str) -> HeldStop | None:
        return self._held.get(client_id)

    # --- taken in ---

    def keep(self, row: ConditionalRow) -> HeldStop:
        """Take in one.

        Raises:
            ValueError: if its id is none of ours.
        """
        ours = ClientId.parse(row.intent.client_id)
        if ours is None:
            raise ValueError(f"{row.intent.client_id} is no id of a grid's stop")
        held = self._held[row.intent.client_id] = HeldStop(row, ours.slot, ours.attempt)
        return held

    def begin(self, stop: Stop, now: Moment) -> tuple[HeldStop, RecordStops]:
        """Take in the next attempt at a stop; those that were refused before make room for it."""
        attempts = [held.attempt for held in self if held.slot == stop.slot]
        client_id = str(ClientId(self._instance, self._epoch, stop.slot, 0, max(attempts, default=-1) + 1))
        row = ConditionalRow(intent=stop.intent(client_id, self._instrument, now.wall_ms), updated_ms=now.market_ms)
        refused = [held.client_id for held in self if held.slot == stop.slot and held.was_refused]
        for former in refused:
            del self._held[former]
        held = self.keep(row)
        held.heard_s = now.monotonic_s
        return held, RecordStops((row,), forget=tuple(refused))

    def adopt(self, order: ConditionalOrder, now: Moment) -> HeldStop | None:
        """Take in a stop of this grid that the books lack: the database is older than the account."""
        ours = ClientId.parse(order.client_id)
        if ours is None or (ours.instance, ours.slot.grid) != (self._instance, self._grid):
            return None
        return self.keep(ConditionalRow(intent=adopted(order, now.wall_ms)))

    def is_left_behind(self, order: ConditionalOrder) -> bool:
        """Tell whether it is a stop of another grid of ours: that has ended, for one grid trades a contract."""
        ours = ClientId.parse(order.client_id)
        return ours is not None and ours.instance == self._instance and ours.slot.grid != self._grid

    def move(
        self, held: HeldStop, status: ConditionalStatus, venue_order_id: int | None, now: Moment
    ) -> list[RecordStops]:
        """Enter a status; a late or repeated report of an earlier one is no news."""
        before = held.row
        status = status if _RANK[status] > _RANK[before.status] else before.status or status
        row = replace(
            before,
            status=status,
            venue_order_id=before.venue_order_id or venue_order_id,
            updated_ms=before.updated_ms if before.status is status else now.market_ms,
        )
        if row == before:
            return []
        held.row = row
        return [RecordStops((row,))]

    def bring_back(self, held: HeldStop, now: Moment) -> RecordStops:
        """Enter that one waits that was taken for gone: its placement arrived after its look-ups."""
        held.row = replace(held.row, status=ConditionalStatus.WAITING, updated_ms=now.market_ms)
        held.was_refused = False
        return RecordStops((held.row,))

    # --- how they stand ---

    def newest(self, slot: Slot) -> HeldStop | None:
        """Return the one of a slot that counts: the newest that is alive, or the newest of all."""
        its = [held for held in self if held.slot == slot]
        counted = [held for held in its if held.is_alive] or its
        return counted[-1] if counted else None

    def stands(self, slot: Slot) -> bool:
        return any(held.is_standing for held in self if held.slot == slot)

    def is_surplus(self, held: HeldStop) -> bool:
        """Tell whether a younger one of the same slot stands as well."""
        standing = [it for it in self if it.slot == held.slot and it.is_standing]
        return held.is_standing and held is not standing[-1]

    @property
    def is_gone(self) -> bool:
        """Tell whether none waits at the venue any more."""
        return not any(held.is_alive for held in self)

    # --- what they became ---

    @property
    def reached(self) -> Decimal | None:
        """Return the price of the stop that was reached, None while none was."""
        return next((held.row.intent.trigger_price for held in self if held.was_reached), None)

    def is_settled(self, ledger: Ledger) -> bool:
        """Tell whether all is booked of the orders that stops became."""
        return all(
            ledger[held.client_id].is_settled if held.client_id in ledger else held.became_none
            for held in self
            if held.was_reached
        )

    def unfound(self, ledger: Ledger) -> list[ConditionalRow]:
        """Return the stops that became an order, be it one that the venue refused, which the ledger lacks."""
        told = [held.row for held in self if held.was_reached and held.row.venue_order_id is not None]
        return [row for row in told if row.intent.client_id not in ledger]

    def order_absent(self, client_id: str, now: Moment) -> list[RecordStops]:
        """Enter that the order a stop became is proven absent: what it was to close is left to be closed."""
        held = self.get(client_id)
        if held is None or not held.was_reached:
            return []
        held.row = replace(held.row, status=ConditionalStatus.REJECTED, venue_order_id=None, updated_ms=now.market_ms)
        return [RecordStops((held.row,))]

    def fired(self, ledger: Ledger) -> list[WantedOrder]:
        """Return the orders that stops became and that are not settled, as wanted: nobody is to cancel them."""
        ours = [ledger[held.client_id] for held in self if held.client_id in ledger]
        return [left_alone(order) for order in ours if not order.is_settled]

    def expected(self, now: Moment) -> dict[str, Intent]:
        """Return the orders that may appear without having been sent, by client id; their quantity is told then."""
        return {held.client_id: unwinding(held.row.intent, held.slot, held.attempt, now.wall_ms) for held in self}

    def proven(self, ledger: Ledger, now: Moment) -> Iterable[RecordStops]:
        """Take the orders that the ledger has for proof that their stops were reached."""
        for held in self:
            if held.client_id in ledger and not held.was_reached:
                yield from self.move(held, ConditionalStatus.TRIGGERED, None, now)
