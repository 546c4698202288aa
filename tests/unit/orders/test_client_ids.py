"""Ids that are computed: they read back, fit the venue, and no two decisions share one."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.orders import Role, Side, Slot
from orders.client_ids import MAX_LENGTH, ClientId, base62, from_base62

slots = st.builds(
    Slot,
    grid=st.integers(0, 10**6),
    role=st.sampled_from(Role),
    side=st.sampled_from(Side),
    price_ticks=st.integers(0, 10**12),
)
instances = st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=4)
ids = st.builds(
    ClientId,
    instance=instances,
    epoch=st.integers(0, 10**4),
    slot=slots,
    cycle=st.integers(0, 10**6),
    attempt=st.integers(0, 10**5),
)


@given(ids)
def test_an_id_reads_back_and_fits_the_venue(client_id: ClientId):
    try:
        text = str(client_id)
    except ValueError:  # too long, and said so
        return
    assert len(text) <= MAX_LENGTH
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text)
    assert ClientId.parse(text) == client_id


def test_a_grid_of_a_lifetime_fits():
    slot = Slot(9_999, Role.RUNG, Side.SELL, 10**9)
    text = str(ClientId("zzzz", 500, slot, 10**6, 3_000))
    assert len(text) <= MAX_LENGTH


def test_an_id_too_long_for_the_venue_is_refused():
    with pytest.raises(ValueError, match="36"):
        str(ClientId("zzzz", 10**9, Slot(10**9, Role.RUNG, Side.BUY, 10**15), 10**9, 10**9))


@given(ids, ids)
def test_two_decisions_never_share_an_id(one: ClientId, other: ClientId):
    assume(one != other)
    try:
        assert str(one) != str(other)
    except ValueError:
        return


@given(ids, st.integers(1, 5))
def test_neighbouring_decisions_never_share_an_id(one: ClientId, step: int):
    other = ClientId(one.instance, one.epoch, one.slot, one.cycle, one.attempt + step)
    try:
        assert str(one) != str(other)
    except ValueError:
        return


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x-HNA2TXFJ0a1b2c3d4e5f6a7b8c9d0e",  # what python-binance makes up
        "web_0123456789abcdef",
        "gh-",
        "gh-t3st-1-1-xb-5-0-0",  # no such role
        "gh-t3st-1-1-rq-5-0-0",  # no such side
        "gh-T3ST-1-1-rb-5-0-0",
        "gh-t3st-1-1-rb-5-0",
        "gh-t3st-1-1-rb-5-0-0-0",
        "gh-t3st-1-1-rb-5-0-0\n",
        " gh-t3st-1-1-rb-5-0-0",
        "gh-t3st-1-1-rb-٥-0-0",  # a digit, but none of ours
    ],
)
def test_foreign_ids_are_nobody_of_ours(text: str):
    assert ClientId.parse(text) is None


def test_an_id_of_another_instance_is_told_apart():
    slot = Slot(1, Role.RUNG, Side.BUY, 5)
    other = ClientId.parse(str(ClientId("ab12", 1, slot, 0, 0)))
    assert other is not None
    assert other.instance == "ab12"


@given(st.integers(0, 10**30))
def test_base62_reads_back(number: int):
    assert from_base62(base62(number)) == number


def test_base62_knows_no_negative_numbers():
    with pytest.raises(ValueError, match="negative"):
        base62(-1)
