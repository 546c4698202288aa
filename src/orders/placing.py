"""From a wanted order to an intent: type, id, the venue's minimum, the gate."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from domain.events import Moment, OrderRefused
from domain.instrument import InstrumentRules
from domain.money import exact, plain
from domain.orders import Intent, OrderType, Role, Slot, TimeInForce
from orders.client_ids import ClientId
from orders.ledger import Ledger
from orders.life_cycle import Order
from orders.market_pause import MarketPause
from orders.repricing import Repricing, Use
from orders.wanted import SlotMeaning, SpotSlots, WantedOrder
from risk.gate import Proposal, RiskGate

MAX_REFUSALS = 5
OFF_BAND_S = 30.0
LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Price:
    """The last price and how old it is, for the gate."""

    value: Decimal
    age_s: float


class Placing:
    """Turns wanted orders into intents and remembers what the venue and the gate said to earlier ones.

    A slot that was refused waits 2, 4, 8, 16 s; after `MAX_REFUSALS` refusals of one cycle it is faulted and needs a
    person. What the market itself ends within half a minute, such as an empty book, gives no slot up.
    """

    def __init__(
        self,
        *,
        grid: int,
        ledger: Ledger,
        rules: InstrumentRules,
        gate: RiskGate,
        instance: str,
        epoch: int,
        slots: SlotMeaning | None = None,
        repricing: Repricing | None = None,
    ) -> None:
        self.grid = grid
        self.rules = rules
        self.slots = slots or SpotSlots()
        self.repricing = repricing
        self.instance = instance
        self.gate_reasons: dict[Slot, str] = {}
        self.faulted: dict[Slot, str] = {}
        self.cooling: set[Slot] = set()
        self.off_band: dict[Slot, str] = {}
        """Orders that wait until the market's own price lets theirs be, with the venue's words."""
        self.misfits: dict[Slot, str] = {}
        """Orders that do not fit the venue's steps as these are now, with the reason."""
        self.cannot_unwind = ""
        """Why what a grid holds could not be closed, five times by now."""
        self.pause = MarketPause()
        self._ledger = ledger
        self._gate = gate
        self._epoch = epoch
        self._taking: set[tuple[Slot, int]] = set()
        self._refusals: dict[tuple[Slot, int], int] = {}
        self._again_s: dict[Slot, float] = {}

    def next_id(self, slot: Slot, cycle: int) -> str:
        """Return the id of the next order of a slot and cycle."""
        return str(ClientId(self.instance, self._epoch, slot, cycle, self._ledger.next_attempt(slot, cycle)))

    def owns(self, client_id: ClientId | None) -> bool:
        """Tell whether the id is one that this grid of this instance computes, in any epoch."""
        return client_id is not None and (client_id.instance, client_id.slot.grid) == (self.instance, self.grid)

    def is_of_this_life(self, client_id: str) -> bool:
        """Tell whether the id was given away in this life of the database."""
        parsed = ClientId.parse(client_id)
        return parsed is not None and parsed.epoch == self._epoch

    def intents(self, wanted: Sequence[WantedOrder], now: Moment, price: Price | None) -> list[Intent]:
        """Return the intents of those wanted orders that may be sent now; the others' reasons are kept."""
        self.gate_reasons.clear()
        if self.pause.holds(now.monotonic_s):
            return []
        if not wanted:
            self.pause.end()
        free = [want for want in wanted if self._is_free(want.slot, now)]
        waiting = {want.slot for want in wanted} - {want.slot for want in free}
        self.off_band = {slot: why for slot, why in self.off_band.items() if slot in waiting}
        if self.repricing is not None:
            self.repricing.begin()
        passed = (self._pass_gate(want, now, price) for want in free)
        return [intent for intent in passed if intent is not None]

    def forget_besides(self, kept: Collection[Use]) -> None:
        """Forget what was said to all orders but these: another use of a slot begins with none of it."""
        slots = {slot for slot, _ in kept}
        self.faulted = {slot: why for slot, why in self.faulted.items() if slot in slots}
        self.off_band = {slot: why for slot, why in self.off_band.items() if slot in slots}
        self._again_s = {slot: at_s for slot, at_s in self._again_s.items() if slot in slots}
        self._refusals = {use: count for use, count in self._refusals.items() if use in kept}
        self._taking = {use for use in self._taking if use in kept}
        if self.repricing is not None:
            self.repricing.forget_besides(kept)

    def refused(self, order: Order, event: OrderRefused, now: Moment) -> None:
        """Note that the venue refused an order.

        Post-only that would have executed at once is no mistake: the rung is already through the market, so its next
        attempt is a plain limit order or, with `repricing`, post-only behind the market. A market that is closed is
        asked again until it opens, and a price outside the venue's band until the market has come nearer. Anything else
        is tried again a few times, then left to a person; but not the end of what is held, whose loss has no bound:
        that is tried every minute for as long as it takes.
        """
        if event.market_closed:
            self.pause.begin(event.message, now.monotonic_s)
            return
        if event.off_band:
            self.off_band[order.intent.slot] = event.message
            self._again_s[order.intent.slot] = now.monotonic_s + OFF_BAND_S
            return
        key = (order.intent.slot, order.intent.cycle)
        if event.would_take and order.intent.type is OrderType.LIMIT_MAKER:
            if self.repricing is not None and key[0].role is Role.RUNG:
                self.repricing.refused(*key)
            else:
                self._taking.add(key)
            return
        count = self._refusals[key] = self._refusals.get(key, 0) + 1
        self._again_s[order.intent.slot] = now.monotonic_s + min(2.0 ** min(count, 6), LONGEST_WAIT_S)
        if count < MAX_REFUSALS:
            return
        told = event.message if str(event.code) in event.message else f"{event.message} ({event.code})"
        if order.intent.slot.role is Role.UNWIND:
            self.cannot_unwind = told
            return
        self.faulted[order.intent.slot] = (
            f"refused {MAX_REFUSALS} times: {told}; mend the cause, then restart the server to try again"
        )

    def was_refused(self, want: WantedOrder) -> bool:
        """Tell whether the venue refused an order of the same slot and cycle for what may be its balance."""
        return (want.slot, want.cycle) in self._refusals

    def _is_free(self, slot: Slot, now: Moment) -> bool:
        waits = now.monotonic_s < self._again_s.get(slot, now.monotonic_s)
        return not waits and slot not in self.cooling and slot not in self.faulted

    @exact
    def _pass_gate(self, want: WantedOrder, now: Moment, price: Price | None) -> Intent | None:
        at = want.price if want.price is not None else (price.value if price else None)
        if at is None:
            self.gate_reasons[want.slot] = "no price is known yet"
            return None
        mistake = self._below_minimum(want, at)
        if mistake:
            self.faulted[want.slot] = mistake
            return None
        intent = self._intent(want, now)
        last = self._sound(price)
        if self.repricing is not None and want.price is not None:
            behind = self.repricing.price_of(want, last)
            if behind is None:
                return None
            at, intent = behind, replace(intent, price=behind, reason=self.repricing.told(want, behind))
        proposal = Proposal(
            client_id=intent.client_id,
            grid=self.grid,
            instrument=self.rules.instrument,
            side=want.slot.side,
            quantity=want.quantity,
            price=at,
            is_exit=want.is_exit,
            last_price=price.value if price else None,
            price_age_s=price.age_s if price else None,
        )
        verdict = self._gate.ask(proposal, now.market_ms)
        if verdict.allowed:
            if self.repricing is not None:
                self.repricing.sent(want, last)
            return intent
        self.gate_reasons[want.slot] = verdict.reason
        return None

    def _sound(self, price: Price | None) -> Decimal | None:
        """Return the last price if it may be decided on."""
        return price.value if price is not None and price.age_s <= self._gate.limits.max_price_age_s else None

    def returning(self, wanted: Sequence[WantedOrder], price: Price | None) -> frozenset[str]:
        """Return the orders, by client id, that rest behind their rung and may return to it."""
        if self.repricing is None:
            return frozenset()
        return self.repricing.returning(self._ledger.unsettled(), wanted, self._sound(price))

    def _below_minimum(self, want: WantedOrder, price: Decimal) -> str:
        rules, quantity = self.rules, want.quantity
        if quantity < rules.min_quantity:
            return f"quantity {plain(quantity)} is below the venue's minimum {plain(rules.min_quantity)}"
        if quantity * price < rules.min_notional and not want.only_reduces:
            return f"value {plain(quantity * price)} is below the venue's minimum {plain(rules.min_notional)}"
        return ""

    def _intent(self, want: WantedOrder, now: Moment) -> Intent:
        attempt = self._ledger.next_attempt(want.slot, want.cycle)
        order_type, time_in_force = self._how(want)
        return Intent(
            client_id=self.next_id(want.slot, want.cycle),
            slot=want.slot,
            cycle=want.cycle,
            attempt=attempt,
            instrument=self.rules.instrument,
            type=order_type,
            time_in_force=time_in_force,
            quantity=want.quantity,
            price=want.price,
            reason=want.reason,
            created_ms=now.wall_ms,
            position_side=want.position_side,
            reduce_only=want.reduce_only,
        )

    def _how(self, want: WantedOrder) -> tuple[OrderType, TimeInForce | None]:
        if want.at_once and want.price is None:
            return OrderType.MARKET, None
        if want.at_once:
            return OrderType.LIMIT, TimeInForce.IOC
        if (want.slot, want.cycle) in self._taking:
            return OrderType.LIMIT, TimeInForce.GTC
        return OrderType.LIMIT_MAKER, None
