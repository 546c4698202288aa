"""The selection of pairs, from the settings."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from adapters.binance.connect import BinanceVenue
from config.settings import Settings
from domain.errors import NotFound, VenueError
from domain.instrument import Instrument, Market
from grid.pair_watch import PairWatch
from grid.selection.gathering import PairGatherer
from grid.selection.judging import PairLimits
from ports.clock import Clock

log = logging.getLogger(__name__)

_MOST_WATCHED: Final = 10


def pair_watch(settings: Settings, venue: BinanceVenue, clock: Clock) -> PairWatch:
    """Return what selects pairs; it does not run yet."""
    gatherer = PairGatherer(venue.pairs, venue.market_data, clock, pair_limits(settings))
    return PairWatch(gatherer.select, clock, every_s=float(settings.pair_selection.update_interval_hours) * 3600)


def pair_limits(settings: Settings) -> Mapping[Market, PairLimits]:
    """Return what is asked of the pairs of each market that is traded."""
    wanted = settings.pair_selection
    least = {
        Market.SPOT: wanted.spot_pairs.min_liquidity_depth,
        Market.FUTURES: wanted.futures_pairs.min_open_interest_usd,
    }
    return {
        market: PairLimits(
            market=market,
            min_volume_usd=wanted.min_volume_usd_24h,
            min_atr_percent=wanted.min_atr_perc_24h,
            max_adx=wanted.max_adx,
            max_spread_percent=wanted.max_spread_perc,
            min_liquidity_usd=least[market],
            blacklist=frozenset(wanted.blacklist),
            preferred=preferred(settings)[market],
        )
        for market in Market
        if market in settings.exchange.supported_markets
    }


def preferred(settings: Settings) -> Mapping[Market, tuple[str, ...]]:
    wanted = settings.pair_selection
    return {
        Market.SPOT: wanted.spot_pairs.preferred_symbols,
        Market.FUTURES: wanted.futures_pairs.preferred_symbols,
    }


class WatchedPairs:
    """The preferred instruments that the markets list, and what the newest selection accepts; none that is unknown."""

    def __init__(
        self,
        symbols: Mapping[Market, Sequence[str]],
        venue: BinanceVenue,
        accepted: Callable[[Market], tuple[Instrument, ...]],
    ) -> None:
        self._symbols, self._venue, self._accepted = dict(symbols), venue, accepted
        self._found: dict[Market, tuple[Instrument, ...]] = {}

    def __call__(self) -> tuple[Instrument, ...]:
        return tuple(it for market in self._symbols for it in (*self._listed(market), *self._chosen(market)))

    def _chosen(self, market: Market) -> tuple[Instrument, ...]:
        return self._accepted(market)[:_MOST_WATCHED]

    def _listed(self, market: Market) -> tuple[Instrument, ...]:
        if market not in self._found:
            found = []
            for symbol in self._symbols[market]:
                try:
                    found.append(self._venue.market_data.instrument(symbol, market))
                except NotFound:
                    log.info("%s is preferred but not listed on %s here", symbol, market)
                except VenueError:
                    return ()
            self._found[market] = tuple(found)
        return self._found[market]
