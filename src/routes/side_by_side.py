"""Several questions to the exchange at once, for as long as a person waits."""

import logging
import time
from collections.abc import Callable, Sequence
from threading import Lock, Thread
from typing import TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)


def side_by_side(questions: Sequence[Callable[[], T]], within_s: float, late: T) -> list[T]:
    """Return the answer to each question; `late` where there is none within `within_s`.

    A question that is late runs on in its own thread, and its answer is dropped; the transport's own deadline ends it.

    Raises:
        Exception: what the first of the questions raised that raised anything in time.
    """
    answers: list[T] = [late] * len(questions)
    errors: list[Exception] = []
    open_for_answers, lock = True, Lock()

    def ask(index: int) -> None:
        try:
            answer = questions[index]()
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            errors.append(error)
            return
        with lock:
            if open_for_answers:
                answers[index] = answer

    threads = [Thread(target=ask, args=(index,), name="side-by-side", daemon=True) for index in range(len(questions))]
    for thread in threads:
        thread.start()
    until_s = time.monotonic() + within_s
    for thread in threads:
        thread.join(max(0.0, until_s - time.monotonic()))
    with lock:
        open_for_answers = False
    if errors:
        raise errors[0]
    return answers
