"""What a browser opens: the home page, the test page and the API's description."""

from flask import Blueprint, Response, current_app, jsonify, render_template
from flask_openapi3.openapi import OpenAPI

from domain.money import plain
from routes.addressing import is_active, symbol_of
from routes.messages import language
from routes.services import services

bp = Blueprint("pages", __name__, template_folder="templates")


def described() -> OpenAPI:
    app = current_app
    if not isinstance(app, OpenAPI):
        raise TypeError("the pages belong to an app that describes itself")
    return app


@bp.get("/")
def home() -> str:
    """Show status and endpoints."""
    endpoints = [
        {"method": method.upper(), "path": path, "summary": operation["summary"]}
        for path, item in sorted(described().api_doc["paths"].items())
        for method, operation in item.items()
    ]
    grids = [grid for grid in services().snapshots.grids() if is_active(grid)]
    return render_template(
        "home.html",
        language=language(),
        system=services().snapshots.system(),
        grids=[(symbol_of(grid.instrument), grid) for grid in grids],
        endpoints=endpoints,
        plain=plain,
    )


@bp.get("/test")
def test_page() -> Response:
    """Serve the page that tries every endpoint."""
    return current_app.send_static_file("index.html")


@bp.get("/openapi.json")
def openapi() -> Response:
    """Describe the API (OpenAPI 3.1)."""
    return jsonify(described().api_doc)
