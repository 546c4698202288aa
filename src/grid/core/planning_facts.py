"""What a plan is checked against."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.instrument import FeeRates, InstrumentRules
from grid.core.contract import ContractFacts

# The first trade may be this much worse than the start price; beyond it the grid waits instead of chasing.
ENTRY_SLIPPAGE: Final = Decimal("0.005")
# A rung must be worth twice the venue's minimum, so that a remainder too small to rest leaves a part that can be sold.
MINIMUM_FACTOR: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """Where a grid stands that is planned anew while it works, in quote.

    `centre` is what its ladder was laid around, `reference` the price that divides what buys from what sells. A ladder
    that no longer holds the latter is laid around the last price, unless it `stays`.
    """

    centre: Decimal
    reference: Decimal
    stays: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightFacts:
    """`free_quote` and `free_exposure` are None where nothing is to be committed; `contract` is None on spot.

    `at_work` is None of a grid that is to begin.
    """

    rules: InstrumentRules
    fees: FeeRates
    price: Decimal
    free_quote: Decimal | None
    default_capital: Decimal
    min_order_value: Decimal
    max_price_distance: Decimal
    max_order_notional: Decimal
    free_exposure: Decimal | None = None
    contract: ContractFacts | None = None
    at_work: AtWork | None = None
