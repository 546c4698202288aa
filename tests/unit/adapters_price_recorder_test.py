"""What grids hear is kept exactly where it matters, in bounds, and never at the cost of trading."""

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from adapters.price_recorder import MOST_WAITING, FilePriceRecorder, RecordLimits
from domain.events import PriceSeen
from domain.grids import GridStatus
from fakes.clock import FakeClock
from fakes.grid_examples import BTC, plan
from ports.heard_prices import Heard, Mark, Marked, Writer, folder_of, read_lines
from ports.store import GridRow

DAY_MS = 86_400_000
START_MS = 20_000 * DAY_MS
PLAN = plan()
ROW = GridRow(
    grid_id=3,
    instrument=BTC,
    plan=PLAN,
    status=GridStatus.RUNNING,
    phase="trading",
    phase_reason="",
    on_stop=None,
    started_ms=START_MS,
    started_wall_ms=START_MS,
    ended_ms=None,
)
RUNG = PLAN.prices[2]
ACCOUNT = "binance:shadow:0123456789ab"


def seen(price: Decimal, quantity: str | None = "1", at_ms: int = START_MS, arrived_s: float = 100.0) -> PriceSeen:
    return PriceSeen(BTC, price, at_ms, arrived_s, None if quantity is None else Decimal(quantity))


def recorder(folder: Path, **limits: int) -> FilePriceRecorder:
    return FilePriceRecorder(folder, ACCOUNT, FakeClock(), RecordLimits(spare_bytes=0, **limits))


def files(folder: Path) -> list[Path]:
    return sorted(folder_of(folder, ACCOUNT, 3, BTC).glob("*"))


def told(path: Path) -> Iterator[Heard | Marked]:
    yield from read_lines(path.read_text().splitlines(keepends=True))


@given(
    moves=st.lists(
        st.tuples(st.integers(0, 5_000), st.sampled_from([-1, 0, 0, 1]), st.integers(0, 9), st.integers(0, 900)),
        min_size=1,
        max_size=40,
    )
)
def test_prices_come_back_as_they_were_but_for_repeats_beside_the_rungs(moves: list[tuple[int, int, int, int]]):
    writer, rung, price, time_ms = Writer([Decimal(100)]), Decimal(100), Decimal(99), START_MS
    text, heard = writer.mark(Marked(time_ms, Mark.OPEN)), []
    for wait_ms, step, quantity, lag_ms in moves:
        time_ms, price = time_ms + wait_ms, price + step
        heard.append(Heard(time_ms, price, Decimal(quantity) if quantity else None, lag_ms))
        text += writer.price(heard[-1])
    back = list(read_lines((text + writer.rest()).splitlines(keepends=True)))
    assert back[0] == Marked(START_MS, Mark.OPEN)
    prices = [one for one in back[1:] if isinstance(one, Heard)]
    at_rung = [(one.time_ms, one.quantity) for one in heard if one.price == rung and one.quantity is not None]
    assert [(one.time_ms, one.quantity) for one in prices if one.price == rung and one.quantity is not None] == at_rung
    changes = [
        one for before, one in zip([None, *heard], heard, strict=False) if before is None or before.price != one.price
    ]
    assert [(one.time_ms, one.price) for one in changes] == [
        (one.time_ms, one.price)
        for before, one in zip([None, *prices], prices, strict=False)
        if before is None or before.price != one.price
    ]
    for price_there in {one.price for one in heard}:
        there, kept = ([one for one in rows if one.price == price_there] for rows in (heard, prices))
        assert sum(one.quantity or 0 for one in there) == sum(one.quantity or 0 for one in kept)
    lag_then = {one.time_ms: one.lag_ms for one in heard}
    assert all(abs(one.lag_ms - lag) <= 1_150 for one in prices if (lag := lag_then.get(one.time_ms)) is not None)


def test_a_torn_line_and_what_counts_from_it_are_left_out():
    lines = ["!open 1000;\n", "5,100,1,0;\n", "5,10", "\n", "7,101,;\n", "!open 2000;\n", "1,102,2;\n"]
    assert list(read_lines(lines)) == [
        Marked(1000, Mark.OPEN),
        Heard(1005, Decimal(100), Decimal(1), 0),
        Marked(2000, Mark.OPEN),
        Heard(2001, Decimal(102), Decimal(2), 0),
    ]


def test_days_are_packed_and_old_ones_deleted(tmp_path: Path):
    record = recorder(tmp_path, days=2)
    for day in range(3):
        record.ear(ROW).heard(seen(RUNG, at_ms=START_MS + day * DAY_MS))
        record.write()
    record.stop()
    assert [path.name for path in files(tmp_path)] == ["2024-10-05.prices.gz", "2024-10-06.prices"]
    (newest,) = [list(told(path)) for path in files(tmp_path) if path.suffix == ".prices"]
    assert newest[0] == Marked(START_MS + 2 * DAY_MS, Mark.DAY)
    assert newest[1] == Heard(START_MS + 2 * DAY_MS, RUNG, Decimal(1), newest[1].lag_ms)


def test_a_full_day_keeps_no_more_and_says_so(tmp_path: Path):
    record = recorder(tmp_path, bytes_per_day=300)
    for index in range(100):
        record.ear(ROW).heard(seen(RUNG, at_ms=START_MS + index))
    record.stop()
    (path,) = files(tmp_path)
    assert path.stat().st_size < 400
    last = list(told(path))[-1]
    assert isinstance(last, Marked)
    assert last.word is Mark.FULL


def test_a_disk_that_refuses_ends_the_recording_and_nothing_else(tmp_path: Path, caplog):
    record = recorder(tmp_path)
    (tmp_path / "prices").write_text("a file where the folder belongs")
    record.ear(ROW).heard(seen(RUNG))
    record.write()
    assert record.stopped
    record.ear(ROW).heard(seen(RUNG))
    record.write()
    record.stop()
    assert [line.levelname for line in caplog.records] == ["WARNING"]
    assert "trading goes on" in caplog.text


def test_a_disk_without_room_to_spare_is_left_to_the_books(tmp_path: Path):
    record = FilePriceRecorder(tmp_path, ACCOUNT, FakeClock(), RecordLimits(spare_bytes=10**18))
    record.ear(ROW).heard(seen(RUNG))
    record.write()
    assert "are free" in record.stopped
    assert os.strerror(28) not in record.stopped


def test_a_flood_is_dropped_and_marked_and_lost_streams_too(tmp_path: Path):
    record = recorder(tmp_path)
    ear = record.ear(ROW)
    for index in range(MOST_WAITING + 10):
        ear.heard(seen(RUNG + index % 2, at_ms=START_MS))
    record.write()
    ear.lost()
    ear.heard(seen(RUNG))
    record.stop()
    marks = [one.word for one in told(files(tmp_path)[0]) if isinstance(one, Marked)]
    assert marks == [Mark.OPEN, Mark.DROPPED, Mark.LOST]


def test_a_second_life_begins_on_a_line_of_its_own(tmp_path: Path):
    first = recorder(tmp_path)
    first.ear(ROW).heard(seen(RUNG))
    first.stop()
    (path,) = files(tmp_path)
    with path.open("a") as file:
        file.write("12,600")
    second = recorder(tmp_path)
    second.ear(ROW).heard(seen(RUNG, at_ms=START_MS + 9))
    second.stop()
    assert [one.time_ms for one in told(path)] == [START_MS, START_MS, START_MS + 9, START_MS + 9]
