"""Preflight on spot: what is sold was bought before, and a fee may be taken from it."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, NamedTuple

from domain.errors import InvalidRequest
from domain.grids import Direction, GridPlan
from domain.instrument import Market
from domain.money import ZERO
from grid.core import following
from grid.core.growth_limits import MOST_GROWTH, profit_mistakes
from grid.core.infinity import end_mistakes, told_of_end
from grid.core.planning_base import Preflight
from grid.core.sizes import ConstantWorth, Sizes, largest
from grid.core.stop_checks import stop_mistakes

_SAMPLE: Final = 10**6
"""Lots by which the need for capital is estimated before it is reckoned exactly."""


class SpotCells(NamedTuple):
    """The cells of a ladder, before it is known how much they hold; `prices` are its rungs, ascending."""

    sizes: Sizes
    prices: tuple[Decimal, ...]
    gap: int


class SpotPreflight(Preflight):
    """A long grid without margin; it also estimates a contract of which nothing but the rules is known."""

    _cells: SpotCells

    def plan(self) -> GridPlan:
        self._check_tradable()
        self._check_terms()
        rungs = [] if self._mistakes else self._rungs()
        if not rungs:
            raise InvalidRequest(self._mistakes)
        prices = tuple(self._rules.price(ticks) for ticks in rungs)
        gap = self._gap(rungs)
        self._master = self._reach(rungs)
        self._check_prices(prices)
        self._check_stops(prices)
        if self._request.infinity:
            self._mistakes += end_mistakes(rungs, self._facts.price, self._rules, self._spacing_ppm())
            self._refuse_mistakes()
        sizes = ConstantWorth(tuple(rungs)) if self._request.infinity else self._growing(len(rungs), gap)
        self._cells = SpotCells(sizes, prices, gap)
        size = self._size()
        lots, reserve = sizes.lots(size), self._rules.quantity(sizes.reserve(size))
        self._check_growth_ends(lots)
        self._check_rung_values(lots)
        starting = self._capital_at_start(size)
        entry = self._rules.quantity(self._entry_lots(size))
        quantities = [self._rules.quantity(count) for count in lots]
        dearest = max(price * quantity for price, quantity in zip(self._highest_window()[1:], quantities, strict=True))
        self._check_size(max(dearest, self._entry_limit() * entry), max(*quantities, entry))
        needed = self._capital_for(size)
        self._check_balance(needed, needed)
        self._refuse_mistakes()
        middle = len(prices) // 2
        plan = GridPlan(
            request=self._request,
            start_price=self._facts.price,
            prices=prices,
            master=self._master,
            gap=gap,
            quantity_per_rung=quantities[min(gap, len(quantities) - 1)],
            entry_quantity=entry,
            entry_limit_price=self._entry_limit(),
            capital_needed=needed,
            profit_per_cycle=self._profit(prices[middle - 1], prices[middle]) * quantities[middle - 1],
            rules=self._rules,
            reserve_quantity=reserve,
            cell_quantities=self._stored_quantities(lots),
        )
        told = (told_of_end(prices[-1], reserve, self._rules),) if self._request.infinity else ()
        plan = replace(plan, warnings=(*told, *following.spot_warnings(plan, starting)))
        return self._with_profit(plan, Decimal(MOST_GROWTH), ZERO)

    def _check_terms(self) -> None:
        request = self._request
        self._mistakes += profit_mistakes(request, None)
        if request.instrument.market is not Market.SPOT:
            if request.direction is not Direction.LONG:
                raise ValueError(f"a {request.direction} grid is planned by what is known of its contract")
            return
        remedy = "leave it out, or use market_type: futures"
        if request.direction is not Direction.LONG:
            self._wrong("direction", f"a spot grid is long, {request.direction} needs futures; {remedy}")
        if request.leverage is not None:
            self._wrong("leverage", f"spot has no leverage; {remedy}")
        if request.margin_type is not None:
            self._wrong("margin_type", f"spot has no margin; {remedy}")

    def _check_stops(self, prices: tuple[Decimal, ...]) -> None:
        """Check the stops of a spot grid, which it watches itself."""
        if self._request.instrument.market is Market.SPOT:
            for field, wrong in stop_mistakes(self._request, self._rules, prices, self._facts.price, (None, None)):
                self._wrong(field, wrong)

    def _profit(self, below: Decimal, above: Decimal) -> Decimal:
        fee = self._facts.fees.maker
        return above * (1 - fee) * (1 - fee) - below

    def _entry_lots(self, size: int) -> int:
        if self._request.start_empty:
            return 0
        sizes, gap = self._cells.sizes, self._cells.gap
        sold = sum(sizes.lots(size)[gap:]) + sizes.reserve(size)
        return int((sold / (1 - self._facts.fees.taker)).to_integral_value(ROUND_CEILING)) if sold else 0

    def _capital_for(self, size: int) -> Decimal:
        """Return what the grid takes in the window that needs most: at the start, or with all buying in the highest."""
        starting = self._capital_at_start(size)
        if not self._master:
            return starting
        buys = zip(self._highest_window()[:-1], self._cells.sizes.lots(size), strict=True)
        return max(starting, sum((price * count for price, count in buys), ZERO) * self._rules.lot)

    def _capital_at_start(self, size: int) -> Decimal:
        gap, prices, lots = self._cells.gap, self._cells.prices, self._cells.sizes.lots(size)
        buys = sum((price * count for price, count in zip(prices[:gap], lots, strict=False)), ZERO)
        return (buys + self._entry_lots(size) * self._entry_limit()) * self._rules.lot

    def _highest_window(self) -> tuple[Decimal, ...]:
        return (self._master or self._cells.prices)[-len(self._cells.prices) :]

    def _lowest_window(self) -> tuple[Decimal, ...]:
        return (self._master or self._cells.prices)[: len(self._cells.prices)]

    def _size(self) -> int:
        """Return the size that is asked for, else the largest that the capital pays."""
        if self._request.quantity is not None:
            return self._asked_lots(self._request.quantity)
        capital, sizes = self._capital(), self._cells.sizes
        sample = sizes.least([_SAMPLE] * (len(self._cells.prices) - 1))
        needed = self._capital_for(sample)
        if not needed:
            self._wrong("start_empty", "no rung lies below the price to buy at; leave it out or lower the range")
            return sizes.least(self._least_of_cells())
        guess = int((capital * sample / needed).to_integral_value(ROUND_FLOOR))
        return largest(lambda size: self._capital_for(size) <= capital, guess)

    def _least_of_cells(self) -> list[int]:
        return [self._smallest_lots(price) for price in self._lowest_window()[:-1]]

    def _smallest_lots(self, price: Decimal) -> int:
        """Return how much can be bought at a rung, and sold again once a fee in base is taken from it."""
        rules, lot_value = self._rules, price * self._rules.lot
        sold = max(rules.min_notional / lot_value, rules.min_quantity / rules.lot).to_integral_value(ROUND_CEILING)
        left_after_fee = 1 - max(self._facts.fees.maker, self._facts.fees.taker)
        bought = (max(sold, Decimal(1)) / left_after_fee).to_integral_value(ROUND_CEILING)
        return max(self._least_lots(price), int(bought))

    def _check_rung_values(self, lots: Sequence[int]) -> None:
        least = self._least_of_cells()
        if any(count < smallest for count, smallest in zip(lots, least, strict=True)):
            sizes = self._cells.sizes
            smallest = sizes.least(least)
            self._check_growth_ends(sizes.lots(smallest))
            self._refuse_small(len(self._cells.prices), smallest, self._capital_for(smallest))
