"""Follows the selection: proposes what to do about pairs and, where the settings say so, does it one step at a time.

Whatever it does goes through the port a person's requests go through, so preflight, gate and limits have the last word.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from domain.errors import Conflict, TradingError, VenueError
from domain.grids import AskedBy, GridRequest, GridSnapshot, GridStatus, OnStop, Phase
from domain.instrument import Instrument, Market
from domain.money import ZERO
from domain.pairs import Act, MarketShare, Proposal, Selection
from domain.switches import Switch, SwitchPhase
from grid.selection.deciding import (
    AutopilotRules,
    RunningGrid,
    Situation,
    Wallet,
    decide,
    shares_of,
    surely_refused,
)
from grid.selection.gathering import QUOTE
from grid.switching import Switching
from ports.clock import Clock
from ports.control import Commands, Snapshots
from ports.market_data import AccountReader

log = logging.getLogger(__name__)

LOOK_S: Final = 60.0
"""How long proposals stand that nothing was done about: balances and running grids change meanwhile."""


class Autopilot:
    """Of one account. To be stepped by one thread, which waits for the venue; anybody may ask what it proposes.

    Args:
        commands: starts and stops grids, as for a person.
        snapshots: tells which run.
        reader: tells what the wallets hold.
        markets: that are traded.
        rules: of the settings.
        request_of: what to ask for on a pair.
        switching: moves pairs to the other market.
        clock: market time for what is decided, monotonic time for how often.
    """

    def __init__(
        self,
        *,
        commands: Commands,
        snapshots: Snapshots,
        reader: AccountReader,
        markets: Sequence[Market],
        rules: AutopilotRules,
        request_of: Callable[[Instrument], GridRequest],
        switching: Switching,
        clock: Clock,
    ) -> None:
        self._commands, self._snapshots, self._reader = commands, snapshots, reader
        self._markets, self._rules, self._request_of, self._clock = tuple(markets), rules, request_of, clock
        self._switching = switching
        self._selection: Selection | None = None
        self._refused_before: frozenset[Instrument] = frozenset()
        self._refused: frozenset[Instrument] = frozenset()
        self._seen: frozenset[Instrument] = frozenset()
        self._failed: dict[tuple[Act, Instrument], str] = {}
        self._looked_s = float("-inf")
        self.proposals: tuple[Proposal, ...] = ()
        self.shares: tuple[MarketShare, ...] = ()

    @property
    def acts(self) -> bool:
        """Tell whether it does what it proposes."""
        return self._rules.acts

    def step(self, selection: Selection) -> None:
        """Propose anew where it is time to, and take the first step that nothing stands in the way of."""
        now_s = self._clock.monotonic_s()
        if selection is not self._selection:
            self._take_over(selection)
        elif now_s - self._looked_s < LOOK_S:
            return
        self._looked_s = now_s
        self._propose(selection)
        possible = next((it for it in self.proposals if it.held_back is None), None)
        if possible is not None and self._rules.acts:
            self._do(possible)
            self._looked_s = float("-inf")

    def nothing_to_go_by(self) -> None:
        """Withdraw what is proposed: the selection is too old."""
        self.proposals = ()

    # --- helpers ---

    def _take_over(self, selection: Selection) -> None:
        is_first, self._selection = self._selection is None, selection
        refused = surely_refused(selection)
        self._refused = refused & self._refused_before
        self._refused_before = refused
        self._seen = self._ended_before(selection) if is_first else frozenset()
        self._failed.clear()

    def _ended_before(self, selection: Selection) -> frozenset[Instrument]:
        """Return pairs whose grids ended since about the selection that a process before this one made."""
        since_ms = selection.taken_ms - self._rules.interval_ms
        ended = [it for it in self._snapshots.grids() if it.ended_ms is not None and it.ended_ms > since_ms]
        return frozenset(it.instrument for it in ended)

    def _propose(self, selection: Selection) -> None:
        moving = self._switching.under_way
        sources = {switch.source for switch in moving}
        there = [running_grid(it) for it in self._snapshots.grids() if it.status is not GridStatus.STOPPED]
        running = tuple(grid for grid in there if grid.instrument not in sources)
        self._seen |= {grid.instrument for grid in there}
        situation = Situation(
            selection=selection,
            refused=self._refused,
            running=running,
            switching=tuple(map(arriving_grid, moving)),
            leaving=tuple(map(leaving_grid, filter(_is_on_source, moving))),
            switched_ms=self._switching.began_ms,
            seen=self._seen,
            failed=self._failed,
            wallets=self._wallets(),
            now_ms=self._clock.market_ms(),
        )
        self.shares = shares_of(situation, self._rules)
        self.proposals = decide(situation, self._rules)

    def _wallets(self) -> Mapping[Market, Wallet]:
        return {market: self._wallet(market) for market in self._markets}

    def _wallet(self, market: Market) -> Wallet:
        try:
            held = [it for it in self._reader.balances(market) if it.asset == QUOTE]
        except VenueError as error:
            return Wallet(trouble=str(error))
        return Wallet(total=sum((it.total for it in held), ZERO), free=sum((it.free for it in held), ZERO))

    def _do(self, proposal: Proposal) -> None:
        try:
            match proposal.act:
                case Act.OPEN:
                    grid = self._commands.start_grid(self._request_of(proposal.instrument))
                    self._seen |= {grid.instrument}
                    log.info("the autopilot started grid %d on %s", grid.grid_id, grid.instrument)
                case Act.END:
                    ours = self._ours(proposal.instrument)
                    grid = self._commands.stop_grid(proposal.instrument, OnStop.UNWIND, grid_id=ours)
                    log.info("the autopilot winds down grid %d on %s", grid.grid_id, grid.instrument)
                case Act.SWITCH if proposal.target is not None:
                    target = proposal.target.market
                    self._switching.begin(proposal.instrument, target, asked_by=AskedBy.AUTOPILOT)
        except TradingError as error:
            self._failed[proposal.act, proposal.instrument] = str(error)
            log.warning("the autopilot could not %s %s: %s", proposal.act, proposal.instrument, error)

    def _ours(self, instrument: Instrument) -> int:
        """Return the grid on an instrument, as it is now: a person may have started another one meanwhile."""
        grid = self._snapshots.grid(instrument)
        if grid.plan.request.asked_by is not AskedBy.AUTOPILOT or _awaits_person(grid):
            raise Conflict(f"grid {grid.grid_id} is a person's matter by now")
        return grid.grid_id


def running_grid(grid: GridSnapshot) -> RunningGrid:
    """Return what counts of a grid that has not ended."""
    return RunningGrid(
        instrument=grid.instrument,
        asked_by=grid.plan.request.asked_by,
        capital=max(grid.plan.capital_needed, grid.plan.request.capital or ZERO),
        inventory=grid.books.inventory_cost if grid.instrument.market is Market.SPOT else ZERO,
        is_ending=grid.phase in (Phase.STOPPING, Phase.ENDED),
        awaits_person=_awaits_person(grid),
    )


def _awaits_person(grid: GridSnapshot) -> bool:
    return grid.paused is not None or grid.phase is Phase.FAULTED


def arriving_grid(switch: Switch) -> RunningGrid:
    """Return what counts of a pair on its way: the slot, and the capital where it arrives."""
    return RunningGrid(
        instrument=switch.target,
        asked_by=switch.request.asked_by,
        capital=switch.request.capital or switch.amount or ZERO,
        inventory=ZERO,
        is_ending=False,
    )


def leaving_grid(switch: Switch) -> RunningGrid:
    """Return what a pair on its way still counts on where it leaves; nothing is to be bought with that."""
    there = arriving_grid(switch)
    return replace(there, instrument=switch.source, is_ending=True)


def _is_on_source(switch: Switch) -> bool:
    return switch.phase in (SwitchPhase.UNWINDING, SwitchPhase.MOVING)
