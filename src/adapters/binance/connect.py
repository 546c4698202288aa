"""Puts one venue together: addresses checked, I/O thread running, clock measured."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from adapters.binance.account_trades import BinanceAccountTrades
from adapters.binance.conditional_gateway import BinanceConditionalGateway
from adapters.binance.countdowns import CountdownKeeper
from adapters.binance.fee_prices import BinanceFeePrices
from adapters.binance.funding import BinanceFunding
from adapters.binance.futures_account import BinanceFuturesAccount
from adapters.binance.gateway import BinanceGateway
from adapters.binance.hosts import Addresses, HostGuard, addresses_of
from adapters.binance.io_thread import IoThread
from adapters.binance.lockstep import DEADLINE_S, LockstepDriver, read_market_state
from adapters.binance.market_data import BinanceAccountReader, BinanceMarketData
from adapters.binance.pair_data import BinancePairData
from adapters.binance.request_limits import Cost
from adapters.binance.rhythm import USUAL_BOUNDS, SilenceBounds
from adapters.binance.rules_notes import RulesNotes
from adapters.binance.streams import BinanceStreams
from adapters.binance.trades import TradeReader
from adapters.binance.transfers import BinanceTransfers
from adapters.binance.transport import URGENCY, Transport
from adapters.binance.weights import Turn, Urgency
from domain.account import Mode
from domain.errors import SlowDown, VenueError
from domain.instrument import Market
from ports.clock import Clock
from ports.connectivity import RequestBudget, StreamAge
from utils.api_client import APIClient, ClientAddresses, Tell
from utils.binance_errors import Purpose
from utils.closed_hosts import ClosedHosts, user_folders

LOG: Final = logging.getLogger(__name__)

START_DEADLINE_S: Final = 15.0
MEASURE_EVERY_S: Final = 180.0
_MEASURE_AGAIN_S: Final = 5.0
_NOTICES_EVERY_S: Final = 5.0


class MarketClock(Clock, Protocol):
    """A clock whose market time can be carried by a replay's events."""

    def set_market_ms(self, market_ms: int) -> None: ...


