import json
from itertools import islice, pairwise, takewhile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.market.candles import CandleBook
from simulator.market.catalogue import SPECS
from simulator.market.dynamics import Dynamics, MarketMood
from simulator.market.feed import MarketError
from simulator.market.intervals import DAY_MS, DURATION_MS, INTERVALS, MINUTE_MS
from simulator.market.running import roll_up
from simulator.market.synthetic import SyntheticFeed
from simulator.market.synthetic_prints import CHARACTERS

START_MS = 1_795_132_823_456
PAIR = ("BTCUSDT", "DOGEUSDT")
UP_TO_A_DAY = [name for name, length in DURATION_MS.items() if length <= DAY_MS]


@given(st.integers(0, 2**32), st.integers(1_000_000_000_000, 2_000_000_000_000))
@settings(max_examples=3, deadline=None)
def test_the_same_seed_gives_the_same_market(seed: int, start_ms: int) -> None:
    one, two = (SyntheticFeed(PAIR, seed=seed, start_ms=start_ms) for _ in range(2))
    steps = list(islice(one.steps(), 500))
    assert steps == list(islice(two.steps(), 500))
    assert steps == list(islice(one.steps(), 500))
    for interval in INTERVALS:
        past = one.history("DOGEUSDT", interval, one.start_ms, 100)
        assert past == two.history("DOGEUSDT", interval, two.start_ms, 100)


def test_another_seed_gives_another_market() -> None:
    one, two = (SyntheticFeed(PAIR, seed=seed, start_ms=START_MS) for seed in (1, 2))
    assert list(islice(one.steps(), 50)) != list(islice(two.steps(), 50))


def test_steps_are_in_time_order_on_the_grid_and_several_a_second() -> None:
    feed = SyntheticFeed(PAIR, seed=3, start_ms=START_MS)
    until_ms = feed.start_ms + 5 * MINUTE_MS
    steps = list(takewhile(lambda step: step.time_ms < until_ms, feed.steps()))
    times = [step.time_ms for step in steps]
    assert times == sorted(times)
    assert times[0] >= feed.start_ms == START_MS // MINUTE_MS * MINUTE_MS
    for symbol in PAIR:
        spec = feed.specs[symbol]
        prints = [trade for step in steps for trade in step.trades if trade.symbol == symbol]
        assert all(trade.price % spec.tick == trade.qty % spec.lot == 0 for trade in prints)
        assert all(trade.price > 0 and trade.qty > 0 for trade in prints)
        assert 1 < len(prints) / 300 < 12
        assert 0.3 < np.mean([trade.buyer_is_maker for trade in prints]) < 0.7
    for step in steps:
        assert step.book is not None
        assert step.book.bids[0][0] < step.book.asks[0][0]


def test_every_interval_has_500_candles_that_fit_together() -> None:
    feed = SyntheticFeed(tuple(SPECS), seed=11, start_ms=START_MS)
    for symbol in feed.symbols:
        for interval in UP_TO_A_DAY:
            past = feed.history(symbol, interval, feed.start_ms, 1_000)
            assert len(past) >= 500, interval
            assert past[-1].open_ms < feed.start_ms
            length = DURATION_MS[interval]
            if interval != "1s":
                assert [c.open_ms for c in past] == list(range(past[0].open_ms, past[-1].open_ms + 1, length))
            assert all(c.low <= min(c.open, c.close) <= max(c.open, c.close) <= c.high for c in past)
            assert all(0 <= c.taker_buy_base <= c.volume for c in past)
            assert all(c.low * c.volume <= c.quote_volume <= c.high * c.volume for c in past)
        assert abs(np.log(feed.last_price(symbol) / 1e8 / CHARACTERS[symbol].price)) < 0.1


@pytest.mark.parametrize(("fine", "coarse"), [("1m", "5m"), ("5m", "1h"), ("1h", "4h"), ("1h", "1d"), ("1d", "1w")])
def test_coarser_candles_aggregate_finer_ones(fine: str, coarse: str) -> None:
    feed = SyntheticFeed(PAIR, seed=5, start_ms=START_MS)
    rolled = roll_up(feed.history("BTCUSDT", fine, feed.start_ms, 480), coarse)[1:]
    assert rolled == feed.history("BTCUSDT", coarse, feed.start_ms, len(rolled))


