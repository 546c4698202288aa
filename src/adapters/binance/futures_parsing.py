"""USD-M's user events into domain values (protocol section 1.11)."""

from adapters.binance.parsing import STATUSES, Json, order_type
from domain.events import OrderReported
from domain.instrument import Instrument
from domain.money import exact, parse_amount
from domain.orders import Fill, PositionSide, Side, VenueOrder


@exact
def parse_futures_report(instrument: Instrument, told: Json) -> OrderReported:
    """Return what the order of an `ORDER_TRADE_UPDATE` says, with its fill if it reports one.

    Its fills carry no quote amount: price times quantity is exactly that of userTrades, for a linear contract.
    """
    order = VenueOrder(
        instrument=instrument,
        client_id=told["c"],
        venue_order_id=int(told["i"]),
        side=Side(told["S"]),
        type=order_type(told["o"], told["f"]),
        status=STATUSES[told["X"]],
        price=parse_amount(told["p"]),
        quantity=parse_amount(told["q"]),
        executed_quantity=parse_amount(told["z"]),
        updated_ms=int(told["T"]),
    )
    price, quantity = parse_amount(told["L"]), parse_amount(told["l"])
    if not quantity:
        return OrderReported(order)
    fill = Fill(
        instrument=instrument,
        trade_id=int(told["t"]),
        client_id=order.client_id,
        venue_order_id=order.venue_order_id,
        side=order.side,
        price=price,
        quantity=quantity,
        quote_quantity=price * quantity,
        commission=parse_amount(told.get("n", "0")),
        commission_asset=told.get("N") or "",
        is_maker=told["m"],
        time_ms=int(told["T"]),
        realized_profit=parse_amount(told["rp"]),
        position_side=PositionSide(told["ps"]),
    )
    return OrderReported(order, (fill,))
