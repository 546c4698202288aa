"""Reading Binance: a blocking face for threads that may wait, over the I/O thread."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

import orjson

from adapters.binance.directory import Directory
from adapters.binance.io_thread import IoThread
from adapters.binance.open_orders import WEIGHT_OF_ALL
from adapters.binance.parsing import (
    instrument_of,
    parse_candle,
    parse_commission,
    parse_futures_balances,
    parse_spot_balances,
    parse_ticker,
    symbol_of,
)
from adapters.binance.request_limits import Cost
from adapters.binance.rules_notes import RulesNotes
from adapters.binance.transport import Call, Transport
from adapters.binance.weights import Urgency
from domain.errors import FieldMistake, InvalidRequest, KeyRefused, NotFound, Unreachable, VenueError
from domain.events import Balance, Candle, Ticker
from domain.instrument import FeeRates, Instrument, InstrumentRules, Market
from domain.money import parse_amount
from ports.clock import Clock
from ports.market_data import Connection, OpenOrderId
from utils.async_client import AsyncAPIClient
from utils.binance_signing import Params

T = TypeVar("T")

DEADLINE_S: Final = 20.0
_COMMON_INTERVALS: Final = (
    *("1m", "3m", "5m", "15m", "30m"),
    *("1h", "2h", "4h", "6h", "8h", "12h"),
    *("1d", "3d", "1w", "1M"),
)
INTERVALS: Final[Mapping[Market, tuple[str, ...]]] = {
    Market.SPOT: ("1s", *_COMMON_INTERVALS),
    Market.FUTURES: _COMMON_INTERVALS,
}
_PREFIX: Final[Mapping[Market, str]] = {Market.SPOT: "/api/v3", Market.FUTURES: "/fapi/v1"}
_CANDLES_PER_PAGE: Final = 1000
_TICKERS_PER_CALL: Final = 100


class BinanceMarketData:
    """Implements ports.market_data.MarketData."""

    def __init__(
        self,
        io: IoThread,
        transport: Transport,
        clock: Clock,
        market_source: Callable[[], str],
        *,
        deadline_s: float = DEADLINE_S,
        notes: RulesNotes | None = None,
    ) -> None:
        self._io, self._transport, self._clock, self._deadline_s = io, transport, clock, deadline_s
        self._market_source = market_source
        self.directory = Directory(io, transport, clock, deadline_s, notes=notes)

    def instrument(self, symbol: str, market: Market) -> Instrument:
        return self.directory.instrument(symbol, market)

    def symbol(self, instrument: Instrument) -> str:
        return symbol_of(instrument)

    def rules(self, instrument: Instrument) -> InstrumentRules:
        return self.directory.rules(instrument)

    def instruments(self, market: Market, quote: str | None = None) -> tuple[Instrument, ...]:
        """Return what is listed, by symbol; with `quote` only pairs in that asset."""
        rows = self.directory.listing(market).rows
        wanted = None if quote is None else quote.upper()
        return tuple(
            instrument_of(market, rows[symbol])
            for symbol in sorted(rows)
            if wanted is None or rows[symbol]["quoteAsset"] == wanted
        )

    def tickers(self, instruments: Sequence[Instrument]) -> tuple[Ticker, ...]:
        """Return 24 h tickers in the order asked for.

        Raises:
            NotFound: if the venue does not know one of them.
            VenueError: if it does not answer.
        """
        return self._run(self._tickers(instruments))

    def candles(
        self, instrument: Instrument, interval: str, limit: int, end_ms: int | None = None
    ) -> tuple[Candle, ...]:
        """Return up to `limit` candles that open at or before `end_ms`, oldest first; the last may be open.

        Raises:
            InvalidRequest: for an interval the market does not have, or a limit below 1.
            VenueError: if the venue does not answer.
        """
        if interval not in INTERVALS[instrument.market]:
            known = ", ".join(INTERVALS[instrument.market])
            raise InvalidRequest([FieldMistake("interval", f"must be one of {known}, was {interval!r}")])
        if limit < 1:
            raise InvalidRequest([FieldMistake("limit", f"must be at least 1, was {limit}")])
        return self._run(self._candles(instrument, interval, limit, end_ms))

    def connection(self, market: Market) -> Connection:
        """Ask once how the market's endpoint answers; a failure is part of the answer, never raised."""
        try:
            limits = dict(_limit(row) for row in self.directory.listing(market).rate_limits)
            ping_ms, server_ms = self._run(self._ping(market))
        except VenueError as e:
            return Connection(False, None, None, {}, str(e))
        return Connection(True, ping_ms, server_ms, limits, None)

    def market_source(self) -> str:
        return self._market_source()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._io.run(work, self._deadline_s)

    async def _ping(self, market: Market) -> tuple[float, int]:
        started_s = self._clock.monotonic_s()
        await self._curious(market, "/ping")
        ping_ms = (self._clock.monotonic_s() - started_s) * 1000
        return ping_ms, int((await self._curious(market, "/time"))["serverTime"])

    async def _curious(self, market: Market, path: str) -> Any:
        call = Call(
            market=market,
            method="GET",
            path=_PREFIX[market] + path,
            cost=Cost(1),
            reading=Urgency.CURIOSITY,
            alone=True,  # it is timed
        )
        return await self._transport.send(call)

    async def _candles(
        self, instrument: Instrument, interval: str, limit: int, end_ms: int | None
    ) -> tuple[Candle, ...]:
        pages: list[list[Candle]] = []
        missing, until_ms = limit, end_ms
        while missing > 0:
            size = min(missing, _CANDLES_PER_PAGE)
            rows = await self._get(
                instrument.market,
                "/klines",
                {"symbol": symbol_of(instrument), "interval": interval, "endTime": until_ms, "limit": size},
                Cost(2 if instrument.market is Market.SPOT else 5),
            )
            page = [parse_candle(row) for row in rows]
            pages.append(page)
            missing -= len(page)
            if len(page) < size:
                break
            until_ms = page[0].open_ms - 1
        return tuple(candle for page in reversed(pages) for candle in page)

    async def _tickers(self, instruments: Sequence[Instrument]) -> tuple[Ticker, ...]:
        spot = [instrument for instrument in instruments if instrument.market is Market.SPOT]
        futures = [instrument for instrument in instruments if instrument.market is Market.FUTURES]
        found = {**await self._spot_tickers(spot), **await self._futures_tickers(futures)}
        missing = [str(instrument) for instrument in instruments if instrument not in found]
        if missing:
            raise NotFound(f"the venue has no ticker for {', '.join(missing)}")
        return tuple(found[instrument] for instrument in instruments)

    async def _spot_tickers(self, instruments: Sequence[Instrument]) -> dict[Instrument, Ticker]:
        found = {}
        for start in range(0, len(instruments), _TICKERS_PER_CALL):
            asked = {symbol_of(instrument): instrument for instrument in instruments[start:][:_TICKERS_PER_CALL]}
            rows = await self._get(
                Market.SPOT,
                "/ticker/24hr",
                {"symbols": orjson.dumps(list(asked)).decode()},
                Cost(2 if len(asked) <= 20 else 40),
            )
            found.update({asked[row["symbol"]]: parse_ticker(asked[row["symbol"]], row) for row in rows})
        return found

    async def _futures_tickers(self, instruments: Sequence[Instrument]) -> dict[Instrument, Ticker]:
        """Futures take one symbol a call, and their 24 h rows lack bid and ask."""
        if not instruments:
            return {}
        by_symbol = {symbol_of(instrument): instrument for instrument in instruments}
        client = AsyncAPIClient("", market=Market.FUTURES, fetch=self._fetcher(Market.FUTURES, Cost(1)))
        rows = await client.batch_fetch_tickers(list(by_symbol))
        for error in rows.failed.values():
            raise error
        return {
            by_symbol[symbol]: parse_ticker(by_symbol[symbol], row, await self._book(symbol))
            for symbol, row in rows.found.items()
        }

    async def _book(self, symbol: str) -> Any:
        return await self._get(Market.FUTURES, "/ticker/bookTicker", {"symbol": symbol}, Cost(2))

    def _fetcher(self, market: Market, cost: Cost) -> Callable[[str, Params], Awaitable[Any]]:
        def fetch(path: str, params: Params) -> Awaitable[Any]:
            return self._transport.send(Call(market=market, method="GET", path=path, cost=cost, params=params))

        return fetch

    async def _get(self, market: Market, path: str, params: Params, cost: Cost) -> Any:
        return await self._transport.send(
            Call(market=market, method="GET", path=_PREFIX[market] + path, cost=cost, params=params)
        )


