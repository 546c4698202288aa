"""Builds the object graph and runs it: the only file that names adapters."""

import contextlib
import logging
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from adapters.binance.connect import BinanceVenue, connect
from adapters.binance.rhythm import SilenceBounds
from adapters.data_folder import DataFolder, FolderFacts
from adapters.heartbeat import Heartbeat
from adapters.locks import HeldLocks, lock_account, lock_data_folder, runtime_folders
from adapters.simulator_process import SHADOW_KEY, SHADOW_SECRET, SimulatorAddresses, SimulatorProcess
from adapters.storage import SqlStore, open_store
from adapters.storage.backup_keeper import BackupKeeper
from config.catalogue import not_built_yet_in_use
from config.loading import load_settings_of_process
from config.mistakes import ConfigError
from config.settings import Settings
from domain.account import Account, Mode
from domain.errors import Conflict, FieldMistake, InvalidRequest, NotFound, TradingError, Unreachable, VenueError
from domain.grids import GridRequest, OnStop
from domain.instrument import Instrument, Market
from grid.account_watch import AccountWatch
from grid.audit import BooksAudit, GridAudit, audit
from grid.bookkeeper import AccountBookkeeper, AccountSources
from grid.control import GridControl, HouseFacts, VenueWatch
from grid.manager import GridDefaults, GridManager
from grid.vitals import Vitals
from grid.worker_host import GridHouse
from orders.client_ids import PREFIX
from ports.control import PartState, SystemSnapshot
from ports.store import StoreFailed
from risk.gate import GateLimits, RiskGate
from routes.application import create_app
from routes.asgi import AddressInUse, BufferedBody, Stop, bind, build_asgi, serve
from routes.services import Services
from utils.clock import SystemClock
from utils.logs import set_up_logging

__all__ = [
    "REFUSALS",
    "BooksAudit",
    "DataFolder",
    "FolderFacts",
    "GridAudit",
    "audit_books",
    "data_folder_of",
    "run",
]

log = logging.getLogger(__name__)

VERSION = "0.1.0"
REFUSALS = (TradingError, StoreFailed, AddressInUse)
"""What may keep a command from being done; each is one sentence for a person."""
SOURCE_ROOT = Path(__file__).parent
STATIC = SOURCE_ROOT.parent / "static"
# Wall-clock limits of the venue mean nothing where market time runs faster than the wall's.
UNLIMITED = ("--orders-10s", "1000000", "--orders-day", "1000000000", "--request-weight-limit", "100000000")
GATE_ONLY = (
    "Of the risk limits only risk_management.gate is enforced yet; drawdown, loss protection and allocation are not."
)
UNREACHABLE_REMEDIES = {
    Mode.SHADOW: "start that simulator, or leave out --exchange-url to have one started",
    Mode.TESTNET: "check the network connection, or use --mode shadow",
}
# What a first grid's request calls otherwise than the file does.
KEYS_OF_FIRST_GRID = {
    "capital": "trading.capital_per_pair_usd",
    "initial_levels": "grid.initial_levels",
    "spacing_perc": "grid.initial_spacing_perc",
    "symbol": "pair_selection.spot_pairs.preferred_symbols",
}
NOTICES = {
    "synthetic": "Shadow mode on a synthetic market: prices come from a seeded model, not from Binance.",
    "replay": "Shadow mode on a replay: prices are recorded ones.",
    "live": "",
    "testnet": "Testnet: orders go to Binance's test environment.",
}


@dataclass(slots=True, kw_only=True)
class House:
    """Everything that belongs to one account in one mode."""

    mode: Mode
    locks: HeldLocks
    simulator: SimulatorProcess | None
    venue: BinanceVenue
    store: SqlStore
    manager: GridManager
    control: GridControl
    watch: VenueWatch
    books: AccountWatch
    asgi: BufferedBody

    def close(self, *, cancel_orders: bool) -> None:
        """End threads first, then what they use, the exchange last."""
        self.manager.close(cancel_orders=cancel_orders)
        self.watch.stop()
        self.books.stop()
        self.venue.close()
        self.store.close()
        if self.simulator is not None:
            self.simulator.stop()
        self.locks.release()


