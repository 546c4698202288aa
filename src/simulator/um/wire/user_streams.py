"""User events to the connections that read an account's listen key (protocol sections 1.10 and 1.11)."""

from collections.abc import Callable, Sequence

import orjson

from simulator.faults.board import FaultBoard
from simulator.um.core.events import FuturesEvent
from simulator.um.wire.event_shapes import SpecOf, listen_key_expired, user_events
from simulator.um.wire.listen_keys import ListenKeys
from simulator.wire.event_path import EventPath
from simulator.wire.stream_sessions import EVENTS_MARK, StreamSession


class FuturesUserStreams:
    """Sends each account's events to every connection that reads its listen key.

    `sent` counts events that reached at least one reader, repeats by a fault included.
    """

    def __init__(self, keys: ListenKeys, spec_of: SpecOf, faults: FaultBoard, server_ms: Callable[[], int]) -> None:
        self._keys, self._spec_of, self._server_ms = keys, spec_of, server_ms
        self._path = EventPath(faults, server_ms, self._deliver, self._forget)
        self._readers: dict[str, list[StreamSession]] = {}
        self.sent = 0

    def subscribe(self, name: str, reader: StreamSession) -> None:
        """Add a reader; a name that is no key in force is accepted and stays silent."""
        readers = self._readers.setdefault(name, [])
        if reader not in readers:
            readers.append(reader)

    def unsubscribe(self, name: str, reader: StreamSession) -> None:
        readers = self._readers.get(name, [])
        if reader in readers:
            readers.remove(reader)
        if not readers:
            self._readers.pop(name, None)

    def publish(self, events: Sequence[FuturesEvent]) -> None:
        """Send the user-data side of one turn, in order."""
        for account_id, shown in user_events(events, self._spec_of):
            self._path.send(account_id, str(shown["e"]), orjson.dumps(shown))

    def tick(self) -> None:
        """Tell the readers of keys that have expired; nothing comes after that."""
        for _account_id, key in self._keys.take_expired():
            self._offer(key, orjson.dumps(listen_key_expired(key, self._server_ms())))
            self._drop(key)

    def expire(self, account_id: str) -> None:
        """Let an account's key expire now."""
        self._keys.expire(account_id)
        self.tick()

    def _deliver(self, account_id: str, encoded: bytes) -> None:
        key = self._keys.key_of(account_id)
        if key is not None:
            self.sent += self._offer(key, encoded)

    def _offer(self, key: str, encoded: bytes) -> bool:
        kind = encoded.split(b'"', 4)[3].decode()
        framed = b'{"stream":"%b","data":%b}' % (key.encode(), encoded)
        readers = [reader for name in self._names(key) if _wants(name, kind) for reader in self._readers[name]]
        for reader in readers:
            reader.offer(framed if reader.combined else encoded)
        return bool(readers)

    def _forget(self, account_id: str) -> None:
        key = self._keys.key_of(account_id)
        if key is not None:
            self._drop(key)

    def _drop(self, key: str) -> None:
        for name in self._names(key):
            del self._readers[name]

    def _names(self, key: str) -> list[str]:
        return [name for name in self._readers if name.partition(EVENTS_MARK)[0] == key]


def _wants(name: str, kind: str) -> bool:
    _, mark, picked = name.partition(EVENTS_MARK)
    return not mark or kind == "listenKeyExpired" or kind in picked.split("/")
