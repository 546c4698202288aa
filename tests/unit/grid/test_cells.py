"""The decision itself: rules by example, and the plain and the compiled run held equal."""

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest.compiled import compiled_cells
from grid.core import cells

LOT_UNITS = 1_000


class Host:
    """Drives one instance of the cells' text, plain lists or int64 arrays alike."""

    def __init__(self, text: ModuleType, prices: list[int], lots: int, gap: int, minimum: int, *, empty: bool = False):
        make = (lambda values: values) if text is cells else (lambda values: np.array(values, dtype=np.int64))
        count = len(prices) - 1
        self.text, self.prices, self.lots = text, make(prices), make([lots] * count)
        self.side, self.filled, self.base, self.cycle = (make([0] * count) for _ in range(4))
        self.totals = make([0] * cells.TOTALS)
        self.want_price, self.want_lots = make([0] * count), make([0] * count)
        self.gap, self.minimum, self.reserve = gap, minimum, 0
        self.entry_lots = 0 if empty else (count - gap) * lots
        text.start_cells(
            self.side, self.filled, self.base, self.cycle, self.totals, gap, self.entry_lots, empty, make([0] * count)
        )

    def enter(self, lots: int, base: int) -> None:
        self.text.book_entry_fill(
            lots, base, self.lots, LOT_UNITS, self.gap, 1_000, self.minimum, False, self.reserve, self.base, self.totals
        )

    def fill(self, k: int, *, bought: bool, lots: int, change: int) -> bool:
        return bool(
            self.text.book_rung_fill(
                k,
                bought,
                lots,
                change,
                self.prices,
                self.lots,
                LOT_UNITS,
                self.minimum,
                self.side,
                self.filled,
                self.base,
                self.cycle,
            )
        )

    def wanted(self) -> list[tuple[int, int, int]]:
        self.text.wanted_rungs(
            self.prices, self.lots, LOT_UNITS, self.side, self.filled, self.base, self.want_price, self.want_lots
        )
        return [
            (int(side), int(price), int(lots))
            for side, price, lots in zip(self.side, self.want_price, self.want_lots, strict=True)
        ]

    def facts(self) -> tuple[list[int], ...]:
        arrays = (self.side, self.filled, self.base, self.cycle, self.totals)
        return tuple([int(value) for value in array] for array in arrays)


PRICES = [900, 950, 1000, 1050, 1100]


def started(text: ModuleType = cells, minimum: int = 2_000) -> Host:
    host = Host(text, PRICES, 10, 2, minimum)
    host.enter(20, 20 * LOT_UNITS)
    return host


def test_buys_rest_below_and_sells_above_and_the_nearest_rung_rests_empty():
    buy, sell = cells.BUYING, cells.SELLING
    assert started().wanted() == [(buy, 900, 10), (buy, 950, 10), (sell, 1050, 10), (sell, 1100, 10)]


def test_nothing_but_the_first_purchase_is_wanted_until_it_is_complete():
    host = Host(cells, PRICES, 10, 2, 2_000)
    assert cells.entry_is_open(host.totals, 1_000, 2_000)
    host.enter(15, 15 * LOT_UNITS)
    assert cells.entry_is_open(host.totals, 1_000, 2_000)
    host.enter(5, 5 * LOT_UNITS)
    assert not cells.entry_is_open(host.totals, 1_000, 2_000)


def test_a_remainder_of_the_first_purchase_too_small_to_be_an_order_counts_as_bought():
    host = Host(cells, PRICES, 10, 2, 2_000)
    host.enter(19, 19 * LOT_UNITS)
    assert not cells.entry_is_open(host.totals, 1_000, 2_000)
    assert host.wanted()[2:] == [(cells.SELLING, 1050, 10), (cells.SELLING, 1100, 9)]


def test_a_filled_buy_wants_a_sell_one_rung_up_of_what_the_fee_left():
    host = started()
    assert host.fill(1, bought=True, lots=10, change=10 * LOT_UNITS - 10)
    assert host.wanted()[1] == (cells.SELLING, 1000, 9)


def test_what_is_below_one_lot_stays_and_is_sold_after_a_later_buy():
    host = started()
    host.fill(1, bought=True, lots=10, change=10 * LOT_UNITS - 10)
    host.fill(1, bought=False, lots=9, change=-9 * LOT_UNITS)
    assert host.wanted()[1] == (cells.BUYING, 950, 10)
    host.fill(1, bought=True, lots=10, change=10 * LOT_UNITS - 10)
    assert host.wanted()[1] == (cells.SELLING, 1000, 10)


