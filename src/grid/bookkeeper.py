"""The account's books: every grid it ever had, and every change of its balances explained. Blocks on the venue."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from threading import Event, Lock
from typing import Final

from domain.account_books import AccountBooks, AccountPart, Totals
from domain.errors import NotFound, VenueError
from domain.grids import GridSnapshot, GridStatus
from domain.instrument import Instrument, Market
from domain.money import exact
from domain.orders import Fill
from orders.account_lines import VenueTrades, added, asset_lines, booked_by, negated, remarked, totals_of, valued
from orders.client_ids import ClientId
from ports.clock import Clock
from ports.market_data import AccountReader, AccountTrades, MarketData
from ports.store import AccountingStore, Baseline, GridRow, Holding

log = logging.getLogger(__name__)

VALUED_IN: Final = "USDT"
FRESH_S: Final = 10.0
TRIES: Final = 3
SETTLE_S: Final = 0.3
_TURNED: Final = Context(prec=16, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSources:
    """Where the account's books come from. `shown` gives one grid's snapshot."""

    store: AccountingStore
    shown: Callable[[GridRow], GridSnapshot]
    market_data: MarketData
    reader: AccountReader
    trades: AccountTrades
    clock: Clock


class AccountBookkeeper:
    """Safe to call from any thread; one reading at a time, answered from memory for a few seconds."""

    def __init__(self, sources: AccountSources) -> None:
        self._from = sources
        self._lock = Lock()
        self._venue: dict[Instrument, VenueTrades] = {}
        self._ended: dict[int, GridSnapshot] = {}
        self._taken: AccountBooks | None = None
        self._taken_s = float("-inf")

    def begin(self) -> None:
        """See to it that the store knows where the account's books begin: at the balances of its first start.

        Where grids have traded already, their trades are taken back out, so that the books begin before them.

        Raises:
            VenueError: if the venue cannot be read.
        """
        with self._lock:
            self._begin()

    def prepare(self, instrument: Instrument) -> None:
        """Note from which trade on an instrument counts; to be called before the first order on it.

        Raises:
            VenueError: if the venue cannot be read.
        """
        with self._lock:
            self._begin()
            if instrument.market is Market.SPOT:
                self._mark(instrument)

    def take(self) -> AccountBooks:
        """Return the books, at most ten seconds old. A venue that cannot be read is said in them, not raised."""
        with self._lock:
            now_s = self._from.clock.monotonic_s()
            if self._taken is None or now_s - self._taken_s >= FRESH_S:
                self._taken = self._take()
                self._taken_s = now_s
            return self._taken

    def forget(self, grid_id: int) -> None:
        """Read an ended grid anew: something about it became known."""
        with self._lock:
            self._ended.pop(grid_id, None)
            self._taken_s = float("-inf")

    def grids(self) -> tuple[GridSnapshot, ...]:
        """Return every grid the account ever had, oldest first."""
        shown = []
        for row in self._from.store.grids():
            snapshot = self._ended.get(row.grid_id) or self._from.shown(row)
            if row.ended_ms is not None and snapshot.status is GridStatus.STOPPED:
                self._ended[row.grid_id] = snapshot
            shown.append(snapshot)
        return tuple(shown)

    # --- where the books begin ---

    def _begin(self) -> Baseline:
        store, clock = self._from.store, self._from.clock
        stored = store.baseline()
        if stored is not None:
            return stored
        self._read_trades()
        before_ours = added(self._balances(), negated(added(*(venue.ours for venue in self._venue.values()))))
        prices = self._prices(before_ours, {})
        holdings = tuple(
            Holding(asset=asset, amount=amount, price=prices.get(asset))
            for asset, amount in sorted(before_ours.items())
            if amount
        )
        store.set_baseline(Baseline(at_ms=clock.market_ms(), valued_in=VALUED_IN, holdings=holdings))
        log.info("the account's books begin with %d assets", len(holdings))
        return store.baseline() or Baseline(at_ms=clock.market_ms(), valued_in=VALUED_IN, holdings=holdings)

    def _mark(self, instrument: Instrument) -> int:
        marks = self._from.store.trade_marks()
        if instrument in marks:
            return marks[instrument]
        booked = [fill.trade_id for row in self._rows_on(instrument) for fill in self._from.store.fills(row.grid_id)]
        mark = min([self._from.trades.newest_trade_id(instrument) + 1, *booked])
        self._from.store.set_trade_mark(instrument, mark)
        return mark

    def _rows_on(self, instrument: Instrument) -> list[GridRow]:
        return [row for row in self._from.store.grids() if row.instrument == instrument]

    # --- what the venue says ---

    def _balances(self) -> dict[str, Decimal]:
        return {balance.asset: balance.total for balance in self._from.reader.balances(Market.SPOT)}

    def _read_trades(self) -> bool:
        """Read on in the venue's lists of trades; tell whether there was anything new."""
        moved = False
        instruments = dict.fromkeys(row.instrument for row in self._from.store.grids())
        for instrument in (one for one in instruments if one.market is Market.SPOT):
            if instrument not in self._venue:
                self._venue[instrument] = VenueTrades(self._mark(instrument), 0, {}, {})
            venue = self._venue[instrument]
            fills = self._trades_since(instrument, venue.next_id)
            if venue.take(fills, self._our_ids(instrument, fills)):
                moved = True
        return moved

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
        ours = set()
        for fill in fills:
            written = ClientId.parse(fill.client_id)
            if written is None or written.instance != self._from.store.instance:
                continue
            ended_ms = ended.get(written.slot.grid)
            if ended_ms is None or fill.time_ms <= ended_ms or fill.trade_id in booked:
                ours.add(fill.trade_id)
        return ours

    def _prices(self, assets: Iterable[str], known: dict[str, Decimal]) -> dict[str, Decimal]:
        """Return units of the books' currency per asset: what is known, else the venue's last price."""
        return {**prices_in(self._from.market_data, set(assets) - known.keys(), VALUED_IN), **known}

    # --- the books ---

    def _take(self) -> AccountBooks:
        grids = self.grids()
        try:
            account, grids = self._account()
        except VenueError as error:
            account, reason = None, str(error)
        else:
            reason = ""
        return AccountBooks(
            account_id=self._from.store.account.id,
            valued_in=VALUED_IN,
            taken_ms=self._from.clock.wall_ms(),
            grids=grids,
            totals=_totals(grids),
            account=account,
            account_error=reason,
        )

    def _read(self) -> tuple[dict[str, Decimal], tuple[GridSnapshot, ...], bool]:
        """Return balances, grids, and whether they are of one moment: no trade came between, and all are booked."""
        for _ in range(TRIES):
            self._read_trades()
            balances = self._balances()
            moved = self._read_trades()
            grids = self.grids()
            at_venue = sum(venue.count_of_ours for venue in self._venue.values())
            if not moved and at_venue == sum(grid.books.trades for grid in grids if _is_spot(grid)):
                return balances, grids, True
            self._from.clock.wait(Event(), SETTLE_S)
        return balances, grids, False

    def _account(self) -> tuple[AccountPart, tuple[GridSnapshot, ...]]:
        baseline = self._begin()
        balances, grids, settled = self._read()
        held = {holding.asset: holding for holding in baseline.holdings}
        lines = asset_lines(
            baseline={asset: holding.amount for asset, holding in held.items()},
            balances=balances,
            booked=added(*(booked_by(grid.instrument, grid.books) for grid in grids if _is_spot(grid))),
            ours=added(*(venue.ours for venue in self._venue.values())),
            foreign=added(*(venue.foreign for venue in self._venue.values())),
        )
        prices = self._prices({line.asset for line in lines} | _assets_of(grids), _marks(grids))
        then = {asset: holding.price for asset, holding in held.items() if holding.price is not None}
        value, unpriced = valued(lines, prices, then)
        part = AccountPart(
            since_ms=baseline.at_ms,
            assets=lines,
            prices=prices,
            baseline_prices=then,
            value=value,
            unpriced=unpriced,
            settled=settled,
        )
        return part, tuple(_at(grid, prices) for grid in grids)


