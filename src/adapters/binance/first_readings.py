"""Who has not read his open orders since the user stream came up last."""

from collections.abc import Iterable


class FirstReadings:
    """The symbols that were watched when the stream came up and have not been read since.

    Whoever watches them is told of everything from then on. So any listing that left later serves for the first
    reading, however long it takes to ask for it. Lives on the I/O loop.
    """

    def __init__(self) -> None:
        self.symbols: set[str] = set()
        self.since_s = float("inf")
        """When the stream came up, monotonic; infinity while it is down."""

    def begin(self, symbols: Iterable[str], now_s: float) -> None:
        """Note that the stream came up for these."""
        self.symbols, self.since_s = set(symbols), now_s

    def end(self) -> None:
        """Note that the stream was lost: nobody is told of anything."""
        self.symbols, self.since_s = set(), float("inf")

    def take(self, symbol: str) -> bool:
        """Tell whether this reading is the symbol's first; it is not any more."""
        is_first = symbol in self.symbols
        self.symbols.discard(symbol)
        return is_first
