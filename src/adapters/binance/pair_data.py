"""Many pairs at once: a blocking face over the I/O thread for whoever selects them. It gives way to all else."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from adapters.binance.directory import Directory
from adapters.binance.io_thread import IoThread
from adapters.binance.parsing import instrument_of, settles_ms, symbol_of
from adapters.binance.request_limits import Cost
from adapters.binance.transport import Call, Transport
from adapters.binance.weights import Urgency
from domain.errors import VenueError
from domain.instrument import Instrument, Market
from domain.money import ZERO, parse_amount
from ports.pairs import DayFigures
from utils.binance_signing import Params

DEADLINE_S: Final = 30.0
_DEPTHS: Final[Mapping[int, int]] = {100: 5, 1000: 50}
"""Levels of a spot book and what reading them weighs (protocol 1.1); 5000 of them, at 250, are not worth it."""


class BinancePairData:
    """Implements ports.pairs.PairData."""

    def __init__(
        self, io: IoThread, transport: Transport, directory: Directory, *, deadline_s: float = DEADLINE_S
    ) -> None:
        self._io, self._transport, self._directory, self._deadline_s = io, transport, directory, deadline_s

    def day_figures(self, market: Market) -> tuple[DayFigures, ...]:
        """Return all pairs that the market lists: a request of weight 80 on spot, two of 45 together on futures.

        Raises:
            VenueError: if the market is not offered, does not answer, or answers something else.
        """
        listed = self._directory.listing(market).rows
        if market is Market.SPOT:
            rows = self._read(market, "/api/v3/ticker/24hr", {}, 80)
            books = {row["symbol"]: row for row in rows}
        else:
            rows = self._read(market, "/fapi/v1/ticker/24hr", {}, 40)
            books = {row["symbol"]: row for row in self._read(market, "/fapi/v1/ticker/bookTicker", {}, 5)}
        try:
            return tuple(
                _day_figures(instrument_of(market, listed[symbol]), listed[symbol], row, books.get(symbol, {}))
                for row in rows
                if (symbol := row["symbol"]) in listed
            )
        except (KeyError, TypeError, ValueError) as error:
            raise VenueError(f"the figures of the {market} market cannot be understood: {error!r}") from error

    def depth(self, instrument: Instrument, within: Decimal, enough: Decimal) -> Decimal:
        """Return what bids and asks within a fraction of the middle price are worth, in quote.

        More levels are read only while those at hand end sooner and are worth less than `enough`.

        Raises:
            VenueError: if the venue does not answer, or the book is empty on a side.
        """
        value = ZERO
        for levels, weight in _DEPTHS.items():
            params = {"symbol": symbol_of(instrument), "limit": levels}
            book = self._read(instrument.market, "/api/v3/depth", params, weight)
            value, is_whole = _worth(book, within, levels)
            if is_whole or value >= enough:
                break
        return value

    def open_interest(self, instrument: Instrument) -> Decimal:
        row = self._read(Market.FUTURES, "/fapi/v1/openInterest", {"symbol": symbol_of(instrument)}, 1)
        return parse_amount(row["openInterest"])

    def _read(self, market: Market, path: str, params: Params, weight: int) -> Any:
        call = Call(market=market, method="GET", path=path, cost=Cost(weight), params=params, reading=Urgency.CURIOSITY)
        return self._io.run(self._transport.send(call), self._deadline_s)


def _day_figures(
    instrument: Instrument, listed: Mapping[str, Any], row: Mapping[str, Any], book: Mapping[str, Any]
) -> DayFigures:
    return DayFigures(
        instrument=instrument,
        is_trading=listed.get("status") == "TRADING" and not settles_ms(instrument.market, listed),
        price=parse_amount(row["lastPrice"]),
        quote_volume=parse_amount(row["quoteVolume"]),
        bid=parse_amount(book.get("bidPrice", "0")),
        ask=parse_amount(book.get("askPrice", "0")),
    )


def _worth(book: Mapping[str, Any], within: Decimal, levels: int) -> tuple[Decimal, bool]:
    """Return what a book's levels near the middle are worth, and whether it shows all that lie there."""
    bids, asks = (_levels(book[side]) for side in ("bids", "asks"))
    if not bids or not asks:
        raise VenueError("the order book is empty on a side")
    middle = (bids[0][0] + asks[0][0]) / 2
    low, high = middle * (1 - within), middle * (1 + within)
    near = [price * quantity for price, quantity in (*bids, *asks) if low <= price <= high]
    sides = ((bids, bids[-1][0] < low), (asks, asks[-1][0] > high))
    is_whole = all(len(side) < levels or reaches for side, reaches in sides)
    return sum(near, ZERO), is_whole


def _levels(rows: Sequence[Sequence[str]]) -> list[tuple[Decimal, Decimal]]:
    return [(parse_amount(row[0]), parse_amount(row[1])) for row in rows]
