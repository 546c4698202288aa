"""What fee assets are worth, from candles of one minute: asked by grid threads, answered from the I/O thread."""

import asyncio
import logging
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final, NamedTuple

from adapters.binance.directory import Directory
from adapters.binance.io_thread import IoThread
from adapters.binance.parsing import parse_candle
from adapters.binance.request_limits import Cost
from adapters.binance.transport import Call, Transport
from domain.errors import VenueError
from domain.events import FeeEvent, FeeNotPriced, FeePriced
from domain.instrument import Instrument, Market
from domain.money import exact
from ports.gateway import FeeAnswer

LOG: Final = logging.getLogger(__name__)

BRIDGE: Final = "USDT"
MINUTE_MS: Final = 60_000
OLDEST_MS: Final = 3_600_000
"""A market without a trade for an hour tells no price."""
_REMEMBERED: Final = 10_000
_SHARED_S: Final = 10.0
"""All grids ask what an asset is worth now, each once a minute and all of them after a start."""
# A price that has to be turned over cannot be exact; it is rounded once, here, and is a fact from then on.
_TURNED: Final = Context(prec=16, rounding=ROUND_HALF_EVEN)


class _Leg(NamedTuple):
    """One market on the way from the fee asset to the quote; `turned` where its price has to be turned over."""

    symbol: str
    turned: bool


class BinanceFeePrices:
    """Implements ports.gateway.FeePrices.

    The price of a moment is the open of the minute it lies in, which no later trade changes; where nothing traded in
    that minute, the close of the last candle before. Without a direct market the way leads over USDT.
    """

    def __init__(self, io: IoThread, transport: Transport, directory: Directory) -> None:
        self._io, self._transport, self._directory = io, transport, directory
        self._known: dict[tuple[str, int], Decimal] = {}
        self._readings: dict[tuple[str, int], asyncio.Task[Decimal]] = {}

    def ask(self, instrument: Instrument, asset: str, at_ms: int, trade_id: int | None, answer: FeeAnswer) -> None:
        if not self._io.spawn(self._tell(instrument, asset, at_ms, trade_id, answer)):
            answer(FeeNotPriced(trade_id, asset, "the connection to the venue is closed"))

    async def _tell(
        self, instrument: Instrument, asset: str, at_ms: int, trade_id: int | None, answer: FeeAnswer
    ) -> None:
        """Give exactly one answer, whatever becomes of the work."""
        event: FeeEvent = FeeNotPriced(trade_id, asset, "the question was broken off")
        try:
            price = await self._price(asset, instrument.quote, at_ms)
            event = FeePriced(instrument, trade_id, asset, price, at_ms)
        except (VenueError, ArithmeticError, ValueError, LookupError) as e:
            LOG.warning("the price of %s in %s could not be had: %s", asset, instrument.quote, e)
            event = FeeNotPriced(trade_id, asset, str(e))
        finally:
            answer(event)

    async def _price(self, asset: str, quote: str, at_ms: int) -> Decimal:
        """Return quote per unit of `asset`.

        Raises:
            VenueError: if no market tells it, or none answers.
        """
        problem = VenueError(f"no market leads from {asset} to {quote}")
        for way in self._ways(asset, quote):
            try:
                return _multiplied([await self._leg_price(leg, at_ms) for leg in way])
            except VenueError as e:
                problem = e
        raise problem

    def _ways(self, asset: str, quote: str) -> list[list[_Leg]]:
        direct = self._leg(asset, quote)
        over = [self._leg(asset, BRIDGE), self._leg(BRIDGE, quote)]
        found = [leg for leg in over if leg is not None]
        ways = [] if direct is None else [[direct]]
        return [*ways, found] if len(found) == len(over) else ways

    def _leg(self, asset: str, quote: str) -> _Leg | None:
        listed = self._directory.last_read(Market.SPOT)
        if asset + quote in listed:
            return _Leg(asset + quote, False)
        return _Leg(quote + asset, True) if quote + asset in listed else None

    async def _leg_price(self, leg: _Leg, at_ms: int) -> Decimal:
        minute_ms = at_ms - at_ms % MINUTE_MS
        key = (leg.symbol, minute_ms)
        price = self._known.get(key)
        if price is None:
            price = await asyncio.shield(self._reading(leg.symbol, minute_ms, key))
        return _TURNED.divide(Decimal(1), price) if leg.turned else price

    def _reading(self, symbol: str, minute_ms: int, key: tuple[str, int]) -> "asyncio.Task[Decimal]":
        """Return the reading of a candle: the one under way, or made a moment ago, or a new one."""
        reading = self._readings.get(key)
        if reading is None:
            reading = self._readings[key] = asyncio.create_task(self._read(symbol, minute_ms, key))
            asyncio.get_running_loop().call_later(_SHARED_S, self._readings.pop, key, None)
        return reading

    async def _read(self, symbol: str, minute_ms: int, key: tuple[str, int]) -> Decimal:
        params = {"symbol": symbol, "interval": "1m", "endTime": minute_ms, "limit": 1}
        call = Call(market=Market.SPOT, method="GET", path="/api/v3/klines", cost=Cost(2), params=params)
        rows = await self._transport.send(call)
        if not rows:
            raise VenueError(f"{symbol} has no candle before {minute_ms}")
        candle = parse_candle(rows[-1])
        if candle.open_ms < minute_ms - OLDEST_MS:
            raise VenueError(f"{symbol} did not trade in the hour before {minute_ms}")
        if candle.open_ms == minute_ms:
            self._remember(key, candle.open)
            return candle.open
        return candle.close

    def _remember(self, key: tuple[str, int], price: Decimal) -> None:
        self._known[key] = price
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]


@exact
def _multiplied(prices: Sequence[Decimal]) -> Decimal:
    product = Decimal(1)
    for price in prices:
        if price <= 0:
            raise VenueError(f"the venue told a price of {price}")
        product *= price
    return product
