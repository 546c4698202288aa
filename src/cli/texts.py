"""What the commands print, line by line."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from bootstrap.data_folder import FolderFacts, GridAudit, OrderHistory


def server_lines(facts: FolderFacts, house: Mapping[str, Any], ready: Mapping[str, Any], now_ms: int) -> list[str]:
    """Describe a running server by what it answered."""
    note = facts.server or {}
    where = f"{note.get('url')} (process {note.get('pid')})"
    market = f"{house.get('operation_mode')}, market {house.get('market_source')}"
    lines = [
        f"Gridhive {house.get('version')} runs on {where}, {market}, up {house.get('uptime')}",
        "trading can go on" if ready.get("ready") else "trading cannot go on",
    ]
    for part in ready.get("parts", []):
        state = "well" if part["ready"] else ("waiting" if part["alive"] else "DOWN")
        aged = f", {age(part['age_seconds'])} old" if part.get("age_seconds") is not None else ""
        reason = f": {part['reason']}" if part["reason"] else ""
        lines.append(f"  {part['name']:<24} {state}{aged}{reason}")
    lines.append(_heartbeat(facts.heartbeat, now_ms))
    return [*lines, *(f"note: {notice}" for notice in house.get("notices", []))]


def folder_lines(facts: FolderFacts, now_ms: int) -> list[str]:
    """Describe a data folder on which no server answers."""
    lines = [f"no server runs on {facts.folder}"]
    if facts.server:
        lines.append(f"process {facts.server.get('pid')} did not end cleanly; the next start takes its grids up again")
    lines.append(_heartbeat(facts.heartbeat, now_ms))
    if facts.copies:
        name, taken_ms = facts.copies[-1]
        lines.append(f"{len(facts.copies)} scheduled copies, the newest {name}, {age((now_ms - taken_ms) / 1000)} old")
    else:
        lines.append("no scheduled copies")
    return [*lines, "more: python -m cli grids, python -m cli verify"]


def grid_line(account: str, grid: GridAudit) -> dict[str, Any]:
    """Return one grid as plain values, amounts as exact texts in quote."""
    row, books = grid.row, grid.books
    return {
        "grid": row.grid_id,
        "account": account,
        "symbol": f"{row.instrument.base}{row.instrument.quote}",
        "market": str(row.instrument.market),
        "status": str(row.status),
        "phase": row.phase,
        "started": _iso(row.started_wall_ms),
        "trades": books.trades,
        "live_orders": grid.live_orders,
        "grid_profit": _plain(books.grid_profit),
        "fees": _plain(books.fees),
        "base_held": _plain(books.base_held),
        "residual": _plain(books.residual),
    }


def order_values(account: str, history: OrderHistory) -> dict[str, Any]:
    """Return everything stored of an order as plain values, amounts as exact texts."""
    row, intent = history.order, history.order.intent
    return {
        "client_id": intent.client_id,
        "account": account,
        "symbol": f"{intent.instrument.base}{intent.instrument.quote}",
        "order_id": row.venue_order_id,
        "side": str(intent.side),
        "type": str(intent.type),
        "price": None if intent.price is None else _plain(intent.price),
        "quantity": _plain(intent.quantity),
        "reason": intent.reason,
        "history": [
            {"at": _iso_ms(intent.created_ms), "what": "created"},
            *({"at": _iso_ms(at_ms), "what": str(status)} for status, at_ms in history.moves),
        ],
        "fills": [
            {"at": _iso_ms(fill.time_ms), "id": fill.trade_id, "price": _plain(fill.price)}
            | {"quantity": _plain(fill.quantity), "fee": f"{_plain(fill.commission)} {fill.commission_asset}"}
            for fill in history.fills
        ],
    }


def order_lines(order: Mapping[str, Any]) -> list[str]:
    """Describe what became of an order."""
    number = "has no number of the venue" if order["order_id"] is None else f"is the venue's {order['order_id']}"
    at = "the market's price" if order["price"] is None else order["price"]
    what = f"{order['type']} {order['side']} {order['quantity']} {order['symbol']} at {at}"
    return [
        f"{order['client_id']} {number}: {what} ({order['reason']})",
        *(f"  {move['at']} {move['what']}" for move in order["history"]),
        *(
            f"  {it['at']} trade {it['id']}: {it['quantity']} at {it['price']}, fee {it['fee']}"
            for it in order["fills"]
        ),
    ]


def job_lines(jobs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each job: its id, kind, state and start, and how far it is or why it is no further."""
    return [_job_line(job) for job in jobs] or ["no jobs are kept"]


def _job_line(job: Mapping[str, Any]) -> str:
    told = [job["job_id"], f"{job['kind']:<10}", f"{job['state']:<11}", job["created_at"]]
    if job["state"] == "running" and job["progress"] is not None:
        told.append(f"{job['progress']:.0%} {job['doing']}")
    if job["state"] == "queued":
        told.append(f"waits for {job['waiting_before']} before it")
    return " ".join([*told, job["reason"]]).rstrip()


def age(seconds: float) -> str:
    """Return a span for people: 42 s, 7 min, 3 h, 5 days."""
    for unit, length in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(0, int(seconds))} s"


def _heartbeat(beat: Mapping[str, Any] | None, now_ms: int) -> str:
    if beat is None:
        return "no heartbeat file"
    since_s = (now_ms - int(beat.get("written_ms", 0))) / 1000
    late = since_s > 3 * float(beat.get("every_s", 5))
    return f"heartbeat {age(since_s)} ago{': too long, a part is down or the process is gone' if late else ''}"


def _iso(wall_ms: int) -> str:
    return datetime.fromtimestamp(wall_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _iso_ms(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(amount: Any) -> str:
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
