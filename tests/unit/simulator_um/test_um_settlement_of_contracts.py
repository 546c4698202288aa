"""A contract that ends: nothing rests on it any more, and every position is closed at the mark price."""

from dataclasses import asdict

import pytest

from simulator.core.errors import ExchangeError
from simulator.core.orders import OrderStatus
from simulator.core.symbols import UNIT
from simulator.um.core.contracts import PERPETUAL_END_MS, ContractSpec
from simulator.um.core.orders import IncomeType
from simulator.um.wire.exchange_info import contract_row
from unit.simulator_um.futures_floor import SPEC, SYMBOL, FuturesFloor


@pytest.mark.parametrize("isolated", [False, True])
def test_every_position_is_closed_at_the_mark_price_and_nothing_rests(isolated: bool) -> None:
    floor = FuturesFloor()
    for account in "ab":
        floor.isolate(account, 2) if isolated else floor.leverage(account, 2)
    floor.open("a", "BUY", 100, 300)
    floor.open("b", "SELL", 100, 100)
    floor.place("a", "BUY", 98, 50)
    floor.algo("a", "SELL", "STOP_MARKET", 90, close_position=True)
    floor.mark(107)
    before = {account: floor.exchange.account(account).wallet_balance for account in "ab"}
    floor.events.clear()
    floor.exchange.settle_contract(SYMBOL, floor.tick())
    for account, size, sign in (("a", 300, 1), ("b", 100, -1)):
        assert not [it for it in floor.exchange.positions(account, SYMBOL) if it.quantity]
        assert floor.exchange.open_orders(account) == floor.exchange.open_algos(account) == []
        fill = floor.exchange.trades(account, SYMBOL, limit=1_000)[-1]
        assert (fill.price, fill.quantity) == (107 * UNIT, size * UNIT // 100)
        order = floor.exchange.order(account, SYMBOL, order_id=fill.order_id)
        assert order.client_id == f"settlement_autoclose-{order.order_id}"
        assert (order.status, order.executed) == (OrderStatus.FILLED, fill.quantity)
        gained = sign * 7 * size * UNIT // 100
        assert fill.realized_pnl == gained
        after = floor.exchange.account(account).wallet_balance
        assert after - before[account] == gained - fill.commission
        assert floor.exchange.income(account, type=IncomeType.REALIZED_PNL, limit=9)[-1].amount == gained
    with pytest.raises(ExchangeError) as refusal:
        floor.place("a", "BUY", 98, 50)
    assert refusal.value.code == -4141


def test_a_contract_of_an_older_state_has_no_end_and_says_so() -> None:
    saved = {name: value for name, value in asdict(SPEC).items() if name != "delivery_ms"}
    assert ContractSpec.load(saved) == SPEC
    assert contract_row(SPEC)["deliveryDate"] == PERPETUAL_END_MS
