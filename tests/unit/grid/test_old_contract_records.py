"""The books of a contract after a restart more than three months on, when the venue tells of its youth no more."""

from decimal import Decimal
from types import SimpleNamespace
from typing import cast

import pytest

from domain.futures import FundingPayment
from domain.instrument import Instrument, Market
from domain.orders import Fill, Role, Side, Slot
from fakes.clock import FakeClock
from fakes.grid_examples import plan
from fakes.order_examples import intent
from fakes.store import InMemoryStore
from grid.venue_lists import AccountSources, VenueLists
from orders.client_ids import ClientId

BTC = Instrument("binance", Market.FUTURES, "BTC", "USDT")
DAY_MS = 86_400_000


class Account:
    """What the venue still tells: three months of trades and of income."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.trades: list[Fill] = []
        self.payments: list[FundingPayment] = []
        self.began_ms = clock.market_ms()

    def newest_trade_id(self, _instrument: Instrument) -> int:
        return 0

    def trades_since(self, _instrument: Instrument, trade_id: int) -> tuple[Fill, ...]:
        kept = [one for one in self.trades if one.time_ms > self.clock.market_ms() - 90 * DAY_MS]
        return tuple(one for one in kept if one.trade_id >= trade_id)

    def funding_payments(self, _instrument: Instrument, since_ms: int) -> tuple[FundingPayment, ...]:
        assert since_ms > self.clock.market_ms() - 90 * DAY_MS or since_ms == self.began_ms
        kept = [one for one in self.payments if one.at_ms > self.clock.market_ms() - 90 * DAY_MS]
        return tuple(one for one in kept if one.at_ms >= since_ms)


@pytest.mark.parametrize("days", [10, 88, 200])
def test_nothing_is_left_over_however_late_the_restart(days: int):
    clock, store = FakeClock(), InMemoryStore()
    account = Account(clock)
    row = store.add_grid(BTC, plan(levels=5), clock.market_ms(), clock.wall_ms())
    client_id = str(ClientId(store.instance, 1, Slot(row.grid_id, Role.RUNG, Side.BUY, 100), 0, 0))
    store.add_intents([intent(Slot(row.grid_id, Role.RUNG, Side.BUY, 100), client_id=client_id, instrument=BTC)])
    for day in (1, 4, 150):
        at_ms = clock.market_ms() + day * DAY_MS
        fill = Fill(
            instrument=BTC, trade_id=day, client_id=client_id, venue_order_id=7, side=Side.BUY, price=Decimal(100),
            quantity=Decimal(1), quote_quantity=Decimal(100), commission=Decimal("0.5"), commission_asset="USDT",
            is_maker=True, time_ms=at_ms,
        )  # fmt: skip
        account.trades.append(fill)
        account.payments.append(
            FundingPayment(instrument=BTC, id=day, amount=Decimal("-0.25"), asset="USDT", at_ms=at_ms + 1)
        )
    begun_ms = clock.market_ms()
    clock.advance(days * 86_400)
    told = [one for one in account.trades if one.time_ms <= clock.market_ms()]
    account.trades[:] = told
    account.payments[:] = [one for one in account.payments if one.at_ms <= clock.market_ms()]
    store.record([], told)
    store.add_funding(row.grid_id, account.payments)
    sources = AccountSources(
        store=store, shown=cast("object", None), market_data=cast("object", SimpleNamespace()),
        reader=cast("object", None), trades=account, clock=clock, futures=cast("object", account),
    )  # fmt: skip
    lists = VenueLists(sources, lambda _grid_id: None)
    lists.read(Market.FUTURES, begun_ms)
    count = len(told)
    assert lists.ours(Market.FUTURES)["USDT"] == -Decimal("0.75") * count
    assert lists.count_of_ours(Market.FUTURES) == 2 * count
    assert not any(lists.foreign(Market.FUTURES).values())
