"""What a USD-M perpetual is: filters, protection bounds and leverage brackets (protocol sections 2.1 and 4).

Prices, quantities and USDT amounts are ints scaled by UNIT (10**8); price times quantity is an int scaled by
NOTIONAL_UNIT (10**16). Rates are parts per million. A contract whose tick times lot is no whole number of
UNITs is refused, so that every fill is worth a whole number of 1e-8 USDT.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from simulator.core.orders import StpMode
from simulator.core.symbols import UNIT

MARGIN_ASSET: Final = "USDT"
MAX_OPEN_ALGOS: Final = 200  # per account, over all symbols (since 2025-12-29)
PERPETUAL_END_MS: Final = 4_133_404_800_000
"""What exchangeInfo calls the delivery date of a contract that has none."""
FUTURES_STP_MODES: Final = (StpMode.EXPIRE_TAKER, StpMode.EXPIRE_MAKER, StpMode.EXPIRE_BOTH)


@dataclass(frozen=True, slots=True)
class Bracket:
    """One leverage bracket: notional in (floor, cap], amounts in USDT scaled by UNIT.

    Maintenance margin of a notional N in it is `N * rate_ppm / 10**6 - cum`.
    """

    max_leverage: int
    floor: int
    cap: int
    rate_ppm: int
    cum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractSpec:
    """Rules of one perpetual as exchangeInfo and leverageBracket publish them.

    `trigger_protect_ppm`, `liquidation_fee_ppm`, `market_take_bound_ppm`, `mult_up_ppm` and `mult_down_ppm`
    are parts per million (of the mark price, of the closed notional). A zero bound is switched off.
    `max_algo_orders` is what exchangeInfo shows; MAX_OPEN_ALGOS is what counts.
    """

    symbol: str
    base: str
    quote: str = MARGIN_ASSET
    status: str = "TRADING"
    tick: int
    lot: int
    price_precision: int
    quantity_precision: int
    min_price: int = 0
    max_price: int = 0
    min_qty: int = 0
    max_qty: int = 0
    market_min_qty: int = 0
    market_max_qty: int = 0
    market_step: int = 0
    min_notional: int = 0
    mult_up_ppm: int = 1_050_000
    mult_down_ppm: int = 950_000
    mult_decimals: int = 4
    max_orders: int = 200
    max_algo_orders: int = 10
    trigger_protect_ppm: int = 50_000
    liquidation_fee_ppm: int = 12_500
    market_take_bound_ppm: int = 50_000
    funding_interval_hours: int = 8
    delivery_ms: int = PERPETUAL_END_MS  # market time at which it is settled
    brackets: tuple[Bracket, ...]

    def __post_init__(self) -> None:
        if self.tick <= 0 or self.lot <= 0:
            raise ValueError(f"{self.symbol}: tick and lot must be above 0, were {self.tick} and {self.lot}")
        if self.tick * self.lot % UNIT:
            raise ValueError(f"{self.symbol}: tick times lot must be whole 1e-8 {self.quote}; make one of them coarser")
        if not self.brackets:
            raise ValueError(f"{self.symbol}: needs at least one leverage bracket")
        floor = 0
        for bracket in self.brackets:
            if bracket.floor != floor or bracket.cap <= floor:
                raise ValueError(f"{self.symbol}: brackets must join and grow, bracket {bracket} does not")
            floor = bracket.cap

    @property
    def is_open(self) -> bool:
        return self.status == "TRADING"

    @property
    def max_leverage(self) -> int:
        return self.brackets[0].max_leverage

    def max_notional(self, leverage: int) -> int:
        """Return the largest position at that leverage (UNIT): cap of the last bracket that allows it."""
        return max((b.cap for b in self.brackets if b.max_leverage >= leverage), default=0)

    def bracket_of(self, notional: int) -> Bracket:
        """Return the bracket of a notional scaled by NOTIONAL_UNIT; the last one reaches without end."""
        for bracket in self.brackets:
            if notional <= bracket.cap * UNIT:
                return bracket
        return self.brackets[-1]

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        brackets = tuple(Bracket(**bracket) for bracket in saved["brackets"])
        return cls(**{**saved, "brackets": brackets})
