"""The keys of a grid mean in a back-test what they mean in POST /api/grid/start."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from backtest.grid_config import GRID_KEYS, parse_grid, read_config_file, read_settings
from domain.errors import InvalidRequest
from domain.grids import Direction
from fakes.backtest_studies import BTC
from routes.schemas import GridBody, GridShape

amounts = st.sampled_from(
    ["0", "-1", "1", "0.5", "100.0001", "1e3", "1000000000000001", "0.00001", "NaN", "x", "", True]
)
CONFIGS = st.fixed_dictionaries(
    {},
    optional={
        "initial_levels": st.sampled_from([0, 1, 2, 20, 1000, 1001]),
        "market_type": st.sampled_from(["spot", "margin"]),
        "spacing_perc": amounts,
        "spacing_mode": st.sampled_from(["geometric", "arithmetic", "log"]),
        **dict.fromkeys(
            ("lower_price", "upper_price", "capital", "capital_usd", "quantity_per_level", "quantity_growth_perc"),
            amounts,
        ),
        "infinity": st.booleans(),
        "profit": st.sampled_from(["release", "reinvest", "keep"]),
        "start_empty": st.booleans(),
        "levels": st.just(3),
    },
)


def test_the_keys_are_those_of_the_server():
    assert set(GRID_KEYS) == set(GridShape.model_fields)


@given(CONFIGS)
def test_a_config_is_read_or_refused_as_the_server_does(config):
    try:
        wanted = GridBody.model_validate({"symbol": "BTCUSDT", "config": config}).request(BTC, Direction.NEUTRAL)
    except ValidationError:
        with pytest.raises(InvalidRequest):
            parse_grid(config, BTC)
    else:
        assert parse_grid(config, BTC) == wanted


def mistakes_of(config):
    with pytest.raises(InvalidRequest) as refused:
        parse_grid(config, BTC)
    return {mistake.field: mistake.message for mistake in refused.value.mistakes}


def test_every_mistake_is_told_at_once_and_names_the_remedy():
    found = mistakes_of({"inital_levels": 5, "spacing_perc": "much", "capital": 1, "quantity_per_level": 1})
    assert "did you mean initial_levels" in found["inital_levels"]
    assert set(found) == {"inital_levels", "spacing_perc", "initial_levels", "quantity_per_level"}
    assert (
        "candles are of spot"
        in mistakes_of({"initial_levels": 3, "spacing_perc": 1, "market_type": "futures"})["market_type"]
    )


def test_a_file_is_read_exactly_and_words_win_over_it(tmp_path):
    file = tmp_path / "grid.yaml"
    file.write_text("config:\n  initial_levels: 12\n  spacing_perc: 0.3\n  start_empty: true\n")
    keys = {**read_config_file(file), **read_settings(["initial_levels=20", "capital = 500.10"])}
    request = parse_grid(keys, BTC)
    assert (request.levels, request.spacing_percent, request.start_empty) == (20, Decimal("0.3"), True)
    assert request.capital == Decimal("500.10")


@pytest.mark.parametrize("text", ["a: [", "- 1", "a: 1\na: 2\n"])
def test_a_file_that_is_no_config_is_refused(tmp_path, text):
    file = tmp_path / "grid.yaml"
    file.write_text(text)
    with pytest.raises(InvalidRequest, match=r"grid\.yaml"):
        parse_grid(read_config_file(file), BTC)
    with pytest.raises(InvalidRequest, match="cannot be read"):
        read_config_file(tmp_path / "none.yaml")
    with pytest.raises(InvalidRequest, match="key=value"):
        read_settings(["levels"])
