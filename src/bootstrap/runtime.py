"""One process: a listening socket, a data folder, and the house that currently stands."""

import contextlib
import logging
import signal
from dataclasses import replace
from threading import Thread
from typing import Any, Final

from adapters.heartbeat import Heartbeat
from adapters.locks import lock_data_folder
from adapters.storage.backup_keeper import BackupKeeper
from bootstrap.builder import HouseBuilder
from bootstrap.data_folder import data_folder
from bootstrap.house import House
from bootstrap.jobs import child_jobs
from bootstrap.standing import StandingHouse
from bootstrap.usual_grid import usual_grid
from config.settings import Settings
from domain.errors import FieldMistake, InvalidRequest, TradingError
from domain.grids import AskedBy, GridRequest
from domain.instrument import Market
from ports.control import PartState, SystemSnapshot
from ports.store import StoreFailed
from routes.asgi import LoopPulse, Stop, bind, serve
from utils.clock import SystemClock
from utils.exit_deadline import ExitDeadline

log = logging.getLogger(__name__)

# What a first grid's request calls otherwise than the file does.
_KEYS_OF_FIRST_GRID: Final = {
    "capital": "trading.capital_per_pair_usd",
    "initial_levels": "grid.initial_levels",
    "infinity": "grid.infinity",
    "lower_price": "grid.lower_price",
    "profit": "grid.profit",
    "quantity_growth_perc": "grid.quantity_growth_perc",
    "resting_levels": "grid.resting_levels",
    **{field: f"grid.{field}" for field in ("take_profit_perc", "stop_loss_perc", "on_take_profit", "on_stop_loss")},
    "spacing_perc": "grid.initial_spacing_perc",
    "trail_down_to": "grid.trail_down_to",
    "trail_up_to": "grid.trail_up_to",
    "symbol": "pair_selection.spot_pairs.preferred_symbols",
}


class Runtime:
    """Serves, watches over the data folder, and starts the first grid where one is wanted."""

    def __init__(self, settings: Settings, *, first_grid: bool) -> None:
        self._settings = settings
        self._first_grid = first_grid and settings.starts_first_grid
        self._failed: TradingError | None = None
        self._folder = data_folder(settings)
        clock = SystemClock()
        self._backups = self._backup_keeper(clock)
        self._jobs = child_jobs(self._folder.folder, clock)
        self._pulse = LoopPulse(clock.monotonic_s)
        builder = HouseBuilder(
            settings=settings,
            folder=self._folder,
            jobs=self._jobs,
            switch=self._switch,
            process_parts=[self._pulse.part, *([self._backups.part] if self._backups else [])],
            started_wall_ms=clock.wall_ms(),
        )
        self._standing = StandingHouse(builder.build, settings.available_modes())
        self._heartbeat = Heartbeat(settings.server.data_dir, self._parts, clock, self._try_the_store)

    def run(self) -> int:
        """Serve until told to stop; return the exit code.

        Raises:
            TradingError, AddressInUse, StoreFailed: in one sentence, if it cannot start.
        """
        server = self._settings.server
        with bind(server.host, server.port) as listener, lock_data_folder(server.data_dir):
            self._standing.open(self._settings.operation_mode)
            try:
                if self._backups:
                    self._backups.start()
                self._heartbeat.start()
                self._jobs.start()
                port = listener.getsockname()[1]
                serve(
                    self,
                    listener,
                    on_ready=lambda stop: self._ready(f"http://{server.host}:{port}", stop),
                    on_signal=ExitDeadline().start,
                    pulse=self._pulse,
                )
            finally:
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, signal.SIG_IGN)  # a second one must not leave the house half closed
                self._end_watch()
                self._standing.close(cancel_orders=self._settings.trading.on_shutdown == "cancel")
        if self._failed is not None:
            raise self._failed
        return 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request by the app of the house that stands now."""
        await self._standing.now.asgi(scope, receive, send)

    def _switch(self, word: str, force: bool, confirm: bool) -> SystemSnapshot:
        return self._standing.switch(word, force, confirm)

    # --- watched from outside ---

    def _parts(self) -> tuple[PartState, ...]:
        return self._standing.now.control.parts()

    def _try_the_store(self) -> None:
        store = self._standing.now.store
        if store.failure:
            with contextlib.suppress(StoreFailed):
                store.probe()

    def _backup_keeper(self, clock: SystemClock) -> BackupKeeper | None:
        wanted, books = self._settings.database.backup, self._folder.books_file
        if books is None or not wanted.enabled:
            return None
        return BackupKeeper(books, self._folder.backups, wanted.every_hours, clock)

    def _end_watch(self) -> None:
        self._folder.note_end()
        self._heartbeat.stop()
        self._jobs.close()
        if self._backups:
            self._backups.stop()

    # --- after the server answers ---

    def _ready(self, address: str, stop: Stop) -> None:
        self._folder.note_server(address)
        print(f"Gridhive answers on {address} ({self._settings.operation_mode})", flush=True)  # noqa: T201
        for notice in self._standing.now.control.system().notices:
            log.warning("%s", notice)
        Thread(target=self._begin_trading, args=(stop,), name="first-grid", daemon=True).start()

    def _begin_trading(self, stop: Stop) -> None:
        house = self._standing.now
        try:
            if self._first_grid and not house.manager.has_grids:
                house.control.start_grid(self._first_request(house))
        except InvalidRequest as error:
            named = [FieldMistake(_KEYS_OF_FIRST_GRID.get(it.field, it.field), it.message) for it in error.mistakes]
            self._failed = InvalidRequest(named)
        except TradingError as error:
            self._failed = error
        if self._failed is not None:
            stop()
            return
        house.play()  # only now, so that the market of a replay meets the grid

    def _first_request(self, house: House) -> GridRequest:
        symbol, grid = self._settings.pair_selection.spot_pairs.preferred_symbols[0], self._settings.grid
        usual = usual_grid(self._settings, house.venue.market_data.instrument(symbol, Market.SPOT), AskedBy.PERSON)
        usual = replace(usual, infinity=grid.infinity, lower=grid.lower_price)
        return replace(usual, trail_up_to=grid.trail_up_to, trail_down_to=grid.trail_down_to)
