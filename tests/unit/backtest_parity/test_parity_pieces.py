"""Calibration, pairing and the reasons, each on what was planted."""

from dataclasses import replace
from decimal import Decimal
from io import StringIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from backtest.parity.calibration import FEWEST_ORDERS, calibrate, fill_words
from backtest.parity.comparing import Latency, LatencyFrom, Level
from backtest.parity.delays import measure_delays
from backtest.parity.evidence import Evidence, evidence_of
from backtest.parity.heard import UNKNOWN, Prices, Silence, Source, prices_of_candles
from backtest.parity.lived import Life, Part
from backtest.parity.matching import Why, pairs_of
from backtest.parity.terminal import COLUMNS, table_of
from backtest.result import BUY, SELL, Fills
from domain.orders import Fill, Role, Side, Slot, Status
from fakes.backtest_studies import walk
from fakes.grid_examples import btc_rules
from fakes.order_examples import fill, intent
from ports.books import Moves
from ports.heard_prices import Mark
from ports.store import OrderRow

START_MS = 1_722_729_600_000
CENT = 1_000_000
RULES = btc_rules()
LOT = 1_000


def life(*parts: tuple[int, int], side: int = BUY, lots: int = 100, placed: int = 0, gone: int | None = None) -> Life:
    """A purchase at 100.00 (or a sale at 101.00): filled by lots at seconds, placed and gone at seconds."""
    price = Decimal(100) if side == BUY else Decimal(101)
    return Life(
        side=side,
        rung=3 if side == BUY else 4,
        price=price,
        lots=lots,
        placed_ms=START_MS + 1_000 * placed,
        gone_ms=None if gone is None else START_MS + 1_000 * gone,
        parts=[Part(START_MS + 1_000 * at, some, price, is_maker=True) for at, some in parts],
    )


def prices(*rows: tuple[int, int, int], silences: tuple[Silence, ...] = ()) -> Prices:
    """Prices at seconds, in cents, of so many lots."""
    time_s, cents, lots = np.array(rows, dtype=np.int64).T.copy()
    time_ms = START_MS + 1_000 * time_s
    return Prices(
        source=Source.RECORDED,
        time_ms=time_ms,
        price=cents * CENT,
        quantity=np.where(lots < 0, UNKNOWN, lots * LOT),
        heard_ms=time_ms,
        silences=silences,
    )


def seen(one: Life, heard: Prices) -> Evidence:
    return next(evidence_of([one], heard, RULES))


def replayed(*rows: tuple[int, int, int, int, int]) -> Fills:
    """Fills at seconds: cell, side, cents, lots."""
    table = np.array(rows, dtype=np.int64).reshape(-1, 5)
    none = np.zeros(len(table), dtype=np.int64)
    return Fills(
        time_ms=START_MS + 1_000 * table[:, 0],
        cell=table[:, 1],
        side=table[:, 2],
        price_ticks=table[:, 3],
        lots=table[:, 4],
        commission=none,
        commission_asset=none,
    )


def whys(lives: list[Life], fills: Fills, heard: Prices) -> list[Why | None]:
    evidence = list(evidence_of(lives, heard, RULES))
    return [pair.why for pair in pairs_of(evidence, fills, [100] * 9, CENT, heard)]


def test_evidence_tells_reaching_from_going_beyond():
    heard = prices((1, 10_100, 9), (5, 10_000, 40), (9, 10_100, 5), (12, 10_000, 70), (20, 9_990, 3), (20, 10_000, 8))
    found = seen(life((12, 100)), heard)
    assert found.reached_ms == START_MS + 5_000
    assert found.beyond_ms == START_MS + 20_000
    assert found.at_lots.tolist() == [40, 70]
    assert found.tells
    assert not seen(life((12, 100)), prices((1, 10_100, 9), (5, 9_990, 40))).tells


def test_what_came_before_the_order_or_while_it_was_on_its_way_says_nothing_of_the_queue():
    heard = prices((1, 10_000, 40), (4, 10_100, 1), (5, 10_000, 40), (30, 9_990, 1))
    assert seen(life((30, 100), placed=2), heard).at_lots.tolist() == [40]
    near = replace(heard, time_ms=heard.time_ms - np.array([0, 0, 600, 0]))
    assert seen(life((30, 100), placed=4), near).early
    assert not seen(life((30, 100), placed=4), near).tells
    assert not seen(life((30, 100)), replace(heard, quantity=np.full(4, UNKNOWN))).tells


