"""A grid's life held against its replay: per level, over the whole, and which queue assumption explains it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from statistics import median
from typing import Final

import numpy as np

from backtest.parity.calibration import Calibration, calibrate
from backtest.parity.delays import MeasuredDelays
from backtest.parity.evidence import Evidence, evidence_of
from backtest.parity.heard import Prices, Silence, Source
from backtest.parity.lived import LivedGrid
from backtest.parity.matching import Pair, Why, pairs_of
from backtest.result import BUY, SELL, Result
from backtest.scenario import FillAssumption
from backtest.trade_replay import replay_trades
from backtest.trade_slices import TradeSlice, parts_of
from domain.money import ZERO, exact, from_units, to_units

MINUTE_MS: Final = 60_000


class NothingToCompare(ValueError):
    """The grid or its prices do not hold what a comparison needs; the text says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One price of the ladder and one side. Times in seconds, None where nothing tells them.

    `reached` counts orders whose price was traded at or gone beyond while they rested; `filled` those of them that
    were filled whole. `wait_s` is the median from reaching to filling, `delay_s` the median by which live fills came
    after replayed ones; `price_difference` the live price less the replayed one, mean over the pairs, in quote.
    """

    price: Decimal
    side: int
    orders: int
    reached: int
    filled: int
    live: int
    replayed: int
    paired: int
    wait_s: float | None
    delay_s: float | None
    price_difference: Decimal | None
    why: dict[Why, int]

    @property
    def fill_rate(self) -> float | None:
        return self.filled / self.reached if self.reached else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The first purchase: what it cost live and in the replay, which pays the live grid's last price for all of it."""

    quantity: Decimal
    live_price: Decimal | None  # mean
    replayed_price: Decimal | None