def test_a_partly_filled_order_keeps_resting_and_gets_no_counter_order():
    host = started()
    assert not host.fill(1, bought=True, lots=4, change=4 * LOT_UNITS)
    assert host.wanted()[1] == (cells.BUYING, 950, 6)


def test_a_remainder_too_small_to_be_an_order_counts_as_filled():
    host = started()
    assert host.fill(1, bought=True, lots=9, change=9 * LOT_UNITS)
    assert host.wanted()[1] == (cells.SELLING, 1000, 9)


def test_a_purchase_at_the_rung_where_the_cell_below_sells_waits_for_the_sale():
    host = started()
    host.fill(1, bought=True, lots=10, change=10 * LOT_UNITS)
    host.fill(2, bought=False, lots=10, change=-10 * LOT_UNITS)
    assert host.wanted()[1:3] == [(cells.SELLING, 1000, 10), (cells.BUYING, 1000, 0)]
    host.fill(1, bought=False, lots=10, change=-10 * LOT_UNITS)
    assert host.wanted()[1:3] == [(cells.BUYING, 950, 10), (cells.BUYING, 1000, 10)]


def test_a_part_that_could_not_be_sold_waits_for_the_rest():
    host = Host(cells, PRICES, 10, 2, 6_000)
    assert not host.fill(1, bought=True, lots=5, change=5 * LOT_UNITS)
    assert host.wanted()[1] == (cells.BUYING, 950, 5)


def test_started_empty_the_cells_above_stay_unused():
    host = Host(cells, PRICES, 10, 2, 2_000, empty=True)
    assert host.wanted()[2:] == [(cells.UNUSED, 0, 0), (cells.UNUSED, 0, 0)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_fills_of_different_cells_commute(order: tuple[int, int]):
    host = started()
    for k in order:
        host.fill(k, bought=True, lots=10, change=10 * LOT_UNITS)
    assert host.wanted()[:2] == [(cells.SELLING, 950, 10), (cells.SELLING, 1000, 10)]


fills = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 12), st.integers(0, 40)), max_size=60)


@settings(max_examples=200, deadline=None)
@given(
    fills=fills,
    count=st.integers(2, 30),
    lots=st.integers(1, 10),
    gap=st.integers(0, 30),
    minimum=st.integers(0, 12_000),
    empty=st.booleans(),
)
def test_plain_and_compiled_runs_are_equal(
    fills: list[tuple[int, int, int]], count: int, lots: int, gap: int, minimum: int, empty: bool
):
    prices = [1_000 + 10 * index for index in range(count)]
    gap = min(gap, count - 1)
    hosts = [Host(text, prices, lots, gap, minimum, empty=empty) for text in (cells, compiled_cells)]
    for host in hosts:
        if host.entry_lots:
            host.enter(host.entry_lots, host.entry_lots * LOT_UNITS - 7)
    for k, amount, fee in fills:
        k %= count - 1
        turned = []
        for host in hosts:
            bought = host.side[k] == cells.BUYING
            change = amount * LOT_UNITS - fee if bought else -amount * LOT_UNITS
            turned.append(host.fill(k, bought=bought, lots=amount, change=change))
        assert turned[0] == turned[1]
        assert hosts[0].wanted() == hosts[1].wanted()
        assert hosts[0].facts() == hosts[1].facts()


@given(fills=fills, lots=st.integers(1, 10))
def test_base_is_conserved_and_never_sold_twice(fills: list[tuple[int, int, int]], lots: int):
    host = Host(cells, PRICES, lots, 2, 0)
    host.enter(2 * lots, 2 * lots * LOT_UNITS - 3)
    held = 2 * lots * LOT_UNITS - 3
    for k, part, fee in fills:
        k %= 4
        side, _, wanted = host.wanted()[k]
        amount = min(part, wanted)
        if not amount:
            continue
        bought = side == cells.BUYING
        change = amount * LOT_UNITS - fee if bought else -amount * LOT_UNITS
        host.fill(k, bought=bought, lots=amount, change=change)
        held += change
        assert cells.base_held(host.base, [0] * len(host.base), host.totals) == held
        assert min(host.base) >= 0
