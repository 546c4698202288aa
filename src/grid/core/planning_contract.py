"""Preflight on contracts: what margin accepts, and where a position would be liquidated.

Fees are paid in quote, so quantities are exact. The capital is the margin that is committed: every order of the grid
is accepted wherever the price stands inside the range, and an isolated position does not end there.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, NamedTuple

from domain.errors import InvalidRequest
from domain.futures import MarginType
from domain.grids import Direction, GridPlan, GridRequest
from domain.money import ZERO, plain
from grid.core import following, ladder
from grid.core.contract import ContractFacts
from grid.core.contract_sizing import CENT, Ends, Standing
from grid.core.contract_way import OnWay, windows_away
from grid.core.contract_words import warnings_of
from grid.core.growth_limits import MOST_GROWTH, profit_mistakes
from grid.core.planning_base import Preflight
from grid.core.planning_facts import PreflightFacts
from grid.core.sizes import GrowingSizes, largest
from grid.core.stances import Ladder
from grid.core.stop_checks import stop_mistakes

_SAMPLE: Final = 10**6
"""Lots by which the need for capital is estimated before it is reckoned exactly."""
_NARROWER = tuple(Decimal(part) / 20 for part in range(19, 0, -1))


class Sized(NamedTuple):
    """A ladder of which it is known how much each cell holds.

    `unit` is the base that a unit of `standing` stands for: one rung's, or one lot where cells differ.
    """

    standing: Standing
    unit: Decimal
    lots: list[int]
    nearest: int


class ContractPreflight(Preflight):
    def __init__(self, request: GridRequest, facts: PreflightFacts, contract: ContractFacts) -> None:
        super().__init__(request, facts)
        self._contract = contract
        self._terms = contract.terms

    def plan(self) -> GridPlan:
        self._check_tradable()
        self._check_account()
        self._check_terms()
        sound = self._request.levels > 1 and self._has_both_bounds() and self._terms.leverage > 0
        rungs = self._rungs() if sound else []
        if not rungs:
            raise InvalidRequest(self._mistakes)
        self._master = self._reach(rungs)
        standing = self._on_way(self._standing(rungs))
        prices = standing.ladder.prices
        every = self._master or prices
        self._check_prices(prices)
        self._check_mark(standing.ladder)
        if not standing.exposure:
            self._wrong("start_empty", "no rung lies where this grid could begin; leave it out or move the range")
            raise InvalidRequest(self._mistakes)
        if self._request.quantity is not None:
            self._asked_lots(self._request.quantity)
        sized = self._sized(standing)
        standing, quantity = sized.standing, sized.unit
        needed = standing.committed(quantity)
        self._check_rung_values(sized)
        quantities = [self._rules.quantity(count) for count in sized.lots]
        entry = quantity * standing.ladder.entry_weight
        highest = every[len(every) - len(prices) + 1 :]
        dearest = max(price * each for price, each in zip(highest, quantities, strict=True))
        self._check_size(max(dearest, standing.ladder.entry_price * entry), max(*quantities, entry))
        self._check_balance(needed, standing.exposure * quantity)
        self._check_position(standing, quantity)
        ends = standing.ends(quantity, needed)
        self._check_ends(standing, ends, quantity)
        self._check_stops(every, ends)
        self._refuse_mistakes()
        middle = len(prices) // 2
        profit = self._profit(prices[middle - 1], prices[middle]) * quantities[middle - 1]
        plan = GridPlan(
            request=self._request,
            start_price=self._facts.price,
            prices=prices,
            master=self._master,
            gap=standing.ladder.gap,
            quantity_per_rung=self._rules.quantity(sized.nearest),
            entry_quantity=entry,
            entry_limit_price=standing.ladder.entry_price,
            capital_needed=needed,
            profit_per_cycle=profit,
            warnings=(
                *warnings_of(standing, self._contract, ends, quantity, profit),
                *self._told_of_way(standing, needed, quantity),
            ),
            rules=self._rules,
            terms=self._terms,
            liquidation_below=ends.below,
            liquidation_above=ends.above,
            margin_worst=_up(standing.margin * quantity),
            funding_reserve=_up(standing.funding * quantity),
            horizon_days=self._contract.horizon_days,
            cell_quantities=self._stored_quantities(sized.lots),
        )
        return self._with_profit(plan, self._most_times(standing, quantity), standing.aside)

    def _most_times(self, standing: Standing, quantity: Decimal) -> Decimal:
        """Return how many times of all this the venue's and the settings' largest positions allow."""
        bounds = [
            (standing.bracket_cap(), standing.venue_exposure),
            (self._contract.largest_position or ZERO, standing.largest_position),
        ]
        times = [limit / (each * quantity) for limit, each in bounds if limit > 0 and each > 0]
        return min([*times, Decimal(MOST_GROWTH)])

    def _on_way(self, standing: Standing) -> Standing:
        """Return the same with the windows that a grid which follows the price may come to."""
        if not self._master:
            return standing
        away = windows_away(standing.ladder, self._master, self._request)
        rest = (self._contract, self._terms, self._facts.price, self._request.resting_levels)
        return OnWay(standing, [Standing(window, *rest) for window in away])

    def _told_of_way(self, standing: Standing, needed: Decimal, quantity: Decimal) -> tuple[str, ...]:
        if not isinstance(standing, OnWay):
            return ()
        window = standing.dearest(quantity)
        return following.contract_warnings(self._request, window.ladder.prices, needed, standing.at_start(quantity))

    def _profit(self, below: Decimal, above: Decimal) -> Decimal:
        fee = self._facts.fees.maker
        return above * (1 - fee) - below * (1 + fee)

    def _has_both_bounds(self) -> bool:
        return (self._request.lower is None) == (self._request.upper is None)

    def _check_account(self) -> None:
        contract = self._contract
        if contract.position:
            held = plain(contract.position)
            self._wrong("symbol", f"the account holds a position of {held} here; close it, a grid begins flat")
        if contract.foreign_orders:
            count = contract.foreign_orders
            self._wrong("symbol", f"{count} order(s) of the account rest here; cancel them, a grid begins alone")

    def _check_terms(self) -> None:
        contract, leverage = self._contract, self._terms.leverage
        self._mistakes += profit_mistakes(self._request, self._terms.margin_type)
        if leverage > contract.max_leverage:
            most = contract.max_leverage
            self._wrong("leverage", f"above risk_management.futures_risk.max_leverage; use at most {most}")
        most = max((bracket.max_leverage for bracket in contract.brackets), default=0)
        if leverage > most:
            self._wrong("leverage", f"the venue's largest leverage for this contract is {most}; use at most that")
        if leverage < 1:
            self._wrong("leverage", "must be 1 or more")
        if self._request.start_empty and self._request.direction is Direction.NEUTRAL:
            self._wrong("start_empty", "a neutral grid always starts empty; leave it out")

    def _standing(self, rungs: Sequence[int]) -> Standing:
        gap = self._gap(rungs)
        return Standing(
            Ladder(
                prices=tuple(self._rules.price(ticks) for ticks in rungs),
                gap=gap,
                direction=self._request.direction,
                start_empty=self._request.start_empty,
                entry_price=self._entry_limit(),
                fees=self._facts.fees,
            ),
            self._contract,
            self._terms,
            self._facts.price,
            self._request.resting_levels,
        )

    def _check_mark(self, rungs: Ladder) -> None:
        """Check what the venue takes beside the mark price: buys up to a multiple of it, sales down to one."""
        rules, mark = self._rules, self._contract.mark_price
        entry = [rungs.entry_price] if rungs.entry_cells else []
        selling = rungs.direction is Direction.SHORT
        empty = self._empty_rung(rungs.prices)
        buys = [*rungs.prices[:empty], *([] if selling else entry)]
        sales = [*rungs.prices[empty + 1 :], *(entry if selling else [])]
        highest, lowest = mark * rules.bid_up, mark * rules.ask_down
        remedy = (
            f"while the mark price is {plain(mark)}; wait until the last price, {plain(self._facts.price)}, is near"
        )
        if rules.bid_up and buys and max(buys) > highest:
            self._wrong("symbol", f"the venue takes no buy above {plain(highest)} {remedy}")
        if rules.ask_down and sales and min(sales) < lowest:
            self._wrong("symbol", f"the venue takes no sale below {plain(lowest)} {remedy}")

    def _sized(self, standing: Standing) -> Sized:
        """Return how much each cell holds: as asked for, else the most that the capital carries."""
        sizes = self._growing(len(standing.ladder.prices), standing.ladder.gap)
        if self._request.quantity is not None:
            return self._of_lots(standing, sizes, max(int(self._request.quantity // self._rules.lot), 0))
        sample = standing.weighted(sizes.lots(_SAMPLE)) if sizes.growth_ppm else standing
        need = sample.need / _SAMPLE if sizes.growth_ppm else standing.need
        guess = int((self._capital() / (need * self._rules.lot)).to_integral_value(ROUND_FLOOR))
        return self._of_lots(standing, sizes, largest(lambda nearest: self._is_paid(standing, sizes, nearest), guess))

    def _of_lots(self, standing: Standing, sizes: GrowingSizes, nearest: int) -> Sized:
        lots = sizes.lots(nearest)
        self._check_growth_ends(lots)
        if not sizes.growth_ppm or not nearest:
            return Sized(standing, self._rules.quantity(nearest), lots, nearest)
        return Sized(standing.weighted(lots), self._rules.lot, lots, nearest)

    def _is_paid(self, standing: Standing, sizes: GrowingSizes, nearest: int) -> bool:
        sized = self._of_lots(standing, sizes, nearest)
        return sized.standing.committed(sized.unit) <= self._capital()

    def _check_rung_values(self, sized: Sized) -> None:
        rules, prices = self._rules, sized.standing.ladder.prices
        least_quantity = int((rules.min_quantity / rules.lot).to_integral_value(ROUND_CEILING))
        lowest = (self._master or prices)[: len(prices) - 1]
        least = [max(self._least_lots(price), least_quantity, 1) for price in lowest]
        if any(count < fewest for count, fewest in zip(sized.lots, least, strict=True)):
            sizes = self._growing(len(prices), sized.standing.ladder.gap)
            smallest = sizes.least(least)
            enough = self._of_lots(sized.standing.weighted(()), sizes, smallest)
            self._refuse_small(len(prices), smallest, enough.standing.committed(enough.unit))

    def _check_position(self, standing: Standing, quantity: Decimal) -> None:
        worth, cap = standing.venue_exposure * quantity, standing.bracket_cap()
        if 0 < cap < worth:
            leverage = self._terms.leverage
            told = f"at leverage {leverage} the venue allows {plain(cap)}, the grid could come to {_shown(worth)}"
            fits = next((n for n in range(leverage - 1, 0, -1) if self._fits(standing.at(n))), None)
            if fits is not None:
                self._wrong("leverage", f"{told}; use less capital, or at most leverage {fits}")
            else:
                self._wrong("capital", f"{told}, and no leverage allows that; use less")
        most, held = self._contract.largest_position, standing.largest_position * quantity
        if most is not None and held > most:
            setting = "risk_management.futures_risk.max_position_size_perc"
            self._wrong("capital", f"{setting} allows a position of {_shown(most)}, not {_shown(held)}; use less")

    # --- where an isolated position ends ---

    def _check_ends(self, standing: Standing, ends: Ends, quantity: Decimal) -> None:
        if not quantity or standing.keeps_distance(ends):
            return
        is_cross = self._terms.margin_type is not MarginType.ISOLATED
        if is_cross and (not ends.inside or standing.venue_exposure * quantity > standing.bracket_cap()):
            return
        self._wrong("leverage", f"{self._told_of(standing, ends)}; {self._remedies(standing)}")

    def _check_stops(self, prices: tuple[Decimal, ...], ends: Ends) -> None:
        """Check the stops; under cross margin the whole wallet stands behind a position, and its end is not known."""
        is_isolated = self._terms.margin_type is MarginType.ISOLATED
        liquidations = (ends.below, ends.above) if is_isolated else (None, None)
        for field, remedy in stop_mistakes(self._request, self._rules, prices, self._contract.mark_price, liquidations):
            self._wrong(field, remedy)

    def _told_of(self, standing: Standing, ends: Ends) -> str:
        if isinstance(standing, OnWay):
            standing, ends = standing.nearest(ends)
        prices = standing.ladder.prices
        low_end = ends.below is not None and ends.below > prices[0] * (1 - self._contract.liquidation_buffer)
        at = ends.below if low_end and ends.below is not None else ends.above
        told = f"{self._terms.margin_type} margin at leverage {self._terms.leverage}: the position would be liquidated"
        if not at:
            return f"{told} by {self._contract.horizon_days} days of funding alone"
        the_range = "the range" if standing.ladder.is_start else f"the window {plain(prices[0])} - {plain(prices[-1])}"
        where = f"{'inside' if ends.inside or prices[0] <= at <= prices[-1] else 'too near to'} {the_range}"
        away = plain(self._contract.liquidation_buffer * 100)
        price = plain(self._rules.price(self._rules.nearest_ticks(at)))
        return f"{told} at {price}, {where} ({away} % beyond it is asked for)"

    def _remedies(self, standing: Standing) -> str:
        found = []
        works = next((n for n in range(self._terms.leverage - 1, 0, -1) if self._works(standing.at(n))), None)
        if works is not None:
            found.append(f"use a leverage of at most {works}")
        bounds = self._narrower()
        if bounds is not None:
            found.append(f"narrow the range to {plain(bounds[0])} - {plain(bounds[1])}")
        if self._master:
            found.append("follow the price less far")
        if self._terms.margin_type is MarginType.ISOLATED:
            found.append("use margin_type: cross, where the whole futures wallet stands behind it")
        return ", or ".join(found) if found else "use less capital"

    def _works(self, standing: Standing) -> bool:
        """Tell whether the same request would keep its distance so, with the quantity that it would then have."""
        sized = self._sized(standing.weighted(()))
        made, quantity = sized.standing, sized.unit
        wallet = made.committed(quantity)
        return bool(quantity) and self._holds(sized) and made.keeps_distance(made.ends(quantity, wallet))

    def _fits(self, standing: Standing) -> bool:
        return self._holds(self._sized(standing.weighted(())))

    @staticmethod
    def _holds(sized: Sized) -> bool:
        return sized.standing.venue_exposure * sized.unit <= sized.standing.bracket_cap()

    def _narrower(self) -> tuple[Decimal, Decimal] | None:
        """Return the widest bounds around the price, twentieths of those asked for, at which the leverage works."""
        if self._master:
            return None
        price, prices = self._facts.price, self._prices_of(self._rungs())
        for part in _NARROWER:
            lower, upper = (price + (bound - price) * part for bound in (prices[0], prices[-1]))
            try:
                rungs = self._rungs_between(lower, upper)
            except ladder.LadderError:
                return None
            narrow = self._prices_of(rungs)
            if self._worst_profit(narrow) <= 0:
                return None
            if self._works(self._standing(rungs)):
                return narrow[0], narrow[-1]
        return None

    def _prices_of(self, rungs: Sequence[int]) -> tuple[Decimal, ...]:
        return tuple(self._rules.price(ticks) for ticks in rungs)


def _up(amount: Decimal) -> Decimal:
    """Round an amount that is only told up to cents."""
    return amount.quantize(CENT, ROUND_CEILING)


def _shown(amount: Decimal) -> str:
    return plain(amount.quantize(CENT, ROUND_CEILING))
