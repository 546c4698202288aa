"""Recorded contracts: mark prices and funding as recorded, both markets in one step, and what survives a restart."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fakes.simulator_calls import Caller
from fakes.venue_process import VenueProcess

BEGIN_MS = 1_722_844_800_000
"""2024-08-05 08:00 UTC, a settlement."""
HOUR_MS = 3_600_000
DATA = Path(os.environ.get("GRIDHIVE_TEST_DATA", "")) / "market" / "um"
RECORDED = pytest.mark.skipif(
    not os.environ.get("GRIDHIVE_TEST_DATA") or not (DATA / "BTCUSDT_mark_1h.parquet").is_file(),
    reason="GRIDHIVE_TEST_DATA names no folder with market/um/BTCUSDT_mark_1h.parquet; set it to replay contracts",
)


@pytest.fixture
def recording(tmp_path: Path) -> tuple[str, ...]:
    """Write nine hours of a contract that rises by a dollar a minute, with mark prices and one funding rate."""
    minutes, begin = 9 * 60, BEGIN_MS - HOUR_MS
    rows = ["open_time,open,high,low,close,volume"]
    for minute in range(minutes):
        price = 60_000 + minute
        rows.append(f"{begin + minute * 60_000},{price},{price + 2},{price - 1},{price + 1},12.5")
    (tmp_path / "BTCUSDT_1m.csv").write_text("\n".join(rows) + "\n")
    marks = ["open_time,open,high,low,close"]
    for hour in range(9):
        price = 60_007 + hour * 60
        marks.append(f"{begin + hour * HOUR_MS},{price},{price + 40},{price - 5},{price + 30}")
    (tmp_path / "BTCUSDT_mark_1h.csv").write_text("\n".join(marks) + "\n")
    (tmp_path / "BTCUSDT_funding.csv").write_text(
        f"funding_time,funding_rate\n{BEGIN_MS - 8 * HOUR_MS + 4},0.00021\n{BEGIN_MS + 3},-0.00034567\n"
    )
    named = [f"um:{tmp_path / name}" for name in ("BTCUSDT_1m.csv", "BTCUSDT_mark_1h.csv")]
    data = [*named, f"funding:BTCUSDT={tmp_path / 'BTCUSDT_funding.csv'}"]
    return ("--market", "replay", "--data", *data, "--speed", "max", "--futures-balance", "USDT=10000")


@pytest.fixture
def state(tmp_path: Path) -> tuple[str, ...]:
    return ("--state", str(tmp_path / "state"))


def played_until(venue: VenueProcess, time_ms: int) -> Iterator[dict[str, Any]]:
    while (told := venue.step(20))["market_ms"] < time_ms and not told["finished"]:
        yield told


def futures(venue: VenueProcess) -> Caller:
    return Caller(venue.ready["futures_url"])


def kept(caller: Caller) -> dict[str, Any]:
    """Return what must not change over a restart, ids and times included."""
    paths = {
        "v3/account": {},
        "v3/positionRisk": {},
        "v1/openOrders": {},
        "v1/openAlgoOrders": {},
        "v1/allOrders": {"symbol": "BTCUSDT"},
        "v1/userTrades": {"symbol": "BTCUSDT"},
        "v1/income": {},
        "v1/positionSide/dual": {},
        "v1/symbolConfig": {"symbol": "BTCUSDT"},
    }
    return {path: caller.signed("GET", f"/fapi/{path}", **params).json() for path, params in paths.items()}


def test_funding_is_paid_at_the_recorded_rate_and_mark(recording: tuple[str, ...]) -> None:
    with VenueProcess(*recording) as venue, futures(venue) as caller:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.02"}
        bought = caller.signed("POST", "/fapi/v1/order", **order).json()
        assert "orderId" in bought
        for _ in played_until(venue, BEGIN_MS + 60_000):
            pass
        rows = caller.signed("GET", "/fapi/v1/income", incomeType="FUNDING_FEE").json()
        assert [Decimal(row["income"]) for row in rows] == [Decimal("0.41526720")], "0.02 * 60067 * 0.00034567"
        assert rows[0]["time"] == BEGIN_MS
        rates = caller.get("/fapi/v1/fundingRate", symbol="BTCUSDT")
        assert [(row["fundingTime"], row["fundingRate"]) for row in rates] == [
            (BEGIN_MS - 8 * HOUR_MS + 4, "0.00021000"),
            (BEGIN_MS, "-0.00034567"),
        ]
        assert Decimal(rates[-1]["markPrice"]) == 60_067
        premium = caller.get("/fapi/v1/premiumIndex", symbol="BTCUSDT")
        assert (premium["lastFundingRate"], premium["nextFundingTime"]) == ("-0.00034567", BEGIN_MS + 8 * HOUR_MS)


def test_the_mark_price_keeps_within_the_recorded_range(recording: tuple[str, ...]) -> None:
    with VenueProcess(*recording) as venue, futures(venue) as caller:
        for _ in played_until(venue, BEGIN_MS + 2 * HOUR_MS):
            told = caller.get("/fapi/v1/premiumIndex", symbol="BTCUSDT")
            low = 60_002 + (told["time"] - BEGIN_MS + HOUR_MS) // HOUR_MS * 60
            assert low <= Decimal(told["markPrice"]) <= low + 45
        hours = caller.get("/fapi/v1/markPriceKlines", symbol="BTCUSDT", interval="1h", limit=10)
        assert all(Decimal(row[3]) >= 60_002 for row in hours)


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_the_futures_side_survives(recording: tuple[str, ...], state: tuple[str, ...], ending: str) -> None:
    with VenueProcess(*recording, *state) as venue, futures(venue) as caller:
        venue.step(10)
        for order in (
            {"side": "BUY", "type": "MARKET", "quantity": "0.05"},
            {"side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": "58500.0", "timeInForce": "GTC"},
            {"side": "SELL", "type": "LIMIT", "quantity": "0.01", "price": "60010.0", "timeInForce": "GTC"},
        ):
            assert "orderId" in caller.signed("POST", "/fapi/v1/order", symbol="BTCUSDT", **order).json()
        stop = {"algoType": "CONDITIONAL", "type": "STOP_MARKET", "triggerPrice": "57600.0", "closePosition": "true"}
        assert "algoId" in caller.signed("POST", "/fapi/v1/algoOrder", symbol="BTCUSDT", side="SELL", **stop).json()
        caller.signed("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=3_600_000)
        caller.signed("POST", "/fapi/v1/leverage", symbol="ETHUSDT", leverage=7)
        key = caller.signed("POST", "/fapi/v1/listenKey").json()
        venue.step(100)
        caller.signed("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=25)
        before, book = kept(caller), caller.get("/fapi/v1/depth", symbol="BTCUSDT", limit=5)
        assert [row["origQty"] for row in before["v1/openOrders"]] == ["0.010"], "the sell was reached"
        venue.stop() if ending == "stop" else venue.kill()
    with VenueProcess(*recording, *state) as again, futures(again) as caller:
        assert kept(caller) == before
        assert again.ready["market_ms"] == book["T"]
        assert caller.signed("POST", "/fapi/v1/listenKey").json() == key
        assert not [order for order in kept(caller)["v1/openOrders"] if order["status"] != "NEW"]
        for _ in played_until(again, again.ready["market_ms"] + HOUR_MS):
            pass
        assert kept(caller)["v1/openOrders"] == [], "the countdown went on"


def test_a_state_from_before_futures_opens_fine(recording: tuple[str, ...], tmp_path: Path) -> None:
    options = (*recording, "--state", str(tmp_path / "old"))
    with VenueProcess(*options) as venue:
        venue.step(5)
    with closing(sqlite3.connect(tmp_path / "old" / "exchange.sqlite3")) as database, database:
        database.execute("DROP TABLE um_rows")
        market = database.execute("SELECT value FROM facts WHERE name = 'market'").fetchone()[0]
        assert '"futures"' in market
    with VenueProcess(*options) as again, futures(again) as caller:
        again.step(5)
        assert caller.signed("GET", "/fapi/v3/account").json()["totalWalletBalance"] == "10000.00000000"


@RECORDED
def test_a_recorded_day_pays_the_recorded_funding() -> None:
    files = [f"um:{DATA / f'BTCUSDT_{rest}'}" for rest in ("1m.parquet", "mark_1h.parquet", "funding.csv")]
    options = ("--market", "replay", "--data", *files, "--from", "2025-06-01T23:50", "--to", "2025-06-02T00:10")
    with VenueProcess(*options, "--speed", "max", "--futures-balance", "USDT=20000") as venue, futures(venue) as caller:
        venue.step(4)
        caller.signed("POST", "/fapi/v1/order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.1")
        venue.step(100)
        [row] = caller.signed("GET", "/fapi/v1/income", incomeType="FUNDING_FEE").json()
        rate = caller.get("/fapi/v1/fundingRate", symbol="BTCUSDT", limit=1)[0]
        paid = Decimal("0.1") * Decimal(rate["markPrice"]) * Decimal(rate["fundingRate"])
        assert abs(Decimal(row["income"]) - paid) <= Decimal("0.00000001")
        assert Decimal(rate["fundingRate"]) == Decimal("-0.00000642")
