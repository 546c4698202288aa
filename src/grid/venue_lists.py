"""What the venue lists of an account: trades, and what funding brought, read piece by piece. Blocks on the venue."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from domain.errors import NotFound
from domain.futures import FundingPayment
from domain.grids import GridSnapshot
from domain.instrument import Instrument, Market
from domain.orders import Fill
from orders.account_lines import VenueTrades, added
from orders.client_ids import ClientId
from orders.settlement import is_settlement
from ports.clock import Clock
from ports.futures import FuturesAccount
from ports.market_data import AccountReader, AccountTrades, MarketData
from ports.store import AccountingStore, GridRow

log = logging.getLogger(__name__)

HOUR_MS: Final = 3_600_000
FUNDING_LAG_MS: Final = 60_000
"""How long after a full hour the venue's record of payments is read on: it is dear, and settled at full hours alone."""
FUNDING_AGAIN_S: Final = 30.0
KEPT_MS: Final = 85 * 24 * HOUR_MS
"""How far back what happened on contracts is asked for: the venue keeps it three months. Of what is older our books
stand in for it; what others did by then counts among the other movements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSources:
    """Where the account's books come from.

    `shown` gives one grid's snapshot, and `forget` has it built anew; `futures` is None where only spot is traded.
    """

    store: AccountingStore
    shown: Callable[[GridRow], GridSnapshot]
    market_data: MarketData
    reader: AccountReader
    trades: AccountTrades
    clock: Clock
    futures: FuturesAccount | None = None
    forget: Callable[[int], None] = lambda _grid_id: None


@dataclass(slots=True)
class _Paid:
    """What funding brought on one contract, as listed so far."""

    since_ms: int
    payments: dict[int, FundingPayment] = field(default_factory=dict)
    read_ms: int = -1
    read_s: float = float("-inf")


class VenueLists:
    """One thread at a time. `changed` is told of ended grids whose books were completed."""

    def __init__(self, sources: AccountSources, changed: Callable[[int], None]) -> None:
        self._from, self._changed = sources, changed
        self._trades: dict[Instrument, VenueTrades] = {}
        self._paid: dict[Instrument, _Paid] = {}

    def mark(self, instrument: Instrument) -> int:
        """Return from which trade on the instrument counts; it is settled at the first call.

        Raises:
            VenueError: if the venue cannot be read.
        """
        marks = self._from.store.trade_marks()
        if instrument in marks:
            return marks[instrument]
        booked = [fill.trade_id for row in self._rows_on(instrument) for fill in self._from.store.fills(row.grid_id)]
        mark = min([self._from.trades.newest_trade_id(instrument) + 1, *booked])
        self._from.store.set_trade_mark(instrument, mark)
        return mark

    def balances(self, market: Market) -> dict[str, Decimal]:
        return {balance.asset: balance.total for balance in self._from.reader.balances(market)}

    def read(self, market: Market, since_ms: int = 0) -> bool:
        """Read on in all lists of a market; tell whether there was anything new. Funding counts from `since_ms` on."""
        moved = False
        for instrument in self._instruments(market):
            if instrument not in self._trades:
                self._trades[instrument] = self._begun(instrument)
            venue = self._trades[instrument]
            fills = self._trades_since(instrument, venue.next_id)
            moved = venue.take(fills, self._our_ids(instrument, fills)) or moved
            if market is Market.FUTURES and self._from.futures is not None:
                moved = self._read_funding(self._from.futures, instrument, since_ms) or moved
        return moved

    def ours(self, market: Market) -> dict[str, Decimal]:
        """Return what our orders changed by asset and, on futures, funding of what our grids held."""
        paid = (
            {payment.asset: payment.amount}
            for instrument in self._instruments(market)
            for payment in self._payments_of(instrument, ours=True)
        )
        return added(*(venue.ours for one, venue in self._trades.items() if one.market is market), *paid)

    def foreign(self, market: Market) -> dict[str, Decimal]:
        """Return what others changed on our instruments, by asset."""
        paid = (
            {payment.asset: payment.amount}
            for instrument in self._instruments(market)
            for payment in self._payments_of(instrument, ours=False)
        )
        return added(*(venue.foreign for one, venue in self._trades.items() if one.market is market), *paid)

    def count_of_ours(self, market: Market) -> int:
        """Return how many trades and payments of ours are listed."""
        trades = sum(venue.count_of_ours for one, venue in self._trades.items() if one.market is market)
        return trades + sum(len(self._payments_of(one, ours=True)) for one in self._instruments(market))

    # --- trades ---

    def _instruments(self, market: Market) -> list[Instrument]:
        used = dict.fromkeys(row.instrument for row in self._from.store.grids())
        return [instrument for instrument in used if instrument.market is market]

    def _rows_on(self, instrument: Instrument) -> list[GridRow]:
        return [row for row in self._from.store.grids() if row.instrument == instrument]

    def _begun(self, instrument: Instrument) -> VenueTrades:
        """Return a list to be read on: from the mark, of a contract after what the venue tells no more."""
        begun = VenueTrades(self.mark(instrument), 0, {}, {})
        if instrument.market is Market.FUTURES:
            booked = [fill for row in self._rows_on(instrument) for fill in self._from.store.fills(row.grid_id)]
            old = sorted((one for one in booked if one.time_ms < self._kept_since_ms), key=lambda one: one.trade_id)
            begun.take(old, {fill.trade_id for fill in old})
        return begun

    @property
    def _kept_since_ms(self) -> int:
        return self._from.clock.market_ms() - KEPT_MS

    def _trades_since(self, instrument: Instrument, trade_id: int) -> tuple[Fill, ...]:
        """Return the account's trades; of a symbol the venue knows no more those that our own books hold."""
        try:
            return self._from.trades.trades_since(instrument, trade_id)
        except NotFound as error:
            log.debug("the books stand in for the venue: %s", error)
            booked = [fill for row in self._rows_on(instrument) for fill in self._from.store.fills(row.grid_id)]
            return tuple(sorted((one for one in booked if one.trade_id >= trade_id), key=lambda one: one.trade_id))

    def _our_ids(self, instrument: Instrument, fills: Iterable[Fill]) -> set[int]:
        """Return the trades of our orders. What orders left behind by an ended grid did is not ours any more."""
        ended = {row.grid_id: row.ended_ms for row in self._rows_on(instrument) if row.ended_ms is not None}
        booked = {fill.trade_id for grid_id in ended for fill in self._from.store.fills(grid_id)}
        settled = {fill.trade_id for fill in fills if is_settlement(fill)}
        ours = settled & {
            fill.trade_id
            for row in (self._rows_on(instrument) if settled else ())
            for fill in self._from.store.fills(row.grid_id)
        }
        for fill in fills:
            written = ClientId.parse(fill.client_id)
            if written is None or written.instance != self._from.store.instance:
                continue
            ended_ms = ended.get(written.slot.grid)
            if ended_ms is None or fill.time_ms <= ended_ms or fill.trade_id in booked:
                ours.add(fill.trade_id)
        return ours

    # --- funding ---

    def _read_funding(self, futures: FuturesAccount, instrument: Instrument, since_ms: int) -> bool:
        """Read payments where some may be new, and give ended grids those that came after their end."""
        if instrument not in self._paid:
            self._paid[instrument] = _Paid(since_ms, self._old_payments(instrument))
        paid = self._paid[instrument]
        now_ms, now_s = self._from.clock.market_ms(), self._from.clock.monotonic_s()
        is_new_hour = (now_ms - FUNDING_LAG_MS) // HOUR_MS > (paid.read_ms - FUNDING_LAG_MS) // HOUR_MS
        booked = sum(len(self._from.store.funding(row.grid_id)) for row in self._rows_on(instrument))
        is_behind = booked != len(self._payments_of(instrument, ours=True)) and now_s - paid.read_s >= FUNDING_AGAIN_S
        if paid.read_ms >= 0 and not is_new_hour and not is_behind:
            return False
        newest_ms = max((one.at_ms for one in paid.payments.values()), default=paid.since_ms)
        from_ms = max(paid.since_ms, newest_ms - 24 * HOUR_MS, self._kept_since_ms - 24 * HOUR_MS)
        told = futures.funding_payments(instrument, from_ms)
        fresh = {payment.id: payment for payment in told if payment.id not in paid.payments}
        paid.payments |= fresh
        paid.read_ms, paid.read_s = now_ms, now_s
        self._complete_ended(instrument)
        return bool(fresh)

    def _old_payments(self, instrument: Instrument) -> dict[int, FundingPayment]:
        """Return what our grids booked and the venue may list no more."""
        booked = (one for row in self._rows_on(instrument) for one in self._from.store.funding(row.grid_id))
        return {payment.id: payment for payment in booked if payment.at_ms < self._kept_since_ms}

    def _payments_of(self, instrument: Instrument, *, ours: bool) -> list[FundingPayment]:
        """Return the payments of our grids on a contract, or those of others."""
        paid = self._paid.get(instrument)
        if paid is None:
            return []
        rows = self._rows_on(instrument)
        return [one for one in paid.payments.values() if any(_held(row, one) for row in rows) is ours]

    def _complete_ended(self, instrument: Instrument) -> None:
        """Book what the venue listed only after a grid had ended that waited for it in vain."""
        for row in (row for row in self._rows_on(instrument) if row.ended_ms is not None):
            booked = {payment.id for payment in self._from.store.funding(row.grid_id)}
            late = [one for one in self._paid[instrument].payments.values() if _held(row, one) and one.id not in booked]
            if late:
                log.warning("grid %d has ended; %d payment(s) of funding are booked now", row.grid_id, len(late))
                self._from.store.add_funding(row.grid_id, late)
                self._changed(row.grid_id)


def _held(row: GridRow, payment: FundingPayment) -> bool:
    """Tell whether a payment on the grid's contract belongs to it: it fell into the grid's life."""
    return row.started_ms <= payment.at_ms and (row.ended_ms is None or payment.at_ms <= row.ended_ms)
