"""The USD-M half of the process: its venue, what is told of it and who answers for it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from simulator.core.symbols import UNIT
from simulator.um.market.feed import ContractFeed
from simulator.um.wire.frames import FuturesDialect
from simulator.um.wire.groups import GroupStreams
from simulator.um.wire.operations import OPERATIONS as FUTURES_OPERATIONS
from simulator.um.wire.user_streams import FuturesUserStreams
from simulator.um.wire.venue import FuturesVenue
from simulator.wire.dispatch import Dispatcher, KeyHolder
from simulator.wire.gateway import Port
from simulator.wire.limits import Limits
from simulator.wire.operations import OPERATIONS
from simulator.wire.publisher import Publisher
from simulator.wire.routes import routes_of
from simulator.wire.stream_sessions import StreamSource
from simulator.wire.venue import Venue

PREFIXES: Final = ("/fapi/", "/sapi/", "/dapi/")


class FuturesSide:
    """One futures venue beside a spot venue."""

    def __init__(
        self,
        feed: ContractFeed,
        spot: Venue,
        limits: Limits,
        cadence_ms: Callable[[], int],
        *,
        saved: Mapping[str, Any] | None,
        base_ms: int,
    ) -> None:
        """Open the venue, or go on from `saved`; see `FuturesVenue`."""
        self.venue = FuturesVenue(feed, spot, limits, saved, base_ms)
        self.users = FuturesUserStreams(self.venue.listen_keys, self.venue.spec, spot.faults, spot.clocks.server_ms)
        self.publisher = Publisher(self.venue, FuturesDialect(self.venue), cadence_ms)

    def port(self, spot: Dispatcher, futures: Dispatcher) -> Port:
        """Return what the futures port serves: its own calls, and the wallet's."""
        return Port(PREFIXES, routes_of((spot, OPERATIONS), (futures, FUTURES_OPERATIONS)), self.streams)

    @property
    def streams(self) -> Mapping[str, StreamSource]:
        """Return what connections read by the first folder of their path; without a group, public streams."""
        public = GroupStreams(self.publisher, "public")
        return {"": public, "public": public, "market": GroupStreams(self.publisher, "market"), "private": self.users}

    def dispatcher(
        self, keys: Mapping[str, KeyHolder], settle: Callable[[], Awaitable[None]], *, lenient: bool
    ) -> Dispatcher:
        return Dispatcher(self.venue, keys, settle, lenient=lenient)

    def open_accounts(self, account_ids: Iterable[str], balance: int) -> None:
        """Open the futures accounts that are not there yet, each with a balance of USDT scaled by UNIT."""
        exchange = self.venue.exchange
        for account_id in account_ids:
            if account_id not in exchange.account_ids:
                exchange.open_account(account_id)
                if balance:
                    exchange.transfer(account_id, balance, self.venue.market_ms())

    def lay_out_books(self) -> None:
        """Play on what accounts hold, and put books around the last prices of contracts that have none yet."""
        venue = self.venue
        venue.wake_held()
        for symbol in venue.symbols:
            if venue.exchange.index_price(symbol):
                continue
            if symbol in venue.awake:
                venue.lay_out_book(symbol, venue.last_price(symbol))
            else:
                venue.exchange.set_mark(
                    symbol, venue.last_price(symbol), venue.pricing.index(symbol), venue.market_ms()
                )

    def pass_time(self, now_ms: int) -> None:
        """Let market time pass where no step carries it."""
        if self.venue.is_awake:
            self.venue.advance(now_ms)


def futures_balance(balances: Iterable[tuple[str, int]], unit: int) -> int:
    """Return the USDT of `balances`, scaled by `unit`, in the futures wallet's scale; other assets are none."""
    return sum(amount for asset, amount in balances if asset == "USDT") * UNIT // unit