@settings(max_examples=30, deadline=None)
@given(share=st.sampled_from([0, 50_000, 200_000, 500_000, 1_000_000]), seed=st.integers(0, 1000))
def test_the_share_that_filled_the_orders_is_the_share_that_is_found(share: int, seed: int):
    random = np.random.default_rng(seed)
    evidence = []
    for _ in range(60):
        traded = random.integers(20, 200, 12)
        got = np.minimum(np.floor(np.cumsum(traded) * (share / 1_000_000) + 1e-9), 100).astype(int)
        parts = [(10 + at, int(lots)) for at, lots in enumerate(np.diff(got, prepend=0)) if lots]
        rows = [(1, 10_100, 1), *((10 + at, 10_000, int(lots)) for at, lots in enumerate(traded)), (60, 9_990, 1)]
        if got[-1] < 100:
            parts.append((60, 100 - int(got[-1])))
        evidence.append(seen(life(*parts), prices(*rows)))
    found = calibrate(evidence)
    assert found is not None
    assert found.share_ppm == share
    assert found.low_ppm <= share <= found.high_ppm
    assert found.explained == 1.0
    assert found.is_enough


def test_without_trades_of_known_size_nothing_is_calibrated_and_few_orders_are_too_few():
    heard = prices((1, 10_100, 9), (5, 10_000, 40), (9, 9_990, 5))
    assert calibrate([seen(life((9, 100)), prices((1, 10_100, 9), (9, 9_990, 5)))]) is None
    found = calibrate([seen(life((9, 100)), heard)] * (FEWEST_ORDERS - 1))
    assert found is not None
    assert not found.is_enough
    assert fill_words(found.fill) == "through"
    assert prices_of_candles(walk(3)).price.tolist()[0] == walk(3).open[0]


def test_fills_are_paired_by_time_and_the_same_ones_are_exact():
    heard = prices((1, 10_100, 9), (10, 10_000, 200), (900, 10_000, 200), (5_000, 9_990, 1))
    lives = [life((10, 60), (12, 40)), life((900, 100), placed=500)]
    pairs = pairs_of(
        list(evidence_of(lives, heard, RULES)),
        replayed(
            (10, 3, BUY, 10_000, 60), (12, 3, BUY, 10_000, 40), (20, 3, SELL, 10_100, 100), (880, 3, BUY, 10_000, 100)
        ),
        [100] * 9,
        CENT,
        heard,
    )
    bought = [pair for pair in pairs if pair.side == BUY]
    assert [pair.is_exact for pair in bought] == [True, False]
    assert [pair.delay_ms for pair in bought] == [0, 20_000]
    (sold,) = [pair for pair in pairs if pair.side == SELL]
    assert sold.live is None


BOUGHT = replayed((10, 3, BUY, 10_000, 100))
REACHED = [(1, 10_100, 9), (10, 10_000, 200), (40, 10_100, 1)]


@pytest.mark.parametrize(
    ("lived", "rows", "why"),
    [
        (life(), REACHED, Why.QUEUE),
        (life((10, 30)), REACHED, Why.PARTLY),
        (life(placed=20), REACHED, Why.NOT_THERE),
        (life(), [(1, 10_100, 9), (10, 9_990, 200), (40, 10_100, 1)], Why.BEYOND),
        (life(placed=2_000), [*REACHED, (3_000, 10_100, 1)], Why.EARLIER),
        (life(gone=5), REACHED, Why.EARLIER),
    ],
)
def test_a_fill_of_the_replay_alone_has_its_reason(lived: Life, rows: list[tuple[int, int, int]], why: Why):
    assert whys([lived], BOUGHT, prices(*rows)) == [why]


def test_what_was_not_heard_is_not_blamed_on_the_queue():
    deaf = (Silence(START_MS + 2_000, START_MS + 30_000, Mark.LOST),)
    assert whys([life((15, 100))], replayed(), prices((1, 10_100, 9), (40, 10_100, 1), silences=deaf)) == [Why.UNHEARD]
    assert whys([life((15, 100))], replayed(), prices((1, 10_100, 9), (40, 10_100, 1))) == [Why.UNHEARD]
    assert whys([life((15, 100))], replayed(), prices((1, 10_100, 9), (15, 10_000, 9))) == [Why.EARLIER]


