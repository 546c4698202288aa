"""A grid's stops without a venue: what is sent, what is asked, and what keeps orders from leaving."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.account import Account, Mode
from domain.conditional import (
    ConditionalEvent,
    ConditionalIntent,
    ConditionalOrder,
    ConditionalReported,
    ConditionalsRead,
    ConditionalStatus,
)
from domain.errors import InvalidRequest
from domain.events import CancelRefused, Moment, OrderAbsent, OrderRefused, OutcomeUnknown, ReadFailed
from domain.grids import Direction, GridRequest, OnStop
from domain.instrument import Instrument, InstrumentRules, Market
from domain.orders import PositionSide, Role, Side, Slot
from fakes.grid_examples import plan
from fakes.house import BTC as SPOT
from fakes.house import House
from grid.core.stop_checks import stop_mistakes
from grid.life import GridLife
from grid.parts import GridParts
from grid.preflight import plan_grid
from grid.protection import NEEDS_POSITION, STANDS_ALREADY, WOULD_TRIGGER, Protection
from grid.stop_patience import LONGEST_PAUSE_S
from grid.stops import CancelStop, LookUpStop, PlaceStop, ReadStops, RecordStops, Stop, StopEffect, became
from grid.worker_events import StopRequested
from orders.client_ids import ClientId
from orders.ledger import Ledger
from orders.positions import Legs
from ports.store import ConditionalRow

BTC = Instrument("binance", Market.FUTURES, "BTC", "USDT")
RULES = InstrumentRules(
    instrument=BTC,
    status="TRADING",
    tick=Decimal("0.1"),
    lot=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    max_quantity=Decimal(1000),
    min_notional=Decimal(100),
)
BELOW = Stop(Slot(1, Role.UNWIND, Side.SELL, 900_000), Decimal(90_000), PositionSide.BOTH)
WAITING, TRIGGERED, FINISHED = ConditionalStatus.WAITING, ConditionalStatus.TRIGGERED, ConditionalStatus.FINISHED
CANCELED, EXPIRED = ConditionalStatus.CANCELED, ConditionalStatus.EXPIRED


class Venue:
    """What the venue has, what the store keeps, and a grid's protection between them; time moves by hand."""

    def __init__(self, *stops: Stop) -> None:
        self.stops = stops or (BELOW,)
        self.now_s = 100.0
        self.store: dict[str, ConditionalRow] = {}
        self.there: dict[str, ConditionalOrder] = {}
        self.position: Legs = {}
        self.ledger = Ledger(Account("binance", Mode.SHADOW, "0123456789ab"), BTC)
        self.protection = self.built()

    def built(self) -> Protection:
        made = Protection(grid=1, instance="t3st", epoch=1, instrument=BTC, stops=self.stops)
        made.restore(self.store.values())
        return made

    def restart(self) -> None:
        self.protection = self.built()

    @property
    def now(self) -> Moment:
        return Moment(round(self.now_s * 1000), round(self.now_s * 1000), self.now_s)

    def step(self, *, is_over: bool = False, after_s: float = 1.0) -> list[StopEffect]:
        self.now_s += after_s
        return self.kept(self.protection.step(self.now, is_over=is_over, position=self.position))

    @property
    def trouble(self) -> str:
        """Return what keeps orders, or entries, from leaving."""
        return self.protection.holds_back or self.protection.keeps_entries

    def hear(self, event: ConditionalEvent) -> list[StopEffect]:
        self.now_s += 0.1
        return self.kept(self.protection.hear(event, self.now))

    def kept(self, effects: list[StopEffect]) -> list[StopEffect]:
        """Store what is to be stored; return the rest."""
        for effect in effects:
            if isinstance(effect, RecordStops):
                self.store.update({row.intent.client_id: row for row in effect.rows})
                for client_id in effect.forget:
                    del self.store[client_id]
        return [effect for effect in effects if not isinstance(effect, RecordStops)]

    def take(self, intent: ConditionalIntent) -> ConditionalReported:
        """Let a placement arrive; return the answer."""
        assert intent.client_id in self.store
        assert intent.client_id not in self.there
        self.there[intent.client_id] = ConditionalOrder(
            instrument=BTC,
            client_id=intent.client_id,
            venue_id=7,
            kind=intent.kind,
            side=intent.side,
            position_side=intent.position_side,
            status=WAITING,
            trigger_price=intent.trigger_price,
            price=None,
            quantity=None,
            venue_order_id=None,
            updated_ms=0,
        )
        return ConditionalReported(self.there[intent.client_id])

    def move(self, client_id: str, status: ConditionalStatus, venue_order_id: int | None = None) -> ConditionalReported:
        self.there[client_id] = replace(self.there[client_id], status=status, venue_order_id=venue_order_id)
        return ConditionalReported(self.there[client_id])

    def listing(self) -> ConditionalsRead:
        self.now_s += 1
        return ConditionalsRead(BTC, tuple(it for it in self.there.values() if it.status is WAITING), self.now_s)

    def placed(self) -> ConditionalIntent:
        """Bring it to where its one stop is on its way."""
        assert self.step() == [ReadStops()]
        assert self.hear(self.listing()) == []
        (sent,) = self.step()
        assert isinstance(sent, PlaceStop)
        return sent.intent

    def standing(self) -> str:
        intent = self.placed()
        assert self.hear(self.take(intent)) == []
        assert not self.trouble
        return intent.client_id

    def looked_up(self, client_id: str) -> list[StopEffect]:
        found = self.there.get(client_id)
        return self.hear(OrderAbsent(client_id) if found is None else ConditionalReported(found))


