"""Listen keys: one per account, shared by all its processes, alive for an hour after the last renewal (1.10)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import choice
from string import ascii_letters, digits
from typing import Any, Final

from simulator.wire.errors import ApiError

LIFETIME_MS: Final = 3_600_000
_LENGTH: Final = 64


@dataclass(slots=True)
class _Key:
    text: str
    expires_ms: int


def no_such_key() -> ApiError:
    return ApiError(
        -1125, "This listenKey does not exist. Please use `POST /fapi/v1/listenKey` to recreate `listenKey`"
    )


class ListenKeys:
    """The keys in force; their lifetime is measured by the server's clock, not by the market's."""

    def __init__(self, server_ms: Callable[[], int], *, lifetime_ms: int = LIFETIME_MS) -> None:
        self._server_ms, self._lifetime_ms = server_ms, lifetime_ms
        self._keys: dict[str, _Key] = {}
        self._expired: list[tuple[str, str]] = []

    def obtain(self, account_id: str) -> str:
        """Return the account's key, renewed, or a new one."""
        self._retire()
        key = self._keys.get(account_id)
        if key is None:
            text = "".join(choice(ascii_letters + digits) for _ in range(_LENGTH))
            key = self._keys[account_id] = _Key(text, 0)
        key.expires_ms = self._server_ms() + self._lifetime_ms
        return key.text

    def renew(self, account_id: str, text: str | None = None) -> str:
        """Renew the account's key.

        Raises:
            ApiError: -1125 if it has none, or not the one named.
        """
        key = self._found(account_id, text)
        key.expires_ms = self._server_ms() + self._lifetime_ms
        return key.text

    def close(self, account_id: str, text: str | None = None) -> None:
        """Let the account's key die without a word; -1125 as in `renew`."""
        self._found(account_id, text)
        del self._keys[account_id]

    def expire(self, account_id: str) -> None:
        """Let the account's key expire now, if it has one."""
        if key := self._keys.get(account_id):
            key.expires_ms = self._server_ms()

    def key_of(self, account_id: str) -> str | None:
        key = self._keys.get(account_id)
        return key.text if key else None

    def take_expired(self) -> list[tuple[str, str]]:
        """Return account and key of what has expired since the last call."""
        self._retire()
        expired, self._expired = self._expired, []
        return expired

    def dump(self) -> dict[str, Any]:
        return {account_id: [key.text, key.expires_ms] for account_id, key in self._keys.items()}

    def load(self, saved: Mapping[str, Any]) -> None:
        """Go on with the keys of an earlier run."""
        self._keys = {account_id: _Key(text, expires_ms) for account_id, (text, expires_ms) in saved.items()}

    def _found(self, account_id: str, text: str | None) -> _Key:
        self._retire()
        key = self._keys.get(account_id)
        if key is None or text not in {None, key.text}:
            raise no_such_key()
        return key

    def _retire(self) -> None:
        now_ms = self._server_ms()
        for account_id, key in list(self._keys.items()):
            if key.expires_ms <= now_ms:
                self._expired.append((account_id, key.text))
                del self._keys[account_id]
