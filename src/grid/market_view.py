"""What a grid knows of its market: the last price with its age, and whether the venue trades the symbol."""

from decimal import Decimal

from domain.events import Moment, PriceSeen, RulesChanged, StreamLost
from domain.grids import Phase
from domain.instrument import InstrumentRules
from grid.symbol_life import NOT_LISTED, why_closed
from orders.placing import Price


class MarketView:
    """Facts of one instrument. Nothing is decided on a price that is old or whose stream was lost since."""

    def __init__(self, rules: InstrumentRules, max_price_age_s: float) -> None:
        self._name = f"{rules.instrument.base}{rules.instrument.quote}"
        self._max_price_age_s = max_price_age_s
        self._lost = ""
        self.status = rules.status
        self.is_trading = rules.is_trading
        self.settles_ms = rules.settles_ms
        self.last: PriceSeen | None = None
        self._span: tuple[Decimal, Decimal] | None = None

    def hear(self, event: PriceSeen | StreamLost | RulesChanged) -> None:
        """Take in a price, that prices broke off (the last one is for show then), or the symbol's status."""
        match event:
            case PriceSeen():
                self.last, self._lost = event, ""
                low, high = event.span
                self._span = (min(low, self._span[0]), max(high, self._span[1])) if self._span else (low, high)
            case StreamLost(reason=reason):
                self._lost = reason
            case RulesChanged(rules=rules):
                self.status, self.is_trading, self.settles_ms = rules.status, rules.is_trading, rules.settles_ms

    @property
    def is_gone(self) -> bool:
        """Tell whether the venue lists the symbol no more."""
        return self.status == NOT_LISTED

    def take_span(self) -> tuple[Decimal, Decimal] | None:
        """Return the lowest and the highest price since the last call, None without any."""
        span, self._span = self._span, None
        return span

    def price(self, now: Moment) -> Price | None:
        """Return the last price with its age, however old; None before the first and while the stream is lost."""
        if self.last is None or self._lost:
            return None
        return Price(self.last.price, now.monotonic_s - self.last.arrived_s)

    def fresh_price(self, now: Moment) -> Price | None:
        """Return the last price if it may be decided on."""
        price = self.price(now)
        return price if price is not None and price.age_s <= self._max_price_age_s else None

    def missing(self, now: Moment) -> tuple[Phase, str] | None:
        """Return the phase, and why, of a grid that must wait for its market; None if it need not."""
        if not self.is_trading:
            return Phase.PAUSED, why_closed(self._name, self.status)
        if self.last is None:
            why = f": {self._lost}" if self._lost else ""
            return Phase.STARTING, f"waiting for the first price{why}"
        if self._lost:
            return Phase.PAUSED, f"no fresh price: the market stream is lost ({self._lost})"
        if self.fresh_price(now) is None:
            return Phase.PAUSED, "no fresh price: the market stream is silent"
        return None
