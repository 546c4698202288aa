"""Reinvested profit: a cell buys with what it earned, and with nothing else."""

from decimal import Decimal
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest.compiled import compile_modules
from domain.errors import Conflict, InvalidRequest
from domain.futures import MarginType
from domain.grids import ContractTerms, Direction, GridPlan, Profit
from domain.instrument import InstrumentRules
from domain.money import ZERO, exact
from domain.orders import Fill, Role, Side
from fakes.contract_grid import planned
from fakes.grid_examples import BTC, btc_rules, facts, plan
from fakes.grid_examples import request as spot_request
from grid.core import reinvest
from grid.core.ladder_numbers import ladder_numbers
from grid.editing import sketch_edit
from grid.state import GridState
from orders.wanted import WantedOrder

REINVEST = {"profit": Profit.REINVEST}
COMPILED = compile_modules([reinvest])[reinvest.__name__]


class Account:
    """A grid whose orders are filled as told, and the money that this moves. Fees are taken from what is received."""

    def __init__(self, made: GridPlan, rules: InstrumentRules, fee: Decimal = Decimal("0.001")) -> None:
        self.plan, self.rules, self.fee = made, rules, fee
        self.state = GridState(1, made, rules)
        self.quote, self.base, self.trades = made.capital_needed, ZERO, 0
        for order in self.state.wanted():
            if order.slot.role is Role.ENTRY:
                self.fill(order)

    def fill(self, order: WantedOrder, lots: int | None = None) -> None:
        quantity = order.quantity if lots is None else self.rules.lot * lots
        assert order.price is not None
        bought, worth = order.slot.side is Side.BUY, quantity * order.price
        paid = ((quantity if bought else worth) * self.fee).quantize(Decimal("0.00000001"))
        self.trades += 1
        self.state.apply(
            order.slot,
            Fill(
                instrument=BTC,
                trade_id=self.trades,
                venue_order_id=self.trades,
                client_id=f"c{self.trades}",
                side=order.slot.side,
                price=order.price,
                quantity=quantity,
                quote_quantity=worth,
                commission=paid,
                commission_asset="BTC" if bought else "USDT",
                is_maker=True,
                time_ms=self.trades,
            ),
        )
        self.quote += -worth if bought else worth - paid
        self.base += quantity - paid if bought else -quantity

    @exact
    def needed(self) -> Decimal:
        """Return what the resting purchases lock."""
        buys = [order for order in self.state.wanted() if order.slot.side is Side.BUY]
        return sum((order.quantity * (order.price or ZERO) for order in buys), ZERO)


def wander(account: Account, seed: int, steps: int, *, partly: bool) -> None:
    """Fill the orders nearest the gap, here and there in two parts."""
    random = Random(seed)
    for _ in range(steps):
        wanted = account.state.wanted()
        buys = [order for order in wanted if order.slot.side is Side.BUY]
        sales = [order for order in wanted if order.slot.side is Side.SELL]
        rises = bool(sales) and (not buys or random.random() < 0.5)
        order = sales[0] if rises else buys[-1]
        lots = account.rules.lots(order.quantity)
        if partly and lots > 2 and random.random() < 0.3:
            account.fill(order, random.randint(1, lots - 1))
        else:
            account.fill(order)


@settings(max_examples=60, deadline=None)
@given(
    levels=st.integers(2, 9),
    per_mille=st.integers(30, 300),
    capital=st.integers(300, 20_000),
    empty=st.booleans(),
    seed=st.integers(0, 10**6),
)
def test_the_account_pays_every_purchase_from_what_was_earned(
    levels: int, per_mille: int, capital: int, empty: bool, seed: int
):
    rules = btc_rules()
    try:
        made = plan(
            {"free_quote": None},
            levels=levels,
            spacing_percent=Decimal(per_mille) / 100,
            capital=Decimal(capital),
            start_empty=empty,
            **REINVEST,
        )
    except InvalidRequest:
        return
    account = Account(made, rules)
    wander(account, seed, 150, partly=False)
    # What a purchase's fee leaves of a lot lies in the cell and cannot be sold, as in every grid: a lot for each cell.
    assert account.needed() <= account.quote + sum(made.prices[:-1], ZERO) * rules.lot
    assert account.base == account.state.base_held
    planned_lots = [rules.lots(quantity) for quantity in made.quantities]
    assert made.reinvesting is not None
    most = [rules.lots(quantity) for quantity in made.reinvesting.most]
    lots = account.state.ladder.lots
    assert all(first <= now <= bound for first, now, bound in zip(planned_lots, lots, most, strict=True))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), growth=st.none() | st.just(Decimal(12)))
