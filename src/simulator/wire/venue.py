"""The spot exchange together with what its users see around it: clocks, tape, candles, stale views."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulator.core.events import ExchangeEvent, OrderChanged, PublicTrade
from simulator.core.exchange import Exchange
from simulator.core.symbols import SymbolSpec
from simulator.faults.board import FaultBoard
from simulator.market.candles import CandleBook
from simulator.market.feed import MarketPast
from simulator.wire.limits import Limits
from simulator.wire.venue_base import Clocks, VenueBase

__all__ = ["Clocks", "Venue"]


class Venue(VenueBase[Exchange, SymbolSpec, ExchangeEvent]):
    """One spot venue."""

    def __init__(
        self,
        market: MarketPast,
        candles: CandleBook,
        clocks: Clocks,
        limits: Limits,
        saved: Mapping[str, Any] | None = None,
    ) -> None:
        """Open the venue, or go on from `saved`, a dump of its exchange."""
        exchange = (
            Exchange.load(saved, listener=self._heard)
            if saved is not None
            else Exchange(list(market.specs.values()), listener=self._heard)
        )
        super().__init__(exchange, exchange.symbols, market, candles, clocks, limits, FaultBoard())
        self.market = market

    def spec(self, symbol: str) -> SymbolSpec:
        """Return the filters in force; -1121 for an unknown symbol."""
        return self.exchange.symbol(symbol)

    def add_symbol(self, spec: SymbolSpec) -> None:
        self.exchange.add_symbol(spec)
        self.candles.add_symbol(spec.symbol)
        self._list(spec)

    def set_symbol(self, spec: SymbolSpec) -> None:
        """Change filters or status from now on."""
        self.exchange.set_symbol(spec)
        self._note_status(spec)

    def delist(self, symbol: str) -> None:
        """Cancel every order on a symbol, close it and let it disappear from what can be traded."""
        for account_id in self.exchange.account_ids:
            if self.exchange.open_orders(account_id, symbol):
                self.exchange.cancel_all(account_id, symbol, self.market_ms())
        self.set_symbol(replace(self.spec(symbol), status="BREAK"))
        self.delisted.add(symbol)

    def touched_accounts(self) -> bool:
        """Tell whether an account's order changed in this turn."""
        return any(isinstance(event, OrderChanged) for event in self._turn)

    def known_assets(self) -> Mapping[str, None]:
        """Return every asset of every symbol, in listing order."""
        specs = [self.spec(symbol) for symbol in self.tapes]
        return dict.fromkeys(asset for spec in specs for asset in (spec.base, spec.quote))

    def _heard(self, event: ExchangeEvent) -> None:
        self._turn.append(event)
        if isinstance(event, PublicTrade):
            self.tapes[event.symbol].add(event)
        elif isinstance(event, OrderChanged):
            self._touch(event.order.symbol)
            self._count_first_fill(event)

    def _count_first_fill(self, event: OrderChanged) -> None:
        fill = event.fill
        if fill is not None and event.order.executed == fill.quantity:
            self.order_counter.first_fill(event.account_id, maker=fill.is_maker, now_ms=self.clocks.server_ms())
