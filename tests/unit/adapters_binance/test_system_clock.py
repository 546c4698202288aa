import time
from threading import Event

from ports.clock import Clock
from utils.clock import SystemClock


def test_market_time_is_wall_time_until_events_carry_it() -> None:
    clock: Clock = SystemClock()
    assert abs(clock.market_ms() - time.time() * 1000) < 30_000
    assert abs(clock.wall_ms() - time.time() * 1000) < 30_000
    carried = SystemClock()
    carried.set_market_ms(1_000)
    carried.set_market_ms(900)
    assert carried.market_ms() == 1_000, "it never goes back"
    carried.set_market_ms(1_001)
    assert carried.market_ms() == 1_001
    assert carried.wall_ms() > 1_600_000_000_000, "wall time goes on by itself"


def test_a_wait_ends_at_once_when_stopping() -> None:
    clock, stopping = SystemClock(), Event()
    assert not clock.wait(stopping, -1)
    stopping.set()
    started_s = clock.monotonic_s()
    assert clock.wait(stopping, 60)
    assert clock.monotonic_s() - started_s < 30
