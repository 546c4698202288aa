"""Random accounts on random paths: books that balance to the last digit, and rules no path may break."""

import json
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator.core.errors import ExchangeError
from simulator.core.events import MarketTrade
from simulator.core.orders import Side
from simulator.core.symbols import PPM, UNIT
from simulator.um.core.catalogue import brackets_of
from simulator.um.core.contracts import ContractSpec
from simulator.um.core.events import FuturesEvent, Liquidated
from simulator.um.core.exchange import FuturesExchange
from simulator.um.core.orders import (
    AlgoParams,
    FuturesOrderType,
    FuturesParams,
    FuturesTimeInForce,
    IncomeType,
    MarginType,
    PositionSide,
    WorkingType,
)
from simulator.um.core.views import PositionView

TICK = UNIT // 10
LOT = UNIT // 1_000
SYMBOL = "BTCUSDT"
SPEC = ContractSpec(
    symbol=SYMBOL, base="BTC", tick=TICK, lot=LOT, price_precision=1, quantity_precision=3, max_orders=12,
    min_qty=LOT, mult_up_ppm=9_000_000, mult_down_ppm=1, market_take_bound_ppm=900_000,
    brackets=brackets_of(((50, 1, 10_000), (20, 5, 25_000), (10, 60, 50_000), (2, 900, 125_000))),
)  # fmt: skip
ACCOUNTS = ("cross", "isolated", "hedged")
ONLY_CLOSING = {(PositionSide.LONG, Side.SELL), (PositionSide.SHORT, Side.BUY)}


@dataclass(frozen=True)
class Step:
    """One thing that happens; `kind` names the method below that does it."""

    kind: str
    account: str
    side: Side
    price: int
    lots: int
    choice: int


