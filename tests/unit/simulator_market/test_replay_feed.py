import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.market_examples import SYMBOL, recorded_candles, write_csv
from simulator.core.symbols import UNIT
from simulator.market.candles import CandleBook
from simulator.market.feed import Candle, FeedStep, MarketError
from simulator.market.files import DataSource
from simulator.market.intervals import DURATION_MS, INTERVALS, interval_bounds
from simulator.market.recordings import Stretch
from simulator.market.replay import ReplayFeed
from simulator.market.running import roll_up

HEADER = "open_time,open,high,low,close,volume,quote_volume,trades,taker_buy_base,taker_buy_quote"
SHORT_HEADER = "open_time,open,high,low,close,volume"
DAY = 1_723_161_600_000
MINUTE = 60_000
HOUR = 60 * MINUTE


def number(scaled: int, unit: int = UNIT) -> str:
    return f"{scaled // unit}.{scaled % unit:0{len(str(unit)) - 1}d}"


def candle_row(candle: Candle, *, whole: bool = False) -> list[object]:
    basic = [candle.open_ms, *(number(value) for value in candle[2:7])]
    if not whole:
        return basic
    quotes = [number(value, UNIT * UNIT) for value in (candle.quote_volume, candle.taker_buy_quote)]
    return [*basic, quotes[0], candle.trades, number(candle.taker_buy_base), quotes[1]]


def steady(open_ms: int, length: int, price: int = 100) -> Candle:
    p = price * UNIT
    return Candle(open_ms, open_ms + length - 1, p, p + UNIT, p - UNIT, p, 8 * UNIT, 0, 0, 0, 0)


def steady_file(folder: Path, symbol: str, minutes: range, length: int = MINUTE) -> DataSource:
    rows = [candle_row(steady(DAY + at * length, length, 100 + at % 7)) for at in minutes]
    names = {duration: name for name, duration in DURATION_MS.items()}
    path = write_csv(folder / f"{symbol}_{names[length]}.csv", rows, SHORT_HEADER)
    return DataSource.parse(str(path))


def played(book: CandleBook, steps: list[FeedStep]) -> CandleBook:
    for step in steps:
        for trade in step.trades:
            book.add_trade(trade)
        if step.candle is not None:
            book.close_candle(step.candle)
    return book


@st.composite
def candle_runs(draw: st.DrawFn) -> tuple[str, list[Candle]]:
    interval = draw(st.sampled_from(["1s", "1m", "5m", "1h", "1d"]))
    slots = sorted(draw(st.sets(st.integers(0, 400), min_size=1, max_size=25)))
    candles = [draw(recorded_candles(DAY + slot * DURATION_MS[interval], interval)) for slot in slots]
    extra = st.integers(0, 10**9)
    return interval, [
        candle._replace(
            quote_volume=draw(extra), trades=draw(extra), taker_buy_base=draw(extra), taker_buy_quote=draw(extra)
        )
        for candle in candles
    ]


