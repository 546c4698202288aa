"""Preflight: a request either becomes a plan that can trade, or every mistake in it is named with its remedy.

Spot. Amounts in quote unless said otherwise; percentages in percent.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from itertools import pairwise

from domain.errors import FieldMistake, InvalidRequest
from domain.grids import Direction, GridPlan, GridRequest, Spacing
from domain.instrument import FeeRates, InstrumentRules
from domain.money import ZERO, plain
from grid.core import ladder
from grid.core.contract import ContractFacts

# The first purchase may pay this much above the start price; beyond it the grid waits instead of chasing.
ENTRY_SLIPPAGE = Decimal("0.005")
# A rung must be worth twice the venue's minimum, so that a remainder too small to rest leaves a part that can be sold.
MINIMUM_FACTOR = 2
PPM_PER_PERCENT = Decimal(10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightFacts:
    """What a plan is checked against. `free_quote` and `free_exposure` are None where nothing is to be committed."""

    rules: InstrumentRules
    fees: FeeRates
    price: Decimal
    free_quote: Decimal | None
    default_capital: Decimal
    min_order_value: Decimal
    max_price_distance: Decimal
    max_order_notional: Decimal
    free_exposure: Decimal | None = None
    contract: ContractFacts | None = None  # for futures


def plan_grid(request: GridRequest, facts: PreflightFacts) -> GridPlan:
    """Turn a request into a plan.

    Raises:
        InvalidRequest: with every mistake found.
    """
    with localcontext() as context:
        context.prec = 60
        return _Preflight(request, facts).plan()


class _Preflight:
    def __init__(self, request: GridRequest, facts: PreflightFacts) -> None:
        self._request = request
        self._facts = facts
        self._rules = facts.rules
        self._mistakes: list[FieldMistake] = []

    def plan(self) -> GridPlan:
        self._check_tradable()
        rungs = self._rungs()
        if not rungs:
            raise InvalidRequest(self._mistakes)
        prices = tuple(self._rules.price(ticks) for ticks in rungs)
        gap = ladder.nearest_rung(rungs, self._rules.nearest_ticks(self._facts.price))
        self._check_prices(prices)
        lots = self._lots_per_rung(prices, gap)
        quantity = self._rules.quantity(lots)
        self._check_rung_value(prices, gap, lots)
        self._check_size(prices, gap, lots)
        needed = self._capital_for(prices, gap, lots)
        self._check_balance(needed)
        if self._mistakes:
            raise InvalidRequest(self._mistakes)
        middle = len(prices) // 2
        return GridPlan(
            request=self._request,
            start_price=self._facts.price,
            prices=prices,
            gap=gap,
            quantity_per_rung=quantity,
            entry_quantity=self._rules.quantity(self._entry_lots(len(prices), gap, lots)),
            entry_limit_price=self._entry_limit(),
            capital_needed=needed,
            profit_per_cycle=self._profit(prices[middle - 1], prices[middle]) * quantity,
            rules=self._rules,
            terms=self._facts.contract.terms if self._facts.contract else None,
        )

    def _wrong(self, field: str, message: str) -> None:
        self._mistakes.append(FieldMistake(field, message))

    def _check_tradable(self) -> None:
        if not self._rules.is_trading:
            self._wrong("symbol", f"the venue's status is {self._rules.status}; choose a symbol that is TRADING")
        self._check_contract()
        if self._request.levels < 2:
            self._wrong("initial_levels", "a grid needs at least 2 price rungs")
        lower, upper = self._request.lower, self._request.upper
        if (lower is None) != (upper is None):
            self._wrong("lower_price" if lower is None else "upper_price", "give both bounds or neither")
        if self._request.levels - 1 > self._rules.max_open_orders:
            most = self._rules.max_open_orders + 1
            self._wrong("initial_levels", f"the venue allows {most - 1} open orders here; use at most {most} levels")

    def _check_contract(self) -> None:
        contract = self._facts.contract
        if contract is None:
            return
        if contract.position:
            held = plain(contract.position)
            self._wrong("symbol", f"the account holds a position of {held} here; close it, a grid begins flat")
        if contract.foreign_orders:
            count = contract.foreign_orders
            self._wrong("symbol", f"{count} order(s) of the account rest here; cancel them, a grid begins alone")
        if contract.terms.leverage > contract.max_leverage:
            most = contract.max_leverage
            self._wrong("leverage", f"above risk_management.futures_risk.max_leverage; use at most {most}")

    def _rungs(self) -> list[int]:
        request, rules = self._request, self._rules
        if self._mistakes:
            return []
        start = rules.nearest_ticks(self._facts.price)
        geometric = request.spacing is Spacing.GEOMETRIC
        try:
            if request.lower is not None and request.upper is not None:
                between = ladder.geometric_between if geometric else ladder.arithmetic_between
                return between(rules.nearest_ticks(request.lower), rules.nearest_ticks(request.upper), request.levels)
            spacing = self._spacing_ppm()
            around = ladder.geometric_around if geometric else ladder.arithmetic_around
            return around(start, spacing, request.levels) if spacing else []
        except ladder.LadderError as error:
            self._wrong("lower_price" if request.lower is not None else "spacing_perc", str(error))
            return []

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

    def _check_prices(self, prices: tuple[Decimal, ...]) -> None:
        rules, price = self._rules, self._facts.price
        lower_field, upper_field = self._range_fields()
        self._check_distance(lower_field, prices[0])
        self._check_distance(upper_field, prices[-1])
        lowest = max(rules.min_price, price * rules.bid_down)
        if prices[0] < lowest:
            self._wrong(lower_field, f"the venue takes no buy below {plain(lowest)} now; narrow the range")
        highest = [bound for bound in (rules.max_price, price * rules.ask_up) if bound > 0]
        if highest and prices[-1] > min(highest):
            self._wrong(upper_field, f"the venue takes no sale above {plain(min(highest))} now; narrow the range")
        worst = min(self._profit(below, above) / below for below, above in pairwise(prices))
        if worst <= 0:
            fee = self._facts.fees.maker * 200
            self._wrong(
                "initial_levels" if self._request.spacing_percent is None else "spacing_perc",
                f"fees of {plain(fee)} % per cycle eat the step between two rungs; space them wider",
            )

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
        return ("spacing_perc",) * 2 if self._request.lower is None else ("lower_price", "upper_price")

    def _profit(self, below: Decimal, above: Decimal) -> Decimal:
        """Return what one base bought at `below` and sold at `above` leaves after two maker fees."""
        fee = self._facts.fees.maker
        return above * (1 - fee) * (1 - fee) - below

    def _entry_limit(self) -> Decimal:
        if self._request.direction is Direction.SHORT:
            least = (self._facts.price * (1 - ENTRY_SLIPPAGE) / self._rules.tick).to_integral_value(ROUND_FLOOR)
            return self._rules.price(int(least))
        ticks = (self._facts.price * (1 + ENTRY_SLIPPAGE) / self._rules.tick).to_integral_value(ROUND_CEILING)
        return self._rules.price(int(ticks))

    def _entry_lots(self, rungs: int, gap: int, lots: int) -> int:
        if self._request.start_empty:
            return 0
        if self._facts.contract is not None:  # fees are paid in quote
            cells = {Direction.LONG: rungs - 1 - gap, Direction.SHORT: gap, Direction.NEUTRAL: 0}
            return cells[self._request.direction] * lots
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
            whole, rest = divmod(self._request.quantity, self._rules.lot)
            if rest:
                self._wrong("quantity_per_level", f"must be a multiple of the lot {plain(self._rules.lot)}")
            return max(int(whole), 0)
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

    def _capital(self) -> Decimal:
        return self._request.capital if self._request.capital is not None else self._facts.default_capital

    def _smallest_lots(self, prices: tuple[Decimal, ...]) -> int:
        """Return how much can be bought at the lowest rung, and sold again once a fee in base is taken from it."""
        rules, lot_value = self._rules, prices[0] * self._rules.lot
        value = max(self._facts.min_order_value, rules.min_notional * MINIMUM_FACTOR)
        by_value = (value / lot_value).to_integral_value(ROUND_CEILING)
        sold = max(rules.min_notional / lot_value, rules.min_quantity / rules.lot).to_integral_value(ROUND_CEILING)
        left_after_fee = 1 - max(self._facts.fees.maker, self._facts.fees.taker)
        bought = (max(sold, Decimal(1)) / left_after_fee).to_integral_value(ROUND_CEILING)
        return int(max(by_value, bought))

    def _check_rung_value(self, prices: tuple[Decimal, ...], gap: int, lots: int) -> None:
        smallest = self._smallest_lots(prices)
        if lots >= smallest:
            return
        least = self._capital_for(prices, gap, smallest).quantize(Decimal(1), ROUND_CEILING)
        if self._request.quantity is not None:
            need = plain(self._rules.quantity(smallest))
            self._wrong("quantity_per_level", f"too little for an order at the lowest rung; use at least {need}")
        else:
            asked = plain(self._capital())
            self._wrong(
                "capital", f"{asked} is too little for {len(prices)} levels; the smallest that works is {least}"
            )

    def _check_size(self, prices: tuple[Decimal, ...], gap: int, lots: int) -> None:
        entry_lots = self._entry_lots(len(prices), gap, lots)
        largest = max(prices[-1] * self._rules.quantity(lots), self._entry_limit() * self._rules.quantity(entry_lots))
        limits = [("max_order_notional", self._facts.max_order_notional), ("of the venue", self._rules.max_notional)]
        for name, limit in limits:
            if 0 < limit < largest:
                self._wrong(
                    "capital", f"an order of {plain(largest)} is above the limit {name}, {plain(limit)}; use less"
                )
        if 0 < self._rules.max_quantity < self._rules.quantity(max(lots, entry_lots)):
            self._wrong("capital", f"the venue's largest order is {plain(self._rules.max_quantity)}; use less")

    def _check_balance(self, needed: Decimal) -> None:
        free = self._facts.free_quote
        if free is not None and needed > free:
            quote = self._rules.instrument.quote
            self._wrong("capital", f"needs {plain(needed)} {quote}, only {plain(free)} are free; use less or add funds")
        headroom = self._facts.free_exposure
        if headroom is not None and needed > headroom:
            left = f"max_exposure of the risk gate leaves {plain(max(headroom, ZERO))}"
            self._wrong("capital", f"needs {plain(needed)}, {left}; use less or end another grid")
