"""Margins as preflight reckons them are the exchange's own, to the last digit, up to the moment of liquidation."""

from contextlib import suppress
from decimal import ROUND_HALF_UP, Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.futures import Bracket
from domain.money import UNIT as SMALLEST
from fakes.contract_grid import BTC_SPEC, amount, brackets_of, scaled
from grid.core.margin import (
    Leg,
    hedged_order_margin,
    largest_notional,
    liquidation_price,
    maintenance_margin,
    order_margin,
    position_margin,
)
from simulator.core.errors import ExchangeError
from simulator.core.orders import Side
from simulator.core.symbols import UNIT
from simulator.um.core.events import FuturesEvent, Liquidated
from simulator.um.core.exchange import FuturesExchange
from simulator.um.core.orders import FuturesOrderType, FuturesParams, FuturesTimeInForce, MarginType, PositionSide

SYMBOL = BTC_SPEC.symbol
BRACKETS = brackets_of(BTC_SPEC)
ME = "me"


class Account:
    """One account on an exchange where every price is offered whatever is asked for."""

    def __init__(self, *, wallet: int, leverage: int, isolated: bool, hedge: bool) -> None:
        self.events: list[FuturesEvent] = []
        self.exchange = FuturesExchange([BTC_SPEC], listener=self.events.append)
        self.exchange.open_account(ME)
        self.exchange.transfer(ME, wallet * UNIT, 1)
        self.leverage, self.isolated, self.hedge = leverage, isolated, hedge
        if hedge:
            self.exchange.set_position_mode(ME, True, 1)
        if isolated:
            self.exchange.set_margin_type(ME, SYMBOL, MarginType.ISOLATED, 1)
        self.exchange.set_leverage(ME, SYMBOL, leverage, 1)

    def place(self, side: Side, price: int, lots: int, opens: bool, *, rests: bool) -> None:
        """Trade at a price, or rest an order there; what the exchange refuses is left out."""
        leg = PositionSide.LONG if opens is (side is Side.BUY) else PositionSide.SHORT
        best = [(price * UNIT, 10**9 * UNIT)]
        bids, asks = ([], []) if rests else (best, []) if side is Side.SELL else ([], best)
        self.exchange.set_book(SYMBOL, bids, asks)
        with suppress(ExchangeError):
            self.exchange.place(
                ME,
                FuturesParams(
                    symbol=SYMBOL,
                    side=side,
                    type=FuturesOrderType.LIMIT,
                    time_in_force=FuturesTimeInForce.GTC if rests else FuturesTimeInForce.IOC,
                    position_side=leg if self.hedge else None,
                    quantity=lots * BTC_SPEC.lot,
                    price=price * UNIT,
                ),
                self.exchange.market_ms + 1,
            )

    def mark(self, price: Decimal) -> None:
        self.exchange.set_mark(SYMBOL, scaled(price), scaled(price), self.exchange.market_ms + 1)

    @property
    def wallet(self) -> Decimal:
        return amount(self.exchange.account(ME).cross_wallet_balance)

    @property
    def legs(self) -> list[tuple[Leg, Decimal]]:
        """Return what is held, with its isolated wallet."""
        (told,) = self.exchange.dump()["accounts"]
        return [
            (Leg(amount(held["quantity"]), amount(held["cost"])), amount(held["isolated_wallet"]))
            for held in told["positions"]
            if held["quantity"]
        ]

    def ends(self, mark: Decimal) -> list[Decimal]:
        """Return where each leg ends, as the bot reckons it."""
        if self.isolated:
            return [liquidation_price(BRACKETS, [leg], wallet, mark) for leg, wallet in self.legs]
        legs = [leg for leg, _ in self.legs]
        return [liquidation_price(BRACKETS, legs, self.wallet, mark)] * len(legs)

    @property
    def is_liquidated(self) -> bool:
        return any(isinstance(event, Liquidated) for event in self.events)


