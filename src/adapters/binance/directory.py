"""What the venue lists and by which rules, from exchangeInfo: read once, and again every hour."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Final

from adapters.binance.io_thread import IoThread
from adapters.binance.parsing import instrument_of, parse_rules, symbol_of
from adapters.binance.request_limits import Cost
from adapters.binance.rules_notes import RulesNotes
from adapters.binance.transport import Call, Transport
from adapters.binance.weights import Urgency
from domain.errors import NotFound, Unreachable, VenueError
from domain.instrument import Instrument, InstrumentRules, Market
from ports.clock import Clock

LOG: Final = logging.getLogger(__name__)

RELOAD_S: Final = 3600.0
AGAIN_S: Final = 5.0
"""After a reading failed, what is known is told for so long before the next attempt."""
_PATH: Final[Mapping[Market, str]] = {
    Market.SPOT: "/api/v3/exchangeInfo",
    Market.FUTURES: "/fapi/v1/exchangeInfo",
}
_COST: Final[Mapping[Market, Cost]] = {Market.SPOT: Cost(20), Market.FUTURES: Cost(1)}
_PERPETUAL: Final = "PERPETUAL"
NOT_LISTED: Final = "NOT_LISTED"
"""Our word for the status of a symbol that was listed once."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One reading of exchangeInfo; rules are parsed when asked for. `is_whole`: false where it comes from notes."""

    rows: Mapping[str, Mapping[str, Any]]
    rate_limits: Sequence[Mapping[str, Any]]
    read_s: float
    is_whole: bool = True
    rules: dict[str, InstrumentRules] = field(default_factory=dict)


