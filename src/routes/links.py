"""Paging: the Link header of RFC 8288, because the spec's arrays stay bare."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit


def page_links(address: str, changes: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """Return the Link header for `address` with its query changed per relation; nothing where there is no relation."""
    parts = urlsplit(address)
    links = []
    for relation, change in changes.items():
        query = dict(parse_qsl(parts.query)) | {name: str(value) for name, value in change.items()}
        links.append(f'<{quote(parts.path)}?{urlencode(query)}>; rel="{relation}"')
    return {"Link": ", ".join(links)} if links else {}
