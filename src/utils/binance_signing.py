"""The one place that writes parameters as Binance reads them, and signs them.

What is signed is the transmitted, percent-encoded text (required on spot since 2026-01-15, else -1022).
"""

import hmac
from collections.abc import Iterable, Mapping
from decimal import Decimal
from hashlib import sha256
from urllib.parse import quote

from domain.money import plain

Params = Mapping[str, object]


def wire_text(value: object) -> str:
    """Return a parameter's value as text: decimals in fixed-point notation, booleans in lower case.

    Raises:
        TypeError: for a float, which could not be told apart from its rounding error.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    raise TypeError(f"a {type(value).__name__} cannot be sent, give a Decimal, int, bool or text: {value!r}")


def encode(items: Iterable[tuple[str, object]]) -> str:
    """Return `name=value&name=value`, percent-encoded; items whose value is None are left out."""
    return "&".join(f"{name}={quote(wire_text(value), safe='-_.~')}" for name, value in items if value is not None)


def signature(secret: str, payload: str) -> str:
    """Return the hexadecimal HMAC-SHA256 of `payload`."""
    return hmac.digest(secret.encode(), payload.encode(), sha256).hex()


def signed_query(secret: str, params: Params, *, timestamp_ms: int, recv_window_ms: int) -> str:
    """Return the query string of a signed request, signature last.

    Args:
        secret: of the key that goes into the X-MBX-APIKEY header.
        params: parameters of the call; None values are left out.
        timestamp_ms: server time as we believe it.
        recv_window_ms: how long after `timestamp_ms` the venue may still accept the request.
    """
    text = encode([*params.items(), ("recvWindow", recv_window_ms), ("timestamp", timestamp_ms)])
    return f"{text}&signature={signature(secret, text)}"


def signed_socket_params(
    key: str, secret: str, params: Params, *, timestamp_ms: int, recv_window_ms: int
) -> dict[str, object]:
    """Return the parameters of a signed WebSocket API request: sorted by name for signing, apiKey included."""
    whole = {**params, "apiKey": key, "recvWindow": recv_window_ms, "timestamp": timestamp_ms}
    payload = encode(sorted(whole.items()))
    return {**whole, "signature": signature(secret, payload)}
