"""What the server tells the process of a back-test, and what it gets back: the parameters, and files by name."""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.futures import Bracket
from domain.instrument import InstrumentRules, Market

BACKTEST: Final = "backtest"
"""The kind's name."""
BNB_FOLLOWS_MARKET: Final = "market"
"""The price of BNB that is told by its market's candles."""
PARAMETERS: Final = "parameters.json"
RESULT: Final = "result.json"
REPORT: Final = "report.html"
RESULTS: Final = (RESULT, REPORT, "fills.parquet", "equity.parquet")


class BacktestParameters(BaseModel):
    """One grid on recorded candles of the data folder.

    Attributes:
        symbol: the venue's own text.
        interval: of the candles, `1s` to `1d`.
        from_ms, to_ms: the window [from, to); None reaches as far as what is stored.
        days: only the last so many days of it.
        config: the grid, as POST /api/grid/start takes it.
        balances: what the account holds at the start, by asset.
        maker_rate, taker_rate: commission, as fractions.
        bnb_price: quote per BNB; with it fees are paid in BNB at Binance's discount. None: from what is received;
            `market`: at what its stored candles tell, worth 1 % of the capital where `balances` names no BNB.
        latency_ms: from what the grid sees to what reaches the venue.
        orders_per_10s: most orders in ten seconds, as the risk gate has it; 0: no limit.
        max_exposure: most quote at risk, inventory at cost plus open buys, as the risk gate has it; None: no limit.
        share_perc: percent of a candle's volume that an order at the touched price gets; for `share` alone.
        allow_gaps: replay what is there where candles are missing.
        windows: start the same grid anew in each of these, to see how its outcome spreads.
        rules: the venue's order filters when the job was submitted.
        brackets: the account's leverage brackets then; of futures alone, of which every such job needs some.
        funding: settled as it is stored, or not at all; of futures alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    symbol: str
    market_type: Market
    interval: str
    from_ms: int | None = None
    to_ms: int | None = None
    days: int | None = Field(None, ge=1)
    config: dict[str, Any]
    balances: dict[str, Decimal]
    maker_rate: Decimal = Field(ge=0, lt=1)
    taker_rate: Decimal = Field(ge=0, lt=1)
    bnb_price: Annotated[Decimal, Field(gt=0)] | Literal["market"] | None = None
    fill: Literal["touch", "through", "share"] = "touch"
    share_perc: Decimal | None = Field(None, gt=0, le=100)
    path: Literal["candle", "optimistic", "pessimistic"] = "candle"
    latency_ms: int = Field(0, ge=0, le=60_000)
    orders_per_10s: int = Field(0, ge=0, le=10_000)
    max_exposure: Decimal | None = Field(None, gt=0)
    allow_gaps: bool = False
    windows: Literal["day", "week", "month"] | None = None
    rules: InstrumentRules
    brackets: tuple[Bracket, ...] = ()
    funding: Literal["stored", "none"] = "stored"
