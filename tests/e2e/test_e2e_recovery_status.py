"""What a restarted server tells of its recovery, where others have been at the account meanwhile."""

from pathlib import Path

import pytest

from fakes.processes import SHADOW_ACCOUNT, Exchange, Gridhive, agreed, until, wait_for_orders, write_flat_candles
from fakes.venue_process import VenueProcess

pytestmark = pytest.mark.e2e


def test_the_recovery_is_told_with_what_was_found_and_done(tmp_path: Path) -> None:
    recording = write_flat_candles(tmp_path / "BTCUSDT.csv", "50000.00")
    market = ("--market", "replay", "--data", recording, "--speed", "60", *SHADOW_ACCOUNT)
    with VenueProcess(*market) as venue, Exchange(venue.url) as exchange:
        options = ("--exchange-url", venue.url)
        with Gridhive(tmp_path / "data", *options) as server:
            wait_for_orders(exchange)
            until(lambda: agreed(server, exchange)["phase"] == "trading", "the grid to trade, and to know its orders")
            assert server.get("/api/grid/recovery_status/BTCUSDT")["recovered"] is False
            server.kill()
        by_price = sorted(exchange.open_orders(), key=lambda order: float(order["price"]))
        canceled = exchange.signed(
            "DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId=by_price[0]["clientOrderId"]
        )
        assert canceled.ok, canceled.text
        foreign = exchange.place(price="30000", newClientOrderId="web_1")
        assert foreign["status"] == "NEW"
        exchange.print_trade("49400")
        until(lambda: len(exchange.trades()) == 3, "two orders to fill while the server is down")  # one is the entry
        with Gridhive(tmp_path / "data", *options) as again:
            told = until(lambda: _finished(again), "the recovery to end")
    assert (told["recovered"], told["cause"], told["differs"]) == (True, "start", [])
    assert told["recovery_began_at"] <= told["recovery_finished_at"]
    counts = told["recovery"]
    assert (counts["orders_restored"], counts["orders_open"], counts["orders_gone"]) == (9, 6, 3)
    assert (counts["foreign_ignored"], counts["fills_booked_late"], counts["orders_kept"]) == (1, 2, 6)
    assert (counts["orders_adopted"], counts["orders_cancelled"]) == (0, 0)


def _finished(server: Gridhive) -> dict[str, object] | None:
    told = server.get("/api/grid/recovery_status/BTCUSDT")
    return told if told["recovery_finished_at"] and not told["differs"] else None
