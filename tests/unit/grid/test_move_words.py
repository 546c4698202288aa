"""What the log says of a ladder that moved: a sentence, not the plan's text."""

from decimal import Decimal

from domain.grids import MoveKind
from fakes.grid_examples import plan
from grid.core.relaying import Trade
from grid.edit_moves import EditAsked, EditMade
from grid.move_words import move_told
from grid.state import GridState

PLAN = plan(capital=Decimal(1_000))
LADDER = f"10 levels from {PLAN.prices[0]:f} to {PLAN.prices[-1]:f} USDT, 0.00186 BTC each"


def told(kind: MoveKind, data: dict[str, object]) -> str:
    assert PLAN.rules is not None
    return move_told(GridState(1, PLAN, PLAN.rules).next_move(kind, data, 1))


def test_a_move_is_told_in_a_sentence():
    assert told(MoveKind.ASKED, EditAsked(plan=PLAN, fee_ppm=0).data()) == f"is to be edited to {LADDER}"
    made = EditMade(plan=PLAN, gap=4, trade=Trade(500, False, 6_030_000))
    assert told(MoveKind.EDIT, made.data()) == f"was edited to {LADDER}; it buys 0.005 BTC at 60300 USDT at most"
    made = EditMade(plan=PLAN, gap=4, trade=Trade(0, True, 1))
    assert told(MoveKind.EDIT, made.data()) == f"was edited to {LADDER}; no trade is needed"
    trail = told(MoveKind.TRAIL, {"first": 3, "price": "60300"})
    assert trail == "moved its ladder to rung 3 of all, as the price reached 60300"
