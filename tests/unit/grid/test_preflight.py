"""Every mistake is named with its field and remedy, and a plan that passes can trade."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chaos.host import InProcessHost
from chaos.translate import rules_of
from domain.errors import FieldMistake, InvalidRequest
from domain.grids import GridPlan, Phase, Spacing
from domain.instrument import FeeRates
from fakes.grid_examples import btc_rules, facts, gate, plan, request
from fakes.store import InMemoryStore
from grid.preflight import PreflightFacts, plan_grid
from simulator.core.events import MarketTrade
from simulator.core.symbols import UNIT, SymbolSpec
from simulator.market.catalogue import SPECS
from simulator.market.feed import BookUpdate, FeedStep

START_MS = 1_722_729_600_000


def mistakes(fact_changes: dict[str, Any] | None = None, **changes: Any) -> tuple[FieldMistake, ...]:
    with pytest.raises(InvalidRequest) as refused:
        plan_grid(request(**changes), facts(**(fact_changes or {})))
    return refused.value.mistakes


def rules(**changes: Any) -> dict[str, Any]:
    return {"rules": btc_rules(**changes)}


def bounds(lower: int, upper: int) -> dict[str, Any]:
    return {"spacing_percent": None, "lower": Decimal(lower), "upper": Decimal(upper)}


ENDLESS = {"infinity": True, "lower": Decimal(45_500), "levels": 60, "spacing_percent": Decimal(1)}
GROWS = {"quantity_growth_percent": Decimal(100)}
FEE_FREE = {"fees": FeeRates(Decimal(0), Decimal(0))}
CASES: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    (rules(status="BREAK"), {}, "symbol", "status is BREAK; choose a symbol that is TRADING"),
    ({}, {"levels": 1}, "initial_levels", "at least 2"),
    (rules(max_open_orders=5), {"levels": 10}, "initial_levels", "use at most 6 levels"),
    ({}, {"spacing_percent": None}, "spacing_perc", "give the spacing"),
    ({}, {"spacing_percent": Decimal(0)}, "spacing_perc", "positive"),
    ({}, {"spacing_percent": Decimal("0.00001")}, "spacing_perc", "at most 4 decimals"),
    ({}, {"spacing_percent": Decimal("0.2")}, "spacing_perc", "fees of 0.2 % per cycle eat the step"),
    (
        {},
        {"spacing_percent": None, "lower": Decimal(59_000), "upper": Decimal(61_000), "levels": 40},
        "initial_levels",
        "eat the step",
    ),
    (
        FEE_FREE,
        {"spacing_percent": None, "lower": Decimal(60_000), "upper": Decimal("60000.05"), "levels": 40},
        "lower_price",
        "round to one price tick",
    ),
    ({**FEE_FREE, "price": Decimal("0.05")}, {"spacing_percent": Decimal("0.1")}, "spacing_perc", "round to one"),
    ({}, {"spacing": Spacing.ARITHMETIC, "spacing_percent": Decimal(30)}, "spacing_perc", "at or below zero"),
    ({}, {"spacing_percent": None, "lower": Decimal(2), "upper": Decimal(1)}, "lower_price", "below the upper"),
    ({}, {"spacing_percent": None, "lower": Decimal(50_000)}, "upper_price", "both bounds"),
    ({}, {"upper": Decimal(70_000)}, "lower_price", "both bounds"),
    ({"max_price_distance": Decimal("0.01")}, {}, "spacing_perc", "over 1 % away from 60000; narrow"),
    ({"max_price_distance": Decimal("0.1")}, bounds(50_000, 61_000), "lower_price", "rung 50000 is over 10 %"),
    ({"max_price_distance": Decimal("0.1")}, bounds(59_000, 70_000), "upper_price", "away from 60000; lower it"),
    ({"max_price_distance": Decimal("0.1")}, bounds(90_000, 91_000), "lower_price", "away from 60000; lower it"),
    ({"max_price_distance": Decimal("0.1")}, bounds(30_000, 31_000), "upper_price", "away from 60000; raise it"),
    (rules(bid_down=Decimal("0.99")), bounds(59_000, 61_000), "lower_price", "takes no buy below 59400"),
    (rules(ask_up=Decimal("1.01")), bounds(59_000, 61_000), "upper_price", "takes no sale above 60600"),
    (rules(bid_down=Decimal("0.99")), {}, "spacing_perc", "takes no buy below 59400"),
    (rules(min_price=Decimal(59_500)), {}, "spacing_perc", "takes no buy below 59500"),
    (rules(ask_up=Decimal("1.01")), {}, "spacing_perc", "takes no sale above 60600"),
    (rules(max_price=Decimal(60_500)), {}, "spacing_perc", "takes no sale above 60500"),
    ({}, {"quantity": Decimal("0.000015")}, "quantity_per_level", "multiple of the lot 0.00001"),
    ({}, {"quantity": Decimal("0.00001")}, "quantity_per_level", "use at least 0.00018"),
    ({}, {"capital": Decimal(8)}, "capital", "8 is too little for 10 levels; the smallest that works is"),
    ({}, {"capital": Decimal(0)}, "capital", "too little"),
    ({}, {"capital": Decimal(-5)}, "capital", "too little"),
    ({"free_quote": Decimal(900)}, {}, "capital", "only 900 are free; use less or add funds"),
    ({"max_order_notional": Decimal(300)}, {}, "capital", "max_order_notional, 300; use less"),
    (rules(max_notional=Decimal(400)), {}, "capital", "limit of the venue, 400; use less"),
    (rules(max_quantity=Decimal("0.005")), {}, "capital", "largest order is 0.005; use less"),
    # One lot less its fee in base is no lot: it could never be sold again.
    (
        rules(lot=Decimal("0.001"), min_quantity=Decimal("0.001")),
        {"quantity": Decimal("0.001"), "capital": None},
        "quantity_per_level",
        "use at least 0.002",
    ),
    ({"free_exposure": Decimal(900)}, {}, "capital", "max_exposure of the risk gate leaves 900"),
    ({}, ENDLESS | {"lower": None}, "lower_price", "where an infinity grid begins; give it"),
    ({}, ENDLESS | {"upper": Decimal(70_000)}, "upper_price", "does not go with infinity; leave it out"),
    ({}, ENDLESS | {"spacing": Spacing.ARITHMETIC}, "spacing_mode", "rungs are geometric"),
    ({}, ENDLESS | {"capital": None, "quantity": Decimal(1)}, "quantity_per_level", "give its capital"),
    ({}, ENDLESS | GROWS, "quantity_growth_perc", "follows from the worth"),
    ({}, ENDLESS | {"start_empty": True}, "start_empty", "begins with what it keeps"),
    ({}, ENDLESS | {"spacing_percent": None}, "spacing_perc", "give the spacing"),
    ({}, ENDLESS | {"lower": Decimal(60_000)}, "lower_price", "must lie below the price, 60000"),
    ({}, ENDLESS | {"levels": 20}, "initial_levels", "rungs end at 54968.96, below the price 60000; use at least 29"),
    ({}, ENDLESS | {"levels": 20, "lower": Decimal(1)}, "initial_levels", "space them wider, or raise lower_price"),
    ({}, ENDLESS | {"levels": 300}, "initial_levels", "or resting_levels of at most 100"),
    ({}, ENDLESS | {"levels": 199}, "initial_levels", "is over 90 % away from 60000; lower it"),
    (rules(ask_up=Decimal(2)), ENDLESS | {"levels": 150}, "initial_levels", "takes no sale above 120000"),
    ({}, ENDLESS | {"capital": Decimal(100)}, "capital", "is too little for 60 levels; the smallest that works is"),
    ({}, GROWS | {"quantity_growth_percent": Decimal("100.0001")}, "quantity_growth_perc", "from 0 to 100"),
    ({}, GROWS | {"quantity_growth_percent": Decimal("0.00001")}, "quantity_growth_perc", "at most 4 decimals"),
    ({}, GROWS | {"levels": 200, "spacing_percent": Decimal("0.3")}, "quantity_growth_perc", "than any venue takes"),
    # The rungs next to the gap are worth enough, and so is the lowest; only the farthest is too large.
    ({"max_order_notional": Decimal(300)}, GROWS | {"capital": Decimal(2_000)}, "capital", "max_order_notional, 300"),
    (rules(max_quantity=Decimal("0.003")), GROWS | {"capital": Decimal(1_500)}, "capital", "largest order is 0.003"),
    ({}, GROWS | {"capital": Decimal(300)}, "capital", "smallest that works is"),
    (
        {},
        {"quantity": Decimal("0.0001"), "quantity_growth_percent": Decimal(10)},
        "quantity_per_level",
        "least 0.00017",
    ),
]


@pytest.mark.parametrize(("fact_changes", "changes", "field", "says"), CASES)
def test_every_mistake_names_its_field_and_its_remedy(
    fact_changes: dict[str, Any], changes: dict[str, Any], field: str, says: str
):
    found = mistakes(fact_changes, **changes)
    assert any(mistake.field == field and says in mistake.message for mistake in found), found


def test_each_bound_far_from_the_price_is_a_mistake_of_its_own_field():
    found = mistakes({"max_price_distance": Decimal("0.1")}, **bounds(90_000, 95_000))
    assert [mistake.field for mistake in found if "away from" in mistake.message] == ["lower_price", "upper_price"]


def test_a_ladder_without_a_rung_to_buy_at_is_refused_when_started_empty():
    found = mistakes({}, spacing_percent=None, lower=Decimal(61_000), upper=Decimal(66_000), levels=5, start_empty=True)
    assert [mistake.field for mistake in found] == ["start_empty"]


def test_all_mistakes_are_named_at_once():
    found = mistakes(rules(max_price=Decimal(60_400)) | {"free_quote": Decimal(10)}, spacing_percent=Decimal("0.2"))
    assert {(mistake.field, mistake.message.split()[0]) for mistake in found} == {
        ("spacing_perc", "the"),
        ("spacing_perc", "fees"),
        ("capital", "needs"),
    }


def test_the_shipped_file_passes_as_it_stands():
    shipped = plan(capital=Decimal(1_000))
    assert (len(shipped.prices), shipped.gap) == (10, 5)
    assert shipped.quantity_per_rung * shipped.prices[0] >= 10


def test_only_the_form_is_checked_where_no_balance_is_known():
    assert plan({"free_quote": None}, capital=Decimal(10) ** 5).capital_needed > 10_000


@settings(max_examples=60, deadline=None)
@given(levels=st.integers(2, 40), per_mille=st.integers(30, 300), empty=st.booleans())
def test_the_named_smallest_capital_passes_and_one_less_fails(levels: int, per_mille: int, empty: bool):
    shape: dict[str, Any] = {"levels": levels, "spacing_percent": Decimal(per_mille) / 100, "start_empty": empty}
    (mistake,) = mistakes({"free_quote": None}, capital=Decimal(1), **shape)
    least = Decimal(mistake.message.split()[-1])
    assert plan({"free_quote": None}, capital=least, **shape).capital_needed <= least
    assert "smallest that works" in mistakes({"free_quote": None}, capital=least - 1, **shape)[0].message


@settings(max_examples=150, deadline=None)
@given(
    levels=st.integers(2, 60),
    per_mille=st.integers(30, 300),
    capital=st.integers(100, 10**5),
    empty=st.booleans(),
    fee=st.integers(0, 100),
    growth=st.none() | st.integers(1, 300),
)
def test_a_plan_needs_no_more_than_its_capital_and_wastes_less_than_a_lot_per_rung(
    levels: int, per_mille: int, capital: int, empty: bool, fee: int, growth: int | None
):
    fees = FeeRates(Decimal(fee) / 10**5, Decimal(fee) / 10**5)
    shape = {"levels": levels, "spacing_percent": Decimal(per_mille) / 100, "start_empty": empty}
    shape["quantity_growth_percent"] = growth and Decimal(growth) / 10
    checked = facts(fees=fees, free_quote=None)
    try:
        made = plan_grid(request(capital=Decimal(capital), **shape), checked)
    except InvalidRequest:
        assume(False)
    assert made.capital_needed <= capital
    more = plan_grid(request(quantity=made.quantity_per_rung + checked.rules.lot, **shape), checked)
    assert more.capital_needed > capital
    assert made.profit_per_cycle > 0
    assert list(made.prices) == sorted(set(made.prices))


# --- a plan always trades ---


def host_with(spec: SymbolSpec, made: GridPlan) -> InProcessHost:
    """An account that holds exactly what the plan needs, and a market at the start price."""
    host = InProcessHost(
        spec=spec,
        balances={"USDT": made.capital_needed},
        store=InMemoryStore(),
        gate=gate(),
        start_ms=START_MS,
        seed=1,
    )
    ticks = int(made.start_price * UNIT)
    book = BookUpdate(spec.symbol, ((ticks - spec.tick, 10**8 * UNIT),), ((ticks + spec.tick, 10**8 * UNIT),))
    print_ = MarketTrade(spec.symbol, ticks, UNIT, START_MS, buyer_is_maker=False)
    host.play([FeedStep(START_MS, (print_,), book)])
    return host


def facts_of(spec: SymbolSpec, price: Decimal) -> PreflightFacts:
    return facts(rules=rules_of(spec), price=price, free_quote=None, max_order_notional=Decimal(90_000))


@settings(max_examples=40, deadline=None)
@given(
    symbol=st.sampled_from(sorted(SPECS)),
    levels=st.integers(2, 40),
    per_mille=st.integers(30, 150),
    capital=st.integers(20, 50_000),
    price_ticks=st.integers(2_000, 10**6),
    empty=st.booleans(),
    spacing=st.sampled_from(Spacing),
    growth=st.none() | st.sampled_from(["0.7", "5", "33.3333"]),
    below=st.none() | st.none() | st.integers(1, 30),
)
def test_a_plan_always_trades_with_exactly_the_capital_it_needs(
    symbol: str,
    levels: int,
    per_mille: int,
    capital: int,
    price_ticks: int,
    empty: bool,
    spacing: Spacing,
    growth: str | None,
    below: int | None,
):
    spec = SPECS[symbol]
    checked = facts_of(spec, Decimal(price_ticks * spec.tick) / UNIT)
    asked = request(
        levels=levels,
        spacing_percent=Decimal(per_mille) / 100,
        spacing=spacing,
        capital=Decimal(capital),
        start_empty=empty,
        quantity_growth_percent=growth and Decimal(growth),
    )
    if below is not None:
        lower = checked.price * (1 - Decimal(below) / 100)
        unlike = {"spacing": Spacing.GEOMETRIC, "start_empty": False, "quantity_growth_percent": None}
        asked, empty = replace(asked, infinity=True, lower=lower, **unlike), False
    try:
        made = plan_grid(asked, checked)
    except InvalidRequest:
        assume(False)
    host = host_with(spec, made)
    host.start(made)
    host.settle()
    shown = host.snapshot()
    assert (shown.phase, shown.faulted_slots) == (Phase.TRADING, ())
    resting = host.exchange.open_orders("bot", symbol)
    assert len(resting) == (made.gap if empty else levels - 1)
    rejected = [row for row in host.store.orders(1) if row.status == "rejected"]
    assert rejected == []
    assert shown.books.residual == 0
