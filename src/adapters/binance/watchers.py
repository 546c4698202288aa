"""Who wants to hear of which symbol."""

import logging
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from domain.events import PriceSeen, StreamEvent, StreamLost, StreamResumed
from domain.instrument import Instrument
from ports.market_data import Inbox

E = TypeVar("E")
LOG: Final = logging.getLogger(__name__)


class Watchers:
    """Inboxes by Binance symbol. Lives on the I/O loop."""

    def __init__(self) -> None:
        self._instruments: dict[str, Instrument] = {}
        self._inboxes: dict[str, list[Inbox]] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._inboxes)

    def __len__(self) -> int:
        return len(self._inboxes)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._inboxes

    def add(self, symbol: str, instrument: Instrument, inbox: Inbox) -> None:
        self._instruments[symbol] = instrument
        inboxes = self._inboxes.setdefault(symbol, [])
        if inbox not in inboxes:
            inboxes.append(inbox)

    def remove(self, symbol: str, inbox: Inbox) -> None:
        inboxes = [kept for kept in self._inboxes.get(symbol, []) if kept is not inbox]
        if inboxes:
            self._inboxes[symbol] = inboxes
        else:
            self._inboxes.pop(symbol, None)
            self._instruments.pop(symbol, None)

    def instrument(self, symbol: str) -> Instrument | None:
        return self._instruments.get(symbol)

    def price(self, symbol: str, event: PriceSeen) -> None:
        for inbox in self._inboxes.get(symbol, ()):
            _put(inbox.price, event)

    def order(self, symbol: str, event: StreamEvent) -> None:
        for inbox in self._inboxes.get(symbol, ()):
            _put(inbox.order, event)

    def everyone(self, event: StreamLost | StreamResumed) -> None:
        for inboxes in self._inboxes.values():
            for inbox in inboxes:
                _put(inbox.order, event)


def _put(take: Callable[[E], None], event: E) -> None:
    """Give one event to one inbox; a broken inbox must not silence the others."""
    try:
        take(event)
    except Exception:
        LOG.exception("an inbox would not take %s", type(event).__name__)
