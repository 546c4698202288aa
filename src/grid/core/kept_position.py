"""Where an isolated position ends that an edited grid keeps: at its own entry price, not as if it were opened now.

On its way down a grid buys at every rung that has not bought yet, on its way up it sells; between two rungs the
position stands as it is. Those are the venue's formulas as in `grid.core.contract_sizing`, with the average price of
what is held. Prices and amounts in quote, quantities in base.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Final, NamedTuple

from domain.money import UNIT, ZERO, exact
from grid.core.contract import ContractFacts
from grid.core.contract_sizing import Ends, basis_of, settlements_of
from grid.core.margin import Leg, liquidation_price, position_margin

_WIDE: Final = Context(prec=60)


class Rung(NamedTuple):
    """An order at a rung; `quantity` is above 0."""

    price: Decimal
    quantity: Decimal


class KeptPosition:
    """Of one contract, on a ladder from `lowest` to `highest`, while the last price is `price`."""

    @exact
    def __init__(self, facts: ContractFacts, price: Decimal, lowest: Decimal, highest: Decimal) -> None:
        self._facts, self._price = facts, price
        self._lowest, self._highest = lowest, highest
        self._basis = basis_of(facts, price)
        dearest = highest * (1 + self._basis)
        self._funding = abs(facts.funding_rate) * settlements_of(facts) * dearest  # for one base

    @exact
    def ends(self, leg: Leg, buys: Sequence[Rung], sales: Sequence[Rung]) -> Ends:
        """Return where the position ends with all that it meets on its way to either end bought or sold."""
        falling = sorted(buys, key=lambda rung: -rung.price)
        rising = [Rung(price, -quantity) for price, quantity in sorted(sales)]
        lows = [*(rung.price for rung in falling), self._lowest]
        highs = [*(rung.price for rung in rising), self._highest]
        fallen, risen = _walked(leg, falling), _walked(leg, rising)
        inside = any(self._ends_above(held, low) for held, low in zip(fallen, lows, strict=True))
        inside |= any(self._ends_below(held, high) for held, high in zip(risen, highs, strict=True))
        below = self.end(fallen[-1]) if fallen[-1].quantity > 0 else None
        above = self.end(risen[-1]) if risen[-1].quantity < 0 else None
        return Ends(below, above, inside)

    @exact
    def keeps_distance(self, ends: Ends) -> bool:
        """Tell whether each end stands as far beyond the range as the configuration asks."""
        away = self._facts.liquidation_buffer
        low_ok = ends.below is None or ends.below <= self._lowest * (1 - away)
        high_ok = ends.above is None or ends.above >= self._highest * (1 + away)
        return low_ok and high_ok and not ends.inside

    @exact
    def end(self, leg: Leg) -> Decimal | None:
        """Return the mark price at which a position ends, None where none does; 0 for a short one that has ended."""
        margin = position_margin(leg.cost, self._facts.terms.leverage) - abs(leg.quantity) * self._funding
        behind = margin.quantize(UNIT, ROUND_FLOOR, _WIDE)
        found = liquidation_price(self._facts.brackets, [leg], behind, self._price)
        return found if leg.quantity < 0 else found or None

    def _ends_above(self, leg: Leg, low: Decimal) -> bool:
        """Tell whether a long position ends before the price has come down to `low`."""
        end = self.end(leg) if leg.quantity > 0 else None
        return end is not None and end >= low * (1 - self._basis)

    def _ends_below(self, leg: Leg, high: Decimal) -> bool:
        """Tell whether a short position ends before the price has come up to `high`."""
        end = self.end(leg) if leg.quantity < 0 else None
        return end is not None and end <= high * (1 + self._basis)


@exact
def traded(leg: Leg, quantity: Decimal, price: Decimal) -> Leg:
    """Return a position after a trade, a sale's quantity being below 0; what is closed takes its share of the cost."""
    held, after = leg.quantity, leg.quantity + quantity
    if held * quantity >= 0:
        return Leg(after, leg.cost + abs(quantity) * price)
    if held * after < 0:
        return Leg(after, abs(after) * price)
    rounding = ROUND_CEILING if held > 0 else ROUND_FLOOR
    return Leg(after, _WIDE.divide(leg.cost * after, held).quantize(UNIT, rounding, _WIDE) if after else ZERO)


def _walked(leg: Leg, rungs: Sequence[Rung]) -> list[Leg]:
    """Return the position before the first rung and after each."""
    found = [leg]
    for price, quantity in rungs:
        found.append(traded(found[-1], quantity, price))
    return found