class Runtime:
    """One process: a listening socket, a data folder, and the house that currently stands."""

    def __init__(self, settings: Settings, *, first_grid: bool) -> None:
        self._settings = settings
        self._first_grid = first_grid and settings.starts_first_grid
        self._clock = SystemClock()
        self._started_wall_ms = self._clock.wall_ms()
        self._switching = Lock()
        self._failed: TradingError | None = None
        self._house: House | None = None
        self._folder = data_folder(settings)
        self._heartbeat = Heartbeat(settings.server.data_dir, self._parts, self._clock, self._try_the_store)
        self._backups = self._backup_keeper()

    def run(self) -> int:
        """Serve until told to stop; return the exit code.

        Raises:
            TradingError, AddressInUse, StoreFailed: in one sentence, if it cannot start.
        """
        server = self._settings.server
        with bind(server.host, server.port) as listener, lock_data_folder(server.data_dir):
            self._house = self._build(self._settings.operation_mode)
            try:
                self._house.manager.resume_all()
                if self._backups:
                    self._backups.start()
                self._heartbeat.start()
                port = listener.getsockname()[1]
                serve(self, listener, on_ready=lambda stop: self._ready(f"http://{server.host}:{port}", stop))
            finally:
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, signal.SIG_IGN)  # a second one must not leave the house half closed
                self._end_watch()
                self._house.close(cancel_orders=self._settings.trading.on_shutdown == "cancel")
        if self._failed is not None:
            raise self._failed
        return 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request by the app of the house that stands now."""
        house = self._house
        assert house is not None  # noqa: S101 - set before the server starts
        await house.asgi(scope, receive, send)

    # --- watched from outside ---

    def _parts(self) -> tuple[PartState, ...]:
        return self._house.control.parts() if self._house else ()

    def _try_the_store(self) -> None:
        if self._house and self._house.store.failure:
            with contextlib.suppress(StoreFailed):
                self._house.store.probe()

    def _backup_keeper(self) -> BackupKeeper | None:
        wanted, books = self._settings.database.backup, self._folder.books_file
        if books is None or not wanted.enabled:
            return None
        return BackupKeeper(books, self._folder.backups, wanted.every_hours, self._clock)

    def _end_watch(self) -> None:
        self._folder.note_end()
        self._heartbeat.stop()
        if self._backups:
            self._backups.stop()

    # --- after the server answers ---

    def _ready(self, address: str, stop: Stop) -> None:
        self._folder.note_server(address)
        print(f"Gridhive answers on {address} ({self._settings.operation_mode})", flush=True)  # noqa: T201
        Thread(target=self._begin_trading, args=(stop,), name="first-grid", daemon=True).start()

    def _begin_trading(self, stop: Stop) -> None:
        house = self._house
        assert house is not None  # noqa: S101 - set before the server starts
        try:
            if self._first_grid and not house.manager.has_grids:
                house.control.start_grid(self._first_request(house))
        except InvalidRequest as error:
            named = [FieldMistake(KEYS_OF_FIRST_GRID.get(it.field, it.field), it.message) for it in error.mistakes]
            self._failed = InvalidRequest(named)
        except TradingError as error:
            self._failed = error
        if self._failed is not None:
            stop()
            return
        if house.venue.in_lockstep:
            # The market of a replay waits until a grid is there to meet it.
            manager = house.manager
            driver = house.venue.lockstep(lambda: manager.is_idle, paused=lambda: not manager.running)
            house.venue.io.spawn(driver.run())

    def _first_request(self, house: House) -> GridRequest:
        symbol = self._settings.pair_selection.spot_pairs.preferred_symbols[0]
        return GridRequest(
            instrument=house.venue.market_data.instrument(symbol, Market.SPOT),
            levels=self._settings.grid.initial_levels,
            spacing_percent=self._settings.grid.initial_spacing_perc * 100,
        )

    # --- building ---

    def _build(self, mode: Mode) -> House:
        if mode is Mode.PRODUCTION:
            raise Conflict(
                "Production is not offered yet: it starts once login and tokens protect the API; "
                "use --mode shadow or --mode testnet"
            )
        settings = self._settings
        key, secret = self._credentials(mode)
        account = Account.of_key("binance", mode, key)
        place = settings.simulator.exchange_url or str(settings.server.data_dir.resolve())
        with ExitStack() as undo:  # what was opened is closed again where a later part fails
            locks = lock_account(f"{account.id}:{place}" if mode is Mode.SHADOW else account.id, runtime_folders())
            undo.callback(locks.release)
            addresses, simulator = self._exchange(mode)
            if simulator is not None:
                undo.callback(simulator.stop)
            try:
                venue = self._venue(mode, key, secret, addresses)
                undo.callback(venue.close)
                store = open_store(self._folder.url, account, self._clock, sidecar=self._folder.sidecar)
                undo.callback(store.close)
                self._require_exchange(mode, venue, store)
                house = self._furnish(mode, account, locks, simulator, venue, store)
            except Unreachable as error:
                where = addresses.spot_url if addresses else f"Binance's {mode}"
                raise Unreachable(f"{where} does not answer ({error}); {UNREACHABLE_REMEDIES[mode]}") from error
            undo.pop_all()
        return house

    def _require_exchange(self, mode: Mode, venue: BinanceVenue, store: SqlStore) -> None:
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

    def _venue(self, mode: Mode, key: str, secret: str, addresses: SimulatorAddresses | None) -> BinanceVenue:
        return connect(
            mode=mode,
            api_key=key,
            api_secret=secret,
            clock=self._clock,
            client_id_prefix=f"{PREFIX}-",
            spot_url=addresses.spot_url if addresses else None,
            futures_url=addresses.futures_url if addresses else None,
            silence=SilenceBounds(
                float(self._settings.streams.silence_min_seconds), float(self._settings.streams.silence_max_seconds)
            ),
            rules_file=None if mode is Mode.SHADOW else self._folder.folder / f"rules-{mode.lower()}.json",
        )

    def _credentials(self, mode: Mode) -> tuple[str, str]:
        if mode is Mode.SHADOW:
            return SHADOW_KEY, SHADOW_SECRET
        key, secret = self._settings.credentials(mode)
        return key.get_secret_value(), secret.get_secret_value()

    def _exchange(self, mode: Mode) -> tuple[SimulatorAddresses | None, SimulatorProcess | None]:
        simulator = self._settings.simulator
        if mode is not Mode.SHADOW:
            return None, None
        if simulator.exchange_url:
            return SimulatorAddresses(simulator.exchange_url, simulator.exchange_futures_url), None
        process = SimulatorProcess(
            (self._settings.server.data_dir / "simulator").resolve(),
            simulator_arguments(self._settings),
            SOURCE_ROOT,
            self._settings.logging.log_file.with_name("simulator.log").resolve(),
        )
        return process.start(), process

    def _furnish(
        self,
        mode: Mode,
        account: Account,
        locks: HeldLocks,
        simulator: SimulatorProcess | None,
        venue: BinanceVenue,
        store: SqlStore,
    ) -> House:
        settings = self._settings
        gate = RiskGate(gate_limits(settings))
        house = GridHouse(
            store=store,
            gateway=venue.gateway,
            streams=venue.streams,
            gate=gate,
            clock=self._clock,
            equity_every_ms=settings.trading.cycle_interval_seconds * 1000,
            max_price_age_s=float(settings.risk_management.gate.max_price_age_seconds),
            fee_prices=venue.fee_prices,
        )
        defaults = GridDefaults(
            capital=settings.trading.capital_per_pair_usd,
            min_order_value=settings.grid.spot.min_order_size_usd,
            max_grids=settings.trading.max_concurrent_pairs,
            watched=PreferredPairs(settings.pair_selection.spot_pairs.preferred_symbols, venue),
        )
        manager = GridManager(house, venue.market_data, venue.account, defaults)
        watch = VenueWatch(venue.market_data, self._clock)
        asked = [store.part, watch.part, venue.streams.part, *([simulator.part] if simulator else [])]
        vitals = Vitals(manager, [*asked, *([self._backups.part] if self._backups else [])])
        books = self._account_watch(store, manager, venue)
        control = GridControl(
            manager,
            venue.market_data,
            watch,
            self._clock,
            self._facts(account, venue),
            self._switch,
            vitals,
            books,
            venue,
        )
        watch.start()
        books.start()
        return House(
            mode=mode,
            locks=locks,
            simulator=simulator,
            venue=venue,
            store=store,
            manager=manager,
            control=control,
            watch=watch,
            books=books,
            asgi=self._application(control, venue, gate.limits),
        )

    def _account_watch(self, store: SqlStore, manager: GridManager, venue: BinanceVenue) -> AccountWatch:
        sources = AccountSources(
            store=store,
            shown=manager.shown,
            market_data=venue.market_data,
            reader=venue.account,
            trades=venue.account_trades,
            clock=self._clock,
        )
        return AccountWatch(
            bookkeeper=AccountBookkeeper(sources),
            reader=venue.account,
            store=store,
            fee_prices=venue.fee_prices,
            clock=self._clock,
            floor_fills=self._settings.trading.fee_asset_floor,
        )

    def _facts(self, account: Account, venue: BinanceVenue) -> HouseFacts:
        notice = NOTICES[venue.market_data.market_source()]
        return HouseFacts(
            account=account,
            available_modes=tuple(
                mode.value for mode in self._settings.available_modes() if mode is not Mode.PRODUCTION
            ),
            notices=tuple(filter(None, [notice, GATE_ONLY, *unbuilt(self._settings)])),
            version=VERSION,
            started_wall_ms=self._started_wall_ms,
        )

    def _application(self, control: GridControl, venue: BinanceVenue, limits: GateLimits) -> BufferedBody:
        settings = self._settings
        services = Services(
            commands=control,
            snapshots=control,
            market_data=venue.market_data,
            account_reader=venue.account,
            wall_ms=self._clock.wall_ms,
            version=VERSION,
            default_market=settings.default_market_type,
            supported_markets=settings.exchange.supported_markets,
            language=settings.server.language,
            min_order_value=settings.grid.spot.min_order_size_usd,
            max_order_notional=limits.max_order_notional,
            max_price_distance=limits.max_price_distance,
            futures_leverage=settings.grid.futures_leverage,
        )
        server = settings.server
        app = create_app(
            services,
            allowed_hosts=[server.host, *server.allowed_hosts],
            allowed_origins=server.allowed_origins,
            static_folder=STATIC,
        )
        return build_asgi(app, threads=settings.server.view_threads)

    # --- another mode ---

    def _switch(self, word: str, force: bool, confirm: bool) -> SystemSnapshot:
        try:
            mode = Mode.parse(word)
        except ValueError as error:
            raise InvalidRequest([FieldMistake("mode", str(error))]) from None
        if mode not in self._settings.available_modes():
            raise InvalidRequest([FieldMistake("mode", f"{mode} needs API keys; add them to .env and start again")])
        if mode is Mode.PRODUCTION and not confirm:
            raise InvalidRequest([FieldMistake("confirm", "Production trades real money; send confirm: true")])
        with self._switching:
            old = self._house
            assert old is not None  # noqa: S101 - requests come only while a house stands
            if mode is old.mode:
                return old.control.system()
            self._end_grids(old, force=force)
            self._house = self._build(mode)
            self._house.manager.resume_all()
            old.close(cancel_orders=False)
            return self._house.control.system()

    def _end_grids(self, house: House, *, force: bool) -> None:
        running = house.manager.running
        if running and not force:
            raise Conflict(f"{len(running)} grid(s) run in {house.mode}; stop them first or send force: true")
        for runner in running:
            house.manager.stop(runner.row.instrument, OnStop.CANCEL)


def data_folder(settings: Settings) -> DataFolder:
    url = settings.database.url
    return DataFolder(settings.server.data_dir, url.get_secret_value() if url else None)


def data_folder_of(options: Sequence[str], program: str) -> DataFolder:
    """Return the data folder that options, environment and configuration file name.

    Raises:
        ConfigError: holding every mistake.
    """
    # Shadow, whatever the file says: who looks after the folder needs neither keys nor a confirmation.
    return data_folder(load_settings_of_process(program, [*options, "--mode", Mode.SHADOW]))


def audit_books(folder: DataFolder) -> BooksAudit:
    """Read all books of a data folder, with or without a server at work on them, and rebuild every grid's.

    Raises:
        StoreFailed: if there are none, or they are of another version.
    """
    with contextlib.closing(folder.reader()) as reader:
        return audit(reader)


def unbuilt(settings: Settings) -> list[str]:
    """Return one sentence naming the keys that are set but whose part does not exist yet; none where none is."""
    keys = not_built_yet_in_use(settings)
    return [f"these settings have no effect yet: {', '.join(keys)}"] if keys else []


def gate_limits(settings: Settings) -> GateLimits:
    """Return the gate's limits in its own units."""
    gate = settings.risk_management.gate
    return GateLimits(
        max_order_notional=gate.max_order_notional_usd,
        max_exposure=gate.max_exposure_usd,
        max_orders_per_10s=gate.max_orders_per_10s,
        max_price_distance=gate.max_price_distance_perc / Decimal(100),
        max_price_age_s=float(gate.max_price_age_seconds),
    )


