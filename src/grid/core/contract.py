"""What preflight has to know of a contract, besides what it knows of every instrument."""

from dataclasses import dataclass
from decimal import Decimal

from domain.futures import Bracket
from domain.grids import ContractTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFacts:
    """Prices and amounts in quote, rates as fractions; a funding rate below 0 is paid by shorts.

    `terms` is how the grid would stand at the venue: as asked for, else as configured. `position` is what the account
    holds of the contract already, `foreign_orders` what others have resting there. The last three are the
    configuration's: how long funding is reserved for, how far from the mark price an isolated position has to end at
    least, as a fraction of it, and the largest position, None where nothing bounds it.
    """

    terms: ContractTerms
    max_leverage: int  # the configuration's, which the venue's brackets may undercut
    brackets: tuple[Bracket, ...]
    mark_price: Decimal
    funding_rate: Decimal
    funding_interval_h: int
    position: Decimal
    foreign_orders: int
    horizon_days: int = 30
    liquidation_buffer: Decimal = Decimal("0.15")
    largest_position: Decimal | None = None
