"""What is traded, and the order rules the venue publishes for it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.money import ZERO, exact


class Market(StrEnum):
    SPOT = "spot"
    FUTURES = "futures"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One traded pair on one market of one venue. Only adapters and routes know a venue's own symbol text."""

    venue: str
    market: Market
    base: str
    quote: str

    @property
    def id(self) -> str:
        """Return the text used as a key in rows and logs, e.g. `binance:spot:BTC/USDT`."""
        return f"{self.venue}:{self.market}:{self.base}/{self.quote}"

    @classmethod
    def parse(cls, text: str) -> "Instrument":
        """Read back what `id` wrote.

        Raises:
            ValueError: if `text` is no instrument id.
        """
        try:
            venue, market, pair = text.split(":")
            base, quote = pair.split("/")
            return cls(venue, Market(market), base, quote)
        except ValueError:
            raise ValueError(f"{text!r} is no instrument id like binance:spot:BTC/USDT") from None

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentRules:
    """Order filters of one instrument, as the venue publishes them (exchangeInfo).

    Prices and notionals in quote, quantities in base. Zero for a bound means the venue sets none.
    `bid_up` … `ask_down` are multipliers of the average price (PERCENT_PRICE_BY_SIDE). `settles_ms` is the market time
    at which a contract is announced to end, 0 while none is.
    """

    instrument: Instrument
    status: str
    tick: Decimal
    lot: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    max_notional: Decimal = ZERO
    min_price: Decimal = ZERO
    max_price: Decimal = ZERO
    market_max_quantity: Decimal = ZERO
    bid_up: Decimal = ZERO
    bid_down: Decimal = ZERO
    ask_up: Decimal = ZERO
    ask_down: Decimal = ZERO
    max_open_orders: int = 200
    settles_ms: int = 0

    def __post_init__(self) -> None:
        if not (self.tick > 0 and self.lot > 0 and self.min_notional >= 0):
            raise ValueError(f"tick and lot must be positive and the minimum not negative, were {self}")

    @property
    def is_trading(self) -> bool:
        return self.status == "TRADING"

    @exact
    def price(self, ticks: int) -> Decimal:
        """Return the price of `ticks` whole ticks."""
        return self.tick * ticks

    @exact
    def quantity(self, lots: int) -> Decimal:
        """Return the base quantity of `lots` whole lots."""
        return self.lot * lots

    def ticks(self, price: Decimal) -> int:
        """Return `price` in whole ticks.

        Raises:
            ValueError: if the price is not on the tick grid.
        """
        return _whole(price, self.tick, "price")

    def lots(self, quantity: Decimal) -> int:
        """Return `quantity` in whole lots.

        Raises:
            ValueError: if the quantity is no whole number of lots.
        """
        return _whole(quantity, self.lot, "quantity")

    def nearest_ticks(self, price: Decimal) -> int:
        """Return the whole number of ticks nearest to `price`, halves up."""
        return int((price * 2 + self.tick) // (self.tick * 2))


@exact
def _whole(value: Decimal, step: Decimal, name: str) -> int:
    count, rest = divmod(value, step)
    if rest:
        raise ValueError(f"{name} {value} is no whole number of steps of {step}")
    return int(count)


MOST_FEE_PERCENT: Final = 10
"""More than any exchange takes of a fill: a rate above it was meant otherwise."""


@dataclass(frozen=True, slots=True)
class FeeRates:
    """Commission rates of the account on one instrument, as fractions (0.001 is 0.1 % of the notional)."""

    maker: Decimal
    taker: Decimal
