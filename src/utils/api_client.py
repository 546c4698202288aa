"""The client of python-binance, pointed at given addresses and made safe to hold.

python-binance keeps the last answer on itself, never measures the clock, signs text other than it sends, and calls
/sapi on the live host whatever the mode. Here one lock guards the client, the clock is measured, our own signature
goes out, decimals leave as fixed-point text, and only the addresses given are reached. It blocks: orders of grids go
through the asynchronous gateway, not through here.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock
from typing import Any, Final

import requests
from binance.client import Client
from binance.exceptions import BinanceAPIException, BinanceRequestException
from urllib3.exceptions import NewConnectionError

from domain.errors import (
    ClockSkewed,
    FieldMistake,
    InvalidRequest,
    OutcomeUnknown,
    Unreachable,
    VenueError,
)
from domain.instrument import Market
from utils.binance_errors import Purpose, translate_code
from utils.binance_signing import encode, signature, wire_text

REQUEST_TIMEOUT_S: Final = 10.0
RECV_WINDOW_MS: Final = 5_000
TRANSFERS: Final[Mapping[str, str]] = {"1": "MAIN_UMFUTURE", "2": "UMFUTURE_MAIN"}
"""The spec's transfer types: '1' spot to futures, '2' futures to spot."""

Json = Any
"""Binance's own JSON, decoded; decimals are texts."""
Tell = Callable[[int, Mapping[str, str]], None]
Turns = Callable[[Market, Purpose], AbstractContextManager[Tell]]
"""Entered around every request, so that it waits for its turn in the process's weight broker; what it yields is told
the status and headers of the reply, and a SlowDown passes through it."""
_NOWHERE: Final = "http://address.invalid"


@dataclass(frozen=True, slots=True)
class ClientAddresses:
    """Scheme, host and port of REST endpoints, e.g. `http://127.0.0.1:8090`; None where not offered.

    `sapi` stays None outside Production and our simulator: nothing else serves it, and the library's own default
    is the live host.
    """

    spot: str
    futures: str | None = None
    sapi: str | None = None


class _Addressed(Client):
    """python-binance with its addresses as arguments, our signature, and no way past the given addresses."""

    def __init__(self, key: str, secret: str, addresses: ClientAddresses) -> None:
        futures, sapi = addresses.futures or _NOWHERE, addresses.sapi or _NOWHERE
        self.API_URL, self.MARGIN_API_URL = addresses.spot + "/api", sapi + "/sapi"
        self.FUTURES_URL, self.FUTURES_DATA_URL = futures + "/fapi", futures + "/futures/data"
        self.WEBSITE_URL = self.FUTURES_COIN_URL = self.FUTURES_COIN_DATA_URL = _NOWHERE
        self.OPTIONS_URL = self.OPTIONS_TESTNET_URL = self.PAPI_URL = _NOWHERE
        self.WS_API_URL = self.WS_FUTURES_URL = _NOWHERE
        self.REQUEST_TIMEOUT, self.REQUEST_RECVWINDOW = REQUEST_TIMEOUT_S, RECV_WINDOW_MS
        super().__init__(key, secret, requests_params={"allow_redirects": False}, ping=False)
        self.session.trust_env = False

    def _generate_signature(self, data: dict[str, Any], uri_encode: bool = True) -> str:  # noqa: ARG002
        return signature(str(self.API_SECRET), encode(self._order_params(data)))

    def _request(
        self,
        method: str,
        uri: str,
        signed: bool,
        force_params: bool = False,
        **kwargs: Any,
    ) -> Any:
        if uri.startswith(_NOWHERE):
            raise VenueError(f"{uri.removeprefix(_NOWHERE)} is not offered in this mode; nothing was sent")
        return super()._request(method, uri, signed, force_params, **kwargs)


