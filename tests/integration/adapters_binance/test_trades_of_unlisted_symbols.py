"""What is told of the trades of a symbol the exchange does not list, against the real simulator."""

import pytest

from adapters.binance.connect import connect
from domain.account import Mode
from domain.errors import NotFound
from domain.instrument import Instrument, Market
from fakes.venue_process import KEY, SECRET, VenueProcess
from utils.clock import SystemClock

GONE = Instrument("binance", Market.SPOT, "BTC", "USDT")
LISTED = Instrument("binance", Market.SPOT, "ETH", "USDT")


def test_trades_of_a_symbol_that_is_not_listed_are_not_found_rather_than_a_fault_of_the_venue():
    options = ("--market", "synthetic", "--seed", "7", "--speed", "max", "--symbols", "ETHUSDT")
    with VenueProcess(*options) as process:
        venue = connect(
            mode=Mode.SHADOW,
            api_key=KEY,
            api_secret=SECRET,
            spot_url=process.url,
            clock=SystemClock(),
            client_id_prefix="gh-",
        )
        try:
            with pytest.raises(NotFound, match="BTC/USDT"):
                venue.account_trades.trades_since(GONE, 0)
            assert venue.account_trades.trades_since(LISTED, 0) == ()
        finally:
            venue.close()
