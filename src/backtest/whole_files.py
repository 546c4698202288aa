"""Files that appear whole or not at all, so that no reader and no crash ever sees half of one."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import polars as pl

_OS_ERROR: Final = re.compile(r"\(os error (\d+)\)")


def write_text(file: Path, text: str) -> None:
    """Write a text file.

    Raises:
        OSError: if that is not possible; what was there before is there still.
    """
    with _beside(file) as fresh:
        fresh.write_text(text, "utf-8")


def write_table(file: Path, table: pl.DataFrame, **options: Any) -> None:
    """Write a Parquet file; `options` are those of polars' write_parquet.

    Raises:
        OSError: if that is not possible; what was there before is there still.
    """
    with _beside(file) as fresh, as_os_error(file):
        table.write_parquet(fresh, **options)


@contextmanager
def as_os_error(file: Path) -> Iterator[None]:
    """Tell a full disk as OSError: polars tells it, of a Parquet file, as an error of the computation."""
    try:
        yield
    except pl.exceptions.ComputeError as error:
        found = _OS_ERROR.search(str(error))
        if found is None:
            raise
        number = int(found[1])
        raise OSError(number, os.strerror(number), str(file)) from error


@contextmanager
def _beside(file: Path) -> Iterator[Path]:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.part")
    try:
        yield fresh
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
