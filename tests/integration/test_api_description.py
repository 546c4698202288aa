"""The API's own description and its page in docs/ against the app's routes."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from fakes.house import House, app_of
from routes.application import GridhiveApp

DOCS = Path(__file__).resolve().parents[2] / "docs" / "api.md"
OWN_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
PAGES = {"/", "/test", "/openapi.json"}
ERRORS = {"400", "403", "404", "405", "421", "422", "500", "502", "503"}


@pytest.fixture
def app() -> GridhiveApp:
    return app_of(House())


def routes_of(app: GridhiveApp) -> set[tuple[str, str]]:
    return {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
        for method in (rule.methods or set()) & OWN_METHODS
    }


def test_every_route_is_described_and_nothing_else(app: GridhiveApp) -> None:
    described = {
        (method.upper(), path)
        for path, item in app.test_client().get("/openapi.json").json["paths"].items()
        for method in item
    }
    assert described == {(method, path) for method, path in routes_of(app) if path not in PAGES}


def test_every_operation_documents_its_answers(app: GridhiveApp) -> None:
    description = app.test_client().get("/openapi.json").json
    assert description["openapi"] == "3.1.0"
    for path, item in description["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            ok = operation["responses"].get("200") or operation["responses"]["202"]
            if "text/html" not in ok["content"]:
                named = ok["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
                assert named in description["components"]["schemas"], where
            if path.startswith("/api/"):
                assert operation["responses"].keys() >= ERRORS, where
            if method == "post":
                assert operation["responses"].keys() >= {"202", "409", "413", "415"}, where
                assert operation["requestBody"]["content"]["application/json"]["schema"], where


def test_no_two_models_share_the_name_by_which_the_description_tells_them_apart(app: GridhiveApp) -> None:
    assert app
    models, found = [BaseModel], set()
    while models:
        model = models.pop()
        found.add(model)
        models += model.__subclasses__()
    names = [model.__name__ for model in found if model.__module__.startswith("routes.")]
    assert len(names) > 50
    assert {name for name in names if names.count(name) > 1} == set()


def test_every_reference_in_the_description_leads_somewhere(app: GridhiveApp) -> None:
    response = app.test_client().get("/openapi.json")
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', response.text))
    assert names <= response.json["components"]["schemas"].keys()


def test_the_page_lists_every_endpoint_and_no_other(app: GridhiveApp) -> None:
    written = set(
        re.findall(r"^\| `(GET|POST|PATCH|DELETE) (/[^`]*)`", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    assert written == routes_of(app)
