"""Prints and candles as tests of the market feeds need them; prices in cents, quantities in lots."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from hypothesis import strategies as st

from simulator.core.events import MarketTrade
from simulator.core.symbols import UNIT
from simulator.market.feed import Candle
from simulator.market.intervals import interval_bounds

SYMBOL = "BTCUSDT"
TICK = UNIT // 100
LOT = UNIT // 100_000
START_MS = 1_723_161_600_000  # 2024-08-09T00:00Z

prices = st.integers(min_value=1, max_value=10_000_000).map(lambda ticks: ticks * TICK)
gaps_ms = st.one_of(
    st.integers(0, 1_500), st.integers(0, 90_000), st.integers(0, 4_000_000), st.integers(0, 40 * 86_400_000)
)


@st.composite
def print_runs(draw: st.DrawFn, max_size: int = 60) -> list[MarketTrade]:
    """Prints of one symbol in time order, from crowded seconds to silences of weeks."""
    now_ms, found = START_MS, []
    for _ in range(draw(st.integers(1, max_size))):
        now_ms += draw(gaps_ms)
        quantity = draw(st.integers(1, 10**6)) * LOT
        found.append(MarketTrade(SYMBOL, draw(prices), quantity, now_ms, draw(st.booleans())))
    return found


@st.composite
def recorded_candles(draw: st.DrawFn, open_ms: int = START_MS, interval: str = "1m") -> Candle:
    """A candle as a file holds it: any price shape, any volume from none to much, on or off the lot."""
    four = sorted(draw(st.lists(prices, min_size=4, max_size=4)))
    inner = draw(st.permutations(four[1:3]))
    open_, close = draw(st.sampled_from([tuple(inner), (four[0], four[3]), (four[3], four[0])]))
    volume = draw(st.one_of(st.just(0), st.integers(1, 10 * LOT), st.integers(1, 10**7).map(lambda n: n * LOT)))
    bounds = interval_bounds(interval, open_ms)
    return Candle(*bounds, open_, four[3], four[0], close, volume, 0, 0, 0, 0)


def built_by_hand(trades: Iterable[MarketTrade], interval: str) -> list[Candle]:
    """The obvious way to candles: group, then look at each group."""
    groups: dict[tuple[int, int], list[MarketTrade]] = {}
    for trade in trades:
        groups.setdefault(interval_bounds(interval, trade.time_ms), []).append(trade)
    return [
        Candle(
            *bounds,
            group[0].price,
            max(t.price for t in group),
            min(t.price for t in group),
            group[-1].price,
            sum(t.qty for t in group),
            sum(t.qty * t.price for t in group),
            len(group),
            sum(t.qty for t in group if not t.buyer_is_maker),
            sum(t.qty * t.price for t in group if not t.buyer_is_maker),
        )
        for bounds, group in groups.items()
    ]


def write_csv(path: Path, rows: Sequence[Sequence[object]], header: str) -> Path:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path
