"""USD-M's replies, reports and trade rows say the same of the same order and fill, to the last digit."""

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.binance.futures_parsing import parse_futures_report
from adapters.binance.order_calls import placement
from adapters.binance.parsing import parse_order, parse_trade
from domain.errors import OrderRejected
from domain.instrument import Market
from domain.money import exact, plain
from domain.orders import Fill, OrderType, PositionSide, Side, Status, TimeInForce, VenueOrder
from fakes.um_orders import BTC_PERPETUAL, order_of
from utils.binance_errors import Purpose, translate_code
from utils.binance_signing import encode

WORDS = {
    Status.OPEN: "NEW",
    Status.FILLED: "FILLED",
    Status.CANCELED: "CANCELED",
    Status.EXPIRED: "EXPIRED",
    Status.REJECTED: "REJECTED",
}
prices = st.decimals(min_value="0.0001", max_value=10**7, places=4)
sizes = st.decimals(min_value="0.0001", max_value=10**7, places=4)
money = st.decimals(min_value=-(10**9), max_value=10**9, places=8)
numbers = st.integers(1, 2**63 - 1)  # live ids have 19 digits: a float on the way would show
client_ids = st.text("abcXYZ0189-_", min_size=1, max_size=36)

orders = st.builds(
    VenueOrder,
    instrument=st.just(BTC_PERPETUAL),
    client_id=client_ids,
    venue_order_id=numbers,
    side=st.sampled_from(Side),
    type=st.sampled_from(OrderType),
    status=st.sampled_from(list(WORDS)),
    price=prices,
    quantity=sizes,
    executed_quantity=sizes,
    updated_ms=st.integers(1, 2**45),
)


@st.composite
@exact
def fills(draw: st.DrawFn, order: VenueOrder) -> Fill:
    price, quantity = draw(prices), draw(sizes)
    return Fill(
        instrument=BTC_PERPETUAL,
        trade_id=draw(numbers),
        client_id=order.client_id,
        venue_order_id=order.venue_order_id,
        side=order.side,
        price=price,
        quantity=quantity,
        quote_quantity=price * quantity,
        commission=draw(money),
        commission_asset=draw(st.sampled_from(["USDT", "BNB"])),
        is_maker=draw(st.booleans()),
        time_ms=order.updated_ms,
        realized_profit=draw(money),
        position_side=draw(st.sampled_from(PositionSide)),
    )


@st.composite
def reports(draw: st.DrawFn) -> tuple[VenueOrder, Fill | None]:
    order = draw(orders)
    return order, draw(st.none() | fills(order))


def wired(row: dict[str, Any]) -> Any:
    """Send it over: as bytes, and parsed as every answer is."""
    return orjson.loads(orjson.dumps(row))


def terms(order: VenueOrder) -> tuple[str, str]:
    post_only = order.type is OrderType.LIMIT_MAKER
    return ("LIMIT" if post_only else order.type.value, "GTX" if post_only else "GTC")


@given(orders)
def test_a_reply_becomes_the_order_it_says(order: VenueOrder) -> None:
    kind, in_force = terms(order)
    row = {
        "clientOrderId": order.client_id,
        "orderId": order.venue_order_id,
        "side": order.side.value,
        "type": kind,
        "timeInForce": in_force,
        "status": WORDS[order.status],
        "price": plain(order.price),
        "origQty": plain(order.quantity),
        "executedQty": plain(order.executed_quantity),
        "updateTime": order.updated_ms,
    }
    assert parse_order(BTC_PERPETUAL, wired(row)) == order


@given(reports())
def test_a_report_becomes_the_order_and_fill_it_says(told: tuple[VenueOrder, Fill | None]) -> None:
    order, fill = told
    kind, in_force = terms(order)
    row = {
        "s": "BTCUSDT",
        "c": order.client_id,
        "i": order.venue_order_id,
        "S": order.side.value,
        "o": kind,
        "f": in_force,
        "x": "TRADE" if fill else "NEW",
        "X": WORDS[order.status],
        "p": plain(order.price),
        "q": plain(order.quantity),
        "z": plain(order.executed_quantity),
        "T": order.updated_ms,
        "l": plain(fill.quantity) if fill else "0",
        "L": plain(fill.price) if fill else "0",
        "t": fill.trade_id if fill else 0,
        "m": fill.is_maker if fill else False,
        "rp": plain(fill.realized_profit) if fill else "0",
        "ps": fill.position_side.value if fill else "BOTH",
    }
    if fill:
        row |= {"n": plain(fill.commission), "N": fill.commission_asset}
    report = parse_futures_report(BTC_PERPETUAL, wired(row))
    assert report.order == order
    assert report.fills == ((fill,) if fill else ())


@given(orders.flatmap(fills))
def test_a_trade_row_becomes_the_same_fill(fill: Fill) -> None:
    row = {
        "id": fill.trade_id,
        "orderId": fill.venue_order_id,
        "side": fill.side.value,
        "positionSide": fill.position_side.value,
        "price": plain(fill.price),
        "qty": plain(fill.quantity),
        "quoteQty": plain(fill.quote_quantity),
        "realizedPnl": plain(fill.realized_profit),
        "commission": plain(fill.commission),
        "commissionAsset": fill.commission_asset,
        "buyer": fill.side is Side.BUY,
        "maker": fill.is_maker,
        "time": fill.time_ms,
    }
    assert parse_trade(BTC_PERPETUAL, fill.client_id, wired(row)) == fill


@pytest.mark.parametrize(
    ("wanted", "written"),
    [
        ({"kind": OrderType.LIMIT}, "type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000.1"),
        ({"kind": OrderType.LIMIT_MAKER}, "type=LIMIT&timeInForce=GTX&quantity=0.01&price=50000.1"),
        ({"time_in_force": TimeInForce.IOC}, "type=LIMIT&timeInForce=IOC&quantity=0.01&price=50000.1"),
        ({"position_side": PositionSide.LONG}, "positionSide=LONG&type=LIMIT"),
        ({"reduce_only": True}, "timeInForce=GTC&reduceOnly=true&quantity=0.01"),
    ],
)
def test_a_placement_is_written_as_futures_read_it(wanted: dict[str, Any], written: str) -> None:
    call = placement(order_of(Decimal("50000.1"), client_id="gh-1", **wanted))
    text = encode(call.params.items())
    assert written in text
    assert text.endswith("newClientOrderId=gh-1&newOrderRespType=RESULT")
    assert (call.path, call.cost.weight, call.cost.orders) == ("/fapi/v1/order", 0, 1)


def test_a_market_order_names_no_price_and_no_time_in_force() -> None:
    text = encode(placement(order_of(None)).params.items())
    assert "type=MARKET&quantity=0.01&newClientOrderId" in text


@pytest.mark.parametrize(
    ("code", "closed"), [(-4141, True), (-4140, True), (-4108, True), (-2022, False), (-5022, False)]
)
def test_a_contract_that_does_not_trade_is_told_from_a_broken_rule(code: int, closed: bool) -> None:
    error = translate_code(Market.FUTURES, 400, code, "no", {}, Purpose.PLACE)
    assert isinstance(error, OrderRejected)
    assert (error.market_closed, error.would_take) == (closed, code == -5022)
