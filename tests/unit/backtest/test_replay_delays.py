"""Orders that travel: what prints meet meanwhile, what is refused on arrival, and who waits for the gate."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest

from backtest.batch import run_many
from backtest.price_path import PricePath
from backtest.result import BUY, SELL, RanBy, Result
from backtest.run import run, run_on
from backtest.scenario import Delays, Fees, Scenario
from backtest.trade_replay import replay_trades
from backtest.trade_slices import TradeSlice
from domain.errors import InvalidRequest
from domain.instrument import Market
from fakes.replay_examples import CENT, START_MS, fifo_books, scenario, walk

LATE = Delays(latency_ms=100)


def trades(*prints: tuple[int, int]) -> TradeSlice:
    """Return trades of 1,000 base each, at (ms from the start, price in cents)."""
    return TradeSlice(
        symbol="TSTUSDT",
        market=Market.SPOT,
        time_ms=np.array([START_MS + after for after, _ in prints], dtype=np.int64),
        price=np.array([price * CENT for _, price in prints], dtype=np.int64),
        quantity=np.full(len(prints), 1_000 * 10**8, dtype=np.int64),
    )


def played(market: TradeSlice, delays: Delays = LATE, **changes: object) -> Result:
    """Replay two cells around 100.00, rungs at 99.50, 100.00 and 100.50, both started by buying at 99.50 and 100.00."""
    wanted = scenario(market.candles(), levels=3, fees=Fees(1_000, 2_000), delays=delays, **changes)
    return replay_trades([market], wanted).result()


def rows(result: Result) -> list[tuple[int, int, int, int]]:
    """Return time after the start, cell, side and price of each fill."""
    return [(at_ms - START_MS, cell, side, ticks) for at_ms, cell, side, ticks, *_ in result.fills.rows.tolist()]


def test_an_order_meets_no_print_before_it_arrives():
    market = trades((0, 10_000), (150, 9_950), (250, 9_950), (349, 10_000), (350, 10_000), (900, 10_000))
    found = played(market)
    assert rows(found) == [
        (100, -1, BUY, 10_000),  # the first purchase, a latency after the start
        (250, 0, BUY, 9_950),  # its rung arrived at 200, after the print of 150
        (350, 0, SELL, 10_000),  # decided at 250, so the print of 349 comes too early
    ]
    assert (found.post_only_refusals, found.late_cancels) == (0, 0)


def test_post_only_that_would_take_is_refused_and_takes_at_the_last_price_a_latency_later():
    market = trades((0, 10_000), (250, 9_950), (300, 10_010), (460, 10_020), (900, 10_000))
    found = played(market)
    assert rows(found)[1:] == [(250, 0, BUY, 9_950), (450, 0, SELL, 10_010), (900, 0, BUY, 9_950)][:2]
    assert found.post_only_refusals == 1
    fee = found.fills.commission[2]
    amount = 10_010 * CENT * int(found.fills.lots[2]) // 1_000
    assert fee == (2 * amount * 2 + 1_000) // 2_000  # 0.2 %, the taker's


def test_what_takes_at_other_prices_than_its_rung_is_booked_first_in_first_out():
    prints = [(400 * at, 9_950 + 25 * (at * 7 % 11) - 30 * (at % 5)) for at in range(400)]
    market = trades((0, 10_000), *((at + 300, price) for at, price in prints))
    found = played(market, Delays(latency_ms=700))
    assert found.post_only_refusals > 10
    assert set(found.fills.price_ticks.tolist()) - {9_950, 10_000, 10_050}
    assert found.books.residual == 0
    expected = fifo_books(found, Decimal(prints[-1][1]) / 100)
    for name in ("grid_profit", "fees", "fees_by_asset", "inventory_cost", "equity_change", "cash_flow", "base_held"):
        assert getattr(found.books, name) == getattr(expected, name)


def test_the_gates_rate_lets_buys_wait_and_sales_pass():
    quiet, wanted = [(500 * at, 10_000) for at in range(60)], Delays(orders_per_10s=4)
    early, late = trades(*quiet[:15], (7_500, 9_000)), trades(*quiet, (30_000, 9_000))
    found = [
        replay_trades([market], scenario(market.candles(), levels=13, delays=wanted)).result()
        for market in (early, late)
    ]
    assert [result.rate_waits for result in found] == [3, 3]  # the first purchase went, three buys and all six sales
    assert [result.books.buys for result in found] == [1 + 3, 1 + 6]


@pytest.mark.parametrize("delays", [Delays(), LATE])
def test_the_gates_limit_lets_buys_wait_for_the_room_that_sales_make(delays: Delays):
    up_and_down = [10_000, 10_060, 10_110, 10_160, 10_260, 10_000, 9_700, 10_000, 10_060, 9_950, 10_000]
    market = trades(*((60_000 * at, price) for at, price in enumerate(up_and_down * 8)))
    free = scenario(market.candles(), levels=9, delays=delays)
    limit = free.plan.capital_needed  # less than its rungs cost once all of them buy: those above the start cost more
    tight, wide = (replace(free, max_exposure=amount) for amount in (limit, limit * 2))
    held, *others = (replay_trades([market], one).result() for one in (tight, free, wide))
    assert (held.over_limit_orders, others[0].over_limit_orders) == (8, 0)
    assert held.books.inventory_cost <= limit
    assert others[0].trades_hash == others[1].trades_hash != held.trades_hash
    assert held.trades_hash == replay_trades([market], tight, form=RanBy.PLAIN).result().trades_hash
    huge = replace(free, max_exposure=Decimal(10) ** 15)  # in the engine's units beyond int64
    assert replay_trades([market], huge).result().trades_hash == others[0].trades_hash
    with pytest.raises(InvalidRequest, match=r"max_exposure: the grid needs .*, more than 100; use less capital"):
        scenario(market.candles(), levels=9, delays=delays, max_exposure=Decimal(100))


def test_over_minutes_a_latency_below_their_quarter_moves_the_first_purchase_alone():
    market = walk(7, 2_000, step=40)
    at_once, late = (run(market, scenario(market, delays=delays)) for delays in (Delays(), Delays(latency_ms=200)))
    first, *others = late.fills.rows.tolist()
    assert [first[0] - 200, *first[1:]] == at_once.fills.rows[0].tolist()
    assert others == at_once.fills.rows[1:].tolist()
    assert (late.post_only_refusals, late.late_cancels, late.rate_waits) == (0, 0, 0)


@pytest.mark.parametrize("form", RanBy)
def test_slices_change_nothing_where_orders_are_under_way(form: RanBy):
    prints = [(7_000 * at, 9_950 + 25 * (at * 7 % 11)) for at in range(200)]
    market = trades(*prints)
    ends = [0, *(market.minute_ends + 1).tolist()]
    parts = [
        replace(market, time_ms=market.time_ms[a:b], price=market.price[a:b], quantity=market.quantity[a:b])
        for a, b in pairwise(ends)
    ]
    wanted = scenario(parts[0].candles(), levels=9, delays=Delays(latency_ms=15_000, orders_per_10s=3))
    cut, whole = (replay_trades(given, wanted, form=form).result() for given in (parts, [market]))
    assert cut.post_only_refusals > 0
    assert cut.trades_hash == whole.trades_hash
    assert cut.books == whole.books
    for name in ("post_only_refusals", "late_cancels", "rate_waits", "drawdown"):
        assert getattr(cut, name) == getattr(whole, name)


def test_a_batch_holds_what_single_replays_hold():
    market = walk(4, 2_000, step=45)
    delays = Delays(latency_ms=20_000, orders_per_10s=4)
    wanted = [scenario(market, levels=levels, delays=delays) for levels in (3, 8, 21)]
    path = PricePath.of(market, wanted[0])
    batch = run_many(path, wanted, threads=2)
    columns = batch.columns()
    for index, one in enumerate(wanted):
        single = run_on(path, one)
        assert batch.books(index) == single.books
        for name in ("post_only_refusals", "late_cancels", "rate_waits"):
            assert columns[name][index] == getattr(single, name)
    assert columns["post_only_refusals"].sum() > 0
    with pytest.raises(ValueError, match="scenario 1 has other rules, another fill assumption or other delays"):
        run_many(path, [wanted[0], replace(wanted[1], delays=LATE)])


def test_what_cannot_be_replayed_is_refused_by_name():
    market = walk(4, 50)
    wanted = scenario(market, delays=LATE)
    for delays, message in ((Delays(-1), "latency_ms: must be from 0"), (Delays(0, 10_001), "orders_per_10s: must")):
        with pytest.raises(InvalidRequest, match=message):
            replace(wanted, delays=delays)


def test_an_account_too_small_is_refused_five_times_and_then_left_to_a_person():
    market = trades(*((1_000 * at, 10_000) for at in range(60)))
    planned = scenario(market.candles(), levels=11, delays=LATE)
    little = {"USDT": planned.plan.capital_needed - planned.plan.prices[0] * planned.plan.quantity_per_rung}
    poor = Scenario(plan=planned.plan, rules=planned.rules, balances=little, delays=LATE)
    found = replay_trades([market], poor).result()
    assert (found.unpaid_orders, found.faulted_slots) == (1, 1)
    soon = replay_trades([trades(*((1_000 * at, 10_000) for at in range(20)))], poor).result()
    assert (soon.unpaid_orders, soon.faulted_slots) == (1, 0)
