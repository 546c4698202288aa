"""What the exchange itself does for a futures grid whose server is gone, with real processes."""

import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fakes.processes import SHADOW_ACCOUNT, SHADOW_KEY, SHADOW_SECRET, Gridhive, until
from fakes.simulator_calls import Caller
from fakes.venue_process import VenueProcess

pytestmark = pytest.mark.e2e

SYMBOL = "ETHUSDT"
SHAPE: dict[str, Any] = {
    "initial_levels": 6,
    "spacing_perc": 2,
    "market_type": "futures",
    "direction": "long",
    "leverage": 2,
    "margin_type": "isolated",
    "capital": 2000,
}
COUNTDOWN_MS = 120_000


class Account(Caller):
    """Shadow's futures account by raw requests, and the exchange's clock."""

    def __init__(self, process: VenueProcess) -> None:
        super().__init__(str(process.ready["futures_url"]), SHADOW_KEY, SHADOW_SECRET)
        self._spot = Caller(process.url, SHADOW_KEY, SHADOW_SECRET)

    def resting(self) -> set[str]:
        orders = self.signed("GET", "/fapi/v1/openOrders", symbol=SYMBOL).json()
        return {order["clientOrderId"] for order in orders}

    def position(self) -> float:
        return sum(float(row["positionAmt"]) for row in self.signed("GET", "/fapi/v3/positionRisk").json())

    def stops(self) -> list[tuple[str, str]]:
        """Return what waits apart from the book: client id and price."""
        waiting = self.signed("GET", "/fapi/v1/openAlgoOrders", symbol=SYMBOL).json()
        return [(order["clientAlgoId"], order["triggerPrice"]) for order in waiting]

    def trades(self) -> list[dict[str, Any]]:
        return list(self.signed("GET", "/fapi/v1/userTrades", symbol=SYMBOL, limit=1000).json())

    def print_trade(self, price: float) -> None:
        """Let the spot market trade once; contract, index and mark price follow."""
        body = f'{{"symbol": "{SYMBOL}", "price": "{price:.2f}", "qty": "50"}}'
        answer = self._spot.send("POST", "/admin/print", body=body)
        assert answer.ok, answer.text

    def run_down(self, passed_ms: int) -> None:
        """Let countdowns run as if so much time had passed."""
        body = f'{{"kind": "countdown", "delay_ms": {passed_ms}}}'
        answer = self._spot.send("POST", "/admin/faults", body=body)
        assert answer.ok, answer.text


def shown_once(server: Gridhive, what: str, **facts: Any) -> Any:
    """Return the grid's status once it is trading, all its orders rest, and the countdown is as told."""

    def look() -> Any:
        shown = server.get(f"/api/grid/status/{SYMBOL}")
        at_work = shown["phase"] == "trading" and shown["active_orders"] == 5
        return shown if at_work and (shown["contract"]["countdown_until"] is not None) is facts["armed"] else None

    return until(look, what)


@pytest.fixture
def process() -> Iterator[VenueProcess]:
    with VenueProcess(
        "--market", "synthetic", "--seed", "7", "--futures-balance", "USDT=10000", *SHADOW_ACCOUNT
    ) as running:
        yield running


def server_on(process: VenueProcess, folder: Path) -> Gridhive:
    urls = ("--exchange-url", process.url, "--exchange-futures-url", str(process.ready["futures_url"]))
    return Gridhive(folder, "--no-autostart", *urls)


def test_the_exchange_protects_a_grid_whose_server_is_gone(tmp_path: Path, process: VenueProcess) -> None:
    with Account(process) as account:
        with server_on(process, tmp_path) as server:
            checked = server.post("/api/grid/config", {"symbol": SYMBOL, "config": SHAPE}).json()
            stop_below = round(checked["calculated_params"]["levels_preview"][0] * 0.97, 1)
            refused = server.post("/api/grid/config", {"symbol": SYMBOL, "config": {**SHAPE, "stop_above": 9_000_000}})
            assert [wrong["field"] for wrong in refused.json()["fields"]] == ["stop_above"]
            server.start_grid(SYMBOL, **SHAPE, stop_below=stop_below)
            shown_once(server, "a grid under the countdown", armed=True)
            held, kept, stops = account.position(), account.resting(), account.stops()
            assert [float(price) for _, price in stops] == [stop_below]
            server.stop(signal.SIGKILL)
        account.run_down(COUNTDOWN_MS // 2)
        assert account.resting() == kept
        account.run_down(COUNTDOWN_MS)
        assert (account.resting(), account.position(), account.stops()) == (set(), held, stops)
        with server_on(process, tmp_path) as again:
            shown = shown_once(again, "the orders to be put back", armed=True)
            assert (shown["books"]["residual"], float(shown["contract"]["position"])) == ("0", held)
            assert [(one["client_order_id"], one["status"]) for one in shown["contract"]["stops"]] == [
                (stops[0][0], "waiting")
            ]
            put_back = account.resting()
            assert len(put_back) == 5
            assert again.stop() == 0
        account.run_down(2 * COUNTDOWN_MS)
        assert (account.resting(), account.stops()) == (put_back, stops)
        until(lambda: stopped_by(account, stop_below - 1), "the stop to be reached")
        assert account.position() == 0
        with server_on(process, tmp_path) as last:
            shown = until(lambda: ended(last), "the grid to find itself stopped")
            assert_all_is_booked(shown, account, stop_below)


def stopped_by(account: Account, price: float) -> bool:
    account.print_trade(price)
    return not account.stops()


def ended(server: Gridhive) -> Any:
    shown = server.get(f"/api/grid/status/{SYMBOL}")
    return shown if shown["status"] == "stopped" else None


def assert_all_is_booked(shown: Any, account: Account, stop_below: float) -> None:
    assert shown["phase_reason"] == f"stopped by its stop at {stop_below}"
    assert (shown["alarms"], account.resting(), account.stops()) == ([], set(), [])
    trades, books = account.trades(), shown["books"]
    assert (books["trades"], books["residual"], shown["contract"]["position"]) == (len(trades), "0", "0")
    brought = sum(Decimal(trade["realizedPnl"]) - Decimal(trade["commission"]) for trade in trades)
    assert Decimal(books["realized_profit"]) - Decimal(books["fees"]) == brought
