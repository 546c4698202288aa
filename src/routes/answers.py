"""Answers given before the app is reached, in the one shape of errors."""

import logging
import uuid
from collections.abc import Sequence
from typing import Any

import orjson

log = logging.getLogger(__name__)

Scope = dict[str, Any]
Message = dict[str, Any]
Header = tuple[bytes, bytes]


def error_body(error: str, sentence: str) -> tuple[str, bytes]:
    """Return a trace id, which is logged with the sentence, and the body that carries it."""
    trace_id = uuid.uuid4().hex
    log.info("%s: %s", error, sentence, extra={"trace_id": trace_id})
    return trace_id, orjson.dumps({"error": error, "message": sentence, "fields": [], "trace_id": trace_id})


async def answer_plainly(send: Any, status: int, error: str, sentence: str, headers: Sequence[Header] = ()) -> None:
    """Answer an ASGI request with an error."""
    trace_id, body = error_body(error, sentence)
    always = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-trace-id", trace_id.encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": [*always, *headers]})
    await send({"type": "http.response.body", "body": body})


def raw_answer(status: str, error: str, sentence: str) -> bytes:
    """Return a whole HTTP/1.1 answer, for a connection that is closed after it.

    `status` is code and phrase, such as "404 Not Found".
    """
    trace_id, body = error_body(error, sentence)
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-Trace-Id: {trace_id}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
