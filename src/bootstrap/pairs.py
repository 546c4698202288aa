"""The selection of pairs, from the settings."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from adapters.binance.connect import BinanceVenue
from adapters.storage import SqlStore
from bootstrap.usual_grid import usual_grid
from config.settings import Settings
from domain.errors import NotFound, VenueError
from domain.grids import AskedBy, GridRequest
from domain.instrument import Instrument, Market
from grid.autopilot import Autopilot
from grid.control import GridControl
from grid.manager import GridManager
from grid.pair_watch import PairWatch
from grid.selection.deciding import AutopilotRules
from grid.selection.gathering import PairGatherer
from grid.selection.judging import PairLimits
from grid.switching import Switching, SwitchRules
from ports.clock import Clock
from risk.gate import RiskGate

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


def autopilot(
    settings: Settings, control: GridControl, venue: BinanceVenue, clock: Clock, switching: Switching
) -> Autopilot:
    """Return what follows the selection, on the markets that are traded."""
    trading, traded = settings.trading, settings.exchange.supported_markets
    share = trading.market_allocation
    fractions = {Market.SPOT: share.spot_percentage / 100, Market.FUTURES: share.futures_percentage / 100}
    rules = AutopilotRules(
        acts=settings.pair_selection.autopilot,
        most_grids=trading.max_concurrent_pairs,
        capital=trading.capital_per_pair_usd,
        shares=fractions,
        may_switch=trading.allow_market_switching,
        no_transfers=venue.transfers.abstains,
        cooldown_ms=_cooldown_ms(settings),
        interval_ms=round(settings.pair_selection.update_interval_hours * 3_600_000),
    )
    return Autopilot(
        commands=control,
        snapshots=control,
        reader=venue.account,
        markets=[market for market in Market if market in traded],
        rules=rules,
        request_of=lambda instrument: autopilots_grid(settings, instrument),
        switching=switching,
        clock=clock,
    )


def switching(
    settings: Settings,
    control: GridControl,
    manager: GridManager,
    store: SqlStore,
    venue: BinanceVenue,
    gate: RiskGate,
    clock: Clock,
) -> Switching:
    """Return what moves pairs between markets; it goes on with those that were on their way."""
    return Switching(
        store=store.switches,
        transfers=venue.transfers,
        commands=control,
        snapshots=control,
        check=manager.check,
        reader=venue.account,
        positions=venue.futures.positions,
        market_data=venue.market_data,
        gate=gate,
        rules=SwitchRules(
            allowed=settings.trading.allow_market_switching,
            markets=settings.exchange.supported_markets,
            cooldown_ms=_cooldown_ms(settings),
            futures_direction=settings.grid.futures.direction,
        ),
        clock=clock,
    )


def _cooldown_ms(settings: Settings) -> int:
    return round(settings.trading.market_switch_cooldown_minutes * 60_000)


def autopilots_grid(settings: Settings, instrument: Instrument) -> GridRequest:
    """Return the grid that the autopilot asks for: the one of the settings, with as much capital as it counts on."""
    usual = usual_grid(settings, instrument, AskedBy.AUTOPILOT)
    return replace(usual, capital=settings.trading.capital_per_pair_usd)


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
