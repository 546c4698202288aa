"""Pairs as candidates for a grid: what is known of each, and what was made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from domain.instrument import Instrument, Market


class Against(StrEnum):
    """Why a pair is not selected. Each word is a sentence of its own in the API, filled with `Reason.values`."""

    BLACKLISTED = "blacklisted"
    NOT_TRADING = "not_trading"
    VOLUME = "volume"
    SPREAD = "spread"
    ATR = "atr"
    ADX = "adx"
    DEPTH = "depth"
    OPEN_INTEREST = "open_interest"
    MISSING = "missing"  # a fact that could not be read
    STALE = "stale"  # a fact that is too old
    NOT_LOOKED_AT = "not_looked_at"  # better candidates took the places of the short list


UNKNOWN = frozenset({Against.MISSING, Against.STALE, Against.NOT_LOOKED_AT})
"""Reasons that say nothing about the pair itself: it is not begun with, and not given up either."""


class HeldBack(StrEnum):
    """Why what is proposed is not done, in the API as `Against`."""

    ADVICE = "advice"  # the autopilot is off
    FULL = "full"
    ALLOCATION = "allocation"
    FUNDS = "funds"
    UNKNOWN_WALLET = "unknown_wallet"
    COOLDOWN = "cooldown"
    TRANSFERS = "transfers"
    ENDED_SINCE = "ended_since"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason with the numbers that belong to it, as texts."""

    word: Against | HeldBack
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFacts:
    """What was read of one pair. None: not read, and `troubles` says why, where anything does.

    Attributes:
        volume_usd: traded value of the last 24 hours.
        spread_percent: gap between best bid and ask, percent of the middle price.
        atr_percent: average true range of a day, percent of the last price.
        adx: 0 to 100.
        liquidity_usd: spot: bids and asks within 2 percent of the middle, at least so much; futures: open interest.
        candles_age_s: how long ago the newest closed candle closed, in seconds of market time.
    """

    instrument: Instrument
    is_trading: bool
    price: Decimal
    volume_usd: Decimal | None = None
    spread_percent: Decimal | None = None
    atr_percent: Decimal | None = None
    adx: Decimal | None = None
    liquidity_usd: Decimal | None = None
    candles_age_s: float | None = None
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One pair as judged. `score` is 0 to 100 and None for a pair that was refused; `against` is empty if accepted."""

    facts: PairFacts
    is_preferred: bool
    score: Decimal | None
    against: tuple[Reason, ...]

    @property
    def instrument(self) -> Instrument:
        return self.facts.instrument

    @property
    def is_accepted(self) -> bool:
        return not self.against


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketLook:
    """How one market was read. `trouble` says why it was not; `unlisted` are preferred symbols it does not have."""

    market: Market
    listed: int = 0
    looked_at: int = 0
    unlisted: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """All candidates at one moment, accepted ones first, best first; then the others by volume.

    `taken_ms` is market time, `read_s` the monotonic time at which the oldest fact was read.
    """

    taken_ms: int
    read_s: float
    candidates: tuple[Candidate, ...]
    markets: tuple[MarketLook, ...]

    @property
    def accepted(self) -> tuple[Candidate, ...]:
        return tuple(candidate for candidate in self.candidates if candidate.is_accepted)


class Act(StrEnum):
    """What is to be done about a pair."""

    OPEN = "open"
    END = "end"
    SWITCH = "switch"  # to the other market


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One step towards the selection. `target` is where a switch leads; `held_back` says why it is not done."""

    act: Act
    instrument: Instrument
    target: Instrument | None = None
    held_back: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketShare:
    """The part of one market in what all grids may use, in USDT. `free` is what its wallet has that no grid counts on.

    None: the wallet could not be read, `trouble` why.
    """

    market: Market
    fraction: Decimal
    budget: Decimal | None
    used: Decimal
    free: Decimal | None
    trouble: str = ""
