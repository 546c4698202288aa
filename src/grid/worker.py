"""One grid at work: events in, effects out. No thread, no clock, no socket.

The same object runs under the live shell (`grid.runner`) and under an event heap in tests and chaos runs.
"""

from collections import deque
from dataclasses import replace
from decimal import Decimal

from domain.events import (
    ContractStands,
    CountdownStands,
    FeeNotPriced,
    FeePriced,
    FundingNotRead,
    FundingRead,
    Moment,
    OpenOrdersRead,
    OrderAbsent,
    OrderEvent,
    OrderReported,
    PriceSeen,
    RulesChanged,
    StreamLost,
    StreamResumed,
    TimerFired,
)
from domain.futures import FundingPayment
from domain.grids import GridSnapshot, Move
from domain.instrument import Market
from domain.orders import FeeValue, Fill, Role, Status, VenueOrder
from grid.grid_report import GridReport
from grid.life import GridLife
from grid.parts import GridParts
from grid.pauses import PauseRequested, ResumeRequested
from grid.phases import PhaseJudge
from grid.stops import StopTold, became
from grid.trailing import Trailing
from grid.worker_events import EditRequested, Effect, Finished, SaveMove, ShutdownRequested, StopRequested, WorkerEvent
from orders.effects import OrderEffect
from orders.settlement import SETTLED
from orders.wanted import WantedOrder


