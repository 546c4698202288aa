"""Orders, fills and amendments of one account on one contract, and how futures look them up (protocol 2.4)."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final, Self

from simulator.core.errors import no_such_order, unknown_order_sent
from simulator.core.histories import UNFILLED_ENDS, Records
from simulator.core.orders import Side
from simulator.um.core.live_order import LiveFuturesOrder
from simulator.um.core.orders import Amendment, FuturesFill, PositionSide

DAY_MS: Final = 86_400_000
UNFILLED_KEPT_MS: Final = 3 * DAY_MS
KEPT_MS: Final = 90 * DAY_MS


class FuturesHistory(Records[LiveFuturesOrder, FuturesFill]):
    """With both ids the order id prevails."""

    def __init__(self) -> None:
        super().__init__()
        self.amendments: list[Amendment] = []

    def find(self, order_id: int | None, client_id: str | None, now_ms: int) -> LiveFuturesOrder:
        """Find an order for a query; -2013 where it is unknown or no longer kept."""
        order = self.look_up(order_id, client_id)
        if order is None or not is_kept(order, now_ms):
            raise no_such_order()
        return order

    def find_open(self, order_id: int | None, client_id: str | None) -> LiveFuturesOrder:
        """Find the target of a cancel or a modification; -2011 unless it is open."""
        order = self.look_up(order_id, client_id)
        if order is None or not order.is_open:
            raise unknown_order_sent()
        return order

    def dump(self) -> dict[str, Any]:
        return {**super().dump(), "amendments": [asdict(row) for row in self.amendments]}

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        history = cls()
        for order in saved["orders"]:
            history.add(LiveFuturesOrder.load(order))
        history.fills = [
            FuturesFill(**{**fill, "side": Side(fill["side"]), "position_side": PositionSide(fill["position_side"])})
            for fill in saved["fills"]
        ]
        history.amendments = [Amendment(**row) for row in saved["amendments"]]
        return history


def is_kept(order: LiveFuturesOrder, now_ms: int) -> bool:
    """Say whether the venue still knows it: ends without a fill for 3 days, everything for 90."""
    if order.is_open:
        return True
    short = order.status in UNFILLED_ENDS and not order.executed
    return order.update_ms >= now_ms - (UNFILLED_KEPT_MS if short else KEPT_MS)
