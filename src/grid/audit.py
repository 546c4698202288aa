"""Every grid's books built anew from the store alone, and everything in them that cannot be right."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Protocol

from domain.account import Account
from domain.grids import Books, Move, OnStop
from domain.instrument import Market
from domain.money import ZERO, exact, plain
from domain.orders import Fill, Status
from grid.waiting import unmarked
from orders.account_lines import beside_wallet
from orders.books import FifoBooks
from ports.store import GridRow, OrderRow, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class GridAudit:
    """One grid as its stored orders and fills tell it. `faults` are sentences; none means that all adds up."""

    row: GridRow
    books: Books
    orders: int
    live_orders: int
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAudit:
    """One account's books as they lie there. `strays` are client ids of fills without an order."""

    account: str
    grids: tuple[GridAudit, ...]
    strays: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BooksAudit:
    """All books of a database. `problems` are those of the file itself; nothing else is told where there are any."""

    problems: tuple[str, ...]
    instance: str = ""
    epoch: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    accounts: tuple[AccountAudit, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        """Return everything that is wrong, one sentence each; empty where all is well."""
        found = [f"the database file: {problem}" for problem in self.problems]
        for account in self.accounts:
            for grid in account.grids:
                found += [f"grid {grid.row.grid_id} of {account.account}: {fault}" for fault in grid.faults]
            found += [f"fills of {stray} in {account.account} belong to no order" for stray in account.strays]
        return tuple(found)


class ReadableBooks(Protocol):
    """The books of all accounts, for looking only."""

    problems: tuple[str, ...]

    @property
    def instance(self) -> str: ...

    @property
    def epoch(self) -> int: ...

    def accounts(self) -> Sequence[Account]: ...

    def books_of(self, account: Account) -> Store: ...

    def strays(self, account: Account) -> tuple[str, ...]: ...

    def counts(self) -> Mapping[str, int]: ...


def audit(reader: ReadableBooks) -> BooksAudit:
    """Rebuild the books of every grid of every account."""
    if reader.problems:
        return BooksAudit(problems=reader.problems)
    accounts = []
    for account in reader.accounts():
        books = reader.books_of(account)
        grids = tuple(audit_grid(books, row) for row in books.grids())
        accounts.append(AccountAudit(account=account.id, grids=grids, strays=reader.strays(account)))
    return BooksAudit(
        problems=(), instance=reader.instance, epoch=reader.epoch, counts=reader.counts(), accounts=tuple(accounts)
    )


def audit_grid(store: Store, row: GridRow) -> GridAudit:
    """Rebuild the books of one grid, valued at its newest fill, and hold orders and fills against each other."""
    orders, fills = store.orders(row.grid_id), store.fills(row.grid_id)
    books = FifoBooks(row.instrument)
    for fill in fills:
        books.add(fill)
    for value in store.fee_values(row.grid_id):
        books.value_fee(value.trade_id, value.price)
    for payment in store.funding(row.grid_id):
        if payment.asset == row.instrument.quote:
            books.add_funding(payment.amount)
    marked = books.marked(fills[-1].price if fills else row.plan.start_price)
    live = store.orders(row.grid_id, live_only=True)
    faults = _order_faults(orders, fills)
    if marked.residual:
        faults.append(f"its books do not balance: {plain(marked.residual)} {row.instrument.quote} is left over")
    if row.instrument.market is Market.FUTURES:
        *_, unexplained = beside_wallet([(row.instrument, marked)])
        if unexplained:
            told = f"{plain(marked.realized_profit)} by the venue's count and {plain(marked.grid_profit)} by ours"
            faults.append(f"its closed positions brought {told}: fills are missing or foreign")
    faults += _move_faults(store.moves(row.grid_id))
    if row.ended_ms is not None and live and unmarked(row.on_stop) != OnStop.KEEP:
        faults.append(f"it has ended and {len(live)} of its orders may still take money")
    return GridAudit(row=row, books=marked, orders=len(orders), live_orders=len(live), faults=tuple(faults))


@exact
def _order_faults(orders: tuple[OrderRow, ...], fills: tuple[Fill, ...]) -> list[str]:
    taken: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for fill in fills:
        taken[fill.client_id] += fill.quantity
    faults = []
    for order in orders:
        intent, filled = order.intent, taken[order.intent.client_id]
        if filled > intent.quantity:
            told = f"order {intent.client_id} of {plain(intent.quantity)} has fills of {plain(filled)}"
            faults.append(told)
        elif order.status is Status.FILLED and filled != intent.quantity:
            missing = plain(intent.quantity - filled)
            faults.append(f"order {intent.client_id} is filled, and fills of {missing} are not booked")
    return faults


def _move_faults(moves: tuple[Move, ...]) -> list[str]:
    faults = [
        f"move {number} of its ladder is missing"
        for number in range(1, moves[-1].number if moves else 1)
        if number not in {move.number for move in moves}
    ]
    for before, after in pairwise(moves):
        if after.after_trade < before.after_trade:
            faults.append(f"move {after.number} of its ladder comes after fewer trades than the one before")
    return faults
