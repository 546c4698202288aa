"""What a request for a back-test may hold."""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from domain.futures import Bracket
from domain.instrument import MOST_FEE_PERCENT, FeeRates, InstrumentRules, Market
from domain.money import ZERO
from ports.backtest_job import BNB_FOLLOWS_MARKET, BacktestParameters
from routes.amounts import Amount, Percent, read_amount
from routes.mistakes import Strict
from routes.schemas import GridShape, MarketType, OfSymbol

CandleInterval = Literal["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"]
_MONTH: Final = re.compile(r"\d{4}-\d{2}")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_LATEST_MS: Final = 10**14
_DAY_MS: Final = 86_400_000
_MOST_BNB_PRICE: Final = 10**15
_BNB_SHARE: Final = Decimal("0.01")
"""Of the capital, as `python -m backtest run` assumes."""


def _window_of(value: Any) -> tuple[int, int]:
    """Return the window in ms that a moment means as a start and as an end.

    Raises:
        PydanticCustomError: `moment`.
    """
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            first = last = value
        elif _MONTH.fullmatch(value):
            year, month = map(int, value.split("-"))
            first = _ms(datetime(year, month, 1, tzinfo=UTC))
            last = first + calendar.monthrange(year, month)[1] * _DAY_MS
        else:
            read = datetime.fromisoformat(value)
            first = _ms(read if read.tzinfo else read.replace(tzinfo=UTC))
            last = first + (_DAY_MS if _DAY.fullmatch(value) else 0)
    except (TypeError, ValueError, OverflowError):
        raise PydanticCustomError("moment", "no moment") from None
    if not 0 <= first <= _LATEST_MS:
        raise PydanticCustomError("moment", "no moment")
    return first, last


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


_WRITTEN: Final = "2024-01, 2024-01-15, 2024-01-15T14:30Z (UTC unless it says so), or ms since the epoch"
Start = Annotated[
    int | None,
    BeforeValidator(lambda value: None if value is None else _window_of(value)[0], json_schema_input_type=str | int),
    Field(description=f"start of the window: {_WRITTEN}; default: as far as candles are stored"),
]
End = Annotated[
    int | None,
    BeforeValidator(lambda value: None if value is None else _window_of(value)[1], json_schema_input_type=str | int),
    Field(description=f"its end: {_WRITTEN}; a month or day is meant whole; default: as far as candles are stored"),
]
FeePercent = Annotated[
    Decimal,
    BeforeValidator(read_amount, json_schema_input_type=float),
    Field(ge=0, le=MOST_FEE_PERCENT, decimal_places=4, description="percent of the notional"),
]


def _bnb_price(value: Any) -> Any:
    """Return the price of BNB, a Decimal or `market`.

    Raises:
        PydanticCustomError: `bnb_price`.
    """
    if value is None or value == BNB_FOLLOWS_MARKET:
        return value
    try:
        price = read_amount(value)
    except PydanticCustomError:
        price = ZERO
    if not 0 < price <= _MOST_BNB_PRICE:
        raise PydanticCustomError("bnb_price", "no price of BNB")
    return price


@dataclass(frozen=True, slots=True)
class ContractDefaults:
    """What a contract is replayed by: the account's brackets, and the grid's keys where the request names none."""

    brackets: tuple[Bracket, ...]
    grid: Mapping[str, object]


