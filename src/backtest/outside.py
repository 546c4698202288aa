"""What the commands get from the outside. `__main__` alone builds it: nothing else here may name adapters."""

from collections.abc import Callable
from dataclasses import dataclass

from ports.archives import Archives


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Ways out, each opened by whoever needs it.

    Attributes:
        archives: opens the archives at an address; call it, and close them, within one event loop.
        now_ms: wall time.
    """

    archives: Callable[[str], Archives]
    now_ms: Callable[[], int]
