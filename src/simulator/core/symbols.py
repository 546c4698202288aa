"""What can be traded and under which filters; the exact units of the whole core.

Prices and quantities are ints scaled by 10**8 (`UNIT`), so a price times a quantity is an int scaled by
10**16 (`NOTIONAL_UNIT`). Balances and quote amounts of every asset are kept in the latter scale: nothing
but a commission is ever rounded.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import lcm
from typing import Any, Final, Self

from simulator.core.orders import StpMode

UNIT: Final = 10**8
NOTIONAL_UNIT: Final = 10**16
PPM: Final = 10**6


def half_up(numerator: int, denominator: int) -> int:
    """Divide two ints, the denominator above 0, and round halves up."""
    return (2 * numerator + denominator) // (2 * denominator)


ALL_STP_MODES: Final = tuple(StpMode)


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolSpec:
    """Filters of one symbol as exchangeInfo publishes them (protocol section 2.1).

    Prices, quantities, `min_notional`, `max_notional` and `max_position` are scaled by UNIT, multipliers
    are parts per million. Zero switches a bound off. `max_position` is in base units.
    """

    symbol: str
    base: str
    quote: str
    status: str = "TRADING"
    tick: int
    lot: int
    min_price: int = 0
    max_price: int = 0
    min_qty: int = 0
    max_qty: int = 0
    market_min_qty: int = 0
    market_max_qty: int = 0
    market_step: int = 0
    min_notional: int = 0
    max_notional: int = 0
    apply_min_to_market: bool = True
    apply_max_to_market: bool = False
    bid_mult_up: int = 0
    bid_mult_down: int = 0
    ask_mult_up: int = 0
    ask_mult_down: int = 0
    avg_price_mins: int = 5
    max_orders: int = 200
    max_algo_orders: int = 5
    max_order_lists: int = 20
    max_position: int = 0
    stp_modes: tuple[StpMode, ...] = ALL_STP_MODES
    default_stp: StpMode = StpMode.EXPIRE_MAKER

    def __post_init__(self) -> None:
        if self.tick <= 0 or self.lot <= 0:
            raise ValueError(f"{self.symbol}: tick and lot must be above 0, were {self.tick} and {self.lot}")

    @property
    def is_open(self) -> bool:
        return self.status == "TRADING"

    @property
    def market_lot(self) -> int:
        """Step of a MARKET quantity: it has to satisfy LOT_SIZE and MARKET_LOT_SIZE at once."""
        return lcm(self.lot, self.market_step) if self.market_step else self.lot

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        modes = tuple(StpMode(mode) for mode in saved["stp_modes"])
        return cls(**{**saved, "stp_modes": modes, "default_stp": StpMode(saved["default_stp"])})
