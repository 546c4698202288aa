"""Starting, renewing and closing the user stream (protocol section 1.8)."""

from simulator.um.wire.venue import FuturesVenue
from simulator.wire.calls import Call

Json = dict[str, object]


def start(venue: FuturesVenue, call: Call) -> Json:
    """Return the account's key, renewed; a new one where it has none."""
    return {"listenKey": venue.listen_keys.obtain(call.account_id)}


def renew(venue: FuturesVenue, call: Call) -> Json:
    """Renew the key; -1125 where it has expired or was closed by another process."""
    return {"listenKey": venue.listen_keys.renew(call.account_id, call.get("listenKey"))}


def close(venue: FuturesVenue, call: Call) -> Json:
    """Close the key for every process of the account."""
    venue.listen_keys.close(call.account_id, call.get("listenKey"))
    return {}
