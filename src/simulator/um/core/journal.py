"""The state of an exchange as rows, so that a change writes what it changed and not all there is."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, Final, NamedTuple

from simulator.um.core.accounts import FuturesAccount
from simulator.um.core.algo_book import AlgoBook
from simulator.um.core.events import AlgoUpdate, OrderUpdate
from simulator.um.core.histories import FuturesHistory
from simulator.um.core.orders import FuturesOrderType
from simulator.um.core.registry import Registry

_OF_ACCOUNT: Final = ("income", "margin_changes")
_OF_HISTORY: Final = ("orders", "fills", "amendments")


class Row(NamedTuple):
    """One part of the state; a later row of the same kind, account, symbol and number replaces it."""

    kind: str
    account_id: str
    symbol: str
    number: int
    body: Mapping[str, Any]


class Journal:
    """Tells what is to be written; it remembers how much of each growing list it has told."""

    def __init__(self, registry: Registry, algos: AlgoBook, head: Callable[[], dict[str, Any]]) -> None:
        self._registry, self._algos, self._head = registry, algos, head
        self._told: dict[tuple[str, str, str], int] = {}

    def everything(self) -> Iterator[Row]:
        """Tell the whole state, at its birth."""
        yield from self.standing(self._registry.markets)
        for account_id, symbol, history in self._histories():
            for order in history.orders.values():
                yield Row("orders", account_id, symbol, order.order_id, order.dump())
            yield from self._grown_history(account_id, symbol, history)
        for account_id in self._registry.accounts:
            for algo in self._algos.of_account(account_id):
                yield Row("algos", account_id, algo.symbol, algo.algo_id, algo.dump())

    def skip_known(self) -> None:
        """Take everything as told: the exchange was loaded from what is written."""
        for _ in self.everything():
            pass

    def changes(self, events: Iterable[object]) -> Iterator[Row]:
        """Tell what a turn changed besides what `standing` tells."""
        orders: dict[tuple[str, str, int], None] = {}
        for event in events:
            if isinstance(event, OrderUpdate):
                orders[event.account_id, event.order.symbol, event.order.order_id] = None
            elif isinstance(event, AlgoUpdate):
                algo = self._algos.get(event.account_id, event.algo.algo_id)
                yield Row("algos", event.account_id, algo.symbol, algo.algo_id, algo.dump())
        for account_id, symbol, order_id in orders:
            order = self._registry.history(account_id, symbol).orders[order_id]
            yield Row("orders", account_id, symbol, order_id, order.dump())
        for account_id, symbol in dict.fromkeys(key[:2] for key in orders):
            yield from self._grown_history(account_id, symbol, self._registry.history(account_id, symbol))

    def standing(self, symbols: Iterable[str]) -> Iterator[Row]:
        """Tell accounts, trailing stops and the markets of `symbols` as they are now."""
        yield Row("head", "", "", 0, {**self._head(), "last_algo_id": self._algos.last_id})
        for account in self._registry.accounts.values():
            yield from self._account(account)
        for symbol in symbols:
            yield Row("markets", "", symbol, 0, self._registry.market(symbol).dump())

    def _account(self, account: FuturesAccount) -> Iterator[Row]:
        lists: dict[str, list[Any]] = {"income": account.income, "margin_changes": account.margin_changes}
        body = account.dump_settings()
        yield Row("accounts", account.account_id, "", 0, body)
        for kind, rows in lists.items():
            yield from self._grown(kind, account.account_id, "", rows)
        for algo in self._algos.open_of(account.account_id):
            if algo.type is FuturesOrderType.TRAILING_STOP_MARKET:
                yield Row("algos", algo.account_id, algo.symbol, algo.algo_id, algo.dump())

    def _grown_history(self, account_id: str, symbol: str, history: FuturesHistory) -> Iterator[Row]:
        yield from self._grown("fills", account_id, symbol, history.fills)
        yield from self._grown("amendments", account_id, symbol, history.amendments)

    def _grown(self, kind: str, account_id: str, symbol: str, rows: list[Any]) -> Iterator[Row]:
        key = (kind, account_id, symbol)
        told = self._told.get(key, 0)
        for number in range(told, len(rows)):
            yield Row(kind, account_id, symbol, number, asdict(rows[number]))
        self._told[key] = len(rows)

    def _histories(self) -> Iterator[tuple[str, str, FuturesHistory]]:
        for account_id, of_account in self._registry.histories.items():
            for symbol, history in of_account.items():
                yield account_id, symbol, history


def assemble(rows: Iterable[Row]) -> dict[str, Any] | None:
    """Return what `FuturesExchange.load` takes from all rows in the order of their numbers; None without a head."""
    head: dict[str, Any] | None = None
    accounts: dict[str, dict[str, Any]] = {}
    histories: dict[tuple[str, str], dict[str, Any]] = {}
    algos: list[Mapping[str, Any]] = []
    markets: list[Mapping[str, Any]] = []
    for kind, account_id, symbol, _number, body in rows:
        if kind == "head":
            head = dict(body)
        elif kind == "accounts":
            accounts.setdefault(account_id, {"income": [], "margin_changes": []}).update(body)
        elif kind in _OF_ACCOUNT:
            accounts.setdefault(account_id, {"income": [], "margin_changes": []})[kind].append(body)
        elif kind in _OF_HISTORY:
            empty = {"account_id": account_id, "symbol": symbol, **{name: [] for name in _OF_HISTORY}}
            histories.setdefault((account_id, symbol), empty)[kind].append(body)
        else:
            (algos if kind == "algos" else markets).append(body)
    if head is None:
        return None
    last_algo_id = head.pop("last_algo_id")
    return {
        **head,
        "accounts": list(accounts.values()),
        "histories": list(histories.values()),
        "markets": markets,
        "algos": {"last_id": last_algo_id, "algos": algos},
    }
