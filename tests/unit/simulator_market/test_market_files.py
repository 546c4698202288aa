import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.market_examples import START_MS, write_csv
from simulator.market.feed import MarketError
from simulator.market.files import DataSource, parse_moment, read_candles
from simulator.market.numbers import parse_floats, parse_text
from simulator.market.trades import TradeFile

HEADER = "open_time,open,high,low,close,volume"
MINUTE = 60_000


def row(minute: int, *figures: str) -> list[object]:
    return [START_MS + minute * MINUTE, *(figures or ("100.01", "100.03", "100", "100.02", "1.5"))]


def csv_source(folder: Path, rows: list[list[object]], header: str = HEADER) -> DataSource:
    return DataSource.parse(str(write_csv(folder / "BTCUSDT_1m.csv", rows, header)))


@given(st.integers(1, 10**11), st.sampled_from([1, 100, 1_000, 10**6, 10**8]))
def test_floats_come_back_as_the_decimals_they_were(steps: int, grid: int) -> None:
    scaled = steps * grid if steps * grid < 10**16 else steps
    as_float = scaled / 10**8
    assert parse_floats(np.array([as_float]), grid).tolist() == [scaled]


@given(st.integers(1, 10**7), st.integers(1, 9))
def test_noise_of_float_sums_is_taken_off(lots: int, parts: int) -> None:
    noisy = sum([lots / 100_000 / parts] * parts)
    assert parse_floats(np.array([noisy]), 1_000).tolist() == [lots * 1_000]


@given(st.decimals(min_value=0, max_value=10**9, places=8))
def test_text_is_read_exactly(value: Any) -> None:
    assert parse_text(f"{value:f}") == int(value * 10**8)


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "1,5"])
def test_text_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        parse_text(text)


def test_a_csv_file_is_read_exactly(tmp_path: Path) -> None:
    header = HEADER + ",quote_volume,trades,taker_buy_base,taker_buy_quote"
    rows = [[*row(0), "150.025", "7", "0.5", "50.01"], [*row(2), "1e-8", "1", "0", "0"]]
    file = read_candles(csv_source(tmp_path, rows, header))
    columns = file.columns
    assert (file.interval, file.source.symbol, file.source.market) == ("1m", "BTCUSDT", "spot")
    assert columns.open.tolist() == [10_001_000_000] * 2
    assert columns.volume.tolist() == [150_000_000] * 2
    assert columns.quote_volume is not None
    assert columns.quote_volume.tolist() == [150_025 * 10**13, 10**8]
    assert columns.trades is not None
    assert columns.trades.tolist() == [7, 1]
    assert "1 gaps, 1 candles of 1m missing, the first from 2024-08-09 00:01" in file.notices[0]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_a_parquet_file_may_keep_timestamps_in_any_unit(tmp_path: Path, unit: Any) -> None:
    path = tmp_path / "DOGEUSDT_5m.parquet"
    opens = [datetime(2024, 8, 9, 0, minute, tzinfo=UTC) for minute in (0, 5)]
    figures = {name: [0.10001, 0.1] for name in ("open", "high", "low", "close")}
    frame = pl.DataFrame({"open_time": opens, **figures, "volume": [123_456_789_012.0, 3.0]})
    frame.with_columns(pl.col("open_time").cast(pl.Datetime(unit, "UTC"))).write_parquet(path)
    columns = read_candles(DataSource.parse(str(path))).columns
    assert columns.open_ms.tolist() == [START_MS, START_MS + 5 * MINUTE]
    assert columns.close.tolist() == [10_001_000, 10_000_000]
    assert columns.volume.tolist() == [123_456_789_012 * 10**8, 3 * 10**8]


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ([row(0)], "open_time,open,high,low,close,size", "column volume is missing; a candle file needs open_time"),
        ([], HEADER, "holds no rows"),
        ([row(1), row(0)], HEADER, "row 2 is not later than the row before; sort by open_time"),
        ([row(0), row(0)], HEADER, "row 2 is not later"),
        ([row(0), row(1, "0", "1", "0", "1", "1")], HEADER, "row 2 has a price that is not above 0"),
        ([row(0, "5", "4", "3", "4", "1")], HEADER, "row 1 has a high below its open or close"),
        ([row(0, "5", "6", "5.5", "5.7", "1")], HEADER, "row 1 has a low above its open or close"),
        ([row(0, "5", "6", "4", "5", "-1")], HEADER, "row 1 has a negative volume"),
        ([row(0, "5", "6", "4", "x", "1")], HEADER, "row 1 close: 'x' is not a number"),
        ([["soon", "5", "6", "4", "5", "1"]], HEADER, "row 1 open_time: 'soon' is no time"),
        ([[START_MS + 1, "5", "6", "4", "5", "1"]], HEADER, "row 1 open_time is not the start of a 1m candle"),
    ],
)
def test_a_bad_file_is_refused_with_row_and_remedy(
    tmp_path: Path, rows: list[list[object]], header: str, message: str
) -> None:
    with pytest.raises(MarketError) as refused:
        read_candles(csv_source(tmp_path, rows, header))
    assert message in str(refused.value)
    assert "BTCUSDT_1m.csv" in str(refused.value)


