"""What the API takes and shows of how a grid begins and ends by itself."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from domain.exit_terms import ExitAction, ExitTerms
from domain.grids import Direction
from fakes.grid_examples import BTC, facts
from grid.preflight import plan_grid
from routes.exit_views import ExitsView, trigger_of
from routes.schemas import GridBody

CONFIG = {
    "initial_levels": 10,
    "spacing_perc": "0.5",
    "stop_below": "50000",
    "take_profit_price": 62000,
    "take_profit_perc": "150.5",
    "stop_loss_amount": 40,
    "on_stop_loss": "limit",
    "trigger_price": "60500",
}


def test_a_request_says_when_the_grid_begins_and_ends_and_an_answer_who_watches():
    body = GridBody.model_validate({"symbol": "BTCUSDT", "config": CONFIG})
    request = body.request(BTC, Direction.NEUTRAL)
    assert request.exits == ExitTerms(
        take_profit_price=Decimal(62_000),
        take_profit_percent=Decimal("150.5"),
        stop_loss_amount=Decimal(40),
        on_stop_loss=ExitAction.LIMIT,
    )
    plan = plan_grid(request, facts())
    shown = ExitsView.of(plan)
    assert shown is not None
    told = shown.model_dump()
    assert (told["stop_below"], told["take_profit_perc"], told["stop_loss_amount"]) == ("50000", "150.5", "40")
    assert (told["on_take_profit"], told["on_stop_loss"], told["resident_at_exchange"]) == ("market", "limit", False)
    assert "not resident at the exchange" in told["note"]
    assert trigger_of(plan) == "60500"


@pytest.mark.parametrize(
    ("field", "value"),
    [("take_profit_perc", 1001), ("stop_loss_perc", 101), ("on_stop_loss", "sell"), ("trigger_price", 0)],
)
def test_what_no_grid_can_do_is_refused(field: str, value: object):
    with pytest.raises(ValidationError, match=field):
        GridBody.model_validate({"symbol": "BTCUSDT", "config": {**CONFIG, field: value}})
