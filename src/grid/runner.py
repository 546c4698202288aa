"""The thread around one worker: take an event, let it decide, carry out what follows. It decides nothing itself."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from threading import Event

from domain.events import Moment, TimerFired
from domain.grids import GridSnapshot, GridStatus, Phase
from domain.instrument import InstrumentRules
from domain.money import plain
from domain.orders import Fill, Side
from grid.assembly import build_worker
from grid.inbox import GridInbox
from grid.worker import (
    Effect,
    Finished,
    GridWorker,
    SaveEquity,
    SavePhase,
    ShutdownRequested,
    StopRequested,
)
from orders.effects import Cancel, LookUp, ReadOpen, Record, StoreIntents, Submit
from ports.clock import Clock
from ports.gateway import OrderGateway
from ports.market_data import Streams
from ports.store import GridRow, Store
from risk.gate import RiskGate
from utils.worker_loop import Health, WorkerLoop

log = logging.getLogger(__name__)

TIMER_S = 1.0
PUBLISH_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class GridHouse:
    """What every grid of one account shares."""

    store: Store
    gateway: OrderGateway
    streams: Streams
    gate: RiskGate
    clock: Clock
    equity_every_ms: int
    max_price_age_s: float


class GridRunner:
    """One grid in its own thread.

    A failure throws the worker away; the next step builds it anew from the store, as after a crash, so that nothing
    is carried on that might be half done.
    """

    def __init__(
        self,
        row: GridRow,
        rules: InstrumentRules,
        house: GridHouse,
        on_end: Callable[["GridRunner"], None],
    ) -> None:
        self.row = row
        self.finished = Event()
        self._rules = rules
        self._house = house
        self._on_end = on_end
        self._inbox = GridInbox()
        self._worker: GridWorker | None = None
        self._timer_s = float("-inf")
        self._published_s = float("-inf")
        self._idle = False
        self._name = f"grid-{row.grid_id}-{row.instrument.base}{row.instrument.quote}"
        self._snapshot = build_worker(
            row,
            rules,
            gate=RiskGate(house.gate.limits),
            store=house.store,
            equity_every_ms=house.equity_every_ms,
            max_price_age_s=house.max_price_age_s,
        ).snapshot(self._now())
        self._loop = WorkerLoop(
            self._name, self._step, clock=house.clock, on_fault=self._faulted, wake=self._inbox.wake
        )

    # --- for other threads ---

    def start(self) -> None:
        self._loop.start()

    def request_stop(self, request: StopRequested | ShutdownRequested) -> None:
        """Ask the grid to end, or to take its orders off for a shutdown; `finished` is set when it has."""
        self._inbox.command(request)

    def halt(self, timeout_s: float) -> bool:
        """Stop the thread and leave everything as it is; tell whether it ended in time."""
        self._loop.stop()
        ended = self._loop.join(timeout_s)
        self._house.streams.unwatch(self.row.instrument, self._inbox)
        return ended

    @property
    def is_idle(self) -> bool:
        """Tell whether everything that reached this grid has been handled and no answer is awaited."""
        return self._inbox.pending == 0 and self._idle

    def snapshot(self) -> GridSnapshot:
        """Return the grid as its own thread last showed it."""
        return self._snapshot

    def health(self) -> Health:
        return self._loop.health()

    # --- in the grid's thread ---

    def _step(self) -> None:
        worker = self._worker or self._open()
        wait_s = self._timer_s + TIMER_S - self._house.clock.monotonic_s()
        event = self._inbox.take(wait_s) if wait_s > 0 else None
        if not self._loop.is_current():
            return
        try:
            if event is not None:
                self._carry_out(worker.handle(event, self._now()))
            self._fire_timer(worker)
            self._idle = worker.is_idle
            self._publish(worker)
        except BaseException:
            self._worker = None
            self._idle = False
            raise
        finally:
            if event is not None:
                self._inbox.done()

    def _open(self) -> GridWorker:
        self._house.streams.unwatch(self.row.instrument, self._inbox)
        worker = build_worker(
            self.row,
            self._rules,
            gate=self._house.gate,
            store=self._house.store,
            equity_every_ms=self._house.equity_every_ms,
            max_price_age_s=self._house.max_price_age_s,
        )
        self._worker = worker
        self._carry_out(worker.begin())
        self._house.streams.watch(self.row.instrument, self._inbox)
        return worker

    def _fire_timer(self, worker: GridWorker) -> None:
        now = self._now()
        if now.monotonic_s - self._timer_s < TIMER_S or self.finished.is_set():
            return
        self._timer_s = now.monotonic_s
        self._carry_out(worker.handle(TimerFired(), now))

    def _publish(self, worker: GridWorker) -> None:
        now = self._now()
        if self._inbox.pending <= 1 or now.monotonic_s - self._published_s >= PUBLISH_S:
            self._published_s = now.monotonic_s
            self._snapshot = worker.snapshot(now)
        if self.finished.is_set():
            self._snapshot = worker.snapshot(now)
            self._loop.stop()
            self._house.streams.unwatch(self.row.instrument, self._inbox)
            self._on_end(self)

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Finished():
                    self.finished.set()
                case StoreIntents() | Record() | SavePhase() | SaveEquity():
                    self._keep(effect)
                case _:
                    self._send(effect)

    def _keep(self, effect: StoreIntents | Record | SavePhase | SaveEquity) -> None:
        store = self._house.store
        match effect:
            case StoreIntents(intents=intents):
                store.add_intents(intents)
            case Record(orders=orders, fills=fills):
                store.record(orders, fills)
                self._log_fills(fills)
            case SaveEquity(row=equity):
                store.add_equity(equity)
            case SavePhase():
                self._save_phase(effect)

    def _send(self, effect: Submit | Cancel | LookUp | ReadOpen) -> None:
        gateway, instrument, answer = self._house.gateway, self.row.instrument, self._inbox.order
        match effect:
            case Submit(intent=intent):
                gateway.submit(intent, answer)
            case Cancel(client_id=client_id):
                gateway.cancel(instrument, client_id, answer)
            case LookUp(client_id=client_id, sent_ms=sent_ms):
                gateway.look_up(instrument, client_id, sent_ms, answer)
            case ReadOpen(since_trade_id=since):
                gateway.read_open(instrument, since, answer)

    def _save_phase(self, effect: SavePhase) -> None:
        self._house.store.set_grid(
            self.row.grid_id,
            status=effect.status,
            phase=effect.phase,
            phase_reason=effect.reason,
            on_stop=effect.on_stop,
            ended_ms=effect.ended_ms,
        )
        log.info("%s is %s%s", self._name, effect.phase, f": {effect.reason}" if effect.reason else "")

    def _log_fills(self, fills: Iterable[Fill]) -> None:
        for fill in fills:
            done = f"{'bought' if fill.side is Side.BUY else 'sold'} {plain(fill.quantity)} at {plain(fill.price)}"
            log.info("%s %s (trade %d)", self._name, done, fill.trade_id)

    def _faulted(self, _name: str, error: BaseException) -> None:
        self._idle = False
        self._snapshot = replace(
            self._snapshot, status=GridStatus.ERROR, phase=Phase.FAULTED, phase_reason=f"gave up: {error}"
        )

    def _now(self) -> Moment:
        clock = self._house.clock
        return Moment(clock.wall_ms(), clock.market_ms(), clock.monotonic_s())
