"""A person's edit of a grid at work: asked for, stored, and carried out once no order stands in its way."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from domain.events import Moment
from domain.grids import Move, MoveKind
from domain.orders import Role, Slot
from grid.edit_moves import EditAsked
from grid.parts import GridParts
from grid.pauses import RequestedPause
from grid.worker_events import EditRequested, SaveMove
from orders.repricing import Use
from orders.wanted import WantedOrder


class GridEdits:
    """Of one grid; at most one edit is under way.

    An edit has two phases. First the orders that the new ladder does not want are taken off, and nothing is placed.
    When none of them can be filled any more the ladder is laid anew, by what the cells hold then; what it wants from
    then on is the state's affair. A person's word is stored before the first phase, what came of it after it.

    An edit whose trade a pause holds back does not begin: the price at which its trade may be done is that of the
    moment in which the ladder is laid. Until then, and while such a trade is under way, another word replaces it.
    """

    def __init__(self, parts: GridParts, pause: RequestedPause) -> None:
        self._parts = parts
        self._pause = pause
        self.is_held = False
        """Whether the pause holds it back."""
        self._pending: EditAsked | None = None
        self._staying: frozenset[tuple[Slot, Decimal]] | None = None
        """Orders that both ladders want, as last judged; None while that is not known."""

    @property
    def is_under_way(self) -> bool:
        return self._pending is not None

    def restore(self, moves: Iterable[Move]) -> None:
        """Take over what the store holds: an edit that was asked for and not carried out is under way again."""
        for move in moves:
            if move.kind is MoveKind.ASKED:
                self._pending = EditAsked.read(move.data)
            elif move.kind is MoveKind.EDIT:
                self._pending = None
        self._parts.exits.go_by(self._parts.state.plan)

    def hear(self, request: EditRequested, now: Moment) -> list[SaveMove]:
        """Take in a person's word; one that comes while orders are taken off for another, or again, changes nothing."""
        state = self._parts.state
        is_at_work = self._pending is not None and not self.is_held
        is_first = state.is_entering and not state.is_edited
        is_so = self._pending is None and not state.is_entering and request.asked.plan == state.plan
        if is_at_work or is_first or is_so:
            return []
        move = state.next_move(MoveKind.ASKED, request.asked.data(), now.market_ms)
        state.move(move)
        self._pending, self._staying, self.is_held = request.asked, None, False
        return [SaveMove(move)]

    def step(self, now: Moment) -> list[SaveMove]:
        """Judge the edit anew; carry it out if nothing stands in its way."""
        parts, price = self._parts, self._parts.market.fresh_price(now)
        if self._pending is None or price is None or not parts.desk.synced or parts.money.alarm:
            return []
        state = parts.state
        made = state.edited(self._pending, price.value)
        after = state.after(made).wanted()
        trades = [order for order in after if order.slot.role is Role.ENTRY]
        self.is_held = self._pause.allowed(trades) != trades
        if self.is_held:
            return []
        self._staying = frozenset(map(_place, state.wanted())) & frozenset(map(_place, after))
        if self._stands_in_the_way({slot for slot, _ in self._staying}):
            return []
        move = state.next_move(MoveKind.EDIT, made.data(), now.market_ms)
        before = _uses(state.wanted())
        state.move(move)
        parts.exits.go_by(state.plan)
        self._pending = self._staying = None
        parts.desk.reserve_all()
        parts.desk.placing.forget_besides(before & _uses(state.wanted()))
        return [SaveMove(move)]

    def _stands_in_the_way(self, staying: set[Slot]) -> bool:
        """Tell whether an order that the new ladder does not want may still be filled."""
        return any(order.intent.slot not in staying for order in self._parts.desk.ledger.unsettled())

    def allowed(self, wanted: Sequence[WantedOrder], *, is_ending: bool) -> list[WantedOrder]:
        """Return those of the wanted orders that may exist: while an edit is under way nothing is added to them."""
        if self._pending is None or (self.is_held and not is_ending):
            return [*wanted]
        if self._staying is None or is_ending:
            resting = {order.intent.slot for order in self._parts.desk.ledger.unsettled()}
            return [order for order in wanted if order.slot in resting]
        return [order for order in wanted if _place(order) in self._staying]


def _uses(orders: Iterable[WantedOrder]) -> frozenset[Use]:
    return frozenset((order.slot, order.cycle) for order in orders)


def _place(order: WantedOrder) -> tuple[Slot, Decimal]:
    return order.slot, order.quantity
