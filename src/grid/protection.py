"""The stop of a whole grid, which the venue itself holds: it stands whether this server lives or not.

Each is a conditional order that closes the position at market once the mark price reaches it. It is placed before the
grid's first order, looked up after every gap, placed anew where it vanished, and cancelled when the grid ends. Once
triggered it is an ordinary order under the same client id, whose fills are the grid's own.

Pure: no thread, clock or socket. A request whose outcome is not known is settled by a look-up, never sent again. One
that is told to wait though it was taken for gone, because it was not found, is asked about and believed then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from domain.conditional import (
    ConditionalEvent,
    ConditionalOrder,
    ConditionalReported,
    ConditionalsRead,
    ConditionalStatus,
)
from domain.events import CancelRefused, Moment, OrderAbsent, OrderNotSent, OrderRefused, OutcomeUnknown, ReadFailed
from domain.grids import StopView
from domain.instrument import Instrument
from domain.orders import Intent, Slot
from grid.stops import (
    CancelStop,
    LookUpStop,
    PlaceStop,
    ReadStops,
    RecordStops,
    Stop,
    StopEffect,
    adopted,
    left_alone,
    unwinding,
)
from orders.client_ids import ClientId
from orders.ledger import Ledger
from orders.positions import Legs
from orders.wanted import WantedOrder
from ports.store import ConditionalRow

READ_EVERY_S: Final = 60.0
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 10.0
"""A stop that is refused again and again leaves a position unprotected for so long at most, once it would be taken."""
WOULD_TRIGGER: Final = -2021
"""The price stands beyond the stop already."""
NEEDS_POSITION: Final = -4509
"""Some venues take an order that closes a position only while there is one: until then there is nothing to protect."""
STANDS_ALREADY: Final = -4130
"""Another one that closes the position waits on that side: ours that arrived late, or somebody else's."""

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
_NO_ENTRIES: Final = "no new entries until it stands"


@dataclass(slots=True)
class _Held:
    """One conditional order, and when it was last heard of."""

    row: ConditionalRow
    slot: Slot
    attempt: int
    heard_s: float = float("-inf")
    was_refused: bool = False  # so that nothing ever came of it

    @property
    def is_standing(self) -> bool:
        return self.row.status is ConditionalStatus.WAITING