class PreferredPairs:
    """The preferred spot instruments that this market lists; none until it can be read."""

    def __init__(self, symbols: Sequence[str], venue: BinanceVenue) -> None:
        self._symbols, self._venue = tuple(symbols), venue
        self._found: tuple[Instrument, ...] | None = None

    def __call__(self) -> tuple[Instrument, ...]:
        if self._found is None:
            found = []
            for symbol in self._symbols:
                try:
                    found.append(self._venue.market_data.instrument(symbol, Market.SPOT))
                except NotFound:
                    log.info("%s is preferred but not listed on this market", symbol)
                except VenueError:
                    return ()
            self._found = tuple(found)
        return self._found


def simulator_arguments(settings: Settings) -> list[str]:
    """Return the options `python -m simulator` is started with, paths absolute."""
    wanted = settings.simulator
    market = "replay" if wanted.market == "auto" and wanted.replay else wanted.market
    arguments = ["--market", market, "--seed", str(wanted.seed), "--speed", str(wanted.speed)]
    arguments += ["--api-key", SHADOW_KEY, "--api-secret", SHADOW_SECRET]
    arguments += ["--balance", *[f"{asset}={amount:f}" for asset, amount in wanted.balance.items()]]
    if market == "replay":
        arguments += ["--data", *[_absolute(name) for name in wanted.replay]]
    else:
        arguments += ["--symbols", ",".join(wanted.symbols)]
    for flag, value in (("--from", wanted.from_ms), ("--to", wanted.to_ms), ("--at", wanted.at)):
        if value is not None:
            arguments += [flag, str(value)]
    return arguments if str(wanted.speed) == "1" else [*arguments, *UNLIMITED]


