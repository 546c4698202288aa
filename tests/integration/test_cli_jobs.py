"""`python -m cli jobs` against a real server on loopback."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest

from adapters.data_folder import DataFolder
from cli.commands import COMMANDS
from cli.options import parse
from fakes.house import House, app_of
from fakes.jobs import Jobs
from ports.jobs import JobState, Progress
from routes.asgi import Stop, bind, build_asgi, serve


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    given = Jobs()
    listener, ready = bind("127.0.0.1", 0), Queue[Stop]()
    asgi = build_asgi(app_of(House(), jobs=given), threads=2)
    thread = threading.Thread(target=serve, args=(asgi, listener), kwargs={"on_ready": ready.put})
    thread.start()
    stop = ready.get(timeout=60)
    DataFolder(tmp_path, None).note_server(f"http://127.0.0.1:{listener.getsockname()[1]}")
    yield given
    stop()
    thread.join(timeout=60)


def test_jobs_are_listed_read_and_ended(jobs: Jobs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def cli(*words: str) -> tuple[int, str, str]:
        code = COMMANDS["jobs"](parse(["jobs", *words, "--data-dir", str(tmp_path)]))
        return code, *capsys.readouterr()

    assert cli() == (0, "no jobs are kept\n", "")
    first, second = jobs.submit("backtest", {}), jobs.submit("backtest", {})
    jobs.becomes(first.job_id, state=JobState.RUNNING, progress=Progress(0.4, "replaying"))
    assert cli("list")[1].splitlines() == [
        f"{second.job_id} backtest   queued      2024-01-15T12:30:00Z waits for 1 before it",
        f"{first.job_id} backtest   running     2024-01-15T12:30:00Z 40% replaying",
    ]
    assert cli("log", first.job_id) == (0, f"what {first.job_id} said\n", "")
    assert "cancelled" in cli("cancel", first.job_id)[1]
    code, told, complaint = cli("cancel", first.job_id, "--json")
    assert (code, json.loads(told)) == (1, {"error": "it has ended already"})
    assert "ended already" in complaint
    assert cli("log", "a/b?c")[0] == 1
    DataFolder(tmp_path, None).note_end()
    assert "no server runs" in cli()[2]


@pytest.mark.parametrize("words", [("log",), ("list", "x"), ("stop", "x")])
def test_words_that_make_no_command_are_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as refused:
        parse(["jobs", *words, "--data-dir", str(tmp_path)])
    assert refused.value.code == 2
