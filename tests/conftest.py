"""What all tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from fakes.postgres import PostgresServer, start_or_skip

# Time limits, per example or for drawing it, would measure how busy the machine is; pytest-timeout bounds each test.
settings.register_profile("gridhive", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The build server draws the same examples of a test until that test changes; people's machines go on looking.
settings.register_profile("build server", settings.get_profile("gridhive"), derandomize=True)
settings.load_profile("build server" if os.environ.get("CI") == "true" else "gridhive")


TESTS = Path(__file__).parent
BY_THE_CLOCK, IN_PROCESS = ("e2e", "integration"), ("integration/backtest", "integration/chaos")
SECOND_TRY = pytest.mark.flaky(reruns=1, rerun_except="from pytest-timeout")  # whose clock runs once for both tries


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On the build server, try what runs real processes by the wall clock once more where it fails.

    The summary names each test that was tried twice. What depends on no clock has one try: property tests, unit tests.
    """
    if os.environ.get("CI") != "true":
        return
    for item in items:
        place = item.path.as_posix().removeprefix(f"{TESTS.as_posix()}/")
        is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if place.startswith(BY_THE_CLOCK) and not place.startswith(IN_PROCESS) and not is_property:
            item.add_marker(SECOND_TRY)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A private PostgreSQL for the whole run; skips, or fails on the build server, where it is not installed."""
    with start_or_skip() as server:
        yield server
