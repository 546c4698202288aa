"""Unmodified clients pointed at a venue of our own."""

import re
from typing import Any

import ccxt.pro

from fakes.simulator_calls import KEY, SECRET
from fakes.venue_process import VenueProcess


def addresses(venue: VenueProcess) -> dict[str, str]:
    """Return what python-binance's clients take as class attributes."""
    spot, futures = venue.ready["spot_url"], venue.ready["futures_url"]
    return {
        "API_URL": f"{spot}/api",
        "MARGIN_API_URL": f"{spot}/sapi",
        "WEBSITE_URL": spot,
        "FUTURES_URL": f"{futures}/fapi",
        "FUTURES_DATA_URL": f"{futures}/futures/data",
        "FUTURES_COIN_URL": f"{futures}/dapi",
        "WS_API_URL": venue.ready["spot_ws_api_url"],
    }


def stream_addresses(venue: VenueProcess) -> dict[str, str]:
    """Return what python-binance's socket manager takes as class attributes."""
    return {"STREAM_URL": f"{venue.ready['spot_ws_url']}/", "FSTREAM_URL": f"{venue.ready['futures_ws_url']}/"}


def ccxt_settings(venue: VenueProcess) -> dict[str, Any]:
    """Point ccxt at the venue; it knows spot streams by the word stream in their address."""
    ready = venue.ready

    def here(url: Any) -> Any:
        if isinstance(url, dict):
            return {name: here(part) for name, part in url.items()}
        side = "futures" if re.search(r"[fd](api|stream)", url) else "spot"
        stream = "/stream" if "//stream" in url else ""
        base = ready[f"{side}_ws_url"] + stream if url.startswith("ws") else ready[f"{side}_url"]
        return re.sub(r"^(http|ws)s?://[^/]+", base, url)

    return {"apiKey": KEY, "secret": SECRET, "urls": {"api": here(ccxt.pro.binance().urls["api"])}}