class BinanceVenue:
    """One venue in one mode with one key: everything bootstrap hands to the rest of the house."""

    def __init__(
        self,
        *,
        mode: Mode,
        addresses: Addresses,
        api_key: str,
        api_secret: str,
        clock: MarketClock,
        client_id_prefix: str,
        sleep: Callable[[float], Awaitable[None]],
        silence: SilenceBounds,
        witnesses: bool,
        rules_file: Path | None,
        closures: Path | None,
    ) -> None:
        self._mode, self._addresses, self._clock, self._sleep = mode, addresses, clock, sleep
        self._key, self._secret = api_key, api_secret
        self._guard = HostGuard(mode, addresses)
        self._state: Mapping[str, Any] | None = None
        self.io = IoThread()
        bases = {Market.SPOT: addresses.spot_rest}
        if addresses.futures_rest is not None:
            bases[Market.FUTURES] = addresses.futures_rest
        self.transport = Transport(
            addresses=bases,
            guard=self._guard,
            api_key=api_key,
            api_secret=api_secret,
            clock=clock,
            sleep=sleep,
            closed_hosts=ClosedHosts((*user_folders(), closures), clock.wall_ms) if closures else None,
        )
        trades = TradeReader(self.transport, client_id_prefix)
        self.market_data = BinanceMarketData(
            self.io, self.transport, clock, self._market_source, notes=RulesNotes(rules_file) if rules_file else None
        )
        self.gateway = BinanceGateway(
            self.io,
            self.transport,
            trades,
            clock,
            sleep,
            doubt_rules=self.market_data.directory.doubt,
            account_was_read=lambda market: self.streams.account_was_read(market),  # noqa: PLW0108 - built below
            askers=lambda market: self.streams.watched_on(market),  # noqa: PLW0108
            unread=lambda market: self.streams.unread_on(market),  # noqa: PLW0108
        )
        self.conditional = BinanceConditionalGateway(self.io, self.transport, clock, client_id_prefix, sleep)
        self.streams = BinanceStreams(
            self.io,
            self.transport,
            clock,
            streams_url=addresses.spot_streams,
            ws_api_url=addresses.spot_ws_api,
            futures_url=addresses.futures_streams,
            prefix=client_id_prefix,
            directory=self.market_data.directory,
            sleep=sleep,
            silence=silence,
            has_witnesses=lambda: witnesses and self._keeps_wall_time,
            carry_market_ms=self._carry_market_ms if mode is Mode.SHADOW else None,
            conditional=self.conditional.told,
        )
        self.account = BinanceAccountReader(self.io, self.transport)
        self.account_trades = BinanceAccountTrades(self.io, trades)
        self.futures = BinanceFuturesAccount(self.io, self.transport, self.market_data.directory)
        self.pairs = BinancePairData(self.io, self.transport, self.market_data.directory)
        self.transfers = BinanceTransfers(
            self.io,
            self.transport,
            mode,
            offered=self._guard.offers_sapi and addresses.futures_rest is not None,
        )
        self.countdowns = CountdownKeeper(self.io, self.transport, clock, sleep)
        self.funding = BinanceFunding(self.io, self.transport)
        self._calls = (self.gateway, self.conditional, self.funding)
        self.fee_prices = BinanceFeePrices(self.io, self.transport, self.market_data.directory)

    def open(self) -> None:
        """Start the I/O thread, measure the clock and, in Shadow, ask the exchange what market it plays.

        Raises:
            VenueError: in Shadow, if the exchange does not answer; elsewhere an outage is left to pass.
        """
        self.io.start()
        self.io.run(self.transport.open(), START_DEADLINE_S)
        self.io.on_stop(self.transport.close)
        try:
            self.io.run(self.transport.measure_clock(Market.SPOT), START_DEADLINE_S)
            if self._mode is Mode.SHADOW:
                self._state = self.io.run(read_market_state(self.transport), START_DEADLINE_S)
        except VenueError as e:
            if self._mode is Mode.SHADOW:
                raise
            LOG.warning("the venue does not answer yet: %s", e)
        if self.carries_market_time:
            self._clock.set_market_ms(int((self._state or {})["market_ms"]))
        self.io.spawn(self._keep_time())
        if self._market_source() == "live" and self._state is not None:
            self.io.spawn(self._keep_notices())

    @property
    def carries_market_time(self) -> bool:
        """Tell whether market time is the recording's or runs at another speed, and so is carried by events."""
        return (self._state or {}).get("market_source") == "replay" or not self._keeps_wall_time

    @property
    def in_lockstep(self) -> bool:
        """Tell whether the exchange plays at full speed and waits for `lockstep` to step it."""
        return self._speed == "max"

    @property
    def _speed(self) -> str:
        return str((self._state or {}).get("speed", "1"))

    @property
    def _keeps_wall_time(self) -> bool:
        """Tell whether a second of the market is a second here, so that its streams come when they are said to."""
        return self._speed in ("1", "1.0")

    @property
    def exchange_instance(self) -> str:
        """Return the id by which our own exchange tells itself from others, whatever its address; empty elsewhere."""
        return str((self._state or {}).get("instance", ""))

    def stream_ages(self) -> tuple[StreamAge, ...]:
        return self.streams.ages()

    def request_budgets(self) -> tuple[RequestBudget, ...]:
        return tuple(self.transport.broker.budget(market) for market in Market if self.transport.offers(market))

    def notices(self) -> tuple[str, ...]:
        return tuple(str(notice) for notice in (self._state or {}).get("notices", ()))

    def lockstep(
        self,
        idle: Callable[[], bool],
        *,
        paused: Callable[[], bool] = lambda: False,
        points: int = 500,
        deadline_s: float = DEADLINE_S,
    ) -> LockstepDriver:
        """Return a driver of the replay; `idle` tells that the workers have nothing unread and nothing to send."""
        return LockstepDriver(
            self.transport,
            # In this order: a worker sends until nothing is unread, and only the loop that asks ends what is sent.
            idle=lambda: idle() and not any(calls.in_flight for calls in self._calls),
            user_events=lambda: self.streams.counts.user_events,
            carry_market_ms=self._clock.set_market_ms,
            points=points,
            deadline_s=deadline_s,
            paused=paused,
        )

    def api_client(self) -> APIClient:
        """Return a python-binance client on the same addresses, key and request limits; the caller closes it."""
        spot = self._addresses.spot_rest
        sapi = spot if self._guard.offers_sapi else None
        addresses = ClientAddresses(spot=spot, futures=self._addresses.futures_rest, sapi=sapi)
        return APIClient(self._key, self._secret, addresses, turns=self._blocking_turn)

    def close(self) -> None:
        """End streams and requests; what is in flight is answered as unknown."""
        self.io.stop()

    def _market_source(self) -> str:
        if self._mode is not Mode.SHADOW:
            return "live" if self._mode is Mode.PRODUCTION else "testnet"
        return str((self._state or {}).get("market_source", "synthetic"))

    def _carry_market_ms(self, market_ms: int) -> None:
        if self.carries_market_time:
            self._clock.set_market_ms(market_ms)

    async def _keep_time(self) -> None:
        while True:
            age_s = self.transport.times[Market.SPOT].age_s()
            await self._sleep(_MEASURE_AGAIN_S if age_s is None else MEASURE_EVERY_S)
            for market in Market:
                if not self.transport.offers(market):
                    continue
                try:
                    await self.transport.measure_clock(market)
                except VenueError as e:
                    LOG.warning("the clock of %s could not be measured: %s", market, e)

    async def _keep_notices(self) -> None:
        """Follow what our own exchange says of a market that it relays: bans come and go."""
        while True:
            await self._sleep(_NOTICES_EVERY_S)
            try:
                self._state = await read_market_state(self.transport)
            except VenueError as e:
                LOG.debug("our exchange does not say how its market fares: %s", e)

    @contextmanager
    def _blocking_turn(self, market: Market, purpose: Purpose) -> Iterator[Tell]:
        """Let a blocking client wait in the one broker, at the dearest ordinary weight."""
        urgency = URGENCY.get(purpose, Urgency.DATA)
        waiting = self.transport.broker.turn(market, Cost(20, int(purpose is Purpose.PLACE)), urgency)
        turn = self.io.run(waiting.__aenter__(), START_DEADLINE_S)
        replies: list[tuple[int, Mapping[str, str]]] = []
        slow_down: SlowDown | None = None
        try:
            yield lambda status, headers: replies.append((status, headers))
        except SlowDown as e:
            slow_down = e
            raise
        finally:
            self.io.run(_finish(waiting, turn, replies, slow_down), START_DEADLINE_S)


