"""From settings to a house: the object graph of one account in one mode."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal

from adapters.binance.connect import BinanceVenue
from adapters.data_folder import DataFolder
from adapters.price_recorder import FilePriceRecorder, RecordLimits
from adapters.storage import SqlStore, open_store
from bootstrap import VERSION
from bootstrap.exchange import Exchange
from bootstrap.house import House
from bootstrap.notices import standing_notices
from bootstrap.pairs import WatchedPairs, autopilot, pair_watch, preferred, switching
from bootstrap.patience import once_limits_reopen
from bootstrap.web import application
from config.settings import Settings
from domain.account import Account, Mode
from domain.errors import Conflict, Unreachable, VenueError
from domain.instrument import Market
from grid.account_watch import AccountWatch
from grid.bookkeeper import AccountBookkeeper
from grid.contracts import ContractDefaults
from grid.control import GridControl, HouseFacts, VenueWatch
from grid.house import GridDefaults, GridHouse
from grid.manager import GridManager
from grid.pair_watch import PairWatch
from grid.venue_lists import AccountSources
from grid.vitals import Vitals
from ports.control import PartState, SystemSnapshot
from ports.jobs import Jobs
from risk.gate import GateLimits, RiskGate
from utils.clock import SystemClock

log = logging.getLogger(__name__)

NO_PRODUCTION = (
    "Production is not offered yet: it starts once login and tokens protect the API; "
    "use --mode shadow or --mode testnet"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseBuilder:
    """Builds houses for one process.

    `switch` is what a house's callers ask for another mode; `process_parts` are judged with every house;
    `started_wall_ms` is when the process began.
    """

    settings: Settings
    folder: DataFolder
    jobs: Jobs
    switch: Callable[[str, bool, bool], SystemSnapshot]
    process_parts: Sequence[Callable[[], PartState]]
    started_wall_ms: int

    def build(self, mode: Mode) -> House:
        """Return a house whose grids do not run yet. Where a later part fails, what was opened is closed again.

        Raises:
            Conflict: if another process holds the account, or the mode is not offered.
            VenueError: if the exchange does not answer and no grid waits for it.
            StoreFailed: if the books cannot be opened.
        """
        if mode is Mode.PRODUCTION:
            raise Conflict(NO_PRODUCTION)
        clock = SystemClock()  # of its own: a replay carries its market time away from the wall's
        with ExitStack() as undo:
            exchange = Exchange(self.settings, mode, clock, self.folder.folder, undo)
            store = open_store(self.folder.url, exchange.account, clock, sidecar=self.folder.sidecar)
            undo.callback(store.close)
            try:
                once_limits_reopen(lambda: require_exchange(mode, exchange.venue, store), clock)
                house = self._furnish(mode, exchange, store, clock)
            except Unreachable as error:
                raise exchange.out_of_reach(error) from error
            undo.pop_all()
        return house

    def _furnish(self, mode: Mode, exchange: Exchange, store: SqlStore, clock: SystemClock) -> House:
        venue, gate = exchange.venue, RiskGate(gate_limits(self.settings))
        recorder = self._recorder(mode, exchange.account, clock)
        pairs = pair_watch(self.settings, venue, clock)
        manager = self._manager(store, venue, gate, clock, recorder, pairs)
        watch = VenueWatch(venue.market_data, clock, lambda: manager.markets_in_use)
        books = self._account_watch(store, manager, venue, clock)
        parts = [store.part, watch.part, venue.streams.part, pairs.part]
        if exchange.simulator is not None:
            parts.append(exchange.simulator.part)
            exchange.simulator.when_restarted = venue.streams.hurry
        control = GridControl(
            manager,
            venue.market_data,
            watch,
            clock,
            self._facts(exchange.account, venue),
            self.switch,
            Vitals(manager, [*parts, *self.process_parts]),
            books,
            venue,
        )
        asgi = application(self.settings, control, venue, self.jobs, gate.limits, clock, pairs)
        watch.start()
        books.start()
        moving = switching(self.settings, control, manager, store, venue, gate, clock)
        pairs.lead(autopilot(self.settings, control, venue, clock, moving), moving)
        if recorder is not None:
            recorder.start()
        return House(
            mode=mode,
            locks=exchange.locks,
            simulator=exchange.simulator,
            venue=venue,
            store=store,
            manager=manager,
            control=control,
            watch=watch,
            books=books,
            pairs=pairs,
            recorder=recorder,
            asgi=asgi,
        )

    def _recorder(self, mode: Mode, account: Account, clock: SystemClock) -> FilePriceRecorder | None:
        wanted = self.settings.backtest
        if not (mode is not Mode.PRODUCTION if wanted.record_prices is None else wanted.record_prices):
            return None
        limits = RecordLimits(bytes_per_day=wanted.record_megabytes_per_day * 1_000_000, days=wanted.record_days)
        return FilePriceRecorder(self.folder.folder, account.id, clock, limits)

    def _manager(
        self,
        store: SqlStore,
        venue: BinanceVenue,
        gate: RiskGate,
        clock: SystemClock,
        recorder: FilePriceRecorder | None,
        pairs: PairWatch,
    ) -> GridManager:
        settings = self.settings
        traded = settings.exchange.supported_markets
        trades_futures = Market.FUTURES in traded
        house = GridHouse(
            store=store,
            gateway=venue.gateway,
            streams=venue.streams,
            gate=gate,
            clock=clock,
            equity_every_ms=settings.trading.cycle_interval_seconds * 1000,
            max_price_age_s=float(settings.risk_management.gate.max_price_age_seconds),
            fee_prices=venue.fee_prices,
            funding=venue.funding,
            recorder=recorder,
            futures=venue.futures if trades_futures else None,
            conditional=venue.conditional if trades_futures else None,
            countdowns=venue.countdowns if trades_futures and not venue.carries_market_time else None,
        )
        defaults = GridDefaults(
            capital=settings.trading.capital_per_pair_usd,
            min_order_value=settings.grid.spot.min_order_size_usd,
            max_grids=settings.trading.max_concurrent_pairs,
            watched=WatchedPairs(
                {market: symbols for market, symbols in preferred(settings).items() if market in traded},
                venue,
                pairs.accepted,
            ),
            contracts=contract_defaults(settings),
        )
        return GridManager(house, venue.market_data, venue.account, defaults)

    def _account_watch(
        self, store: SqlStore, manager: GridManager, venue: BinanceVenue, clock: SystemClock
    ) -> AccountWatch:
        sources = AccountSources(
            store=store,
            shown=manager.shown,
            market_data=venue.market_data,
            reader=venue.account,
            trades=venue.account_trades,
            clock=clock,
            futures=venue.futures if Market.FUTURES in self.settings.exchange.supported_markets else None,
            forget=manager.forget,
        )
        return AccountWatch(
            bookkeeper=AccountBookkeeper(sources),
            reader=venue.account,
            store=store,
            fee_prices=venue.fee_prices,
            clock=clock,
            floor_fills=self.settings.trading.fee_asset_floor,
        )

    def _facts(self, account: Account, venue: BinanceVenue) -> HouseFacts:
        offered = (mode for mode in self.settings.available_modes() if mode is not Mode.PRODUCTION)
        return HouseFacts(
            account=account,
            available_modes=tuple(mode.value for mode in offered),
            notices=standing_notices(self.settings, venue.market_data.market_source()),
            version=VERSION,
            started_wall_ms=self.started_wall_ms,
        )


def require_exchange(mode: Mode, venue: BinanceVenue, store: SqlStore) -> None:
    """Let a start without the exchange pass only where grids wait for it.

    Raises:
        VenueError: if it does not answer and no grid runs in these books.
    """
    try:
        venue.market_data.directory.listing(Market.SPOT)
    except VenueError as error:
        waiting = sum(row.ended_ms is None for row in store.grids())
        if mode is Mode.SHADOW or not waiting:
            raise
        log.warning("the exchange does not answer (%s); %d grid(s) wait for it, nothing is placed", error, waiting)


def gate_limits(settings: Settings) -> GateLimits:
    """Return the gate's limits in its own units."""
    gate = settings.risk_management.gate
    return GateLimits(
        max_order_notional=gate.max_order_notional_usd,
        max_exposure=gate.max_exposure_usd,
        max_orders_per_10s=gate.max_orders_per_10s,
        max_price_distance=gate.max_price_distance_perc / Decimal(100),
        max_price_age_s=float(gate.max_price_age_seconds),
        max_leverage=settings.risk_management.futures_risk.max_leverage,
    )


def contract_defaults(settings: Settings) -> ContractDefaults:
    """Return what futures grids get and may not exceed, in fractions."""
    risk = settings.risk_management.futures_risk
    return ContractDefaults(
        leverage=settings.grid.futures_leverage,
        margin_type=settings.grid.futures.margin_type,
        largest_share=risk.max_position_size_perc / Decimal(100),
        liquidation_buffer=risk.liquidation_buffer_perc / Decimal(100),
        asks_hedge_mode=settings.grid.futures.position_side != "BOTH",
        countdown=settings.grid.futures.countdown,
    )
