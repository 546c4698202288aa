"""Every kind of file leads to the same rows; what is wrong in one is told with column, row and remedy."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from backtest.data.importing import Imported, Words, import_files
from backtest.data.intake import Intake
from backtest.data.loading import load_candles, load_trades
from backtest.data.reading import Dialect
from backtest.data.store import Put, Store
from domain.errors import InvalidRequest
from fakes.binance_archive import zipped
from fakes.recorded_rows import HOUR_MS, KLINE_HEADER, klines, ms, trades

START = ms("2024-01-30")
ROWS = klines(START, START + 96 * HOUR_MS)
CELLS = [row.split(",") for row in ROWS]
PLAIN = {
    "ts": [int(cells[0]) for cells in CELLS],
    **{
        name: [float(cells[at]) for cells in CELLS]
        for at, name in enumerate(("open", "high", "low", "close", "volume"), 1)
    },
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "market")


def bring(store: Store, path: Path, dialect: Dialect | None = None, *, tidy: bool = False, **words: str) -> Imported:
    said = Words(**{"symbol": "BTCUSDT", **words})
    (done,) = import_files(store, [path], said, Intake(dialect=dialect or Dialect(), tidy=tidy))
    return done


def write(path: Path, lines: list[str], header: str | None = None) -> Path:
    path.write_text("\n".join([*([header] if header else []), *lines]) + "\n")
    return path


def test_every_format_gives_the_same_rows(store: Store, tmp_path: Path) -> None:
    files = [write(tmp_path / "bare.csv", ROWS), write(tmp_path / "headed.csv", ROWS, KLINE_HEADER)]
    (tmp_path / "bom.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(ROWS).encode())
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress("\n".join(ROWS).encode()))
    (tmp_path / "archive.zip").write_bytes(zipped("archive", ROWS))
    semicolons = [";".join(cells[:6]) for cells in CELLS]
    files += [tmp_path / "bom.csv", tmp_path / "packed.csv.gz", tmp_path / "archive.zip"]
    files.append(write(tmp_path / "named.csv", semicolons, "Date;Open;High;Low;Close;Volume"))
    iso = [f"2024-01-30T{hour:02}:00:00Z," + ",".join(CELLS[hour][1:6]) for hour in range(24)]
    files.append(write(tmp_path / "iso.csv", iso, "datetime,open,high,low,close,volume"))
    frame = pl.DataFrame(PLAIN)
    frame.write_parquet(tmp_path / "plain.parquet")
    dated = frame.rename({"ts": "date"}).with_columns(
        pl.col("date").cast(pl.Datetime("ms")).dt.replace_time_zone("UTC")
    )
    dated.write_ipc(tmp_path / "dated.feather")
    files += [tmp_path / "plain.parquet", tmp_path / "dated.feather"]
    first = bring(store, files[0])
    assert (str(first.series), first.put) == ("spot BTCUSDT klines 1h", Put(added=96))
    for path in files[1:]:
        done = bring(store, path)
        assert done.put == Put(same=24 if path.name == "iso.csv" else 96), path.name
        assert any("binary floats" in note for note in done.notices) == (path.suffix in {".parquet", ".feather"})
    months = sorted(path.name for path in (store.folder / "spot/klines/BTCUSDT/1h").iterdir())
    assert months == ["2024-01.parquet", "2024-02.parquet"]
    assert len(load_candles(store, "BTCUSDT", "spot", "1h")) == 96


def test_the_name_tells_the_symbol_and_a_checksum_beside_is_verified(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "ETHUSDT-1h-2024-01.zip"
    path.write_bytes(zipped("ETHUSDT-1h-2024-01", ROWS))
    beside = tmp_path / f"{path.name}.CHECKSUM"
    beside.write_text(f"{'0' * 64}  {path.name}\n")
    with pytest.raises(InvalidRequest, match=r"file: .* does not agree with .*CHECKSUM"):
        import_files(store, [path], Words(), Intake())
    beside.unlink()
    (done,) = import_files(store, [path], Words(), Intake())
    assert done.series.symbol == "ETHUSDT"
    other = write(tmp_path / "candles.csv", ROWS)
    with pytest.raises(InvalidRequest, match=r"symbol: the name candles\.csv does not tell it"):
        import_files(store, [other], Words(), Intake())


def mended(at: int, column: int, text: str) -> list[str]:
    cells = [list(row) for row in CELLS]
    cells[at][column] = text
    return [",".join(row) for row in cells]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (mended(5, 2, "1.0"), r"high: x\.csv, row 6: is below low: the two columns may be swapped"),
        (mended(5, 1, "99999"), r"high: x\.csv, row 6: is below open or close"),
        (mended(5, 3, CELLS[5][1].replace(".0", ".7")), r"low: x\.csv, row 6: is above open or close"),
        (mended(5, 3, "0"), r"low: x\.csv, row 6: is not above 0"),
        (mended(5, 5, "-1"), r"volume: x\.csv, row 6: is below 0"),
        (mended(5, 0, str(START + 5 * HOUR_MS + 60_000)), r"open_time: x\.csv, row 7: .* no interval"),
        (mended(5, 4, "2o.5"), r"close: x\.csv, row 6: '2o\.5' is not a number"),
        ([*ROWS[:9], ROWS[4], *ROWS[9:]], r"open_time: x\.csv, row 10: is earlier than the row before; sort"),
        ([*ROWS[:9], ROWS[8], *ROWS[9:]], r"open_time: x\.csv, row 10: repeats the row before"),
        ([f"{int(row[0]) // 1000},{','.join(row[1:])}" for row in CELLS], "looks like seconds"),
        ([",".join(row[:5]) for row in CELLS], "has no header and 5 columns"),
        ([], "is empty"),
        ([KLINE_HEADER], "holds no rows"),
        (["a,b,c", "1,2,3"], "kind: .* has the columns a, b, c: say what they are"),
        (["open_time,open,high,low,close", "1,2,3,4,5"], "say what they are, e.g. --kind mark"),
    ],
)
def test_a_bad_file_is_told_with_column_row_and_remedy(
    store: Store, tmp_path: Path, rows: list[str], told: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_text("\n".join(rows))
    with pytest.raises(InvalidRequest, match=told):
        bring(store, path)
    assert store.series() == []


def test_nothing_is_stored_if_one_file_of_many_is_bad(store: Store, tmp_path: Path) -> None:
    files = [write(tmp_path / "BTCUSDT_good.csv", ROWS), write(tmp_path / "BTCUSDT_bad.csv", mended(3, 2, "1"))]
    with pytest.raises(InvalidRequest, match="BTCUSDT_bad"):
        import_files(store, files, Words(), Intake())
    assert store.series() == []


def test_disorder_is_put_right_on_demand_but_never_a_contradiction(store: Store, tmp_path: Path) -> None:
    done = bring(store, write(tmp_path / "x.csv", [*reversed(ROWS), ROWS[3]]), tidy=True)
    assert done.put == Put(added=96)
    assert "sorted, 1 repeated rows dropped" in done.notices[-1]
    with pytest.raises(InvalidRequest, match="a second time with other values"):
        bring(store, write(tmp_path / "y.csv", [*ROWS, mended(4, 5, "1.6")[4]]), tidy=True)


@pytest.mark.parametrize(("said", "told"), [("1m", "apart, not 1m; say --interval 1h"), ("7m", "'7m' is not known")])
def test_an_interval_that_is_not_the_files_is_refused(store: Store, tmp_path: Path, said: str, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        bring(store, write(tmp_path / "x.csv", ROWS), interval=said)


def test_files_nothing_can_be_made_of(store: Store, tmp_path: Path) -> None:
    for name, content in (
        ("x.xlsx", b"x"),
        ("x.parquet", b"no"),
        ("x.zip", b"no"),
        ("x.csv.gz", b"no"),
        ("x.feather", b""),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InvalidRequest, match=rf"file: {name} "):
            bring(store, path)
    with pytest.raises(InvalidRequest, match="there is no file"):
        bring(store, tmp_path / "none.csv")


@pytest.mark.parametrize("market", ["spot", "um"])
def test_trades_with_and_without_header(store: Store, tmp_path: Path, market: str) -> None:
    rows = trades(7, [START + at * 9 * HOUR_MS for at in range(12)])
    if market == "um":
        rows = ["id,price,qty,quote_qty,time,is_buyer_maker", *(row.rpartition(",")[0].lower() for row in rows)]
    done = bring(store, write(tmp_path / "x.csv", rows), market=market)
    assert (str(done.series), done.put) == (f"{market} BTCUSDT trades", Put(added=12))
    assert bring(store, tmp_path / "x.csv", market=market).put == Put(same=12)
    loaded = load_trades(store, "BTCUSDT", market)
    assert loaded.id.tolist() == list(range(7, 19))
    assert loaded.quantity.tolist() == [0.5] * 12
    assert len(list((store.folder / market / "trades/BTCUSDT").iterdir())) == 5


def test_aggregated_trades_and_their_ids(store: Store, tmp_path: Path) -> None:
    rows = [f"{at},1.5,2.00000000,{10 * at},{10 * at + 9},{START + at},true,true" for at in (3, 4, 6)]
    assert str(bring(store, write(tmp_path / "x.csv", rows)).series) == "spot BTCUSDT aggTrades"
    with pytest.raises(InvalidRequest, match="has gaps"):
        load_trades(store, "BTCUSDT", "spot", aggregated=True)
    assert load_trades(store, "BTCUSDT", "spot", aggregated=True, allow_gaps=True).id.tolist() == [3, 4, 6]
