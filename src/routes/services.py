"""What the routes are given. They know ports only; `bootstrap` decides what stands behind them."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from flask import current_app

from domain.instrument import Market
from domain.money import ZERO
from ports.control import Commands, Snapshots
from ports.market_data import AccountReader, MarketData

_KEY = "gridhive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a view may ask.

    `wall_ms` returns this host's time in ms since the epoch. `min_order_size` is the smallest order the settings
    allow, in quote. `futures_leverage` is the leverage futures grids run with.
    """

    commands: Commands
    snapshots: Snapshots
    market_data: MarketData
    account_reader: AccountReader
    wall_ms: Callable[[], int]
    default_market: Market = Market.SPOT
    supported_markets: tuple[Market, ...] = (Market.SPOT, Market.FUTURES)
    language: str = "en"
    min_order_size: Decimal = ZERO
    futures_leverage: int = 1


def services() -> Services:
    """Return the services of the app that handles the current request."""
    return cast("Services", current_app.extensions[_KEY])


def install(extensions: dict[str, object], given: Services) -> None:
    """Put `given` where `services` finds it."""
    extensions[_KEY] = given
