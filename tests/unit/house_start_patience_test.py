"""A start that meets a used-up request limit waits for it, but not for a ban."""

import pytest

from bootstrap.patience import LONGEST_S, once_limits_reopen
from domain.errors import SlowDown
from fakes.clock import FakeClock


class Venue:
    """Refuses so many times before it answers."""

    def __init__(self, refusals: int, retry_after_s: float) -> None:
        self.refusals, self.retry_after_s = refusals, retry_after_s

    def ask(self) -> str:
        self.refusals -= 1
        if self.refusals >= 0:
            raise SlowDown("the request limit is used up", retry_after_s=self.retry_after_s)
        return "here"


def test_a_limit_that_reopens_soon_is_waited_for() -> None:
    clock = FakeClock()
    assert once_limits_reopen(Venue(2, 60.0).ask, clock) == "here"
    assert clock.waits == [60.0, 60.0]


@pytest.mark.parametrize(("refusals", "retry_after_s"), [(3, 60.0), (1, LONGEST_S + 1)])
def test_one_that_does_not_is_told(refusals: int, retry_after_s: float) -> None:
    with pytest.raises(SlowDown):
        once_limits_reopen(Venue(refusals, retry_after_s).ask, FakeClock())
