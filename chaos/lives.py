"""The bot's processes in one run, one after the other: each dies where the plan says, and the next is started."""

from collections import deque
from collections.abc import Sequence
from decimal import Decimal

from chaos.outcome import Outcome
from chaos.plan import START_PRICE, Death, Episode
from chaos.points import Boundary, Fault
from chaos.process import Process, World
from chaos.weather import NEAR_MS
from domain.edits import GridChanges
from domain.grids import OnStop, PauseKeep
from grid.core.planning import PreflightFacts
from grid.pauses import PauseRequested, ResumeRequested
from grid.worker_events import ShutdownRequested, StopRequested
from ports.store import StoreFailed

_RESTART_MS = 1_000
_TRY_AGAIN_MS = 5_000


class Lives:
    """`process` is the living one, None while there is none; `stop` what was asked of the grid for good."""

    def __init__(self, world: World, outcome: Outcome) -> None:
        self.process: Process | None = None
        self.stop: OnStop | None = None
        self.price = START_PRICE
        self._world = world
        self._outcome = outcome
        self._deaths: deque[Death] = deque()

    @property
    def has_deaths_left(self) -> bool:
        return bool(self._deaths)

    def start(self) -> None:
        """Start a process where none lives; one that cannot open its books is tried again."""
        if self.process is not None:
            return
        world = self._world
        world.tripwire.revive()
        try:
            self.process = Process(world, self.price, self._ended)
        except StoreFailed as error:
            world.note(f"process: cannot start: {error}")
            if world.disk.is_locked:
                world.weather.strike(Fault.DATABASE_LOCKED)
            world.clock.after(_TRY_AGAIN_MS, self.start)
            return
        world.note("process: started")
        self.process.start()
        if self.process is not None and not self.process.is_stopping:
            world.clock.after(500, self._ask_to_stop)  # the first one was not stored, or was lost with the power

    def doom(self, deaths: Sequence[Death]) -> None:
        """Let the process die at these boundaries, one after the other, and at none of those before."""
        self._deaths = deque(deaths)
        self._arm()

    def kill(self) -> None:
        """Let the process die between two events."""
        process = self.process
        if process is not None:
            process.kill()
            process.leave_disk(lost_commits=0, lagging_notes=0)

    def show_price(self, price: Decimal | None = None) -> None:
        """Let whoever lives see a price, the newest unless one is told."""
        if self.process is not None:
            self.process.see_price(price or self.price)

    def command(self, episode: Episode) -> None:
        """Ask for what the episode asks for."""
        if episode.shut_down and self.process is not None:
            self._world.note("command: shut down")
            self.process.command(ShutdownRequested())
        if episode.stop is not None:
            self.stop = episode.stop
            self._ask_to_stop()

    def end_by_hand(self) -> None:
        """Have a person unwind the grid."""
        self.stop = OnStop.UNWIND
        self._ask_to_stop()

    def say_of_pause(self, keep: PauseKeep | None) -> None:
        """Pause the grid, or resume it where `keep` is None; nobody hears it while no process lives."""
        if self.process is not None:
            request = ResumeRequested() if keep is None else PauseRequested(keep)
            self._world.note(f"command: {request}")
            self.process.command(request)

    def edit(self, changes: GridChanges, facts: PreflightFacts) -> None:
        """Edit the grid as its manager does; nobody hears it while no process lives."""
        if self.process is not None and self.process.edit(changes, facts):
            self._world.note(f"command: {changes}")

    def _ask_to_stop(self) -> None:
        if self.process is not None and self.stop is not None:
            self._world.witness.is_asked_to_stop = True
            self._world.note(f"command: stop ({self.stop})")
            self.process.command(StopRequested(self.stop))

    def _arm(self) -> None:
        if self._deaths:
            self._world.tripwire.arm(self._deaths[0].boundary, self._deaths[0].passes)
        else:
            self._world.tripwire.disarm()

    def _ended(self, process: Process, boundary: Boundary | None) -> None:
        """Clear up after a process, and have it started again after a while."""
        self.process = None
        down_ms = _RESTART_MS
        if boundary is not None:
            death = self._deaths.popleft()
            down_ms = death.down_ms
            lost = process.leave_disk(lost_commits=death.lost_commits, lagging_notes=death.lagging_notes)
            self._world.note(f"process: dead at '{boundary}'{f', {lost} commits lost' if lost else ''}")
            if lost:
                self._world.witness.power_was_lost()
                self._world.weather.strike(Fault.POWER_LOSS)
            self._count(boundary)
            self._arm()
        self._world.clock.after(down_ms, self.start)

    def _count(self, boundary: Boundary) -> None:
        """Note the death, and with it the faults that struck shortly before or after it."""
        died_ms = self._world.clock.now_ms
        self._outcome.deaths[boundary] += 1

        def note_faults() -> None:
            for fault in self._world.weather.struck_since(died_ms - NEAR_MS):
                self._outcome.hits[boundary, fault] += 1

        self._world.clock.after(NEAR_MS, note_faults)
