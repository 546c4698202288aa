"""Market streams: what changed, to whom it matters, encoded once for all readers (section 1.9)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

import orjson

from simulator.core.events import PublicTrade
from simulator.faults.board import Fault
from simulator.faults.kinds import FaultKind
from simulator.wire.delay_line import DelayLine
from simulator.wire.sources import Dialect, Source
from simulator.wire.tape import AggregateTrade
from simulator.wire.topics import Topic, TopicKind
from simulator.wire.venue_base import AnyVenue


class Reader(Protocol):
    """A connection that reads market streams."""

    @property
    def combined(self) -> bool:
        """Whether frames name their stream."""
        ...

    def offer(self, frame: bytes) -> None: ...


class _Channel:
    """One stream name and its readers. A name that carries nothing has no source."""

    def __init__(self, name: str, topic: Topic | None, source: Source | None) -> None:
        self.name, self.topic, self.source = name, topic, source
        self.readers: list[Reader] = []
        self.line: DelayLine | None = None


class Publisher:
    """Serves every stream name somebody reads.

    `cadence_ms` is the clock of the periodic streams: wall time, or market time in lock-step.
    `sent` counts frames, each once however many read it.
    """

    def __init__(self, venue: AnyVenue, dialect: Dialect, cadence_ms: Callable[[], int]) -> None:
        self._venue, self._dialect, self._cadence_ms = venue, dialect, cadence_ms
        self._channels: dict[str, _Channel] = {}
        self._by_symbol: defaultdict[tuple[TopicKind, str], list[_Channel]] = defaultdict(list)
        self._periodic: list[_Channel] = []
        self.sent = 0

    def subscribe(self, name: str, reader: Reader) -> None:
        """Add a reader; unknown names are accepted and stay silent."""
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = self._open(name)
        if reader not in channel.readers:
            channel.readers.append(reader)

    def unsubscribe(self, name: str, reader: Reader) -> None:
        channel = self._channels.get(name)
        if channel is None or reader not in channel.readers:
            return
        channel.readers.remove(reader)
        if not channel.readers:
            self._close(channel)

    def publish(self, events: Sequence[object], touched: Iterable[str]) -> None:
        """Send what one turn brought to the streams that speak at once, then what has become due."""
        for event in events:
            if isinstance(event, PublicTrade):
                self._send_trade(event)
        for symbol in touched:
            fresh = self._venue.tapes[symbol].take_fresh()
            self._send_aggregates(symbol, fresh)
            for channel in self._by_symbol.get((TopicKind.BOOK_TICKER, symbol), ()):
                self._send_due(channel)
        self.tick()

    def tick(self) -> None:
        """Send what the periodic streams owe by now."""
        for channel in self._periodic:
            self._send_due(channel)

    def _send_trade(self, trade: PublicTrade) -> None:
        channels = self._by_symbol.get((TopicKind.TRADE, trade.symbol), ())
        if channels:
            payload = self._dialect.trade(trade)
            for channel in channels:
                self._send(channel, payload)

    def _send_aggregates(self, symbol: str, fresh: Sequence[AggregateTrade]) -> None:
        for channel in self._by_symbol.get((TopicKind.AGG_TRADE, symbol), ()):
            for trade in fresh:
                self._send(channel, self._dialect.aggregate(symbol, trade))

    def _send_due(self, channel: _Channel) -> None:
        if channel.source is not None:
            for payload in channel.source.due(self._cadence_ms()):
                self._send(channel, payload)

    def _send(self, channel: _Channel, payload: object) -> None:
        plain = orjson.dumps(payload)
        if not self._venue.faults.listing() and channel.line is None:
            self._deliver(channel, plain)
            return
        if self._strike(FaultKind.FREEZE_STREAM, channel):
            return
        line = channel.line = channel.line or DelayLine(partial(self._deliver, channel))
        if held := self._strike(FaultKind.REORDER_FRAME, channel):
            line.hold(plain, held.drawn_delay_s())
            return
        lag = self._strike(FaultKind.LAG_STREAM, channel)
        for _ in range(2 if self._strike(FaultKind.DUPLICATE_FRAME, channel) else 1):
            line.send(plain, lag.drawn_delay_s() if lag else 0.0)

    def _strike(self, kind: FaultKind, channel: _Channel) -> Fault | None:
        return self._venue.faults.strike(kind, channel.name, self._venue.clocks.server_ms())

    def _deliver(self, channel: _Channel, plain: bytes) -> None:
        named: bytes | None = None
        for reader in channel.readers:
            if reader.combined:
                named = named or b'{"stream":"%b","data":%b}' % (channel.name.encode(), plain)
                reader.offer(named)
            else:
                reader.offer(plain)
        self.sent += bool(channel.readers)

    def _open(self, name: str) -> _Channel:
        topic = self._dialect.parse(name)
        if topic is not None and topic.symbol and topic.symbol not in self._venue.tapes:
            topic = None
        if topic is not None:
            self._venue.watch(topic.symbol)
        source = self._dialect.open(topic, self._cadence_ms()) if topic else None
        channel = _Channel(name, topic, source)
        if topic is not None:
            self._by_symbol[topic.kind, topic.symbol].append(channel)
            if topic.period_ms:
                self._periodic.append(channel)
        return channel

    def _close(self, channel: _Channel) -> None:
        del self._channels[channel.name]
        if channel.topic is not None:
            self._by_symbol[channel.topic.kind, channel.topic.symbol].remove(channel)
            if channel.topic.period_ms:
                self._periodic.remove(channel)
