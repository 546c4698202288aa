"""What the venue lists and by which rules, from exchangeInfo: read once, and again every hour."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final

from adapters.binance.io_thread import IoThread
from adapters.binance.parsing import instrument_of, parse_rules, symbol_of
from adapters.binance.request_limits import Cost
from adapters.binance.transport import Call, Transport
from domain.errors import NotFound, VenueError
from domain.instrument import Instrument, InstrumentRules, Market
from ports.clock import Clock

LOG: Final = logging.getLogger(__name__)

RELOAD_S: Final = 3600.0
_PATH: Final[Mapping[Market, str]] = {
    Market.SPOT: "/api/v3/exchangeInfo",
    Market.FUTURES: "/fapi/v1/exchangeInfo",
}
_COST: Final[Mapping[Market, Cost]] = {Market.SPOT: Cost(20), Market.FUTURES: Cost(1)}
_PERPETUAL: Final = "PERPETUAL"


@dataclass(frozen=True, slots=True)
class Listing:
    """One reading of exchangeInfo; rules are parsed when asked for."""

    rows: Mapping[str, Mapping[str, Any]]
    rate_limits: Sequence[Mapping[str, Any]]
    read_s: float
    rules: dict[str, InstrumentRules] = field(default_factory=dict)


class Directory:
    """Instruments and their rules by market. Blocks on a first or hourly reading, else answers from memory."""

    def __init__(self, io: IoThread, transport: Transport, clock: Clock, deadline_s: float) -> None:
        self._io, self._transport, self._clock, self._deadline_s = io, transport, clock, deadline_s
        self._listings: dict[Market, Listing] = {}
        self._reading = {market: Lock() for market in Market}
        self._doubted: set[Market] = set()

    def listing(self, market: Market) -> Listing:
        """Return the newest listing, read anew when it is an hour old; an old one outlives a failed reading.

        Raises:
            VenueError: if there is none and none can be read.
        """
        with self._reading[market]:
            known = self._listings.get(market)
            if known is not None and market not in self._doubted and self._age_s(known) < RELOAD_S:
                return known
            try:
                return self._read(market)
            except VenueError as e:
                if known is None:
                    raise
                LOG.warning("the rules of %s could not be read anew: %s", market, e)
                return known

    def doubt(self, market: Market) -> None:
        """Have the next question read anew: the venue refused something these rules allow. Never blocks."""
        self._doubted.add(market)

    def last_read(self, market: Market) -> Mapping[str, Mapping[str, Any]]:
        """Return the rows of the newest listing by symbol, empty before a first reading. Never blocks."""
        known = self._listings.get(market)
        return {} if known is None else known.rows

    def instrument(self, symbol: str, market: Market) -> Instrument:
        """Translate BTCUSDT or BTC/USDT, in any case.

        Raises:
            NotFound: if the market lists no such symbol.
        """
        text = symbol.strip().upper().replace("/", "")
        row = self.listing(market).rows.get(text)
        if row is None:
            raise NotFound(f"{symbol} is not listed on the {market} market")
        return instrument_of(market, row)

    def rules(self, instrument: Instrument) -> InstrumentRules:
        """Return the order rules of an instrument.

        Raises:
            NotFound: if it is not listed (any more).
        """
        listing, symbol = self.listing(instrument.market), symbol_of(instrument)
        if symbol not in listing.rules:
            row = listing.rows.get(symbol)
            if row is None:
                raise NotFound(f"{instrument} is not listed")
            listing.rules[symbol] = parse_rules(instrument, row)
        return listing.rules[symbol]

    def _read(self, market: Market) -> Listing:
        call = Call(market=market, method="GET", path=_PATH[market], cost=_COST[market])
        answer = self._io.run(self._transport.send(call), self._deadline_s)
        rows = {row["symbol"]: row for row in answer["symbols"] if _is_offered(market, row)}
        if not rows and market in self._listings:  # seen in incidents; what was listed is still the better guess
            raise VenueError(f"the {market} market lists nothing at the moment")
        listing = Listing(rows, answer["rateLimits"], self._clock.monotonic_s())
        self._transport.broker.set_limits(market, listing.rate_limits)
        if rows:
            self._listings[market] = listing
        self._doubted.discard(market)
        return listing

    def _age_s(self, listing: Listing) -> float:
        return self._clock.monotonic_s() - listing.read_s


def _is_offered(market: Market, row: Mapping[str, Any]) -> bool:
    """Leave out deliveries, and the odd test listing whose symbol is not its two assets."""
    if row["symbol"] != symbol_of(instrument_of(market, row)):
        return False
    return market is Market.SPOT or row.get("contractType") == _PERPETUAL
