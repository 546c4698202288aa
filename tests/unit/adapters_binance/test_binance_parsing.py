"""Wire to domain: exact amounts, whole ids, and the traps of the protocol."""

import gzip
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.binance.parsing import (
    instrument_of,
    parse_candle,
    parse_commission,
    parse_futures_balances,
    parse_order,
    parse_placement_fills,
    parse_report,
    parse_rules,
    parse_spot_balances,
    parse_ticker,
    parse_trade,
    symbol_of,
)
from domain.errors import VenueError
from domain.instrument import Instrument, Market
from domain.orders import OrderType, Side, Status

BTC = Instrument("binance", Market.SPOT, "BTC", "USDT")
amounts = st.decimals(min_value=0, max_value=10**7, places=8).map(lambda value: format(value, "f"))
positive = st.decimals(min_value="0.00000001", max_value=10**5, places=8)


def order_row(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "orderId": 9_007_199_254_740_993,
        "orderListId": -1,
        "clientOrderId": "gh-1",
        "transactTime": 1_700_000_000_001,
        "price": "45000.00000000",
        "origQty": "0.00100000",
        "executedQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "fills": [],
        **changes,
    }


def report(**changes: Any) -> dict[str, Any]:
    return {
        "e": "executionReport",
        "E": 1_700_000_000_002,
        "s": "BTCUSDT",
        "c": "gh-1",
        "S": "BUY",
        "o": "LIMIT_MAKER",
        "f": "GTC",
        "q": "0.00100000",
        "p": "45000.00000000",
        "C": "",
        "x": "NEW",
        "X": "NEW",
        "i": 9_007_199_254_740_993,
        "l": "0.00000000",
        "z": "0.00000000",
        "L": "0.00000000",
        "n": "0",
        "N": None,
        "T": 1_700_000_000_001,
        "t": -1,
        "m": False,
        "Y": "0.00000000",
        **changes,
    }


def test_ids_beyond_the_reach_of_floats_stay_whole() -> None:
    assert parse_order(BTC, order_row()).venue_order_id == 9_007_199_254_740_993
    assert parse_report(BTC, report()).order.venue_order_id == 9_007_199_254_740_993


def test_a_cancel_names_the_order_and_not_the_request() -> None:
    row = order_row(clientOrderId="made-by-venue", origClientOrderId="gh-1", status="CANCELED")
    assert parse_order(BTC, row).client_id == "gh-1"
    told = parse_report(BTC, report(c="made-by-venue", C="gh-1", x="CANCELED", X="CANCELED"))
    assert (told.order.client_id, told.order.status, told.fills) == ("gh-1", Status.CANCELED, ())


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("NEW", Status.OPEN),
        ("PARTIALLY_FILLED", Status.OPEN),
        ("PENDING_CANCEL", Status.OPEN),
        ("FILLED", Status.FILLED),
        ("EXPIRED", Status.EXPIRED),
        ("EXPIRED_IN_MATCH", Status.EXPIRED),
        ("REJECTED", Status.REJECTED),
    ],
)
def test_statuses(word: str, status: Status) -> None:
    assert parse_order(BTC, order_row(status=word)).status is status


@given(price=amounts, quantity=amounts, quote=amounts, commission=amounts)
def test_a_reported_fill_carries_the_venues_own_amounts(price: str, quantity: str, quote: str, commission: str) -> None:
    told = parse_report(
        BTC,
        report(x="TRADE", X="FILLED", L=price, l=quantity, Y=quote, n=commission, N="BNB", t=77, m=True),
    )
    (fill,) = told.fills
    assert (fill.price, fill.quantity, fill.quote_quantity, fill.commission) == tuple(
        Decimal(text) for text in (price, quantity, quote, commission)
    )
    assert (fill.trade_id, fill.is_maker, fill.commission_asset) == (77, True, "BNB")


