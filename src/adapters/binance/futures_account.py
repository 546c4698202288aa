"""Contracts and the account's standing in them: a blocking face for threads that may wait, over the I/O thread."""

from collections.abc import Mapping
from typing import Any, Final

from adapters.binance.directory import Directory
from adapters.binance.funding import PAGE, payments
from adapters.binance.futures_parsing import (
    parse_brackets,
    parse_funding_rate,
    parse_mark_price,
    parse_position,
    parse_settings,
)
from adapters.binance.io_thread import IoThread
from adapters.binance.parsing import VENUE, symbol_of
from adapters.binance.request_limits import Cost
from adapters.binance.transport import Call, Transport
from adapters.binance.weights import Urgency
from domain.errors import Conflict, FieldMistake, InvalidRequest, NotFound, VenueError
from domain.futures import (
    Bracket,
    ContractSettings,
    FundingPayment,
    FundingRate,
    MarginType,
    MarkPrice,
    Position,
)
from domain.instrument import Instrument, Market
from utils.binance_signing import Params

DEADLINE_S: Final = 20.0
_NO_CHANGE: Final = frozenset({-4046, -4059})
_WRONG_LEVERAGE: Final = frozenset({-4028})
_IN_THE_WAY: Final[Mapping[int, str]] = {
    -4047: "cancel the contract's open orders first",
    -4048: "close the contract's position first",
    -4067: "cancel all open orders of the futures account first",
    -4068: "close all positions of the futures account first",
    -4161: "close the isolated position first, or leave its leverage",
    -2027: "reduce the position first: it is too large for this leverage",
    -2028: "add margin first: there is too little for this leverage",
    -4168: "switch the futures account's multi-assets mode off first",
}
_MARGIN_WORDS: Final = {MarginType.ISOLATED: "ISOLATED", MarginType.CROSS: "CROSSED"}


class BinanceFuturesAccount:
    """Implements ports.futures.Futures."""

    def __init__(
        self, io: IoThread, transport: Transport, directory: Directory, *, deadline_s: float = DEADLINE_S
    ) -> None:
        self._io, self._transport, self._directory, self._deadline_s = io, transport, directory, deadline_s

    def mark_price(self, instrument: Instrument) -> MarkPrice:
        row = self._read("/fapi/v1/premiumIndex", {"symbol": symbol_of(instrument)}, 1, signed=False)
        return parse_mark_price(instrument, row)

    def funding_rates(self, instrument: Instrument, limit: int) -> tuple[FundingRate, ...]:
        """Return the newest settlements, oldest first; at most a thousand."""
        params = {"symbol": symbol_of(instrument), "limit": min(limit, PAGE)}
        rows = self._read("/fapi/v1/fundingRate", params, 0, signed=False)
        return tuple(parse_funding_rate(instrument, row) for row in rows)

    def hedge_mode(self) -> bool:
        answer = self._read("/fapi/v1/positionSide/dual", {}, 30)
        return bool(answer["dualSidePosition"])

    def set_hedge_mode(self, on: bool) -> bool:
        """Hold long and short positions apart, or as one; return whether that is a change.

        Raises:
            Conflict: while any order or position of the account stands in the way.
        """
        return self._change("/fapi/v1/positionSide/dual", {"dualSidePosition": on}) is not None

    def settings(self, instrument: Instrument) -> ContractSettings:
        rows = self._read("/fapi/v1/symbolConfig", {"symbol": symbol_of(instrument)}, 5)
        if not rows:
            raise VenueError(f"the venue tells no settings of {instrument}")
        return parse_settings(instrument, rows[0])

    def set_margin_type(self, instrument: Instrument, margin_type: MarginType) -> bool:
        """Choose what positions in the contract may lose; return whether that is a change.

        Raises:
            Conflict: while an order or a position of the contract stands in the way.
        """
        params = {"symbol": symbol_of(instrument), "marginType": _MARGIN_WORDS[margin_type]}
        return self._change("/fapi/v1/marginType", params) is not None

    def set_leverage(self, instrument: Instrument, leverage: int) -> ContractSettings:
        """Set the leverage and return what then applies.

        Raises:
            InvalidRequest: for a leverage that the contract does not have.
            Conflict: while the position does not allow it.
        """
        self._change("/fapi/v1/leverage", {"symbol": symbol_of(instrument), "leverage": leverage})
        return self.settings(instrument)

    def positions(self, instrument: Instrument | None = None) -> tuple[Position, ...]:
        """Return what is held, of one contract or of all; nothing for contracts that are flat."""
        params = {} if instrument is None else {"symbol": symbol_of(instrument)}
        held = []
        for row in self._read("/fapi/v3/positionRisk", params, 5):
            position = parse_position(instrument or self._named(row), row)
            if position.quantity:
                held.append(position)
        return tuple(held)

    def open_orders(self, instrument: Instrument) -> int:
        """Return how many orders rest on the contract, whoever placed them; conditional ones are listed apart."""
        params = {"symbol": symbol_of(instrument)}
        return sum(len(self._read(path, params, 1)) for path in ("/fapi/v1/openOrders", "/fapi/v1/openAlgoOrders"))

    def brackets(self, instrument: Instrument) -> tuple[Bracket, ...]:
        answer = self._read("/fapi/v1/leverageBracket", {"symbol": symbol_of(instrument)}, 1)
        return parse_brackets(answer if isinstance(answer, dict) else answer[0])

    def funding_payments(self, instrument: Instrument, since_ms: int) -> tuple[FundingPayment, ...]:
        """Return what funding brought and cost since that market time, oldest first; the venue keeps three months."""
        return self._io.run(payments(self._transport, instrument, since_ms), self._deadline_s)

    def _named(self, row: Mapping[str, Any]) -> Instrument:
        """Return the row's contract; one that we do not trade, such as a quarterly, goes by the venue's own name."""
        try:
            return self._directory.instrument(row["symbol"], Market.FUTURES)
        except NotFound:
            return Instrument(VENUE, Market.FUTURES, row["symbol"], row["marginAsset"])

    def _change(self, path: str, params: Params) -> Any | None:
        """Send a change; return None where it is none.

        The urgency of decisions: an order may wait for it. Sent again, it changes nothing, so a lost answer is no harm.
        """
        call = Call(
            market=Market.FUTURES,
            method="POST",
            path=path,
            cost=Cost(1),
            params=params,
            signed=True,
            reading=Urgency.RECONCILE,
        )
        try:
            return self._io.run(self._transport.send(call), self._deadline_s)
        except VenueError as e:
            if e.code in _NO_CHANGE:
                return None
            if e.code in _WRONG_LEVERAGE:
                raise InvalidRequest([FieldMistake("leverage", f"the contract does not have it: {e}")]) from e
            if e.code in _IN_THE_WAY:
                raise Conflict(f"{e}; {_IN_THE_WAY[e.code]}") from e
            raise

    def _read(self, path: str, params: Params, weight: int, *, signed: bool = True) -> Any:
        call = Call(market=Market.FUTURES, method="GET", path=path, cost=Cost(weight), params=params, signed=signed)
        return self._io.run(self._transport.send(call), self._deadline_s)
