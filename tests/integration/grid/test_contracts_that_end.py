"""Contracts that end, on the real simulator: one grid winds down ahead of it, another is settled while it runs."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from domain.grids import GridStatus, Phase
from fakes.store import InMemoryStore
from fakes.venue_process import KEY, SECRET, VenueProcess
from integration.grid.test_futures_grids import DIRECTIONS, WALLET, FuturesDesk, assert_wallet_is_booked, is_at_rest

MODE = "one-way"


@pytest.fixture
def process() -> Iterator[VenueProcess]:
    market = ("--market", "synthetic", "--seed", "7", "--speed", "max", "--symbols", ",".join(DIRECTIONS))
    wallet = ("--api-key", KEY, "--api-secret", SECRET, "--futures-balance", f"USDT={WALLET}")
    limits = ("--futures-orders-10s", "100000", "--futures-orders-minute", "100000")
    with VenueProcess(*market, *wallet, *limits, "--messages-per-s", "50") as running:
        yield running


def test_a_settlement_is_booked_and_an_announced_one_is_not_waited_for(process: VenueProcess) -> None:
    process.step(50)
    desk = FuturesDesk(process, MODE, InMemoryStore())
    try:
        before = desk.wallet()
        for symbol in DIRECTIONS:
            desk.manager.start(desk.request(symbol))
        for symbol in DIRECTIONS:
            desk.until(symbol, is_at_rest)
        assert desk.positions("ETHUSDT")
        process.fault("symbol", symbol="ETHUSDT", market="um", settles_in_s=0)
        process.step(20)
        ended = desk.until("ETHUSDT", lambda shown: shown.status is GridStatus.STOPPED)
        assert ended.phase_reason.startswith("its contract was settled at ")
        assert (ended.books.base_held, ended.books.residual, ended.alarms) == (0, 0, ())
        assert (desk.positions("ETHUSDT"), desk.resting("ETHUSDT")) == ({}, set())
        (order,) = {trade["orderId"] for trade in desk.trades("ETHUSDT")[-1:]}
        named = desk.read("v1/order", symbol="ETHUSDT", orderId=order)["clientOrderId"]
        assert named.startswith("settlement_autoclose-")
        assert desk.until("BTCUSDT", is_at_rest).phase is Phase.TRADING, "the others go on"
        assert_wallet_is_booked(desk, before)
        process.fault("symbol", symbol="SOLUSDT", market="um", settles_in_s=3_600)
        desk.close()
        desk = FuturesDesk(process, MODE, desk.store)
        desk.manager.resume_all()
        desk.print_trade("SOLUSDT", desk.shown("SOLUSDT").plan.start_price)
        process.step(20)
        wound = desk.until("SOLUSDT", lambda shown: shown.status is GridStatus.STOPPED)
        assert "its contract is settled at" in wound.phase_reason
        assert (wound.books.base_held, desk.positions("SOLUSDT")) == (Decimal(0), {})
        assert_wallet_is_booked(desk, before)
    finally:
        desk.close()
