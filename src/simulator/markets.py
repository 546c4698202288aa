"""Chooses and opens the market feed the options ask for."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from simulator.market.feed import MarketError, MarketPast
from simulator.market.files import DataSource
from simulator.market.intervals import MINUTE_MS
from simulator.market.live import BinanceFeed, LiveSettings, open_live_or_synthetic
from simulator.market.live_rest import Closed
from simulator.market.recordings import Stretch
from simulator.market.replay import ReplayFeed
from simulator.market.synthetic import SyntheticFeed
from simulator.options import Options
from simulator.um.market.feed import ContractFeed
from utils.closed_hosts import FOLDER_NAME, user_folders


async def open_market(options: Options, saved: Mapping[str, Any] | None) -> MarketPast:
    """Open the feed; `saved` is what the state folder knows of its market.

    Raises:
        MarketError: bad data, unknown symbols, or a state that belongs to another market.
    """
    if options.market == "replay":
        return _replay(options, saved)
    if options.market == "synthetic":
        return SyntheticFeed(options.symbols, seed=options.seed, start_ms=_now_ms(), resume=_a_minute_back(saved))
    market = await _live(options, saved)
    if saved is not None and market.source == "live":
        _refuse_another(saved, market.state())
    return market


async def _live(options: Options, saved: Mapping[str, Any] | None) -> BinanceFeed | SyntheticFeed:
    own = () if options.state is None else (options.state / FOLDER_NAME,)
    settings = LiveSettings(closures=(*user_folders(), *own), now_ms=_now_ms)
    if options.market == "live":
        try:
            return await BinanceFeed.open(options.symbols, settings)
        except Closed as exc:
            raise MarketError(f"{exc}; start again then, or choose --market synthetic") from exc
    market = await open_live_or_synthetic(
        options.symbols, seed=options.seed, settings=settings, resume=_a_minute_back(saved)
    )
    if market.source == "synthetic" and saved is not None and saved.get("source") != "synthetic":
        raise MarketError(
            f"{market.notices[0]}, but the state folder belongs to the {saved.get('source')} market; "
            "try again when Binance answers, or use another --state folder"
        )
    return market


def _a_minute_back(saved: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Let a resumed synthetic market begin in the minute it was left in, not in the next.

    What that minute had already printed is skipped by the position; else each restart would put market
    time up to a minute further ahead of the wall clock.
    """
    if saved is None or "market_ms" not in saved:
        return saved
    return {**saved, "market_ms": int(saved["market_ms"]) - MINUTE_MS}


def _refuse_another(saved: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    for name, value in own.items():
        if saved.get(name) != value:
            raise MarketError(
                f"the state folder belongs to another market ({name} {saved.get(name)!r}, now {value!r}); "
                "start with the old options or another --state folder"
            )


def open_contracts(options: Options, market: MarketPast, saved: Mapping[str, Any] | None) -> ContractFeed:
    """Open the USD-M side of a market: recorded where `--data` gives files of it, else following spot.

    Raises:
        MarketError: bad data, or a state that belongs to other files.
    """
    own = [source for source in options.sources if source.market == "um"]
    stand_ins = [s.symbol for s in own if s.content == "prices" and s in _spot_sources(options.sources)]
    contracts = ContractFeed(
        market,
        own,
        Stretch(options.from_ms, options.to_ms),
        seed=options.seed,
        shift_ms=market.state().get("shift_ms", 0),
        stand_ins=stand_ins,
    )
    if saved is not None and "futures" in saved:
        _refuse_another(saved["futures"], contracts.state())
    return contracts


def _spot_sources(sources: Sequence[DataSource]) -> list[DataSource]:
    """Return what the spot market is played from: a contract without a spot file stands in for its symbol."""
    prices = [source for source in sources if source.content == "prices"]
    spot = {source.symbol for source in prices if source.market == "spot"}
    return [source for source in prices if source.market == "spot" or source.symbol not in spot]


def _replay(options: Options, saved: Mapping[str, Any] | None) -> ReplayFeed:
    return ReplayFeed.open(
        _spot_sources(options.sources),
        Stretch(options.from_ms, options.to_ms),
        at_ms=_now_ms() if options.at_now else None,
        resume=saved,
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
