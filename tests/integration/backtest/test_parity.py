"""A grid that traded in a planted market: parity finds what was planted, and calibrates the queue by it."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from backtest.__main__ import _books
from backtest.command_run import main as run
from backtest.data import columns
from backtest.data.series import Series
from backtest.data.store import Store
from backtest.outside import Outside
from backtest.parity.command import main
from backtest.parity.heard import read_recorded
from domain.errors import TradingError
from domain.instrument import Market
from fakes.grid_examples import BTC
from fakes.heard_grid import ENTERING_PLAN, START_MS, live, live_delayed, strides, visits
from ports.archives import Recording


def _nothing(*_asked):
    raise AssertionError("a comparison asks for nothing outside")


OUTSIDE = Outside(archives=_nothing, now_ms=lambda: START_MS, parse_rules=_nothing, books=_books)


@pytest.fixture(scope="module")
def open_market(tmp_path_factory):
    folder = tmp_path_factory.mktemp("open")
    live(folder, visits(1, 500, queue=False))
    return folder


@pytest.fixture(scope="module")
def queued_market(tmp_path_factory):
    folder = tmp_path_factory.mktemp("queued")
    live(folder, visits(1, 500, queue=True))
    return folder


@pytest.fixture
def parity(capsys):
    def compare(folder: Path, *words: str):
        assert main(["--data-dir", str(folder), "--json", *words], "parity", OUTSIDE) == 0
        return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)

    return compare


def test_where_a_touch_fills_the_replay_agrees_entirely_and_touch_is_chosen(open_market, parity):
    found = parity(open_market, "--symbol", "BTCUSDT")
    assert found["fills"]["live"] > 60
    assert found["fills"]["agreement"] == 1.0
    assert found["fills"]["exact"] == found["fills"]["live"]
    assert found["equity"]["difference"] == "0"
    assert found["fills"]["why"] == {}
    kept = json.loads((open_market / "parity/spot-BTCUSDT.json").read_text())
    assert kept["fill"] == "touch"
    assert kept["explained"] == 1.0
    assert kept["orders"] >= 30
    assert kept["interval"]["low_ppm"] > 0


def test_where_a_queue_stands_before_us_the_difference_is_told_and_through_is_chosen(queued_market, parity):
    shutil.rmtree(queued_market / "parity", ignore_errors=True)  # what another test kept
    touched = parity(queued_market, "--no-save")
    assert touched["fills"]["agreement"] < 0.8
    assert touched["fills"]["why"]["queue"] > 5
    assert touched["equity"]["difference"] != "0"
    assert not (queued_market / "parity").exists()
    through = parity(queued_market, "--fill", "through")
    assert through["fills"]["agreement"] == 1.0
    assert through["fills"]["exact"] == through["fills"]["live"] > 30
    assert through["equity"]["difference"] == "0"
    kept = json.loads((queued_market / "parity/spot-BTCUSDT.json").read_text())
    assert kept["fill"] == "through"
    assert kept["interval"] == {"confidence": 0.95, "low_ppm": 0, "high_ppm": 0}
    waits = [level["wait_s"] for level in touched["levels"] if level["wait_s"] is not None]
    assert max(waits) > 10
    assert all(level["price_difference"] in (None, "0") for level in through["levels"])


def test_the_delays_of_its_own_books_explain_what_a_replay_at_once_does_not(tmp_path, parity, capsys):
    happened = live_delayed(tmp_path, strides(2, 300, every_ms=1_000), 1_300, ENTERING_PLAN).happened
    assert min(happened.post_only_refusals, happened.late_cancels, happened.takes) > 0
    found = parity(tmp_path, "--no-save")
    latency = found["latency"]
    assert (latency["used_ms"], latency["from"]) == (1_300, "measured")
    measured = latency["measured"]
    assert (measured["median_ms"], measured["low_ms"], measured["high_ms"]) == (1_300, 1_300, 1_300)
    assert measured["sales"] > 30 > measured["untold"] == measured["waited"] == 0
    assert found["fills"]["agreement"] == 1.0
    assert found["fills"]["exact"] == found["fills"]["live"] > 100
    assert (latency["post_only_refusals"], latency["late_cancels"]) == (
        happened.post_only_refusals,
        happened.late_cancels,
    )
    assert found["equity"]["difference"] == "0"
    at_once = parity(tmp_path, "--no-save", "--latency", "0")
    assert at_once["fills"]["agreement"] == latency["at_once"]["agreement"] < 0.8
    assert at_once["fills"]["exact"] == latency["at_once"]["exact"]
    assert at_once["equity"]["replayed"] == latency["at_once"]["equity"] != found["equity"]["replayed"]
    assert at_once["latency"]["at_once"] is None
    assert main(["--data-dir", str(tmp_path), "--no-save", "--latency", "5000"], "parity", OUTSIDE) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "orders take 5,000 ms, as asked for; the grid's own took 1,300 ms from a purchase to the exchange" in printed
    assert f"(median of {measured['sales']} sales, 1,300 to 1,300 ms for nine in ten)" in printed
    for wrong in ("soon", "0.5", "-1", "60001"):
        with pytest.raises(TradingError, match="latency: "):
            main(["--data-dir", str(tmp_path), "--latency", wrong], "parity", OUTSIDE)


def test_a_run_takes_the_calibrated_rule_and_says_whose_it_is(queued_market, parity, tmp_path, capsys):
    parity(queued_market)
    rows = [
        f"{START_MS + 60_000 * at},{60_000 + 300 * (at % 7)},{60_000 + 300 * (at % 7)},60000,60000,9"
        for at in range(90)
    ]
    candles = tmp_path / "BTCUSDT.csv"
    candles.write_text("\n".join(["open_time,open,high,low,close,volume", *rows]))
    words = ["--symbol", "BTCUSDT", "--data", str(candles), "--capital", "2000", "--set", "initial_levels=8"]
    words += ["--set", "spacing_perc=0.5", "--fill", "calibrated", "--json", "--no-bounds", "--data-dir"]
    assert run([*words, str(queued_market)], "run", OUTSIDE) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["assumed"]["fill"]["kind"] == "through"
    assert told["assumed"]["fill_origin"].startswith("through, calibrated on 2024-08-04 from")
    assert "binance:shadow:" in told["assumptions"][-1]
    with pytest.raises(TradingError, match="fill: nothing is calibrated for BTCUSDT yet"):
        run([*words, str(tmp_path)], "run", OUTSIDE)


def test_without_a_record_stored_trades_stand_in_and_candles_calibrate_nothing(open_market, parity, tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(open_market, folder)
    record = next(folder.glob("prices/*/*"))
    heard = read_recorded(record)
    assert heard is not None
    shutil.rmtree(folder / "prices")
    rows = pl.DataFrame(
        {
            "id": np.arange(len(heard)),
            "time_us": heard.time_ms * 1_000,
            "price": heard.price,
            "quantity": pl.Series(heard.quantity / 100_000_000).round(8),
            "buyer_is_maker": np.zeros(len(heard), dtype=bool),
        }
    ).cast(columns.SCHEMAS[Recording.TRADES])
    store = Store(folder / "market")
    with store.writing():
        store.put(Series(Market.SPOT, Recording.TRADES, "BTCUSDT"), rows)
    found = parity(folder)
    assert found["prices"]["source"] == "trades"
    assert found["fills"]["agreement"] == 1.0
    assert "the grid kept no prices" in found["notes"][0]
    minutes = heard.trades(BTC).candles()
    stored = {name: getattr(minutes, name) for name in ("open_ms", "open", "high", "low", "close")}
    blank = pl.Series([None] * len(minutes))
    candles = pl.DataFrame({**stored, "volume": minutes.volume, "quote_volume": blank, "trades": blank})
    with store.writing():
        store.put(
            Series(Market.SPOT, Recording.KLINES, "BTCUSDT", "1m"), candles.cast(columns.SCHEMAS[Recording.KLINES])
        )
    guessed = parity(folder, "--prices", "candles")
    assert guessed["calibration"] is None
    assert guessed["fills"]["agreement"] > 0.3


def test_too_few_orders_calibrate_nothing_that_a_run_would_take(tmp_path, parity):
    live(tmp_path, visits(2, 24, queue=False))
    found = parity(tmp_path)
    assert 0 < found["calibration"]["orders"] < 30
    assert "too few to be used" in found["queue"]
    assert any("its books tell too little: " in note and " of 5 needed" in note for note in found["notes"])
    with pytest.raises(TradingError, match=r"fill: the calibration of BTCUSDT rests on \d+ orders, fewer than 30"):
        run(["--symbol", "BTCUSDT", "--fill", "calibrated", "--data-dir", str(tmp_path)], "run", OUTSIDE)
    with closing(sqlite3.connect(tmp_path / "gridhive.db")) as books, books:
        books.execute("INSERT INTO grid_moves SELECT account, grid_id, 1, 'edit', 0, '{}', 0 FROM grids")
    with pytest.raises(TradingError, match="grid 1 was edited"):
        main(["--data-dir", str(tmp_path)], "parity", OUTSIDE)


def test_a_table_and_a_page_are_made(queued_market, tmp_path, capsys):
    assert main(["--data-dir", str(queued_market), "--no-save", "--out", str(tmp_path)], "parity", OUTSIDE) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "× queue: its price was traded at and not beyond" in printed
    assert "explained best by through (all resamples agree)" in printed
    page = (tmp_path / "report.html").read_text()
    assert "Why live and replay differ" in page
    assert "figure-queue" in page


def test_what_is_not_there_is_said(open_market, tmp_path):
    def refused(*words: str) -> str:
        with pytest.raises(TradingError) as error:
            main(list(words), "parity", OUTSIDE)
        return str(error.value)

    there = ("--data-dir", str(open_market))
    assert "there are no books" in refused("--data-dir", str(tmp_path))
    assert "the newest are: 1 on BTCUSDT of binance:shadow:" in refused(*there, "--symbol", "ETHUSDT")
    assert "prices: the store has no trades of the life of grid 1 (" in refused(*there, "--prices", "trades")
    assert "prices: grid 1 kept none of what it heard within that window, and" in refused(*there, "--from", "2031-01")
    assert " within that window; see" in refused(*there, "--from", "2031-01", "--prices", "recorded")
    assert "fill: 'best' is no rule" in refused(*there, "--fill", "best")
