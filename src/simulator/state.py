"""What survives a restart: accounts, orders, fills, and the place in the market's course.

Every change is one SQLite transaction with `synchronous=FULL`, committed before its answer leaves, so a
killed process has lost nothing it ever acknowledged. A resting order comes back with the place in its
queue that it had at its last own event.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, Self

from simulator.core.engine import STATE_VERSION
from simulator.core.events import BalancesChanged, ExchangeEvent, ListChanged, OrderChanged, PublicTrade
from simulator.core.exchange import Exchange
from simulator.core.orders import OPEN_STATUSES
from simulator.core.symbols import SymbolSpec
from simulator.market.feed import Source
from simulator.um.core.contracts import ContractSpec
from simulator.um.state import NOTHING, FuturesChange, FuturesRows

FILE_NAME: Final = "exchange.sqlite3"
FORMAT: Final = 1
CRASH_GAP: Final = 100_000
"""Trade ids skipped after a crash: prints since the last checkpoint had ids that nobody wrote down."""
_ALL_PLAYED: Final = 2**31

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS balances (
    account_id TEXT, asset TEXT, free TEXT NOT NULL, locked TEXT NOT NULL, PRIMARY KEY (account_id, asset)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    symbol TEXT, order_id INTEGER, body TEXT NOT NULL, PRIMARY KEY (symbol, order_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fills (
    symbol TEXT, trade_id INTEGER, order_id INTEGER, body TEXT NOT NULL,
    PRIMARY KEY (symbol, trade_id, order_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lists (list_id INTEGER PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (
    symbol TEXT PRIMARY KEY, ids TEXT NOT NULL, last_price INTEGER NOT NULL
) WITHOUT ROWID;
"""


def new_instance() -> str:
    """Return an id that no other simulator has."""
    return token_hex(8)


class StateError(Exception):
    """A state folder that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a replay has been played: all steps before `time_ms`, and `played` steps at it."""

    time_ms: int
    played: int


