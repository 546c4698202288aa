"""Putting one grid's worker together from what the store holds: a first start and a resume are the same."""

from collections import deque
from collections.abc import Iterable

from domain.grids import GridPlan, Move, MoveKind
from domain.instrument import InstrumentRules, Market
from domain.money import parse_amount
from grid.edit_moves import EditAsked, EditMade
from grid.exit_watch import ExitWatch
from grid.market_view import MarketView
from grid.money import GridMoney
from grid.parts import GridParts
from grid.protection import Protection
from grid.state import GridState
from grid.stops import stops_of
from grid.surroundings import Surroundings
from grid.units import counted_in
from grid.worker import GridWorker
from orders.desk import OrderDesk
from orders.ledger import Ledger
from orders.placing import Placing
from orders.position_check import PositionCheck
from orders.repricing import Repricing
from ports.store import GridRow, Store
from risk.gate import RiskGate


def stored_state(row: GridRow, rules: InstrumentRules, store: Store) -> GridState:
    """Return where the cells of the stored grid `row` stand, by its fills and moves."""
    fills, moves, orders = store.fills(row.grid_id), deque(store.moves(row.grid_id)), store.orders(row.grid_id)
    slots = {order.intent.client_id: order.intent.slot for order in orders}
    state = GridState(row.grid_id, row.plan, counted_in(rules, _plans(row, moves), orders, fills))
    for fill in fills:
        while moves and moves[0].after_trade < fill.trade_id:
            state.move(moves.popleft())
        state.apply(slots[fill.client_id], fill)
    while moves:
        state.move(moves.popleft())
    return state


def _plans(row: GridRow, moves: Iterable[Move]) -> list[GridPlan]:
    """Return all plans that the grid's ladder stood by, or may come to stand by."""
    edits = [EditMade.read(move.data).plan for move in moves if move.kind is MoveKind.EDIT]
    return [row.plan, *edits, *(EditAsked.read(move.data).plan for move in moves if move.kind is MoveKind.ASKED)]


def build_worker(
    row: GridRow,
    rules: InstrumentRules,
    *,
    gate: RiskGate,
    store: Store,
    equity_every_ms: int,
    max_price_age_s: float,
) -> GridWorker:
    """Return the worker of the stored grid `row`, with all its orders and fills taken over."""
    ledger = Ledger(store.account, row.instrument)
    fills, is_whole = store.fills(row.grid_id), not store.may_lack_orders(row.grid_id)
    orders = store.orders(row.grid_id)
    moves = store.moves(row.grid_id)
    counted = counted_in(rules, _plans(row, moves), orders, fills)
    state = GridState(row.grid_id, row.plan, counted)
    placing = Placing(
        grid=row.grid_id,
        ledger=ledger,
        rules=rules,
        gate=gate,
        instance=store.instance,
        epoch=store.epoch,
        slots=state,
        repricing=Repricing(counted) if row.plan.request.post_only else None,
    )
    desk = OrderDesk(placing, ledger, gate, overlaps=row.plan.request.resting_levels is not None)
    desk.restore(
        orders,
        fills,
        known_until=store.last_trade_id(row.instrument),
        is_whole=is_whole,
        before=store.trade_marks().get(row.instrument, 1) - 1,
    )
    protection = Protection(
        grid=row.grid_id,
        instance=store.instance,
        epoch=store.epoch,
        instrument=row.instrument,
        stops=stops_of(row.grid_id, row.plan, counted),
    )
    if row.plan.terms is not None:
        protection.restore(store.conditionals(row.grid_id))
    parts = GridParts(
        row=row,
        rules=counted,
        state=state,
        desk=desk,
        protection=protection,
        gate=gate,
        money=GridMoney(row.plan, counted, row.started_ms),
        position=PositionCheck(row.instrument),
        market=MarketView(counted, max_price_age_s),
        exits=ExitWatch(row.plan),
        around=Surroundings(),
    )
    worker = GridWorker(parts, equity_every_ms=equity_every_ms)
    marked = store.equity(row.grid_id, 1)
    last_mark = parse_amount(marked[-1].mark_price) if marked else None
    payments = store.funding(row.grid_id) if row.instrument.market is Market.FUTURES else ()
    worker.restore(fills, store.fee_values(row.grid_id), last_mark, payments, moves)
    return worker
