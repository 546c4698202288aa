"""All grids of one account: starting, stopping, resuming, and showing them."""

import logging
from dataclasses import replace
from decimal import Decimal
from threading import Lock

from domain.edits import EditedGrid, GridChanges
from domain.errors import Conflict, NotFound
from domain.events import ContractStands
from domain.grids import GridPlan, GridRequest, GridSnapshot, OnStop, PauseKeep, Phase
from domain.instrument import Instrument, InstrumentRules, Market
from domain.money import ZERO
from domain.orders import Fill
from grid.contract_watch import ContractWatch
from grid.contracts import Contracts
from grid.countdowns import CountdownWatch
from grid.grid_editor import GridEditor
from grid.house import GridDefaults, GridHouse
from grid.not_taken_up import FOLD_ERRORS, NotTakenUp, snapshot_of_unread
from grid.pauses import PauseRequested, ResumeRequested
from grid.preflight import plan_grid
from grid.runner import GridRunner
from grid.units import planned_rules
from grid.venue_facts import VenueFacts
from grid.worker_events import ShutdownRequested, StopRequested
from grid.worker_host import WorkerHost
from ports.market_data import AccountReader, MarketData
from ports.store import GridRow

log = logging.getLogger(__name__)

STOP_WAIT_S = 5.0


