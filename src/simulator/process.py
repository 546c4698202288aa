"""The simulator process: object graph, run loop, orderly end."""

import asyncio
import hashlib
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Final, cast

from simulator.clocks import MarketClock
from simulator.core.errors import ExchangeError
from simulator.faults.control import FaultControl
from simulator.faults.course import Course
from simulator.faults.plan import PlanError
from simulator.market.candles import CandleBook
from simulator.market.feed import ORIGIN, Feed, LiveFeed, MarketError, MarketPast
from simulator.market.intervals import DAY_MS
from simulator.markets import open_contracts, open_market
from simulator.options import Options
from simulator.player import Player, Progress
from simulator.ports import Ports
from simulator.state import StateError, StateStore, new_instance
from simulator.subjects import SUBJECTS
from simulator.turns import Turns
from simulator.um.market.feed import ContractFeed
from simulator.um.side import FuturesSide, futures_balance
from simulator.um.wire.acts import FuturesActs
from simulator.um.wire.private_operations import TRANSFERS
from simulator.venues import Venues, lay_out_books, merged_steps
from simulator.wire import errors
from simulator.wire.acts import Acts
from simulator.wire.admin import Admin
from simulator.wire.dispatch import Dispatcher, KeyHolder
from simulator.wire.frames import SpotDialect
from simulator.wire.gateway import Port
from simulator.wire.numbers import MONEY_UNIT
from simulator.wire.operations import OPERATIONS
from simulator.wire.publisher import Publisher
from simulator.wire.routes import routes_of
from simulator.wire.user_streams import UserStreams
from simulator.wire.venue import Clocks, Venue

_LOG: Final = logging.getLogger("simulator")
_TICK_S: Final = 0.05
_CHECKPOINT_S: Final = 1.0
_GOODBYE_S: Final = 0.2
_SPOT: Final = ("/api/", "/sapi/", "/dapi/")


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


def account_id_of(api_key: str) -> str:
    """Return the id of a key's account: a digest, so that keys appear in no file."""
    return hashlib.sha256(api_key.encode()).hexdigest()[:16]


async def run(options: Options) -> int:
    """Run the simulator until SIGTERM or SIGINT; return the exit status."""
    simulator: Simulator | None = None
    try:
        store = StateStore.open(options.state) if options.state is not None else None
        saved = store.market if store else None
        market = await open_market(options, saved)
        simulator = Simulator(options, market, open_contracts(options, market, saved), store)
        await simulator.open()
    except (MarketError, StateError, PlanError, OSError) as exc:
        _LOG.error("%s", exc)
        if simulator is not None:
            await simulator.close()
        return 1
    _on_signals(simulator.stop)
    sys.stdout.write(json.dumps(simulator.ready_line()) + "\n")
    sys.stdout.flush()
    return await simulator.serve()


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


