"""One run: a plan played from beginning to end on one event heap, and what came of it."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from chaos.clock import EventHeap
from chaos.contract_translate import brackets_of
from chaos.contract_venue import ContractVenue
from chaos.contract_verdict import is_funded
from chaos.disk import INSTANCE, Disk
from chaos.ends import reached
from chaos.facts import Facts
from chaos.hands import OtherHands
from chaos.lives import Lives
from chaos.outcome import Outcome
from chaos.plan import START_MS, START_PRICE, ContractPlan, Episode, Print, RunPlan
from chaos.points import OF_CONTRACTS, Fault, Tripwire
from chaos.process import LIMITS, Process, World
from chaos.spot_venue import SpotVenue
from chaos.stream import UserStream
from chaos.venue import Change, Venue
from chaos.verdict import at_rest, judge_books, judge_end
from chaos.weather import NEAR_MS, Weather
from chaos.witness import Witness
from domain.edits import GridChanges
from domain.exit_terms import ExitAction
from domain.grids import GridPlan, GridRequest, Phase
from domain.instrument import FeeRates
from domain.money import ZERO
from grid.core.contract import ContractFacts
from grid.preflight import PreflightFacts, plan_grid
from grid.state import GridState
from simulator.market.catalogue import specs_of
from simulator.um.core.catalogue import CONTRACTS

FUNDS: Final = {"USDT": Decimal(10_000), "BNB": Decimal(10)}
WALLET: Final = {"USDT": Decimal(10_000)}
CAPITAL: Final = Decimal(5_000)
EVENT_LIMIT: Final = 10_000  # more than ten times what a run takes
REST_LIMIT_MS: Final = 15 * 60_000
LINGER_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
AROUND_READINGS_MS: Final = 120_000
"""Faults of funding last so long at least: it is read half a minute after its settlement, then once a minute."""
_CATALOGUE: Final = specs_of(["BTCUSDT", "BNBUSDT"])
# Bands as wide as spot's, so that orders of others can rest where no path leads.
_CONTRACT: Final = replace(CONTRACTS["BTCUSDT"], mult_up_ppm=5_000_000, mult_down_ppm=200_000)
_MAY_FAULT: Final = (Fault.FOREIGN_INSTANCE, Fault.FOREIGN_ORDER, Fault.BALANCE_CHANGED, Fault.FILTERS_CHANGED)


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
        self.outcome = Outcome(plan.seed, on_contract=plan.contract is not None)
        self._undisturbed = undisturbed
        clock = self._clock = EventHeap(plan.start_ms)
        weather = self._weather = Weather(clock, plan.seed)
        self._disk = Disk(folder, template, clock)
        self._funds = WALLET if plan.contract else FUNDS
        self.venue = self._open_venue()
        self._hands = OtherHands(self.venue, weather, clock, self._disk)
        self._print = note
        self._world = World(
            clock,
            self.venue,
            UserStream(weather, clock),
            weather,
            self._disk,
            Tripwire(),
            Witness(INSTANCE),
            self._note,
        )
        self._lives = Lives(self._world, self.outcome)
        self._events = 0
        self.venue.on_report = self._world.stream.report
        self.venue.on_change = self._changed
        weather.note = self._note
        self.grid = _plan_grid(plan, self.venue)
        state = GridState(1, self.grid, self.venue.rules())
        self._world.witness.slots = state
        self._world.witness.ladder = state.ladder if self.grid.master else None
        self._world.witness.waits = self.grid.request.trigger_price is not None

    def _open_venue(self) -> Venue:
        contract = self.plan.contract
        if contract is None:
            return SpotVenue(_CATALOGUE["BTCUSDT"], _CATALOGUE["BNBUSDT"], FUNDS, self._clock)
        venue = ContractVenue(_CONTRACT, contract.terms, WALLET["USDT"], self._clock)

        def settle() -> None:
            self._note(f"market: funding of {contract.rate} is settled")
            venue.settle(contract.rate)
            self._clock.after(HOUR_MS, settle)

        self._clock.after(START_MS - self.plan.start_ms, settle)
        return venue

    def run(self) -> Outcome:
        """Play the plan and judge it."""
        begin_ms = self.plan.start_ms
        self.venue.move(START_PRICE, Decimal(1), begin_ms)
        store = self._disk.open()
        store.add_grid(self.venue.instrument, self.grid, begin_ms, begin_ms)
        store.close()
        self._lives.start()
        episodes = deque(self.plan.episodes)
        for number, step in enumerate(self.plan.prints):
            while episodes and episodes[0].at_step <= number:
                self._begin(episodes.popleft())
            self._say_of_pauses(number)
            self._say_of_edits(number)
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
        self._lives.price = step.price if step.rung is None else rungs[step.rung % len(rungs)]
        self._note(f"market: {step.quantity} at {self._lives.price}")
        self.venue.move(self._lives.price, step.quantity, self._clock.market_ms())
        self._show_price()
        if self._lives.process is not None:
            judge_books(self._lives.process, self._world.witness)

    def _show_price(self) -> None:
        if not self.plan.price_lags_ms:
            self._lives.show_price()
            return
        price = self._lives.price
        self._clock.after(self.plan.price_lags_ms, lambda: self._lives.show_price(price))

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
        while self._lives.has_deaths_left and self._clock.now_ms < until_ms and not self._world.witness.violation:
            self._run_for(1_000)
        if self.plan.lock_step:
            self._settle()

    def _settle(self) -> bool:
        """Let time pass until the bot has done all it wants; tell whether it came to that."""
        limit_ms = self._clock.now_ms + REST_LIMIT_MS
        while not self._world.witness.violation:
            if self._lives.process is not None and at_rest(self._facts(self._lives.process)):
                return True
            if self._clock.now_ms > limit_ms:
                return False
            self._run_for(500)
        return False

    def _begin(self, episode: Episode) -> None:
        if not self._undisturbed:
            for fault in episode.faults:
                self._weather.begin(fault, max(episode.faults_ms, AROUND_READINGS_MS if fault in OF_CONTRACTS else 0))
                self._hands.begin(fault)
            self._lives.doom(episode.deaths)
        if episode.command_after_ms:
            self._clock.after(episode.command_after_ms, lambda: self._lives.command(episode))
        else:
            self._lives.command(episode)

    def _say_of_pauses(self, number: int) -> None:
        for word in self.plan.pauses:
            if word.at_step == number:
                self._clock.after(word.after_ms, lambda keep=word.keep: self._lives.say_of_pause(keep))  # type: ignore[misc]

    def _say_of_edits(self, number: int) -> None:
        for word in self.plan.edits:
            if word.at_step == number:
                self._clock.after(word.after_ms, lambda changes=word.changes: self._edit(changes))  # type: ignore[misc]

    def _edit(self, changes: GridChanges) -> None:
        self._lives.edit(changes, _plan_facts(self.plan, self.venue, self._lives.price))

    # --- the end ---

    def _heal(self) -> None:
        """Let everything work again, put the price back to the start, and have a person do what only one can."""
        if self._world.witness.violation:
            return
        self._world.tripwire.disarm()
        self._weather.clear()
        self._hands.undo()
        self._note("everything works again")
        self.venue.move(START_PRICE, Decimal(1), self._clock.market_ms())
        self._lives.price = START_PRICE
        self._run_for(NEAR_MS)
        self._lives.show_price()
        if self._needs_a_person():
            self._note("a person starts it again")
            self._lives.kill()
            self._run_for(2_000)
        for _ in range(30):
            if self._lives.process is not None:
                break
            self._run_for(5_000)
        if self.plan.pauses:
            self._lives.say_of_pause(None)
        self._give_up_what_rests()

    def _give_up_what_rests(self) -> None:
        """Have a person close at market what a grid that ended by itself offers at a price that may never come."""
        end = reached(self._world.witness.word)
        if end is not None and end.action is ExitAction.LIMIT:
            self._lives.end_by_hand()

    def _needs_a_person(self) -> bool:
        """Tell whether only a restart helps, and may be needed: slots were given up for a cause."""
        process = self._lives.process
        if process is None or process.gave_up:
            return process is not None
        shown = process.snapshot()
        is_faulted = shown is not None and (shown.phase is Phase.FAULTED or bool(shown.faulted_slots))
        struck = self._weather.strikes
        return is_faulted and any(struck[fault] for fault in _MAY_FAULT)

    def _finish(self) -> None:
        witness, outcome = self._world.witness, self.outcome
        rested = self._settle() and self._await_funding()
        if not witness.violation and self._lives.process is not None:
            facts = self._facts(self._lives.process)
            judge_end(facts, rested=rested)
            outcome.trades, outcome.orders = len(facts.venue.trades()), len(facts.venue.orders())
            outcome.payments = len(facts.venue.payments())
        elif not witness.violation:
            witness.violated("the process did not start again")
        outcome.reason = witness.violation
        outcome.strikes = self._weather.strikes
        if self._lives.process is not None:
            self._lives.kill()

    def _await_funding(self) -> bool:
        """Let the venue's record of funding be read, as late as that may come; tell whether it rests then."""
        limit_ms = self._clock.now_ms + REST_LIMIT_MS
        while not self._world.witness.violation and self._clock.now_ms < limit_ms:
            if self._lives.process is not None and is_funded(self._facts(self._lives.process)):
                break
            self._run_for(5_000)
        return self._settle()

    def _facts(self, process: Process) -> Facts:
        return Facts(
            process=process,
            witness=self._world.witness,
            venue=self.venue,
            grid=self.grid,
            funds=self._funds,
            moved=self._hands.moved,
            stop=end.on_stop if (end := reached(self._world.witness.word)) is not None else self._lives.stop,
            price=self._lives.price,
            may_hold=any(self._weather.strikes[fault] for fault in _MAY_FAULT),
        )

    # --- helpers ---

    def _note(self, text: str) -> None:
        self._print(f"{self._clock.now_ms - self.plan.start_ms:>12.1f}  {text}")

    def _changed(self, change: Change) -> None:
        order = change.order
        filled = f", {change.fill.quantity / 10**8:f} at {change.fill.price / 10**8:f}" if change.fill else ""
        self._note(f"venue: {order.client_id} {order.status}{filled}")
        self._world.witness.changed(change)
        if change.fill is not None and order.is_open:
            self._weather.strike(Fault.PARTIAL_FILL)


