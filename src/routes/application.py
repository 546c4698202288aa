"""The Flask app: one factory, so that every test builds its own."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from routes import (
    backtest_api,
    balance_api,
    books_api,
    errors,
    grid_api,
    guards,
    jobs_api,
    market_api,
    pages,
    pairs_api,
    suggest_api,
    system_api,
    trading_api,
    validation_api,
)
from routes.mistakes import refuse
from routes.services import Services, install
from routes.strict_json import StrictJson
from routes.views import ErrorView

MOST_BODY_BYTES = 64 * 1024
_RESOURCES = (
    system_api,
    market_api,
    grid_api,
    suggest_api,
    pairs_api,
    balance_api,
    books_api,
    trading_api,
    validation_api,
    backtest_api,
    jobs_api,
)


class GridhiveApp(OpenAPI):
    json_provider_class = StrictJson


def create_app(
    services: Services,
    *,
    allowed_hosts: Collection[str] = (),
    allowed_origins: Collection[str] = (),
    language: str | None = None,
    static_folder: Path,
) -> GridhiveApp:
    """Build the app around `services`.

    Args:
        services: what the views ask.
        allowed_hosts: host names answered for besides loopback ones, without port.
        allowed_origins: web origins (scheme://host:port) that may ask besides the page's own.
        language: `en` or `pt` for callers that name none; default: the services'.
        static_folder: where index.html and its scripts lie.
    """
    app = GridhiveApp(
        __name__,
        info=Info(title="Gridhive", version=services.version),
        static_folder=static_folder.resolve(),
        static_url_path="/static",
        validation_error_model=ErrorView,
        validation_error_callback=refuse,
        doc_ui=False,
    )
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    install(app.extensions, services if language is None else replace(services, language=language))
    guards.install(app, allowed_hosts=allowed_hosts, allowed_origins=allowed_origins)
    errors.install(app)
    for module in _RESOURCES:
        app.register_api(module.bp)
    app.register_api(system_api.health_bp)
    app.register_blueprint(pages.bp)
    return app
