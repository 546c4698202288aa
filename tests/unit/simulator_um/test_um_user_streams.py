"""User events of USD-M: their shapes and order, the life of listen keys, and the faults that strike on the way."""

from collections.abc import Iterator
from typing import Any, cast

import orjson
import pytest

from fakes import um_wire_schemas as shape
from fakes.clock import FakeClock
from fakes.wire_schemas import mismatch
from simulator.faults.board import FaultBoard
from simulator.faults.reading import read_fault
from simulator.um.core.events import FuturesEvent
from simulator.um.core.orders import WorkingType
from simulator.um.wire.event_shapes import user_events
from simulator.um.wire.listen_keys import LIFETIME_MS, ListenKeys
from simulator.um.wire.order_shapes import order_query
from simulator.um.wire.user_streams import FuturesUserStreams
from simulator.wire.errors import ApiError
from simulator.wire.stream_sessions import StreamSession, private_streams
from unit.simulator_um.futures_floor import FuturesFloor

HOUR_S = LIFETIME_MS // 1_000


class Heard:
    """A reader of user events; `combined` frames name their stream."""

    def __init__(self, *, combined: bool = False) -> None:
        self.combined = combined
        self.frames: list[Any] = []

    def offer(self, frame: bytes) -> None:
        self.frames.append(orjson.loads(frame))

    def kinds(self) -> list[str]:
        named = [frame["data"]["e"] if self.combined else frame["e"] for frame in self.frames]
        self.frames.clear()
        return named


class Stand:
    """An exchange whose events go to readers of account a's listen key."""

    def __init__(self) -> None:
        self.floor, self.clock, self.faults = FuturesFloor(), FakeClock(), FaultBoard()
        self.keys = ListenKeys(self.clock.wall_ms)
        self.streams = FuturesUserStreams(self.keys, self.floor.exchange.contract, self.faults, self.clock.wall_ms)
        self.key = self.keys.obtain("a")

    def listen(self, name: str = "", *, combined: bool = False) -> Heard:
        heard = Heard(combined=combined)
        self.streams.subscribe(name or self.key, cast("StreamSession", heard))
        return heard

    def fault(self, kind: str, match: str = "*", **more: object) -> None:
        order = read_fault({"kind": kind, "match": match, **more}, ())
        self.faults.arm(order.begin(self.clock.wall_ms()))

    def tell(self) -> None:
        """Send what happened since the last call."""
        self.streams.publish(self.floor.events)
        self.floor.events.clear()


@pytest.fixture
def stand() -> Stand:
    return Stand()


def shown(events: list[FuturesEvent], floor: FuturesFloor, account: str) -> Iterator[dict[str, Any]]:
    for account_id, event in user_events(events, floor.exchange.contract):
        if account_id == account:
            assert mismatch(shape.EVENTS[str(event["e"])], orjson.loads(orjson.dumps(event))) is None
            yield event


def test_a_fill_is_told_short_then_by_the_account_then_by_the_order() -> None:
    floor = FuturesFloor()
    floor.place("a", "SELL", 100, 20)
    floor.events.clear()
    floor.place("b", "BUY", 100, 15)
    taker, maker = (list(shown(floor.events, floor, account)) for account in "ba")
    names = ["TRADE_LITE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"]
    assert [event["e"] for event in maker] == names
    assert [event["e"] for event in taker] == ["ORDER_TRADE_UPDATE", *names]
    lite, account, order = maker
    assert (lite["p"], lite["L"], lite["l"], lite["m"]) == ("100.00", "100.00", "0.150", True)
    assert (account["a"]["m"], account["a"]["P"][0]["pa"]) == ("ORDER", "-0.150")
    report = order["o"]
    assert (report["x"], report["X"], report["z"], report["t"]) == ("TRADE", "PARTIALLY_FILLED", "0.150", lite["t"])
    assert lite["T"] == account["T"] == order["T"]
    resting = taker[0]["o"]
    assert (resting["x"], resting["l"], resting["L"], resting["t"], resting["n"]) == ("NEW", "0", "0", 0, "0")


def test_every_other_event_has_its_shape() -> None:
    floor = FuturesFloor(wallet=500)
    floor.leverage("a", 50)
    floor.open("a", "BUY", 100, 20_000)
    waiting = floor.algo("a", "SELL", "STOP_MARKET", 90, hundredths=1, working_type=WorkingType.MARK_PRICE)
    floor.exchange.cancel_algo("a", algo_id=waiting.algo_id, now_ms=floor.tick())
    floor.algo("a", "SELL", "STOP_MARKET", 99, hundredths=1, working_type=WorkingType.MARK_PRICE, reduce_only=True)
    floor.algo("a", "BUY", "TAKE_PROFIT_MARKET", 99, hundredths=10_000, working_type=WorkingType.MARK_PRICE)
    floor.fund(10_000, 100)
    floor.mark(99)
    floor.mark(98)
    floor.mark(90)
    events = list(shown(floor.events, floor, "a"))
    assert {event["e"] for event in events} == shape.EVENTS.keys() - {"listenKeyExpired"}
    liquidated = [event["o"] for event in events if event["e"] == "ORDER_TRADE_UPDATE"][-1]
    assert (liquidated["x"], liquidated["c"].partition("-")[0], liquidated["o"]) == (
        "CALCULATED", "autoclose", "LIQUIDATION",
    )  # fmt: skip
    forced = floor.exchange.force_orders("a")
    assert [mismatch(shape.QUERY, order_query(order, floor.exchange.contract(order.symbol))) for order in forced] == [
        None
    ]