TRADES = st.lists(
    st.tuples(
        st.sampled_from(Side),
        st.integers(57_500, 62_500),
        st.integers(1, 60),
        st.sampled_from([True, True, True, False]),
        st.sampled_from([0, 0, 1]),
    ),
    min_size=2,
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(
    wallet=st.integers(1_000, 3_000_000),
    leverage=st.sampled_from([1, 2, 3, 7, 20, 50]),
    isolated=st.booleans(),
    hedge=st.booleans(),
    trades=TRADES,
    marks=st.lists(st.integers(56_000, 64_000), min_size=1, max_size=3),
)
def test_margins_are_the_exchanges_own_up_to_liquidation(
    wallet: int,
    leverage: int,
    isolated: bool,
    hedge: bool,
    trades: list[tuple[Side, int, int, bool, int]],
    marks: list[int],
):
    account = Account(wallet=wallet, leverage=leverage, isolated=isolated, hedge=hedge)
    account.mark(Decimal(60_000))
    for side, price, percent, opens, rests in trades:  # of what the wallet can carry
        lots = wallet * leverage * percent // 6_000 or 5
        account.place(side, price, min(lots, 1_000_000), opens, rests=bool(rests))
    account.exchange.set_book(SYMBOL, [], [])
    with localcontext() as context:
        context.prec = 60
        for mark in (Decimal(60_000), *map(Decimal, marks)):
            account.mark(mark)
            check_margins(account, mark)
        check_the_end(account)


def check_margins(account: Account, mark: Decimal) -> None:
    views = [view for view in account.exchange.positions(ME, SYMBOL) if view.quantity]
    for view, (leg, _), end in zip(views, account.legs, account.ends(mark), strict=True):
        worth = abs(leg.quantity) * mark
        assert amount(view.maintenance_margin) == _shown(maintenance_margin(BRACKETS, worth))
        assert amount(view.position_initial_margin) == _shown(position_margin(worth, account.leverage))
        assert amount(view.max_notional) == largest_notional(BRACKETS, account.leverage)
        assert amount(view.liquidation_price) == end
    told = account.exchange.account(ME)
    assert amount(told.open_order_initial_margin) == _shown(_of_orders(account, mark))


def _of_orders(account: Account, mark: Decimal) -> Decimal:
    resting = account.exchange.open_orders(ME)
    opens = {PositionSide.LONG: Side.BUY, PositionSide.SHORT: Side.SELL}
    opening = [order for order in resting if opens.get(order.position_side, order.side) is order.side]
    bids, asks = (
        sum(amount(order.price) * amount(order.quantity - order.executed) for order in opening if order.side is side)
        for side in (Side.BUY, Side.SELL)
    )
    if account.hedge:
        return hedged_order_margin(Decimal(bids), Decimal(asks), account.leverage)
    held = sum((leg.quantity for leg, _ in account.legs), Decimal(0)) * mark
    return order_margin(held, Decimal(bids), Decimal(asks), account.leverage)


def check_the_end(account: Account) -> None:
    """Go to the nearest end and back: nothing is lost one digit before it, all is one digit beyond."""
    if account.is_liquidated or len(account.legs) != 1:
        return
    ((leg, _),) = account.legs
    (end,) = account.ends(Decimal(60_000))
    safe, fatal = end + leg.direction * SMALLEST, end - leg.direction * SMALLEST
    if fatal <= 0:
        return
    account.mark(safe)
    assert not account.is_liquidated
    account.mark(Decimal(60_000))
    assert not account.is_liquidated
    account.mark(fatal)
    assert account.is_liquidated


def _shown(value: Decimal) -> Decimal:
    return value.quantize(SMALLEST, ROUND_HALF_UP)


@pytest.mark.parametrize(
    ("quantity", "wallet", "rate", "deduction", "end"),
    [
        ("1", 5_000, "0.004", 0, "45180.72"),
        ("-1", 5_000, "0.004", 0, "54780.88"),
        ("20", 50_000, "0.0065", 1_500, "47735.28"),
    ],
)
def test_the_worked_examples_of_the_protocol(quantity: str, wallet: int, rate: str, deduction: int, end: str):
    size = Decimal(quantity)
    only = Bracket(
        floor=Decimal(0),
        cap=Decimal(10**9),
        max_leverage=20,
        maintenance_rate=Decimal(rate),
        deduction=Decimal(deduction),
    )
    found = liquidation_price([only], [Leg(size, abs(size) * 50_000)], Decimal(wallet), Decimal(50_000))
    assert found.quantize(Decimal("0.01")) == Decimal(end)


def test_a_position_that_its_wallet_pays_for_whole_has_no_end():
    assert liquidation_price(BRACKETS, [Leg(Decimal(1), Decimal(50_000))], Decimal(50_000), Decimal(50_000)) == 0


def test_the_largest_position_falls_with_leverage():
    assert largest_notional(BRACKETS, 20) == 100_000_000
    assert largest_notional(BRACKETS, 21) == 70_000_000
    assert largest_notional(BRACKETS, 151) == 0
