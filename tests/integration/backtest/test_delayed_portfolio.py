"""Several grids of one account whose orders travel, against plain workers with one gate and one matching core.

The same fills, fees, books and money to the last digit, over candles and over single trades.
GRIDHIVE_MORE_EXAMPLES=20 tries twenty times as many cases.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from os import environ
from random import Random
from typing import Any

import numpy as np
import pytest

from backtest.portfolio.replay import Member, Together, replay_together
from backtest.portfolio.trades import TradesTogether
from backtest.result import RanBy, Result
from backtest.scenario import Delays, Fees, FillAssumption, FillKind
from backtest.trade_replay import replay_trades
from backtest.trade_slices import TradeSlice, in_step, parts_of
from domain.instrument import Market
from domain.money import ZERO, exact
from fakes.delayed_together import live_together
from fakes.live_replay import trade_prints
from fakes.portfolio_examples import Shape, portfolio
from fakes.replay_examples import MINUTE_MS, START_MS, bnb_walk, walk
from simulator.core.symbols import UNIT, SymbolSpec

FACTOR = int(environ.get("GRIDHIVE_MORE_EXAMPLES", "1"))
LATENCIES = [1, 200, 900, 3_000, 14_999, 15_000, 45_000]
CENT = 10**6
LOT = 10**5


def spec_of(member: Member) -> SymbolSpec:
    return SymbolSpec(
        symbol=member.symbol,
        base=member.symbol[:3],
        quote="USDT",
        tick=UNIT // 100,
        lot=LOT,
        min_qty=LOT,
        min_notional=5 * UNIT,
        max_orders=200,
    )


def grids_about(random: Random, delays: Delays) -> list[Member]:
    """Return one to three grids, whose account pays for all of them, or not."""
    shapes = [
        Shape(
            seed=random.randint(0, 10**6),
            levels=random.randint(5, 9),
            capital=random.choice([300, 1_500, 3_000]),
            start=random.choice([9_000, 10_000]),
            skipped=random.choice([0, 0, 1, 2]),
            start_empty=random.random() < 0.3,
            growth=Decimal(12) if index == 1 else None,
        )
        for index in range(random.randint(1, 3))
    ]
    moving = Fees(750, 750, bnb_market=bnb_walk(9, walk(1, 60)))
    members = portfolio(
        shapes,
        count=random.choice([5, 40]),
        delays=delays,
        fees=random.choice([Fees(0, 0), Fees(750, 1_000), Fees(750, 1_000, Decimal(300)), moving]),
        fill=FillAssumption(random.choice(list(FillKind)), random.choice([50_000, 10**6])),
        bnb=Decimal(random.choice(["0", "0.001", "5"])),
    )
    if random.random() < 0.4:
        little = part_of(members, random.choice([5, 7, 9]))
        members = [
            replace(one, scenario=replace(one.scenario, balances={**one.scenario.balances, "USDT": little}))
            for one in members
        ]
    return members


def part_of(members: Sequence[Member], tenths: int) -> Decimal:
    needed = sum((member.scenario.plan.capital_needed for member in members), ZERO)
    return (needed * tenths / 10).quantize(Decimal("0.01"))


def limit_about(random: Random, members: Sequence[Member]) -> Decimal | None:
    return part_of(members, random.choice([4, 6, 8])) if random.random() < 0.5 else None


def delays_about(random: Random) -> Delays:
    return Delays(random.choice(LATENCIES), random.choice([0, 0, 2, 4])) if random.random() < 0.9 else Delays(0, 3)


def at_seconds(members: Sequence[Member], interval_ms: int) -> list[Member]:
    """Return the members with candles of another length, in which orders under way meet more prints."""
    found = []
    for member in members:
        number = (member.candles.open_ms - START_MS) // MINUTE_MS
        market = replace(member.candles, interval_ms=interval_ms, open_ms=START_MS + interval_ms * number)
        found.append(replace(member, candles=market))
    return found


def trades_about(random: Random, member: Member, count: int, start: int) -> TradeSlice:
    price, time_ms, rows = start, START_MS + random.choice([0, 0, 70_000]), []
    apart = random.choice([[0, 0, 1, 2, 8, 30, 200, 700, 3_000, 25_000], [0, 1, 3, 7, 20, 60], [5, 100, 400, 61_000]])
    for _ in range(count):
        rows.append((time_ms, price * CENT, random.choice([1, 7, 400, 30_000]) * random.randint(1, 90) * LOT))
        time_ms += random.choice(apart)
        price += random.choice([0, 1, -1, 40, -40, 80, -120, random.randint(-40, 40)]) + (start - price) // 10
    times, prices, quantities = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return TradeSlice(symbol=member.symbol, market=Market.SPOT, time_ms=times, price=prices, quantity=quantities)


def played(members: Sequence[Member], trades: Sequence[TradeSlice], rows: int, **asked: Any) -> Together:
    """Return the replay of trades that come in slices of about `rows`; a share of them is rounded in each slice."""
    is_whole = members[0].scenario.fill.kind is FillKind.SHARE
    playing = TradesTogether([member.scenario for member in members], **asked)
    for parts in [trades] if is_whole else in_step([parts_of(one, rows) for one in trades]):
        playing.play(parts)
    return playing.result()


@exact
def assert_lived(together: Together, members: Sequence[Member], limit: Decimal | None, **steps: Any) -> Counter[str]:
    """Hold the replay equal to the live code's, and return what came about."""
    lived, happened = live_together(members, [spec_of(member) for member in members], max_exposure=limit, **steps)
    for result, live, told in zip(together.results, lived, happened, strict=True):
        assert [tuple(row) for row in result.fills.rows.tolist()] == live.rows
        books, marked = result.books, live.marked
        names = ("equity_change", "grid_profit", "fees", "inventory_cost", "base_held", "cash_flow", "residual")
        assert [getattr(books, name) for name in names] == [getattr(marked, name) for name in names]
        assert (books.fees_by_asset, books.cycles, books.dust) == (marked.fees_by_asset, *cycles_and_dust(live))
        assert (result.post_only_refusals, result.late_cancels) == (told.post_only_refusals, told.late_cancels)
    money = together.start_quote + sum(result.books.cash_flow for result in together.results)
    assert lived[0].balances["USDT"] == money == together.free_quote + together.reserved_quote
    return Counter(
        {
            "fills": sum(len(live.rows) for live in lived),
            "refused": sum(told.post_only_refusals for told in happened),
            "too late": sum(told.late_cancels for told in happened),
            "other refusals": sum(told.other_refusals for told in happened),
            "took": sum(told.takes for told in happened),
            "held": sum(together.over_limit),
            "waited": sum(result.rate_waits for result in together.results),
        }
    )