@pytest.fixture
def venue() -> Venue:
    return Venue()


def test_nothing_leaves_before_every_stop_stands(venue: Venue) -> None:
    assert "reading" in venue.trouble
    intent = venue.placed()
    assert "being placed" in venue.trouble
    assert (intent.side, intent.quantity, intent.trigger_price) == (Side.SELL, None, BELOW.trigger_price)
    venue.hear(venue.take(intent))
    assert venue.trouble == ""
    assert venue.step() == []
    assert [(shown.status, shown.trigger_price) for shown in venue.protection.shown()] == [("waiting", Decimal(90_000))]


@pytest.mark.parametrize("arrived", [True, False])
def test_a_crash_after_the_intent_is_settled_by_a_look_up(venue: Venue, arrived: bool) -> None:
    intent = venue.placed()
    if arrived:
        venue.take(intent)
    venue.restart()
    venue.step()
    venue.hear(venue.listing())
    if arrived:
        assert venue.step() == []
        assert not venue.trouble
        return
    assert venue.step() == [LookUpStop(intent.client_id, intent.created_ms)]
    assert venue.step() == []
    assert venue.trouble
    venue.looked_up(intent.client_id)
    (again,) = venue.step()
    assert isinstance(again, PlaceStop)
    assert again.intent.client_id != intent.client_id


@pytest.mark.parametrize("arrived", [True, False])
def test_an_unknown_outcome_is_never_sent_again_blindly(venue: Venue, arrived: bool) -> None:
    intent = venue.placed()
    if arrived:
        venue.take(intent)
    assert venue.hear(OutcomeUnknown(intent.client_id, "no answer")) == [
        LookUpStop(intent.client_id, intent.created_ms)
    ]
    assert venue.step() == []
    venue.looked_up(intent.client_id)
    assert [type(effect) for effect in venue.step()] == ([] if arrived else [PlaceStop])


def test_a_stop_reached_while_nobody_listened_is_found_and_what_it_became_is_asked_for(venue: Venue) -> None:
    client_id = venue.standing()
    venue.move(client_id, FINISHED, 4711)
    venue.restart()
    venue.step()
    venue.hear(venue.listing())
    assert venue.trouble
    assert [type(effect) for effect in venue.step()] == [LookUpStop]
    venue.looked_up(client_id)
    assert venue.protection.held.reached == BELOW.trigger_price
    (found,) = venue.protection.held.unfound(venue.ledger)
    likely = became(found, {PositionSide.BOTH: Decimal("-0.25")})
    assert likely is not None
    assert (likely.client_id, likely.venue_order_id, likely.executed_quantity) == (client_id, 4711, Decimal("0.25"))
    assert not venue.protection.held.is_settled(venue.ledger)
    venue.ledger.add(replace(venue.protection.held.expected(venue.now)[client_id], quantity=Decimal(1)))
    assert venue.protection.held.unfound(venue.ledger) == []
    assert [wanted.slot for wanted in venue.protection.held.fired(venue.ledger)] == [BELOW.slot]
    assert venue.step() == []


