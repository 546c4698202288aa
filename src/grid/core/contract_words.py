"""What a plan on a contract warns of."""

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from domain.futures import MarginType
from domain.grids import Direction
from domain.money import plain
from grid.core.contract import ContractFacts
from grid.core.contract_sizing import CENT, Ends, Standing

_NEAR = 2
"""An end nearer than this many times the distance that the configuration asks for is told of."""


def warnings_of(
    standing: Standing, facts: ContractFacts, ends: Ends, quantity: Decimal, profit_per_cycle: Decimal
) -> tuple[str, ...]:
    """Return what a person should know before such a plan is started."""
    told = [*_of_margin(standing), *_of_ends(standing, facts, ends)]
    if facts.funding_rate:
        told += [_of_funding(standing, facts, quantity, profit_per_cycle), _of_reserve(standing, facts, quantity)]
    return tuple(told)


def _of_margin(standing: Standing) -> list[str]:
    if standing.terms.margin_type is MarginType.ISOLATED:
        return []
    return ["cross margin: the whole futures wallet stands behind the position, not only this grid's capital"]


def _of_ends(standing: Standing, facts: ContractFacts, ends: Ends) -> list[str]:
    prices, near = standing.ladder.prices, facts.liquidation_buffer * _NEAR
    what = "its own margin" if standing.terms.margin_type is MarginType.ISOLATED else "nothing but this grid's capital"
    ended = f"with {what} behind it the position is liquidated at"
    told = []
    if ends.below is not None and ends.below > prices[0] * (1 - near):
        away = _percent(1 - ends.below / prices[0])
        told.append(f"{ended} {_price(ends.below)}, {away} % below the range")
    if ends.above is not None and ends.above < prices[-1] * (1 + near):
        away = _percent(ends.above / prices[-1] - 1)
        told.append(f"{ended} {_price(ends.above)}, {away} % above the range")
    return told


def _of_funding(standing: Standing, facts: ContractFacts, quantity: Decimal, profit_per_cycle: Decimal) -> str:
    rate, hours = facts.funding_rate, facts.funding_interval_h
    daily = abs(rate) * standing.largest_position * quantity * 24 / hours
    pays = {Direction.LONG: rate > 0, Direction.SHORT: rate < 0}.get(standing.ladder.direction)
    verb = "costs or brings" if pays is None else ("costs" if pays else "brings")
    share = _percent(daily / profit_per_cycle)
    return (
        f"funding of {plain(rate * 100)} % each {hours} h {verb} up to {_amount(daily)} a day at the largest position, "
        f"{share} % of one cycle's profit"
    )


def _of_reserve(standing: Standing, facts: ContractFacts, quantity: Decimal) -> str:
    kept = _amount(standing.funding * quantity)
    return f"{kept} of the capital is kept for funding over {facts.horizon_days} days at that rate"


def _amount(amount: Decimal) -> str:
    return plain(amount.quantize(CENT, ROUND_CEILING))


def _price(price: Decimal) -> str:
    return plain(price.quantize(CENT, ROUND_HALF_UP)) if price > 1 else plain(price)


def _percent(share: Decimal) -> str:
    return plain((share * 100).quantize(Decimal("0.1"), ROUND_HALF_UP))
