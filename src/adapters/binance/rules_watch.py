"""Filters and status change while grids run: the venue is asked again, and who watches a symbol hears of it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from adapters.binance.directory import NOT_LISTED, RELOAD_S, Directory
from adapters.binance.watchers import Watchers
from domain.errors import VenueError
from domain.events import RulesChanged
from domain.instrument import Instrument, InstrumentRules, Market
from ports.market_data import Inbox

LOG: Final = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0
HALTED_S: Final = 30.0
"""How often a market is read in which a watched symbol does not trade, or which could not be read yet."""
DOUBTED_S: Final = 5.0
"""How soon after the last reading a refusal by a rule has the rules read anew (weight 20)."""
CHANGED_S: Final = 60.0
"""How often a market is read whose rules are other than at first: orders that heed them raise no refusal."""


class RulesWatch:
    """The rules of one market's watched symbols. Lives on the I/O loop."""

    def __init__(
        self,
        directory: Directory,
        watchers: Watchers,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        market: Market = Market.SPOT,
    ) -> None:
        self._directory, self._watchers, self._sleep, self._market = directory, watchers, sleep, market
        self._told: dict[Instrument, InstrumentRules] = {}
        self._first: dict[Instrument, InstrumentRules] = {}

    async def run(self) -> None:
        """Read and tell, for ever."""
        while True:
            await self._sleep(LOOK_EVERY_S)
            if not len(self._watchers):
                continue
            if self._is_due():
                try:
                    await self._directory.refresh(self._market)
                except VenueError as e:
                    LOG.warning("the rules could not be read anew, next attempt in %g s: %s", HALTED_S, e)
                    await self._sleep(HALTED_S)
                    continue
            self.tell_all()

    def tell(self, instrument: Instrument, inbox: Inbox) -> None:
        """Tell one who begins to watch what is known now."""
        rules = self._known(instrument)
        if rules is not None:
            self._told[instrument] = rules
            self._first.setdefault(instrument, rules)
            inbox.order(RulesChanged(instrument, rules))

    def tell_all(self) -> None:
        """Tell those whose symbol's rules are other than last told."""
        for symbol in list(self._watchers):
            instrument = self._watchers.instrument(symbol)
            rules = None if instrument is None else self._known(instrument)
            if instrument is None or rules is None or rules == self._told.get(instrument):
                continue
            changed = _changes(self._told.get(instrument), rules)
            self._told[instrument] = rules
            LOG.warning("the rules of %s changed: %s", symbol, changed)
            self._watchers.order(symbol, RulesChanged(instrument, rules))

    def _is_due(self) -> bool:
        age_s = self._directory.age_s(self._market)
        if self._directory.is_doubted(self._market):
            return age_s >= DOUBTED_S
        watched = [rules for rules in self._told.values() if self._is_watched(rules.instrument)]
        if any(not rules.is_trading for rules in watched):
            return age_s >= HALTED_S
        changed = any(self._first.get(rules.instrument, rules) != rules for rules in watched)
        return age_s >= (CHANGED_S if changed else RELOAD_S)

    def _is_watched(self, instrument: Instrument) -> bool:
        return any(self._watchers.instrument(symbol) == instrument for symbol in self._watchers)

    def _known(self, instrument: Instrument) -> InstrumentRules | None:
        """Return the rules as last read; of a symbol that is no longer listed those told before."""
        try:
            rules = self._directory.last_rules(instrument)
        except VenueError as e:
            LOG.warning("the rules of %s cannot be used: %s", instrument, e)
            return None
        told = self._told.get(instrument)
        if rules is None and told is not None and self._directory.last_read(self._market):
            return replace(told, status=NOT_LISTED)
        return rules


def _changes(before: InstrumentRules | None, now: InstrumentRules) -> str:
    """Return what differs, e.g. `tick 0.01 -> 0.1`; everything where nothing was told before."""
    values = {name: (getattr(before, name, None), getattr(now, name)) for name in now.__dataclass_fields__}
    return ", ".join(f"{name} {old} -> {new}" for name, (old, new) in values.items() if old != new)