async def _finish(
    waiting: Any, turn: Turn, replies: list[tuple[int, Mapping[str, str]]], slow_down: SlowDown | None
) -> None:
    for status, headers in replies:
        turn.answered(status, headers, slow_down=slow_down)
    await waiting.__aexit__(None, None, None)


def connect(
    *,
    mode: Mode,
    api_key: str,
    api_secret: str,
    clock: MarketClock,
    client_id_prefix: str,
    spot_url: str | None = None,
    spot_ws_url: str | None = None,
    spot_ws_api_url: str | None = None,
    futures_url: str | None = None,
    futures_ws_url: str | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    silence: SilenceBounds = USUAL_BOUNDS,
    witnesses: bool = True,
    rules_file: Path | None = None,
    closures: Path | None = None,
) -> BinanceVenue:
    """Return an open venue; `close` it at the end.

    Args:
        mode: decides which addresses are allowed; Production and Testnet know their own.
        api_key: of an HMAC pair of that environment.
        api_secret: of the same pair.
        clock: market time is carried into it where the market is a replay.
        client_id_prefix: what every client id of ours begins with; other orders are left alone.
        spot_url: REST address, e.g. http://127.0.0.1:8090.
        spot_ws_url: market streams without a path, e.g. ws://127.0.0.1:8090.
        spot_ws_api_url: WebSocket API with its path, e.g. ws://127.0.0.1:8090/ws-api/v3.
        futures_url: REST address of USD-M futures; None in Shadow where it is not offered.
        futures_ws_url: streams of USD-M futures without a path, e.g. ws://127.0.0.1:8091.
        sleep: how the I/O loop waits.
        silence: after how long without a trade of a symbol REST is asked, at least and at most.
        witnesses: whether prices are watched by a second stream that speaks every second, where the market keeps wall
            time; without them silence is judged by the learned gaps alone.
        rules_file: where the rules in use are kept for a start while the venue is out of reach.
        closures: a folder in which the venue's bans outlive this process, beside the one all processes of this user
            share; None keeps them to this process.

    Raises:
        InvalidRequest: for addresses the mode does not allow, or lacks.
        VenueError: in Shadow, if the exchange does not answer.
    """
    addresses = addresses_of(mode, spot_url, spot_ws_url, spot_ws_api_url, futures_url, futures_ws_url)
    venue = BinanceVenue(
        mode=mode,
        addresses=addresses,
        api_key=api_key,
        api_secret=api_secret,
        clock=clock,
        client_id_prefix=client_id_prefix,
        sleep=sleep,
        silence=silence,
        witnesses=witnesses,
        rules_file=rules_file,
        closures=closures,
    )
    try:
        venue.open()
    except BaseException:
        venue.close()
        raise
    return venue
