"""Edits whose trade cannot be done: held back by a pause, or left behind by the price."""

from collections.abc import Callable
from decimal import Decimal

from domain.edits import GridChanges
from domain.events import OrderRefused, TimerFired
from domain.grids import GridPlan, MoveKind, PauseKeep, Phase
from domain.orders import Intent, Role
from fakes.grid_examples import gate, plan
from fakes.store import InMemoryStore
from grid.pauses import PauseRequested, ResumeRequested
from grid.worker_events import EditRequested
from integration.grid.test_edits_at_work import word
from integration.grid.test_ends_of_grids import SPEC, START_MS, Watched, begun
from integration.grid.test_pauses_by_request import resting
from orders.effects import Submit
from simulator.core.symbols import UNIT
from simulator.market.feed import BookUpdate, FeedStep

PLAN = plan(capital=Decimal(1_000))
MORE = GridChanges(capital=Decimal(2_500))


def edited(host: Watched, changes: GridChanges, price: str) -> EditRequested:
    asked = word(host.store, changes, Decimal(price))
    host.tell(asked)
    host.settle()
    return asked


def kinds(host: Watched) -> list[MoveKind]:
    return [move.kind for move in host.store.moves(1)]


def test_an_edit_of_a_paused_grid_is_priced_when_the_grid_goes_on():
    host = begun(PLAN)
    host.market("60010")
    host.tell(PauseRequested(PauseKeep.EXITS))
    host.settle()
    exits = resting(host)
    asked = edited(host, MORE, "60010")
    assert (kinds(host), resting(host)) == ([MoveKind.ASKED], exits)
    assert "its edit begins when it goes on" in host.snapshot().phase_reason
    host.market("60200", "60290")
    host.live_again()
    assert host.snapshot().is_edited_now
    host.tell(ResumeRequested())
    host.settle()
    host.market("60290")
    shown = host.snapshot()
    assert (shown.phase, shown.plan, len(resting(host))) == (Phase.TRADING, asked.asked.plan, 9)
    assert (shown.books.residual, shown.recovery.differs) == (0, ())


def test_an_edit_that_a_pause_holds_back_is_replaced_by_another_word():
    host = begun(PLAN)
    host.market("60010")
    host.tell(PauseRequested(PauseKeep.NOTHING))
    host.settle()
    edited(host, MORE, "60010")
    second = edited(host, GridChanges(capital=Decimal(1_500)), "60010")
    host.tell(ResumeRequested())
    host.settle()
    host.market("60010")
    assert kinds(host) == [MoveKind.ASKED, MoveKind.ASKED, MoveKind.EDIT]
    assert (host.snapshot().plan, host.snapshot().phase) == (second.asked.plan, Phase.TRADING)


def test_an_edit_whose_price_has_run_away_is_replaced_by_another_word():
    host = begun(PLAN)
    host.market("60010")
    ticks, at_ms = 61_000 * UNIT, host.heap.market_ms() + 1_000
    book = BookUpdate("BTCUSDT", ((ticks - SPEC.tick, 50 * UNIT),), ((ticks + SPEC.tick, 50 * UNIT),))
    host.play([FeedStep(at_ms, (), book)])  # nobody has traded there yet
    edited(host, MORE, "60010")
    host.market("61000", "61310")
    assert host.snapshot().phase is Phase.ENTERING
    host.live_again()
    host.market("61310")
    second = edited(host, MORE, "61310")
    host.market("61310")
    shown = host.snapshot()
    assert (shown.phase, shown.plan) == (Phase.TRADING, second.asked.plan)
    assert len(resting(host)) == 9
    assert shown.books.base_held == host.balances()["BTC"]
    host.market("61000", "60400", "59900", "60500", "61100")
    shown = host.snapshot()
    assert (shown.books.residual, shown.recovery.differs, shown.phase) == (0, (), Phase.TRADING)
    trades = [it for it in host.__dict__["done"] if isinstance(it, Submit) and it.intent.slot.role is Role.ENTRY]
    assert len({it.intent.client_id for it in trades}) == len(trades)


class Refusing(Watched):
    """A venue that refuses purchases at one price while it does, as for want of funds."""

    refuses_at: Decimal | None = None

    def _placing(self, intent: Intent) -> Callable[[], None]:
        if intent.price == self.refuses_at and intent.slot.role is Role.RUNG:
            return lambda: self._answer(OrderRefused(intent.client_id, -2010, "insufficient balance", False))
        return super()._placing(intent)


def refusing(made: GridPlan, at: str) -> Refusing:
    """Return a grid whose order at that price was given up."""
    funds = {"USDT": Decimal(10_000)}
    host = Refusing(spec=SPEC, balances=funds, store=InMemoryStore(), gate=gate(), start_ms=START_MS, seed=1)
    host.refuses_at = Decimal(at)
    host.market("60000")
    host.start(made)
    host.settle()
    for _ in range(40):
        host.heap.advance_to(host.heap.market_ms() + 1_000)
        host._tell(TimerFired())
        host.settle()
    host.market("60010")
    return host


def test_an_order_that_was_given_up_is_tried_anew_in_the_edited_ladder():
    host = refusing(PLAN, "59404.47")
    assert host.snapshot().faulted_slots
    host.refuses_at = None
    edited(host, GridChanges(capital=Decimal(700)), "60010")
    host.market("60010")
    assert host.snapshot().faulted_slots == ()
    assert len(resting(host)) == 9


def test_a_side_that_is_bare_because_its_nearest_orders_were_given_up_is_told():
    host = refusing(plan(capital=Decimal(1_000), resting_levels=1), "59701.49")
    told = host.snapshot().phase_reason
    assert "of the 1 nearest (resting_levels), so that none beyond takes their place; so no buys rest at all" in told
