"""A strategy's money, exact: lots match first in, first out within their lane, so nothing is ever divided.

A lane is what belongs together: for a grid the cell, so that a sale closes the purchase one rung below it and grid
profit is what closed cycles earned. What a lane lacks is taken from the oldest lot of any.

The identity of the architecture page, for one instrument and in its quote asset:

    equity change = grid profit + (inventory value - inventory cost) - fees + revaluation of fee assets + residual

The left side is summed from the venue's raw amounts, the right side from matched lots, so the residual is a check and
not a definition.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from domain.grids import Books
from domain.instrument import Instrument
from domain.money import ZERO, exact
from domain.orders import Fill, Side


@dataclass(slots=True)
class _Lot:
    lane: int
    quantity: Decimal  # base, always positive; the sign is the books'
    price: Decimal


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
        self._fees_elsewhere = ZERO  # the part of fees paid in neither base nor quote, valued at each fill
        self._fees_by_asset: dict[str, Decimal] = {}
        self._counts = {Side.BUY: 0, Side.SELL: 0}

    @exact
    def add(self, fill: Fill, fee_asset_price: Decimal | None = None, lane: int = 0) -> None:
        """Book one fill.

        Args:
            fill: the venue's own amounts.
            fee_asset_price: quote per unit of the commission asset at the fill; needed only where the commission is
                paid in neither base nor quote.
            lane: whose lots are matched first.

        Raises:
            ValueError: if that price is needed and missing.
        """
        self._counts[fill.side] += 1
        fee_base = self._book_fee(fill, fee_asset_price)
        if fill.side is Side.BUY:
            self._cash -= fill.quote_quantity
            self._base += fill.quantity - fee_base
            self._match(lane, fill.quantity - fee_base, fill.price, long=True)
        else:
            self._cash += fill.quote_quantity
            self._base -= fill.quantity + fee_base
            self._match(lane, fill.quantity + fee_base, fill.price, long=False)

    def _book_fee(self, fill: Fill, fee_asset_price: Decimal | None) -> Decimal:
        """Value the commission at its fill; return the part of it that was taken from the base."""
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
        if fee_asset_price is None:
            raise ValueError(f"commission of trade {fill.trade_id} is in {asset} and its price was not given")
        self._fees += amount * fee_asset_price
        self._fees_elsewhere += amount * fee_asset_price
        return ZERO

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

    @exact
    def inventory_cost(self) -> Decimal:
        """Return what the lots held cost, in quote (negative when short)."""
        cost = sum((lot.quantity * lot.price for lot in self._lots), ZERO)
        return cost if self._lots_are_long else -cost

    @exact
    def marked(
        self, mark_price: Decimal, fee_asset_prices: Mapping[str, Decimal] | None = None, cycles: int = 0
    ) -> Books:
        """Return the books valued at `mark_price`; fee assets other than base and quote at `fee_asset_prices`.

        Raises:
            ValueError: if the price of a fee asset is missing.
        """
        elsewhere_now = self._fees_elsewhere_now(fee_asset_prices or {})
        revaluation = self._fees_elsewhere - elsewhere_now
        cost = self.inventory_cost()
        value = self._base * mark_price
        equity = self._cash + value - elsewhere_now
        explained = self._profit + (value - cost) - self._fees + revaluation
        return Books(
            base_held=self._base,
            inventory_cost=cost,
            inventory_value=value,
            grid_profit=self._profit,
            fees=self._fees,
            fees_by_asset=dict(self._fees_by_asset),
            fee_asset_revaluation=revaluation,
            cash_flow=self._cash,
            equity_change=equity,
            residual=equity - explained,
            mark_price=mark_price,
            buys=self._counts[Side.BUY],
            sells=self._counts[Side.SELL],
            trades=sum(self._counts.values()),
            cycles=cycles,
        )

    def _fees_elsewhere_now(self, prices: Mapping[str, Decimal]) -> Decimal:
        value = ZERO
        for asset, amount in self._fees_by_asset.items():
            if asset in (self._instrument.base, self._instrument.quote):
                continue
            if asset not in prices:
                raise ValueError(f"fees were paid in {asset} and its price was not given")
            value += amount * prices[asset]
        return value
