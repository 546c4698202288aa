"""Ends a contract: its orders are cancelled and every position is closed at the mark price of that moment.

What it does not do: the venue averages the index over the last half hour. Each position is closed by an order named
`settlement_autoclose-…`, without a trade on the public tape, at the taker's fee.
"""

from simulator.um.core.accounts import FuturesAccount
from simulator.um.core.algo_book import AlgoBook
from simulator.um.core.algo_desk import AlgoDesk
from simulator.um.core.contract_market import ContractMarket
from simulator.um.core.desk import FuturesDesk, draft_settlement
from simulator.um.core.positions import Position
from simulator.um.core.settlement import FuturesLedger, opposite


class Deliverer:
    """Works on all accounts of an exchange."""

    def __init__(self, ledger: FuturesLedger, desk: FuturesDesk, algo_desk: AlgoDesk, algos: AlgoBook) -> None:
        self._ledger, self._desk, self._algo_desk, self._algos = ledger, desk, algo_desk, algos

    def settle(self, market: ContractMarket, now_ms: int) -> None:
        """Cancel every order of the contract and close every position."""
        for account in list(self._ledger.registry.accounts.values()):
            for order in list(self._ledger.registry.open_orders(account.account_id, market.symbol)):
                self._desk.cancel(order, now_ms)
            for algo in list(self._algos.open_of(account.account_id, market.symbol)):
                self._algo_desk.cancel(algo, now_ms)
            for position in [held for held in account.held() if held.symbol == market.symbol]:
                self._close(market, account, position, now_ms)

    def _close(self, market: ContractMarket, account: FuturesAccount, position: Position, now_ms: int) -> None:
        order = draft_settlement(
            market,
            account,
            side=opposite(position),
            position_side=position.side,
            quantity=position.size,
            price=market.mark,
            now_ms=now_ms,
        )
        market.ids.next_order()
        self._ledger.open(order)
        market.ids.next_trade()
        self._ledger.fill(market, order, order.price, order.quantity, is_maker=False, now_ms=now_ms)
