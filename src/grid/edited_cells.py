"""What an edit makes of a ladder's cells: the part of `grid.state` that lays them anew."""

from copy import copy
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple, Self

from domain.grids import GridPlan
from domain.instrument import InstrumentRules
from domain.money import ZERO, exact
from domain.orders import Role, Side
from grid.core import cells
from grid.core.ladder_numbers import LadderNumbers, ladder_numbers
from grid.core.planning_facts import ENTRY_SLIPPAGE
from grid.core.relaying import (
    Standing,
    Trade,
    anchor,
    handed_out,
    needed,
    new_gap,
    reference,
    relaid,
    staying,
    trade_of,
    unused_cells,
)
from grid.edit_moves import EditAsked, EditMade
from orders.wanted import WantedOrder


class Before(NamedTuple):
    """A ladder as an edit found it, `empty` its empty rung.

    An edit that takes back the one before finds the same rung empty, unless one was filled since; and with no trade at
    all between, it finds every cell as it was.
    """

    plan: GridPlan
    numbers: LadderNumbers
    standing: Standing
    lanes: tuple[int, ...]
    newest: tuple[int, ...]
    empty: int
    fills: int
    rung_fills: int


class EditedCells:
    """Of one grid; `grid.state.GridState` is the rest of it. `plan` is what the ladder stands by now."""

    plan: GridPlan
    _first_plan: GridPlan
    _rules: InstrumentRules
    _start_empty: bool
    _resting: int
    _n: LadderNumbers
    _side: list[int]
    _filled: list[int]
    _base: list[int]
    _cycle: list[int]
    _newest: list[int]
    _lanes: list[int]
    _totals: list[int]
    _want_price: list[int]
    _want_lots: list[int]

    def _begin_unedited(self) -> None:
        self.plan = self._first_plan
        self.is_edited = False
        self._waiting: tuple[bool, ...] = ()  # cells that have no order before the edit's trade is done
        self._rest_to = -1  # the cell that takes what the trade brings beyond everybody's share
        self._before: Before | None = None
        self._edits = 0
        self._booked = self._rungs_booked = 0  # fills

    @property
    def rules(self) -> InstrumentRules:
        """Return the rules it counts by: the venue's, with its own tick and lot."""
        return self._rules

    @property
    def is_entering(self) -> bool:
        """Tell whether the first trade, or that of an edit, is still under way."""
        return cells.entry_is_open(self._totals, self._n.entry_price, self._n.min_notional)

    def wanted(self) -> list[WantedOrder]:
        """Return the orders that should exist now."""
        raise NotImplementedError

    def all_wanted(self) -> list[WantedOrder]:
        """Return the orders that would exist if all may rest."""
        other = copy(self)
        other._resting = 0  # noqa: SLF001 - our own copy
        return other.wanted()

    @property
    @exact
    def unlocked(self) -> Decimal:
        """Return the quote that buys will need which do not rest yet, because nearer ones do."""
        if not self._resting:
            return ZERO
        resting = {order.slot for order in self.wanted()}
        others = [order for order in self.all_wanted() if order.slot not in resting and order.slot.side is Side.BUY]
        return sum((order.quantity * order.price for order in others if order.price is not None), ZERO)

    # --- what an edit comes to ---

    @property
    def plan_before(self) -> GridPlan | None:
        """Return what the ladder stood by before its last edit, None where a rung was filled since."""
        before = self._before
        return before.plan if before is not None and before.rung_fills == self._rungs_booked else None

    def reference(self, price: Decimal) -> Decimal:
        """Return what the ladder stands around now: its empty rung, or the last price where that is further away."""
        empty = anchor(self._side, self._n.gap)
        return self._rules.price(reference(self._n.prices, empty, self._rules.nearest_ticks(price)))

    @exact
    def edited(self, asked: EditAsked, price: Decimal) -> EditMade:
        """Return what an edit comes to at the last price; nothing is changed."""
        new, before = ladder_numbers(asked.plan, self._rules), self._before
        if self._is_undone(new) and before is not None:
            return EditMade(plan=asked.plan, gap=before.empty, trade=Trade(0, False, 0))
        gap = new_gap(self._n, self._side, new, self._rules.nearest_ticks(price))
        if self._is_back(new) and before is not None:
            gap = before.empty
        tick = self._rules.tick
        buy_at = int((price * (1 + ENTRY_SLIPPAGE) / tick).to_integral_value(ROUND_CEILING))
        sell_at = int((price * (1 - ENTRY_SLIPPAGE) / tick).to_integral_value(ROUND_FLOOR))
        trade = trade_of(self._relaid(new, gap), new, buy_at, sell_at, asked.fee_ppm)
        if self._rules.quantity(trade.lots) < self._rules.min_quantity:
            trade = trade._replace(lots=0)
        return EditMade(plan=asked.plan, gap=gap, trade=trade)

    def after(self, made: EditMade) -> Self:
        """Return the state as the edit would leave it; this one stays as it is."""
        other = copy(self)
        other.lay_anew(made)
        return other

    def traded(self) -> Self:
        """Return the state as it would be with the trade of the edit done in full."""
        other = copy(self)
        other.presume_traded()
        return other

    def presume_traded(self) -> None:
        """Stand as if the trade of the edit were done in full; for showing alone, no fill says so."""
        if not self.is_entering:
            return
        standing, rest = self._standing(), self._n.entry_lots - self._totals[cells.ENTRY_FILLED]
        sold = standing.loose - rest * self._n.lot_units
        loose = sold if self._n.entry_sells else max(standing.loose, needed(standing, self._n))
        self._totals = [*self._totals]
        self._totals[cells.ENTRY_LOTS] = 0
        self._take(handed_out(replace(standing, loose=loose), self._n))

    # --- the fold ---

    def lay_anew(self, made: EditMade) -> None:
        """Let the ladder be as the edit has it, its waiting cells without orders while its trade is to be done."""
        new, old = ladder_numbers(made.plan, self._rules), self._n
        before, is_undone = self._before, self._is_undone(new) and not made.trade.lots
        found = Before(
            plan=self.plan,
            numbers=old,
            standing=self._standing(),
            lanes=tuple(self._lanes),
            newest=tuple(self._newest),
            empty=anchor(self._side, old.gap),
            fills=self._booked,
            rung_fills=self._rungs_booked,
        )
        self._before, self.plan, self.is_edited = found, made.plan, True
        self._edits += 1
        lots, sells, price = made.trade
        totals = [*self._totals]
        totals[cells.ENTRY_LOTS], totals[cells.ENTRY_FILLED] = lots, 0
        standing = self._relaid(new, made.gap)
        stays = staying(old, self._side, new, unused_cells(new, start_empty=self._start_empty))
        lanes, newest = self._lanes_of(old, new, stays), [self._newest[k] if k >= 0 else 0 for k in stays]
        if before is not None and is_undone:
            standing, lanes, newest = before.standing, [*before.lanes], [*before.newest]
        self._totals, self._lanes, self._newest = totals, lanes, newest
        self._n = new._replace(gap=made.gap, entry_lots=lots, entry_sells=sells, entry_price=price)
        self._want_price, self._want_lots = [0] * len(new.lots), [0] * len(new.lots)
        self._rest_to = -1
        self._take(standing)
        if not self.is_entering:
            self._hand_out()

    def _book_trade(self, lots: int, base_change: int) -> None:
        """Book a fill of an edit's trade; one that comes after it was done goes to the cell that took the rest."""
        self._totals[cells.ENTRY_FILLED] += lots
        self._totals[cells.ENTRY_BASE] += base_change
        if self.is_entering:
            return
        if any(self._waiting):
            self._hand_out()
        elif self._rest_to >= 0:
            self._base[self._rest_to] += self._totals[cells.ENTRY_BASE]
            self._totals[cells.ENTRY_BASE] = 0

    def _hand_out(self) -> None:
        sellers = [k for k, waits in enumerate(self._waiting) if waits and self._side[k] == cells.SELLING]
        self._rest_to = sellers[-1] if sellers else -1
        self._take(handed_out(self._standing(), self._n))

    def _standing(self) -> Standing:
        return Standing(
            side=tuple(self._side),
            filled=tuple(self._filled),
            base=tuple(self._base),
            cycle=tuple(self._cycle),
            loose=self._totals[cells.ENTRY_BASE],
            waiting=self._waiting,
        )

    def _take(self, standing: Standing) -> None:
        self._side, self._filled = [*standing.side], [*standing.filled]
        self._base, self._cycle = [*standing.base], [*standing.cycle]
        self._totals = [*self._totals]
        self._totals[cells.ENTRY_BASE] = standing.loose
        self._waiting = standing.waiting

    def _relaid(self, new: LadderNumbers, gap: int) -> Standing:
        resting = {
            (order.slot.side is Side.SELL, order.slot.price_ticks, self._rules.lots(order.quantity))
            for order in self.wanted()
            if order.slot.role is Role.RUNG
        }
        return relaid(self._n, self._standing(), new, gap, start_empty=self._start_empty, resting=frozenset(resting))

    def _is_undone(self, new: LadderNumbers) -> bool:
        """Tell whether a ladder is the one before the last edit, and nothing was traded since."""
        before = self._before
        is_whole = before is not None and before.fills == self._booked and not any(before.standing.waiting)
        return is_whole and self._is_back(new)

    def _is_back(self, new: LadderNumbers) -> bool:
        """Tell whether a ladder is the one before the last edit, and no rung was filled since."""
        before = self._before
        if before is None or before.rung_fills != self._rungs_booked:
            return False
        then = before.numbers
        return (then.prices, then.lots, then.borrowed) == (new.prices, new.lots, new.borrowed)

    def _lanes_of(self, old: LadderNumbers, new: LadderNumbers, stays: list[int]) -> list[int]:
        """Return the lanes of the new cells: what stays keeps its own, the others get that of their lower rung's."""
        at = dict(zip(old.prices, self._lanes, strict=False))
        taken = {self._lanes[k] for k in stays if k >= 0}
        unheard = max([*self._lanes, -1]) + 1
        lanes = []
        for k, before in enumerate(stays):
            lane = self._lanes[before] if before >= 0 else at.get(new.prices[k], -1)
            if before < 0 and (lane < 0 or lane in taken):
                lane, unheard = unheard, unheard + 1
            taken.add(lane)
            lanes.append(lane)
        return lanes
