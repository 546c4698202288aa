"""A scenario in the engine's integers."""

from decimal import Decimal
from math import gcd
from typing import Final, NamedTuple

from backtest.core import layout as at
from backtest.scenario import PPM, FillKind, PathRule, Scenario
from domain.futures import MarginType
from domain.money import UNITS_PER_ONE, ZERO, exact, to_units
from grid.core import cells, exits
from grid.core.exit_numbers import exit_numbers
from grid.core.ladder_numbers import LadderNumbers, ladder_numbers

BNB: Final = "BNB"
BNB_PERCENT: Final = 75  # of the standard commission, when paid in BNB


class Scales(NamedTuple):
    """What the engine's integers stand for."""

    tick: int  # in 1e-8 quote
    lot: int  # in 1e-8 base
    unit: int  # of money, in 1e-16 quote

    @property
    def amount(self) -> Decimal:
        """Return the unit of money in quote."""
        return Decimal(self.unit).scaleb(-16)


class Setting(NamedTuple):
    """Everything the engine is told of a scenario, as plain integers."""

    scales: Scales
    numbers: LadderNumbers
    rules: list[int]
    state: list[int]
    start_empty: bool
    brackets: list[int]

    @property
    def cell_count(self) -> int:
        return len(self.numbers.lots)

    @property
    def lanes(self) -> int:
        """Return after how many cells of the master ladder a cell's number comes again; 0: it stays where it is."""
        return self.cell_count if self.numbers.master else 0

    def prices(self, window: int) -> list[int]:
        """Return the rungs of the ladder that stands on the master ladder from rung `window` on."""
        numbers = self.numbers
        return numbers.master[window : window + len(numbers.prices)] if numbers.master else numbers.prices

    def ladder(self) -> list[list[int]]:
        return [[*self.numbers.prices]]

    def flight_at_start(self) -> list[int]:
        """Return `flight` before the first order; empty where orders take no time and none has to wait."""
        if not self.rules[at.DELAYED]:
            return []
        return [0] * (at.FLIGHT * self.cell_count + self.rules[at.MAX_RATE])

    def cells_at_start(self) -> tuple[list[list[int]], list[int]]:
        """Return the rows of `cell` and the totals before the first fill."""
        rows = [[0] * self.cell_count for _ in range(at.CELL)]
        rows[at.LOTS], rows[at.CARRY], rows[at.MOST] = [*self.numbers.lots], [*self.numbers.carry], [*self.numbers.most]
        totals = [0] * cells.TOTALS
        cells.start_cells(
            rows[at.SIDE],
            rows[at.FILLED],
            rows[at.HELD],
            rows[at.CYCLE],
            totals,
            self.numbers.gap,
            self.numbers.entry_lots,
            self.start_empty,
            self.numbers.borrowed,
        )
        return rows, totals


def scales_of(scenario: Scenario) -> Scales:
    """Return the smallest units in which every amount of the scenario is whole.

    Raises:
        ValueError: where tick, lot or the price of BNB has more than 8 decimals.
    """
    tick, lot = to_units(scenario.rules.tick), to_units(scenario.rules.lot)
    fees = scenario.fees
    bnb = to_units(fees.bnb_price or ZERO) if fees.bnb_market is None else fees.bnb_market.step
    return Scales(tick, lot, gcd(tick, UNITS_PER_ONE, bnb))