def _absolute(named: str) -> str:
    symbol, mark, path = named.rpartition("=")
    return f"{symbol}{mark}{Path(path).resolve()}"


def run(program: str, *, first_grid: bool) -> int:
    """Load settings, set up the log, serve; return the exit code. Mistakes are told in plain sentences."""
    try:
        settings = load_settings_of_process(program)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    signal.signal(signal.SIGTERM, _end)  # until the server listens for it
    try:
        return _run(settings, first_grid=first_grid)
    except (TradingError, AddressInUse, StoreFailed) as error:
        print(f"{program}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 130


def _run(settings: Settings, *, first_grid: bool) -> int:
    written = settings.logging
    with ExitStack() as stack:
        try:
            settings.server.data_dir.mkdir(parents=True, exist_ok=True)
            logs = stack.enter_context(
                set_up_logging(
                    written.level,
                    written.log_file,
                    console=written.log_to_console,
                    json_lines=written.format == "json",
                    secrets=settings.secrets(),
                )
            )
        except OSError as error:
            place = f"{settings.server.data_dir} or {written.log_file} cannot be written ({error.strerror or error})"
            raise Conflict(f"{place}; name a folder of your own with --data-dir") from error
        logs.watch_crashes()
        for notice in unbuilt(settings):
            log.warning("%s", notice)
        return Runtime(settings, first_grid=first_grid).run()


def _end(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
