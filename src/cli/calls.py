"""Asking the running server over HTTP."""

import json
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

TIMEOUT_S: Final = 15.0
_opener = build_opener(ProxyHandler({}))  # the server is on this machine, whatever proxy the shell knows


class NoAnswer(Exception):
    """Nobody answers there."""


def ask(url: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    """Return status and JSON object of an answer; a POST where there is a body.

    Raises:
        NoAnswer: if there is none, or it is not the server's.
    """
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data=data, headers={"Content-Type": "application/json"})  # noqa: S310 - from server.json
    try:
        with _opener.open(request, timeout=TIMEOUT_S) as answer:
            return int(answer.status), _object(answer.read())
    except HTTPError as refused:
        with refused:
            return refused.code, _object(refused.read())
    except (URLError, OSError, ValueError) as error:
        raise NoAnswer(f"{url} does not answer ({getattr(error, 'reason', error)})") from error


def _object(text: bytes) -> dict[str, Any]:
    told = json.loads(text)
    if not isinstance(told, dict):
        raise ValueError("that is no answer of Gridhive")  # noqa: TRY004 - as json itself raises
    return told
