import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.core.symbols import UNIT
from simulator.market.catalogue import SPECS, spec_for_data, specs_of, split_symbol
from simulator.market.feed import MarketError
from simulator.market.public_messages import specs_of_info
from simulator.market.synthetic_prints import CHARACTERS
from simulator.options import DEFAULT_SYMBOLS


def test_the_default_symbols_are_all_there_in_order() -> None:
    assert list(SPECS)[:8] == DEFAULT_SYMBOLS.split(",")
    assert set(CHARACTERS) == set(SPECS)


@pytest.mark.parametrize("spec", SPECS.values(), ids=str)
def test_filters_fit_together_and_to_the_price(spec) -> None:
    price = round(CHARACTERS[spec.symbol].price * UNIT)
    assert spec.symbol == spec.base + spec.quote
    assert spec.min_price <= price <= spec.max_price
    assert spec.tick * 1_000 <= price
    assert spec.min_qty * price < spec.min_notional * UNIT < spec.max_qty * price
    assert spec.min_qty % spec.lot == spec.max_qty % spec.lot == spec.max_price % spec.tick == 0
    assert spec.bid_mult_down < 10**6 < spec.ask_mult_up


def test_unknown_symbols_are_refused() -> None:
    with pytest.raises(MarketError, match="'PEPEUSDT' has no known filters"):
        specs_of(["BTCUSDT", "PEPEUSDT"])
    with pytest.raises(MarketError, match="'BTCXYZ' ends in no known quote asset"):
        split_symbol("BTCXYZ")
    assert split_symbol("PYTHUSDT") == ("PYTH", "USDT")


@given(st.integers(0, 8), st.integers(0, 8), st.lists(st.integers(1, 999), min_size=1))
def test_an_unknown_symbol_gets_the_steps_of_its_data(tick: int, lot: int, counts: list[int]) -> None:
    prices, volumes = [10**tick * (10 * n + 1) for n in counts], [10**lot * (10 * n + 1) for n in counts]
    spec = spec_for_data("PYTHUSDT", prices, volumes)
    assert (spec.tick, spec.lot, spec.base, spec.quote) == (10**tick, 10**lot, "PYTH", "USDT")


def test_a_few_odd_rows_do_not_change_known_filters_but_many_do() -> None:
    spec, tick = SPECS["BTCUSDT"], SPECS["BTCUSDT"].tick
    rare = [spec.lot * n for n in range(1, 1_000)] + [1]
    assert spec_for_data("BTCUSDT", [tick], rare) == spec
    assert spec_for_data("BTCUSDT", [tick], [spec.lot // 10] * 5).lot == spec.lot // 10


def test_an_exchange_info_answer_becomes_filters() -> None:
    entry = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "NEWLY_INVENTED"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00000000", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": "5",
                "bidMultiplierDown": "0.2",
                "askMultiplierUp": "5",
                "askMultiplierDown": "0.2",
            },
            {"filterType": "NOTIONAL", "minNotional": "5", "maxNotional": "9000000", "applyMinToMarket": True},
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        ],
    }
    spec = specs_of_info({"symbols": [entry]})["BTCUSDT"]
    known = SPECS["BTCUSDT"]
    assert (spec.tick, spec.lot, spec.max_price) == (known.tick, known.lot, known.max_price)
    assert (spec.min_notional, spec.max_notional) == (known.min_notional, known.max_notional)
    assert (spec.bid_mult_up, spec.ask_mult_down) == (known.bid_mult_up, known.ask_mult_down)
    assert [mode.value for mode in spec.stp_modes] == ["EXPIRE_TAKER"]
    entry["filters"] = []
    with pytest.raises(MarketError, match="exchangeInfo of BTCUSDT has no PRICE_FILTER"):
        specs_of_info({"symbols": [entry]})
