"""Pairs on their way from one market to the other, as stored."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from sqlalchemy import Connection, func, insert, select, update

from adapters.storage.tables import market_switches as table
from domain.switches import Switch, decode_switch, encode_switch
from ports.store import StoreFailed

Transaction = Callable[[], AbstractContextManager[Connection]]


class SqlSwitches:
    """Implements ports.switches.SwitchStore for one account."""

    def __init__(self, account: str, reading: Transaction, writing: Transaction) -> None:
        self._account, self._reading, self._writing = account, reading, writing

    def add(self, switch: Switch) -> Switch:
        """Store a new switch under the account's next number, whatever number it has."""
        with self._writing() as connection:
            highest = select(func.max(table.c.number)).where(table.c.account == self._account)
            numbered = replace(switch, number=(connection.execute(highest).scalar() or 0) + 1)
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
