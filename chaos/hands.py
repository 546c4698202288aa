"""Other hands on the account, and what the venue does by itself: the faults that are acts, not conditions of a wire."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from chaos.clock import EventHeap
from chaos.disk import INSTANCE, Disk
from chaos.points import Fault
from chaos.venue import Venue
from chaos.weather import Weather
from domain.orders import VenueOrder
from orders.client_ids import PREFIX
from simulator.core.orders import Side

_PAUSE_MS = 4_000
_OURS = f"{PREFIX}-{INSTANCE}-"
_OTHER_INSTANCE = "zzzz"


class OtherHands:
    """Acts every few seconds while its fault is on, and undoes at the end what would last."""

    def __init__(self, venue: Venue, weather: Weather, clock: EventHeap, disk: Disk) -> None:
        self._venue, self._weather, self._clock, self._disk = venue, weather, clock, disk
        self._taken = Decimal(0)
        self.moved: dict[str, Decimal] = {}
        self._acts: Mapping[Fault, Callable[[], bool]] = {
            Fault.CANCELLED_BY_OTHERS: self._cancel,
            Fault.FOREIGN_ORDER: self._place,
            Fault.FOREIGN_INSTANCE: self._place_alien,
            Fault.BALANCE_CHANGED: self._move_money,
            Fault.HALTED: self._halt,
            Fault.FILTERS_CHANGED: self._change_filters,
            Fault.EXPIRED_IN_MATCH: self._prevent_match,
            Fault.PARTIAL_FILL: self._nibble,
            Fault.DATABASE_LOCKED: self._lock,
            Fault.FEES_IN_BNB: self._pay_in_bnb,
        }

    def begin(self, fault: Fault) -> None:
        """Act from now on until the weather says the fault is over."""
        if fault in self._acts:
            self._go_on(fault)

    def undo(self) -> None:
        """Put the venue back to what it was, and take the others' orders off."""
        self._venue.restore_symbol()
        self._venue.pay_in_bnb(wanted=False)
        self._disk.unlock()
        self._give_back()
        for order in self._venue.open_orders():
            if not order.client_id.startswith(_OURS):
                self._venue.cancel_by_hand(order.client_id)

    def _go_on(self, fault: Fault) -> None:
        if not self._weather.is_on(fault):
            self._end(fault)
            return
        if self._acts[fault]():
            self._weather.strike(fault)
        self._clock.after(self._weather.random.uniform(500, _PAUSE_MS), lambda: self._go_on(fault))

    def _end(self, fault: Fault) -> None:
        match fault:
            case Fault.HALTED | Fault.FILTERS_CHANGED:
                self._venue.restore_symbol()
            case Fault.BALANCE_CHANGED:
                self._give_back()
            case Fault.DATABASE_LOCKED:
                self._disk.unlock()
            case Fault.FEES_IN_BNB:
                self._venue.pay_in_bnb(wanted=False)
            case _:
                pass

    def _one_of_ours(self) -> VenueOrder | None:
        ours = [order for order in self._venue.open_orders() if order.client_id.startswith(_OURS)]
        return self._weather.random.choice(ours) if ours else None

    def _cancel(self) -> bool:
        order = self._one_of_ours()
        if order is not None:
            self._venue.cancel_by_hand(order.client_id)
        return order is not None

    def _place(self) -> bool:
        buys = self._weather.random.random() < 0.8
        is_contract = self._venue.is_contract  # there a foreign trade would move the position that is ours
        prices = [40_000] if is_contract else [40_000, 59_500, 60_500]
        price = Decimal(self._weather.random.choice(prices) if buys else 75_000)
        return self._venue.place_by_hand(Side.BUY if buys else Side.SELL, price, self._least)

    def _place_alien(self) -> bool:
        ticks = 3_000_000 + self._weather.random.randrange(1_000_000)
        client_id = f"gh-{_OTHER_INSTANCE}-1-1-rb-{ticks}-0-0"
        return self._venue.place_by_hand(Side.BUY, Decimal(35_000), self._least, client_id)

    @property
    def _least(self) -> Decimal:
        return Decimal("0.003" if self._venue.is_contract else "0.0002")

    def _move_money(self) -> bool:
        free = self._venue.free("USDT")
        amount = free if self._weather.random.random() < 0.5 else Decimal("12.34567891")
        if not 0 < amount <= free or not self._move("USDT", -amount):
            return False
        self._taken += amount
        return True

    def _give_back(self) -> None:
        if self._taken:
            self._move("USDT", self._taken)
            self._taken = Decimal(0)

    def _move(self, asset: str, change: Decimal) -> bool:
        if not self._venue.deposit(asset, change):
            return False
        self.moved[asset] = self.moved.get(asset, Decimal(0)) + change
        return True

    def _halt(self) -> bool:
        self._venue.set_status("HALT")
        return True

    def _change_filters(self) -> bool:
        """Ask for more than the orders are worth, or for prices that ours are not."""
        spec = self._venue.spec
        higher, coarser = self._weather.random.choice([(100, 1), (1, 1000), (100, 1000)])
        self._venue.set_filters(min_notional=spec.min_notional * higher, tick=spec.tick * coarser)
        return True

    def _prevent_match(self) -> bool:
        order = self._one_of_ours()
        return order is not None and self._venue.prevent_match(order)

    def _nibble(self) -> bool:
        order = self._one_of_ours()
        if order is None:
            return False
        self._venue.nibble(order, Decimal(self._weather.random.choice(["0.01", "0.3", "0.6", "0.97"])))
        return True

    def _lock(self) -> bool:
        """Hold the database and let it go by turns; the fault strikes once something is to be written."""
        if self._disk.is_locked:
            self._disk.unlock()
        else:
            self._disk.lock()
        return False

    def _pay_in_bnb(self) -> bool:
        self._venue.pay_in_bnb(wanted=True)
        return True
