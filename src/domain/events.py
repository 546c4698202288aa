"""What a worker is told. All frozen; every fact carries the market time it belongs to where it has one."""

from dataclasses import dataclass, replace
from decimal import Decimal

from domain.futures import FundingPayment, FundingRate, Position
from domain.instrument import Instrument, InstrumentRules
from domain.orders import Fill, VenueOrder


@dataclass(frozen=True, slots=True)
class PriceSeen:
    """The latest price of an instrument.

    `market_ms` is the venue's time of the print; `arrived_s` is our monotonic clock when it reached us, and the
    only thing its age may be taken from. `quantity` is the base traded by a print that is told for the first time;
    None for a price that was read or confirmed. `low` and `high` span the prices in whose place it stands, if any.
    """

    instrument: Instrument
    price: Decimal
    market_ms: int
    arrived_s: float
    quantity: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None

    @property
    def span(self) -> tuple[Decimal, Decimal]:
        """Return the lowest and the highest price it stands for."""
        return self.low or self.price, self.high or self.price

    def in_place_of(self, earlier: "PriceSeen") -> "PriceSeen":
        """Return this price with what nobody looked at before it."""
        (low, high), (earlier_low, earlier_high) = self.span, earlier.span
        return replace(self, low=min(low, earlier_low), high=max(high, earlier_high))


@dataclass(frozen=True, slots=True)
class OrderReported:
    """The venue told us about an order: by answer, by stream or by look-up. Fills may repeat; trade ids tell."""

    order: VenueOrder
    fills: tuple[Fill, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """The venue refused a placement: nothing rests there.

    `would_take` marks a post-only order that would have executed at once, `market_closed` a symbol that does not
    trade now, `off_band` a price outside the band that moves with the market's own.
    """

    client_id: str
    code: int
    message: str
    would_take: bool = False
    market_closed: bool = False
    off_band: bool = False


@dataclass(frozen=True, slots=True)
class OrderNotSent:
    """The request never left; sending again is safe."""

    client_id: str
    message: str


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """A placement or cancel whose outcome is not known. `retry_after_s` is when a look-up makes sense."""

    client_id: str
    message: str


@dataclass(frozen=True, slots=True)
class OrderAbsent:
    """A look-up answered that the venue knows no such order, after the request can no longer be accepted."""

    client_id: str


@dataclass(frozen=True, slots=True)
class CancelRefused:
    """The venue knows no such open order: reconcile by look-up, it may have filled."""

    client_id: str
    code: int
    message: str


@dataclass(frozen=True, slots=True)
class OpenOrdersRead:
    """A reading of the account over REST: all our open orders and, unless none were asked for, our trades since an id.

    `started_s` is our monotonic clock before the reading was asked for, so that it is never taken for newer
    than an event that overtook it. `foreign` counts open orders of the instrument that are not ours.

    Of a contract it brings too what the venue holds of it, read last (None on spot), and with trades those of others.
    """

    instrument: Instrument
    orders: tuple[VenueOrder, ...]
    fills: tuple[Fill, ...]
    started_s: float
    has_trades: bool = True
    foreign: int = 0
    positions: tuple[Position, ...] | None = None
    foreign_fills: tuple[Fill, ...] = ()


@dataclass(frozen=True, slots=True)
class TradesRead:
    """Our trades since the id asked for, oldest first."""

    instrument: Instrument
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True)
class ReadFailed:
    """A reading or look-up could not be had; it is to be asked for again."""

    what: str
    message: str


@dataclass(frozen=True, slots=True)
class StreamLost:
    """The stream of this kind ("market" or "user") fell silent or broke: nothing may be decided on it."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class StreamResumed:
    """The stream delivers again; what was missed must be read over REST before any decision.

    `at_s`: since when, on the monotonic clock; None where that is not told: since it is heard.
    """

    kind: str
    at_s: float | None = None


@dataclass(frozen=True, slots=True)
class RulesChanged:
    """The venue's order rules of an instrument as they are now; told at first and whenever they change."""

    instrument: Instrument
    rules: InstrumentRules


@dataclass(frozen=True, slots=True)
class FeePriced:
    """What one unit of a fee asset is worth in the instrument's quote, at market time `at_ms`.

    `trade_id` names the fill whose fee is valued; None asks nothing but what the asset is worth now.
    """

    instrument: Instrument
    trade_id: int | None
    asset: str
    price: Decimal
    at_ms: int


@dataclass(frozen=True, slots=True)
class FeeNotPriced:
    """The price of a fee asset could not be had; it is to be asked for again."""

    trade_id: int | None
    asset: str
    message: str


@dataclass(frozen=True, slots=True)
class FundingRead:
    """What funding brought since `since_ms`, and what was settled on the contract, whoever held it; oldest first.

    `at_ms` is the venue's market time when the reading began; `next_ms` that of the settlement to come.
    """

    instrument: Instrument
    since_ms: int
    at_ms: int
    next_ms: int
    settled: tuple[FundingRate, ...] = ()
    payments: tuple[FundingPayment, ...] = ()


@dataclass(frozen=True, slots=True)
class FundingNotRead:
    """What funding brought could not be had; it is to be asked for again."""

    message: str


@dataclass(frozen=True, slots=True)
class ContractStands:
    """How a futures grid's contract stands at the venue.

    `trouble` tells what is not as planned, empty if nothing is. `liquidation_price` is the venue's, of two positions
    that nearer to the mark price; None while there is none, or it is not known.
    """

    trouble: str
    liquidation_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class CountdownStands:
    """How the venue's countdown for a futures grid's contract stands.

    `runs_out_ms` is our wall time at which it runs out unless renewed, None while it is not armed; `notice` tells
    people why it is not armed, or not renewed, empty if nothing is to be said.
    """

    runs_out_ms: int | None
    notice: str = ""


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The worker's own timer."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When something is handled: wall and market time in ms since the epoch, and a clock that never goes back."""

    wall_ms: int
    market_ms: int
    monotonic_s: float


OrderEvent = (
    OrderReported
    | OrderRefused
    | OrderNotSent
    | OutcomeUnknown
    | OrderAbsent
    | CancelRefused
    | OpenOrdersRead
    | TradesRead
    | ReadFailed
    | StreamLost
    | StreamResumed
)
"""Order events: carried by a queue that never drops."""

StreamEvent = OrderEvent | RulesChanged
"""What a stream carries besides prices; by the same queue."""

FeeEvent = FeePriced | FeeNotPriced
"""What becomes known about fee assets; carried by the same queue."""

FundingEvent = FundingRead | FundingNotRead
"""What becomes known about funding; carried by the same queue."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What the account holds of one asset."""

    asset: str
    free: Decimal
    locked: Decimal

    @property
    def total(self) -> Decimal:
        return self.free + self.locked


@dataclass(frozen=True, slots=True)
class Candle:
    """One candlestick. Times in ms; `close_ms` is the last ms inside; volume in base, quote_volume in quote."""

    open_ms: int
    close_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: int


@dataclass(frozen=True, slots=True)
class Ticker:
    """24 hour figures of one instrument. `change_percent` is percent of the price 24 h ago."""

    instrument: Instrument
    price: Decimal
    volume: Decimal
    quote_volume: Decimal
    change_percent: Decimal
    high: Decimal
    low: Decimal
    bid: Decimal
    ask: Decimal