class Protection:
    """The stops of one grid."""

    def __init__(self, *, grid: int, instance: str, epoch: int, instrument: Instrument, stops: Sequence[Stop]) -> None:
        self._grid, self._instance, self._epoch, self._instrument = grid, instance, epoch, instrument
        self._stops = {stop.slot: stop for stop in stops}
        self._held: dict[str, _Held] = {}
        self._under_way: set[str] = set()  # placements and cancels that are not answered yet
        self._asked: set[str] = set()
        self._doubtful: set[str] = set()  # not listed, and not told yet what became of them
        self._reading = False
        self._read_s: float | None = None
        self._was_read = False
        self._doubted_s = float("-inf")
        self._pause_s, self._again_s = FIRST_PAUSE_S, float("-inf")
        self._troubles: dict[Slot, str] = {}
        self._waits_for_position: set[Slot] = set()
        self._held_legs: Legs = {}

    def restore(self, rows: Iterable[ConditionalRow]) -> None:
        """Take over what the store holds; the venue is asked before anything is decided on it."""
        for row in rows:
            self._keep(row)

    @property
    def is_used(self) -> bool:
        return bool(self._stops or self._held)

    # --- judged by ---

    @property
    def reached(self) -> Decimal | None:
        """Return the price of the stop that was reached, None while none was."""
        rows = [held.row for held in self._held.values() if held.row.status in _REACHED]
        return rows[0].intent.trigger_price if rows else None

    @property
    def holds_back(self) -> str:
        """Return why no order may leave now; empty while it is known which stops stand."""
        is_known = self._was_read and not self._doubtful
        return "" if is_known or not self._stops else "reading the grid's stops at the exchange"

    @property
    def keeps_entries(self) -> str:
        """Return why no entry may leave now; empty while every stop stands for which there is something to protect."""
        missing = [slot for slot in self._stops if not self._stands(slot) and not self._may_wait(slot)]
        if not missing:
            return ""
        told = self._troubles.get(missing[0])
        return f"{told}; {_NO_ENTRIES}" if told else f"the grid's stop is being placed at the exchange; {_NO_ENTRIES}"

    @property
    def is_quiet(self) -> bool:
        """Tell whether no answer is awaited and nothing is in doubt."""
        return not (self._under_way or self._asked or self._reading or self._doubtful)

    @property
    def is_gone(self) -> bool:
        """Tell whether none waits at the venue any more."""
        return all(held.row.status not in _ALIVE for held in self._held.values())

    def is_settled(self, ledger: Ledger) -> bool:
        """Tell whether all is booked of the orders that stops became."""
        fired = [held.row for held in self._held.values() if held.row.status in _REACHED]
        became_none = [row for row in fired if row.status is not ConditionalStatus.TRIGGERED and not row.venue_order_id]
        return all(
            row in became_none or (row.intent.client_id in ledger and ledger[row.intent.client_id].is_settled)
            for row in fired
        )

    def unfound(self, ledger: Ledger) -> list[ConditionalRow]:
        """Return the stops that became an order which the ledger lacks."""
        rows = [held.row for held in self._held.values()]
        fired = (ConditionalStatus.TRIGGERED, ConditionalStatus.FINISHED)
        return [
            row
            for row in rows
            if row.status in fired and row.venue_order_id is not None and row.intent.client_id not in ledger
        ]

    def fired(self, ledger: Ledger) -> list[WantedOrder]:
        """Return the orders that stops became and that are not settled, as wanted: nobody is to cancel them."""
        ours = [ledger[client_id] for client_id in self._held if client_id in ledger]
        return [left_alone(order) for order in ours if not order.is_settled]

    def expected(self, now: Moment) -> dict[str, Intent]:
        """Return the orders that may appear without having been sent, by client id; their quantity is told then."""
        return {
            client_id: unwinding(held.row.intent, held.slot, held.attempt, now.wall_ms)
            for client_id, held in self._held.items()
        }

    def shown(self) -> tuple[StopView, ...]:
        """Return each stop as it stands."""
        return tuple(self._view(stop) for stop in self._stops.values())

    # --- facts in ---

    def doubt(self, since_s: float) -> None:
        """Note that something may have been missed: what waits is read, from `since_s` (monotonic) on, before all."""
        self._was_read, self._doubted_s = False, max(since_s, self._doubted_s)

    def hear(self, event: ConditionalEvent, now: Moment) -> list[StopEffect]:
        """Take in what the venue said."""
        match event:
            case ConditionalReported(order=order):
                return self._reported(order, now)
            case ConditionalsRead():
                return self._listed(event, now)
            case ReadFailed():
                self._reading = False
                self._asked.clear()
                self._wait(now)
            case _ if event.client_id in self._held:
                return self._answered(event, self._held[event.client_id], now)
        return []

    def note_orders(self, ledger: Ledger, now: Moment) -> list[StopEffect]:
        """Take the orders that the ledger has for proof that their stops were reached."""
        proven = [h for cid, h in self._held.items() if cid in ledger and h.row.status not in _REACHED]
        return [it for held in proven for it in self._move(held, ConditionalStatus.TRIGGERED, None, now)]

    # --- what is to be done ---

    def step(self, now: Moment, *, is_over: bool, held: Legs) -> list[StopEffect]:
        """Return what is due.

        Args:
            now: when.
            is_over: the grid has nothing left to protect, so that its stops go.
            held: the position, by its side.
        """
        self._note_position(held)
        if now.monotonic_s < self._again_s:
            return []
        effects: list[StopEffect] = []
        due = self._read_s is None or now.monotonic_s - self._read_s >= READ_EVERY_S
        if not self._reading and (due or not self._was_read):
            self._reading = True
            effects.append(ReadStops())
        if not self._was_read:
            return effects
        for client_id in sorted(self._doubtful):
            effects += self._look_up(client_id)
        if is_over:
            return [*effects, *self._cancels(self._held.values())]
        effects += self._cancels(held for held in self._held.values() if self._is_surplus(held))
        if self.reached is None and not self._doubtful:
            missing = [slot for slot in self._stops if self._newest_alive(slot) is None and not self._may_wait(slot)]
            effects += [effect for slot in missing for effect in self._place(self._stops[slot], now)]
        return effects

    def _place(self, stop: Stop, now: Moment) -> list[StopEffect]:
        attempts = [held.attempt for held in self._held.values() if held.slot == stop.slot]
        attempt = max(attempts, default=-1) + 1
        client_id = str(ClientId(self._instance, self._epoch, stop.slot, 0, attempt))
        intent = stop.intent(client_id, self._instrument, now.wall_ms)
        row = ConditionalRow(intent=intent, updated_ms=now.market_ms)
        refused = [it.row.intent.client_id for it in self._held.values() if it.slot == stop.slot and it.was_refused]
        for former in refused:
            del self._held[former]
        self._keep(row).heard_s = now.monotonic_s
        self._under_way.add(intent.client_id)
        return [RecordStops((row,), forget=tuple(refused)), PlaceStop(intent)]

    def _cancels(self, those: Iterable[_Held]) -> list[StopEffect]:
        waiting = [held.row for held in those if held.is_standing]
        ids = [row.intent.client_id for row in waiting if row.intent.client_id not in self._under_way]
        self._under_way.update(ids)
        return [CancelStop(client_id) for client_id in ids]

    def _look_up(self, client_id: str) -> list[StopEffect]:
        if client_id in self._asked:
            return []
        self._asked.add(client_id)
        return [LookUpStop(client_id, self._held[client_id].row.intent.created_ms)]

    # --- single events ---

    def _reported(self, order: ConditionalOrder, now: Moment) -> list[StopEffect]:
        held = self._held.get(order.client_id) or self._adopted(order, now)
        if held is None:
            return []
        status = order.status
        was_asked = order.client_id in self._asked
        for waiting in (self._under_way, self._asked, self._doubtful):
            waiting.discard(order.client_id)
        held.heard_s = now.monotonic_s
        if status is ConditionalStatus.WAITING and held.row.status in _GONE:
            return self._back(held, now) if was_asked else self._look_up_gone(order.client_id)
        if status is ConditionalStatus.EXPIRED and held.row.status is ConditionalStatus.TRIGGERED:
            status = ConditionalStatus.REJECTED  # reached, and there was nothing to close
        return self._move(held, status, order.venue_order_id, now)

    def _look_up_gone(self, client_id: str) -> list[StopEffect]:
        self._doubtful.add(client_id)
        return self._look_up(client_id)

    def _back(self, held: _Held, now: Moment) -> list[StopEffect]:
        """Enter that one waits that was taken for gone: its placement arrived after its look-ups."""
        held.row = replace(held.row, status=ConditionalStatus.WAITING, updated_ms=now.market_ms)
        held.was_refused = False
        self._stands_now(held.slot)
        return [RecordStops((held.row,))]

    def _listed(self, event: ConditionalsRead, now: Moment) -> list[StopEffect]:
        self._reading = False
        if event.started_s < self._doubted_s:  # something may lie between: it is read once more
            return []
        self._was_read, self._read_s = True, now.monotonic_s
        self._pause_s = self._pause_s if self._troubles else FIRST_PAUSE_S
        effects: list[StopEffect] = [CancelStop(it.client_id) for it in event.orders if self._is_left_behind(it)]
        for order in event.orders:
            held = self._held.get(order.client_id)
            if held is None or held.row.status not in _GONE or held.heard_s < event.started_s:
                effects += self._reported(order, now)
        listed = {order.client_id for order in event.orders}
        for client_id, held in self._held.items():
            open_still = held.row.status in _ALIVE or held.row.status is ConditionalStatus.TRIGGERED
            if open_still and held.heard_s < event.started_s and client_id not in listed | self._under_way:
                self._doubtful.add(client_id)
        return effects

    def _answered(
        self,
        event: OrderRefused | OrderNotSent | OutcomeUnknown | OrderAbsent | CancelRefused,
        held: _Held,
        now: Moment,
    ) -> list[StopEffect]:
        self._under_way.discard(event.client_id)
        is_placing = held.row.status is None
        match event:
            case OrderRefused(code=code) if code == WOULD_TRIGGER:
                return self._move(held, ConditionalStatus.REJECTED, None, now)
            case OrderRefused(code=code, message=message):
                self._troubles[held.slot] = f"the exchange refuses the grid's stop: {message} ({code})"
                if code == NEEDS_POSITION:
                    self._waits_for_position.add(held.slot)
                if code == STANDS_ALREADY:
                    self.doubt(now.monotonic_s)
                return self._never_was(held, now)
            case OrderNotSent(message=message):
                self._troubles[held.slot] = f"the grid's stop could not be sent: {message}"
                if is_placing:
                    return self._never_was(held, now)
                self._wait(now)
                return []
            case OrderAbsent():
                self._asked.discard(event.client_id)
                self._doubtful.discard(event.client_id)
                return self._move(held, ConditionalStatus.CANCELED, None, now)
        self._doubtful.add(event.client_id)
        return self._look_up(event.client_id)

    def _never_was(self, held: _Held, now: Moment) -> list[StopEffect]:
        held.was_refused = True
        self._wait(now)
        return self._move(held, ConditionalStatus.CANCELED, None, now)

    # --- helpers ---

    def _note_position(self, held: Legs) -> None:
        """Try at once what only waited for a position."""
        self._held_legs = held
        due = [slot for slot in self._waits_for_position if not self._may_wait(slot)]
        if due:
            self._again_s, self._pause_s = float("-inf"), FIRST_PAUSE_S
            self._waits_for_position.difference_update(due)

    def _may_wait(self, slot: Slot) -> bool:
        """Tell whether the venue takes the stop only with a position, and there is none."""
        return slot in self._waits_for_position and not self._held_legs.get(self._stops[slot].position_side)

    def _is_surplus(self, held: _Held) -> bool:
        standing = [it for it in self._held.values() if it.slot == held.slot and it.is_standing]
        return held.slot not in self._stops or (held.is_standing and held is not standing[-1])

    def _is_left_behind(self, order: ConditionalOrder) -> bool:
        """Tell whether it is a stop of another grid of ours: that has ended, for one grid trades a contract."""
        ours = ClientId.parse(order.client_id)
        return ours is not None and ours.instance == self._instance and ours.slot.grid != self._grid

    def _keep(self, row: ConditionalRow) -> _Held:
        ours = ClientId.parse(row.intent.client_id)
        if ours is None:
            raise ValueError(f"{row.intent.client_id} is no id of a grid's stop")
        held = self._held[row.intent.client_id] = _Held(row, ours.slot, ours.attempt)
        return held

    def _adopted(self, order: ConditionalOrder, now: Moment) -> _Held | None:
        """Take in a stop of this grid that the books lack: the database is older than the account."""
        ours = ClientId.parse(order.client_id)
        if ours is None or (ours.instance, ours.slot.grid) != (self._instance, self._grid):
            return None
        return self._keep(ConditionalRow(intent=adopted(order, now.wall_ms)))

    def _move(
        self, held: _Held, status: ConditionalStatus, venue_order_id: int | None, now: Moment
    ) -> list[StopEffect]:
        """Enter a status; a late or repeated report of an earlier one is no news."""
        before = held.row
        status = status if _RANK[status] > _RANK[before.status] else before.status or status
        row = replace(
            before,
            status=status,
            venue_order_id=before.venue_order_id or venue_order_id,
            updated_ms=before.updated_ms if before.status is status else now.market_ms,
        )
        if status is ConditionalStatus.WAITING:
            self._stands_now(held.slot)
        if row == before:
            return []
        held.row = row
        return [RecordStops((row,))]

    def _stands_now(self, slot: Slot) -> None:
        self._troubles.pop(slot, None)
        self._waits_for_position.discard(slot)
        self._pause_s = FIRST_PAUSE_S

    def _wait(self, now: Moment) -> None:
        self._again_s = now.monotonic_s + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def _stands(self, slot: Slot) -> bool:
        return any(held.slot == slot and held.is_standing for held in self._held.values())

    def _newest_alive(self, slot: Slot) -> _Held | None:
        alive = [held for held in self._held.values() if held.slot == slot and held.row.status in _ALIVE]
        return alive[-1] if alive else None

    def _view(self, stop: Stop) -> StopView:
        held = [one for one in self._held.values() if one.slot == stop.slot]
        newest = self._newest_alive(stop.slot) or (held[-1] if held else None)
        row = newest.row if newest else None
        return StopView(
            client_id=row.intent.client_id if row else "",
            side=stop.slot.side,
            trigger_price=stop.trigger_price,
            status=row.status.value if row and row.status else "placing",
            trouble=self._troubles.get(stop.slot, ""),
        )
