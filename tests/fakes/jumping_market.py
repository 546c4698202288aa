"""A market that now and then passes many rungs at once, with a book of one tick's spread around its last price."""

from decimal import Decimal
from random import Random

from simulator.core.events import MarketTrade
from simulator.core.symbols import UNIT
from simulator.market.catalogue import specs_of
from simulator.market.feed import BookUpdate, FeedStep

SPEC = specs_of(["BTCUSDT"])["BTCUSDT"]
START_MS = 1_722_729_600_000


def jumps(seed: int, steps: int) -> list[FeedStep]:
    """Return prints between 52,000 and 68,000, the first of them at 60,000."""
    random, price, path = Random(seed), Decimal(60_000), []
    for index in range(steps):
        ticks = int(price * UNIT)
        at_ms = START_MS + 15_000 * index
        book = BookUpdate("BTCUSDT", ((ticks - SPEC.tick, 50 * UNIT),), ((ticks + SPEC.tick, 50 * UNIT),))
        path.append(FeedStep(at_ms, (MarketTrade("BTCUSDT", ticks, UNIT, at_ms, buyer_is_maker=False),), book))
        move = Decimal(random.randint(-100, 100)) / 100 * random.choice([Decimal("0.004"), Decimal("0.03")])
        price = min(max(price * (1 + move), Decimal(52_000)), Decimal(68_000)).quantize(Decimal("0.01"))
    return path
