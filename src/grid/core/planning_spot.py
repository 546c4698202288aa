"""Preflight on spot: what is sold was bought before, and a fee may be taken from it."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from domain.errors import InvalidRequest
from domain.grids import Direction, GridPlan
from domain.instrument import Market
from domain.money import ZERO
from grid.core.planning_base import Preflight


class SpotPreflight(Preflight):
    """A long grid without margin; it also estimates a contract of which nothing but the rules is known."""

    def plan(self) -> GridPlan:
        self._check_tradable()
        self._check_terms()
        rungs = [] if self._mistakes else self._rungs()
        if not rungs:
            raise InvalidRequest(self._mistakes)
        prices = tuple(self._rules.price(ticks) for ticks in rungs)
        gap = self._gap(rungs)
        self._check_prices(prices, gap)
        lots = self._lots_per_rung(prices, gap)
        quantity = self._rules.quantity(lots)
        self._check_rung_value(prices, gap, lots)
        entry = self._rules.quantity(self._entry_lots(len(prices), gap, lots))
        self._check_size(max(prices[-1] * quantity, self._entry_limit() * entry), max(quantity, entry))
        needed = self._capital_for(prices, gap, lots)
        self._check_balance(needed, needed)
        self._refuse_mistakes()
        middle = len(prices) // 2
        return GridPlan(
            request=self._request,
            start_price=self._facts.price,
            prices=prices,
            gap=gap,
            quantity_per_rung=quantity,
            entry_quantity=entry,
            entry_limit_price=self._entry_limit(),
            capital_needed=needed,
            profit_per_cycle=self._profit(prices[middle - 1], prices[middle]) * quantity,
            rules=self._rules,
        )

    def _check_terms(self) -> None:
        request = self._request
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
        for name, price in (("stop_below", request.stop_below), ("stop_above", request.stop_above)):
            if price is not None:
                self._wrong(name, f"a spot grid has no stop at the exchange yet; {remedy}")

    def _profit(self, below: Decimal, above: Decimal) -> Decimal:
        fee = self._facts.fees.maker
        return above * (1 - fee) * (1 - fee) - below

    def _entry_lots(self, rungs: int, gap: int, lots: int) -> int:
        if self._request.start_empty:
            return 0
        sold = (rungs - 1 - gap) * lots
        return int((sold / (1 - self._facts.fees.taker)).to_integral_value(ROUND_CEILING)) if sold else 0

    def _capital_for(self, prices: tuple[Decimal, ...], gap: int, lots: int) -> Decimal:
        buys = sum(prices[:gap], ZERO) * self._rules.quantity(lots)
        return buys + self._entry_lots(len(prices), gap, lots) * self._rules.lot * self._entry_limit()

    def _capital_per_lot(self, prices: tuple[Decimal, ...], gap: int) -> Decimal:
        """Return what one lot on every rung takes before the entry is rounded up to whole lots."""
        sold = 0 if self._request.start_empty else len(prices) - 1 - gap
        entry = sold / (1 - self._facts.fees.taker) * self._entry_limit()
        return (sum(prices[:gap], ZERO) + entry) * self._rules.lot

    def _lots_per_rung(self, prices: tuple[Decimal, ...], gap: int) -> int:
        if self._request.quantity is not None:
            return self._asked_lots(self._request.quantity)
        capital = self._capital()
        per_lot = self._capital_per_lot(prices, gap)
        if not per_lot:
            self._wrong("start_empty", "no rung lies below the price to buy at; leave it out or lower the range")
            return self._smallest_lots(prices)
        # The quotient is never too small, for rounding the entry up to lots only adds to the need.
        lots = int((capital / per_lot).to_integral_value(ROUND_FLOOR))
        while lots > 0 and self._capital_for(prices, gap, lots) > capital:
            lots -= 1
        return lots

    def _smallest_lots(self, prices: tuple[Decimal, ...]) -> int:
        """Return how much can be bought at the lowest rung, and sold again once a fee in base is taken from it."""
        rules, lot_value = self._rules, prices[0] * self._rules.lot
        sold = max(rules.min_notional / lot_value, rules.min_quantity / rules.lot).to_integral_value(ROUND_CEILING)
        left_after_fee = 1 - max(self._facts.fees.maker, self._facts.fees.taker)
        bought = (max(sold, Decimal(1)) / left_after_fee).to_integral_value(ROUND_CEILING)
        return max(self._least_lots(prices[0]), int(bought))

    def _check_rung_value(self, prices: tuple[Decimal, ...], gap: int, lots: int) -> None:
        smallest = self._smallest_lots(prices)
        if lots < smallest:
            self._refuse_small(len(prices), smallest, self._capital_for(prices, gap, smallest))
