"""What a campaign prints: progress, failing seeds, the table of boundary x fault, a summary as JSON."""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chaos.campaign import Tally
from chaos.points import Boundary, Fault, can_meet

ENOUGH_PER_10_000 = 20
_SHOWN = 20


def failing_line(seed: int, reason: str, bug: str, market: str | None = None) -> str:
    """Return one line for a seed that failed, with the command that replays it."""
    plant = f" --plant {bug}" if bug else ""
    on = f" --market {market}" if market else ""
    return f"seed {seed}: {reason}  ->  python -m chaos --seed {seed} --runs 1{on}{plant} -v"


def show_table(console: Console, tally: Tally) -> None:
    """Print how often a death at each boundary came together with each fault."""
    faults = list(Fault)
    table = Table(title="deaths at a boundary with a fault within 30 s", show_lines=False, pad_edge=False)
    table.add_column("boundary", no_wrap=True)
    table.add_column("deaths", justify="right")
    for number in range(1, len(faults) + 1):
        table.add_column(str(number), justify="right", no_wrap=True)
    for boundary in Boundary:
        cells = [_cell(tally, boundary, fault) for fault in faults]
        table.add_row(boundary.value, str(tally.deaths[boundary]), *cells)
    legend = ", ".join(f"{number} {fault} ({tally.strikes[fault]})" for number, fault in enumerate(faults, 1))
    Console(file=console.file, width=max(console.width, 250)).print(table)
    console.print(f"faults (and how often each struck): {legend}", soft_wrap=True)
    low = too_few(tally)
    if low:
        told = ", ".join(f"{boundary} x {fault}: {tally.hits[boundary, fault]}" for boundary, fault in low[:_SHOWN])
        more = f" and {len(low) - _SHOWN} more" if len(low) > _SHOWN else ""
        console.print(f"{len(low)} pairs below {_wanted(tally):.1f}: {told}{more}", soft_wrap=True)


def write_markdown(path: Path, tally: Tally) -> None:
    """Write the table and its legend as Markdown, for docs/chaos.md."""
    faults = list(Fault)
    lines = [
        f"| boundary | deaths | {' | '.join(str(number) for number in range(1, len(faults) + 1))} |",
        f"| --- | {' | '.join('--:' for _ in range(len(faults) + 1))} |",
    ]
    for boundary in Boundary:
        cells = [f"{tally.deaths[boundary]:,}", *(_cell(tally, boundary, fault) for fault in faults)]
        lines.append(f"| {boundary} | {' | '.join(cells)} |")
    lines += ["", "Faults, by column, and how often each struck:", ""]
    lines += [f"{number}. {fault} ({tally.strikes[fault]:,})" for number, fault in enumerate(faults, 1)]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _cell(tally: Tally, boundary: Boundary, fault: Fault) -> str:
    return f"{tally.hits[boundary, fault]:,}" if can_meet(boundary, fault, tally.markets) else "-"


def too_few(tally: Tally) -> list[tuple[Boundary, Fault]]:
    """Return the pairs that can meet and were hit less often than 20 times in 10,000 runs."""
    return [
        (boundary, fault)
        for boundary in Boundary
        for fault in Fault
        if can_meet(boundary, fault, tally.markets) and tally.hits[boundary, fault] < _wanted(tally)
    ]


def _wanted(tally: Tally) -> float:
    return ENOUGH_PER_10_000 * tally.runs / 10_000


def write_summary(path: Path, tally: Tally, *, first_seed: int, seconds: float) -> None:
    """Write everything that was counted as JSON."""
    summary = {
        "first_seed": first_seed,
        "runs": tally.runs,
        "twins": tally.twins,
        "on_contracts": tally.on_contracts,
        "funding_payments": tally.payments,
        "seconds": round(seconds, 1),
        "trades": tally.trades,
        "orders": tally.orders,
        "failed": {str(seed): reason for seed, reason in sorted(tally.failed.items())},
        "deaths": {boundary.value: tally.deaths[boundary] for boundary in Boundary},
        "faults": {fault.value: tally.strikes[fault] for fault in Fault},
        "hits": {
            boundary.value: {fault.value: tally.hits[boundary, fault] for fault in Fault} for boundary in Boundary
        },
        "pairs_below_20_per_10000": len(too_few(tally)),
    }
    path.write_text(json.dumps(summary, indent=1, ensure_ascii=False) + "\n", "utf-8")
