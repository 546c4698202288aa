"""The port `Jobs` over child processes: a queue, few at once, all of it in folders that outlive the server."""

import contextlib
import errno
import logging
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Condition, Thread
from typing import Any, Final

from pydantic import ValidationError

from adapters.jobs.checking import Checks
from adapters.jobs.endings import KILLED_SERVER, Ending, ending_of
from adapters.jobs.folder import JobLog, Record
from adapters.jobs.kinds import KINDS, MIB, JobKind, JobLimits
from adapters.jobs.processes import JobProcess, end_marked
from adapters.jobs.shelf import Entry, Shelf, view_of
from domain.errors import Busy, Conflict, FieldMistake, InvalidRequest, NotFound
from ports.clock import Clock
from ports.jobs import Job, JobState, read_progress

log = logging.getLogger(__name__)

_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)
_RETRY_AFTER_S: Final = 30.0
_BEYOND_GRACE_S: Final = 5.0


class ChildJobs:
    """Jobs of one data folder, of which this process holds the lock. Nothing runs before `start`.

    Args:
        folder: where jobs lie, absolute.
        source_root: where modules are found.
        environment: all that a job gets to see of ours; no key is among it.
        clock: wall time.
        kinds: what can be asked for.
        limits: bounds.
    """

    def __init__(
        self,
        folder: Path,
        source_root: Path,
        environment: Callable[[], Mapping[str, str]],
        clock: Clock,
        *,
        kinds: Mapping[str, JobKind] = KINDS,
        limits: JobLimits | None = None,
    ) -> None:
        self._folder, self._source_root, self._environment, self._clock = folder, source_root, environment, clock
        self._kinds, self._limits = kinds, limits or JobLimits.of_this_machine()
        self._shelf = Shelf(folder, self._limits)
        self._checks = Checks(folder, source_root, environment, self._limits)
        self._changed = Condition()
        self._closed = "jobs are not taken yet; ask again"

    def start(self) -> None:
        """Take up what an earlier server left: end its processes, mark their jobs, go on with the queue.

        Where the folder cannot be used, jobs are refused with the reason, and nothing else suffers.
        """
        with self._changed:
            try:
                self._shelf.read()
            except OSError as error:
                self._closed = (
                    f"{self._folder} cannot be used ({error.strerror or error}); make it writable, then restart"
                )
                log.error("no jobs: %s", self._closed)  # noqa: TRY400 - the sentence says it all
                return
            for entry in self._shelf:
                if entry.record.state is JobState.RUNNING:
                    self._interrupt(entry)
            self._closed = ""
            self._shelf.prune(self._clock.wall_ms())
            self._launch_waiting()

    def close(self) -> None:
        """End running jobs; queued ones wait for the next start."""
        with self._changed:
            self._closed = "the server is ending; ask again once it has been started anew"
            for entry in self._running():
                self._end(entry, JobState.INTERRUPTED)
            self._changed.wait_for(lambda: not self._running(), self._limits.grace_s + _BEYOND_GRACE_S)

    # --- the port ---

    def submit(self, kind: str, parameters: Mapping[str, Any]) -> Job:
        given = _checked(self._kinds, kind, parameters)
        with self._changed:
            self._require_room()
        try:
            self._checks.refuse_unfit(self._kinds[kind], given)
        except OSError as error:
            raise self._not_stored(error) from error
        with self._changed:
            self._require_room()
            record = Record(
                job_id="",
                kind=kind,
                state=JobState.QUEUED,
                created_ms=self._clock.wall_ms(),
                mark=secrets.token_hex(16),
                parameters={name: value for name, value in given.items() if name not in self._kinds[kind].unshown},
            )
            try:
                entry = self._shelf.add(record, given)
            except OSError as error:
                raise self._not_stored(error) from error
            self._shelf.prune(self._clock.wall_ms())
            self._launch_waiting()
            return self._view(entry)

    def job(self, job_id: str) -> Job:
        with self._changed:
            return self._view(self._shelf.entry(job_id))

    def jobs(self, kind: str | None = None) -> tuple[Job, ...]:
        with self._changed:
            return tuple(self._view(entry) for entry in reversed([*self._shelf]) if kind in (None, entry.record.kind))

    def cancel(self, job_id: str) -> Job:
        with self._changed:
            entry = self._shelf.entry(job_id)
            if entry.has_ended:
                raise Conflict(f"job {job_id} has ended already ({entry.record.state}); there is nothing to cancel")
            self._end(entry, JobState.CANCELLED)
            self._changed.wait_for(lambda: entry.has_ended, self._limits.grace_s + _BEYOND_GRACE_S)
            return self._view(entry)

    def remove(self, job_id: str) -> Job:
        with self._changed:
            entry = self._shelf.entry(job_id)
        if not entry.has_ended:
            with contextlib.suppress(Conflict):  # it ended by itself meanwhile
                self.cancel(job_id)
        with self._changed:
            entry = self._shelf.entry(job_id)
            if not entry.has_ended:
                raise Conflict(f"the processes of job {job_id} have not ended yet; ask again")
            view = self._view(entry)
            self._shelf.forget(entry)
            return view

    def result(self, job_id: str, name: str) -> Path:
        with self._changed:
            entry = self._shelf.entry(job_id)
            job = self._view(entry)
        if job.state is not JobState.SUCCEEDED:
            raise Conflict(_no_result(job))
        if name not in job.results:
            raise NotFound(f"a job of kind {job.kind} yields {', '.join(job.results) or 'no files'}, not {name[:40]!a}")
        return entry.folder.path / name

    def log(self, job_id: str) -> str:
        with self._changed:
            folder = self._shelf.entry(job_id).folder
        return folder.log()

    # --- helpers ---

    def _require_room(self) -> None:
        if self._closed:
            raise Busy(self._closed)
        waiting = sum(entry.record.state is JobState.QUEUED for entry in self._shelf)
        if waiting >= self._limits.queued:
            raise Busy(f"{waiting} jobs wait already; cancel one or wait", retry_after_s=_RETRY_AFTER_S)
        free, least = shutil.disk_usage(self._folder).free, self._limits.free_disk_bytes
        if free < least:
            sizes = f"{free // MIB} MB are free on the disk of {self._folder}, a job needs {least // MIB} MB"
            raise Busy(f"{sizes}; make room, for instance by removing old jobs")

    def _not_stored(self, error: OSError) -> Busy:
        return Busy(f"the job could not be stored ({error.strerror or error}); {self._way_out(error)}")

    def _way_out(self, error: OSError) -> str:
        return f"make room on the disk of {self._folder}" if error.errno in _NO_ROOM else f"check {self._folder}"

    def _running(self) -> list[Entry]:
        return [entry for entry in self._shelf if entry.record.state is JobState.RUNNING]

    def _launch_waiting(self) -> None:
        running = [self._is_brief(entry) for entry in self._running()]
        free = {True: 1 - running.count(True), False: self._limits.running - running.count(False)}
        waiting = [entry for entry in self._shelf if entry.record.state is JobState.QUEUED]
        for entry in waiting if not self._closed else ():
            is_brief = self._is_brief(entry)
            free[is_brief] -= 1
            if free[is_brief] < 0:
                continue
            entry.record.state, entry.record.started_ms = JobState.RUNNING, self._clock.wall_ms()
            Thread(target=self._run, args=(entry,), name=f"job-{entry.record.job_id}", daemon=True).start()

    def _is_brief(self, entry: Entry) -> bool:
        kind = self._kinds.get(entry.record.kind)
        return kind is not None and kind.is_brief

    def _run(self, entry: Entry) -> None:
        try:
            ending = self._run_process(entry)
        except OSError as error:
            ending = Ending(JobState.FAILED, f"it could not be run ({error.strerror or error}); {self._way_out(error)}")
        except Exception as error:  # a fault of ours must not leave a job that never ends
            log.exception("job %s could not be run", entry.record.job_id)
            ending = Ending(JobState.FAILED, f"a fault of the server: {type(error).__name__}; see its log")
        with self._changed:
            self._finish(entry, ending)
            self._shelf.prune(self._clock.wall_ms())
            self._launch_waiting()
            self._changed.notify_all()

    def _run_process(self, entry: Entry) -> Ending:
        """Run the job's process from its start to its end.

        Raises:
            OSError: if it could not be started.
        """
        kind, record, folder = self._kinds.get(entry.record.kind), entry.record, entry.folder
        if kind is None:
            return Ending(JobState.FAILED, f"this version knows no jobs of kind {record.kind}")
        folder.store(record)  # first, so that a killed server's successor finds the process by its mark
        said = JobLog(folder.path)
        try:
            process = JobProcess(
                kind, folder.path, record.mark, self._limits, self._source_root, self._environment(), _ear(entry, said)
            )
            with self._changed:
                entry.process = process
                if entry.stop_as is not None:
                    process.end()
            log.info("job %s (%s) runs as process %d", record.job_id, record.kind, process.pid)
            code = process.wait()
        finally:
            said.close()
        return ending_of(
            code, stopped_as=entry.stop_as, lacks=folder.lacks(kind.results), last_words=folder.last_words()
        )

    def _end(self, entry: Entry, as_state: JobState) -> None:
        if entry.record.state is JobState.QUEUED:
            self._finish(entry, ending_of(0, stopped_as=as_state, lacks=[], last_words=""))
            return
        entry.stop_as = entry.stop_as or as_state
        if entry.process is not None:
            entry.process.end()

    def _interrupt(self, entry: Entry) -> None:
        if left := end_marked(entry.record.mark):
            log.warning("ended %d process(es) of job %s that outlived the server", left, entry.record.job_id)
        self._finish(entry, Ending(JobState.INTERRUPTED, KILLED_SERVER))

    def _finish(self, entry: Entry, ending: Ending) -> None:
        record = entry.record
        record.state, record.reason = ending
        record.ended_ms = self._clock.wall_ms()
        entry.process = None
        entry.size = entry.folder.size()
        entry.store()
        log.info(
            "job %s (%s) %s%s", record.job_id, record.kind, record.state, f": {record.reason}" * bool(record.reason)
        )

    def _view(self, entry: Entry) -> Job:
        kind, is_brief = self._kinds.get(entry.record.kind), self._is_brief(entry)
        before = self._shelf.before(entry, lambda other: self._is_brief(other) is is_brief)
        return view_of(entry, kind, before, self._clock.wall_ms())


def _ear(entry: Entry, said: JobLog) -> Callable[[bytes], None]:
    """Return what hears a job's lines: progress is kept, all else is its log."""

    def hear(line: bytes) -> None:
        progress = read_progress(line.decode("utf-8", "replace"))
        if progress is None:
            said.say(line)
        else:
            entry.progress = progress

    return hear


def _checked(kinds: Mapping[str, JobKind], kind: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    if kind not in kinds:
        raise NotFound(f"there is no kind of job {kind[:40]!a}; known: {', '.join(kinds)}")
    try:
        return kinds[kind].parameters.model_validate(parameters).model_dump(mode="json")
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise InvalidRequest([FieldMistake(".".join(map(str, it["loc"])), it["msg"]) for it in found]) from None


def _no_result(job: Job) -> str:
    if not job.state.has_ended:
        return f"job {job.job_id} is still {job.state}; ask again once it has succeeded"
    failed = "it failed: " if job.state is JobState.FAILED else ""
    return f"job {job.job_id} has no result: {failed}{job.reason}"
