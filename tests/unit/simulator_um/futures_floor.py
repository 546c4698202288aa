"""A small USD-M exchange to test against: prices in whole USDT, quantities in hundredths of the base."""

from dataclasses import replace
from typing import Any

import pytest

from simulator.core.errors import ExchangeError
from simulator.core.events import MarketTrade
from simulator.core.orders import Side
from simulator.core.symbols import UNIT
from simulator.um.core.catalogue import brackets_of
from simulator.um.core.contracts import ContractSpec
from simulator.um.core.events import FuturesEvent, OrderUpdate
from simulator.um.core.exchange import FuturesExchange
from simulator.um.core.orders import (
    AlgoOrder,
    AlgoParams,
    FuturesOrder,
    FuturesOrderType,
    FuturesParams,
    FuturesTimeInForce,
    MarginType,
    PositionSide,
)
from simulator.um.core.views import PositionView

SYMBOL = "BTCUSDT"
HUNDREDTH = UNIT // 100

# The first brackets of BTCUSDT as in protocol section 4, cut short so that tests can leave them.
BRACKETS = brackets_of(((100, 300, 4_000), (75, 800, 5_000), (50, 3_000, 6_500), (10, 12_000, 10_000)))
SPEC = ContractSpec(
    symbol=SYMBOL,
    base="BTC",
    tick=UNIT // 10,
    lot=HUNDREDTH,
    price_precision=2,
    quantity_precision=3,
    min_price=UNIT,
    max_price=1_000_000 * UNIT,
    min_qty=HUNDREDTH,
    max_qty=10_000 * UNIT,
    market_min_qty=HUNDREDTH,
    market_max_qty=100 * UNIT,
    market_step=HUNDREDTH,
    min_notional=5 * UNIT,
    brackets=BRACKETS,
)
ETH_SPEC = replace(SPEC, symbol="ETHUSDT", base="ETH")


class FuturesFloor:
    """An exchange with accounts a, b and c, a clock that ticks with each call, and all its events.

    The mark price starts at 100, the external book is empty.
    """

    def __init__(self, spec: ContractSpec = SPEC, *, wallet: int = 1_000_000, mark: int = 100) -> None:
        self.events: list[FuturesEvent] = []
        self.exchange = FuturesExchange([spec, ETH_SPEC], listener=self.events.append)
        self.now_ms = 1_000
        for account in "abc":
            self.exchange.open_account(account)
            self.exchange.transfer(account, wallet * UNIT, self.tick())
        self.mark(mark)
        self.events.clear()

    def tick(self) -> int:
        self.now_ms += 1
        return self.now_ms

    def place(self, account: str, side: str, price: float | None, hundredths: int, /, **more: Any) -> FuturesOrder:
        """LIMIT GTC with a price, MARKET without; `more` overrides fields of FuturesParams."""
        limit = price is not None
        params = FuturesParams(
            symbol=SYMBOL,
            side=Side(side),
            type=FuturesOrderType.LIMIT if limit else FuturesOrderType.MARKET,
            time_in_force=FuturesTimeInForce.GTC if limit else None,
            price=round(price * 10) * UNIT // 10 if price is not None else None,
            quantity=hundredths * HUNDREDTH,
        )
        return self.exchange.place(account, replace(params, **more), self.tick())

    def algo(self, account: str, side: str, kind: str, trigger: int | None, /, **more: Any) -> AlgoOrder:
        """Place a conditional order; `trigger` and `hundredths` in whole units, the rest fields of AlgoParams."""
        hundredths = more.pop("hundredths", None)
        params = AlgoParams(
            symbol=SYMBOL,
            side=Side(side),
            type=FuturesOrderType(kind),
            trigger_price=None if trigger is None else trigger * UNIT,
            quantity=None if hundredths is None else hundredths * HUNDREDTH,
        )
        return self.exchange.place_algo(account, replace(params, **more), self.tick())

    def open(self, account: str, side: str, price: int, hundredths: int, /, **more: Any) -> None:
        """Let the account take a position at a price, from external volume that is gone afterwards."""
        levels = {price: hundredths}
        self.book({}, levels) if side == "BUY" else self.book(levels, {})
        self.place(account, side, price, hundredths, time_in_force=FuturesTimeInForce.IOC, **more)
        self.book({}, {})

    def modify(self, order: FuturesOrder, price: int, hundredths: int, **more: Any) -> FuturesOrder:
        return self.exchange.modify(
            order.account_id,
            order.symbol,
            side=order.side,
            quantity=hundredths * HUNDREDTH,
            price=price * UNIT,
            order_id=order.order_id,
            now_ms=self.tick(),
            **more,
        )

    def cancel(self, order: FuturesOrder) -> FuturesOrder:
        return self.exchange.cancel(order.account_id, order.symbol, order_id=order.order_id, now_ms=self.tick())

    def book(self, bids: dict[int, int], asks: dict[int, int]) -> None:
        self.exchange.set_book(SYMBOL, _levels(bids, best=max), _levels(asks, best=min), now_ms=self.tick())

    def print(self, price: int, hundredths: int) -> None:
        self.exchange.print_trade(
            MarketTrade(SYMBOL, price * UNIT, hundredths * HUNDREDTH, self.tick(), buyer_is_maker=True)
        )

    def mark(self, price: float, symbol: str = SYMBOL) -> None:
        scaled = round(price * 100) * UNIT // 100
        self.exchange.set_mark(symbol, scaled, scaled, self.tick())

    def fund(self, rate_e8: int, mark: int) -> None:
        self.exchange.settle_funding(SYMBOL, rate_e8, mark * UNIT, self.tick())

    def isolate(self, account: str, leverage: int | None = None) -> None:
        self.exchange.set_margin_type(account, SYMBOL, MarginType.ISOLATED, self.tick())
        if leverage is not None:
            self.leverage(account, leverage)

    def leverage(self, account: str, leverage: int) -> None:
        self.exchange.set_leverage(account, SYMBOL, leverage, self.tick())

    def hedge(self, account: str) -> None:
        self.exchange.set_position_mode(account, True, self.tick())

    def order(self, order: FuturesOrder) -> FuturesOrder:
        return self.exchange.order(order.account_id, order.symbol, order_id=order.order_id)

    def position(self, account: str, side: str = "BOTH") -> PositionView:
        found = self.exchange.positions(account, SYMBOL)
        return next(view for view in found if view.position_side is PositionSide(side))

    def held(self, account: str, side: str = "BOTH") -> int:
        """Signed position in hundredths."""
        return self.position(account, side).quantity // HUNDREDTH

    def wallet(self, account: str) -> int:
        return self.exchange.account(account).wallet_balance

    def kinds(self) -> list[str]:
        """Name the events so far, orders with their execution type; then forget them."""
        names = [
            f"{type(event).__name__}:{event.execution_type}" if isinstance(event, OrderUpdate) else type(event).__name__
            for event in self.events
        ]
        self.events.clear()
        return names

    def told(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def _levels(levels: dict[int, int], *, best: Any) -> list[tuple[int, int]]:
    return [(price * UNIT, levels[price] * HUNDREDTH) for price in sorted(levels, reverse=best is max)]


class Refusal:
    """A refusal is expected, with this code."""

    def __init__(self, code: int) -> None:
        self._code = code
        self._raises = pytest.raises(ExchangeError)

    def __enter__(self) -> None:
        self._caught = self._raises.__enter__()

    def __exit__(self, *failure: object) -> bool:
        handled = self._raises.__exit__(*failure)
        assert self._caught.value.code == self._code, self._caught.value
        return bool(handled)


refused = Refusal
