"""How a grid is to go on by what was asked of it: whether it may act, what may rest, and when it has ended."""

from dataclasses import replace
from decimal import Decimal
from typing import Final

from domain.events import Moment
from domain.exit_terms import ExitAction
from domain.exits import ReachedExit
from domain.grids import OnStop, PauseKeep
from domain.orders import Role
from grid.contract_end import ContractEnd, Stage
from grid.edits import GridEdits
from grid.parts import GridParts
from grid.pauses import PauseRequested, RequestedPause, ResumeRequested, on_stop_of
from grid.waiting import Trigger, unmarked
from grid.worker_events import Request, ShutdownRequested, StopRequested
from orders.wanted import WantedOrder

_INSTEAD_OF_RESTING: Final = {OnStop.UNWIND: ExitAction.MARKET, OnStop.CANCEL: ExitAction.KEEP}
"""What a person may choose instead while the one order of a grid's own end rests."""


class GridLife:
    """Of one grid, as the store holds it at first. `awaits`: what keeps it from ending once its orders are settled."""

    def __init__(self, parts: GridParts) -> None:
        self._parts = parts
        stored = parts.row.on_stop
        self.pause = RequestedPause(stored)
        self.on_stop = on_stop_of(stored)
        self.trigger = Trigger(parts.row.plan, stored)
        self.exit = ReachedExit.of(unmarked(stored))
        self.edits = GridEdits(parts, self.pause)
        self.contract_end = ContractEnd(parts)
        self.shutting_down = False
        self.ended_ms = parts.row.ended_ms
        self.awaits = ""

    # --- what was asked ---

    def hear(self, request: Request) -> bool:
        """Take in a request; tell whether it is to be stored before anything follows from it.

        That is so of all that changes anything but a shutdown. A grid that ends heeds neither a pause nor its end.
        """
        match request:
            case StopRequested():
                return self._hear_stop(request)
            case PauseRequested() | ResumeRequested():
                return self.on_stop is None and self.ended_ms is None and self.pause.hear(request)
            case ShutdownRequested():
                self.shutting_down = True
        return False

    def _hear_stop(self, request: StopRequested) -> bool:
        """Take in how a person wants the grid to end.

        After a stop at the venue was reached nothing is left to choose: the rest goes too. After an end that the grid
        watched for itself what follows stands, but for an order that rests: that may be given up.
        """
        is_open = self.on_stop is None or not request.yields
        if self._parts.protection.held.reached is not None or not is_open:
            return False
        if self.exit is None:
            changes, self.on_stop = request.on_stop is not self.on_stop, request.on_stop
            return changes
        follows = _INSTEAD_OF_RESTING.get(request.on_stop)
        if follows is None or self.exit.action is follows or not self._may_be_given_up:
            return False
        self.exit = replace(self.exit, action=follows)
        self.on_stop = self.exit.on_stop
        return True

    @property
    def _may_be_given_up(self) -> bool:
        """Tell whether what follows of the grid's own end may still be chosen: its order rests, or is refused."""
        is_limit = self.exit is not None and self.exit.action is ExitAction.LIMIT
        return is_limit or bool(self._parts.desk.placing.cannot_unwind)

    def heeds(self, price: Decimal) -> bool:
        """Tell whether a price may begin or end the grid."""
        if not self.trigger.is_reached:
            return self.trigger.is_reached_at(price)
        watch = self._parts.exits
        return watch.is_used and self.on_stop is None and watch.touches(price)

    def heed_price(self, now: Moment) -> bool:
        """Begin or end the grid where the newest price says so; tell whether that is to be stored first.

        Nothing is decided on a stale price.
        """
        watch, price = self._parts.exits, self._parts.market.fresh_price(now)
        if price is None or self.is_ending or self.ended_ms is not None:
            return False
        began = not self.trigger.is_reached and self.trigger.is_reached_at(price.value)
        self.trigger.is_reached |= began
        if not self.trigger.is_reached or not watch.touches(price.value):
            return began
        desk, money = self._parts.desk, self._parts.money
        self.exit = watch.judged(
            price.value,
            desk.ledger.unsettled(),
            is_sure=money.is_told_all(now),
            is_sound=desk.synced and not (desk.alarms or money.alarm),
        )
        if self.exit is None:
            return began
        self.on_stop = self.exit.on_stop
        return True

    def heed_contract_end(self, now: Moment) -> bool:
        """End the grid before its contract ends, or because that was settled; tell whether it is to be stored first.

        One that ends already goes on to, but waits for no price any more.
        """
        end, before = self.contract_end, (self.on_stop, self.exit)
        end.look(now)
        if self.ended_ms is not None:
            return False
        is_flat = not self._parts.money.position  # until then more of the settlement is still to be told
        if end.settled_at is not None and is_flat and self.on_stop is not OnStop.KEEP:
            self.on_stop = OnStop.CANCEL  # nothing is held any more
        elif end.stage is Stage.UNWIND:
            self.on_stop = self.on_stop or OnStop.UNWIND
            if self.exit is not None and self.exit.action is ExitAction.LIMIT:
                self.exit = replace(self.exit, action=ExitAction.MARKET)
        return (self.on_stop, self.exit) != before

    def heed_stops(self) -> None:
        """End the grid where a stop of its own was reached, unless it is to end already."""
        if self._parts.protection.held.reached is not None and self.on_stop is None:
            self.on_stop = OnStop.UNWIND

    @property
    def word(self) -> str | None:
        """Return a person's standing word as it is stored; None leaves what is stored."""
        return self.trigger.marked(self.exit.word if self.exit else self.on_stop or self.pause.word)

    @property
    def paused(self) -> PauseKeep | None:
        """Return what a grid keeps resting that is paused by request, None of one that is not."""
        return self.pause.keep if self.on_stop is None and self.ended_ms is None else None

    @property
    def is_ending(self) -> bool:
        return self.on_stop is not None or self.shutting_down

    # --- what follows ---

    @property
    def may_act(self) -> bool:
        """Tell whether orders may leave: not while the venue halts the symbol, but for a stop that only cancels.

        With books in doubt, or a contract that is not traded as planned, nothing moves until a person sees to it; with
        a position in doubt until it is read once more.
        """
        parts = self._parts
        if not parts.market.is_trading and self.on_stop in (None, OnStop.UNWIND):
            return self.shutting_down
        if self.is_ending:
            return True
        return not (parts.desk.alarms or parts.contract_doubt or parts.protection.holds_back)

    def wanted(self) -> list[WantedOrder]:
        """Return what should exist; orders that stops became are left to end by themselves."""
        return [*self._wanted_rungs(), *self._parts.protection.held.fired(self._parts.desk.ledger)]

    def _wanted_rungs(self) -> list[WantedOrder]:
        parts = self._parts
        if self.shutting_down or self.on_stop is OnStop.CANCEL or self.ended_ms is not None:
            return []
        if self.on_stop is OnStop.UNWIND:
            return self._wanted_end() if parts.protection.held.is_settled(parts.desk.ledger) else []
        if self.on_stop is OnStop.KEEP:
            return self._resting_of(parts.state.wanted())
        if not self.trigger.is_reached:
            return []
        wanted = self.contract_end.allowed(parts.state.wanted())
        wanted = self.pause.allowed(self.edits.allowed(wanted, is_ending=self.is_ending))
        if parts.money.alarm:
            return [order for order in wanted if order.is_exit]
        return self._without_new_entries(wanted) if parts.protection.keeps_entries else wanted

    def _resting_of(self, wanted: list[WantedOrder]) -> list[WantedOrder]:
        """Leave out what does not rest yet: a grid that ends and keeps its orders places none."""
        there = {order.intent.slot for order in self._parts.desk.ledger.unsettled()}
        return [order for order in wanted if order.slot in there]

    def _wanted_end(self) -> list[WantedOrder]:
        """Return what closes all that is held; one order that rests waits until nothing more can be bought or sold."""
        state, ledger = self._parts.state, self._parts.desk.ledger
        if self.exit is None or self.exit.action is not ExitAction.LIMIT:
            return state.wanted_unwind()
        are_off = all(order.intent.slot.role is Role.UNWIND for order in ledger.unsettled())
        return state.wanted_unwind(self.exit.price) if are_off else []

    def _without_new_entries(self, wanted: list[WantedOrder]) -> list[WantedOrder]:
        """Leave out entries that do not rest yet; what rests is not taken off for a stop that is being placed anew."""
        there = {order.intent.slot for order in self._parts.desk.ledger.unsettled()}
        return [order for order in wanted if order.is_exit or order.slot in there]

    # --- its end ---

    @property
    def has_settled(self) -> bool:
        """Tell whether a grid that ends has no order left, none to place, and knows the fate of each."""
        parts = self._parts
        if not parts.protection.held.is_settled(parts.desk.ledger):
            return False
        if self.is_ending and self._is_beyond_reach:  # nobody tells more; the books stay as they are
            return True
        if self.on_stop is OnStop.KEEP:
            return parts.desk.synced and not parts.desk.in_flight
        if not self.is_ending:
            return False
        placing = parts.desk.placing
        possible = [order for order in self.wanted() if order.slot not in placing.faulted | placing.misfits]
        return parts.desk.synced and not parts.desk.ledger.unsettled() and not possible

    @property
    def _is_beyond_reach(self) -> bool:
        return self._parts.market.is_gone and self._parts.desk.cannot_read

    def end_if_done(self, now: Moment) -> bool:
        """Tell whether nothing is left to do; a grid that was to end for good has ended then."""
        has_settled = self.has_settled
        if self.shutting_down:
            self.awaits = ""
            return has_settled
        self.awaits = self._still_awaits(now) if has_settled else ""
        is_done = has_settled and not self.awaits
        if is_done and self.ended_ms is None:
            self.ended_ms = now.market_ms
        return is_done

    def _still_awaits(self, now: Moment) -> str:
        is_over = self._parts.protection.held.is_gone or self._is_beyond_reach
        stops = "" if is_over else "its stop to be taken off the exchange"
        return self._parts.money.still_awaits(now) or stops
