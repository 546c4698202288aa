"""What a ladder on a contract needs at one leverage, and where its position would be liquidated.

A fill is booked before the mark price passes it; the mark price may stand beside the last one by `Standing.basis`.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from itertools import pairwise
from typing import Final

from domain.futures import MarginType
from domain.grids import ContractTerms
from domain.money import UNIT, ZERO, exact
from grid.core.contract import ContractFacts
from grid.core.margin import (
    Leg,
    hedged_order_margin,
    largest_notional,
    liquidation_price,
    order_margin,
    position_margin,
)
from grid.core.stances import Ladder, Part, Stance, exposure, stances

LEAST_BASIS: Final = Decimal("0.001")
BASIS_STEP: Final = Decimal("0.000001")
SALE_ADD_ON: Final = Decimal("0.0015")
"""The venue reckons a new sale at no less than the last price and this much of it."""
_WIDE: Final = Context(prec=60)
CENT: Final = Decimal("0.01")
ROUNDING_PER_RUNG: Final = Decimal("0.0001")
"""Quote kept per rung for commissions that are rounded up to 1e-8, fill by fill."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Mark prices at which nothing is left: with the range's low end bought, with its high end sold; None for never.

    `inside` says that a position ends before its next rung is reached.
    """

    below: Decimal | None
    above: Decimal | None
    inside: bool


class Standing:
    """A ladder by the terms it stands on; `terms.leverage` may be varied to find out what would work.

    What `resting` keeps from resting holds no margin at the venue; it is part of the `need` all the same.
    """

    def __init__(
        self, ladder: Ladder, facts: ContractFacts, terms: ContractTerms, price: Decimal, resting: int | None = None
    ) -> None:
        self.ladder = ladder
        self.terms = terms
        self._facts = facts
        self._price = price
        self._stances = stances(ladder)
        self._resting_levels = resting
        self._resting = self._stances if resting is None else stances(ladder, resting)
        self.basis = basis_of(facts, price)
        self.exposure = exposure(ladder)
        self._largest_weight = max(ladder.weights, default=1)

    def weighted(self, weights: Sequence[int]) -> "Standing":
        """Return the same with as many units in each cell as `weights` names."""
        if tuple(weights) == self.ladder.weights:
            return self
        ladder = replace(self.ladder, weights=tuple(weights))
        return Standing(ladder, self._facts, self.terms, self._price, self._resting_levels)

    def at(self, leverage: int) -> "Standing":
        """Return the same ladder at another leverage."""
        other = copy(self)
        other.terms = replace(self.terms, leverage=leverage)
        return other

    @property
    def _isolated(self) -> bool:
        return self.terms.margin_type is MarginType.ISOLATED

    @property
    def settlements(self) -> int:
        """Return how often funding is settled within the horizon."""
        return settlements_of(self._facts)

    # --- for one unit of base ---

    @property
    def largest_position(self) -> Decimal:
        """Return what the position is worth at most inside the range."""
        return max(abs(stance.part.held) * self._high(stance) for stance in self._stances)

    @property
    def funding(self) -> Decimal:
        """Return what funding may cost over the horizon, whichever side pays."""
        return abs(self._facts.funding_rate) * self.largest_position * self.settlements

    @property
    def margin(self) -> Decimal:
        """Return the largest initial margin of position and open orders."""
        return max(
            position_margin(abs(stance.part.held) * mark, self.terms.leverage) + self._order_margin(stance.part, mark)
            for stance in self._resting
            for mark in self._marks(stance)
        )

    @property
    def need(self) -> Decimal:
        """Return the wallet that every order is accepted with, wherever the grid stands."""
        standing = max(self._shortfall(stance.part, mark) for stance in self._stances for mark in self._marks(stance))
        prices = self.ladder.prices
        step = max(above - below for below, above in pairwise(prices))
        late = step + prices[-1] * (1 + self.basis) * SALE_ADD_ON / self.terms.leverage  # one order, beyond the market
        return max(standing, self._entry_need()) + late * self._largest_weight + self.funding

    @property
    def aside(self) -> Decimal:
        """Return what is kept for a base that a cell comes to hold besides, beyond its price."""
        prices = self.ladder.prices
        step, top = max(above - below for below, above in pairwise(prices)), prices[-1] * (1 + self.basis)
        return step + top * (SALE_ADD_ON + abs(self._facts.funding_rate) * self.settlements)

    @property
    def venue_exposure(self) -> Decimal:
        """Return what the venue's limit of positions is held against: the position with all orders that enlarge it."""
        found = [ZERO]
        for part, low, high in self._resting:
            for mark in (low * (1 - self.basis), high * (1 + self.basis)):
                held = part.held * mark
                bids, asks = self._counted(part)
                found += [max(held, ZERO) + bids if self.terms.hedge_mode else held + bids]
                found += [max(-held, ZERO) + asks if self.terms.hedge_mode else asks - held]
        entry = self.ladder.entry_weight * max(self.ladder.entry_price, self._price)
        return max(*found, entry) * (1 + SALE_ADD_ON)

    def _counted(self, part: Part) -> tuple[Decimal, Decimal]:
        """Return the bids and asks that hold margin: in one-way mode all, in hedge mode those that open."""
        return (part.opening_bids, part.opening_asks) if self.terms.hedge_mode else (part.bids, part.asks)

    def _order_margin(self, part: Part, mark: Decimal) -> Decimal:
        bids, asks = self._counted(part)
        if self.terms.hedge_mode:
            return hedged_order_margin(bids, asks, self.terms.leverage)
        return order_margin(part.held * mark, bids, asks, self.terms.leverage)

    def _shortfall(self, part: Part, mark: Decimal) -> Decimal:
        """Return what position and orders need beyond what trading has left."""
        leverage, orders = self.terms.leverage, self._order_margin(part, mark)
        if not self._isolated:
            own = position_margin(abs(part.held) * mark, leverage)
            return own + orders - part.cash - part.held * mark
        # Profit of an isolated position is no margin for orders. Cycles at the range's end may have realised losses
        # until the position's entry price stands there: that entry leaves the least outside the position.
        entry = self.ladder.prices[0 if part.held > 0 else -1]
        return orders - part.cash - part.held * entry + abs(part.held) * entry / leverage

    def _entry_need(self) -> Decimal:
        """Return what the first trade takes: its margin, what it loses against the mark price at once, and its fee."""
        limit, mark = self.ladder.entry_price, self._facts.mark_price
        reckoned = max(limit, mark, self._price * (1 + SALE_ADD_ON))
        each = reckoned / self.terms.leverage + abs(limit - mark) + limit * self.ladder.fees.taker
        return each * self.ladder.entry_weight

    def _marks(self, stance: Stance) -> tuple[Decimal, ...]:
        return self._low(stance), self._high(stance)

    def _low(self, stance: Stance) -> Decimal:
        return stance.low * (1 - self.basis)

    def _high(self, stance: Stance) -> Decimal:
        return stance.high * (1 + self.basis)

    # --- for a quantity that the unit stands for ---

    def committed(self, quantity: Decimal) -> Decimal:
        """Return the capital that the ladder takes with units of `quantity` base, in whole cents."""
        exact = quantity * self.need + len(self.ladder.prices) * ROUNDING_PER_RUNG if quantity else ZERO
        return exact.quantize(CENT, ROUND_CEILING)

    def bracket_cap(self) -> Decimal:
        """Return the largest position, opening orders included, that the venue allows at this leverage."""
        return largest_notional(self._facts.brackets, self.terms.leverage)

    def ends(self, quantity: Decimal, wallet: Decimal) -> Ends:
        """Return where the position ends. Under cross margin `wallet` is all that stands behind it."""
        lowest, highest = self._stances[0], self._stances[-1]
        below = self._end(lowest.part, quantity, wallet) if lowest.part.held > 0 else None
        above = self._end(highest.part, quantity, wallet) if highest.part.held < 0 else None
        inside = any(self._ends_early(stance, quantity, wallet) for stance in self._stances)
        return Ends(below, above, inside)

    def keeps_distance(self, ends: Ends) -> bool:
        """Tell whether each end stands as far beyond the range as the configuration asks."""
        prices, away = self.ladder.prices, self._facts.liquidation_buffer
        low_ok = ends.below is None or ends.below <= prices[0] * (1 - away)
        high_ok = ends.above is None or ends.above >= prices[-1] * (1 + away)
        return low_ok and high_ok and not ends.inside

    def _end(self, part: Part, quantity: Decimal, wallet: Decimal) -> Decimal | None:
        size = part.held * quantity
        cost = part.cost * quantity
        if self._isolated:
            per_base = abs(self._facts.funding_rate) * self.settlements * self._high(self._stances[-1])
            behind = position_margin(cost, self.terms.leverage) - abs(size) * per_base
        else:
            # What was realised is cash without the worth of what is held at its entry.
            realised = part.cash * quantity + (cost if size > 0 else -cost)
            behind = wallet - self.funding * quantity + realised
        found = liquidation_price(self._facts.brackets, [Leg(size, cost)], _down(behind), self._price)
        return found if size < 0 else found or None  # a short position that no price above 0 saves has ended

    def _ends_early(self, stance: Stance, quantity: Decimal, wallet: Decimal) -> bool:
        if not stance.part.held:
            return False
        end = self._end(stance.part, quantity, wallet)
        if end is None:
            return False
        return end >= self._low(stance) if stance.part.held > 0 else end <= self._high(stance)


@exact
def basis_of(facts: ContractFacts, price: Decimal) -> Decimal:
    """Return how far the mark price may stand beside the last one, as a fraction of it."""
    beside = _WIDE.divide(abs(facts.mark_price - price), price).quantize(BASIS_STEP, ROUND_CEILING, _WIDE)
    return max(LEAST_BASIS, beside)


def settlements_of(facts: ContractFacts) -> int:
    """Return how often funding is settled within the horizon."""
    return -(-facts.horizon_days * 24 // facts.funding_interval_h)


def _down(amount: Decimal) -> Decimal:
    return amount.quantize(UNIT, ROUND_FLOOR)
