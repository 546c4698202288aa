"""Client ids for requests that bring none."""

import hashlib


def made_id(kind: str, symbol: str, number: int) -> str:
    """Make a client id as the venue does where none was sent: 22 characters without meaning."""
    return hashlib.blake2b(f"{kind}:{symbol}:{number}".encode(), digest_size=11).hexdigest()
