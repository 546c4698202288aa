"""Wire to domain and back gives the same text, and domain to wire and back the same value."""

from decimal import Decimal
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from adapters.binance.order_calls import placement
from adapters.binance.parsing import parse_order, parse_placement_fills, parse_report, parse_trade
from domain.money import exact
from domain.orders import Fill, Intent, OrderType, Role, Side, Slot, Status, TimeInForce, VenueOrder
from fakes.venue_orders import BTC
from utils.binance_signing import encode

EIGHT = Decimal("0.00000001")
WORDS = {
    Status.OPEN: "NEW",
    Status.FILLED: "FILLED",
    Status.CANCELED: "CANCELED",
    Status.EXPIRED: "EXPIRED",
    Status.REJECTED: "REJECTED",
}
amounts = st.decimals(min_value=0, max_value=10**9, places=8)
positive = st.decimals(min_value="0.00000001", max_value=10**9, places=8)
numbers = st.integers(0, 2**63 - 1)  # beyond 2**53: a float on the way would show
client_ids = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_", min_size=1, max_size=36)
assets = st.sampled_from(["BTC", "USDT", "BNB"])

orders = st.builds(
    VenueOrder,
    instrument=st.just(BTC),
    client_id=client_ids,
    venue_order_id=numbers,
    side=st.sampled_from(Side),
    type=st.sampled_from(OrderType),
    status=st.sampled_from(list(WORDS)),
    price=amounts,
    quantity=positive,
    executed_quantity=amounts,
    updated_ms=st.integers(1, 2**45),
)


@st.composite
def fills(draw: st.DrawFn, of: VenueOrder | None = None) -> Fill:
    return Fill(
        instrument=BTC,
        trade_id=draw(numbers),
        client_id=of.client_id if of else draw(client_ids),
        venue_order_id=of.venue_order_id if of else draw(numbers),
        side=of.side if of else draw(st.sampled_from(Side)),
        price=draw(positive),
        quantity=draw(positive),
        quote_quantity=draw(amounts),
        commission=draw(amounts),
        commission_asset=draw(assets),
        is_maker=draw(st.booleans()),
        time_ms=of.updated_ms if of else draw(st.integers(1, 2**45)),
    )


@st.composite
def reports(draw: st.DrawFn) -> tuple[VenueOrder, Fill | None]:
    order = draw(orders)
    return order, draw(st.none() | fills(of=order))


def eight(value: Decimal) -> str:
    return format(value.quantize(EIGHT), "f")


def wired(row: dict[str, Any]) -> Any:
    """Send it over: as bytes, and parsed as every answer is."""
    return orjson.loads(orjson.dumps(row))


def order_row(order: VenueOrder) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "orderId": order.venue_order_id,
        "clientOrderId": order.client_id,
        "side": str(order.side),
        "type": str(order.type),
        "status": WORDS[order.status],
        "price": eight(order.price),
        "origQty": eight(order.quantity),
        "executedQty": eight(order.executed_quantity),
        "updateTime": order.updated_ms,
    }


def trade_row(fill: Fill) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "id": fill.trade_id,
        "orderId": fill.venue_order_id,
        "price": eight(fill.price),
        "qty": eight(fill.quantity),
        "quoteQty": eight(fill.quote_quantity),
        "commission": eight(fill.commission),
        "commissionAsset": fill.commission_asset,
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.is_maker,
        "time": fill.time_ms,
    }


def report_row(order: VenueOrder, fill: Fill | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "e": "executionReport",
        "s": "BTCUSDT",
        "c": order.client_id,
        "C": "",
        "i": order.venue_order_id,
        "S": str(order.side),
        "o": str(order.type),
        "x": "TRADE" if fill else "NEW",
        "X": WORDS[order.status],
        "p": eight(order.price),
        "q": eight(order.quantity),
        "z": eight(order.executed_quantity),
        "T": order.updated_ms,
    }
    if fill is not None:
        row |= {"t": fill.trade_id, "L": eight(fill.price), "l": eight(fill.quantity), "Y": eight(fill.quote_quantity)}
        row |= {"n": eight(fill.commission), "N": fill.commission_asset, "m": fill.is_maker}
    return row


@given(order=orders)
def test_an_order_comes_back_as_it_went(order: VenueOrder) -> None:
    row = order_row(order)
    parsed = parse_order(BTC, wired(row))
    assert parsed == order
    assert order_row(parsed) == row


@given(fill=fills())
def test_a_trade_comes_back_as_it_went(fill: Fill) -> None:
    row = trade_row(fill)
    parsed = parse_trade(BTC, fill.client_id, wired(row))
    assert parsed == fill
    assert trade_row(parsed) == row


@given(told=reports())
def test_a_report_comes_back_as_it_went(told: tuple[VenueOrder, Fill | None]) -> None:
    order, fill = told
    row = report_row(order, fill)
    parsed = parse_report(BTC, wired(row))
    assert (parsed.order, parsed.fills) == (order, (fill,) if fill else ())
    assert report_row(parsed.order, parsed.fills[0] if parsed.fills else None) == row


@exact
def _quote(prices: list[Decimal], quantities: list[Decimal]) -> Decimal:
    return sum((price * quantity for price, quantity in zip(prices, quantities, strict=True)), Decimal(0))


@given(
    order=orders,
    parts=st.lists(
        st.tuples(st.decimals("0.01", 10**6, places=2), st.decimals("0.00001", 10**3, places=5)), max_size=5
    ),
)
def test_the_fills_of_a_placement_add_up_to_its_total_or_are_not_believed(
    order: VenueOrder, parts: list[tuple[Decimal, Decimal]]
) -> None:
    rows = [
        {"tradeId": n, "price": eight(price), "qty": eight(qty), "commission": "0.00000001", "commissionAsset": "BNB"}
        for n, (price, qty) in enumerate(parts)
    ]
    total = _quote([price for price, _ in parts], [qty for _, qty in parts])
    row = {**order_row(order), "cummulativeQuoteQty": eight(total), "fills": rows}
    found = parse_placement_fills(order, wired(row))
    assert found is not None
    assert [(eight(fill.price), eight(fill.quantity)) for fill in found] == [(r["price"], r["qty"]) for r in rows]
    assert parse_placement_fills(order, wired({**row, "cummulativeQuoteQty": eight(total + EIGHT)})) is None


@given(
    client_id=client_ids,
    side=st.sampled_from(Side),
    price=positive,
    quantity=positive,
    in_force=st.sampled_from(TimeInForce),
)
def test_an_intent_leaves_with_its_amounts_in_plain_digits(
    client_id: str, side: Side, price: Decimal, quantity: Decimal, in_force: TimeInForce
) -> None:
    intent = Intent(
        client_id=client_id,
        slot=Slot(1, Role.RUNG, side, 1),
        cycle=0,
        attempt=0,
        instrument=BTC,
        type=OrderType.LIMIT,
        time_in_force=in_force,
        quantity=quantity,
        price=price,
        reason="",
        created_ms=0,
    )
    sent = dict(part.split("=") for part in encode(placement(intent).params.items()).split("&"))
    assert "E" not in sent["price"] + sent["quantity"]
    assert (Decimal(sent["price"]), Decimal(sent["quantity"])) == (price, quantity)
    assert (sent["newClientOrderId"], sent["side"], sent["timeInForce"]) == (client_id, side, in_force)
