"""Long work of the running server: list it, read a log, end a job."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from cli.calls import NoAnswer, ask
from cli.options import Wanted
from cli.printing import address_of, complain, no_server, show
from cli.texts import job_lines


def jobs(wanted: Wanted) -> int:
    """List all jobs that are kept, or read the log of one, or end one."""
    address = address_of(wanted)
    if address is None:
        return complain(wanted, (no_server(wanted),))
    place = f"{address}/api/jobs"
    one = f"{place}/{quote(wanted.job_id, safe='')}"
    try:
        match wanted.action:
            case "log":
                code, told = ask(f"{one}/log")
            case "cancel":
                code, told = ask(f"{one}/cancel", {})
            case _:
                code, told = ask(place)
    except NoAnswer as error:
        return complain(wanted, (str(error),))
    if code >= 400:
        return complain(wanted, (str(told.get("message", told)),))
    show(wanted, told, _lines(wanted.action, told))
    return 0


def _lines(action: str, told: Mapping[str, Any]) -> list[str]:
    if action == "log":
        return [str(told["log"]).rstrip("\n") or "it said nothing"]
    return job_lines(told["jobs"] if action == "list" else [told])
