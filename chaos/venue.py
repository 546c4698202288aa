"""The exchange as an account sees it over the wire: its present, and its past where a replica lags behind."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from chaos.clock import EventHeap
from chaos.translate import amount, fill_of, instrument_of, order_of, params_of, rules_of
from domain.events import OrderReported
from domain.instrument import InstrumentRules
from domain.orders import Fill, Intent, VenueOrder
from orders.client_ids import PREFIX
from simulator.core.errors import ExchangeError
from simulator.core.events import ExchangeEvent, MarketTrade, OrderChanged
from simulator.core.exchange import Exchange
from simulator.core.orders import OrderParams, OrderType, Side, TimeInForce
from simulator.core.symbols import NOTIONAL_UNIT, UNIT, SymbolSpec

ACCOUNT = "bot"
BNB_PRICE = Decimal(600)


class Venue:
    """One symbol, one account. What the account's own orders do is told to `on_report` and `on_change`.

    `bnb` is the market that gives fees in BNB their price.
    """

    def __init__(self, spec: SymbolSpec, bnb: SymbolSpec, balances: dict[str, Decimal], clock: EventHeap) -> None:
        self.spec = spec
        self.symbol = spec.symbol
        self.instrument = instrument_of(spec)
        self.on_report: Callable[[OrderReported], None] = lambda _report: None
        self.on_change: Callable[[OrderChanged], None] = lambda _change: None
        self._clock = clock
        self._past_ms: list[float] = []
        self._past: list[tuple[VenueOrder, Fill | None]] = []
        self._foreign = 0
        self._book: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        self._exchange = Exchange([spec, bnb], listener=self._heard)
        self._exchange.print_trade(
            MarketTrade(bnb.symbol, int(BNB_PRICE * UNIT), UNIT, clock.market_ms(), buyer_is_maker=False)
        )
        self._exchange.open_account(ACCOUNT, {asset: int(held * NOTIONAL_UNIT) for asset, held in balances.items()})

    def rules(self) -> InstrumentRules:
        """Return the filters in force, as the bot reads them when it starts a grid."""
        return rules_of(self._exchange.symbol(self.symbol))

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
        order = self._exchange.place(ACCOUNT, params_of(intent, self.symbol), self._clock.market_ms())
        fills = tuple(fill_of(fill, self.instrument, intent.client_id) for fill in order.fills)
        return OrderReported(order_of(order, self.instrument), fills)

    def cancel(self, client_id: str) -> OrderReported:
        """Cancel an open order; ExchangeError where it is none."""
        market_ms = self._clock.market_ms()
        order = self._exchange.cancel(ACCOUNT, self.symbol, client_id=client_id, now_ms=market_ms)
        return OrderReported(order_of(order, self.instrument))

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

    def balances(self) -> dict[str, Decimal]:
        """Return what the account holds, free and locked together."""
        held = self._exchange.balances(ACCOUNT)
        return {asset: amount(balance.free + balance.locked, NOTIONAL_UNIT) for asset, balance in held.items()}

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

    def deposit(self, asset: str, change: Decimal) -> bool:
        """Move money in, or out where `change` is negative; tell whether it was there to move."""
        units = int(change * NOTIONAL_UNIT)
        try:
            if units > 0:
                self._exchange.deposit(ACCOUNT, asset, units)
            else:
                self._exchange.withdraw(ACCOUNT, asset, -units)
        except ExchangeError:
            return False
        return True

    def free(self, asset: str) -> Decimal:
        held = self._exchange.balances(ACCOUNT).get(asset)
        return amount(held.free, NOTIONAL_UNIT) if held else Decimal(0)

    def set_status(self, status: str) -> None:
        self._exchange.set_symbol(replace(self._exchange.symbol(self.symbol), status=status))

    def set_filters(self, *, min_notional: int, tick: int) -> None:
        changed = replace(self._exchange.symbol(self.symbol), min_notional=min_notional, tick=tick)
        self._exchange.set_symbol(changed)

    def pay_in_bnb(self, wanted: bool) -> None:
        """Take commissions in BNB from the next fill on, or stop doing so."""
        maker_ppm, taker_ppm, _ = self._exchange.commission(ACCOUNT)
        self._exchange.set_commission(ACCOUNT, maker_ppm=maker_ppm, taker_ppm=taker_ppm, pays_in_bnb=wanted)

    def restore_symbol(self) -> None:
        """Put status and filters back as they were at the start."""
        self._exchange.set_symbol(self.spec)

    # --- helpers ---

    def _params(self, side: Side, price: Decimal, quantity: Decimal, client_id: str, tif: TimeInForce) -> OrderParams:
        return OrderParams(
            symbol=self.symbol,
            side=side,
            type=OrderType.LIMIT,
            time_in_force=tif,
            quantity=int(quantity * UNIT),
            price=int(price * UNIT),
            client_id=client_id,
        )

    def _known(self, lag_ms: float) -> int:
        return bisect_right(self._past_ms, self._clock.now_ms - lag_ms)

    def _heard(self, event: ExchangeEvent) -> None:
        if not isinstance(event, OrderChanged) or event.order.symbol != self.symbol:
            return
        order = order_of(event.order, self.instrument)
        fill = None if event.fill is None else fill_of(event.fill, self.instrument, order.client_id)
        self._past_ms.append(self._clock.now_ms)
        self._past.append((order, fill))
        self.on_change(event)
        if is_ours(order.client_id):
            self.on_report(OrderReported(order, () if fill is None else (fill,)))


def is_ours(client_id: str) -> bool:
    """Tell whether the gateway passes an order on: it carries our prefix, be it another instance's."""
    return client_id.startswith(f"{PREFIX}-")
