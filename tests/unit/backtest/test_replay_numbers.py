"""Numbers beyond int64, balances that do not suffice, prices off their tick."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

import backtest.core
from backtest.bounds import LARGEST, cash_limit
from backtest.candles import BadCandles
from backtest.compiled import digest_of
from backtest.core import layout as at
from backtest.price_path import PricePath
from backtest.result import RanBy
from backtest.run import run, run_on
from backtest.scales import setting_of
from backtest.scenario import Fees, FillAssumption, FillKind, Scenario
from domain.errors import InvalidRequest
from domain.instrument import Market
from domain.money import from_units
from domain.orders import Side
from fakes.replay_examples import candles, fifo_books, rules, scenario, walk

SHIB_LIKE = rules(tick=Decimal("0.00000001"), lot=Decimal(1), min_quantity=Decimal(1), min_notional=Decimal(1))


def test_quantities_beyond_int64_run_plainly_and_balance():
    market = walk(3, 500, start=2_400, step=12, unit=1)
    wanted = scenario(market, its_rules=SHIB_LIKE, balances={"USDT": Decimal(1_000_000)}, capital=Decimal(900_000))
    assert cash_limit(setting_of(wanted, 4), PricePath.of(market, wanted)) == 0
    result = run(market, wanted)
    assert result.ran_by is RanBy.PLAIN
    assert result.books.trades > 20
    assert result.books.residual == 0
    expected = fifo_books(result, from_units(int(market.close[-1])))
    for name in ("grid_profit", "fees", "fees_by_asset", "inventory_cost", "equity_change", "cash_flow", "base_held"):
        assert getattr(result.books, name) == getattr(expected, name)


def test_money_that_outgrows_int64_on_the_way_is_run_again_plainly():
    market = walk(3, 3_000, step=60)
    small = scenario(market)
    limit = cash_limit(setting_of(small, 4), PricePath.of(market, small))
    unit = setting_of(small, 4).scales.unit
    rich = scenario(market, balances={"USDT": (Decimal((limit - 1) * unit) / 10**16).quantize(Decimal("0.00000001"))})
    result = run(market, rich)
    assert 0 < cash_limit(setting_of(rich, 4), PricePath.of(market, rich)) < LARGEST
    assert result.ran_by is RanBy.PLAIN
    assert result.trades_hash == run(market, small).trades_hash
    assert result.books == run(market, small).books


def test_buys_that_the_balance_cannot_pay_wait_for_a_sale():
    market = candles([(10_000, 10_000, 9_700, 9_700), (9_700, 10_300, 9_700, 10_300), (10_300, 10_300, 9_700, 9_700)])
    planned = scenario(market)
    poor = Scenario(
        plan=planned.plan, rules=planned.rules, balances={"USDT": planned.plan.capital_needed - Decimal(600)}
    )
    result = run(market, poor)
    assert result.unpaid_orders > 0
    assert result.books.residual == 0
    assert -result.books.cash_flow <= poor.balances["USDT"]
    assert result.books.trades < run(market, planned).books.trades


def test_an_account_that_cannot_pay_the_first_purchase_never_starts():
    market = walk(1, 40)
    planned = scenario(market)
    result = run(market, Scenario(plan=planned.plan, rules=planned.rules, balances={"USDT": Decimal(10)}))
    assert not result.is_entered
    assert len(result.fills) == 0
    assert result.end_equity == Decimal(10)


def test_prices_off_the_tick_are_refused_by_row():
    market = candles([(10_000, 10_001, 9_999, 10_000), (10_000, 10_003, 10_000, 10_001)])
    wide = rules(tick=Decimal("0.05"))
    with pytest.raises(BadCandles, match=r"row 0: price 10001000000 .* use the tick that the venue asked for"):
        PricePath.of(market, scenario(market, its_rules=wide, spacing_percent=Decimal(1)))


def test_candles_of_another_market_are_refused():
    market = walk(1, 40)
    futures = candles([(10_000, 10_000, 10_000, 10_000)], market=Market.FUTURES)
    with pytest.raises(BadCandles, match="are of the futures market"):
        PricePath.of(futures, scenario(market))


@pytest.mark.parametrize(
    ("balances", "message"),
    [
        ({"TST": Decimal(1)}, "the account holds no USDT"),
        ({"USDT": Decimal("0.000000001")}, r"capital: 0\.000000001 USDT has more than 8 decimals"),
        ({"USDT": Decimal("1e30")}, "capital: must be at most 1000000000000000 USDT"),
        ({"USDT": Decimal(5), "BNB": Decimal("1e-9")}, r"bnb: 0\.000000001 BNB has more than 8 decimals"),
        ({"USDT": Decimal(5), "TST": Decimal(-1)}, "TST must not be negative"),
    ],
)
def test_bad_balances_are_refused(balances: dict[str, Decimal], message: str):
    planned = scenario(walk(1, 40))
    with pytest.raises(InvalidRequest, match=message):
        Scenario(plan=planned.plan, rules=planned.rules, balances=balances)


def test_fees_in_bnb_that_are_not_replayed_are_refused():
    planned = scenario(walk(1, 40))
    account = {"USDT": Decimal(10_000)}
    with pytest.raises(InvalidRequest, match="bnb_price: must have at most 8 decimals"):
        Scenario(plan=planned.plan, rules=planned.rules, balances=account, fees=Fees(bnb_price=Decimal("1e-9")))
    own = replace(planned.rules, instrument=replace(planned.rules.instrument, base="BNB"))
    with pytest.raises(InvalidRequest, match="bnb_price: fees in BNB on BNB's own market"):
        Scenario(plan=planned.plan, rules=own, balances=account, fees=Fees(bnb_price=Decimal(600)))


def test_fills_too_large_for_their_columns_are_refused():
    market = walk(1, 40, start=2_400, unit=1)
    huge = Decimal(10**15)
    with pytest.raises(InvalidRequest, match="capital: single fills are too large"):
        run(market, scenario(market, its_rules=SHIB_LIKE, balances={"USDT": huge}, capital=huge))


def test_bad_assumptions_are_refused():
    with pytest.raises(ValueError, match="share_ppm must lie above 0"):
        FillAssumption(FillKind.SHARE)
    with pytest.raises(ValueError, match="maker_ppm must lie between 0"):
        Fees(maker_ppm=600_000)
    with pytest.raises(ValueError, match="bnb_price must be above 0"):
        Fees(bnb_price=Decimal(0))


def test_trades_are_replayed_one_print_each():
    market = candles([(price, price, price, price) for price in (10_000, 9_950, 9_900, 9_950, 10_000)])
    wanted = scenario(market, fees=Fees(0, 0))
    result = run_on(PricePath.of(market, wanted, points=1), wanted)
    sides = [Side.SELL if side else Side.BUY for side in result.fills.side]
    assert sides == [Side.BUY, Side.BUY, Side.BUY, Side.SELL, Side.SELL]
    assert result.fills.time_ms.tolist() == market.open_ms[[0, 1, 2, 3, 4]].tolist()


def test_machine_code_is_kept_under_the_digest_of_every_text():
    texts = {file.name: file.read_text() for file in Path(next(iter(backtest.core.__path__))).glob("*.py")}
    before = digest_of(texts.values())
    assert before == digest_of(texts.values())
    for name, text in texts.items():
        assert digest_of((texts | {name: f"{text}\n"}).values()) != before


def test_the_layout_names_every_place_once():
    assert at.TAKER - at.MAKER == at.PAYS_IN_BNB - at.TAKER == at.FEE_BNB_DEN + 1
