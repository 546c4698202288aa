"""How often the venue has to say that it knows no such order before that is believed."""

import asyncio

import pytest

from adapters.binance.look_ups import LOOK_UP_PAUSES_S, find_or_prove_absent
from domain.errors import OrderUnknown
from fakes.clock import FakeClock


@pytest.mark.parametrize(("is_patient", "tries"), [(False, 2), (True, len(LOOK_UP_PAUSES_S))])
def test_what_was_sent_long_ago_is_asked_for_twice_or_where_it_may_not_be_missed_as_often_as_ever(is_patient, tries):
    clock, asked = FakeClock(), []
    sent_ms = clock.wall_ms()
    clock.advance(3_600)

    async def find() -> str:
        asked.append(clock.wall_ms())
        raise OrderUnknown("no such order")

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)

    assert asyncio.run(find_or_prove_absent(find, sent_ms, clock, sleep, is_patient=is_patient)) is None
    assert len(asked) == tries
