"""What all tests share."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from fakes.postgres import PostgresServer, start_or_skip

# Time limits, per example or for drawing it, would measure how busy the machine is; pytest-timeout bounds each test.
settings.register_profile("gridhive", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gridhive")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A private PostgreSQL for the whole run; skips, or fails on the build server, where it is not installed."""
    with start_or_skip() as server:
        yield server
