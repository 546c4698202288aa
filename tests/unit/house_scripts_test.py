"""The scripts say plainly what is missing, and write nothing outside their folder."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("bash", "cat", "cut", "dirname")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the scripts in a folder with a space in its name, and a path that holds no Python."""
    tree = tmp_path / "a copy"
    (tree / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts/environment.sh", tree / "scripts")
    for name in (
        "start_api.sh",
        "start_multi_agent_bot.sh",
        "run_tests.sh",
        "requirements.txt",
        "requirements-dev.txt",
    ):
        shutil.copy(ROOT / name, tree)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (tmp_path / "bin" / tool).symlink_to(found)
    return tree


def run(checkout: Path, script: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(checkout.parent / "bin"), "HOME": str(checkout.parent)}
    return subprocess.run(
        [str(checkout / script)], cwd="/", env=environment, capture_output=True, text=True, check=False
    )


def give_python(checkout: Path, *, version_ok: bool, venv_ok: bool) -> None:
    """Put a python3.11 on the path that answers the two questions the scripts ask it."""
    fake = checkout.parent / "bin/python3.11"
    fake.write_text(
        "#!/usr/bin/env bash\ncase $2 in\n"
        f"*version_info*) exit {0 if version_ok else 1} ;;\n*ensurepip*) exit {0 if venv_ok else 1} ;;\n"
        "*) exit 9 ;;\nesac\n"
    )
    fake.chmod(0o755)
    (checkout.parent / "bin/env").symlink_to(str(shutil.which("env")))


@pytest.mark.parametrize("script", ["start_api.sh", "start_multi_agent_bot.sh", "run_tests.sh"])
def test_a_missing_python_is_named_with_the_remedy(checkout: Path, script: str) -> None:
    outcome = run(checkout, script)
    assert outcome.returncode == 1
    assert "Python 3.11 or later is needed" in outcome.stderr
    assert "apt-get install python3.11" in outcome.stderr
    assert not (checkout / ".venv").exists()


def test_a_python_that_is_too_old_counts_as_missing(checkout: Path) -> None:
    give_python(checkout, version_ok=False, venv_ok=True)
    assert "Python 3.11 or later is needed" in run(checkout, "start_api.sh").stderr


def test_a_missing_venv_module_is_named_with_the_remedy(checkout: Path) -> None:
    give_python(checkout, version_ok=True, venv_ok=False)
    outcome = run(checkout, "start_api.sh")
    assert outcome.returncode == 1
    assert "python3.11 has no venv module" in outcome.stderr
    assert "python3-venv" in outcome.stderr


def ready(checkout: Path) -> None:
    """Give the copy an environment whose stamp says that nothing needs to be installed."""
    (checkout / ".venv/bin").mkdir(parents=True)
    (checkout / ".venv/bin/python").write_text(
        '#!/usr/bin/env bash\ncase "$*" in\n*hashlib*) echo 1234 ;;\n'
        f'*purelib*) echo "{checkout}/.venv" ;;\n-c*) exit 0 ;;\n*) printf "%s\\n" "started $*" "in $PWD" ;;\nesac\n'
    )
    (checkout / ".venv/bin/python").chmod(0o755)
    (checkout / ".venv/.installed-requirements.txt").write_text("1234\n")
    (checkout.parent / "bin/env").symlink_to(str(shutil.which("env")))


@pytest.mark.parametrize(
    ("script", "entry"), [("start_api.sh", "src/main.py"), ("start_multi_agent_bot.sh", "src/multi_agent_bot.py")]
)
def test_a_ready_environment_starts_at_once_in_its_own_folder(checkout: Path, script: str, entry: str) -> None:
    ready(checkout)
    outcome = run(checkout, script)
    assert outcome.stderr == ""
    assert outcome.stdout.splitlines() == [f"started {entry}", f"in {checkout}"]
    assert (checkout / ".venv/gridhive.pth").read_text() == f"{checkout}/src\n"
    assert sorted(path.name for path in checkout.parent.iterdir()) == ["a copy", "bin"]
