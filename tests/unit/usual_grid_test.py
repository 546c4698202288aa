"""What the settings ask of a grid that is started without anybody saying how."""

from decimal import Decimal

import pytest

from bootstrap.pairs import autopilots_grid
from config.settings import Settings
from domain.exit_terms import ExitAction
from domain.grids import AskedBy, Direction, Profit
from fakes.house import BTC, BTC_FUTURES

GRID = {
    "stop_loss_perc": "12.5",
    "on_stop_loss": "market",
    "take_profit_perc": "30",
    "resting_levels": 3,
    "quantity_growth_perc": "2.5",
    "profit": "reinvest",
    "post_only": True,
    "trail_up_to": "90000",
    "futures": {"position_side": "SHORT"},
}


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings.model_validate({"grid": GRID, "trading": {"capital_per_pair_usd": "750"}})


def test_the_autopilots_grids_end_by_the_stop_loss_and_take_profit_of_the_settings(settings: Settings) -> None:
    asked = autopilots_grid(settings, BTC)
    ends = asked.exits
    assert (ends.stop_loss_percent, ends.take_profit_percent) == (Decimal("12.5"), Decimal(30))
    assert ends.on_stop_loss is ExitAction.MARKET
    assert (asked.resting_levels, asked.post_only, asked.capital) == (3, True, Decimal(750))
    assert (asked.quantity_growth_percent, asked.profit) == (Decimal("2.5"), Profit.REINVEST)
    assert (asked.trail_up_to, asked.asked_by) == (None, AskedBy.AUTOPILOT)


def test_only_a_contract_has_the_direction_of_futures(settings: Settings) -> None:
    assert autopilots_grid(settings, BTC).direction is Direction.LONG
    assert autopilots_grid(settings, BTC_FUTURES).direction is Direction.SHORT
