"""The base of everything that goes out, and the shapes that belong to no single resource."""

from typing import Any

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from routes.strict_json import dumps_bytes


class View(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def answer(view: BaseModel, status: int = 200) -> Response:
    """Return `view` as a JSON response."""
    body: Any = view.model_dump(by_alias=True)
    return Response(dumps_bytes(body), status=status, mimetype="application/json")


class FieldView(View):
    field: str
    message: str


class ErrorView(View):
    """The one shape of errors."""

    error: str = Field(description="what kind of error, for programs")
    message: str = Field(description="what is wrong and what to do, for people")
    fields: list[FieldView]
    trace_id: str = Field(description="also in the header X-Trace-Id and in the log")
    venue_code: int | None = Field(None, description="the venue's own number, where the venue is the cause")


class ConfigErrorView(ErrorView):
    """The one shape of errors with what the spec asks of /api/grid/config."""

    valid: bool = False
    errors: list[str]


class UnknownOutcomeView(ErrorView):
    """Not an error: what was asked may have happened and is being looked up."""

    status: str = "unknown"
    client_order_ids: list[str] = Field(description="the orders that are being looked up")