class Simulator:
    """A spot and a futures venue with their feed and their two ports."""

    def __init__(self, options: Options, market: MarketPast, contracts: ContractFeed, store: StateStore | None) -> None:
        self._options, self._market, self._store = options, market, store
        self._instance = store.instance if store is not None else new_instance()
        self._position = store.resumed(market.source) if store is not None else None
        begins_ms = market.start_ms if self._position is None else max(market.start_ms, self._position.time_ms)
        self.clock = MarketClock(wall_ms, begins_ms, options.speed)
        saved = store.exchange_dump(market.specs.values()) if store is not None else None
        self._base_ms = max(market.start_ms, begins_ms - begins_ms % DAY_MS)
        candles = CandleBook.of_feed(market, end_ms=self._base_ms)
        clocks = Clocks(wall_ms, self.clock.now_ms)
        self.venue = Venue(market, candles, clocks, options.limits, saved)
        self._users = UserStreams(self.venue.faults, wall_ms)
        cadence_ms = self.clock.now_ms if options.is_lock_step else wall_ms
        self._publisher = Publisher(self.venue, SpotDialect(self.venue), cadence_ms)
        self._contracts = contracts
        saved_futures = store.futures_dump(contracts.specs) if store is not None else None
        self.futures = FuturesSide(
            contracts, self.venue, options.futures_limits, cadence_ms, saved=saved_futures, base_ms=self._base_ms
        )
        if store is not None:
            self.futures.venue.listen_keys.load(store.listen_keys)
        self.venues = Venues(self.venue, self.futures.venue)
        outlets = (self._users, self._publisher), (self.futures.users, self.futures.publisher)
        self._turns = Turns(self.venues, store, *outlets, self._fail, is_resumed=saved_futures is not None)
        self._keys = {key: KeyHolder(secret, account_id_of(key)) for key, secret in options.keys}
        self._dispatcher = Dispatcher(self.venue, self._keys, self._turns.settle, lenient=options.lenient)
        self._futures_dispatcher = self.futures.dispatcher(self._keys, self._turns.settle, lenient=options.lenient)
        self._ports = Ports(options.host, self._users, self.venue.faults, wall_ms)
        self._player = Player(self.venues, self.clock, self._turns, lambda: self._ports.backlog)
        self._faults = self._fault_control()
        self._stopping = asyncio.Event()
        self._status = 0

    async def open(self) -> None:
        """Open accounts and ports.

        Raises:
            OSError: a port cannot be had.
            StateError, MarketError: the saved state does not fit.
            PlanError: the plan of faults does not fit the market.
        """
        self._options.faults.require_symbols(self.venue.tapes)
        self._open_accounts()
        if self._market.source != "live":
            lay_out_books(self.venue)
            self._turns.finish()
            steps = partial(merged_steps, cast("Feed", self._market), self._contracts)
            self._player.load(steps, self._position, self._base_ms)
        self.futures.lay_out_books()
        self._turns.finish()
        self._anchor()
        admin = Admin(self.venue, self.venues, self, self._faults, self._turns.settle, self._account_of)
        await self._listen(admin)
        for notice in (*self._market.notices, *self._contracts.notices):
            _LOG.info("%s", notice)
        self._faults.course.open(wall_ms())
        self._turns.finish()

    async def serve(self) -> int:
        """Play the market and serve until stopped; return the exit status."""
        tasks = [asyncio.create_task(self._play()), asyncio.create_task(self._keep_time())]
        for task in tasks:
            task.add_done_callback(self._watch)
        await self._stopping.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.close()
        return self._status

    def stop(self) -> None:
        """Ask for an orderly end; safe to call again."""
        self._stopping.set()

    async def close(self) -> None:
        """Say goodbye, close the ports and write the state a last time."""
        await self._ports.close(_GOODBYE_S)
        if self._market.source == "live":
            await cast("LiveFeed", self._market).close()
        if self._store is not None:
            if self._status == 0 and self._ports.were_opened:
                self._turns.finish()
                self._turns.checkpoint(clean=True)
            self._store.close()

    def ready_line(self) -> dict[str, object]:
        spot, futures = self._ports.addresses
        return {
            "ready": True,
            "spot_url": f"http://{spot}",
            "spot_ws_url": f"ws://{spot}",
            "spot_ws_api_url": f"ws://{spot}/ws-api/v3",
            "futures_url": f"http://{futures}",
            "futures_ws_url": f"ws://{futures}",
            "market_source": self._market.source,
            "market_ms": self.clock.now_ms(),
            "speed": self._shown_speed(),
            "symbols": list(self.venue.symbols),
            "contracts": list(self.futures.venue.symbols),
            "pid": os.getpid(),
            "instance": self._instance,
            "faults": self._faults.course.armed,
        }

    def state(self) -> dict[str, object]:
        """Return what GET /admin/state answers."""
        return {
            "instance": self._instance,
            "market_source": self._market.source,
            "notices": [notice for notice in self._market.notices if not notice.startswith(ORIGIN)],
            "symbols": list(self.venue.symbols),
            "contracts": list(self.futures.venue.symbols),
            "speed": self._shown_speed(),
            "market_ms": self.clock.now_ms(),
            "server_ms": wall_ms(),
            "finished": self._player.finished,
            "user_events": self._users.sent + self.futures.users.sent,
            "market_events": self._publisher.sent + self.futures.publisher.sent,
            "request_weight": dict(self._dispatcher.charged + self._futures_dispatcher.charged),
            "faults": self._faults.course.armed,
        }

    async def step(self, points: int, *, until_account: bool) -> Progress:
        """Advance a lock-step market.

        Raises:
            ApiError: the market runs by itself.
        """
        if not self._options.is_lock_step:
            raise errors.ApiError(-1020, "This operation is not supported. The market runs by itself; use --speed max.")
        progress = await self._player.step(points, until_account=until_account)
        if progress.finished:
            self._publisher.tick()
            self.futures.publisher.tick()
        return progress

    def _shown_speed(self) -> float | str:
        return "max" if self._options.speed is None else self._options.speed

    def _account_of(self, api_key: str | None) -> str:
        return self._dispatcher.holder(api_key).account_id

    def _open_accounts(self) -> None:
        exchange = self.venue.exchange
        known = set(exchange.account_ids)
        balances = dict(self._options.balances)
        for holder in self._keys.values():
            if holder.account_id not in known:
                exchange.open_account(holder.account_id, balances, pays_in_bnb=self._options.pays_in_bnb)
        self.futures.open_accounts(
            [holder.account_id for holder in self._keys.values()],
            futures_balance(self._options.futures_balances, MONEY_UNIT),
        )
        self._turns.adopt()

    def _anchor(self) -> None:
        """Let a fresh market that means now be now; what lies between is played at once."""
        now_ms = wall_ms()
        fresh_replay = self._options.at_now and self._position is None
        means_now = self._options.speed == 1.0 and (self._market.source != "replay" or fresh_replay)
        if means_now and self._market.start_ms <= now_ms:
            self.clock.anchor(now_ms, now_ms)
        else:
            self.clock.anchor(self.clock.now_ms(), now_ms)

    def _fault_control(self) -> FaultControl:
        accounts = [holder.account_id for holder in self._keys.values()]
        contracts = FuturesActs(self.futures.venue)
        acts = Acts(self.venue, self._users, accounts, self._ports.gateways, contracts, self.futures.users.expire)
        refusals = (errors.ApiError, ExchangeError, ValueError)
        course = Course(self.venue.faults, self._options.faults, acts, refusals)
        return FaultControl(self.venue.faults, course, SUBJECTS, wall_ms, self._turns.finish, self._lift_bans)

    def _lift_bans(self) -> None:
        for dispatcher in (self._dispatcher, self._futures_dispatcher):
            dispatcher.limiter.lift_bans()

    async def _listen(self, admin: Admin) -> None:
        options, spot, futures = self._options, self._dispatcher, self._futures_dispatcher
        routes = routes_of((spot, OPERATIONS), (futures, TRANSFERS))
        spot_port = Port(_SPOT, routes, {"": self._publisher}, has_socket_api=True, admin=admin.handlers())
        await self._ports.listen(spot_port, spot, options.sockets, name="spot", number=options.port)
        port, number = self.futures.port(spot, futures), options.futures_port
        await self._ports.listen(port, futures, options.futures_sockets, name="futures", number=number)

    async def _play(self) -> None:
        if self._market.source == "live":
            await self._player.run_live(cast("LiveFeed", self._market))
        elif not self._options.is_lock_step:
            await self._player.run()

    async def _keep_time(self) -> None:
        """Send what periodic streams owe and note the market's progress, on wall time."""
        checked_s = time.monotonic()
        while True:
            await asyncio.sleep(_TICK_S)
            if not self._options.is_lock_step:
                self.futures.pass_time(self.clock.now_ms())
                self._publisher.tick()
                self.futures.publisher.tick()
            self.futures.users.tick()
            self._faults.tick()
            if time.monotonic() - checked_s >= _CHECKPOINT_S:
                checked_s = time.monotonic()
                self._turns.checkpoint()

    def _watch(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._fail(failure)

    def _fail(self, exc: BaseException) -> None:
        """Stop rather than go on with a state that is not on disk, or a market that has broken."""
        if isinstance(exc, StateError):
            _LOG.critical("the simulator stops: %s", exc)
        else:
            _LOG.critical("the simulator stops: %s: %s", type(exc).__name__, exc, exc_info=exc)
        self._status = 1
        self.stop()
