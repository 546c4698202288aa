"""Changes of a grid at work: what a person asks for, and what would come of it."""

from dataclasses import dataclass, replace
from decimal import Decimal

from domain.errors import FieldMistake, InvalidRequest
from domain.grids import GridPlan, GridRequest, GridSnapshot, Spacing
from domain.orders import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class GridChanges:
    """What is to be other than it was asked for at the start; None leaves it. Units as in `GridRequest`."""

    levels: int | None = None
    spacing_percent: Decimal | None = None
    spacing: Spacing | None = None
    lower: Decimal | None = None
    upper: Decimal | None = None
    capital: Decimal | None = None
    quantity: Decimal | None = None

    def made_in(self, request: GridRequest) -> GridRequest:
        """Return the request with the changes made; spacing and bounds, and capital and quantity, take turns.

        Raises:
            InvalidRequest: if the changes name nothing, or a single bound of a ladder that has none.
        """
        if self == GridChanges():
            raise InvalidRequest([FieldMistake("config", "names nothing to change; name a field of it")])
        changed = replace(
            request,
            levels=self.levels or request.levels,
            spacing=self.spacing or request.spacing,
        )
        changed = self._with_range(changed)
        if self.capital is not None:
            return replace(changed, capital=self.capital, quantity=None)
        if self.quantity is not None:
            return replace(changed, capital=None, quantity=self.quantity)
        return changed

    def _with_range(self, request: GridRequest) -> GridRequest:
        if self.spacing_percent is not None:
            return replace(request, spacing_percent=self.spacing_percent, lower=None, upper=None)
        if self.lower is None and self.upper is None:
            return request
        lower, upper = self.lower or request.lower, self.upper or request.upper
        if lower is None or upper is None:
            field = "lower_price" if lower is None else "upper_price"
            raise InvalidRequest([FieldMistake(field, "the ladder had no bounds so far; give both")])
        if lower >= upper:
            raise InvalidRequest([FieldMistake("upper_price", "must be greater than lower_price")])
        return replace(request, spacing_percent=None, lower=lower, upper=upper)


@dataclass(frozen=True, slots=True, order=True)
class OrderLine:
    """An order that rests, or is to. Price in quote, quantity in base."""

    side: Side
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class MovedOrder:
    """An order that gives way to another on its side."""

    before: OrderLine
    after: OrderLine


@dataclass(frozen=True, slots=True, kw_only=True)
class EditTrade:
    """The trade that brings the inventory to what a changed ladder needs.

    `cost` is what it takes in quote at the present price, fee included, below 0 what a sale brings; it is done at
    `limit_price` at worst.
    """

    side: Side
    quantity: Decimal
    limit_price: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class GridEdit:
    """What an edit comes to. `exposure` is what the risk gate counts when all entries are filled, in quote."""

    plan: GridPlan
    keep: tuple[OrderLine, ...]
    move: tuple[MovedOrder, ...]
    cancel: tuple[OrderLine, ...]
    add: tuple[OrderLine, ...]
    trade: EditTrade | None
    exposure: Decimal
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedGrid:
    """An edit and the grid after it; `is_done` is False while it is only sketched, or not carried out yet."""

    edit: GridEdit
    grid: GridSnapshot
    is_done: bool
