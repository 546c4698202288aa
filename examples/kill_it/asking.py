"""Asking a process that may be dead at any moment."""

import json
import time
from decimal import Decimal, getcontext
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

DEADLINE_S = 60.0
POLL_S = 0.05

getcontext().prec = 60


class Difference(Exception):
    """What the two accounts do not agree on."""


class NoAnswer(Exception):
    """Whoever was asked is dead, or does not know yet."""


def ask(url, body=None, headers=None):
    """Return the parsed JSON answer, numbers with a fraction as Decimal."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data=data, headers={"Content-Type": "application/json", **(headers or {})})
    try:
        with urlopen(request, timeout=10) as answer:
            return json.load(answer, parse_float=Decimal)
    except HTTPError as error:
        raise NoAnswer(f"{url} answered {error.code}: {error.read().decode()[:200]}") from None
    except (URLError, OSError, ValueError) as error:
        raise NoAnswer(f"{url}: {error}") from None


def until(look, what, deadline_s=DEADLINE_S, poll_s=POLL_S):
    """Look again and again until there is something; what raised NoAnswer or was empty counts as nothing."""
    end_s, last = time.monotonic() + deadline_s, None
    while time.monotonic() < end_s:
        try:
            if found := look():
                return found
        except NoAnswer as error:
            last = error
        time.sleep(poll_s)
    raise Difference(f"waited {deadline_s:g} s in vain for {what}{f' ({last})' if last else ''}")
