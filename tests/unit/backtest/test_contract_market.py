"""What a contract's replay rests on besides prices: settlements, brackets, and lots that close one another."""

import json
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest.brackets import built_in, read_brackets
from backtest.contract_market import ContractMarket, FundingHistory, moment_of, netted_cost
from backtest.core.fills import half_up
from backtest.core.layout import EIGHT_DIGITS
from backtest.data.columns import SCHEMAS
from backtest.data.series import Series
from backtest.data.store import Store
from backtest.funding_history import read_funding, stored_funding
from backtest.rules_source import built_in as built_in_rules
from domain.errors import InvalidRequest
from domain.instrument import Market
from domain.money import from_units
from domain.orders import Fill, Side
from fakes.contract_replay import brackets_for_grid, rules_of_contract
from fakes.replay_examples import COIN, MINUTE_MS, START_MS, walk
from orders.books import FifoBooks
from ports.archives import Recording
from simulator.core.symbols import UNIT
from simulator.um.core.catalogue import CONTRACTS

HOUR_MS = 60 * MINUTE_MS


def contract_candles(hours):
    told = walk(1, hours, start=4_000_000)
    return type(told)(
        symbol="BTCUSDT",
        market=Market.FUTURES,
        interval_ms=HOUR_MS,
        open_ms=START_MS + HOUR_MS * np.arange(hours, dtype=np.int64),
        **{name: getattr(told, name) for name in ("open", "high", "low", "close", "volume")},
    )


def history(*rows):
    times, rates, marks = np.array(rows, dtype=np.int64).T.copy()
    return FundingHistory(time_ms=times, rate=rates, mark=marks)


def test_a_settlement_comes_before_the_first_print_of_its_time_or_later():
    candles = contract_candles(3)
    quarter = HOUR_MS // 4
    after = [(0, 0), (1, 1), (quarter, 1), (quarter + 1, 2), (HOUR_MS // 2 + 1, 3), (HOUR_MS - 1, 3), (HOUR_MS, 4)]
    assert [moment_of(START_MS + later, candles) for later, _ in after] == [moment for _, moment in after]
    assert moment_of(START_MS - 1, candles) is None
    assert moment_of(START_MS + 3 * HOUR_MS, candles) is None


@given(
    rate=st.integers(-3_000_000, 3_000_000),
    mark=st.integers(1, 10**14),
    lots=st.integers(0, 10**6),
    lot=st.sampled_from([1, 1_000, 10**5, 10**8]),
)
def test_what_a_position_pays_is_rounded_as_the_venue_does(rate: int, mark: int, lots: int, lot: int):
    candles = contract_candles(2)
    contract = ContractMarket(brackets=built_in("BTCUSDT"), funding=history((START_MS + HOUR_MS, rate, mark)))
    told = contract.settlements(candles, lot)
    if not rate:
        assert told == []
        return
    moment, whole, high, low, sign = told
    fraction = lots * high + lots * low // EIGHT_DIGITS
    assert lots * whole + (fraction + EIGHT_DIGITS // 2) // EIGHT_DIGITS == half_up(
        lots * lot * mark, abs(rate), UNIT**2
    )
    assert (moment, sign) == (4, 1 if rate > 0 else -1)


@pytest.mark.parametrize("symbol", CONTRACTS)
def test_what_is_built_in_is_what_the_simulator_trades_by(symbol: str):
    spec = CONTRACTS[symbol]
    assert built_in(symbol) == brackets_for_grid(spec)
    ours, theirs = built_in_rules(symbol, Market.FUTURES).rules, rules_of_contract(spec)
    for name in ("instrument", "tick", "lot", "min_quantity", "min_notional"):
        assert getattr(ours, name) == getattr(theirs, name)


def test_brackets_are_read_as_the_venue_answers(tmp_path):
    names = ("initialLeverage", "notionalCap", "notionalFloor", "maintMarginRatio", "cum")
    steps = ((50, 900, 100, 0.01, 0.5), (75, 100, 0, 0.005, 0))
    rows = [dict(zip(names, step, strict=True)) for step in steps]
    file = tmp_path / "brackets.json"
    for told in ([{"symbol": "TSTUSDT", "brackets": rows}], {"symbol": "TSTUSDT", "brackets": rows}, {"TSTUSDT": rows}):
        file.write_text(json.dumps(told))
        first, second = read_brackets(file, "TSTUSDT")
        assert (first.floor, first.cap, first.max_leverage) == (0, 100, 75)
        assert (second.maintenance_rate, second.deduction) == (Decimal("0.01"), Decimal("0.5"))
        with pytest.raises(InvalidRequest, match="does not hold NONEUSDT"):
            read_brackets(file, "NONEUSDT")
    file.write_text(json.dumps({"TSTUSDT": [{"cum": 1}]}))
    with pytest.raises(InvalidRequest, match="cannot be used"):
        read_brackets(file, "TSTUSDT")


def funding_rows(*hours):
    rows = {"time_ms": [START_MS + hour * HOUR_MS for hour in hours], "rate": [10_000] * len(hours)}
    return pl.DataFrame({**rows, "interval_hours": [None] * len(hours)}, schema=SCHEMAS[Recording.FUNDING])


def test_stored_funding_is_settled_and_what_is_missing_is_named(tmp_path):
    store, candles = Store(tmp_path), contract_candles(30)
    with pytest.raises(InvalidRequest, match="data get BTCUSDT --market um --kind funding"):
        stored_funding(store, candles)
    with store.writing():
        store.put(Series.named("BTCUSDT", "um", "funding"), funding_rows(0, 8, 24))
    with pytest.raises(InvalidRequest, match=r"no settlement of BTCUSDT between 2024-08-04 08:00 and 2024-08-05 00:00"):
        stored_funding(store, candles)
    found = stored_funding(store, candles, allow_gaps=True)
    assert found.rate.tolist() == [10_000] * 3
    assert found.source == "3 settlements from the store, 1 gap in it, marked at the candle's open"
    file = tmp_path / "funding.csv"
    lines = [f"{START_MS + hour * HOUR_MS},0.0001" for hour in (0, 8, 16, 24)]
    file.write_text("\n".join(["funding_time,funding_rate", *lines]))
    assert read_funding(file, store, candles).rate.tolist() == [10_000] * 4


fills = st.lists(
    st.tuples(st.integers(-1, 3), st.booleans(), st.integers(1, 50), st.integers(1, 9)), min_size=1, max_size=40
)


@given(fills)
def test_lots_that_close_one_another_cost_what_the_books_say(told):
    books, rows = FifoBooks(COIN), []
    for index, (cell, bought, price, lots) in enumerate(told):
        rows.append((index, cell, 0 if bought else 1, price, lots, 0, 1))
        fill = Fill(
            instrument=COIN,
            trade_id=index,
            client_id="",
            venue_order_id=0,
            side=Side.BUY if bought else Side.SELL,
            price=Decimal(price),
            quantity=Decimal(lots),
            quote_quantity=Decimal(price * lots),
            commission=Decimal(0),
            commission_asset="USDT",
            is_maker=True,
            time_ms=index,
        )
        books.add(fill, lane=cell)
    assert from_units(netted_cost(rows, UNIT)) == books.inventory_cost()
