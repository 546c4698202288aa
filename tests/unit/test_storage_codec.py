"""A plan comes back from its text as it was; what is no plan is refused."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given

from domain.plan_text import decode_plan, encode_plan
from fakes.store_examples import PLAN, plans


@given(plan=plans)
def test_round_trip(plan):
    assert decode_plan(encode_plan(plan)) == plan


@given(plan=plans)
def test_no_amount_is_written_as_a_number(plan):
    def refuse(text: str) -> None:
        pytest.fail(f"{text} was written as a number")

    json.loads(encode_plan(plan), parse_float=refuse)


def test_a_field_with_a_default_may_be_absent_from_an_old_text():
    told = json.loads(encode_plan(replace(PLAN, warnings=())))
    del told["warnings"]
    del told["request"]["start_empty"]
    assert decode_plan(json.dumps(told)) == replace(PLAN, warnings=())


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("stop_loss",), "1", "newer version: stop_loss"),
        (("request", "hedge"), 3, "newer version: hedge"),
        (("start_price",), 45000.1, "45000.1"),
        (("start_price",), "NaN", "NaN"),
        (("prices",), "12", "12"),
        (("request",), [], r"\[\]"),
        (("request", "levels"), True, "True"),
        (("request", "spacing"), "wild", "wild"),
        (("request", "instrument"), "BTCUSDT", "BTCUSDT"),
    ],
)
def test_what_is_no_plan_is_refused_by_name(path, value, words):
    told = json.loads(encode_plan(PLAN))
    place = told
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=words):
        decode_plan(json.dumps(told))


def test_a_plan_that_lacks_a_field_is_refused():
    told = json.loads(encode_plan(PLAN))
    del told["prices"]
    with pytest.raises(ValueError, match="prices"):
        decode_plan(json.dumps(told))


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("Infinity"), 1.5])
def test_what_is_no_exact_amount_is_not_written(amount):
    with pytest.raises(ValueError, match="cannot be stored"):
        encode_plan(replace(PLAN, start_price=amount))
