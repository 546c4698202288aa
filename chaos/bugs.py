"""Mistakes a trading bot can make with money, planted on purpose: chaos runs must find each of them.

Each is a small change of the real objects at run time; `planted` takes it back.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from adapters.storage import life
from domain.events import CancelRefused, OpenOrdersRead, OutcomeUnknown
from domain.orders import Side, Status
from grid.core import cells
from grid.edits import GridEdits
from grid.life import GridLife
from grid.money import GridMoney
from grid.pauses import RequestedPause
from grid.state import GridState
from grid.trailing import Trailing
from grid.worker_host import WorkerHost
from orders.account_review import AccountReview
from orders.desk import OrderDesk
from orders.effects import Record, RecordFunding, StoreIntents, Submit
from orders.funding_watch import FundingWatch
from orders.intake import Intake
from orders.ledger import Ledger
from orders.life_cycle import Order

Change = tuple[object, str, Any]


def _blind_resend() -> list[Change]:
    """Send an order again when its outcome is unknown."""
    answered = OrderDesk._answered

    def resend(desk: OrderDesk, event: Any, order: Order, now: Any) -> Any:
        news = answered(desk, event, order, now)
        if isinstance(event, OutcomeUnknown) and order.status is Status.SENT:
            news.effects.append(Submit(order.intent))
        return news

    return [(OrderDesk, "_answered", resend)]


def _unknown_taken_for_refused() -> list[Change]:
    """Take an order with an unknown outcome for one that was refused, and place the next attempt."""
    answered = OrderDesk._answered

    def refuse(desk: OrderDesk, event: Any, order: Order, now: Any) -> Any:
        if isinstance(event, OutcomeUnknown) and order.status is Status.SENT:
            return desk._intake.move_one(event.client_id, Status.REJECTED, now)
        return answered(desk, event, order, now)

    return [(OrderDesk, "_answered", refuse)]


def _fill_booked_twice() -> list[Change]:
    """Count a trade each time it is told."""

    def book(ledger: Ledger, fill: Any) -> bool:
        ledger._trade_ids.add(fill.trade_id)
        ledger.last_trade_id = max(ledger.last_trade_id, fill.trade_id)
        ledger._replace(fill.client_id, ledger._orders[fill.client_id].apply(fill))
        return True

    return [(Ledger, "book", book)]


def _lost_race_taken_for_cancelled() -> list[Change]:
    """Believe that an order which cannot be cancelled has been cancelled; it may have filled."""
    answered = OrderDesk._answered

    def believe(desk: OrderDesk, event: Any, order: Order, now: Any) -> Any:
        if isinstance(event, CancelRefused) and not order.has_ended:
            return desk._intake.move_one(event.client_id, Status.CANCELED, now)
        return answered(desk, event, order, now)

    return [(OrderDesk, "_answered", believe)]


def _intent_after_send() -> list[Change]:
    """Store intents once their orders have left."""
    carry_out = WorkerHost._carry_out

    def late(host: WorkerHost, effects: Any) -> None:
        carry_out(host, sorted(effects, key=lambda effect: isinstance(effect, StoreIntents)))

    return [(WorkerHost, "_carry_out", late)]


def _forgets_requests_in_flight() -> list[Change]:
    """Start without the orders whose answer was still to come."""
    restore = Ledger.restore

    def forget(ledger: Ledger, rows: Any, fills: Any) -> None:
        kept = [row for row in rows if row.status not in (Status.CREATED, Status.SENT, Status.UNKNOWN)]
        known = {row.intent.client_id for row in kept}
        restore(ledger, kept, [fill for fill in fills if fill.client_id in known])

    return [(Ledger, "restore", forget)]


def _trusts_a_stale_reading() -> list[Change]:
    """Take an open order that a reading does not list for cancelled, however old the reading is."""
    take_listing = AccountReview.listed

    def trust(review: AccountReview, event: OpenOrdersRead, now: Any) -> Any:
        news = take_listing(review, event, now)
        listed = {order.client_id for order in event.orders}
        for order in review._ledger.unsettled():
            if order.status is Status.OPEN and order.intent.client_id not in listed:
                moved = review._intake.move_one(order.intent.client_id, Status.CANCELED, now)
                news.effects += moved.effects
        return news

    return [(AccountReview, "listed", trust)]


def _attempt_used_again() -> list[Change]:
    """Give the first attempt's id to every attempt of a slot and cycle."""

    def add(ledger: Ledger, intent: Any) -> Order:
        return ledger._keep(Order(intent))

    return [(Ledger, "next_attempt", lambda _ledger, _slot, _cycle: 0), (Ledger, "add", add)]


