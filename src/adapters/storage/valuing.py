"""Reading and writing of values of fees, of funding and of an account's baselines, inside a transaction.

First told stays.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, func, insert, select

from adapters.storage.rows import instrument_of, payment_of
from adapters.storage.tables import (
    baselines,
    fee_values,
    fills,
    funding,
    futures_baselines,
    futures_holdings,
    holdings,
    orders,
    trade_marks,
)
from domain.futures import FundingPayment
from domain.instrument import Instrument, Market
from domain.orders import FeeValue
from ports.store import Baseline, Holding

_BASELINES: Final[Mapping[Market, tuple[Table, Table]]] = {
    Market.SPOT: (baselines, holdings),
    Market.FUTURES: (futures_baselines, futures_holdings),
}


def add_fee_value(connection: Connection, account: str, value: FeeValue) -> None:
    """Store what a fee was worth; one that is stored stays as it is."""
    same = (
        (fee_values.c.account == account)
        & (fee_values.c.instrument == value.instrument.id)
        & (fee_values.c.trade_id == value.trade_id)
    )
    if not _has(connection, fee_values, same):
        connection.execute(
            insert(fee_values).values(
                account=account,
                instrument=value.instrument.id,
                trade_id=value.trade_id,
                asset=value.asset,
                price=value.price,
                at_ms=value.at_ms,
            )
        )


def read_fee_values(connection: Connection, account: str, grid_id: int) -> tuple[FeeValue, ...]:
    """Return the values of a grid's fees in the order they were stored."""
    of_fill = (
        (fills.c.account == fee_values.c.account)
        & (fills.c.instrument == fee_values.c.instrument)
        & (fills.c.trade_id == fee_values.c.trade_id)
    )
    of_order = (orders.c.account == fills.c.account) & (orders.c.client_id == fills.c.client_id)
    wanted = (
        select(fee_values)
        .join(fills, of_fill)
        .join(orders, of_order)
        .where(orders.c.account == account, orders.c.grid_id == grid_id)
        .order_by(fee_values.c.seq)
    )
    return tuple(
        FeeValue(
            instrument=instrument_of(row.instrument),
            trade_id=row.trade_id,
            asset=row.asset,
            price=row.price,
            at_ms=row.at_ms,
        )
        for row in connection.execute(wanted)
    )


def add_funding(connection: Connection, account: str, grid_id: int, payments: Sequence[FundingPayment]) -> None:
    """Store a grid's payments; one that is stored stays as it is, and its grid's."""
    for payment in payments:
        same = (
            (funding.c.account == account)
            & (funding.c.instrument == payment.instrument.id)
            & (funding.c.payment_id == payment.id)
        )
        if not _has(connection, funding, same):
            connection.execute(
                insert(funding).values(
                    account=account,
                    grid_id=grid_id,
                    instrument=payment.instrument.id,
                    payment_id=payment.id,
                    amount=payment.amount,
                    asset=payment.asset,
                    at_ms=payment.at_ms,
                )
            )


def read_funding(connection: Connection, account: str, grid_id: int) -> tuple[FundingPayment, ...]:
    """Return a grid's payments, oldest first."""
    wanted = (
        select(funding)
        .where(funding.c.account == account, funding.c.grid_id == grid_id)
        .order_by(funding.c.at_ms, funding.c.payment_id)
    )
    return tuple(payment_of(row) for row in connection.execute(wanted))


def read_last_funding_ms(connection: Connection, account: str, instrument: Instrument) -> int | None:
    wanted = select(func.max(funding.c.at_ms)).where(
        funding.c.account == account, funding.c.instrument == instrument.id
    )
    return connection.execute(wanted).scalar()


def add_baseline(connection: Connection, account: str, baseline: Baseline, market: Market) -> None:
    """Store where the account's books begin on a market; one that is stored stays as it is."""
    begins, held_there = _BASELINES[market]
    if _has(connection, begins, begins.c.account == account):
        return
    connection.execute(insert(begins).values(account=account, at_ms=baseline.at_ms, valued_in=baseline.valued_in))
    for held in baseline.holdings:
        connection.execute(
            insert(held_there).values(account=account, asset=held.asset, amount=held.amount, price=held.price)
        )


def read_baseline(connection: Connection, account: str, market: Market) -> Baseline | None:
    begins, held_there = _BASELINES[market]
    begun = connection.execute(select(begins).where(begins.c.account == account)).first()
    if begun is None:
        return None
    rows = connection.execute(select(held_there).where(held_there.c.account == account).order_by(held_there.c.asset))
    held = tuple(Holding(asset=row.asset, amount=row.amount, price=row.price) for row in rows)
    return Baseline(at_ms=begun.at_ms, valued_in=begun.valued_in, holdings=held)


def add_trade_mark(connection: Connection, account: str, instrument: Instrument, trade_id: int) -> None:
    """Store from which trade on an instrument counts; one that is stored stays as it is."""
    same = (trade_marks.c.account == account) & (trade_marks.c.instrument == instrument.id)
    if not _has(connection, trade_marks, same):
        connection.execute(insert(trade_marks).values(account=account, instrument=instrument.id, trade_id=trade_id))


def read_trade_marks(connection: Connection, account: str) -> dict[Instrument, int]:
    rows = connection.execute(select(trade_marks).where(trade_marks.c.account == account))
    return {instrument_of(row.instrument): row.trade_id for row in rows}


def _has(connection: Connection, table: Table, where: ColumnElement[bool]) -> bool:
    return connection.execute(select(table).where(where)).first() is not None