def test_fills_told_late_come_to_the_same_cells(seed: int, growth: Decimal | None):
    made = plan(
        levels=6, spacing_percent=Decimal(2), capital=Decimal(3_000), quantity_growth_percent=growth, **REINVEST
    )
    account = Account(made, btc_rules())
    wander(account, seed, 60, partly=True)
    told = [(slot, fill) for _, slot, fill in account.state._fills]
    Random(seed).shuffle(told)
    again = GridState(1, made, btc_rules())
    for slot, fill in told:
        again.apply(slot, fill)
    assert again.wanted() == account.state.wanted()
    assert (again.ladder.lots, again.ladder.carry) == (account.state.ladder.lots, account.state.ladder.carry)


def test_the_worked_example_of_the_documentation():
    """One cell, 60,000 to 61,200 (2 %), 0.1 BTC, fees of 0.1 %."""
    made = plan({"free_quote": None}, levels=3, spacing_percent=Decimal(2), quantity=Decimal("0.1"), **REINVEST)
    account = Account(made, btc_rules())
    held = []
    for _ in range(4):
        sale = next(order for order in account.state.wanted() if order.slot.side is Side.SELL)
        account.fill(sale)
        purchase = account.state.wanted()[-1]
        held.append(str(purchase.quantity))
        account.fill(purchase)
    assert held == ["0.10178", "0.10361", "0.10547", "0.10736"]


def test_released_profit_changes_nothing():
    account = Account(plan(), btc_rules())
    wander(account, 5, 200, partly=True)
    assert account.state.ladder.lots == ladder_numbers(plan(), btc_rules()).lots
    assert account.state.ladder.carry == [0] * 9


def test_a_cell_grows_to_its_limit_and_no_farther():
    made = plan(
        {"max_order_notional": Decimal(650), "free_quote": None},
        levels=2,
        spacing_percent=Decimal(5),
        quantity=Decimal("0.009"),
        **REINVEST,
    )
    account = Account(made, btc_rules())
    for _ in range(200):
        account.fill(account.state.wanted()[0])
    assert made.reinvesting is not None
    assert account.state.ladder.lots == [btc_rules().lots(made.reinvesting.most[0])]
    top = max(order.quantity * (order.price or ZERO) for order in account.state.wanted())
    assert Decimal(600) < top <= 650


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"infinity": True, "lower": Decimal(50_000), "levels": 40}, "keeps what is held worth the same"),
        ({"trail_up_to": Decimal(70_000)}, "that follows the price hold alike"),
    ],
)
def test_what_does_not_go_with_it_is_named(changes: dict, says: str):
    with pytest.raises(InvalidRequest) as refused:
        plan({"free_quote": None}, **({"spacing_percent": Decimal(1)} | changes | REINVEST))
    (message,) = (found.message for found in refused.value.mistakes if found.field == "profit")
    assert says in message


def test_isolated_margin_is_named_too():
    isolated = ContractTerms(leverage=2, margin_type=MarginType.ISOLATED, hedge_mode=False)
    with pytest.raises(InvalidRequest, match="margin_type: cross"):
        planned(Direction.LONG, isolated, **REINVEST)


def test_a_grid_that_reinvests_is_not_edited():
    state = GridState(1, plan(**REINVEST), btc_rules())
    with pytest.raises(Conflict, match="reinvest"):
        sketch_edit(state, Changes(), facts(), [], ZERO)


class Changes:
    @staticmethod
    def made_in(_: object) -> object:
        return spot_request()


@settings(max_examples=60, deadline=None)
@given(
    lots=st.integers(1, 10**4),
    carry=st.integers(-(10**12), 10**14),
    closed=st.integers(0, 10**4),
    below=st.integers(100, 10**5),
    step=st.integers(1, 10**4),
    borrows=st.booleans(),
    held=st.integers(0, 3_000),
    aside=st.integers(0, 10**4),
)
def test_the_compiled_text_grows_cells_alike(
    lots: int, carry: int, closed: int, below: int, step: int, borrows: bool, held: int, aside: int
):
    outcomes = []
    for text, make in ((reinvest, list), (COMPILED, lambda row: np.array(row, dtype=np.int64))):
        prices, most = make([below, below + step]), make([lots + 50])
        rows = [make([lots]), make([carry]), make([held])]
        text.gained(0, closed, 999_000, 1_001_002, prices, rows[1])
        more = text.grow(0, borrows, 1_001_002, aside, prices, 1_000, most, *rows)
        outcomes.append((int(more), *(int(row[0]) for row in rows)))
    assert outcomes[0] == outcomes[1]
    assert lots <= outcomes[0][1] <= lots + 50
