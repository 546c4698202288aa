"""Downloads from an archive on loopback: what is stored afterwards is what lay there, whatever happened on the way."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.binance.archives import ATTEMPTS, ATTEMPTS_BEFORE_FIRST_ANSWER, BinanceArchives
from backtest.data.getting import Getting, Outcome, Request
from backtest.data.loading import load_candles, load_funding, load_trades
from backtest.data.periods import parse_window
from backtest.data.progress import Silent
from backtest.data.series import Series
from backtest.data.store import Put, Store
from domain.errors import InvalidRequest, NotFound, Unreachable
from fakes.binance_archive import Archive, serving
from fakes.clock import FakeClock
from fakes.recorded_rows import HOUR_MS, KLINE_HEADER, klines, month_ms, ms, trades

BELOW = "data/spot/monthly/klines/BTCUSDT/1h"
NOW_MS = ms("2023-05-03T09:00:00")


@pytest.fixture
def archive() -> Iterator[Archive]:
    """February to April of 2023 by month, two days of May, and nothing before."""
    with serving(Archive()) as there:
        for month in (2, 3, 4):
            header = KLINE_HEADER if month == 3 else None
            there.add(f"{BELOW}/BTCUSDT-1h-2023-0{month}.zip", klines(*month_ms(2023, month)), header)
        for day in (1, 2):
            start = ms(f"2023-05-0{day}")
            daily = BELOW.replace("monthly", "daily")
            there.add(f"{daily}/BTCUSDT-1h-2023-05-0{day}.zip", klines(start, start + 24 * HOUR_MS))
        yield there


class Downloads:
    """Gets things without ever sleeping; `pauses` is what it would have waited."""

    def __init__(self, archive: Archive, folder: Path) -> None:
        self.archive = archive
        self.store = Store(folder)
        self.clock = FakeClock()

    @property
    def pauses(self) -> list[float]:
        return self.clock.waits

    def get(
        self, start: str, end: str | None = None, *, kind: str = "klines", now_ms: int = NOW_MS, replace: bool = False
    ) -> Outcome:
        from_ms, to_ms = parse_window(start, end)
        assert from_ms is not None
        series = Series.named("BTCUSDT", "um" if kind == "funding" else "spot", kind, "1h")
        request = Request(series=series, from_ms=from_ms, to_ms=to_ms or now_ms, replace=replace)

        async def run() -> Outcome:
            archives = BinanceArchives(
                self.archive.address,
                pause=self.clock.sleep,
                now_ms=self.clock.wall_ms,
                closures=[self.store.folder.parent / "closures"],
            )
            try:
                return await Getting(request, archives, self.store, Silent(), now_ms).run()
            finally:
                await archives.close()

        self.archive.asked.clear()
        with self.store.writing():
            return asyncio.run(run())

    def hours(self) -> list[int]:
        return load_candles(self.store, "BTCUSDT", "spot", "1h", allow_gaps=True).open_ms.tolist()


@pytest.fixture
def downloads(archive: Archive, tmp_path: Path) -> Downloads:
    return Downloads(archive, tmp_path / "market")


def test_months_and_the_running_month_by_days_then_nothing_twice(downloads: Downloads) -> None:
    told = downloads.get("2022-12")
    assert not told.failed
    assert told.not_listed == ["2022-12", "2023-01"]
    assert sorted(told.fetched) == ["2023-02", "2023-03", "2023-04", "2023-05-01", "2023-05-02"]
    candles = load_candles(downloads.store, "btc/usdt", "spot", "1h", ms("2023-02-01"), ms("2023-05-03"))
    assert candles.open_ms.tolist() == list(range(ms("2023-02-01"), ms("2023-05-03"), HOUR_MS))
    price = 20_000 + int(candles.open_ms[5]) // HOUR_MS % 97
    assert int(candles.close[5]) == price * 10**8 + 50_000_001
    again = downloads.get("2023-02")
    assert again.fetched == []
    assert again.stored_before == ["2023-02", "2023-03", "2023-04", "2023-05"]
    assert downloads.archive.asked == []
    assert not list(downloads.store.parts.iterdir())


def test_a_month_comes_by_days_until_its_file_is_there_and_then_by_that(downloads: Downloads) -> None:
    files = downloads.archive.files
    april = files.pop(f"{BELOW}/BTCUSDT-1h-2023-04.zip")
    daily = BELOW.replace("monthly", "daily")
    for day in range(1, 30):
        start = ms(f"2023-04-{day:02}")
        downloads.archive.add(f"{daily}/BTCUSDT-1h-2023-04-{day:02}.zip", klines(start, start + 24 * HOUR_MS))
    told = downloads.get("2023-04", "2023-04", now_ms=ms("2023-05-01T01:00:00"))
    assert (len(told.fetched), told.not_yet) == (29, ["2023-04-30"])
    files[f"{BELOW}/BTCUSDT-1h-2023-04.zip"] = april
    told = downloads.get("2023-04", "2023-04")
    assert (told.fetched, told.put.added, told.put.same) == (["2023-04"], 24, 29 * 24)
    assert downloads.hours() == list(range(*month_ms(2023, 4), HOUR_MS))


def test_single_days_come_by_files_of_days(downloads: Downloads) -> None:
    assert downloads.get("2023-05-01", "2023-05-01").fetched == ["2023-05-01"]
    assert len(downloads.hours()) == 24


def test_what_broke_off_is_continued_where_it_broke_off(downloads: Downloads) -> None:
    path = f"{BELOW}/BTCUSDT-1h-2023-02.zip"
    size = len(downloads.archive.files[path])
    downloads.archive.drops[path] = [size // 3, 0, size // 3]
    told = downloads.get("2023-02", "2023-02")
    assert told.fetched == ["2023-02"]
    parts = [line.partition("bytes=")[2] for line in downloads.archive.asked if line.startswith(f"GET /{path} ")]
    assert parts == [f"{size // 3}-", f"{size // 3}-", f"{2 * (size // 3)}-"]
    assert downloads.pauses == [1.0, 2.0, 1.0]  # growing, and short again after progress
    assert len(downloads.hours()) == 28 * 24


def test_another_run_continues_what_the_last_one_left(downloads: Downloads) -> None:
    path = f"{BELOW}/BTCUSDT-1h-2023-02.zip"
    size = len(downloads.archive.files[path])
    downloads.archive.drops[path] = [size // 2] + [0] * ATTEMPTS
    with pytest.raises(Unreachable, match="cannot be reached"):
        downloads.get("2023-02", "2023-03")
    downloads.archive.drops.clear()
    assert "2023-02" in downloads.get("2023-02", "2023-03").fetched
    assert any(line.endswith(f"bytes={size // 2}-") for line in downloads.archive.asked)
    assert len(downloads.hours()) == (28 + 31) * 24


def test_without_ranges_a_file_is_fetched_anew(downloads: Downloads) -> None:
    downloads.archive.ranges = False
    downloads.archive.drops[f"{BELOW}/BTCUSDT-1h-2023-02.zip"] = [1000]
    assert downloads.get("2023-02", "2023-02").fetched == ["2023-02"]
    assert len(downloads.hours()) == 28 * 24


def test_a_part_that_holds_something_else_is_thrown_away(downloads: Downloads) -> None:
    path = f"{BELOW}/BTCUSDT-1h-2023-02.zip"
    downloads.archive.drops[path] = [2000] + [0] * ATTEMPTS
    with pytest.raises(Unreachable):
        downloads.get("2023-02", "2023-02")
    downloads.archive.drops.clear()
    (part,) = downloads.store.parts.glob("*.part")
    part.write_bytes(b"x" * 10**6)  # longer than the file, so the archive has nothing behind it
    assert downloads.get("2023-02", "2023-02").fetched == ["2023-02"]


def test_a_wrong_checksum_spoils_its_own_month_alone(downloads: Downloads) -> None:
    path = f"{BELOW}/BTCUSDT-1h-2023-03.zip"
    downloads.archive.wrong_checksums.add(path)
    told = downloads.get("2023-02", "2023-04")
    assert sorted(told.fetched) == ["2023-02", "2023-04"]
    assert "does not match its checksum" in told.failed["2023-03"]
    assert downloads.archive.downloads().count("BTCUSDT-1h-2023-03.zip") == 2  # anew, once
    with pytest.raises(InvalidRequest, match=r"from: .*gaps.*2023-03-01 00:00 to 2023-04-01 00:00 \(744 missing\)"):
        load_candles(downloads.store, "BTCUSDT", "spot", "1h")
    downloads.archive.wrong_checksums.clear()
    assert downloads.get("2023-02", "2023-04").fetched == ["2023-03"]
    assert len(load_candles(downloads.store, "BTCUSDT", "spot", "1h")) == (28 + 31 + 30) * 24


def test_a_busy_archive_is_given_the_pause_it_asks_for(downloads: Downloads) -> None:
    downloads.archive.answers[f"{BELOW}/BTCUSDT-1h-2023-02.zip"] = [503, 429]
    assert downloads.get("2023-02", "2023-02").fetched == ["2023-02"]
    assert downloads.pauses == [7.0, 7.0]


def test_silence_is_kept_to_the_second_and_a_long_one_ends_the_download(downloads: Downloads) -> None:
    downloads.archive.retry_after = "119"
    downloads.archive.answers[f"{BELOW}/BTCUSDT-1h-2023-02.zip.CHECKSUM"] = [429]
    assert downloads.get("2023-02", "2023-02").fetched == ["2023-02"]
    assert downloads.pauses == [119.0]
    downloads.archive.retry_after = "7200"
    downloads.archive.answers[f"{BELOW}/BTCUSDT-1h-2023-03.zip"] = [418]
    for asked in (True, False):  # the second time is another process
        with pytest.raises(Unreachable, match=r"asks for silence until .* UTC; ask again then"):
            downloads.get("2023-03", "2023-03")
        assert bool(downloads.archive.asked) is asked
    downloads.clock.advance(7200)
    assert downloads.get("2023-03", "2023-03").fetched == ["2023-03"]


def test_nobody_there_is_told_soon_and_a_refusal_at_once(downloads: Downloads, tmp_path: Path) -> None:
    away = Downloads(Archive(address="http://127.0.0.1:9"), tmp_path / "away")
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9 cannot be reached"):
        away.get("2023-02", "2023-02")
    assert len(away.pauses) == ATTEMPTS_BEFORE_FIRST_ANSWER - 1
    downloads.archive.answers[f"{BELOW}/BTCUSDT-1h-2023-02.zip.CHECKSUM"] = [403]
    with pytest.raises(Unreachable, match="answered 403"):
        downloads.get("2023-02", "2023-02")
    assert downloads.pauses == []


def test_a_symbol_the_archive_does_not_know(downloads: Downloads) -> None:
    downloads.archive.files.clear()
    with pytest.raises(NotFound, match=r"nothing of spot BTCUSDT klines 1h.*is the symbol right"):
        downloads.get("2022-01", "2022-03")


def test_a_hole_in_the_archive_is_told(downloads: Downloads) -> None:
    del downloads.archive.files[f"{BELOW}/BTCUSDT-1h-2023-03.zip"]
    told = downloads.get("2023-02", "2023-04", now_ms=ms("2023-07-01"))
    assert (told.missing, told.not_listed) == (["2023-03"], [])


def test_rows_that_contradict_the_store_need_a_word(downloads: Downloads) -> None:
    downloads.get("2023-02", "2023-02")
    path = f"{BELOW}/BTCUSDT-1h-2023-02.zip"
    downloads.archive.add(path, klines(*month_ms(2023, 2), base=30_000))
    assert downloads.get("2023-02", "2023-02").fetched == []  # stored already, and nobody asked to have it anew
    told = downloads.get("2023-02", "2023-02", replace=True)
    assert told.put.replaced == 28 * 24
    assert load_candles(downloads.store, "BTCUSDT", "spot", "1h").open[0] >= 30_000 * 10**8


def test_repeated_rows_of_an_archive_are_put_right_and_told(downloads: Downloads) -> None:
    rows = klines(*month_ms(2023, 2))
    downloads.archive.add(f"{BELOW}/BTCUSDT-1h-2023-02.zip", [*rows[:50], *rows[40:]])
    told = downloads.get("2023-02", "2023-02")
    assert any("10 repeated rows dropped" in notice for notice in told.notices)
    assert len(downloads.hours()) == 28 * 24


def test_microseconds_of_newer_archives(downloads: Downloads) -> None:
    start, end = ms("2025-01-01"), ms("2025-02-01")
    downloads.archive.add(f"{BELOW}/BTCUSDT-1h-2025-01.zip", klines(start, end, per_ms=1000))
    downloads.get("2025-01", "2025-01", now_ms=ms("2025-03-01"))
    assert downloads.hours() == list(range(start, end, HOUR_MS))


def test_a_month_of_trades_becomes_days(downloads: Downloads) -> None:
    start = ms("2023-02-01")
    times = [start + at * 7 * HOUR_MS for at in range(60)]
    below = "data/spot/monthly/trades/BTCUSDT"
    downloads.archive.add(f"{below}/BTCUSDT-trades-2023-02.zip", trades(1000, times))
    assert downloads.get("2023-02", "2023-02", kind="trades").put.added == 60
    loaded = load_trades(downloads.store, "BTCUSDT", "spot", ms("2023-02-02"), ms("2023-02-04"))
    assert loaded.id.tolist() == [1004, 1005, 1006, 1007, 1008, 1009, 1010]
    assert loaded.price.tolist()[0] == (100 + 4) * 10**8 + 25_000_000
    assert loaded.buyer_is_maker.tolist()[:2] == [False, True]
    again = downloads.get("2023-02", "2023-02", kind="trades")  # days without a trade count as had
    assert (again.fetched, again.stored_before) == ([], ["2023-02"])
    nothing = f"2000,0,0.00000000,0,{start + 27 * 24 * HOUR_MS},True,True"
    downloads.archive.add(f"{below}/BTCUSDT-trades-2023-02.zip", [*trades(1000, times), nothing])
    told = downloads.get("2023-02", "2023-02", kind="trades", replace=True)
    assert told.put == Put(same=60)
    assert told.notices[0].endswith("1 trades without price or quantity dropped")


def test_funding_rates_and_the_month_they_do_not_tell_yet(downloads: Downloads) -> None:
    start = ms("2023-04-01")
    rows = [f"{start + at * 8 * HOUR_MS + at % 3},8,{'-' if at % 2 else ''}0.0001{at:04}" for at in range(90)]
    path = "data/futures/um/monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2023-04.zip"
    downloads.archive.add(path, rows, "calc_time,funding_interval_hours,last_funding_rate")
    told = downloads.get("2023-04", kind="funding")
    assert (told.fetched, told.not_yet, told.failed) == (["2023-04"], ["2023-05"], {})
    rates = load_funding(downloads.store, "BTCUSDT", ms("2023-04-01"), ms("2023-05-01"))
    assert rates.time_ms.tolist() == [start + at * 8 * HOUR_MS for at in range(90)]
    assert rates.rate.tolist()[:3] == [10_000, -10_001, 10_002]


def test_a_disk_too_small_is_told_before_anything_is_fetched(downloads: Downloads) -> None:
    archive = downloads.archive

    class Huge(BinanceArchives):
        async def size(self, file: object) -> int | None:
            return 10**18

    async def run() -> Outcome:
        archives = Huge(archive.address)
        series = Series.named("BTCUSDT", "spot", "klines", "1h")
        request = Request(series=series, from_ms=ms("2023-02-01"), to_ms=ms("2023-03-01"))
        return await Getting(request, archives, downloads.store, Silent(), NOW_MS).run()

    with pytest.raises(InvalidRequest, match=r"data-dir: .* free, and this needs .*--data-dir"):
        asyncio.run(run())
    assert archive.asked == []