class World:
    """An exchange that random steps are applied to; refusals are part of the path."""

    def __init__(self, exchange: FuturesExchange | None = None) -> None:
        self.events: list[FuturesEvent] = []
        if exchange is not None:
            self.exchange = exchange
            self.now_ms = exchange.market_ms
            return
        self.exchange = FuturesExchange([SPEC], maker_ppm=217, taker_ppm=541, listener=self.events.append)
        self.now_ms = 1_000
        for account in ACCOUNTS:
            self.exchange.open_account(account)
            self.exchange.transfer(account, 200 * UNIT + 7, self.now_ms)
        self.exchange.set_margin_type("isolated", SYMBOL, MarginType.ISOLATED, self.now_ms)
        self.exchange.set_position_mode("hedged", True, self.now_ms)
        self.exchange.set_mark(SYMBOL, 1_000 * TICK * 10, 1_000 * TICK * 10, self.now_ms)

    def apply(self, step: Step) -> None:
        self.now_ms += 1_000
        with suppress(ExchangeError):
            getattr(self, step.kind)(step)

    def position_side(self, step: Step) -> PositionSide | None:
        if step.account != "hedged":
            return None
        return PositionSide.LONG if step.choice % 2 else PositionSide.SHORT

    def place(self, step: Step) -> None:
        kind = ("GTC", "GTC", "IOC", "FOK", "GTX", "MARKET", "GTD")[step.choice % 7]
        is_market = kind == "MARKET"
        params = FuturesParams(
            symbol=SYMBOL,
            side=step.side,
            type=FuturesOrderType.MARKET if is_market else FuturesOrderType.LIMIT,
            time_in_force=None if is_market else FuturesTimeInForce(kind),
            position_side=self.position_side(step),
            quantity=step.lots * LOT,
            price=None if is_market else step.price * TICK,
            reduce_only=True if step.choice % 5 == 0 and step.account != "hedged" else None,
            good_till_ms=self.now_ms + 700_000 if kind == "GTD" else None,
        )
        self.exchange.place(step.account, params, self.now_ms)

    def conditional(self, step: Step) -> None:
        kind = tuple(FuturesOrderType)[2 + step.choice % 5]
        is_limit = kind in (FuturesOrderType.STOP, FuturesOrderType.TAKE_PROFIT)
        trails = kind is FuturesOrderType.TRAILING_STOP_MARKET
        closes = not is_limit and not trails and step.choice % 3 == 0
        params = AlgoParams(
            symbol=SYMBOL,
            side=step.side,
            type=kind,
            position_side=self.position_side(step),
            quantity=None if closes else step.lots * LOT,
            price=step.price * TICK if is_limit else None,
            trigger_price=None if trails else step.price * TICK,
            callback_ppm=20_000 if trails else None,
            close_position=closes,
            working_type=WorkingType.MARK_PRICE if step.choice % 2 else WorkingType.CONTRACT_PRICE,
        )
        self.exchange.place_algo(step.account, params, self.now_ms)

    def modify(self, step: Step) -> None:
        orders = self.exchange.open_orders(step.account)
        if orders:
            order = orders[step.choice % len(orders)]
            self.exchange.modify(
                step.account, SYMBOL, side=order.side, quantity=step.lots * LOT, price=step.price * TICK,
                order_id=order.order_id, now_ms=self.now_ms,
            )  # fmt: skip

    def cancel_all(self, step: Step) -> None:
        self.exchange.cancel_all(step.account, SYMBOL, self.now_ms)

    def print(self, step: Step) -> None:
        trade = MarketTrade(SYMBOL, step.price * TICK, step.lots * LOT, self.now_ms, buyer_is_maker=True)
        self.exchange.print_trade(trade)

    def book(self, step: Step) -> None:
        gap = 1 + step.choice
        bids = [((step.price - gap - i * 7) * TICK, step.lots * LOT) for i in range(3)]
        asks = [((step.price + gap + i * 7) * TICK, step.lots * LOT) for i in range(3)]
        self.exchange.set_book(SYMBOL, bids, asks, now_ms=self.now_ms)

    def mark(self, step: Step) -> None:
        mark = step.price * TICK + step.choice * 1_234_567
        self.exchange.set_mark(SYMBOL, mark, mark, self.now_ms)

    def funding(self, step: Step) -> None:
        rate = (step.choice - 10) * 7_777
        self.exchange.settle_funding(SYMBOL, rate, self.exchange.mark_price(SYMBOL), self.now_ms)

    def leverage(self, step: Step) -> None:
        self.exchange.set_leverage(step.account, SYMBOL, 1 + step.choice * 2, self.now_ms)

    def margin(self, step: Step) -> None:
        sign = 1 if step.side is Side.BUY else -1
        amount = sign * step.lots * UNIT // 100
        side = self.position_side(step)
        self.exchange.adjust_margin(step.account, SYMBOL, amount, self.now_ms, position_side=side)

    def transfer(self, step: Step) -> None:
        sign = 1 if step.side is Side.BUY else -1
        self.exchange.transfer(step.account, sign * (step.lots * UNIT // 5 + 1), self.now_ms)

    def countdown(self, step: Step) -> None:
        self.exchange.set_countdown(step.account, SYMBOL, step.choice * 500, self.now_ms)


_OFTEN = ("place",) * 8 + ("book",) * 4 + ("print", "mark") * 3
_RARELY = (
    "conditional", "conditional", "modify", "modify", "cancel_all", "funding", "leverage", "margin", "transfer",
    "countdown",
)  # fmt: skip
STEPS = st.builds(
    Step,
    kind=st.sampled_from(_OFTEN + _RARELY),
    account=st.sampled_from(ACCOUNTS),
    side=st.sampled_from(Side),
    price=st.one_of(st.integers(9_700, 10_300), st.integers(7_000, 14_000)),
    lots=st.integers(1, 900),
    choice=st.integers(0, 20),
)
PATHS = st.lists(STEPS, min_size=1, max_size=45)


@given(PATHS)
@settings(max_examples=60)
def test_every_wallet_is_the_sum_of_its_income_and_equity_follows_from_the_fills(path: list[Step]) -> None:
    world = World()
    for step in path:
        world.apply(step)
    for account in ACCOUNTS:
        _check_books(world, account)


def _check_books(world: World, account: str) -> None:
    exchange = world.exchange
    income = exchange.income(account, limit=10**6)
    view = exchange.account(account)
    assert view.wallet_balance == sum(row.amount for row in income)
    by_type: dict[IncomeType, int] = defaultdict(int)
    for row in income:
        by_type[row.type] += row.amount
    fills = exchange.trades(account, SYMBOL, limit=10**6)
    assert by_type[IncomeType.REALIZED_PNL] == sum(fill.realized_pnl for fill in fills)
    assert by_type[IncomeType.COMMISSION] == -sum(fill.commission for fill in fills)
    signed = [(1 if fill.side is Side.BUY else -1, fill) for fill in fills]
    positions = exchange.positions(account)
    held = sum(sign * fill.quantity for sign, fill in signed)
    assert held == sum(position.quantity for position in positions)
    # What the fills brought plus what is held at the mark price is realised plus unrealised, to the last digit.
    cash = -sum(sign * Fraction(_value(fill.price, fill.quantity), UNIT) for sign, fill in signed)
    mark = Fraction(exchange.mark_price(SYMBOL), UNIT)
    worth = cash + Fraction(held, UNIT) * mark
    unrealized = worth - Fraction(by_type[IncomeType.REALIZED_PNL], UNIT)
    assert abs(unrealized - Fraction(view.unrealized, UNIT)) <= Fraction(1, 2 * UNIT)


def _value(price: int, quantity: int) -> int:
    return round(Fraction(price * quantity, UNIT)) if price * quantity % UNIT else price * quantity // UNIT


AMONG_ACCOUNTS = st.sampled_from(("place",) * 8 + ("modify", "cancel_all", "funding", "conditional", "leverage"))
CLOSED_PATHS = st.lists(st.builds(replace, STEPS, kind=AMONG_ACCOUNTS), min_size=5, max_size=45)


@given(CLOSED_PATHS)
@settings(max_examples=60)
def test_what_one_account_wins_of_another_it_loses(path: list[Step]) -> None:
    world = World()
    paid_in = sum(world.exchange.account(account).wallet_balance for account in ACCOUNTS)
    for step in path:
        world.apply(step)
    assume(not any(isinstance(event, Liquidated) for event in world.events))
    views = [view for account in ACCOUNTS for view in world.exchange.positions(account)]
    assert sum(view.quantity for view in views) == 0
    rows = [row for account in ACCOUNTS for row in world.exchange.income(account, limit=10**6)]
    fees = -sum(row.amount for row in rows if row.type is IncomeType.COMMISSION)
    funding = sum(row.amount for row in rows if row.type is IncomeType.FUNDING_FEE)
    equity = sum(world.exchange.account(account).margin_balance for account in ACCOUNTS)
    # Only rounding is left of funding, half a unit per payment, and of the unrealised PnL as it is shown.
    assert abs(equity - (paid_in - fees + funding)) <= 2
    assert abs(funding) <= sum(row.type is IncomeType.FUNDING_FEE for row in rows)


@given(PATHS)
@settings(max_examples=60)
def test_no_path_breaks_the_rules_of_position_modes_reduce_only_and_maintenance(path: list[Step]) -> None:
    world = World()
    for step in path:
        before = {account: _sizes(world, account) for account in ACCOUNTS}
        seen = len(world.events)
        world.apply(step)
        for account in ACCOUNTS:
            _check_sides(world, account)
            _check_reduce_only(world, account)
            _check_margins(world, account)
        _check_closing_fills(world, before, seen)


def _sizes(world: World, account: str) -> dict[PositionSide, int]:
    return {view.position_side: view.quantity for view in world.exchange.positions(account)}


def _check_sides(world: World, account: str) -> None:
    for view in world.exchange.positions(account):
        if view.position_side is PositionSide.LONG:
            assert view.quantity >= 0
        elif view.position_side is PositionSide.SHORT:
            assert view.quantity <= 0
        assert view.isolated_wallet == 0 or view.quantity, view
        if account != "isolated":
            assert view.isolated_wallet == 0


def _check_reduce_only(world: World, account: str) -> None:
    """What rests to close never exceeds what there is to close, and stands on the closing side."""
    resting: dict[tuple[PositionSide, Side], int] = defaultdict(int)
    for order in world.exchange.open_orders(account):
        if order.reduce_only or (order.position_side, order.side) in ONLY_CLOSING:
            resting[order.position_side, order.side] += order.quantity - order.executed
    for (position_side, side), quantity in resting.items():
        held = _sizes(world, account)[position_side]
        assert quantity <= (held if side is Side.SELL else -held)


def _check_closing_fills(world: World, before: dict[str, dict[PositionSide, int]], seen: int) -> None:
    """Replay the fills of the step: an order that may only close never makes a position larger."""
    for event in world.events[seen:]:
        fill = getattr(event, "fill", None)
        if fill is None:
            continue
        held = before[fill.account_id][fill.position_side]
        after = held + (fill.quantity if fill.side is Side.BUY else -fill.quantity)
        if event.order.reduce_only or (fill.position_side, fill.side) in ONLY_CLOSING:
            assert abs(after) < abs(held)
            assert after * held >= 0
        before[fill.account_id][fill.position_side] = after


def _maintenance(notional: Fraction) -> Fraction:
    """N * MMR - cum by section 4, from the table alone; `notional` in USDT."""
    cum, last = Fraction(0), Fraction(0)
    for bracket in SPEC.brackets:
        floor, rate = Fraction(bracket.floor, UNIT), Fraction(bracket.rate_ppm, PPM)
        cum += floor * (rate - last)
        if notional <= Fraction(bracket.cap, UNIT) or bracket is SPEC.brackets[-1]:
            return notional * rate - cum
        last = rate
    raise AssertionError


def _exact(view: PositionView) -> tuple[Fraction, Fraction]:
    """Notional and unrealised PnL in USDT; the latter from the entry price, so only within its rounding."""
    size, mark = Fraction(view.quantity, UNIT), Fraction(view.mark_price, UNIT)
    return abs(size) * mark, size * (mark - Fraction(view.entry_price, UNIT))


def _check_margins(world: World, account: str) -> None:
    """Recompute every margin figure by the formulas, in Fractions; nothing at risk survives a step."""
    half = Fraction(1, 2 * UNIT)
    total = world.exchange.account(account)
    used, cross_unrealized, cross_maintenance = Fraction(0), Fraction(0), Fraction(0)
    for view in world.exchange.positions(account):
        notional, unrealized = _exact(view)
        entry_slack = half * abs(Fraction(view.quantity, UNIT))
        assert abs(unrealized - Fraction(view.unrealized, UNIT)) <= half + entry_slack
        assert abs(notional - abs(Fraction(view.notional, UNIT))) <= half
        maintenance = _maintenance(notional)
        assert abs(maintenance - Fraction(view.maintenance_margin, UNIT)) <= half
        orders = _order_margin(world, account, view)
        assert abs(notional / view.leverage - Fraction(view.position_initial_margin, UNIT)) <= half
        assert abs(orders - Fraction(view.open_order_initial_margin, UNIT)) <= half
        used += orders
        backing = Fraction(view.isolated_wallet, UNIT) + Fraction(view.unrealized, UNIT)
        if view.margin_type is MarginType.ISOLATED:
            assert not view.quantity or backing > maintenance - half
        else:
            used += notional / view.leverage
            cross_unrealized += Fraction(view.unrealized, UNIT)
            cross_maintenance += maintenance
    balance = Fraction(total.cross_wallet_balance, UNIT) + cross_unrealized
    assert not cross_maintenance or balance > cross_maintenance - 2 * half
    available = max(Fraction(0), balance - used)
    assert abs(available - Fraction(total.available_balance, UNIT)) <= Fraction(3, UNIT)


def _order_margin(world: World, account: str, view: PositionView) -> Fraction:
    bids = asks = Fraction(0)
    for order in world.exchange.open_orders(account):
        if order.reduce_only or (order.position_side, order.side) in ONLY_CLOSING:
            continue
        notional = Fraction(order.price * (order.quantity - order.executed), UNIT * UNIT)
        if order.side is Side.BUY:
            bids += notional
        else:
            asks += notional
    if view.position_side is PositionSide.LONG:
        return bids / view.leverage
    if view.position_side is PositionSide.SHORT:
        return asks / view.leverage
    held = Fraction(view.quantity * view.mark_price, UNIT * UNIT)
    return max(Fraction(0), max(abs(held + bids), abs(held - asks)) - abs(held)) / view.leverage


@given(PATHS, PATHS)
@settings(max_examples=30)
def test_a_loaded_exchange_goes_on_as_the_one_that_was_dumped(path: list[Step], more: list[Step]) -> None:
    world = World()
    for step in path:
        world.apply(step)
    saved = json.loads(json.dumps(world.exchange.dump()))
    told: list[FuturesEvent] = []
    again = World(FuturesExchange.load(saved, listener=told.append))
    again.now_ms = world.now_ms
    world.events.clear()
    for step in more:
        world.apply(step)
        again.apply(step)
    assert told == world.events
    assert again.exchange.dump() == world.exchange.dump()


def test_a_contract_whose_fills_would_not_be_whole_is_refused() -> None:
    with pytest.raises(ValueError, match="tick times lot"):
        replace(SPEC, tick=1, lot=1)
