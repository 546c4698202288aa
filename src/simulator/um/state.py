"""The USD-M side of the state folder: rows of the exchange's journal, in the same database and transaction."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.um.core.contracts import ContractSpec
from simulator.um.core.journal import Row, assemble

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS um_rows (
    kind TEXT, account_id TEXT, symbol TEXT, number INTEGER, body TEXT NOT NULL,
    PRIMARY KEY (kind, account_id, symbol, number)
) WITHOUT ROWID;
"""
_KEYS: Final = "listen_keys"


@dataclass(frozen=True, slots=True)
class FuturesChange:
    """What a turn, a checkpoint or a birth writes of the futures side."""

    rows: Iterable[Row] = ()
    listen_keys: Mapping[str, Any] | None = None


NOTHING: Final = FuturesChange()


class FuturesRows:
    """Writes and reads the rows; the caller holds the transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.executescript(SCHEMA)

    def write(self, change: FuturesChange) -> None:
        rows = list(change.rows)
        if change.listen_keys is not None:
            rows.append(Row(_KEYS, "", "", 0, change.listen_keys))
        self._connection.executemany(
            "INSERT OR REPLACE INTO um_rows VALUES (?, ?, ?, ?, ?)",
            ((row.kind, row.account_id, row.symbol, row.number, json.dumps(row.body)) for row in rows),
        )

    def dump(self, specs: Mapping[str, ContractSpec], *, skipped_trades: int) -> dict[str, Any] | None:
        """Return what `FuturesExchange.load` takes, None in a state without futures. Rules are today's.

        `skipped_trades` ids are left out on every contract: prints after the last checkpoint had them.
        """
        saved = assemble(row for row in self._read() if row.kind != _KEYS)
        if saved is None:
            return None
        for market in saved["markets"]:
            market["ids"][1] += skipped_trades
            spec = specs.get(market["spec"]["symbol"])
            if spec is not None:
                market["spec"] = spec.dump()
        return saved

    @property
    def listen_keys(self) -> Mapping[str, Any]:
        return next((row.body for row in self._read() if row.kind == _KEYS), {})

    def _read(self) -> Iterator[Row]:
        found = self._connection.execute("SELECT * FROM um_rows ORDER BY kind, account_id, symbol, number")
        for kind, account_id, symbol, number, body in found:
            yield Row(kind, account_id, symbol, number, json.loads(body))
