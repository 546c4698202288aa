"""Choosing pairs: what is read of them in bulk, and what is shown and commanded of the choice."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from domain.instrument import Instrument, Market
from domain.pairs import MarketShare, Proposal, Selection
from domain.switches import Switch


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """The last 24 hours of one pair, from a listing of all of them. Amounts in quote; 0 where the book is empty."""

    instrument: Instrument
    is_trading: bool
    price: Decimal
    quote_volume: Decimal
    bid: Decimal
    ask: Decimal


class PairData(Protocol):
    """Reading many pairs cheaply. These calls block and may raise `VenueError`."""

    def day_figures(self, market: Market) -> tuple[DayFigures, ...]:
        """Return all pairs that the market lists, in one request or two."""

    def depth(self, instrument: Instrument, within: Decimal, enough: Decimal) -> Decimal:
        """Return what bids and asks within a fraction of the middle price are worth, in quote, or a part of that.

        It reads no deeper than `enough` asks for, nor than the venue shows.
        """

    def open_interest(self, instrument: Instrument) -> Decimal:
        """Return what all open positions of a contract add up to, in base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsShown:
    """The choice at one moment. `age_s` is that of the oldest fact; None before the first selection.

    `next_ms` is the market time of the next one, `stale` whether the newest is too old to act upon. `autopilot` tells
    whether `proposals` are done or only told.
    """

    selection: Selection | None
    age_s: float | None
    stale: bool
    next_ms: int | None
    is_looking: bool
    trouble: str
    autopilot: bool = False
    proposals: tuple[Proposal, ...] = ()
    shares: tuple[MarketShare, ...] = ()
    switches: tuple[Switch, ...] = ()


class Pairs(Protocol):
    """The selection of one account's pairs."""

    def shown(self) -> PairsShown: ...

    def refresh(self) -> None:
        """Select anew soon, instead of at the next interval."""

    def switch(self, source: Instrument, to: Market) -> Switch:
        """Have the pair of a running grid move to another market; returns once that is stored.

        Raises:
            NotFound: if no grid runs on `source`, or the other market does not list the pair.
            InvalidRequest: if its grid would not pass preflight there, funds aside.
            Conflict: if switching is off, too soon, under way, or no funds can be moved here.
            VenueError: if the venue does not answer.
        """
