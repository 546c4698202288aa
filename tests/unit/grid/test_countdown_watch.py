"""The venue's countdown over contracts: when it is armed, what it says when it is not, and who must live for it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from domain.errors import Unreachable
from domain.events import CountdownStands
from domain.futures import Countdown, CountdownPolicy
from domain.instrument import Instrument, Market
from fakes.clock import FakeClock
from grid.countdowns import HUNG_S, CountdownWatch, is_wanted, why_not
from grid.runner import GridRunner

AUTO, OFF, FORCE = CountdownPolicy.AUTO, CountdownPolicy.OFF, CountdownPolicy.FORCE
BTC, ETH = (Instrument("binance", Market.FUTURES, base, "USDT") for base in ("BTC", "ETH"))
RUNS_OUT_MS = 120_000


@pytest.mark.parametrize(
    ("policy", "foreign", "wanted", "speaks"),
    [
        (AUTO, None, None, False),
        (AUTO, 0, True, False),
        (AUTO, 2, False, True),
        (OFF, 0, False, False),
        (OFF, 2, False, False),
        (FORCE, None, True, False),
        (FORCE, 2, True, False),
    ],
)
def test_it_is_armed_where_it_cancels_nobody_elses_orders_or_by_consent(
    policy: CountdownPolicy, foreign: int | None, wanted: bool | None, speaks: bool
) -> None:
    assert is_wanted(policy, foreign) is wanted
    assert bool(why_not(policy, foreign)) is speaks


@dataclass
class SomeCountdowns:
    """Implements ports.futures.Countdowns; `fails` makes the next call end without the venue's word."""

    armed: dict[Instrument, Countdown] = field(default_factory=dict)
    calls: list[tuple[str, Instrument]] = field(default_factory=list)
    fails: bool = False
    alive: Callable[[Instrument], bool] = lambda _instrument: False

    def arm(self, instrument: Instrument) -> None:
        self._call("arm", instrument)
        self.armed[instrument] = Countdown(instrument=instrument, runs_out_ms=RUNS_OUT_MS)

    def disarm(self, instrument: Instrument) -> None:
        self.armed.pop(instrument, None)
        self._call("disarm", instrument)

    def renew_while(self, alive: Callable[[Instrument], bool]) -> None:
        self.alive = alive

    def standing(self) -> tuple[Countdown, ...]:
        return tuple(self.armed.values())

    def _call(self, name: str, instrument: Instrument) -> None:
        self.calls.append((name, instrument))
        if self.fails:
            self.fails = False
            raise Unreachable("no answer")


@dataclass(eq=False)
class SomeRunner:
    """As much of a GridRunner as the watch looks at."""

    instrument: Instrument
    foreign_orders: int | None = 0
    is_alive: bool = True
    is_futures: bool = True
    told: list[CountdownStands] = field(default_factory=list)

    @property
    def row(self) -> Any:
        return SimpleNamespace(instrument=self.instrument, plan=SimpleNamespace(terms=self.is_futures or None))

    def snapshot(self) -> Any:
        return SimpleNamespace(foreign_orders=self.foreign_orders)

    def tell(self, event: CountdownStands) -> None:
        self.told.append(event)


class Watched:
    def __init__(self, *runners: SomeRunner, policy: CountdownPolicy = AUTO) -> None:
        self.runners, self.venue, self.clock = list(runners), SomeCountdowns(), FakeClock()
        running = cast("list[GridRunner]", self.runners)
        self.watch = CountdownWatch(self.venue, policy, lambda: running, self.clock)

    def look(self) -> list[tuple[str, Instrument]]:
        self.venue.calls.clear()
        self.watch.look()
        return list(self.venue.calls)


def test_a_grid_is_covered_once_it_is_known_that_nobody_else_has_orders_there() -> None:
    grid = SomeRunner(BTC, foreign_orders=None)
    watched = Watched(grid, SomeRunner(ETH, is_futures=False))
    assert watched.look() == []
    grid.foreign_orders = 0
    assert watched.look() == [("arm", BTC)]
    assert watched.look() == []
    assert grid.told == [CountdownStands(RUNS_OUT_MS)]


def test_others_orders_that_turn_up_stop_it_with_a_notice_and_their_end_arms_it_again() -> None:
    grid = SomeRunner(BTC)
    watched = Watched(grid)
    watched.look()
    grid.foreign_orders = 1
    assert watched.look() == [("disarm", BTC)]
    assert grid.told[-1].runs_out_ms is None
    assert "force" in grid.told[-1].notice
    grid.foreign_orders = 0
    assert watched.look() == [("arm", BTC)]
    assert grid.told[-1] == CountdownStands(RUNS_OUT_MS)


def test_switched_off_it_stops_once_what_an_earlier_server_may_have_armed() -> None:
    watched = Watched(SomeRunner(BTC), policy=OFF)
    assert watched.look() == [("disarm", BTC)]
    assert watched.look() == []


def test_arming_that_fails_is_told_and_tried_again() -> None:
    grid = SomeRunner(BTC)
    watched = Watched(grid)
    watched.venue.fails = True
    assert watched.look() == [("arm", BTC)]
    assert "asked again" in grid.told[-1].notice
    assert watched.look() == [("arm", BTC)]
    assert grid.told[-1] == CountdownStands(RUNS_OUT_MS)


def test_a_grid_that_ends_is_uncovered_until_the_venue_says_so() -> None:
    watched = Watched(SomeRunner(BTC))
    watched.look()
    watched.runners.clear()
    watched.venue.fails = True
    assert watched.look() == [("disarm", BTC)]
    assert watched.look() == [("disarm", BTC)]
    assert watched.look() == []


def test_a_planned_end_stops_every_countdown_and_arms_none_after() -> None:
    watched = Watched(SomeRunner(BTC), SomeRunner(ETH))
    watched.look()
    watched.venue.calls.clear()
    watched.watch.part()
    assert sorted(watched.venue.calls, key=str) == [("disarm", BTC), ("disarm", ETH)]
    assert watched.look() == []


def test_what_the_venue_did_not_confirm_is_neither_on_nor_off() -> None:
    grid = SomeRunner(BTC)
    watched = Watched(grid)
    watched.look()
    watched.runners.clear()
    watched.venue.fails = True
    watched.look()  # off, perhaps
    watched.runners.append(grid)
    assert watched.look() == [("arm", BTC)], "a new grid is not taken for covered"


def test_a_planned_end_stops_also_what_an_earlier_server_may_have_armed() -> None:
    watched = Watched(SomeRunner(BTC, foreign_orders=None))
    assert watched.look() == []
    watched.watch.part()
    assert watched.venue.calls == [("disarm", BTC)]


def test_a_start_that_failed_stops_no_countdown_and_arms_none() -> None:
    watched = Watched(SomeRunner(BTC), SomeRunner(ETH, foreign_orders=None))
    assert watched.look() == [("arm", BTC)]
    watched.watch.leave()
    watched.runners[1].foreign_orders = 0
    assert watched.look() == []
    watched.watch.part()
    assert watched.venue.calls == []
    assert [*watched.venue.armed] == [BTC]


def test_alive_is_whose_thread_comes_back_and_while_the_watch_looks() -> None:
    btc, eth = SomeRunner(BTC), SomeRunner(ETH)
    watched = Watched(btc, eth)
    watched.look()
    eth.is_alive = False
    assert (watched.venue.alive(BTC), watched.venue.alive(ETH)) == (True, False)
    watched.clock.advance(HUNG_S + 1)
    assert not watched.venue.alive(BTC)
    watched.look()
    assert watched.venue.alive(BTC)
