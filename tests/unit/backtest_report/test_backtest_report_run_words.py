"""Fees, fills and rules as people write them."""

import gzip
import json
import os
from datetime import date
from decimal import Decimal

import pytest

from adapters.binance.parsing import parse_rules
from backtest.chosen_market import rules_of
from backtest.portfolio.options import assumed_of
from backtest.portfolio.options import parse as portfolio_words
from backtest.rules_source import RULES_NOTES, UsedRules, built_in, find_rules, read_rules
from backtest.run_options import parse, parse_capital, parse_fees, parse_fill, wish_of
from backtest.scenario import Delays, Fees, FillAssumption, FillKind
from config.settings import Settings
from domain.errors import InvalidRequest
from domain.instrument import Market
from fakes.backtest_studies import BTC
from fakes.sweep_commands import OUTSIDE

SYMBOL = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10", "minPrice": "0.10", "maxPrice": "1000000.00"},
        {"filterType": "LOT_SIZE", "stepSize": "0.00100000", "minQty": "0.00100000", "maxQty": "9000.00000000"},
        {"filterType": "NOTIONAL", "minNotional": "10.00000000"},
    ],
}


def test_fees_are_percent():
    assert parse_fees("0.1,0.1") == Fees(1_000, 1_000)
    assert parse_fees("0.075") == Fees(750, 750)
    assert parse_fees("10") == Fees(100_000, 100_000)
    with pytest.raises(InvalidRequest, match=r"fees: 'abc' is no number; write e\.g\. --fees 0\.1,0\.1"):
        parse_fees("abc")
    with pytest.raises(InvalidRequest, match=r"max_exposure: 'x' is no number; write e\.g\. --max-exposure 5000"):
        parse_capital("x", "max_exposure")
    assert parse_fees("0,0.05", "600.5") == Fees(0, 500, Decimal("600.5"))
    for wrong in ("", "1,2,3", "0.00001", "-0.1", "10.0001", "a,b"):
        with pytest.raises(InvalidRequest, match="fees"):
            parse_fees(wrong)


def test_fills_are_named():
    assert parse_fill("through") == FillAssumption(FillKind.THROUGH)
    assert parse_fill("share:2.5%") == parse_fill("share:2.5") == FillAssumption(FillKind.SHARE, 25_000)
    for wrong in ("", "toch", "touch:5%", "share", "share:0%", "share:101%", "share:x"):
        with pytest.raises(InvalidRequest, match="fill"):
            parse_fill(wrong)


def test_delays_are_whole_numbers_within_reason():
    words = ["--symbol", "BTCUSDT", "--set", "initial_levels=9", "--set", "spacing_perc=1", "--capital", "900"]
    asked = wish_of(parse([*words, "--latency", "200", "--orders-per-10s", "50"], "test"), BTC).assumed.delays
    assert asked == Delays(latency_ms=200, orders_per_10s=50)
    assert not wish_of(parse(words, "test"), BTC).assumed.delays
    for wrong in (["--latency", "0.5"], ["--latency", "-1"], ["--latency", "60001"], ["--latency", "soon"]):
        with pytest.raises(InvalidRequest, match="latency"):
            wish_of(parse([*words, *wrong], "test"), BTC)
    with pytest.raises(InvalidRequest, match="orders_per_10s: must be from 0"):
        wish_of(parse([*words, "--orders-per-10s", "10001"], "test"), BTC)
    together = portfolio_words(["--grid-of", "BTCUSDT=x.yaml", "--capital", "900", "--latency", "5"], "test")
    assert assumed_of(together, BTC).delays == Delays(latency_ms=5)


def test_a_limit_of_exposure_is_an_amount_that_the_grid_fits_into():
    words = ["--symbol", "BTCUSDT", "--set", "initial_levels=9", "--set", "spacing_perc=1", "--capital", "900"]
    assert wish_of(parse(words, "test"), BTC).assumed.max_exposure is None
    asked = wish_of(parse([*words, "--max-exposure", "900.5"], "test"), BTC).assumed.max_exposure
    assert asked == Decimal("900.5")
    for wrong, said in (("0", "above 0"), ("-1", "above 0"), ("1e16", "at most"), ("1.000000001", "8 decimals")):
        with pytest.raises(InvalidRequest, match=f"max_exposure: must .*{said}"):
            wish_of(parse([*words, "--max-exposure", wrong], "test"), BTC)
    with pytest.raises(InvalidRequest, match="max_exposure: 'all' is no number"):
        wish_of(parse([*words, "--max-exposure", "all"], "test"), BTC)


