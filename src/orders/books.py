"""A strategy's money, exact: lots match first in, first out within their lane, so nothing is ever divided.

A lane is what belongs together: for a grid the cell, so that a sale closes the purchase one rung below it and grid
profit is what closed cycles earned. What a lane lacks is taken from the oldest lot of any.

The identity of the architecture page, for one instrument and in its quote asset:

    equity change = grid profit + (inventory value - inventory cost) - fees + funding + revaluation of fee assets
                    + quote rounding + residual

The left side is summed from the venue's raw amounts, the right side from matched lots, so the residual is a check and
not a definition. A fee in a third asset counts on neither side until its price at the fill is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from domain.grids import Books
from domain.instrument import Instrument
from domain.money import UNIT, ZERO, exact
from domain.orders import Fill, Side


@dataclass(slots=True)
class _Lot:
    lane: int
    quantity: Decimal  # base, always positive; the sign is the books'
    price: Decimal


class ThirdAssetFees:
    """Fees paid in neither base nor quote: amounts as the venue took them, values as they become known."""

    def __init__(self) -> None:
        self.valued: dict[str, Decimal] = {}
        self.value_at_fills = ZERO
        self._unvalued: dict[int, tuple[str, Decimal]] = {}
        self._last_valued: dict[str, tuple[int, Decimal]] = {}  # the newest trade's price, for want of a fresher one

    def pay(self, trade_id: int, asset: str, amount: Decimal) -> None:
        self._unvalued[trade_id] = (asset, amount)

    def value(self, trade_id: int, price: Decimal) -> Decimal:
        """Count the fee of a trade that waits for its value at `price`; return the value in quote."""
        asset, amount = self._unvalued.pop(trade_id)
        self.valued[asset] = self.valued.get(asset, ZERO) + amount
        self._last_valued[asset] = max(self._last_valued.get(asset, (-1, ZERO)), (trade_id, price))
        self.value_at_fills += amount * price
        return amount * price

    def waits(self, trade_id: int) -> bool:
        return trade_id in self._unvalued

    @property
    def are_waiting(self) -> bool:
        return bool(self._unvalued)

    def unvalued(self) -> dict[str, Decimal]:
        """Return the amounts that wait for a price, by asset."""
        sums: dict[str, Decimal] = {}
        for asset, amount in self._unvalued.values():
            sums[asset] = sums.get(asset, ZERO) + amount
        return sums

    def prices(self, fresh: Mapping[str, Decimal]) -> dict[str, Decimal]:
        """Return what each asset with valued fees is worth: the fresh price, else that of its newest valued fill."""
        return {asset: fresh.get(asset, last) for asset, (_, last) in self._last_valued.items()}


class FifoBooks:
    """Books of one strategy on one instrument, fed with each fill once.

    Sales beyond what was bought open lots of their own, so a short inventory is carried the same way.
    """

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._lots: list[_Lot] = []  # oldest first
        self._lots_are_long = True
        self._base = ZERO
        self._cash = ZERO
        self._profit = ZERO
        self._fees = ZERO
        self._rounding = ZERO
        self._funding = ZERO
        self._realized = ZERO
        self._third = ThirdAssetFees()
        self._fees_by_asset: dict[str, Decimal] = {}
        self._counts = {Side.BUY: 0, Side.SELL: 0}

    @exact
    def add(self, fill: Fill, fee_asset_price: Decimal | None = None, lane: int = 0) -> None:
        """Book one fill.

        Args:
            fill: the venue's own amounts.
            fee_asset_price: quote per unit of the commission asset at the fill, where it is known already; it matters
                only for a commission in neither base nor quote. `value_fee` tells it later.
            lane: whose lots are matched first.
        """
        self._counts[fill.side] += 1
        self._realized += fill.realized_profit
        fee_base = self._book_fee(fill)
        if fee_asset_price is not None:
            self.value_fee(fill.trade_id, fee_asset_price)
        received = fill.quote_quantity if fill.side is Side.SELL else -fill.quote_quantity
        self._cash += received
        self._book_rounding(fill, received)
        if fill.side is Side.BUY:
            self._base += fill.quantity - fee_base
            self._match(lane, fill.quantity - fee_base, fill.price, long=True)
        else:
            self._base -= fill.quantity + fee_base
            self._match(lane, fill.quantity + fee_base, fill.price, long=False)

    @exact
    def add_funding(self, amount: Decimal) -> None:
        """Book what one settlement of funding brought, in quote; below 0 what it cost."""
        self._funding += amount
        self._cash += amount

    @exact
    def value_fee(self, trade_id: int, price: Decimal) -> bool:
        """Count the fee of a trade at `price`, quote per unit; tell whether it was still without a value."""
        if not self._third.waits(trade_id):
            return False
        self._fees += self._third.value(trade_id, price)
        return True

    def _book_fee(self, fill: Fill) -> Decimal:
        """Book the commission; return the part of it that was taken from the base."""
        asset, amount = fill.commission_asset, fill.commission
        if not amount:
            return ZERO
        self._fees_by_asset[asset] = self._fees_by_asset.get(asset, ZERO) + amount
        if asset == self._instrument.quote:
            self._fees += amount
            self._cash -= amount
            return ZERO
        if asset == self._instrument.base:
            self._fees += amount * fill.price
            return amount
        self._third.pay(fill.trade_id, asset, amount)
        return ZERO

    def _book_rounding(self, fill: Fill, received: Decimal) -> None:
        """Name what the venue rounded off a quote amount of more than 8 decimals; anything larger is left over."""
        whole = fill.price * fill.quantity
        rounding = received - (whole if fill.side is Side.SELL else -whole)
        if abs(rounding) < UNIT:
            self._rounding += rounding

    def _match(self, lane: int, quantity: Decimal, price: Decimal, *, long: bool) -> None:
        if self._lots_are_long is not long:
            own_first = sorted(self._lots, key=lambda lot: lot.lane != lane)  # stable: oldest first within both parts
            for lot in own_first:
                part = min(quantity, lot.quantity)
                gain = part * (price - lot.price)
                self._profit += -gain if long else gain
                lot.quantity -= part
                quantity -= part
            self._lots = [lot for lot in self._lots if lot.quantity]
        if quantity:
            self._lots_are_long = long
            self._lots.append(_Lot(lane, quantity, price))

    @property
    def base_held(self) -> Decimal:
        """Return the base this strategy holds, negative when short."""
        return self._base

    @property
    @exact
    def cash(self) -> Decimal:
        """Return quote received less quote paid, fees in any asset, as valued at their fills, and funding counted."""
        return self._cash - self._third.value_at_fills

    @property
    def awaits_fee_values(self) -> bool:
        """Tell whether a fee is booked whose value at its fill is not known yet."""
        return self._third.are_waiting

    @exact
    def inventory_cost(self) -> Decimal:
        """Return what the lots held cost, in quote (negative when short)."""
        cost = sum((lot.quantity * lot.price for lot in self._lots), ZERO)
        return cost if self._lots_are_long else -cost

    @exact
    def marked(
        self, mark_price: Decimal, fee_asset_prices: Mapping[str, Decimal] | None = None, cycles: int = 0
    ) -> Books:
        """Return the books valued at `mark_price`.

        Fees in third assets are revalued at `fee_asset_prices`; one that is missing there at the price of its newest
        valued fill.
        """
        prices = self._third.prices(fee_asset_prices or {})
        elsewhere_now = sum((amount * prices[asset] for asset, amount in self._third.valued.items()), ZERO)
        revaluation = self._third.value_at_fills - elsewhere_now
        cost = self.inventory_cost()
        value = self._base * mark_price
        equity = self._cash + value - elsewhere_now
        explained = self._profit + (value - cost) - self._fees + self._funding + revaluation + self._rounding
        return Books(
            base_held=self._base,
            inventory_cost=cost,
            inventory_value=value,
            grid_profit=self._profit,
            fees=self._fees,
            fees_by_asset=dict(self._fees_by_asset),
            fees_unvalued=self._third.unvalued(),
            fee_asset_revaluation=revaluation,
            fee_prices=prices,
            quote_rounding=self._rounding,
            funding=self._funding,
            realized_profit=self._realized,
            cash_flow=self._cash,
            equity_change=equity,
            residual=equity - explained,
            mark_price=mark_price,
            buys=self._counts[Side.BUY],
            sells=self._counts[Side.SELL],
            trades=sum(self._counts.values()),
            cycles=cycles,
        )
