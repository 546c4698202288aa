"""How every resource of the API is declared: a blueprint whose operations document their errors."""

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from routes.views import ErrorView, UnknownOutcomeView

_ALWAYS = (400, 403, 404, 405, 421, 422, 500, 502, 503)
_WRITING = (409, 413, 415)


def resource(name: str, title: str, *, writes: bool = False) -> APIBlueprint:
    """Return the blueprint of one resource under /api."""
    statuses = _ALWAYS + (_WRITING if writes else ())
    unknown = {202: UnknownOutcomeView} if writes else {}
    return APIBlueprint(
        name,
        __name__,
        url_prefix="/api",
        abp_tags=[Tag(name=title)],
        abp_responses={**{str(status): ErrorView for status in statuses}, **{str(k): v for k, v in unknown.items()}},
    )
