"""Grids that begin and end by themselves: stored before anything is sent, once, whatever dies in between."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from chaos.host import InProcessHost
from domain.events import OrderRefused, PriceSeen, StreamLost, StreamResumed, TimerFired
from domain.exit_terms import ExitAction, ExitTerms
from domain.exits import ReachedExit
from domain.grids import GridPlan, OnStop, PauseKeep, Phase
from domain.orders import Intent, OrderType, Role
from fakes.grid_examples import gate, plan
from fakes.store import InMemoryStore
from grid.assembly import build_worker
from grid.pauses import PauseRequested
from grid.worker_events import Effect, SavePhase, StopRequested
from orders.client_ids import ClientId
from orders.effects import Cancel, Submit
from simulator.core.events import ExchangeEvent, MarketTrade, PublicTrade
from simulator.core.symbols import UNIT
from simulator.market.catalogue import specs_of
from simulator.market.feed import BookUpdate, FeedStep

SPEC = specs_of(["BTCUSDT"])["BTCUSDT"]
START_MS = 1_722_729_600_000


class Watched(InProcessHost):
    """The in-process host, which remembers in which order what was stored and sent, and dies when it is told to."""

    dies_after_saving = False

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self.__dict__.setdefault("done", []).append(effect)
            super()._carry_out([effect])
            if self.dies_after_saving and isinstance(effect, SavePhase) and effect.on_stop:
                self._worker = None
                return

    def _on_exchange_event(self, event: ExchangeEvent) -> None:
        if not (isinstance(event, PublicTrade) and event.own):  # the market gaps: it shows no price at our rungs
            super()._on_exchange_event(event)

    def market(self, *prices: str, every_ms: int = 20_000) -> None:
        """Let these prices print, one after the other, with a book of one tick's spread around each."""
        for text in prices:
            ticks, at_ms = int(Decimal(text) * UNIT), self.heap.market_ms() + every_ms
            trade = MarketTrade("BTCUSDT", ticks, UNIT, at_ms, buyer_is_maker=False)
            book = BookUpdate("BTCUSDT", ((ticks - SPEC.tick, 50 * UNIT),), ((ticks + SPEC.tick, 50 * UNIT),))
            self.play([FeedStep(at_ms, (trade,), book)])

    def live_again(self) -> None:
        """Come back after a death, as a new process does."""
        self.settle()
        self.dies_after_saving = False
        (row,) = self.store.grids()
        self.resume(row)
        self.settle()

    @property
    def words(self) -> list[str]:
        """Return the final words as they were stored, each once."""
        told = [effect.on_stop or "" for effect in self.__dict__["done"] if isinstance(effect, SavePhase)]
        return list(dict.fromkeys(word for word in told if "exit:" in word))

    def closing(self) -> list[Submit]:
        submits = [effect for effect in self.__dict__["done"] if isinstance(effect, Submit)]
        return [it for it in submits if it.intent.slot.role is Role.UNWIND]

    @property
    def held(self) -> Decimal:
        return self.snapshot().books.base_held


def begun(made: GridPlan, price: str = "60000", kind: type[Watched] = Watched) -> Watched:
    funds = {"USDT": Decimal(10_000)}
    host = kind(spec=SPEC, balances=funds, store=InMemoryStore(), gate=gate(), start_ms=START_MS, seed=1)
    host.market(price)
    host.start(made)
    host.settle()
    return host


def ending(stop_below: str | None = None, **terms: Any) -> GridPlan:
    return plan(exits=ExitTerms(**terms), stop_below=None if stop_below is None else Decimal(stop_below))


CASES = [
    (ending(take_profit_price=Decimal(61_000)), "61500", "take_profit_price"),
    (ending(take_profit_percent=Decimal("0.3")), "61500", "take_profit_perc"),
    (ending(take_profit_amount=Decimal(3)), "61500", "take_profit_amount"),
    (ending(stop_loss_percent=Decimal(4)), "57000", "stop_loss_perc"),
    (ending(stop_loss_amount=Decimal(40)), "57000", "stop_loss_amount"),
    (ending("58000"), "57000", "stop_below"),
]


@pytest.mark.parametrize(("made", "price", "condition"), CASES, ids=[case[2] for case in CASES])
def test_a_grid_that_the_price_gapped_over_ends_flat_and_says_why(made: GridPlan, price: str, condition: str):
    host = begun(made)
    host.market("60010", price, "60000")
    reached = ReachedExit.of(host.store.grids()[0].on_stop)
    assert reached is not None
    assert (reached.condition, reached.price) == (condition, Decimal(price))
    shown = host.snapshot()
    assert shown.phase is Phase.ENDED
    assert f"its {condition} was reached at {price} with a profit of " in shown.phase_reason
    assert host.held < Decimal("0.0001")
    assert host.words == [reached.word]
    assert not host.exchange.open_orders("bot", "BTCUSDT")
    done = host.__dict__["done"]
    stored = next(index for index, it in enumerate(done) if isinstance(it, SavePhase) and it.on_stop == reached.word)
    first = next(index for index, it in enumerate(done) if isinstance(it, Cancel) or it in host.closing())
    assert stored < first