def test_all_mistakes_of_the_words_are_told_together():
    words = ["--symbol", "BTCUSDT", "--set", "initial_levels=no", "--fees", "x", "--fill", "y"]
    with pytest.raises(InvalidRequest) as refused:
        wish_of(parse(words, "test"), BTC)
    assert {mistake.field for mistake in refused.value.mistakes} == {"initial_levels", "spacing_perc", "fees", "fill"}


def test_the_account_holds_the_capital_and_bnb_for_fees():
    words = ["--symbol", "BTCUSDT", "--set", "initial_levels=9", "--set", "spacing_perc=1"]
    assert wish_of(parse([*words, "--set", "capital=700"], "test"), BTC).assumed.balances == {"USDT": Decimal(700)}
    paid = wish_of(parse([*words, "--capital", "1000", "--bnb-price", "500"], "test"), BTC).assumed.balances
    assert paid == {"USDT": Decimal(1000), "BNB": Decimal("0.02")}
    mistaken = (
        [],
        ["--capital", "0"],
        ["--capital", "9", "--bnb-price", "5", "--bnb", "-1"],
        ["--capital", "9", "--bnb-price", "0"],
        ["--capital", "9", "--bnb", "1"],
    )
    for more in mistaken:
        with pytest.raises(InvalidRequest):
            wish_of(parse([*words, *more], "test"), BTC)


def test_a_file_named_after_another_symbol_is_refused(tmp_path):
    def ask(file: str) -> UsedRules:
        given = parse(["--symbol", "BTCUSDT", "--data", file, "--rules", "builtin"], "test")
        return rules_of(given, Settings(), OUTSIDE)

    with pytest.raises(InvalidRequest, match=r"data: ETHUSDT_1m\.csv is named after ETHUSDT"):
        ask("ETHUSDT_1m.csv")
    for own in ("BTCUSDT_1m.csv", "spot_BTCUSDT-1m.csv", "MINUTES_2024.csv", "mine.csv"):
        assert ask(own).rules.instrument == BTC


def test_rules_come_from_a_saved_answer_with_its_day(tmp_path):
    file = tmp_path / "info.json.gz"
    file.write_bytes(gzip.compress(json.dumps({"serverTime": 1_694_185_561_976, "symbols": [SYMBOL]}).encode()))
    used = read_rules(file, "BTCUSDT", Market.SPOT, parse_rules)
    assert (used.rules.tick, used.rules.min_notional, used.dated) == (Decimal("0.10"), Decimal(10), date(2023, 9, 8))
    assert "2023-09-08" in used.sentence
    with pytest.raises(InvalidRequest, match="does not hold ETHUSDT"):
        read_rules(file, "ETHUSDT", Market.SPOT, parse_rules)
    (tmp_path / "half.json").write_text(json.dumps({"symbols": [{**SYMBOL, "filters": []}]}))
    with pytest.raises(InvalidRequest, match="cannot be used"):
        read_rules(tmp_path / "half.json", "BTCUSDT", Market.SPOT, parse_rules)
    for bad in ("[]", "{"):
        (tmp_path / "bad.json").write_text(bad)
        with pytest.raises(InvalidRequest, match=r"bad\.json"):
            read_rules(tmp_path / "bad.json", "BTCUSDT", Market.SPOT, parse_rules)


def test_a_servers_notes_go_before_what_is_built_in(tmp_path):
    assert find_rules(None, "BTCUSDT", Market.SPOT, parse_rules, tmp_path).origin.startswith("built in")
    notes = tmp_path / RULES_NOTES
    notes.write_text(json.dumps({"BTCUSDT": SYMBOL}))
    os.utime(notes, (1_700_000_000, 1_700_000_000))
    noted = find_rules(None, "BTCUSDT", Market.SPOT, parse_rules, tmp_path)
    assert (noted.rules.tick, noted.dated) == (Decimal("0.10"), date(2023, 11, 14))
    assert find_rules("builtin", "BTCUSDT", Market.SPOT, parse_rules, tmp_path).rules.tick == Decimal("0.01")
    for symbol, market in (("PEPEUSDT", Market.SPOT), ("PEPEUSDT", Market.FUTURES), ("BTC", Market.SPOT)):
        with pytest.raises(InvalidRequest, match="exchangeInfo"):
            built_in(symbol, market)
