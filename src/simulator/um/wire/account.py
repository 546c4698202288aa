"""What an account holds and may do on USD-M (protocol section 1.8)."""

from collections.abc import Iterator
from typing import Final

from simulator.um.core.contracts import ContractSpec
from simulator.um.core.orders import IncomeType
from simulator.um.core.views import PositionView
from simulator.um.wire import account_shapes as shapes
from simulator.um.wire.queries import rows_wanted, week
from simulator.um.wire.venue import FuturesVenue
from simulator.wire.calls import Call
from simulator.wire.numbers import render_ppm

Json = dict[str, object]

_INCOME_ROWS: Final = 100


def account_v2(venue: FuturesVenue, call: Call) -> Json:
    view = venue.exchange.account(call.account_id)
    return shapes.account_v2(view, _positions(venue, call), fee_burn=False)


def account_v3(venue: FuturesVenue, call: Call) -> Json:
    view = venue.exchange.account(call.account_id)
    return shapes.account_v3(view, _held(venue, call))


def balances(venue: FuturesVenue, call: Call) -> list[Json]:
    return [shapes.balance_row(venue.exchange.account(call.account_id), call.account_id[:16])]


def risk_v2(venue: FuturesVenue, call: Call) -> list[Json]:
    """Return every position, flat ones too."""
    return [shapes.risk_v2(position, spec) for position, spec in _positions(venue, call)]


def risk_v3(venue: FuturesVenue, call: Call) -> list[Json]:
    """Return the positions that are not flat or have open orders."""
    return [shapes.risk_v3(position, spec) for position, spec in _held(venue, call)]


def account_config(venue: FuturesVenue, call: Call) -> Json:
    return {
        "feeTier": shapes.FEE_TIER,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": venue.exchange.hedge_mode(call.account_id),
        "updateTime": venue.exchange.account(call.account_id).update_ms,
        "multiAssetsMargin": False,
        "tradeGroupId": shapes.NO_GROUP,
    }


def symbol_config(venue: FuturesVenue, call: Call) -> list[Json]:
    return [
        shapes.symbol_config(venue.exchange.symbol_config(call.account_id, symbol)) for symbol in _symbols(venue, call)
    ]


def brackets(venue: FuturesVenue, call: Call) -> list[Json]:
    return [shapes.brackets(venue.spec(symbol)) for symbol in _symbols(venue, call)]


def commission(venue: FuturesVenue, call: Call) -> Json:
    maker_ppm, taker_ppm = venue.exchange.commission(call.account_id)
    return {
        "symbol": venue.require(call.params["symbol"]),
        "makerCommissionRate": render_ppm(maker_ppm),
        "takerCommissionRate": render_ppm(taker_ppm),
    }


def income(venue: FuturesVenue, call: Call) -> list[Json]:
    """Return what moved the wallet; nothing for kinds of income that this venue does not have."""
    symbol, kind = call.get("symbol"), call.get("incomeType")
    if kind is not None and kind not in tuple(IncomeType):
        return []
    rows = venue.exchange.income(
        call.account_id,
        symbol=venue.require(symbol) if symbol else None,
        type=IncomeType(kind) if kind else None,
        start_ms=call.get("startTime"),
        end_ms=call.get("endTime"),
        page=max(1, call.get("page", 1)),
        limit=rows_wanted(call, _INCOME_ROWS),
    )
    return [shapes.income_row(row) for row in rows]


def margin_changes(venue: FuturesVenue, call: Call) -> list[Json]:
    kind = call.get("type")
    rows = venue.exchange.margin_changes(
        call.account_id,
        venue.require(call.params["symbol"]),
        adds=None if kind is None else kind == shapes.ADD,
        **week(call),
        limit=rows_wanted(call),
    )
    return [shapes.margin_change(row) for row in rows]


def order_counts(venue: FuturesVenue, _call: Call) -> list[Json]:
    return venue.limits.order_rows()


def _symbols(venue: FuturesVenue, call: Call) -> list[str]:
    symbol = call.get("symbol")
    return [venue.require(symbol)] if symbol else list(venue.symbols)


def _positions(venue: FuturesVenue, call: Call) -> Iterator[tuple[PositionView, ContractSpec]]:
    symbol = call.get("symbol")
    for position in venue.exchange.positions(call.account_id, venue.require(symbol) if symbol else None):
        yield position, venue.spec(position.symbol)


def _held(venue: FuturesVenue, call: Call) -> list[tuple[PositionView, ContractSpec]]:
    busy = {order.symbol for order in venue.exchange.open_orders(call.account_id)}
    return [
        (position, spec) for position, spec in _positions(venue, call) if position.quantity or position.symbol in busy
    ]