def test_what_is_kept_stays_on_the_account_and_a_restart_starts_nothing_again():
    host = begun(ending(take_profit_price=Decimal(60_400), on_take_profit=ExitAction.KEEP))
    held = host.held
    host.market("60399", "60450")
    assert (host.snapshot().phase, host.closing()) == (Phase.ENDED, [])
    assert Decimal(0) < host.held < held
    host.live_again()
    host.market("59000", "60450")
    assert not host.exchange.open_orders("bot", "BTCUSDT")


@pytest.mark.parametrize("action", ExitAction)
def test_a_death_at_the_moment_it_is_stored_changes_nothing_but_the_time(action: ExitAction):
    host = begun(ending(take_profit_price=Decimal(61_000), on_take_profit=action))
    host.dies_after_saving = True
    host.market("61100")
    assert not any(isinstance(effect, Cancel) for effect in host.__dict__["done"])
    host.live_again()
    host.market("60600", "60700", every_ms=70_000)
    reached = ReachedExit.of(host.store.grids()[0].on_stop)
    assert reached is not None
    assert (reached.price, reached.action) == (Decimal(61_100), action)
    assert len(host.words) == 1
    if action is ExitAction.LIMIT:
        (order,) = host.exchange.open_orders("bot", "BTCUSDT")
        assert order.price == 61_100 * UNIT
        host.market("61300")
    assert host.snapshot().phase is Phase.ENDED


def test_an_order_that_rests_at_the_end_may_be_given_up_and_nothing_else_is_heeded():
    made = ending("58000", on_stop_loss=ExitAction.LIMIT)
    host = begun(made)
    host.market("57900", "57000")
    (order,) = host.exchange.open_orders("bot", "BTCUSDT")
    assert (order.price, host.snapshot().phase) == (57_900 * UNIT, Phase.STOPPING)
    for ignored in (PauseRequested(PauseKeep.NOTHING), StopRequested(OnStop.KEEP)):
        host.tell(ignored)
        host.settle()
        assert host.exchange.open_orders("bot", "BTCUSDT")
    host.live_again()
    assert len(host.exchange.open_orders("bot", "BTCUSDT")) == 1
    host.tell(StopRequested(OnStop.UNWIND))
    host.market("57000")
    assert (host.snapshot().phase, len(host.words)) == (Phase.ENDED, 2)
    assert [it.intent.type for it in host.closing()] == [OrderType.LIMIT_MAKER, OrderType.MARKET]
    ids = [ClientId.parse(it.intent.client_id) for it in host.closing()]
    assert len(set(map(str, ids))) == 2


def test_an_end_that_was_reached_wins_over_a_pause_and_a_later_word_but_not_over_an_earlier_one():
    host = begun(ending("58000"))
    host.tell(PauseRequested(PauseKeep.NOTHING))
    host.market("57000")
    host.tell(StopRequested(OnStop.CANCEL))
    host.market("57000")
    assert host.snapshot().phase is Phase.ENDED
    assert host.held < Decimal("0.0001")
    other = begun(ending("58000"))
    other.tell(StopRequested(OnStop.CANCEL))
    other.market("57000")
    assert (other.words, other.snapshot().phase_reason) == ([], "stopped by request (cancel)")


def test_nothing_is_decided_on_a_price_whose_stream_was_lost():
    host = begun(ending("58000"))
    host.tell(StreamLost("market", "cut"))
    host.market()
    assert host.words == []
    old = PriceSeen(host.instrument, Decimal(57_000), host.heap.market_ms(), host.heap.monotonic_s() - 10**6)
    host.tell(old)
    assert host.words == []
    host.market("58500", "57999")
    assert len(host.words) == 1


@pytest.mark.parametrize(("trigger", "towards", "reaching"), [("61000", "60999", "61000"), ("59000", "59001", "58950")])
def test_a_grid_waits_for_its_trigger_price_from_either_side(trigger: str, towards: str, reaching: str):
    host = begun(plan(trigger_price=Decimal(trigger)))
    host.market(towards, "60000", towards)
    shown = host.snapshot()
    assert (shown.phase, shown.open_orders, shown.books.hold_change) == (Phase.WAITING, (), 0)
    assert f"to its trigger_price {trigger}" in shown.phase_reason
    host.dies_after_saving = True
    host.market(reaching)
    host.live_again()
    assert host.store.grids()[0].on_stop == "triggered"
    host.market(trigger, every_ms=70_000)
    assert host.snapshot().phase is Phase.TRADING
    assert len(host.snapshot().open_orders) == 9
    first = next(index for index, it in enumerate(host.__dict__["done"]) if isinstance(it, Submit))
    words = [it.on_stop for it in host.__dict__["done"][:first] if isinstance(it, SavePhase)]
    assert "triggered" in words