class GridManager:
    """One grid per instrument, each in its own thread. Safe to call from any thread."""

    def __init__(
        self, house: GridHouse, market_data: MarketData, account_reader: AccountReader, defaults: GridDefaults
    ) -> None:
        self._house = house
        self._defaults = defaults
        self._contracts = Contracts(house.futures, defaults.contracts, house.gate)
        self._facts = VenueFacts(market_data, account_reader, self._contracts, house.gate, defaults)
        self._contract_watch = ContractWatch(self._contracts, lambda: self.running, house.clock)
        self._countdown_watch = self._watch_countdowns()
        self._lock = Lock()
        self._runners: dict[Instrument, GridRunner] = {}
        self._ended_for_good: dict[int, GridSnapshot] = {}
        self._not_taken_up = NotTakenUp(house.store)

    # --- commands ---

    def check(self, request: GridRequest, incoming: Decimal = ZERO) -> GridPlan:
        """Validate without starting; the balance is checked too, with `incoming` quote that is still to come.

        Raises:
            InvalidRequest: all mistakes at once.
        """
        plan = plan_grid(request, self._facts.preflight(request, incoming - self._unlocked(request.instrument)))
        if plan.terms is None:
            return plan
        return replace(plan, warnings=(*plan.warnings, *self._contracts.warnings(plan.terms)))

    def start(self, request: GridRequest) -> GridSnapshot:
        """Start a grid; it is stored before its thread runs, and a contract set up at the venue before that.

        Raises:
            InvalidRequest: all mistakes at once.
            Conflict: if one runs on this instrument already, or as many as allowed run, or the venue does not trade the
                contract as asked.
        """
        with self._lock:
            self._refuse_second(request.instrument)
            plan = self.check(request)
            if plan.terms is not None:
                self._contracts.settle(request.instrument, plan.terms)
            clock = self._house.clock
            row = self._house.store.add_grid(request.instrument, plan, clock.market_ms(), clock.wall_ms())
            stands = ContractStands("") if plan.terms is not None else None
            return self._run(row, planned_rules(row), stands).snapshot()

    def stop(
        self, instrument: Instrument, on_stop: OnStop, *, yields: bool = False, grid_id: int | None = None
    ) -> GridSnapshot:
        """End a grid for good; waits a few seconds for its orders to be off the book.

        With `yields` one that is to end already ends as it was told; with `grid_id` no other one is ended.

        Raises:
            NotFound: if no grid runs on this instrument.
            Conflict: if it is another one.
        """
        runner = self._at_work(instrument)
        if grid_id not in (None, runner.row.grid_id):
            raise Conflict(f"grid {grid_id} has ended; grid {runner.row.grid_id} on {instrument} is left alone")
        runner.request_stop(StopRequested(on_stop, yields))
        runner.finished.wait(STOP_WAIT_S)
        return runner.snapshot()

    def pause(self, instrument: Instrument, keep: PauseKeep) -> GridSnapshot:
        """Take a grid's entries, or all its orders, off the book until it is resumed; returns once that is stored.

        Where the store cannot commit within a few seconds, `paused` of what is returned is not as asked for yet.

        Raises:
            NotFound: if no grid runs on this instrument.
            Conflict: if it is being stopped.
        """
        return self._ask_of_pause(instrument, PauseRequested(keep))

    def resume(self, instrument: Instrument) -> GridSnapshot:
        """Let a paused grid go on; returns once that is stored, as `pause` does.

        Raises:
            NotFound: if no grid runs on this instrument.
            Conflict: if it is being stopped.
        """
        return self._ask_of_pause(instrument, ResumeRequested())

    def edit(self, instrument: Instrument, changes: GridChanges, *, dry_run: bool) -> EditedGrid:
        """Change a grid's ladder or size while it works, or only tell what that would come to.

        Raises:
            InvalidRequest: all mistakes at once.
            NotFound: if no grid runs on this instrument.
            Conflict: if it cannot be edited now.
        """
        runner, others_need = self._at_work(instrument), self._unlocked(instrument)
        editor = GridEditor(self._house, self._facts)
        return editor.edit(runner, changes, dry_run=dry_run, others_need=others_need)

    def resume_all(self) -> int:
        """Start every grid that was running when this account's server last ended; return how many.

        One whose symbol the venue does not list any more, or whose contract is not traded as planned, is paused; one
        that cannot be read back is shown as such; the others go on. Where all fails the venue's countdowns run on.
        """
        try:
            rows = [row for row in self._house.store.grids() if row.ended_ms is None]
            rules = self._facts.rules_now(rows)
            stands = self._contracts.stand({row.instrument: row.plan.terms for row in rows if row.plan.terms})
            with self._lock:
                return sum(self._take_up(row, rules[row.grid_id], stands.get(row.instrument)) for row in rows)
        except BaseException:
            if self._countdown_watch is not None:
                self._countdown_watch.leave()
            raise

    def close(self, *, cancel_orders: bool, wait_s: float = 10.0) -> None:
        """End all threads; the grids go on at the next start. With `cancel_orders` their orders are taken off first.

        What then rests is to rest on: the venue's countdowns are stopped last.
        """
        self._contract_watch.stop()
        runners = [runner for runner in self._all() if not runner.finished.is_set()]
        if cancel_orders:
            for runner in runners:
                runner.request_stop(ShutdownRequested())
            for runner in runners:
                if not runner.finished.wait(wait_s):
                    log.warning("grid %d did not get its orders off the book in time", runner.row.grid_id)
        for runner in runners:
            runner.halt(wait_s)
        if self._countdown_watch is not None:
            self._countdown_watch.part()

    # --- shown ---

    def snapshots(self) -> tuple[GridSnapshot, ...]:
        """Return the newest grid of each instrument, running ones first."""
        newest = {row.instrument: row for row in sorted(self._house.store.grids(), key=lambda row: row.grid_id)}
        shown = [self.shown(row) for row in newest.values()]
        return tuple(sorted(shown, key=lambda snapshot: (snapshot.status != "running", snapshot.grid_id)))

    def snapshot(self, instrument: Instrument) -> GridSnapshot:
        """Return the newest grid of the instrument; one at work tells itself, whatever the store is able to tell.

        Raises:
            NotFound: if none ever ran.
        """
        runner = self._running(instrument)
        if runner is not None:
            return runner.snapshot()
        rows = [row for row in self._house.store.grids() if row.instrument == instrument]
        if not rows:
            raise NotFound(f"no grid ever ran on {instrument.base}{instrument.quote} {instrument.market}")
        return self.shown(max(rows, key=lambda row: row.grid_id))

    def fills(self, instrument: Instrument, limit: int) -> tuple[Fill, ...]:
        """Return the newest fills of all our grids on the instrument, newest first."""
        return self._house.store.newest_fills(instrument, limit)

    def watched(self, market: Market) -> tuple[Instrument, ...]:
        """Return the instruments in use: with a grid, or preferred; none that is known to be listed no more."""
        used = [row.instrument for row in self._house.store.grids() if row.ended_ms is None]
        named = dict.fromkeys([*filter(self._facts.may_be_listed, used), *self._defaults.watched()])
        return tuple(instrument for instrument in named if instrument.market is market)

    @property
    def has_grids(self) -> bool:
        """Tell whether this account's books know any grid, running or ended."""
        return bool(self._house.store.grids())

    @property
    def running(self) -> tuple[GridRunner, ...]:
        """Return the grids whose threads are at work."""
        return tuple(runner for runner in self._all() if not runner.finished.is_set())

    @property
    def markets_in_use(self) -> tuple[Market, ...]:
        """Return spot, where prices of fees and assets come from, and every market in which a grid runs."""
        return tuple(dict.fromkeys((Market.SPOT, *(runner.row.instrument.market for runner in self.running))))

    @property
    def is_idle(self) -> bool:
        """Tell whether no running grid awaits anything."""
        return all(runner.is_idle for runner in self.running)

    # --- helpers ---

    def _unlocked(self, instrument: Instrument) -> Decimal:
        """Return the free quote that other spot grids will need: for rungs that do not rest yet, or lie higher."""
        if instrument.market is not Market.SPOT:
            return ZERO
        asked = {it: it.row.plan.request for it in self.running}
        theirs = [it for it, its in asked.items() if its.resting_levels is not None or its.trail_up_to is not None]
        rivals = [
            it
            for it in theirs
            if (it.row.instrument.market, it.row.instrument.quote) == (Market.SPOT, instrument.quote)
        ]
        return sum((it.snapshot().unlocked for it in rivals if it.row.instrument != instrument), ZERO)

    def _ask_of_pause(self, instrument: Instrument, request: PauseRequested | ResumeRequested) -> GridSnapshot:
        runner = self._at_work(instrument)
        if runner.snapshot().phase is not Phase.STOPPING:
            runner.request_change(request).wait(STOP_WAIT_S)
        shown = runner.snapshot()
        if shown.phase in (Phase.STOPPING, Phase.ENDED):
            name = f"{instrument.base}{instrument.quote}"
            raise Conflict(f"the grid on {name} {instrument.market} is being stopped; start a new one instead")
        return shown

    def _at_work(self, instrument: Instrument) -> GridRunner:
        runner = self._running(instrument)
        self._refuse_where_not_taken_up(instrument)
        if runner is None:
            raise NotFound(f"no grid runs on {instrument.base}{instrument.quote} {instrument.market}")
        return runner

    def _refuse_where_not_taken_up(self, instrument: Instrument) -> None:
        why = self._not_taken_up.why_not(instrument)
        if why:
            raise Conflict(why)

    def _refuse_second(self, instrument: Instrument) -> None:
        self._refuse_where_not_taken_up(instrument)
        if self._running(instrument) is not None:
            name = f"{instrument.base}{instrument.quote}"
            raise Conflict(f"a grid runs on {name} {instrument.market} already; stop it first")
        if len(self.running) >= self._defaults.max_grids:
            raise Conflict(f"trading.max_concurrent_pairs allows {self._defaults.max_grids} grids; stop one first")

    def _take_up(self, row: GridRow, rules: InstrumentRules, stands: ContractStands | None) -> bool:
        try:
            self._run(row, rules, stands)
        except FOLD_ERRORS as error:
            reason = self._not_taken_up.add(row, error)
            log.exception("grid %d on %s is not taken up: %s", row.grid_id, row.instrument, reason)
            return False
        return True

    def _run(self, row: GridRow, rules: InstrumentRules, stands: ContractStands | None) -> GridRunner:
        runner = GridRunner(row, rules, self._house, self._ended)
        self._runners[row.instrument] = runner
        if stands is not None:
            runner.tell(stands)
            self._contract_watch.start()
            if self._countdown_watch is not None:
                self._countdown_watch.start()
        runner.start()
        return runner

    def _watch_countdowns(self) -> CountdownWatch | None:
        countdowns, policy = self._house.countdowns, self._defaults.contracts.countdown
        return (
            None if countdowns is None else CountdownWatch(countdowns, policy, lambda: self.running, self._house.clock)
        )

    def _ended(self, runner: GridRunner) -> None:
        log.info("grid %d on %s has ended", runner.row.grid_id, runner.row.instrument)

    def _running(self, instrument: Instrument) -> GridRunner | None:
        runner = self._runners.get(instrument)
        return None if runner is None or runner.finished.is_set() else runner

    def _all(self) -> tuple[GridRunner, ...]:
        return tuple(self._runners.values())

    def forget(self, grid_id: int) -> None:
        """Build what is shown of an ended grid anew: something about it became known."""
        self._ended_for_good.pop(grid_id, None)

    def shown(self, row: GridRow) -> GridSnapshot:
        """Return one grid, be it running or not, without asking the venue.

        One that ended is built from the store, and remembered once the value of every fee is known.
        """
        runner = self._runners.get(row.instrument)
        if runner is not None and runner.row.grid_id == row.grid_id:
            return runner.snapshot()
        snapshot = self._not_taken_up.shown(row.grid_id) or self._ended_for_good.get(row.grid_id)
        if snapshot is None:
            try:
                snapshot = WorkerHost(row, planned_rules(row), self._house, lambda _answer: None).snapshot()
            except FOLD_ERRORS as error:
                snapshot = snapshot_of_unread(row, self._house.store, error)
            if row.ended_ms is not None and not snapshot.books.fees_unvalued:
                self._ended_for_good[row.grid_id] = snapshot
        return snapshot
