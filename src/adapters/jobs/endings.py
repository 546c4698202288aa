"""What a process's end says of its job."""

import signal
from collections.abc import Mapping
from typing import Final, NamedTuple

from ports.jobs import JobState

_LONGEST_REASON: Final = 1000
_REASONS: Final = {
    JobState.CANCELLED: "it was cancelled",
    JobState.INTERRUPTED: "the server was stopped while it ran; submit it again",
}
KILLED_SERVER: Final = "the server ended without warning while it ran; submit it again"
_BY_SIGNAL: Final[Mapping[int, str]] = {
    signal.SIGALRM: "it ran longer than its kind may; give it less to do",
    signal.SIGKILL: "it was killed from outside, most likely because memory ran out; give it less to do",
    signal.SIGABRT: "it broke off, most likely because memory ran out; give it less to do",
    signal.SIGXFSZ: "it wrote a file larger than a job may; give it less to do",
}


class Ending(NamedTuple):
    state: JobState
    reason: str


def ending_of(code: int, *, stopped_as: JobState | None, lacks: list[str], last_words: str) -> Ending:
    """Return how a job ended.

    Args:
        code: of its process; negative for a signal.
        stopped_as: what becomes of it where it was told to end.
        lacks: result files that are not there.
        last_words: the last line of its log.
    """
    if stopped_as is not None:
        return Ending(stopped_as, _REASONS[stopped_as])
    if code == 0 and not lacks:
        return Ending(JobState.SUCCEEDED, "")
    if code == 0:
        return Ending(JobState.FAILED, f"it ended without leaving {', '.join(lacks)}; see its log")
    if code < 0:
        number = -code
        name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
        return Ending(JobState.FAILED, _BY_SIGNAL.get(number, f"it was ended by signal {name}; see its log"))
    return Ending(JobState.FAILED, last_words[:_LONGEST_REASON] or f"it left with code {code} and said nothing")