@given(parts=st.lists(st.tuples(positive, positive), min_size=1, max_size=5))
def test_placement_fills_add_up_to_the_replys_total_exactly(parts: list[tuple[Decimal, Decimal]]) -> None:
    rows = [
        {
            "price": format(p, "f"),
            "qty": format(q, "f"),
            "commission": "0.1",
            "commissionAsset": "BNB",
            "tradeId": i,
        }
        for i, (p, q) in enumerate(parts)
    ]
    total = sum((int(p.scaleb(8)) * int(q.scaleb(8)) for p, q in parts), 0)
    text = f"{total // 10**16}.{total % 10**16:016d}"
    row = order_row(status="FILLED", cummulativeQuoteQty=text, fills=rows)
    order = parse_order(BTC, row)
    fills = parse_placement_fills(order, row)
    assert fills is not None
    assert [fill.quote_quantity for fill in fills] == [
        Decimal(int(p.scaleb(8)) * int(q.scaleb(8))).scaleb(-16) for p, q in parts
    ]
    assert all(not fill.is_maker and fill.time_ms == order.updated_ms for fill in fills)
    off = order_row(status="FILLED", cummulativeQuoteQty=f"1{text}", fills=rows)
    assert parse_placement_fills(order, off) is None, "then the trades are to be read"


def test_a_trade_row() -> None:
    row = {
        "symbol": "BTCUSDT",
        "id": 28457,
        "orderId": 100234,
        "price": "4.00000100",
        "qty": "12.00000000",
        "quoteQty": "48.000012",
        "commission": "10.10000000",
        "commissionAsset": "BNB",
        "time": 1_499_865_549_590,
        "isBuyer": False,
        "isMaker": True,
        "isBestMatch": True,
    }
    fill = parse_trade(BTC, "gh-1", row)
    assert (fill.side, fill.quote_quantity, fill.is_maker) == (Side.SELL, Decimal("48.000012"), True)


def spot_symbol(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": "0.01",
                "maxPrice": "1000000.00",
                "tickSize": "0.01000000",
            },
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001000"},
            {"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": "120.5", "stepSize": "0"},
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": "5",
                "bidMultiplierDown": "0.2",
                "askMultiplierUp": "6",
                "askMultiplierDown": "0.3",
                "avgPriceMins": 5,
            },
            {"filterType": "NOTIONAL", "minNotional": "5.00000000", "maxNotional": "9000000"},
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 150},
        ],
        **changes,
    }


def test_spot_rules_come_from_filters_exactly() -> None:
    rules = parse_rules(BTC, spot_symbol())
    assert (rules.tick, rules.lot, rules.min_notional, rules.max_notional) == (
        Decimal("0.01"),
        Decimal("0.00001"),
        5,
        9_000_000,
    )
    assert (rules.bid_up, rules.bid_down, rules.ask_up, rules.ask_down) == (
        5,
        Decimal("0.2"),
        6,
        Decimal("0.3"),
    )
    assert (rules.market_max_quantity, rules.max_open_orders) == (Decimal("120.5"), 150)


def test_futures_rules_know_a_cap_for_buys_and_a_floor_for_sells() -> None:
    futures = Instrument("binance", Market.FUTURES, "BTC", "USDT")
    filters = [
        *spot_symbol()["filters"][:2],
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": "1.05",
            "multiplierDown": "0.95",
            "multiplierDecimal": "4",
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
    ]
    rules = parse_rules(futures, spot_symbol(filters=filters))
    assert (rules.min_notional, rules.bid_up, rules.bid_down, rules.ask_up, rules.ask_down) == (
        100,
        Decimal("1.05"),
        0,
        0,
        Decimal("0.95"),
    )


def test_a_missing_filter_is_named() -> None:
    with pytest.raises(VenueError, match="LOT_SIZE"):
        parse_rules(BTC, spot_symbol(filters=spot_symbol()["filters"][:1]))


def test_fee_rates_sum_what_is_charged_and_leave_the_discount_out() -> None:
    row = {
        "standardCommission": {"maker": "0.00100000", "taker": "0.00120000", "buyer": "0", "seller": "0.0001"},
        "specialCommission": {"maker": "0.00010000", "taker": "0", "buyer": "0", "seller": "0"},
        "taxCommission": {"maker": "0.00000112", "taker": "0.00000114", "buyer": "0", "seller": "0"},
        "discount": {"enabledForAccount": True, "discount": "0.25"},
    }
    rates = parse_commission(row)
    assert (rates.maker, rates.taker) == (Decimal("0.00120112"), Decimal("0.00130114"))


