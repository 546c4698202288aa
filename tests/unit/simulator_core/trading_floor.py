"""A small exchange to test against: prices in whole quote units, quantities in hundredths of the base."""

from dataclasses import replace
from typing import Any

import pytest

from simulator.core.errors import ExchangeError
from simulator.core.events import (
    BalancesChanged,
    ExchangeEvent,
    ExecutionType,
    MarketTrade,
    OrderChanged,
    PublicTrade,
)
from simulator.core.exchange import Exchange
from simulator.core.orders import Order, OrderParams, OrderType, Side, TimeInForce
from simulator.core.symbols import NOTIONAL_UNIT, UNIT, SymbolSpec

SYMBOL = "BTCUSDT"
HUNDREDTH = UNIT // 100

SPEC = SymbolSpec(
    symbol=SYMBOL, base="BTC", quote="USDT", tick=UNIT // 100, lot=HUNDREDTH // 10, min_qty=HUNDREDTH // 10
)
ETH_SPEC = replace(SPEC, symbol="ETHUSDT", base="ETH")
BNB_SPEC = replace(SPEC, symbol="BNBUSDT", base="BNB")


class Floor:
    """An exchange with rich accounts a, b and c, a clock that ticks with each call, and all its events."""

    def __init__(self, spec: SymbolSpec = SPEC, *, wealth: int = 1_000_000, **rates: int) -> None:
        self.events: list[ExchangeEvent] = []
        self.exchange = Exchange([spec, ETH_SPEC, BNB_SPEC], listener=self.events.append, **rates)
        for account in "abc":
            self.exchange.open_account(account, {"BTC": wealth * NOTIONAL_UNIT, "USDT": wealth * NOTIONAL_UNIT})
        self.now_ms = 1_000

    def tick(self) -> int:
        self.now_ms += 1
        return self.now_ms

    def place(self, account: str, side: str, price: int | None, hundredths: int | None, /, **more: Any) -> Order:
        """LIMIT GTC with a price, MARKET without; `more` overrides fields of OrderParams."""
        limit = price is not None
        params = OrderParams(
            symbol=SYMBOL,
            side=Side(side),
            type=OrderType.LIMIT if limit else OrderType.MARKET,
            time_in_force=TimeInForce.GTC if limit else None,
            price=price * UNIT if price is not None else None,
            quantity=hundredths * HUNDREDTH if hundredths is not None else None,
        )
        return self.exchange.place(account, replace(params, **more), self.tick())

    def maker(self, account: str, side: str, price: int, hundredths: int, /, **more: Any) -> Order:
        return self.place(account, side, price, hundredths, type=OrderType.LIMIT_MAKER, time_in_force=None, **more)

    def cancel(self, account: str, order: Order, **more: Any) -> Order:
        return self.exchange.cancel(account, order.symbol, order_id=order.order_id, now_ms=self.tick(), **more)

    def book(self, bids: dict[int, int], asks: dict[int, int]) -> None:
        self.exchange.set_book(SYMBOL, _levels(bids), _levels(asks))

    def print(self, price: int, hundredths: int, *, symbol: str = SYMBOL) -> None:
        self.exchange.print_trade(
            MarketTrade(symbol, price * UNIT, hundredths * HUNDREDTH, self.tick(), buyer_is_maker=True)
        )

    def order(self, order: Order) -> Order:
        return self.exchange.order(order.account_id, order.symbol, order_id=order.order_id)

    def filled(self, order: Order) -> int:
        """Executed quantity in hundredths."""
        return self.order(order).executed // HUNDREDTH

    def fills(self, order: Order) -> list[tuple[int, int]]:
        """Price and hundredths of every fill of an order."""
        found = self.exchange.trades(order.account_id, SYMBOL, order_id=order.order_id)
        return [(fill.price // UNIT, fill.quantity // HUNDREDTH) for fill in found]

    def free(self, account: str, asset: str) -> int:
        return self.exchange.balances(account)[asset].free

    def locked(self, account: str, asset: str) -> int:
        return self.exchange.balances(account)[asset].locked

    def depth(self, limit: int = 100) -> tuple[dict[int, int], dict[int, int]]:
        bids, asks = self.exchange.depth(SYMBOL, limit)
        return _units(bids), _units(asks)

    def reports(self) -> list[tuple[str, ExecutionType]]:
        return [(event.account_id, event.execution_type) for event in self.events if isinstance(event, OrderChanged)]

    def tape(self) -> list[tuple[int, int]]:
        return [
            (event.price // UNIT, event.qty // HUNDREDTH) for event in self.events if isinstance(event, PublicTrade)
        ]

    def balance_events(self) -> list[BalancesChanged]:
        return [event for event in self.events if isinstance(event, BalancesChanged)]


def refused(code: int, message: str) -> Any:
    """Expect an ExchangeError with exactly this code and text."""

    def is_it(error: ExchangeError) -> bool:
        return (error.code, error.message) == (code, message)

    return pytest.raises(ExchangeError, check=is_it)


def _levels(side: dict[int, int]) -> list[tuple[int, int]]:
    return [(price * UNIT, hundredths * HUNDREDTH) for price, hundredths in side.items()]


def _units(levels: list[tuple[int, int]]) -> dict[int, int]:
    return {price // UNIT: quantity // HUNDREDTH for price, quantity in levels}
