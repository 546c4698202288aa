from hypothesis import given
from hypothesis import strategies as st

from simulator.clocks import MarketClock


class Wall:
    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


def test_market_time_runs_at_its_speed_but_not_past_the_next_step() -> None:
    wall = Wall(1_000)
    clock = MarketClock(wall, 500_000, 60.0)
    assert clock.wait_s(512_000) == 0.2
    wall.now_ms += 100
    assert clock.now_ms() == 506_000
    wall.now_ms += 1_000
    assert clock.now_ms() == 512_000
    assert clock.wait_s(512_000) == 0.0
    clock.arrive(512_000)
    assert clock.now_ms() == 566_000


def test_lock_step_time_stands_where_the_last_step_left_it() -> None:
    wall = Wall(0)
    clock = MarketClock(wall, 100, None)
    assert clock.wait_s(10_000) == 0.0
    wall.now_ms = 10**9
    assert clock.now_ms() == 100
    clock.arrive(10_000)
    assert clock.now_ms() == 10_000


def test_the_end_of_the_feed_stops_the_clock() -> None:
    wall = Wall(0)
    clock = MarketClock(wall, 0, 1.0)
    clock.arrive(5_000)
    clock.stop(60_000)
    wall.now_ms = 10**9
    assert clock.now_ms() == 60_000


@given(
    moves=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 100_000)), max_size=30),
    speed=st.sampled_from([None, 0.5, 1.0, 60.0]),
)
def test_market_time_never_goes_back(moves: list[tuple[int, int]], speed: float | None) -> None:
    wall = Wall(0)
    clock = MarketClock(wall, 0, speed)
    seen = 0
    for advance_ms, step_ms in moves:
        wall.now_ms += advance_ms
        clock.wait_s(step_ms)
        assert clock.now_ms() >= seen
        clock.arrive(step_ms)
        seen = clock.now_ms()