class FeesShape(Strict):
    """`fees` of a back-test."""

    named_in_full: ClassVar[bool] = True

    maker_perc: FeePercent | None = Field(None, description="percent; default: the account's own")
    taker_perc: FeePercent | None = Field(None, description="percent; default: the account's own")
    bnb_price: Annotated[
        Decimal | Literal["market"] | None,
        BeforeValidator(_bnb_price, json_schema_input_type=float | Literal["market"] | None),
    ] = Field(
        None,
        description="quote per BNB, or market for what its stored candles tell; with it fees are paid in BNB at the "
        "exchange's discount",
    )
    bnb: Amount | None = Field(None, description="BNB on the account at the start; default: worth 1 % of the capital")

    @field_validator("bnb")
    @classmethod
    def _bnb_with_price(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        if value is not None and info.data.get("bnb_price") is None:
            raise PydanticCustomError("bnb_price_needed", "amount without its price")
        return value


class BacktestBody(OfSymbol):
    """Body of POST /api/backtest."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "symbol": "BTCUSDT",
                "config": {"initial_levels": 20, "spacing_perc": 0.5},
                "from": "2024-01",
                "to": "2024-06",
                "interval": "1m",
                "capital": 1000,
            }
        }
    )

    config: GridShape = Field(description="the grid, as POST /api/grid/start takes it")
    market_type: MarketType | None = Field(None, description="default: that of config, else of the settings")
    interval: CandleInterval = Field("1m", description="of the stored candles that are replayed")
    start: Start = Field(None, alias="from")
    end: End = Field(None, alias="to")
    days: int | None = Field(None, strict=True, ge=1, le=36_500, description="only the last days, instead of from")
    capital: Amount | None = Field(
        None, description="what the account holds at the start, in quote; default: config's capital, else the settings'"
    )
    fees: FeesShape = FeesShape(maker_perc=None, taker_perc=None, bnb_price=None, bnb=None)
    fill: Literal["touch", "through", "share"] = Field(
        "touch", description="what fills an order: its price touched, gone through, or a share of the volume there"
    )
    share_perc: Percent | None = Field(
        None, validate_default=True, description="percent of a candle's volume; for fill: share"
    )
    path: Literal["candle", "optimistic", "pessimistic"] = Field(
        "candle", description="in which order a candle's prices are visited"
    )
    latency_ms: int = Field(
        0, strict=True, ge=0, le=60_000, description="from what the grid sees to what reaches the exchange"
    )
    orders_per_10s: int = Field(
        0,
        strict=True,
        ge=0,
        le=10_000,
        description="most orders within ten seconds, as the risk gate has it; 0: no limit",
    )
    max_exposure: Amount | None = Field(
        None,
        description="most quote at risk, inventory at cost plus open buys, as the risk gate has it; default: no limit",
    )
    windows: Literal["day", "week", "month"] | None = Field(
        None, description="also start the grid anew in each of these, to see how its outcome spreads"
    )
    funding: Literal["stored", "none"] = Field(
        "stored", description="of futures: settled at the rates that are stored, or left out"
    )
    allow_gaps: bool = Field(False, strict=True, description="replay what is there where candles are missing")

    @field_validator("market_type")
    @classmethod
    def _one_market(cls, value: str | None, info: ValidationInfo) -> str | None:
        shape = info.data.get("config")
        if value is not None and shape is not None and shape.market_type not in (None, value):
            raise PydanticCustomError("markets_differ", "two markets")
        return value

    @field_validator("end")
    @classmethod
    def _after_start(cls, value: int | None, info: ValidationInfo) -> int | None:
        start_ms = info.data.get("start")
        if value is not None and start_ms is not None and value <= start_ms:
            raise PydanticCustomError("window_empty", "window is empty")
        return value

    @field_validator("days")
    @classmethod
    def _days_or_start(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and info.data.get("start") is not None:
            raise PydanticCustomError("days_or_from", "both")
        return value

    @field_validator("share_perc")
    @classmethod
    def _share_if_share(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        if (value is None) == (info.data.get("fill") == "share"):
            raise PydanticCustomError("share_needed" if value is None else "share_unused", "share and fill")
        return value

    @property
    def market(self) -> str | None:
        return self.market_type or self.config.market_type

    def parameters(
        self,
        symbol: str,
        rules: InstrumentRules,
        fees: FeeRates,
        default_capital: Decimal,
        contract: "ContractDefaults | None" = None,
    ) -> Mapping[str, Any]:
        """Return what the job is given.

        Args:
            symbol: the venue's own text.
            rules: of the instrument.
            fees: the account's, for rates that were left out.
            default_capital: in quote.
            contract: of a contract.
        """
        shape, maker, taker = self.config, self.fees.maker_perc, self.fees.taker_perc
        capital = self.capital or shape.capital or shape.capital_usd or default_capital
        balances = {rules.instrument.quote: capital}
        if self.fees.bnb is not None:
            balances["BNB"] = self.fees.bnb
        elif isinstance(price := self.fees.bnb_price, Decimal):
            balances["BNB"] = round(capital * _BNB_SHARE / price, 8)
        given = BacktestParameters(
            symbol=symbol,
            market_type=Market(rules.instrument.market),
            interval=self.interval,
            from_ms=self.start,
            to_ms=self.end,
            days=self.days,
            config={**({} if contract is None else contract.grid), **shape.model_dump(exclude_none=True)},
            balances=balances,
            maker_rate=fees.maker if maker is None else maker / 100,
            taker_rate=fees.taker if taker is None else taker / 100,
            bnb_price=self.fees.bnb_price,
            fill=self.fill,
            share_perc=self.share_perc,
            path=self.path,
            latency_ms=self.latency_ms,
            orders_per_10s=self.orders_per_10s,
            max_exposure=self.max_exposure,
            windows=self.windows,
            allow_gaps=self.allow_gaps,
            rules=rules,
            brackets=() if contract is None else contract.brackets,
            funding=self.funding,
        )
        return given.model_dump(mode="json")
