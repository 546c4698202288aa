"""What the commands get from the outside. `__main__` alone builds it: nothing else here may name adapters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from config.settings import Settings
from domain.errors import Conflict
from domain.instrument import Instrument, InstrumentRules
from ports.archives import Archives
from ports.books import Books


def _no_books(_settings: Settings) -> Books:
    raise Conflict("there are no books here")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Ways out, each opened by whoever needs it.

    Attributes:
        archives: opens the archives at an address; call it, and close them, within one event loop.
        now_ms: wall time.
        parse_rules: reads one symbol of the venue's exchangeInfo; VenueError where it makes no sense.
        books: opens the books of the data folder for looking, Conflict where there are none; close them afterwards.
    """

    archives: Callable[[str], Archives]
    now_ms: Callable[[], int]
    parse_rules: Callable[[Instrument, Mapping[str, Any]], InstrumentRules]
    books: Callable[[Settings], Books] = _no_books
