"""A pair changes markets: flat first, funds once, then the new grid; whatever dies or is lost on the way."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Conflict, InvalidRequest, NotFound, OrderRejected, Unreachable
from domain.futures import MarginType
from domain.grids import AskedBy, Direction, Phase
from domain.instrument import Market
from domain.switches import Switch, SwitchPhase, TransferState, decode_switch, encode_switch, told_apart
from fakes.house import BTC, BTC_FUTURES, ETH
from fakes.switch_town import COOLDOWN_MS, SwitchTown, begun
from grid.switch_steps import ABSENT_AFTER_S, MOST_ATTEMPTS, START_FOR_S

TOTAL = Decimal(1500)
MOST_BOUNDARIES = 40


def moved(town: SwitchTown) -> Decimal:
    assert sum(town.house.wallets.values()) == TOTAL
    return town.house.wallets[Market.FUTURES]


def test_the_worked_example_of_the_page() -> None:
    town = SwitchTown()
    town.start(BTC, asked_by=AskedBy.AUTOPILOT)
    town.house.loss = Decimal("12.50")
    town.switching.begin(BTC, Market.FUTURES)
    assert town.running() == [BTC]
    switch = town.run()
    assert (switch.phase, switch.reason) == (SwitchPhase.DONE, "")
    assert moved(town) == Decimal("987.49000011")
    (new,) = [grid for grid in town.house.grids() if grid.instrument == BTC_FUTURES]
    asked = new.plan.request
    assert (asked.capital, asked.direction, asked.asked_by) == (
        Decimal("987.48"),
        Direction.NEUTRAL,
        AskedBy.AUTOPILOT,
    )
    assert town.running() == [BTC_FUTURES]


def test_and_back_after_the_cooldown_with_nothing_that_only_a_contract_has() -> None:
    town = SwitchTown()
    town.house.wallets = {Market.SPOT: Decimal(0), Market.FUTURES: TOTAL}
    town.start(BTC_FUTURES, direction=Direction.SHORT, leverage=2, margin_type=MarginType.ISOLATED)
    town.switching.begin(BTC_FUTURES, Market.SPOT)
    switch = town.run()
    request = switch.request
    assert (request.direction, request.leverage, request.margin_type) == (Direction.LONG, None, None)
    assert town.running() == [BTC]
    with pytest.raises(Conflict, match="moved lately"):
        town.switching.begin(BTC, Market.FUTURES)
    town.clock.advance(COOLDOWN_MS / 1000)
    town.switching.begin(BTC, Market.FUTURES)
    assert town.run().phase is SwitchPhase.DONE
    assert town.running() == [BTC_FUTURES]


@pytest.mark.parametrize("lost", [[], ["answer"], ["request"], ["request", "answer"]], ids=str)
@pytest.mark.parametrize("at", range(1, MOST_BOUNDARIES))
def test_a_process_killed_anywhere_moves_the_funds_once_and_leaves_one_grid(at: int, lost: list[str]) -> None:
    town = SwitchTown()
    town.start(BTC)
    town.house.lost = [*lost]
    town.deaths.passed, town.deaths.at = 0, at
    killed = town.outlive(lambda: town.switching.begin(BTC, Market.FUTURES))
    if killed and not town.switching.newest_first:  # nothing had been promised yet
        assert town.running() == [BTC]
        return
    switch = town.run()
    assert switch.phase is SwitchPhase.DONE, switch
    assert len(town.house.made) == 1
    assert Decimal(999) < moved(town) <= Decimal(1000)
    assert town.running() == [BTC_FUTURES]


def test_the_boundaries_above_are_all_there_are() -> None:
    town = begun()
    town.run()
    assert 8 < town.deaths.passed < MOST_BOUNDARIES


def test_nothing_moves_while_the_old_grid_holds_anything() -> None:
    town = begun()
    town.house.stop_hangs = "the symbol is halted"
    switch = town.run(steps=3)
    assert (switch.phase, switch.reason) == (SwitchPhase.UNWINDING, "the symbol is halted")
    town.house.stop_hangs, town.house.left = "", Decimal("0.01")
    town.house.history[BTC] = replace(town.house.history[BTC], phase=Phase.TRADING)
    switch = town.run()
    assert switch.phase is SwitchPhase.FAILED
    assert switch.reason.startswith("the old grid ended and holds 0.01 BTC; nothing was moved")
    assert (town.running(), town.house.made) == ([], [])


def test_dust_below_what_can_be_sold_is_left_on_spot_but_no_contract_is() -> None:
    town = begun()
    town.house.left = Decimal("0.0001")  # 4.50 USDT, and 5 is the least that can be sold
    assert town.run().phase is SwitchPhase.DONE
    town = SwitchTown()
    town.house.wallets = {Market.SPOT: Decimal(0), Market.FUTURES: TOTAL}
    town.start(BTC_FUTURES)
    town.house.left = Decimal("0.0001")
    town.switching.begin(BTC_FUTURES, Market.SPOT)
    assert (town.run().phase, town.running()) == (SwitchPhase.FAILED, [])


def test_a_pending_transfer_is_waited_for_and_a_failed_one_made_again_a_few_times() -> None:
    town = begun()
    town.house.lost = ["answer"]
    town.switching.step()
    town.house.states = [TransferState.PENDING, TransferState.CONFIRMED]
    town.switching.step()
    assert town.newest().reason == "transfer 1 is pending at the exchange"
    assert town.run().phase is SwitchPhase.DONE
    town = begun()
    town.house.lost = ["request"] * MOST_ATTEMPTS
    switch = town.run(steps=15)
    assert (switch.phase, switch.attempt, town.house.made) == (SwitchPhase.FAILED, MOST_ATTEMPTS, [])
    assert town.clock.monotonic_s() - 1000 >= MOST_ATTEMPTS * ABSENT_AFTER_S


def test_a_copy_of_the_books_put_back_does_not_move_the_funds_again() -> None:
    town = begun()
    town.house.lost = ["answer"]
    town.switching.step()
    sent = town.newest()
    town.books.rows[sent.number] = encode_switch(replace(sent, sent_ms=None))
    town.restart()
    assert (town.run().phase, len(town.house.made)) == (SwitchPhase.DONE, 1)


def test_a_transfer_that_exchange_or_gate_refuses_leaves_the_funds_where_they_are() -> None:
    town = begun()
    town.house.refusal = OrderRejected("insufficient balance", code=-5013)
    switch = town.run()
    assert switch.reason == "the exchange refuses the transfer: insufficient balance; the funds are on spot"
    strict = SwitchTown(max_exposure=999)
    strict.start(BTC)
    strict.switching.begin(BTC, Market.FUTURES)
    switch = strict.run()
    assert "the risk gate refuses the transfer" in switch.reason
    assert (switch.phase, strict.house.made) == (SwitchPhase.FAILED, [])


def test_a_new_grid_that_cannot_start_yet_is_tried_for_half_an_hour() -> None:
    town = begun()
    town.switching.step()
    assert town.newest().phase is SwitchPhase.DONE
    town = begun()
    answers: list[Exception] = [Unreachable("no answer"), Conflict("two grids are the most")]

    def refuse(request: object) -> object:
        raise answers[0]

    town.house.start_grid = refuse  # type: ignore[assignment, method-assign]
    town.switching.step()
    assert (town.newest().phase, town.newest().reason) == (SwitchPhase.STARTING, "no answer")
    answers.pop(0)
    town.clock.advance(START_FOR_S)
    switch = town.run()
    assert switch.reason == "the new grid cannot start: two grids are the most; the funds are on futures"


@pytest.mark.parametrize(
    ("prepare", "error", "told"),
    [
        (lambda town: town.house.history.clear(), NotFound, "no grid"),
        (lambda town: town.start(BTC_FUTURES), Conflict, "runs on BTCUSDT futures already"),
        (lambda town: setattr(town.house, "abstains", "Testnet offers no transfers"), Conflict, "Testnet offers no"),
        (lambda town: town.switching.begin(BTC, Market.FUTURES), Conflict, "on its way to another market already"),
    ],
    ids=["no grid", "target taken", "no transfers", "under way"],
)
def test_what_cannot_be_moved_is_refused_before_anything_happens(
    prepare: Callable[[SwitchTown], object], error: type[Exception], told: str
) -> None:
    town = SwitchTown()
    town.start(BTC)
    prepare(town)
    with pytest.raises(error, match=told):
        town.switching.begin(BTC, Market.FUTURES)


def test_the_settings_a_market_without_the_pair_and_a_plan_that_fails_there_refuse_too() -> None:
    off = SwitchTown(allowed=False)
    off.start(BTC)
    with pytest.raises(Conflict, match="allow_market_switching is off"):
        off.switching.begin(BTC, Market.FUTURES)
    town = SwitchTown()
    town.start(ETH)
    with pytest.raises(NotFound):
        town.switching.begin(ETH, Market.FUTURES)
    with pytest.raises(InvalidRequest, match="name the other market"):
        town.switching.begin(ETH, Market.SPOT)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(
    st.decimals(min_value=1, max_value=10**7, places=2),
    st.integers(1, 99_999),
    st.integers(1, MOST_ATTEMPTS),
    st.integers(1, 99_999),
    st.integers(1, MOST_ATTEMPTS),
)
def test_two_transfers_never_have_the_same_amount_and_none_is_more_than_what_there_is(
    amount: Decimal, number: int, attempt: int, other: int, again: int
) -> None:
    told = told_apart(amount, number, attempt)
    assert amount - Decimal("0.02") < told <= amount
    if (number, attempt) != (other, again):
        assert told != told_apart(amount, other, again)


def test_a_switch_is_read_back_as_it_was_written_and_a_newer_one_refused() -> None:
    switch: Switch = replace(begun().newest(), amount=Decimal("12.34"), sent_ms=5)
    assert decode_switch(encode_switch(switch)) == switch
    with pytest.raises(ValueError, match="newer version: colour"):
        decode_switch(encode_switch(switch).replace("{", '{"colour":1,', 1))
