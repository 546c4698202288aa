"""The figures of all pairs at once, as our exchange tells them, and what reading them weighs."""

from decimal import Decimal

import pytest

from adapters.binance.connect import BinanceVenue
from domain.errors import VenueError
from domain.instrument import Instrument, Market
from fakes.um_orders import BTC_PERPETUAL

BTC = Instrument("binance", Market.SPOT, "BTC", "USDT")


def test_all_pairs_of_a_market_are_read_at_once_and_counted(venue: BinanceVenue) -> None:
    weights = {Market.SPOT: 80, Market.FUTURES: 45}
    for market, weight in weights.items():
        venue.market_data.directory.listing(market)
        before = venue.transport.broker.used_weight(market)
        figures = {day.instrument: day for day in venue.pairs.day_figures(market)}
        assert venue.transport.broker.used_weight(market) - before == weight
        assert {it.base for it in figures} == {"BTC", "ETH"}
        assert all(day.is_trading and day.quote_volume > 0 for day in figures.values())
        assert all(0 < day.bid < day.ask for day in figures.values())


def test_depth_and_open_interest_are_read(venue: BinanceVenue) -> None:
    book = venue.pairs.depth(BTC, Decimal("0.02"), Decimal(1))
    near = venue.pairs.depth(BTC, Decimal("0.0001"), Decimal(1))
    assert book > near > 0
    assert venue.pairs.open_interest(BTC_PERPETUAL) >= 0
    with pytest.raises(VenueError):
        venue.pairs.open_interest(Instrument("binance", Market.FUTURES, "NONE", "USDT"))
