"""The stop of a whole grid, which the venue itself holds: it stands whether this server lives or not.

Each is a conditional order that closes the position at market once the mark price reaches it. It is placed before the
grid's first order, looked up after every gap, placed anew where it vanished, and cancelled when the grid ends. Once
triggered it is an ordinary order under the same client id, whose fills are the grid's own.

Pure: no thread, clock or socket. A request whose outcome is not known is settled by a look-up, never sent again. One
that is told to wait though it was taken for gone, because it was not found, is asked about and believed then.
"""

from collections.abc import Iterable, Sequence
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
from domain.orders import Slot
from grid.held_stops import HeldStop, HeldStops
from grid.stop_patience import StopPatience
from grid.stops import CancelStop, LookUpStop, PlaceStop, ReadStops, Stop, StopEffect
from orders.cancel_pauses import CancelPauses
from orders.ledger import Ledger
from orders.positions import Legs
from ports.store import ConditionalRow

READ_EVERY_S: Final = 60.0
WOULD_TRIGGER: Final = -2021
"""The price stands beyond the stop already."""
NEEDS_POSITION: Final = -4509
"""Some venues take an order that closes a position only while there is one: until then there is nothing to protect."""
STANDS_ALREADY: Final = -4130
"""Another one that closes the position waits on that side: ours that arrived late, or somebody else's."""
_NO_ENTRIES: Final = "no new entries until it stands"


