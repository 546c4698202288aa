"""What an infinity grid asks of its request, and what its plan tells of its upper end."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from domain.errors import FieldMistake
from domain.grids import GridRequest, Spacing
from domain.instrument import InstrumentRules, Market
from domain.money import plain

MOST_LEVELS = 1000


def infinity_mistakes(request: GridRequest) -> Iterator[FieldMistake]:
    """Yield what does not go with a ladder that has no upper end, each with its remedy."""
    if request.instrument.market is not Market.SPOT:
        yield FieldMistake("infinity", "is for spot grids, which hold what they bought; leave it out")
    if request.lower is None:
        yield FieldMistake("lower_price", "is where an infinity grid begins; give it")
    for name, value in _without(request):
        yield FieldMistake(name, f"does not go with infinity; {value}")


def _without(request: GridRequest) -> Iterator[tuple[str, str]]:
    if request.upper is not None:
        yield "upper_price", "leave it out: initial_levels and spacing_perc tell how far its rungs go"
    if request.spacing is not Spacing.GEOMETRIC:
        yield "spacing_mode", "its rungs are geometric"
    if request.quantity is not None:
        yield "quantity_per_level", "give its capital: what each level trades follows from it"
    if request.quantity_growth_percent is not None:
        yield "quantity_growth_perc", "what each level trades follows from the worth that it keeps; leave it out"
    if request.start_empty:
        yield "start_empty", "it begins with what it keeps; leave it out"
    if request.trail_up_to is not None or request.trail_down_to is not None:
        yield "trail_up_to" if request.trail_up_to is not None else "trail_down_to", "leave it out"


def end_mistakes(
    rungs: Sequence[int], price: Decimal, rules: InstrumentRules, spacing_ppm: int
) -> Iterator[FieldMistake]:
    """Yield why no rung lies on one side of the price; `rungs` ascend, in ticks."""
    ticks = rules.nearest_ticks(price)
    if rungs[0] >= ticks:
        yield FieldMistake("lower_price", f"must lie below the price, {plain(price)}; lower it")
    elif rungs[-1] <= ticks:
        needed, top = len(rungs), rungs[-1]
        while top <= ticks and needed <= MOST_LEVELS:
            top += top * spacing_ppm // 1_000_000
            needed += 1
        remedy = f"use at least {needed}" if needed <= MOST_LEVELS else "space them wider, or raise lower_price"
        told = f"its rungs end at {plain(rules.price(rungs[-1]))}, below the price {plain(price)}"
        yield FieldMistake("initial_levels", f"{told}; {remedy}")


def told_of_end(top: Decimal, reserve: Decimal, rules: InstrumentRules) -> str:
    """Return the sentence of how far up an infinity grid sells."""
    base, quote = rules.instrument.base, rules.instrument.quote
    kept = f"{plain(reserve)} {base} that no rung sells"
    return f"its highest rung is {plain(top)} {quote}: above that it sells nothing and holds {kept}"
