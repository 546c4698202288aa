"""A pair changes markets while people, stops, other grids and clocks come in between."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from domain.edits import GridChanges
from domain.errors import Conflict, FieldMistake, InvalidRequest
from domain.futures import Position, PositionSide
from domain.grids import AskedBy, GridStatus, OnStop, PauseKeep, Phase
from domain.instrument import Market
from domain.switches import SwitchPhase, Transfer, encode_switch, told_apart
from fakes.house import BTC, BTC_FUTURES
from fakes.switch_town import SwitchTown, begun
from grid.switch_steps import LISTED_FOR_MS, SETTLING_S
from ports.store import StoreFailed

ZERO = Decimal(0)
LEFT = Position(
    instrument=BTC_FUTURES,
    side=PositionSide.BOTH,
    quantity=Decimal("0.001"),
    entry_price=Decimal(45_000),
    break_even_price=Decimal(45_000),
    mark_price=Decimal(45_000),
    liquidation_price=None,
    unrealized_profit=ZERO,
    notional=Decimal(45),
    isolated_margin=ZERO,
    isolated_wallet=ZERO,
    initial_margin=Decimal(45),
    maintenance_margin=Decimal(1),
    updated_ms=0,
)


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda town: town.house.stop_grid(BTC, OnStop.CANCEL),
        lambda town: setattr(town.house, "stop_hangs", "its orders") or town.house.stop_grid(BTC, OnStop.KEEP),
        lambda town: town.house.pause_grid(BTC, PauseKeep.EXITS),
        lambda town: town.house.edit_grid(BTC, GridChanges(levels=7), dry_run=False),
    ],
    ids=["ended", "ending", "paused", "edited"],
)
def test_a_grid_that_a_person_or_its_own_stop_changed_meanwhile_is_not_started_on_the_other_market(
    meanwhile: Callable[[SwitchTown], object],
) -> None:
    town = begun()
    meanwhile(town)
    switch = town.run()
    assert (switch.phase, "nothing was moved" in switch.reason) == (SwitchPhase.FAILED, True)
    assert (BTC_FUTURES in town.running(), town.house.made) == (False, [])
    town.house.history.clear()
    town.house.stop_hangs = ""
    town.start(BTC)
    town.switching.begin(BTC, Market.FUTURES)  # nothing has moved, so there is nothing to cool down from


def test_a_paused_grid_is_not_moved_nor_one_that_is_not_the_askers() -> None:
    town = SwitchTown()
    town.start(BTC)
    with pytest.raises(Conflict, match="is a person's; it is left alone"):
        town.switching.begin(BTC, Market.FUTURES, asked_by=AskedBy.AUTOPILOT)
    town.house.pause_grid(BTC, PauseKeep.EXITS)
    with pytest.raises(Conflict, match="paused by request; resume it first"):
        town.switching.begin(BTC, Market.FUTURES)


def test_books_in_doubt_are_not_trusted_to_be_flat() -> None:
    town = SwitchTown()
    town.start(BTC)
    town.house.history[BTC] = replace(town.house.history[BTC], phase=Phase.FAULTED, phase_reason="a fill is missing")
    with pytest.raises(Conflict, match="needs a person: a fill is missing"):
        town.switching.begin(BTC, Market.FUTURES)
    for end in ({"phase": Phase.FAULTED}, {"status": GridStatus.STOPPED, "open_orders": (), "alarms": ("a fill",)}):
        town = begun()
        town.house.stop_hangs = "its orders come off"
        town.switching.step()
        flat = replace(town.house.history[BTC].books, base_held=ZERO)
        town.house.history[BTC] = replace(town.house.history[BTC], books=flat, **end)
        switch = town.run()
        assert (switch.phase, "needs a person" in switch.reason) == (SwitchPhase.FAILED, True)
        assert town.house.made == []


def test_nothing_moves_while_orders_of_the_old_grid_rest_or_the_exchange_shows_a_position() -> None:
    town = begun()
    town.house.stop_hangs = "its orders come off"
    town.switching.step()
    ended = replace(town.house.history[BTC], status=GridStatus.STOPPED, phase=Phase.ENDED)
    town.house.history[BTC] = ended  # a person said: keep
    assert ended.open_orders
    assert "of its orders still rest; nothing was moved" in town.run().reason
    town = SwitchTown()
    town.house.wallets = {Market.SPOT: ZERO, Market.FUTURES: Decimal(1500)}
    town.start(BTC_FUTURES)
    town.switching.begin(BTC_FUTURES, Market.SPOT)
    town.house.positions_left = (LEFT,)
    town.switching.step()
    assert (town.newest().phase, town.newest().reason) == (SwitchPhase.UNWINDING, "the exchange still shows a position")
    switch = town.run(every_s=SETTLING_S)
    assert (switch.phase, town.house.made, town.running()) == (SwitchPhase.FAILED, [], [])


def test_a_grid_that_somebody_starts_where_the_pair_goes_is_never_taken_for_the_new_one() -> None:
    town = begun()
    town.start(BTC_FUTURES, capital=Decimal(400))
    switch = town.run()
    assert switch.reason == "a grid was started on futures meanwhile; the funds are on spot"
    assert (switch.phase, town.house.made) == (SwitchPhase.FAILED, [])
    town = begun()
    town.house.lost = ["answer"]
    town.switching.step()
    town.start(BTC_FUTURES, capital=Decimal(400))
    switch = town.run(steps=40)
    assert (switch.phase, "the funds are on futures" in switch.reason) == (SwitchPhase.FAILED, True)


def test_a_new_grid_that_ended_before_its_start_was_stored_is_not_started_again() -> None:
    town = begun()
    town.switching.step()
    town.books.rows[1] = encode_switch(replace(town.newest(), phase=SwitchPhase.STARTING, ended_ms=None))
    town.house.stop_grid(BTC_FUTURES, OnStop.UNWIND)
    town.restart()
    assert (town.run().phase, town.running()) == (SwitchPhase.DONE, [])


def test_without_free_funds_no_grid_starts_by_what_the_other_wallet_holds() -> None:
    town = begun()
    town.house.wallets = {Market.SPOT: Decimal("0.50"), Market.FUTURES: Decimal(9000)}
    switch = town.run()
    assert "too little to move; the funds are on spot" in switch.reason
    assert (switch.phase, town.running()) == (SwitchPhase.FAILED, [])


def test_no_clock_that_jumps_and_no_week_that_passes_sends_a_transfer_twice() -> None:
    town = begun()
    town.house.lost = ["answer"]
    town.house.find = lambda _transfer: None  # type: ignore[method-assign]
    town.switching.step()
    town.clock.jump_wall(3_600_000)
    town.switching.step()
    assert (town.newest().phase, town.newest().attempt) == (SwitchPhase.MOVING, 1)
    town.clock.jump_wall(LISTED_FOR_MS)
    town.switching.step()
    assert "cannot be found out any more" in town.newest().reason
    assert (town.newest().phase, len(town.house.made)) == (SwitchPhase.FAILED, 1)


def test_funds_that_arrive_late_are_waited_for_a_minute_before_preflight_counts() -> None:
    town = begun()
    start, refusal = town.house.start_grid, InvalidRequest([FieldMistake("capital", "only 0 USDT are free")])

    def refuse(_request: object) -> object:
        raise refusal

    town.house.start_grid = refuse  # type: ignore[assignment, method-assign]
    town.switching.step()
    assert (town.newest().phase, town.newest().reason) == (SwitchPhase.STARTING, str(refusal))
    town.house.start_grid = start  # type: ignore[method-assign]
    town.switching.step()
    assert town.newest().phase is SwitchPhase.STARTING  # too soon: each try reads much of the exchange
    assert town.run().phase is SwitchPhase.DONE
    town = begun()
    town.house.start_grid = refuse  # type: ignore[assignment, method-assign]
    assert town.run(every_s=SETTLING_S).reason.endswith("the funds are on futures")


def test_a_transfer_of_just_this_amount_that_was_made_before_is_not_taken_for_this_one() -> None:
    town = begun()
    town.house.made.append(Transfer(asset="USDT", amount=told_apart(Decimal(1000), 1, 1), to=Market.FUTURES))
    switch = town.run()
    assert (switch.phase, "just this amount" in switch.reason) == (SwitchPhase.FAILED, True)
    assert (town.running(), len(town.house.made)) == ([], 1)


@pytest.mark.parametrize("lost", [[], ["answer"]], ids=str)
@pytest.mark.parametrize("refused", range(2, 7))
def test_a_store_that_refuses_any_of_the_writes_delays_and_repeats_nothing(refused: int, lost: list[str]) -> None:
    town = begun()
    town.house.lost = lost
    town.books.refused = refused
    failures = 0
    for _ in range(6):
        try:
            town.switching.step()
        except StoreFailed:
            failures += 1
        town.clock.advance(60)
    assert (town.newest().phase, len(town.house.made), failures) == (SwitchPhase.DONE, 1, town.books.writes >= refused)
    assert town.running() == [BTC_FUTURES]
    assert town.house.calls.count(f"stop_grid {BTC} unwind") == 1
