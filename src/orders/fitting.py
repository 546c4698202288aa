"""Orders against the venue's steps, which may change while a strategy runs. Pure.

A price goes to the next step away from the market, so that no cycle earns less than was planned. What closes something
is placed as far as it fits; what opens something only whole, for a part of it would leave the rest wanted for ever.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from domain.instrument import InstrumentRules
from domain.money import exact, plain
from domain.orders import Side, Slot, Status
from orders.life_cycle import Order
from orders.wanted import WantedOrder


def fitted(
    wanted: Sequence[WantedOrder], unsettled: Iterable[Order], rules: InstrumentRules, *, any_price: bool = False
) -> tuple[list[WantedOrder], dict[Slot, str]]:
    """Return the orders as they can be placed, and by slot why others cannot.

    An order that rests at its rung stays: the venue keeps what it took before its steps changed. One that was placed by
    steps which are no more is left out, so that it is taken off and placed anew, unless orders may rest at `any_price`.
    """
    resting = {order.intent.slot: order for order in unsettled if order.status is Status.OPEN}
    placeable, misfits = [], {}
    for want in wanted:
        held, order = resting.get(want.slot), _on_the_steps(want, rules)
        if held is not None and held.remaining == want.quantity:
            if any_price or held.intent.price in (want.price, order.price):
                is_as_before = held.intent.price == want.price
                placeable.append(want if is_as_before else replace(order, quantity=want.quantity))
            continue
        misfit = _misfit(order, rules)
        if misfit:
            misfits[want.slot] = misfit
        else:
            placeable.append(order)
    return placeable, misfits


@exact
def _on_the_steps(want: WantedOrder, rules: InstrumentRules) -> WantedOrder:
    price, quantity = want.price, want.quantity
    if price is not None and price % rules.tick:
        below = price // rules.tick * rules.tick
        price = below if want.slot.side is Side.BUY and below else below + rules.tick
    if want.is_exit:
        quantity -= quantity % rules.lot
    is_same = (price, quantity) == (want.price, want.quantity)
    return want if is_same else replace(want, price=price, quantity=quantity)


def _misfit(want: WantedOrder, rules: InstrumentRules) -> str:
    if want.quantity and not want.quantity % rules.lot:
        return ""
    step = plain(rules.lot)
    if want.is_exit:
        return f"what is left to close is less than the venue's lot of {step}"
    return f"quantity {plain(want.quantity)} is no multiple of the venue's lot {step} any more"