def _adopts_nothing() -> list[Change]:
    """Leave orders alone that the books lack, though their id is ours."""
    return [(Intake, "_adopt", lambda *_told: False)]


def _epoch_not_raised() -> list[Change]:
    """Take a database that was put back for the newest one."""
    return [(life, "_same_life", lambda *_told: True)]


def _counter_order_on_partial_fill() -> list[Change]:
    """Turn a cell round at the first part of its order."""
    turn = cells.turn_if_done

    def early(k: int, prices: Any, lots: Any, lot_units: int, min_notional: int, side: Any, *rest: Any) -> bool:
        filled, base, _cycle = rest
        if side[k] == cells.BUYING and filled[k] > 0 and base[k] // lot_units * prices[k + 1] >= min_notional:
            filled[k] = lots[k]
        return turn(k, prices, lots, lot_units, min_notional, side, *rest)

    return [(cells, "turn_if_done", early)]


def _late_fill_dropped() -> list[Change]:
    """Ignore trades of an order that has ended."""
    book = Intake._book

    def drop(intake: Intake, fill: Any, now: Any, change: Any) -> None:
        ledger = intake._ledger
        known = ledger.resolved(fill).client_id
        if known not in ledger or ledger[known].status is not Status.CANCELED:
            book(intake, fill, now, change)

    def settled(order: Order) -> bool:
        return order.has_ended

    return [(Intake, "_book", drop), (Order, "is_settled", property(settled))]


def _decides_before_reading() -> list[Change]:
    """Place orders before the account was read."""
    return [(OrderDesk, "synced", property(lambda _desk: True))]


def _ends_with_orders_in_doubt() -> list[Change]:
    """Call a grid ended while the fate of its orders is open."""

    def settled(life: GridLife) -> bool:
        return life.is_ending and not life.wanted() and life._parts.desk.synced

    return [(GridLife, "has_settled", property(settled))]


def _fills_without_their_order() -> list[Change]:
    """Commit what became of an order, and its trades only when the next event comes."""
    keep = WorkerHost._keep
    waiting: dict[int, list[Any]] = {}

    def half(host: WorkerHost, effect: Any) -> None:
        if isinstance(effect, Record):
            later = waiting.setdefault(id(host), [])
            late, waiting[id(host)] = list(later), list(effect.fills)
            effect = replace(effect, fills=tuple(late))
        keep(host, effect)

    return [(WorkerHost, "_keep", half)]


def _funding_counted_again() -> list[Change]:
    """Start without the funding payments that are stored, so that they are news once more."""

    def forget(watch: FundingWatch, payments: Any) -> None:
        restore(watch, payments)
        watch._payments = {}

    restore = FundingWatch.restore
    return [(FundingWatch, "restore", forget)]


def _funding_since_the_start() -> list[Change]:
    """Read funding from the start of the process on, and not from the last payment that is stored."""
    due = FundingWatch.due

    def late(watch: FundingWatch, now: Any) -> Any:
        return [
            replace(asked, since_ms=now.market_ms) if watch._next_ms is None else asked for asked in due(watch, now)
        ]

    return [(FundingWatch, "due", late)]


