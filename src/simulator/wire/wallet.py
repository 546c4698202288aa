"""Wallet (sapi) calls that clients make at start-up, and the fees."""

from simulator.faults.kinds import FaultKind
from simulator.wire.calls import Call
from simulator.wire.numbers import render_money, render_ppm
from simulator.wire.venue import Venue

Json = dict[str, object]


def system_status(venue: Venue, call: Call) -> Json:
    """Return 1 while a gateway or maintenance fault is armed: maintenance is announced here."""
    down = any(venue.faults.is_armed(kind, call.server_ms) for kind in (FaultKind.GATEWAY, FaultKind.MAINTENANCE))
    return {"status": 1, "msg": "system_maintenance"} if down else {"status": 0, "msg": "normal"}


def trade_fee(venue: Venue, call: Call) -> list[Json]:
    wanted = call.get("symbol")
    names = [venue.require(wanted)] if wanted else venue.symbols
    maker_ppm, taker_ppm, _ = venue.exchange.commission(call.account_id)
    maker, taker = render_ppm(maker_ppm), render_ppm(taker_ppm)
    return [{"symbol": name, "makerCommission": maker, "takerCommission": taker} for name in names]


def user_assets(venue: Venue, call: Call) -> list[Json]:
    wanted = call.get("asset")
    return [
        {
            "asset": asset,
            "free": render_money(held.free),
            "locked": render_money(held.locked),
            "freeze": "0",
            "withdrawing": "0",
            "ipoable": "0",
            "btcValuation": "0",
        }
        for asset, held in venue.exchange.balances(call.account_id).items()
        if (held.free or held.locked) and wanted in {None, asset}
    ]


def bnb_burn(venue: Venue, call: Call) -> Json:
    _, _, pays_in_bnb = venue.exchange.commission(call.account_id)
    return {"spotBNBBurn": pays_in_bnb, "interestBNBBurn": False}


def api_restrictions(_venue: Venue, _call: Call) -> Json:
    return {
        "ipRestrict": False,
        "createTime": 0,
        "enableReading": True,
        "enableSpotAndMarginTrading": True,
        "enableFutures": True,
        "enableWithdrawals": False,
        "permitsUniversalTransfer": True,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableVanillaOptions": False,
        "enablePortfolioMarginTrading": False,
    }


def account_status(_venue: Venue, _call: Call) -> Json:
    return {"data": "Normal"}


def trading_status(_venue: Venue, call: Call) -> Json:
    return {
        "data": {
            "isLocked": False,
            "plannedRecoverTime": 0,
            "triggerCondition": {"GCR": 150, "IFER": 150, "UFR": 300},
            "updateTime": call.server_ms,
        }
    }
