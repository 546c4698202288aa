"""Whether a running grid is to end by itself: its profit and the price against what was asked for.

What is held changes only with fills, fees and funding, so between two of them each condition is a price at or below
which, or at or above which, it is met (`grid.core.exits`). A price is first compared with the nearest of them.

A profit that is to be taken has to be sure: fills, and fees in other assets whose value is not known yet, can only
lower it. So it waits while an order rests at or beyond the price that was there before that price came, since its fill
may be under way, while fees have no value and while funding is owed. It waits, too, while the newest price is older
than a fill that was better than it: the account's stream was faster, and the market is not there any more. A loss that
is to be stopped waits for none of these, which can only make it larger; but it is judged on books that are whole, as
of an account that was read. A price waits for nothing.
"""

from collections.abc import Iterable
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from domain.exits import ReachedExit
from domain.grids import GridPlan
from domain.money import UNITS_PER_ONE, exact, from_units, to_units
from domain.orders import Fill, Side
from grid.core import exits
from grid.core.exit_numbers import action_told, condition_told, exit_numbers
from orders.effects import OrderEffect, Submit
from orders.life_cycle import Order

_PER_MONEY: Final = UNITS_PER_ONE * UNITS_PER_ONE


class ExitWatch:
    """Of one grid; prices and money in quote."""

    def __init__(self, plan: GridPlan) -> None:
        self._cash, self._base = 0, 0
        self._placed: set[str] = set()  # since the last price
        self._priced_ms = 0
        self._newer: list[Fill] = []  # than the last price
        self._gain = self._loss = (exits.NOWHERE_BELOW, exits.NOWHERE_ABOVE)
        self.go_by(plan)

    def go_by(self, plan: GridPlan) -> None:
        """Watch by the plan that is in force: what is asked for in percent is of its capital."""
        self._plan = plan
        self._n = exit_numbers(plan, step=1, unit=1)
        self.is_used = self._n.are_used
        self._join()

    @exact
    def hold(self, cash: Decimal, base: Decimal) -> None:
        """Take in what the grid received less what it paid, and the base it holds."""
        # A fee whose price has many digits is no whole number of 1e-16.
        held, money = to_units(base), int((cash * _PER_MONEY).to_integral_value(ROUND_FLOOR))
        if (money, held) != (self._cash, self._base):
            self._cash, self._base = money, held
            self._join()

    def _join(self) -> None:
        n = self._n
        self._gain = exits.gain_band(self._cash, self._base, n.gain)
        self._loss = exits.loss_band(self._cash, self._base, n.loss)
        self._low = max(n.stop_below, n.take_below, self._gain[0], self._loss[0])
        self._high = min(n.stop_above, n.take_above, self._gain[1], self._loss[1])
        self._below, self._above = from_units(self._low), from_units(self._high)

    @property
    def below(self) -> Decimal | None:
        """Return the price at or below which it ends now."""
        return self._below if self._low > exits.NOWHERE_BELOW else None

    @property
    def above(self) -> Decimal | None:
        """Return the price at or above which it ends now."""
        return self._above if self._high < exits.NOWHERE_ABOVE else None

    def price_came(self, market_ms: int) -> None:
        """Note the venue's time of the newest price: what was placed until now rested before it came."""
        self._placed.clear()
        self._priced_ms = market_ms
        self._newer = [fill for fill in self._newer if fill.time_ms > market_ms]

    def filled(self, fill: Fill) -> None:
        """Note a fill: a price from before it may tell nothing of where the market is."""
        if self.is_used and fill.time_ms >= self._priced_ms:
            self._newer.append(fill)

    def sent(self, effects: Iterable[OrderEffect]) -> None:
        """Note the orders that leave: the newest price fills none of them."""
        self._placed.update(effect.intent.client_id for effect in effects if isinstance(effect, Submit))

    def touches(self, price: Decimal) -> bool:
        """Tell whether a condition may be met at a price."""
        return price <= self._below or price >= self._above

    @exact
    def judged(self, price: Decimal, orders: Iterable[Order], *, is_sure: bool, is_sound: bool) -> ReachedExit | None:
        """Return what is met at a price.

        Args:
            price: the newest.
            orders: of the grid, that may still fill.
            is_sure: whether all fees have their values and all funding was read.
            is_sound: whether the account was read and nothing throws doubt on the books.
        """
        if not self.touches(price):
            return None
        code = self._met(to_units(price), is_sound=is_sound)
        if code == exits.GAIN and not (is_sure and not self._may_fill(price, orders) and not self._is_outrun(price)):
            return None
        if not code:
            return None
        return ReachedExit(
            condition=condition_told(code, self._plan, price),
            action=action_told(code, self._plan),
            price=price,
            profit=self._profit(price),
        )

    def _met(self, price: int, *, is_sound: bool) -> int:
        n = self._n
        if exits.is_within(price, n.stop_below, n.stop_above):
            return exits.STOP_PRICE
        if exits.is_within(price, n.take_below, n.take_above):
            return exits.TAKE_PRICE
        if is_sound and exits.is_within(price, *self._loss):
            return exits.LOSS
        return exits.GAIN if is_sound and exits.is_within(price, *self._gain) else 0

    def _may_fill(self, price: Decimal, orders: Iterable[Order]) -> bool:
        """Tell whether an order that rested before the price came stands at or beyond it."""
        return any(
            order.intent.price is not None
            and order.intent.client_id not in self._placed
            and (order.intent.price >= price if order.intent.side is Side.BUY else order.intent.price <= price)
            for order in orders
        )

    def _is_outrun(self, price: Decimal) -> bool:
        """Tell whether a newer fill shows that the market went from the price to where the profit is less."""
        return any(fill.price < price if fill.side is Side.BUY else fill.price > price for fill in self._newer)

    def _profit(self, price: Decimal) -> Decimal:
        return Decimal(self._cash) / _PER_MONEY + from_units(self._base) * price
