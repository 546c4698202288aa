"""Silence of prices on a virtual clock: how soon it is noticed, what ends doubt, when a connection is given up."""

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.binance.price_watch import Heard, Look, PriceWatch
from adapters.binance.rhythm import SilenceBounds
from adapters.binance.watchers import Watchers
from adapters.binance.witness import LOOK_S, Word, read_word
from domain.events import StreamLost, StreamResumed
from domain.instrument import Instrument, Market
from fakes.clock import FakeClock
from fakes.inbox import RecordingInbox

BTC = Instrument("binance", Market.SPOT, "BTC", "USDT")
ETH = Instrument("binance", Market.SPOT, "ETH", "USDT")
NAMES = {"BTCUSDT": BTC, "ETHUSDT": ETH}
LOOKS_A_SECOND = round(1 / LOOK_S)


@dataclass
class Connection:
    """A spot connection of one or two symbols: trades and witnesses that can be muted apart."""

    symbols: tuple[str, ...] = ("BTCUSDT",)
    told: bool = True
    told_of_idle: bool = True
    clock: FakeClock = field(default_factory=FakeClock)
    mute_trades: set[str] = field(default_factory=set)
    mute_witnesses: set[str] = field(default_factory=set)
    answers: bool = True
    never_traded: bool = False
    skipped_ms: int = 0
    asked: int = 0
    gave_up: list[tuple[float, str]] = field(default_factory=list)
    lost_at: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.inboxes = {symbol: RecordingInbox() for symbol in self.symbols}
        watchers = Watchers()
        for symbol, inbox in self.inboxes.items():
            watchers.add(symbol, NAMES[symbol], inbox)
        self.watch = PriceWatch("market", watchers, SilenceBounds(5.0, 15.0), self.clock.monotonic_s)
        self.last_id = dict.fromkeys(self.symbols, 100)
        self.traded_in: dict[str, int] = {}
        self.watch.follow(self.symbols)
        self.connect()

    @property
    def now_s(self) -> float:
        return self.clock.monotonic_s()

    def connect(self) -> None:
        self.watch.announce(self.symbols, self.symbols if self.told else ())
        self.rest(self.watch.unheard())

    def rest(self, symbols: list[str]) -> None:
        self.asked += bool(symbols)
        if self.answers:
            last = {"lastId": -1, "lastPrice": "0"} if self.never_traded else {"lastPrice": "100"}
            rows = {s: {"lastId": self.last_id[s], "closeTime": 1, **last} for s in symbols}
            self.watch.compare(rows, self.watch.known())

    def trade(self, symbol: str) -> None:
        self.last_id[symbol] += 1
        number = self.last_id[symbol]
        self.traded_in[symbol] = number
        if symbol not in self.mute_trades:
            self.watch.traded(symbol, Heard(number, number, Decimal(number), 1), Decimal(1))

    def run(self, seconds: float, every_s: float | None = None) -> None:
        """Let time pass, with a trade of each symbol every so often, its candle each second, and looks between."""
        for tick in range(1, round(seconds * LOOKS_A_SECOND) + 1):
            self.clock.advance(LOOK_S)
            for symbol in self.symbols:
                if every_s is not None and tick % round(every_s * LOOKS_A_SECOND) == 0:
                    self.trade(symbol)
                if tick % LOOKS_A_SECOND == 0:
                    self._second(symbol)
            self._look()

    def _second(self, symbol: str) -> None:
        last_id = self.traded_in.pop(symbol, -1)
        is_told = self.told and (last_id >= 0 or self.told_of_idle)
        if is_told and symbol not in self.mute_witnesses:
            second_ms = round(self.now_s) * 1000 + self.skipped_ms
            self.watch.witnessed(Word(symbol, True, last_id, second_ms, last_id < 0))

    def _look(self) -> None:
        losses = sum(len(inbox.of(StreamLost)) for inbox in self.inboxes.values())
        look: Look = self.watch.look()
        if look.give_up:
            self.gave_up.append((self.now_s, look.give_up))
            self.watch.lost()
            self.connect()
        self.rest(look.ask)
        if sum(len(inbox.of(StreamLost)) for inbox in self.inboxes.values()) > losses:
            self.lost_at.append(self.now_s)


def test_a_connection_that_falls_mute_is_noticed_within_two_seconds_however_busy_or_quiet_the_symbol() -> None:
    for every_s in (0.2, None):
        market = Connection()
        market.run(20, every_s)
        assert (market.lost_at, market.gave_up) == ([], []), "a market that speaks is not doubted"
        market.mute_trades = market.mute_witnesses = {"BTCUSDT"}
        market.answers = False
        muted_s = market.now_s
        market.run(6, 0.2)
        assert market.lost_at[0] - muted_s <= 2.0
        assert not market.watch.is_live("BTCUSDT") or market.gave_up
        (gave_up_s, reason), *_ = market.gave_up
        assert gave_up_s - muted_s <= 4.2
        assert "nothing at all" in reason