def test_missing_values_and_broken_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT_1m.parquet"
    figures = {name: [1.0, float("nan")] for name in ("open", "high", "low", "close", "volume")}
    pl.DataFrame({"open_time": [START_MS, START_MS + MINUTE], **figures}).write_parquet(path)
    with pytest.raises(MarketError, match="row 2 open is empty or not finite"):
        read_candles(DataSource.parse(str(path)))
    path.write_bytes(b"no parquet")
    with pytest.raises(MarketError, match="cannot be read"):
        read_candles(DataSource.parse(str(path)))


def test_the_interval_comes_from_the_rows_where_the_name_does_not_tell(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "prices.csv", [row(0), row(15), row(30)], HEADER)
    assert read_candles(DataSource.parse(f"SOLUSDT={path}")).interval == "15m"
    write_csv(path, [row(0)], HEADER)
    with pytest.raises(MarketError, match=r"name the file SOLUSDT_1m\.parquet"):
        read_candles(DataSource.parse(f"SOLUSDT={path}"))


def test_options_tell_market_symbol_and_file(tmp_path: Path) -> None:
    path = tmp_path / "ETHUSDT_1h.csv"
    path.touch()
    assert DataSource.parse(str(path)) == DataSource("spot", "ETHUSDT", path)
    assert DataSource.parse(f"um:{path}").market == "um"
    assert DataSource.parse(f"um:btcusdt={path}") == DataSource("um", "BTCUSDT", path)
    recorded = tmp_path / "ws_um_BTCUSDT_20240808.jsonl.gz"
    recorded.touch()
    source = DataSource.parse(str(recorded))
    assert (source.market, source.symbol, source.holds_trades) == ("um", "BTCUSDT", True)
    (tmp_path / "x.csv").touch()
    with pytest.raises(MarketError, match="the name does not tell the symbol; write SYMBOL="):
        DataSource.parse(str(tmp_path / "x.csv"))
    with pytest.raises(MarketError, match="there is no file"):
        DataSource.parse(str(tmp_path / "BNBUSDT_1m.csv"))


def test_moments_are_utc_unless_they_say_otherwise() -> None:
    assert parse_moment("2024-08-09") == parse_moment("2024-08-09T00:00") == START_MS
    assert parse_moment("2024-08-09T02:00+02:00") == START_MS
    assert parse_moment(str(START_MS)) == parse_moment(str(START_MS * 1_000)) == START_MS
    assert parse_moment(str(START_MS // 1_000)) == START_MS
    with pytest.raises(MarketError, match="write 2024-08-08"):
        parse_moment("yesterday")


def message(trade_id: int, time_ms: int, **changes: object) -> dict[str, object]:
    trade = {"e": "trade", "s": "BTCUSDT", "t": trade_id, "p": "61000.01", "q": "0.5", "T": time_ms, "m": True}
    return {**trade, **changes}


def trade_file(folder: Path, lines: list[object]) -> TradeFile:
    path = folder / "BTCUSDT_trades.jsonl.gz"
    with gzip.open(path, "wt") as out:
        out.writelines((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    return TradeFile(path, "BTCUSDT")


def test_trades_are_found_in_every_envelope(tmp_path: Path) -> None:
    file = trade_file(
        tmp_path,
        [
            message(1, START_MS),
            {"stream": "btcusdt@trade", "data": message(2, START_MS + 1, m=False)},
            {"recv_ns": 5, "msg": {"stream": "btcusdt@trade", "data": message(3, START_MS + 2)}},
            {"msg": {"stream": "btcusdt@bookTicker", "data": {"u": 1}}},
            message(4, START_MS + 3, s="ETHUSDT"),
            message(5, START_MS + 3, e="aggTrade"),
            message(6, START_MS + 3, X="INSURANCE_FUND"),
        ],
    )
    assert [(t.time_ms - START_MS, t.buyer_is_maker) for t in file.prints()] == [(0, True), (1, False), (2, True)]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "line 2 is no JSON"),
        ("[]", "line 2 is no JSON object"),
        (message(2, START_MS, p="x"), "line 2 is no trade with p, q, T and m"),
        (message(2, START_MS, q="0"), "line 2 has a price or quantity that is not above 0"),
        (message(2, START_MS - 1), "line 2 is older than the trade before"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: object, complaint: str) -> None:
    with pytest.raises(MarketError, match=complaint):
        list(trade_file(tmp_path, [message(1, START_MS), line]).prints())


def test_a_broken_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT_trades.jsonl.gz"
    path.write_bytes(b"not gzip")
    with pytest.raises(MarketError, match="cannot be read"):
        list(TradeFile(path, "BTCUSDT").prints())
