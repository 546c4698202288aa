"""Order lists: two orders of which one cancels the other (OCO; protocol section 1.3)."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Self

from simulator.core.errors import ExchangeError, missing_both, no_such_order, unknown_order_sent
from simulator.core.histories import select
from simulator.core.orders import (
    STOP_LOSS_TYPES,
    TAKE_PROFIT_TYPES,
    Order,
    OrderParams,
    OrderType,
    Side,
    StpMode,
    TimeInForce,
)

OCO: Final = "OCO"


class ListStatus(StrEnum):
    EXECUTING = "EXECUTING"
    ALL_DONE = "ALL_DONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class OcoLeg:
    """What is particular to one leg; amounts scaled by UNIT."""

    type: OrderType
    price: int | None = None
    stop_price: int | None = None
    time_in_force: TimeInForce | None = None
    client_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OcoParams:
    """A request to place an OCO: one leg works above the last price, one below."""

    symbol: str
    side: Side
    quantity: int
    above: OcoLeg
    below: OcoLeg
    client_id: str | None = None
    stp_mode: StpMode | None = None

    def order_of(self, leg: OcoLeg) -> OrderParams:
        return OrderParams(
            symbol=self.symbol,
            side=self.side,
            type=leg.type,
            time_in_force=leg.time_in_force,
            quantity=self.quantity,
            price=leg.price,
            stop_price=leg.stop_price,
            client_id=leg.client_id,
            stp_mode=self.stp_mode,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderList:
    """One list as it was at one moment.

    Attributes:
        legs: id and client id of each order, the stop-loss leg first.
        time_ms, update_ms: when it was placed and when its status last changed.
        orders: the legs in the answer to a placement or a cancel; empty elsewhere.
    """

    list_id: int
    account_id: str
    symbol: str
    client_id: str
    legs: tuple[tuple[int, str], ...]
    status: ListStatus
    time_ms: int
    update_ms: int
    orders: tuple[Order, ...] = ()


@dataclass(slots=True, eq=False, kw_only=True)
class LiveList:
    """The mutable form of a list, owned by the exchange."""

    list_id: int
    account_id: str
    symbol: str
    client_id: str
    legs: tuple[tuple[int, str], ...]
    time_ms: int
    update_ms: int
    status: ListStatus = ListStatus.EXECUTING

    @property
    def is_open(self) -> bool:
        return self.status is ListStatus.EXECUTING

    def snapshot(self, orders: tuple[Order, ...] = ()) -> OrderList:
        return OrderList(**asdict(self), orders=orders)

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        legs = tuple((order_id, client_id) for order_id, client_id in saved["legs"])
        return cls(**{**saved, "legs": legs, "status": ListStatus(saved["status"])})


class ListBook:
    """The lists of all accounts; their ids are unique over all symbols."""

    def __init__(self) -> None:
        self.last_id = 0
        self._all: dict[int, LiveList] = {}
        self._newest: dict[tuple[str, str], LiveList] = {}

    def add(self, one: LiveList) -> None:
        self.last_id = max(self.last_id, one.list_id)
        self._all[one.list_id] = one
        self._newest[one.account_id, one.client_id] = one

    def get(self, list_id: int) -> LiveList:
        return self._all[list_id]

    def is_taken(self, account_id: str, client_id: str) -> bool:
        """Say whether an open list of the account carries that client id."""
        newest = self._newest.get((account_id, client_id))
        return newest is not None and newest.is_open

    def open_of(self, account_id: str, symbol: str | None = None) -> list[LiveList]:
        return [one for one in self._of(account_id) if one.is_open and symbol in (None, one.symbol)]

    def find(self, account_id: str, list_id: int | None, client_id: str | None) -> LiveList:
        """Find a list for a query: -2013 unknown, -1102 without ids; the list id prevails."""
        found = self._look_up(account_id, list_id, client_id, "origClientOrderId")
        if found is None:
            raise no_such_order()
        return found

    def find_open(self, account_id: str, symbol: str, list_id: int | None, client_id: str | None) -> LiveList:
        """Find the target of a cancel; -2011 unless it is open, on the symbol, and both ids agree if given."""
        found = self._look_up(account_id, list_id, client_id, "listClientOrderId")
        if found is None or not found.is_open or found.symbol != symbol or client_id not in (None, found.client_id):
            raise unknown_order_sent()
        return found

    def select(
        self, account_id: str, from_id: int | None, start_ms: int | None, end_ms: int | None, limit: int
    ) -> list[LiveList]:
        """Return lists from `from_id` or `start_ms` on, else the latest; oldest first."""
        found = (one for one in self._of(account_id) if from_id is None or one.list_id >= from_id)
        return select(found, start_ms, end_ms, limit, from_start=from_id is not None or start_ms is not None)

    def _of(self, account_id: str) -> Iterable[LiveList]:
        return (one for one in self._all.values() if one.account_id == account_id)

    def _look_up(self, account_id: str, list_id: int | None, client_id: str | None, parameter: str) -> LiveList | None:
        if list_id is not None:
            found = self._all.get(list_id)
            return found if found is not None and found.account_id == account_id else None
        if client_id is None:
            raise missing_both("orderListId", parameter)
        return self._newest.get((account_id, client_id))

    def dump(self) -> list[dict[str, Any]]:
        return [asdict(one) for one in self._all.values()]

    def restore(self, saved: Iterable[Mapping[str, Any]]) -> None:
        """Continue from `dump`."""
        for one in saved:
            self.add(LiveList.load(one))


def check_legs(params: OcoParams) -> None:
    """Refuse types that do not belong into an OCO, or not on that side of the price."""
    above, below = params.above.type, params.below.type
    if any(kind in (OrderType.LIMIT, OrderType.MARKET) for kind in (above, below)):
        raise ExchangeError(-1158, "Order type not supported in OCO.")
    if above is below is OrderType.LIMIT_MAKER:
        raise ExchangeError(-1168, "At least one OCO order must be contingent.")
    buys = params.side is Side.BUY
    stops, profits = (above, below) if buys else (below, above)  # the sides where each kind belongs
    where, side = ("above", "buy") if buys else ("below", "sell")
    other = "below" if buys else "above"
    if stops is OrderType.LIMIT_MAKER:
        raise ExchangeError(-1165 if buys else -1166, f"A limit order in a {side} OCO must be {other}.")
    if profits in STOP_LOSS_TYPES:
        raise ExchangeError(-1196 if buys else -1197, f"A stop loss order in a {side} OCO must be {where}.")
    if stops in TAKE_PROFIT_TYPES:
        raise ExchangeError(-1198 if buys else -1199, f"A take profit order in a {side} OCO must be {other}.")
