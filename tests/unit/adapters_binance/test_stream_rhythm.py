"""How a stream's silence is judged from how often it speaks."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.binance.rhythm import Rhythm, SilenceBounds

BOUNDS = SilenceBounds(5.0, 15.0)
gaps = st.lists(st.floats(0, 100, allow_nan=False), min_size=1, max_size=50)


def heard_every(gap_s: float, times: int = 40) -> Rhythm:
    rhythm = Rhythm(BOUNDS)
    for number in range(times):
        rhythm.heard(number * gap_s)
    return rhythm


def test_silence_is_twice_the_usual_gap_within_the_bounds() -> None:
    assert heard_every(0.1).silent_after_s == 5.0
    assert round(heard_every(4.0).silent_after_s, 6) == 8.0
    assert heard_every(60.0).silent_after_s == 15.0
    assert Rhythm(BOUNDS).silent_after_s == 15.0


@given(found=gaps)
def test_any_run_of_gaps_is_noticed_within_the_bounds_and_twice_the_longest_gap(found: list[float]) -> None:
    rhythm, now_s = Rhythm(BOUNDS), 0.0
    for gap_s in [0.0, *found]:
        now_s += gap_s
        rhythm.heard(now_s)
    assert 5.0 <= rhythm.silent_after_s <= max(5.0, min(15.0, 2 * max(found) + 1e-9))
    assert not rhythm.is_silent(now_s)
    assert rhythm.is_silent(now_s + rhythm.silent_after_s + 1e-6)


def test_the_gap_of_an_interruption_is_not_learned_from() -> None:
    rhythm = heard_every(4.0)
    rhythm.interrupted()
    rhythm.heard(1_000.0)
    assert round(rhythm.silent_after_s, 6) == 8.0


def test_rest_is_asked_at_once_of_what_was_never_confirmed_and_then_not_at_every_look() -> None:
    rhythm = Rhythm(BOUNDS)
    assert rhythm.is_silent(0.0)
    rhythm.asked(0.0)
    assert not rhythm.is_silent(4.9)
    assert rhythm.is_silent(5.0)
    rhythm.confirmed(5.0)
    assert not rhythm.is_silent(19.0)
    assert rhythm.is_silent(20.0)