def test_prints_go_on_where_the_past_ends() -> None:
    feed = SyntheticFeed(PAIR, seed=5, start_ms=START_MS)
    book = CandleBook.of_feed(feed)
    before = book.day("BTCUSDT", feed.start_ms)
    assert before.count > 100_000
    for step in islice(feed.steps(), 2_000):
        book.add_trade(step.trades[0])
    minutes = book.candles("BTCUSDT", "1m", limit=30)
    assert [c.open_ms for c in minutes] == list(range(minutes[0].open_ms, minutes[-1].open_ms + 1, MINUTE_MS))
    jumps = [abs(after.open / before.close - 1) for before, after in pairwise(minutes)]
    assert max(jumps) < 0.002
    hour = book.current("BTCUSDT", "1h")
    assert hour is not None
    assert hour == roll_up(book.candles("BTCUSDT", "1m", start_ms=hour.open_ms), "1h")[0]


def test_a_restart_goes_on_at_the_same_prices() -> None:
    feed = SyntheticFeed(PAIR, seed=9, start_ms=START_MS)
    played = list(islice(feed.steps(), 5_000))
    state = json.loads(json.dumps(feed.state()))
    later = SyntheticFeed(PAIR, seed=9, start_ms=START_MS + 7 * DAY_MS, resume=state)
    soon = SyntheticFeed(PAIR, seed=9, start_ms=START_MS, resume=state)
    assert soon.start_ms > played[-1].time_ms
    last = {trade.symbol: trade.price for step in played for trade in step.trades}
    for again in (later, soon):
        for symbol, price in last.items():
            assert abs(again.last_price(symbol) / price - 1) < 0.02
        assert next(again.steps()).time_ms >= again.start_ms
    with pytest.raises(MarketError, match=r"state is of another market \(seed 9, now 8\)"):
        SyntheticFeed(PAIR, seed=8, start_ms=START_MS, resume=state)


def test_steps_can_begin_after_a_time() -> None:
    feed = SyntheticFeed(PAIR, seed=9, start_ms=START_MS)
    steps = list(islice(feed.steps(), 100))
    rest = list(islice(feed.steps(after_ms=steps[49].time_ms), 20))
    assert [s.time_ms for s in rest] == [s.time_ms for s in steps if s.time_ms > steps[49].time_ms][:20]


def test_what_it_cannot_make_is_refused() -> None:
    with pytest.raises(MarketError, match="'SHIBUSDT' has no known filters; use some of BTCUSDT"):
        SyntheticFeed(("SHIBUSDT",), seed=1, start_ms=START_MS)
    with pytest.raises(MarketError, match="--seed -1 is negative"):
        SyntheticFeed(PAIR, seed=-1, start_ms=START_MS)
    feed = SyntheticFeed(PAIR, seed=1, start_ms=START_MS)
    with pytest.raises(MarketError, match="'ETHUSDT' is not in this market; it has BTCUSDT, DOGEUSDT"):
        feed.history("ETHUSDT", "1m", START_MS, 5)


def autocorrelation(series: np.ndarray, lag: int) -> float:
    return float(np.corrcoef(series[:-lag], series[lag:])[0, 1])


def test_minute_returns_have_the_stylised_facts_of_recorded_ones() -> None:
    symbols = tuple(CHARACTERS)
    dynamics = Dynamics([CHARACTERS[symbol].minute_sd for symbol in symbols])
    rng = np.random.default_rng(20_240_808)
    mood = MarketMood.drawn(len(symbols), rng)
    moves = dynamics.draw(mood, rng, start_minute=0, bars=90 * 1_440, minutes=1, points=2)
    returns = np.diff(moves.path[:, -1, :], axis=0)
    sizes = np.abs(returns)
    for at, symbol in enumerate(symbols):
        usual = returns[:, at].std() / CHARACTERS[symbol].minute_sd
        scaled = (returns[:, at] - returns[:, at].mean()) / returns[:, at].std()
        assert 0.6 < usual < 1.6
        assert 8 < (scaled**4).mean() - 3 < 250
        assert abs(autocorrelation(returns[:, at], 1)) < 0.04
        assert 0.18 < autocorrelation(sizes[:, at], 1) < 0.45
        assert 0.12 < autocorrelation(sizes[:, at], 10) < 0.35
        assert 0.06 < autocorrelation(sizes[:, at], 60) < 0.28
    pairs = np.corrcoef(returns.T)[np.triu_indices(len(symbols), 1)]
    assert 0.1 < pairs.mean() < 0.5