@pytest.mark.parametrize("width", [50, 80, 120])
def test_no_price_and_no_name_is_ever_cut_however_narrow_the_terminal_is(width: int):
    levels = [
        Level(
            price=price,
            side=side,
            orders=1_234,
            reached=1_200,
            filled=1_001,
            live=1_100,
            replayed=1_200,
            paired=1_050,
            wait_s=1_234.5,
            delay_s=-12.5,
            price_difference=Decimal("-0.00012345"),
            why={},
        )
        for price in (Decimal("57745.12345"), Decimal("57745.12346"), Decimal("105745.12"))
        for side in (BUY, SELL)
    ]
    table, left_out = table_of(levels, width)
    printed = StringIO()
    Console(file=printed, width=width).print(table)
    lines = printed.getvalue().splitlines()
    assert "…" not in printed.getvalue()
    assert max(map(len, lines)) <= width
    for level in levels:
        assert sum(line.split()[0] == str(level.price) for line in lines) == 2
    head = " ".join(lines[: -len(levels)]).split()
    for name in COLUMNS:
        assert (name in left_out) != all(word in head for word in name.split()), name
    assert not {"level", "side", "live", "replayed", "agree"} & set(left_out)
    assert (not left_out) == (width == 120)


def bought_and_sold(
    cycle: int, *moves: tuple[Status, int], bought_ms: tuple[int, ...] = (0,), attempt: int = 0
) -> tuple[list[OrderRow], list[Fill], dict[str, Moves]]:
    """A purchase at the lower of two rungs, filled at ms, and the sale that answers it, with the moves told of it."""
    buy = intent(Slot(1, Role.RUNG, Side.BUY, 10_000), cycle=cycle)
    sell = intent(Slot(1, Role.RUNG, Side.SELL, 10_050), cycle=cycle + 1, attempt=attempt, created_ms=START_MS)
    fills = [fill(buy, 10 * cycle + at, time_ms=START_MS + after) for at, after in enumerate(bought_ms)]
    rows = [OrderRow(intent=one, status=Status.FILLED, venue_order_id=1, updated_ms=START_MS) for one in (buy, sell)]
    return rows, fills, {sell.client_id: tuple((status, START_MS + after) for status, after in moves)}


def test_a_way_is_measured_by_sales_whose_purchase_and_arrival_the_exchange_dated():
    opened = [bought_and_sold(2 * at, (Status.OPEN, 100 + at), (Status.FILLED, 9_000)) for at in range(20)]
    others = [
        bought_and_sold(50, (Status.FILLED, 100)),  # from before moves were kept
        bought_and_sold(52, (Status.OPEN, 0), bought_ms=(-300,)),  # our clock was ahead
        bought_and_sold(54, (Status.REJECTED, 40)),  # post-only
        bought_and_sold(56, (Status.OPEN, 999), attempt=1),  # answers the refusal, not the purchase
        bought_and_sold(58, (Status.OPEN, 60_001)),  # the server was stopped
        bought_and_sold(60, (Status.OPEN, 700), (Status.OPEN, 90_000), bought_ms=(0, 590, 800)),  # 800: a rest, later
    ]
    orders, fills, moves = [], [], {}
    for some_orders, some_fills, some_moves in [*opened, *others]:
        orders += some_orders
        fills += some_fills
        moves |= some_moves
    found = measure_delays(orders, fills, moves, [9_950, 10_000, 10_050])
    assert (found.sales, found.untold, found.waited) == (21, 3, 1)
    assert (found.low_ms, found.median_ms, found.high_ms) == (101, 110, 118)
    assert Latency.of(found, None) == Latency(used_ms=110, source=LatencyFrom.MEASURED)
    assert Latency.of(found, 0) == Latency(used_ms=0, source=LatencyFrom.GIVEN)
    few = measure_delays(orders[:8], fills, moves, [9_950, 10_000, 10_050])
    assert few.sales == 4
    assert Latency.of(few, None) == Latency(used_ms=0, source=LatencyFrom.UNKNOWN)
    none = measure_delays([], [], {}, [9_950, 10_000])
    assert (none.sales, none.median_ms) == (0, None)
