"""What commands do with a result: files into a folder, and a table or JSON on the screen."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from backtest.data.series import refuse

_REMEDY: Final = "name a folder where you may write, on a disk with room"
Found = TypeVar("Found")


def check_folder(out: Path | None) -> None:
    """Refuse a file where a folder is wanted, before any work.

    Raises:
        InvalidRequest: naming `out`.
    """
    if out is not None and out.exists() and not out.is_dir():
        refuse("out", f"{out} is a file; name a folder")


def tell(
    given: argparse.Namespace,
    found: Found,
    *,
    write_all: Callable[[Found, Path], list[Path]],
    facts_of: Callable[[Found], Mapping[str, Any]],
    show: Callable[[Found, Sequence[Path]], None],
    kept: Sequence[Path] = (),
) -> None:
    """Write what was found to the folder of `--out`, then print its facts (`--json`) or show it.

    `kept` are files that were written before, to be shown with the others.

    Raises:
        InvalidRequest: naming `out`, if the folder cannot be written.
    """
    from backtest.report.facts import to_json  # noqa: PLC0415 - work itself needs none of the report

    written = list(kept)
    if given.out is not None:
        try:
            written += write_all(found, given.out)
        except OSError as error:
            refuse("out", f"{given.out} cannot be written: {error.strerror}; {_REMEDY}")
    if given.as_json:
        print(to_json(facts_of(found), indent=2))  # noqa: T201
    else:
        show(found, written)
