"""One run: a plan played from beginning to end on one event heap, and what came of it."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final

from chaos.clock import EventHeap
from chaos.disk import INSTANCE, Disk
from chaos.hands import OtherHands
from chaos.plan import START_MS, START_PRICE, Death, Episode, Print, RunPlan
from chaos.points import Boundary, Fault, Tripwire
from chaos.process import LIMITS, Process, World
from chaos.stream import UserStream
from chaos.venue import Venue
from chaos.verdict import Facts, at_rest, judge_books, judge_end
from chaos.weather import NEAR_MS, Weather
from chaos.witness import Witness
from domain.grids import GridPlan, GridRequest, OnStop, Phase
from domain.instrument import FeeRates
from domain.money import plain
from grid.preflight import PreflightFacts, plan_grid
from grid.worker import ShutdownRequested, StopRequested
from ports.store import StoreFailed
from simulator.core.events import OrderChanged
from simulator.market.catalogue import specs_of

FUNDS: Final = {"USDT": Decimal(10_000), "BNB": Decimal(10)}
CAPITAL: Final = Decimal(5_000)
EVENT_LIMIT: Final = 10_000  # more than ten times what a run takes
REST_LIMIT_MS: Final = 15 * 60_000
LINGER_MS: Final = 60_000
_CATALOGUE: Final = specs_of(["BTCUSDT", "BNBUSDT"])
_MAY_FAULT: Final = (Fault.FOREIGN_INSTANCE, Fault.FOREIGN_ORDER, Fault.BALANCE_CHANGED, Fault.FILTERS_CHANGED)


@dataclass(slots=True)
class Outcome:
    """`reason` is empty where everything held."""

    seed: int
    reason: str = ""
    hits: Counter[tuple[Boundary, Fault]] = field(default_factory=Counter)
    deaths: Counter[Boundary] = field(default_factory=Counter)
    strikes: Counter[Fault] = field(default_factory=Counter)
    trades: int = 0
    orders: int = 0
    twin: bool = False


class Trial:
    """Plays one plan.

    Args:
        undisturbed: leave out deaths and faults, for the twin of a lock-step run.
        note: takes one line of the event log, written for people.
    """

    def __init__(
        self, plan: RunPlan, folder: Path, template: Path, note: Callable[[str], None], *, undisturbed: bool = False
    ) -> None:
        self.plan = plan
        self.outcome = Outcome(plan.seed)
        self._undisturbed = undisturbed
        clock = self._clock = EventHeap(START_MS)
        weather = self._weather = Weather(clock, plan.seed)
        self._disk = Disk(folder, template, clock)
        self._venue = Venue(_CATALOGUE["BTCUSDT"], _CATALOGUE["BNBUSDT"], FUNDS, clock)
        self._hands = OtherHands(self._venue, weather, clock, self._disk)
        self._print = note
        self._world = World(
            clock,
            self._venue,
            UserStream(weather, clock),
            weather,
            self._disk,
            Tripwire(),
            Witness(INSTANCE, lambda _error: weather.strikes[Fault.FILTERS_CHANGED] > 0),
            self._note,
        )
        self._process: Process | None = None
        self._deaths: deque[Death] = deque()
        self._price = START_PRICE
        self._events = 0
        self._stop: OnStop | None = None
        self._venue.on_report = self._world.stream.report
        self._venue.on_change = self._changed
        weather.note = self._note
        self.grid = self._plan_grid()

    def run(self) -> Outcome:
        """Play the plan and judge it."""
        self._venue.move(START_PRICE, Decimal(1), START_MS)
        store = self._disk.open()
        store.add_grid(self._venue.instrument, self.grid, START_MS, START_MS)
        store.close()
        self._start()
        episodes = deque(self.plan.episodes)
        for number, step in enumerate(self.plan.prints):
            while episodes and episodes[0].at_step <= number:
                self._begin(episodes.popleft())
            self._advance(step)
            if self._world.witness.violation:
                break
        self._linger()
        self._heal()
        self._finish()
        return self.outcome

    # --- the market and time ---

    def _advance(self, step: Print) -> None:
        self._run_for(step.after_ms)
        if self.plan.lock_step:
            self._settle()
        rungs = self.grid.prices
        self._price = step.price if step.rung is None else rungs[step.rung % len(rungs)]
        self._note(f"market: {step.quantity} at {self._price}")
        self._venue.move(self._price, step.quantity, self._clock.market_ms())
        self._show_price()
        if self._process is not None:
            judge_books(self._process, self._world.witness)

    def _run_for(self, span_ms: float) -> None:
        until_ms = self._clock.now_ms + span_ms
        while (due_ms := self._clock.next_ms()) is not None and due_ms <= until_ms:
            self._clock.run_next()
            self._events += 1
            if self._events > EVENT_LIMIT:
                self._world.witness.violated("it does not come to rest: the same is asked for again and again")
                break
        self._clock.advance_to(int(until_ms))

    def _linger(self) -> None:
        """Leave the last deaths of the plan some time to come while the faults still last."""
        until_ms = self._clock.now_ms + LINGER_MS
        while self._deaths and self._clock.now_ms < until_ms and not self._world.witness.violation:
            self._run_for(1_000)
        if self.plan.lock_step:
            self._settle()

    def _settle(self) -> bool:
        """Let time pass until the bot has done all it wants; tell whether it came to that."""
        limit_ms = self._clock.now_ms + REST_LIMIT_MS
        while not self._world.witness.violation:
            if self._process is not None and at_rest(self._facts(self._process)):
                return True
            if self._clock.now_ms > limit_ms:
                return False
            self._run_for(500)
        return False

    def _show_price(self) -> None:
        if self._process is not None:
            self._process.see_price(self._price)

    # --- life and death ---

    def _begin(self, episode: Episode) -> None:
        if not self._undisturbed:
            for fault in episode.faults:
                self._weather.begin(fault, episode.faults_ms)
                self._hands.begin(fault)
            self._deaths = deque(episode.deaths)
            self._arm()
        if episode.command_after_ms:
            self._clock.after(episode.command_after_ms, lambda: self._command(episode))
        else:
            self._command(episode)

    def _command(self, episode: Episode) -> None:
        if episode.shut_down and self._process is not None:
            self._note("command: shut down")
            self._process.command(ShutdownRequested())
        if episode.stop is not None:
            self._stop = episode.stop
            self._command_stop()

    def _command_stop(self) -> None:
        if self._process is not None and self._stop is not None:
            self._note(f"command: stop ({self._stop})")
            self._process.command(StopRequested(self._stop))

    def _arm(self) -> None:
        if self._deaths:
            self._world.tripwire.arm(self._deaths[0].boundary, self._deaths[0].passes)
        else:
            self._world.tripwire.disarm()

    def _start(self) -> None:
        if self._process is not None:
            return
        self._world.tripwire.revive()
        try:
            self._process = Process(self._world, self._price, self._ended)
        except StoreFailed as error:
            self._note(f"process: cannot start: {error}")
            if self._disk.is_locked:
                self._weather.strike(Fault.DATABASE_LOCKED)
            self._clock.after(5_000, self._start)
            return
        self._note("process: started")
        self._process.start()
        if self._process is not None and not self._process.is_stopping:
            self._clock.after(500, self._command_stop)  # the first one was not stored, or was lost with the power

    def _ended(self, process: Process, boundary: Boundary | None) -> None:
        """Clear up after a process, and have it started again after a while."""
        self._process = None
        down_ms = 1_000
        if boundary is not None:
            death = self._deaths.popleft()
            down_ms = death.down_ms
            lost = process.leave_disk(lost_commits=death.lost_commits, lagging_notes=death.lagging_notes)
            self._note(f"process: dead at '{boundary}'{f', {lost} commits lost' if lost else ''}")
            if lost:
                self._world.witness.power_was_lost()
                self._weather.strike(Fault.POWER_LOSS)
            self._count(boundary)
            self._arm()
        self._clock.after(down_ms, self._start)

    def _count(self, boundary: Boundary) -> None:
        """Note the death, and with it the faults that struck shortly before or after it."""
        died_ms = self._clock.now_ms
        self.outcome.deaths[boundary] += 1

        def note_faults() -> None:
            for fault in self._weather.struck_since(died_ms - NEAR_MS):
                self.outcome.hits[boundary, fault] += 1

        self._clock.after(NEAR_MS, note_faults)

    def _kill(self) -> None:
        process = self._process
        if process is not None:
            process.kill()
            process.leave_disk(lost_commits=0, lagging_notes=0)

    # --- the end ---

    def _heal(self) -> None:
        """Let everything work again, put the price back to the start, and have a person do what only one can."""
        if self._world.witness.violation:
            return
        self._world.tripwire.disarm()
        self._weather.clear()
        self._hands.undo()
        self._note("everything works again")
        self._venue.move(START_PRICE, Decimal(1), self._clock.market_ms())
        self._price = START_PRICE
        self._run_for(NEAR_MS)
        self._show_price()
        if self._needs_a_person():
            self._note("a person starts it again")
            self._kill()
            self._run_for(2_000)
        for _ in range(30):
            if self._process is not None:
                break
            self._run_for(5_000)

    def _needs_a_person(self) -> bool:
        """Tell whether only a restart helps, and may be needed: rules that changed, or slots given up for a cause."""
        process = self._process
        if process is None or process.gave_up:
            return process is not None
        shown = process.snapshot()
        is_faulted = shown is not None and (shown.phase is Phase.FAULTED or bool(shown.faulted_slots))
        struck = self._weather.strikes
        return struck[Fault.FILTERS_CHANGED] > 0 or (is_faulted and any(struck[fault] for fault in _MAY_FAULT))

    def _finish(self) -> None:
        witness, outcome = self._world.witness, self.outcome
        rested = self._settle()
        if not witness.violation and self._process is not None:
            facts = self._facts(self._process)
            judge_end(facts, rested=rested)
            outcome.trades, outcome.orders = len(facts.venue.trades()), len(facts.venue.orders())
        elif not witness.violation:
            witness.violated("the process did not start again")
        outcome.reason = witness.violation
        outcome.strikes = self._weather.strikes
        if self._process is not None:
            self._kill()

    def _facts(self, process: Process) -> Facts:
        return Facts(
            process=process,
            witness=self._world.witness,
            venue=self._venue,
            grid=self.grid,
            funds=FUNDS,
            moved=self._hands.moved,
            stop=self._stop,
            price=self._price,
            may_hold=any(self._weather.strikes[fault] for fault in _MAY_FAULT),
        )

    def final_state(self) -> Counter[str]:
        """Return what a twin must have in common, in words: what rests, and what was traded at which price.

        Balances follow from these but for the rounding of fees, because one sale may come in two parts.
        """
        left = [
            (order.side, order.quantity - order.executed_quantity, order.price) for order in self._venue.open_orders()
        ]
        traded: dict[tuple[str, Decimal], Decimal] = {}
        for fill in self._venue.trades():
            key = (fill.side, fill.price)
            traded[key] = traded.get(key, Decimal(0)) + fill.quantity
        resting = [f"{side} {plain(quantity)} at {plain(price)} resting" for side, quantity, price in left]
        trades = [f"{side} {plain(quantity)} at {plain(price)} traded" for (side, price), quantity in traded.items()]
        return Counter([*resting, *trades])

    # --- helpers ---

    def _note(self, text: str) -> None:
        self._print(f"{self._clock.now_ms - START_MS:>12.1f}  {text}")

    def _changed(self, change: OrderChanged) -> None:
        order = change.order
        filled = f", {change.fill.quantity / 10**8:f} at {change.fill.price / 10**8:f}" if change.fill else ""
        self._note(f"venue: {order.client_id} {order.status}{filled}")
        self._world.witness.changed(change)
        if change.fill is not None and order.is_open:
            self._weather.strike(Fault.PARTIAL_FILL)

    def _plan_grid(self) -> GridPlan:
        request = GridRequest(
            instrument=self._venue.instrument, levels=self.plan.levels, spacing_percent=self.plan.spacing_percent
        )
        facts = PreflightFacts(
            rules=self._venue.rules(),
            fees=FeeRates(maker=Decimal("0.001"), taker=Decimal("0.001")),
            price=START_PRICE,
            free_quote=FUNDS["USDT"],
            default_capital=CAPITAL,
            min_order_value=Decimal(10),
            max_price_distance=LIMITS.max_price_distance,
            max_order_notional=LIMITS.max_order_notional,
        )
        return plan_grid(request, facts)
