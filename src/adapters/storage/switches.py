"""Pairs on their way from one market to the other, as stored."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from adapters.storage.tables import market_switches as table
from domain.switches import Switch, decode_switch, encode_switch
from ports.store import StoreFailed

SWITCHES_PER_LIFE: Final = 100
"""How far apart the numbers of two lives of the database begin: a copy that was put back does not know which ones were
given away after it was taken, and transfers are found again by them."""

Transaction = Callable[[], AbstractContextManager[Connection]]


class SqlSwitches:
    """Implements ports.switches.SwitchStore for one account."""

    def __init__(self, account: str, epoch: int, reading: Transaction, writing: Transaction) -> None:
        self._account, self._epoch, self._reading, self._writing = account, epoch, reading, writing

    def add(self, switch: Switch) -> Switch:
        """Store a new switch under the account's next number in this life of the database, whatever number it has."""
        lost = (self._epoch - 1) * SWITCHES_PER_LIFE
        with self._writing() as connection:
            highest = select(func.max(table.c.number)).where(table.c.account == self._account)
            numbered = replace(switch, number=max(connection.execute(highest).scalar() or 0, lost) + 1)
            connection.execute(
                insert(table).values(
                    account=self._account,
                    number=numbered.number,
                    source=numbered.source.id,
                    phase=numbered.phase.value,
                    data=encode_switch(numbered),
                )
            )
        return numbered

    def put(self, switch: Switch) -> None:
        """Store how a switch stands now.

        Raises:
            StoreFailed: where the account has no such switch.
        """
        its = (table.c.account == self._account) & (table.c.number == switch.number)
        values = {"phase": switch.phase.value, "data": encode_switch(switch)}
        with self._writing() as connection:
            if connection.execute(update(table).where(its).values(**values)).rowcount != 1:
                raise StoreFailed(f"switch {switch.number} is not in the books of {self._account}")

    def all(self) -> tuple[Switch, ...]:
        wanted = select(table.c.data).where(table.c.account == self._account).order_by(table.c.number)
        with self._reading() as connection:
            return tuple(decode_switch(row.data) for row in connection.execute(wanted))