class StateStore:
    """The state folder's database; one process at a time."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids: dict[str, list[int]] = {}
        self._futures = FuturesRows(connection)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open or create the state in `folder`.

        Raises:
            StateError: the folder cannot be written, is in use, or is of another format.
        """
        path = folder / FILE_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, timeout=0.2, isolation_level=None)
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(_SCHEMA)
            store = cls(connection)
        except (OSError, sqlite3.Error) as exc:
            raise StateError(f"the state in {folder} cannot be used: {exc}") from exc
        if store._fact("format", FORMAT) != FORMAT:
            raise StateError(f"the state in {folder} has another format; use another --state folder")
        return store

    @property
    def market(self) -> Mapping[str, Any] | None:
        """What the market feed said of itself, None in a fresh state."""
        saved: Mapping[str, Any] | None = self._fact("market", None)
        return saved

    @property
    def instance(self) -> str:
        """The id of these accounts: drawn once and kept, so that a client knows them by any address."""
        known: str | None = self._fact("instance", None)
        if known is None:
            known = new_instance()
            self._set("instance", known)
        return known

    def resumed(self, source: Source) -> Position | None:
        """Return what an earlier run had played of this market, None if there was none (or it is live).

        A synthetic market is drawn anew from the minute it was left in: of that, nothing up to the last
        known moment is played again.
        """
        saved, market = self._fact("position", None), self.market
        played = None if saved is None else Position(*saved)
        if source == "replay":
            return played
        if source == "live" or market is None or "market_ms" not in market:
            return None
        last_ms = max(int(market["market_ms"]), played.time_ms if played else 0)
        return Position(last_ms, _ALL_PLAYED)

    def exchange_dump(self, specs: Iterable[SymbolSpec]) -> dict[str, Any] | None:
        """Return what `Exchange.load` takes, None in a fresh state. Filters are today's."""
        accounts = self._fact("accounts", None)
        if accounts is None:
            return None
        histories = self._histories()
        return {
            "version": STATE_VERSION,
            "rates": self._fact("rates", None),
            "now_ms": self._fact("now_ms", 0),
            "accounts": [{**account, "holdings": self._holdings(account["account_id"])} for account in accounts],
            "histories": histories,
            "listings": [self._listing(spec, histories) for spec in specs],
            "lists": [json.loads(row[0]) for row in self._connection.execute("SELECT body FROM lists")],
        }

    def futures_dump(self, specs: Mapping[str, ContractSpec]) -> dict[str, Any] | None:
        """Return what `FuturesExchange.load` takes, None in a state without futures. Rules are today's."""
        return self._futures.dump(specs, skipped_trades=0 if self._fact("clean", None) else CRASH_GAP)

    @property
    def listen_keys(self) -> Mapping[str, Any]:
        """Return the listen keys that were in force."""
        return self._futures.listen_keys

    def adopt(self, exchange: Exchange, market: Mapping[str, Any], futures: FuturesChange = NOTHING) -> None:
        """Write a whole exchange once: at the birth of a state, and when accounts are opened."""
        dump = exchange.dump()
        for listing in dump["listings"]:
            self._ids[listing["spec"]["symbol"]] = list(listing["ids"])
        with self._transaction():
            self._set("format", FORMAT)
            self._set("clean", value=False)
            self._set("rates", dump["rates"])
            self._set("accounts", [_without(account, "holdings") for account in dump["accounts"]])
            for account in dump["accounts"]:
                for asset, (free, locked) in account["holdings"].items():
                    self._set_balance(account["account_id"], asset, free, locked)
            self._checkpoint(exchange, market, None)
            self._futures.write(futures)

    def record(
        self,
        exchange: Exchange,
        events: Sequence[ExchangeEvent],
        position: Position | None,
        futures: FuturesChange = NOTHING,
    ) -> None:
        """Write one turn's changes; nothing is written when no account changed."""
        changed = self._observe(events)
        if not changed and futures is NOTHING:
            return
        with self._transaction():
            for event in changed:
                if isinstance(event, OrderChanged):
                    self._set_order(exchange, event)
                elif isinstance(event, ListChanged):
                    self._set_list(event)
                elif isinstance(event, BalancesChanged):
                    for asset, held in event.assets.items():
                        self._set_balance(event.account_id, asset, held.free, held.locked)
            self._checkpoint(exchange, None, position)
            self._futures.write(futures)

    def checkpoint(
        self,
        exchange: Exchange,
        market: Mapping[str, Any],
        position: Position | None,
        futures: FuturesChange = NOTHING,
        *,
        clean: bool = False,
    ) -> None:
        """Write how far the market has come; `clean` marks an orderly end."""
        with self._transaction():
            self._checkpoint(exchange, market, position)
            self._futures.write(futures)
            self._set("clean", clean)

    def close(self) -> None:
        self._connection.close()

    def _observe(self, events: Sequence[ExchangeEvent]) -> list[ExchangeEvent]:
        changed: list[ExchangeEvent] = []
        for event in events:
            if isinstance(event, PublicTrade):
                self._ids[event.symbol][1] = event.trade_id
                continue
            changed.append(event)
            if isinstance(event, OrderChanged):
                ids = self._ids[event.order.symbol]
                ids[0] = max(ids[0], event.order.order_id)
                ids[2] = max(ids[2], event.execution_id)
                if event.fill is not None:
                    ids[1] = max(ids[1], event.fill.trade_id)
                if event.prevention is not None:
                    ids[3] = max(ids[3], event.prevention.match_id)
        return changed

    def _set_order(self, exchange: Exchange, event: OrderChanged) -> None:
        order = event.order
        standing = exchange.standing(order.account_id, order.symbol, order.order_id)
        body = {**_without(asdict(order), "fills", "cancel_client_id"), **standing}
        self._connection.execute(
            "INSERT OR REPLACE INTO orders VALUES (?, ?, ?)", (order.symbol, order.order_id, json.dumps(body))
        )
        if event.fill is not None:
            fill = event.fill
            self._connection.execute(
                "INSERT OR REPLACE INTO fills VALUES (?, ?, ?, ?)",
                (fill.symbol, fill.trade_id, fill.order_id, json.dumps(asdict(fill))),
            )

    def _set_list(self, event: ListChanged) -> None:
        body = json.dumps(_without(asdict(event.order_list), "orders"))
        self._connection.execute("INSERT OR REPLACE INTO lists VALUES (?, ?)", (event.order_list.list_id, body))

    def _set_balance(self, account_id: str, asset: str, free: int, locked: int) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO balances VALUES (?, ?, ?, ?)", (account_id, asset, str(free), str(locked))
        )

    def _checkpoint(self, exchange: Exchange, market: Mapping[str, Any] | None, position: Position | None) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO counters VALUES (?, ?, ?)",
            ((name, json.dumps(ids), exchange.last_price(name)) for name, ids in self._ids.items()),
        )
        self._set("now_ms", exchange.market_ms)
        if market is not None:
            self._set("market", market)
        if position is not None:
            self._set("position", [position.time_ms, position.played])

    def _holdings(self, account_id: str) -> dict[str, tuple[int, int]]:
        rows = self._connection.execute("SELECT asset, free, locked FROM balances WHERE account_id = ?", (account_id,))
        return {asset: (int(free), int(locked)) for asset, free, locked in rows}

    def _histories(self) -> list[dict[str, Any]]:
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for table in ("orders", "fills"):
            for (text,) in self._connection.execute(f"SELECT body FROM {table}"):  # noqa: S608
                row = json.loads(text)
                key = (row["account_id"], row["symbol"])
                empty = {"account_id": key[0], "symbol": key[1], "orders": [], "fills": []}
                found.setdefault(key, empty)[table].append(row)
        for history in found.values():
            history["orders"].sort(key=lambda order: order["order_id"])
            history["fills"].sort(key=lambda fill: fill["trade_id"])
        return list(found.values())

    def _listing(self, spec: SymbolSpec, histories: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        row = self._connection.execute(
            "SELECT ids, last_price FROM counters WHERE symbol = ?", (spec.symbol,)
        ).fetchone()
        ids, last_price = (json.loads(row[0]), row[1]) if row else ([0, 0, 0, 0], 0)
        if not self._fact("clean", None):
            ids[1] += CRASH_GAP
        orders = [
            order
            for history in histories
            if history["symbol"] == spec.symbol
            for order in history["orders"]
            if order["status"] in OPEN_STATUSES
        ]
        return {
            "spec": spec.dump(),
            "ids": ids,
            "last_price": last_price,
            "window": [],
            "waiting": {"due": []},
            "bids": _queue(orders, "BUY", sign=-1),
            "asks": _queue(orders, "SELL", sign=1),
        }

    def _fact(self, name: str, default: Any) -> Any:
        row = self._connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return default if row is None else json.loads(row[0])

    def _set(self, name: str, value: object) -> None:
        self._connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    def _transaction(self) -> "Transaction":
        return Transaction(self._connection)


class Transaction:
    """BEGIN on entry, COMMIT at the end, ROLLBACK on an error; a disk that fails or is full is told in plain words."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._run("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, _trace: object) -> None:
        if kind is None:
            self._run("COMMIT")
        elif self._connection.in_transaction:  # a full disk may have undone it already
            self._connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            raise _not_written(error) from error

    def _run(self, statement: str) -> None:
        try:
            self._connection.execute(statement)
        except sqlite3.Error as exc:
            raise _not_written(exc) from exc


def _not_written(exc: sqlite3.Error) -> StateError:
    return StateError(f"the state cannot be written: {exc}; make room on its disk, then start again")


def _queue(orders: Sequence[Mapping[str, Any]], side: str, *, sign: int) -> dict[str, Any]:
    """Return one side of a book without outside volume, resting orders in price-time order."""
    mine = [order for order in orders if order["side"] == side and order["rests"]]
    ranked = sorted(mine, key=lambda order: (sign * order["price"], order["order_id"]))
    return {"external": [], "resting": [order["order_id"] for order in ranked]}


def _without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