def test_a_waiting_grid_is_paused_and_stopped_as_any_other():
    host = begun(plan(trigger_price=Decimal(61_000)))
    host.tell(PauseRequested(PauseKeep.EXITS))
    host.market("61000", "60000")
    assert (host.snapshot().phase, host.store.grids()[0].on_stop) == (Phase.PAUSED, "triggered;pause:exits")
    host.live_again()
    assert host.snapshot().phase is Phase.PAUSED
    other = begun(plan(trigger_price=Decimal(61_000)))
    other.tell(StopRequested(OnStop.UNWIND))
    other.market("61000", "62000")
    assert other.snapshot().phase is Phase.ENDED
    assert not other.store.fills(1)


def test_a_triggered_grid_ends_by_itself_and_remembers_both():
    made = replace(plan(trigger_price=Decimal(61_000), exits=ExitTerms(take_profit_price=Decimal(62_000))))
    host = begun(made)
    host.market("60999", "61000", "61010", "62100", "62100", every_ms=70_000)
    stored = host.store.grids()[0].on_stop or ""
    assert stored.startswith("triggered;exit:take_profit_price:market:62100:")
    host.live_again()
    assert host.snapshot().phase is Phase.ENDED


def test_a_loss_is_judged_on_an_account_that_was_read():
    host = begun(ending(stop_loss_amount=Decimal(20)))
    host.market("60010")
    host._worker = None
    host.market("60400", "60700", "61100", "61500", "60500", "59900", "59000", "58000", "57200")
    host.settle()
    (row,) = host.store.grids()
    host._worker = build_worker(
        row, host.rules, gate=gate(), store=host.store, equity_every_ms=60_000, max_price_age_s=3600.0
    )
    host._tell(PriceSeen(host.instrument, Decimal(57_200), host.heap.market_ms(), host.heap.monotonic_s()))
    assert host.words == []  # the sales that were made while it was away are not known yet
    host._tell(StreamResumed("user"))
    host.settle()
    books = host.snapshot().books
    assert books.cash_flow + books.base_held * 57_200 > -20
    assert host.words == []
    host.market("50000")
    assert host.words != []


def test_a_profit_is_not_reckoned_from_fills_at_a_price_older_than_they_are():
    host = begun(ending(take_profit_amount=Decimal(5)))
    host.market("60010")
    hear, late = host._tell_price, []
    host._tell_price = late.append
    host.market("57000")
    assert host.snapshot().books.buys > 3  # the account's stream was faster than the market's
    assert host.words == []
    hear(replace(late[-1], price=Decimal(60_010), market_ms=late[-1].market_ms - 1))
    assert host.words == []
    hear(late[-1])
    assert host.words == []
    host._tell_price = hear
    host.market("61500")
    assert host.words != []


class Refusing(Watched):
    """An exchange that takes no order which closes what is held."""

    def _placing(self, intent: Intent) -> Callable[[], None]:
        if intent.slot.role is Role.UNWIND:
            refused = OrderRefused(intent.client_id, -2010, "Account has insufficient balance", False)
            return lambda: self._answer(refused)
        return super()._placing(intent)

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.heap.advance_to(self.heap.market_ms() + 1_000)
            self._tell(TimerFired())
            self.settle()


def test_an_end_whose_sale_is_refused_is_tried_on_and_may_be_given_up():
    host = begun(ending(stop_loss_amount=Decimal(40)), kind=Refusing)
    assert isinstance(host, Refusing)
    host.market("60010", "57000")
    host.wait(200)
    shown = host.snapshot()
    assert shown.phase is Phase.STOPPING
    assert "cannot be closed: Account has insufficient balance (-2010); it is tried every minute" in shown.phase_reason
    tried = len(host.closing())
    host.wait(130)
    assert len(host.closing()) == tried + 2
    host.tell(StopRequested(OnStop.CANCEL))
    host.settle()
    assert (host.snapshot().phase, host.held > 0) == (Phase.ENDED, True)


@pytest.mark.parametrize("is_faulted", [False, True])
def test_a_persons_stop_is_stored_before_anything_follows_from_it(is_faulted: bool):
    host = begun(plan())
    host.market("60010")
    if is_faulted:
        host._worker._desk.alarm("somebody else's order")
        host._tell(TimerFired())
        host.settle()
    else:
        host.tell(PauseRequested(PauseKeep.NOTHING))
        host.settle()
    host.dies_after_saving = True
    host.tell(StopRequested(OnStop.UNWIND))
    assert host._worker is None
    assert host.closing() == []
    assert host.store.grids()[0].on_stop == OnStop.UNWIND
    host.live_again()
    assert (host.snapshot().phase, host.snapshot().books.base_held < Decimal("0.00001")) == (Phase.ENDED, True)


def test_a_grid_that_ends_and_keeps_its_orders_books_first_what_was_filled_while_it_was_away():
    host = begun(plan())
    host.market("60010")
    before = host.snapshot().books.trades
    host._worker = None
    host.market("59000")
    (row,) = host.store.grids()
    host._worker = build_worker(
        row, host.rules, gate=gate(), store=host.store, equity_every_ms=60_000, max_price_age_s=3600.0
    )
    host._tell(StopRequested(OnStop.KEEP))
    host.settle()
    assert host.snapshot().phase is Phase.STOPPING
    host._tell(StreamResumed("user"))
    host.settle()
    assert host.snapshot().phase is Phase.ENDED
    assert host.snapshot().books.trades > before
