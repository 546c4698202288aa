"""Conditional orders of all accounts: where they are kept, and when one triggers (protocol section 1.7)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from simulator.core.errors import missing_both, no_such_order, unknown_order_sent
from simulator.core.orders import Side
from simulator.core.symbols import PPM
from simulator.core.triggers import does_trigger_upwards
from simulator.core.triggers import is_reached as is_price_reached
from simulator.um.core.contract_market import ContractMarket
from simulator.um.core.errors import refused
from simulator.um.core.live_order import LiveAlgo
from simulator.um.core.margins import ceil_div
from simulator.um.core.orders import AlgoStatus, FuturesOrderType, WorkingType

_TAKES_PROFIT: Final = frozenset({FuturesOrderType.TAKE_PROFIT, FuturesOrderType.TAKE_PROFIT_MARKET})


class AlgoBook:
    """Ids are unique over all symbols.

    By symbol and in the order they came: those that wait for their trigger, and those that are triggering,
    which have reached it and wait to become ordinary orders.
    """

    def __init__(self) -> None:
        self.last_id = 0
        self._all: dict[str, dict[int, LiveAlgo]] = {}
        self._open: dict[str, dict[int, LiveAlgo]] = {}
        self._triggering: dict[str, dict[int, LiveAlgo]] = {}
        self._newest: dict[tuple[str, str], LiveAlgo] = {}

    def add(self, algo: LiveAlgo) -> None:
        self._all.setdefault(algo.account_id, {})[algo.algo_id] = algo
        self._newest[algo.account_id, algo.client_id] = algo
        if algo.status is AlgoStatus.NEW:
            self._open.setdefault(algo.symbol, {})[algo.algo_id] = algo
        elif algo.status is AlgoStatus.TRIGGERING:
            self.start_triggering(algo)

    def start_triggering(self, algo: LiveAlgo) -> None:
        self.close(algo)
        self._triggering.setdefault(algo.symbol, {})[algo.algo_id] = algo

    def close(self, algo: LiveAlgo) -> None:
        """Take it out of those that wait."""
        for waiting in (self._open, self._triggering):
            waiting.get(algo.symbol, {}).pop(algo.algo_id, None)

    def of_account(self, account_id: str) -> Iterable[LiveAlgo]:
        """Return every conditional order the account ever placed, oldest first."""
        return self._all.get(account_id, {}).values()

    def open_of(self, account_id: str, symbol: str | None = None) -> list[LiveAlgo]:
        books = self._open.values() if symbol is None else [self._open.get(symbol, {})]
        found = [algo for book in books for algo in book.values() if algo.account_id == account_id]
        return sorted(found, key=lambda algo: algo.algo_id)

    def on_symbol(self, symbol: str) -> Mapping[int, LiveAlgo]:
        """Return those that wait for their trigger."""
        return self._open.get(symbol, {})

    def triggering(self, symbol: str) -> list[LiveAlgo]:
        return list(self._triggering.get(symbol, {}).values())

    def is_taken(self, account_id: str, client_id: str) -> bool:
        newest = self._newest.get((account_id, client_id))
        return newest is not None and newest.status is AlgoStatus.NEW

    def get(self, account_id: str, algo_id: int) -> LiveAlgo:
        return self._all[account_id][algo_id]

    def find(self, account_id: str, algo_id: int | None, client_id: str | None) -> LiveAlgo:
        """Find one for a query: -2013 unknown, -1102 without ids; the algo id prevails."""
        found = self._look_up(account_id, algo_id, client_id)
        if found is None:
            raise no_such_order()
        return found

    def find_open(self, account_id: str, algo_id: int | None, client_id: str | None) -> LiveAlgo:
        """Find the target of a cancel; -2011 unless it waits for its trigger, -4117 while it is triggering."""
        found = self._look_up(account_id, algo_id, client_id)
        if found is not None and found.status is AlgoStatus.TRIGGERING:
            raise refused(-4117)
        if found is None or found.status is not AlgoStatus.NEW:
            raise unknown_order_sent()
        return found

    def _look_up(self, account_id: str, algo_id: int | None, client_id: str | None) -> LiveAlgo | None:
        if algo_id is not None:
            return self._all.get(account_id, {}).get(algo_id)
        if client_id is None:
            raise missing_both("algoId", "clientAlgoId")
        return self._newest.get((account_id, client_id))

    def dump(self) -> dict[str, Any]:
        algos = [algo.dump() for book in self._all.values() for algo in book.values()]
        return {"last_id": self.last_id, "algos": sorted(algos, key=lambda algo: int(algo["algo_id"]))}

    def restore(self, saved: Mapping[str, Any]) -> None:
        self.last_id = saved["last_id"]
        for algo in saved["algos"]:
            self.add(LiveAlgo.load(algo))


def watched_price(algo: LiveAlgo, market: ContractMarket) -> int:
    """Return the price that triggers it (UNIT); 0 where it is not known yet."""
    return market.mark_price if algo.working_type is WorkingType.MARK_PRICE else market.last_price


def is_reached(algo: LiveAlgo, price: int) -> bool:
    """Say whether a price lies at or beyond the trigger."""
    upwards = does_trigger_upwards(algo.side, takes_profit=algo.type in _TAKES_PROFIT)
    return is_price_reached(price, algo.trigger_price, upwards=upwards)


def is_protected(algo: LiveAlgo, market: ContractMarket) -> bool:
    """Say whether priceProtect holds it back: mark and contract price are further apart than allowed."""
    mark = market.mark_price
    if not algo.price_protect or not mark:
        return False
    return abs(mark - market.last_price) * PPM > market.spec.trigger_protect_ppm * mark


def follow(algo: LiveAlgo, price: int) -> None:
    """Let a trailing stop see a price: activate it, move its extreme and its trigger with it."""
    buys = algo.side is Side.BUY
    if not algo.is_active:
        reached = price <= algo.activate_price if buys else price >= algo.activate_price
        if algo.activate_price and not reached:
            return
        algo.is_active, algo.extreme = True, price
    algo.extreme = min(algo.extreme, price) if buys else max(algo.extreme, price)
    if buys:
        algo.trigger_price = ceil_div(algo.extreme * (PPM + algo.callback_ppm), PPM)
    else:
        algo.trigger_price = algo.extreme * (PPM - algo.callback_ppm) // PPM


def does_trigger(algo: LiveAlgo, market: ContractMarket) -> bool:
    """Show a waiting order the price of the moment and say whether it triggers."""
    price = watched_price(algo, market)
    if not price:
        return False
    if algo.type is FuturesOrderType.TRAILING_STOP_MARKET:
        follow(algo, price)
        if not algo.is_active:
            return False
    return is_reached(algo, price) and not is_protected(algo, market)
