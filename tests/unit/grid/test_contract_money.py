"""A short grid's worker through funding, a crash, a liquidation and a restart, on a clock that only the test moves."""

from dataclasses import replace
from decimal import Decimal

import pytest

from domain.events import FundingRead, PriceSeen, RulesChanged, StreamResumed
from domain.futures import FundingPayment, FundingRate, MarginType
from domain.grids import ContractTerms, Direction, GridPlan, GridRequest, GridSnapshot, OnStop, Phase
from domain.instrument import Instrument, InstrumentRules, Market
from domain.money import ZERO
from domain.orders import Side
from fakes.clock import FakeClock
from fakes.gateway import FakeGateway
from fakes.grid_examples import gate
from fakes.some_market import KnownInboxes
from fakes.store import InMemoryStore
from grid.house import GridHouse
from grid.worker_events import StopRequested
from grid.worker_host import WorkerHost
from orders.funding_watch import ENDING_S, HOUR_MS, LAG_MS
from orders.position_check import CONFIRM_S
from orders.readings import CROSS_CHECK_S
from ports.gateway import FundingAnswer
from ports.store import StoreFailed

BTC = Instrument("binance", Market.FUTURES, "BTC", "USDT")
RULES = InstrumentRules(
    instrument=BTC, status="TRADING", tick=Decimal("0.1"), lot=Decimal("0.001"), min_quantity=Decimal("0.001"),
    max_quantity=Decimal(1000), min_notional=Decimal(5),
)  # fmt: skip
PRICES = tuple(Decimal(price) for price in (96, 98, 100, 102, 104, 106))
PLAN = GridPlan(
    request=GridRequest(instrument=BTC, levels=len(PRICES), direction=Direction.SHORT), start_price=Decimal(100),
    prices=PRICES, gap=2, quantity_per_rung=Decimal(1), entry_quantity=Decimal(2), entry_limit_price=Decimal(99),
    capital_needed=Decimal(1000), profit_per_cycle=ZERO, rules=RULES,
    terms=ContractTerms(leverage=1, margin_type=MarginType.ISOLATED, hedge_mode=False),
)  # fmt: skip
RATE = Decimal("0.001")


class Settlements:
    """Implements FundingReader over a venue that settles every full hour; `shows` is what its record has by now."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.settled: list[int] = []
        self.shows: list[FundingPayment] = []
        self.questions = 0

    def read(self, instrument: Instrument, since_ms: int, answer: FundingAnswer) -> None:
        self.questions += 1
        now_ms = self._clock.market_ms()
        rates = tuple(FundingRate(instrument=BTC, rate=RATE, mark=Decimal(100), at_ms=at_ms) for at_ms in self.settled)
        answer(FundingRead(instrument, since_ms, now_ms, now_ms - now_ms % HOUR_MS + HOUR_MS, rates, tuple(self.shows)))

    def pay(self, at_ms: int, amount: str) -> None:
        self.shows.append(FundingPayment(instrument=BTC, id=at_ms, amount=Decimal(amount), asset="USDT", at_ms=at_ms))


class Place:
    """One grid's worker, its venue and its store."""

    def __init__(self) -> None:
        self.clock, self.store = FakeClock(), InMemoryStore()
        self.told: list = []
        self.gateway = FakeGateway(self.clock, RULES, price=Decimal(100), stream=self.told.append)
        self.funding = Settlements(self.clock)
        self.house = GridHouse(
            store=self.store, gateway=self.gateway, streams=KnownInboxes(), gate=gate(), clock=self.clock,
            equity_every_ms=60_000, max_price_age_s=1e9, funding=self.funding,
        )  # fmt: skip
        row = self.store.add_grid(BTC, PLAN, self.clock.market_ms(), self.clock.wall_ms())
        self.host = WorkerHost(row, RULES, self.house, self.told.append)
        self.begin()

    def begin(self) -> None:
        """Open the worker as after a start, and let everything come to rest."""
        self.host.open()
        self.host.handle(PriceSeen(BTC, self.gateway.price, self.clock.market_ms(), self.clock.monotonic_s()))
        self.host.handle(StreamResumed("user"))
        self.settle()

    def settle(self) -> None:
        while self.gateway.deliver() or self.told:
            events, self.told[:] = list(self.told), []
            for event in events:
                self.host.handle(event)

    def pass_time(self, seconds: float, step_s: float = 1.0) -> None:
        for _ in range(int(seconds / step_s)):
            if self.host.finished:
                return
            self.clock.advance(step_s)
            self.host.fire_timer()
            self.settle()

    def next_hour_ms(self) -> int:
        now_ms = self.clock.market_ms()
        return now_ms - now_ms % HOUR_MS + HOUR_MS

    def pass_the_hour(self, more_s: float) -> int:
        """Go on until the contract is settled, and `more_s` on; return the settlement's time."""
        at_ms = self.next_hour_ms()
        self.pass_time((at_ms - self.clock.market_ms()) / 1000, step_s=10.0)
        self.funding.settled.append(at_ms)
        self.pass_time(more_s)
        return at_ms

    @property
    def shown(self) -> GridSnapshot:
        return self.host.snapshot()