def prices_in(market_data: MarketData, assets: Iterable[str], currency: str) -> dict[str, Decimal]:
    """Return the last price of each asset in `currency`; assets without a market are left out.

    A price that has to be turned over is rounded once, to 16 digits.

    Raises:
        VenueError: if the venue does not answer.
    """
    prices = {currency: Decimal(1)} if currency in assets else {}
    asked: dict[str, tuple[Instrument, bool]] = {}
    for asset in sorted(set(assets) - {currency}):
        for symbol, turned in ((f"{currency}/{asset}", True), (f"{asset}/{currency}", False)):
            try:
                asked[asset] = (market_data.instrument(symbol, Market.SPOT), turned)
            except NotFound:
                continue
    tickers = market_data.tickers([instrument for instrument, _ in asked.values()]) if asked else ()
    last = {ticker.instrument: ticker.price for ticker in tickers if ticker.price > 0}
    for asset, (instrument, turned) in asked.items():
        if instrument in last:
            prices[asset] = _TURNED.divide(Decimal(1), last[instrument]) if turned else last[instrument]
    return prices


def _is_spot(grid: GridSnapshot) -> bool:
    return grid.instrument.market is Market.SPOT


def _assets_of(grids: Sequence[GridSnapshot]) -> set[str]:
    """Return everything the grids quoted in the books' currency are valued by, also what is no longer held."""
    return {
        asset
        for grid in grids
        if _is_spot(grid) and grid.instrument.quote == VALUED_IN
        for asset in (grid.instrument.base, *grid.books.fees_by_asset)
    }


def _marks(grids: Sequence[GridSnapshot]) -> dict[str, Decimal]:
    """Return the prices that running grids see themselves, so that account and grids are valued alike."""
    seen = {
        grid.instrument.base: grid.current_price
        for grid in grids
        if _is_spot(grid) and grid.instrument.quote == VALUED_IN and grid.status is not GridStatus.STOPPED
    }
    return {asset: price for asset, price in seen.items() if price is not None}


@exact
def _at(grid: GridSnapshot, prices: dict[str, Decimal]) -> GridSnapshot:
    """Return the grid at the account's prices, where its quote is what the account is valued in."""
    base, quote = grid.instrument.base, grid.instrument.quote
    if quote != VALUED_IN or base not in prices:
        return grid
    books = remarked(grid.books, grid.instrument, grid.plan.entry_position, prices[base], prices)
    return replace(grid, books=books)


def _totals(grids: Sequence[GridSnapshot]) -> dict[str, Totals]:
    quotes = sorted({grid.instrument.quote for grid in grids})
    return {quote: totals_of([grid.books for grid in grids if grid.instrument.quote == quote]) for quote in quotes}
