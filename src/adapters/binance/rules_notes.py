"""The published rules of the instruments in use, kept in the data folder.

With them grids can be shown and taken up while the exchange is out of reach. What is kept is the venue's own text; it
is read anew as soon as the venue answers.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

LOG: Final = logging.getLogger(__name__)

Rows = Mapping[str, Mapping[str, Any]]


class RulesNotes:
    """One file of exchangeInfo rows by symbol. A file that is lost or broken costs nothing but its use."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._kept: Rows | None = None

    def keep(self, rows: Rows) -> None:
        """Write the rows if they differ from what was written before."""
        if rows == self._kept:
            return
        try:
            new = self._file.with_suffix(".new")
            new.write_bytes(orjson.dumps(rows, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2))
            new.replace(self._file)
            self._kept = dict(rows)
        except OSError as e:
            LOG.warning("the rules in use could not be noted in %s: %s", self._file, e)

    def read(self) -> Rows:
        """Return what was kept, empty where nothing is or it cannot be read."""
        try:
            rows = orjson.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, orjson.JSONDecodeError) as e:
            LOG.warning("the rules noted in %s cannot be read: %s", self._file, e)
            return {}
        return rows if isinstance(rows, dict) and all(isinstance(row, dict) for row in rows.values()) else {}