def cycles_and_dust(live: Any) -> tuple[int, Decimal]:
    return live.books.cycles, live.books.dust


def told(result: Result) -> tuple[Any, ...]:
    gains = [gain * result.curve.unit for gain in result.curve.change.tolist()]
    counts = (result.post_only_refusals, result.late_cancels, result.rate_waits, result.unpaid_orders)
    return result.trades_hash, result.books, result.drawdown, gains, result.candles_in_range, counts


def assert_alike(one: Together, other: Together) -> None:
    assert {one.ran_by, other.ran_by} == {RanBy.PLAIN, RanBy.COMPILED}
    assert [told(result) for result in one.results] == [told(result) for result in other.results]
    assert [risk.tolist() for risk in one.at_risk] == [risk.tolist() for risk in other.at_risk]
    assert (one.free_quote, one.reserved_quote, one.end_bnb) == (other.free_quote, other.reserved_quote, other.end_bnb)


def test_over_candles_grids_in_one_anothers_way_fill_what_they_fill_live():
    seen: Counter[str] = Counter()
    for seed in range(40 * FACTOR):
        random = Random(seed)
        members = grids_about(random, delays_about(random))
        if random.random() < 0.5 and members[0].scenario.fees.bnb_market is None:
            members = at_seconds(members, random.choice([1_000, 10_000]))
        limit = limit_about(random, members)
        together = replay_together(members, max_exposure=limit)
        seen += assert_lived(together, members, limit)
        assert_alike(together, replay_together(members, max_exposure=limit, form=RanBy.PLAIN))
    assert seen["fills"] > 200
    assert min(seen[name] for name in ("refused", "other refusals", "took", "held", "waited")) > 0, seen


def test_over_trades_grids_in_one_anothers_way_fill_what_they_fill_live():
    seen: Counter[str] = Counter()
    for seed in range(40 * FACTOR):
        random = Random(seed)
        members = grids_about(random, replace(delays_about(random), latency_ms=random.choice([1, 20, 200, 3_000])))
        trades = [trades_about(random, one, random.choice([3, 60, 160]), first_cent(one)) for one in members]
        members = [replace(one, candles=own.candles()) for one, own in zip(members, trades, strict=True)]
        limit, rows = limit_about(random, members), random.choice([1, 40, 10**6])
        together = played(members, trades, rows, max_exposure=limit)
        steps = [trade_prints(own, one.scenario, spec_of(one)) for own, one in zip(trades, members, strict=True)]
        seen += assert_lived(together, members, limit, steps=steps)
        assert_alike(together, played(members, trades, rows, max_exposure=limit, form=RanBy.PLAIN))
    assert seen["fills"] > 700
    assert min(seen[name] for name in ("refused", "too late", "other refusals", "took", "held", "waited")) > 0, seen


@pytest.mark.parametrize("form", [RanBy.COMPILED, RanBy.PLAIN])
def test_over_trades_grids_with_plenty_do_what_each_does_alone(form: RanBy):
    for seed in range(15):
        random = Random(seed)
        members = portfolio([Shape(), Shape(start=9_000), Shape(levels=5)], count=5, fees=Fees(750, 1_000))
        trades = [trades_about(random, one, 160, first_cent(one)) for one in members]
        together = played(members, trades, 40, form=form)
        alone = [
            replay_trades(parts_of(own, 40), one.scenario).result() for one, own in zip(members, trades, strict=True)
        ]
        assert [told(result) for result in together.results] == [told(result) for result in alone]
        assert together.ran_by is form
        assert sum(len(result.fills) for result in alone) > 3


def first_cent(member: Member) -> int:
    return int(member.candles.open[0]) // CENT
