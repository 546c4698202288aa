"""An edit as it is stored: a person's word first, and once no order stands in its way what was made of it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from domain.grids import GridPlan, Move, MoveKind
from domain.plan_text import decode_plan, encode_plan
from grid.core.relaying import Trade


@dataclass(frozen=True, slots=True, kw_only=True)
class EditAsked:
    """A person's word: the ladder is to be as `plan` says. `fee_ppm` is what a purchase loses of its base."""

    plan: GridPlan
    fee_ppm: int

    def data(self) -> dict[str, object]:
        return {"plan": json.loads(encode_plan(self.plan)), "fee_ppm": self.fee_ppm}

    @classmethod
    def read(cls, text: str) -> "EditAsked":
        """Read what was stored.

        Raises:
            ValueError: if a later version of this program wrote it.
        """
        told = json.loads(text)
        return cls(plan=decode_plan(json.dumps(told["plan"])), fee_ppm=int(told["fee_ppm"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class EditMade:
    """What was made of it. `gap` is the rung that rests empty; `trade` brings what is held to what the ladder needs."""

    plan: GridPlan
    gap: int
    trade: Trade

    def data(self) -> dict[str, object]:
        lots, sells, price = self.trade
        plan = json.loads(encode_plan(self.plan))
        return {"plan": plan, "gap": self.gap, "lots": lots, "sells": sells, "price": price}

    @classmethod
    def read(cls, text: str) -> "EditMade":
        """Read what was stored.

        Raises:
            ValueError: if a later version of this program wrote it.
        """
        told = json.loads(text)
        trade = Trade(int(told["lots"]), bool(told["sells"]), int(told["price"]))
        return cls(plan=decode_plan(json.dumps(told["plan"])), gap=int(told["gap"]), trade=trade)


def is_asked(moves: Iterable[Move]) -> bool:
    """Tell whether an edit was asked for and is not carried out yet."""
    last = [move.kind for move in moves if move.kind in (MoveKind.ASKED, MoveKind.EDIT)][-1:]
    return last == [MoveKind.ASKED]
