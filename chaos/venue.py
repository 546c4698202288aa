"""The exchange as an account sees it over the wire: its present, and its past where a replica lags behind."""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from chaos.clock import EventHeap
from chaos.translate import amount
from domain.events import OrderReported
from domain.futures import FundingPayment, FundingRate, Position
from domain.instrument import Instrument, InstrumentRules, Market
from domain.orders import Fill, Intent, VenueOrder
from orders.client_ids import PREFIX
from simulator.core.errors import ExchangeError
from simulator.core.events import MarketTrade, OrderChanged
from simulator.core.orders import Side, TimeInForce
from simulator.core.symbols import UNIT
from simulator.um.core.events import OrderUpdate

ACCOUNT = "bot"
BNB_PRICE = Decimal(600)

Change = OrderChanged | OrderUpdate


class Venue(ABC):
    """One instrument, one account. What the account's own orders do is told to `on_report` and `on_change`.

    Args:
        spec: the rules in force at the start; both markets' have a tick, a lot and a least value.
    """

    def __init__(self, spec: Any, instrument: Instrument, clock: EventHeap) -> None:
        self.spec = spec
        self.symbol: str = spec.symbol
        self.instrument = instrument
        self.on_report: Callable[[OrderReported], None] = lambda _report: None
        self.on_change: Callable[[Change], None] = lambda _change: None
        self._clock = clock
        self._exchange: Any = None
        self._past_ms: list[float] = []
        self._past: list[tuple[VenueOrder, Fill | None]] = []
        self._foreign = 0
        self._book: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])

    @property
    def is_contract(self) -> bool:
        return self.instrument.market is Market.FUTURES

    @abstractmethod
    def rules(self) -> InstrumentRules:
        """Return the filters in force, as the bot reads them when it starts a grid."""

    # --- the market ---

    def move(self, price: Decimal, quantity: Decimal, at_ms: int) -> None:
        """Let the outside market trade at `price` and stand around it."""
        ticks = int(price * UNIT)
        trade = MarketTrade(self.symbol, ticks, int(quantity * UNIT), at_ms, buyer_is_maker=False)
        self._exchange.print_trade(trade)
        book = [(ticks - self.spec.tick, UNIT)], [(ticks + self.spec.tick, UNIT)]
        self._book = book
        self._exchange.set_book(self.symbol, *book)

    def nibble(self, order: VenueOrder, share: Decimal) -> None:
        """Let the outside market take a part of a resting order, at its own price."""
        lots = max(1, int((order.quantity - order.executed_quantity) * share / amount(self.spec.lot)))
        price, quantity = int(order.price * UNIT), lots * self.spec.lot
        market_ms = self._clock.market_ms()
        self._exchange.print_trade(MarketTrade(self.symbol, price, quantity, market_ms, buyer_is_maker=False))

    # --- requests of the bot ---

    def place(self, intent: Intent) -> OrderReported:
        """Accept an order.

        Raises:
            ExchangeError: with the venue's code where it refuses.
        """
        order = self._exchange.place(ACCOUNT, self._params_of(intent), self._clock.market_ms())
        fills = tuple(self._fill_of(fill, intent.client_id) for fill in order.fills)
        return OrderReported(self._order_of(order), fills)

    def cancel(self, client_id: str) -> OrderReported:
        """Cancel an open order; ExchangeError where it is none."""
        market_ms = self._clock.market_ms()
        order = self._exchange.cancel(ACCOUNT, self.symbol, client_id=client_id, now_ms=market_ms)
        return OrderReported(self._order_of(order))

    def order(self, client_id: str, lag_ms: float = 0) -> VenueOrder | None:
        """Return an order by client id, as it was `lag_ms` ago."""
        return next((order for order in self.orders(lag_ms) if order.client_id == client_id), None)

    def orders(self, lag_ms: float = 0) -> list[VenueOrder]:
        """Return all orders of the account, open or not."""
        return list({order.venue_order_id: order for order, _ in self._past[: self._known(lag_ms)]}.values())

    def open_orders(self, lag_ms: float = 0) -> list[VenueOrder]:
        return [order for order in self.orders(lag_ms) if order.status.value == "open"]

    def trades(self, lag_ms: float = 0, since: int = 0) -> list[Fill]:
        """Return the account's trades with an id of at least `since`, foreign orders' too."""
        past = self._past[: self._known(lag_ms)]
        return [fill for _, fill in past if fill is not None and fill.trade_id >= since]

    @abstractmethod
    def balances(self) -> dict[str, Decimal]:
        """Return what the account holds, free and locked together."""

    def positions(self, lag_ms: float = 0) -> tuple[Position, ...] | None:  # noqa: ARG002 - on spot there are none
        """Return what is held of a contract, or was `lag_ms` ago; None on spot."""
        return None

    def settlements(self) -> list[FundingRate]:
        """Return what was settled on a contract so far, oldest first."""
        return []

    def payments(self) -> list[FundingPayment]:
        """Return what funding brought to the account, oldest first."""
        return []

    # --- other hands ---

    def cancel_by_hand(self, client_id: str) -> None:
        self._exchange.cancel(ACCOUNT, self.symbol, client_id=client_id, now_ms=self._clock.market_ms())

    def place_by_hand(self, side: Side, price: Decimal, quantity: Decimal, client_id: str | None = None) -> bool:
        """Place a resting order that is not the bot's; tell whether it was accepted."""
        self._foreign += 1
        params = self._params(side, price, quantity, client_id or f"x-hand{self._foreign}", TimeInForce.GTC)
        try:
            self._exchange.place(ACCOUNT, params, self._clock.market_ms())
        except ExchangeError:
            return False
        return True

    def prevent_match(self, order: VenueOrder) -> bool:
        """Let another hand of the same account take into `order`: the venue expires it in match."""
        self._exchange.set_book(self.symbol, (), ())
        self._foreign += 1
        side = Side.SELL if order.side.value == "BUY" else Side.BUY
        params = self._params(side, order.price, order.quantity, f"x-hand{self._foreign}", TimeInForce.IOC)
        try:
            self._exchange.place(ACCOUNT, params, self._clock.market_ms())
        except ExchangeError:
            return False
        finally:
            self._exchange.set_book(self.symbol, *self._book)
        return self.order(order.client_id) not in self.open_orders()

    @abstractmethod
    def deposit(self, asset: str, change: Decimal) -> bool:
        """Move money in, or out where `change` is negative; tell whether it was there to move."""

    @abstractmethod
    def free(self, asset: str) -> Decimal:
        """Return what could be moved out."""

    @abstractmethod
    def set_status(self, status: str) -> None: ...

    @abstractmethod
    def set_filters(self, *, min_notional: int, tick: int) -> None: ...

    def pay_in_bnb(self, wanted: bool) -> None:  # noqa: B027 - only spot knows it
        """Take commissions in BNB from the next fill on, or stop doing so."""

    @abstractmethod
    def restore_symbol(self) -> None:
        """Put status and filters back as they were at the start."""

    # --- helpers ---

    @abstractmethod
    def _params_of(self, intent: Intent) -> Any: ...

    @abstractmethod
    def _params(self, side: Side, price: Decimal, quantity: Decimal, client_id: str, tif: TimeInForce) -> Any: ...

    @abstractmethod
    def _order_of(self, order: Any) -> VenueOrder: ...

    @abstractmethod
    def _fill_of(self, fill: Any, client_id: str) -> Fill: ...

    def _known(self, lag_ms: float) -> int:
        return bisect_right(self._past_ms, self._clock.now_ms - lag_ms)

    def _heard(self, event: object) -> None:
        if not isinstance(event, OrderChanged | OrderUpdate) or event.order.symbol != self.symbol:
            return
        order = self._order_of(event.order)
        fill = None if event.fill is None else self._fill_of(event.fill, order.client_id)
        self._past_ms.append(self._clock.now_ms)
        self._past.append((order, fill))
        self.on_change(event)
        if is_ours(order.client_id):
            self.on_report(OrderReported(order, () if fill is None else (fill,)))


def is_ours(client_id: str) -> bool:
    """Tell whether the gateway passes an order on: it carries our prefix, be it another instance's."""
    return client_id.startswith(f"{PREFIX}-")
