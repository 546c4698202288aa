"""What every command needs: where the server is, and a result or a complaint as text or JSON."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from cli.options import PROGRAM, Wanted


def address_of(wanted: Wanted) -> str | None:
    """Return where the server on the data folder answers, None where none runs."""
    server = wanted.folder.facts().server
    return str(server["url"]) if server and "url" in server else None


def no_server(wanted: Wanted) -> str:
    return f"no server runs on {wanted.folder.folder}; start it, or name another --data-dir"


def show(wanted: Wanted, told: Mapping[str, Any], lines: list[str]) -> None:
    text = json.dumps(told, ensure_ascii=False, indent=2) if wanted.as_json else "\n".join(lines)
    print(text)  # noqa: T201


def complain(wanted: Wanted, sentences: tuple[str, ...]) -> int:
    """Tell what is wrong; return the exit code."""
    if wanted.as_json:
        show(wanted, {"error": "; ".join(sentences)}, [])
    for sentence in sentences:
        print(f"{PROGRAM}: {sentence}", file=sys.stderr)  # noqa: T201
    return 1
