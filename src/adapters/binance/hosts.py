"""Which addresses each mode may talk to. Anything else raises before a byte leaves.

Hosts are those of the spot and USD-M documentation (general information, 2026-10).
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from domain.account import Mode
from domain.errors import FieldMistake, InvalidRequest, Unreachable


class AddressForbidden(Unreachable):
    """An address outside the mode's allow-list: nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where one venue's endpoints are: scheme, host and port, plus the path of the WebSocket API.

    `futures_rest` and `futures_streams` (without a path) are None where the futures side is not offered.
    """

    spot_rest: str
    spot_streams: str
    spot_ws_api: str
    futures_rest: str | None = None
    futures_streams: str | None = None


LIVE: Final = Addresses(
    spot_rest="https://api.binance.com",
    spot_streams="wss://stream.binance.com:9443",
    spot_ws_api="wss://ws-api.binance.com/ws-api/v3",
    futures_rest="https://fapi.binance.com",
    futures_streams="wss://fstream.binance.com",
)
TESTNET: Final = Addresses(
    spot_rest="https://testnet.binance.vision",
    spot_streams="wss://stream.testnet.binance.vision",
    spot_ws_api="wss://ws-api.testnet.binance.vision/ws-api/v3",
    futures_rest="https://demo-fapi.binance.com",
    futures_streams="wss://demo-fstream.binance.com",
)

_LIVE_HOSTS: Final = frozenset(
    {
        "api.binance.com",
        "api-gcp.binance.com",
        "api1.binance.com",
        "api2.binance.com",
        "api3.binance.com",
        "api4.binance.com",
        "data-api.binance.vision",
        "data-stream.binance.vision",
        "fapi.binance.com",
        "fstream.binance.com",
        "stream.binance.com",
        "ws-api.binance.com",
        "ws-fapi.binance.com",
    }
)
_TEST_HOSTS: Final = frozenset(
    {
        "demo-api.binance.com",
        "demo-fapi.binance.com",
        "demo-fstream.binance.com",
        "demo-stream.binance.com",
        "demo-ws-api.binance.com",
        "fstream.binancefuture.com",
        "stream.testnet.binance.vision",
        "testnet.binance.vision",
        "testnet.binancefuture.com",
        "ws-api.testnet.binance.vision",
    }
)
_TLS: Final = frozenset({"https", "wss"})
_TLS_PORTS: Final = frozenset({None, 443, 9443})
_Origin = tuple[str, int | None]


class HostGuard:
    """The allow-list of one mode.

    Shadow knows the simulator's own addresses and nothing else, and these must be loopback ones.

    Raises:
        InvalidRequest: naming each address the mode does not allow.
    """

    def __init__(self, mode: Mode, addresses: Addresses) -> None:
        self._mode = mode
        given = {
            "spot_url": addresses.spot_rest,
            "spot_ws_url": addresses.spot_streams,
            "spot_ws_api_url": addresses.spot_ws_api,
            "futures_url": addresses.futures_rest,
            "futures_ws_url": addresses.futures_streams,
        }
        named = {name: url for name, url in given.items() if url is not None}
        self._own = frozenset(_origin(url) for url in named.values())
        mistakes = [
            FieldMistake(name, f"{url} is no address that {mode} may use; {self._remedy()}")
            for name, url in named.items()
            if not self._is_allowed(url)
        ]
        if mistakes:
            raise InvalidRequest(mistakes)

    @property
    def offers_sapi(self) -> bool:
        """Tell whether /sapi calls may leave: no test environment has them, they would reach the live host."""
        return self._mode is not Mode.TESTNET

    def check(self, url: str) -> None:
        """Pass an address that is allowed.

        Raises:
            AddressForbidden: for any other, and for /sapi where the mode has none.
        """
        if not self._is_allowed(url):
            raise AddressForbidden(f"{_shown(url)} is not on the allow-list of {self._mode}; nothing was sent")
        if urlsplit(url).path.startswith("/sapi") and not self.offers_sapi:
            raise AddressForbidden(f"{self._mode} offers no /sapi; nothing was sent")

    def _is_allowed(self, url: str) -> bool:
        parts = urlsplit(url)
        if self._mode is Mode.SHADOW:
            return _origin(url) in self._own and _is_loopback(parts.hostname)
        hosts = _LIVE_HOSTS if self._mode is Mode.PRODUCTION else _TEST_HOSTS
        return parts.scheme in _TLS and parts.hostname in hosts and parts.port in _TLS_PORTS

    def _remedy(self) -> str:
        if self._mode is Mode.SHADOW:
            return "give the simulator's loopback address, e.g. http://127.0.0.1:8090"
        return f"leave it out to use {LIVE.spot_rest if self._mode is Mode.PRODUCTION else TESTNET.spot_rest}"


def addresses_of(
    mode: Mode,
    spot: str | None,
    streams: str | None,
    ws_api: str | None,
    futures: str | None,
    futures_streams: str | None,
) -> Addresses:
    """Return where a mode's endpoints are, by what is given and what the mode knows by itself.

    Raises:
        InvalidRequest: in Shadow without the simulator's address.
    """
    if mode is not Mode.SHADOW:
        known = LIVE if mode is Mode.PRODUCTION else TESTNET
        return Addresses(
            spot_rest=spot or known.spot_rest,
            spot_streams=streams or known.spot_streams,
            spot_ws_api=ws_api or known.spot_ws_api,
            futures_rest=futures or known.futures_rest,
            futures_streams=futures_streams or known.futures_streams,
        )
    if spot is None:
        raise InvalidRequest([FieldMistake("spot_url", "Shadow needs the simulator's address")])
    return Addresses(
        spot_rest=spot,
        spot_streams=streams or _socket(spot),
        spot_ws_api=ws_api or f"{_socket(spot)}/ws-api/v3",
        futures_rest=futures,
        futures_streams=futures_streams or (None if futures is None else _socket(futures)),
    )


def _origin(url: str) -> _Origin:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"  # a query may hold a signature


def _socket(url: str) -> str:
    return "ws" + url.removeprefix("http")