def test_a_stop_that_had_nothing_to_close_is_reached_all_the_same(venue: Venue) -> None:
    client_id = venue.standing()
    venue.hear(venue.move(client_id, TRIGGERED))
    assert not venue.protection.held.is_settled(venue.ledger)
    venue.hear(venue.move(client_id, EXPIRED))
    assert venue.protection.held.reached is not None
    assert venue.protection.held.is_settled(venue.ledger)
    venue.restart()
    assert venue.protection.held.reached is not None


def test_a_stop_that_was_not_found_and_yet_triggered_is_reached(venue: Venue) -> None:
    client_id = venue.standing()
    venue.protection.doubt(venue.now_s)
    venue.hear(OrderAbsent(client_id))
    assert venue.protection.held.reached is None
    venue.hear(venue.move(client_id, TRIGGERED))
    assert venue.protection.held.reached == BELOW.trigger_price
    venue.hear(OrderAbsent(client_id))
    assert venue.protection.held.reached == BELOW.trigger_price, "an answer that is older undoes no proof"


def test_a_grid_whose_stop_was_reached_ends_flat_whatever_is_asked_of_it_then(venue: Venue) -> None:
    row = SimpleNamespace(on_stop=None, ended_ms=None, plan=plan())
    life = GridLife(cast("GridParts", SimpleNamespace(row=row, protection=venue.protection)))
    client_id = venue.standing()
    life.heed_stops()
    assert life.on_stop is None
    venue.hear(venue.move(client_id, TRIGGERED))
    life.heed_stops()
    life.hear(StopRequested(OnStop.CANCEL))
    assert life.on_stop is OnStop.UNWIND, "what the stop left open is not left behind"


def test_a_price_beyond_the_stop_at_placement_reaches_it(venue: Venue) -> None:
    intent = venue.placed()
    venue.hear(OrderRefused(intent.client_id, WOULD_TRIGGER, "Order would immediately trigger."))
    assert venue.protection.held.reached == BELOW.trigger_price
    assert venue.protection.held.is_settled(venue.ledger)


def refused_for(venue: Venue, seconds: int, code: int = -4045) -> list[float]:
    """Refuse every placement for so long; return when each left."""
    sent_s = []
    for _ in range(seconds):
        for effect in venue.step():
            if isinstance(effect, PlaceStop):
                sent_s.append(venue.now_s)
                venue.kept(venue.protection.hear(OrderRefused(effect.intent.client_id, code, "No."), venue.now))
            elif isinstance(effect, ReadStops):
                venue.kept(venue.protection.hear(replace(venue.listing(), started_s=venue.now_s), venue.now))
    return sent_s


def test_a_refusal_is_told_and_tried_again_soon_then_every_few_seconds_and_piles_up_nothing(venue: Venue) -> None:
    intent = venue.placed()
    venue.hear(OrderRefused(intent.client_id, -4045, "Reach max stop order limit."))
    assert "-4045" in venue.protection.keeps_entries
    assert "no new entries until it stands" in venue.protection.keeps_entries
    sent_s = refused_for(venue, 600)
    gaps = [later - earlier for earlier, later in pairwise([venue.now_s - 600, *sent_s])]
    assert gaps[:4] == sorted(gaps[:4])
    assert (gaps[0] <= 2, max(gaps) <= LONGEST_PAUSE_S + 2, len(sent_s) > 40) == (True, True, True)
    assert len(venue.store) == 1, "what was refused leaves one row"
    (last,) = venue.step(after_s=61)[-1:]
    assert isinstance(last, PlaceStop)
    venue.hear(venue.take(last.intent))
    assert (venue.trouble, venue.protection.shown()[0].trouble) == ("", "")


def test_a_venue_that_wants_a_position_first_is_asked_again_when_there_is_one(venue: Venue) -> None:
    intent = venue.placed()
    venue.hear(OrderRefused(intent.client_id, NEEDS_POSITION, "TIF GTE can only be used with open positions."))
    assert not venue.trouble, "there is nothing to protect yet"
    assert refused_for(venue, 300) == []
    venue.position = {PositionSide.BOTH: Decimal("0.5")}
    (again,) = venue.step()
    assert isinstance(again, PlaceStop)
    assert "no new entries" in venue.trouble
    venue.hear(venue.take(again.intent))
    assert not venue.trouble


