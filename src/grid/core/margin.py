"""Margins of linear contracts as the venue reckons them: what a position and its orders need, and where it ends.

Source: Binance USD-M, "Liquidation protocols", "Leverage and margin" and the brackets of `leverageBracket`. Prices and
amounts in quote, quantities in base, exact; only a division is rounded, and then as each function says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Context, Decimal
from itertools import product
from typing import Final

from domain.futures import Bracket
from domain.money import UNIT, ZERO, exact

_WIDE: Final = Context(prec=60)
_MARGIN_STEP: Final = UNIT * UNIT
"""Margins are compared to 1e-16: a price of eight decimals times a quantity of eight."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One position: `quantity` is below 0 for a short one, `cost` is what all of it was bought or sold for."""

    quantity: Decimal
    cost: Decimal

    @property
    def direction(self) -> int:
        return 1 if self.quantity > 0 else -1


def bracket_of(brackets: Sequence[Bracket], notional: Decimal) -> Bracket:
    """Return the step of the risk limits that a position is worth; the last one reaches without end."""
    return next((bracket for bracket in brackets if notional <= bracket.cap), brackets[-1])


@exact
def maintenance_margin(brackets: Sequence[Bracket], notional: Decimal) -> Decimal:
    """Return the margin balance at which a position of that worth is liquidated: N x rate - deduction."""
    bracket = bracket_of(brackets, notional)
    return notional * bracket.maintenance_rate - bracket.deduction


def largest_notional(brackets: Sequence[Bracket], leverage: int) -> Decimal:
    """Return the largest position, opening orders included, at that leverage; 0 where the contract has it not."""
    return max((bracket.cap for bracket in brackets if bracket.max_leverage >= leverage), default=ZERO)


@exact
def position_margin(notional: Decimal, leverage: int) -> Decimal:
    """Return the initial margin of a position, rounded up to 1e-16."""
    return _share(notional, leverage)


@exact
def order_margin(held: Decimal, bids: Decimal, asks: Decimal, leverage: int) -> Decimal:
    """Return what open orders need beside the position in one-way mode, rounded up to 1e-16.

    max(0, max(|P + B|, |P - A|) - |P|) / L, with P the signed position at the mark price, B and A the worth of open
    bids and asks that are not reduce-only: only the side that could end in the larger position is paid for.
    """
    return _share(max(ZERO, max(abs(held + bids), abs(held - asks)) - abs(held)), leverage)


@exact
def hedged_order_margin(opening_bids: Decimal, opening_asks: Decimal, leverage: int) -> Decimal:
    """Return what open orders need in hedge mode, rounded up to 1e-16: both sides in full, closing orders nothing."""
    return _share(opening_bids + opening_asks, leverage)


@exact
def liquidation_price(brackets: Sequence[Bracket], legs: Sequence[Leg], wallet: Decimal, mark: Decimal) -> Decimal:
    """Return the mark price at which maintenance margin has used up what stands behind, 0 where no price does.

    `legs` fall together: one position, or the long and the short one under cross margin. `wallet` is the isolated
    margin, or under cross margin the wallet, without the legs' own unrealised profit. Half up to 1e-8.

    LP = (wallet + deduction - side x cost) / (|Q| x rate - side x |Q|), summed over the legs, in the brackets that
    hold the legs' worth at LP; of several solutions the one nearest to `mark`.
    """
    found = []
    for chosen in product(brackets, repeat=len(legs)):
        pairs = list(zip(chosen, legs, strict=True))
        above = wallet + sum((step.deduction - leg.direction * leg.cost for step, leg in pairs), ZERO)
        below = sum((abs(leg.quantity) * step.maintenance_rate - leg.quantity for step, leg in pairs), ZERO)
        if below < 0:
            above, below = -above, -below
        if below and above > 0 and all(_holds(brackets, step, abs(leg.quantity) * above, below) for step, leg in pairs):
            found.append(_WIDE.divide(above, below).quantize(UNIT, ROUND_HALF_UP, _WIDE))
    return min(found, key=lambda price: abs(price - mark), default=ZERO)


def _holds(brackets: Sequence[Bracket], step: Bracket, worth: Decimal, of: Decimal) -> bool:
    """Tell whether a notional of worth / of lies in the bracket; the last one has no end."""
    return worth >= step.floor * of and (step is brackets[-1] or worth <= step.cap * of)


def _share(amount: Decimal, leverage: int) -> Decimal:
    return _WIDE.divide(amount, Decimal(leverage)).quantize(_MARGIN_STEP, ROUND_CEILING, _WIDE)
