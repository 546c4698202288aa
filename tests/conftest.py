"""What all tests share."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from fakes.postgres import PostgresServer, start_or_skip

# A time limit per example would measure how busy the machine is; pytest-timeout bounds each whole test.
settings.register_profile("gridhive", deadline=None)
settings.load_profile("gridhive")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A private PostgreSQL for the whole run; skips, or fails on the build server, where it is not installed."""
    with start_or_skip() as server:
        yield server
