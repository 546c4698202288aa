"""Futures mathematics without rounding (protocol section 4): maintenance, initial margin, liquidation price.

Amounts are USDT scaled by NOTIONAL_UNIT, those called `_ppm` by NOTIONAL_UNIT * PPM, so that a balance and a
maintenance margin can be compared to the last digit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from simulator.core.orders import Side
from simulator.core.symbols import PPM, UNIT, half_up
from simulator.um.core.accounts import FuturesAccount
from simulator.um.core.contracts import Bracket, ContractSpec
from simulator.um.core.live_order import LiveFuturesOrder
from simulator.um.core.orders import PositionSide
from simulator.um.core.positions import Position, sign_of

SELL_ADD_ON: Final = (10_015, 10_000)  # of the last price, assumed for a SELL limit
MARKET_ADD_ON: Final = (10_005, 10_000)  # of the best ask, assumed for a MARKET BUY


def maintenance_ppm(spec: ContractSpec, notional: int) -> int:
    """Return N * MMR - cum of a notional, in its bracket."""
    bracket = spec.bracket_of(notional)
    return notional * bracket.rate_ppm - bracket.cum * UNIT * PPM


def ceil_div(numerator: int, denominator: int) -> int:
    return -(-numerator // denominator)


@dataclass(slots=True)
class OpenNotional:
    """Notional of an account's open orders on a symbol that may open or enlarge a position."""

    bid: int = 0
    ask: int = 0

    def add(self, side: Side, notional: int) -> None:
        if side is Side.BUY:
            self.bid += notional
        else:
            self.ask += notional


def open_notional(orders: Iterable[LiveFuturesOrder], skip: LiveFuturesOrder | None = None) -> OpenNotional:
    """Sum the open orders except `skip`; orders that can only close hold no margin."""
    found = OpenNotional()
    for order in orders:
        if order is not skip and not order.is_closing:
            found.add(order.side, order.price * order.remaining)
    return found


def order_margin(
    account: FuturesAccount, symbol: str, mark: int, orders: OpenNotional, *, side: PositionSide | None = None
) -> int:
    """Return the initial margin of open orders.

    One-way: max(0, max(|P + B|, |P - A|) - |P|) / L. Hedge: opening bids belong to LONG, opening asks to
    SHORT, each in full; `side` picks one of them.
    """
    leverage = account.setting(symbol).leverage
    if account.hedge:
        bid = orders.bid if side is not PositionSide.SHORT else 0
        ask = orders.ask if side is not PositionSide.LONG else 0
        return ceil_div(bid + ask, leverage)
    held = account.position(symbol, PositionSide.BOTH).quantity * mark
    beyond = max(abs(held + orders.bid), abs(held - orders.ask)) - abs(held)
    return ceil_div(max(0, beyond), leverage)


def position_margin(account: FuturesAccount, position: Position, mark: int) -> int:
    return ceil_div(position.notional(mark), account.setting(position.symbol).leverage)


def assumed_price(side: Side, limit: int | None, *, best: int, mark: int, last: int) -> int:
    """Return the price at which an order's cost is reckoned; `best` is the best counter price, 0 without."""
    if limit is None:
        base = best or mark
        return ceil_div(base * MARKET_ADD_ON[0], MARKET_ADD_ON[1]) if side is Side.BUY else max(base, mark)
    if side is Side.BUY:
        return limit
    return max(limit, mark, half_up(last * SELL_ADD_ON[0], SELL_ADD_ON[1]))


def open_loss(side: Side, quantity: int, price: int, mark: int) -> int:
    """Return what an order would lose at once against the mark price: q * |min(0, dir * (MP - price))|."""
    return quantity * max(0, sign_of(side) * (price - mark))


def bankruptcy_price(position: Position, balance: int) -> int:
    """Return the price at which `balance` (NOTIONAL_UNIT) is used up: EP - side * WB / |Q|, in UNIT.

    Rounded in the account's favour, never below 0.
    """
    cost, size = position.cost * UNIT, position.size
    price = ceil_div(cost - balance, size) if position.quantity > 0 else (cost + balance) // size
    return max(price, 0)


def liquidation_price(spec: ContractSpec, legs: Sequence[Position], spare: int, mark: int) -> int:
    """Return the mark price at which the maintenance margin of `legs` eats up what backs them (UNIT, half up).

    LP = (spare + cum - side * cost) / (|Q| * MMR - side * |Q|), summed over the legs, in the brackets that
    hold the legs' notional at LP. Several solutions (hedge mode) give the one nearest to `mark`; 0 where no
    positive price liquidates.

    `legs` are the positions of one symbol that fall together: one, or LONG and SHORT under cross margin.
    `spare` is the wallet minus others' maintenance margin plus others' unrealised PnL (NOTIONAL_UNIT).
    """
    found = []
    for brackets in product(spec.brackets, repeat=len(legs)):
        backing = sum(bracket.cum - leg.direction * leg.cost for bracket, leg in _pairs(brackets, legs))
        numerator = (spare + backing * UNIT) * PPM
        denominator = sum(leg.size * (b.rate_ppm - leg.direction * PPM) for b, leg in _pairs(brackets, legs))
        if denominator < 0:
            numerator, denominator = -numerator, -denominator
        if denominator and numerator > 0 and _fits(spec, brackets, legs, numerator, denominator):
            found.append(half_up(numerator, denominator))
    return min(found, key=lambda price: abs(price - mark), default=0)


def _pairs(brackets: Sequence[Bracket], legs: Sequence[Position]) -> Iterable[tuple[Bracket, Position]]:
    return zip(brackets, legs, strict=True)


def _fits(
    spec: ContractSpec, brackets: Sequence[Bracket], legs: Sequence[Position], numerator: int, denominator: int
) -> bool:
    """Say whether each leg's notional at the price numerator / denominator lies in its bracket."""
    last = spec.brackets[-1]
    for bracket, leg in _pairs(brackets, legs):
        notional = leg.size * numerator
        if notional < bracket.floor * UNIT * denominator:
            return False
        if bracket is not last and notional > bracket.cap * UNIT * denominator:
            return False
    return True
