import asyncio
from collections.abc import Iterator
from decimal import Decimal
from threading import Thread

import pytest

from adapters.binance.connect import BinanceVenue, connect
from domain.account import Mode
from domain.errors import (
    InvalidRequest,
    KeyRefused,
    NotFound,
    OrderRejected,
    OrderUnknown,
    OutcomeUnknown,
    Unreachable,
    VenueError,
)
from domain.instrument import Instrument, Market
from fakes.venue_process import KEY, SECRET, VenueProcess
from utils.api_client import APIClient, ClientAddresses
from utils.async_client import AsyncAPIClient
from utils.clock import SystemClock

SPOT, FUTURES = Market.SPOT, Market.FUTURES


def test_symbols_are_translated_both_ways(venue: BinanceVenue) -> None:
    data = venue.market_data
    btc = data.instrument("BTCUSDT", SPOT)
    assert btc == data.instrument("btc/usdt", SPOT) == Instrument("binance", SPOT, "BTC", "USDT")
    assert data.symbol(btc) == "BTCUSDT"
    assert btc in data.instruments(SPOT, "USDT")
    assert data.instruments(SPOT, "EUR") == ()
    with pytest.raises(NotFound, match="NOSUCH"):
        data.instrument("NOSUCH", SPOT)


def test_rules_tickers_and_candles_are_exact(venue: BinanceVenue) -> None:
    data = venue.market_data
    pairs = data.instruments(SPOT)
    tickers = data.tickers(tuple(reversed(pairs)))
    assert tuple(ticker.instrument for ticker in tickers) == tuple(reversed(pairs))
    for ticker in tickers:
        rules = data.rules(ticker.instrument)
        assert rules.is_trading
        assert rules.price(rules.ticks(ticker.price)) == ticker.price
        assert ticker.low <= ticker.price <= ticker.high
        assert ticker.bid < ticker.ask
    candles = data.candles(pairs[0], "1m", 120)
    opens = [candle.open_ms for candle in candles]
    assert len(candles) == 120
    assert opens == list(range(opens[0], opens[0] + 120 * 60_000, 60_000))
    assert all(candle.low <= candle.open <= candle.high for candle in candles)


def test_long_candle_requests_are_paged_without_gap_or_repeat(venue: BinanceVenue) -> None:
    btc = venue.market_data.instrument("BTCUSDT", SPOT)
    last = venue.market_data.candles(btc, "1m", 1)[0]
    candles = venue.market_data.candles(btc, "1m", 1300, end_ms=last.open_ms)
    opens = [candle.open_ms for candle in candles]
    assert opens == sorted(set(opens))
    assert opens[-1] == last.open_ms


def test_bad_questions_name_the_field(venue: BinanceVenue) -> None:
    btc = venue.market_data.instrument("BTCUSDT", SPOT)
    with pytest.raises(InvalidRequest, match="interval"):
        venue.market_data.candles(btc, "7m", 10)
    with pytest.raises(InvalidRequest, match="limit"):
        venue.market_data.candles(btc, "1m", 0)


def test_the_connection_is_told_with_its_limits_and_never_raises(venue: BinanceVenue) -> None:
    spot = venue.market_data.connection(SPOT)
    assert spot.connected
    assert spot.ping_ms is not None
    assert spot.ping_ms > 0
    assert spot.server_time_ms is not None
    assert spot.limits["request_weight_per_minute"] > 0
    assert "orders_per_second" in spot.limits


def test_the_futures_side_answers_its_start_up_calls(venue: BinanceVenue) -> None:
    futures = venue.market_data.connection(FUTURES)
    assert futures.connected, futures.error
    assert "orders_per_minute" in futures.limits
    assert isinstance(venue.account.balances(FUTURES), tuple)


def test_balances_and_fee_rates(venue: BinanceVenue) -> None:
    btc = venue.market_data.instrument("BTCUSDT", SPOT)
    held = {balance.asset: balance for balance in venue.account.balances(SPOT)}
    assert held["USDT"].total > 0
    rates = venue.account.fee_rates(btc)
    assert (rates.maker, rates.taker) == (Decimal("0.001"), Decimal("0.001"))
    assert venue.market_data.market_source() == "synthetic"


def test_a_market_that_is_not_offered_is_a_clear_error(process: VenueProcess) -> None:
    venue = connect(
        mode=Mode.SHADOW,
        api_key=KEY,
        api_secret=SECRET,
        clock=SystemClock(),
        client_id_prefix="ghtest",
        spot_url=process.url,
    )
    try:
        connection = venue.market_data.connection(FUTURES)
        assert not connection.connected
        assert "futures" in str(connection.error)
        with pytest.raises(VenueError, match="futures market is not offered"):
            venue.account.balances(FUTURES)
    finally:
        venue.close()


def test_shadow_needs_its_simulator() -> None:
    with pytest.raises(InvalidRequest, match="spot_url"):
        connect(mode=Mode.SHADOW, api_key=KEY, api_secret=SECRET, clock=SystemClock(), client_id_prefix="ghtest")
    with pytest.raises(Unreachable):
        connect(
            mode=Mode.SHADOW,
            api_key=KEY,
            api_secret=SECRET,
            clock=SystemClock(),
            client_id_prefix="ghtest",
            spot_url="http://127.0.0.1:1",
        )


