"""One moment of a run, as its judges look at it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from chaos.disk import INSTANCE
from chaos.process import Process
from chaos.venue import Venue
from chaos.witness import Witness
from domain.grids import GridPlan, OnStop
from orders.client_ids import ClientId


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One moment of a run.

    `moved` is what others brought to the account, or took, beside trading. `may_hold`: a sale at the end may have been
    refused for good, because filters changed or others used the base.
    """

    process: Process
    witness: Witness
    venue: Venue
    grid: GridPlan
    funds: Mapping[str, Decimal]
    moved: Mapping[str, Decimal]
    stop: OnStop | None
    price: Decimal
    may_hold: bool


def is_of_this_instance(client_id: str) -> bool:
    ours = ClientId.parse(client_id)
    return ours is not None and ours.instance == INSTANCE
