"""Universal transfer between the spot and the futures wallet (protocol section 1.5), all or nothing."""

from typing import Final

from simulator.core.errors import ExchangeError
from simulator.core.symbols import NOTIONAL_UNIT, UNIT
from simulator.um.core.contracts import MARGIN_ASSET
from simulator.um.core.events import AccountReason
from simulator.um.core.orders import IncomeRow, IncomeType
from simulator.um.wire.numbers import render_money
from simulator.um.wire.venue import FuturesVenue
from simulator.wire import errors
from simulator.wire.calls import Call

Json = dict[str, object]

TO_FUTURES: Final = "MAIN_UMFUTURE"
TO_SPOT: Final = "UMFUTURE_MAIN"
_LEGACY: Final = {"1": TO_FUTURES, "2": TO_SPOT}
_PAGE_ROWS: Final = 10
_MOST_ROWS: Final = 100
_WEEK_MS: Final = 7 * 86_400_000
_ALL: Final = 2**31


def transfer(venue: FuturesVenue, call: Call) -> Json:
    """Move USDT from one wallet to the other.

    Raises:
        ApiError: -1020 for wallets and assets that this venue does not have, -5013 where there is too little.
    """
    return {"tranId": _moved(venue, call, call.params["type"]).tran_id}


def legacy_transfer(venue: FuturesVenue, call: Call) -> Json:
    """Move USDT by the older call: type 1 into the futures wallet, 2 out of it."""
    return {"tranId": _moved(venue, call, _LEGACY.get(call.params["type"], "")).tran_id}


def transfers(venue: FuturesVenue, call: Call) -> Json:
    """Return the transfers of one direction, newest first; without a start those of the last 7 days."""
    is_inbound = _direction(call.params["type"]) == TO_FUTURES
    start_ms = call.get("startTime", venue.market_ms() - _WEEK_MS)
    rows = venue.exchange.income(
        call.account_id,
        type=IncomeType.TRANSFER,
        start_ms=start_ms,
        end_ms=call.get("endTime"),
        limit=_ALL,
    )
    found = [row for row in reversed(rows) if (row.amount > 0) == is_inbound]
    size = max(1, min(call.get("size", _PAGE_ROWS), _MOST_ROWS))
    first = (max(1, call.get("current", 1)) - 1) * size
    return {"total": len(found), "rows": [_row(row) for row in found[first : first + size]]}


def _moved(venue: FuturesVenue, call: Call, kind: str) -> IncomeRow:
    """Take from the one wallet, which may refuse, and only then give to the other, which cannot."""
    is_inbound = _direction(kind) == TO_FUTURES
    amount: int = call.params["amount"]
    if call.params["asset"] != MARGIN_ASSET:
        raise errors.ApiError(-1020, f"This operation is not supported. The futures wallet holds {MARGIN_ASSET} alone.")
    if amount <= 0:
        raise errors.invalid_data("amount")
    spot, account_id, now_ms = venue.spot.exchange, call.account_id, venue.market_ms()
    try:
        if is_inbound:
            spot.withdraw(account_id, MARGIN_ASSET, amount * (NOTIONAL_UNIT // UNIT))
            return venue.exchange.transfer(account_id, amount, now_ms, reason=AccountReason.DEPOSIT)
        row = venue.exchange.transfer(account_id, -amount, now_ms, reason=AccountReason.WITHDRAW)
    except ExchangeError as refusal:
        raise errors.ApiError(-5013, "Asset transfer failed: insufficient balance") from refusal
    spot.deposit(account_id, MARGIN_ASSET, amount * (NOTIONAL_UNIT // UNIT))
    return row


def _direction(kind: str) -> str:
    if kind not in {TO_FUTURES, TO_SPOT}:
        raise errors.ApiError(
            -1020, f"This operation is not supported. Transfers are {TO_FUTURES} and {TO_SPOT}, not '{kind}'."
        )
    return kind


def _row(row: IncomeRow) -> Json:
    return {
        "asset": MARGIN_ASSET,
        "amount": render_money(abs(row.amount)),
        "type": TO_FUTURES if row.amount > 0 else TO_SPOT,
        "status": "CONFIRMED",
        "tranId": row.tran_id,
        "timestamp": row.time_ms,
    }
