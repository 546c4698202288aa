"""What a fill costs (protocol section 2.8)."""

from typing import Final

from simulator.core.symbols import PPM, UNIT, half_up

DISCOUNT_ASSET: Final = "BNB"
BNB_PERCENT: Final = 75  # of the standard commission, when paid in BNB


def commission_on(received: int, rate_ppm: int) -> int:
    """Return the commission (UNIT) on an amount received (NOTIONAL_UNIT).

    Rounded half up to 8 decimals and never below 1e-8, as in 2,383 of 2,383 recorded spot fills; but never
    more than what was received, so that a crumb cannot overdraw an account.
    """
    if rate_ppm == 0:
        return 0
    return min(max(half_up(received * rate_ppm, PPM * UNIT), 1), received // UNIT)


def commission_in_bnb(quote: int, rate_ppm: int, bnb_price: int) -> int:
    """Return the discounted commission in BNB (UNIT) of a fill worth `quote` (NOTIONAL_UNIT).

    `bnb_price` is the price of one BNB in the quote asset, scaled by UNIT.
    """
    if rate_ppm == 0:
        return 0
    return max(half_up(quote * rate_ppm * BNB_PERCENT, bnb_price * PPM * 100), 1)
