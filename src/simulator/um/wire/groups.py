"""The stream split of USD-M: a connection below a group's path carries that group's streams alone."""

from simulator.um.wire.topics import Group, group_of, parse_topic
from simulator.wire.publisher import Publisher
from simulator.wire.stream_sessions import StreamSession


class GroupStreams:
    """One group of a publisher's streams; names of another group are accepted and stay silent."""

    def __init__(self, publisher: Publisher, group: Group) -> None:
        self._publisher, self._group = publisher, group

    def subscribe(self, name: str, reader: StreamSession) -> None:
        topic = parse_topic(name)
        if topic is not None and group_of(topic) == self._group:
            self._publisher.subscribe(name, reader)

    def unsubscribe(self, name: str, reader: StreamSession) -> None:
        self._publisher.unsubscribe(name, reader)
