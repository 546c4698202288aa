"""A running ladder's state: the plain host of `grid.core.cells`. A fold of fills and moves, nothing else."""

import json
from bisect import bisect_left, insort
from collections.abc import Sequence
from decimal import Decimal
from operator import itemgetter

from domain.grids import Direction, GridPlan, Move, MoveKind
from domain.instrument import InstrumentRules
from domain.money import from_units, plain, to_units
from domain.orders import Fill, PositionSide, Role, Side, Slot
from grid.core import cells, exits, reinvest, trail
from grid.core.ladder_numbers import LadderNumbers, ladder_numbers
from grid.edit_moves import EditMade
from grid.edited_cells import EditedCells
from orders.wanted import WantedOrder


class GridState(EditedCells):
    """Cells of one grid, changed by fills and moves alone; `wanted` is a function of them.

    Which fills are known decides, not when each was told: the state is that of the venue's own order of trades, with
    each move after the trades that were booked when it was made.
    """

    def __init__(self, grid: int, plan: GridPlan, rules: InstrumentRules) -> None:
        self._grid = grid
        self._first_plan = plan
        self._rules = rules
        self._start_empty = plan.request.start_empty
        self._resting = plan.request.resting_levels or 0
        self._is_contract = plan.terms is not None
        self._hedge_mode = plan.terms is not None and plan.terms.hedge_mode
        self._planned = ladder_numbers(plan, rules)
        self._fills: list[tuple[int, Slot, Fill]] = []  # by trade id
        self._moves: list[Move] = []
        self._start()

    def _start(self) -> None:
        self._begin_unedited()
        self._n = self._planned.fresh()
        count = len(self._n.lots)
        self._want_price, self._want_lots = [0] * count, [0] * count
        self._side, self._filled, self._base, self._cycle = [0] * count, [0] * count, [0] * count, [0] * count
        self._newest = [0] * count  # trade id of each cell's last fill
        self._last = 0  # trade id of the last fill of any rung, or before the last move
        self._lanes = list(range(count))  # a cell keeps its lane wherever it goes
        self._lane_of: dict[int, int] = {}  # by trade id
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
            self._n.borrowed,
        )

    def apply(self, slot: Slot, fill: Fill) -> None:
        """Book a fill of the order that stood in `slot`.

        Fills of different cells do not touch one another. One that is told after a later one of its cell, or a part of
        the first purchase after a rung's, makes all be booked anew; of a ladder that moves, any that is told late.

        Raises:
            ValueError: if the slot belonged to no rung of this ladder when it was filled.
        """
        is_late, entry = self._is_late(slot, fill.trade_id), (fill.trade_id, slot, fill)
        insort(self._fills, entry, key=itemgetter(0))
        try:
            if is_late:
                self._fold()
            else:
                self._book(slot, fill)
        except ValueError:
            self._fills.remove(entry)
            if is_late:
                self._fold()
            raise

    def move(self, move: Move) -> None:
        """Change the ladder, after the trades up to `move.after_trade` and before all others.

        Every fill that was booked when the move was made has to be booked already, and none with a later id.

        Raises:
            ValueError: if the ladder cannot be moved so.
        """
        self._make(move)
        self._moves.append(move)

    def next_move(self, kind: MoveKind, data: dict[str, object], market_ms: int) -> Move:
        """Return a move that may be made, and has to be stored, now."""
        newest = self._fills[-1][0] if self._fills else 0
        after = max(newest, self._moves[-1].after_trade if self._moves else 0)
        told = json.dumps(data, separators=(",", ":"))
        return Move(number=len(self._moves) + 1, kind=kind, after_trade=after, data=told, market_ms=market_ms)

    def _is_late(self, slot: Slot, trade_id: int) -> bool:
        if slot.role is Role.UNWIND:
            return False
        if slot.role is Role.RUNG and not self._n.master and not self._moves:
            return trade_id <= self._newest[self._cell(slot)]
        return trade_id <= self._last

    def _fold(self) -> None:
        """Book all fills anew, and make each move again at its place between them."""
        self._start()
        made = 0
        for trade_id, slot, fill in self._fills:
            while made < len(self._moves) and self._moves[made].after_trade < trade_id:
                self._make(self._moves[made])
                made += 1
            self._book(slot, fill)
        for move in self._moves[made:]:
            self._make(move)

    def _make(self, move: Move) -> None:
        match move.kind:
            case MoveKind.TRAIL:
                self._shift_to(int(json.loads(move.data)["first"]))
            case MoveKind.ASKED:
                return
            case MoveKind.EDIT:
                self.lay_anew(EditMade.read(move.data))
            case _:
                raise ValueError(f"a move of kind {move.kind} is of a later version of this program")
        self._last = max(self._last, move.after_trade)

    def _book(self, slot: Slot, fill: Fill) -> None:
        lots, change = self._rules.lots(fill.quantity), self._base_change(fill)
        n = self._n
        self._booked += 1
        if slot.role is Role.ENTRY and self.is_edited:
            self._book_trade(lots, change)
        elif slot.role is Role.ENTRY:
            cells.book_entry_fill(
                lots,
                change,
                n.lots,
                n.lot_units,
                n.gap,
                n.entry_price,
                n.min_notional,
                n.entry_sells,
                n.reserve,
                self._base,
                self._totals,
            )
        elif slot.role is Role.UNWIND and slot.side is Side.SELL:
            self._totals[cells.UNWOUND_LONG] -= change
        elif slot.role is Role.UNWIND:
            self._totals[cells.UNWOUND_SHORT] += change
        else:
            self._rungs_booked += 1
            self._shift_under(slot)
            n = self._n
            k, bought = self._cell(slot), slot.side is Side.BUY
            self._newest[k] = fill.trade_id
            self._last = max(self._last, fill.trade_id)
            self._lane_of[fill.trade_id] = self._lanes[k]
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
            if self.is_exit(slot):
                self._close(k, lots, turned=turned)

    def _close(self, k: int, lots: int, *, turned: bool) -> None:
        """Count a cycle that is complete, and let the cell hold what it gained where profit is reinvested."""
        self.cycles += int(turned)
        n = self._n
        if not n.sale_ppm:
            return
        reinvest.gained(k, lots, n.sale_ppm, n.cost_ppm, n.prices, n.carry)
        if turned:
            borrows = n.borrowed[k] > 0
            more = reinvest.grow(
                k, borrows, n.cost_ppm, n.aside, n.prices, n.lot_units, n.most, n.lots, n.carry, self._base
            )
            n.borrowed[k] += more * n.lot_units if borrows else 0

    def wanted(self) -> list[WantedOrder]:
        """Return the orders that should exist now."""
        if not self.is_entering:
            return self._wanted_rungs()
        n = self._n
        rest = n.entry_lots - self._totals[cells.ENTRY_FILLED]
        side = Side.SELL if n.entry_sells else Side.BUY
        if self.is_edited:
            what = "what the edited ladder lacks" if side is Side.BUY else "what the edited ladder has no use for"
            return [self._want(Role.ENTRY, side, n.entry_price, rest, self._edits, what), *self._wanted_rungs()]
        what = "first sale for the rungs below" if n.entry_sells else "first purchase for the rungs above"
        return [self._want(Role.ENTRY, side, n.entry_price, rest, 0, what)]

    def _wanted_rungs(self) -> list[WantedOrder]:
        n = self._n
        cells.wanted_rungs(
            n.prices, n.lots, n.lot_units, self._side, self._filled, self._base, self._want_price, self._want_lots
        )
        allowed = [0 if self._waits(k) else self._allowed(k) for k in range(len(self._want_lots))]
        lowest = cells.lowest_buy(self._side, allowed, self._resting)
        highest = cells.highest_sell(self._side, allowed, self._resting)
        wanted = []
        for k, lots in enumerate(allowed):
            if lots and (k >= lowest if self._side[k] == cells.BUYING else k <= highest):
                side = Side.BUY if self._side[k] == cells.BUYING else Side.SELL
                reason = f"{side.lower()} rung {k if side is Side.BUY else k + 1}, cycle {self._cycle[k]}"
                wanted.append(self._want(Role.RUNG, side, self._want_price[k], lots, self._cycle[k], reason))
        return wanted

    def _waits(self, k: int) -> bool:
        return bool(self._waiting) and self._waiting[k]

    def _allowed(self, k: int) -> int:
        """Return the lots of a cell's order; in hedge mode no purchase may close more than was sold short.

        Elsewhere what a sale left over as too small to rest stays in the cell, and one lot more is bought and sold.
        """
        lots = self._want_lots[k]
        if not self._hedge_mode or not self._n.borrowed[k] or self._side[k] != cells.BUYING:
            return lots
        return min(lots, (self._n.borrowed[k] - self._base[k]) // self._n.lot_units)

    def wanted_unwind(self, limit: Decimal | None = None) -> list[WantedOrder]:
        """Return the trades that end all the grid holds, empty when nothing tradable is left.

        They are made at market; with `limit` they rest at that price.
        """
        if self._hedge_mode:
            legs = [self._held(short=False), self._held(short=True)]
        else:
            legs = [cells.base_held(self._base, self._n.borrowed, self._totals)]
        ticks = None if limit is None else self._rules.nearest_ticks(limit)
        return [self._unwind(leg, ticks) for leg in legs if self._is_tradable(leg, ticks)]

    def _held(self, *, short: bool) -> int:
        """Return one leg of a position in hedge mode, in 1e-8; the short one is not above 0."""
        n, totals = self._n, self._totals
        cells_of_it = (k for k, owed in enumerate(n.borrowed) if (owed > 0) is short)
        held = sum(self._base[k] - n.borrowed[k] for k in cells_of_it)
        held += totals[cells.ENTRY_BASE] if self._planned.entry_sells is short else 0
        return held + (totals[cells.UNWOUND_SHORT] if short else -totals[cells.UNWOUND_LONG])

    def _is_tradable(self, base: int, ticks: int | None) -> bool:
        """Tell whether the venue takes an order of it; orders that only reduce a position have no least value."""
        least = 0 if self._is_contract else self._n.min_notional
        price = self._n.prices[0] if ticks is None else ticks
        return exits.is_worth_closing(abs(base) // self._n.lot_units, price, least, 1)

    def _unwind(self, base: int, ticks: int | None) -> WantedOrder:
        """Return the trade that ends a leg; one that rests has another cycle than stops at the venue of its price."""
        slot = Slot(self._grid, Role.UNWIND, Side.SELL if base > 0 else Side.BUY, ticks or 0)
        lots = abs(base) // self._n.lot_units
        if most := self._rules.market_max_quantity if ticks is None else self._rules.max_quantity:
            lots = min(lots, int(most // self._rules.lot))
        return WantedOrder(
            slot=slot,
            cycle=0 if ticks is None else 1,
            quantity=self._rules.quantity(lots),
            price=None if ticks is None else self._rules.price(ticks),
            at_once=ticks is None,
            is_exit=True,
            reason="unwind: the grid ends",
            position_side=self.position_side(slot),
            reduce_only=self._is_contract and not self._hedge_mode,
        )

    def _want(self, role: Role, side: Side, ticks: int, lots: int, cycle: int, reason: str) -> WantedOrder:
        price = self._rules.price(ticks)
        slot = Slot(self._grid, role, side, ticks)
        return WantedOrder(
            slot=slot,
            cycle=cycle,
            quantity=self._rules.quantity(lots),
            price=price,
            at_once=role is Role.ENTRY,
            is_exit=self.is_exit(slot),
            reason=f"{reason} at {plain(price)}",
            position_side=self.position_side(slot),
        )

    def is_exit(self, slot: Slot) -> bool:
        """Tell whether fills of the slot's orders close what others opened; of a slot no rung has, a sale does.

        The trade of an edit does where it gives back what the first one took; of a neutral grid nobody can tell.
        """
        if slot.role is Role.ENTRY:
            is_neutral = self._first_plan.request.direction is Direction.NEUTRAL
            return not is_neutral and (slot.side is Side.SELL) is not self._planned.entry_sells
        if slot.role is Role.UNWIND:
            return True
        return self._opens_short(slot) is (slot.side is Side.BUY)

    def position_side(self, slot: Slot) -> PositionSide:
        """Return which position the slot's orders change."""
        if not self._hedge_mode:
            return PositionSide.BOTH
        if slot.role is Role.RUNG:
            return PositionSide.SHORT if self._opens_short(slot) else PositionSide.LONG
        if slot.role is Role.ENTRY:
            return PositionSide.SHORT if self._planned.entry_sells else PositionSide.LONG
        return PositionSide.SHORT if (slot.role is Role.UNWIND) is (slot.side is Side.BUY) else PositionSide.LONG

    def _opens_short(self, slot: Slot) -> bool:
        try:
            return self._n.borrowed[self._cell(slot)] > 0
        except ValueError:  # one that the ladder left behind: where all cells are of one kind, it was of that
            return all(self._n.borrowed)

    def lane(self, fill: Fill) -> int:
        """Return what a booked fill is matched by: its cell's lane, or -1 for the first purchase and unwinding."""
        return self._lane_of.get(fill.trade_id, -1)

    def _cell(self, slot: Slot) -> int:
        rung = bisect_left(self._n.prices, slot.price_ticks)
        cell = rung if slot.side is Side.BUY else rung - 1
        is_rung = rung < len(self._n.prices) and self._n.prices[rung] == slot.price_ticks
        if not is_rung or not 0 <= cell < len(self._n.lots):
            raise ValueError(f"no rung stands at {self._rules.price(slot.price_ticks)}")
        return cell

    def _base_change(self, fill: Fill) -> int:
        """Return the signed change of base in 1e-8 units, a fee in base deducted."""
        fee = to_units(fill.commission) if fill.commission_asset == self._rules.instrument.base else 0
        quantity = to_units(fill.quantity)
        return (quantity if fill.side is Side.BUY else -quantity) - fee

    @property
    def base_held(self) -> Decimal:
        """Return the base the cells account for, below 0 when short."""
        return from_units(cells.base_held(self._base, self._n.borrowed, self._totals))

    @property
    def dust(self) -> Decimal:
        """Return the base below one lot in each cell, which no order offers until the next purchase adds to it."""
        return from_units(sum(base % self._n.lot_units for base in self._base))

    # --- a ladder that follows the price ---

    @property
    def ladder(self) -> LadderNumbers:
        """Return the rungs as they are now; not to be changed."""
        return self._n

    @property
    def sides(self) -> Sequence[int]:
        """Return what each cell wants, see `grid.core.cells`."""
        return self._side

    @property
    def moves(self) -> Sequence[Move]:
        """Return the moves made, oldest first."""
        return self._moves

    def _shift_under(self, slot: Slot) -> None:
        """Bring the window to where an order of ours was filled: it was there, and the move was lost with the power."""
        n = self._n
        rung = bisect_left(n.master, slot.price_ticks)
        if rung == len(n.master) or n.master[rung] != slot.price_ticks:
            return
        cell = rung if slot.side is Side.BUY else rung - 1
        if 0 <= cell < len(n.master) - 1:
            self._shift_to(min(max(n.first, cell - len(n.lots) + 1), cell))

    def _shift_to(self, first: int) -> None:
        """Let the window's lowest rung be the master ladder's rung `first`; cells take along all that is theirs.

        Raises:
            ValueError: if the window would reach beyond the master ladder.
        """
        if not 0 <= first <= max(len(self._n.master) - len(self._n.prices), 0):
            raise ValueError(f"the ladder has no window from rung {first} on")
        rows = (self._side, self._filled, self._base, self._cycle, self._newest, self._lanes, self._n.borrowed)
        while self._n.first < first:
            for row in rows:
                trail.lowest_to_top(row)
            self._stand_at(self._n.first + 1, moved=-1)
        while self._n.first > first:
            for row in rows:
                trail.highest_to_bottom(row)
            self._stand_at(self._n.first - 1, moved=0)

    def _stand_at(self, first: int, *, moved: int) -> None:
        """Take over the rungs of a window by one rung higher or lower, where the cell `moved` begins a new cycle."""
        n = self._n
        self._n = n = n._replace(first=first, prices=n.master[first : first + len(n.prices)])
        self._cycle[moved] += 1
        k = moved % len(n.lots)
        cells.turn_if_done(
            k, n.prices, n.lots, n.lot_units, n.min_notional, self._side, self._filled, self._base, self._cycle
        )