@pytest.fixture
def place() -> Place:
    made = Place()
    assert (made.shown.phase, made.shown.books.base_held, made.gateway.position) == (Phase.TRADING, -2, -2)
    assert made.funding.questions == 1, "when the first position is held it is asked when it will be settled"
    return made


def test_funding_is_booked_and_stored_once_and_asked_for_once_an_hour(place: Place) -> None:
    at_ms = place.pass_the_hour(more_s=0)
    place.funding.pay(at_ms, "0.2")
    place.pass_time(LAG_MS / 1000 + 20)
    books = place.shown.books
    assert (books.funding, books.residual) == (Decimal("0.2"), 0)
    assert books.cash_flow + books.base_held * books.mark_price == books.equity_change
    assert place.store.funding(1) == tuple(place.funding.shows)
    assert place.funding.questions == 2
    place.host.drop()
    place.begin()
    place.pass_time(5)
    assert place.shown.books.funding == Decimal("0.2")
    assert place.funding.questions == 3


def test_a_crash_before_funding_was_stored_loses_none_of_it(place: Place) -> None:
    at_ms = place.pass_the_hour(more_s=0)
    place.funding.pay(at_ms, "-0.2")
    place.clock.advance(LAG_MS / 1000 + 10)
    place.host.fire_timer()
    place.store.failing = "disk full"
    with pytest.raises(StoreFailed):
        place.settle()
    place.store.failing = None
    assert place.store.funding(1) == ()
    place.host.drop()
    place.begin()
    place.pass_time(5)
    assert place.shown.books.funding == Decimal("-0.2")
    assert len(place.store.funding(1)) == 1


def test_a_grid_that_ends_right_after_a_settlement_waits_for_what_it_brought(place: Place) -> None:
    at_ms = place.pass_the_hour(more_s=2)
    place.host.handle(StopRequested(OnStop.UNWIND))
    place.settle()
    assert place.gateway.position == 0
    place.pass_time(LAG_MS / 1000 + 20)
    assert not place.host.finished
    assert "waiting for the funding of" in place.shown.phase_reason
    place.funding.pay(at_ms, "0.2")
    place.pass_time(120)
    assert place.host.finished
    assert place.shown.books.funding == Decimal("0.2")
    assert place.store.grids()[0].ended_ms is not None


def test_a_grid_does_not_wait_for_ever(place: Place) -> None:
    place.pass_the_hour(more_s=2)
    place.host.handle(StopRequested(OnStop.CANCEL))
    place.settle()
    place.pass_time(ENDING_S - 60)
    assert not place.host.finished
    place.pass_time(120)
    assert place.host.finished
    assert "before the venue showed a payment" in place.shown.alarms[0]


def test_a_trade_by_hand_stops_the_grid_and_a_restart_places_nothing_either(place: Place) -> None:
    place.gateway.trade_by_hand(Side.BUY, Decimal("0.5"), "web_1")
    sent = len(place.gateway.sent)
    place.pass_time(CROSS_CHECK_S + 2)
    assert place.shown.phase is Phase.PAUSED
    place.gateway.trade_at(Decimal(102))  # a rung fills meanwhile: its counter-order waits, and it is judged anew
    place.settle()
    assert place.shown.books.base_held == -3
    place.pass_time(CROSS_CHECK_S + CONFIRM_S + 5)
    shown = place.shown
    assert shown.phase is Phase.FAULTED
    assert "holds -2.5 BTC of this contract and the books -3" in shown.alarms[0]
    assert "order web_1" in shown.alarms[0]
    before = place.gateway.sent[sent:]
    place.gateway.expire(place.gateway.open_orders[0].client_id)
    place.settle()
    assert place.gateway.sent[sent:] == before, "not even what is missing"
    place.host.drop()
    place.begin()
    place.pass_time(CONFIRM_S + 2)
    assert place.shown.phase is Phase.FAULTED
    assert place.gateway.sent[sent:] == before


