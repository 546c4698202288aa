"""USD-M's conditional (algo) orders into domain values, and the words for sending them (protocol section 1.7)."""

from collections.abc import Mapping
from typing import Final

from adapters.binance.parsing import Json
from domain.conditional import ConditionalKind, ConditionalOrder, ConditionalStatus, WatchedPrice
from domain.instrument import Instrument
from domain.money import parse_amount
from domain.orders import PositionSide, Side

KIND_WORDS: Final[Mapping[ConditionalKind, str]] = {
    ConditionalKind.STOP_MARKET: "STOP_MARKET",
    ConditionalKind.STOP_LIMIT: "STOP",
    ConditionalKind.TAKE_PROFIT_MARKET: "TAKE_PROFIT_MARKET",
    ConditionalKind.TAKE_PROFIT_LIMIT: "TAKE_PROFIT",
}
PRICE_WORDS: Final[Mapping[WatchedPrice, str]] = {
    WatchedPrice.MARK: "MARK_PRICE",
    WatchedPrice.LAST: "CONTRACT_PRICE",
}
_KINDS: Final = {word: kind for kind, word in KIND_WORDS.items()}
_STATUSES: Final[Mapping[str, ConditionalStatus]] = {
    "NEW": ConditionalStatus.WAITING,
    "TRIGGERING": ConditionalStatus.TRIGGERED,
    "TRIGGERED": ConditionalStatus.TRIGGERED,
    "FINISHED": ConditionalStatus.FINISHED,
    "CANCELED": ConditionalStatus.CANCELED,
    "EXPIRED": ConditionalStatus.EXPIRED,
    "REJECTED": ConditionalStatus.REJECTED,
}


def parse_conditional(instrument: Instrument, row: Json) -> ConditionalOrder:
    """Return the order of a placement or query reply; `actualOrderId` is empty until it is triggered."""
    actual = row.get("actualOrderId")
    return ConditionalOrder(
        instrument=instrument,
        client_id=row["clientAlgoId"],
        venue_id=int(row["algoId"]),
        kind=_KINDS[row["orderType"]],
        side=Side(row["side"]),
        position_side=PositionSide(row["positionSide"]),
        status=_STATUSES[row["algoStatus"]],
        trigger_price=parse_amount(row["triggerPrice"]),
        price=parse_amount(row["price"]) or None,
        quantity=None if row["closePosition"] else parse_amount(row["quantity"]),
        venue_order_id=int(actual) if actual else None,
        updated_ms=int(row["updateTime"]),
    )
