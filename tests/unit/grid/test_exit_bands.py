"""The prices at which a grid ends by itself against its profit, worked out price by price."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.exit_terms import ExitAction, ExitTerms
from domain.exits import ExitCondition, ReachedExit
from domain.grids import Direction
from domain.money import exact, from_units, plain
from domain.orders import Fill, Side
from fakes.grid_examples import BTC, facts, plan, request
from grid.core import exits
from grid.core.exit_numbers import amount_of
from grid.exit_watch import ExitWatch
from grid.preflight import plan_grid
from grid.waiting import Trigger, unmarked
from orders.books import FifoBooks

money = st.integers(-(10**9), 10**9)
wanted = st.integers(0, 10**8)


@settings(max_examples=200, derandomize=True)
@given(cash=money, worth=st.integers(-5_000, 5_000), gain=wanted, loss=wanted)
def test_a_band_is_where_the_profit_is_at_every_price_around_it(cash: int, worth: int, gain: int, loss: int):
    gains, losses = exits.gain_band(cash, worth, gain), exits.loss_band(cash, worth, loss)
    edges = {edge for edge in (*gains, *losses) if 0 <= edge < 10**12}
    for price in {max(edge + by, 0) for edge in {*edges, 50_000} for by in range(-3, 4)}:
        profit = cash + worth * price
        assert exits.is_within(price, *gains) is (gain > 0 and profit >= gain)
        assert exits.is_within(price, *losses) is (loss > 0 and profit <= -loss)


@st.composite
def fills(draw: st.DrawFn) -> list[Fill]:
    asset = st.sampled_from(["BTC", "USDT", "BNB"])
    return [
        Fill(
            instrument=BTC,
            trade_id=index + 1,
            client_id="",
            venue_order_id=index + 1,
            side=draw(st.sampled_from(Side)),
            price=(price := from_units(draw(st.integers(5_900_000, 6_100_000)) * 10**6)),
            quantity=(quantity := from_units(draw(st.integers(1, 90)) * 1000)),
            quote_quantity=price * quantity,
            commission=from_units(draw(st.integers(0, 900))),
            commission_asset=draw(asset),
            is_maker=True,
            time_ms=index,
        )
        for index in range(draw(st.integers(0, 8)))
    ]


@settings(max_examples=80, derandomize=True)
@given(
    booked=fills(),
    funding=st.integers(-(10**9), 10**9),
    gain=st.integers(1, 3 * 10**9),
    loss=st.integers(1, 3 * 10**9),
)
def test_the_profit_that_is_judged_is_that_of_the_books_but_for_what_fee_assets_gained(
    booked: list[Fill], funding: int, gain: int, loss: int
):
    books = FifoBooks(BTC)
    for fill in booked:
        books.add(fill, Decimal("612.34567"))
    books.add_funding(from_units(funding))
    terms = ExitTerms(take_profit_amount=from_units(gain), stop_loss_amount=from_units(loss))
    watch = ExitWatch(plan(exits=terms))
    watch.hold(books.cash, books.base_held)
    for price in {*around(watch.below), *around(watch.above), Decimal(60_000)}:
        check(watch, books, price, from_units(gain), from_units(loss))


def around(edge: Decimal | None) -> list[Decimal]:
    if edge is None or edge <= 1:
        return []
    return [edge + Decimal(by) * Decimal("0.00000001") for by in (-2, -1, 0, 1, 2)]


@exact
def check(watch: ExitWatch, books: FifoBooks, price: Decimal, gain: Decimal, loss: Decimal) -> None:
    told = books.marked(price, {"BNB": Decimal(700)})
    profit = told.grid_profit + told.inventory_value - told.inventory_cost - told.fees + told.funding
    reached = watch.judged(price, (), is_sure=True, is_sound=True)
    if profit >= gain or profit <= -loss:
        assert reached is not None
        assert reached.profit == profit
        assert reached.condition is (
            ExitCondition.TAKE_PROFIT_AMOUNT if profit >= gain else ExitCondition.STOP_LOSS_AMOUNT
        )
    else:
        assert reached is None


def test_a_profit_waits_until_it_is_sure_and_a_loss_does_not():
    watch = ExitWatch(plan(exits=ExitTerms(take_profit_amount=Decimal(5), stop_loss_amount=Decimal(5))))
    watch.hold(Decimal(-60), Decimal("0.001"))
    for price, is_met in (("65000", False), ("54999", True)):
        assert (watch.judged(Decimal(price), (), is_sure=False, is_sound=True) is not None) is is_met
    assert watch.judged(Decimal(54_999), (), is_sure=True, is_sound=False) is None


@given(
    condition=st.sampled_from(ExitCondition),
    action=st.sampled_from(ExitAction),
    price=st.decimals(0, 10**6, places=8),
    profit=st.decimals(-(10**6), 10**6, places=16),
)
@settings(max_examples=30, derandomize=True)
def test_the_word_that_is_stored_is_read_as_what_was_reached(
    condition: ExitCondition, action: ExitAction, price: Decimal, profit: Decimal
):
    reached = ReachedExit(condition=condition, action=action, price=price, profit=profit)
    assert ReachedExit.of(reached.word) == reached
    assert ReachedExit.of("unwind") is None
    waiting = Trigger(replace(plan(), request=request(trigger_price=Decimal(1)), waits_from=Decimal(2)), None)
    assert waiting.marked(reached.word) == reached.word
    waiting.is_reached = waiting.is_reached_at(Decimal("0.5"))
    assert unmarked(waiting.marked(reached.word)) == reached.word
    assert Trigger(plan(trigger_price=Decimal(61_000)), waiting.marked("")).is_reached


def test_percent_are_of_the_capital_asked_for():
    made = plan(capital=Decimal(750))
    assert amount_of(made, Decimal("1.5"), None) == Decimal("11.25")
    assert amount_of(replace(made, request=request(quantity=Decimal("0.001"))), Decimal(10), None) == (
        made.capital_needed / 10
    ).quantize(Decimal("1e-8"))


MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"exits": ExitTerms(take_profit_price=Decimal(59_000))}, "take_profit_price", "use more than 60000"),
    ({"exits": ExitTerms(take_profit_price=Decimal("61000.005"))}, "take_profit_price", "multiple of the tick"),
    (
        {"exits": ExitTerms(take_profit_percent=Decimal(1), take_profit_amount=Decimal(1))},
        "take_profit_amount",
        "excludes take_profit_perc",
    ),
    ({"exits": ExitTerms(stop_loss_amount=Decimal("0.000000001"))}, "stop_loss_amount", "at most 8 decimals"),
    ({"exits": ExitTerms(on_stop_loss=ExitAction.KEEP)}, "on_stop_loss", "add stop_loss_perc"),
    ({"exits": ExitTerms(on_take_profit=ExitAction.KEEP)}, "on_take_profit", "add take_profit_perc"),
    ({"stop_below": Decimal(60_000)}, "stop_below", "below the lowest rung"),
    ({"stop_above": Decimal(99_000)}, "stop_above", "a long grid loses below its range"),
    ({"trigger_price": Decimal("61000.005")}, "trigger_price", "multiple of the tick"),
    (
        {"direction": Direction.NEUTRAL, "exits": ExitTerms(take_profit_price=Decimal(1))},
        "take_profit_price",
        "neutral",
    ),
]


@pytest.mark.parametrize(("asked", "field", "remedy"), MISTAKES)
def test_every_mistake_is_named_with_its_remedy(asked: dict[str, Any], field: str, remedy: str):
    with pytest.raises(Exception, match=remedy) as refused:
        plan_grid(request(**asked), facts())
    assert field in {mistake.field for mistake in refused.value.mistakes}  # type: ignore[attr-defined]


def test_a_triggered_grid_is_planned_around_its_trigger_and_says_who_watches():
    made = plan(
        trigger_price=Decimal(61_234),
        stop_below=Decimal(50_000),
        exits=ExitTerms(take_profit_price=Decimal(65_000)),
    )
    assert (made.start_price, made.waits_from) == (Decimal(61_234), Decimal(60_000))
    assert made.prices[made.gap] == Decimal(61_234)
    assert "stop_below, take_profit_price are watched by this server" in made.warnings[-1]
    assert plain(made.start_price) == "61234"