class Protection:
    """Sees to it that the wanted stops of one grid stand; what is known of them is in `held`."""

    def __init__(self, *, grid: int, instance: str, epoch: int, instrument: Instrument, stops: Sequence[Stop]) -> None:
        self.held = HeldStops(grid=grid, instance=instance, epoch=epoch, instrument=instrument)
        self._stops = {stop.slot: stop for stop in stops}
        self._under_way: set[str] = set()  # placements and cancels that are not answered yet
        self._asked: set[str] = set()
        self._doubtful: set[str] = set()  # not listed, and not told yet what became of them
        self._cancel_pauses = CancelPauses()
        self._reading = False
        self._read_s: float | None = None
        self._was_read = False
        self._doubted_s = float("-inf")
        self._patience = StopPatience({stop.slot: stop.position_side for stop in stops})

    def restore(self, rows: Iterable[ConditionalRow]) -> None:
        """Take over what the store holds; the venue is asked before anything is decided on it."""
        for row in rows:
            self.held.keep(row)

    # --- judged by ---

    @property
    def is_used(self) -> bool:
        return bool(self._stops) or any(True for _ in self.held)

    @property
    def holds_back(self) -> str:
        """Return why no order may leave now; empty while it is known which stops stand."""
        is_known = self._was_read and not self._doubtful
        return "" if is_known or not self._stops else "reading the grid's stops at the exchange"

    @property
    def keeps_entries(self) -> str:
        """Return why no entry may leave now; empty while every stop stands for which there is something to protect."""
        patience = self._patience
        lacking = [slot for slot in self._stops if not self.held.stands(slot)]
        missing = [slot for slot in lacking if not patience.waits_for_position(slot)]
        if not missing:
            return ""
        told = patience.troubles.get(missing[0])
        return f"{told}; {_NO_ENTRIES}" if told else f"the grid's stop is being placed at the exchange; {_NO_ENTRIES}"

    @property
    def is_quiet(self) -> bool:
        """Tell whether no answer is awaited and nothing is in doubt."""
        return not (self._under_way or self._asked or self._reading or self._doubtful)

    def shown(self) -> tuple[StopView, ...]:
        """Return each stop as it stands."""
        return tuple(self._view(stop) for stop in self._stops.values())

    # --- facts in ---

    def doubt(self, since_s: float) -> None:
        """Note that something may have been missed: what waits is read, from `since_s` (monotonic) on, before all."""
        self._was_read, self._doubted_s = False, max(since_s, self._doubted_s)

    def note_orders(self, ledger: Ledger, now: Moment) -> list[StopEffect]:
        """Take the orders that the ledger has for proof that their stops were reached."""
        return [*self.held.proven(ledger, now)]

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
                self._patience.wait(now.monotonic_s)
                return []
        held = self.held.get(event.client_id)
        return [] if held is None else self._answered(event, held, now)

    # --- what is to be done ---

    def step(self, now: Moment, *, is_over: bool, position: Legs) -> list[StopEffect]:
        """Return what is due.

        Args:
            now: when.
            is_over: the grid has nothing left to protect, so that its stops go.
            position: what is held, by side.
        """
        self._patience.note(position)
        if not self._patience.is_over(now.monotonic_s):
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
            return [*effects, *self._cancels(self.held, now)]
        surplus = [it for it in self.held if it.slot not in self._stops or self.held.is_surplus(it)]
        effects += self._cancels(surplus, now)
        if self.held.reached is None and not self._doubtful:
            effects += [effect for slot in self._missing() for effect in self._place(self._stops[slot], now)]
        return effects

    def _missing(self) -> list[Slot]:
        """Return the slots in which none stands or is being placed, though the venue would take one."""
        newest = {slot: self.held.newest(slot) for slot in self._stops}
        lacking = [slot for slot, held in newest.items() if held is None or not held.is_alive]
        return [slot for slot in lacking if not self._patience.waits_for_position(slot)]

    def _place(self, stop: Stop, now: Moment) -> list[StopEffect]:
        held, stored = self.held.begin(stop, now)
        self._under_way.add(held.client_id)
        return [stored, PlaceStop(held.row.intent)]

    def _cancels(self, those: Iterable[HeldStop], now: Moment) -> list[StopEffect]:
        standing = [held.client_id for held in those if held.is_standing and held.client_id not in self._under_way]
        ids = [client_id for client_id in standing if not self._cancel_pauses.hold(client_id, now.monotonic_s)]
        self._under_way.update(ids)
        return [CancelStop(client_id) for client_id in ids]

    def _look_up(self, client_id: str) -> list[StopEffect]:
        held = self.held.get(client_id)
        if held is None or client_id in self._asked:
            return []
        self._asked.add(client_id)
        return [LookUpStop(client_id, held.row.intent.created_ms)]

    # --- single events ---

    def _reported(self, order: ConditionalOrder, now: Moment) -> list[StopEffect]:
        held = self.held.get(order.client_id) or self.held.adopt(order, now)
        if held is None:
            return []
        status, was_asked = order.status, order.client_id in self._asked
        for waiting in (self._under_way, self._asked, self._doubtful):
            waiting.discard(order.client_id)
        held.heard_s = now.monotonic_s
        if status is ConditionalStatus.WAITING and held.is_gone and not was_asked:
            self._doubtful.add(order.client_id)
            return self._look_up(order.client_id)
        if status is ConditionalStatus.WAITING and held.is_gone:
            effects: list[StopEffect] = [self.held.bring_back(held, now)]
        else:
            had_nothing = status is ConditionalStatus.EXPIRED and held.row.status is ConditionalStatus.TRIGGERED
            status = ConditionalStatus.REJECTED if had_nothing else status  # reached, with nothing to close
            effects = [*self.held.move(held, status, order.venue_order_id, now)]
        if held.is_standing:
            self._patience.stands(held.slot)
        return effects

    def _listed(self, event: ConditionalsRead, now: Moment) -> list[StopEffect]:
        self._reading = False
        if event.started_s < self._doubted_s:  # something may lie between: it is read once more
            return []
        self._was_read, self._read_s = True, now.monotonic_s
        self._patience.answered()
        effects: list[StopEffect] = [CancelStop(it.client_id) for it in event.orders if self.held.is_left_behind(it)]
        for order in event.orders:
            held = self.held.get(order.client_id)
            if held is None or not held.is_gone or held.heard_s < event.started_s:
                effects += self._reported(order, now)
        listed = {order.client_id for order in event.orders}
        for held in self.held:
            open_still = held.is_alive or held.row.status is ConditionalStatus.TRIGGERED
            if open_still and held.heard_s < event.started_s and held.client_id not in listed | self._under_way:
                self._doubtful.add(held.client_id)
        return effects

    def _answered(
        self,
        event: OrderRefused | OrderNotSent | OutcomeUnknown | OrderAbsent | CancelRefused,
        held: HeldStop,
        now: Moment,
    ) -> list[StopEffect]:
        self._under_way.discard(event.client_id)
        match event:
            case OrderRefused(code=code) if code == WOULD_TRIGGER:
                return [*self.held.move(held, ConditionalStatus.REJECTED, None, now)]
            case OrderRefused(code=code, message=message):
                if code == STANDS_ALREADY:
                    self.doubt(now.monotonic_s)
                why = f"the exchange refuses the grid's stop: {message} ({code})"
                return self._never_was(held, why, now, needs_position=code == NEEDS_POSITION)
            case OrderNotSent(message=message):
                return self._never_was(held, f"the grid's stop could not be sent: {message}", now)
            case OrderAbsent():
                self._asked.discard(event.client_id)
                self._doubtful.discard(event.client_id)
                return [*self.held.move(held, ConditionalStatus.CANCELED, None, now)]
        if isinstance(event, CancelRefused):
            self._cancel_pauses.begin(event.client_id, now.monotonic_s)
        self._doubtful.add(event.client_id)
        return self._look_up(event.client_id)

    def _never_was(self, held: HeldStop, why: str, now: Moment, *, needs_position: bool = False) -> list[StopEffect]:
        """Enter that a placement, or else a cancel, came to nothing."""
        self._patience.refused(held.slot, why, needs_position=needs_position)
        self._patience.wait(now.monotonic_s)
        if held.row.status is not None:
            return []
        held.was_refused = True
        return [*self.held.move(held, ConditionalStatus.CANCELED, None, now)]

    def _view(self, stop: Stop) -> StopView:
        newest = self.held.newest(stop.slot)
        row = newest.row if newest else None
        return StopView(
            client_id=row.intent.client_id if row else "",
            side=stop.slot.side,
            trigger_price=stop.trigger_price,
            status=row.status.value if row and row.status else "placing",
            trouble=self._patience.troubles.get(stop.slot, ""),
        )
