"""Sections that say what is traded, with how much, and within which limits."""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from config.fields import (
    NO_SECRET,
    Amount,
    Count,
    Credential,
    Fraction,
    Leverage,
    Percent,
    Positive,
    Section,
    Symbols,
    Whole,
    listed,
)
from domain.exit_terms import ExitAction
from domain.futures import CountdownPolicy, MarginType
from domain.grids import Direction, Profit
from domain.instrument import Market


class ApiSettings(Section):
    key: Credential = NO_SECRET
    """Binance key for Production. Its rights must not include withdrawals."""
    secret: Credential = NO_SECRET
    """Secret of `api.key`."""
    testnet_key: Credential = NO_SECRET
    """Binance key for Testnet."""
    testnet_secret: Credential = NO_SECRET
    """Secret of `api.testnet_key`."""


class ExchangeSettings(Section):
    name: Literal["binance"] = "binance"
    """Venue."""
    supported_markets: Annotated[tuple[Market, ...], BeforeValidator(listed), Field(min_length=1)] = (
        Market.FUTURES,
        Market.SPOT,
    )
    """Markets that may be traded; a request for another one is refused."""


class GridSpotSettings(Section):
    max_base_asset_allocation: Fraction = Decimal("0.5")
    """Largest value of base assets the grids may hold, as a fraction of the account's spot equity now."""
    min_order_size_usd: Amount = Decimal(10)
    """Smallest order in quote value, in USD; the venue's own minimum applies besides."""


class GridFuturesSettings(Section):
    leverage: Annotated[Leverage | None, Field(examples=["1"])] = None
    """Leverage on futures; wins over `grid.leverage`. Empty: `grid.leverage`."""
    position_side: Literal["BOTH", "LONG", "SHORT"] = "BOTH"
    """Direction of futures grids that name none; BOTH: neutral. One-way or hedge mode is left as the account has it."""
    use_isolated_margin: bool = False
    """true: isolated margin. false: cross margin."""
    countdown: CountdownPolicy = CountdownPolicy.AUTO
    """Binance cancels a contract's orders two minutes after this server is gone; auto: not where others have some."""

    @property
    def direction(self) -> Direction:
        """Return which positions a futures grid takes that names no direction."""
        return {"BOTH": Direction.NEUTRAL, "LONG": Direction.LONG, "SHORT": Direction.SHORT}[self.position_side]

    @property
    def margin_type(self) -> MarginType:
        return MarginType.ISOLATED if self.use_isolated_margin else MarginType.CROSS


class GridSettings(Section):
    initial_levels: Annotated[Whole, Field(ge=2, le=1000)] = 10
    """Price rungs in all, start price in the middle; one fewer orders rest."""
    initial_spacing_perc: Annotated[Positive, Field(lt=1)] = Decimal("0.005")
    """Step between neighbouring rungs as a FRACTION of the price: 0.005 is 0.5 percent."""
    quantity_growth_perc: Percent = Decimal(0)
    """Of the first grid and the autopilot's: each cell holds so much more than the one nearer the start, percent."""
    profit: Profit = Profit.RELEASE
    """Of the same: release leaves what a cell gains in the account, reinvest lets it buy more with it."""
    infinity: bool = False
    """true: the first grid keeps what it holds worth the same, its rungs stand from `lower_price` up."""
    lower_price: Positive | None = None
    """Lowest rung of the first grid where `infinity` is true. Empty: there is none."""
    resting_levels: Annotated[Whole | None, Field(ge=1, le=1000)] = None
    """Orders of the first grid and the autopilot's that rest on each side, the nearest ones. Empty: all."""
    post_only: bool = False
    """true: rungs of the first grid and the autopilot's never take; an order that would waits a tick behind."""
    trail_up_to: Positive | None = None
    """Price up to which the first grid's ladder follows the price. Empty: it stays."""
    trail_down_to: Positive | None = None
    """Price down to which the first grid's ladder follows the price. Empty: it stays."""
    take_profit_perc: Annotated[Positive | None, Field(le=1000)] = None
    """Profit that ends the first grid, or one of the autopilot's, percent of its capital. Empty: none does."""
    stop_loss_perc: Annotated[Positive | None, Field(le=100)] = None
    """Loss that ends the first grid, or one of the autopilot's, percent of its capital. Empty: none does."""
    on_take_profit: ExitAction | None = None
    """What becomes of what such a grid holds after a take profit: keep, market, limit. Empty: market."""
    on_stop_loss: ExitAction | None = None
    """The same after a stop loss. Empty: market."""
    leverage: Leverage = 1
    """Leverage on futures where `grid.futures.leverage` is empty."""
    spot: GridSpotSettings = GridSpotSettings()
    futures: GridFuturesSettings = GridFuturesSettings()

    @property
    def futures_leverage(self) -> int:
        """Return the leverage a futures grid uses."""
        return self.futures.leverage or self.leverage


class MarketAllocationSettings(Section):
    futures_percentage: Percent = Decimal(60)
    """Capital for futures, percent of all capital the grids may use."""
    spot_percentage: Percent = Decimal(40)
    """Capital for spot, percent of all capital the grids may use."""

    @model_validator(mode="after")
    def _at_most_everything(self) -> Self:
        if self.futures_percentage + self.spot_percentage > 100:
            raise ValueError("futures_percentage and spot_percentage must not exceed 100 together")
        return self


