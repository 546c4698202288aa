"""A grid of twenty rungs through three days that were, and through a synthetic path that always is there."""

import os
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from chaos.host import InProcessHost
from chaos.translate import rules_of
from domain.grids import Phase
from domain.money import exact
from fakes.grid_examples import facts, gate, request
from fakes.store import InMemoryStore
from grid.preflight import plan_grid
from simulator.core.events import MarketTrade
from simulator.core.symbols import UNIT, SymbolSpec
from simulator.market.catalogue import SPECS
from simulator.market.feed import BookUpdate, FeedStep
from simulator.market.files import DataSource, parse_moment
from simulator.market.recordings import Stretch
from simulator.market.replay import ReplayFeed

pytestmark = pytest.mark.no_cover  # the same lines thousands of times

DATA = os.environ.get("GRIDHIVE_TEST_DATA", "")
CANDLES = Path(DATA) / "market" / "spot" / "BTCUSDT_1m.parquet"
FUNDS = Decimal(10_000)


@exact
def assert_equity_is_the_venues(host: InProcessHost) -> None:
    books, held = host.snapshot().books, host.balances()
    assert books.residual == 0
    assert books.base_held == held["BTC"]
    assert books.equity_change == held["USDT"] + held["BTC"] * books.mark_price - FUNDS


def run(spec: SymbolSpec, start_ms: int, steps: Iterable[FeedStep], **shape: Any) -> tuple[InProcessHost, int]:
    """Start the grid at the first step's price and play on; return the host and how often it filled."""
    host = InProcessHost(
        spec=spec, balances={"USDT": FUNDS}, store=InMemoryStore(), gate=gate(), start_ms=start_ms, seed=5
    )
    rest = iter(steps)
    first = next(rest)
    host.play([first])
    price = Decimal(first.trades[-1].price) / UNIT
    asked = request(levels=20, capital=Decimal(9_000), **shape)
    host.start(plan_grid(asked, facts(rules=rules_of(spec), price=price)))
    host.play(rest)
    assert_equity_is_the_venues(host)
    shown = host.snapshot()
    assert (shown.phase, shown.faulted_slots) == (Phase.TRADING, ())
    assert len(host.exchange.open_orders("bot", "BTCUSDT")) == 19
    return host, shown.books.trades


def outcome(host: InProcessHost) -> tuple[object, ...]:
    return host.snapshot().books, host.store.fills(1), host.exchange.dump()


def synthetic() -> Iterable[FeedStep]:
    spec, random, price = SPECS["BTCUSDT"], Random(3), 60_000 * UNIT
    for index in range(4_000):
        at_ms = 1_722_729_600_000 + 15_000 * index
        trade = MarketTrade("BTCUSDT", price, UNIT, at_ms, buyer_is_maker=False)
        book = BookUpdate("BTCUSDT", ((price - spec.tick, 50 * UNIT),), ((price + spec.tick, 50 * UNIT),))
        yield FeedStep(at_ms, (trade,), book)
        # Drawn back to the start, so that the path stays on the ladder.
        pull = (60_000 * UNIT - price) // 400
        price = (price + pull + random.randint(-200 * UNIT, 200 * UNIT)) // spec.tick * spec.tick


def test_a_synthetic_path_fills_hundreds_of_times_and_leaves_no_residual_twice_alike():
    host, trades = run(SPECS["BTCUSDT"], 1_722_729_600_000, synthetic())
    assert trades > 300
    assert outcome(host) == outcome(run(SPECS["BTCUSDT"], 1_722_729_600_000, synthetic())[0])


@pytest.mark.skipif(
    not CANDLES.is_file(),
    reason="GRIDHIVE_TEST_DATA names no folder with market/spot/BTCUSDT_1m.parquet; set it to replay recorded days",
)
def test_three_recorded_days_fill_hundreds_of_times_and_leave_no_residual_twice_alike():
    def replayed() -> tuple[InProcessHost, int]:
        stretch = Stretch(parse_moment("2024-08-04"), parse_moment("2024-08-07"))
        feed = ReplayFeed.open([DataSource.parse(str(CANDLES))], stretch)
        # The price fell from 61,000 to 49,000 and came half way back.
        shape = {"spacing_percent": None, "lower": Decimal(50_000), "upper": Decimal(56_000)}
        return run(feed.specs["BTCUSDT"], feed.start_ms, feed.steps(), **shape)

    host, trades = replayed()
    assert trades > 200
    assert outcome(host) == outcome(replayed()[0])
