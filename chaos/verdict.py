"""What must hold once everything works again and the market stands still."""

from collections import Counter, deque
from decimal import Decimal

from chaos.contract_verdict import judge_contract, judge_wallet_books
from chaos.facts import Facts, is_of_this_instance
from chaos.process import Process
from chaos.venue import Venue
from chaos.witness import Witness
from domain.grids import GridSnapshot, OnStop, Phase
from domain.instrument import Market
from domain.money import ZERO, exact, plain
from domain.orders import Fill, Role, Side, VenueOrder
from grid.edit_moves import is_asked
from grid.state import GridState
from grid.trailing import target
from grid.waiting import was_reached
from orders.client_ids import ClientId
from orders.wanted import WantedOrder

Resting = list[tuple[Side, Decimal, Decimal]]


def resting(facts: Facts) -> Resting:
    """Return our orders at the venue: side, price, and what is left of each; one behind its rung counts as there."""
    ours = [order for order in facts.venue.open_orders() if is_of_this_instance(order.client_id)]
    return sorted((order.side, _rung_of(order, facts), order.quantity - order.executed_quantity) for order in ours)


def _rung_of(order: VenueOrder, facts: Facts) -> Decimal:
    """Return the price of an order, or of the rung that one which must not take waits behind, the market between."""
    parsed, rules = ClientId.parse(order.client_id), facts.grid.rules
    if not facts.grid.request.post_only or parsed is None or rules is None or parsed.slot.role is not Role.RUNG:
        return order.price
    rung = rules.price(parsed.slot.price_ticks)
    is_buy = order.side is Side.BUY
    may_wait = facts.price <= rung if is_buy else facts.price >= rung
    is_behind = order.price < rung if is_buy else order.price > rung
    return rung if may_wait and is_behind else order.price


def wanted(facts: Facts) -> list[WantedOrder]:
    """Work out from the committed fills alone what should exist, by a state of our own."""
    if facts.stop is not None or _waits_for_its_trigger(facts):
        return []
    return _replayed(facts).wanted()


def _waits_for_its_trigger(facts: Facts) -> bool:
    return facts.witness.waits and not was_reached(facts.witness.word)


def _replayed(facts: Facts) -> GridState:
    state, moves = GridState(1, facts.grid, facts.venue.rules()), deque(facts.witness.moves)
    for trade_id, fill in sorted(facts.witness.fills.items()):
        while moves and moves[0].after_trade < trade_id:
            state.move(moves.popleft())
        ours = ClientId.parse(fill.client_id)
        if ours is not None:
            state.apply(ours.slot, fill)
    while moves:
        state.move(moves.popleft())
    return state


def _is_to_move(facts: Facts) -> bool:
    """Tell whether the price asks the ladder to move."""
    state = _replayed(facts)
    return (
        not state.is_entering and target(state, facts.grid.request, facts.price, facts.venue.rules().tick) is not None
    )


def at_rest(facts: Facts) -> bool:
    """Tell whether nothing is under way and what rests is what is wanted; a first trade may wait for its price."""
    process = facts.process
    if not process.is_idle:
        return False
    if process.has_finished:
        return True
    if facts.stop is not None:
        return False
    wants = wanted(facts)
    if any(_is_offered(want, facts.price) for want in wants) or (facts.grid.master and _is_to_move(facts)):
        return False
    wanted_now = sorted(
        (want.slot.side, want.price, want.quantity) for want in wants if want.price and not want.at_once
    )
    return wanted_now == resting(facts)


def _is_offered(want: WantedOrder, price: Decimal) -> bool:
    """Tell whether a first trade that is wanted at once can be had now."""
    if want.price is None or not want.at_once:
        return False
    return price < want.price if want.slot.side is Side.BUY else price > want.price


def final_state(venue: Venue) -> Counter[str]:
    """Return what a twin must have in common, in words: what rests, and what was traded at which price.

    Balances follow from these but for the rounding of fees, because one sale may come in two parts.
    """
    left = [(order.side, order.quantity - order.executed_quantity, order.price) for order in venue.open_orders()]
    traded: dict[tuple[str, Decimal], Decimal] = {}
    for fill in venue.trades():
        key = (fill.side, fill.price)
        traded[key] = traded.get(key, Decimal(0)) + fill.quantity
    rest = [f"{side} {plain(quantity)} at {plain(price)} resting" for side, quantity, price in left]
    trades = [f"{side} {plain(quantity)} at {plain(price)} traded" for (side, price), quantity in traded.items()]
    return Counter([*rest, *trades])


def judge_books(process: Process, witness: Witness) -> None:
    """Check the living worker's own books against what was committed."""
    shown = process.snapshot()
    if shown is None:
        return
    if shown.books.residual:
        witness.violated(f"the books leave a residual of {plain(shown.books.residual)}")
    if shown.books.trades != len(witness.fills):
        witness.violated(f"the books count {shown.books.trades} trades, committed are {len(witness.fills)}")
    held = _sum_base(witness.fills.values())
    if shown.books.base_held != held:
        witness.violated(f"the books hold {plain(shown.books.base_held)}, committed are {plain(held)}")
    if shown.instrument.market is Market.FUTURES:
        judge_wallet_books(shown, witness)


@exact
def _sum_base(fills: object) -> Decimal:
    total = ZERO
    for fill in fills:  # type: ignore[attr-defined]
        total += fill.quantity if fill.side is Side.BUY else -fill.quantity
        if fill.commission_asset == fill.instrument.base:
            total -= fill.commission
    return total