def test_balances() -> None:
    (spot,) = parse_spot_balances([{"asset": "BTC", "free": "1.50000000", "locked": "0.5"}])
    assert spot.total == 2
    (futures,) = parse_futures_balances([{"asset": "USDT", "balance": "100.5", "availableBalance": "60.25"}])
    assert (futures.free, futures.locked) == (Decimal("60.25"), Decimal("40.25"))
    (profit,) = parse_futures_balances([{"asset": "USDT", "balance": "100", "availableBalance": "160"}])
    assert (profit.free, profit.locked) == (100, 0)


def test_candles_and_tickers() -> None:
    candle = parse_candle([1, "2", "4", "1", "3", "10.5", 60_000, "31.5", 7, "1", "2", "0"])
    assert (candle.open_ms, candle.close_ms, candle.high, candle.trades) == (1, 60_000, 4, 7)
    row = {
        "lastPrice": "3",
        "volume": "1",
        "quoteVolume": "3",
        "priceChangePercent": "-1.5",
        "highPrice": "4",
        "lowPrice": "2",
    }
    ticker = parse_ticker(BTC, row, {"bidPrice": "2.9", "askPrice": "3.1"})
    assert (ticker.change_percent, ticker.bid, ticker.ask) == (Decimal("-1.5"), Decimal("2.9"), Decimal("3.1"))


RECORDED = os.environ.get("GRIDHIVE_TEST_DATA")


@pytest.mark.skipif(RECORDED is None, reason="GRIDHIVE_TEST_DATA names no folder of recorded data")
@pytest.mark.parametrize(
    ("market", "told", "settles_ms"),
    [
        (Market.FUTURES, {"deliveryDate": 4_133_404_800_000}, 0),
        (Market.FUTURES, {"deliveryDate": 1_800_000_000_000}, 1_800_000_000_000),
        (Market.FUTURES, {}, 0),
        (Market.SPOT, {"deliveryDate": 1_800_000_000_000}, 0),
    ],
)
def test_a_contract_ends_when_its_delivery_date_is_no_longer_that_of_the_year_2100(market, told, settles_ms) -> None:
    rules = parse_rules(Instrument("binance", market, "BTC", "USDT"), spot_symbol() | told)
    assert rules.settles_ms == settles_ms


@pytest.mark.parametrize(
    ("name", "market"),
    [
        ("exchangeinfo_spot_20230908.json.gz", Market.SPOT),
        ("exchangeinfo_spot_testnet_20240908.json.gz", Market.SPOT),
        ("exchangeinfo_um_testnet_20251126.json.gz", Market.FUTURES),
    ],
)
def test_every_recorded_symbol_has_rules(name: str, market: Market) -> None:
    file = Path(str(RECORDED)) / "exchange" / name
    rows = json.loads(gzip.decompress(file.read_bytes()))["symbols"]
    parsed = odd = 0
    for row in rows:
        if market is Market.FUTURES and row.get("contractType") != "PERPETUAL":
            continue
        instrument = instrument_of(market, row)
        if symbol_of(instrument) != row["symbol"]:
            odd += 1
            continue
        if row["status"] == "TRADING":
            assert parse_rules(instrument, row).tick > 0
            parsed += 1
    assert parsed > 0
    assert odd <= 1, "almost every symbol is its two assets"


def test_a_tick_of_zero_makes_no_sense() -> None:
    filters = [{**entry, "tickSize": "0"} if "tickSize" in entry else entry for entry in spot_symbol()["filters"]]
    with pytest.raises(VenueError, match="make no sense"):
        parse_rules(BTC, spot_symbol(filters=filters))


def test_types_beyond_ours_are_refused_loudly() -> None:
    with pytest.raises(ValueError, match="STOP_LOSS"):
        parse_order(BTC, order_row(type="STOP_LOSS"))
    assert parse_order(BTC, order_row(type="MARKET")).type is OrderType.MARKET