class APIClient:
    """Spot, futures and transfers by the spec's names; answers are Binance's own JSON, decimals as text.

    Every method may raise the kinds of domain.errors.VenueError that utils.binance_errors names; an order or
    transfer whose outcome is not known raises OutcomeUnknown and must be looked up, never sent again.
    """

    def __init__(
        self, api_key: str, api_secret: str, addresses: ClientAddresses, *, turns: Turns | None = None
    ) -> None:
        # The library takes, or makes, its thread's event loop. A thread of its own keeps it off everyone else's.
        with ThreadPoolExecutor(1) as apart:
            self._client = apart.submit(_Addressed, api_key, api_secret, addresses).result()
        self._client.loop.close()
        self._lock = Lock()
        self._turns: Turns = turns or (lambda _market, _purpose: nullcontext(_tell_nobody))

    def close(self) -> None:
        """Close the connections; the client cannot be used afterwards."""
        with self._lock:
            self._client.session.close()

    def measure_clock(self, market: Market = Market.SPOT) -> int:
        """Measure the offset to the venue's clock in ms and sign with it from now on."""
        ask = self._client.get_server_time if market is Market.SPOT else self._client.futures_time
        sent_ms = time.time_ns() // 1_000_000
        answer = self._call(market, Purpose.READ, ask)
        arrived_ms = time.time_ns() // 1_000_000
        self._client.timestamp_offset = int(answer["serverTime"]) - (sent_ms + arrived_ms) // 2
        return int(self._client.timestamp_offset)

    def place_spot_order(
        self,
        symbol: str,
        side: str,
        order_type: str,
        quantity: Decimal | str,
        price: Decimal | str | None = None,
        *,
        client_order_id: str | None = None,
    ) -> Json:
        """Place a spot order (LIMIT rests until cancelled) and return the FULL answer."""
        params = _order_params(symbol, side, order_type, quantity, price, client_order_id)
        return self._signed(Market.SPOT, Purpose.PLACE, self._client.create_order, **params)

    def cancel_spot_order(self, symbol: str, orderId: int) -> Json:  # noqa: N803 - the spec's name
        return self._signed(Market.SPOT, Purpose.CANCEL, self._client.cancel_order, symbol=symbol, orderId=orderId)

    def get_spot_order_status(self, symbol: str, orderId: int) -> Json:  # noqa: N803
        return self._signed(Market.SPOT, Purpose.READ, self._client.get_order, symbol=symbol, orderId=orderId)

    def get_spot_account_balance(self) -> Json:
        """Return `{asset, free, locked}` of every asset held on spot."""
        account = self._signed(Market.SPOT, Purpose.READ, self._client.get_account, omitZeroBalances="true")
        return list(account["balances"])

    def get_account_balance(self) -> Json:
        """Return both markets' balances: `spot`, `futures`, and `futures_error` where futures gave none."""
        balances: dict[str, Any] = {
            "spot": self.get_spot_account_balance(),
            "futures": [],
            "futures_error": None,
        }
        try:
            balances["futures"] = self._signed(Market.FUTURES, Purpose.READ, self._client.futures_account_balance)
        except VenueError as e:
            balances["futures_error"] = str(e)
        return balances

    def get_spot_ticker(self, symbol: str) -> Json:
        return self._call(Market.SPOT, Purpose.READ, self._client.get_ticker, symbol=symbol)

    def get_spot_klines(self, symbol: str, interval: str, limit: int = 500) -> Json:
        return self._call(
            Market.SPOT,
            Purpose.READ,
            self._client.get_klines,
            symbol=symbol,
            interval=interval,
            limit=limit,
        )

    def place_futures_order(
        self,
        symbol: str,
        side: str,
        order_type: str,
        quantity: Decimal | str,
        price: Decimal | str | None = None,
        *,
        client_order_id: str | None = None,
    ) -> Json:
        """Place a USD-M futures order and return the RESULT answer."""
        params = _order_params(symbol, side, order_type, quantity, price, client_order_id)
        params["newOrderRespType"] = "RESULT"  # the default ACK shows a filled order as new
        return self._signed(Market.FUTURES, Purpose.PLACE, self._client.futures_create_order, **params)

    def cancel_futures_order(self, symbol: str, orderId: int) -> Json:  # noqa: N803
        return self._signed(
            Market.FUTURES, Purpose.CANCEL, self._client.futures_cancel_order, symbol=symbol, orderId=orderId
        )

    def get_futures_order_status(self, symbol: str, orderId: int) -> Json:  # noqa: N803
        return self._signed(
            Market.FUTURES, Purpose.READ, self._client.futures_get_order, symbol=symbol, orderId=orderId
        )

    def get_futures_positions(self) -> Json:
        """Return the positions that are open or have open orders."""
        return self._signed(Market.FUTURES, Purpose.READ, self._client.futures_position_information)

    def get_futures_position_info(self, symbol: str) -> Json:
        """Return one symbol's positions: none when flat, two in hedge mode."""
        return self._signed(Market.FUTURES, Purpose.READ, self._client.futures_position_information, symbol=symbol)

    def get_futures_ticker(self, symbol: str) -> Json:
        return self._call(Market.FUTURES, Purpose.READ, self._client.futures_ticker, symbol=symbol)

    def get_futures_klines(self, symbol: str, interval: str, limit: int = 500) -> Json:
        return self._call(
            Market.FUTURES,
            Purpose.READ,
            self._client.futures_klines,
            symbol=symbol,
            interval=interval,
            limit=limit,
        )

    def transfer_between_markets(self, asset: str, amount: Decimal | str, transfer_type: str) -> Json:
        """Move `amount` of `asset` between spot and futures; '1' is spot to futures, '2' the way back.

        Raises:
            InvalidRequest: for another type.
            VenueError: where the mode offers no transfers (only Production and our simulator do).
            OutcomeUnknown: it may have happened; read the transfer history before asking again.
        """
        if transfer_type not in TRANSFERS:
            raise InvalidRequest([FieldMistake("transfer_type", f"must be '1' or '2', was {transfer_type!r}")])
        return self._signed(
            Market.SPOT,
            Purpose.PLACE,
            self._client.universal_transfer,
            type=TRANSFERS[transfer_type],
            asset=asset,
            amount=_decimal_text("amount", amount),
        )

    def _signed(self, market: Market, purpose: Purpose, call: Callable[..., Any], **params: Any) -> Any:
        try:
            return self._call(market, purpose, call, **params)
        except ClockSkewed:  # certainly not executed: the same parameters, client id included, once more
            self.measure_clock(market)
            return self._call(market, purpose, call, **params)

    def _call(self, market: Market, purpose: Purpose, call: Callable[..., Any], **params: Any) -> Any:
        with self._turns(market, purpose) as tell, self._lock:
            try:
                answer = call(**params)
            except BinanceAPIException as e:
                raise _refusal(e, market, purpose, tell) from e
            except BinanceRequestException as e:
                raise _lost(purpose, "the venue answered something unreadable") from e
            except requests.RequestException as e:
                # Not chained: these errors quote the whole signed address.
                if _never_left(e):
                    raise Unreachable(f"no connection to the venue: {type(e).__name__}") from None
                raise _lost(purpose, f"no answer from the venue: {type(e).__name__}") from None
            reply: Any = self._client.response
            tell(reply.status_code, reply.headers)
            return answer


