"""Moves pairs between spot and futures: the old grid is unwound, its funds change wallets, the new grid starts.

Each step is stored before it is taken, and the thread that takes it may be another process's than the one that stored
it: what was begun is looked at anew, never presumed. An old grid that did not come out flat ends the way there.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from threading import Lock
from typing import Final

from domain.errors import (
    Conflict,
    FieldMistake,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    SlowDown,
    TradingError,
    Unreachable,
    VenueError,
)
from domain.futures import Position
from domain.grids import Direction, GridPlan, GridRequest, GridSnapshot, GridStatus, OnStop, Phase
from domain.instrument import Instrument, Market
from domain.money import ZERO, plain
from domain.switches import Switch, SwitchPhase, TransferState
from ports.clock import Clock
from ports.control import Commands, Snapshots
from ports.market_data import AccountReader, MarketData
from ports.switches import FundTransfers, SwitchStore
from risk.gate import RiskGate

log = logging.getLogger(__name__)

ABSENT_AFTER_MS: Final = 120_000
"""How long a transfer may be missing from the venue's list before it counts as never made: it is accepted for 5 s."""
MOST_ATTEMPTS: Final = 3
START_FOR_S: Final = 1800.0
LEAST_MOVED: Final = Decimal(1)
_CENT: Final = Decimal("0.01")


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
        clock: market time for the cooldown, wall time for requests.
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
        self._store, self._transfers, self._commands, self._snapshots = store, transfers, commands, snapshots
        self._check, self._reader, self._positions = check, reader, positions
        self._market_data, self._gate, self._rules, self._clock = market_data, gate, rules, clock
        self._lock = Lock()
        self._beginning = Lock()
        self._switches = {switch.number: switch for switch in store.all()}
        self._start_tried_s: dict[int, float] = {}

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
        return {_name(switch.source): switch.began_ms for switch in reversed(self.newest_first)}

    # --- commanded ---

    def begin(self, source: Instrument, to: Market) -> Switch:
        """Store that a pair is to change markets; `step` does it. The old grid runs on until then.

        Raises:
            NotFound: if no grid runs on `source`, or the other market does not list the pair.
            InvalidRequest: if the grid would not pass preflight there, funds aside.
            Conflict: if switching is off, too soon, under way, or no funds can be moved here.
            VenueError: if the venue does not answer.
        """
        with self._beginning:
            old = self._running(source)
            target = self._target(source, to)
            self._refuse_untimely(source, target)
            if trouble := self._transfers.trouble():
                raise Conflict(f"funds cannot be moved: {trouble}")
            request = self._request(old, target)
            self._check(request, _capital(old))
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
            raise NotFound(f"no grid runs on {_name(source)} {source.market}")
        return grid

    def _target(self, source: Instrument, to: Market) -> Instrument:
        if to not in self._rules.markets:
            raise InvalidRequest([FieldMistake("market_type", f"{to} is not traded by this server")])
        if to is source.market:
            raise InvalidRequest([FieldMistake("market_type", f"the pair is on {to} already; name the other market")])
        return self._market_data.instrument(_name(source), to)

    def _refuse_untimely(self, source: Instrument, target: Instrument) -> None:
        name = _name(source)
        if not self._rules.allowed:
            raise Conflict("trading.allow_market_switching is off; turn it on, or stop this grid and start another")
        if any(_name(switch.source) == name for switch in self.under_way):
            raise Conflict(f"{name} is on its way to another market already")
        if self._newest(target) is not None:
            raise Conflict(f"a grid runs on {name} {target.market} already; stop one of the two")
        since_ms = self.began_ms.get(name)
        if since_ms is not None and (waited := self._clock.market_ms() - since_ms) < self._rules.cooldown_ms:
            minutes = -(-(self._rules.cooldown_ms - waited) // 60_000)
            raise Conflict(f"{name} has moved lately; market_switch_cooldown_minutes leaves {minutes} min")

    def _request(self, old: GridSnapshot, target: Instrument) -> GridRequest:
        """Return the same ladder on the other market: stops go with it, a trigger that was reached does not."""
        asked = old.plan.request
        on_futures = target.market is Market.FUTURES
        return replace(
            asked,
            instrument=target,
            capital=None if asked.quantity is not None else _capital(old),
            direction=self._rules.futures_direction if on_futures else Direction.LONG,
            leverage=None,
            margin_type=None,
            trigger_price=asked.trigger_price if old.phase is Phase.WAITING else None,
        )

    # --- at work ---

    def step(self) -> None:
        """Take each switch as far as it goes now. What the venue does not answer is asked for again next time."""
        for switch in reversed(self.under_way):
            before: SwitchPhase | None = None
            while not switch.is_over and switch.phase is not before:
                before = switch.phase
                switch = self._advanced(switch)  # noqa: PLW2901

    def _advanced(self, switch: Switch) -> Switch:
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
        if grid.status is not GridStatus.STOPPED and grid.phase is not Phase.STOPPING:
            grid = self._commands.stop_grid(switch.source, OnStop.UNWIND)
        if grid.status is not GridStatus.STOPPED:
            return self._waits(switch, grid.phase_reason or "the old grid takes its orders off and sells what it holds")
        if left := self._left(grid):
            return self._failed(switch, f"the old grid ended and {left}; nothing was moved, see to it and start anew")
        return self._weigh(switch, grid)

    def _left(self, grid: GridSnapshot) -> str:
        """Return what an ended grid left behind that is no dust, in words."""
        held, instrument = grid.books.base_held, grid.instrument
        if instrument.market is Market.FUTURES:
            positions = self._positions(instrument)
            return f"holds {plain(held)} {instrument.base}" if held or positions else ""
        rules = self._market_data.rules(instrument)
        dust = max(rules.min_notional, rules.lot * grid.books.mark_price)
        if abs(grid.books.inventory_value) < dust or abs(held) < rules.lot:
            return ""
        return f"holds {plain(held)} {instrument.base}"

    # --- then: its funds follow ---

    def _weigh(self, switch: Switch, grid: GridSnapshot) -> Switch:
        """Store how much moves: what the old grid had, less what it lost, as far as that is free."""
        own = _capital(grid) + min(grid.books.equity_change, ZERO)
        free = self._free(switch.source)
        amount = min(own, free).quantize(_CENT, ROUND_FLOOR)
        if amount < LEAST_MOVED:
            return self._put(replace(switch, phase=SwitchPhase.STARTING, reason="nothing was left to move"))
        verdict = self._gate.ask_transfer(amount, free)
        if not verdict.allowed:
            return self._failed(switch, f"the risk gate refuses the transfer: {verdict.reason}; {_kept(switch)}")
        request = switch.request
        if request.capital is not None:
            request = replace(request, capital=min(request.capital, amount - 2 * _CENT))
        return self._put(replace(switch, phase=SwitchPhase.MOVING, amount=amount, request=request, reason=""))

    def _move(self, switch: Switch) -> Switch:
        transfer = switch.transfer
        assert transfer is not None  # noqa: S101 - stored with the phase
        if switch.sent_ms is not None or self._transfers.find(transfer) is not None:  # these books may be a copy
            return self._look_up(switch)
        switch = self._put(replace(switch, sent_ms=self._clock.wall_ms()))
        try:
            transfer_id = self._transfers.send(transfer)
        except (Unreachable, OutcomeUnknown, SlowDown) as error:
            return self._waits(switch, f"whether the funds have moved is not known yet: {error}")
        except VenueError as error:
            return self._failed(switch, f"the exchange refuses the transfer: {error}; {_kept(switch)}")
        return self._put(replace(switch, phase=SwitchPhase.STARTING, transfer_id=transfer_id, reason=""))

    def _look_up(self, switch: Switch) -> Switch:
        """Settle a transfer that was about to be sent once; it is sent again only if it was never made."""
        transfer, sent_ms = switch.transfer, switch.sent_ms or self._clock.wall_ms()
        assert transfer is not None  # noqa: S101 - stored with the phase
        found = self._transfers.find(transfer)
        if found is not None and found[0] is TransferState.CONFIRMED:
            return self._put(replace(switch, phase=SwitchPhase.STARTING, transfer_id=found[1], reason=""))
        if found is not None and found[0] is TransferState.PENDING:
            return self._waits(switch, f"transfer {found[1]} is pending at the exchange")
        if found is None and self._clock.wall_ms() - sent_ms < ABSENT_AFTER_MS:
            return self._waits(switch, "the exchange does not list the transfer yet")
        return self._once_more(switch)

    def _once_more(self, switch: Switch) -> Switch:
        amount = switch.amount or ZERO
        verdict = self._gate.ask_transfer(amount, self._free(switch.source))
        if switch.attempt >= MOST_ATTEMPTS or not verdict.allowed:
            why = verdict.reason or f"{MOST_ATTEMPTS} transfers did not come about"
            return self._failed(switch, f"{why}; look at the exchange which wallet holds the funds")
        return self._put(replace(switch, attempt=switch.attempt + 1, sent_ms=None, reason=""))

    # --- last: the new grid starts ---

    def _start(self, switch: Switch) -> Switch:
        if self._newest(switch.target) is not None:  # it started before we could store that
            return self._over(switch, SwitchPhase.DONE, "")
        try:
            grid = self._commands.start_grid(switch.request)
        except InvalidRequest as error:
            return self._failed(switch, f"the new grid cannot start: {error}; the funds are on {switch.target.market}")
        except (Conflict, VenueError) as error:
            now_s = self._clock.monotonic_s()
            if now_s - self._start_tried_s.setdefault(switch.number, now_s) < START_FOR_S:
                return self._waits(switch, str(error))
            return self._failed(switch, f"the new grid cannot start: {error}; the funds are on {switch.target.market}")
        log.info("switch %d: grid %d took over on %s", switch.number, grid.grid_id, switch.target)
        return self._over(switch, SwitchPhase.DONE, "")

    # --- helpers ---

    def _newest(self, instrument: Instrument) -> GridSnapshot | None:
        """Return the grid that runs on an instrument, None where none does."""
        try:
            grid = self._snapshots.grid(instrument)
        except NotFound:
            return None
        return None if grid.status is GridStatus.STOPPED else grid

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

    def _note(self, switch: Switch) -> None:
        with self._lock:
            self._switches[switch.number] = switch


def _capital(grid: GridSnapshot) -> Decimal:
    asked = grid.plan.request.capital
    return (grid.plan.capital_needed if asked is None else asked).quantize(_CENT, ROUND_FLOOR)


def _kept(switch: Switch) -> str:
    return f"the funds are on {switch.source.market}"


def _name(instrument: Instrument) -> str:
    return f"{instrument.base}{instrument.quote}"
