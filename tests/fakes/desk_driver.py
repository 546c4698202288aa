"""A desk that is told one event a second, and what it wants done."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

from domain.events import (
    OpenOrdersRead,
    OrderEvent,
    OrderReported,
    StreamResumed,
)
from domain.orders import Fill, Intent, Role, Side, Slot, Status, VenueOrder
from fakes.grid_examples import BTC, btc_rules, gate
from fakes.order_examples import BUY_SLOT, INSTANCE, ONE, intent, moment, venue_order
from fakes.store import SHADOW_ACCOUNT
from orders.desk import OrderDesk
from orders.effects import (
    OrderEffect,
    ReadOpen,
    Submit,
)
from orders.ledger import Ledger
from orders.placing import Placing, Price
from orders.readings import FEW
from orders.wanted import WantedOrder
from ports.store import OrderRow

E = TypeVar("E", bound=OrderEffect)
LADDER = tuple(Slot(1, Role.RUNG, Side.BUY, 5_900_000 + 100 * rung) for rung in range(FEW + 1))
OTHER_BUY = Slot(1, Role.RUNG, Side.BUY, 5_800_000)


def want(slot: Slot = BUY_SLOT, quantity: Decimal = ONE, *, at_once: bool = False) -> WantedOrder:
    return WantedOrder(
        slot=slot,
        cycle=0,
        quantity=quantity,
        price=Decimal(slot.price_ticks) / 100,
        at_once=at_once,
        is_exit=slot.side is Side.SELL,
        reason="test",
    )


class Driver:
    """Gives a desk one event a second, aims after each, and keeps what it wanted done."""

    def __init__(self, *wanted: WantedOrder, synced: bool = True, epoch: int = 1) -> None:
        self.gate = gate()
        ledger = Ledger(SHADOW_ACCOUNT, BTC)
        placing = Placing(grid=1, ledger=ledger, rules=btc_rules(), gate=self.gate, instance=INSTANCE, epoch=epoch)
        self.desk = OrderDesk(placing, ledger, self.gate)
        self.wanted: Sequence[WantedOrder] = wanted
        self.effects: list[OrderEffect] = []
        self.fills: list[Fill] = []
        self.now_s = 0.0
        if synced:
            self.tell(StreamResumed("user"))
            self.read()

    def tell(self, event: OrderEvent) -> None:
        self.now_s += 1
        news = self.desk.on(event, moment(self.now_s))
        self.desk.update_gate()
        self.fills += news.fills
        self.effects += news.effects
        self.aim()

    def aim(self, *wanted: WantedOrder) -> None:
        self.wanted = wanted or self.wanted
        now = moment(self.now_s)
        self.effects += self.desk.aim(self.wanted, now, Price(Decimal(60_000), 0.0))

    def nothing_wanted(self) -> None:
        self.wanted = ()
        self.aim()

    def timer(self) -> None:
        self.now_s += 60
        self.effects += self.desk.on_timer(moment(self.now_s))
        self.aim()

    def read(self, orders: tuple[VenueOrder, ...] = (), fills: tuple[Fill, ...] = (), ago_s: float = -1.0) -> None:
        """A reading that began `ago_s` seconds ago; by default after everything told so far."""
        self.tell(OpenOrdersRead(BTC, orders, fills, self.now_s - ago_s))

    def list_orders(self, orders: tuple[VenueOrder, ...] = ()) -> None:
        """A listing of the open orders, without trades, that began after everything told so far."""
        self.tell(OpenOrdersRead(BTC, orders, (), self.now_s + 1, has_trades=False))

    def take(self, kind: type[E]) -> list[E]:
        """Return the effects of one kind since the last look, and forget them."""
        found = [effect for effect in self.effects if isinstance(effect, kind)]
        self.effects = [effect for effect in self.effects if not isinstance(effect, kind)]
        return found

    def submitted(self) -> Intent:
        (submit,) = self.take(Submit)
        return submit.intent

    def opened(self) -> Intent:
        """Submit the only wanted order and let it rest."""
        sent = self.submitted()
        self.tell(OrderReported(venue_order(sent)))
        return sent

    def status(self, of: Intent) -> Status:
        return self.desk.ledger[of.client_id].status


class Restarted(Driver):
    """A desk restored with orders that rested when its process died, its stream up again."""

    def __init__(self, *, is_whole: bool = True) -> None:
        super().__init__(*[want(slot) for slot in LADDER], synced=False)
        self.rested = [intent(slot) for slot in LADDER]
        rows = [
            OrderRow(intent=one, status=Status.OPEN, venue_order_id=self.there(one).venue_order_id, updated_ms=0)
            for one in self.rested
        ]
        self.desk.restore(rows, [], known_until=30, is_whole=is_whole)
        self.effects += self.desk.on_timer(moment(self.now_s))
        assert self.take(ReadOpen) == []  # nothing could be decided on a listing before the stream is up
        self.tell(StreamResumed("user"))

    def there(self, of: Intent, **changes) -> VenueOrder:
        return venue_order(of, **changes)

    def counts(self) -> dict[str, int]:
        return {name: count for name, count in self.desk.recovery.report(()).counts.items() if count}
