"""The first risk gate: plain code that allows or refuses, and reserves what it allows in the same step.

Entries may be refused; exits and cancels never are.
"""

from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock

from domain.instrument import Instrument
from domain.money import ZERO, exact
from domain.orders import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class GateLimits:
    """What no proposal may exceed. Amounts in quote (USDT), shares as fractions."""

    max_order_notional: Decimal
    max_exposure: Decimal  # inventory at cost plus open buys, over all grids of the account
    max_orders_per_10s: int
    max_price_distance: Decimal  # an entry may stand at most this fraction away from the last price
    max_price_age_s: float
    max_leverage: int  # of any contract, whatever the venue would allow


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One order somebody would like to send. `last_price` and its age are None where no price is known."""

    client_id: str
    grid: int
    instrument: Instrument
    side: Side
    quantity: Decimal
    price: Decimal
    is_exit: bool
    last_price: Decimal | None
    price_age_s: float | None


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What the account has at risk now: exposure in quote, and orders sent in the last ten seconds."""

    exposure: Decimal
    recent_orders: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` names the limit, its value and what was asked; empty when allowed."""

    allowed: bool
    reason: str = ""


ALLOWED = Verdict(True)


@exact
def judge(proposal: Proposal, portfolio: Portfolio, limits: GateLimits) -> Verdict:
    """Return whether the proposal may be sent. Pure."""
    if proposal.is_exit:
        return ALLOWED
    notional = proposal.quantity * proposal.price
    if notional > limits.max_order_notional:
        return Verdict(False, f"order of {notional} is above max_order_notional {limits.max_order_notional}")
    if portfolio.exposure + notional > limits.max_exposure:
        asked = f"{portfolio.exposure} at risk plus {notional}"
        return Verdict(False, f"{asked} is above max_exposure {limits.max_exposure}")
    if portfolio.recent_orders >= limits.max_orders_per_10s:
        return Verdict(False, f"max_orders_per_10s {limits.max_orders_per_10s} is used up")
    return _judge_price(proposal, limits)


def _judge_price(proposal: Proposal, limits: GateLimits) -> Verdict:
    if proposal.last_price is None or proposal.price_age_s is None:
        return Verdict(False, "no price is known yet")
    if proposal.price_age_s > limits.max_price_age_s:
        return Verdict(False, f"the last price is older than max_price_age_s {limits.max_price_age_s:g}")
    distance = abs(proposal.price - proposal.last_price)
    if distance > proposal.last_price * limits.max_price_distance:
        asked = f"price {proposal.price} stands too far from {proposal.last_price}"
        return Verdict(False, f"{asked}, max_price_distance is {limits.max_price_distance}")
    return ALLOWED


class RiskGate:
    """Judges and reserves in one step under one lock, so that no headroom is granted twice."""

    WINDOW_MS = 10_000  # of market time, so that a replay at any speed is judged like the live run

    def __init__(self, limits: GateLimits) -> None:
        self.limits = limits
        self._lock = Lock()
        self._reserved: dict[str, Decimal] = {}
        self._inventory: dict[int, Decimal] = {}
        self._sent_ms: deque[int] = deque()

    @exact
    def ask(self, proposal: Proposal, market_ms: int) -> Verdict:
        """Judge a proposal and, if it is allowed, reserve its notional until `release`."""
        with self._lock:
            self._forget_old(market_ms)
            verdict = judge(proposal, Portfolio(self._exposure(), len(self._sent_ms)), self.limits)
            if verdict.allowed:
                self._sent_ms.append(market_ms)
                if not proposal.is_exit:
                    self._reserved[proposal.client_id] = proposal.quantity * proposal.price
            return verdict

    def ask_leverage(self, leverage: int) -> Verdict:
        """Judge the leverage that a contract is to be traded by, whoever planned it."""
        most = self.limits.max_leverage
        return ALLOWED if leverage <= most else Verdict(False, f"leverage {leverage} is above max_leverage {most}")

    def ask_transfer(self, amount: Decimal, free: Decimal) -> Verdict:
        """Judge funds that are to change wallets; `free` is what the wallet they leave has free, in the same asset."""
        if amount <= ZERO or amount > free:
            return Verdict(False, f"transfer of {amount} is not within what is free, {free}")
        most = self.limits.max_exposure
        return ALLOWED if amount <= most else Verdict(False, f"transfer of {amount} is above max_exposure {most}")

    @exact
    def hold(self, client_id: str, notional: Decimal) -> None:
        """Set what an entry still has at risk: after a partial fill, or for an order found at start-up."""
        with self._lock:
            self._reserved[client_id] = notional

    def release(self, client_id: str) -> None:
        """Give back what an order reserved; it ended."""
        with self._lock:
            self._reserved.pop(client_id, None)

    def set_inventory(self, grid: int, cost: Decimal) -> None:
        """Set what a grid's inventory cost, in quote."""
        with self._lock:
            self._inventory[grid] = cost

    @exact
    def exposure(self) -> Decimal:
        """Return inventory at cost plus reserved entries, in quote."""
        with self._lock:
            return self._exposure()

    def _forget_old(self, market_ms: int) -> None:
        """Drop what left the window. After a clock stepped back, orders of its future count as sent now."""
        if self._sent_ms and self._sent_ms[-1] > market_ms:
            self._sent_ms = deque(min(sent_ms, market_ms) for sent_ms in self._sent_ms)
        while self._sent_ms and market_ms - self._sent_ms[0] >= self.WINDOW_MS:
            self._sent_ms.popleft()

    def _exposure(self) -> Decimal:
        return sum(self._reserved.values(), ZERO) + sum(self._inventory.values(), ZERO)
