"""Instances and accounts that share a machine, or a data folder, and nothing else."""

from pathlib import Path

import pytest

from adapters.storage import open_store
from domain.account import Account, Mode
from fakes.processes import SHADOW_ACCOUNT, SHADOW_KEY, Exchange, Gridhive, agreed, refused, wait_for_orders
from fakes.processes import write_flat_candles as flat
from fakes.venue_process import VenueProcess
from utils.clock import SystemClock

pytestmark = pytest.mark.e2e


def test_two_instances_live_side_by_side(tmp_path: Path) -> None:
    market = ("--market", "replay", "--replay", flat(tmp_path / "BTCUSDT.csv", "50000.00"), "--speed", "60")
    with Gridhive(tmp_path / "one", *market) as one, Gridhive(tmp_path / "two", *market) as two:
        assert one.url != two.url
        with one.exchange() as first, two.exchange() as second:
            assert first.url != second.url
            wait_for_orders(first)
            wait_for_orders(second)
            one.stop_grid()
            assert first.open_orders() == []
            agreed(two, second)
            assert one.stop() == 0
            agreed(two, second)


def test_grids_of_shadow_are_not_seen_under_another_account_on_the_same_data_folder(tmp_path: Path) -> None:
    recording, folder = flat(tmp_path / "BTCUSDT.csv", "50000.00"), tmp_path / "data"
    keys = {"BINANCE_TESTNET_API_KEY": "dummy", "BINANCE_TESTNET_API_SECRET": "dummy"}
    options = ("--market", "replay", "--data", recording, "--speed", "60", *SHADOW_ACCOUNT)
    with VenueProcess(*options) as venue, Exchange(venue.url) as exchange:
        with Gridhive(folder, "--exchange-url", venue.url) as server:
            wait_for_orders(exchange)
            before = agreed(server, exchange)
            assert server.stop() == 0
        kept = exchange.all_orders()

        code, _ = refused(folder, "--port", "0", "--mode", "testnet", environment=keys)
        assert code != 0
        assert exchange.all_orders() == kept
        address = f"sqlite:///{folder / 'gridhive.db'}"
        for mode, key, seen in (
            (Mode.TESTNET, "dummy", 0),
            (Mode.PRODUCTION, SHADOW_KEY, 0),
            (Mode.SHADOW, SHADOW_KEY, 1),
        ):
            store = open_store(address, Account.of_key("binance", mode, key), SystemClock())
            assert len(store.grids()) == seen, mode
            store.close()

        with Gridhive(folder, "--exchange-url", venue.url) as again:
            assert agreed(again, exchange)["grid_id"] == before["grid_id"]
            assert [order["clientOrderId"] for order in exchange.all_orders()] == [
                order["clientOrderId"] for order in kept
            ]
