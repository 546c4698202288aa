"""Chooses and opens the market feed the options ask for."""

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from simulator.market.feed import MarketPast
from simulator.market.recordings import Stretch
from simulator.market.replay import ReplayFeed
from simulator.market.synthetic import SyntheticFeed
from simulator.options import Options

_LOG: Final = logging.getLogger("simulator")


async def open_market(options: Options, saved: Mapping[str, Any] | None) -> MarketPast:
    """Open the feed; `saved` is what the state folder knows of its market.

    Raises:
        MarketError: bad data, unknown symbols, or a state that belongs to another market.
    """
    if options.market == "replay":
        return _replay(options, saved)
    return _synthetic(options, saved)


def _replay(options: Options, saved: Mapping[str, Any] | None) -> ReplayFeed:
    return ReplayFeed.open(
        options.sources,
        Stretch(options.from_ms, options.to_ms),
        at_ms=_now_ms() if options.at_now else None,
        resume=saved,
    )


def _synthetic(options: Options, saved: Mapping[str, Any] | None) -> SyntheticFeed:
    return SyntheticFeed(options.symbols, seed=options.seed, start_ms=_now_ms(), resume=saved)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
