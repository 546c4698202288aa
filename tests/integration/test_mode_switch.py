"""Another mode takes over whole or not at all: what runs is not touched before the other house stands.

Two real houses on two real simulators, each with books of its own; the second one plays the part of Testnet.
"""

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from bootstrap.builder import HouseBuilder
from bootstrap.data_folder import DataFolder, audit_books, data_folder
from bootstrap.house import House
from bootstrap.standing import StandingHouse
from config.loading import load_settings
from domain.account import Mode
from domain.errors import Conflict, InvalidRequest, Unreachable
from domain.grids import GridRequest
from domain.instrument import Market
from fakes.jobs import Jobs
from fakes.processes import SHADOW_ACCOUNT, Exchange, until, wait_for_orders, write_flat_candles
from fakes.venue_process import VenueProcess
from ports.store import StoreFailed
from utils.clock import SystemClock

YEAR_MS = 365 * 86_400_000


class Town:
    """Where houses are built: a replay of 2024 behind Shadow, a market of today behind what is called Testnet."""

    def __init__(self, folder: Path, first: VenueProcess, second: VenueProcess) -> None:
        self.asked: list[Mode] = []
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[House], None] = lambda _house: None
        self._urls = {Mode.SHADOW: first.url, Mode.TESTNET: second.url}
        self._folder = folder
        self.standing = StandingHouse(self.build, tuple(Mode))

    def build(self, mode: Mode) -> House:
        self.asked.append(mode)
        self.before()
        options = ("--data-dir", str(self.data(mode)), "--exchange-url", self._urls[mode])
        settings = load_settings(options, {}, self._folder)
        self.data(mode).mkdir(exist_ok=True)
        builder = HouseBuilder(
            settings=settings,
            folder=data_folder(settings),
            jobs=Jobs(),
            switch=self.standing.switch,
            process_parts=(),
            started_wall_ms=0,
        )
        house = builder.build(Mode.SHADOW)
        house.mode = mode
        self.after(house)
        return house

    def data(self, mode: Mode) -> Path:
        return self._folder / mode.lower()

    def rename_table(self, mode: Mode, name: str, other: str) -> None:
        with closing(sqlite3.connect(self.data(mode) / "gridhive.db")) as books:
            books.execute(f"ALTER TABLE {name} RENAME TO {other}")

    def start_grid(self, house: House) -> None:
        instrument = house.venue.market_data.instrument("BTCUSDT", Market.SPOT)
        house.control.start_grid(GridRequest(instrument=instrument, levels=10, spacing_percent=Decimal("0.5")))


@contextmanager
def venues(folder: Path) -> Iterator[tuple[VenueProcess, VenueProcess]]:
    recording = write_flat_candles(folder / "BTCUSDT.csv", "50000.00")
    with (
        VenueProcess("--market", "replay", "--data", recording, "--speed", "60", *SHADOW_ACCOUNT) as first,
        VenueProcess("--market", "synthetic", "--seed", "7", *SHADOW_ACCOUNT) as second,
    ):
        yield first, second


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[VenueProcess, VenueProcess]]:
    with venues(tmp_path) as both:
        yield both


@pytest.fixture
def town(tmp_path: Path, both: tuple[VenueProcess, VenueProcess]) -> Iterator[Town]:
    town = Town(tmp_path, *both)
    town.standing.open(Mode.SHADOW)
    try:
        yield town
    finally:
        town.standing.close(cancel_orders=False)


@pytest.fixture
def exchange(both: tuple[VenueProcess, VenueProcess]) -> Iterator[Exchange]:
    with Exchange(both[0].url) as exchange:
        yield exchange


def switch(town: Town, word: str = "Testnet", *, force: bool = True) -> object:
    return town.standing.switch(word, force, True)


def switch_in_the_end(town: Town) -> None:
    """Switch; where a grid is still taking its orders off the book, ask again as the refusal says."""

    def asked() -> bool:
        try:
            switch(town)
        except Conflict as refused:
            if "ask again" in str(refused):
                return False
            raise
        return True

    until(asked, "the grids to end")


def untouched(town: Town, exchange: Exchange, kept: list[dict[str, object]]) -> None:
    """Check that the first house stands as before, its grid at work, and starts what it is asked to."""
    assert town.standing.now.mode is Mode.SHADOW
    assert exchange.open_orders() == kept
    (runner,) = town.standing.now.manager.running
    assert runner.snapshot().status == "running"
    assert all(part.alive for part in town.standing.now.control.parts())
    with pytest.raises(Conflict, match="a grid runs on BTCUSDT"):
        town.start_grid(town.standing.now)


