"""A venue in memory behind the OrderGateway port: it answers when told to, and fails the way it is told to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import get_type_hints

from domain.events import (
    CancelRefused,
    OpenOrdersRead,
    OrderAbsent,
    OrderEvent,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OutcomeUnknown,
    ReadFailed,
    TradesRead,
)
from domain.futures import Position
from domain.instrument import Instrument, InstrumentRules, Market
from domain.money import UNIT, ZERO, exact
from domain.orders import Fill, Intent, OrderType, PositionSide, Side, Status, VenueOrder
from ports.clock import Clock
from ports.gateway import Answer

_TOO_SMALL = "Filter failure: NOTIONAL"
Failure = Callable[[str], OrderEvent]
"""Makes the answer that stands in for the true one, given the client id (or what was read)."""


@dataclass
class _Script:
    """What happens to the next calls of one kind, oldest first: the answer given, and whether it took effect."""

    steps: list[tuple[Failure, bool]] = field(default_factory=list)

    def take(self) -> tuple[Failure, bool] | None:
        return self.steps.pop(0) if self.steps else None


class FakeGateway:
    """Implements ports.gateway.OrderGateway over a one-price market.

    Effects happen at once, answers wait for `deliver`. What the user stream would say goes to `stream`.
    Fees are `fee` of what is received, rounded half up to 8 decimals as the simulator does; on futures of the worth.
    Futures have one `position` (below 0 short), and what closes some of it realises its profit.
    """

    def __init__(
        self,
        clock: Clock,
        rules: InstrumentRules,
        *,
        price: Decimal,
        prefix: str = "",
        fee: Decimal = Decimal("0.001"),
        stream: Callable[[OrderEvent], None] = lambda _event: None,
    ) -> None:
        self._clock, self._rules, self.price, self._prefix = clock, rules, price, prefix
        self._fee, self.stream = fee, stream
        self.orders: dict[str, VenueOrder] = {}
        self.fills: list[Fill] = []
        self.sent: list[Intent] = []
        self.cancels: list[str] = []
        self._waiting: list[tuple[Answer, OrderEvent]] = []
        self._placing, self._cancelling, self._reading = _Script(), _Script(), _Script()
        self._last_order_id = self._last_trade_id = 0
        self._is_futures = rules.instrument.market is Market.FUTURES
        self.position = self._cost = ZERO
        self.foreign_fills: list[Fill] = []
        self.readings = 0
        self.unreadable = ""
        """Why the account cannot be read; empty where it can."""

    @property
    def open_orders(self) -> tuple[VenueOrder, ...]:
        return tuple(order for order in self.orders.values() if order.status is Status.OPEN)

    @property
    def waiting(self) -> int:
        """How many answers are due."""
        return len(self._waiting)

    def deliver(self, count: int | None = None) -> int:
        """Give the next `count` answers (all if None), in the order of the calls; return how many."""
        due = self._waiting[:count]
        del self._waiting[:count]
        for answer, event in due:
            answer(event)
        return len(due)

    def refuse_next(self, code: int = -2010, message: str = "refused", *, would_take: bool = False) -> None:
        """Refuse the next placement."""
        self._placing.steps.append((lambda cid: OrderRefused(cid, code, message, would_take), False))

    def drop_next(self) -> None:
        """Let the next placement never leave."""
        self._placing.steps.append((lambda cid: OrderNotSent(cid, "connection refused"), False))

    def lose_next(self, *, arrives: bool) -> None:
        """Leave the next placement's outcome unknown; `arrives` says what truly became of it."""
        self._placing.steps.append((lambda cid: OutcomeUnknown(cid, "no answer"), arrives))

    def lose_next_cancel(self, *, arrives: bool) -> None:
        self._cancelling.steps.append((lambda cid: OutcomeUnknown(cid, "no answer"), arrives))

    def fail_next_read(self) -> None:
        """Let the next look-up or reading fail."""
        self._reading.steps.append((lambda what: ReadFailed(what, "no answer"), False))

    def submit(self, intent: Intent, answer: Answer) -> None:
        self.sent.append(intent)
        scripted = self._placing.take()
        if scripted is not None:
            failure, arrives = scripted
            if arrives:
                self._place(intent)
            self._waiting.append((answer, failure(intent.client_id)))
            return
        self._waiting.append((answer, self._place(intent)))

    def cancel(self, instrument: Instrument, client_id: str, answer: Answer) -> None:
        self.cancels.append(client_id)
        scripted = self._cancelling.take()
        if scripted is None or scripted[1]:
            event = self._take_back(client_id)
        if scripted is not None:
            event = scripted[0](client_id)
        self._waiting.append((answer, event))

    def look_up(
        self,
        instrument: Instrument,
        client_id: str,
        sent_ms: int,
        answer: Answer,
        presumed: VenueOrder | None = None,
    ) -> None:
        scripted = self._reading.take()
        order = self.orders.get(client_id)
        if scripted is not None:
            event: OrderEvent = scripted[0](f"look-up of {client_id}")
        elif order is None:
            event = OrderAbsent(client_id)
        else:
            event = OrderReported(order, tuple(fill for fill in self.fills if fill.client_id == client_id))
        self._waiting.append((answer, event))

    def read_open(
        self,
        instrument: Instrument,
        since_trade_id: int | None,
        answer: Answer,
        known: Sequence[tuple[int, str]] = (),
    ) -> None:
        self.readings += 1
        scripted = self._reading.take()
        if scripted is not None:
            self._waiting.append((answer, scripted[0](f"open orders of {instrument}")))
            return
        if self.unreadable:
            self._waiting.append((answer, ReadFailed(f"open orders of {instrument}", self.unreadable)))
            return
        ours = tuple(order for order in self.open_orders if order.client_id.startswith(self._prefix))
        fills = () if since_trade_id is None else self._fills_since(since_trade_id)
        foreign = len(self.open_orders) - len(ours)
        with_trades = since_trade_id is not None
        event = OpenOrdersRead(
            instrument,
            ours,
            fills,
            self._clock.monotonic_s(),
            with_trades,
            foreign,
            positions=self._positions() if self._is_futures else None,
            foreign_fills=tuple(self.foreign_fills) if with_trades else (),
        )
        self._waiting.append((answer, event))

    def trade_by_hand(self, side: Side, quantity: Decimal, client_id: str) -> None:
        """Let somebody else trade the account's contract."""
        order = VenueOrder(
            instrument=self._rules.instrument,
            client_id=client_id,
            venue_order_id=0,
            side=side,
            type=OrderType.MARKET,
            status=Status.OPEN,
            price=ZERO,
            quantity=quantity,
            executed_quantity=ZERO,
            updated_ms=self._clock.market_ms(),
        )
        (fill,) = self._execute(order, quantity, self.price, is_maker=False).fills
        self.fills.remove(fill)
        self.foreign_fills.append(fill)

    def _positions(self) -> tuple[Position, ...]:
        amounts = {name for name, kind in get_type_hints(Position).items() if kind is Decimal} - {"quantity"}
        held = Position(
            instrument=self._rules.instrument,
            side=PositionSide.BOTH,
            quantity=self.position,
            liquidation_price=None,
            updated_ms=self._clock.market_ms(),
            **dict.fromkeys(amounts, ZERO),
        )
        return (held,) if self.position else ()

    def read_trades(
        self, instrument: Instrument, since_trade_id: int, answer: Answer, known: Sequence[tuple[int, str]] = ()
    ) -> None:
        scripted = self._reading.take()
        event = TradesRead(instrument, self._fills_since(since_trade_id)) if scripted is None else scripted[0]("trades")
        self._waiting.append((answer, event))

    def _fills_since(self, trade_id: int) -> tuple[Fill, ...]:
        return tuple(
            fill for fill in self.fills if fill.trade_id >= trade_id and fill.client_id.startswith(self._prefix)
        )

    def trade_at(self, price: Decimal) -> tuple[OrderReported, ...]:
        """Let the market trade at `price`: resting orders it reaches fill whole, cheapest for us last."""
        self.price = price
        reached = [order for order in self.open_orders if _reaches(order, price)]
        return tuple(self.fill(order.client_id) for order in reached)

    def fill(self, client_id: str, quantity: Decimal | None = None) -> OrderReported:
        """Fill (part of) a resting order as maker, and tell the stream."""
        order = self.orders[client_id]
        part = order.quantity - order.executed_quantity if quantity is None else quantity
        report = self._execute(order, part, order.price, is_maker=True)
        self.stream(report)
        return report

    def expire(self, client_id: str) -> OrderReported:
        """Let the venue end a resting order by itself, and tell the stream."""
        report = OrderReported(self._set(self.orders[client_id], status=Status.EXPIRED))
        self.stream(report)
        return report

    def _place(self, intent: Intent) -> OrderEvent:
        refusal = self._objection(intent)
        if refusal is not None:
            return refusal
        self._last_order_id += 1
        order = VenueOrder(
            instrument=intent.instrument,
            client_id=intent.client_id,
            venue_order_id=self._last_order_id,
            side=intent.side,
            type=intent.type,
            status=Status.OPEN,
            price=intent.price or ZERO,
            quantity=intent.quantity,
            executed_quantity=ZERO,
            updated_ms=self._clock.market_ms(),
        )
        self.orders[intent.client_id] = order
        if intent.type is OrderType.MARKET or _crosses(intent, self.price):
            return self._execute(order, order.quantity, self.price, is_maker=False)
        return OrderReported(order)

    def _objection(self, intent: Intent) -> OrderEvent | None:
        known = self.orders.get(intent.client_id)
        if known is not None and known.status is Status.OPEN:
            return OutcomeUnknown(intent.client_id, "Duplicate order sent.")
        if intent.reduce_only and not self._closes(intent.side):
            return OrderRefused(intent.client_id, -2022, "ReduceOnly Order is rejected.")
        if (intent.price or self.price) * intent.quantity < self._rules.min_notional and not intent.reduce_only:
            code, text = (-4164, "Order's notional is too small.") if self._is_futures else (-1013, _TOO_SMALL)
            return OrderRefused(intent.client_id, code, text)
        if intent.type is OrderType.LIMIT_MAKER and _crosses(intent, self.price):
            text = "Order would immediately match and take."
            return OrderRefused(intent.client_id, -5022 if self._is_futures else -2010, text, would_take=True)
        return None

    def _closes(self, side: Side) -> bool:
        return self.position < 0 if side is Side.BUY else self.position > 0

    def _take_back(self, client_id: str) -> OrderEvent:
        order = self.orders.get(client_id)
        if order is None or order.status is not Status.OPEN:
            return CancelRefused(client_id, -2011, "Unknown order sent.")
        return OrderReported(self._set(order, status=Status.CANCELED))

    @exact
    def _execute(self, order: VenueOrder, quantity: Decimal, price: Decimal, *, is_maker: bool) -> OrderReported:
        self._last_trade_id += 1
        buys_base = order.side is Side.BUY and not self._is_futures
        received = quantity if buys_base else price * quantity
        fill = Fill(
            instrument=order.instrument,
            trade_id=self._last_trade_id,
            client_id=order.client_id,
            venue_order_id=order.venue_order_id,
            side=order.side,
            price=price,
            quantity=quantity,
            quote_quantity=price * quantity,
            commission=_rounded(received * self._fee),
            commission_asset=order.instrument.base if buys_base else order.instrument.quote,
            is_maker=is_maker,
            time_ms=self._clock.market_ms(),
            realized_profit=self._moved(order.side, quantity, price) if self._is_futures else ZERO,
        )
        self.fills.append(fill)
        executed = order.executed_quantity + quantity
        status = Status.FILLED if executed == order.quantity else Status.OPEN
        return OrderReported(self._set(order, status=status, executed_quantity=executed), (fill,))

    @exact
    def _moved(self, side: Side, quantity: Decimal, price: Decimal) -> Decimal:
        """Move the position and return what was realised; its cost leaves it in proportion, rounded half up."""
        signed = quantity if side is Side.BUY else -quantity
        closed = min(quantity, abs(self.position)) if self._closes(side) else ZERO
        share = _share(self._cost, closed, abs(self.position))
        realized = share - closed * price if side is Side.BUY else closed * price - share
        self._cost += (quantity - closed) * price - share
        self.position += signed
        return realized

    def _set(self, order: VenueOrder, **changes: object) -> VenueOrder:
        changed = replace(order, updated_ms=self._clock.market_ms(), **changes)  # type: ignore[arg-type]
        self.orders[order.client_id] = changed
        return changed


def _crosses(intent: Intent, price: Decimal) -> bool:
    if intent.price is None:
        return True
    return intent.price >= price if intent.side is Side.BUY else intent.price <= price


def _reaches(order: VenueOrder, price: Decimal) -> bool:
    return price <= order.price if order.side is Side.BUY else price >= order.price


def _share(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    """Return `part` of `of` parts of `whole`, to 8 decimals."""
    if not part:
        return ZERO
    with localcontext(Context(prec=60)):  # `exact` traps rounding
        return whole if part == of else (whole * part / of).quantize(UNIT, ROUND_HALF_UP)


def _rounded(amount: Decimal) -> Decimal:
    """Round half up to 8 decimals, never below 1e-8; in a context of its own, since `exact` traps rounding."""
    units = (amount / UNIT).to_integral_value(ROUND_HALF_UP)
    return max(units, Decimal(1)) * UNIT
