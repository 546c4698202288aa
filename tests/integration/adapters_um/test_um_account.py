"""Settings, positions and prices of contracts, as the account reads and sets them."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import pairwise

import pytest
from aiohttp import web

from adapters.binance.connect import BinanceVenue
from adapters.binance.directory import Directory
from adapters.binance.futures_account import BinanceFuturesAccount
from adapters.binance.hosts import Addresses, HostGuard
from adapters.binance.io_thread import IoThread
from adapters.binance.transport import Transport
from domain.account import Mode
from domain.errors import Conflict, InvalidRequest, VenueError
from domain.futures import MarginType
from domain.instrument import Instrument, Market
from domain.money import UNIT
from domain.orders import PositionSide, Side
from fakes.exchange_stub import ExchangeStub, Handler
from fakes.um_orders import BTC_PERPETUAL, SIZE, cancel, order_of, price_of, submit
from utils.clock import SystemClock


@pytest.fixture
def plain(venue: BinanceVenue) -> Iterator[BinanceVenue]:
    """Leave margin type and leverage as they were."""
    before = venue.futures.settings(BTC_PERPETUAL)
    yield venue
    for position in venue.futures.positions():
        side = Side.SELL if position.quantity > 0 else Side.BUY
        submit(venue, order_of(None, side, quantity=abs(position.quantity), position_side=position.side))
    venue.futures.set_margin_type(BTC_PERPETUAL, before.margin_type)
    venue.futures.set_leverage(BTC_PERPETUAL, before.leverage)


def test_what_is_so_already_is_success_and_no_change(plain: BinanceVenue) -> None:
    futures = plain.futures
    assert (futures.set_margin_type(BTC_PERPETUAL, MarginType.ISOLATED), futures.set_hedge_mode(True)) == (True, True)
    assert (futures.set_margin_type(BTC_PERPETUAL, MarginType.ISOLATED), futures.set_hedge_mode(True)) == (False, False)
    assert futures.hedge_mode()
    assert [futures.set_leverage(BTC_PERPETUAL, 10).leverage for _ in range(2)] == [10, 10]
    told = futures.settings(BTC_PERPETUAL)
    assert (told.margin_type, told.leverage, told.instrument) == (MarginType.ISOLATED, 10, BTC_PERPETUAL)
    assert futures.set_hedge_mode(False)
    assert not futures.hedge_mode()


def test_orders_and_positions_in_the_way_are_named_with_the_remedy(plain: BinanceVenue) -> None:
    resting = order_of(price_of(plain, "0.97"))
    submit(plain, resting)
    with pytest.raises(Conflict, match="cancel all open orders"):
        plain.futures.set_hedge_mode(True)
    with pytest.raises(Conflict, match="cancel the contract's open orders"):
        plain.futures.set_margin_type(BTC_PERPETUAL, MarginType.ISOLATED)
    cancel(plain, resting.client_id)
    submit(plain, order_of(None))
    with pytest.raises(Conflict, match="close all positions"):
        plain.futures.set_hedge_mode(True)
    with pytest.raises(Conflict, match="close the contract's position"):
        plain.futures.set_margin_type(BTC_PERPETUAL, MarginType.ISOLATED)
    with pytest.raises(InvalidRequest, match="leverage"):
        plain.futures.set_leverage(BTC_PERPETUAL, 500)


def test_positions_are_told_as_held_and_flat_ones_not_at_all(plain: BinanceVenue) -> None:
    assert plain.futures.positions() == ()
    submit(plain, order_of(price_of(plain, "0.97")))
    assert plain.futures.positions(BTC_PERPETUAL) == (), "an order is no position"
    submit(plain, order_of(None, Side.SELL))
    (held,) = plain.futures.positions()
    assert (held.instrument, held.side, held.quantity) == (BTC_PERPETUAL, PositionSide.BOTH, -SIZE)
    assert abs(held.notional - held.quantity * held.mark_price) < UNIT, "the venue rounds to 8 decimals"
    assert held.liquidation_price is None or held.liquidation_price > held.mark_price
    assert 0 < held.maintenance_margin < held.initial_margin
    assert plain.futures.positions(BTC_PERPETUAL)[0].entry_price == held.entry_price


def test_the_largest_position_follows_from_leverage_and_brackets(plain: BinanceVenue) -> None:
    steps = plain.futures.brackets(BTC_PERPETUAL)
    assert steps[0].floor == 0
    for lower, upper in pairwise(steps):
        assert lower.cap == upper.floor
        assert (lower.max_leverage > upper.max_leverage, lower.maintenance_rate < upper.maintenance_rate) == (
            True,
            True,
        )
        at_the_edge = lower.cap * lower.maintenance_rate - lower.deduction
        assert at_the_edge == upper.floor * upper.maintenance_rate - upper.deduction
    settings = plain.futures.set_leverage(BTC_PERPETUAL, steps[1].max_leverage)
    assert settings.max_notional == steps[1].cap


def test_mark_price_and_funding_are_read(venue: BinanceVenue) -> None:
    mark = venue.futures.mark_price(BTC_PERPETUAL)
    assert mark.mark > 0
    assert mark.index > 0
    assert mark.next_funding_ms > mark.at_ms
    rates = venue.futures.funding_rates(BTC_PERPETUAL, 3)
    assert [rate.at_ms for rate in rates] == sorted({rate.at_ms for rate in rates})
    assert all(rate.instrument == BTC_PERPETUAL and abs(rate.rate) < Decimal("0.01") for rate in rates)
    assert venue.futures.funding_payments(BTC_PERPETUAL, mark.at_ms - 1_000) == ()


def test_rules_tickers_and_candles_are_those_of_the_contract(venue: BinanceVenue) -> None:
    rules = venue.market_data.rules(BTC_PERPETUAL)
    assert (rules.tick, rules.lot, rules.min_notional, rules.is_trading) == (
        Decimal("0.1"), Decimal("0.001"), Decimal(100), True,
    )  # fmt: skip
    assert 0 < rules.market_max_quantity < rules.max_quantity
    assert rules.bid_up > 1 > rules.ask_down > 0
    assert (rules.bid_down, rules.ask_up) == (0, 0), "a buy has only a cap there, a sell only a floor"
    (ticker,) = venue.market_data.tickers([BTC_PERPETUAL])
    assert ticker.bid <= ticker.ask
    candles = venue.market_data.candles(BTC_PERPETUAL, "1m", 5)
    assert len(candles) == 5
    assert candles[-1].open_ms - candles[0].open_ms == 4 * 60_000
    assert BTC_PERPETUAL in venue.market_data.instruments(Market.FUTURES, "usdt")


def test_an_unknown_contract_is_the_venues_refusal(venue: BinanceVenue) -> None:
    with pytest.raises(VenueError) as refused:
        venue.futures.mark_price(Instrument("binance", Market.FUTURES, "NO", "SUCH"))
    assert refused.value.code == -1121


def income(number: int) -> dict[str, object]:
    """Return a row as the venue writes it."""
    return {"symbol": "BTCUSDT", "incomeType": "FUNDING_FEE", "income": "-0.37500000", "asset": "USDT", "info": "",
            "time": 1_700_000_000_000 + number, "tranId": 9_007_199_254_740_993 + number, "tradeId": ""}  # fmt: skip


def test_funding_is_read_page_by_page_and_each_payment_once() -> None:
    pages = {"1": [income(number) for number in range(1_000)], "2": [income(999), income(1_000)]}

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/fapi/v1/time":
            return web.json_response({"serverTime": SystemClock().wall_ms()})
        asked = request.query
        assert (asked["symbol"], asked["incomeType"], asked["startTime"]) == ("BTCUSDT", "FUNDING_FEE", "5")
        return web.json_response(pages[asked["page"]])

    with asked_of(handler) as account:
        paid = account.funding_payments(BTC_PERPETUAL, 5)
    assert [payment.id for payment in paid] == [9_007_199_254_740_993 + number for number in range(1_001)]
    assert {(payment.amount, payment.asset) for payment in paid} == {(Decimal("-0.375"), "USDT")}


def test_a_position_in_a_contract_that_we_do_not_trade_is_told_by_the_venues_own_name() -> None:
    quarterly = {"symbol": "BTCUSDT_261225", "positionSide": "BOTH", "positionAmt": "0.010", "entryPrice": "60000",
                 "breakEvenPrice": "60000", "markPrice": "61000", "liquidationPrice": "0", "unRealizedProfit": "10",
                 "notional": "610", "isolatedMargin": "0", "isolatedWallet": "0", "initialMargin": "61",
                 "maintMargin": "2", "marginAsset": "USDT", "updateTime": 1}  # fmt: skip

    async def handler(request: web.Request) -> web.Response:
        answers = {"/fapi/v3/positionRisk": [quarterly], "/fapi/v1/exchangeInfo": {"rateLimits": [], "symbols": []}}
        return web.json_response(answers.get(request.path, {"serverTime": SystemClock().wall_ms()}))

    with asked_of(handler) as account:
        (held,) = account.positions()
    assert held.instrument == Instrument("binance", Market.FUTURES, "BTCUSDT_261225", "USDT")
    assert held.unrealized_profit == 10


@contextmanager
def asked_of(handler: Handler) -> Iterator[BinanceFuturesAccount]:
    """Yield an account at a venue that answers as told."""
    with ExchangeStub(handler) as stub:
        socket = "ws" + stub.url.removeprefix("http")
        addresses = Addresses(spot_rest=stub.url, spot_streams=socket, spot_ws_api=socket, futures_rest=stub.url)
        transport = Transport(
            addresses={Market.FUTURES: stub.url},
            guard=HostGuard(Mode.SHADOW, addresses),
            api_key="key",
            api_secret="secret",
            clock=SystemClock(),
        )
        io = IoThread()
        io.start()
        try:
            io.run(transport.open(), 10)
            io.on_stop(transport.close)
            yield BinanceFuturesAccount(io, transport, Directory(io, transport, SystemClock(), 10))
        finally:
            io.stop()