def _funding_before_it_is_stored() -> list[Change]:
    """Count funding and do not store it."""
    learn = GridMoney.learn

    def unstored(money: GridMoney, event: Any, now: Any) -> Any:
        return [effect for effect in learn(money, event, now) if not isinstance(effect, RecordFunding)]

    return [(GridMoney, "learn", unstored)]


def _funding_not_awaited() -> list[Change]:
    """Call a grid ended though the payment of a settlement that it lived through is still to come."""
    return [(FundingWatch, "keeps_waiting", lambda _watch, _now: "")]


def _wrong_leg() -> list[Change]:
    """Take each purchase for the beginning of a long position and each sale for that of a short one."""

    def by_side(_state: GridState, slot: Any) -> bool:
        return slot.side is Side.SELL

    return [(GridState, "_opens_short", by_side)]


def _pause_forgotten() -> list[Change]:
    """Start without the pause that is stored."""
    begin = RequestedPause.__init__

    def forget(pause: RequestedPause, _stored: str | None) -> None:
        begin(pause, None)

    return [(RequestedPause, "__init__", forget)]


def _moves_before_the_cancels() -> list[Change]:
    """Move a ladder that follows the price while the orders it leaves behind may still be filled."""
    return [(Trailing, "_leaves_orders", lambda _trailing, _first: False)]


def _edit_forgotten() -> list[Change]:
    """Start without the edit that is stored and not carried out."""
    return [(GridEdits, "restore", lambda _edits, _moves: None)]


def _edited_before_the_cancels() -> list[Change]:
    """Lay an edited ladder while orders of the old one may still be filled."""
    return [(GridEdits, "_stands_in_the_way", lambda _edits, _slots: False)]


def _end_unstored() -> list[Change]:
    """Keep to oneself why the grid ends by itself."""
    kept: Any = vars(GridLife)["word"]

    def word(life: GridLife) -> Any:
        return life.pause.word if life.exit is not None else kept.fget(life)

    return [(GridLife, "word", property(word))]


def _end_forgotten() -> list[Change]:
    """Start without what is stored of why the grid ended by itself."""
    begin = GridLife.__init__

    def forget(life: GridLife, parts: Any) -> None:
        begin(life, parts)
        if life.exit is not None:
            life.exit, life.on_stop = None, None

    return [(GridLife, "__init__", forget)]


BUGS: Mapping[str, Callable[[], list[Change]]] = {
    "blind-resend": _blind_resend,
    "unknown-is-refused": _unknown_taken_for_refused,
    "fill-twice": _fill_booked_twice,
    "lost-race": _lost_race_taken_for_cancelled,
    "intent-after-send": _intent_after_send,
    "forget-in-flight": _forgets_requests_in_flight,
    "stale-reading": _trusts_a_stale_reading,
    "attempt-again": _attempt_used_again,
    "no-adoption": _adopts_nothing,
    "no-new-epoch": _epoch_not_raised,
    "partial-counter": _counter_order_on_partial_fill,
    "late-fill": _late_fill_dropped,
    "decide-unread": _decides_before_reading,
    "end-in-doubt": _ends_with_orders_in_doubt,
    "fills-later": _fills_without_their_order,
    "funding-twice": _funding_counted_again,
    "funding-missed": _funding_since_the_start,
    "funding-unstored": _funding_before_it_is_stored,
    "funding-not-awaited": _funding_not_awaited,
    "wrong-leg": _wrong_leg,
    "pause-forgotten": _pause_forgotten,
    "early-move": _moves_before_the_cancels,
    "edit-forgotten": _edit_forgotten,
    "early-edit": _edited_before_the_cancels,
    "end-unstored": _end_unstored,
    "end-forgotten": _end_forgotten,
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Plant one of `BUGS` while the context lasts; an empty name plants nothing."""
    changes = BUGS[name]() if name else []
    kept = [(holder, attribute, vars(holder)[attribute]) for holder, attribute, _ in changes]
    for holder, attribute, wrong in changes:
        setattr(holder, attribute, wrong)
    try:
        yield
    finally:
        for holder, attribute, right in kept:
            setattr(holder, attribute, right)
