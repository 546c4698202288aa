"""When a conditional order triggers; spot and futures share it (protocol sections 1.3 and 1.7)."""

from simulator.core.orders import Side


def does_trigger_upwards(side: Side, *, takes_profit: bool) -> bool:
    """Say whether a rising price triggers: for a BUY stop and a SELL take-profit; else a falling one does."""
    return (side is Side.BUY) != takes_profit


def is_reached(price: int, trigger_price: int, *, upwards: bool) -> bool:
    """Say whether a price lies at or beyond the trigger."""
    return price >= trigger_price if upwards else price <= trigger_price