def test_a_placement_that_arrives_after_its_look_ups_is_found_again_and_only_one_stays(venue: Venue) -> None:
    late = venue.placed()
    venue.hear(OutcomeUnknown(late.client_id, "no answer"))
    venue.looked_up(late.client_id)
    (second,) = venue.step()
    assert isinstance(second, PlaceStop)
    venue.hear(venue.take(second.intent))
    venue.take(late)
    assert venue.step(after_s=60) == [ReadStops()]
    assert venue.hear(venue.listing()) == [LookUpStop(late.client_id, late.created_ms)]
    venue.looked_up(late.client_id)
    assert venue.step() == [CancelStop(late.client_id)]
    venue.hear(venue.move(late.client_id, CANCELED))
    assert venue.step() == []
    assert not venue.trouble
    venue.hear(ConditionalReported(replace(venue.there[late.client_id], status=WAITING)))
    assert "reading" in venue.trouble, "a report that is late is no proof either way"
    venue.looked_up(late.client_id)
    assert (venue.step(), venue.trouble) == ([], "")


def test_a_placement_that_arrives_late_blocks_the_next_and_then_is_the_stop(venue: Venue) -> None:
    late = venue.placed()
    venue.hear(OutcomeUnknown(late.client_id, "no answer"))
    venue.looked_up(late.client_id)
    venue.take(late)
    (second,) = venue.step()
    assert isinstance(second, PlaceStop)
    venue.hear(OrderRefused(second.intent.client_id, STANDS_ALREADY, "An open stop order is existing."))
    assert venue.step(after_s=3) == [ReadStops()]
    venue.hear(venue.listing())
    venue.looked_up(late.client_id)
    assert (venue.step(), venue.trouble) == ([], "")
    assert venue.protection.shown()[0].client_id == late.client_id


def test_a_list_read_before_something_was_missed_proves_nothing(venue: Venue) -> None:
    venue.standing()
    assert venue.step(after_s=60) == [ReadStops()]
    begun_before = venue.listing()
    venue.protection.doubt(venue.now_s + 1)
    venue.now_s += 2
    venue.hear(begun_before)
    assert "reading" in venue.trouble
    assert venue.step() == [ReadStops()]
    venue.hear(venue.listing())
    assert not venue.trouble


def test_the_stop_that_a_grid_before_it_left_behind_is_taken_off(venue: Venue) -> None:
    former = Stop(replace(BELOW.slot, grid=7), BELOW.trigger_price, PositionSide.BOTH)
    client_id = str(ClientId("t3st", 1, former.slot, 0, 0))
    venue.step()
    intent = former.intent(client_id, BTC, 0)
    venue.store[client_id] = ConditionalRow(intent=intent)
    venue.take(intent)
    assert venue.hear(venue.listing()) == [CancelStop(client_id)]
    assert [type(effect) for effect in venue.step()] == [PlaceStop]


def test_a_stop_taken_off_by_another_hand_comes_back_at_once_or_at_the_next_reading(venue: Venue) -> None:
    client_id = venue.standing()
    venue.hear(venue.move(client_id, CANCELED))
    (told,) = venue.step()
    assert isinstance(told, PlaceStop)
    venue.hear(venue.take(told.intent))
    venue.move(told.intent.client_id, CANCELED)
    assert venue.step(after_s=60) == [ReadStops()]
    venue.hear(venue.listing())
    assert venue.step() == [LookUpStop(told.intent.client_id, told.intent.created_ms)]
    venue.looked_up(told.intent.client_id)
    assert [type(effect) for effect in venue.step()] == [PlaceStop]


def test_it_goes_with_the_grid_and_not_before_the_venue_says_so(venue: Venue) -> None:
    client_id = venue.standing()
    assert venue.step(is_over=True) == [CancelStop(client_id)]
    assert venue.step(is_over=True) == []
    assert not venue.protection.held.is_gone
    venue.hear(CancelRefused(client_id, -2011, "Unknown order sent."))
    venue.looked_up(client_id)
    assert venue.step(is_over=True) == [], "what was refused is asked again after 2, 4, ... 60 s"
    assert venue.step(is_over=True) == [CancelStop(client_id)]
    venue.hear(venue.move(client_id, CANCELED))
    assert venue.protection.held.is_gone
    assert venue.step(is_over=True) == []


def test_a_stop_that_older_books_lack_is_taken_in_and_a_second_one_taken_off(venue: Venue) -> None:
    client_id = venue.standing()
    venue.store.clear()
    venue.restart()
    venue.step()
    venue.hear(venue.listing())
    assert venue.step() == []
    assert venue.protection.shown()[0].client_id == client_id
    assert client_id in venue.store
    venue.stops = (Stop(replace(BELOW.slot, price_ticks=800_000), Decimal(80_000), PositionSide.BOTH),)
    venue.restart()
    venue.step()
    venue.hear(venue.listing())
    assert [type(effect) for effect in venue.step()] == [CancelStop, PlaceStop]


