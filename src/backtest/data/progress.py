"""How a download is told while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn


class Watcher(Protocol):
    """Hears of a download's course."""

    def planned(self, files: int, size: int) -> None:
        """Hear how many files will come, and their bytes in all."""
        ...

    def arrived(self, file: str, size: int) -> None:
        """Hear how many bytes of a file are there."""
        ...

    def stored(self, file: str) -> None:
        """Hear that a file is checked and in the store."""
        ...


class Silent:
    """Tells nobody."""

    def planned(self, files: int, size: int) -> None: ...

    def arrived(self, file: str, size: int) -> None: ...

    def stored(self, file: str) -> None: ...


class Bar:
    """One bar for all files, on a terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("looking", total=None)
        self._files = self._done = 0
        self._sizes: dict[str, int] = {}

    def planned(self, files: int, size: int) -> None:
        self._files = files
        self._progress.update(self._task, total=size, description=f"0 of {files} files")

    def arrived(self, file: str, size: int) -> None:
        self._sizes[file] = size
        self._progress.update(self._task, completed=sum(self._sizes.values()))

    def stored(self, file: str) -> None:  # noqa: ARG002 - the bar tells their number
        self._done += 1
        self._progress.update(self._task, description=f"{self._done} of {self._files} files")


@contextmanager
def shown(*, quiet: bool) -> Iterator[Watcher]:
    """Show a bar on stderr where that is a terminal and nobody asked for silence."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield Silent()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        yield Bar(progress)
