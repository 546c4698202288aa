"""A conditional order is read the same from a reply and from the user stream, to the last digit."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from adapters.binance.conditional_parsing import KIND_WORDS, parse_conditional, parse_conditional_report
from domain.conditional import ConditionalKind, ConditionalOrder, ConditionalStatus
from domain.money import plain
from domain.orders import PositionSide, Side
from fakes.um_orders import BTC_PERPETUAL

WORDS = {
    ConditionalStatus.WAITING: "NEW",
    ConditionalStatus.TRIGGERED: "TRIGGERED",
    ConditionalStatus.FINISHED: "FINISHED",
    ConditionalStatus.CANCELED: "CANCELED",
    ConditionalStatus.EXPIRED: "EXPIRED",
    ConditionalStatus.REJECTED: "REJECTED",
}
amounts = st.decimals(min_value="0.00000001", max_value=10**9, places=8)
numbers = st.integers(1, 2**63 - 1)  # live ids have 19 digits: a float on the way would show

orders = st.builds(
    ConditionalOrder,
    instrument=st.just(BTC_PERPETUAL),
    client_id=st.text("abcXYZ0189-_", min_size=1, max_size=36),
    venue_id=numbers,
    kind=st.sampled_from(ConditionalKind),
    side=st.sampled_from(Side),
    position_side=st.sampled_from(PositionSide),
    status=st.sampled_from(ConditionalStatus),
    trigger_price=amounts,
    price=st.none() | amounts,
    quantity=st.none() | amounts,
    venue_order_id=st.none() | numbers,
    updated_ms=st.integers(1, 2**45),
)


def wired(row: dict[str, Any]) -> Any:
    """Send it over: as bytes, and parsed as every answer is."""
    return orjson.loads(orjson.dumps(row))


@given(orders)
def test_reply_and_report_become_the_order_they_say(order: ConditionalOrder) -> None:
    actual = "" if order.venue_order_id is None else str(order.venue_order_id)
    price = "0" if order.price is None else plain(order.price)
    quantity = "0" if order.quantity is None else plain(order.quantity)
    row = {
        "clientAlgoId": order.client_id,
        "algoId": order.venue_id,
        "orderType": KIND_WORDS[order.kind],
        "side": order.side.value,
        "positionSide": order.position_side.value,
        "algoStatus": WORDS[order.status],
        "triggerPrice": plain(order.trigger_price),
        "price": price,
        "quantity": quantity,
        "closePosition": order.quantity is None,
        "actualOrderId": actual,
        "updateTime": order.updated_ms,
    }
    told = {
        "caid": order.client_id,
        "aid": order.venue_id,
        "o": KIND_WORDS[order.kind],
        "S": order.side.value,
        "ps": order.position_side.value,
        "X": WORDS[order.status],
        "tp": plain(order.trigger_price),
        "p": price,
        "q": quantity,
        "cp": order.quantity is None,
        "ai": actual,
    }
    assert parse_conditional(BTC_PERPETUAL, wired(row)) == order
    assert (
        parse_conditional_report(BTC_PERPETUAL, wired({"e": "ALGO_UPDATE", "T": order.updated_ms, "o": told})) == order
    )
