"""Moves of a ladder in words, for the log."""

import json

from domain.grids import GridPlan, Move, MoveKind
from domain.money import plain
from grid.edit_moves import EditAsked, EditMade


def move_told(move: Move) -> str:
    """Return one sentence on what a move changes, without the grid's name.

    Raises:
        ValueError: if a later version of this program wrote it.
    """
    match move.kind:
        case MoveKind.TRAIL:
            told = json.loads(move.data)
            return f"moved its ladder to rung {told['first']} of all, as the price reached {told['price']}"
        case MoveKind.ASKED:
            return f"is to be edited to {_ladder(EditAsked.read(move.data).plan)}"
        case MoveKind.EDIT:
            made = EditMade.read(move.data)
            return f"was edited to {_ladder(made.plan)}; {_trade(made)}"


def _ladder(plan: GridPlan) -> str:
    instrument, prices = plan.request.instrument, plan.prices
    each = f"{plain(plan.quantity_per_rung)} {instrument.base} each"
    return f"{len(prices)} levels from {plain(prices[0])} to {plain(prices[-1])} {instrument.quote}, {each}"


def _trade(made: EditMade) -> str:
    lots, sells, ticks = made.trade
    rules, (side, bound) = made.plan.rules, ("sells", "least") if sells else ("buys", "most")
    if not lots:
        return "no trade is needed"
    if rules is None:  # a plan of older books
        return f"it {side} {lots} lots"
    base, quote = rules.instrument.base, rules.instrument.quote
    quantity, price = plain(rules.quantity(lots)), plain(rules.price(ticks))
    return f"it {side} {quantity} {base} at {price} {quote} at {bound}"
