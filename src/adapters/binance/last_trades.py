"""What REST knows of each symbol's last trade, to hold a silent stream against."""

from typing import Any, Final

import orjson

from adapters.binance.request_limits import Cost
from adapters.binance.sockets import Frame
from adapters.binance.transport import Call, Transport
from domain.errors import VenueError
from domain.instrument import Market

_BAD_SYMBOL: Final = -1121
_WEIGHT_OF_ALL_FUTURES: Final = 40
"""What all symbols cost on futures, where one costs 1 and no other choice can be asked for."""


class LastTrades:
    """Reads the 24 h rows of one market: last price, id and time. Lives on the I/O loop."""

    def __init__(self, transport: Transport, market: Market) -> None:
        self._transport, self._market = transport, market

    async def of(self, symbols: list[str]) -> dict[str, Frame]:
        """Return each symbol's row; one that is no longer listed is left out.

        Raises:
            VenueError: if the venue does not answer.
        """
        try:
            return await (self._of_spot(symbols) if self._market is Market.SPOT else self._of_futures(symbols))
        except VenueError as e:
            if e.code != _BAD_SYMBOL:
                raise
        rows: dict[str, Frame] = {}
        for symbol in symbols if len(symbols) > 1 else ():
            rows.update(await self.of([symbol]))
        return rows

    async def _of_spot(self, symbols: list[str]) -> dict[str, Frame]:
        weight = 2 if len(symbols) <= 20 else 40 if len(symbols) <= 100 else 80
        params: dict[str, object] = {"symbols": orjson.dumps(sorted(symbols)).decode(), "type": "MINI"}
        return {row["symbol"]: row for row in await self._ask("/api/v3/ticker/24hr", params, weight)}

    async def _of_futures(self, symbols: list[str]) -> dict[str, Frame]:
        path = "/fapi/v1/ticker/24hr"
        if len(symbols) > _WEIGHT_OF_ALL_FUTURES:
            rows = {row["symbol"]: row for row in await self._ask(path, {}, _WEIGHT_OF_ALL_FUTURES)}
            return {symbol: rows[symbol] for symbol in symbols if symbol in rows}
        return {symbol: await self._ask(path, {"symbol": symbol}, 1) for symbol in symbols}

    async def _ask(self, path: str, params: dict[str, object], weight: int) -> Any:
        call = Call(market=self._market, method="GET", path=path, cost=Cost(weight), params=params)
        return await self._transport.send(call)
