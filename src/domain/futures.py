"""What perpetual contracts have that spot has not: margin, leverage, positions, mark price, funding."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.instrument import Instrument
from domain.orders import PositionSide


class MarginType(StrEnum):
    """What a position may lose: its own margin, or all that the wallet holds."""

    ISOLATED = "isolated"
    CROSS = "cross"


class CountdownPolicy(StrEnum):
    """When the venue is to cancel a contract's orders should this server be gone."""

    AUTO = "auto"  # only while no order of others rests on the contract, because it would cancel that too
    OFF = "off"
    FORCE = "force"  # whoever else has orders there


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractSettings:
    """How the account trades one contract. `max_notional` is the largest position at this leverage, in quote."""

    instrument: Instrument
    margin_type: MarginType
    leverage: int
    max_notional: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What is held of one contract, as the venue reports it; amounts in quote.

    `quantity` is below 0 for a short one. `liquidation_price` is None where the venue names none. `isolated_margin` is
    margin with unrealised profit, `isolated_wallet` without; both 0 under cross margin.
    """

    instrument: Instrument
    side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    break_even_price: Decimal
    mark_price: Decimal
    liquidation_price: Decimal | None
    unrealized_profit: Decimal
    notional: Decimal
    isolated_margin: Decimal
    isolated_wallet: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    updated_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """One step of the risk limits: for positions worth more than `floor` and up to `cap`, in quote.

    Maintenance margin is notional times `maintenance_rate` less `deduction`.
    """

    floor: Decimal
    cap: Decimal
    max_leverage: int
    maintenance_rate: Decimal
    deduction: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Countdown:
    """A countdown at the venue that cancels a contract's ordinary orders when it runs out, conditional ones not.

    `runs_out_ms` is our wall time, as far as the venue confirmed it; `trouble` says why it was not renewed since.
    """

    instrument: Instrument
    runs_out_ms: int
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkPrice:
    """What margins and funding go by, at market time `at_ms`. `funding_rate` is a fraction of the notional."""

    instrument: Instrument
    mark: Decimal
    index: Decimal
    funding_rate: Decimal
    next_funding_ms: int
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingRate:
    """What was settled at one moment: longs paid shorts `rate` of the notional at `mark`, the other way below 0.

    `mark` is None where the venue kept none.
    """

    instrument: Instrument
    rate: Decimal
    mark: Decimal | None
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingPayment:
    """What one settlement brought to the account, below 0 what it cost. `id` is unique among these."""

    instrument: Instrument
    id: int
    amount: Decimal
    asset: str
    at_ms: int
