"""What an account can ask without changing anything."""

from simulator.core.errors import no_such_order
from simulator.core.histories import select
from simulator.um.core.algo_book import AlgoBook
from simulator.um.core.appraisal import Appraisal
from simulator.um.core.histories import is_kept
from simulator.um.core.market_queries import MarketQueries
from simulator.um.core.orders import (
    AlgoOrder,
    Amendment,
    FuturesFill,
    FuturesOrder,
    IncomeRow,
    IncomeType,
    MarginChange,
)
from simulator.um.core.registry import Registry
from simulator.um.core.views import AccountView, PositionView, SymbolConfig


class AccountQueries(MarketQueries):
    """Times are bounds on creation (orders) or on the row; lists are oldest first.

    A list with `start_ms` or an id to start from is cut at its end, any other keeps the latest rows.
    """

    def __init__(self, registry: Registry, algos: AlgoBook) -> None:
        super().__init__(registry)
        self._appraisal = Appraisal(registry)
        self._algos = algos

    def commission(self, account_id: str) -> tuple[int, int]:
        """Return maker and taker rate, parts per million."""
        account = self._registry.account(account_id)
        return account.maker_ppm, account.taker_ppm

    def hedge_mode(self, account_id: str) -> bool:
        return self._registry.account(account_id).hedge

    def account(self, account_id: str) -> AccountView:
        return self._appraisal.account_view(self._registry.account(account_id))

    def positions(self, account_id: str, symbol: str | None = None) -> list[PositionView]:
        """Return one row per contract (BOTH), in hedge mode two (LONG, SHORT); flat ones too."""
        account = self._registry.account(account_id)
        symbols = list(self._registry.markets) if symbol is None else [self._registry.market(symbol).symbol]
        return [self._appraisal.position_view(account, held) for name in symbols for held in account.of_symbol(name)]

    def symbol_config(self, account_id: str, symbol: str) -> SymbolConfig:
        spec = self.contract(symbol)
        setting = self._registry.account(account_id).setting(symbol)
        return SymbolConfig(
            symbol=symbol,
            margin_type=setting.margin_type,
            leverage=setting.leverage,
            max_notional=spec.max_notional(setting.leverage),
        )

    def order(
        self, account_id: str, symbol: str, *, order_id: int | None = None, client_id: str | None = None
    ) -> FuturesOrder:
        """Look up an order; a client id that was used again means the newest, with both ids the order id.

        Raises:
            ExchangeError: -2013 unknown or no longer kept, -1102 without ids.
        """
        self._registry.market(symbol)
        return self._registry.history(account_id, symbol).find(order_id, client_id, self._now_ms).snapshot()

    def open_order(
        self, account_id: str, symbol: str, *, order_id: int | None = None, client_id: str | None = None
    ) -> FuturesOrder:
        """Look up an open order; -2013 once it is final."""
        found = self.order(account_id, symbol, order_id=order_id, client_id=client_id)
        if not found.is_open:
            raise no_such_order()
        return found

    def open_orders(self, account_id: str, symbol: str | None = None) -> list[FuturesOrder]:
        """Return open orders of one symbol (by id) or of all of them (by symbol, then id)."""
        symbols = sorted(self._registry.markets) if symbol is None else [self._registry.market(symbol).symbol]
        return [order.snapshot() for name in symbols for order in self._registry.open_orders(account_id, name)]

    def all_orders(
        self,
        account_id: str,
        symbol: str,
        *,
        order_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[FuturesOrder]:
        """Return the orders still kept, from `order_id` or `start_ms` on, else the latest `limit`."""
        self._registry.market(symbol)
        found = self._registry.history(account_id, symbol).select_orders(order_id, start_ms, end_ms, limit)
        return [order.snapshot() for order in found if is_kept(order, self._now_ms)]

    def trades(
        self,
        account_id: str,
        symbol: str,
        *,
        order_id: int | None = None,
        from_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[FuturesFill]:
        """Return own fills from trade `from_id` or `start_ms` on, else the latest `limit`."""
        self._registry.market(symbol)
        return self._registry.history(account_id, symbol).select_fills(order_id, from_id, start_ms, end_ms, limit)

    def income(
        self,
        account_id: str,
        *,
        symbol: str | None = None,
        type: IncomeType | None = None,  # noqa: A002 - the name of the field
        start_ms: int | None = None,
        end_ms: int | None = None,
        page: int = 1,
        limit: int = 100,
    ) -> list[IncomeRow]:
        """Return page `page` (from 1) of the rows; without a start the pages count back from the latest."""
        rows = [
            row
            for row in self._registry.account(account_id).income
            if symbol in (None, row.symbol) and type in (None, row.type)
        ]
        found = select(rows, start_ms, end_ms, len(rows), from_start=True)
        first = (page - 1) * limit
        if start_ms is not None:
            return found[first : first + limit]
        return found[max(0, len(found) - first - limit) : max(0, len(found) - first)]

    def amendments(
        self,
        account_id: str,
        symbol: str,
        *,
        order_id: int | None = None,
        client_id: str | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 50,
    ) -> list[Amendment]:
        self._registry.market(symbol)
        rows = [
            row
            for row in self._registry.history(account_id, symbol).amendments
            if order_id in (None, row.order_id) and client_id in (None, row.client_id)
        ]
        return select(rows, start_ms, end_ms, limit, from_start=start_ms is not None)

    def margin_changes(
        self,
        account_id: str,
        symbol: str,
        *,
        adds: bool | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[MarginChange]:
        changes = self._registry.account(account_id).margin_changes
        rows = [row for row in changes if row.symbol == symbol and adds in (None, row.adds)]
        return select(rows, start_ms, end_ms, limit, from_start=start_ms is not None)

    def force_orders(
        self,
        account_id: str,
        *,
        symbol: str | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 50,
    ) -> list[FuturesOrder]:
        """Return the liquidation engine's orders of the account."""
        symbols = list(self._registry.markets) if symbol is None else [self._registry.market(symbol).symbol]
        found = [
            order.snapshot()
            for name in symbols
            for order in self._registry.history(account_id, name).orders.values()
            if order.liquidates
        ]
        found.sort(key=lambda order: order.time_ms)
        return select(found, start_ms, end_ms, limit, from_start=start_ms is not None)

    def algo(self, account_id: str, *, algo_id: int | None = None, client_id: str | None = None) -> AlgoOrder:
        """Look up a conditional order; -2013 unknown, -1102 without ids."""
        return self._algos.find(account_id, algo_id, client_id).snapshot()

    def open_algos(self, account_id: str, symbol: str | None = None) -> list[AlgoOrder]:
        """Return the conditional orders that wait for their trigger, by id."""
        return [algo.snapshot() for algo in self._algos.open_of(account_id, symbol)]

    def all_algos(
        self,
        account_id: str,
        symbol: str,
        *,
        algo_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[AlgoOrder]:
        """Return conditional orders from `algo_id` or `start_ms` on, else the latest `limit`."""
        found = [
            algo.snapshot()
            for algo in self._algos.of_account(account_id)
            if algo.symbol == symbol and (algo_id is None or algo.algo_id >= algo_id)
        ]
        return select(found, start_ms, end_ms, limit, from_start=algo_id is not None or start_ms is not None)
