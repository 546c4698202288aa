"""The hands of one worker: they keep what it says is to be kept and send what it says is to be sent.

No thread and no queue: the thread around it is `grid.runner`, and chaos runs drive the same object from an event heap.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace

from domain.events import (
    ContractStands,
    CountdownStands,
    FeeEvent,
    FundingEvent,
    Moment,
    OrderEvent,
    OrderRefused,
    RulesChanged,
    TimerFired,
)
from domain.futures import FundingPayment
from domain.grids import GridSnapshot, Phase
from domain.instrument import InstrumentRules
from domain.money import plain
from domain.orders import Fill, Intent, Side, Status
from grid.assembly import build_worker
from grid.house import GridHouse
from grid.move_words import move_told
from grid.pauses import PauseRequested, ResumeRequested
from grid.stop_hands import StopHands
from grid.stops import CancelStop, LookUpStop, PlaceStop, ReadStops, RecordStops, StopTold
from grid.worker import GridWorker
from grid.worker_events import (
    EditRequested,
    Effect,
    Finished,
    SaveEquity,
    SaveMove,
    SavePhase,
    ShutdownRequested,
    StopRequested,
    WorkerEvent,
)
from orders.effects import (
    AskFeePrice,
    Cancel,
    DistrustStream,
    HoldsAllOrders,
    LookUp,
    ReadFunding,
    ReadOpen,
    ReadTrades,
    Record,
    RecordFeeValue,
    RecordFunding,
    StoreIntents,
    Submit,
    Tell,
)
from orders.intake import ADOPTED
from ports.store import GridRow, OrderRow
from risk.gate import RiskGate

log = logging.getLogger(__name__)

TIMER_S = 1.0
Kept = StoreIntents | Record | HoldsAllOrders | RecordFeeValue | RecordFunding | SavePhase | SaveMove | SaveEquity


class WorkerHost:
    """Builds one grid's worker from the store, gives it events and carries out what follows, in order.

    Where carrying out fails, the worker has to be dropped and built anew, as after a crash, so that nothing is
    carried on that might be half done.

    Args:
        answer: where the gateway's answers go; they come back through `handle`.
    """

    def __init__(
        self,
        row: GridRow,
        rules: InstrumentRules,
        house: GridHouse,
        answer: Callable[[OrderEvent | FeeEvent | FundingEvent | StopTold], None],
    ) -> None:
        self.row = row
        self.name = f"grid-{row.grid_id}-{row.instrument.base}{row.instrument.quote}-{row.instrument.market}"
        self.finished = False
        self._rules = rules
        self._house = house
        self._answer = answer
        self.stops = StopHands(row.grid_id, row.instrument, house.store, house.conditional, answer)
        self._worker: GridWorker | None = None
        self._request: StopRequested | ShutdownRequested | None = None
        self._pause: PauseRequested | ResumeRequested | None = None
        self._edit: EditRequested | None = None  # until it is stored
        self._told: dict[type, ContractStands | CountdownStands] = {}  # the newest of each
        self._timer_s = float("-inf")
        self._asked_to_cancel: set[str] = set()

    @property
    def is_open(self) -> bool:
        return self._worker is not None

    @property
    def is_idle(self) -> bool:
        """Tell whether the worker awaits no answer."""
        return self._worker is not None and self._worker.is_idle

    @property
    def timer_wait_s(self) -> float:
        """Return how long it is until the timer is due; not above 0 when it is."""
        return self._timer_s + TIMER_S - self._house.clock.monotonic_s()

    def open(self) -> None:
        """Build the worker from what the store holds.

        What was requested of the one before still holds: it may have failed before the request was stored. So does
        what it was told of its contract.
        """
        self.row = self._stored_row()
        self._worker = self._build(self._house.gate)
        for event in (*self._told.values(), self._edit, self._pause, self._request):
            if event is not None:
                self.handle(event)

    def drop(self) -> None:
        """Throw the worker away."""
        self._worker = None

    def handle(self, event: WorkerEvent) -> None:
        """Give the worker an event and carry out what it answers; new rules throw the worker away.

        Raises:
            RuntimeError: before `open`.
        """
        if isinstance(event, StopRequested | ShutdownRequested) and not self._has_word(event):
            self._request = event
        if isinstance(event, PauseRequested | ResumeRequested):
            self._pause = event
        if isinstance(event, EditRequested):
            self._edit = event
        if isinstance(event, ContractStands | CountdownStands):
            self._told[type(event)] = event
        if isinstance(event, RulesChanged) and self._must_build_anew(event.rules):
            self.drop()
            return
        if self._worker is None:
            raise RuntimeError(f"{self.name} has no worker; open it first")
        if isinstance(event, OrderRefused) and not (event.would_take or event.market_closed or event.off_band):
            log.warning("%s: order %s was refused: %s", self.name, event.client_id, event.message)
        self._carry_out(self._worker.handle(event, self._now()))
        if isinstance(event, EditRequested):
            self._edit = None

    def fire_timer(self) -> None:
        """Give the worker its timer if it is due."""
        if self.timer_wait_s <= 0 and self.is_open and not self.finished:
            self._timer_s = self._house.clock.monotonic_s()
            self.handle(TimerFired())

    def snapshot(self) -> GridSnapshot:
        """Return what is shown of the grid; from the store alone while there is no worker."""
        worker = self._worker or self._build(RiskGate(self._house.gate.limits))
        return worker.snapshot(self._now())

    def _has_word(self, request: StopRequested | ShutdownRequested) -> bool:
        """Tell whether a request yields to one that was made before."""
        return isinstance(request, StopRequested) and request.yields and isinstance(self._request, StopRequested)

    def _must_build_anew(self, rules: InstrumentRules) -> bool:
        """Take over the venue's rules; tell whether more than the symbol's status and end is other than before."""
        before, self._rules = self._rules, rules
        if replace(before, status=rules.status, settles_ms=rules.settles_ms) == rules:
            return False
        log.warning("%s is built anew: the venue's rules changed", self.name)
        return True

    def _stored_row(self) -> GridRow:
        """Return the grid as it is stored now: a stop that was asked for meanwhile must not be forgotten."""
        return next((row for row in self._house.store.grids() if row.grid_id == self.row.grid_id), self.row)

    def _build(self, gate: RiskGate) -> GridWorker:
        return build_worker(
            self.row,
            self._rules,
            gate=gate,
            store=self._house.store,
            equity_every_ms=self._house.equity_every_ms,
            max_price_age_s=self._house.max_price_age_s,
        )

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Finished():
                    self.finished = True
                case Tell(text=text):
                    log.warning("%s: %s", self.name, text)
                case Submit() | Cancel() | LookUp() | ReadOpen() | ReadTrades() | DistrustStream():
                    self._send(effect)
                case AskFeePrice() | ReadFunding():
                    self._ask(effect)
                case RecordStops() | PlaceStop() | CancelStop() | LookUpStop() | ReadStops():
                    self.stops.carry_out(effect)
                case _:
                    self._keep(effect)

    def _keep(self, effect: Kept) -> None:
        store = self._house.store
        match effect:
            case StoreIntents(intents=intents):
                store.add_intents(intents)
                self._log_adopted(intents)
            case Record(orders=orders, fills=fills):
                store.record(orders, fills)
                self._log_fills(fills)
                self._log_cancels(orders)
            case HoldsAllOrders():
                store.holds_all_orders(self.row.grid_id)
            case RecordFeeValue(value=value):
                store.add_fee_value(value)
            case RecordFunding(payments=payments):
                store.add_funding(self.row.grid_id, payments)
                self._log_funding(payments)
            case SaveEquity(row=equity):
                store.add_equity(equity)
            case SaveMove(move=move):
                store.add_move(self.row.grid_id, move)
                log.info("%s %s", self.name, move_told(move))
            case SavePhase():
                self._save_phase(effect)

    def _ask(self, effect: AskFeePrice | ReadFunding) -> None:
        match effect:
            case AskFeePrice(asset=asset, at_ms=at_ms, trade_id=trade_id):
                self._house.fee_prices.ask(self.row.instrument, asset, at_ms, trade_id, self._answer)
            case ReadFunding(since_ms=since_ms):
                self._house.funding.read(self.row.instrument, since_ms, self._answer)

    def _send(self, effect: Submit | Cancel | LookUp | ReadOpen | ReadTrades | DistrustStream) -> None:
        gateway, instrument = self._house.gateway, self.row.instrument
        match effect:
            case Submit(intent=intent):
                gateway.submit(intent, self._answer)
            case Cancel(client_id=client_id):
                self._asked_to_cancel.add(client_id)
                gateway.cancel(instrument, client_id, self._answer)
            case LookUp(client_id=client_id, sent_ms=sent_ms, presumed=presumed):
                gateway.look_up(instrument, client_id, sent_ms, self._answer, presumed)
            case ReadOpen(since_trade_id=since, known=known):
                gateway.read_open(instrument, since, self._answer, known)
            case DistrustStream(kind=kind, reason=reason):
                self._house.streams.distrust(kind, reason, instrument.market)
            case ReadTrades(since_trade_id=since_id, known=known):
                gateway.read_trades(instrument, since_id, self._answer, known)

    def _save_phase(self, effect: SavePhase) -> None:
        self._house.store.set_grid(
            self.row.grid_id,
            status=effect.status,
            phase=effect.phase,
            phase_reason=effect.reason,
            on_stop=effect.on_stop,
            ended_ms=effect.ended_ms,
        )
        level = logging.ERROR if effect.phase is Phase.FAULTED else logging.INFO
        log.log(level, "%s is %s%s", self.name, effect.phase, f": {effect.reason}" if effect.reason else "")

    def _log_fills(self, fills: Iterable[Fill]) -> None:
        for fill in fills:
            done = f"{'bought' if fill.side is Side.BUY else 'sold'} {plain(fill.quantity)} at {plain(fill.price)}"
            log.info("%s %s (trade %d)", self.name, done, fill.trade_id)

    def _log_funding(self, payments: Iterable[FundingPayment]) -> None:
        for payment in payments:
            log.info("%s: funding brought %s %s", self.name, plain(payment.amount), payment.asset)

    def _log_adopted(self, intents: Iterable[Intent]) -> None:
        for intent in intents:
            if intent.reason == ADOPTED:
                log.warning("%s: order %s was %s; the account is read anew", self.name, intent.client_id, ADOPTED)

    def _log_cancels(self, orders: Iterable[OrderRow]) -> None:
        """Tell of each order that somebody else canceled; one of ours is known by the request of this process."""
        for order in orders:
            client_id = order.intent.client_id
            if order.status is Status.CANCELED and client_id not in self._asked_to_cancel:
                log.warning("%s: order %s was canceled, and this process did not ask for it", self.name, client_id)

    def _now(self) -> Moment:
        clock = self._house.clock
        return Moment(clock.wall_ms(), clock.market_ms(), clock.monotonic_s())
