"""Accounts, instruments and their rules as values."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.account import Account, Mode
from domain.instrument import Instrument, Market
from domain.orders import Side
from fakes.grid_examples import BTC, btc_rules


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("shadow", Mode.SHADOW),
        (" TESTNET ", Mode.TESTNET),
        ("Test", Mode.TESTNET),
        ("pRoDuCtIoN", Mode.PRODUCTION),
    ],
)
def test_a_mode_is_read_in_any_case(text: str, mode: Mode):
    assert Mode.parse(text) is mode


@pytest.mark.parametrize("text", ["", "live", "prod", "paper"])
def test_an_unknown_mode_names_those_that_exist(text: str):
    with pytest.raises(ValueError, match="Shadow, Testnet or Production"):
        Mode.parse(text)


def test_accounts_differ_by_venue_mode_and_key_and_never_show_the_key():
    accounts = {
        Account.of_key(venue, mode, key).id for venue in ("binance", "other") for mode in Mode for key in ("one", "two")
    }
    assert len(accounts) == 12
    assert not any("one" in name or "two" in name for name in accounts)
    assert Account.of_key("binance", Mode.SHADOW, "one") == Account.of_key("binance", Mode.SHADOW, "one")


@given(
    base=st.text("ABCDEFGHIJ0123456789", min_size=1, max_size=8),
    quote=st.sampled_from(["USDT", "BRL"]),
    market=st.sampled_from(Market),
)
def test_an_instrument_id_reads_back(base: str, quote: str, market: Market):
    instrument = Instrument("binance", market, base, quote)
    assert Instrument.parse(instrument.id) == instrument
    assert str(instrument) == instrument.id


@pytest.mark.parametrize("text", ["", "BTCUSDT", "binance:spot:BTC", "binance:margin:BTC/USDT", "a:b:c:d/e"])
def test_what_is_no_instrument_id_is_refused(text: str):
    with pytest.raises(ValueError, match="no instrument id"):
        Instrument.parse(text)


@given(ticks=st.integers(0, 10**9), lots=st.integers(0, 10**12))
def test_ticks_and_lots_go_both_ways(ticks: int, lots: int):
    rules = btc_rules()
    assert rules.ticks(rules.price(ticks)) == ticks
    assert rules.lots(rules.quantity(lots)) == lots


@given(price=st.decimals(min_value=Decimal("0.0001"), max_value=10**6, places=6))
def test_the_nearest_tick_is_at_most_half_a_tick_away(price: Decimal):
    rules = btc_rules()
    assert abs(rules.price(rules.nearest_ticks(price)) - price) <= rules.tick / 2


def test_what_is_off_the_grid_is_refused_with_the_step():
    with pytest.raises(ValueError, match=r"price 1\.005 is no whole number of steps of 0\.01"):
        btc_rules().ticks(Decimal("1.005"))
    with pytest.raises(ValueError, match="quantity"):
        btc_rules().lots(Decimal("0.000001"))


@pytest.mark.parametrize("changes", [{"tick": Decimal(0)}, {"lot": Decimal(-1)}, {"min_notional": Decimal(-1)}])
def test_rules_that_cannot_be_are_refused(changes: dict[str, Decimal]):
    with pytest.raises(ValueError, match="must be positive"):
        btc_rules(**changes)


def test_only_trading_is_trading():
    assert btc_rules().is_trading
    assert not btc_rules(status="BREAK").is_trading


def test_sides_are_opposite():
    assert [side.opposite for side in Side] == [Side.SELL, Side.BUY]
    assert BTC.id == "binance:spot:BTC/USDT"
