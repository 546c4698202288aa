import pytest

from simulator.wire.stream_sessions import requested_streams
from simulator.wire.topics import INTERVALS, TopicKind, parse_topic


@pytest.mark.parametrize(
    ("name", "kind", "symbol", "period_ms"),
    [
        ("btcusdt@trade", TopicKind.TRADE, "BTCUSDT", 0),
        ("btcusdt@aggTrade", TopicKind.AGG_TRADE, "BTCUSDT", 0),
        ("btcusdt@bookTicker", TopicKind.BOOK_TICKER, "BTCUSDT", 0),
        ("btcusdt@miniTicker", TopicKind.MINI_TICKER, "BTCUSDT", 1_000),
        ("!miniTicker@arr", TopicKind.ALL_MINI_TICKERS, "", 1_000),
        ("!miniTicker@arr@1000ms", TopicKind.ALL_MINI_TICKERS, "", 1_000),
        ("btcusdt@ticker", TopicKind.TICKER, "BTCUSDT", 1_000),
        ("btcusdt@avgPrice", TopicKind.AVERAGE_PRICE, "BTCUSDT", 1_000),
        ("btcusdt@depth", TopicKind.DEPTH, "BTCUSDT", 1_000),
        ("btcusdt@depth@100ms", TopicKind.DEPTH, "BTCUSDT", 100),
        ("btcusdt@depth10", TopicKind.PARTIAL_DEPTH, "BTCUSDT", 1_000),
        ("btcusdt@depth20@100ms", TopicKind.PARTIAL_DEPTH, "BTCUSDT", 100),
    ],
)
def test_names_of_streams(name: str, kind: TopicKind, symbol: str, period_ms: int) -> None:
    topic = parse_topic(name)
    assert topic is not None
    assert (topic.kind, topic.symbol, topic.period_ms) == (kind, symbol, period_ms)


def test_candles_of_all_sixteen_intervals() -> None:
    topics = [parse_topic(f"btcusdt@kline_{interval}") for interval in INTERVALS]
    assert [topic.interval for topic in topics if topic] == list(INTERVALS)
    assert [topic.period_ms for topic in topics if topic][:2] == [1_000, 2_000]
    assert len(INTERVALS) == 16


@pytest.mark.parametrize(
    "name", ["", "0", "BTCUSDT@trade", "btcusdt@nothing", "btcusdt@kline_7m", "btcusdt@depth7", "!ticker@arr", "@trade"]
)
def test_other_names_are_no_streams(name: str) -> None:
    assert parse_topic(name) is None


@pytest.mark.parametrize(
    ("path", "query", "names", "combined"),
    [
        ("/ws/btcusdt@trade", "", ["btcusdt@trade"], False),
        ("/ws/a/b/c", "", ["a", "b", "c"], False),
        ("/ws", "", [], False),
        ("/ws/", "", [], False),
        ("/ws/0", "", ["0"], False),
        ("/stream/ws/0", "", ["0"], False),
        ("/stream", "streams=a/b", ["a", "b"], True),
        ("/stream", "", [], True),
        ("/market/ws/1", "", ["1"], False),
        ("/private/stream", "streams=K", ["K"], True),
    ],
)
def test_addresses_of_streams(path: str, query: str, names: list[str], combined: bool) -> None:
    assert requested_streams(path, query) == (names, combined)