def test_a_connection_on_which_nobody_is_watched_any_more_has_nothing_to_say() -> None:
    market = Connection()
    market.run(20, 0.2)
    market.watch.follow([])
    market.symbols = ()
    market.run(30)
    assert market.gave_up == []
    market.symbols = ("BTCUSDT",)
    market.watch.follow(market.symbols)
    market.connect()
    market.run(10, 0.2)
    assert (market.lost_at, market.gave_up) == ([], []), "and who comes later is not held to the silence before"


@pytest.mark.parametrize("spoke_before_s", [0.0, 20.0])
@pytest.mark.parametrize("every_s", [0.2, 1.0])
def test_a_connection_that_is_mute_from_its_birth_is_noticed_within_two_seconds_each_time(
    spoke_before_s: float, every_s: float
) -> None:
    market = Connection()
    market.run(spoke_before_s, every_s)
    market.mute_trades = market.mute_witnesses = {"BTCUSDT"}
    market.watch.lost()
    market.connect()
    born_s, births = market.now_s, len(market.inboxes["BTCUSDT"].of(StreamResumed))
    for _ in range(10):
        market.run(2, every_s)
        assert market.lost_at, "noticed in time"
        noticed_s = market.lost_at.pop(0)
        assert noticed_s - born_s <= 2.0
        assert not market.watch.is_live("BTCUSDT")
        for _ in range(22):
            if not market.gave_up:
                market.run(LOOK_S)
        born_s, _ = market.gave_up.pop(0)  # and given up within 2.2 s
        market.lost_at.clear()
        births += 1
        assert len(market.inboxes["BTCUSDT"].of(StreamResumed)) == births, "nothing else ended the doubt"


def test_a_witness_that_never_speaks_costs_one_doubt_of_a_quiet_symbol_and_rest_every_five_seconds() -> None:
    market = Connection(mute_witnesses={"BTCUSDT"})
    market.run(60)
    assert [type(event) for event in market.inboxes["BTCUSDT"].orders] == [StreamResumed, StreamLost, StreamResumed]
    assert market.asked == pytest.approx(13, abs=2)
    assert market.gave_up == []
    market.run(60, 0.2)
    assert len(market.lost_at) == 1


def test_a_symbol_that_was_never_traded_is_not_doubted_for_the_witness_that_it_has_not() -> None:
    market = Connection(mute_witnesses={"BTCUSDT"}, never_traded=True)
    market.run(60)
    assert (market.lost_at, market.gave_up) == ([], [])
    assert market.asked == pytest.approx(13, abs=2)


@pytest.mark.parametrize("quiet_s", [0.0, 60.0])
def test_trades_that_the_witness_knows_of_and_the_stream_does_not_bring_are_noticed_within_two_seconds(
    quiet_s: float,
) -> None:
    market = Connection()
    market.run(10, 0.2)
    market.run(quiet_s)
    market.mute_trades = {"BTCUSDT"}
    asked, muted_s = market.asked, market.now_s
    market.run(1.9, 0.2)
    assert market.lost_at
    assert market.lost_at[0] - muted_s <= 2.0
    assert "did not arrive" in market.inboxes["BTCUSDT"].of(StreamLost)[0].reason
    assert market.asked == asked, "without REST"
    market.run(2, 0.2)
    assert len(market.gave_up) == 1, "and the connection is given up"


def test_a_trade_that_comes_late_ends_the_doubt_and_is_told_with_what_came_before_it() -> None:
    market, inbox = Connection(), RecordingInbox()
    market.run(10, 0.5)
    inbox = market.inboxes["BTCUSDT"]
    market.mute_trades = {"BTCUSDT"}
    market.run(2, 0.5)
    told = len(inbox.prices)
    number = market.last_id["BTCUSDT"]
    assert not market.watch.is_live("BTCUSDT")
    market.watch.traded("BTCUSDT", Heard(number - 1, number - 1, Decimal(90), 1), Decimal(1))
    assert len(inbox.prices) == told, "an older one proves nothing"
    market.watch.traded("BTCUSDT", Heard(number, number, Decimal(95), 1), Decimal(1))
    assert market.watch.is_live("BTCUSDT")
    assert isinstance(inbox.orders[-1], StreamResumed)
    assert (inbox.prices[-1].price, inbox.prices[-1].low) == (Decimal(95), Decimal(90))


