"""What an account's trades were worth, what funding brought, and where its books begin, as stored."""

from collections.abc import Sequence

from adapters.storage.transactions import Transactions
from adapters.storage.valuing import (
    add_baseline,
    add_fee_value,
    add_funding,
    add_trade_mark,
    read_baseline,
    read_fee_values,
    read_funding,
    read_last_funding_ms,
    read_trade_marks,
)
from domain.futures import FundingPayment
from domain.instrument import Instrument, Market
from domain.orders import FeeValue
from ports.store import Baseline


class MoneyStore(Transactions):
    """Implements `ports.store.AccountStore`, and the part of `ports.store.Store` about fees and funding."""

    def add_fee_value(self, value: FeeValue) -> None:
        with self._writing() as connection:
            add_fee_value(connection, self._id, value)

    def fee_values(self, grid_id: int) -> tuple[FeeValue, ...]:
        with self._database.reading() as connection:
            return read_fee_values(connection, self._id, grid_id)

    def add_funding(self, grid_id: int, payments: Sequence[FundingPayment]) -> None:
        """Store what funding brought to a grid, in one commit; payments stored already are skipped.

        Raises:
            StoreFailed: nothing was stored; also where this account has no such grid.
        """
        if not payments:
            return
        with self._writing() as connection:
            add_funding(connection, self._id, grid_id, payments)

    def funding(self, grid_id: int) -> tuple[FundingPayment, ...]:
        with self._database.reading() as connection:
            return read_funding(connection, self._id, grid_id)

    def last_funding_ms(self, instrument: Instrument) -> int | None:
        with self._database.reading() as connection:
            return read_last_funding_ms(connection, self._id, instrument)

    def baseline(self, market: Market = Market.SPOT) -> Baseline | None:
        with self._database.reading() as connection:
            return read_baseline(connection, self._id, market)

    def set_baseline(self, baseline: Baseline, market: Market = Market.SPOT) -> None:
        with self._writing() as connection:
            add_baseline(connection, self._id, baseline, market)

    def trade_marks(self) -> dict[Instrument, int]:
        with self._database.reading() as connection:
            return read_trade_marks(connection, self._id)

    def set_trade_mark(self, instrument: Instrument, trade_id: int) -> None:
        with self._writing() as connection:
            add_trade_mark(connection, self._id, instrument, trade_id)
