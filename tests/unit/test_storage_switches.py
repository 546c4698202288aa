"""Pairs on their way between markets outlive the process, in both kinds of database."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.storage import open_store
from domain.grids import GridRequest
from domain.switches import Switch, SwitchPhase
from fakes.store_clock import StillClock
from fakes.store_examples import BTC, BTC_FUTURES, SHADOW, TESTNET
from ports.store import StoreFailed


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'books.db'}"
    return str(request.getfixturevalue("postgres").new_database())


def test_a_switch_is_numbered_by_its_account_changed_and_read_back(url: str) -> None:
    asked = Switch(
        number=0,
        source=BTC,
        request=GridRequest(instrument=BTC_FUTURES, levels=5, spacing_percent=Decimal("0.5")),
        grid_id=3,
        began_ms=1_700_000_000_000,
    )
    store, other = open_store(url, SHADOW, StillClock()), open_store(url, TESTNET, StillClock())
    first, second = store.switches.add(asked), store.switches.add(asked)
    assert ([first.number, second.number], other.switches.add(asked).number) == ([1, 2], 1)
    moving = replace(first, phase=SwitchPhase.MOVING, amount=Decimal("987.50"), sent_ms=1_700_000_000_500)
    store.switches.put(moving)
    with pytest.raises(StoreFailed, match="switch 9"):
        store.switches.put(replace(moving, number=9))
    store.close()
    other.close()
    again = open_store(url, SHADOW, StillClock())
    assert again.switches.all() == (moving, second)
    again.close()


def test_a_copy_that_was_put_back_gives_no_number_away_twice(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'books.db'}", SHADOW, StillClock())
    asked = Switch(number=0, source=BTC, request=GridRequest(instrument=BTC_FUTURES, levels=5), grid_id=3, began_ms=1)
    first = store.switches.add(asked)
    store.raise_epoch()
    assert (first.number, store.switches.add(asked).number, store.switches.add(asked).number) == (1, 101, 102)
    store.close()
