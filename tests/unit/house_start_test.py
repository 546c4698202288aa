"""What a start waits for: only what it uses is loaded, and a child sees only what it needs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
SECRETS = {
    "BINANCE_API_SECRET": "s1",
    "BINANCE_TESTNET_API_KEY": "s2",
    "TELEGRAM_BOT_TOKEN": "s3",
    "DATABASE_URL": "s4",
}


def answer(program: str, **environment: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=SOURCE,
        env={**os.environ, "PYTHONPATH": str(SOURCE), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "spared"),
    [
        ("bootstrap.entry", {"polars", "talib", "pandas", "numba"}),
        ("cli.__main__", {"polars", "talib", "pandas", "flask", "uvicorn", "aiohttp", "binance"}),
    ],
)
def test_a_start_loads_no_library_it_does_not_use(module: str, spared: set[str]) -> None:
    assert not answer(f"import sys, {module}; print(*sys.modules)") & spared


def test_a_child_sees_where_things_are_and_no_secret() -> None:
    program = "from config.loading import child_environment as it; print(*it(), *it().values())"
    seen = answer(program, LC_ALL="C.UTF-8", https_proxy="http://127.0.0.1:1", GRIDHIVE_PORT="1", **SECRETS)
    assert {"PATH", "PYTHONPATH", "LC_ALL", "https_proxy"} <= seen
    assert not seen & {"GRIDHIVE_PORT", *SECRETS, *SECRETS.values()}