class TradingSettings(Section):
    allow_market_switching: bool = True
    """false keeps every pair on the market it started on."""
    capital_per_pair_usd: Positive = Decimal(1000)
    """Capital of one whole grid, in USD."""
    cycle_interval_seconds: Annotated[Count, Field(le=86_400)] = 60
    """The grid's timer in seconds; fills never wait for it."""
    max_concurrent_pairs: Annotated[Count, Field(le=500)] = 2
    """Most grids that run at once, on all markets together."""
    market_allocation: MarketAllocationSettings = MarketAllocationSettings()
    market_switch_cooldown_minutes: Amount = Decimal(30)
    """Least time between two market switches of one pair, in minutes of market time."""
    fee_asset_floor: Annotated[Whole, Field(ge=0, le=1_000_000)] = 100
    """Fills whose fees the free balance of a fee asset such as BNB must cover; below, a notice says so. 0: never."""
    autostart: Annotated[bool | None, Field(examples=["false"])] = None
    """Whether a first grid is started when the books know none. Empty: yes in Shadow and Testnet, no in Production."""
    on_shutdown: Literal["keep", "cancel"] = "keep"
    """keep: orders stay and grids resume at the next start. cancel: open orders are cancelled first."""


class SpotPairsSettings(Section):
    min_liquidity_depth: Amount = Decimal(1_000_000)
    """Least value of bids and asks within 2 percent of the middle price, in USD."""
    preferred_symbols: Symbols = ("BTCUSDT", "ETHUSDT", "BNBUSDT")
    """Spot symbols looked at first, best first."""


class FuturesPairsSettings(Section):
    min_open_interest_usd: Amount = Decimal(50_000_000)
    """Least open interest, in USD."""
    preferred_symbols: Symbols = ("BTCUSDT", "ETHUSDT", "ADAUSDT")
    """Futures symbols looked at first, best first."""


class PairSelectionSettings(Section):
    min_volume_usd_24h: Amount = Decimal(100_000_000)
    """Least traded value of the last 24 hours, in USD."""
    min_atr_perc_24h: Percent = Decimal("2.0")
    """Least average true range over 24 hours, percent of the last price."""
    max_adx: Percent = Decimal(25)
    """Largest ADX (0 to 100); above it the market trends too much for a grid."""
    max_spread_perc: Percent = Decimal("0.1")
    """Largest gap between best bid and ask, percent of the middle price."""
    update_interval_hours: Positive = Decimal(6)
    """Time between two selections, in hours."""
    autopilot: bool = False
    """true: the selection opens and winds down grids by itself. false: it proposes."""
    blacklist: Symbols = ("EXAMPLEUSDT",)
    """Symbols never selected."""
    spot_pairs: SpotPairsSettings = SpotPairsSettings()
    futures_pairs: FuturesPairsSettings = FuturesPairsSettings()


class SpotRiskSettings(Section):
    max_asset_allocation_perc: Percent = Decimal("70.0")
    """Largest holding of one asset, percent of the account's spot equity now."""
    min_stable_balance_perc: Percent = Decimal("30.0")
    """Least holding of stable coins, percent of the account's spot equity now."""


class FuturesRiskSettings(Section):
    max_leverage: Leverage = 20
    """Largest leverage any futures order may use."""
    max_position_size_perc: Percent = Decimal("50.0")
    """Largest notional a grid may come to hold, percent of the margin balance times its leverage when it starts."""
    liquidation_buffer_perc: Percent = Decimal("15.0")
    """Least distance from a grid's range to its liquidation price, percent of the range's end, when it starts."""


class GateSettings(Section):
    """The one door of all orders. Entries beyond these are refused; exits and cancels never are."""

    max_order_notional_usd: Positive = Decimal(10_000)
    """Largest value of one order, in USD."""
    max_exposure_usd: Positive = Decimal(50_000)
    """Largest sum of what all grids hold (at cost) and their open buys, in USD."""
    max_orders_per_10s: Annotated[Count, Field(le=10_000)] = 50
    """Most orders within ten seconds of market time, over all grids."""
    max_price_distance_perc: Annotated[Positive, Field(le=100)] = Decimal(50)
    """Largest distance of an order from the last price, percent of that price."""
    max_price_age_seconds: Positive = Decimal(30)
    """Age of the last price beyond which no entry is sent, in seconds since it arrived."""


class RiskSettings(Section):
    max_drawdown_perc: Percent = Decimal("10.0")
    """Loss that stops trading, percent of the account's highest equity since trading was last released."""
    tp_sl_ratio: Positive = Decimal("3.0")
    """Take-profit distance divided by stop-loss distance."""
    loss_protection_trigger_perc: Percent = Decimal("15.0")
    """Loss that ends one grid, percent of the grid's capital since it started."""
    dynamic_sl_profit_lock_perc: Percent = Decimal("80.0")
    """Share of a grid's highest profit since its start that a moving stop keeps, in percent."""
    api_failure_timeout_minutes: Positive = Decimal(5)
    """Time without a usable answer of the venue after which no entry is sent, in minutes."""
    gate: GateSettings = GateSettings()
    spot_risk: SpotRiskSettings = SpotRiskSettings()
    futures_risk: FuturesRiskSettings = FuturesRiskSettings()
