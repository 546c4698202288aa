"""Live fills beside replayed ones, level by level: which belong together, which do not, and why."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from backtest.parity.evidence import GRACE_MS, Evidence
from backtest.parity.heard import Prices
from backtest.result import BUY, ENTRY_CELL, Fills

FARTHEST_MS: Final = 30 * 60_000
"""Fills that lie farther apart are not taken for the same."""
_SOON_MS: Final = 60_000
_NEARLY_ALL: Final = 95  # percent of an order; a sale may be less than it by fees and dust


class Why(StrEnum):
    """What sets a live fill and a replayed one apart."""

    QUEUE = "queue"  # its price was traded at, not beyond, and others came first
    PARTLY = "partly filled"
    NOT_THERE = "order not there yet"
    BEYOND = "price went beyond it"
    UNHEARD = "prices not heard"
    EARLIER = "an earlier difference"  # at another order; this one follows from it


@dataclass(frozen=True, slots=True)
class Completion:
    """An order filled whole: when, how much, and for how much on the average (1e-8 quote)."""

    time_ms: int
    lots: int
    price: int
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """A live fill and the replayed one it belongs to; one of them may be missing, `why` says then why."""

    side: int
    rung: int
    live: Completion | None
    replayed: Completion | None
    why: Why | None = None

    @property
    def is_exact(self) -> bool:
        """Whether time, quantity and price are the same to the last digit."""
        live, replayed = self.live, self.replayed
        if live is None or replayed is None:
            return False
        return (live.time_ms, live.lots, live.price) == (replayed.time_ms, replayed.lots, replayed.price)

    @property
    def delay_ms(self) -> int | None:
        """Return by how much the live fill came later."""
        return None if self.live is None or self.replayed is None else self.live.time_ms - self.replayed.time_ms

    @property
    def time_ms(self) -> int:
        return min(one.time_ms for one in (self.live, self.replayed) if one is not None)


def pairs_of(evidence: Sequence[Evidence], fills: Fills, lots: Sequence[int], tick: int, prices: Prices) -> list[Pair]:
    """Return all fills, paired, by their time; `lots` are those of the cells."""
    live: dict[tuple[int, int], list[Completion]] = defaultdict(list)
    lives: dict[tuple[int, int], list[Evidence]] = defaultdict(list)
    for one in evidence:
        key = one.life.side, one.life.rung
        lives[key].append(one)
        if one.life.done_ms is not None:
            live[key].append(_lived(one))
    replayed = replayed_completions(fills, lots, tick)
    found = []
    for key in live.keys() | replayed.keys():
        for left, right in _aligned(live[key], replayed[key]):
            why = None
            if left is None and right is not None:
                why = _why_not_live(lives[key], right, prices)
            elif right is None and left is not None:
                why = _why_not_replayed(left, prices)
            found.append(Pair(*key, left, right, why))
    return sorted(found, key=lambda pair: (pair.time_ms, pair.side, pair.rung))


def replayed_completions(fills: Fills, cell_lots: Sequence[int], tick: int) -> dict[tuple[int, int], list[Completion]]:
    """Return a replay's orders that were filled whole, by side and rung; the first purchase is none of them."""
    done: dict[tuple[int, int], list[Completion]] = defaultdict(list)
    under_way: dict[tuple[int, int], tuple[int, int]] = {}
    rows = zip(fills.time_ms, fills.cell, fills.side, fills.price_ticks, fills.lots, strict=True)
    for time_ms, cell, side, ticks, lots in (map(int, row) for row in rows):
        if cell == ENTRY_CELL:
            continue
        key = side, cell if side == BUY else cell + 1
        # A sale sells what is held, which fees and dust change; it is whole once its cell buys again.
        other = (1 - side, cell if side != BUY else cell + 1)
        under_way.pop(other, None)
        before_lots, before_worth = under_way.get(key, (0, 0))
        total, worth = before_lots + lots, before_worth + lots * ticks
        under_way[key] = total, worth
        if done[key] and before_lots:
            done[key][-1] = Completion(time_ms, total, worth * tick // total)
        else:
            done[key].append(Completion(time_ms, total, worth * tick // total))
    for key, (total, _) in under_way.items():
        side, rung = key
        if total * 100 < cell_lots[rung if side == BUY else rung - 1] * _NEARLY_ALL:  # begun, and not seen to the end
            done[key].pop()
    return done


def _lived(one: Evidence) -> Completion:
    parts = one.life.parts
    worth = sum(int(part.price.scaleb(8)) * part.lots for part in parts)
    return Completion(parts[-1].time_ms, one.life.filled_lots, worth // one.life.filled_lots, one)


def _aligned(
    live: Sequence[Completion], replayed: Sequence[Completion]
) -> Iterator[tuple[Completion | None, Completion | None]]:
    """Yield pairs in order such that the times of those that belong together differ least in sum."""
    rows, columns = len(live), len(replayed)
    alone = FARTHEST_MS // 2
    costs = [[(row + column) * alone for column in range(columns + 1)] for row in range(rows + 1)]
    for row in range(1, rows + 1):
        for column in range(1, columns + 1):
            apart = abs(live[row - 1].time_ms - replayed[column - 1].time_ms)
            costs[row][column] = min(
                costs[row - 1][column - 1] + apart, costs[row - 1][column] + alone, costs[row][column - 1] + alone
            )
    row, column = rows, columns
    found: list[tuple[Completion | None, Completion | None]] = []
    while row or column:
        here = costs[row][column]
        if row and column:
            apart = abs(live[row - 1].time_ms - replayed[column - 1].time_ms)
            if here == costs[row - 1][column - 1] + apart and apart <= FARTHEST_MS:
                row, column = row - 1, column - 1
                found.append((live[row], replayed[column]))
                continue
        if row and here == costs[row - 1][column] + alone:
            row -= 1
            found.append((live[row], None))
        else:
            column -= 1
            found.append((None, replayed[column]))
    yield from reversed(found)


def _why_not_live(lives: Sequence[Evidence], replayed: Completion, prices: Prices) -> Why:
    at_ms = replayed.time_ms
    for one in lives:
        gone_ms = one.life.gone_ms
        if one.rests_ms is None or at_ms < one.rests_ms or (gone_ms is not None and at_ms > gone_ms):
            continue
        if one.beyond_ms is not None and one.beyond_ms <= at_ms:
            return Why.BEYOND
        return Why.PARTLY if one.life.filled_until(at_ms) else Why.QUEUE
    if any(one.rests_ms is not None and 0 < one.rests_ms - at_ms <= max(_SOON_MS, GRACE_MS) for one in lives):
        return Why.NOT_THERE
    return Why.UNHEARD if prices.was_silent(at_ms) else Why.EARLIER


def _why_not_replayed(live: Completion, prices: Prices) -> Why:
    reached = live.evidence is not None and live.evidence.reached_ms is not None
    if prices.was_silent(live.time_ms) or not reached:
        return Why.UNHEARD
    return Why.EARLIER
