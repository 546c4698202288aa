"""Client order ids that are computed, never drawn: each tells which decision it belongs to.

Layout, fields joined by `-`, numbers in base 62:

    gh-<instance>-<epoch>-<grid>-<role><side>-<price ticks>-<cycle>-<attempt>

Binance allows 36 characters of [A-Za-z0-9-_] (protocol section 0.5); an id is never used twice, because the same
slot and cycle gets a new attempt.
"""

import re
from dataclasses import dataclass

from domain.orders import Role, Side, Slot

PREFIX = "gh"
MAX_LENGTH = 36
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUE = {digit: value for value, digit in enumerate(_DIGITS)}
_NUMBER = "([0-9A-Za-z]+)"
_PATTERN = re.compile(
    f"{PREFIX}-([0-9a-z]{{4}})-{_NUMBER}-{_NUMBER}-([reu])([bs])-{_NUMBER}-{_NUMBER}-{_NUMBER}", re.ASCII
)


@dataclass(frozen=True, slots=True)
class ClientId:
    """The parts of one of our client order ids."""

    instance: str
    epoch: int
    slot: Slot
    cycle: int
    attempt: int

    def __str__(self) -> str:
        """Write the id.

        Raises:
            ValueError: if it would be longer than the venue allows.
        """
        slot = self.slot
        kind = slot.role.value + ("b" if slot.side is Side.BUY else "s")
        numbers = [base62(number) for number in (slot.price_ticks, self.cycle, self.attempt)]
        text = "-".join([PREFIX, self.instance, base62(self.epoch), base62(slot.grid), kind, *numbers])
        if len(text) > MAX_LENGTH:
            raise ValueError(f"client order id {text} has {len(text)} characters, the venue allows {MAX_LENGTH}")
        return text

    @classmethod
    def parse(cls, text: str) -> "ClientId | None":
        """Read an id of ours; None for anybody else's."""
        match = _PATTERN.fullmatch(text)
        if match is None:
            return None
        instance, epoch, grid, role, side, price, cycle, attempt = match.groups()
        slot = Slot(
            grid=from_base62(grid),
            role=Role(role),
            side=Side.BUY if side == "b" else Side.SELL,
            price_ticks=from_base62(price),
        )
        return cls(instance, from_base62(epoch), slot, from_base62(cycle), from_base62(attempt))


def base62(number: int) -> str:
    """Write a non-negative integer in base 62."""
    if number < 0:
        raise ValueError(f"{number} is negative")
    text = ""
    while True:
        number, digit = divmod(number, 62)
        text = _DIGITS[digit] + text
        if number == 0:
            return text


def from_base62(text: str) -> int:
    """Read what `base62` wrote."""
    number = 0
    for digit in text:
        number = number * 62 + _VALUE[digit]
    return number