def test_a_witness_that_falls_silent_alone_stops_nothing_where_trades_come() -> None:
    market = Connection()
    market.run(10, 0.5)
    market.mute_witnesses = {"BTCUSDT"}
    market.run(60, 0.5)
    assert (market.lost_at, market.gave_up) == ([], [])


def test_a_witness_that_falls_silent_alone_is_doubted_once_in_a_quiet_market_and_rest_is_asked_instead() -> None:
    market = Connection(("BTCUSDT", "ETHUSDT"))
    market.run(10)
    market.mute_witnesses = {"BTCUSDT"}
    market.run(2)
    inbox, told = market.inboxes["BTCUSDT"], [StreamResumed, StreamLost, StreamResumed]
    assert [type(event) for event in inbox.orders] == told, "lost until REST answered"
    assert market.watch.mute_witnesses == {"BTCUSDT"}, "to be subscribed anew"
    asked = market.asked
    market.run(60)
    assert [type(event) for event in inbox.orders] == told
    assert market.asked - asked == pytest.approx(12, abs=2), "every five seconds"
    assert market.gave_up == []
    market.mute_witnesses.clear()
    market.run(5)
    assert market.watch.symbols["BTCUSDT"].silent_after_s == 2.0
    assert market.inboxes["ETHUSDT"].of(StreamLost) == []


def test_a_quiet_market_with_a_witness_needs_no_rest_and_its_price_stays_fresh() -> None:
    market = Connection()
    market.run(5, 0.5)
    asked, inbox = market.asked, market.inboxes["BTCUSDT"]
    market.run(300)
    assert market.asked == asked
    arrivals = [event.arrived_s for event in inbox.prices]
    assert max(late - early for early, late in pairwise(arrivals)) <= 6.1
    assert market.now_s - arrivals[-1] <= 6.1


def test_without_a_witness_the_learned_gap_decides_as_before() -> None:
    market = Connection(told=False)
    market.run(30, 4.0)
    assert round(market.watch.symbols["BTCUSDT"].silent_after_s, 6) == 8.0
    asked = market.asked
    market.run(60)
    assert market.lost_at == []
    assert market.asked - asked == pytest.approx(60 / 8, abs=2)


def test_a_second_that_nobody_told_of_proves_nothing_until_rest_has_spoken() -> None:
    market = Connection()
    market.run(10)
    watched = market.watch.symbols["BTCUSDT"]
    confirmed_s, asked = watched.rhythm.confirmed_s, market.asked
    market.skipped_ms = 1_000
    market.run(3)
    assert watched.rhythm.confirmed_s == confirmed_s
    market.run(15)
    assert market.asked == asked + 1
    assert watched.rhythm.confirmed_s is not None
    assert market.now_s - watched.rhythm.confirmed_s <= 1.1


def test_a_venue_that_tells_of_busy_seconds_alone_is_not_held_to_a_time_that_it_does_not_keep() -> None:
    market = Connection(told_of_idle=False)
    for _ in range(30):
        market.run(20, 0.5)
        market.run(20)
    assert len(market.lost_at) <= 3
    assert len(market.gave_up) <= 3


@given(st.lists(st.tuples(st.integers(1, 40), st.sampled_from([None, 0.2, 1.0, 7.0])), max_size=8))
def test_a_connection_that_tells_everything_is_never_doubted(stretches: list[tuple[int, float | None]]) -> None:
    market = Connection(("BTCUSDT", "ETHUSDT"))
    for seconds, every_s in stretches:
        market.run(seconds, every_s)
    assert (market.lost_at, market.gave_up) == ([], [])
    assert all(market.watch.is_live(symbol) for symbol in market.symbols)


def _kline(**changes: Any) -> dict[str, Any]:
    candle = {"t": 1_000, "i": "1s", "L": 7, "n": 1, "x": True} | changes
    return {"e": "kline", "s": "BTCUSDT", "k": candle}


def test_what_witnesses_say() -> None:
    assert read_word(_kline()) == Word("BTCUSDT", True, 7, 1_000, False)
    assert read_word(_kline(n=0, L=-1)) == Word("BTCUSDT", True, -1, 1_000, True)
    assert read_word(_kline(x=False)) == Word("BTCUSDT", True, 7, None, False)
    assert read_word(_kline(x=False, n=0, L=-1)) == Word("BTCUSDT", True, None, None, True)
    assert read_word({"e": "markPriceUpdate", "s": "BTCUSDT", "p": "1"}) == Word("BTCUSDT", True, is_idle=True)
    assert read_word({"e": "24hrTicker", "s": "BTCUSDT", "L": 9}) == Word("BTCUSDT", False, 9)
    for strange in (_kline(i="1m"), {"e": "kline"}, {"e": "24hrTicker", "s": "BTCUSDT"}, {"e": "depthUpdate"}):
        assert read_word(strange) is None
