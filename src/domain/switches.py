"""A pair on its way from one market to the other, and the funds that go with it."""

import json
from dataclasses import dataclass, fields
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Any, Final

from domain.grids import GridRequest
from domain.instrument import Instrument, Market
from domain.money import UNIT, parse_amount, plain
from domain.plan_text import decode_request, encode_request

_CENT: Final = Decimal("0.01")
_NUMBERS: Final = 999_999


class SwitchPhase(StrEnum):
    """Each is stored before what it stands for is done, so that a restart goes on with it."""

    UNWINDING = "unwinding"  # the old grid ends, and sells or buys back what it holds
    MOVING = "moving"  # its funds change wallets
    STARTING = "starting"  # the new grid starts
    DONE = "done"
    FAILED = "failed"  # `reason` says why and where the funds are; no position is left by what was done here


class TransferState(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Funds from one wallet of the account to the other. Binance takes no id of ours: the amount tells it apart."""

    asset: str
    amount: Decimal
    to: Market


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One pair's way to another market.

    Attributes:
        number: counts up within the account.
        source: instrument of the old grid.
        request: the new grid's, on the other market.
        grid_id: the old grid's.
        began_ms: market time.
        ended_ms: market time.
        told_ms: market time at which the old grid was about to be told to end; None before.
        amount: what changes wallets, once that is known; None where nothing has to.
        attempt: of the transfer, 1 for the first one.
        sent_ms: wall time at which it was about to be sent; None before.
    """

    number: int
    source: Instrument
    request: GridRequest
    grid_id: int
    began_ms: int
    phase: SwitchPhase = SwitchPhase.UNWINDING
    reason: str = ""
    ended_ms: int | None = None
    told_ms: int | None = None
    amount: Decimal | None = None
    attempt: int = 1
    sent_ms: int | None = None
    transfer_id: int | None = None

    @property
    def target(self) -> Instrument:
        return self.request.instrument

    @property
    def is_over(self) -> bool:
        return self.phase in (SwitchPhase.DONE, SwitchPhase.FAILED)

    @property
    def has_weighed(self) -> bool:
        """Tell whether it came as far as funds that were to move."""
        return self.amount is not None

    @property
    def transfer(self) -> Transfer | None:
        if self.amount is None:
            return None
        amount = told_apart(self.amount, self.number, self.attempt)
        return Transfer(asset=self.source.quote, amount=amount, to=self.target.market)


def told_apart(amount: Decimal, number: int, attempt: int) -> Decimal:
    """Return nearly `amount`, never more, with the switch's number and the attempt in its last six digits.

    Two different transfers of one account so differ in their amounts (until number and attempt come round after
    100,000 switches), by which one of unknown outcome is found again in the list of transfers.
    """
    mark = UNIT * ((number * 10 + attempt) % _NUMBERS)
    return (amount - _CENT).quantize(_CENT, ROUND_FLOOR) + mark


def encode_switch(switch: Switch) -> str:
    """Write a switch as one line of JSON."""
    told: dict[str, Any] = {field.name: getattr(switch, field.name) for field in fields(switch)}
    told["source"], told["request"] = switch.source.id, encode_request(switch.request)
    told["amount"] = None if switch.amount is None else plain(switch.amount)
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def decode_switch(text: str) -> Switch:
    """Read what `encode_switch` wrote.

    Raises:
        ValueError: if `text` is no switch.
    """
    told = json.loads(text)
    unknown = sorted(told.keys() - {field.name for field in fields(Switch)})
    if unknown:
        raise ValueError(f"the stored switch has fields of a newer version: {', '.join(unknown)}")
    told["source"], told["request"] = Instrument.parse(told["source"]), decode_request(told["request"])
    told["phase"] = SwitchPhase(told["phase"])
    told["amount"] = None if told["amount"] is None else parse_amount(told["amount"])
    return Switch(**told)
