"""How much each cell holds: by the words of the documentation, in whole lots."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from domain.grids import Direction
from fakes.contract_grid import planned
from fakes.grid_examples import btc_rules, plan
from grid.core.ladder import geometric_from
from grid.core.ladder_numbers import ladder_numbers
from grid.core.sizes import PPM, ConstantWorth, GrowingSizes, largest


@given(cells=st.integers(1, 40), gap=st.integers(0, 40), ppm=st.integers(0, PPM), nearest=st.integers(0, 10**6))
def test_each_cell_holds_the_power_of_its_distance_rounded_down(cells: int, gap: int, ppm: int, nearest: int):
    gap = min(gap, cells)
    lots = GrowingSizes(cells, gap, ppm).lots(nearest)
    for k, count in enumerate(lots):
        distance = k - gap if k >= gap else gap - 1 - k
        assert count == nearest * (1 + Fraction(ppm, PPM)) ** distance // 1


@given(cells=st.integers(1, 20), gap=st.integers(0, 20), ppm=st.integers(0, PPM), least=st.integers(1, 10**6))
def test_the_least_size_gives_every_cell_enough_and_one_lot_less_does_not(cells: int, gap: int, ppm: int, least: int):
    sizes = GrowingSizes(cells, min(gap, cells), ppm)
    wanted = [least + 3 * k for k in range(cells)]
    found = sizes.least(wanted)
    assert all(count >= fewest for count, fewest in zip(sizes.lots(found), wanted, strict=True))
    assert any(count < fewest for count, fewest in zip(sizes.lots(found - 1), wanted, strict=True))


@given(border=st.integers(0, 10**6), guess=st.integers(-10, 10**6))
def test_the_largest_that_fits_is_found_from_any_guess(border: int, guess: int):
    assert largest(lambda count: count <= border, guess) == border


def test_the_worked_example_of_the_documentation():
    made = plan(levels=7, spacing_percent=Decimal(1), quantity=Decimal("0.001"), quantity_growth_percent=Decimal(10))
    assert [str(quantity) for quantity in made.quantities] == [
        "0.00121",
        "0.00110",
        "0.00100",
        "0.00100",
        "0.00110",
        "0.00121",
    ]
    assert made.quantity_per_rung == Decimal("0.00100")
    assert made.entry_quantity == Decimal("0.00332")  # 0.00331 and the fee of 0.1 % it is bought with


def test_cells_that_hold_the_same_are_stored_as_before():
    assert plan().cell_quantities == ()
    assert plan(quantity_growth_percent=Decimal("0.0001")).cell_quantities == ()


def test_a_short_contract_owes_each_cell_what_it_holds():
    made = planned(Direction.SHORT, quantity_growth_percent=Decimal(20), capital=Decimal(9_000))
    numbers = ladder_numbers(made, made.rules or btc_rules())
    assert (numbers.entry_lots, numbers.entry_sells) == (sum(numbers.lots[: made.gap]), True)
    assert numbers.borrowed == [count * numbers.lot_units for count in numbers.lots]
    assert len(set(numbers.lots)) > 3


@given(
    lowest=st.integers(1_000, 10**7),
    ppm=st.integers(2_000, 100_000),
    levels=st.integers(2, 80),
    worth=st.integers(0, 10**13),
)
def test_what_an_infinity_grid_holds_is_worth_the_same_at_every_rung(lowest: int, ppm: int, levels: int, worth: int):
    rungs = geometric_from(lowest, ppm, levels)
    sizes = ConstantWorth(tuple(rungs))
    held = [sizes.reserve(worth)]
    for count in reversed(sizes.lots(worth)):
        held.append(held[-1] + count)
    for price, lots in zip(rungs, reversed(held), strict=True):
        assert 0 <= worth - lots * price < price


@given(
    lowest=st.integers(1_000, 10**7), ppm=st.integers(2_000, 100_000), least=st.lists(st.integers(1, 99), min_size=1)
)
def test_a_worth_that_is_called_enough_is_enough_for_every_cell(lowest: int, ppm: int, least: list[int]):
    sizes = ConstantWorth(tuple(geometric_from(lowest, ppm, len(least) + 1)))
    found = sizes.least(least)
    assert all(count >= fewest for count, fewest in zip(sizes.lots(found), least, strict=True))


def test_the_worked_example_of_an_infinity_grid():
    made = plan(infinity=True, lower=Decimal(50_000), levels=11, spacing_percent=Decimal(5), capital=Decimal(3_000))
    rules = btc_rules()
    assert (made.gap, made.prices[-1]) == (4, Decimal("81444.73"))
    held = [made.reserve_quantity + sum(made.quantities[k:]) for k in range(11)]
    worth = [quantity * price for quantity, price in zip(held, made.prices, strict=True)]
    assert max(worth) - min(worth) < rules.lot * made.prices[-1]
    assert 0 <= made.entry_quantity - held[made.gap] / (1 - Decimal("0.001")) < rules.lot
    assert made.capital_needed <= 3_000
    assert "highest rung is 81444.73 USDT: above that it sells nothing" in made.warnings[0]
    assert [str(quantity) for quantity in made.quantities[:5]] == [
        "0.00241",
        "0.00230",
        "0.00219",
        "0.00208",
        "0.00199",
    ]
    assert (str(made.reserve_quantity), str(made.entry_quantity)) == ("0.03111", "0.04175")


def test_an_infinity_grid_may_have_more_rungs_than_the_venue_takes_orders_where_only_some_rest():
    made = plan(
        {"free_quote": None, "max_order_notional": Decimal(0)},
        infinity=True,
        lower=Decimal(45_500),
        levels=1_000,
        spacing_percent=Decimal("0.6"),
        resting_levels=20,
        capital=Decimal(150_000),
    )
    assert len(made.prices) == 1_000
    assert made.prices[-1] > 17_000_000
