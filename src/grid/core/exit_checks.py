"""Preflight of how a whole grid begins and ends by itself: its trigger price, its take profit and its stop loss."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from domain.exit_terms import ExitAction
from domain.exits import ExitCondition
from domain.grids import ContractTerms, Direction, GridRequest
from domain.instrument import InstrumentRules, Market
from domain.money import plain

Mistake = tuple[str, str]
_MOST_DECIMALS: Final = 8


def trigger_mistakes(request: GridRequest, rules: InstrumentRules) -> Iterator[Mistake]:
    """Yield field and remedy of everything wrong with the trigger price."""
    if request.trigger_price is not None:
        yield from _off_rules("trigger_price", request.trigger_price, rules)


def exit_mistakes(
    request: GridRequest, rules: InstrumentRules, price: Decimal, terms: ContractTerms | None
) -> Iterator[Mistake]:
    """Yield field and remedy of everything wrong with take profit and stop loss; `price` is where the grid begins."""
    exits = request.exits
    if exits.take_profit_price is not None:
        yield from _take_profit_price(exits.take_profit_price, request.direction, rules, price)
    for field, percent, amount in (
        ("take_profit", exits.take_profit_percent, exits.take_profit_amount),
        ("stop_loss", exits.stop_loss_percent, exits.stop_loss_amount),
    ):
        if percent is not None and amount is not None:
            yield f"{field}_amount", f"excludes {field}_perc; give one of the two"
        if percent is not None and percent <= 0:
            yield f"{field}_perc", "must be above 0 percent of the grid's capital"
        if amount is not None and (amount <= 0 or -int(amount.normalize().as_tuple().exponent) > _MOST_DECIMALS):
            yield f"{field}_amount", f"must be above 0, with at most {_MOST_DECIMALS} decimals, in quote"
    yield from _actions(request, terms)


def exit_warnings(request: GridRequest) -> tuple[str, ...]:
    """Return what a person should know of conditions that nobody but this server watches."""
    watched = [condition.value for condition in watched_conditions(request)]
    if not watched:
        return ()
    are_watched = f"{', '.join(watched)} {'is' if len(watched) == 1 else 'are'} watched by this server"
    nothing = "nothing happens while the server is down or has no fresh price"
    return (f"{are_watched} and not resident at the exchange: {nothing}",)


def watched_conditions(request: GridRequest) -> tuple[ExitCondition, ...]:
    """Return what ends the grid that the exchange knows nothing of."""
    exits, is_spot = request.exits, request.instrument.market is Market.SPOT
    asked = {
        ExitCondition.STOP_BELOW: request.stop_below if is_spot else None,
        ExitCondition.STOP_ABOVE: request.stop_above if is_spot else None,
        ExitCondition.TAKE_PROFIT_PRICE: exits.take_profit_price,
        ExitCondition.TAKE_PROFIT_PERC: exits.take_profit_percent,
        ExitCondition.TAKE_PROFIT_AMOUNT: exits.take_profit_amount,
        ExitCondition.STOP_LOSS_PERC: exits.stop_loss_percent,
        ExitCondition.STOP_LOSS_AMOUNT: exits.stop_loss_amount,
    }
    return tuple(condition for condition, value in asked.items() if value is not None)


def begin_and_end_fields(request: GridRequest) -> list[str]:
    """Return the fields that say how a grid begins and ends by itself, stops at the exchange among them."""
    named = [condition.value for condition in watched_conditions(request)]
    fields = {name: getattr(request, name) for name in ("stop_below", "stop_above", "trigger_price")}
    return list(dict.fromkeys([*named, *(name for name, value in fields.items() if value is not None)]))


def _take_profit_price(
    price: Decimal, direction: Direction, rules: InstrumentRules, begins: Decimal
) -> Iterator[Mistake]:
    field = "take_profit_price"
    yield from _off_rules(field, price, rules)
    if direction is Direction.NEUTRAL:
        yield field, "a neutral grid earns on either side; use take_profit_perc or take_profit_amount"
    elif direction is Direction.SHORT and price >= begins:
        yield field, f"a short grid earns as the price falls; use less than {plain(begins)}"
    elif direction is Direction.LONG and price <= begins:
        yield field, f"a long grid earns as the price rises; use more than {plain(begins)}"


def _actions(request: GridRequest, terms: ContractTerms | None) -> Iterator[Mistake]:
    exits, conditions = request.exits, watched_conditions(request)
    has_take = any(condition.startswith("take_profit") for condition in conditions)
    has_stop = any(not condition.startswith("take_profit") for condition in conditions)
    at_venue = terms is not None and (request.stop_below is not None or request.stop_above is not None)
    if exits.on_take_profit is not None and not has_take:
        yield "on_take_profit", "says nothing without a take profit; add take_profit_perc, or leave it out"
    if exits.on_stop_loss is not None and not (has_stop or at_venue):
        yield "on_stop_loss", "says nothing without a stop loss; add stop_loss_perc, or leave it out"
    if at_venue and exits.on_stop_loss not in (None, ExitAction.MARKET):
        yield "on_stop_loss", "a stop at the exchange closes at market; use market, or stop_loss_perc without a stop"
    if terms is None or not terms.hedge_mode or request.direction is not Direction.NEUTRAL:
        return
    for field, action in (("on_take_profit", exits.on_take_profit), ("on_stop_loss", exits.on_stop_loss)):
        if action is ExitAction.LIMIT:
            yield field, "in hedge mode the two sides of a neutral grid would meet at one price; use market or keep"


def _off_rules(field: str, price: Decimal, rules: InstrumentRules) -> Iterator[Mistake]:
    if price <= 0:
        yield field, "must be above 0"
    elif price % rules.tick:
        nearest = plain(rules.price(rules.nearest_ticks(price)))
        yield field, f"must be a multiple of the tick {plain(rules.tick)}; use {nearest}"
    elif price < rules.min_price or 0 < rules.max_price < price:
        yield field, f"the venue takes prices from {plain(rules.min_price)} to {plain(rules.max_price)} here"
