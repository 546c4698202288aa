"""Who trades with whom at which price: pure plans over a book, carried out by the settlement."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic

from simulator.core.book import Book, BookSide, Offer
from simulator.core.orders import StpMode
from simulator.core.working_order import OrderT


@dataclass(frozen=True, slots=True)
class Match(Generic[OrderT]):
    """One step of a taker: a trade of `quantity`, or a prevented self-trade (what each side lost by it)."""

    price: int
    quantity: int
    maker: OrderT | None
    maker_lost: int = 0
    taker_lost: int = 0


def plan_taker(
    offers: Iterable[Offer[OrderT]], quantity: int, account_id: str, stp_mode: StpMode
) -> list[Match[OrderT]]:
    """Walk the offers with `quantity` in hand; own orders are met as `stp_mode` of the taker says."""
    matches: list[Match[OrderT]] = []
    left = quantity
    for offer in offers:
        if left <= 0:
            break
        maker = offer.maker
        if maker is None or maker.account_id != account_id or stp_mode is StpMode.NONE:
            match = Match(offer.price, min(left, offer.quantity), maker)
        else:
            match = _prevent(offer, left, stp_mode)
        matches.append(match)
        left -= match.quantity + match.taker_lost
    return matches


def _prevent(offer: Offer[OrderT], left: int, stp_mode: StpMode) -> Match[OrderT]:
    match stp_mode:
        case StpMode.EXPIRE_MAKER:
            return Match(offer.price, 0, offer.maker, maker_lost=offer.quantity)
        case StpMode.EXPIRE_TAKER:
            return Match(offer.price, 0, offer.maker, taker_lost=left)
        case StpMode.EXPIRE_BOTH:
            return Match(offer.price, 0, offer.maker, maker_lost=offer.quantity, taker_lost=left)
        case _:
            both = min(left, offer.quantity)
            return Match(offer.price, 0, offer.maker, maker_lost=both, taker_lost=both)


def traded(matches: Iterable[Match[Any]]) -> int:
    return sum(match.quantity for match in matches)


def cost(matches: Iterable[Match[Any]]) -> int:
    """Return price times quantity over all trades of the plan, scaled by NOTIONAL_UNIT."""
    return sum(match.price * match.quantity for match in matches)


@dataclass(frozen=True, slots=True)
class Budget:
    """Where a budget in quote units leads: `reachable` is what the book can give for it.

    `quantity` is `reachable`, or more where the book ended first and the rest of the budget would still buy
    whole steps at the last price seen.
    """

    quantity: int
    reachable: int
    book_ended: bool


def spend_budget(offers: Iterable[Offer[OrderT]], budget: int, step: int, account_id: str, stp_mode: StpMode) -> Budget:
    """Find the largest whole number of steps whose notional stays within `budget` (NOTIONAL_UNIT)."""
    quantity, left, last_price = 0, budget, 0
    for offer in offers:
        if offer.maker is not None and offer.maker.account_id == account_id and stp_mode is not StpMode.NONE:
            if stp_mode in (StpMode.EXPIRE_TAKER, StpMode.EXPIRE_BOTH):
                break
            continue
        last_price = offer.price
        affordable = left // offer.price
        if affordable < offer.quantity:
            floored = (quantity + affordable) // step * step
            return Budget(floored, floored, book_ended=False)
        quantity += offer.quantity
        left -= offer.quantity * offer.price
    reachable = quantity // step * step
    beyond = left // last_price if last_price else 0
    return Budget((quantity + beyond) // step * step, reachable, book_ended=True)


@dataclass(frozen=True, slots=True)
class MakerFill(Generic[OrderT]):
    order: OrderT
    quantity: int


def plan_print(side: BookSide[OrderT], price: int, quantity: int, lot: int) -> tuple[list[MakerFill[OrderT]], int]:
    """Return the fills a print gives to one side's resting orders, and how much of it they took.

    Orders with a better limit are filled whole, each at its own price, and take nothing from the print. At
    the print's price the external volume ahead of an order goes first, whichever side was the aggressor:
    someone sold, or offered to sell, at a price at which the order was waiting to buy. Orders trade in whole lots, also
    where an old recording's print is no whole number of today's lots.
    """
    fills = [MakerFill(order, order.remaining) for order in side.through(price)]
    left, passed, own = quantity, 0, 0
    for order in side.queue_at(price):
        before = min(left, max(0, order.ahead - passed))
        passed += before
        left -= before
        part = min(left, order.remaining) // lot * lot
        if part == 0:
            break
        fills.append(MakerFill(order, part))
        left -= part
        own += part
    return fills, own


def meet_print(book: Book[OrderT], price: int, quantity: int, lot: int) -> tuple[list[MakerFill[OrderT]], int]:
    """Let a print use up the external volume it reaches on both sides; return what it fills and took.

    Raises ValueError for a print without a price or with a quantity below 0.
    """
    if price <= 0 or quantity < 0:
        raise ValueError(f"a print needs a price above 0 and a quantity of at least 0, was {quantity} at {price}")
    fills: list[MakerFill[OrderT]] = []
    own = 0
    for side in (book.bids, book.asks):
        if side.is_reached_by(price):
            found, taken = plan_print(side, price, quantity, lot)
            side.take_external(price, quantity - taken)
            fills += found
            own += taken
    return fills, own
