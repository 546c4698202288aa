"""The account's books: every grid it ever had, and every change of its balances explained. Blocks on the venue."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from threading import Event, Lock
from typing import Final

from domain.account_books import AccountBooks, AccountPart, AssetLine, Totals, WalletPart
from domain.errors import NotFound, VenueError
from domain.grids import GridSnapshot, GridStatus
from domain.instrument import Instrument, Market
from domain.money import exact
from grid.venue_lists import AccountSources, VenueLists
from orders.account_lines import added, asset_lines, beside_wallet, booked_by, negated, remarked, totals_of, valued
from ports.market_data import MarketData
from ports.store import Baseline, Holding

log = logging.getLogger(__name__)

VALUED_IN: Final = "USDT"
FRESH_S: Final = 10.0
TRIES: Final = 3
SETTLE_S: Final = 0.3
_TURNED: Final = Context(prec=16, rounding=ROUND_HALF_EVEN)


class AccountBookkeeper:
    """Safe to call from any thread; one reading at a time, answered from memory for a few seconds."""

    def __init__(self, sources: AccountSources) -> None:
        self._from = sources
        self._lock = Lock()
        self._venue = VenueLists(sources, self._drop)
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
            self._begin(Market.SPOT)
            if self._has_contracts():
                self._begin(Market.FUTURES)

    def prepare(self, instrument: Instrument) -> None:
        """Note from which trade on an instrument counts; to be called before the first order on it.

        Raises:
            VenueError: if the venue cannot be read.
        """
        with self._lock:
            for market in dict.fromkeys((Market.SPOT, instrument.market)):
                self._begin(market)
            self._venue.mark(instrument)

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
            self._drop(grid_id)

    def _drop(self, grid_id: int) -> None:
        self._ended.pop(grid_id, None)
        self._taken_s = float("-inf")
        self._from.forget(grid_id)

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

    def _begin(self, market: Market) -> Baseline:
        """Return where a market's balances begin to count: those of futures when its first contract is traded."""
        store, clock, at_ms = self._from.store, self._from.clock, self._from.clock.market_ms()
        stored = store.baseline(market)
        if stored is not None:
            return stored
        futures = [row for row in store.grids() if row.instrument.market is market is Market.FUTURES]
        begun_ms = [row.started_ms for row in futures]
        self._venue.read(market, min(begun_ms, default=at_ms))
        before_ours = added(self._venue.balances(market), negated(self._venue.ours(market)))
        prices = self._prices(before_ours, {})
        holdings = tuple(
            Holding(asset=asset, amount=amount, price=prices.get(asset))
            for asset, amount in sorted(before_ours.items())
            if amount
        )
        began = Baseline(at_ms=min([clock.market_ms(), *begun_ms]), valued_in=VALUED_IN, holdings=holdings)
        store.set_baseline(began, market)
        log.info("the account's books begin with %d assets on the %s market", len(holdings), market)
        return store.baseline(market) or began

    def _has_contracts(self) -> bool:
        return any(row.instrument.market is Market.FUTURES for row in self._from.store.grids())

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

    def _read(self, market: Market, since_ms: int) -> tuple[dict[str, Decimal], tuple[GridSnapshot, ...], bool]:
        """Return balances, grids, and whether they are of one moment: no trade came between, and all are booked."""
        for _ in range(TRIES):
            self._venue.read(market, since_ms)
            balances = self._venue.balances(market)
            moved = self._venue.read(market, since_ms)
            grids = self.grids()
            if not moved and self._venue.count_of_ours(market) == self._booked(market, grids):
                return balances, grids, True
            self._from.clock.wait(Event(), SETTLE_S)
        return balances, grids, False

    def _booked(self, market: Market, grids: Sequence[GridSnapshot]) -> int:
        """Return how many trades and payments the grids of a market booked."""
        of_it = [grid for grid in grids if grid.instrument.market is market]
        payments = sum(len(self._from.store.funding(grid.grid_id)) for grid in of_it if market is Market.FUTURES)
        return payments + sum(grid.books.trades for grid in of_it)

    def _account(self) -> tuple[AccountPart, tuple[GridSnapshot, ...]]:
        baseline = self._begin(Market.SPOT)
        balances, grids, settled = self._read(Market.SPOT, baseline.at_ms)
        lines = self._lines(Market.SPOT, baseline, balances, grids)
        prices = self._prices({line.asset for line in lines} | _assets_of(grids), _marks(grids))
        then = _prices_of(baseline)
        value, unpriced = valued(lines, prices, then)
        futures, error = self._wallet()
        part = AccountPart(
            since_ms=baseline.at_ms,
            assets=lines,
            prices=prices,
            baseline_prices=then,
            value=value,
            unpriced=unpriced,
            settled=settled,
            futures=futures,
            futures_error=error,
        )
        return part, tuple(_at(grid, prices) for grid in grids)

    def _wallet(self) -> tuple[WalletPart | None, str]:
        """Return the futures wallet explained, None before a contract was traded, or with the reason why not."""
        if self._from.store.baseline(Market.FUTURES) is None and not self._has_contracts():
            return None, ""
        try:
            return self._read_wallet(), ""
        except VenueError as error:
            return None, str(error)

    def _read_wallet(self) -> WalletPart:
        baseline = self._begin(Market.FUTURES)
        balances, grids, settled = self._read(Market.FUTURES, baseline.at_ms)
        lines = self._lines(Market.FUTURES, baseline, balances, grids)
        prices, then = self._prices({line.asset for line in lines}, {}), _prices_of(baseline)
        value, unpriced = valued(lines, prices, then)
        beside = [grid for grid in grids if not _is_spot(grid) and grid.instrument.quote == VALUED_IN]
        open_profit, rounding, residual = beside_wallet([(grid.instrument, grid.books) for grid in beside])
        return WalletPart(
            since_ms=baseline.at_ms,
            assets=lines,
            prices=prices,
            baseline_prices=then,
            value=value,
            unpriced=unpriced,
            open_profit=open_profit,
            realized_rounding=rounding,
            realized_residual=residual,
            settled=settled,
        )

    def _lines(
        self, market: Market, baseline: Baseline, balances: dict[str, Decimal], grids: Sequence[GridSnapshot]
    ) -> tuple[AssetLine, ...]:
        of_it = [grid for grid in grids if grid.instrument.market is market]
        return asset_lines(
            baseline={holding.asset: holding.amount for holding in baseline.holdings},
            balances=balances,
            booked=added(*(booked_by(grid.instrument, grid.books) for grid in of_it)),
            ours=self._venue.ours(market),
            foreign=self._venue.foreign(market),
        )


def _prices_of(baseline: Baseline) -> dict[str, Decimal]:
    return {holding.asset: holding.price for holding in baseline.holdings if holding.price is not None}


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
    """Return the grid at the account's prices, where its quote is what that is valued in; a contract as it is."""
    base, quote = grid.instrument.base, grid.instrument.quote
    if quote != VALUED_IN or base not in prices or not _is_spot(grid):
        return grid
    books = remarked(grid.books, grid.instrument, grid.plan.entry_position, prices[base], prices)
    return replace(grid, books=books)


def _totals(grids: Sequence[GridSnapshot]) -> dict[str, Totals]:
    quotes = sorted({grid.instrument.quote for grid in grids})
    return {quote: totals_of([grid.books for grid in grids if grid.instrument.quote == quote]) for quote in quotes}