def _refusal(error: BinanceAPIException, market: Market, purpose: Purpose, tell: Tell) -> VenueError:
    status, headers = int(error.status_code), error.response.headers
    tell(status, headers)
    return translate_code(market, status, int(error.code or 0), str(error.message), headers, purpose)


def _tell_nobody(_status: int, _headers: Mapping[str, str]) -> None:
    """Without a broker nobody counts."""


def _order_params(
    symbol: str,
    side: str,
    order_type: str,
    quantity: Decimal | str,
    price: Decimal | str | None,
    client_order_id: str | None,
) -> dict[str, Any]:
    kind = order_type.upper()
    params = {
        "symbol": symbol,
        "side": side.upper(),
        "type": kind,
        "quantity": _decimal_text("quantity", quantity),
        "newClientOrderId": client_order_id or uuid.uuid4().hex,  # ours, so that a second try is the same order
    }
    if price is not None:
        params["price"] = _decimal_text("price", price)
    if kind == "LIMIT":
        params["timeInForce"] = "GTC"
    return params


def _decimal_text(field: str, value: Decimal | str) -> str:
    """Return an amount as fixed-point text.

    Raises:
        InvalidRequest: naming the field, for a float or a text that is no number.
    """
    try:
        return wire_text(Decimal(value) if isinstance(value, str) else value)
    except (ArithmeticError, TypeError):
        raise InvalidRequest([FieldMistake(field, f"must be a Decimal or decimal text, was {value!r}")]) from None


def _never_left(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectionError) and isinstance(reason, NewConnectionError)


def _lost(purpose: Purpose, text: str) -> VenueError:
    return Unreachable(text) if purpose is Purpose.READ else OutcomeUnknown(text)
