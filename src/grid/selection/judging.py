"""Whether a pair suits a grid, and how well. Pure; a fact that is missing or too old excludes the pair."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from domain.instrument import Instrument, Market
from domain.money import plain
from domain.pairs import Against, Candidate, PairFacts, Reason

OLDEST_FACT_S: Final = 900.0
OLDEST_CANDLE_S: Final = 5 * 3600.0
"""A candle of four hours, and an hour in which the venue may be late with it."""

_WEIGHTS: Final = {"volume": 25, "atr": 25, "adx": 25, "liquidity": 15, "spread": 10}
_FULL_RATIO: Final = 100.0
"""Volume and liquidity of a hundred times the least one score as high as can be."""
_FULL_ATR: Final = 3.0
_HUNDREDTH: Final = Decimal("0.01")
_PLACES: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class PairLimits:
    """What a pair of one market must have: the section `pair_selection` of the settings. Symbols as BTCUSDT."""

    market: Market
    min_volume_usd: Decimal
    min_atr_percent: Decimal
    max_adx: Decimal
    max_spread_percent: Decimal
    min_liquidity_usd: Decimal
    blacklist: frozenset[str] = frozenset()
    preferred: tuple[str, ...] = ()


def name_of(instrument: Instrument) -> str:
    return f"{instrument.base}{instrument.quote}"


def at_first_sight(facts: PairFacts, limits: PairLimits) -> tuple[Reason, ...]:
    """Return what speaks against a pair by the figures of the day alone, which cost next to nothing."""
    against = []
    if name_of(facts.instrument) in limits.blacklist:
        against.append(Reason(Against.BLACKLISTED))
    if not facts.is_trading:
        against.append(Reason(Against.NOT_TRADING))
    against += _at_least(Against.VOLUME, "volume", facts.volume_usd, limits.min_volume_usd)
    against += _at_most(Against.SPREAD, "spread", facts.spread_percent, limits.max_spread_percent)
    return tuple(against)


def judge(facts: PairFacts, limits: PairLimits, age_s: float) -> Candidate:
    """Return the pair with its score, or with every reason against it.

    Args:
        facts: of the pair.
        limits: of its market.
        age_s: how long ago the oldest of the facts was read.
    """
    against = [*at_first_sight(facts, limits)]
    if facts.troubles:
        against += [Reason(Against.MISSING, {"fact": trouble}) for trouble in facts.troubles]
    else:
        against += _at_close_look(facts, limits)
    against += _too_old("24h ticker", age_s, OLDEST_FACT_S)
    return Candidate(
        facts=facts,
        is_preferred=name_of(facts.instrument) in limits.preferred,
        score=None if against else score(facts, limits),
        against=tuple(against),
    )


def _at_close_look(facts: PairFacts, limits: PairLimits) -> list[Reason]:
    is_spot = limits.market is Market.SPOT
    word, fact = (Against.DEPTH, "depth") if is_spot else (Against.OPEN_INTEREST, "open interest")
    age_s = math.inf if facts.candles_age_s is None else facts.candles_age_s
    return [
        *_at_least(Against.ATR, "ATR", facts.atr_percent, limits.min_atr_percent),
        *_at_most(Against.ADX, "ADX", facts.adx, limits.max_adx),
        *_at_least(word, fact, facts.liquidity_usd, limits.min_liquidity_usd),
        *_too_old("candles", age_s, OLDEST_CANDLE_S),
    ]


def refused(facts: PairFacts, limits: PairLimits, against: Iterable[Reason]) -> Candidate:
    """Return a pair that was not looked at any closer."""
    preferred = name_of(facts.instrument) in limits.preferred
    return Candidate(facts=facts, is_preferred=preferred, score=None, against=tuple(against))


def score(facts: PairFacts, limits: PairLimits) -> Decimal:
    """Return how well a pair with all its facts suits, 0 to 100; it is no money, so binary floats will do.

    Volume, range and liquidity count by how far they exceed what is asked for, trend and spread by how far they stay
    below it. A limit of 0 asks for nothing, so its fact counts in full.
    """
    parts = {
        "volume": _logarithmic(facts.volume_usd, limits.min_volume_usd),
        "atr": _linear(facts.atr_percent, limits.min_atr_percent),
        "adx": _below(facts.adx, limits.max_adx),
        "liquidity": _logarithmic(facts.liquidity_usd, limits.min_liquidity_usd),
        "spread": _below(facts.spread_percent, limits.max_spread_percent),
    }
    total = sum(_WEIGHTS[name] * part for name, part in parts.items())
    return Decimal(repr(total)).quantize(_HUNDREDTH, ROUND_HALF_UP)


def ordered(candidates: Sequence[Candidate], limits: Iterable[PairLimits]) -> tuple[Candidate, ...]:
    """Return accepted pairs first: preferred ones in the order of the settings, others by score; then the refused."""
    places = {(it.market, name): place for it in limits for place, name in enumerate(it.preferred)}

    def key(candidate: Candidate) -> tuple[bool, int, Decimal, Decimal, str]:
        instrument = candidate.instrument
        place = places.get((instrument.market, name_of(instrument)), len(places))
        return (
            not candidate.is_accepted,
            place if candidate.is_accepted else 0,
            -(candidate.score or Decimal(0)),
            -(candidate.facts.volume_usd or Decimal(0)),
            instrument.id,
        )

    return tuple(sorted(candidates, key=key))


def _at_least(word: Against, fact: str, value: Decimal | None, least: Decimal) -> list[Reason]:
    if value is None:
        return [Reason(Against.MISSING, {"fact": fact})]
    return [] if value >= least else [Reason(word, {"value": _told(value), "limit": _told(least)})]


def _at_most(word: Against, fact: str, value: Decimal | None, most: Decimal) -> list[Reason]:
    if value is None:
        return [Reason(Against.MISSING, {"fact": fact})]
    return [] if value <= most else [Reason(word, {"value": _told(value), "limit": _told(most)})]


def _told(value: Decimal) -> str:
    return f"{value:.0f}" if value >= 1000 else plain(value.quantize(_PLACES).normalize())


def _too_old(fact: str, age_s: float, most_s: float) -> list[Reason]:
    if age_s <= most_s:
        return []
    return [Reason(Against.STALE, {"fact": fact, "age": f"{age_s:.0f}", "limit": f"{most_s:.0f}"})]


def _logarithmic(value: Decimal | None, least: Decimal) -> float:
    if least <= 0:
        return 1.0
    ratio = float((value or least) / least)
    return min(1.0, max(0.0, math.log(max(ratio, 1.0)) / math.log(_FULL_RATIO)))


def _linear(value: Decimal | None, least: Decimal) -> float:
    if least <= 0:
        return 1.0
    return min(1.0, max(0.0, (float((value or least) / least) - 1.0) / (_FULL_ATR - 1.0)))


def _below(value: Decimal | None, most: Decimal) -> float:
    return max(0.0, 1.0 - float((value or Decimal(0)) / most)) if most > 0 else 0.0
