"""The command from its words to what it prints, and each refusal before work starts."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.binance.parsing import parse_rules
from backtest.command_run import main
from backtest.outside import Outside
from config.mistakes import ConfigError
from domain.errors import InvalidRequest, TradingError
from fakes.backtest_studies import START_MS, walk

HOURS = 24 * 40
GRID = ("--set", "initial_levels=12", "--set", "spacing_perc=1", "--capital", "10000")


def no_archives(address):
    raise AssertionError(f"a replay asked for {address}")


OUTSIDE = Outside(archives=no_archives, now_ms=lambda: START_MS, parse_rules=parse_rules)


@pytest.fixture(scope="module")
def csv(tmp_path_factory):
    file = tmp_path_factory.mktemp("candles") / "hours.csv"
    series = walk(HOURS)
    rows = zip(series.open_ms, series.open, series.high, series.low, series.close, series.volume, strict=True)
    lines = [
        f"{at},{','.join(f'{int(price) // 10**8}.{int(price) % 10**8:08}' for price in prices)},{volume:.4f}"
        for at, *prices, volume in rows
    ]
    file.write_text("\n".join(["open_time,open,high,low,close,volume", *lines]))
    return file


@pytest.fixture
def command(tmp_path, csv):
    def run(*words, data=csv):
        shared = ["--symbol", "BTCUSDT", "--data-dir", str(tmp_path / "data")]
        return main([*shared, *(["--data", str(data)] if data else []), *map(str, words)], "test", OUTSIDE)

    return run


def test_a_run_prints_strict_json_and_bounds_and_windows(command, capsys):
    assert command(*GRID, "--windows", "week", "--fill", "share:10%", "--json") == 0
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert told["market"]["candles"] == HOURS
    assert told["market"]["interval"] == "1h"
    assert told["windows"][0]["from_ms"] == START_MS  # a Monday
    assert len(told["windows"]) == 5
    assert all(window["change"] is not None for window in told["windows"])
    assert told["assumed"]["fill"] == {"kind": "share", "share_ppm": 100_000}
    assert told["bounds"]["pessimistic"]["cycles"] <= told["bounds"]["optimistic"]["cycles"]


def test_a_contract_is_replayed_with_its_funding_and_told_as_one(command, tmp_path, capsys):
    file = tmp_path / "funding.csv"
    rows = [f"{START_MS + hour * 3_600_000},0.0001" for hour in range(0, HOURS, 8)]
    file.write_text("\n".join(["funding_time,funding_rate", *rows]))
    words = ("--symbol", "ETHUSDT", "--market", "um", "--direction", "short", "--leverage", "3")
    assert command(*GRID, *words, "--funding", file, "--windows", "month", "--json") == 0
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    contract = told["contract"]
    assert (contract["direction"], contract["leverage"], contract["margin_type"]) == ("short", 3, "cross")
    assert contract["settlements"] == len(rows)
    assert contract["funding_from"] == f"{len(rows)} settlements from funding.csv, marked at the candle's open"
    assert Decimal(contract["position"]) <= 0
    assert Decimal(told["money"]["funding"]) > 0, "longs pay"
    assert told["assumed"]["fees"]["maker_ppm"] == 200
    assert told["grid"]["direction"] == "short"
    assert command(*GRID, *words, "--funding", "none", "--no-bounds", "--out", tmp_path / "out") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "a short grid at 3x with cross margin" in printed
    assert "Funding: left out, as asked for." in printed
    assert "sold first" in (tmp_path / "out" / "report.html").read_text()


def test_disorder_in_a_file_names_a_command_that_mends_it(command, csv, tmp_path):
    """`run` itself has no --sort."""
    header, first, second, *rest = csv.read_text().splitlines()
    disordered, doubled = tmp_path / "disordered.csv", tmp_path / "doubled.csv"
    disordered.write_text("\n".join([header, first, rest[0], second, *rest[1:]]))
    doubled.write_text("\n".join([header, first, second, second, *rest]))
    with pytest.raises(TradingError, match=r"row 3: is earlier .* or let `data import --sort` do it"):
        command(*GRID, data=disordered)
    with pytest.raises(TradingError, match=r"row 3: repeats .* `data import --sort` drops equal rows"):
        command(*GRID, data=doubled)


def test_a_run_prints_a_table_and_files(command, capsys, tmp_path):
    window = ("--from", "2024-01-10", "--to", "2024-01-19")
    assert command(*GRID, *window, "--no-bounds", "--bnb-price", "300", "--out", tmp_path / "out") == 0
    printed = capsys.readouterr().out
    assert "in 10 days" in printed
    assert "optimistic" not in printed
    told = json.loads((tmp_path / "out" / "result.json").read_text())
    assert told["market"]["from"] == "2024-01-10T00:00:00Z"
    assert told["bounds"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "initial_levls=12", "--capital", "9"), "initial_levls: is not known; did you mean initial_levels"),
        ((*GRID[:4],), "capital: how much quote"),
        ((*GRID[:4], "--capital", "-5"), "capital: must be above 0"),
        ((*GRID[:4], "--capital", "20"), "capital: 20 is too little for 12 levels"),
        ((*GRID, "--market", "um"), "funding: no funding of um BTCUSDT are stored; get them: data get"),
        ((*GRID, "--leverage", "3"), "leverage: goes with futures; say --market um"),
        ((*GRID, "--set", "direction=short"), "direction: a spot grid is long"),
        ((*GRID, "--market", "um", "--trades"), "trades"),
        ((*GRID, "--from", "2031-01"), "from: hours.csv has no candle in that window"),
        ((*GRID, "--from", "2024-02", "--to", "2024-01"), "to: the window is empty"),
        ((*GRID, "--interval", "5m"), "interval"),
        ((*GRID, "--symbol", "PEPEUSDT"), "rules: there are none built in for PEPEUSDT"),
        ((*GRID, "--rules", "none.json"), "rules: none.json cannot be read"),
        ((*GRID, "--grid", "none.yaml"), "grid: none.yaml cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(command, words, said):
    with pytest.raises(TradingError) as refused:
        command(*words)
    assert said in str(refused.value)


def test_gaps_are_refused_unless_allowed(command, csv, tmp_path, capsys):
    lines = csv.read_text().splitlines()
    gappy = tmp_path / "gappy.csv"
    gappy.write_text("\n".join(lines[:100] + lines[150:]))
    with pytest.raises(TradingError, match=r"1 gap: .*--allow-gaps"):
        command(*GRID, data=gappy)
    assert command(*GRID, "--allow-gaps", data=gappy) == 0
    assert "50 candles (5.21 %) are missing" in " ".join(capsys.readouterr().out.split())


@pytest.fixture(scope="module")
def bnb_csv(csv):
    """BNB in the same hours at 300 and then 10 more each hour, without the last day."""
    file = csv.with_name("bnb.csv")
    stamps = [line.split(",")[0] for line in csv.read_text().splitlines()[1:-24]]
    rows = [f"{at},{300 + 10 * hour},{400 + 10 * hour},290,{310 + 10 * hour},1" for hour, at in enumerate(stamps)]
    file.write_text("\n".join(["open_time,open,high,low,close,volume", *rows]))
    return file


def test_fees_follow_the_price_of_bnb_and_the_money_still_adds_up(command, bnb_csv, capsys):
    bnb = ("--bnb-price", "market", "--bnb-data", bnb_csv, "--bnb", "3")
    assert command(*GRID, *bnb, "--allow-gaps", "--json") == 0
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    money = {name: Decimal(value) for name, value in told["money"].items()}
    parts = ("grid_profit", "inventory_change", "funding", "fee_asset_revaluation", "quote_rounding", "residual")
    assert money["equity_change"] == sum(money[name] for name in parts) - money["fees"]
    assert money["residual"] == 0
    assert money["fee_asset_revaluation"] < 0
    assert told["assumed"]["balances"]["BNB"] == "3"
    assert told["assumed"]["fees"]["bnb_market"]["symbol"] == "BNBUSDT"
    fees = next(line for line in told["assumptions"] if line.startswith("Fees"))
    assert "at the last close of BNBUSDT (1h) before each fill's candle or trade; of its candles 24 are missing" in fees
    assert command(*GRID, *bnb[:4], "--no-bounds", "--allow-gaps") == 0
    assert "BNB revalued" in capsys.readouterr().out


def test_a_price_of_bnb_that_nobody_knows_is_refused(command, bnb_csv, tmp_path):
    late = tmp_path / "late.csv"
    lines = bnb_csv.read_text().splitlines()
    late.write_text("\n".join(lines[:1] + lines[3:]))
    market, window = ("--bnb-price", "market"), ("--from", "2024-01-01", "--to", "2024-02-09")
    for words, said in (
        (("--bnb-data", bnb_csv), "bnb_data: goes with --bnb-price market"),
        (("--bnb-price", "market"), "data get BNBUSDT --interval 1h --from 2024-01-01 --to 2024-02-09"),
        ((*market, "--bnb-data", late), "begin at 2024-01-01 02:00, and what BNB cost from 2024-01-01 00:00 on is not"),
        ((*market, "--bnb-data", bnb_csv), "--allow-gaps to go on with the last known price"),
        ((*market, "--bnb-data", "none.csv"), "bnb_data: there is no file none.csv"),
    ):
        with pytest.raises(TradingError, match=re.escape(said)):
            command(*GRID, *window, *words)


def test_an_empty_store_says_how_to_fill_it(command):
    with pytest.raises(TradingError, match="data get BTCUSDT"):
        command(*GRID, data=None)


def test_a_folder_that_is_a_file_and_a_broken_configuration_are_refused(command, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TradingError, match=r"out: .*is a file"):
        command(*GRID, "--out", tmp_path / "file")
    with pytest.raises(InvalidRequest, match=r"^out: .*file/below cannot be written: .*; name a folder"):
        command(*GRID, "--no-bounds", "--out", tmp_path / "file" / "below")
    with pytest.raises(ConfigError):
        command(*GRID, "--config", Path("none.yaml"))


@pytest.fixture(scope="module")
def trades_csv(tmp_path_factory):
    file = tmp_path_factory.mktemp("trades") / "BTCUSDT-trades.csv"
    rows = [
        f"{at},{40_000 + 90 * (at % 40 if at % 80 < 40 else 40 - at % 40)}.00,0.02,800.00,{START_MS + 45_000 * at},true"
        for at in range(2_000)
    ]
    file.write_text("\n".join(["id,price,qty,quote_qty,time,is_buyer_maker", *rows]) + "\n")
    return file


def test_trades_are_replayed_one_by_one(command, trades_csv, capsys, tmp_path):
    assert command(*GRID, "--trades", "--fill", "share:50%", "--out", tmp_path / "out", data=trades_csv) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "2,000 trades from 2024-01-01 to 2024-01-02 (UTC), from BTCUSDT-trades.csv; none are missing." in printed
    assert "gets 50 % of what is traded at its price; a trade beyond its price fills it whole" in printed
    assert "Last in every queue it would have been" in printed
    told = json.loads((tmp_path / "out" / "result.json").read_text())
    assert told["market"]["trades"] == {"count": 2_000, "missing": 0}
    assert told["declared"]["cycles"] > 20
    assert told["bounds"]["pessimistic"]["cycles"] < told["declared"]["cycles"] < told["bounds"]["optimistic"]["cycles"]


def test_a_latency_is_told_with_what_came_of_it(command, trades_csv, capsys, tmp_path):
    out = tmp_path / "late"
    words = ("--trades", "--latency", "60000", "--orders-per-10s", "2", "--max-exposure", "9999.5", "--out", out)
    assert command(*GRID, *words, data=trades_csv) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "reach the exchange 60,000 ms after what they answer" in shown
    assert "Post-only refused" in shown
    told = json.loads((out / "result.json").read_text())
    assert told["assumed"]["delays"] == {"latency_ms": 60_000, "orders_per_10s": 2}
    assert told["work"]["rate_waits"] > 0
    assert told["assumed"]["max_exposure"] == "9999.5"
    assert "a buy waits that would put more than 9999.5 USDT at risk" in shown
    assert "Buys above the limit" in shown
    assert told["work"]["post_only_refusals"] >= told["work"]["late_cancels"] >= 0
    assert "60,000 ms" in (out / "report.html").read_text("utf-8")


def test_trades_pay_for_bnb_what_its_last_candle_told(command, trades_csv, bnb_csv, capsys):
    bnb = ("--bnb-price", "market", "--bnb-data", bnb_csv, "--bnb", "3", "--no-bounds", "--json")
    assert command(*GRID, "--trades", *bnb, data=trades_csv) == 0
    told = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    money = {name: Decimal(value) for name, value in told["money"].items()}
    assert money["residual"] == 0 > money["fee_asset_revaluation"]
    assert sum(Decimal(month["gain"]) for month in told["months"]) == money["equity_change"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--windows", "day"), "windows: goes with candles"),
        (("--path", "optimistic"), "path: goes with candles"),
        (("--interval", "1m"), "interval: goes with candles"),
        (("--from", "2031-01"), "from: there are no trades in that window, from BTCUSDT-trades.csv"),
    ],
)
def test_what_trades_do_not_go_with_is_refused(command, trades_csv, words, said):
    with pytest.raises(TradingError, match=re.escape(said)):
        command(*GRID, "--trades", *words, data=trades_csv)


def test_missing_trades_are_refused_unless_allowed(command, trades_csv, tmp_path, capsys):
    lines = trades_csv.read_text().splitlines()
    gappy = tmp_path / "BTCUSDT-trades.csv"
    gappy.write_text("\n".join(lines[:100] + lines[150:]))
    with pytest.raises(TradingError, match=r"trades are missing: .*\(50 missing\)"):
        command(*GRID, "--trades", data=gappy)
    assert command(*GRID, "--trades", "--allow-gaps", "--no-bounds", data=gappy) == 0
    assert "50 trades (2.50 %) are missing" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(TradingError, match="trades: no trades or aggTrades of BTCUSDT are stored"):
        command(*GRID, "--trades", data=None)
