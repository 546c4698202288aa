"""What to do about pairs: which grid to open, to wind down, to move to the other market. Pure.

A grid of the autopilot is ended only by what was found of its pair twice in a row, never by what could not be read;
grids that a person started count and are left alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from domain.grids import AskedBy
from domain.instrument import Instrument, Market
from domain.money import ZERO, plain
from domain.pairs import UNKNOWN, Act, Candidate, HeldBack, MarketShare, Proposal, Reason, Selection

SWITCH_GAIN: Final = Decimal(20)
"""How much better a pair has to score on the other market before its grid is moved there."""
MOST_PROPOSED: Final = 20
_LASTING: Final = frozenset({HeldBack.TRANSFERS, HeldBack.ALLOCATION, HeldBack.FAILED})
"""What holds a switch back for so long that a grid whose pair is refused where it is had better end."""
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningGrid:
    """A grid that has not ended. `capital` is what it may use, `inventory` the cost of what it holds, in USDT.

    `awaits_person`: by a person's request, so it is left alone until that is lifted.
    """

    instrument: Instrument
    asked_by: AskedBy
    capital: Decimal
    inventory: Decimal
    is_ending: bool
    awaits_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """A market's USDT; with a `trouble` nothing is known of it."""

    total: Decimal = ZERO
    free: Decimal = ZERO
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything that is decided by.

    Attributes:
        selection: the newest one.
        refused: pairs that it and the one before refuse for what is known of them.
        running: all grids that have not ended.
        switching: pairs on their way to the other market: the slot and the capital of each is taken there.
        leaving: those of them whose funds have not moved yet, where they leave.
        switched_ms: market time of the newest switch of a pair, by its name.
        seen: instruments whose grids ran at some time since the selection.
        failed: what the exchange or preflight said to proposals since the selection.
        wallets: of the markets that are traded.
        now_ms: market time.
    """

    selection: Selection
    refused: frozenset[Instrument] = frozenset()
    running: Sequence[RunningGrid] = ()
    switching: Sequence[RunningGrid] = ()
    leaving: Sequence[RunningGrid] = ()
    switched_ms: Mapping[str, int] = field(default_factory=dict)
    seen: frozenset[Instrument] = frozenset()
    failed: Mapping[tuple[Act, Instrument], str] = field(default_factory=dict)
    wallets: Mapping[Market, Wallet]
    now_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AutopilotRules:
    """What the settings allow. `shares` are fractions of all capital, `capital` that of one grid in USDT.

    `no_transfers` says why no funds can be moved here; `interval_ms` is how long a selection stands.
    """

    acts: bool
    most_grids: int
    capital: Decimal
    shares: Mapping[Market, Decimal]
    may_switch: bool
    no_transfers: str = ""
    cooldown_ms: int = 0
    interval_ms: int = 0


def surely_refused(selection: Selection) -> frozenset[Instrument]:
    """Return the pairs that a selection refuses for what is known of them, and not for what could not be read."""
    return frozenset(
        candidate.instrument
        for candidate in selection.candidates
        if candidate.against and not any(reason.word in UNKNOWN for reason in candidate.against)
    )


def shares_of(situation: Situation, rules: AutopilotRules) -> tuple[MarketShare, ...]:
    """Return what each market may use, has in use, and has free.

    All capital is the USDT of both wallets and what was paid for what spot grids hold. A wallet that could not be read
    counts nothing, so the other market gets its fraction of what is known, and never more.
    """
    working = [*situation.running, *situation.switching]
    held = sum((grid.inventory for grid in working if grid.instrument.market is Market.SPOT), ZERO)
    total = sum((wallet.total for wallet in situation.wallets.values()), held)
    return tuple(
        MarketShare(
            market=market,
            fraction=rules.shares[market],
            budget=None if wallet.trouble else (total * rules.shares[market]).quantize(_CENT),
            used=sum((grid.capital for grid in working if grid.instrument.market is market), ZERO),
            free=None if wallet.trouble else _uncommitted(market, wallet, (*working, *situation.leaving)),
            trouble=wallet.trouble,
        )
        for market, wallet in situation.wallets.items()
    )


def _uncommitted(market: Market, wallet: Wallet, working: Sequence[RunningGrid]) -> Decimal:
    """Return what no grid counts on: some of what a grid may need is free until it needs it."""
    there = [grid for grid in working if grid.instrument.market is market]
    left = wallet.total + sum((grid.inventory - grid.capital for grid in there), ZERO)
    return max(ZERO, min(wallet.free, left))


def decide(situation: Situation, rules: AutopilotRules) -> tuple[Proposal, ...]:
    """Return what would bring the grids nearer to the selection: ends first, then switches, then the best new ones."""
    return _Decision(situation, rules).proposals()


class _Decision:
    """Takes slots and capital as it goes, so that two proposals never count on the same."""

    def __init__(self, situation: Situation, rules: AutopilotRules) -> None:
        self._on, self._rules = situation, rules
        self._scores = {it.instrument: it for it in situation.selection.accepted}
        self._used = {share.market: share for share in shares_of(situation, rules)}
        self._taken = {market: share.used for market, share in self._used.items()}
        self._spent: dict[Market, Decimal] = dict.fromkeys(self._used, ZERO)
        self._slots = rules.most_grids - len(situation.running) - len(situation.switching)
        self._names = {_name(grid.instrument) for grid in (*situation.running, *situation.switching)}

    def proposals(self) -> tuple[Proposal, ...]:
        ours = [
            it for it in self._on.running if it.asked_by is AskedBy.AUTOPILOT and not (it.is_ending or it.awaits_person)
        ]
        moves = [(grid, self._target(grid)) for grid in ours]
        switches = [self._switch(grid, to) for grid, to in moves if to is not None]
        ways_out = {it.instrument for it in switches if it.held_back is None or it.held_back.word not in _LASTING}
        lost = [it for it in ours if it.instrument in self._on.refused and it.instrument not in ways_out]
        return (*map(self._end, lost), *switches, *self._openings())

    def _end(self, grid: RunningGrid) -> Proposal:
        return self._told(Act.END, grid.instrument, None, None)

    def _target(self, grid: RunningGrid) -> Instrument | None:
        """Return the same pair on the other market, where it belongs there rather than here."""
        if not self._rules.may_switch:
            return None
        here, there = self._scores.get(grid.instrument), self._other(grid.instrument)
        if there is None or there.instrument.market not in self._used:
            return None
        if here is not None:
            better = (there.score or ZERO) >= (here.score or ZERO) + SWITCH_GAIN
            return there.instrument if better else None
        return there.instrument if grid.instrument in self._on.refused else None

    def _switch(self, grid: RunningGrid, to: Instrument) -> Proposal:
        reason = self._too_soon(to)
        if reason is None and self._rules.no_transfers:
            reason = Reason(HeldBack.TRANSFERS, {"reason": self._rules.no_transfers})
        reason = reason or self._beyond_share(to.market, grid.capital)
        if reason is None:
            self._taken[to.market] += grid.capital
        return self._told(Act.SWITCH, grid.instrument, to, reason)

    def _openings(self) -> list[Proposal]:
        found: list[Proposal] = []
        for candidate in self._on.selection.accepted:
            name = _name(candidate.instrument)
            if name in self._names or len(found) == MOST_PROPOSED:
                continue
            proposal = self._open(candidate.instrument)
            found.append(proposal)
            if proposal.held_back is None or proposal.held_back.word is HeldBack.ADVICE:
                self._names.add(name)
        return found

    def _open(self, instrument: Instrument) -> Proposal:
        market, capital = instrument.market, self._rules.capital
        reason = self._no_room() or self._beyond_share(market, capital) or self._no_funds(market)
        if reason is None and instrument in self._on.seen:
            reason = Reason(HeldBack.ENDED_SINCE)
        proposal = self._told(Act.OPEN, instrument, None, reason)
        if proposal.held_back is None or proposal.held_back.word is HeldBack.ADVICE:
            self._slots -= 1
            self._taken[market] += capital
            self._spent[market] += capital
        return proposal

    def _told(self, act: Act, instrument: Instrument, target: Instrument | None, reason: Reason | None) -> Proposal:
        failure = self._on.failed.get((act, instrument))
        if reason is None and failure is not None:
            reason = Reason(HeldBack.FAILED, {"reason": failure})
        if reason is None and not self._rules.acts:
            reason = Reason(HeldBack.ADVICE)
        return Proposal(act=act, instrument=instrument, target=target, held_back=reason)

    # --- what stands in the way ---

    def _no_room(self) -> Reason | None:
        return None if self._slots > 0 else Reason(HeldBack.FULL, {"limit": str(self._rules.most_grids)})

    def _beyond_share(self, market: Market, capital: Decimal) -> Reason | None:
        share = self._used[market]
        if share.budget is None:
            return Reason(HeldBack.UNKNOWN_WALLET, {"market": market.value, "reason": share.trouble})
        if self._taken[market] + capital <= share.budget:
            return None
        values = {"market": market.value, "used": plain(self._taken[market]), "budget": plain(share.budget)}
        return Reason(HeldBack.ALLOCATION, values)

    def _no_funds(self, market: Market) -> Reason | None:
        free = (self._used[market].free or ZERO) - self._spent[market]
        if free >= self._rules.capital:
            return None
        values = {"market": market.value, "free": plain(free), "needed": plain(self._rules.capital)}
        return Reason(HeldBack.FUNDS, values)

    def _too_soon(self, to: Instrument) -> Reason | None:
        since_ms = self._on.switched_ms.get(_name(to))
        if since_ms is None or self._on.now_ms - since_ms >= self._rules.cooldown_ms:
            return None
        left_ms = self._rules.cooldown_ms - (self._on.now_ms - since_ms)
        return Reason(HeldBack.COOLDOWN, {"minutes": str(-(-left_ms // 60_000))})

    def _other(self, instrument: Instrument) -> Candidate | None:
        for candidate in self._scores.values():
            if _name(candidate.instrument) == _name(instrument) and candidate.instrument.market != instrument.market:
                return candidate
        return None


def _name(instrument: Instrument) -> str:
    return f"{instrument.base}{instrument.quote}"
