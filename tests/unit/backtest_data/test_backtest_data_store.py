"""The store: what is put comes back, contradictions are refused, windows and gaps are told."""

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.candles import Gap
from backtest.data.columns import SCHEMAS
from backtest.data.coverage import cover, extent
from backtest.data.loading import load_candles
from backtest.data.merging import merge
from backtest.data.periods import parse_window, utc
from backtest.data.series import Series
from backtest.data.store import Put, Store
from domain.errors import Conflict, InvalidRequest
from domain.instrument import Market
from fakes.recorded_rows import ms
from ports.archives import Recording

MINUTE_MS = 60_000
START = ms("2024-02-29T23:00:00")
SERIES = Series.named("BTCUSDT", "spot", "klines", "1m")


def frame(opened: list[int], close: int = 5, *, told: bool = True) -> pl.DataFrame:
    rows = len(opened)
    return pl.DataFrame(
        {
            "open_ms": opened,
            **{name: [close] * rows for name in ("open", "high", "low", "close")},
            "volume": [Decimal("1.5")] * rows,
            "quote_volume": [Decimal(7) if told else None] * rows,
            "trades": [3 if told else None] * rows,
        },
        schema=SCHEMAS[Recording.KLINES],
    )


def minutes(*at: int) -> list[int]:
    return [START + minute * MINUTE_MS for minute in at]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "market")


def test_rows_are_split_by_month_and_come_back_in_order(store: Store) -> None:
    assert store.put(SERIES, frame(minutes(*range(60, 120)))) == Put(added=60)
    assert store.put(SERIES, frame(minutes(*range(70)))) == Put(added=60, same=10)
    assert [held.path.name for held in store.holdings(SERIES)] == ["2024-02.parquet", "2024-03.parquet"]
    assert store.read(SERIES)["open_ms"].to_list() == minutes(*range(120))
    assert store.read(SERIES, START + MINUTE_MS, START + 3 * MINUTE_MS)["open_ms"].to_list() == minutes(1, 2)
    assert store.series() == [SERIES]
    found = extent(store, SERIES)
    assert (found.rows, found.first_ms, found.end_ms) == (120, START, START + 120 * MINUTE_MS)


def test_a_contradiction_changes_nothing_in_any_month(store: Store) -> None:
    store.put(SERIES, frame(minutes(*range(50, 70))))
    before = {held.path: held.path.read_bytes() for held in store.holdings(SERIES)}
    fresh = pl.concat([frame(minutes(10)), frame(minutes(65, 66), close=6)])
    with pytest.raises(
        Conflict, match=r"at 2024-03-01 00:05 open is stored as 0\.00000005, .* 0\.00000006 \(1 more.*--replace"
    ):
        store.put(SERIES, fresh)
    assert {held.path: held.path.read_bytes() for held in store.holdings(SERIES)} == before
    assert store.put(SERIES, fresh, replace=True) == Put(added=1, replaced=2)
    assert store.read(SERIES, START + 65 * MINUTE_MS)["close"].to_list()[:3] == [6, 6, 5]


def test_what_one_source_does_not_tell_is_taken_from_the_other(store: Store) -> None:
    store.put(SERIES, frame(minutes(0, 1), told=False))
    assert store.put(SERIES, frame(minutes(1, 2))) == Put(added=1, same=1)
    assert store.put(SERIES, frame(minutes(2), told=False)) == Put(same=1)
    assert store.read(SERIES)["trades"].to_list() == [None, 3, 3]


@given(
    st.sets(st.integers(0, 40), max_size=20),
    st.sets(st.integers(0, 40), max_size=20),
)
def test_merging_is_a_union_in_either_order(one: set[int], other: set[int]) -> None:
    first, second = frame(minutes(*sorted(one))), frame(minutes(*sorted(other)), told=False)
    forth, back = (merge(*pair, SERIES, replace=False) for pair in ((first, second), (second, first)))
    assert forth.rows.equals(back.rows)
    assert forth.rows["open_ms"].to_list() == minutes(*sorted(one | other))
    assert (forth.added, forth.same) == (len(other - one), len(one & other) if one else 0)


def test_writers_take_turns_and_a_damaged_file_is_named(store: Store) -> None:
    with store.writing(), pytest.raises(Conflict, match="another command is writing"), Store(store.folder).writing():
        pass
    store.put(SERIES, frame(minutes(0)))
    (held,) = store.holdings(SERIES)
    held.path.write_bytes(held.path.read_bytes()[:100])
    with pytest.raises(Conflict, match=r"2024-02\.parquet is damaged .*delete that file"):
        load_candles(store, "BTCUSDT", "spot", "1m")


def test_drop_takes_files_and_empty_folders(store: Store) -> None:
    store.put(SERIES, frame(minutes(*range(120))))
    assert store.drop(SERIES, to_ms=ms("2024-03-01")) == 1
    assert store.read(SERIES)["open_ms"].to_list() == minutes(*range(60, 120))
    assert store.drop(SERIES) == 1
    assert store.series() == []
    assert not (store.folder / "spot").exists()