def test_nothing_is_placed_between_a_liquidation_and_its_discovery(place: Place) -> None:
    sent = len(place.gateway.sent)
    for order in place.gateway.open_orders:
        place.gateway.expire(order.client_id)
    place.gateway.trade_by_hand(Side.BUY, Decimal(2), "autoclose-1700000000000")
    place.settle()
    place.pass_time(2 * CONFIRM_S + 5)
    shown = place.shown
    assert len(place.gateway.sent) == sent
    assert shown.phase is Phase.FAULTED
    assert "holds 0 BTC of this contract and the books -2" in shown.alarms[0]
    assert "order autoclose-1700000000000" in shown.alarms[0]


def test_an_order_taken_off_by_hand_is_placed_again_once_the_position_was_read(place: Place) -> None:
    sent = len(place.gateway.sent)
    place.gateway.expire(place.gateway.open_orders[0].client_id)
    place.settle()
    assert len(place.gateway.sent) == sent
    assert "took an order off" in place.shown.phase_reason
    place.pass_time(2)
    assert len(place.gateway.sent) == sent + 1
    assert place.shown.phase is Phase.TRADING


def test_a_position_brought_back_withdraws_the_alarm_and_the_grid_goes_on(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    place.gateway.trade_by_hand(Side.BUY, Decimal("0.5"), "web_1")
    place.pass_time(CROSS_CHECK_S + CONFIRM_S + 5)
    assert place.shown.phase is Phase.FAULTED
    place.gateway.trade_by_hand(Side.SELL, Decimal("0.5"), "web_2")
    place.pass_time(CROSS_CHECK_S + 5)
    assert place.shown.phase is Phase.FAULTED, "one reading proves nothing"
    place.pass_time(CROSS_CHECK_S + 5)
    assert (place.shown.phase, place.shown.alarms) == (Phase.TRADING, ())
    assert place.store.grids()[0].phase == Phase.TRADING
    (told,) = [line for line in caplog.messages if "is withdrawn" in line]
    assert told.startswith("grid-1-BTCUSDT-futures: an alarm was disproved")
    assert "holds -1.5 BTC" in told


def test_a_switch_of_mode_leaves_a_grid_that_is_unwinding_to_end_flat(place: Place) -> None:
    place.gateway.drop_next()
    place.host.handle(StopRequested(OnStop.UNWIND))
    place.host.handle(StopRequested(OnStop.CANCEL, yields=True))
    assert "unwind" in place.shown.phase_reason
    place.host.drop()
    place.begin()
    place.pass_time(10)
    assert (place.host.finished, place.gateway.position) == (True, 0)


def test_a_switch_of_mode_ends_a_grid_nobody_spoke_of_with_its_orders_off(place: Place) -> None:
    place.host.handle(StopRequested(OnStop.CANCEL, yields=True))
    place.settle()
    assert (place.host.finished, place.gateway.position, place.gateway.open_orders) == (True, -2, ())


def test_a_contract_that_is_gone_is_asked_about_no_more_and_its_grid_can_be_ended(place: Place) -> None:
    place.gateway.unreadable = "Invalid symbol. (HTTP 400, code -1121)"
    place.host.handle(RulesChanged(BTC, replace(RULES, status="NOT_LISTED")))
    place.pass_time(CROSS_CHECK_S + 5)
    asked = place.gateway.readings
    place.pass_time(3_600, step_s=5)
    assert place.gateway.readings == asked, "nothing is asked for ever"
    assert "is not listed at the venue any more" in place.shown.phase_reason
    assert place.shown.books.base_held == -2
    place.host.handle(StopRequested(OnStop.UNWIND))
    place.pass_time(ENDING_S + 60, step_s=5)
    assert (place.host.finished, place.shown.books.base_held) == (True, -2)
