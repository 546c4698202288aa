"""Reads what pairs are judged by: the figures of the day of all, and candles and liquidity of a short list.

Blocks on the venue; for a thread that may wait. With full short lists it weighs 220 on spot, 1,220 where every book is
thin, of 6,000 a minute, and 105 of 2,400 on futures.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from domain.errors import SlowDown, Unreachable, VenueError
from domain.instrument import Instrument, Market
from domain.pairs import Against, Candidate, MarketLook, PairFacts, Reason, Selection
from grid.selection.judging import PairLimits, at_first_sight, judge, name_of, ordered, refused
from grid.selection.movement import CANDLES, FEWEST_CANDLES, INTERVAL, movement_of
from ports.clock import Clock
from ports.market_data import MarketData
from ports.pairs import DayFigures, PairData

log = logging.getLogger(__name__)

SHORT_LIST: Final = 20
QUOTE: Final = "USDT"
"""What capital is counted in; its pairs alone are candidates, so that no volume has to be converted."""
DEPTH_WITHIN: Final = Decimal("0.02")
_PERCENT_PLACES: Final = Decimal("0.000001")


class PairGatherer:
    """Of one account's markets.

    Args:
        data: what is read of many pairs at once.
        market_data: candles.
        clock: market time for candles, monotonic time for ages.
        limits: of each market that is traded.
    """

    def __init__(
        self, data: PairData, market_data: MarketData, clock: Clock, limits: Mapping[Market, PairLimits]
    ) -> None:
        self._data, self._market_data, self._clock, self._limits = data, market_data, clock, dict(limits)

    def select(self) -> Selection:
        """Read and judge all candidates; a market that does not answer has none, and says why."""
        began_s = self._clock.monotonic_s()
        candidates: list[Candidate] = []
        looks = []
        for limits in self._limits.values():
            found, look = self._market(limits)
            candidates += found
            looks.append(look)
        return Selection(
            taken_ms=self._clock.market_ms(),
            read_s=began_s,
            candidates=ordered(candidates, self._limits.values()),
            markets=tuple(looks),
        )

    def _market(self, limits: PairLimits) -> tuple[list[Candidate], MarketLook]:
        read_s = self._clock.monotonic_s()
        try:
            figures = [it for it in self._data.day_figures(limits.market) if it.instrument.quote == QUOTE]
        except VenueError as error:
            log.warning("no %s pairs can be selected: %s", limits.market, error)
            return [], MarketLook(market=limits.market, trouble=str(error))
        first = {facts: at_first_sight(facts, limits) for facts in map(first_facts, figures)}
        worth = by_promise([facts for facts, against in first.items() if not against], limits)
        candidates = [refused(facts, limits, against) for facts, against in first.items() if against]
        unseen = [Reason(Against.NOT_LOOKED_AT, {"count": str(SHORT_LIST)})]
        candidates += [refused(facts, limits, unseen) for facts in worth[SHORT_LIST:]]
        closer = self._closer(worth[:SHORT_LIST], limits)
        candidates += [judge(facts, limits, self._clock.monotonic_s() - read_s) for facts in closer]
        names = {name_of(it.instrument) for it in figures}
        unlisted = tuple(symbol for symbol in limits.preferred if symbol not in names)
        look = MarketLook(market=limits.market, listed=len(figures), looked_at=len(closer), unlisted=unlisted)
        return candidates, look

    def _closer(self, short_list: Sequence[PairFacts], limits: PairLimits) -> list[PairFacts]:
        """Read candles and liquidity of a few; once the venue is out of reach nothing more is asked."""
        found: list[PairFacts] = []
        out_of_reach = ""
        for facts in short_list:
            if out_of_reach:
                found.append(replace(facts, troubles=(out_of_reach,)))
                continue
            try:
                found.append(self._close_look(facts, limits))
            except (Unreachable, SlowDown) as error:
                out_of_reach = str(error)
                found.append(replace(facts, troubles=(out_of_reach,)))
            except VenueError as error:
                found.append(replace(facts, troubles=(str(error),)))
        return found

    def _close_look(self, facts: PairFacts, limits: PairLimits) -> PairFacts:
        instrument, now_ms = facts.instrument, self._clock.market_ms()
        candles = self._market_data.candles(instrument, INTERVAL, CANDLES)
        closed = [candle for candle in candles if candle.close_ms < now_ms]
        moved = movement_of(closed)
        if moved is None:
            few = f"{len(closed)} closed candles of {INTERVAL}, {FEWEST_CANDLES} are needed"
            return replace(facts, troubles=(few,))
        return replace(
            facts,
            atr_percent=moved.atr_percent,
            adx=moved.adx,
            liquidity_usd=self._liquidity(instrument, facts.price, limits),
            candles_age_s=(now_ms - closed[-1].close_ms) / 1000,
        )

    def _liquidity(self, instrument: Instrument, price: Decimal, limits: PairLimits) -> Decimal:
        if instrument.market is Market.FUTURES:
            return self._data.open_interest(instrument) * price
        return self._data.depth(instrument, DEPTH_WITHIN, limits.min_liquidity_usd)


def first_facts(day: DayFigures) -> PairFacts:
    """Return what a listing of all pairs tells of one; an empty book has no spread."""
    middle = (day.bid + day.ask) / 2
    spread = None
    if day.bid > 0 and day.ask > 0:
        spread = (100 * (day.ask - day.bid) / middle).quantize(_PERCENT_PLACES)
    return PairFacts(
        instrument=day.instrument,
        is_trading=day.is_trading,
        price=day.price,
        volume_usd=day.quote_volume,
        spread_percent=spread,
    )


def by_promise(found: Sequence[PairFacts], limits: PairLimits) -> list[PairFacts]:
    """Return pairs in the order in which they are looked at: preferred ones, then the most traded."""
    places = {symbol: place for place, symbol in enumerate(limits.preferred)}

    def key(facts: PairFacts) -> tuple[int, Decimal, str]:
        name = name_of(facts.instrument)
        return places.get(name, len(places)), -(facts.volume_usd or Decimal(0)), name

    return sorted(found, key=key)
