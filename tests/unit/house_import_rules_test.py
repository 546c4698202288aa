"""The folder rules hold, and a planted violation of each is found."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
LINT = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"]

PLANTED = {
    "domain/planted.py": ("import orders", "Imports point down only"),
    "adapters/planted.py": ("import agents", "Imports point down only"),
    "orders/planted.py": ("import adapters", "Only bootstrap names adapters"),
    "ports/planted.py": ("import config.settings", "Ports know the domain alone"),
    "cli/planted.py": ("import grid", "The command line knows bootstrap and config alone"),
    "risk/planted.py": ("import bootstrap", "Nothing below imports an entry point"),
    "grid/core/planted.py": ("import ports", "The grid's core knows the domain alone"),
    "backtest/planted.py": ("import grid.planted", "Back-tests use the grid's core, not its threads"),
    "rl/features_planted.py": ("import orders", "Learning never touches orders or risk"),
    "rl/policy_planted.py": ("import backtest", "Only environment and training use the back-test"),
    "agents/planted.py": ("import tensorflow", "The server never loads back-test, numba or TensorFlow"),
    "bootstrap/planted.py": ("import cli", "Imports point down only"),
    "routes/planted.py": ("import simulator", "Nothing imports the simulator"),
    "simulator/planted.py": (
        "import domain",
        "Of ours the simulator uses clock, worker loop, log and closed hosts alone",
    ),
    "agents/outside.py": ("import utils.planted", "Clients of the outside are used by adapters alone"),
    "grid/planted.py": ("", ""),
    "utils/planted.py": ("", ""),
}
ENTRY_RULES = {"main.py": {"bootstrap", "config"}, "multi_agent_bot.py": {"bootstrap", "config"}}


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "COLUMNS": "200"}
    return subprocess.run(LINT, cwd=tree, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    tree = tmp_path_factory.mktemp("planted")
    shutil.copy(ROOT / ".importlinter", tree)
    shutil.copytree(SOURCE, tree / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for path, (text, _) in PLANTED.items():
        (tree / "src" / path).write_text(f"{text}\n")
    return lint(tree)


def contracts() -> list[str]:
    return re.findall(r"^name = (.+)$", (ROOT / ".importlinter").read_text(), re.MULTILINE)


def test_the_tree_keeps_its_rules() -> None:
    outcome = lint(ROOT)
    assert outcome.returncode == 0, outcome.stdout


@pytest.mark.parametrize("contract", contracts())
def test_a_planted_violation_is_found(broken: subprocess.CompletedProcess[str], contract: str) -> None:
    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert contract in {name for _, name in PLANTED.values()}
    assert f"{contract} BROKEN" in broken.stdout


@pytest.mark.parametrize("path", [path for path, (text, _) in PLANTED.items() if text])
def test_each_planted_line_is_named(broken: subprocess.CompletedProcess[str], path: str) -> None:
    module = path.removesuffix(".py").replace("/", ".")
    assert re.search(rf"- +{re.escape(module)} -> ", broken.stdout)


def test_every_package_is_under_the_rules() -> None:
    packages = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    named = (ROOT / ".importlinter").read_text().partition("root_packages =")[2].partition("include_external")[0]
    assert packages == set(named.split())


def imported(path: Path) -> set[str]:
    """Return the first word of every module that the file at `path` imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


def ours() -> set[str]:
    return {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}


def test_entry_files_import_what_they_may() -> None:
    for name, allowed in ENTRY_RULES.items():
        path = SOURCE / name
        found = imported(path) & (ours() | {"numba", "tensorflow", "tf2onnx"}) if path.is_file() else set()
        assert found <= allowed, name


def test_the_domain_needs_the_standard_library_alone() -> None:
    for path in (SOURCE / "domain").rglob("*.py"):
        assert imported(path) <= sys.stdlib_module_names | {"domain"}, path.name


def test_one_place_reads_the_environment() -> None:
    readers = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if re.search(r"\bos\.(environ|getenv)\b|from os import .*\b(environ|getenv)\b", path.read_text())
    }
    assert readers == {"config/loading.py"}


def test_no_module_hides_one_of_the_standard_library() -> None:
    assert not ours() & set(sys.stdlib_module_names)
