"""What preflight checks alike on every market. Amounts in quote unless said otherwise; percentages in percent."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise
from typing import Final

from domain.errors import FieldMistake, InvalidRequest
from domain.grids import Direction, GridPlan, GridRequest, Spacing
from domain.moments import shown_utc
from domain.money import ZERO, plain
from grid.core import following, ladder
from grid.core.growth_limits import reinvesting
from grid.core.infinity import infinity_mistakes
from grid.core.planning_facts import ENTRY_SLIPPAGE, MINIMUM_FACTOR, PreflightFacts
from grid.core.sizes import GrowingSizes

PPM_PER_PERCENT = Decimal(10_000)
MOST_GROWTH_PERCENT: Final = 100
_MOST_LOTS: Final = 10**18
"""More than any venue takes in one order, and as much as is reckoned with."""


class Preflight(ABC):
    """One request under examination; `plan` is called once, in a context of 60 digits."""

    def __init__(self, request: GridRequest, facts: PreflightFacts) -> None:
        self._request = request
        self._facts = facts
        self._rules = facts.rules
        self._mistakes: list[FieldMistake] = []
        self._master: tuple[Decimal, ...] = ()

    @abstractmethod
    def plan(self) -> GridPlan:
        """Return the plan.

        Raises:
            InvalidRequest: with every mistake found.
        """

    @abstractmethod
    def _profit(self, below: Decimal, above: Decimal) -> Decimal:
        """Return what one base bought at `below` and sold at `above` leaves after two maker fees."""

    def _wrong(self, field: str, message: str) -> None:
        self._mistakes.append(FieldMistake(field, message))

    def _refuse_mistakes(self) -> None:
        if self._mistakes:
            raise InvalidRequest(self._mistakes)

    def _check_tradable(self) -> None:
        if not self._rules.is_trading:
            self._wrong("symbol", f"the venue's status is {self._rules.status}; choose a symbol that is TRADING")
        if self._rules.settles_ms:
            self._wrong("symbol", f"the contract is settled at {shown_utc(self._rules.settles_ms)}; choose another one")
        if self._request.levels < 2:
            self._wrong("initial_levels", "a grid needs at least 2 price rungs")
        lower, upper = self._request.lower, self._request.upper
        if self._request.infinity:
            self._mistakes += infinity_mistakes(self._request)
        elif (lower is None) != (upper is None):
            self._wrong("lower_price" if lower is None else "upper_price", "give both bounds or neither")
        self._check_growth()
        for field, remedy in following.limit_mistakes(self._request, self._rules):
            self._wrong(field, remedy)
        self._check_orders(self._rules.max_open_orders)

    def _check_orders(self, most: int) -> None:
        """Check that the venue lets all orders rest that may rest at once."""
        levels, resting = self._request.levels, self._request.resting_levels
        if resting is not None and resting < 1:
            self._wrong("resting_levels", "at least 1 order has to rest on each side; leave it out to let all rest")
        elif resting is not None and 2 * resting < levels - 1:
            if 2 * resting > most:
                self._wrong("resting_levels", f"the venue allows {most} open orders here; use at most {most // 2}")
        elif levels - 1 > most:
            remedy = f"use at most {most + 1} levels, or resting_levels of at most {most // 2}"
            self._wrong("initial_levels", f"the venue allows {most} open orders here; {remedy}")

    def _with_profit(self, plan: GridPlan, most_times: Decimal, aside: Decimal) -> GridPlan:
        facts = self._facts
        found = reinvesting(plan, facts.fees, facts.max_order_notional, most_times)
        return plan if found is None else replace(plan, reinvesting=replace(found, aside=aside))

    def _check_growth(self) -> None:
        growth = self._request.quantity_growth_percent
        if growth is None:
            return
        if not 0 <= growth <= MOST_GROWTH_PERCENT or growth * PPM_PER_PERCENT % 1:
            most = MOST_GROWTH_PERCENT
            self._wrong("quantity_growth_perc", f"use a percentage from 0 to {most} with at most 4 decimals")
            raise InvalidRequest(self._mistakes)

    def _growing(self, rungs: int, gap: int) -> GrowingSizes:
        growth = self._request.quantity_growth_percent or ZERO
        return GrowingSizes(rungs - 1, gap, int(growth * PPM_PER_PERCENT))

    def _check_growth_ends(self, lots: Sequence[int]) -> None:
        """Refuse lots that outgrow every venue before anything is reckoned with them."""
        if self._request.quantity_growth_percent and max(lots) > _MOST_LOTS:
            self._wrong("quantity_growth_perc", "the farthest cells would hold more than any venue takes; use less")
            raise InvalidRequest(self._mistakes)

    def _stored_quantities(self, lots: Sequence[int]) -> tuple[Decimal, ...]:
        """Return the cells' quantities as a plan keeps them: none where all are the same."""
        return () if min(lots) == max(lots) else tuple(self._rules.quantity(count) for count in lots)

    def _rungs(self) -> list[int]:
        request = self._request
        geometric = request.spacing is Spacing.GEOMETRIC
        try:
            if request.lower is not None and request.upper is not None:
                return self._rungs_between(request.lower, request.upper)
            spacing = self._spacing_ppm()
            if request.infinity and request.lower is not None:
                lowest = self._rules.nearest_ticks(request.lower)
                return ladder.geometric_from(lowest, spacing, request.levels) if spacing else []
            around = ladder.geometric_around if geometric else ladder.arithmetic_around
            return self._rungs_around(lambda start: around(start, spacing, request.levels)) if spacing else []
        except ladder.LadderError as error:
            self._wrong("lower_price" if request.lower is not None else "spacing_perc", str(error))
            return []

    def _rungs_around(self, lay: Callable[[int], list[int]]) -> list[int]:
        """Lay the ladder around the price; of a grid at work around its centre while it stands inside that."""
        nearest, at_work = self._rules.nearest_ticks, self._facts.at_work
        if at_work is not None:
            rungs = lay(nearest(at_work.centre))
            if at_work.stays or rungs[0] <= nearest(at_work.reference) <= rungs[-1]:
                return rungs
        return lay(nearest(self._facts.price))

    def _gap(self, rungs: Sequence[int]) -> int:
        """Return the rung that parts the cells by what they begin with.

        Of a grid at work that is where it stands; but where it goes by which side of the start a cell lies on, the
        start counts on, as long as the ladder holds it.
        """
        nearest, at_work, request = self._rules.nearest_ticks, self._facts.at_work, self._request
        if at_work is None:
            return ladder.nearest_rung(rungs, nearest(self._facts.price))
        centre = nearest(at_work.centre)
        by_start = request.start_empty or request.direction is Direction.NEUTRAL or request.quantity_growth_percent
        if by_start and rungs[0] <= centre <= rungs[-1]:
            return ladder.nearest_rung(rungs, centre)
        return ladder.nearest_rung(rungs, nearest(at_work.reference))

    def _reach(self, rungs: list[int]) -> tuple[Decimal, ...]:
        """Return the price of every rung that a grid which follows the price may come to use; nothing of another."""
        if not following.follows(self._request):
            return ()
        spacing = 0 if self._request.lower is not None else self._spacing_ppm()
        try:
            master = following.master_rungs(self._request, self._rules, rungs, spacing)
        except ladder.LadderError as error:
            field = "trail_up_to" if self._request.trail_up_to is not None else "trail_down_to"
            self._wrong(field, str(error))
            return ()
        for field, remedy in following.reach_mistakes(self._request, self._rules, rungs, master, spacing):
            self._wrong(field, remedy)
        prices = tuple(self._rules.price(ticks) for ticks in master)
        if self._worst_profit(prices) <= 0:
            field = "trail_up_to" if self._request.trail_up_to is not None else "trail_down_to"
            self._wrong(field, "on the way fees eat the step between two rungs; use a nearer price or a larger spacing")
        return prices

    def _rungs_between(self, lower: Decimal, upper: Decimal) -> list[int]:
        geometric = self._request.spacing is Spacing.GEOMETRIC
        between = ladder.geometric_between if geometric else ladder.arithmetic_between
        nearest = self._rules.nearest_ticks
        return between(nearest(lower), nearest(upper), self._request.levels)

    def _spacing_ppm(self) -> int:
        percent = self._request.spacing_percent
        if percent is None:
            self._wrong("spacing_perc", "give the spacing in percent, or lower_price and upper_price")
            return 0
        ppm = percent * PPM_PER_PERCENT
        if ppm != int(ppm) or ppm <= 0:
            self._wrong("spacing_perc", "use a positive number of percent with at most 4 decimals")
            return 0
        return int(ppm)

    def _empty_rung(self, prices: Sequence[Decimal]) -> int:
        """Return the rung that would rest empty now: what lies below it buys, whatever the cells began with."""
        at_work, nearest = self._facts.at_work, self._rules.nearest_ticks
        stands_at = self._facts.price if at_work is None else at_work.reference
        return ladder.nearest_rung([nearest(price) for price in prices], nearest(stands_at))

    def _check_prices(self, prices: tuple[Decimal, ...]) -> None:
        self._check_bounds(prices, self._empty_rung(prices))
        if self._worst_profit(prices) <= 0:
            fee = self._facts.fees.maker * 200
            self._wrong(
                "initial_levels" if self._request.spacing_percent is None else "spacing_perc",
                f"fees of {plain(fee)} % per cycle eat the step between two rungs; space them wider",
            )

    def _check_bounds(self, prices: tuple[Decimal, ...], gap: int) -> None:
        """Check the lowest and the highest order that are to rest now, and that no rung lies where none ever could."""
        rules, price = self._rules, self._facts.price
        most = self._request.resting_levels or len(prices)
        first, last = prices[max(gap - most, 0)], prices[min(gap + most, len(prices) - 1)]
        lower_field, upper_field = self._range_fields()
        self._check_distance(lower_field, first)
        self._check_distance(upper_field, last)
        lowest = [
            bound for rung, bound in ((prices[0], rules.min_price), (first, price * rules.bid_down)) if rung < bound
        ]
        if lowest:
            self._wrong(lower_field, f"the venue takes no buy below {plain(max(lowest))} now; narrow the range")
        bounds = ((prices[-1], rules.max_price), (last, price * rules.ask_up))
        highest = [bound for rung, bound in bounds if 0 < bound < rung]
        if highest:
            self._wrong(upper_field, f"the venue takes no sale above {plain(min(highest))} now; narrow the range")

    def _worst_profit(self, prices: tuple[Decimal, ...]) -> Decimal:
        return min(self._profit(below, above) / below for below, above in pairwise(prices))

    def _check_distance(self, field: str, rung: Decimal) -> None:
        price, most = self._facts.price, self._facts.max_price_distance
        if abs(rung - price) <= price * most:
            return
        remedy = "narrow the range"
        if field != "spacing_perc":
            remedy = "lower it" if rung > price else "raise it"
        self._wrong(field, f"rung {plain(rung)} is over {plain(most * 100)} % away from {plain(price)}; {remedy}")

    def _range_fields(self) -> tuple[str, str]:
        """Return the fields that say where the lowest and where the highest rung stands."""
        if self._request.infinity:
            return "lower_price", "initial_levels"
        return ("spacing_perc",) * 2 if self._request.lower is None else ("lower_price", "upper_price")

    def _entry_limit(self) -> Decimal:
        sells = self._request.direction is Direction.SHORT
        worst = self._facts.price * (1 - ENTRY_SLIPPAGE if sells else 1 + ENTRY_SLIPPAGE)
        ticks = (worst / self._rules.tick).to_integral_value(ROUND_FLOOR if sells else ROUND_CEILING)
        return self._rules.price(int(ticks))

    def _capital(self) -> Decimal:
        return self._request.capital if self._request.capital is not None else self._facts.default_capital

    def _asked_lots(self, quantity: Decimal) -> int:
        """Return the lots per rung that a request fixes itself."""
        whole, rest = divmod(quantity, self._rules.lot)
        if rest:
            self._wrong("quantity_per_level", f"must be a multiple of the lot {plain(self._rules.lot)}")
        return max(int(whole), 0)

    def _least_lots(self, lowest_rung: Decimal) -> int:
        """Return what an order at that price must hold, so that a remainder too small to rest leaves enough to sell."""
        value = max(self._facts.min_order_value, self._rules.min_notional * MINIMUM_FACTOR)
        return int((value / (lowest_rung * self._rules.lot)).to_integral_value(ROUND_CEILING))

    def _refuse_small(self, levels: int, smallest_lots: int, least_capital: Decimal) -> None:
        if self._request.quantity is not None:
            need = plain(self._rules.quantity(smallest_lots))
            self._wrong("quantity_per_level", f"too little for an order at every rung; use at least {need}")
            return
        asked, least = plain(self._capital()), least_capital.quantize(Decimal(1), ROUND_CEILING)
        self._wrong("capital", f"{asked} is too little for {levels} levels; the smallest that works is {least}")

    def _check_size(self, largest: Decimal, quantity: Decimal) -> None:
        """Check the largest order's value, and the largest quantity."""
        limits = [("max_order_notional", self._facts.max_order_notional), ("of the venue", self._rules.max_notional)]
        for name, limit in limits:
            if 0 < limit < largest:
                self._wrong(
                    "capital", f"an order of {plain(largest)} is above the limit {name}, {plain(limit)}; use less"
                )
        if 0 < self._rules.max_quantity < quantity:
            self._wrong("capital", f"the venue's largest order is {plain(self._rules.max_quantity)}; use less")

    def _check_balance(self, needed: Decimal, exposure: Decimal) -> None:
        """Check what has to be free, and what the risk gate will count as at risk."""
        free = self._facts.free_quote
        if free is not None and needed > free:
            quote = self._rules.instrument.quote
            self._wrong("capital", f"needs {plain(needed)} {quote}, only {plain(free)} are free; use less or add funds")
        headroom = self._facts.free_exposure
        if headroom is not None and exposure > headroom:
            left = f"max_exposure of the risk gate leaves {plain(max(headroom, ZERO))}"
            self._wrong("capital", f"needs {plain(exposure)}, {left}; use less or end another grid")
