"""The USD-M exchange as its users see it: contracts, accounts and orders behind one object."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Self

from simulator.core.orders import Side
from simulator.um.core.account_desk import AccountDesk
from simulator.um.core.accounts import FuturesAccount
from simulator.um.core.contract_market import ContractMarket
from simulator.um.core.contracts import ContractSpec
from simulator.um.core.desk import Change
from simulator.um.core.events import FuturesEvent
from simulator.um.core.histories import FuturesHistory
from simulator.um.core.journal import Journal
from simulator.um.core.market_feed import MarketFeed
from simulator.um.core.orders import AlgoOrder, AlgoParams, FuturesOrder, FuturesParams

STATE_VERSION: Final = 1


class FuturesExchange(MarketFeed, AccountDesk):
    """A USD-M exchange: pure, synchronous, without a clock; `now_ms` is always market time.

    Units: prices, quantities and USDT are scaled by UNIT (10**8). Requests that Binance would refuse raise
    ExchangeError with its code and text; nothing of them was executed.

    Args:
        contracts: what can be traded from the start.
        maker_ppm, taker_ppm: commission rates of new accounts, parts per million.
        listener: told every event, in order, after the operation that caused it is complete; it must not
            place or cancel orders itself.
    """

    def __init__(
        self,
        contracts: Sequence[ContractSpec],
        *,
        maker_ppm: int = 200,
        taker_ppm: int = 500,
        listener: Callable[[FuturesEvent], None],
    ) -> None:
        super().__init__(listener)
        self._rates = (maker_ppm, taker_ppm)
        for spec in contracts:
            self.add_contract(spec)

    def add_contract(self, spec: ContractSpec) -> None:
        if spec.symbol in self._registry.markets:
            raise ValueError(f"{spec.symbol} exists; change it with set_contract")
        self._registry.markets[spec.symbol] = ContractMarket(spec)

    def set_contract(self, spec: ContractSpec) -> None:
        """Replace rules or status at run time; resting orders and positions stay as they are."""
        self._registry.market(spec.symbol).spec = spec

    def settle_contract(self, symbol: str, now_ms: int) -> None:
        """End a contract: every order is cancelled, every position closed at the mark price, its status SETTLING."""
        market = self._registry.market(symbol)
        with self._operation(now_ms) as time_ms:
            self._deliverer.settle(market, time_ms)
            market.spec = replace(market.spec, status="SETTLING")

    def open_account(self, account_id: str, *, maker_ppm: int | None = None, taker_ppm: int | None = None) -> None:
        """Open an account with an empty wallet, in one-way mode; rates default to the exchange's."""
        if account_id in self._registry.accounts:
            raise ValueError(f"account {account_id} exists")
        maker, taker = self._rates
        self._registry.accounts[account_id] = FuturesAccount(
            account_id, maker if maker_ppm is None else maker_ppm, taker if taker_ppm is None else taker_ppm
        )

    def set_commission(self, account_id: str, *, maker_ppm: int, taker_ppm: int) -> None:
        """Change an account's rates, from the next fill on."""
        account = self._registry.account(account_id)
        account.maker_ppm, account.taker_ppm = maker_ppm, taker_ppm

    def place(self, account_id: str, params: FuturesParams, now_ms: int) -> FuturesOrder:
        """Place a LIMIT or MARKET order; the answer's `fills` are those of this call.

        An IOC or MARKET order that ends unfilled is a state (EXPIRED), not an error; GTX and FOK that cannot
        be honoured are (-5022, -5021) and leave no order behind.
        """
        market, account = self._registry.market(params.symbol), self._registry.account(account_id)
        with self._operation(now_ms) as time_ms:
            order = self._desk.place(market, account, params, time_ms)
            if order.is_open and order.good_till_ms:
                self._timers.expire_at(order.good_till_ms, account_id, order.symbol, order.order_id, is_algo=False)
            return order

    def check(self, account_id: str, params: FuturesParams, now_ms: int) -> None:
        """Check what order/test checks: parameters, symbol and static filters, neither counts nor margin."""
        market, account = self._registry.market(params.symbol), self._registry.account(account_id)
        self._now_ms = max(self._now_ms, now_ms)
        self._desk.admit(market, account, params, self._now_ms)

    def modify(
        self,
        account_id: str,
        symbol: str,
        *,
        side: Side,
        quantity: int,
        price: int,
        order_id: int | None = None,
        client_id: str | None = None,
        reduce_only: bool | None = None,
        now_ms: int,
    ) -> FuturesOrder:
        """Change price and quantity of a LIMIT order; it keeps its ids and loses its place in the queue.

        Raises:
            ExchangeError: -2011 not open, -5027 no change, -5025 no LIMIT order, -5047 not reduce-only, and
                whatever a new order of that price and quantity would be refused for.
        """
        market, account = self._registry.market(symbol), self._registry.account(account_id)
        change = Change(side=side, quantity=quantity, price=price, reduce_only=reduce_only)
        with self._operation(now_ms) as time_ms:
            order = self._registry.history(account_id, symbol).find_open(order_id, client_id)
            return self._desk.modify(market, account, order, change, time_ms)

    def cancel(
        self,
        account_id: str,
        symbol: str,
        *,
        order_id: int | None = None,
        client_id: str | None = None,
        now_ms: int,
    ) -> FuturesOrder:
        """Cancel an open order; -2011 when it is not open, -1102 without ids."""
        self._registry.market(symbol)
        with self._operation(now_ms) as time_ms:
            order = self._registry.history(account_id, symbol).find_open(order_id, client_id)
            return self._desk.cancel(order, time_ms)

    def cancel_all(self, account_id: str, symbol: str, now_ms: int) -> list[FuturesOrder]:
        """Cancel every open order of the account on the symbol; conditional orders stay."""
        self._registry.market(symbol)
        with self._operation(now_ms) as time_ms:
            orders = list(self._registry.open_orders(account_id, symbol))
            return [self._desk.cancel(order, time_ms) for order in orders]

    def set_countdown(self, account_id: str, symbol: str, countdown_ms: int, now_ms: int) -> None:
        """Cancel the symbol's orders `countdown_ms` from now unless called again before; 0 disarms."""
        self._registry.market(symbol)
        self._registry.account(account_id)
        with self._operation(now_ms) as time_ms:
            self._timers.set_countdown(account_id, symbol, time_ms + countdown_ms if countdown_ms > 0 else None)

    def run_down_countdowns(self, account_id: str, passed_ms: int, now_ms: int) -> None:
        """Move the account's countdowns `passed_ms` nearer; those that have run out cancel at once."""
        with self._operation(now_ms):
            self._timers.run_down(account_id, passed_ms)
        self.pass_time(now_ms)

    def place_algo(self, account_id: str, params: AlgoParams, now_ms: int) -> AlgoOrder:
        """Place a conditional order; -2021 where its trigger is met already."""
        market, account = self._registry.market(params.symbol), self._registry.account(account_id)
        with self._operation(now_ms) as time_ms:
            algo = self._algo_desk.place(market, account, params, time_ms)
            if algo.good_till_ms:
                self._timers.expire_at(algo.good_till_ms, account_id, algo.symbol, algo.algo_id, is_algo=True)
            return algo

    def cancel_algo(
        self, account_id: str, *, algo_id: int | None = None, client_id: str | None = None, now_ms: int
    ) -> AlgoOrder:
        """Cancel a conditional order; -2011 unless it waits for its trigger, -1102 without ids."""
        with self._operation(now_ms) as time_ms:
            algo = self._algos.find_open(account_id, algo_id, client_id)
            return self._algo_desk.cancel(algo, time_ms)

    def cancel_all_algos(self, account_id: str, symbol: str, now_ms: int) -> list[AlgoOrder]:
        """Cancel the account's conditional orders on the symbol."""
        self._registry.market(symbol)
        with self._operation(now_ms) as time_ms:
            return [self._algo_desk.cancel(algo, time_ms) for algo in self._algos.open_of(account_id, symbol)]

    def dump(self) -> dict[str, Any]:
        """Return the whole state as JSON-able values; `load` continues from it as if nothing had happened."""
        return {
            **self._head(),
            "accounts": [account.dump() for account in self._registry.accounts.values()],
            "histories": [
                {"account_id": account_id, "symbol": symbol, **history.dump()}
                for account_id, of_account in self._registry.histories.items()
                for symbol, history in of_account.items()
            ],
            "markets": [market.dump() for market in self._registry.markets.values()],
            "algos": self._algos.dump(),
        }

    def journal(self) -> Journal:
        """Return what tells the state in rows, a change at a time."""
        return Journal(self._registry, self._algos, self._head)

    @classmethod
    def load(cls, saved: Mapping[str, Any], *, listener: Callable[[FuturesEvent], None]) -> Self:
        """Rebuild an exchange from `dump`; ValueError for a state of another version."""
        if saved.get("version") != STATE_VERSION:
            raise ValueError(f"state has version {saved.get('version')}, this exchange reads {STATE_VERSION}")
        maker_ppm, taker_ppm = saved["rates"]
        exchange = cls((), maker_ppm=maker_ppm, taker_ppm=taker_ppm, listener=listener)
        exchange._restore(saved)
        return exchange

    def _head(self) -> dict[str, Any]:
        return {
            "version": STATE_VERSION,
            "rates": list(self._rates),
            "now_ms": self._now_ms,
            "insurance_fund": self._ledger.insurance_fund,
            "last_tran_id": self._ledger.last_tran_id,
            "timers": self._timers.dump(),
        }

    def _restore(self, saved: Mapping[str, Any]) -> None:
        self._now_ms = saved["now_ms"]
        self._ledger.insurance_fund = saved["insurance_fund"]
        self._ledger.last_tran_id = saved["last_tran_id"]
        for account in saved["accounts"]:
            self._registry.accounts[account["account_id"]] = FuturesAccount.load(account)
        for history in saved["histories"]:
            of_account = self._registry.histories.setdefault(history["account_id"], {})
            of_account[history["symbol"]] = FuturesHistory.load(history)
        for market in saved["markets"]:
            symbol = market["spec"]["symbol"]
            orders = {
                order.order_id: order
                for account_id in self._registry.accounts
                for order in self._registry.open_orders(account_id, symbol)
            }
            self._registry.markets[symbol] = ContractMarket.load(market, orders)
        self._algos.restore(saved["algos"])
        self._timers.restore(saved["timers"])
