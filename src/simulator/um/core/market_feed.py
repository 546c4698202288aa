"""What the outside world does to the exchange: prints, books, mark prices, funding."""

from collections.abc import Sequence

from simulator.core.book import Level
from simulator.core.events import MarketTrade, PublicTrade
from simulator.core.matching import meet_print
from simulator.core.symbols import NOTIONAL_UNIT, half_up
from simulator.um.core.accounts import FuturesAccount
from simulator.um.core.contract_market import ContractMarket
from simulator.um.core.engine import Engine
from simulator.um.core.events import AccountReason
from simulator.um.core.orders import IncomeType
from simulator.um.core.positions import Position


class MarketFeed(Engine):
    """Prices and quantities are scaled by UNIT."""

    def print_trade(self, trade: MarketTrade) -> None:
        """Let the outside market trade, by the rules of the spot exchange; then contract-price triggers run."""
        market = self._registry.market(trade.symbol)
        if self._touches_nothing(market, trade):
            self._now_ms = max(self._now_ms, trade.time_ms)
            self._publish_rest(market, trade, 0)
            self._outbox.hand_over()
            return
        with self._operation(trade.time_ms) as now_ms:
            fills, own = meet_print(market.book, trade.price, trade.qty, market.spec.lot)
            for fill in fills:
                if fill.order.is_open:
                    self._ledger.fill_resting(market, fill.order, fill.quantity, now_ms)
            self._publish_rest(market, trade, own)

    def _touches_nothing(self, market: ContractMarket, trade: MarketTrade) -> bool:
        """Say whether a print only moves the last price: no order reached, no trigger to try, no timer due."""
        book = market.book
        return (
            book.touch_below < trade.price < book.touch_above
            and not self._algos.on_symbol(market.symbol)
            and not self._timers.is_due(trade.time_ms)
        )

    def set_book(self, symbol: str, bids: Sequence[Level], asks: Sequence[Level], *, now_ms: int | None = None) -> None:
        """Replace the external depth: levels of (price, quantity), best first.

        Resting orders that the new book stands beyond fill whole, at their own prices; triggered market
        orders that waited for a book are executed. Raises ValueError on a crossed book.
        """
        market = self._registry.market(symbol)
        market.book.set_external(bids, asks)
        overtaken = market.book.overtaken()
        if overtaken or self._algos.triggering(symbol):
            with self._operation(self._now_ms if now_ms is None else now_ms) as time_ms:
                for order in overtaken:
                    if order.is_open:
                        self._ledger.fill_resting(market, order, order.remaining, time_ms)

    def set_mark(self, symbol: str, mark: int, index: int, now_ms: int) -> None:
        """Set mark and index price; mark-price triggers and liquidations follow from it.

        Raises:
            ValueError: a price is not above 0.
        """
        if mark <= 0 or index <= 0:
            raise ValueError(f"mark and index price of {symbol} must be above 0, were {mark} and {index}")
        market = self._registry.market(symbol)
        with self._operation(now_ms):
            market.mark_price, market.index_price = mark, index
            for account in self._registry.accounts.values():
                if any(position.symbol == symbol for position in account.held()):
                    self._ledger.touched[account.account_id] = None

    def settle_funding(self, symbol: str, rate: int, mark: int, now_ms: int) -> None:
        """Let every position pay (or get) quantity * mark * rate, half up to 1e-8 USDT.

        `rate` and `mark` are scaled by UNIT; longs pay where the rate is above 0. The stored mark price is
        not changed. An isolated position pays from its own wallet.
        """
        self._registry.market(symbol)
        with self._operation(now_ms) as time_ms:
            for account in self._registry.accounts.values():
                for position in list(account.held()):
                    if position.symbol == symbol:
                        self._pay_funding(account, position, position.quantity * mark * rate, time_ms)

    def _pay_funding(self, account: FuturesAccount, position: Position, due: int, now_ms: int) -> None:
        """Take `due` (scaled by NOTIONAL_UNIT * UNIT, below 0 to get) from the position's wallet."""
        amount = half_up(abs(due), NOTIONAL_UNIT) * (-1 if due > 0 else 1)
        if not amount:
            return
        position.carry -= amount
        self._ledger.book(account, IncomeType.FUNDING_FEE, amount, position.symbol, now_ms)
        if account.setting(position.symbol).is_isolated:
            position.isolated_wallet += amount
            self._ledger.tell_account(account, AccountReason.FUNDING_FEE, now_ms, position, change=amount)
        else:
            account.cross_wallet += amount
            self._ledger.tell_account(account, AccountReason.FUNDING_FEE, now_ms, change=amount)

    def _publish_rest(self, market: ContractMarket, trade: MarketTrade, own: int) -> None:
        """Set the last price and publish what accounts' orders left of the print."""
        market.last_price = trade.price
        rest = trade.qty - own
        if rest > 0:
            number = market.ids.next_trade()
            self._outbox.tell(
                PublicTrade(market.symbol, number, trade.price, rest, trade.time_ms, trade.buyer_is_maker, own=False)
            )
