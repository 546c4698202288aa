"""Windows of time to search a grid's parameters in, and later ones to judge what was found."""

from collections.abc import Iterator
from itertools import pairwise
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


class Fold(NamedTuple):
    """One judged window and the windows on both sides of it that may be searched, in ms."""

    judge_from_ms: int
    judge_until_ms: int
    search: tuple[tuple[int, int], ...]


def purged_folds(from_ms: int, until_ms: int, *, folds: int, purge_ms: int = 0, embargo_ms: int = 0) -> Iterator[Fold]:
    """Yield k-fold cross-validation with purge and embargo.

    Lopez de Prado, Advances in Financial Machine Learning (2018), 7.4.

    Before a judged window `purge_ms` are left out (what began there may still run in it), after it `purge_ms` and
    `embargo_ms`.

    Raises:
        ValueError: for fewer than two folds, or a window too short for them.
    """
    if folds < 2 or until_ms - from_ms < folds or min(purge_ms, embargo_ms) < 0:
        raise ValueError("folds must be at least 2, the window as long, purge_ms and embargo_ms not below 0")
    cuts = [from_ms + (until_ms - from_ms) * i // folds for i in range(folds + 1)]
    for begin, end in pairwise(cuts):
        before, after = (from_ms, begin - purge_ms), (end + purge_ms + embargo_ms, until_ms)
        yield Fold(begin, end, tuple(window for window in (before, after) if window[0] < window[1]))
