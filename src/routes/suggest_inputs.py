"""What a search for a grid is asked and given: the request, and all that the exchange has to tell for it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from domain.errors import FieldMistake, InvalidRequest
from domain.events import Candle
from domain.futures import MarginType
from domain.grids import Direction, GridPlan, GridRequest
from domain.instrument import FeeRates, Instrument, InstrumentRules, Market
from domain.money import ZERO
from grid.core.shapes import least_spacing
from ports.suggest_job import FEWEST_LEVELS, GivenCandle, Settlement, SuggestParameters
from routes.addressing import symbol_of
from routes.amounts import Amount
from routes.messages import say
from routes.schemas import MarketType, OfSymbol
from routes.services import services

_DAY_MS: Final = 86_400_000
_DAYS: Final = 30
_FEWEST_DAYS: Final = 2
_FINE: Final = ("15m", 900_000)
_COARSE: Final = ("1h", 3_600_000)
_SETTLEMENTS: Final = 200
_SPOT_DIRECTION: Final = Direction.LONG


class SuggestBody(OfSymbol):
    """Body of POST /api/grid/suggest."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"symbol": "BTCUSDT", "market_type": "spot", "capital": 1000}}
    )

    capital: Amount = Field(description="the whole grid's, in quote")
    market_type: MarketType | None = Field(None, description="default: default_market_type of the settings")
    direction: Literal["neutral", "long", "short"] | None = Field(
        None, description="of a futures grid; default: by grid.futures.position_side of the settings"
    )
    leverage: int | None = Field(None, strict=True, ge=1, le=125, description="of a futures grid; default 1")
    margin_type: Literal["isolated", "cross"] | None = Field(
        None, description="of a futures grid; default: by grid.futures.use_isolated_margin of the settings"
    )
    wait_s: int = Field(
        15, strict=True, ge=0, le=30, description="seconds to wait for the answer before it is 202 with a job_id"
    )

    def stance(self, market: Market) -> Mapping[str, Any]:
        """Return the terms of the grid, defaults filled in; preflight refuses what makes no sense on spot."""
        if market is Market.FUTURES:
            usual = services()
            return {
                "direction": Direction(self.direction or usual.futures_direction),
                "leverage": self.leverage or 1,
                "margin_type": MarginType(self.margin_type or usual.futures_margin_type),
            }
        return {
            "direction": Direction(self.direction or _SPOT_DIRECTION),
            "leverage": self.leverage,
            "margin_type": MarginType(self.margin_type) if self.margin_type else None,
        }


def parameters_of(body: SuggestBody, instrument: Instrument) -> Mapping[str, Any]:
    """Ask the exchange for what the search needs, and return what its process is given.

    Raises:
        InvalidRequest: if not even the smallest grid passes preflight, or too few candles exist.
    """
    data, stance = services().market_data, body.stance(instrument.market)
    rules, fees = data.rules(instrument), services().account_reader.fee_rates(instrument)
    (interval, interval_ms), candles = _candles(instrument)
    plan = _smallest(body, stance, rules, fees, candles)
    given = SuggestParameters(
        symbol=symbol_of(instrument),
        interval=interval,
        interval_ms=interval_ms,
        market_source=data.market_source(),
        price=plan.start_price,
        capital=body.capital,
        **stance,
        maker_rate=fees.maker,
        taker_rate=fees.taker,
        min_order_value=services().min_order_value,
        max_order_notional=services().max_order_notional,
        max_price_distance=services().max_price_distance,
        rules=rules,
        candles=tuple(GivenCandle(it.open_ms, it.open, it.high, it.low, it.close, it.volume) for it in candles),
        **_contract(instrument),
    )
    return given.model_dump(mode="json")


def _candles(instrument: Instrument) -> tuple[tuple[str, int], Sequence[Candle]]:
    """Return closed candles of the last 30 days: fine ones, or coarse ones where those reach back much farther.

    Raises:
        InvalidRequest: naming `symbol`, if there are too few of both.
    """
    fine = _closed(instrument, _FINE)
    if len(fine) * _FINE[1] * 2 >= _DAYS * _DAY_MS:
        return _FINE, fine
    coarse = _closed(instrument, _COARSE)
    kind, found = (_COARSE, coarse) if len(coarse) * _COARSE[1] > 2 * len(fine) * _FINE[1] else (_FINE, fine)
    if len(found) * kind[1] < _FEWEST_DAYS * _DAY_MS:
        sentence = say("suggest_too_new", count=len(found), interval=kind[0], days=_FEWEST_DAYS)
        raise InvalidRequest([FieldMistake("symbol", sentence)])
    return kind, found


def _closed(instrument: Instrument, kind: tuple[str, int]) -> Sequence[Candle]:
    """Return the candles without the last one, which may be open."""
    interval, interval_ms = kind
    return services().market_data.candles(instrument, interval, _DAYS * _DAY_MS // interval_ms + 1)[:-1]


def _smallest(
    body: SuggestBody, stance: Mapping[str, Any], rules: InstrumentRules, fees: FeeRates, candles: Sequence[Candle]
) -> GridPlan:
    """Plan the grid that is cheapest to pay, as a start would: what that refuses keeps every grid from starting.

    Raises:
        InvalidRequest: with everything that preflight has against it.
    """
    spacing = least_spacing(fees, rules.tick, candles[-1].close)
    request = GridRequest(
        instrument=rules.instrument, levels=FEWEST_LEVELS, spacing_percent=spacing, capital=body.capital, **stance
    )
    return services().commands.check_grid(request)


def _contract(instrument: Instrument) -> Mapping[str, Any]:
    futures = services().futures
    if instrument.market is Market.SPOT or futures is None:
        return {}
    rates = futures.funding_rates(instrument, _SETTLEMENTS)
    return {
        "brackets": futures.brackets(instrument),
        "settlements": tuple(Settlement(it.at_ms, it.rate, it.mark or ZERO) for it in rates),
    }
