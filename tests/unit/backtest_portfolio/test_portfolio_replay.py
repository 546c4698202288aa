"""Several grids on one account: as alone where there is plenty, in one another's way where there is little."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest.candles import BadCandles
from backtest.portfolio.replay import replay_together
from backtest.price_path import PricePath
from backtest.result import BUY, SELL, RanBy
from backtest.run import run_on
from backtest.scenario import Fees, FillAssumption, FillKind, PathRule
from domain.money import ZERO
from fakes.portfolio_examples import Shape, portfolio
from fakes.replay_examples import MINUTE_MS, bnb_walk, candles, walk

SHAPES = st.lists(
    st.builds(
        Shape,
        seed=st.integers(0, 10_000),
        levels=st.integers(3, 13),
        capital=st.sampled_from([1_500, 3_000, 4_321]),
        start=st.sampled_from([9_000, 10_000, 31_700]),
        skipped=st.integers(0, 3),
        start_empty=st.booleans(),
        growth=st.sampled_from([None, Decimal(15)]),
    ).filter(lambda shape: shape.levels > 4 or not shape.start_empty),
    min_size=1,
    max_size=4,
)
ASSUMED = st.sampled_from(
    [
        {},
        {"fees": Fees(1_000, 1_500), "path": PathRule.OPTIMISTIC},
        {"fees": Fees(750, 750, Decimal(300)), "bnb": Decimal("0.05")},
        {"fees": Fees(750, 750, bnb_market=bnb_walk(9, walk(1, 150))), "bnb": Decimal("0.05")},
        {"fees": Fees(0, 0), "fill": FillAssumption(FillKind.SHARE, 20_000)},
    ]
)
FORMS = st.sampled_from([RanBy.COMPILED, RanBy.PLAIN])


def told(result):
    """Return what must be equal of two replays of one grid; their units of money may differ."""
    gains = [gain * result.curve.unit for gain in result.curve.change.tolist()]
    return result.trades_hash, result.books, result.drawdown, gains, result.candles_in_range, result.unpaid_orders


def alone(member):
    return run_on(PricePath.of(member.candles, member.scenario), member.scenario, curve=True)


def check_account(together):
    """The account's money is the start, what the grids' fills moved, and nothing else."""
    books = [result.books for result in together.results]
    assert all(book.residual == 0 for book in books)
    flows = sum((book.cash_flow for book in books), ZERO)
    assert together.free_quote + together.reserved_quote == together.start_quote + flows
    assert together.free_quote >= 0
    assert together.reserved_quote >= 0
    paid = sum((book.fees_by_asset.get("BNB", ZERO) for book in books), ZERO)
    assert together.end_bnb == together.members[0].scenario.balances.get("BNB", ZERO) - paid


@settings(max_examples=60, deadline=None)
@given(SHAPES, ASSUMED, FORMS)
def test_with_plenty_every_grid_does_what_it_does_alone(shapes, assumed, form):
    members = portfolio(shapes, **({**assumed, "bnb": Decimal(50)} if "bnb" in assumed else assumed))
    together = replay_together(members, form=form)
    assert [told(result) for result in together.results] == [told(alone(member)) for member in members]
    assert together.ran_by is form
    check_account(together)


@settings(max_examples=60, deadline=None)
@given(SHAPES, ASSUMED, st.integers(400, 9_000), st.none() | st.integers(300, 9_000))
def test_with_little_both_forms_keep_to_balance_and_limit_and_agree(shapes, assumed, quote, limit):
    members = portfolio(shapes, quote=Decimal(quote), **assumed)
    limit = None if limit is None else Decimal(limit)
    together = replay_together(members, max_exposure=limit)
    check_account(together)
    if limit is not None:
        rows = np.where(together.steps >= 0, together.steps, 0)
        sums = sum(
            np.where(row >= 0, risk[rows[j]], 0)
            for j, (row, risk) in enumerate(zip(together.steps, together.at_risk, strict=True))
        )
        assert int(sums.max()) * together.unit <= limit
    plain = replay_together(members, max_exposure=limit, form=RanBy.PLAIN)
    assert plain.ran_by is RanBy.PLAIN
    assert [told(result) for result in plain.results] == [told(result) for result in together.results]
    assert (plain.free_quote, plain.over_limit) == (together.free_quote, together.over_limit)
    assert [risk.tolist() for risk in plain.at_risk] == [risk.tolist() for risk in together.at_risk]


def test_what_one_grid_earns_pays_the_orders_of_another_at_the_same_point():
    shapes = [Shape(start_empty=True), Shape(capital=44, start_empty=True)]
    first, second = portfolio(shapes, fees=Fees(0, 0))
    little = {"USDT": first.scenario.plan.capital_needed + Decimal(1)}
    sweep = [(10_000, 10_000, 9_900, 9_900), (9_900, 10_100, 9_900, 10_100), (10_100, 10_100, 10_000, 10_000)]
    moving = replace(candles(sweep * 6), symbol="AAAUSDT")
    still = replace(candles([(10_000, 10_000, 10_000, 10_000)] * 18), symbol="BBBUSDT")
    together = replay_together(
        [
            replace(first, candles=moving, scenario=replace(first.scenario, balances=little)),
            replace(second, candles=still, scenario=replace(second.scenario, balances=little)),
        ]
    )
    check_account(together)
    assert together.results[1].unpaid_orders == 4  # all of them, for the first grid's orders held everything
    assert together.over_limit == (0, 0)
    at_risk = together.at_risk[1].tolist()
    assert at_risk[0] == 0
    sales_ms = together.results[0].fills.time_ms[together.results[0].fills.side == SELL]
    paid_at = next(row for row, risk in enumerate(at_risk) if risk)
    assert together.members[1].candles.open_ms[paid_at] <= sales_ms[sales_ms <= together.time_ms[paid_at]][-1]
    assert at_risk[-1] > at_risk[paid_at]


def test_orders_above_the_limit_wait_until_a_sale_makes_room_and_sales_always_pass():
    (member,) = portfolio([Shape(seed=3, capital=3_000)], count=600)
    free = replay_together([member])
    limit = Decimal(2_400)  # the first purchase and most of the orders
    held = replay_together([member], max_exposure=limit)
    check_account(held)
    assert held.over_limit[0] > 0
    assert held.results[0].unpaid_orders == 0
    assert int(max(held.at_risk[0])) * held.unit <= limit < int(max(free.at_risk[0])) * free.unit
    buys = (held.results[0].fills.side == BUY).sum()
    assert 0 < buys < (free.results[0].fills.side == BUY).sum()
    assert held.results[0].books.sells > 0


def test_a_first_purchase_waits_for_balance_and_for_room():
    members = portfolio([Shape(), Shape()], quote=Decimal(3_500))
    poor = replay_together(members)
    assert [result.is_entered for result in poor.results] == [True, False]
    rich = portfolio([Shape(), Shape()])
    limited = replay_together(rich, max_exposure=Decimal(3_500))
    assert [result.is_entered for result in limited.results] == [True, False]


def test_a_limit_beyond_int64_limits_nothing():
    members = portfolio([Shape(), Shape(seed=2)])
    together = replay_together(members, max_exposure=Decimal(10) ** 15)
    assert together.ran_by is RanBy.COMPILED
    assert [told(result) for result in together.results] == [told(alone(member)) for member in members]


def test_money_beyond_int64_runs_plainly():
    members = portfolio([Shape(), Shape(seed=2)], quote=Decimal(10) ** 9)
    together = replay_together(members)
    assert together.ran_by is RanBy.PLAIN
    check_account(together)


def test_markets_that_do_not_go_together_are_refused():
    first, second = portfolio([Shape(), Shape()], count=20)
    with pytest.raises(ValueError, match="named twice"):
        replay_together([first, first])
    with pytest.raises(ValueError, match="at least one grid"):
        replay_together([])
    with pytest.raises(ValueError, match="the one account"):
        replay_together([first, replace(second, scenario=replace(second.scenario, balances={"USDT": Decimal(1)}))])
    late = replace(second.candles, open_ms=second.candles.open_ms + MINUTE_MS // 2)
    with pytest.raises(BadCandles, match="do not open when"):
        replay_together([first, replace(second, candles=late)])
    slow = replace(
        second.candles, interval_ms=MINUTE_MS * 2, open_ms=first.candles.start_ms + 2 * MINUTE_MS * np.arange(20)
    )
    with pytest.raises(BadCandles, match="of another interval"):
        replay_together([first, replace(second, candles=slow)])
