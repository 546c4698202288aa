"""What every file of the repository owes its readers."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOSTS = "|".join(re.escape(name + end) for name, end in (("pypi.", "org"), ("pythonhosted.", "org"), ("npmjs.", "org")))
DEBIAN = re.escape("deb.debian" + ".org")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/\w")


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout: the list of files is not known")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def texts() -> dict[str, str]:
    found = {}
    for path in tracked():
        try:
            found[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return found


def scripts() -> list[str]:
    return [name for name, text in texts().items() if name.endswith(".sh") or re.match(r"#!.*\b(ba)?sh\b", text)]


def test_every_script_parses() -> None:
    assert {"run_tests.sh", "start_api.sh", "start_multi_agent_bot.sh", ".ci/run"} <= set(scripts())
    for name in scripts():
        outcome = subprocess.run(["bash", "-n", name], cwd=ROOT, capture_output=True, text=True, check=False)
        assert outcome.returncode == 0, outcome.stderr


def test_every_script_that_is_run_has_its_run_bit() -> None:
    run = scripts()
    for name, text in texts().items():
        if name in run and text.startswith("#!"):
            assert os.access(ROOT / name, os.X_OK), name


def test_no_file_names_a_registry_host_or_a_path_of_one_machine() -> None:
    for name, text in texts().items():
        for pattern in (re.compile(HOSTS), re.compile(DEBIAN), MACHINE_PATH):
            assert not (found := pattern.search(text)), f"{name}: {found}"


def test_licence_and_house_papers_are_there() -> None:
    assert "MIT License" in (ROOT / "LICENSE").read_text()
    for name in ("CONTRIBUTING.md", "CHANGELOG.md", ".env.example"):
        assert (ROOT / name).is_file(), name


def test_every_link_between_pages_resolves() -> None:
    pages = {name: text for name, text in texts().items() if name.endswith(".md")}
    for name, text in pages.items():
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", prose):
            if re.match(r"[a-z]+:|#", target):
                continue
            path = (ROOT / name).parent / target.partition("#")[0]
            assert path.exists(), f"{name} links to {target}"


def test_requirements_are_pinned_sorted_and_one_set() -> None:
    pins = {}
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = [line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#")]
        assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+", line) for line in lines), name
        assert lines == sorted(lines, key=lambda line: line.partition("==")[0]), name
        pins[name] = set(lines)
    assert pins["requirements.txt"] < pins["requirements-dev.txt"]


def test_sources_of_the_pinned_sets_are_met() -> None:
    for source, locked in (("requirements.in", "requirements.txt"), ("requirements-dev.in", "requirements-dev.txt")):
        pins = dict(line.split("==") for line in (ROOT / locked).read_text().splitlines() if "==" in line)
        for line in (ROOT / source).read_text().splitlines():
            if not line or line.startswith("#"):
                continue
            package, _, version = line.partition("==")
            assert package in pins, package
            assert version in ("", pins[package]), package


def test_the_example_of_dotenv_names_every_variable_the_shipped_file_asks_for() -> None:
    asked = set(re.findall(r"\$\{([A-Z]\w+)", (ROOT / "src/config/config.yaml").read_text())) - {"NAME"}
    example = set(re.findall(r"^([A-Z]\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert asked == example
    assert len(asked) == 9
