"""HMAC-SHA256 request signatures (protocol section 0.3)."""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from urllib.parse import quote, unquote_plus


def sign(secret: str, payload: str) -> str:
    """Return the lower-case hex HMAC-SHA256 of `payload`."""
    return hmac.new(secret.encode(), payload.encode(), sha256).hexdigest()


def is_signed_by(secret: str, payload: str, signature: str) -> bool:
    """Tell whether `signature` fits the payload as sent, or else as decoded.

    ccxt signs the transmitted text; python-binance signs the values before they are encoded.
    """
    given = signature.lower().encode()
    return any(
        hmac.compare_digest(sign(secret, text).encode(), given)
        for text in dict.fromkeys((payload, unquote_plus(payload)))
    )


def unsigned_part(text: str) -> str:
    """Return a query string or form body without its `signature` item, otherwise as transmitted."""
    if "signature=" not in text:
        return text
    return "&".join(item for item in text.split("&") if not item.startswith("signature="))


def rest_payload(query: str, body: str) -> str:
    """Return what a REST request signs: query and body joined without a separator."""
    return unsigned_part(query) + unsigned_part(body)


def socket_payloads(params: Mapping[str, str]) -> tuple[str, str]:
    """Return what a ws-api request may have signed: values percent-encoded, or plain."""
    items = sorted((name, value) for name, value in params.items() if name != "signature")
    return (
        "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in items),
        "&".join(f"{name}={value}" for name, value in items),
    )
