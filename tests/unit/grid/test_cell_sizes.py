"""How much each cell holds: by the words of the documentation, in whole lots."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from domain.grids import Direction
from fakes.contract_grid import planned
from fakes.grid_examples import btc_rules, plan
from grid.core.ladder_numbers import ladder_numbers
from grid.core.sizes import PPM, GrowingSizes, largest


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
