"""What an edit of a grid at work comes to: planned like a start, by what the grid holds and has resting already.

Pure; amounts in quote unless said otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Context, Decimal
from typing import Final

from domain.edits import EditTrade, GridChanges, GridEdit, MovedOrder, OrderLine
from domain.errors import Conflict, FieldMistake, InvalidRequest
from domain.grids import Direction, GridPlan, GridRequest
from domain.instrument import Market
from domain.money import ZERO, exact, plain
from domain.orders import Role, Side
from grid.core.margin import Leg, hedged_order_margin, order_margin, position_margin
from grid.core.planning import plan_grid
from grid.core.planning_facts import AtWork, PreflightFacts
from grid.edit_checks import KeptEnds, exit_mistakes, exits_told, size_field
from grid.edit_moves import EditAsked, EditMade
from grid.state import GridState
from orders.wanted import WantedOrder

_CENT: Final = Decimal("0.01")
_WIDE: Final = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a person is told, and what the grid's own thread is asked for."""

    shown: GridEdit
    asked: EditAsked


def sketch_edit(
    state: GridState,
    changes: GridChanges,
    facts: PreflightFacts,
    known: Sequence[GridPlan],
    inventory_cost: Decimal,
    profit: Decimal = ZERO,
) -> Sketch:
    """Return what the changes come to now.

    Args:
        state: of the grid, its first trade and that of its last edit done.
        changes: of what was asked for at the start.
        facts: of now, as for a grid that is to begin.
        known: what the ladder stood by at any time, newest first: asked for just so again, it is laid just so again.
        inventory_cost: of what is held, as the risk gate counts it.
        profit: of the whole grid so far, as the conditions of its end count it.

    Raises:
        InvalidRequest: with every mistake found.
        Conflict: where such a grid cannot be edited.
    """
    request = changes.made_in(state.plan.request)
    _refuse_unable(state.plan)
    asked = EditAsked(plan=_planned(state, request, facts, known), fee_ppm=_fee_ppm(facts))
    made = state.edited(asked, facts.price)
    reckoning = _Reckoning(state, made, facts, abs(inventory_cost), profit)
    reckoning.check()
    shown = reckoning.shown()
    return Sketch(shown, replace(asked, plan=shown.plan))


def _refuse_unable(plan: GridPlan) -> None:
    if plan.master:
        raise Conflict("a ladder that follows the price cannot be edited; stop the grid and start a new one")
    if plan.reinvesting is not None:
        raise Conflict(
            "cells that reinvest hold more than was planned and cannot be edited; stop the grid, start a new one"
        )
    if plan.request.infinity:
        raise Conflict("a grid that keeps a reserve (infinity) cannot be edited; stop it and start a new one")
    if plan.terms is not None and plan.terms.hedge_mode and plan.request.direction is Direction.NEUTRAL:
        raise Conflict(
            "in hedge mode a neutral grid holds a long and a short position apart and cannot be edited; "
            "stop it and start a new one"
        )


def _fee_ppm(facts: PreflightFacts) -> int:
    """Return what a purchase loses of its base: on spot the venue may take its fee from it."""
    if facts.rules.instrument.market is not Market.SPOT:
        return 0
    return int((facts.fees.taker * 1_000_000).to_integral_value(ROUND_CEILING))


def _planned(state: GridState, request: GridRequest, facts: PreflightFacts, known: Sequence[GridPlan]) -> GridPlan:
    """Return the plan of the changed request, with the first trade and the start that the books are kept by."""
    before, reference = state.plan, state.reference(facts.price)
    contract = facts.contract
    if contract is not None:  # what is held and rests is the grid's own
        contract = replace(contract, position=ZERO, foreign_orders=0)
    only_size = replace(request, capital=None, quantity=None) == replace(before.request, capital=None, quantity=None)
    at_work = AtWork(centre=before.start_price, reference=reference, stays=only_size)
    facts = replace(facts, free_quote=None, free_exposure=None, contract=contract, at_work=at_work)
    planned = plan_grid(replace(request, trigger_price=None), facts)  # its trigger was reached long ago
    for plan in (before, state.plan_before, *(plan for plan in known if _holds(plan, reference))):
        if plan is not None and plan.request == request:
            return plan  # it is as sound now as one that is laid now, but just as it was
    stays = only_size or _holds(planned, before.start_price)
    elsewhere = facts.price if request.lower is None else reference
    return replace(
        planned,
        request=request,
        waits_from=before.waits_from,
        start_price=before.start_price if stays else elsewhere,
        entry_quantity=before.entry_quantity,
        entry_limit_price=before.entry_limit_price,
    )


