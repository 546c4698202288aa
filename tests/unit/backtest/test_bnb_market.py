"""What BNB is known to have cost, and numbers that it makes too large."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.batch import run_many
from backtest.bnb_market import BnbMarket
from backtest.bounds import cash_limit
from backtest.candles import BadCandles
from backtest.price_path import PricePath
from backtest.result import RanBy
from backtest.run import run, run_on
from backtest.scales import setting_of
from backtest.scenario import Fees
from domain.money import from_units
from fakes.replay_examples import MINUTE_MS, START_MS, bnb_walk, candles, fifo_books, scenario, walk

ROWS = candles([(500, 530, 490, 510), (520, 540, 500, 530), (505, 560, 500, 550)])
GAPPY = BnbMarket(replace(ROWS, symbol="BNBUSDT", open_ms=START_MS + MINUTE_MS * np.array([0, 1, 5])))


@pytest.mark.parametrize(
    ("after_s", "cents"),
    [
        (0, 500),
        (59.999, 500),
        (60, 510),
        (119.999, 510),
        (120, 530),
        (300, 530),
        (359.999, 530),
        (360, 550),
        (9e5, 550),
    ],
)
def test_the_price_is_the_last_close_that_was_known_and_goes_on_over_gaps(after_s: float, cents: int):
    assert GAPPY.at(np.array([START_MS + int(after_s * 1000)])).tolist() == [cents * 10**6]


def test_what_is_missing_is_counted_and_what_was_before_is_not_known():
    assert GAPPY.missing_until(START_MS + 6 * MINUTE_MS) == 3
    assert GAPPY.missing_until(START_MS + 9 * MINUTE_MS) == 6
    assert (GAPPY.first_price, GAPPY.step, GAPPY.highest) == (Decimal("5.00"), 10 * 10**6, 550 * 10**6)
    with pytest.raises(BadCandles, match="candles of BNBUSDT begin at 2024-08-04 00:00; get earlier ones"):
        GAPPY.at(np.array([START_MS - 1]))
    with pytest.raises(ValueError, match="give one of them"):
        Fees(bnb_price=Decimal(600), bnb_market=GAPPY)


@given(seed=st.integers(0, 99), ticks=st.sampled_from([1, 10**13]))
def test_prices_that_make_numbers_too_large_are_counted_in_pythons_integers(seed: int, ticks: int):
    market = walk(3, 300, step=40)
    bnb = bnb_walk(seed, market)
    if ticks > 1:
        columns = {name: getattr(bnb.candles, name) * 10**4 + 1 for name in ("open", "high", "low", "close")}
        bnb = BnbMarket(replace(bnb.candles, **columns))
    funds = {"USDT": Decimal(10_000), "BNB": Decimal(ticks)}
    wanted = scenario(market, fees=Fees(750, 1_000, bnb_market=bnb), balances=funds)
    assert (cash_limit(setting_of(wanted, 4), PricePath.of(market, wanted)) > 0) is (ticks == 1)
    result = run(market, wanted)
    assert result.ran_by is (RanBy.COMPILED if ticks == 1 else RanBy.PLAIN)
    assert result.books.fees_by_asset["BNB"] > 0
    assert result.books.residual == 0
    expected = fifo_books(result, from_units(int(market.close[-1])))
    for name in ("grid_profit", "fees", "fee_asset_revaluation", "fee_prices", "equity_change"):
        assert getattr(result.books, name) == getattr(expected, name)


def test_a_batch_counts_it_as_single_replays_do():
    market = walk(4, 3_000, step=25)
    fees = Fees(750, 1_000, bnb_market=bnb_walk(5, market))
    funds = {"USDT": Decimal(10_000), "BNB": Decimal("0.05")}
    wanted = [scenario(market, levels=levels, fees=fees, balances=funds) for levels in (3, 8, 21)]
    path = PricePath.of(market, wanted[0])
    batch = run_many(path, wanted, threads=2)
    columns = batch.columns()
    for index, one in enumerate(wanted):
        single = run_on(path, one, curve=True)
        assert batch.books(index) == single.books
        assert batch.drawdown(index) == single.drawdown
        assert columns["equity_change"][index] == float(single.books.equity_change)
        assert columns["fee_asset_revaluation"][index] == float(single.books.fee_asset_revaluation) != 0
        assert single.curve is not None
        rows = np.searchsorted(single.curve.time_ms, batch.marked_ms)
        daily = single.curve.change_quote[rows] + float(single.start_equity)
        np.testing.assert_allclose(batch.equity[index], daily, rtol=1e-14)
    with pytest.raises(ValueError, match="made for another price of BNB"):
        run_many(PricePath.of(market, scenario(market)), wanted)
