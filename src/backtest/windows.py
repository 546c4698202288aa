"""Windows of time to search a grid's parameters in, and later ones to judge what was found."""

from collections.abc import Iterator
from typing import NamedTuple


class Split(NamedTuple):
    """Where to search and where to judge, in ms; each window holds its start and not its end."""

    search_from_ms: int
    search_until_ms: int
    judge_from_ms: int
    judge_until_ms: int


def walk_forward(
    from_ms: int, until_ms: int, *, search_ms: int, judge_ms: int, embargo_ms: int = 0, anchored: bool = False
) -> Iterator[Split]:
    """Yield splits that move forward by `judge_ms`: search, a pause of `embargo_ms`, judge. No judged time overlaps.

    Args:
        from_ms: the data's first instant.
        until_ms: the first instant after it.
        search_ms: length of the search; of the first where it is anchored.
        judge_ms: length of each judged window.
        embargo_ms: left out between the two, so that nothing still running at the end of the search reaches over.
        anchored: every search begins at `from_ms` and grows.

    Raises:
        ValueError: if a length makes no sense or not one split fits.
    """
    if search_ms <= 0 or judge_ms <= 0 or embargo_ms < 0:
        raise ValueError("search_ms and judge_ms must be above 0 and embargo_ms not below")
    if search_ms + embargo_ms + judge_ms > until_ms - from_ms:
        raise ValueError("the data is too short for a single split; shorten search, embargo or judged window")
    start = from_ms
    while start + search_ms + embargo_ms + judge_ms <= until_ms:
        end = start + search_ms
        yield Split(from_ms if anchored else start, end, end + embargo_ms, end + embargo_ms + judge_ms)
        start += judge_ms
