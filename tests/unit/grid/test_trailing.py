"""A grid whose ladder follows the price, at work on the matching core: what moves it, what rests, what it holds."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.host import ACCOUNT, InProcessHost, Latency
from chaos.translate import rules_of
from domain.errors import InvalidRequest
from domain.grids import GridPlan, Spacing
from domain.money import ZERO, to_units
from domain.orders import Side
from fakes.grid_examples import btc_rules, facts, gate, plan
from fakes.store import InMemoryStore
from grid.core import following
from simulator.core.events import MarketTrade
from simulator.core.symbols import UNIT, SymbolSpec
from simulator.market.feed import BookUpdate, FeedStep

SPEC = SymbolSpec(
    symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    tick=UNIT // 100,
    lot=1_000,
    min_qty=1_000,
    min_notional=5 * UNIT,
    max_orders=200,
)
NO_LIMIT = Decimal(10**12)


def planned(**changes: object) -> GridPlan:
    shape = {"levels": 5, "spacing_percent": Decimal(1), "spacing": Spacing.ARITHMETIC, "capital": Decimal(1_000)}
    return plan({"rules": rules_of(SPEC)}, **(shape | changes))


class Lived:
    """One grid on the in-process host; `print` lets the market trade at a price, enough to fill what it reaches."""

    def __init__(self, grid_plan: GridPlan, *, seed: int = 0, latency: Latency | None = None) -> None:
        self.host = InProcessHost(
            spec=SPEC,
            balances={"USDT": Decimal(50_000)},
            store=InMemoryStore(),
            gate=gate(max_order_notional=NO_LIMIT, max_exposure=NO_LIMIT, max_orders_per_10s=10**9),
            start_ms=1_700_000_000_000,
            seed=seed,
            latency=latency or Latency(0.0, 0.0),
        )
        self.now_ms = 1_700_000_000_000
        self.row = None
        self.print(grid_plan.start_price, offer=10**15)
        self.row = self.host.start(grid_plan)
        self.host.settle()
        self.print(grid_plan.start_price)

    def print(self, price: Decimal, quantity: int = 10**15, offer: int = 0) -> None:
        self.now_ms += 1_000
        ticks = to_units(price)
        trade = MarketTrade("BTCUSDT", ticks, quantity, self.now_ms, buyer_is_maker=False)
        book = BookUpdate("BTCUSDT", (), ((ticks, offer),) if offer else ())
        self.host.play([FeedStep(self.now_ms, (trade,), book)])

    @property
    def resting(self) -> list[tuple[Side, Decimal]]:
        return sorted((order.side, order.price) for order in self.host.snapshot().open_orders)

    def shifted(self) -> int:
        trail = self.host.snapshot().trail
        assert trail is not None
        return trail.shifted


def test_it_goes_up_when_everything_is_sold_and_the_price_is_a_whole_rung_beyond():
    lived = Lived(planned(trail_up_to=Decimal("63000")))
    assert [str(price) for price in planned(trail_up_to=Decimal("63000")).prices] == [
        "58800.00",
        "59400.00",
        "60000.00",
        "60600.00",
        "61200.00",
    ]
    lived.print(Decimal("61799.99"))
    assert lived.shifted() == 0
    lived.print(Decimal("61800"))
    shown = lived.host.snapshot()
    assert lived.resting == [(Side.BUY, Decimal(price)) for price in ("59400", "60000", "60600", "61200")]
    assert (shown.trail.shifted, shown.trail.low, shown.trail.high) == (1, Decimal(59400), Decimal(61800))
    assert shown.rungs[-1] == shown.trail.high
    assert "61800" in shown.trail.reason
    lived.print(Decimal("70000"))
    assert (lived.shifted(), lived.host.snapshot().trail.goes_up_at) == (3, None)
    assert len(lived.host.store.moves(1)) == 2
