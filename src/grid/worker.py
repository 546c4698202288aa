"""One grid at work: events in, effects out. No thread, no clock, no socket.

The same object runs under the live shell (`grid.runner`) and under an event heap in tests and chaos runs.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from domain.events import (
    ContractStands,
    CountdownStands,
    FeeEvent,
    FeeNotPriced,
    FeePriced,
    FundingEvent,
    FundingNotRead,
    FundingRead,
    Moment,
    OpenOrdersRead,
    OrderEvent,
    OrderReported,
    PriceSeen,
    RulesChanged,
    StreamLost,
    StreamResumed,
    TimerFired,
)
from domain.futures import FundingPayment
from domain.grids import Books, GridSnapshot, GridStatus, OnStop, OrderView, Phase
from domain.instrument import InstrumentRules, Market
from domain.money import plain
from domain.orders import FeeValue, Fill, Role, Slot, Status, VenueOrder
from grid.market_view import MarketView
from grid.money import GridMoney
from grid.pauses import PauseRequested, RequestedPause, ResumeRequested, on_stop_of
from grid.protection import Protection
from grid.state import GridState
from grid.stops import StopEffect, StopTold, became
from grid.surroundings import Surroundings
from orders.desk import OrderDesk
from orders.effects import OrderEffect
from orders.life_cycle import Order
from orders.position_check import PositionCheck
from orders.reconciler import reconcile
from orders.wanted import WantedOrder
from ports.store import EquityRow, GridRow
from risk.gate import RiskGate


@dataclass(frozen=True, slots=True)
class StopRequested:
    """End the grid for good."""

    on_stop: OnStop


@dataclass(frozen=True, slots=True)
class ShutdownRequested:
    """The server stops: take the orders off the book; the grid itself goes on at the next start."""


@dataclass(frozen=True, slots=True)
class SavePhase:
    """Commit the grid's state of life. `on_stop` is a person's standing word, None leaves what is stored."""

    status: GridStatus
    phase: Phase
    reason: str
    on_stop: str | None
    ended_ms: int | None


@dataclass(frozen=True, slots=True)
class SaveEquity:
    row: EquityRow


@dataclass(frozen=True, slots=True)
class Finished:
    """The worker has nothing left to do; its thread may end."""


Request = StopRequested | PauseRequested | ResumeRequested | ShutdownRequested
WorkerEvent = (
    OrderEvent
    | RulesChanged
    | FeeEvent
    | FundingEvent
    | PriceSeen
    | ContractStands
    | CountdownStands
    | StopTold
    | TimerFired
    | Request
)
Effect = OrderEffect | StopEffect | SavePhase | SaveEquity | Finished


class GridWorker:
    """Decides for one grid on one instrument."""

    def __init__(
        self,
        *,
        row: GridRow,
        rules: InstrumentRules,
        state: GridState,
        desk: OrderDesk,
        protection: Protection,
        gate: RiskGate,
        equity_every_ms: int,
        max_price_age_s: float,
    ) -> None:
        self._row = row
        self._rules = rules
        self._desk = desk
        self._protection = protection
        self._gate = gate
        self._state = state
        self._money = GridMoney(row.plan, rules, row.started_ms)
        self._position = PositionCheck(row.instrument)
        self._equity_every_ms = equity_every_ms
        self._market = MarketView(rules, max_price_age_s)
        self._last_fill: Fill | None = None
        self._on_stop = on_stop_of(row.on_stop)
        self._pause = RequestedPause(row.on_stop)
        self._shutting_down = False
        self._ended_ms = row.ended_ms
        self._saved = (row.status, row.phase, row.phase_reason)
        self._phase, self._reason = Phase.STARTING, "reading the account"
        if row.ended_ms is not None:
            self._phase, self._reason = Phase.ENDED, row.phase_reason
        self._last_mark = row.plan.start_price
        self._equity_ms: int | None = None
        self._updated_ms = row.started_ms
        self._resumed = False
        self._aimed: list[WantedOrder] = []
        self._around = Surroundings()
        self._awaits = ""  # what keeps a grid from ending whose orders are settled

    # --- life ---

    def restore(
        self,
        fills: tuple[Fill, ...],
        fee_values: tuple[FeeValue, ...] = (),
        last_mark: Decimal | None = None,
        payments: tuple[FundingPayment, ...] = (),
    ) -> None:
        """Take over the fills, values of fees and funding the store holds; the desk was restored before.

        `last_mark` is the price the grid was last marked at; it stands in until a price arrives.
        """
        self._last_mark = last_mark or self._last_mark
        for fill in fills:
            self._book(fill)
        self._money.restore(fee_values, payments)
        self._resumed = bool(fills) or bool(self._desk.ledger.unsettled())
        self._set_inventory()

    def handle(self, event: WorkerEvent, now: Moment) -> list[Effect]:
        """Take in one event and return what is to be done, in this order."""
        effects: list[Effect] = []
        match event:
            case PriceSeen():
                had_price = self._market.fresh_price(now) is not None
                self._market.hear(event)
                if had_price:
                    return []
            case TimerFired():
                effects += self._on_timer(now)
            case RulesChanged() | StreamLost(kind="market"):
                self._market.hear(event)
            case FeePriced() | FeeNotPriced() | FundingRead() | FundingNotRead():
                effects += self._money.learn(event, now)
            case ContractStands() | CountdownStands():
                self._around.hear(event)
            case StopTold(event=told):
                effects += self._protection.hear(told, now)
            case StopRequested() | PauseRequested() | ResumeRequested() | ShutdownRequested():
                effects += self._asked(event, now)
            case _:
                effects += self._on_orders(event, now)
        effects += self._protect(now)
        if self._may_act:
            self._aimed = self._wanted()
            effects += self._desk.aim(self._aimed, now, self._market.price(now))
        self._updated_ms = now.market_ms
        return effects + self._phase_effects(now)

    def _asked(self, event: Request, now: Moment) -> list[Effect]:
        match event:
            case StopRequested(on_stop=on_stop):
                self._on_stop = on_stop
            case PauseRequested() | ResumeRequested():
                return self._hear_of_pause(event, now)
            case ShutdownRequested():
                self._shutting_down = True
        return []

    def _hear_of_pause(self, event: PauseRequested | ResumeRequested, now: Moment) -> list[Effect]:
        """Take in a person's word, which is stored before anything follows from it; a grid that ends heeds none."""
        if self._on_stop is not None or self._ended_ms is not None or not self._pause.hear(event):
            return []
        self._phase, self._reason = self._judge_phase(now)
        return [self._save_phase()]

    def _protect(self, now: Moment) -> list[Effect]:
        """See to the grid's stops at the venue; one that was reached ends the grid."""
        protection, ledger = self._protection, self._desk.ledger
        if not protection.is_used:
            return []
        effects: list[Effect] = [*protection.note_orders(ledger, now)]
        if protection.reached is not None and self._on_stop is None:
            self._on_stop = OnStop.UNWIND
        for row in protection.unfound(ledger):
            presumed = became(row, self._money.position)
            effects += self._desk.find(row.intent.client_id, row.intent.created_ms, presumed)
        if not self._shutting_down:
            effects += protection.step(now, is_over=self._is_finished())
        self._desk.expect(protection.expected(now))
        return effects

    def _on_timer(self, now: Moment) -> list[Effect]:
        effects: list[Effect] = []
        effects += self._desk.on_timer(now, self._market.fresh_price(now), self._market.take_span())
        effects += self._equity(now)
        effects += self._money.questions(now, refresh=True)
        if self._position.wants_reading(self._money.position, now.monotonic_s):
            effects += self._desk.read_whole()
        return effects

    def _on_orders(self, event: OrderEvent, now: Moment) -> list[Effect]:
        if isinstance(event, StreamLost | StreamResumed):
            self._protection.doubt()
        news = self._desk.on(event, now)
        for fill in news.fills:
            self._book(fill)
        if news.fills:
            self._set_inventory()
        self._desk.update_gate()
        if isinstance(event, OpenOrdersRead):
            self._around.hear(event)
            self._compare_positions(event, now)
        elif isinstance(event, OrderReported) and self._was_taken_off(event.order):
            self._position.taken_off(now.monotonic_s)
        return [*news.effects, *self._money.questions(now, refresh=False)]

    def _was_taken_off(self, order: VenueOrder) -> bool:
        """Tell whether a resting order on a contract ended by somebody else's will."""
        if self._row.instrument.market is not Market.FUTURES or order.client_id not in self._desk.ledger:
            return False
        ours = self._desk.ledger[order.client_id]
        has_ended = order.status in (Status.CANCELED, Status.EXPIRED)
        return has_ended and not ours.cancel_sent and ours.intent.slot.role is Role.RUNG

    def _compare_positions(self, event: OpenOrdersRead, now: Moment) -> None:
        protection = self._protection
        is_settled = protection.is_quiet and protection.is_settled(self._desk.ledger)
        is_quiet = self._desk.synced and not self._desk.in_flight and is_settled
        others = (*event.foreign_fills, *(fill for fill in event.fills if fill.client_id not in self._desk.ledger))
        event = replace(event, foreign_fills=others)
        alarm = self._position.judge(event, self._money.position, is_quiet=is_quiet, now_s=now.monotonic_s)
        if alarm:
            self._desk.alarm(alarm)

    @property
    def is_idle(self) -> bool:
        """Tell whether no answer is awaited: a replay's market may move on."""
        in_flight = self._desk.in_flight or not self._protection.is_quiet
        return self._desk.synced and not in_flight and self._market.last is not None

    @property
    def _may_act(self) -> bool:
        """Tell whether orders may leave: not while the venue halts the symbol, but for a stop that only cancels.

        With books in doubt, or a contract that is not traded as planned, nothing moves until a person sees to it; with
        a position in doubt until it is read once more.
        """
        if not self._market.is_trading and self._on_stop in (None, OnStop.UNWIND):
            return self._shutting_down
        if self._is_ending:
            return True
        return not (
            self._desk.alarms
            or self._around.contract.trouble
            or self._position.doubt(self._money.position)
            or self._protection.holds_back
        )

    @property
    def _is_ending(self) -> bool:
        return self._on_stop is not None or self._shutting_down

    # --- decision ---

    def _wanted(self) -> list[WantedOrder]:
        """Return what should exist; orders that stops became are left to end by themselves."""
        return [*self._wanted_rungs(), *self._protection.fired(self._desk.ledger)]

    def _wanted_rungs(self) -> list[WantedOrder]:
        if self._shutting_down or self._on_stop is OnStop.CANCEL or self._ended_ms is not None:
            return []
        if self._on_stop is OnStop.UNWIND:
            return self._state.wanted_unwind() if self._protection.is_settled(self._desk.ledger) else []
        wanted = self._pause.allowed(self._state.wanted())
        return [order for order in wanted if order.is_exit] if self._money.alarm else wanted

    def _book(self, fill: Fill) -> None:
        slot = self._desk.ledger[fill.client_id].intent.slot
        self._last_fill = fill
        try:
            self._state.apply(slot, fill)
            lane = self._state.lane(slot)
        except ValueError as error:  # an order adopted from another life of the books: the money counts all the same
            self._desk.alarm(f"trade {fill.trade_id} fits no rung of this grid: {error}")
            lane = -1
        self._money.book(fill, lane)

    def _set_inventory(self) -> None:
        self._gate.set_inventory(self._row.grid_id, abs(self._money.inventory_cost))

    # --- phase ---

    def _phase_effects(self, now: Moment) -> list[Effect]:
        finished = self._is_finished()
        self._awaits = self._still_awaits(now) if finished and not self._shutting_down else ""
        finished = finished and not self._awaits
        if finished and not self._shutting_down and self._ended_ms is None:
            self._ended_ms = now.market_ms
        self._phase, self._reason = self._judge_phase(now)
        effects: list[Effect] = []
        if self._saved != (self._status(), self._phase.value, self._reason) and not self._shutting_down:
            effects.append(self._save_phase())
        if finished:
            self._gate.set_inventory(self._row.grid_id, Decimal(0))
            effects.append(Finished())
        return effects

    def _save_phase(self) -> SavePhase:
        status = self._status()
        self._saved = (status, self._phase.value, self._reason)
        return SavePhase(status, self._phase, self._reason, self._on_stop or self._pause.word, self._ended_ms)

    def _still_awaits(self, now: Moment) -> str:
        stops = "" if self._protection.is_gone else "its stop to be taken off the exchange"
        return self._money.still_awaits(now) or stops

    def _is_finished(self) -> bool:
        if not self._protection.is_settled(self._desk.ledger):
            return False
        if self._on_stop is OnStop.KEEP:
            return not self._desk.in_flight
        if not self._is_ending:
            return False
        possible = [order for order in self._wanted() if order.slot not in self._desk.placing.faulted]
        return self._desk.synced and not self._desk.ledger.unsettled() and not possible

    def _judge_phase(self, now: Moment) -> tuple[Phase, str]:
        if self._ended_ms is not None:
            return Phase.ENDED, self._why_ended()
        if self._desk.alarms:
            return Phase.FAULTED, self._desk.alarms[-1]
        if self._on_stop is not None:
            reached = self._protection.reached
            waits = f"; waiting for {self._awaits}" if self._awaits else ""
            why = f"its stop at {plain(reached)} was reached" if reached else f"stop requested ({self._on_stop})"
            return Phase.STOPPING, f"{why}{waits}"
        phase, reason = self._judge_trading(now)
        if self._pause.keep is None:
            return phase, reason
        return Phase.PAUSED, self._pause.reason("" if phase is Phase.TRADING else reason)

    def _judge_trading(self, now: Moment) -> tuple[Phase, str]:
        """Tell how a grid fares that goes on, whatever a person said of pausing."""
        missing = self._missing_fact(now)
        if missing is not None:
            return missing
        doubt = self._position.doubt(self._money.position) or self._around.contract.trouble or self._money.alarm
        if doubt:
            return Phase.PAUSED, doubt
        if self._desk.placing.pause.reason:
            return Phase.PAUSED, f"the venue takes no orders now: {self._desk.placing.pause.reason}"
        reasons = self._desk.placing.gate_reasons
        if reasons:
            return Phase.PAUSED, f"the risk gate refuses {len(reasons)} order(s): {next(iter(reasons.values()))}"
        if self._state.is_entering and self._pause.keep is None:
            return Phase.ENTERING, "taking the position that the rungs on the other side begin with"
        return Phase.TRADING, self._given_up_reason()

    def _why_ended(self) -> str:
        reached = self._protection.reached
        return (
            f"stopped by request ({self._on_stop})" if reached is None else f"stopped by its stop at {plain(reached)}"
        )

    def _given_up_reason(self) -> str:
        given_up, waiting = self._given_up(), self._desk.placing.off_band
        if given_up:
            return f"{len(given_up)} order(s) given up, the last: {given_up[-1]}"
        why = next(iter(waiting.values()), "")
        return f"{len(waiting)} order(s) wait until the price is nearer to theirs: {why}" if waiting else ""

    def _given_up(self) -> tuple[str, ...]:
        return tuple(f"{self._shown_slot(slot)}: {reason}" for slot, reason in self._desk.placing.faulted.items())

    def _missing_fact(self, now: Moment) -> tuple[Phase, str] | None:
        if not self._market.is_trading:  # of a symbol that is gone the account may not even be readable
            return self._market.missing(now)
        if not self._desk.synced:
            first, lost = self._phase is Phase.STARTING, self._desk.user_stream_lost
            return Phase.STARTING if first else Phase.PAUSED, lost or "reading the account"
        stops = self._protection.holds_back
        if stops:
            return Phase.STARTING if self._phase is Phase.STARTING else Phase.PAUSED, stops
        return self._market.missing(now)

    def _status(self) -> GridStatus:
        if self._phase is Phase.ENDED:
            return GridStatus.STOPPED
        return GridStatus.ERROR if self._phase is Phase.FAULTED else GridStatus.RUNNING

    # --- shown and stored ---

    def _equity(self, now: Moment) -> list[Effect]:
        if self._market.last is None or not self._is_equity_due(now):
            return []
        self._equity_ms = now.market_ms
        books = self._shown_books(self._market.last.price)
        return [
            SaveEquity(
                EquityRow(
                    grid_id=self._row.grid_id,
                    time_ms=now.market_ms,
                    equity_change=plain(books.equity_change),
                    grid_profit=plain(books.grid_profit),
                    mark_price=plain(self._market.last.price),
                )
            )
        ]

    def _is_equity_due(self, now: Moment) -> bool:
        """Tell whether a row is due: a while after the last one, or at once after the clock stepped back."""
        if self._equity_ms is None:
            return True
        return not 0 <= now.market_ms - self._equity_ms < self._equity_every_ms

    def _shown_books(self, mark: Decimal) -> Books:
        return self._money.shown(mark, cycles=self._state.cycles, dust=self._state.dust)

    def _differences(self) -> tuple[str, ...]:
        """Return what the last decision wants and does not rest, and what rests beside it."""
        difference = reconcile(self._aimed, self._desk.ledger.unsettled())
        missing = [("wanted", order.slot) for order in difference.place]
        surplus = [("not wanted", order.intent.slot) for order in difference.cancel]
        return tuple(f"{why}: {self._shown_slot(slot)}" for why, slot in [*missing, *surplus])

    def _shown_slot(self, slot: Slot) -> str:
        return f"{slot.side.lower()} at {plain(self._rules.price(slot.price_ticks))}"

    def snapshot(self, now: Moment) -> GridSnapshot:
        """Return everything shown of this grid."""
        mark = self._market.last.price if self._market.last else self._last_mark
        return GridSnapshot(
            grid_id=self._row.grid_id,
            instrument=self._row.instrument,
            plan=self._row.plan,
            status=self._status(),
            phase=self._phase,
            phase_reason=self._reason,
            current_price=self._market.last.price if self._market.last else None,
            price_age_s=now.monotonic_s - self._market.last.arrived_s if self._market.last else None,
            open_orders=tuple(_view(order) for order in self._desk.ledger.unsettled()),
            books=self._shown_books(mark),
            last_fill=self._last_fill,
            faulted_slots=self._given_up(),
            alarms=(*self._desk.alarms, *filter(None, [self._money.alarm, self._money.notice]), *self._around.notices),
            resumed=self._resumed,
            recovery=self._desk.recovery.report(self._differences()),
            started_ms=self._row.started_ms,
            started_wall_ms=self._row.started_wall_ms,
            updated_ms=self._updated_ms,
            liquidation_price=self._around.contract.liquidation_price,
            foreign_orders=self._around.foreign_orders,
            stops=self._protection.shown(),
            paused=self._pause.keep if not self._on_stop and self._ended_ms is None else None,
            countdown_ms=self._around.countdown.runs_out_ms,
        )


def _view(order: Order) -> OrderView:
    intent = order.intent
    return OrderView(
        client_id=intent.client_id,
        venue_order_id=order.venue_order_id,
        side=intent.side,
        type=intent.type.lower(),
        price=intent.price,
        quantity=intent.quantity,
        executed_quantity=max(order.filled, order.executed),
        status=order.status,
        created_ms=intent.created_ms,
        reason=intent.reason,
    )