def test_a_house_that_cannot_be_built_ends_nothing(town: Town, exchange: Exchange) -> None:
    def fail() -> None:
        raise Unreachable("Binance's Testnet does not answer")

    town.start_grid(town.standing.now)
    kept = wait_for_orders(exchange)
    town.before = fail
    with pytest.raises(Unreachable):
        switch(town)
    untouched(town, exchange, kept)


def test_a_house_whose_grids_cannot_be_taken_up_again_is_closed_and_ends_nothing(
    town: Town, exchange: Exchange
) -> None:
    town.start_grid(town.standing.now)
    kept = wait_for_orders(exchange)
    town.after = lambda _house: town.rename_table(Mode.TESTNET, "grids", "mislaid")
    with pytest.raises(StoreFailed):
        switch(town)
    untouched(town, exchange, kept)
    # It let go of its account: it can be built again.
    town.after = lambda _house: None
    town.rename_table(Mode.TESTNET, "mislaid", "grids")
    town.build(Mode.TESTNET).close(cancel_orders=False)


def test_a_start_while_the_other_house_is_built_is_refused_not_lost(town: Town) -> None:
    told: list[Conflict] = []

    def start_meanwhile() -> None:
        with pytest.raises(Conflict) as refused:
            town.start_grid(town.standing.now)
        told.append(refused.value)

    town.before = start_meanwhile
    old = town.standing.now
    switch(town, force=False)
    assert "the mode is being switched to Testnet" in str(told[0])
    with pytest.raises(Conflict, match="the mode is being switched"):
        town.start_grid(old)  # a request that still found the old house


def test_grids_that_run_are_ended_only_by_force_and_nothing_is_built_for_a_refusal(
    town: Town, exchange: Exchange
) -> None:
    town.start_grid(town.standing.now)
    kept = wait_for_orders(exchange)
    with pytest.raises(Conflict, match=r"1 grid\(s\) run in Shadow; stop them first or send force: true"):
        switch(town, force=False)
    with pytest.raises(Conflict, match="Production is not offered yet"):
        switch(town, "Production")
    with pytest.raises(InvalidRequest):
        switch(town, "Paper")
    assert town.asked == [Mode.SHADOW]
    untouched(town, exchange, kept)


def test_a_grid_that_does_not_end_keeps_its_house(
    town: Town, both: tuple[VenueProcess, VenueProcess], exchange: Exchange
) -> None:
    town.start_grid(town.standing.now)
    wait_for_orders(exchange)
    hung = int(both[0].ready["pid"])
    town.after = lambda _house: os.kill(hung, signal.SIGSTOP)
    try:
        with pytest.raises(Conflict, match="BTCUSDT has not ended yet; the mode stays Shadow"):
            switch(town)
        assert town.standing.now.mode is Mode.SHADOW
    finally:
        os.kill(hung, signal.SIGCONT)
    until(lambda: not exchange.open_orders(), "the orders to be taken off once the exchange answers again")
    town.after = lambda _house: None
    switch_in_the_end(town)
    assert town.standing.now.mode is Mode.TESTNET


def test_the_other_house_has_its_own_market_time_and_the_first_leaves_nothing_behind(
    town: Town, exchange: Exchange
) -> None:
    old = town.standing.now
    town.start_grid(old)
    wait_for_orders(exchange)
    assert old.control.system().market_ms < SystemClock().wall_ms() - YEAR_MS
    switch_in_the_end(town)
    assert exchange.open_orders() == []
    (account,) = audit_books(DataFolder(town.data(Mode.SHADOW), None)).accounts
    assert [grid.row.status for grid in account.grids] == ["stopped"]
    now = town.standing.now
    assert now.mode is Mode.TESTNET
    assert abs(now.control.system().market_ms - SystemClock().wall_ms()) < 60_000
    town.start_grid(now)
    town.build(Mode.SHADOW).close(cancel_orders=False)  # the first one's account is free


def test_no_mode_is_switched_once_the_server_ends(town: Town) -> None:
    town.standing.close(cancel_orders=False)
    with pytest.raises(Conflict, match="the server is ending"):
        switch(town)
