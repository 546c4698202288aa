"""The one table from errors to HTTP statuses, and the one shape every error answer has."""

import logging
import math
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from domain.errors import (
    Busy,
    Conflict,
    FieldMistake,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    Refused,
    SlowDown,
    TradingError,
    Unreachable,
    VenueError,
)
from domain.orders import Status
from ports.store import StoreFailed
from routes.messages import CATALOGUE, say
from routes.services import services

log = logging.getLogger(__name__)

HTTP_STATUS: Mapping[type[TradingError], int] = {
    TradingError: 500,
    InvalidRequest: 422,
    NotFound: 404,
    Conflict: 409,
    Refused: 409,  # a limit is reached: the state forbids it, not the request
    Busy: 503,
    VenueError: 502,
    Unreachable: 503,
    SlowDown: 503,
    OutcomeUnknown: 202,  # it may have happened: no error, something to look up
}

_HTTP_NAMES: Mapping[int, tuple[str, str]] = {
    # status: (error, key of the sentence)
    400: ("Malformed", "bad_request"),
    403: ("OriginRefused", "origin_refused"),
    404: ("NoSuchAddress", "no_route"),
    405: ("MethodNotAllowed", "method_refused"),
    413: ("TooLarge", "too_large"),
    415: ("NotJson", "content_type"),
    421: ("HostRefused", "host_refused"),
}

VALIDATOR = "/api/grid/config"


def status_of(error: TradingError) -> int:
    """Return the HTTP status of the nearest kind of `error` that the table knows."""
    return next(HTTP_STATUS[kind] for kind in type(error).__mro__ if kind in HTTP_STATUS)


def install(app: Flask) -> None:
    """Give every error of `app` the one shape."""
    app.register_error_handler(TradingError, _trading)
    app.register_error_handler(StoreFailed, _store_failed)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def malformed(sentence: str) -> Response:
    """Answer 400 with `sentence`."""
    return _shape(400, "Malformed", sentence)


def refusal(status: int) -> Response:
    """Answer one of the statuses that the guards and the router give."""
    name, key = _HTTP_NAMES[status]
    return _shape(status, name, say(key))


def _trading(error: TradingError) -> Response:
    status = status_of(error)
    mistakes = error.mistakes if isinstance(error, InvalidRequest) else ()
    sentence = "; ".join(_sentence(mistake) for mistake in mistakes) or str(error)
    extra: dict[str, Any] = {}
    if isinstance(error, VenueError):
        extra["venue_code"] = error.code
        log.warning("venue error: %s", error, extra={"trace_id": g.get("trace_id")})
    if isinstance(error, OutcomeUnknown):
        extra |= {"status": "unknown", "client_order_ids": _unsettled()}
    response = _shape(status, type(error).__name__, sentence, mistakes, extra)
    if isinstance(error, SlowDown | Busy) and error.retry_after_s is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    return response


def _unsettled() -> list[str]:
    """Return the client ids of our orders whose outcome is not known: what there is to look up."""
    return [
        order.client_id
        for grid in services().snapshots.grids()
        for order in grid.open_orders
        if order.status is Status.UNKNOWN
    ]


def _sentence(mistake: FieldMistake) -> str:
    """Return the mistake as one sentence that names its field, as the spec's `errors` do."""
    return mistake.message if mistake.message.startswith(mistake.field) else f"{mistake.field}: {mistake.message}"


def _store_failed(error: StoreFailed) -> Response:
    log.error("store failed: %s", error, extra={"trace_id": g.get("trace_id")})
    return _shape(503, "StoreFailed", say("store_failed", reason=error))


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if 300 <= status < 400:
        return current_app.make_response(error.get_response())
    name, key = _HTTP_NAMES.get(status, (type(error).__name__, "bad_request"))
    values: dict[str, object] = {"trace_id": g.get("trace_id"), "method": request.method}
    if isinstance(error, MethodNotAllowed):
        values["allowed"] = ", ".join(sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"}))
    if isinstance(error, RequestEntityTooLarge):
        values["limit"] = current_app.config["MAX_CONTENT_LENGTH"]
    response = _shape(status, name, say(key if key in CATALOGUE else "bad_request", **values))
    if isinstance(error, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
    return response


def _unexpected(error: Exception) -> Response:
    trace_id = g.get("trace_id")
    log.error("request failed", exc_info=error, extra={"trace_id": trace_id, "path": request.path})
    return _shape(500, "Internal", say("internal", trace_id=trace_id))


def _shape(
    status: int,
    name: str,
    sentence: str,
    mistakes: tuple[FieldMistake, ...] = (),
    extra: Mapping[str, Any] | None = None,
) -> Response:
    body: dict[str, Any] = {
        "error": name,
        "message": sentence,
        "fields": [{"field": mistake.field, "message": mistake.message} for mistake in mistakes],
        "trace_id": g.get("trace_id", ""),
        **(extra or {}),
    }
    if request.path == VALIDATOR and 400 <= status < 500:
        body |= {"valid": False, "errors": [_sentence(mistake) for mistake in mistakes] or [sentence]}
    response = jsonify(body)
    response.status_code = status
    return response
