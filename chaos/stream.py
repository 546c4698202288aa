"""The user stream: it may be silent, break off, repeat itself, or tell things late and in the wrong order."""

from collections.abc import Callable

from chaos.clock import EventHeap
from chaos.line import Source
from chaos.points import Fault
from chaos.weather import Weather
from domain.events import OrderEvent, OrderReported, StreamLost, StreamResumed

Receive = Callable[[OrderEvent, Source], None]


class UserStream:
    """Tells one listener at a time what happens to the account's orders while the connection is up."""

    def __init__(self, weather: Weather, clock: EventHeap) -> None:
        self._weather, self._clock = weather, clock
        self._receive: Receive | None = None
        self._subscription = 0
        self._is_up = False
        self._last_ms = 0.0

    def subscribe(self, receive: Receive) -> None:
        """Connect a listener; it is told once the subscription is confirmed."""
        self._receive, self._is_up = receive, False
        self._subscription += 1
        self._later(self._connect, self._weather.delay_ms())

    def unsubscribe(self) -> None:
        self._receive, self._is_up = None, False
        self._subscription += 1

    def give_up(self) -> None:
        """Break off on the bot's own word and connect anew, as `Streams.distrust` does."""
        if self._receive is None:
            return
        self._is_up = False
        self._later(lambda: self._tell(StreamLost("user", "distrusted")), 0)
        self._later(self._connect, self._weather.delay_ms())

    def report(self, report: OrderReported) -> None:
        """Carry one event, as well as the weather lets it."""
        if not self._is_up:
            return
        strikes = self._weather.strikes_now
        if strikes(Fault.STREAM_MUTE, 1.0):
            return
        if strikes(Fault.STREAM_DROPPED, 0.5):
            self._break()
            return
        delay_ms = self._weather.delay_ms()
        if strikes(Fault.STREAM_DELAYED, 0.7):
            delay_ms += self._weather.random.uniform(1_000, 15_000)
        if strikes(Fault.STREAM_REORDERED, 0.6):
            delay_ms += self._weather.random.uniform(0, 5_000)
        else:
            self._last_ms = max(self._last_ms, self._clock.now_ms + delay_ms)
            delay_ms = self._last_ms - self._clock.now_ms
        self._later(lambda: self._tell(report), delay_ms)
        if strikes(Fault.STREAM_DUPLICATED, 0.7):
            self._later(lambda: self._tell(report), delay_ms + self._weather.random.uniform(0, 5_000))

    def _break(self) -> None:
        """Lose the connection: it is noticed after a while, and back after another."""
        self._is_up = False
        noticed_ms = self._weather.random.uniform(0, 20_000)
        self._later(lambda: self._tell(StreamLost("user", "the connection is gone")), noticed_ms)
        self._later(self._connect, noticed_ms + self._weather.random.uniform(500, 5_000))

    def _connect(self) -> None:
        self._is_up, self._last_ms = True, self._clock.now_ms
        self._tell(StreamResumed("user"))

    def _tell(self, event: OrderEvent) -> None:
        if self._receive is not None:
            self._receive(event, Source.STREAM)

    def _later(self, action: Callable[[], None], delay_ms: float) -> None:
        subscription = self._subscription
        self._clock.after(delay_ms, lambda: action() if subscription == self._subscription else None)
