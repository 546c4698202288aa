"""One life of the bot's process: the real store, gate, worker and everything below it, driven from an event heap.

It does what `grid.runner` and its thread do, one event after the other: where the store fails, the worker is thrown
away and built anew from what is stored, every two seconds until that works. Any other failure is a mistake.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from chaos.clock import EventHeap
from chaos.disk import Disk
from chaos.line import Line, Source
from chaos.points import Boundary, Crash, Tripwire
from chaos.stream import UserStream
from chaos.told import told
from chaos.venue import Venue
from chaos.weather import Weather
from chaos.wired_store import WiredStore
from chaos.witness import Witness
from domain.edits import GridChanges
from domain.errors import Conflict, InvalidRequest
from domain.events import PriceSeen, RulesChanged, TimerFired
from domain.grids import GridSnapshot, MoveKind
from domain.instrument import Market
from grid.assembly import stored_state
from grid.core.planning import PreflightFacts
from grid.edit_moves import EditMade, is_asked
from grid.editing import sketch_edit
from grid.house import GridHouse
from grid.pauses import on_stop_of
from grid.worker_events import EditRequested, Request, ShutdownRequested, WorkerEvent
from grid.worker_host import WorkerHost
from ports.store import StoreFailed
from risk.gate import GateLimits, RiskGate

LIMITS = GateLimits(
    max_order_notional=Decimal(100_000),
    max_exposure=Decimal(1_000_000),
    max_orders_per_10s=1_000,
    max_price_distance=Decimal("0.9"),
    max_price_age_s=1e9,
    max_leverage=125,
)
_PAUSE_MS = 2_000  # as utils.worker_loop between tries of a store that fails
_FIRST_PRICE_MS = 3
_RULES_AFTER_TICKS = 10
_HALT_MS = 10_000  # as grid.manager gives a shutdown


@dataclass(frozen=True, slots=True)
class World:
    """What outlives the process."""

    clock: EventHeap
    venue: Venue
    stream: UserStream
    weather: Weather
    disk: Disk
    tripwire: Tripwire
    witness: Witness
    note: Callable[[str], None]


class Process:
    """Lives from `start` until it dies, gives up or has ended; `on_end` is told which boundary killed it, if any."""

    def __init__(self, world: World, price: Decimal, on_end: Callable[["Process", Boundary | None], None]) -> None:
        self.is_over = False
        self.gave_up = ""
        self._world = world
        self._on_end = on_end
        self._price = price
        self._waiting: deque[tuple[WorkerEvent, Source]] = deque()
        self._is_closing = False
        self._store_failed = False
        self._pausing = False
        self._store = world.disk.open()
        self._wired = WiredStore(
            self._store,
            world.tripwire,
            world.weather,
            intents=world.witness.committed,
            booked=world.witness.booked,
            paid=world.witness.paid,
            said=world.witness.said,
            moved=world.witness.moved,
        )
        self._line = Line(
            world.venue,
            world.weather,
            world.clock,
            world.tripwire,
            receive=self.receive,
            killed=self.die,
            placed=world.witness.arrived,
        )
        self._host: WorkerHost | None = None
        self._rules = world.venue.rules()
        self._ticks_behind = 0

    # --- life ---

    def start(self) -> None:
        """Take up the stored grid, if it has not ended."""
        world = self._world
        row = self._store.grids()[-1]
        world.witness.opened(self._store, row.grid_id)
        if row.ended_ms is None:
            house = GridHouse(
                store=self._wired,
                gateway=self._line,
                streams=_DrivenStreams(world.stream),
                gate=RiskGate(LIMITS),
                clock=world.clock,
                equity_every_ms=60_000,
                max_price_age_s=3_600.0,
                fee_prices=self._line,
                funding=self._line,
            )
            self._rules = world.venue.rules()
            self._host = WorkerHost(row, self._rules, house, lambda _event: None)
        self._guard(self._open)
        self._tick()

    def die(self, boundary: Boundary | None) -> None:
        """Be dead: nothing is told to this process any more, and the disk holds what was committed."""
        self._end(boundary)

    def kill(self) -> None:
        """Die between two events."""
        self._world.tripwire.is_dead = True
        self._end(None)

    def _end(self, boundary: Boundary | None) -> None:
        if self.is_over:
            return
        self.is_over = True
        self._line.cut()
        self._world.stream.unsubscribe()
        self._on_end(self, boundary)

    @property
    def store(self) -> WiredStore:
        return self._wired

    def leave_disk(self, *, lost_commits: int, lagging_notes: int) -> int:
        """Let go of the files as a dead process does; return how many commits were lost with it."""
        return self._world.disk.crash(self._store, lost_commits=lost_commits, lagging_notes=lagging_notes)

    # --- events ---

    def receive(self, event: WorkerEvent, source: Source) -> None:
        """Handle an event now, or after the pause that a failure brought."""
        if self.is_over or self._host is None or self.gave_up:
            return
        if self._pausing:
            self._waiting.append((event, source))
            return
        self._guard(lambda: self._handle(event, source))

    def see_price(self, price: Decimal) -> None:
        """Take in the latest price of the market."""
        self._price, clock = price, self._world.clock
        if not self._pausing:  # a latest-value slot: the next one comes soon enough
            self.receive(
                PriceSeen(self._world.venue.instrument, price, clock.market_ms(), clock.monotonic_s()), Source.PRICE
            )

    def command(self, request: Request) -> None:
        """Ask something of the grid, or the house to close; a shutdown that takes too long is cut short."""
        if isinstance(request, ShutdownRequested):
            self._is_closing = True
            self._world.clock.after(_HALT_MS, self._close)
        self.receive(request, Source.COMMAND)

    def edit(self, changes: GridChanges, facts: PreflightFacts) -> bool:
        """Ask for an edit where the grid can be edited now; tell whether it was asked for."""
        row = self._store.grids()[-1]
        if row.ended_ms is not None or self.is_stopping or self._host is None or self._pausing:
            return False
        state, moves = stored_state(row, facts.rules, self._store), self._store.moves(row.grid_id)
        steps = (facts.rules.tick, facts.rules.lot)
        is_first = state.is_entering and not state.is_edited
        if is_first or (state.rules.tick, state.rules.lot) != steps or is_asked(moves):
            return False
        edits = [EditMade.read(move.data).plan for move in moves if move.kind is MoveKind.EDIT]
        try:
            sketch = sketch_edit(state, changes, facts, [*reversed([row.plan, *edits])], Decimal(0))
        except (InvalidRequest, Conflict):
            return False
        self.receive(EditRequested(sketch.asked), Source.COMMAND)
        return True

    @property
    def is_idle(self) -> bool:
        """Tell whether no answer is awaited; true of a grid that has ended."""
        if self.is_over or self._pausing or self.gave_up:
            return False
        return self._host is None or self._host.finished or self._host.is_idle

    @property
    def has_finished(self) -> bool:
        return self._host is None or self._host.finished

    @property
    def ended_ms(self) -> int | None:
        """Return when the grid ended for good, in market time; None while it has not."""
        return self._store.grids()[-1].ended_ms

    @property
    def is_stopping(self) -> bool:
        """Tell whether a stop of this grid is stored."""
        return on_stop_of(self._store.grids()[-1].on_stop) is not None

    def snapshot(self) -> GridSnapshot | None:
        """Return the grid as the living worker shows it, None where there is none."""
        if self._host is None or self.is_over or not self._host.is_open:
            return None
        return self._host.snapshot()

    # --- helpers ---

    def _open(self) -> None:
        self._world.tripwire.reach(Boundary.OPENED)
        if self._host is None:
            return
        self._world.stream.unsubscribe()
        self._wired.source = Source.TIMER
        if self._store_failed:
            self._try_the_store()
        self._host.open()
        self._world.tripwire.reach(Boundary.RESTORED)
        self._world.stream.subscribe(self.receive)
        self._world.clock.after(_FIRST_PRICE_MS, lambda: self.see_price(self._price))

    def _try_the_store(self) -> None:
        """Commit something before the venue is asked, as the runner does."""
        row = self._store.grids()[-1]
        self._wired.set_grid(row.grid_id, status=row.status, phase=row.phase, phase_reason=row.phase_reason)
        self._store_failed = False

    def _handle(self, event: WorkerEvent, source: Source) -> None:
        host = self._host
        if host is None or host.finished:
            return
        self._wired.source = source
        if not isinstance(event, PriceSeen | TimerFired):
            self._world.note(f"  {source}: {told(event)}")
        host.handle(event)
        self._wired.source = Source.TIMER
        host.fire_timer()

    def _tick(self) -> None:
        if self.is_over:
            return
        host = self._host
        if host is not None and not self._pausing and not self.gave_up and not host.finished:
            self._wired.source = Source.TIMER
            self._guard(self._work_without_events)
        self._world.clock.after(self._world.weather.random.uniform(1_000, 2_500), self._tick)

    def _work_without_events(self) -> None:
        if self._host is not None:
            self._host.fire_timer()
            if not self._host.finished:
                self._look_at_rules(self._host)

    def _look_at_rules(self, host: WorkerHost) -> None:
        """Tell the worker of new rules some seconds after they came into force, as `Streams` does."""
        rules = self._world.venue.rules()
        self._ticks_behind = self._ticks_behind + 1 if rules != self._rules else 0
        if self._ticks_behind < _RULES_AFTER_TICKS:
            return
        self._rules, self._ticks_behind = rules, 0
        host.handle(RulesChanged(rules.instrument, rules))
        if not host.is_open:
            self._open()

    def _guard(self, action: Callable[[], None]) -> None:
        try:
            action()
            if self._host is None or self._host.finished:
                self._world.stream.unsubscribe()
                if self._is_closing:
                    self._close()
        except Crash as crash:
            self.die(crash.boundary)
        except Exception as error:  # noqa: BLE001 - as the loop around a worker: any failure is counted and told
            self._fail(error)

    def _close(self) -> None:
        """End in good order, or as the house does when it has waited long enough."""
        if not self.is_over:
            self._store.close()
            self._end(None)

    def _fail(self, error: Exception) -> None:
        self._world.note(f"the worker failed: {type(error).__name__}: {error}")
        self._world.witness.failed(error)
        if self._host is not None:
            self._host.drop()
        self._store_failed = isinstance(error, StoreFailed)
        if not self._store_failed:
            self.gave_up = str(error)
            return
        self._pausing = True
        self._world.clock.after(_PAUSE_MS, self._go_on)

    def _go_on(self) -> None:
        if self.is_over:
            return
        self._pausing = False
        self._guard(self._open)
        while self._waiting and not (self._pausing or self.is_over or self.gave_up):
            event, source = self._waiting.popleft()
            self._guard(lambda event=event, source=source: self._handle(event, source))  # type: ignore[misc]


class _DrivenStreams:
    """`WorkerHost` leaves the streams to whoever drives it, but for one that it no longer trusts."""

    def __init__(self, stream: UserStream) -> None:
        self._stream = stream

    def watch(self, instrument: object, inbox: object) -> None: ...

    def unwatch(self, instrument: object, inbox: object) -> None: ...

    def distrust(self, _kind: str, _reason: str, _market: Market = Market.SPOT) -> None:
        self._stream.give_up()
