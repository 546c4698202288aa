"""What must hold at every moment, checked from outside: at the venue, and at what was committed."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from chaos.ends import reached
from chaos.venue import Change
from domain.futures import FundingPayment
from domain.grids import Move, MoveKind
from domain.orders import Fill, Intent, Role, Slot, Status
from grid.core.ladder_numbers import LadderNumbers
from grid.pauses import on_stop_of
from grid.state import GridState
from grid.trailing import is_left_behind
from grid.waiting import unmarked, was_reached
from orders.client_ids import ClientId
from orders.intake import ADOPTED
from orders.life_cycle import ENDED
from orders.wanted import SlotMeaning, SpotSlots
from ports.store import OrderRow, Store, StoreFailed


class Violated(Exception):
    """Something that must never happen has happened; the text says what."""


class Witness:
    """Follows every commit and every change at the venue.

    Args:
        instance: whose orders are watched.
    """

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._arrived: set[str] = set()
        self._intents: dict[str, Status] = {}
        self._fills: dict[int, Fill] = {}
        self._payments: dict[int, FundingPayment] = {}
        self._moves: list[Move] = []
        self._live: dict[str, Slot] = {}
        self._rolled_back = False
        self._word = ""
        self.slots: SlotMeaning = SpotSlots()
        self.ladder: LadderNumbers | None = None  # of a grid that follows the price
        self.waits = False  # of a grid that sends nothing before its trigger price
        self.is_asked_to_stop = False
        self.violation = ""

    def violated(self, text: str) -> None:
        """Keep the first thing that went wrong."""
        self.violation = self.violation or text

    def failed(self, error: Exception) -> None:
        """Judge a failure of the worker: only a store that fails is no mistake of its own."""
        if not isinstance(error, StoreFailed):
            self.violated(f"the worker failed: {type(error).__name__}: {error}")

    # --- the venue ---

    def arrived(self, intent: Intent) -> None:
        """Judge a request that reaches the venue."""
        if intent.client_id in self._arrived:
            self.violated(f"{intent.client_id} was sent twice")
        if intent.client_id not in self._intents and not self._rolled_back:
            self.violated(f"{intent.client_id} was sent and its intent is not stored")
        self._arrived.add(intent.client_id)

    def changed(self, change: Change) -> None:
        """Judge what became of an order."""
        client_id = change.order.client_id
        ours = ClientId.parse(client_id)
        if ours is None or ours.instance != self._instance:
            return
        if not change.order.is_open:
            self._live.pop(client_id, None)
            return
        self._live[client_id] = ours.slot
        doubled = [slot for slot, count in Counter(self._live.values()).items() if count > 1]
        if doubled:
            both = [live for live, slot in self._live.items() if slot == doubled[0]]
            self.violated(f"two live orders in one slot: {', '.join(both)}")

    # --- the database ---

    def power_was_lost(self) -> None:
        """Expect commits to be missing at the next opening."""
        self._rolled_back = True

    def opened(self, store: Store, grid_id: int) -> None:
        """Compare what a new life finds with what the old ones committed."""
        intents = {row.intent.client_id: row.status for row in store.orders(grid_id)}
        fills = {fill.trade_id: fill for fill in store.fills(grid_id)}
        payments = {payment.id: payment for payment in store.funding(grid_id)}
        moves = list(store.moves(grid_id))
        found, kept = (intents, fills, payments, moves), (self._intents, self._fills, self._payments, self._moves)
        if not self._rolled_back and found != kept:
            self.violated("the database does not hold what was committed")
        self._rolled_back = False
        (row,) = [row for row in store.grids() if row.grid_id == grid_id]
        self._word = row.on_stop or ""
        self._intents, self._fills, self._payments, self._moves = intents, fills, payments, moves

    def said(self, on_stop: str | None) -> None:
        """Take in a standing word that was just committed; how the grid ended by itself is said once."""
        if on_stop is None:
            return
        before, after = reached(self._word), reached(on_stop)
        if before is not None and (after is None or replace(after, action=before.action) != before):
            self.violated(f"the grid ended by {self._word} and then by {on_stop}")
        self._word = on_stop

    @property
    def word(self) -> str:
        """Return the standing word that is stored."""
        return self._word

    def committed(self, intents: Sequence[Intent]) -> None:
        """Judge what is about to be sent."""
        for intent in intents:
            if not self._may_be_placed(intent):
                self.violated(f"{intent.client_id} is to be placed though what is stored forbids it")
            self._intents[intent.client_id] = Status.CREATED

    def _may_be_placed(self, intent: Intent) -> bool:
        """Tell whether the standing word that is stored, if any, allows an order.

        What ends the grid is not held up by a pause, but stored before: a person's word, or why it ended by itself;
        then nothing else is placed. Before the trigger of a grid that waits is stored, nothing is at all. An order that
        is adopted left before: power loss may have taken both it and the word that let it go.
        """
        word = unmarked(self._word) or ""
        if intent.reason == ADOPTED:
            return True
        if self.waits and not was_reached(self._word):
            return False
        if intent.slot.role is Role.UNWIND:
            return self.is_asked_to_stop or on_stop_of(word) is not None
        if reached(word) is not None:
            return False
        return not word.startswith("pause:") or (word == "pause:exits" and self.slots.is_exit(intent.slot))

    def booked(self, rows: Sequence[OrderRow], fills: Sequence[Fill]) -> None:
        """Judge what was just committed."""
        for row in rows:
            client_id = row.intent.client_id
            self._intents[client_id] = row.status
            if row.status in ENDED and client_id in self._live:
                self.violated(f"{client_id} rests at the venue and is stored as {row.status}")
        for fill in fills:
            if fill.trade_id in self._fills:
                self.violated(f"trade {fill.trade_id} was booked twice")
            self._fills[fill.trade_id] = fill

    def paid(self, payments: Sequence[FundingPayment]) -> None:
        """Judge what was just committed of funding."""
        for payment in payments:
            if payment.id in self._payments:
                self.violated(f"funding payment {payment.id} was booked twice")
            self._payments[payment.id] = payment

    def moved(self, move: Move) -> None:
        """Judge a change of the ladder that was just committed: nothing it leaves behind may rest at the venue."""
        self._moves.append(move)
        if move.kind is MoveKind.EDIT and isinstance(self.slots, GridState):
            self._edited(self.slots, move)
        if self.ladder is None:
            return
        first = json.loads(move.data)["first"]
        left = [client_id for client_id, slot in self._live.items() if is_left_behind(slot, self.ladder, first)]
        if left:
            self.violated(f"the ladder moved while {', '.join(left)} rested, which it leaves behind")

    def _edited(self, state: GridState, move: Move) -> None:
        state.move(move)
        left = [client_id for client_id, slot in self._live.items() if slot.price_ticks not in state.ladder.prices]
        if left:
            self.violated(f"the ladder was edited while {', '.join(left)} rested, which stands on no rung of it")

    @property
    def moves(self) -> Sequence[Move]:
        """Return the committed moves of the ladder, oldest first."""
        return self._moves

    @property
    def payments(self) -> dict[int, FundingPayment]:
        """Return the committed payments by id."""
        return self._payments

    @property
    def fills(self) -> dict[int, Fill]:
        """Return the committed fills by trade id, in the order of their booking."""
        return self._fills
