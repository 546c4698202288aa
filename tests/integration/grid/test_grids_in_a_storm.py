"""A grid in its real thread, on real connections, at a simulator that misbehaves by a plan: its books stay whole."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

import pytest

from adapters.binance.connect import BinanceVenue, connect
from adapters.binance.rhythm import SilenceBounds
from domain.account import Mode
from domain.grids import GridRequest, GridSnapshot, Phase
from domain.instrument import Instrument, Market
from domain.orders import Side, Status
from fakes.grid_examples import gate
from fakes.simulator_calls import Caller
from fakes.store import InMemoryStore
from fakes.venue_process import KEY, SECRET, VenueProcess
from grid.house import GridDefaults, GridHouse
from grid.manager import GridManager
from utils.clock import SystemClock

BTC = Instrument("binance", Market.SPOT, "BTC", "USDT")
LEVELS = 10
DEADLINE_S = 90.0
PLAN = """
seed: 5
faults:
- {kind: latency, at: 4, seconds: 6, chance: 0.3, delay_ms: 5, jitter_ms: 60}
- {kind: duplicate_event, at: 4, seconds: 6, chance: 0.3}
- {kind: reorder_event, at: 4, seconds: 6, chance: 0.2, delay_ms: 300}
- {kind: delay_event, at: 4, seconds: 6, chance: 0.1, delay_ms: 100, jitter_ms: 900}
- {kind: drop_event, at: 4, seconds: 6, match: executionReport, chance: 0.05}
- {kind: ack_delay, at: 4, seconds: 6, match: spot.order.new, chance: 0.2, delay_ms: 50, jitter_ms: 400}
- {kind: lose_reply, at: 4, count: 3, match: spot.order.*, chance: 0.5}
- {kind: lose_request, at: 4, count: 3, match: spot.order.*, chance: 0.5, reset: true}
- {kind: fail_after, at: 5, count: 2, match: spot.order.new, code: -1006}
- {kind: fail_before, at: 6, count: 2, match: spot.order.new, code: -1007}
- {kind: read_lag, at: 4, seconds: 6, match: spot.*, chance: 0.1, delay_ms: 1000}
- {kind: half_answer, at: 7, count: 2, match: spot.*}
- {kind: clock_offset, at: 7.5, count: 3, match: spot.*, delay_ms: -7000}
- {kind: gateway, at: 8, count: 3, match: spot.*}
- {kind: balance, at: 6, asset: USDT, amount: 250.5}
- {kind: cancel_order, at: 7, symbol: BTCUSDT, orders: 2}
- {kind: disconnect, at: 8.5, how: reset}
- {kind: refuse, at: 8.5, match: spot, count: 2}
- {kind: end_user_stream, at: 10}
"""


class StormyHouse:
    """A grid manager on an account at a venue, all of it real but the database."""

    def __init__(self, url: str, rules_file: Path) -> None:
        clock = SystemClock()
        self.store = InMemoryStore()
        self.venue: BinanceVenue = connect(
            mode=Mode.SHADOW,
            api_key=KEY,
            api_secret=SECRET,
            spot_url=url,
            clock=clock,
            client_id_prefix="gh-",
            silence=SilenceBounds(0.5, 2.0),
            rules_file=rules_file,
        )
        house = GridHouse(
            store=self.store,
            gateway=self.venue.gateway,
            streams=self.venue.streams,
            gate=gate(),
            clock=clock,
            equity_every_ms=1_000,
            max_price_age_s=30.0,
        )
        defaults = GridDefaults(capital=Decimal(1_000), min_order_value=Decimal(10), max_grids=5)
        self.manager = GridManager(house, self.venue.market_data, self.venue.account, defaults)

    def until(self, fact: Callable[[GridSnapshot], object]) -> GridSnapshot:
        for _ in range(int(DEADLINE_S / 0.05)):
            shown = self.manager.snapshot(BTC)
            if fact(shown):
                return shown
            Event().wait(0.05)
        raise AssertionError(f"not in time: {shown.phase} {shown.phase_reason} {shown.faulted_slots} {shown.alarms}")

    def close(self) -> None:
        self.manager.close(cancel_orders=False)
        self.venue.close()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[VenueProcess]:
    plan = tmp_path / "storm.yaml"
    plan.write_text(PLAN)
    market = ("--market", "synthetic", "--seed", "7", "--symbols", "BTCUSDT", "--speed", "max")
    with VenueProcess(*market, "--orders-10s", "1000", "--faults", str(plan)) as running:
        running.step(200)  # every symbol has traded
        yield running


def is_whole(shown: GridSnapshot) -> bool:
    """Tell whether each cell has its order, or waits for the sale of the cell below at the rung where it is to buy."""
    rest = {(order.side, order.price) for order in shown.open_orders if order.status is Status.OPEN}
    below = zip(shown.plan.prices, shown.plan.prices[1:], strict=False)
    cells = all(not rest.isdisjoint({(Side.BUY, low), (Side.SELL, high), (Side.SELL, low)}) for low, high in below)
    return shown.phase is Phase.TRADING and cells and len(rest) == len(shown.open_orders)


def resting(caller: Caller) -> set[tuple[str, Decimal, Decimal]]:
    rows: list[dict[str, Any]] = caller.signed("GET", "/api/v3/openOrders", symbol="BTCUSDT").json()
    return {(row["clientOrderId"], Decimal(row["price"]), Decimal(row["origQty"])) for row in rows}


def trades(caller: Caller) -> set[int]:
    return {row["id"] for row in caller.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT", limit=1000).json()}


def agree(house: StormyHouse, shown: GridSnapshot, caller: Caller) -> bool:
    """Tell whether the grid's orders and booked fills are the venue's."""
    ours = {(order.client_id, order.price, order.quantity) for order in shown.open_orders}
    return resting(caller) == ours and {fill.trade_id for fill in house.store.fills(1)} == trades(caller)


def play(admin: Caller, middle: Decimal, random: Random) -> None:
    """Let the price leap and the market close the gap, over a connection that stays: new ones may be refused."""
    price = middle * (1 + Decimal(random.randint(-100, 100)) / 10_000)
    leap = {"symbol": "BTCUSDT", "price": f"{price:.2f}", "qty": "0.5"}
    for call, body in (("print", leap), ("step", {"points": 5})):
        assert admin.send("POST", f"/admin/{call}", body=json.dumps(body)).ok


def told(admin: Caller, what: str) -> dict[str, Any]:
    return dict(admin.send("GET", f"/admin/{what}").json())


def test_a_grid_comes_out_of_a_storm_with_every_fill_booked_once_and_the_orders_it_wants(
    process: VenueProcess, tmp_path: Path
) -> None:
    house, random = StormyHouse(process.url, tmp_path / "rules.json"), Random(3)
    with Caller(process.url) as caller:
        try:
            house.manager.start(GridRequest(instrument=BTC, levels=LEVELS, spacing_percent=Decimal("0.25")))
            middle = house.until(is_whole).current_price or Decimal(0)
            while told(caller, "state")["faults"]:
                play(caller, middle, random)
                Event().wait(0.1)
            shown = house.until(lambda shown: is_whole(shown) and agree(house, shown, caller))
        finally:
            house.close()
        assert [row["kind"] for row in told(caller, "faults")["plan"] if not row["struck"]] == []
        assert agree(house, shown, caller), "nothing is placed or taken off any more"
        booked = trades(caller)
    assert len(booked) == shown.books.trades > LEVELS
    assert (shown.books.residual, shown.faulted_slots) == (0, ())
