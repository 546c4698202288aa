"""The port Jobs against its adapter, with real processes."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.jobs.kinds import MIB
from adapters.jobs.queue import ChildJobs
from domain.errors import Busy, Conflict, FieldMistake, InvalidRequest, NotFound
from fakes.job_examples import (
    DEADLINE_S,
    MODULE,
    QUICK,
    SRC,
    TESTS,
    all_gone,
    ended,
    is_running,
    jobs_in,
    told,
    wait_until,
)
from fakes.job_module import RESULT
from ports.jobs import JobState, Progress, progress_line, read_progress, read_refusal, refusal_line


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[ChildJobs]:
    made = jobs_in(tmp_path)
    made.start()
    yield made
    made.close()


def test_a_job_runs_to_its_result(jobs: ChildJobs) -> None:
    submitted = jobs.submit("example", {"number": 21})
    assert submitted.state in (JobState.QUEUED, JobState.RUNNING)
    with pytest.raises(Conflict, match="still"):
        jobs.result(submitted.job_id, RESULT)
    done = ended(jobs, submitted.job_id)
    assert (done.state, done.reason, done.progress) == (JobState.SUCCEEDED, "", Progress(1.0, "done"))
    assert done.started_ms is not None
    assert done.ended_ms is not None
    assert done.created_ms <= done.started_ms <= done.ended_ms
    assert done.parameters == {"act": "answer", "number": 21}
    assert done.results == (RESULT,)
    assert jobs.result(done.job_id, RESULT).read_text() == "42"
    assert jobs.log(done.job_id) == "a word for the log\n"
    with pytest.raises(NotFound, match=RESULT):
        jobs.result(done.job_id, "../job.json")
    with pytest.raises(Conflict, match="ended already"):
        jobs.cancel(done.job_id)
    folder = jobs.result(done.job_id, RESULT).parent
    assert jobs.remove(done.job_id).state is JobState.SUCCEEDED
    assert not folder.exists()
    for ask in (jobs.job, jobs.cancel, jobs.remove, jobs.log):
        with pytest.raises(NotFound):
            ask(done.job_id)


def test_what_cannot_run_is_refused(jobs: ChildJobs) -> None:
    with pytest.raises(NotFound, match="example"):
        jobs.submit("exampel", {})
    with pytest.raises(InvalidRequest) as refused:
        jobs.submit("example", {"number": "many", "speed": 1})
    assert {mistake.field for mistake in refused.value.mistakes} == {"number", "speed"}
    with pytest.raises(NotFound):
        jobs.job("../../etc")
    assert jobs.jobs() == ()


def test_what_a_look_finds_is_refused_and_leaves_nothing(jobs: ChildJobs, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="number: brings no luck; take another"):
        jobs.submit("looked at", {"number": 13})
    with pytest.raises(Conflict, match="damaged"):
        jobs.submit("looked at", {"number": 404})
    assert jobs.jobs() == ()
    assert not list((tmp_path / "jobs").iterdir())
    done = ended(jobs, jobs.submit("looked at", {"number": 4}).job_id)
    assert jobs.result(done.job_id, RESULT).read_text() == "8"
    broken = jobs.submit("looked at", {"act": "fail"})
    assert ended(jobs, broken.job_id).reason == "error: candles: there are none; get them first", "the job itself tells"


def test_many_looks_at_once_share_a_process_and_tell_each_its_own(jobs: ChildJobs) -> None:
    told: dict[int, str] = {}

    def submit(number: int) -> None:
        try:
            told[number] = jobs.submit("looked at", {"number": number}).kind
        except InvalidRequest as refused:
            told[number] = refused.mistakes[0].field
        except Conflict:
            told[number] = "damaged"

    threads = [threading.Thread(target=submit, args=(number,)) for number in (1, 13, 2, 404, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert told == {1: "looked at", 13: "number", 2: "looked at", 404: "damaged", 3: "looked at"}
    assert len(jobs.jobs()) == 3


def test_a_look_that_takes_too_long_keeps_no_job_out(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path, replace(QUICK, check_s=0.2))
    jobs.start()
    left = jobs.submit("looked at", {"act": "wait"})
    assert jobs.cancel(left.job_id).state is JobState.CANCELLED
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == [left.job_id]
    jobs.close()


@pytest.mark.parametrize(
    ("kind", "act", "reason"),
    [
        ("example", "fail", "error: candles: there are none; get them first"),
        ("example", "forget", RESULT),
        ("example", "die", "killed"),
        ("example", "eat", "MemoryError"),
        ("example", "flood", "File too large"),
        ("short", "wait", "longer"),
    ],
)
def test_a_job_that_fails_says_why(tmp_path: Path, kind: str, act: str, reason: str) -> None:
    jobs = jobs_in(tmp_path, replace(QUICK, file_bytes=16 * MIB))
    jobs.start()
    failed = ended(jobs, jobs.submit(kind, {"act": act}).job_id)
    assert failed.state is JobState.FAILED
    assert reason in failed.reason
    with pytest.raises(Conflict, match="no result"):
        jobs.result(failed.job_id, RESULT)
    jobs.close()


def test_a_job_is_modest_and_knows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINANCE_API_SECRET", "do-not-hand-me-over")
    jobs = jobs_in(tmp_path, replace(QUICK, in_background=True, threads=1))
    jobs.start()
    found = json.loads(
        jobs.result(ended(jobs, jobs.submit("example", {"act": "look"}).job_id).job_id, RESULT).read_text()
    )
    assert found["nice"] == 19
    assert found["policy"] in (os.SCHED_IDLE, os.SCHED_OTHER)
    assert "BINANCE_API_SECRET" not in found["variables"]
    assert {found["variables"][name] for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "POLARS_MAX_THREADS")} == {
        "1"
    }
    assert (found["data"], found["file"]) == (QUICK.data_bytes, QUICK.file_bytes)
    assert found["input"] == ""
    assert found["group"]
    assert Path(found["cwd"]).parent == tmp_path / "jobs"
    jobs.close()


def test_a_cancelled_job_ends_with_all_its_processes_and_the_next_one_runs(jobs: ChildJobs) -> None:
    hanging, waiting, last = (jobs.submit("example", {"act": act}) for act in ("hang", "wait", "answer"))
    assert [job.job_id for job in jobs.jobs("example")] == [last.job_id, waiting.job_id, hanging.job_id]
    assert jobs.jobs("other") == ()
    assert jobs.job(last.job_id).waiting_before == 2
    pids = told(jobs, hanging.job_id)
    assert len(pids) == 3
    assert jobs.job(hanging.job_id).progress.fraction == pytest.approx(0.1)
    assert jobs.job(hanging.job_id).eta_s is not None
    assert jobs.cancel(waiting.job_id).state is JobState.CANCELLED, "a queued one ends at once"
    gone = jobs.cancel(hanging.job_id)
    assert (gone.state, gone.reason) == (JobState.CANCELLED, "it was cancelled")
    assert all_gone(pids)
    assert ended(jobs, last.job_id).state is JobState.SUCCEEDED


def test_removing_a_running_job_ends_it_first(jobs: ChildJobs) -> None:
    job_id = jobs.submit("example", {"act": "wait"}).job_id
    pids = told(jobs, job_id)
    assert jobs.remove(job_id).state is JobState.CANCELLED
    assert all_gone(pids)
    assert jobs.jobs() == ()


def test_a_long_log_keeps_its_end(jobs: ChildJobs) -> None:
    job_id = ended(jobs, jobs.submit("example", {"act": "chatter", "number": 2000}).job_id).job_id
    log = jobs.log(job_id)
    assert len(log) <= 600_000
    assert log.endswith("a word for the log\n")
    assert "001999 " in log
    assert "000000 " not in log


def test_queue_and_disk_have_bounds(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path, replace(QUICK, queued=1))
    with pytest.raises(Busy):
        jobs.submit("example", {})
    jobs.start()
    for _ in range(2):
        jobs.submit("example", {"act": "wait"})
    with pytest.raises(Busy, match="wait already") as full:
        jobs.submit("example", {})
    assert full.value.retry_after_s
    jobs.close()
    with pytest.raises(Busy, match="ending"):
        jobs.submit("example", {})
    no_room = jobs_in(tmp_path / "other", replace(QUICK, free_disk_bytes=2**60))
    no_room.start()
    with pytest.raises(Busy, match="make room"):
        no_room.submit("example", {})
    assert not list((tmp_path / "other/jobs").iterdir())
    no_room.close()


def test_a_brief_job_runs_beside_a_long_one_and_keeps_what_is_not_shown(jobs: ChildJobs) -> None:
    long = jobs.submit("example", {"act": "wait"})
    told(jobs, long.job_id)
    first, second = (jobs.submit("brief", {"act": act, "number": 4}) for act in ("wait", "answer"))
    assert jobs.job(second.job_id).waiting_before == 1
    jobs.cancel(first.job_id)
    done = ended(jobs, second.job_id)
    assert jobs.result(done.job_id, RESULT).read_text() == "8"
    assert done.parameters == {"act": "answer"}
    assert jobs.job(long.job_id).state is JobState.RUNNING


def test_a_folder_that_cannot_be_used_costs_jobs_alone(tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text("a file")
    jobs = jobs_in(tmp_path)
    jobs.start()
    with pytest.raises(Busy, match="make it writable"):
        jobs.submit("example", {})
    jobs.close()


def test_a_clean_stop_interrupts_what_runs_and_keeps_the_queue(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path)
    jobs.start()
    running, queued = jobs.submit("example", {"act": "wait"}), jobs.submit("example", {"number": 4})
    pids = told(jobs, running.job_id)
    jobs.close()
    assert all_gone(pids)
    again = jobs_in(tmp_path)
    again.start()
    assert again.job(running.job_id).state is JobState.INTERRUPTED
    done = ended(again, queued.job_id)
    assert again.result(done.job_id, RESULT).read_text() == "8"
    again.close()


def test_only_so_much_is_kept(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path, replace(QUICK, kept=2))
    jobs.start()
    made = [ended(jobs, jobs.submit("example", {"act": "forget"}).job_id).job_id for _ in range(3)]
    wait_until(jobs, made[-1], lambda _: len(jobs.jobs()) == 2)
    assert [job.job_id for job in jobs.jobs()] == [made[2], made[1]]
    jobs.close()
    (tmp_path / "jobs/20200101-000000-aaaaaa").mkdir()
    again = jobs_in(tmp_path, replace(QUICK, kept_bytes=1))
    again.start()
    assert [job.job_id for job in again.jobs()] == [made[2]], "the newest one always stays"
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == [made[2]]
    again.close()


def test_a_killed_server_leaves_no_process_and_its_successor_goes_on(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{SRC}{os.pathsep}{TESTS}"}
    owner = subprocess.Popen(
        [sys.executable, "-m", MODULE, str(tmp_path), "own"], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert owner.stdout is not None
    running, queued, pids = json.loads(owner.stdout.readline())
    assert all(map(is_running, pids))
    owner.kill()
    owner.wait(DEADLINE_S)
    owner.stdout.close()
    assert all_gone(pids[:2]), "its group ends by the lifeline alone"
    successor = jobs_in(tmp_path)
    successor.start()
    assert all_gone(pids), "one that left the group is known by its mark"
    job = successor.job(running)
    assert (job.state, job.reason.split(";")[1]) == (JobState.INTERRUPTED, " submit it again")
    done = ended(successor, queued)
    assert successor.result(done.job_id, RESULT).read_text() == "42"
    successor.close()


def test_many_at_once_are_safe(jobs: ChildJobs) -> None:
    ids: list[str] = []

    def submit() -> None:
        job = jobs.submit("example", {"act": "wait"})
        jobs.jobs()
        ids.append(jobs.cancel(job.job_id).job_id)

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_S)
    assert len(set(ids)) == len(threads)
    assert {job.state for job in jobs.jobs()} == {JobState.CANCELLED}


@pytest.mark.parametrize(
    "refusal", [InvalidRequest([FieldMistake("to", "is early"), FieldMistake("from", "is late")]), Conflict("damaged")]
)
def test_refusal_lines_are_read_back(refusal: InvalidRequest | Conflict) -> None:
    read = read_refusal(refusal_line(7, refusal))
    assert read is not None
    assert (read.number, type(read.refusal), str(read.refusal)) == (7, type(refusal), str(refusal))
    assert getattr(read.refusal, "mistakes", None) == getattr(refusal, "mistakes", None)


@pytest.mark.parametrize("progress", [Progress(0.25, "reading"), Progress(None, "looking")])
def test_progress_lines_are_read_back(progress: Progress) -> None:
    assert read_progress(progress_line(progress)) == progress


@pytest.mark.parametrize(
    "line", ["", "0.5", '{"progress"', '{"progress": "x", "doing": 1}', '{"progress": 1}', "x" * 9]
)
def test_other_lines_are_no_progress(line: str) -> None:
    assert read_progress(line) is None
    assert read_refusal(line.replace("progress", "refusal")) is None