class GridWorker:
    """Decides for one grid on one instrument."""

    def __init__(self, parts: GridParts, *, equity_every_ms: int) -> None:
        self._parts = parts
        self._row = parts.row
        self._state = parts.state
        self._desk = parts.desk
        self._protection = parts.protection
        self._money = parts.money
        self._position = parts.position
        self._market = parts.market
        self._around = parts.around
        self._exits = parts.exits
        self._life = GridLife(parts)
        self._phases = PhaseJudge(parts, self._life)
        self._trailing = Trailing(parts, self._life)
        self._report = GridReport(parts, self._life, self._phases, self._trailing, equity_every_ms)
        self._aimed: list[WantedOrder] = []

    def restore(
        self,
        fills: tuple[Fill, ...],
        fee_values: tuple[FeeValue, ...] = (),
        last_mark: Decimal | None = None,
        payments: tuple[FundingPayment, ...] = (),
        moves: tuple[Move, ...] = (),
    ) -> None:
        """Take over the fills, values of fees, funding and moves the store holds; the desk was restored before.

        `last_mark` is the price the grid was last marked at; it stands in until a price arrives.
        """
        report = self._report
        report.last_mark = last_mark or report.last_mark
        waiting = deque(moves)
        for fill in fills:
            while waiting and waiting[0].after_trade < fill.trade_id:
                self._state.move(waiting.popleft())
            self._book(fill)
        while waiting:
            self._state.move(waiting.popleft())
        self._life.edits.restore(moves)
        self._money.restore(fee_values, payments)
        self._exits.hold(self._money.cash, self._money.base_held)
        report.resumed = bool(fills) or bool(self._desk.ledger.unsettled())
        self._set_inventory()

    # --- events in, effects out ---

    def handle(self, event: WorkerEvent, now: Moment) -> list[Effect]:
        """Take in one event and return what is to be done, in this order."""
        if isinstance(event, PriceSeen) and self._is_of_no_account(event, now):
            self._hear_price(event)
            return []
        effects = self._take_in(event, now)
        self._exits.hold(self._money.cash, self._money.base_held)
        if self._life.heed_price(now) | self._life.heed_contract_end(now):
            effects += self._phases.commit(now)
        effects += self._protect(now)
        return [*effects, *self._follow(now)]

    def _follow(self, now: Moment) -> list[Effect]:
        """Return what brings the orders to what is wanted now, and what is to be kept of it."""
        effects: list[Effect] = []
        if self._life.may_act:
            effects += [] if self._life.is_ending else self._life.edits.step(now)
            effects += self._trailing.step(now)
            self._aimed = self._trailing.wanted(self._life.wanted())
            sent = self._desk.aim(self._aimed, now, self._market.price(now))
            self._exits.sent(sent)
            effects += sent
        self._report.updated_ms = now.market_ms
        is_done = self._life.end_if_done(now)
        effects += self._phases.judge(now)
        if is_done:
            self._parts.gate.set_inventory(self._row.grid_id, Decimal(0))
            effects.append(Finished())
        return effects

    def _is_of_no_account(self, event: PriceSeen, now: Moment) -> bool:
        """Tell whether a price changes nothing.

        The first does, or one after a gap, or one that the ladder follows, or that begins or ends the grid, or that
        lets an order return to its rung.
        """
        is_heeded = self._trailing.heeds(event.price) or self._life.heeds(event.price)
        is_heeded = is_heeded or self._desk.concerns(event.price)
        return not is_heeded and self._market.fresh_price(now) is not None

    def _take_in(self, event: WorkerEvent, now: Moment) -> list[Effect]:
        effects: list[Effect] = []
        match event:
            case TimerFired():
                effects += self._on_timer(now)
            case PriceSeen():
                self._hear_price(event)
            case RulesChanged() | StreamLost(kind="market"):
                self._market.hear(event)
            case FeePriced() | FeeNotPriced() | FundingRead() | FundingNotRead():
                effects += self._money.learn(event, now)
            case ContractStands() | CountdownStands():
                self._around.hear(event)
            case EditRequested():
                effects += self._hear_edit(event, now)
            case StopTold(event=told):
                effects += self._protection.hear(told, now)
            case StopRequested() | PauseRequested() | ResumeRequested() | ShutdownRequested():
                if self._life.hear(event):
                    effects += self._phases.commit(now)
            case _:
                effects += self._on_orders(event, now)
        return effects

    def _hear_price(self, event: PriceSeen) -> None:
        self._market.hear(event)
        self._exits.price_came(event.market_ms)

    def _hear_edit(self, event: EditRequested, now: Moment) -> list[SaveMove]:
        """Take in a person's edit, unless the grid ends: then there is nothing to edit."""
        is_over = self._life.is_ending or self._life.ended_ms is not None
        return [] if is_over else self._life.edits.hear(event, now)

    def _on_timer(self, now: Moment) -> list[Effect]:
        effects: list[Effect] = []
        if not (self._market.is_gone and self._desk.cannot_read):
            effects += self._desk.on_timer(now, self._market.fresh_price(now), self._market.take_span())
        effects += self._report.equity(now)
        effects += self._money.questions(now, refresh=True)
        if self._position.wants_reading(self._money.position, now.monotonic_s):
            effects += self._desk.read_whole()
        return effects

    def _on_orders(self, event: OrderEvent, now: Moment) -> list[Effect]:
        if isinstance(event, StreamLost | StreamResumed) and event.kind == "user":
            told_s = event.at_s if isinstance(event, StreamResumed) else None
            self._protection.doubt(now.monotonic_s if told_s is None else told_s)
        news = self._desk.on(event, now)
        for fill in news.fills:
            self._book(fill)
        if news.fills:
            self._set_inventory()
        self._desk.update_gate()
        if isinstance(event, OpenOrdersRead):
            self._around.hear(event)
            news.effects += self._close_settled(event, now)
            news.effects += self._compare_positions(event, now)
        elif isinstance(event, OrderReported) and self._was_taken_off(event.order):
            self._position.taken_off(now.monotonic_s)
        effects: list[Effect] = [*news.effects]
        if isinstance(event, OrderAbsent) and event.client_id not in self._desk.ledger:
            effects += self._protection.held.order_absent(event.client_id, now)
        return [*effects, *self._money.questions(now, refresh=False)]

    def _protect(self, now: Moment) -> list[Effect]:
        """See to the grid's stops at the venue; one that was reached ends the grid."""
        protection, ledger, life = self._protection, self._desk.ledger, self._life
        if not protection.is_used or not life.trigger.is_reached:
            return []
        effects: list[Effect] = [*protection.note_orders(ledger, now)]
        life.heed_stops()
        for row in protection.held.unfound(ledger):
            presumed = became(row, self._money.position)
            effects += self._desk.find(row.intent.client_id, now.wall_ms, presumed)  # it may have appeared just now
        if not life.shutting_down and (self._market.is_trading or life.is_ending):
            effects += protection.step(now, is_over=life.has_settled, position=self._money.position)
        self._desk.expect(protection.held.expected(now))
        return effects

    # --- positions ---

    def _was_taken_off(self, order: VenueOrder) -> bool:
        """Tell whether a resting order on a contract ended by somebody else's will."""
        if self._row.instrument.market is not Market.FUTURES or order.client_id not in self._desk.ledger:
            return False
        ours = self._desk.ledger[order.client_id]
        has_ended = order.status in (Status.CANCELED, Status.EXPIRED)
        return has_ended and not ours.cancel_sent and ours.intent.slot.role is Role.RUNG

    def _close_settled(self, event: OpenOrdersRead, now: Moment) -> list[OrderEffect]:
        """Book what the venue closed itself because the contract ended."""
        news = self._desk.close_settled(event.foreign_fills, now)
        for fill in news.fills:
            self._book(fill)
        if news.fills:
            self._set_inventory()
            self._desk.update_gate()
        return news.effects

    def _compare_positions(self, event: OpenOrdersRead, now: Moment) -> list[OrderEffect]:
        protection = self._protection
        is_settled = protection.is_quiet and protection.held.is_settled(self._desk.ledger)
        is_quiet = self._desk.synced and not self._desk.in_flight and is_settled
        others = (*event.foreign_fills, *(fill for fill in event.fills if fill.client_id not in self._desk.ledger))
        event = replace(event, foreign_fills=others)
        alarm = self._position.judge(event, self._money.position, is_quiet=is_quiet, now_s=now.monotonic_s)
        if alarm:
            self._desk.alarm(alarm)
        return [it for disproved in self._position.disproved() for it in self._desk.withdraw(disproved)]

    # --- booking ---

    def _book(self, fill: Fill) -> None:
        intent = self._desk.ledger[fill.client_id].intent
        slot = intent.slot
        self._report.last_fill = fill
        self._exits.filled(fill)
        if intent.reason == SETTLED:
            self._life.contract_end.settled_at = fill.price
        try:
            self._state.apply(slot, fill)
            lane = self._state.lane(fill)
        except ValueError as error:  # an order adopted from another life of the books: the money counts all the same
            self._desk.alarm(f"trade {fill.trade_id} fits no rung of this grid: {error}")
            lane = -1
        self._money.book(fill, lane)

    def _set_inventory(self) -> None:
        self._parts.gate.set_inventory(self._row.grid_id, abs(self._money.inventory_cost))

    # --- shown ---

    @property
    def is_idle(self) -> bool:
        """Tell whether no answer is awaited: a replay's market may move on."""
        in_flight = self._desk.in_flight or not self._protection.is_quiet
        return self._desk.synced and not in_flight and self._market.last is not None

    def snapshot(self, now: Moment) -> GridSnapshot:
        """Return everything shown of this grid."""
        return self._report.snapshot(now, self._aimed)