class LatencyFrom(StrEnum):
    """Where the latency of a replay comes from."""

    MEASURED = "measured"  # in the grid's own books
    GIVEN = "given"
    UNKNOWN = "unknown"  # the books do not tell, so orders take no time


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """From what the grid sees to what reaches the exchange, as the replay has it."""

    used_ms: int
    source: LatencyFrom

    @classmethod
    def of(cls, measured: MeasuredDelays, given_ms: int | None) -> "Latency":
        """Return the given one, else the measured one where enough sales tell it."""
        if given_ms is not None:
            return cls(used_ms=given_ms, source=LatencyFrom.GIVEN)
        if measured.is_enough and measured.median_ms is not None:
            return cls(used_ms=measured.median_ms, source=LatencyFrom.MEASURED)
        return cls(used_ms=0, source=LatencyFrom.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtOnce:
    """The same comparison where the replay's orders take no time: what the latency explains is the difference to it."""

    agreement: float | None
    exact: int
    pairs: int
    equity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parity:
    """What was found. Equities are gains since the start in quote, at the last price heard.

    `at_once` is None where the replay's orders take no time anyway.
    """

    lived: LivedGrid
    prices: Prices
    fill: FillAssumption
    replay: Result
    levels: tuple[Level, ...]
    pairs: tuple[Pair, ...]
    evidence: tuple[Evidence, ...]
    entry: Entry
    live_equity: Decimal
    replayed_equity: Decimal
    calibration: Calibration | None
    from_ms: int
    until_ms: int
    made_ms: int
    latency: Latency
    at_once: AtOnce | None

    @property
    def live_count(self) -> int:
        return sum(pair.live is not None for pair in self.pairs)

    @property
    def replayed_count(self) -> int:
        return sum(pair.replayed is not None for pair in self.pairs)

    @property
    def paired(self) -> int:
        return sum(pair.why is None for pair in self.pairs)

    @property
    def exact_count(self) -> int:
        """Return how many fills are the same in time, quantity and price."""
        return exact_count(self.pairs)

    @property
    def agreement(self) -> float | None:
        """Return the fraction of all fills, live or replayed, that have their counterpart."""
        return agreement(self.pairs)

    @property
    def why(self) -> dict[Why, int]:
        return dict(Counter(pair.why for pair in self.pairs if pair.why is not None))

    @property
    @exact
    def equity_difference(self) -> Decimal:
        """Return the live gain less the replayed one."""
        return self.live_equity - self.replayed_equity

    @property
    def silences(self) -> tuple[Silence, ...]:
        return self.prices.silences


def agreement(pairs: Sequence[Pair]) -> float | None:
    """Return the fraction of all fills, live or replayed, that have their counterpart."""
    return sum(pair.why is None for pair in pairs) / len(pairs) if pairs else None


def exact_count(pairs: Sequence[Pair]) -> int:
    """Return how many fills are the same in time, quantity and price."""
    return sum(pair.is_exact for pair in pairs)


def compare(
    lived: LivedGrid, prices: Prices, fill: FillAssumption, made_ms: int = 0, *, latency_ms: int | None = None
) -> Parity:
    """Replay a lived grid over the prices it saw and pair the fills.

    Without `latency_ms` the replay's orders take as long as the grid's own books tell, or no time where they do not.

    Raises:
        NothingToCompare: if no order of the grid rested while prices were heard.
        BadCandles: for prices that the grid's rules do not fit.
    """
    latency = Latency.of(lived.delays, latency_ms)
    begun_ms, first_price, first = _beginning(lived, prices)
    evidence = evidence_of(list(lived.lives), prices, lived.rules)
    until_ms = int(prices.time_ms[-1])
    within = [_only_until(one, until_ms) for one in evidence if one.rests_ms is not None]
    lots = [lived.rules.lots(quantity) for quantity in lived.row.plan.quantities]

    def replayed(travel_ms: int) -> tuple[Result, tuple[Pair, ...]]:
        before_ms = begun_ms - travel_ms if lived.entry else begun_ms  # a first purchase arrives when the live one did
        prints = _from_beginning(lived, prices, before_ms, first_price, first)
        result = replay_trades(parts_of(prints), lived.scenario(fill, travel_ms)).result()
        return result, tuple(pairs_of(within, result.fills, lots, to_units(lived.rules.tick), prices))

    replay, pairs = replayed(latency.used_ms)
    return Parity(
        lived=lived,
        prices=prices,
        fill=fill,
        replay=replay,
        levels=tuple(_levels(lived, within, pairs)),
        pairs=pairs,
        evidence=tuple(within),
        entry=_entry(lived, replay),
        live_equity=lived.equity_change(replay.last_price, until_ms),
        replayed_equity=replay.books.equity_change,
        calibration=None if prices.source is Source.CANDLES else calibrate(within),
        from_ms=begun_ms,
        until_ms=until_ms,
        made_ms=made_ms,
        latency=latency,
        at_once=_at_once(*replayed(0)) if latency.used_ms else None,
    )


def _at_once(replay: Result, pairs: Sequence[Pair]) -> AtOnce:
    return AtOnce(
        agreement=agreement(pairs),
        exact=exact_count(pairs),
        pairs=len(pairs),
        equity=replay.books.equity_change,
    )


def _beginning(lived: LivedGrid, prices: Prices) -> tuple[int, int, int]:
    """Return when the grid's rungs could rest, the price then (1e-8), and the first price heard after it."""
    if not lived.lives:
        raise NothingToCompare("no order of it ever rested; let it trade first")
    if lived.entry:
        last = lived.entry[-1]
        begun_ms, price = last.time_ms, to_units(last.price)
    else:
        placed_ms = min(life.placed_ms for life in lived.lives)
        at = int(np.searchsorted(prices.heard_ms, placed_ms, "right"))
        if at == 0:  # what it was placed on was not heard
            return int(prices.time_ms[0]), int(prices.price[0]), 1
        begun_ms, price = int(prices.time_ms[at - 1]), int(prices.price[at - 1])
    first = int(np.searchsorted(prices.time_ms, begun_ms, "right"))
    if first >= len(prices):
        raise NothingToCompare("no price was heard after its orders were placed")
    return begun_ms, price, first


def _from_beginning(lived: LivedGrid, prices: Prices, begun_ms: int, price: int, first: int) -> TradeSlice:
    """Return the prints of the replay: the one its rungs come to rest at, then all that were heard."""
    rest = prices.trades(lived.row.instrument, first)
    return replace(
        rest,
        time_ms=np.append(np.int64(begun_ms), rest.time_ms),
        price=np.append(np.int64(price), rest.price),
        quantity=np.append(np.int64(0), rest.quantity),
    )


def _only_until(one: Evidence, until_ms: int) -> Evidence:
    """Leave out fills after the last price heard: no replay can have them."""
    parts = [part for part in one.life.parts if part.time_ms <= until_ms]
    return one if len(parts) == len(one.life.parts) else replace(one, life=replace(one.life, parts=parts))


def _levels(lived: LivedGrid, evidence: Sequence[Evidence], pairs: Sequence[Pair]) -> Iterable[Level]:
    for rung, price in enumerate(lived.row.plan.prices):
        for side in (BUY, SELL):
            seen = [one for one in evidence if (one.life.rung, one.life.side) == (rung, side)]
            here = [pair for pair in pairs if (pair.rung, pair.side) == (rung, side)]
            if seen or here:
                yield _level(price, side, seen, here)


def _level(price: Decimal, side: int, seen: Sequence[Evidence], here: Sequence[Pair]) -> Level:
    reached = [one for one in seen if one.reached_ms is not None]
    waits = [
        max(one.life.done_ms - one.reached_ms, 0) / 1000
        for one in reached
        if one.life.done_ms is not None and one.reached_ms is not None
    ]
    delays = [pair.delay_ms / 1000 for pair in here if pair.delay_ms is not None]
    paired = [pair for pair in here if pair.why is None]
    apart = [pair.live.price - pair.replayed.price for pair in paired if pair.live and pair.replayed]
    return Level(
        price=price,
        side=side,
        orders=len(seen),
        reached=len(reached),
        filled=len(waits),
        live=sum(pair.live is not None for pair in here),
        replayed=sum(pair.replayed is not None for pair in here),
        paired=len(paired),
        wait_s=median(waits) if waits else None,
        delay_s=median(delays) if delays else None,
        price_difference=from_units(round(sum(apart) / len(apart))) if apart else None,
        why=dict(Counter(pair.why for pair in here if pair.why is not None)),
    )


def _entry(lived: LivedGrid, replay: Result) -> Entry:
    quantity = sum((fill.quantity for fill in lived.entry), ZERO)
    cost = sum((fill.quote_quantity for fill in lived.entry), ZERO)
    cells = replay.fills.cell.tolist()
    paid = int(replay.fills.price_ticks[cells.index(-1)]) * lived.rules.tick if -1 in cells else None
    return Entry(
        quantity=quantity,
        live_price=round(cost / quantity, 8) if quantity else None,
        replayed_price=paid,
    )