def test_addresses_of_private_streams_name_the_key() -> None:
    assert private_streams("/private/ws", "listenKey=K") == (["K"], False)
    assert private_streams("/private/ws/K", "") == (["K"], False)
    assert private_streams("/private/stream", "listenKey=K") == (["K"], True)
    assert private_streams("/private/stream", "streams=K") == (["K"], True)
    assert private_streams("/private/ws", "listenKey=K&events=A/B") == (["K@A/B"], False)
    assert private_streams("/private/ws", "") == ([], False)


def test_all_readers_of_a_key_hear_the_same_and_a_wrong_key_is_silent(stand: Stand) -> None:
    plain, combined, wrong = stand.listen(), stand.listen(combined=True), stand.listen("nobody")
    picked = stand.listen(f"{stand.key}@ACCOUNT_CONFIG_UPDATE")
    stand.floor.leverage("a", 7)
    stand.floor.place("a", "BUY", 90, 10)
    stand.floor.place("b", "BUY", 90, 10)
    stand.tell()
    assert combined.frames[0]["stream"] == stand.key
    assert plain.kinds() == combined.kinds() == ["ACCOUNT_CONFIG_UPDATE", "ORDER_TRADE_UPDATE"]
    assert (picked.kinds(), wrong.kinds(), stand.streams.sent) == (["ACCOUNT_CONFIG_UPDATE"], [], 2)


def test_a_key_lives_an_hour_after_its_last_renewal(stand: Stand) -> None:
    heard, stand_key = stand.listen(), stand.key
    stand.clock.advance(HOUR_S - 1)
    assert stand.keys.obtain("a") == stand_key, "asking again renews the key that is there"
    stand.clock.advance(HOUR_S - 1)
    assert stand.keys.renew("a") == stand.keys.renew("a", stand_key) == stand_key
    stand.clock.advance(HOUR_S - 1)
    stand.streams.tick()
    assert heard.frames == []
    stand.clock.advance(1)
    stand.streams.tick()
    assert mismatch(shape.EVENTS["listenKeyExpired"], heard.frames[0]) is None
    assert (heard.frames[0]["listenKey"], heard.kinds()) == (stand_key, ["listenKeyExpired"])
    with pytest.raises(ApiError, match="-1125"):
        stand.keys.renew("a")
    assert stand.keys.obtain("a") != stand_key
    stand.floor.place("a", "BUY", 90, 10)
    stand.tell()
    assert heard.frames == [], "a reader of a dead key hears nothing more"


def test_expiry_by_fault_and_closing_by_another_process(stand: Stand) -> None:
    heard = stand.listen()
    stand.streams.expire("a")
    assert heard.kinds() == ["listenKeyExpired"]
    stand.key = stand.keys.obtain("a")
    again = stand.listen()
    with pytest.raises(ApiError, match="-1125"):
        stand.keys.close("a", "another")
    stand.keys.close("a", stand.key)
    stand.floor.place("a", "BUY", 90, 10)
    stand.tell()
    assert again.frames == []
    with pytest.raises(ApiError, match="-1125"):
        stand.keys.renew("a", stand.key)
    stand.streams.expire("a")
    assert again.frames == []


def test_keys_outlive_the_process(stand: Stand) -> None:
    later = ListenKeys(stand.clock.wall_ms)
    later.load(orjson.loads(orjson.dumps(stand.keys.dump())))
    assert later.renew("a", stand.key) == stand.key


def test_user_stream_faults_strike_here_too(stand: Stand) -> None:
    heard = stand.listen()

    def next_order() -> list[str]:
        stand.floor.place("a", "BUY", 90, 10)
        stand.tell()
        return heard.kinds()

    stand.fault("drop_event", "ORDER_TRADE_UPDATE")
    assert (next_order(), next_order()) == ([], ["ORDER_TRADE_UPDATE"])
    stand.fault("duplicate_event", "ORDER_*")
    assert next_order() == ["ORDER_TRADE_UPDATE"] * 2
    stand.fault("drop_user_stream")
    assert (next_order(), next_order()) == ([], [])
    assert stand.keys.renew("a") == stand.key, "muted without a word: the key still lives"
