"""What each command does. Each prints its result and returns the exit code."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from bootstrap.data_folder import audit_books, order_histories
from cli.calls import NoAnswer, ask
from cli.job_commands import jobs
from cli.options import Wanted
from cli.printing import address_of, complain, no_server, show
from cli.texts import folder_lines, grid_line, order_lines, order_values, server_lines

NOT_RUNNING: Final = 3


def status(wanted: Wanted) -> int:
    """Tell how the running server fares, or what the folder holds."""
    facts = wanted.folder.facts()
    answers = _ask_server(wanted)
    if answers is None:
        told: dict[str, Any] = {
            "running": False,
            "folder": str(facts.folder),
            "left_behind": facts.server,
            "heartbeat": facts.heartbeat,
            "copies": [name for name, _ in facts.copies],
        }
        show(wanted, told, folder_lines(facts, _now_ms()))
        return NOT_RUNNING
    (_, house), (_, ready) = answers
    told = {"running": True, **(facts.server or {}), "status": house, "ready": ready, "heartbeat": facts.heartbeat}
    show(wanted, told, server_lines(facts, house, ready, _now_ms()))
    return 0 if ready.get("ready") else 1


def grids(wanted: Wanted) -> int:
    """List all grids with their books."""
    audit = audit_books(wanted.folder)
    if audit.problems:
        return complain(wanted, audit.faults)
    rows = [grid_line(account.account, grid) for account in audit.accounts for grid in account.grids]
    lines = [" ".join(f"{name}={value}" for name, value in row.items()) for row in rows] or ["no grid ever ran here"]
    show(wanted, {"grids": rows}, lines)
    return 0


def order(wanted: Wanted) -> int:
    """Tell what became of one order."""
    found = order_histories(wanted.folder, wanted.client_id)
    if not found:
        return complain(wanted, (f"no order {wanted.client_id} is in the books; python -m cli grids lists the grids",))
    rows = [order_values(account, history) for account, history in found.items()]
    show(wanted, {"orders": rows}, [line for row in rows for line in order_lines(row)])
    return 0


def stop(wanted: Wanted) -> int:
    """End a grid of the running server for good."""
    return _change_grid(wanted, {"on_stop": wanted.on_stop})


def pause(wanted: Wanted) -> int:
    """Take the entries, or all orders, of a grid of the running server off the book until it is resumed."""
    return _change_grid(wanted, {"keep": wanted.keep})


def resume(wanted: Wanted) -> int:
    """Let a paused grid of the running server go on."""
    return _change_grid(wanted, {})


def _change_grid(wanted: Wanted, how: Mapping[str, str]) -> int:
    """Send a grid's command to the endpoint of its name."""
    address = address_of(wanted)
    if address is None:
        return complain(wanted, (no_server(wanted),))
    body = {"symbol": wanted.symbol, **how}
    if wanted.market_type:
        body["market_type"] = wanted.market_type
    try:
        code, told = ask(f"{address}/api/grid/{wanted.command}", body)
    except NoAnswer as error:
        return complain(wanted, (str(error),))
    if code >= 400:
        return complain(wanted, (str(told.get("message", told)),))
    show(wanted, told, [str(told.get("message", "done"))])
    return 0


def backup(wanted: Wanted) -> int:
    """Copy the books."""
    file = wanted.folder.back_up(wanted.file)
    show(wanted, {"file": str(file), "bytes": file.stat().st_size}, [f"copied the books to {file}"])
    return 0


def restore(wanted: Wanted) -> int:
    """Put a copy in place of the books."""
    assert wanted.file is not None  # noqa: S101 - argparse asks for it
    done = wanted.folder.restore(wanted.file)
    kept = f"what was there is kept in {done.kept}" if done.kept else "there were no books before"
    lines = [f"restored {wanted.file}; {kept}", f"the epoch is {done.epoch} now; start the server to read the account"]
    show(wanted, {"epoch": done.epoch, "kept": str(done.kept) if done.kept else None}, lines)
    return 0


def verify(wanted: Wanted) -> int:
    """Check the file and every grid's books."""
    audit = audit_books(wanted.folder)
    rows = [grid_line(account.account, grid) for account in audit.accounts for grid in account.grids]
    told = {
        "well": not audit.faults,
        "faults": list(audit.faults),
        "instance": audit.instance,
        "epoch": audit.epoch,
        "counts": dict(audit.counts),
        "grids": rows,
    }
    lines = [f"wrong: {fault}" for fault in audit.faults]
    if not audit.problems:
        counted = ", ".join(f"{name} {number}" for name, number in audit.counts.items())
        lines = [
            f"instance {audit.instance}, epoch {audit.epoch}: {counted}",
            *(f"grid {row['grid']} {row['symbol']}: residual {row['residual']}" for row in rows),
            *lines,
        ]
    show(wanted, told, [*lines, "all adds up" if not audit.faults else f"{len(audit.faults)} thing(s) wrong"])
    return 1 if audit.faults else 0


COMMANDS: Final[Mapping[str, Callable[[Wanted], int]]] = {
    "status": status,
    "grids": grids,
    "order": order,
    "pause": pause,
    "resume": resume,
    "stop": stop,
    "jobs": jobs,
    "backup": backup,
    "restore": restore,
    "verify": verify,
}


def _ask_server(wanted: Wanted) -> tuple[tuple[int, dict[str, Any]], tuple[int, dict[str, Any]]] | None:
    address = address_of(wanted)
    if address is None:
        return None
    try:
        return ask(f"{address}/api/status"), ask(f"{address}/ready")
    except NoAnswer:
        return None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
