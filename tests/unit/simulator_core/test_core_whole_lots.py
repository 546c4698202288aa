"""Old recordings hold prints of no whole number of today's lots; an order never trades a part of one."""

from simulator.core.events import MarketTrade, OrderChanged
from simulator.core.exchange import Exchange
from simulator.core.orders import OrderParams, OrderType, Side, TimeInForce
from simulator.core.symbols import NOTIONAL_UNIT, UNIT
from simulator.market.catalogue import specs_of

SPEC = specs_of(["BTCUSDT"])["BTCUSDT"]


def test_a_print_of_half_a_lot_too_much_fills_whole_lots_only():
    filled: list[int] = []

    def listen(event: object) -> None:
        if isinstance(event, OrderChanged) and event.fill is not None:
            filled.append(event.fill.quantity)

    exchange = Exchange([SPEC], listener=listen)
    exchange.open_account("a", {"USDT": 10_000 * NOTIONAL_UNIT})
    exchange.print_trade(MarketTrade("BTCUSDT", 60_000 * UNIT, UNIT, 1, buyer_is_maker=False))
    order = OrderParams(
        symbol="BTCUSDT",
        side=Side.BUY,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        quantity=100 * SPEC.lot,
        price=59_000 * UNIT,
    )
    exchange.place("a", order, 2)
    half_a_lot = 3 * SPEC.lot + SPEC.lot // 2
    exchange.print_trade(MarketTrade("BTCUSDT", 59_000 * UNIT, half_a_lot, 3, buyer_is_maker=True))
    exchange.print_trade(MarketTrade("BTCUSDT", 59_000 * UNIT, SPEC.lot // 2, 4, buyer_is_maker=True))
    assert filled == [3 * SPEC.lot]
