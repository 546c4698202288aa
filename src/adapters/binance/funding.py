"""What funding brought to the account: asked by grid threads, answered from the I/O thread (protocol section 1.8)."""

from typing import Any, Final

from adapters.binance.answered_calls import AnsweredCalls
from adapters.binance.futures_parsing import parse_funding_payment, parse_funding_rate, parse_mark_price
from adapters.binance.io_thread import IoThread
from adapters.binance.parsing import symbol_of
from adapters.binance.request_limits import Cost
from adapters.binance.transport import Call, Transport
from domain.errors import VenueError
from domain.events import FundingEvent, FundingNotRead, FundingRead
from domain.futures import FundingPayment, FundingRate
from domain.instrument import Instrument, Market
from ports.gateway import FundingAnswer
from utils.binance_signing import Params

PAGE: Final = 1_000
INCOME_WEIGHT: Final = 30


class BinanceFunding:
    """Implements ports.gateway.FundingReader.

    The record of payments, which is dear, is read only where the contract was settled since the moment asked for.
    """

    def __init__(self, io: IoThread, transport: Transport) -> None:
        self._transport = transport
        self._calls: AnsweredCalls[FundingEvent] = AnsweredCalls(io)

    @property
    def in_flight(self) -> int:
        """Return how many calls have not been answered yet."""
        return self._calls.in_flight

    def read(self, instrument: Instrument, since_ms: int, answer: FundingAnswer) -> None:
        self._calls.begin(
            self._read(instrument, since_ms),
            answer,
            never=FundingNotRead("the connection to the venue is closed"),
            broken=FundingNotRead,
        )

    async def _read(self, instrument: Instrument, since_ms: int) -> FundingEvent:
        try:
            params = {"symbol": symbol_of(instrument)}
            row = await get(self._transport, "/fapi/v1/premiumIndex", params, 1, signed=False)
            mark = parse_mark_price(instrument, row)
            settled = await settlements(self._transport, instrument, since_ms)
            paid = await payments(self._transport, instrument, since_ms) if settled else ()
        except VenueError as e:
            return FundingNotRead(str(e))
        return FundingRead(instrument, since_ms, mark.at_ms, mark.next_funding_ms, settled, paid)


async def settlements(transport: Transport, instrument: Instrument, since_ms: int) -> tuple[FundingRate, ...]:
    """Return what was settled on the contract since that market time, oldest first.

    Raises:
        VenueError: if the venue does not answer.
    """
    rates: dict[int, FundingRate] = {}
    while True:
        params = {"symbol": symbol_of(instrument), "startTime": since_ms, "limit": PAGE}
        rows = await get(transport, "/fapi/v1/fundingRate", params, 0, signed=False)
        told = [parse_funding_rate(instrument, row) for row in rows]
        rates.update({rate.at_ms: rate for rate in told})
        if len(rows) < PAGE:
            return tuple(rates[at_ms] for at_ms in sorted(rates))
        since_ms = max(rate.at_ms for rate in told) + 1


async def payments(transport: Transport, instrument: Instrument, since_ms: int) -> tuple[FundingPayment, ...]:
    """Return what funding brought and cost since that market time, oldest first; the venue keeps three months.

    Raises:
        VenueError: if the venue does not answer.
    """
    params = {"symbol": symbol_of(instrument), "incomeType": "FUNDING_FEE", "startTime": since_ms, "limit": PAGE}
    paid: dict[int, FundingPayment] = {}
    page = 1
    while True:
        rows = await get(transport, "/fapi/v1/income", {**params, "page": page}, INCOME_WEIGHT, signed=True)
        told = (parse_funding_payment(instrument, row) for row in rows)
        paid.update({payment.id: payment for payment in told})
        if len(rows) < PAGE:
            return tuple(sorted(paid.values(), key=lambda payment: (payment.at_ms, payment.id)))
        page += 1


async def get(transport: Transport, path: str, params: Params, weight: int, *, signed: bool) -> Any:
    call = Call(market=Market.FUTURES, method="GET", path=path, cost=Cost(weight), params=params, signed=signed)
    return await transport.send(call)
