"""What must hold on a contract besides: funding, legs and wallet, to the last digit."""

from bisect import bisect_left
from decimal import Decimal

from chaos.facts import Facts
from chaos.translate import amount
from chaos.witness import Witness
from domain.futures import FundingPayment
from domain.grids import Direction, GridPlan, GridSnapshot, OnStop
from domain.money import ZERO, exact, plain
from domain.orders import Fill, PositionSide, Role, Side, Slot
from orders.client_ids import ClientId

Legs = dict[PositionSide, Decimal]


@exact
def judge_wallet_books(shown: GridSnapshot, witness: Witness) -> None:
    """Check the living worker's books of the wallet against what was committed, and that it raised no alarm of it."""
    fills, payments = witness.fills.values(), witness.payments.values()
    for what, shown_amount, committed in (
        ("fees of", shown.books.fees, sum((fill.commission for fill in fills), ZERO)),
        ("realised profit of", shown.books.realized_profit, sum((fill.realized_profit for fill in fills), ZERO)),
        ("funding of", shown.books.funding, sum((payment.amount for payment in payments), ZERO)),
    ):
        if shown_amount != committed:
            witness.violated(f"the books tell {what} {plain(shown_amount)}, committed are {plain(committed)}")
    for alarm in shown.alarms:
        if "the venue holds" in alarm:
            witness.violated(f"a false alarm: {alarm}")


def due_payments(facts: Facts) -> dict[int, FundingPayment]:
    """Return what the venue paid or took while the grid lived."""
    ended_ms = facts.process.ended_ms
    paid = facts.venue.payments()
    return {payment.id: payment for payment in paid if ended_ms is None or payment.at_ms <= ended_ms}


def is_funded(facts: Facts) -> bool:
    """Tell whether all that funding brought is booked."""
    return not facts.venue.is_contract or due_payments(facts).keys() <= facts.witness.payments.keys()


def judge_contract(facts: Facts) -> None:
    """Check what must hold at the end of a run, whatever was asked of the grid."""
    _judge_payments(facts)
    _judge_sides(facts)
    if facts.stop is OnStop.KEEP:  # what it left may have filled since
        return
    there, held = _at_venue(facts), _by_books(facts)
    if there != held:
        facts.witness.violated(f"the venue holds {_told(there)} and the books {_told(held)}")
    if facts.stop is OnStop.UNWIND and facts.process.has_finished and there and not facts.may_hold:
        facts.witness.violated(f"the grid ended and holds {_told(there)}")


def _judge_payments(facts: Facts) -> None:
    witness, due, booked = facts.witness, due_payments(facts), facts.witness.payments
    if lost := sorted(due.keys() - booked.keys()):
        witness.violated(f"lost funding payments: {', '.join(map(str, lost))}")
    if invented := sorted(booked.keys() - due.keys()):
        witness.violated(f"invented funding payments: {', '.join(map(str, invented))}")
    for number, payment in due.items():
        if booked.get(number, payment) != payment:
            witness.violated(f"payment {number} is booked as {booked[number]}, the venue says {payment}")


def _judge_sides(facts: Facts) -> None:
    """Check that each trade changed the position that the plan has its order for."""
    tick = amount(facts.venue.spec.tick)
    for fill in facts.witness.fills.values():
        slot = slot_of(fill)
        if slot is not None and fill.position_side is not leg_of(slot, facts.grid, tick):
            facts.witness.violated(f"trade {fill.trade_id} of {fill.client_id} changed the {fill.position_side} side")


def slot_of(fill: Fill) -> Slot | None:
    ours = ClientId.parse(fill.client_id)
    return None if ours is None else ours.slot


def leg_of(slot: Slot, plan: GridPlan, tick: Decimal) -> PositionSide:
    """Work out from the plan alone which position an order changes: a neutral grid is short above its gap."""
    if plan.terms is None or not plan.terms.hedge_mode:
        return PositionSide.BOTH
    direction = plan.request.direction
    if slot.role is Role.UNWIND:
        is_short = slot.side is Side.BUY
    elif slot.role is Role.ENTRY or direction is not Direction.NEUTRAL:
        is_short = direction is Direction.SHORT
    else:
        rung = bisect_left(plan.prices, slot.price_ticks * tick)
        is_short = (rung if slot.side is Side.BUY else rung - 1) >= plan.gap
    return PositionSide.SHORT if is_short else PositionSide.LONG


def _at_venue(facts: Facts) -> Legs:
    return {position.side: position.quantity for position in facts.venue.positions() or ()}


@exact
def _by_books(facts: Facts) -> Legs:
    legs: Legs = {}
    for fill in facts.witness.fills.values():
        change = fill.quantity if fill.side is Side.BUY else -fill.quantity
        legs[fill.position_side] = legs.get(fill.position_side, ZERO) + change
    return {side: quantity for side, quantity in legs.items() if quantity}


def _told(legs: Legs) -> str:
    return ", ".join(f"{side} {plain(quantity)}" for side, quantity in sorted(legs.items())) or "nothing"