class BinanceAccountReader:
    """Implements ports.market_data.AccountReader."""

    def __init__(self, io: IoThread, transport: Transport, *, deadline_s: float = DEADLINE_S) -> None:
        self._io, self._transport, self._deadline_s = io, transport, deadline_s

    def balances(self, market: Market) -> tuple[Balance, ...]:
        """Return what the account holds on that market, assets with nothing left out.

        Raises:
            VenueError: if the market is not offered or does not answer.
        """
        if market is Market.FUTURES:
            rows = self._read(market, "/fapi/v3/balance", {}, Cost(5))
            return tuple(balance for balance in parse_futures_balances(rows) if balance.total)
        account = self._read(market, "/api/v3/account", {"omitZeroBalances": True}, Cost(20))
        return tuple(balance for balance in parse_spot_balances(account["balances"]) if balance.total)

    def open_order_ids(self) -> tuple[OpenOrderId, ...]:
        """Return what rests on all symbols of the spot market, whoever placed it; a listing of weight 80.

        Raises:
            VenueError: if the venue does not answer.
        """
        rows = self._read(Market.SPOT, "/api/v3/openOrders", {}, Cost(WEIGHT_OF_ALL))
        return tuple(OpenOrderId(row["symbol"], row["clientOrderId"]) for row in rows)

    def fee_rates(self, instrument: Instrument) -> FeeRates:
        """Return the account's commission rates on the instrument, without the discount for paying in BNB.

        Raises:
            VenueError: if the venue does not answer.
        """
        if instrument.market is Market.FUTURES:
            row = self._read(Market.FUTURES, "/fapi/v1/commissionRate", {"symbol": symbol_of(instrument)}, Cost(20))
            return FeeRates(parse_amount(row["makerCommissionRate"]), parse_amount(row["takerCommissionRate"]))
        try:
            row = self._read(Market.SPOT, "/api/v3/account/commission", {"symbol": symbol_of(instrument)}, Cost(20))
        except (Unreachable, KeyRefused):
            raise
        except VenueError:  # not every venue of this protocol has it; the account's general rates then
            rates = self._read(Market.SPOT, "/api/v3/account", {}, Cost(20))["commissionRates"]
            return FeeRates(parse_amount(rates["maker"]), parse_amount(rates["taker"]))
        return parse_commission(row)

    def _read(self, market: Market, path: str, params: Params, cost: Cost) -> Any:
        call = Call(market=market, method="GET", path=path, cost=cost, params=params, signed=True)
        return self._io.run(self._transport.send(call), self._deadline_s)


def _limit(row: Mapping[str, Any]) -> tuple[str, int]:
    """Return a rate limit's name and number as the API tells it.

    The venue counts orders in windows of ten seconds; told per second, rounded down, it is the rate that always fits.
    """
    kind, unit = str(row["rateLimitType"]).lower(), str(row["interval"]).lower()
    windows, limit = int(row["intervalNum"]), int(row["limit"])
    if kind == "orders":
        return f"orders_per_{unit}", limit // windows
    return f"{kind}_per_{windows}_{unit}s" if windows > 1 else f"{kind}_per_{unit}", limit
