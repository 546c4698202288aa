"""The in-process host with a network that delays, repeats, reorders and loses, and a process that dies.

The market does not wait for anybody here. What the venue promises is kept: a request arrives within the receive
window or never, and a look-up calls an order absent only after that.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import log
from random import Random
from typing import Any

from chaos.host import ACCOUNT, ALL, TIMER_EVERY_MS, InProcessHost
from chaos.translate import fill_of
from domain.events import FeeEvent, OrderEvent, OutcomeUnknown, ReadFailed, StreamLost, StreamResumed, TimerFired
from domain.orders import Fill, Intent
from grid.worker_events import Effect
from risk.gate import RiskGate
from simulator.market.feed import FeedStep

RECEIVE_WINDOW_MS = 10_000.0
TIME_OUT_MS = 8_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostility:
    """How often each thing goes wrong, as probabilities per event; delays in ms, drawn evenly by magnitude."""

    low_ms: float = 0.1
    high_ms: float = 5_000.0
    repeated: float = 0.1
    reordered: float = 0.2
    answer_lost: float = 0.1
    request_lost: float = 0.05
    read_failed: float = 0.1
    stream_lost: float = 0.01
    crash: float = 0.0


KIND = Hostility(
    low_ms=1, high_ms=5, repeated=0, reordered=0, answer_lost=0, request_lost=0, read_failed=0, stream_lost=0
)


class HostileHost(InProcessHost):
    """Takes the arguments of `InProcessHost` and what goes wrong.

    `new_gate` makes the gate of each life of the process; `lives` counts them.
    """

    def __init__(self, *, hostility: Hostility, new_gate: Callable[[], RiskGate], seed: int, **rest: Any) -> None:
        super().__init__(gate=new_gate(), seed=seed, **rest)
        self.hostility = hostility
        self.lives = 1
        self._new_gate = new_gate
        self._fate = Random(seed + 1)
        self._stream_is_up = True
        self._is_down = False
        self._asker = 0  # the life that asked what is being answered; 0: this one
        self._in_doubt = ""  # the order whose answer is being lost

    def play_on(self, steps: Iterable[FeedStep], after_each: Callable[[], None]) -> None:
        """Play the market at its own pace, whatever is in flight."""
        for step in steps:
            self.run_until(step.time_ms)
            for trade in step.trades:
                self.exchange.print_trade(trade)
            if step.book is not None:
                self.exchange.set_book(step.book.symbol, step.book.bids, step.book.asks)
            after_each()

    def run_until(self, at_ms: int) -> None:
        """Run everything that is due before `at_ms`, timers included."""
        while self._next_timer_ms <= at_ms:
            self._run_due(self._next_timer_ms)
            self._next_timer_ms += TIMER_EVERY_MS
            self._tell(TimerFired())
        self._run_due(at_ms)

    def heal(self, minutes: int) -> None:
        """Let everything work again, and give it time to find its way back."""
        self.hostility = KIND
        self.run_until(self.heap.market_ms() + minutes * TIMER_EVERY_MS)

    def crash(self) -> None:
        """Kill the process: what is in flight arrives at the venue, but nobody hears of it."""
        if self._worker is None or self._is_down:
            return
        self.lives += 1
        self._worker, self._is_down = None, True
        self.heap.after(self._delay(), self._rise)

    def _rise(self) -> None:
        self._is_down, self._stream_is_up = False, True
        self._gate = self._new_gate()
        self.resume(self.store.grids()[-1])

    def _run_due(self, at_ms: int) -> None:
        while (due_ms := self.heap.next_ms()) is not None and due_ms <= at_ms:
            self.heap.run_next()
        self.heap.advance_to(at_ms)

    def _happens(self, probability: float) -> bool:
        return self._fate.random() < probability

    def _delay(self) -> float:
        low, high = self.hostility.low_ms, self.hostility.high_ms
        return min(high, low * (high / low) ** self._random.random()) if log(high / low) else low

    # --- the stream ---

    def _by_stream(self, action: Callable[[], None]) -> None:
        if not self._stream_is_up or self._is_down:
            return
        if self._happens(self.hostility.stream_lost):
            self._lose_stream()
            return
        heard = self._in_this_life(action)
        if self._happens(self.hostility.reordered):
            self.heap.after(self._delay(), heard)
        else:
            super()._by_stream(heard)
        if self._happens(self.hostility.repeated):
            self.heap.after(self._delay(), heard)

    def _lose_stream(self) -> None:
        self._stream_is_up = False
        self.heap.after(self._delay(), self._in_this_life(lambda: self._tell(StreamLost("user", "silent"))))
        self.heap.after(3 * TIME_OUT_MS, self._in_this_life(self._regain_stream))

    def _regain_stream(self) -> None:
        self._stream_is_up = True
        self._tell(StreamResumed("user"))

    def _in_this_life(self, action: Callable[[], None]) -> Callable[[], None]:
        life = self.lives
        return lambda: action() if life == self.lives else None

    # --- requests and answers ---

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        life = self.lives
        for effect in effects:
            if self._happens(self.hostility.crash):
                self.crash()
            if life != self.lives:
                return
            super()._carry_out([effect])

    def _answer(self, event: OrderEvent | FeeEvent) -> None:
        life = self._asker or self.lives
        told = OutcomeUnknown(self._in_doubt, "timed out") if self._in_doubt else event
        delay_ms = TIME_OUT_MS if self._in_doubt else self._delay()
        self.heap.after(delay_ms, lambda: self._tell(told) if life == self.lives else None)

    def _placing(self, intent: Intent) -> Callable[[], None]:
        return self._on_its_way(intent.client_id, super()._placing(intent))

    def _cancelling(self, client_id: str) -> Callable[[], None]:
        return self._on_its_way(client_id, super()._cancelling(client_id))

    def _on_its_way(self, client_id: str, arrive: Callable[[], None]) -> Callable[[], None]:
        """Let a request arrive though its sender may have died meanwhile; nobody hears its answer then."""
        life, lost = self.lives, self._happens(self.hostility.request_lost)
        unheard = lost or self._happens(self.hostility.answer_lost)

        def run() -> None:
            self._asker, self._in_doubt = life, client_id if unheard else ""
            try:
                if lost:
                    self._answer(OutcomeUnknown(client_id, "timed out"))
                else:
                    arrive()
            finally:
                self._asker, self._in_doubt = 0, ""

        return run

    def _looking_up(self, client_id: str) -> Callable[[], None]:
        look_up, asked_ms = super()._looking_up(client_id), self.heap.now_ms

        def settle() -> None:
            if self._happens(self.hostility.read_failed):
                self._answer(ReadFailed(f"look-up of {client_id}", "timed out"))
            else:
                look_up()

        def begin() -> None:
            known = any(order.client_id == client_id for order in self._all_orders())
            wait_ms = 0.0 if known else asked_ms + RECEIVE_WINDOW_MS - self.heap.now_ms
            self.heap.after(max(wait_ms, 0.0), self._in_this_life(settle))

        return self._in_this_life(begin)

    def _reading(self, since: int | None, started_s: float) -> Callable[[], None]:
        read = super()._reading(since, started_s)

        def begin() -> None:
            if self._happens(self.hostility.read_failed):
                self._answer(ReadFailed("open orders", "timed out"))
            else:
                read()

        return self._in_this_life(begin)

    def _reading_trades(self, since: int) -> Callable[[], None]:
        read = super()._reading_trades(since)

        def begin() -> None:
            if self._happens(self.hostility.read_failed):
                self._answer(ReadFailed("trades", "timed out"))
            else:
                read()

        return self._in_this_life(begin)

    def _trades(self, *, order_id: int | None = None, from_id: int | None = None) -> list[Fill]:
        """Return our trades with the client id of their order, as the gateway gives them."""
        owners = {order.order_id: order.client_id for order in self._all_orders()}
        trades = self.exchange.trades(ACCOUNT, self.spec.symbol, order_id=order_id, from_id=from_id, limit=ALL)
        return [fill_of(trade, self.instrument, owners[trade.order_id]) for trade in trades]

    def _all_orders(self) -> list[Any]:
        return list(self.exchange.all_orders(ACCOUNT, self.spec.symbol, limit=ALL))
