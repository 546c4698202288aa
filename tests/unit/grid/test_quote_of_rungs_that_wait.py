"""Rungs that do not rest yet lock nothing at the exchange: another grid must not be planned on their quote."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from domain.errors import InvalidRequest
from domain.events import Balance, Ticker
from domain.instrument import FeeRates, Instrument, Market
from domain.money import plain
from fakes.clock import FakeClock
from fakes.grid_examples import BTC, FEES, request
from fakes.some_market import Place, SomeMarket
from fakes.store import InMemoryStore

ETH = Instrument("binance", Market.SPOT, "ETH", "USDT")
FREE = Decimal(1_500)


class OpenMarket(SomeMarket):
    """Everything costs 60,000, and what no order locks is always free."""

    def tickers(self, instruments: Sequence[Instrument]) -> tuple[Ticker, ...]:
        price = Decimal(60_000)
        names = ("price", "volume", "quote_volume", "change_percent", "high", "low", "bid", "ask")
        return tuple(Ticker(instrument=it, **dict.fromkeys(names, price)) for it in instruments)

    def balances(self, _market: Market) -> tuple[Balance, ...]:
        return (Balance("USDT", FREE, Decimal(0)),)

    def fee_rates(self, _instrument: Instrument) -> FeeRates:
        return FEES


@pytest.mark.parametrize("resting", [None, 2])
def test_another_grid_is_not_planned_on_quote_that_waiting_rungs_will_need(resting: int | None):
    place = Place(InMemoryStore(), OpenMarket(), FakeClock())
    asked = {"levels": 10, "start_empty": True, "capital": Decimal(1_500)}
    shown = place.manager.start(request(**asked, resting_levels=resting))
    try:
        other = request(instrument=ETH, capital=Decimal(1_000), start_empty=True)
        if resting is None:
            assert shown.unlocked == 0
            assert place.manager.check(other).capital_needed <= 1_000
            return
        waiting = sorted(shown.plan.prices[: shown.plan.gap])[:-resting]
        assert shown.unlocked == sum(waiting) * shown.plan.quantity_per_rung
        with pytest.raises(InvalidRequest, match=f"only {plain(FREE - shown.unlocked)} are free"):
            place.manager.check(other)
        assert place.manager.check(request(instrument=BTC, capital=Decimal(1_000), start_empty=True))
    finally:
        place.manager.close(cancel_orders=False)
