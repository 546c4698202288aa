"""What is checked before any view runs: who is addressed, who asks, and whether the body is JSON."""

import ipaddress
import uuid
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from routes.errors import malformed, refusal
from routes.messages import language, say
from routes.strict_json import NotStrictJson

_READING = frozenset({"GET", "HEAD", "OPTIONS"})

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def install(app: Flask, *, allowed_hosts: Collection[str], allowed_origins: Collection[str]) -> None:
    """Guard `app`.

    Args:
        app: the app.
        allowed_hosts: host names (no port) answered for besides this machine's loopback names.
        allowed_origins: web origins (scheme://host:port) that may ask besides the page's own.
    """
    hosts = frozenset(host.lower().strip("[]") for host in allowed_hosts)
    origins = frozenset(origin.lower().rstrip("/") for origin in allowed_origins)

    def check() -> Response | None:
        g.trace_id = uuid.uuid4().hex
        g.origin_allowed = False
        return _check_host(hosts) or _check_origin(origins) or _check_body()

    def finish(response: Response) -> Response:
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers["X-Trace-Id"] = g.get("trace_id", "")
        response.headers["Content-Language"] = language()
        response.vary.update(("Accept-Language", "Origin"))
        if not request.path.startswith("/static/"):
            response.headers["Cache-Control"] = "no-store"
        if g.get("origin_allowed"):
            _allow_reading(response)
        return response

    app.before_request(check)
    app.after_request(finish)


def _check_host(allowed: frozenset[str]) -> Response | None:
    """Refuse foreign host names: a page that re-binds its name to this machine sends its own."""
    name = _host_name(request.environ.get("HTTP_HOST", ""))
    return None if name is not None and (name in allowed or _is_loopback(name)) else refusal(421)


def _host_name(host: str) -> str | None:
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname if parts.netloc == host and "@" not in host else None


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _check_origin(allowed: frozenset[str]) -> Response | None:
    """Refuse other web pages: a browser names the page a request comes from, and a page cannot forge it."""
    origin = request.headers.get("Origin")
    if origin is None:
        foreign = request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
        return refusal(403) if foreign and request.method not in _READING else None
    own = f"{request.environ['wsgi.url_scheme']}://{request.environ.get('HTTP_HOST', '')}"
    if origin.lower() == own.lower():
        return None
    if origin.lower() in allowed:
        g.origin_allowed = True
        return None
    return refusal(403)


def _allow_reading(response: Response) -> None:
    response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
    response.headers["Access-Control-Allow-Methods"] = "GET, POST, PATCH, DELETE"
    response.headers["Access-Control-Allow-Headers"] = "Content-Type, Accept-Language"
    response.headers["Access-Control-Expose-Headers"] = "Link, X-Trace-Id, Retry-After"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"


def _check_body() -> Response | None:
    """Read the JSON body of a writing request once, strictly; a body a form could send is never read."""
    if request.method in _READING or request.url_rule is None:
        return None
    if request.method == "DELETE" and not request.content_length and request.mimetype in ("", "application/json"):
        return None  # no form can send one, and it says all in its address
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or charset != "utf-8" or "Content-Encoding" in request.headers:
        return refusal(415)
    try:
        body = request.get_json()
    except NotStrictJson as error:
        return malformed(say("not_json_body", reason=error))
    return None if isinstance(body, dict) else malformed(say("body_object"))
