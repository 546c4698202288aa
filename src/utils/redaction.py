"""Taking secrets out of what is written down, whichever way they got in."""

import json
import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "***"
SHORTEST_SECRET = 4  # shorter texts stand in ordinary words

SECRET_NAMES = re.compile(
    r"signature|x-mbx-apikey|api_?key|api_?secret|secret|password|token|authorization|listen_?key|cookie",
    re.IGNORECASE,
)
NAMED_VALUE = re.compile(
    r"(?P<name>(?:signature|x-mbx-apikey|api_?key|api_?secret|secret|password|access_token|token|listen_?key)"
    r"[\"']?\s*[=:]\s*[\"']?)"
    r"(?P<value>[^\s\"'&,;}\)\]]+)",
    re.IGNORECASE,
)
BEARER = re.compile(r"(?P<name>\bBearer\s+)(?P<value>[\w.~+/=-]+)", re.IGNORECASE)
ADDRESS_PASSWORD = re.compile(r"(?P<name>\w+://[^\s/:@]*:)(?P<value>[^\s/@]+)(?=@)")


class Redactor:
    """Replaces known secrets, and whatever stands where a secret would stand, by `***`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        written = {form for secret in secrets if len(secret) >= SHORTEST_SECRET for form in _forms(secret)}
        longest_first = sorted(written, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if written else None

    def text(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern in (NAMED_VALUE, BEARER, ADDRESS_PASSWORD):
            text = pattern.sub(rf"\g<name>{HIDDEN}", text)
        return text

    def value(self, value: object) -> object:
        """Return `value` with every text in it cleaned, and every value under a secret's name hidden."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {
                    key: HIDDEN if part and SECRET_NAMES.search(str(key)) else self.value(part)
                    for key, part in value.items()
                }
            case list() | tuple() | set() | frozenset():
                return [self.value(part) for part in value]
            case _:
                return value

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Serve as a structlog processor; an exception is cleaned once it is text."""
        cleaned = self.value({k: part for k, part in event.items() if k != "exc_info" and not k.startswith("_")})
        return {**event, **cleaned} if isinstance(cleaned, dict) else event


def _forms(secret: str) -> set[str]:
    """A secret as it may be written: plain, in a URL, in JSON, in a Python literal."""
    return {secret, quote(secret), quote_plus(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
