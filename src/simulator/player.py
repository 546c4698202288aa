"""Plays the market: in real time, at a multiple of it, or step by step on demand."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from simulator.clocks import MarketClock
from simulator.market.feed import FeedStep, LiveFeed
from simulator.state import Position
from simulator.turns import Turns
from simulator.venues import Venues

_WORK_S: Final = 0.004
"""How long steps may run before requests get their turn."""
_STEPS_BETWEEN_YIELDS: Final = 20
_FULL_BACKLOG: Final = 2_000
_BACKLOG_PAUSE_S: Final = 0.001


Steps = Callable[[int | None], Iterator[FeedStep]]
"""Yields a market's steps in strict time order, only those later than a moment if given."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a lock-step request brought."""

    played: int
    finished: bool


class Player:
    """Carries the feed's steps into the venue."""

    def __init__(self, venues: Venues, clock: MarketClock, turns: Turns, backlog: Callable[[], int]) -> None:
        self._venues, self._clock, self._turns, self._backlog = venues, clock, turns, backlog
        self._steps: Iterator[FeedStep] = iter(())
        self._stepping = asyncio.Lock()
        self._candle_end_ms = 0
        self.finished = False

    def load(self, feed: Steps, position: Position | None, base_ms: int) -> None:
        """Take the market's steps, from where an earlier run left it if given.

        What that run had played since `base_ms` goes into the candles once more, and nowhere else.
        """
        if position is None:
            self._steps = feed(None)
            return
        self._turns.position = position
        steps = feed(base_ms - 1)
        at_position = 0
        for step in steps:
            at_position += step.time_ms == position.time_ms
            if step.time_ms > position.time_ms or at_position > position.played:
                steps = chain((step,), steps)
                break
            self._venues.remember(step)
        self._steps = steps

    async def run(self) -> None:
        """Play the feed at the clock's speed to its end."""
        began_s = time.monotonic()
        for step in self._steps:
            while (wait_s := self._clock.wait_s(step.time_ms)) > 0:
                await asyncio.sleep(wait_s)
                began_s = time.monotonic()
            self._play(step)
            if time.monotonic() - began_s > _WORK_S:
                await asyncio.sleep(0)
                began_s = time.monotonic()
        self._end()

    async def run_live(self, feed: LiveFeed) -> None:
        """Play a live market until it is closed."""
        steps: AsyncIterator[FeedStep] = feed.live_steps()
        async for step in steps:
            self._play(step)

    async def step(self, points: int, *, until_account: bool) -> Progress:
        """Play at most `points` steps, in lock-step; stop after one that changed an account's order."""
        async with self._stepping:
            played = 0
            while played < points and not self.finished:
                step = next(self._steps, None)
                if step is None:
                    self._end()
                    break
                changed = self._play(step)
                played += 1
                if changed and until_account:
                    break
                if played % _STEPS_BETWEEN_YIELDS == 0:
                    await self._let_others_work()
            self._turns.checkpoint()
            return Progress(played, self.finished)

    async def _let_others_work(self) -> None:
        await asyncio.sleep(0)
        while self._backlog() > _FULL_BACKLOG:  # noqa: ASYNC110 - many sockets drain, none says when
            await asyncio.sleep(_BACKLOG_PAUSE_S)

    def _play(self, step: FeedStep) -> bool:
        """Play one step; tell whether it changed an account's order."""
        self._clock.arrive(step.time_ms)
        self._venues.play(step)
        if step.candle is not None:
            self._candle_end_ms = step.candle.candle.close_ms + 1
        before = self._turns.position
        played = before.played + 1 if before is not None and before.time_ms == step.time_ms else 1
        self._turns.position = Position(step.time_ms, played)
        changed = self._venues.touched_accounts()
        self._turns.finish()
        return changed

    def _end(self) -> None:
        """Let market time pass the last candle's end, so that it is seen to close."""
        self.finished = True
        self._clock.stop(self._candle_end_ms)
