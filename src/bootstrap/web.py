"""The HTTP application of one house."""

from pathlib import Path
from typing import Final

from adapters.binance.connect import BinanceVenue
from bootstrap import VERSION
from bootstrap.house import Asgi
from config.settings import Settings
from domain.instrument import Market
from grid.control import GridControl
from ports.clock import Clock
from ports.jobs import Jobs
from ports.pairs import Pairs
from risk.gate import GateLimits
from routes.application import create_app
from routes.asgi import build_asgi
from routes.services import Services

_STATIC: Final = Path(__file__).parents[2] / "static"


def application(
    settings: Settings,
    control: GridControl,
    venue: BinanceVenue,
    jobs: Jobs,
    limits: GateLimits,
    clock: Clock,
    pairs: Pairs,
) -> Asgi:
    """Return what answers requests for as long as the house stands."""
    services = Services(
        commands=control,
        snapshots=control,
        market_data=venue.market_data,
        account_reader=venue.account,
        jobs=jobs,
        wall_ms=clock.wall_ms,
        version=VERSION,
        default_market=settings.default_market_type,
        supported_markets=settings.exchange.supported_markets,
        language=settings.server.language,
        min_order_value=settings.grid.spot.min_order_size_usd,
        max_order_notional=limits.max_order_notional,
        max_price_distance=limits.max_price_distance,
        futures_leverage=settings.grid.futures_leverage,
        futures_direction=settings.grid.futures.direction,
        futures_margin_type=settings.grid.futures.margin_type,
        futures=venue.futures if Market.FUTURES in settings.exchange.supported_markets else None,
        default_capital=settings.trading.capital_per_pair_usd,
        pairs=pairs,
    )
    server = settings.server
    app = create_app(
        services,
        allowed_hosts=[server.host, *server.allowed_hosts],
        allowed_origins=server.allowed_origins,
        static_folder=_STATIC,
    )
    return build_asgi(app, threads=server.view_threads)
