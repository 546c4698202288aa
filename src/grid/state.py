"""A running ladder's state: the plain host of `grid.core.cells`. A fold of fills, nothing else."""

from bisect import bisect_left, insort
from decimal import Decimal
from operator import itemgetter

from domain.grids import GridPlan
from domain.instrument import InstrumentRules
from domain.money import from_units, plain, to_units
from domain.orders import Fill, Role, Side, Slot
from grid.core import cells
from grid.core.ladder_numbers import ladder_numbers
from orders.wanted import WantedOrder


class GridState:
    """Cells of one grid, moved by fills alone; `wanted` is a function of them.

    Which fills are known decides, not when each was told: the state is that of the venue's own order of trades.
    """

    def __init__(self, grid: int, plan: GridPlan, rules: InstrumentRules) -> None:
        self._grid = grid
        self._rules = rules
        self._start_empty = plan.request.start_empty
        self._n = ladder_numbers(plan, rules)
        count = len(self._n.lots)
        self._want_price, self._want_lots = [0] * count, [0] * count
        self._fills: list[tuple[int, Slot, Fill]] = []  # by trade id
        self._start()

    def _start(self) -> None:
        count = len(self._n.lots)
        self._side, self._filled, self._base, self._cycle = [0] * count, [0] * count, [0] * count, [0] * count
        self._newest = [0] * count  # trade id of each cell's last fill
        self._totals = [0] * cells.TOTALS
        self.cycles = 0
        cells.start_cells(
            self._side,
            self._filled,
            self._base,
            self._cycle,
            self._totals,
            self._n.gap,
            self._n.entry_lots,
            self._start_empty,
        )

    def apply(self, slot: Slot, fill: Fill) -> None:
        """Book a fill of the order that stood in `slot`.

        Fills of different cells do not touch one another. One that is told after a later one of its cell, or a part of
        the first purchase after a rung's, makes all be booked anew.

        Raises:
            ValueError: if the slot belongs to no rung of this ladder.
        """
        newest = self._newest[self._cell(slot)] if slot.role is Role.RUNG else max(self._newest)
        insort(self._fills, (fill.trade_id, slot, fill), key=itemgetter(0))
        if newest < fill.trade_id or slot.role is Role.UNWIND:
            self._book(slot, fill)
            return
        self._start()
        for _, its_slot, its_fill in self._fills:
            self._book(its_slot, its_fill)

    def _book(self, slot: Slot, fill: Fill) -> None:
        lots, change = self._rules.lots(fill.quantity), self._base_change(fill)
        n = self._n
        if slot.role is Role.ENTRY:
            cells.book_entry_fill(
                lots, change, n.lots, n.lot_units, n.gap, n.entry_price, n.min_notional, self._base, self._totals
            )
        elif slot.role is Role.UNWIND:
            self._totals[cells.UNWOUND_BASE] -= change
        else:
            k, bought = self._cell(slot), slot.side is Side.BUY
            self._newest[k] = fill.trade_id
            turned = cells.book_rung_fill(
                k,
                bought,
                lots,
                change,
                n.prices,
                n.lots,
                n.lot_units,
                n.min_notional,
                self._side,
                self._filled,
                self._base,
                self._cycle,
            )
            self.cycles += int(turned and not bought)

    @property
    def is_entering(self) -> bool:
        """Tell whether the first purchase is still under way."""
        return cells.entry_is_open(self._totals, self._n.entry_price, self._n.min_notional)

    def wanted(self) -> list[WantedOrder]:
        """Return the orders that should exist now."""
        n = self._n
        if self.is_entering:
            rest = n.entry_lots - self._totals[cells.ENTRY_FILLED]
            return [self._want(Role.ENTRY, Side.BUY, n.entry_price, rest, 0, "first purchase for the rungs above")]
        cells.wanted_rungs(
            n.prices, n.lots, n.lot_units, self._side, self._filled, self._base, self._want_price, self._want_lots
        )
        wanted = []
        for k, lots in enumerate(self._want_lots):
            if lots:
                side = Side.BUY if self._side[k] == cells.BUYING else Side.SELL
                reason = f"{side.lower()} rung {k if side is Side.BUY else k + 1}, cycle {self._cycle[k]}"
                wanted.append(self._want(Role.RUNG, side, self._want_price[k], lots, self._cycle[k], reason))
        return wanted

    def wanted_unwind(self) -> list[WantedOrder]:
        """Return the sale at market of all whole lots the grid still holds; empty when nothing sellable is left."""
        lots = cells.base_held(self._base, self._totals) // self._n.lot_units
        if lots * self._n.prices[0] < self._n.min_notional or lots <= 0:
            return []
        if self._rules.market_max_quantity:
            lots = min(lots, int(self._rules.market_max_quantity // self._rules.lot))
        return [
            WantedOrder(
                slot=Slot(self._grid, Role.UNWIND, Side.SELL, 0),
                cycle=0,
                quantity=self._rules.quantity(lots),
                price=None,
                at_once=True,
                is_exit=True,
                reason="unwind: the grid ends",
            )
        ]

    def _want(self, role: Role, side: Side, ticks: int, lots: int, cycle: int, reason: str) -> WantedOrder:
        price = self._rules.price(ticks)
        return WantedOrder(
            slot=Slot(self._grid, role, side, ticks),
            cycle=cycle,
            quantity=self._rules.quantity(lots),
            price=price,
            at_once=role is Role.ENTRY,
            is_exit=side is Side.SELL,
            reason=f"{reason} at {plain(price)}",
        )

    def lane(self, slot: Slot) -> int:
        """Return what the slot's fills are matched by: the cell, or -1 for the first purchase and unwinding."""
        return self._cell(slot) if slot.role is Role.RUNG else -1

    def _cell(self, slot: Slot) -> int:
        rung = bisect_left(self._n.prices, slot.price_ticks)
        if rung == len(self._n.prices) or self._n.prices[rung] != slot.price_ticks:
            raise ValueError(f"no rung stands at {self._rules.price(slot.price_ticks)}")
        return rung if slot.side is Side.BUY else rung - 1

    def _base_change(self, fill: Fill) -> int:
        """Return the signed change of base in 1e-8 units, a fee in base deducted."""
        fee = to_units(fill.commission) if fill.commission_asset == self._rules.instrument.base else 0
        quantity = to_units(fill.quantity)
        return (quantity if fill.side is Side.BUY else -quantity) - fee

    @property
    def base_held(self) -> Decimal:
        """Return the base the cells account for."""
        return from_units(cells.base_held(self._base, self._totals))

    @property
    def dust(self) -> Decimal:
        """Return the base below one lot in each cell, which no order offers until the next purchase adds to it."""
        return from_units(sum(base % self._n.lot_units for base in self._base))
