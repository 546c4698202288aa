"""What the routes are given. They know ports only; `bootstrap` decides what stands behind them."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from flask import current_app

from domain.futures import MarginType
from domain.grids import Direction
from domain.instrument import Market
from domain.money import ZERO
from ports.control import Commands, Snapshots
from ports.futures import Futures
from ports.jobs import Jobs
from ports.market_data import AccountReader, MarketData
from ports.pairs import Pairs

_KEY = "gridhive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a view may ask.

    `wall_ms` returns this host's time in ms since the epoch. `min_order_value` and `max_order_notional` are the
    settings' bounds of one order, in quote; `max_price_distance` is how far a rung may lie from the price, as a
    fraction of it. `futures_leverage`, `futures_direction` and `futures_margin_type` are those of futures grids that
    name none, `futures` is None where no contracts are traded,
    `default_capital` a grid's capital in quote where none is named. `pairs` is None where none are selected.
    `venue_answer_s` is how long a view that can do without the venue's answer waits for it, in seconds.
    """

    commands: Commands
    snapshots: Snapshots
    market_data: MarketData
    account_reader: AccountReader
    jobs: Jobs
    wall_ms: Callable[[], int]
    version: str
    default_market: Market = Market.SPOT
    supported_markets: tuple[Market, ...] = (Market.SPOT, Market.FUTURES)
    language: str = "en"
    min_order_value: Decimal = ZERO
    max_order_notional: Decimal = Decimal(10**12)
    max_price_distance: Decimal = Decimal(1)
    futures_leverage: int = 1
    futures_direction: Direction = Direction.NEUTRAL
    futures_margin_type: MarginType = MarginType.CROSS
    futures: Futures | None = None
    default_capital: Decimal = Decimal(1000)
    pairs: Pairs | None = None
    venue_answer_s: float = 5.0


def services() -> Services:
    """Return the services of the app that handles the current request."""
    return cast("Services", current_app.extensions[_KEY])


def install(extensions: dict[str, object], given: Services) -> None:
    """Put `given` where `services` finds it."""
    extensions[_KEY] = given
