"""In which phase a grid is, and why: judged after every event, stored when it changes."""

from typing import Final

from domain.events import Moment
from domain.grids import GridStatus, OnStop, Phase
from domain.money import plain
from domain.orders import Side
from grid.contract_end import Stage
from grid.life import GridLife
from grid.order_views import given_up
from grid.parts import GridParts
from grid.worker_events import SavePhase

_ENTERING: Final = {
    False: "taking the position that the rungs on the other side begin with",
    True: "bringing what it holds to what the edited ladder needs; if the price has run away from that, edit it again",
}


class PhaseJudge:
    """Of one grid."""

    def __init__(self, parts: GridParts, life: GridLife) -> None:
        self._parts = parts
        self._life = life
        row = parts.row
        self._saved = (row.status, row.phase, row.phase_reason)
        self.phase, self.reason = Phase.STARTING, "reading the account"
        if row.ended_ms is not None:
            self.phase, self.reason = Phase.ENDED, row.phase_reason

    @property
    def status(self) -> GridStatus:
        if self.phase is Phase.ENDED:
            return GridStatus.STOPPED
        return GridStatus.ERROR if self.phase is Phase.FAULTED else GridStatus.RUNNING

    def judge(self, now: Moment) -> list[SavePhase]:
        """Judge anew; return what is to be stored where that is news. A server that stops stores nothing."""
        self.phase, self.reason = self._judged(now)
        is_news = self._saved != (self.status, self.phase.value, self.reason)
        return [self._save()] if is_news and not self._life.shutting_down else []

    def commit(self, now: Moment) -> list[SavePhase]:
        """Judge anew and store it in any case: a person said a word that is to be kept."""
        self.phase, self.reason = self._judged(now)
        return [self._save()]

    def _save(self) -> SavePhase:
        self._saved = (self.status, self.phase.value, self.reason)
        return SavePhase(self.status, self.phase, self.reason, self._life.word, self._life.ended_ms)

    def _judged(self, now: Moment) -> tuple[Phase, str]:
        life, alarms = self._life, self._parts.desk.alarms
        if life.ended_ms is not None:
            return Phase.ENDED, self._why_ended()
        if alarms:
            return Phase.FAULTED, alarms[-1]
        if life.on_stop is not None:
            return Phase.STOPPING, self._why_stopping()
        phase, reason = self._judged_unpaused(now)
        if life.paused is None:
            return phase, reason
        return Phase.PAUSED, life.pause.reason("" if phase in (Phase.TRADING, Phase.WAITING) else reason)

    def _judged_unpaused(self, now: Moment) -> tuple[Phase, str]:
        """Tell how a grid fares that goes on, whatever a person said of pausing."""
        parts = self._parts
        missing, waiting = self._missing_fact(now), self._life.trigger.told
        if missing is not None:
            return missing[0], f"{waiting}; besides: {missing[1]}" if waiting else missing[1]
        if waiting:
            return Phase.WAITING, waiting
        held = self._why_held()
        if held:
            return Phase.PAUSED, held
        if self._life.edits.is_held and self._life.paused is not None:
            return Phase.PAUSED, "its edit begins when it goes on, for the pause holds the edit's trade back"
        if self._life.edits.is_under_way:
            return Phase.TRADING, "it is being edited: orders that the new ladder does not want are taken off first"
        if parts.state.is_entering and self._life.paused is None:
            return Phase.ENTERING, _ENTERING[parts.state.is_edited]
        return Phase.TRADING, self._why_not_whole()

    def _why_held(self) -> str:
        """Return why orders that are wanted do not leave, empty where they do."""
        parts, placing, end = self._parts, self._parts.desk.placing, self._life.contract_end
        doubt = parts.contract_doubt or parts.money.alarm
        if doubt:
            return doubt
        if placing.pause.reason:
            return f"the venue takes no orders now: {placing.pause.reason}"
        reasons = placing.gate_reasons
        if reasons:
            return f"the risk gate refuses {len(reasons)} order(s): {next(iter(reasons.values()))}"
        if placing.misfits and not parts.desk.ledger.unsettled():
            return self._why_not_whole()
        return end.told if end.stage >= Stage.NO_ENTRIES else ""

    def _missing_fact(self, now: Moment) -> tuple[Phase, str] | None:
        market, desk, protection = self._parts.market, self._parts.desk, self._parts.protection
        stops = (protection.holds_back or protection.keeps_entries) if self._life.trigger.is_reached else ""
        if not market.is_trading:  # of a symbol that is gone the account may not even be readable
            return market.missing(now)
        is_first = self.phase is Phase.STARTING
        if not desk.synced:
            return Phase.STARTING if is_first else Phase.PAUSED, desk.user_stream_lost or "reading the account"
        if stops:
            return Phase.STARTING if is_first else Phase.PAUSED, stops
        return market.missing(now)

    def _why_stopping(self) -> str:
        exit_, reached, awaits = self._life.exit, self._parts.protection.held.reached, self._life.awaits
        why = f"its stop at {plain(reached)} was reached" if reached else f"stop requested ({self._life.on_stop})"
        why = why if exit_ is None else exit_.told
        why = self._why_by_contract() or why
        market = self._parts.market
        refused = self._parts.desk.placing.cannot_unwind
        if refused and self._life.on_stop is OnStop.UNWIND and not awaits:
            told = f"what it holds cannot be closed: {refused}; it is tried every minute"
            return f"{why}; {told}; to keep it instead, stop the grid with cancel"
        if not market.is_trading and self._life.on_stop is OnStop.UNWIND and self._parts.state.wanted_unwind():
            awaits = f"the symbol to trade: it is {market.status} at the venue"
        return f"{why}; waiting for {awaits}" if awaits else why

    def _why_ended(self) -> str:
        exit_, reached = self._life.exit, self._parts.protection.held.reached
        by_contract = self._why_by_contract()
        if by_contract or exit_ is not None:
            return by_contract or (exit_.told if exit_ else "")
        if reached is None:
            return f"stopped by request ({self._life.on_stop})"
        return f"stopped by its stop at {plain(reached)}"

    def _why_by_contract(self) -> str:
        """Return how the end of its contract ends the grid, empty where it does not."""
        end, is_unwinding = self._life.contract_end, self._life.on_stop is OnStop.UNWIND
        is_its = end.settled_at is not None or (is_unwinding and end.stage is Stage.UNWIND)
        return end.told if is_its else ""

    def _why_not_whole(self) -> str:
        """Return which orders of a grid that trades do not rest, empty where none is missing."""
        placing = self._parts.desk.placing
        missing, waiting = given_up(self._parts), placing.off_band
        misfits = placing.misfits
        if misfits:
            why = next(iter(misfits.values()))
            remedy = "stop the grid and start a new one, unless the rules change back"
            return f"{len(misfits)} order(s) wait because the venue's rules changed: {why}; {remedy}"
        if missing:
            return f"{len(missing)} order(s) given up, the last: {missing[-1]}{self._told_of_sides()}"
        why = next(iter(waiting.values()), "")
        if waiting:
            return f"{len(waiting)} order(s) wait until the price is nearer to theirs: {why}{self._told_of_sides()}"
        return self._life.contract_end.told

    def _told_of_sides(self) -> str:
        """Return on which sides no order rests that is wanted, where those beyond do not take its place."""
        levels, desk = self._parts.row.plan.request.resting_levels, self._parts.desk
        if levels is None:
            return ""
        there = {order.intent.slot.side for order in desk.ledger.unsettled()}
        wanted = {order.slot.side for order in self._parts.state.wanted()}
        bare = " and ".join(f"{side.lower()}s" for side in Side if side in wanted - there)
        rest = f"; so no {bare} rest at all" if bare else ""
        return f"; of the {levels} nearest (resting_levels), so that none beyond takes their place{rest}"