def judge_end(facts: Facts, *, rested: bool) -> None:
    """Check everything that must hold at the end of a run."""
    witness = facts.witness
    if facts.stop is not OnStop.KEEP:
        _judge_trades(facts)
        _judge_money(facts)
    judge_makers(facts)
    if facts.venue.is_contract:
        judge_contract(facts)
    if facts.process.has_finished:
        _judge_ended(facts)
        return
    judge_books(facts.process, witness)
    shown = facts.process.snapshot()
    if shown is not None:
        _judge_shown(facts, shown, rested=rested)
    else:
        told = f": {facts.process.gave_up}" if facts.process.gave_up else ""
        witness.violated(f"no worker lives at the end{told}")


def _judge_shown(facts: Facts, shown: GridSnapshot, *, rested: bool) -> None:
    witness = facts.witness
    expected = Phase.WAITING if _waits_for_its_trigger(facts) else Phase.TRADING
    if shown.phase is not expected and not _waits_for_its_price(facts):
        witness.violated(f"phase {shown.phase} at the end: {shown.phase_reason}")
    if shown.faulted_slots:
        witness.violated(f"faulted at the end: {'; '.join(shown.faulted_slots)}")
    if shown.is_edited_now or is_asked(witness.moves):
        witness.violated("an edit was asked for and not carried out")
    if facts.stop is not None:
        witness.violated(f"the stop ({facts.stop}) did not come to its end")
    known = {order.client_id for order in shown.open_orders}
    live = {order.client_id for order in facts.venue.open_orders() if is_of_this_instance(order.client_id)}
    if live - known:
        witness.violated(f"orphans: {', '.join(sorted(live - known))}")
    if known - live:
        witness.violated(f"taken for live: {', '.join(sorted(known - live))}")
    if not rested:
        wants = sorted((want.slot.side, want.price, want.quantity) for want in wanted(facts) if want.price)
        witness.violated(f"resting {_told(resting(facts))} and wanted {_told(wants)} differ")


def _waits_for_its_price(facts: Facts) -> bool:
    return any(want.at_once for want in wanted(facts))


def _judge_ended(facts: Facts) -> None:
    if facts.stop is None:
        facts.witness.violated("the grid ended and nobody stopped it")
    left = resting(facts)
    if left and facts.stop is not OnStop.KEEP:
        facts.witness.violated(f"the grid ended and orders rest: {_told(left)}")
    if facts.stop is OnStop.UNWIND and not facts.may_hold and (unsold := _replayed(facts).wanted_unwind()):
        facts.witness.violated(f"the grid ended and holds {plain(unsold[0].quantity)} that could be sold")


def _judge_trades(facts: Facts) -> None:
    at_venue = {fill.trade_id: fill for fill in facts.venue.trades() if is_of_this_instance(fill.client_id)}
    booked = facts.witness.fills
    if lost := sorted(at_venue.keys() - booked.keys()):
        facts.witness.violated(f"lost trades: {', '.join(map(str, lost))}")
    if invented := sorted(booked.keys() - at_venue.keys()):
        facts.witness.violated(f"invented trades: {', '.join(map(str, invented))}")
    for trade_id, fill in at_venue.items():
        if trade_id in booked and booked[trade_id] != fill:
            facts.witness.violated(f"trade {trade_id} is booked as {booked[trade_id]}, the venue says {fill}")


def judge_makers(facts: Facts) -> None:
    """Check that no rung of a grid took that must not."""
    if not facts.grid.request.post_only:
        return
    for fill in facts.witness.fills.values():
        parsed = ClientId.parse(fill.client_id)
        if parsed is not None and parsed.slot.role is Role.RUNG and not fill.is_maker:
            facts.witness.violated(f"trade {fill.trade_id} took, though orders of rungs must not")


@exact
def _judge_money(facts: Facts) -> None:
    """Compare balances at the venue with start + committed fills + what others did."""
    expected = dict(facts.funds)
    foreign = [fill for fill in facts.venue.trades() if not is_of_this_instance(fill.client_id)]
    for fill in (*facts.witness.fills.values(), *foreign):
        _add(expected, fill)
    for payment in facts.venue.payments():
        expected[payment.asset] = expected.get(payment.asset, ZERO) + payment.amount
    for asset, change in facts.moved.items():
        expected[asset] = expected.get(asset, ZERO) + change
    held = facts.venue.balances()
    for asset in sorted({*expected, *held}):
        if expected.get(asset, ZERO) != held.get(asset, ZERO):
            told = f"{plain(held.get(asset, ZERO))} {asset} and the books {plain(expected.get(asset, ZERO))}"
            facts.witness.violated(f"the venue holds {told}")


def _add(balances: dict[str, Decimal], fill: Fill) -> None:
    base, quote = fill.instrument.base, fill.instrument.quote
    sign = 1 if fill.side is Side.BUY else -1
    changes = ((base, sign * fill.quantity), (quote, -sign * fill.quote_quantity))
    if fill.instrument.market is Market.FUTURES:
        changes = ((base, ZERO), (quote, fill.realized_profit))
    for asset, change in (*changes, (fill.commission_asset, -fill.commission)):
        balances[asset] = balances.get(asset, ZERO) + change


def _told(orders: Resting) -> str:
    return "[" + ", ".join(f"{side} {plain(quantity)} at {plain(price)}" for side, price, quantity in orders) + "]"