def test_gaps_within_and_at_the_ends_of_a_window(store: Store) -> None:
    store.put(SERIES, frame(minutes(*range(5, 20), *range(30, 60))))
    inside = Gap(START + 20 * MINUTE_MS, START + 30 * MINUTE_MS, 10)
    assert cover(store, SERIES).gaps == (inside,)
    with_ends = cover(store, SERIES, START, START + 100 * MINUTE_MS)
    assert [gap.missing for gap in with_ends.gaps] == [5, 10, 40]
    assert with_ends.gaps[1] == inside
    with pytest.raises(
        InvalidRequest, match=r"from: spot BTCUSDT klines 1m has gaps.*23:20 to .*23:30 \(10 missing\).*--allow-gaps"
    ):
        load_candles(store, "BTCUSDT", "spot", "1m")
    assert load_candles(store, "BTCUSDT", "spot", "1m", allow_gaps=True).gaps == (inside,)
    assert len(load_candles(store, "BTCUSDT", "spot", "1m", START + 30 * MINUTE_MS, START + 60 * MINUTE_MS)) == 30


def test_longer_candles_are_made_of_whole_ones_alone(store: Store) -> None:
    opened = minutes(*range(3, 128))
    rows = frame(opened).with_columns(
        open=pl.Series(range(1003, 1128)),
        close=pl.Series(range(1003, 1128)),
        high=pl.Series(range(2003, 2128)),
        low=pl.Series(range(3, 128)),
    )
    store.put(SERIES, rows)
    candles = load_candles(store, "BTCUSDT", Market.SPOT, "5m")
    assert candles.open_ms.tolist() == minutes(*range(5, 125, 5))
    assert (candles.open[0], candles.high[0], candles.low[0], candles.close[0]) == (1005, 2009, 5, 1009)
    assert candles.volume[0] == 7.5
    assert load_candles(store, "BTCUSDT", "spot", "1h").open_ms.tolist() == minutes(60)
    with pytest.raises(InvalidRequest, match="nothing of spot BTCUSDT klines 1m"):
        load_candles(store, "BTCUSDT", "spot", "4h")
    hours = Series.named("BTCUSDT", "spot", "klines", "1h")
    store.put(hours, frame(minutes(0, 60, 120, 180)))
    assert load_candles(store, "BTCUSDT", "spot", "1h").open_ms.tolist() == minutes(0, 60, 120, 180)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("ETHUSDT", "spot", "1m"), r"symbol: no klines of spot ETHUSDT are stored; .*data get ETHUSDT"),
        (("BTCUSD", "spot", "1m"), r"did you mean BTCUSDT\?"),
        (("BTCUSDT", "um", "1m"), r"no klines of um BTCUSDT are stored"),
        (("BTCUSDT", "moon", "1m"), r"market: 'moon' is no market"),
        (("BTC-USDT", "spot", "1m"), r"symbol: 'BTC-USDT' is no symbol"),
        (("BTCUSDT", "spot", "1M"), r"interval: '1M' is not known; did you mean 1m"),
        (("BTCUSDT", "spot", "1s"), r"interval: of spot BTCUSDT only 1m is stored"),
    ],
)
def test_unknown_words_are_named(store: Store, words: tuple[str, str, str], told: str) -> None:
    store.put(SERIES, frame(minutes(0)))
    with pytest.raises(InvalidRequest, match=told):
        load_candles(store, *words)


def test_windows_as_people_write_them(store: Store) -> None:
    assert parse_window("2023-12", "2023-12") == (ms("2023-12-01"), ms("2024-01-01"))
    assert parse_window("2023-12-31", "2023-12-31") == (ms("2023-12-31"), ms("2024-01-01"))
    assert parse_window("2023-12-31T14:30", None) == (ms("2023-12-31T14:30:00"), None)
    assert parse_window(None, "2023-12-31T15:30+01:00") == (None, ms("2023-12-31T14:30:00"))
    assert utc(ms("2023-12-31T14:30:05") + 7) == "2023-12-31 14:30:05.007"
    for start, end, field in (
        ("2023-13", None, "from"),
        (None, "soon", "to"),
        ("2023-02", "2023-01", "to: the window"),
    ):
        with pytest.raises(InvalidRequest, match=field):
            parse_window(start, end)
    store.put(SERIES, frame(minutes(0)))
    with pytest.raises(InvalidRequest, match="the window is empty"):
        load_candles(store, "BTCUSDT", "spot", "1m", START, START)
    with pytest.raises(InvalidRequest, match=r"nothing of .* is stored between 2020-01-01 00:00"):
        load_candles(store, "BTCUSDT", "spot", "1m", ms("2020-01-01"), ms("2020-02-01"))
