"""Moves pairs between spot and futures: what a person or the autopilot may begin, and what is shown of it.

`grid.switch_steps` does it. Each step is stored before it is taken, and the thread that takes it may be another
process's than the one that stored it: what was begun is looked at anew, never presumed.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock

from domain.errors import Conflict, FieldMistake, InvalidRequest, NotFound
from domain.futures import Position
from domain.grids import AskedBy, Direction, GridPlan, GridRequest, GridSnapshot, GridStatus, Phase
from domain.instrument import Instrument, Market
from domain.switches import Switch, SwitchPhase
from grid.switch_steps import SwitchSteps
from grid.switch_terms import capital_of, name_of, request_there, running_on
from ports.clock import Clock
from ports.control import Commands, Snapshots
from ports.market_data import AccountReader, MarketData
from ports.switches import FundTransfers, SwitchStore
from risk.gate import RiskGate

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchRules:
    """What the settings allow, and what a grid on futures gets that comes from spot."""

    allowed: bool
    markets: Sequence[Market]
    cooldown_ms: int
    futures_direction: Direction


class Switching:
    """Of one account. `begin` may be called by any thread, `step` by one, which waits for the venue.

    Args:
        store: of the switches.
        transfers: of funds.
        commands: stops and starts grids.
        snapshots: tells how they stand.
        check: preflight of a request, with so much more free than is now.
        reader: of balances.
        positions: that a contract holds; empty where it is flat.
        market_data: for the pair's other instrument, and order rules.
        gate: which every transfer passes.
        rules: of the settings.
        clock: market time for the cooldown, wall time for requests, monotonic time for how long is waited.
    """

    def __init__(
        self,
        *,
        store: SwitchStore,
        transfers: FundTransfers,
        commands: Commands,
        snapshots: Snapshots,
        check: Callable[[GridRequest, Decimal], GridPlan],
        reader: AccountReader,
        positions: Callable[[Instrument], tuple[Position, ...]],
        market_data: MarketData,
        gate: RiskGate,
        rules: SwitchRules,
        clock: Clock,
    ) -> None:
        self._store, self._transfers, self._snapshots = store, transfers, snapshots
        self._check, self._market_data, self._rules, self._clock = check, market_data, rules, clock
        self._lock = Lock()
        self._beginning = Lock()
        self._switches = {switch.number: switch for switch in store.all()}
        self._steps = SwitchSteps(
            store=store,
            note=self._note,
            transfers=transfers,
            commands=commands,
            snapshots=snapshots,
            reader=reader,
            positions=positions,
            market_data=market_data,
            gate=gate,
            clock=clock,
        )

    # --- shown ---

    @property
    def newest_first(self) -> tuple[Switch, ...]:
        with self._lock:
            return tuple(reversed(self._switches.values()))

    @property
    def under_way(self) -> tuple[Switch, ...]:
        return tuple(switch for switch in self.newest_first if not switch.is_over)

    @property
    def began_ms(self) -> Mapping[str, int]:
        """Return when each pair began its newest switch, market time."""
        return {name_of(switch.source): switch.began_ms for switch in reversed(self.newest_first)}

    # --- commanded ---

    def begin(self, source: Instrument, to: Market, *, asked_by: AskedBy | None = None) -> Switch:
        """Store that a pair is to change markets; `step` does it. The old grid runs on until then.

        With `asked_by` a grid that somebody else asked for is not touched.

        Raises:
            NotFound: if no grid runs on `source`, or the other market does not list the pair.
            InvalidRequest: if the grid would not pass preflight there, funds aside.
            Conflict: if switching is off, too soon, under way, or no funds can be moved here.
            VenueError: if the venue does not answer.
        """
        with self._beginning:
            old = self._running(source)
            if asked_by not in (None, old.plan.request.asked_by):
                raise Conflict(f"the grid on {name_of(source)} is a {old.plan.request.asked_by}'s; it is left alone")
            target = self._target(source, to)
            self._refuse_untimely(source, target)
            if trouble := self._transfers.trouble():
                raise Conflict(f"funds cannot be moved: {trouble}")
            request = request_there(old, target, self._direction(to))
            self._check(request, capital_of(old))
            switch = self._store.add(
                Switch(
                    number=0,
                    source=source,
                    request=request,
                    grid_id=old.grid_id,
                    began_ms=self._clock.market_ms(),
                )
            )
            self._note(switch)
        log.info("switch %d: %s is to move to %s", switch.number, source, to)
        return switch

    def _running(self, source: Instrument) -> GridSnapshot:
        grid = self._snapshots.grid(source)
        if grid.status is GridStatus.STOPPED or grid.phase in (Phase.STOPPING, Phase.ENDED):
            raise NotFound(f"no grid runs on {name_of(source)} {source.market}")
        if grid.phase is Phase.FAULTED:
            raise Conflict(f"the grid on {name_of(source)} {source.market} needs a person: {grid.phase_reason}")
        if grid.paused is not None:
            raise Conflict(f"the grid on {name_of(source)} {source.market} is paused by request; resume it first")
        return grid

    def _target(self, source: Instrument, to: Market) -> Instrument:
        if to not in self._rules.markets:
            raise InvalidRequest([FieldMistake("market_type", f"{to} is not traded by this server")])
        if to is source.market:
            raise InvalidRequest([FieldMistake("market_type", f"the pair is on {to} already; name the other market")])
        return self._market_data.instrument(name_of(source), to)

    def _refuse_untimely(self, source: Instrument, target: Instrument) -> None:
        name = name_of(source)
        if not self._rules.allowed:
            raise Conflict("trading.allow_market_switching is off; turn it on, or stop this grid and start another")
        if any(name_of(switch.source) == name for switch in self.under_way):
            raise Conflict(f"{name} is on its way to another market already")
        if running_on(self._snapshots, target) is not None:
            raise Conflict(f"a grid runs on {name} {target.market} already; stop one of the two")
        moved_ms = (it.began_ms for it in self.newest_first if name_of(it.source) == name and it.has_weighed)
        waited_ms = self._clock.market_ms() - next(moved_ms, -self._rules.cooldown_ms)
        if 0 <= waited_ms < self._rules.cooldown_ms:
            minutes = -(-(self._rules.cooldown_ms - waited_ms) // 60_000)
            raise Conflict(f"{name} has moved lately; market_switch_cooldown_minutes leaves {minutes} min")

    def _direction(self, to: Market) -> Direction:
        return self._rules.futures_direction if to is Market.FUTURES else Direction.LONG

    # --- at work ---

    def step(self) -> None:
        """Take each switch as far as it goes now. What the venue does not answer is asked for again next time."""
        for switch in reversed(self.under_way):
            before: SwitchPhase | None = None
            while not switch.is_over and switch.phase is not before:
                before = switch.phase
                switch = self._steps.advanced(switch)  # noqa: PLW2901

    def _note(self, switch: Switch) -> None:
        with self._lock:
            self._switches[switch.number] = switch