def _plan_grid(plan: RunPlan, venue: Venue) -> GridPlan:
    request = GridRequest(
        instrument=venue.instrument,
        levels=plan.levels,
        spacing_percent=plan.spacing_percent,
        resting_levels=plan.resting_levels,
        post_only=plan.post_only,
        trail_up_to=plan.trail_up_to,
        trail_down_to=plan.trail_down_to,
        **plan.quantities,
        **(plan.ends.fields if plan.ends else {}),
    )
    if plan.contract is not None:
        direction, start_empty = plan.contract.direction, plan.contract.start_empty
        request = replace(request, direction=direction, start_empty=start_empty)
    return plan_grid(request, _plan_facts(plan, venue, START_PRICE))


def _plan_facts(plan: RunPlan, venue: Venue, price: Decimal) -> PreflightFacts:
    return PreflightFacts(
        rules=venue.rules(),
        fees=FeeRates(maker=Decimal("0.001"), taker=Decimal("0.001")),
        price=price,
        free_quote=FUNDS["USDT"],
        default_capital=CAPITAL,
        min_order_value=Decimal(10),
        max_price_distance=LIMITS.max_price_distance,
        max_order_notional=LIMITS.max_order_notional,
        contract=None if plan.contract is None else _contract_facts(plan.contract, price),
    )


def _contract_facts(contract: ContractPlan, price: Decimal) -> ContractFacts:
    return ContractFacts(
        terms=contract.terms,
        max_leverage=20,
        brackets=brackets_of(_CONTRACT),
        mark_price=price,
        funding_rate=Decimal("0.0001"),
        funding_interval_h=8,
        position=ZERO,
        foreign_orders=0,
    )
