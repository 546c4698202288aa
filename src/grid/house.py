"""What the grids of one account share, and what one gets that asks for nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from domain.events import FeeNotPriced, FundingRead
from domain.instrument import Instrument
from grid.contracts import ContractDefaults
from ports.clock import Clock
from ports.conditional import ConditionalGateway
from ports.futures import Countdowns, Futures
from ports.gateway import FeeAnswer, FeePrices, FundingAnswer, FundingReader, OrderGateway
from ports.heard_prices import PriceRecorder
from ports.market_data import Streams
from ports.store import Store
from risk.gate import RiskGate

NEVER_MS: Final = 2**62


class NoFunding:
    """Implements ports.gateway.FundingReader where none is ever paid."""

    def read(self, instrument: Instrument, since_ms: int, answer: FundingAnswer) -> None:
        answer(FundingRead(instrument, since_ms, NEVER_MS, NEVER_MS))


class NoFeePrices:
    """Implements ports.gateway.FeePrices where nobody can tell: such fees stay unvalued."""

    def ask(self, _instrument: Instrument, asset: str, _at_ms: int, trade_id: int | None, answer: FeeAnswer) -> None:
        answer(FeeNotPriced(trade_id, asset, "nobody tells prices of fee assets here"))


@dataclass(frozen=True, slots=True, kw_only=True)
class GridHouse:
    """What every grid of one account shares. `futures` is None where only spot is traded.

    `countdowns` is None where market time is not the wall's: a replay's two minutes pass in no time.
    """

    store: Store
    gateway: OrderGateway
    streams: Streams
    gate: RiskGate
    clock: Clock
    equity_every_ms: int
    max_price_age_s: float
    fee_prices: FeePrices = field(default_factory=NoFeePrices)
    funding: FundingReader = field(default_factory=NoFunding)
    recorder: PriceRecorder | None = None
    futures: Futures | None = None
    countdowns: Countdowns | None = None
    conditional: ConditionalGateway | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GridDefaults:
    """What a request that leaves something out gets. Amounts in quote."""

    capital: Decimal
    min_order_value: Decimal
    max_grids: int
    watched: Callable[[], tuple[Instrument, ...]] = tuple
    contracts: ContractDefaults = field(default_factory=ContractDefaults)