def _holds(plan: GridPlan, price: Decimal) -> bool:
    return plan.prices[0] <= price <= plan.prices[-1]


class _Reckoning:
    """One edit's difference of orders, and what it takes."""

    def __init__(
        self, state: GridState, made: EditMade, facts: PreflightFacts, inventory_cost: Decimal, profit: Decimal
    ) -> None:
        self._facts, self._made, self._plan_before = facts, made, state.plan
        self._inventory_cost, self._profit = inventory_cost, profit
        self._before = [order for order in state.wanted() if order.slot.role is Role.RUNG]
        after = state.after(made)
        self._trade = next((order for order in after.wanted() if order.slot.role is Role.ENTRY), None)
        whole = after.traded()
        self._after = whole.wanted()
        self._held_before, self._held_after = state.base_held, whole.base_held
        self._kept = KeptEnds(
            made.plan, facts, Leg(state.base_held, self._inventory_cost), self._trade, whole.all_wanted()
        )
        self._more_bids = _bids(whole.all_wanted()) - _bids(self._before)  # what does not rest locks nothing

    @exact
    def shown(self) -> GridEdit:
        before, after = {_line(order) for order in self._before}, {_line(order) for order in self._after}
        gone, fresh = _outwards(before - after), _outwards(after - before)
        moved, cancelled, added = [], [], []
        for side in Side:
            leaving = [line for line in gone if line.side is side]
            coming = [line for line in fresh if line.side is side]
            pairs = min(len(leaving), len(coming))
            moved += [MovedOrder(*pair) for pair in zip(leaving[:pairs], coming[:pairs], strict=True)]
            cancelled += leaving[pairs:]
            added += coming[pairs:]
        return GridEdit(
            plan=self._plan_told(),
            keep=tuple(_outwards(before & after)),
            move=tuple(moved),
            cancel=tuple(cancelled),
            add=tuple(added),
            trade=self._shown_trade(),
            exposure=self._exposure_after(),
            warnings=(*self._made.plan.warnings, *self._warnings()),
        )

    def _plan_told(self) -> GridPlan:
        plan = self._made.plan
        return plan if plan == self._plan_before else self._kept.told_in(plan)

    @exact
    def check(self) -> None:
        """Refuse what the account cannot pay, or the risk gate would not let pass.

        Raises:
            InvalidRequest: with every mistake found.
        """
        facts, mistakes = self._facts, list[FieldMistake]()
        field = size_field(self._made.plan)
        lacks = self._lacking()
        if facts.free_quote is not None and lacks > facts.free_quote:
            told = f"needs {_cents(lacks)} {facts.rules.instrument.quote} more, only {plain(facts.free_quote)} are free"
            mistakes.append(FieldMistake(field, f"{told}; use less or add funds"))
        more = self._exposure_after() - self._inventory_cost - _opening(self._before)
        if facts.free_exposure is not None and more > facts.free_exposure:
            left = f"max_exposure of the risk gate leaves {plain(max(facts.free_exposure, ZERO))}"
            mistakes.append(FieldMistake(field, f"needs {_cents(more)} more, {left}; use less or end another grid"))
        mistakes += self._of_trade(field)
        if self._made.plan != self._plan_before:
            mistakes += [*exit_mistakes(self._made.plan, self._profit), *self._kept.mistakes()]
        if mistakes:
            raise InvalidRequest(mistakes)

    def _of_trade(self, field: str) -> list[FieldMistake]:
        trade, rules = self._trade, self._facts.rules
        if trade is None or trade.price is None:
            return []
        worth, most = trade.quantity * trade.price, self._facts.max_order_notional
        if 0 < most < worth and not trade.is_exit:
            told = f"takes a trade of {_cents(worth)} at once, above the limit max_order_notional, {plain(most)}"
            return [FieldMistake(field, f"{told}; change less at a time")]
        if 0 < rules.max_quantity < trade.quantity:
            told = (
                f"takes a trade of {plain(trade.quantity)} at once, the venue's largest is {plain(rules.max_quantity)}"
            )
            return [FieldMistake(field, f"{told}; change less at a time")]
        return []

    def _lacking(self) -> Decimal:
        """Return the quote that has to be free besides what the orders so far hold."""
        plan = self._made.plan
        if plan.terms is None:
            traded = self._trade_cost(self._trade.price if self._trade and self._trade.price else ZERO)
            return traded + self._more_bids
        mark = self._facts.contract.mark_price if self._facts.contract else self._facts.price
        leverage, orders = plan.terms.leverage, self._before
        if plan.terms.hedge_mode:
            opening = [order for order in orders if not order.is_exit]
            of_orders = hedged_order_margin(_bids(opening), _asks(opening), leverage)
        else:
            of_orders = order_margin(self._held_before * mark, _bids(orders), _asks(orders), leverage)
        return plan.capital_needed - of_orders - position_margin(abs(self._held_before) * mark, leverage)

    def _exposure_after(self) -> Decimal:
        bought = abs(self._held_after) - abs(self._held_before)
        if bought >= 0:
            return self._inventory_cost + bought * self._facts.price + _opening(self._after)
        left = _WIDE.divide(abs(self._held_after) * self._inventory_cost, abs(self._held_before))
        return left.quantize(_CENT, ROUND_CEILING, _WIDE) + _opening(self._after)

    def _trade_cost(self, price: Decimal) -> Decimal:
        if self._trade is None:
            return ZERO
        worth, fee = self._trade.quantity * price, self._facts.fees.taker
        if self._trade.slot.side is Side.SELL:
            return -worth * (1 - fee)
        in_base = self._facts.rules.instrument.market is Market.SPOT  # its quantity is larger by the fee already
        return worth if in_base else worth * (1 + fee)

    def _shown_trade(self) -> EditTrade | None:
        trade = self._trade
        if trade is None or trade.price is None:
            return None
        cost = self._trade_cost(self._facts.price)
        return EditTrade(side=trade.slot.side, quantity=trade.quantity, limit_price=trade.price, cost=cost)

    def _warnings(self) -> list[str]:
        plan, price = self._made.plan, self._facts.price
        told = [*exits_told(plan, self._plan_before)]
        if not _holds(plan, price):
            told.append(f"the price, {plain(price)}, is outside the new range; nothing trades until it comes back")
        return told


def _line(order: WantedOrder) -> OrderLine:
    return OrderLine(order.slot.side, order.price or ZERO, order.quantity)


def _outwards(lines: set[OrderLine]) -> list[OrderLine]:
    """Return orders from the gap outwards, buying ones first."""
    buys = sorted((line for line in lines if line.side is Side.BUY), key=lambda line: -line.price)
    return [*buys, *sorted(line for line in lines if line.side is Side.SELL)]


def _worth(orders: Sequence[WantedOrder]) -> Decimal:
    return sum((order.quantity * (order.price or ZERO) for order in orders), ZERO)


def _bids(orders: Sequence[WantedOrder]) -> Decimal:
    return _worth([order for order in orders if order.slot.side is Side.BUY])


def _asks(orders: Sequence[WantedOrder]) -> Decimal:
    return _worth([order for order in orders if order.slot.side is Side.SELL])


def _opening(orders: Sequence[WantedOrder]) -> Decimal:
    return _worth([order for order in orders if not order.is_exit])


def _cents(amount: Decimal) -> str:
    return plain(amount.quantize(_CENT, ROUND_CEILING))
