"""All trades of the account: a blocking face for threads that may wait, over the I/O thread."""

from typing import Final

from adapters.binance.io_thread import IoThread
from adapters.binance.trades import TradeReader
from domain.errors import NotFound, VenueError
from domain.instrument import Instrument
from domain.orders import Fill

DEADLINE_S: Final = 60.0
"""A first reading may be many pages long."""
_BAD_SYMBOL: Final = -1121


class BinanceAccountTrades:
    """Implements ports.market_data.AccountTrades."""

    def __init__(self, io: IoThread, trades: TradeReader, *, deadline_s: float = DEADLINE_S) -> None:
        self._io, self._trades, self._deadline_s = io, trades, deadline_s

    def trades_since(self, instrument: Instrument, trade_id: int) -> tuple[Fill, ...]:
        """Return the trades with an id of at least `trade_id`, oldest first.

        Raises:
            NotFound: if the venue does not know the symbol, as of one that was delisted.
            VenueError: if the venue does not answer.
        """
        try:
            return self._io.run(self._trades.of_everyone(instrument, trade_id), self._deadline_s)
        except VenueError as e:
            if e.code == _BAD_SYMBOL:
                raise NotFound(f"trades of {instrument} are not told: {e}") from e
            raise

    def newest_trade_id(self, instrument: Instrument) -> int:
        """Return the id of the newest trade, 0 if there is none.

        Raises:
            VenueError: if the venue does not answer.
        """
        return self._io.run(self._trades.newest_id(instrument), self._deadline_s)
