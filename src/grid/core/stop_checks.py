"""Preflight of a grid's stops: each lies outside the range, on a tick, and is reached before a liquidation."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from domain.grids import Direction, GridRequest
from domain.instrument import InstrumentRules
from domain.money import plain

Mistake = tuple[str, str]


def stop_mistakes(
    request: GridRequest,
    rules: InstrumentRules,
    prices: Sequence[Decimal],
    mark: Decimal,
    liquidations: tuple[Decimal | None, Decimal | None],
) -> Iterator[Mistake]:
    """Yield field and remedy of everything wrong with the stops.

    Args:
        request: what is asked for.
        rules: of the contract.
        prices: the rungs, ascending.
        mark: the mark price, by which stops go.
        liquidations: where the position would be liquidated below and above the range, None for nowhere.
    """
    below, above = request.stop_below, request.stop_above
    if below is not None and request.direction is Direction.SHORT:
        yield "stop_below", "a short grid loses above its range; use stop_above"
    elif below is not None:
        yield from _below(below, rules, min(prices[0], mark), liquidations[0])
    if above is not None and request.direction is Direction.LONG:
        yield "stop_above", "a long grid loses below its range; use stop_below"
    elif above is not None:
        yield from _above(above, rules, max(prices[-1], mark), liquidations[1])


def _below(price: Decimal, rules: InstrumentRules, end: Decimal, liquidation: Decimal | None) -> Iterator[Mistake]:
    yield from off_rules("stop_below", price, rules)
    if price >= end:
        yield "stop_below", f"must lie below the lowest rung and the price; use less than {plain(end)}"
    if liquidation is not None and price <= liquidation:
        at = plain(rules.price(rules.nearest_ticks(liquidation)))
        yield "stop_below", f"the position would be liquidated at {at} before; use more than that, or less leverage"


def _above(price: Decimal, rules: InstrumentRules, end: Decimal, liquidation: Decimal | None) -> Iterator[Mistake]:
    yield from off_rules("stop_above", price, rules)
    if price <= end:
        yield "stop_above", f"must lie above the highest rung and the price; use more than {plain(end)}"
    if liquidation is not None and price >= liquidation:
        at = plain(rules.price(rules.nearest_ticks(liquidation)))
        yield "stop_above", f"the position would be liquidated at {at} before; use less than that, or less leverage"


def off_rules(field: str, price: Decimal, rules: InstrumentRules) -> Iterator[Mistake]:
    """Yield where a price is on no tick, or beyond what the venue takes."""
    if price % rules.tick:
        nearest = plain(rules.price(rules.nearest_ticks(price)))
        yield field, f"must be a multiple of the tick {plain(rules.tick)}; use {nearest}"
    if price < rules.min_price:
        yield field, f"the venue takes no price below {plain(rules.min_price)}; use at least that"
    if 0 < rules.max_price < price:
        yield field, f"the venue takes no price above {plain(rules.max_price)}; use at most that"