@exact
def setting_of(scenario: Scenario, points: int, *, unit: int | None = None) -> Setting:
    """Translate a scenario; `points` is the number of prints per candle.

    `unit` is one of money that several scenarios share, a divisor of each one's own.
    """
    scales = scales_of(scenario)
    scales = scales if unit is None else scales._replace(unit=unit)
    numbers = ladder_numbers(scenario.plan, scenario.rules)
    rules = [0] * at.RULES
    rules[at.LOT_UNITS] = scales.lot
    rules[at.MIN_NOTIONAL] = numbers.min_notional
    rules[at.MIN_LOTS] = -int(-scenario.rules.min_quantity // scenario.rules.lot)
    rules[at.GAP] = numbers.gap
    rules[at.ENTRY_PRICE] = numbers.entry_price
    rules[at.RESERVE] = numbers.reserve
    rules[at.SALE_PPM], rules[at.COST_PPM], rules[at.GROWTH_ASIDE] = numbers.sale_ppm, numbers.cost_ppm, numbers.aside
    rules[at.POINTS] = points
    rules[at.LONG_WAY] = int(scenario.path is PathRule.OPTIMISTIC)
    rules[at.PRINT_LOTS] = _print_lots(scenario, points)
    rules[at.NOTIONAL_UNIT] = scales.tick * scales.lot // scales.unit
    rules[at.BASE_UNIT] = scales.tick // scales.unit
    rules[at.FEE_UNIT] = UNITS_PER_ONE // scales.unit
    rules[at.BNB_MOVES] = int(scenario.fees.bnb_market is not None)
    rules[at.CAP_NUM], rules[at.CAP_DEN] = _reduced(scales.tick * scales.lot, UNITS_PER_ONE)
    rules[at.PAYS_IN_BNB] = int(scenario.fees.first_bnb_price is not None)
    for first, ppm in ((at.MAKER, scenario.fees.maker_ppm), (at.TAKER, scenario.fees.taker_ppm)):
        _write_rates(rules, first, ppm, scales)
    share = (1, 1) if points == 1 else _reduced(scenario.fill.share_ppm, PPM * points)
    rules[at.SHARE_NUM], rules[at.SHARE_DEN] = share
    state = _state(scenario, scales, len(numbers.lots))
    rules[at.MAX_EXPOSURE] = (
        -1 if scenario.max_exposure is None else int(scenario.max_exposure.scaleb(16)) // scales.unit
    )
    rules[at.DELAYED] = int(scenario.orders_travel)
    rules[at.POST_ONLY] = int(scenario.plan.request.post_only)
    rules[at.RESTING_LEVELS] = scenario.plan.request.resting_levels or 0
    rules[at.LATENCY], rules[at.MAX_RATE] = scenario.delays.latency_ms, scenario.delays.orders_per_10s
    rules[at.SENT_AT] = at.FLIGHT * len(numbers.lots)
    rules[at.MAX_OPEN] = scenario.rules.max_open_orders
    rules[at.START_CASH], rules[at.START_BASE] = state[at.CASH], state[at.BASE]
    _write_ends(scenario, scales, rules, state)
    brackets = [] if scenario.contract is None else _contract(scenario, numbers, rules, state)
    rules += numbers.master
    rules[at.FOLLOWS] = len(numbers.master)
    rules[at.FOLLOWS_UP] = int(scenario.plan.request.trail_up_to is not None)
    rules[at.FOLLOWS_DOWN] = int(scenario.plan.request.trail_down_to is not None)
    state[at.WINDOW], state[at.UP_AT], state[at.DOWN_AT] = numbers.first, at.NOTHING, -1
    return Setting(scales, numbers, rules, state, scenario.plan.request.start_empty, brackets)


def _contract(scenario: Scenario, numbers: LadderNumbers, rules: list[int], state: list[int]) -> list[int]:
    """Write what a contract needs into rules and state, and return its brackets."""
    rules[at.CONTRACT] = 1
    rules[at.BORROWS_FROM] = sum(1 for owed in numbers.borrowed if not owed)
    rules[at.ENTRY_SELLS] = int(numbers.entry_sells)
    terms = scenario.terms
    rules[at.LEVERAGE], rules[at.ISOLATED] = terms.leverage, int(terms.margin_type is MarginType.ISOLATED)
    state[at.CROSS] = to_units(scenario.balances[scenario.rules.instrument.quote])
    state[at.FALLS_TO], state[at.RISES_TO] = -1, at.NOTHING
    told = []
    for bracket in scenario.contract.brackets if scenario.contract else ():
        cap = min(to_units(bracket.cap) * rules[at.FEE_UNIT], at.NOTHING)
        deduction = min(to_units(bracket.deduction) * rules[at.FEE_UNIT], at.NOTHING)
        told += [cap, int(bracket.maintenance_rate * PPM), deduction]
    return told


def _write_ends(scenario: Scenario, scales: Scales, rules: list[int], state: list[int]) -> None:
    """Write what begins and ends the grid by itself."""
    plan = scenario.plan
    ends = exit_numbers(plan, step=scales.tick, unit=scales.unit, with_stops_at_venue=True)
    rules[at.EXITS] = int(ends.are_used)
    rules[at.STOPS_BELOW], rules[at.STOPS_ABOVE] = ends.stop_below, ends.stop_above
    rules[at.TAKES_BELOW], rules[at.TAKES_ABOVE] = ends.take_below, ends.take_above
    rules[at.WANTED_GAIN], rules[at.WORST_LOSS] = ends.gain, ends.loss
    rules[at.ON_TAKE], rules[at.ON_STOP] = ends.on_take, ends.on_stop
    rules[at.MARKET_MOST] = int(scenario.rules.market_max_quantity // scenario.rules.lot)
    state[at.WATCH_LOW], state[at.WATCH_HIGH] = exits.NOWHERE_BELOW, exits.NOWHERE_ABOVE
    if plan.request.trigger_price is not None:
        trigger = to_units(plan.request.trigger_price) // scales.tick
        state[at.TRIGGER_WAITS] = 1
        rises = plan.waits_from is None or plan.waits_from <= plan.request.trigger_price
        state[at.WATCH_HIGH if rises else at.WATCH_LOW] = trigger


def _state(scenario: Scenario, scales: Scales, cell_count: int) -> list[int]:
    instrument, balances = scenario.rules.instrument, scenario.balances
    quote = to_units(balances.get(instrument.quote, ZERO)) * (UNITS_PER_ONE // scales.unit)
    state = [0] * at.STATE
    state[at.FREE] = state[at.CASH] = quote
    state[at.BASE] = to_units(balances.get(instrument.base, ZERO))
    state[at.BNB] = to_units(balances.get(BNB, ZERO))
    state[at.BNB_PRICE] = to_units(scenario.fees.bnb_price or ZERO) // scales.unit
    state[at.BEST_BUY], state[at.BEST_SELL] = -1, cell_count
    state[at.HEAD] = -1
    state[at.WORST_PEAK] = state[at.WORST_TROUGH] = 1
    for place in (at.PEAK_AT, at.TROUGH_AT, at.WORST_PEAK_AT, at.WORST_TROUGH_AT):
        state[place] = at.NEVER
    return state


def _print_lots(scenario: Scenario, points: int) -> int:
    if scenario.path is PathRule.PESSIMISTIC or scenario.fill.kind is FillKind.THROUGH:
        return 0
    is_trade = points == 1  # whose size is known, so that a touch fills no more than that
    return -1 if is_trade or scenario.fill.kind is FillKind.SHARE else at.NOTHING


def _write_rates(rules: list[int], first: int, ppm: int, scales: Scales) -> None:
    """Write commission per lot and per tick x lot as fractions (contract: half up to 8 decimals)."""
    notional = scales.tick * scales.lot * ppm
    places = [
        _reduced(scales.lot * ppm, PPM),
        _reduced(notional, PPM * UNITS_PER_ONE),
        _reduced(notional * BNB_PERCENT, scales.unit * PPM * 100) if rules[at.PAYS_IN_BNB] else (0, 1),
    ]
    for index, (numerator, denominator) in enumerate(places):
        rules[first + 2 * index], rules[first + 2 * index + 1] = numerator, denominator


def _reduced(numerator: int, denominator: int) -> tuple[int, int]:
    common = gcd(numerator, denominator)
    return numerator // common, denominator // common