@given(run=candle_runs(), whole=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_the_replayed_candles_are_the_recorded_ones(tmp_path: Path, run: tuple[str, list[Candle]], whole: bool) -> None:
    interval, candles = run
    rows = [candle_row(candle, whole=whole) for candle in candles]
    path = write_csv(tmp_path / f"BTCUSDT_{interval}.csv", rows, HEADER if whole else SHORT_HEADER)
    feed = ReplayFeed.open([DataSource.parse(str(path))])
    steps = list(feed.steps())
    assert [step.time_ms for step in steps] == sorted(step.time_ms for step in steps)
    book = played(CandleBook([SYMBOL], outage_ms=feed.outage_ms), steps)
    rebuilt = {candle.open_ms: candle for candle in book.candles(SYMBOL, interval, limit=10**6)}
    figures = 11 if whole else 7
    assert [rebuilt[candle.open_ms][:figures] for candle in candles] == [candle[:figures] for candle in candles]


@given(run=candle_runs(), whole=st.booleans(), cut=st.integers(0, 24))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_the_past_is_what_a_replay_from_the_beginning_would_have_built(
    tmp_path: Path, run: tuple[str, list[Candle]], whole: bool, cut: int
) -> None:
    interval, candles = run
    rows = [candle_row(candle, whole=whole) for candle in candles]
    path = write_csv(tmp_path / f"BTCUSDT_{interval}.csv", rows, HEADER if whole else SHORT_HEADER)
    end_ms = candles[min(cut, len(candles) - 1)].open_ms
    feed = ReplayFeed.open([DataSource.parse(str(path))])
    book = played(CandleBook([SYMBOL], keep=10**4), [step for step in feed.steps() if step.time_ms < end_ms])
    for asked in INTERVALS[INTERVALS.index(interval) :]:
        if DURATION_MS[asked] % DURATION_MS[interval] == 0:
            # Flat candles of quiet intervals are the book's own doing, recorded ones may have no volume.
            stored = roll_up(book._of(SYMBOL).candles(asked), asked)
            assert feed.history(SYMBOL, asked, end_ms, 10**6) == stored, asked


def test_symbols_come_in_strict_time_order(tmp_path: Path) -> None:
    sources = [steady_file(tmp_path, "ETHUSDT", range(30)), steady_file(tmp_path, "BTCUSDT", range(5, 20))]
    steps = list(ReplayFeed.open(sources).steps())
    assert [step.time_ms for step in steps] == sorted(step.time_ms for step in steps)
    at_once = [step.trades[0].symbol for step in steps if step.time_ms == DAY + 5 * MINUTE]
    assert at_once == ["ETHUSDT", "BTCUSDT"]
    assert len(steps) == 4 * 45


def test_every_print_leaves_a_book_around_it(tmp_path: Path) -> None:
    for step in ReplayFeed.open([steady_file(tmp_path, "BTCUSDT", range(3))]).steps():
        (trade,), book = step.trades, step.book
        assert book is not None
        touch = book.bids[0] if trade.buyer_is_maker else book.asks[0]
        assert touch[0] == trade.price
        assert book.asks[0][0] - book.bids[0][0] == UNIT // 100


def test_from_and_to_cut_the_stretch_and_the_rest_is_the_past(tmp_path: Path) -> None:
    source = steady_file(tmp_path, "BTCUSDT", range(600))
    stretch = Stretch(DAY + 540 * MINUTE, DAY + 545 * MINUTE)
    feed = ReplayFeed.open([source], stretch)
    steps = list(feed.steps())
    assert feed.start_ms == steps[0].time_ms == DAY + 540 * MINUTE
    assert steps[-1].time_ms == DAY + 545 * MINUTE - 1
    assert len(feed.history("BTCUSDT", "1m", feed.start_ms, 1_000)) == 540
    assert len(feed.history("BTCUSDT", "1h", feed.start_ms, 5)) == 5
    assert feed.history("BTCUSDT", "1s", feed.start_ms, 5) == []
    assert feed.last_price("BTCUSDT") == (100 + 539 % 7) * UNIT
    (notice,) = feed.notices
    assert "9.0 h before the start, fewer than 500 candles of 3m 5m" in notice


def test_without_a_past_the_first_print_is_the_last_price(tmp_path: Path) -> None:
    assert ReplayFeed.open([steady_file(tmp_path, "BTCUSDT", range(3))]).last_price("BTCUSDT") == 100 * UNIT


def test_a_stretch_can_begin_now_on_whole_candles(tmp_path: Path) -> None:
    now = DAY + 800 * HOUR + 1_234_567
    feed = ReplayFeed.open([steady_file(tmp_path, "BTCUSDT", range(9), HOUR)], at_ms=now)
    assert now - HOUR < feed.start_ms <= now
    assert feed.start_ms % HOUR == 0
    assert next(feed.steps()).time_ms == feed.start_ms
    again = ReplayFeed.open(
        [steady_file(tmp_path, "BTCUSDT", range(9), HOUR)], at_ms=now + 9 * HOUR, resume=feed.state()
    )
    assert again.start_ms == feed.start_ms


@given(cut=st.integers(0, 39))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_replay_goes_on_after_where_it_stopped(tmp_path: Path, cut: int) -> None:
    feed = ReplayFeed.open([steady_file(tmp_path, "BTCUSDT", range(10))])
    steps = list(feed.steps())
    rest = list(feed.steps(after_ms=steps[cut].time_ms))
    assert [step.time_ms for step in rest] == [step.time_ms for step in steps[cut + 1 :]]
    assert [step.trades[0].price for step in rest] == [step.trades[0].price for step in steps[cut + 1 :]]


@given(run=candle_runs(), whole=st.booleans(), at=st.integers(0, 99))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
def test_a_restart_in_the_middle_of_a_candle_loses_nothing(
    tmp_path: Path, run: tuple[str, list[Candle]], whole: bool, at: int
) -> None:
    interval, candles = run
    rows = [candle_row(candle, whole=whole) for candle in candles]
    path = write_csv(tmp_path / f"BTCUSDT_{interval}.csv", rows, HEADER if whole else SHORT_HEADER)
    feed = ReplayFeed.open([DataSource.parse(str(path))])
    steps = list(feed.steps())
    stopped_ms = steps[at % len(steps)].time_ms
    book = CandleBook.of_feed(feed, end_ms=stopped_ms + 1)
    played(book, list(feed.steps(after_ms=stopped_ms)))
    uninterrupted = played(CandleBook([SYMBOL], outage_ms=feed.outage_ms), steps)
    figures = 11 if whole else 7
    for asked in INTERVALS[INTERVALS.index(interval) :]:
        if DURATION_MS[asked] % DURATION_MS[interval] == 0:
            wanted = [c[:figures] for c in uninterrupted.candles(SYMBOL, asked, limit=10**6) if c.volume]
            assert [c[:figures] for c in book.candles(SYMBOL, asked, limit=10**6) if c.volume] == wanted
    day, wanted_day = (b.day(SYMBOL, steps[-1].time_ms) for b in (book, uninterrupted))
    assert day.last == wanted_day.last
    if interval in {"1s", "1m"}:
        assert (day.volume, day.high, day.low) == (wanted_day.volume, wanted_day.high, wanted_day.low)


def test_a_state_of_another_market_is_refused(tmp_path: Path) -> None:
    source = steady_file(tmp_path, "BTCUSDT", range(9))
    state = json.loads(json.dumps(ReplayFeed.open([source]).state()))
    ReplayFeed.open([source], resume=state)
    with pytest.raises(MarketError, match=r"state is of another market \(from_ms None, now"):
        ReplayFeed.open([source], Stretch(from_ms=DAY), resume=state)
    with pytest.raises(MarketError, match="state is of another market"):
        ReplayFeed.open([steady_file(tmp_path, "ETHUSDT", range(9))], resume=state)


def test_useless_options_are_refused_with_the_remedy(tmp_path: Path) -> None:
    source = steady_file(tmp_path, "BTCUSDT", range(9))
    with pytest.raises(MarketError, match="give --data FILE"):
        ReplayFeed.open([])
    with pytest.raises(MarketError, match="more than one file for BTCUSDT"):
        ReplayFeed.open([source, source])
    with pytest.raises(MarketError, match="--from must be earlier than --to"):
        Stretch(5, 5)
    with pytest.raises(MarketError, match="it holds 2024-08-09T00:00 to 2024-08-09T00:08"):
        ReplayFeed.open([source], Stretch(from_ms=DAY + HOUR))
    with pytest.raises(MarketError, match="'ETHUSDT' is not in this replay"):
        ReplayFeed.open([source]).history("ETHUSDT", "1m", DAY, 5)


def trade_lines(folder: Path, count: int) -> DataSource:
    path = folder / "BTCUSDT_trades.jsonl"
    trades = (
        {"e": "trade", "s": "BTCUSDT", "t": at, "p": str(100 + at), "q": "1", "T": DAY + at * 1_000, "m": False}
        for at in range(count)
    )
    path.write_text("".join(json.dumps(trade) + "\n" for trade in trades))
    return DataSource.parse(str(path))


def test_recorded_trades_are_played_as_they_were(tmp_path: Path) -> None:
    source = trade_lines(tmp_path, 300)
    feed = ReplayFeed.open([source], Stretch(from_ms=DAY + 120_000))
    steps = list(feed.steps())
    assert [step.time_ms for step in steps] == [DAY + at * 1_000 for at in range(120, 300)]
    assert feed.last_price("BTCUSDT") == 219 * UNIT
    assert [candle.trades for candle in feed.history("BTCUSDT", "1m", feed.start_ms, 9)] == [60, 60]
    assert feed.history("BTCUSDT", "1d", feed.start_ms, 9)[-1].close_ms == interval_bounds("1d", DAY)[1]
    moved = ReplayFeed.open([source], at_ms=DAY + 30 * MINUTE)
    assert next(moved.steps()).time_ms == DAY + 30 * MINUTE
    book = played(CandleBook.of_feed(feed), steps)
    assert book.candles("BTCUSDT", "1d")[-1].trades == 300
    with pytest.raises(MarketError, match="holds no trade of ETHUSDT"):
        ReplayFeed.open([DataSource.parse(f"ETHUSDT={source.path}")])
    with pytest.raises(MarketError, match="has nothing between --from and --to"):
        ReplayFeed.open([source], Stretch(from_ms=DAY + HOUR))
