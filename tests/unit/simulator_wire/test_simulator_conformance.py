import re
from pathlib import Path

from simulator.faults.kinds import FaultKind

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "simulator.md").read_text()


def rows() -> list[list[str]]:
    table = PAGE.partition("## Conformance")[2]
    lines = [line for line in table.splitlines() if re.match(r"\| \d", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def written_tests() -> set[str]:
    files = (ROOT / "tests").rglob("*.py")
    return {name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())}


def test_every_rule_of_the_checklist_has_a_row() -> None:
    assert {int(row[0]) for row in rows()} == set(range(1, 14))


def test_every_row_names_tests_that_exist_or_the_work_that_brings_it() -> None:
    known = written_tests()
    for _, rule, held_by in rows():
        named = re.findall(r"`(\w+)`", held_by)
        assert named or held_by == "later: futures trading", rule
        assert set(named) <= known, rule


def test_the_page_names_every_fault_and_admin_call() -> None:
    for kind in FaultKind:
        assert f"| `{kind.value}` |" in PAGE
    for call in ("state", "step", "print", "deposit", "symbol", "faults"):
        assert f"/admin/{call}" in PAGE
