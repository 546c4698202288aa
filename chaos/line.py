"""The wire between one process and the venue: `ports.gateway.OrderGateway` with everything that can go wrong on it.

It keeps what `adapters.binance.gateway` promises, and nothing more: exactly one answer, `OrderNotSent` only where
nothing left, `OrderAbsent` only after the receive window and a margin and after several tries. A request on its way
arrives within the receive window or never, whether or not its sender still lives.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import StrEnum

from chaos.clock import EventHeap
from chaos.points import Boundary, Crash, Fault, Tripwire
from chaos.venue import BNB_PRICE, Venue, is_ours
from chaos.weather import Weather
from domain.errors import OrderRejected
from domain.events import (
    CancelRefused,
    FeeEvent,
    FeeNotPriced,
    FeePriced,
    FundingEvent,
    FundingNotRead,
    FundingRead,
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
from domain.instrument import Instrument
from domain.orders import Fill, Intent, Role, VenueOrder
from ports.gateway import Answer, FeeAnswer, FundingAnswer
from simulator.core.errors import ExchangeError
from utils.binance_errors import Purpose, translate_code

TIME_OUT_MS = 8_000.0
# As the gateway has them; a test holds them equal.
RECV_WINDOW_MS = 5_000
SETTLED_MARGIN_MS = 5_000
LOOK_UP_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
_LONG_AGO_MS = 60_000
_HOUR_MS = 3_600_000
_SHOWN_LATE_MS = 300_000


class Source(StrEnum):
    """How an event reached the process."""

    ANSWER = "answer"
    CANCEL = "cancel answer"
    LOOK_UP = "look-up"
    READING = "account reading"
    STREAM = "stream"
    COMMAND = "command"
    TIMER = "timer"
    PRICE = "price"
    FEE = "fee price"
    FUNDING = "funding reading"


class Line:
    """Belongs to one life of the process; `cut` it when that life ends.

    Args:
        receive: takes what comes back, with where it came from.
        killed: called where the process dies while a request of its own is at the venue.
        placed: told every intent that reaches the venue, before the venue sees it.
    """

    def __init__(
        self,
        venue: Venue,
        weather: Weather,
        clock: EventHeap,
        tripwire: Tripwire,
        *,
        receive: Callable[[OrderEvent | FeeEvent | FundingEvent, Source], None],
        killed: Callable[[Boundary], None],
        placed: Callable[[Intent], None],
    ) -> None:
        self._venue, self._weather, self._clock, self._tripwire = venue, weather, clock, tripwire
        self._receive, self._killed, self._placed = receive, killed, placed
        self._is_cut = False
        self._lost: set[str] = set()  # requests that vanish with their sender
        self._unknown_since_ms: dict[str, int] = {}

    def cut(self) -> None:
        """Let nothing come back any more. What is on its way to the venue still arrives."""
        self._is_cut = True

    # --- orders ---

    def submit(self, intent: Intent, answer: Answer) -> None:  # noqa: ARG002 - answers go by their source
        self._tripwire.reach(Boundary.BETWEEN_SENDS)
        name = f"place {intent.client_id}"
        self._send(name, intent.client_id, lambda: self._place(intent), Source.ANSWER)
        self._leave_wire(name, Boundary.UNWIND_SENT if intent.slot.role is Role.UNWIND else Boundary.SENT_ARRIVES)

    def cancel(self, instrument: Instrument, client_id: str, answer: Answer) -> None:  # noqa: ARG002
        self._tripwire.reach(Boundary.STOP_CANCELLING)
        self._send(f"cancel {client_id}", client_id, lambda: self._cancel(client_id), Source.CANCEL)
        self._tripwire.reach(Boundary.CANCEL_SENT)

    def _leave_wire(self, name: str, boundary: Boundary) -> None:
        if self._tripwire.falls(Boundary.SENT_LOST):
            self._lost.add(name)
            raise Crash(Boundary.SENT_LOST)
        self._tripwire.reach(boundary)

    def _place(self, intent: Intent) -> OrderEvent:
        self._placed(intent)
        try:
            event: OrderEvent = self._venue.place(intent)
        except ExchangeError as error:
            return self._refused(intent.client_id, error)
        self._may_die(Boundary.UNWIND_APPLIED if intent.slot.role is Role.UNWIND else Boundary.APPLIED_UNANSWERED)
        return event

    def _refused(self, client_id: str, error: ExchangeError) -> OrderEvent:
        """Return what the gateway makes of a refusal."""
        market = self._venue.instrument.market
        meant = translate_code(market, 400, error.code, error.message, {}, Purpose.PLACE)
        if not isinstance(meant, OrderRejected):
            return OutcomeUnknown(client_id, error.message)
        return OrderRefused(client_id, error.code, error.message, meant.would_take, meant.market_closed)

    def _cancel(self, client_id: str) -> OrderEvent:
        try:
            event = self._venue.cancel(client_id)
        except ExchangeError as error:
            return CancelRefused(client_id, error.code, error.message)
        self._may_die(Boundary.CANCEL_APPLIED)
        return event

    def _may_die(self, boundary: Boundary) -> None:
        if not self._is_cut and self._tripwire.falls(boundary):
            self._killed(boundary)

    def _send(self, name: str, client_id: str, apply: Callable[[], OrderEvent], source: Source) -> None:
        """Send a request that changes something, to whatever fate the weather has for it."""
        if refusal := self._refusal():
            self._answer(OrderNotSent(client_id, refusal), source)
            return
        strikes = self._weather.strikes_now
        lost = strikes(Fault.REQUEST_LOST, 0.3)
        not_applied = strikes(Fault.UNKNOWN_NOT_APPLIED, 0.3)
        unsure = not_applied or strikes(Fault.UNKNOWN_APPLIED, 0.4)
        broken = strikes(Fault.SERVER_ERROR, 0.4)
        late_ms = self._weather.random.uniform(0, 900) if broken else 0.0
        never = lost or not_applied or (broken and self._weather.random.random() < 0.4)
        unheard = strikes(Fault.ANSWER_LOST, 0.3)

        def arrive() -> None:
            if name in self._lost:
                return
            event = None if never else apply()
            if unsure or never or broken or unheard:
                self._answer(self._doubt(client_id), source, TIME_OUT_MS if lost or unheard else 0.0)
            elif event is not None:
                self._answer(event, source)

        self._clock.after(self._weather.delay_ms() + late_ms, arrive)

    def _doubt(self, client_id: str) -> OutcomeUnknown:
        self._unknown_since_ms[client_id] = self._clock.wall_ms()
        return OutcomeUnknown(client_id, "outcome unknown")

    # --- questions ---

    def look_up(
        self,
        instrument: Instrument,  # noqa: ARG002
        client_id: str,
        sent_ms: int,
        answer: Answer,  # noqa: ARG002
        presumed: VenueOrder | None = None,
    ) -> None:
        def begin() -> None:
            if presumed is None or not self._confirm(presumed):
                self._find(client_id, sent_ms, 0, 0)

        self._later(begin)
        self._tripwire.reach(Boundary.LOOK_UP_ASKED)

    def _confirm(self, presumed: VenueOrder) -> bool:
        """Report an order as it is taken to be, if its trades add up to just that."""
        fills = self._trades_of(presumed.client_id)
        if self._refusal() or sum(fill.quantity for fill in fills) != presumed.executed_quantity:
            return False
        self._answer(OrderReported(presumed, fills), Source.LOOK_UP)
        return True

    def _trades_of(self, client_id: str) -> tuple[Fill, ...]:
        return tuple(fill for fill in self._venue.trades(self._lag_ms()) if fill.client_id == client_id)

    def _find(self, client_id: str, sent_ms: int, attempt: int, misses: int) -> None:
        what = f"look-up of {client_id}"
        refusal = self._refusal()
        if refusal and attempt + 1 >= len(LOOK_UP_PAUSES_S):
            self._answer(ReadFailed(what, refusal), Source.LOOK_UP)
            return
        order = None if refusal else self._venue.order(client_id, self._lag_ms())
        if order is not None:
            fills = self._trades_of(client_id)
            if sum(fill.quantity for fill in fills) >= order.executed_quantity:
                self._unknown_since_ms.pop(client_id, None)
                self._answer(OrderReported(order, fills), Source.LOOK_UP)
                return
        misses += int(order is None and not refusal)
        if order is None and self._is_over(client_id, sent_ms, misses):
            self._unknown_since_ms.pop(client_id, None)
            self._answer(OrderAbsent(client_id), Source.LOOK_UP)
        elif attempt + 1 >= 2 * len(LOOK_UP_PAUSES_S):
            self._answer(ReadFailed(what, "not settled yet"), Source.LOOK_UP)
        else:
            pause_s = LOOK_UP_PAUSES_S[min(attempt, len(LOOK_UP_PAUSES_S) - 1)]
            self._later(lambda: self._find(client_id, sent_ms, attempt + 1, misses), pause_s * 1000)

    def _is_over(self, client_id: str, sent_ms: int, misses: int) -> bool:
        last_ms = max(sent_ms, self._unknown_since_ms.get(client_id, sent_ms))
        now_ms = self._clock.wall_ms()
        wanted = 2 if now_ms - last_ms > _LONG_AGO_MS else len(LOOK_UP_PAUSES_S)
        return misses >= wanted and now_ms > last_ms + RECV_WINDOW_MS + SETTLED_MARGIN_MS

    def read_trades(
        self,
        instrument: Instrument,  # noqa: ARG002
        since_trade_id: int,
        answer: Answer,  # noqa: ARG002
        known: Sequence[tuple[int, str]] = (),  # noqa: ARG002
    ) -> None:
        def list_trades() -> None:
            if refusal := self._refusal():
                self._answer(ReadFailed("trades", refusal), Source.READING)
                return
            fills = tuple(it for it in self._venue.trades(self._lag_ms(), since_trade_id) if is_ours(it.client_id))
            self._answer(TradesRead(self._venue.instrument, fills), Source.READING)

        self._later(list_trades)
        self._tripwire.reach(Boundary.READING_ASKED)

    def read_open(
        self,
        instrument: Instrument,  # noqa: ARG002
        since_trade_id: int | None,
        answer: Answer,  # noqa: ARG002
        known: Sequence[tuple[int, str]] = (),  # noqa: ARG002
    ) -> None:
        started_s = self._clock.monotonic_s()
        self._later(lambda: self._list_orders(since_trade_id, started_s))
        self._tripwire.reach(Boundary.READING_ASKED)

    def _list_orders(self, since: int | None, started_s: float) -> None:
        if refusal := self._refusal():
            self._answer(ReadFailed("open orders", refusal), Source.READING)
            return
        orders = tuple(order for order in self._venue.open_orders(self._lag_ms()) if is_ours(order.client_id))
        if since is None:
            self._list_positions(OpenOrdersRead(self._venue.instrument, orders, (), started_s, has_trades=False))
            return

        def list_trades() -> None:
            if refusal := self._refusal():
                self._answer(ReadFailed("trades", refusal), Source.READING)
                return
            fills = tuple(fill for fill in self._venue.trades(self._lag_ms(), since) if is_ours(fill.client_id))
            self._list_positions(OpenOrdersRead(self._venue.instrument, orders, fills, started_s))

        self._later(list_trades)

    def _list_positions(self, listed: OpenOrdersRead) -> None:
        """Answer a reading, of a contract with what is held of it, read last."""
        if not self._venue.is_contract:
            self._answer(listed, Source.READING)
            return

        def list_them() -> None:
            refusal = self._refusal()
            event = replace(listed, positions=self._venue.positions(self._lag_ms()))
            self._answer(ReadFailed("positions", refusal) if refusal else event, Source.READING)

        self._later(list_them)

    def ask(self, instrument: Instrument, asset: str, at_ms: int, trade_id: int | None, answer: FeeAnswer) -> None:  # noqa: ARG002
        """Tell what a fee asset is worth; implements `ports.gateway.FeePrices`."""
        refusal = self._refusal()
        told: FeeEvent = FeePriced(instrument, trade_id, asset, BNB_PRICE, at_ms)
        self._answer(FeeNotPriced(trade_id, asset, refusal) if refusal else told, Source.FEE)

    def read(self, instrument: Instrument, since_ms: int, answer: FundingAnswer) -> None:  # noqa: ARG002
        """Tell what funding brought; implements `ports.gateway.FundingReader`."""
        self._later(lambda: self._tell_funding(since_ms))
        self._tripwire.reach(Boundary.FUNDING_ASKED)

    def _tell_funding(self, since_ms: int) -> None:
        refusal = self._refusal()
        if not refusal and self._weather.strikes_now(Fault.FUNDING_UNREAD, 0.6):
            self._answer(FundingNotRead("timed out"), Source.FUNDING, TIME_OUT_MS)
            return
        if refusal:
            self._answer(FundingNotRead(refusal), Source.FUNDING)
            return
        now_ms = self._clock.market_ms()
        seen_ms = now_ms - self._lag_ms()
        settled = tuple(rate for rate in self._venue.settlements() if since_ms <= rate.at_ms <= seen_ms)
        paid = [payment for payment in self._venue.payments() if since_ms <= payment.at_ms <= seen_ms]
        if paid and self._weather.strikes_now(Fault.FUNDING_TWICE, 0.6):
            paid = [*paid, *paid]
        elif paid and paid[-1].at_ms > now_ms - _SHOWN_LATE_MS and self._weather.strikes_now(Fault.FUNDING_LATE, 0.9):
            newest_ms = paid[-1].at_ms
            paid = [payment for payment in paid if payment.at_ms < newest_ms]
        next_ms = now_ms - now_ms % _HOUR_MS + _HOUR_MS
        told = tuple(paid) if settled else ()
        self._answer(FundingRead(self._venue.instrument, since_ms, now_ms, next_ms, settled, told), Source.FUNDING)

    # --- helpers ---

    def _refusal(self) -> str:
        if self._weather.strikes_now(Fault.REFUSED_CONNECTION, 0.5):
            return "connection refused"
        return "too many requests" if self._weather.strikes_now(Fault.SLOW_DOWN, 0.5) else ""

    def _lag_ms(self) -> float:
        return self._weather.random.uniform(200, 3_000) if self._weather.strikes_now(Fault.REST_LAGS, 0.8) else 0.0

    def _later(self, action: Callable[[], None], pause_ms: float = 0.0) -> None:
        """Do something of the living process's own after a delay of the network."""
        delay_ms = pause_ms + self._weather.delay_ms()
        self._clock.after(delay_ms, lambda: None if self._is_cut else action())

    def _answer(self, event: OrderEvent | FeeEvent | FundingEvent, source: Source, pause_ms: float = 0.0) -> None:
        self._later(lambda: self._receive(event, source), pause_ms)