@pytest.fixture
def client(venue: BinanceVenue) -> Iterator[APIClient]:
    client = venue.api_client()
    yield client
    client.close()


def test_the_python_binance_client_places_finds_and_cancels_with_our_signature(client: APIClient) -> None:
    ticker = client.get_spot_ticker("BTCUSDT")
    price = (Decimal(ticker["lastPrice"]) * Decimal("0.9")).quantize(Decimal("0.01"))
    placed = client.place_spot_order("BTCUSDT", "buy", "limit", Decimal("0.00100"), price)
    assert (placed["status"], Decimal(placed["price"])) == ("NEW", price)
    status = client.get_spot_order_status("BTCUSDT", placed["orderId"])
    assert status["clientOrderId"] == placed["clientOrderId"]
    canceled = client.cancel_spot_order("BTCUSDT", placed["orderId"])
    assert canceled["status"] == "CANCELED"
    with pytest.raises(OrderUnknown):
        client.cancel_spot_order("BTCUSDT", placed["orderId"])
    assert {row["asset"] for row in client.get_spot_account_balance()} >= {"USDT"}
    assert len(client.get_spot_klines("BTCUSDT", "1m", 5)) == 5


def test_its_refusals_and_losses_are_our_errors(client: APIClient, process: VenueProcess) -> None:
    with pytest.raises(OrderRejected) as refused:
        client.place_spot_order("BTCUSDT", "BUY", "LIMIT", "0.001", "0.001")
    assert refused.value.code == -1013
    process.fault("lose_reply", "spot.order.new")
    with pytest.raises(OutcomeUnknown):
        client.place_spot_order("BTCUSDT", "BUY", "MARKET", "0.001")
    process.fault("bad_key", "spot.account")
    with pytest.raises(KeyRefused):
        client.get_spot_account_balance()
    process.fault("clock_offset", "spot.order.new", delay_ms=60_000)
    assert client.place_spot_order("BTCUSDT", "BUY", "MARKET", "0.001")["status"] == "FILLED"
    with pytest.raises(InvalidRequest, match="quantity"):
        client.place_spot_order("BTCUSDT", "BUY", "MARKET", 0.1)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="transfer_type"):
        client.transfer_between_markets("USDT", "1", "3")


def test_it_shares_the_process_wide_weight(client: APIClient, venue: BinanceVenue) -> None:
    before = venue.transport.broker.used_weight(SPOT)
    client.get_spot_ticker("BTCUSDT")
    assert venue.transport.broker.used_weight(SPOT) >= before + 2


def test_many_threads_never_get_each_others_answers(client: APIClient) -> None:
    wrong: list[str] = []

    def ask(symbol: str) -> None:
        answers = [client.get_spot_ticker(symbol)["symbol"] for _ in range(10)]
        wrong.extend(answer for answer in answers if answer != symbol)

    threads = [Thread(target=ask, args=(symbol,)) for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT", "ADAUSDT")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_futures_and_transfers_that_are_not_offered_say_so_before_anything_is_sent(
    process: VenueProcess,
) -> None:
    client = APIClient(KEY, SECRET, ClientAddresses(spot=process.url))
    try:
        with pytest.raises(VenueError, match="not offered"):
            client.place_futures_order("BTCUSDT", "BUY", "MARKET", "0.001")
        with pytest.raises(VenueError, match="not offered"):
            client.transfer_between_markets("USDT", "10", "1")
        balances = client.get_account_balance()
        assert balances["spot"]
        assert "not offered" in balances["futures_error"]
    finally:
        client.close()


def test_futures_orders_of_a_venue_without_them_are_a_clear_error(client: APIClient) -> None:
    with pytest.raises(VenueError):
        client.place_futures_order("BTCUSDT", "BUY", "LIMIT", "0.001", "50000")
    assert client.get_futures_positions() == []


def test_batches_tell_of_every_item(process: VenueProcess) -> None:
    async def work() -> None:
        async with AsyncAPIClient(process.url, at_once=3) as client:
            tickers = await client.batch_fetch_tickers(["BTCUSDT", "NOSUCH", "ETHUSDT"])
            assert set(tickers.found) == {"BTCUSDT", "ETHUSDT"}
            assert tickers.failed["NOSUCH"].code == -1121
            klines = await client.batch_fetch_klines([("BTCUSDT", "1m"), ("BTCUSDT", "7m")], limit=3)
            assert len(klines.found["BTCUSDT", "1m"]) == 3
            assert set(klines.failed) == {("BTCUSDT", "7m")}

    asyncio.run(work())


def test_a_batch_keeps_to_its_bound_and_survives_a_dead_venue() -> None:
    running, most = 0, 0

    async def fetch(_path: str, params: object) -> object:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return params

    async def work() -> None:
        client = AsyncAPIClient("", at_once=4, fetch=fetch)
        batch = await client.batch_fetch_tickers([f"S{number}" for number in range(50)])
        assert len(batch.found) == 50
        async with AsyncAPIClient("http://127.0.0.1:1") as dead:
            assert isinstance((await dead.batch_fetch_tickers(["A"])).failed["A"], Unreachable)

    asyncio.run(work())
    assert most == 4
