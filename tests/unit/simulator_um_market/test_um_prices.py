"""Basis, mark price and funding rate: by the formulas, bounded, and the same at the same time."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.symbols import UNIT
from simulator.market.catalogue import SPECS
from simulator.market.feed import Candle, MarketError
from simulator.market.files import DataSource
from simulator.um.core.catalogue import CONTRACTS
from simulator.um.market.basis import Basis
from simulator.um.market.contracts import as_symbol, contract_of, on_recorded_grid
from simulator.um.market.marks import INTEREST_RATE, RATE_BOUND, MarkPrice, funding_rate
from simulator.um.market.records import FundingRecord, MarkRecord

T0 = 1_722_816_000_000
HOUR_MS = 3_600_000
BTC = CONTRACTS["BTCUSDT"]
prices = st.integers(1_000 * UNIT, 200_000 * UNIT)
times = st.integers(T0, T0 + 10**11)


@given(prices, times, st.integers(0, 99))
def test_the_basis_is_small_and_a_function_of_time_and_seed_alone(price: int, time_ms: int, seed: int) -> None:
    moved = Basis(seed).price(BTC, price, time_ms)
    assert moved == Basis(seed).price(BTC, price, time_ms)
    assert moved % BTC.tick == 0
    assert abs(moved - price) <= price // 1_000 + BTC.tick


def test_the_basis_comes_back_to_its_mean() -> None:
    basis = Basis(1)
    drawn = [basis.ppm("BTCUSDT", T0 + hour * HOUR_MS) for hour in range(24 * 400)]
    assert abs(sum(drawn) / len(drawn) - 60) < 25
    assert min(drawn) < -200
    assert max(drawn) > 300


@given(prices, prices, prices, prices, times)
def test_a_followed_candle_holds_its_open_and_close(a: int, b: int, c: int, d: int, time_ms: int) -> None:
    low, opened, closed, high = sorted((a, b, c, d))
    open_ms = time_ms - time_ms % HOUR_MS
    spot = Candle(open_ms, open_ms + HOUR_MS - 1, opened, high, low, closed, 12_345_678, 1, 1, 1_234_567, 1)
    candle = Basis(3).candle(BTC, spot)
    assert candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high
    assert candle.volume % BTC.lot == 0 == candle.taker_buy_base % BTC.lot
    assert candle.open == Basis(3).price(BTC, opened, open_ms)


@given(index=prices, mid=prices, last=prices, now_ms=times)
def test_the_mark_is_the_median_of_its_three_prices(index: int, mid: int, last: int, now_ms: int) -> None:
    model = MarkPrice(8 * HOUR_MS)
    left_ms = model.next_funding_ms(now_ms) - now_ms
    by_funding = index + index * INTEREST_RATE * left_ms // (8 * HOUR_MS * UNIT)
    assert model.at(now_ms, index=index, mid=mid, last=last) == sorted((by_funding, mid, last))[1]


def test_the_mark_follows_the_mean_premium_of_thirty_seconds() -> None:
    model, index = MarkPrice(8 * HOUR_MS), 60_000 * UNIT
    far = 10**6 * UNIT  # keeps the last price out of the middle
    for second in range(31):
        mark = model.at(T0 + second * 1_000, index=index, mid=index - 30 * UNIT, last=1)
    assert mark == index - 30 * UNIT
    model.at(T0 + 31_000, index=index, mid=index + 70 * UNIT, last=1)
    assert model.at(T0 + 46_000, index=index, mid=index + 70 * UNIT, last=far) == index + 20 * UNIT
    assert model.at(T0 + 61_000, index=index, mid=index + 70 * UNIT, last=far) == index + 70 * UNIT


@pytest.mark.parametrize(
    ("premium", "hours", "rate"),
    [
        (0, 8, 10_000),  # within 0.05 % of the interest rate: the interest rate
        (60_000, 8, 10_000),
        (100_000, 8, 50_000),
        (-100_000, 8, -50_000),
        (100_000, 4, 25_000),
        (10**9, 8, RATE_BOUND),
        (-(10**9), 8, -RATE_BOUND),
    ],
)
def test_funding_rates_follow_the_formula(premium: int, hours: int, rate: int) -> None:
    assert funding_rate([premium] * 7, hours) == rate


def test_a_rate_without_any_premium_is_the_interest_rate() -> None:
    assert funding_rate([], 8) == INTEREST_RATE


@given(st.sampled_from(sorted(SPECS)), st.integers(0, 8), st.integers(0, 8))
def test_every_contract_keeps_fills_whole_on_whatever_grid_it_was_recorded(name: str, tick: int, lot: int) -> None:
    contract = contract_of(SPECS[name])
    assert contract is not None
    recorded = on_recorded_grid(contract, replace(as_symbol(contract), tick=10**tick, lot=10**lot))
    assert recorded.tick <= min(contract.tick, 10**tick)
    assert recorded.tick * recorded.lot % UNIT == 0
    assert on_recorded_grid(contract, as_symbol(contract)) == contract


def source(path: Path, content: str, text: str) -> DataSource:
    path.write_text(text)
    return DataSource.parse(f"{content}:BTCUSDT={path}")


def test_marks_are_known_up_to_now_and_hold_a_modelled_one(tmp_path: Path) -> None:
    rows = "open_time,open,high,low,close\n" + "\n".join(
        f"{T0 + hour * HOUR_MS},{100 + hour},{110 + hour},{90 + hour},{101 + hour}" for hour in range(3)
    )
    record = MarkRecord(source(tmp_path / "BTCUSDT_mark_1h.csv", "mark", rows), shift_ms=0)
    assert record.opening(T0 + HOUR_MS) == 101 * UNIT
    assert record.opening(T0 + HOUR_MS + 1) is None
    assert record.held(200 * UNIT, T0 + 5) == 110 * UNIT
    assert record.held(1, T0 + HOUR_MS) == 91 * UNIT
    assert record.held(7, T0 + 3 * HOUR_MS) == 7
    assert [candle.close for candle in record.history("1h", T0 + HOUR_MS + 5, 9)] == [101 * UNIT]


def test_funding_is_found_around_its_moment(tmp_path: Path) -> None:
    text = f"funding_time,funding_rate\n{T0 + 12},0.0001\n{T0 + 8 * HOUR_MS},-0.00025\n"
    record = FundingRecord(source(tmp_path / "BTCUSDT_funding.csv", "funding", text), shift_ms=1_000)
    assert record.rate(T0, HOUR_MS) == 10_000
    assert record.rate(T0 + 8 * HOUR_MS, HOUR_MS) == -25_000
    assert record.rate(T0 + 4 * HOUR_MS, HOUR_MS) is None
    with pytest.raises(MarketError, match="funding_rate is missing"):
        FundingRecord(source(tmp_path / "b.csv", "funding", "funding_time\n1\n"), 0)


@pytest.mark.parametrize(
    ("name", "option", "expected"),
    [
        ("BTCUSDT_mark_1h.parquet", "", ("um", "mark")),
        ("BTCUSDT_funding.csv", "", ("um", "funding")),
        ("BTCUSDT_funding.csv", "um:", ("um", "funding")),
        ("BTCUSDT_1m.parquet", "um:", ("um", "prices")),
        ("x.csv", "mark:BTCUSDT=", ("um", "mark")),
        ("x.csv", "funding:BTCUSDT=", ("um", "funding")),
        ("BTCUSDT_mark_1h.parquet", "spot:", ("spot", "prices")),
    ],
)
def test_files_tell_what_they_hold(tmp_path: Path, name: str, option: str, expected: tuple[str, str]) -> None:
    (tmp_path / name).touch()
    found = DataSource.parse(f"{option}{tmp_path / name}")
    assert (found.market, found.content, found.symbol) == (*expected, "BTCUSDT")