@given(st.lists(st.sampled_from(["step", "late", "lose", "arrive", "restart", "fail", "list", "answer"]), max_size=40))
def test_whatever_is_lost_one_stop_stands_in_the_end_and_no_id_is_sent_twice(acts: list[str]) -> None:
    venue = Venue()
    sent: list[str] = []
    open_questions: list[StopEffect] = []
    for act in [*acts, *["answer", "list", "step", "late", "answer", "list", "step", "answer"] * 12]:
        effects: list[StopEffect] = []
        asked = next(iter(open_questions), None)
        match act:
            case "step" | "late":
                effects = venue.step(after_s=1.0 if act == "step" else 61.0)
            case "restart":
                open_questions.clear()
                venue.restart()
            case "fail" if isinstance(asked, LookUpStop | ReadStops):
                open_questions.pop(0)
                effects = venue.hear(ReadFailed("stops", "no answer"))
            case "list" if isinstance(asked, ReadStops):
                open_questions.pop(0)
                effects = venue.hear(venue.listing())
            case "answer" if isinstance(asked, LookUpStop):
                open_questions.pop(0)
                effects = venue.looked_up(asked.client_id)
            case "answer" | "lose" | "arrive" if isinstance(asked, PlaceStop):
                open_questions.pop(0)
                answer = None if act == "lose" else venue.take(asked.intent)
                unknown = OutcomeUnknown(asked.intent.client_id, "no answer")
                effects = venue.hear(answer if act == "answer" and answer is not None else unknown)
        sent += [effect.intent.client_id for effect in effects if isinstance(effect, PlaceStop)]
        open_questions += effects
    assert len(sent) == len(set(sent))
    assert len([order for order in venue.there.values() if order.status is WAITING]) == 1
    assert venue.trouble == ""


def test_a_stop_on_spot_is_watched_by_this_server_and_says_so() -> None:
    request = GridRequest(instrument=SPOT, levels=5, spacing_percent=Decimal(1), stop_below=Decimal(30_000))
    plan = plan_grid(request, House().facts(SPOT))
    assert "stop_below is watched by this server and not resident at the exchange" in plan.warnings[-1]
    with pytest.raises(InvalidRequest, match=r"stop_above: a long grid loses below"):
        plan_grid(replace(request, stop_below=None, stop_above=Decimal(90_000)), House().facts(SPOT))


@pytest.mark.parametrize(
    ("direction", "below", "above", "wrong"),
    [
        (Direction.NEUTRAL, "90", "130", []),
        (Direction.LONG, "90", None, []),
        (Direction.LONG, None, "130", ["stop_above"]),
        (Direction.SHORT, "90", None, ["stop_below"]),
        (Direction.NEUTRAL, "100", "120", ["stop_below", "stop_above"]),
        (Direction.NEUTRAL, "79", "141", ["stop_below", "stop_above"]),
        (Direction.LONG, "90.05", None, ["stop_below"]),
    ],
)
def test_preflight_of_stops(direction: Direction, below: str | None, above: str | None, wrong: list[str]) -> None:
    request = GridRequest(
        instrument=BTC,
        levels=3,
        direction=direction,
        stop_below=Decimal(below) if below else None,
        stop_above=Decimal(above) if above else None,
    )
    rungs = (Decimal(100), Decimal(110), Decimal(120))
    found = list(stop_mistakes(request, RULES, rungs, Decimal(110), (Decimal(80), Decimal(140))))
    assert [field for field, _ in found] == wrong
    assert all("use" in remedy for _, remedy in found)


def test_a_stop_outside_the_venues_own_bounds_is_refused_before_the_venue_does() -> None:
    rules = replace(RULES, min_price=Decimal(50), max_price=Decimal(200))
    request = GridRequest(
        instrument=BTC, levels=3, direction=Direction.NEUTRAL, stop_below=Decimal(1), stop_above=Decimal(300)
    )
    found = list(stop_mistakes(request, rules, (Decimal(100), Decimal(120)), Decimal(110), (None, None)))
    assert found == [
        ("stop_below", "the venue takes no price below 50; use at least that"),
        ("stop_above", "the venue takes no price above 200; use at most that"),
    ]
