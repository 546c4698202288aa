"""What the autopilot proposes and does: slots, capital by market, other people's grids, and what it gives up."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Conflict, Unreachable
from domain.events import Balance
from domain.grids import AskedBy, GridRequest, GridStatus
from domain.instrument import Instrument, Market
from domain.pairs import Act, Against, Candidate, HeldBack, Proposal, Reason, Selection
from domain.switches import SwitchPhase
from fakes.clock import FakeClock
from fakes.house import BTC, ETH, House
from fakes.pair_examples import facts_of, pair
from fakes.switch_town import SwitchTown
from grid.autopilot import LOOK_S, Autopilot
from grid.selection.deciding import (
    SWITCH_GAIN,
    AutopilotRules,
    RunningGrid,
    Situation,
    Wallet,
    decide,
    shares_of,
    surely_refused,
)

CAPITAL = Decimal(1000)
SPOT, FUTURES = Market.SPOT, Market.FUTURES
BTC_PERPETUAL = pair("BTC", FUTURES)
RULES = AutopilotRules(
    acts=True,
    most_grids=2,
    capital=CAPITAL,
    shares={SPOT: Decimal("0.4"), FUTURES: Decimal("0.6")},
    may_switch=True,
    cooldown_ms=1_800_000,
)
WALLETS = {SPOT: Wallet(total=Decimal(5000), free=Decimal(5000)), FUTURES: Wallet(total=CAPITAL, free=CAPITAL)}


def accepted(instrument: Instrument, score: int = 50) -> Candidate:
    return Candidate(facts=facts_of(instrument), is_preferred=False, score=Decimal(score), against=())


def refused(instrument: Instrument, word: Against = Against.ADX) -> Candidate:
    return Candidate(facts=facts_of(instrument), is_preferred=False, score=None, against=(Reason(word),))


def selection_of(*candidates: Candidate) -> Selection:
    return Selection(taken_ms=0, read_s=0.0, candidates=candidates, markets=())


def running(instrument: Instrument, asked_by: AskedBy = AskedBy.AUTOPILOT, capital: Decimal = CAPITAL) -> RunningGrid:
    inventory = capital / 2 if instrument.market is SPOT else Decimal(0)
    return RunningGrid(instrument=instrument, asked_by=asked_by, capital=capital, inventory=inventory, is_ending=False)


def situation(*candidates: Candidate, **other: Any) -> Situation:
    return Situation(selection=selection_of(*candidates), **{"wallets": WALLETS, "now_ms": 0, **other})


def told(proposals: Sequence[Proposal]) -> list[tuple[Act, Instrument, HeldBack | Against | None]]:
    return [(it.act, it.instrument, it.held_back.word if it.held_back else None) for it in proposals]


def test_the_worked_example_of_the_page() -> None:
    """5,000 on spot and 1,000 on futures: 2,400 and 3,600 may be used, so two grids of 1,000 fit on spot."""
    on = situation(accepted(BTC), accepted(BTC_PERPETUAL), accepted(ETH), accepted(pair("SOL")))
    budgets = {share.market: share.budget for share in shares_of(on, RULES)}
    assert budgets == {SPOT: Decimal(2400), FUTURES: Decimal(3600)}
    assert told(decide(on, RULES)) == [
        (Act.OPEN, BTC, None),
        (Act.OPEN, ETH, None),
        (Act.OPEN, pair("SOL"), HeldBack.FULL),
    ]
    three = replace(RULES, most_grids=3)
    assert told(decide(on, three))[2] == (Act.OPEN, pair("SOL"), HeldBack.ALLOCATION)


def test_what_another_grid_counts_on_is_not_free_for_a_new_one() -> None:
    """A grid of 1,000 that holds 500 of base counts on 500 of the 1,400 that are free."""
    wallets = {SPOT: Wallet(total=Decimal(1400), free=Decimal(1400)), FUTURES: Wallet(total=Decimal(9000))}
    on = situation(accepted(ETH), running=(running(BTC),), wallets=wallets)
    assert [share.free for share in shares_of(on, RULES)] == [Decimal(900), Decimal(0)]
    assert told(decide(on, RULES)) == [(Act.OPEN, ETH, HeldBack.FUNDS)]


def test_what_a_pair_on_its_way_takes_along_is_not_free_where_it_leaves() -> None:
    wallets = {SPOT: Wallet(total=Decimal(1500), free=Decimal(1500)), FUTURES: Wallet(total=Decimal(9000))}
    moving = {"switching": (running(BTC_PERPETUAL),), "leaving": (replace(running(BTC), inventory=Decimal(0)),)}
    on = situation(accepted(ETH), wallets=wallets, **moving)
    assert [share.free for share in shares_of(on, RULES)] == [Decimal(500), Decimal(0)]
    assert told(decide(on, RULES)) == [(Act.OPEN, ETH, HeldBack.FUNDS)]


def test_capital_of_a_market_out_of_reach_stays_unused() -> None:
    wallets = {SPOT: WALLETS[SPOT], FUTURES: Wallet(trouble="no answer")}
    on = situation(accepted(BTC_PERPETUAL), accepted(BTC), accepted(ETH), accepted(pair("SOL")), wallets=wallets)
    assert {share.market: share.budget for share in shares_of(on, RULES)} == {SPOT: Decimal(2000), FUTURES: None}
    assert told(decide(on, replace(RULES, most_grids=9))) == [
        (Act.OPEN, BTC_PERPETUAL, HeldBack.UNKNOWN_WALLET),
        (Act.OPEN, BTC, None),
        (Act.OPEN, ETH, None),
        (Act.OPEN, pair("SOL"), HeldBack.ALLOCATION),
    ]


def test_what_is_refused_twice_for_what_is_known_is_wound_down_and_a_persons_grid_never() -> None:
    mine, persons = running(BTC), running(ETH, AskedBy.PERSON)
    both = frozenset({BTC, ETH})
    on = situation(refused(BTC), refused(ETH), refused=both, running=(mine, persons))
    assert told(decide(on, RULES)) == [(Act.END, BTC, None)]
    assert decide(replace(on, refused=frozenset()), RULES) == ()
    unread = selection_of(refused(BTC, Against.MISSING), refused(ETH, Against.STALE), refused(BTC_PERPETUAL))
    assert surely_refused(unread) == {BTC_PERPETUAL}


def test_a_pair_moves_where_it_alone_is_accepted_or_much_better_after_the_cooldown() -> None:
    mine = running(BTC)
    on = situation(accepted(BTC_PERPETUAL), refused(BTC), refused=frozenset({BTC}), running=(mine,))
    assert told(decide(on, RULES)) == [(Act.SWITCH, BTC, None)]
    assert decide(on, RULES)[0].target == BTC_PERPETUAL
    lately = replace(on, switched_ms={"BTCUSDT": -1_000})
    assert told(decide(lately, RULES)) == [(Act.SWITCH, BTC, HeldBack.COOLDOWN)]
    assert told(decide(lately, replace(RULES, cooldown_ms=1_000))) == [(Act.SWITCH, BTC, None)]
    assert told(decide(on, replace(RULES, may_switch=False))) == [(Act.END, BTC, None)]
    stuck = [(Act.END, BTC, None), (Act.SWITCH, BTC, HeldBack.TRANSFERS)]
    assert told(decide(on, replace(RULES, no_transfers="not here"))) == stuck
    assert decide(replace(on, refused=frozenset()), replace(RULES, no_transfers="not here")) == ()
    little = situation(accepted(BTC, 50), accepted(BTC_PERPETUAL, 49 + int(SWITCH_GAIN)), running=(mine,))
    assert decide(little, RULES) == ()
    much = situation(accepted(BTC, 50), accepted(BTC_PERPETUAL, 50 + int(SWITCH_GAIN)), running=(mine,))
    assert told(decide(much, RULES)) == [(Act.SWITCH, BTC, None)]


PAIRS = [pair(base, market) for base in ("A", "B", "C", "D") for market in Market]
AMOUNTS = st.integers(min_value=0, max_value=9_000).map(Decimal)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Situation, AutopilotRules]:
    """Draw any state of affairs; whose grids run where, what was found, and what the wallets hold."""
    grids = draw(st.lists(st.sampled_from(PAIRS), unique=True, max_size=4))
    running_grids = tuple(running(it, draw(st.sampled_from(AskedBy)), draw(AMOUNTS)) for it in grids)
    chosen = draw(st.lists(st.sampled_from(PAIRS), unique=True))
    candidates = [accepted(it, draw(st.integers(0, 100))) if draw(st.booleans()) else refused(it) for it in chosen]
    wallets = {
        market: Wallet(trouble="no answer") if draw(st.booleans()) else Wallet(total=free + draw(AMOUNTS), free=free)
        for market, free in ((SPOT, draw(AMOUNTS)), (FUTURES, draw(AMOUNTS)))
    }
    on = situation(*candidates, running=running_grids, wallets=wallets)
    on = replace(on, refused=surely_refused(on.selection))
    return on, replace(RULES, most_grids=draw(st.integers(1, 5)), may_switch=draw(st.booleans()))


@settings(max_examples=120, derandomize=True, deadline=None)
@given(situations())
def test_no_state_of_affairs_brings_too_many_grids_too_much_capital_or_a_persons_grid_to_an_end(
    given_: tuple[Situation, AutopilotRules],
) -> None:
    on, rules = given_
    done = [it for it in decide(on, rules) if it.held_back is None]
    own = {grid.instrument for grid in on.running if grid.asked_by is AskedBy.AUTOPILOT}
    opened = [it.instrument for it in done if it.act is Act.OPEN]
    assert {it.instrument for it in done if it.act is not Act.OPEN} <= own
    assert not opened or len(on.running) + len(opened) <= rules.most_grids
    names = [it.base for it in opened]
    assert len(set(names)) == len(names)
    assert not set(names) & {grid.instrument.base for grid in on.running}
    capital = {grid.instrument: grid.capital for grid in on.running}
    for share in shares_of(on, rules):
        new = CAPITAL * sum(it.market is share.market for it in opened)
        moved = sum(capital[it.instrument] for it in done if it.target is not None and it.target.market is share.market)
        if new or moved:
            assert share.budget is not None
            assert share.used + new + moved <= share.budget
            assert new <= (share.free or 0)


# --- at work ---


def autopilot_of(house: House, clock: FakeClock, **other: Any) -> Autopilot:
    def request_of(instrument: Instrument) -> GridRequest:
        return GridRequest(
            instrument=instrument, levels=5, spacing_percent=Decimal(1), capital=CAPITAL, asked_by=AskedBy.AUTOPILOT
        )

    return Autopilot(
        commands=other.pop("commands", house),
        snapshots=house,
        reader=house,
        markets=[SPOT],
        rules=replace(RULES, shares={SPOT: Decimal(1)}, **other),
        request_of=request_of,
        switching=SwitchTown().switching,
        clock=clock,
    )


class RichHouse(House):
    """Its wallet holds enough for two grids."""

    def balances(self, market: Market) -> tuple[Balance, ...]:
        self._called("balances")
        return (Balance("USDT", Decimal(2500), Decimal(0)),)


def test_it_opens_one_at_a_time_waits_after_an_end_and_winds_down_what_is_refused_twice() -> None:
    house, clock = RichHouse(), FakeClock()
    pilot = autopilot_of(house, clock)
    selection = selection_of(accepted(BTC), accepted(ETH))
    pilot.step(selection)
    assert [(it.instrument, it.plan.request.asked_by) for it in house.grids()] == [(BTC, AskedBy.AUTOPILOT)]
    pilot.step(selection)
    assert [it.instrument for it in house.grids()] == [BTC, ETH]
    house.history[ETH] = replace(house.history[ETH], status=GridStatus.STOPPED)  # a person ended it
    clock.advance(LOOK_S)
    pilot.step(selection)
    assert told(pilot.proposals) == [(Act.OPEN, ETH, HeldBack.ENDED_SINCE)]
    for selection in (selection_of(refused(BTC)), selection_of(refused(BTC))):
        assert house.history[BTC].status is GridStatus.RUNNING
        pilot.step(selection)
    assert house.history[BTC].status is GridStatus.STOPPED
    assert f"stop_grid {BTC} unwind" in house.calls


def test_a_restart_does_not_open_again_what_just_ended() -> None:
    house, clock = RichHouse(), FakeClock()
    autopilot_of(house, clock).step(selection_of(accepted(BTC)))
    ended_ms = clock.market_ms() - 1_000
    house.history[BTC] = replace(house.history[BTC], status=GridStatus.STOPPED, ended_ms=ended_ms)
    selection = replace(selection_of(accepted(BTC)), taken_ms=clock.market_ms())
    pilot = autopilot_of(house, clock, interval_ms=1_001)
    pilot.step(selection)
    assert told(pilot.proposals) == [(Act.OPEN, BTC, HeldBack.ENDED_SINCE)]
    pilot.step(replace(selection))
    assert house.history[BTC].status is GridStatus.RUNNING
    house.history[BTC] = replace(house.history[BTC], status=GridStatus.STOPPED, ended_ms=ended_ms)
    autopilot_of(house, clock, interval_ms=1_000).step(selection)
    assert house.history[BTC].status is GridStatus.RUNNING


def test_a_grid_that_a_person_starts_or_pauses_while_it_looks_is_left_alone() -> None:
    house = RichHouse()
    pilot = autopilot_of(house, FakeClock())
    pilot.step(selection_of(accepted(BTC)))
    pilot.step(selection_of(refused(BTC)))
    mine = house.history[BTC]
    persons = replace(mine.plan, request=replace(mine.plan.request, asked_by=AskedBy.PERSON))

    def meanwhile(market: Market) -> tuple[Balance, ...]:
        house.history[BTC] = replace(mine, grid_id=7, plan=persons)
        return RichHouse.balances(house, market)

    house.balances = meanwhile  # type: ignore[method-assign]
    pilot.step(selection_of(refused(BTC)))
    assert house.history[BTC].status is GridStatus.RUNNING
    paused = replace(running(ETH), awaits_person=True)
    assert decide(situation(refused(ETH), refused=frozenset({ETH}), running=(paused,)), RULES) == ()


def test_it_moves_its_own_grid_to_the_market_that_accepts_it_and_spends_nothing_of_what_goes_along() -> None:
    town = SwitchTown()
    town.start(BTC, asked_by=AskedBy.AUTOPILOT)
    pilot = Autopilot(
        commands=town.house,
        snapshots=town.house,
        reader=town.house,
        markets=[SPOT, FUTURES],
        rules=RULES,
        request_of=lambda instrument: GridRequest(instrument=instrument, levels=5),
        switching=town.switching,
        clock=town.clock,
    )
    pilot.step(selection_of(accepted(BTC_PERPETUAL), refused(BTC)))
    assert town.switching.newest_first == ()
    second = selection_of(accepted(BTC_PERPETUAL), accepted(ETH), refused(BTC))
    pilot.step(second)
    assert (town.newest().source, town.newest().target) == (BTC, BTC_PERPETUAL)
    pilot.step(second)
    assert [share.free for share in pilot.shares] == [Decimal(500), Decimal(0)]
    assert told(pilot.proposals) == [(Act.OPEN, ETH, HeldBack.ALLOCATION)]
    assert town.run().phase is SwitchPhase.DONE
    assert town.running() == [BTC_PERPETUAL]


def test_without_leave_it_only_proposes_and_what_fails_is_told_until_the_next_selection() -> None:
    house, clock = RichHouse(), FakeClock()
    advice = autopilot_of(house, clock, acts=False)
    advice.step(selection_of(accepted(BTC)))
    assert (told(advice.proposals), house.grids()) == ([(Act.OPEN, BTC, HeldBack.ADVICE)], ())
    pilot = autopilot_of(house, clock, commands=Refusing())
    selection = selection_of(accepted(BTC))
    pilot.step(selection)
    pilot.step(selection)
    assert [it.held_back for it in pilot.proposals] == [Reason(HeldBack.FAILED, {"reason": "one runs already"})]
    house.failure = Unreachable("no answer")
    clock.advance(LOOK_S)
    pilot.step(selection)
    assert [share.trouble for share in pilot.shares] == ["no answer"]


class Refusing:
    def start_grid(self, _request: GridRequest) -> None:
        raise Conflict("one runs already")
