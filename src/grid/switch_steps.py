"""The steps of a pair's way to the other market: its grid ends flat, its funds change wallets, the new grid starts.

An old grid that did not come out flat ends the way there; one that a person or its own stops ended, too.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from domain.errors import (
    ClockSkewed,
    Conflict,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    SlowDown,
    TradingError,
    Unreachable,
    VenueError,
)
from domain.futures import Position
from domain.grids import GridSnapshot, GridStatus, OnStop, Phase
from domain.instrument import Instrument, Market
from domain.money import ZERO, plain
from domain.switches import Switch, SwitchPhase, TransferState
from grid.switch_terms import CENT, capital_of, request_there, running_on
from ports.clock import Clock
from ports.control import Commands, Snapshots
from ports.market_data import AccountReader, MarketData
from ports.switches import FundTransfers, SwitchStore
from risk.gate import RiskGate

log = logging.getLogger(__name__)

ABSENT_AFTER_S: Final = 120.0
"""How long a transfer may be missing from the venue's list before it counts as never made: it is accepted for 5 s.

Counted on the monotonic clock by the process that looks, so that no clock that jumps sends it twice.
"""
LISTED_FOR_MS: Final = 6 * 86_400_000
"""How long the venue surely lists a transfer: a week. One that may be older can be made again by a person alone."""
SETTLING_S: Final = 60.0
"""How long the venue may show a position that was closed, or not yet show funds that arrived."""
MOST_ATTEMPTS: Final = 3
START_FOR_S: Final = 1800.0
START_EVERY_S: Final = 15.0
"""How often the new grid is tried: each time its preflight reads the account, the rules and the price."""
LEAST_MOVED: Final = Decimal(1)


class SwitchSteps:
    """For one thread; the arguments are those of `grid.switching.Switching`, and `note` shows how a switch stands."""

    def __init__(
        self,
        *,
        store: SwitchStore,
        note: Callable[[Switch], None],
        transfers: FundTransfers,
        commands: Commands,
        snapshots: Snapshots,
        reader: AccountReader,
        positions: Callable[[Instrument], tuple[Position, ...]],
        market_data: MarketData,
        gate: RiskGate,
        clock: Clock,
    ) -> None:
        self._store, self._note, self._transfers = store, note, transfers
        self._commands, self._snapshots, self._reader, self._positions = commands, snapshots, reader, positions
        self._market_data, self._gate, self._clock = market_data, gate, clock
        self._since_s: dict[tuple[int, str], float] = {}
        self._tried_s: dict[int, float] = {}

    def advanced(self, switch: Switch) -> Switch:
        steps = {
            SwitchPhase.UNWINDING: self._unwind,
            SwitchPhase.MOVING: self._move,
            SwitchPhase.STARTING: self._start,
        }
        try:
            return steps[switch.phase](switch)
        except TradingError as error:
            return self._waits(switch, str(error))

    # --- first: the old grid ends flat ---

    def _unwind(self, switch: Switch) -> Switch:
        grid = self._snapshots.grid(switch.source)
        if grid.grid_id != switch.grid_id:
            return self._failed(switch, f"another grid was started on {switch.source.market} meanwhile")
        if switch.told_ms is None:
            if trouble := _taken_over(grid, switch):
                return self._failed(switch, f"{trouble}; nothing was moved")
            switch = self._put(replace(switch, told_ms=self._clock.market_ms()))
        if grid.phase is Phase.FAULTED:
            return self._failed(switch, f"the old grid needs a person: {grid.phase_reason}; nothing was moved")
        if grid.status is not GridStatus.STOPPED and grid.phase is not Phase.STOPPING:
            grid = self._commands.stop_grid(switch.source, OnStop.UNWIND, grid_id=switch.grid_id)
        if grid.status is not GridStatus.STOPPED:
            return self._waits(switch, grid.phase_reason or "the old grid takes its orders off and sells what it holds")
        if left := self._left(grid):
            return self._failed(switch, f"the old grid ended and {left}; nothing was moved, see to it and start anew")
        if self._is_held(switch.source):
            if self._waited_s(switch, "flat") < SETTLING_S:
                return self._waits(switch, "the exchange still shows a position")
            return self._failed(switch, "the old grid is flat, yet the exchange shows a position; nothing was moved")
        return self._weigh(switch, grid)

    def _left(self, grid: GridSnapshot) -> str:
        """Return what an ended grid left behind that is no dust, in words."""
        if grid.open_orders:
            return f"{len(grid.open_orders)} of its orders still rest"
        held, instrument = grid.books.base_held, grid.instrument
        if grid.alarms and instrument.market is Market.SPOT:  # what a contract holds the exchange tells besides
            return f"needs a person: {'; '.join(grid.alarms)}"
        if not held or (instrument.market is Market.SPOT and self._is_dust(grid)):
            return ""
        return f"holds {plain(held)} {instrument.base}"

    def _is_dust(self, grid: GridSnapshot) -> bool:
        """Tell whether what is held on spot is too little to be sold; what is not listed any more never is."""
        try:
            rules = self._market_data.rules(grid.instrument)
        except NotFound:
            return False
        least = max(rules.min_notional, rules.lot * grid.books.mark_price)
        return abs(grid.books.inventory_value) < least or abs(grid.books.base_held) < rules.lot

    def _is_held(self, instrument: Instrument) -> bool:
        return instrument.market is Market.FUTURES and bool(self._positions(instrument))

    # --- then: its funds follow ---

    def _weigh(self, switch: Switch, grid: GridSnapshot) -> Switch:
        """Store how much moves: what the old grid had, less what it lost, as far as that is free."""
        if running_on(self._snapshots, switch.target) is not None:
            return self._failed(switch, f"a grid was started on {switch.target.market} meanwhile; {_kept(switch)}")
        own = capital_of(grid) + min(grid.books.equity_change, ZERO)
        free = self._free(switch.source)
        amount = min(own, free).quantize(CENT, ROUND_FLOOR)
        if amount < LEAST_MOVED:
            why = f"of the {plain(own)} {switch.source.quote} of the old grid {plain(free)} are free"
            return self._failed(switch, f"{why}, too little to move; {_kept(switch)}")
        verdict = self._gate.ask_transfer(amount, free)
        if not verdict.allowed:
            return self._failed(switch, f"the risk gate refuses the transfer: {verdict.reason}; {_kept(switch)}")
        request = switch.request
        if request.capital is not None:
            request = replace(request, capital=min(request.capital, amount - 2 * CENT))
        weighed = replace(switch, phase=SwitchPhase.MOVING, amount=amount, request=request, reason="")
        if weighed.transfer is not None and self._transfers.find(weighed.transfer) is not None:
            why = "a transfer of just this amount was made lately, by a copy of these books or by older ones"
            return self._failed(switch, f"{why}; look at the exchange which wallet holds the funds")
        return self._put(weighed)

    def _move(self, switch: Switch) -> Switch:
        transfer = switch.transfer
        assert transfer is not None  # noqa: S101 - stored with the phase
        if switch.sent_ms is not None or self._transfers.find(transfer) is not None:  # these books may be a copy
            return self._look_up(switch)
        switch = self._put(replace(switch, sent_ms=self._clock.wall_ms()))
        try:
            transfer_id = self._transfers.send(transfer)
        except (Unreachable, OutcomeUnknown, SlowDown, ClockSkewed) as error:
            return self._waits(switch, f"whether the funds have moved is not known yet: {error}")
        except VenueError as error:
            return self._failed(switch, f"the exchange refuses the transfer: {error}; {_kept(switch)}")
        return self._arrived(switch, transfer_id)

    def _look_up(self, switch: Switch) -> Switch:
        """Settle a transfer that was about to be sent once; it is sent again only if it was never made."""
        transfer = switch.transfer
        assert transfer is not None  # noqa: S101 - stored with the phase
        found = self._transfers.find(transfer)
        if found is not None and found[0] is TransferState.CONFIRMED:
            return self._arrived(switch, found[1])
        if found is not None and found[0] is TransferState.PENDING:
            return self._waits(switch, f"transfer {found[1]} is pending at the exchange")
        if found is None:
            if switch.sent_ms is not None and self._clock.wall_ms() - switch.sent_ms > LISTED_FOR_MS:
                why = "whether the transfer was made cannot be found out any more"
                return self._failed(switch, f"{why}; look at the exchange which wallet holds the funds")
            if self._waited_s(switch, f"transfer {switch.attempt}") < ABSENT_AFTER_S:
                return self._waits(switch, "the exchange does not list the transfer yet")
        return self._once_more(switch)

    def _arrived(self, switch: Switch, transfer_id: int) -> Switch:
        switch = self._put(replace(switch, phase=SwitchPhase.STARTING, transfer_id=transfer_id, reason=""))
        amount, asset = plain(switch.transfer.amount) if switch.transfer else "", switch.source.quote
        to = switch.target.market
        log.info("switch %d: %s %s are in the %s wallet (transfer %d)", switch.number, amount, asset, to, transfer_id)
        return switch

    def _once_more(self, switch: Switch) -> Switch:
        amount = switch.amount or ZERO
        verdict = self._gate.ask_transfer(amount, self._free(switch.source))
        if switch.attempt >= MOST_ATTEMPTS or not verdict.allowed:
            why = verdict.reason or f"{MOST_ATTEMPTS} transfers did not come about"
            return self._failed(switch, f"{why}; look at the exchange which wallet holds the funds")
        return self._put(replace(switch, attempt=switch.attempt + 1, sent_ms=None, reason=""))

    # --- last: the new grid starts ---

    def _start(self, switch: Switch) -> Switch:
        if self._has_started(switch):  # before that could be stored
            return self._over(switch, SwitchPhase.DONE, "")
        now_s = self._clock.monotonic_s()
        if now_s - self._tried_s.get(switch.number, float("-inf")) < START_EVERY_S:
            return switch
        self._tried_s[switch.number] = now_s
        try:
            grid = self._commands.start_grid(switch.request)
        except (InvalidRequest, Conflict, VenueError) as error:
            patience_s = SETTLING_S if isinstance(error, InvalidRequest) else START_FOR_S
            if self._waited_s(switch, "start") < patience_s:
                return self._waits(switch, str(error))
            return self._failed(switch, f"the new grid cannot start: {error}; the funds are on {switch.target.market}")
        log.info("switch %d: grid %d took over on %s", switch.number, grid.grid_id, switch.target)
        return self._over(switch, SwitchPhase.DONE, "")

    def _has_started(self, switch: Switch) -> bool:
        """Tell whether the new grid was there already, even if it has ended since; somebody else's is none."""
        try:
            grid = self._snapshots.grid(switch.target)
        except NotFound:
            return False
        return grid.grid_id > switch.grid_id and grid.plan.request == switch.request

    # --- helpers ---

    def _waited_s(self, switch: Switch, what: str) -> float:
        """Return how long this process has waited for something, 0 when asked for the first time."""
        now_s = self._clock.monotonic_s()
        return now_s - self._since_s.setdefault((switch.number, what), now_s)

    def _free(self, instrument: Instrument) -> Decimal:
        held = self._reader.balances(instrument.market)
        return sum((balance.free for balance in held if balance.asset == instrument.quote), ZERO)

    def _failed(self, switch: Switch, reason: str) -> Switch:
        log.warning("switch %d of %s failed: %s", switch.number, switch.source, reason)
        return self._over(switch, SwitchPhase.FAILED, reason)

    def _over(self, switch: Switch, phase: SwitchPhase, reason: str) -> Switch:
        return self._put(replace(switch, phase=phase, reason=reason, ended_ms=self._clock.market_ms()))

    def _waits(self, switch: Switch, reason: str) -> Switch:
        """Tell what a switch waits for; not stored, for the next look finds it again."""
        if reason != switch.reason:
            log.info("switch %d of %s waits: %s", switch.number, switch.source, reason)
            switch = replace(switch, reason=reason)
            self._note(switch)
        return switch

    def _put(self, switch: Switch) -> Switch:
        self._store.put(switch)
        self._note(switch)
        return switch


def _taken_over(grid: GridSnapshot, switch: Switch) -> str:
    """Return why a grid that was to move is no longer ours to end: somebody, or a stop of its own, was faster."""
    if grid.status is GridStatus.STOPPED or grid.phase in (Phase.STOPPING, Phase.ENDED):
        return "the old grid was ended before it could move"
    if grid.paused is not None:
        return "the old grid is paused by request"
    is_as_it_was = request_there(grid, switch.target, switch.request.direction) == switch.request
    return "" if is_as_it_was and not grid.is_edited_now else "the old grid was edited, or began to trade, meanwhile"


def _kept(switch: Switch) -> str:
    return f"the funds are on {switch.source.market}"