class Directory:
    """Instruments and their rules by market. Blocks on a first or hourly reading, else answers from memory.

    Args:
        notes: where the rules in use on spot are kept for a start while the venue is out of reach.
    """

    def __init__(
        self,
        io: IoThread,
        transport: Transport,
        clock: Clock,
        deadline_s: float,
        *,
        notes: RulesNotes | None = None,
    ) -> None:
        self._io, self._transport, self._clock, self._deadline_s = io, transport, clock, deadline_s
        self._notes = notes
        self._listings: dict[Market, Listing] = {}
        self._failed_s: dict[Market, float] = {}
        self._reading = {market: Lock() for market in Market}
        self._doubted: set[Market] = set()
        self._in_use: set[str] = set()

    def listing(self, market: Market) -> Listing:
        """Return the newest listing, read anew when it is an hour old; an old one outlives a failed reading.

        Raises:
            VenueError: if there is none and none can be read.
        """
        listing = self._newest(market)
        if not listing.is_whole:
            raise Unreachable(f"the {market} market could not be read yet")
        return listing

    def doubt(self, market: Market) -> None:
        """Have the next question read anew: the venue refused something these rules allow. Never blocks."""
        self._doubted.add(market)

    def is_doubted(self, market: Market) -> bool:
        return market in self._doubted

    def age_s(self, market: Market) -> float:
        """Return seconds since the market was last read, infinity before. Never blocks."""
        known = self._listings.get(market)
        return float("inf") if known is None else self._clock.monotonic_s() - known.read_s

    def last_read(self, market: Market) -> Mapping[str, Mapping[str, Any]]:
        """Return the rows of the newest listing by symbol, empty before a first reading. Never blocks."""
        known = self._listings.get(market)
        return {} if known is None else known.rows

    def last_rules(self, instrument: Instrument) -> InstrumentRules | None:
        """Return the rules as last read, None where they are not known. Never blocks.

        Raises:
            VenueError: if what the venue published makes no sense.
        """
        known = self._listings.get(instrument.market)
        return None if known is None else _rules_in(known, instrument)

    def instrument(self, symbol: str, market: Market) -> Instrument:
        """Translate BTCUSDT or BTC/USDT, in any case.

        Raises:
            NotFound: if the market lists no such symbol.
        """
        text = symbol.strip().upper().replace("/", "")
        listing = self._newest(market)
        row = listing.rows.get(text)
        if row is None:
            raise _missing(f"{symbol} is not listed on the {market} market", listing)
        return instrument_of(market, row)

    def rules(self, instrument: Instrument) -> InstrumentRules:
        """Return the order rules of an instrument.

        Raises:
            NotFound: if it is not listed (any more).
        """
        listing = self._newest(instrument.market)
        rules = _rules_in(listing, instrument)
        if rules is None:
            return self._former_rules(listing, instrument)
        if instrument.market is Market.SPOT:
            self._in_use.add(symbol_of(instrument))
            self._note(listing)
        return rules

    async def refresh(self, market: Market) -> None:
        """Read the market anew; for the I/O loop.

        Raises:
            VenueError: if it cannot be read; what is known stays.
        """
        call = Call(market=market, method="GET", path=_PATH[market], cost=_COST[market], reading=Urgency.RECONCILE)
        answer = await self._transport.send(call)
        try:
            rows = {row["symbol"]: row for row in answer["symbols"] if _is_offered(market, row)}
            rate_limits = answer["rateLimits"]
        except (KeyError, TypeError) as e:
            raise VenueError(f"the listing of the {market} market cannot be understood: {e!r}") from e
        known = self._listings.get(market)
        if not rows and known is not None:  # seen in incidents; what was listed is still the better guess
            raise VenueError(f"the {market} market lists nothing at the moment")
        listing = Listing(rows, rate_limits, self._clock.monotonic_s())
        self._transport.broker.set_limits(market, listing.rate_limits)
        self._listings[market] = listing
        self._doubted.discard(market)
        self._failed_s.pop(market, None)
        if market is Market.SPOT:
            self._note(listing)

    def _newest(self, market: Market) -> Listing:
        with self._reading[market]:
            known = self._listings.get(market)
            if known is not None and not self._must_read(market, known):
                return known
            try:
                self._io.run(self.refresh(market), self._deadline_s)
            except VenueError as e:
                self._failed_s[market] = self._clock.monotonic_s()
                known = known or self._noted(market)
                if known is None:
                    raise
                LOG.warning("the rules of %s could not be read anew: %s", market, e)
                return known
            return self._listings[market]

    def _must_read(self, market: Market, known: Listing) -> bool:
        now_s = self._clock.monotonic_s()
        if now_s - self._failed_s.get(market, float("-inf")) < AGAIN_S:
            return False
        return not known.is_whole or market in self._doubted or now_s - known.read_s >= RELOAD_S

    def _noted(self, market: Market) -> Listing | None:
        rows = self._notes.read() if self._notes is not None and market is Market.SPOT else {}
        if not rows:
            return None
        LOG.warning("the %s market is out of reach; going by the rules noted for %s", market, ", ".join(sorted(rows)))
        self._in_use.update(rows)
        self._listings[market] = Listing(rows, (), float("-inf"), is_whole=False)
        return self._listings[market]

    def _former_rules(self, listing: Listing, instrument: Instrument) -> InstrumentRules:
        """Return the rules noted while the instrument was listed, so that its grid can still be shown."""
        row = self._notes.read().get(symbol_of(instrument)) if self._notes is not None else None
        if row is None or instrument.market is not Market.SPOT:
            raise _missing(f"{instrument} is not listed", listing)
        return replace(parse_rules(instrument, row), status=NOT_LISTED)

    def _note(self, listing: Listing) -> None:
        if self._notes is not None and listing.is_whole:
            now = {symbol: listing.rows[symbol] for symbol in self._in_use if symbol in listing.rows}
            self._notes.keep({**self._notes.read(), **now})


def _rules_in(listing: Listing, instrument: Instrument) -> InstrumentRules | None:
    symbol = symbol_of(instrument)
    if symbol not in listing.rules:
        row = listing.rows.get(symbol)
        if row is None:
            return None
        listing.rules[symbol] = parse_rules(instrument, row)
    return listing.rules[symbol]


def _missing(text: str, listing: Listing) -> NotFound | Unreachable:
    return NotFound(text) if listing.is_whole else Unreachable("the market could not be read yet")


def _is_offered(market: Market, row: Mapping[str, Any]) -> bool:
    """Leave out deliveries, and the odd test listing whose symbol is not its two assets."""
    if row["symbol"] != symbol_of(instrument_of(market, row)):
        return False
    return market is Market.SPOT or row.get("contractType") == _PERPETUAL
