"""Intents for tests that talk to a venue."""

import itertools
from decimal import Decimal

from domain.instrument import Instrument, Market
from domain.orders import Intent, OrderType, Role, Side, Slot, TimeInForce

BTC = Instrument("binance", Market.SPOT, "BTC", "USDT")
ETH = Instrument("binance", Market.SPOT, "ETH", "USDT")
_NUMBERS = itertools.count(1)


def intent_of(
    price: Decimal | None,
    *,
    instrument: Instrument = BTC,
    side: Side = Side.BUY,
    kind: OrderType = OrderType.LIMIT,
    quantity: Decimal = Decimal("0.001"),
    client_id: str | None = None,
) -> Intent:
    """Return an intent with a client id of its own; no price means a market order."""
    return Intent(
        client_id=client_id or f"ghtest-x{next(_NUMBERS)}",
        slot=Slot(1, Role.RUNG, side, 0),
        cycle=0,
        attempt=0,
        instrument=instrument,
        type=OrderType.MARKET if price is None else kind,
        time_in_force=TimeInForce.GTC if price is not None and kind is OrderType.LIMIT else None,
        quantity=quantity,
        price=price,
        reason="test",
        created_ms=0,
    )
