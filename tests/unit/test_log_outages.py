"""A console nobody reads and a disk without room must neither hold up nor flood whoever logs."""

import json
import logging
import os
import subprocess
import sys
from contextlib import redirect_stderr, suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from utils.exit_deadline import EXIT_CODE, ExitDeadline
from utils.log_handlers import ConsoleHandler
from utils.logs import set_up_logging

SOURCE = Path(__file__).parents[2] / "src"

CROWDED = """
import json, logging, resource, sys
from pathlib import Path
from utils.logs import set_up_logging
file = Path(sys.argv[1])
with set_up_logging("INFO", file):
    log = logging.getLogger("grid")
    log.info("before")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size, hard))
    for number in range(300):
        log.info("lost %d", number)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    log.info("after")
"""

UNREAD = """
import logging, sys, threading, time
from pathlib import Path
from utils.logs import set_up_logging
with set_up_logging("INFO", Path(sys.argv[1])):
    for number in range(1500):
        logging.getLogger("grid").info("line %d %s", number, "x" * 200)
"""


def script(text: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", text, *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE)}


def fill(pipe: int) -> None:
    """Leave no room in a pipe."""
    os.set_blocking(pipe, False)
    with suppress(BlockingIOError):
        while True:
            os.write(pipe, b"\n" * 4096)
    os.set_blocking(pipe, True)


def test_a_process_whose_console_nobody_reads_logs_on_and_ends(tmp_path: Path) -> None:
    file = tmp_path / "bot.log"
    with subprocess.Popen(
        script(UNREAD, str(file)), stderr=subprocess.PIPE, env=environment(), start_new_session=True
    ) as process:
        try:
            assert process.wait(timeout=120) == 0
        finally:
            process.kill()
    text = file.read_text()
    assert text.count("line ") == 1500
    assert text.count("nobody reads the console") == 1


def test_the_console_says_how_many_lines_are_missing_once_it_is_read_again(level_kept: None) -> None:
    reader, writer = os.pipe()
    fill(writer)
    with open(writer, "w") as stream:  # noqa: PTH123 - a pipe
        console = ConsoleHandler(stream, waiting_lines=4)
        for _ in range(3000):
            console.handle(logging.makeLogRecord({"msg": "y" * 100}))
    assert console.dropped >= 2995
    got: list[bytes] = []
    enough = Event()

    def read() -> None:
        while piece := os.read(reader, 65536):
            got.append(piece)
            if b"missing" in piece:
                enough.set()

    reading = Thread(target=read, daemon=True)
    reading.start()
    assert enough.wait(60)
    console.close()
    reading.join(60)
    os.close(reader)
    lines = b"".join(got).decode().splitlines()
    missing = [int(line[1:].split()[0]) for line in lines if line.startswith("(")]
    assert lines.count("y" * 100) + sum(missing) == 3000
    assert console.dropped == 0


def test_a_reader_that_went_away_ends_nothing(level_kept: None, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with (
        open(writer, "w") as stream,  # noqa: PTH123 - a pipe
        redirect_stderr(stream),
        set_up_logging("INFO", tmp_path / "bot.log"),
    ):
        for _ in range(3):
            logging.getLogger("grid").info("nobody is there")
    assert (tmp_path / "bot.log").read_text().count("nobody is there") == 3


def test_a_full_disk_costs_one_sentence_and_another_when_it_is_over(tmp_path: Path) -> None:
    file = tmp_path / "bot.log"
    done = subprocess.run(
        script(CROWDED, str(file)), capture_output=True, text=True, env=environment(), timeout=120, check=True
    )
    assert "Traceback" not in done.stderr
    assert "Logging error" not in done.stderr
    assert done.stderr.count("cannot be written (File too large)") == 1
    assert done.stderr.count("can be written again; about 30") == 1
    text = file.read_text()
    assert "before" in text
    assert "after" in text


def test_a_device_without_room_does_not_keep_the_log_from_closing(
    level_kept: None, capfd: pytest.CaptureFixture[str]
) -> None:
    with set_up_logging("INFO", Path("/dev/full")):
        for _ in range(50):
            logging.getLogger("grid").info("no room")
    err = capfd.readouterr().err
    assert err.count("No space left on device") <= 2
    assert err.count("make room") == 1
    assert "Traceback" not in err


def test_a_stop_that_hangs_is_ended_and_says_so_once(level_kept: None, tmp_path: Path) -> None:
    ended: list[int] = []
    reached = Event()

    def end(code: int) -> None:
        ended.append(code)
        reached.set()

    with set_up_logging("INFO", tmp_path / "bot.log", console=False, json_lines=True):
        deadline = ExitDeadline(0.01, end)
        assert not reached.wait(0.05)  # nobody asked for an end yet
        deadline.start()
        deadline.start()
        assert reached.wait(60)
    assert ended == [EXIT_CODE]
    (row,) = map(json.loads, (tmp_path / "bot.log").read_text().splitlines())
    assert "the process ends now" in row["event"]


def test_an_end_in_order_takes_the_deadline_back() -> None:
    reached = Event()
    deadline = ExitDeadline(0.05, lambda _code: reached.set())
    deadline.cancel()
    deadline.start()
    assert not reached.wait(0.2)


@pytest.fixture
def level_kept():
    root = logging.getLogger()
    before = root.level
    yield
    root.setLevel(before)
