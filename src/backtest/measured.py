"""What is measured of a replay: money, risk, work and months. `backtest.measures` fills it in."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal

from backtest.ratios import Absent, Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Exact amounts in quote.

    equity_change = grid_profit + inventory_change - fees + funding + fee_asset_revaluation + quote_rounding + residual
    """

    start_equity: Decimal
    end_equity: Decimal
    equity_change: Decimal  # also the gain against cash, which would have earned nothing
    grid_profit: Decimal  # closed cycles, before fees
    inventory_change: Decimal  # what is held, at market less at cost
    inventory_value: Decimal
    fees: Decimal
    funding: Decimal
    fee_asset_revaluation: Decimal
    quote_rounding: Decimal
    residual: Decimal
    hold_change: Decimal | Absent  # the grid's first purchase, simply held
    versus_hold: Decimal | Absent
    all_in_change: Decimal  # the whole start equity in base, simply held, rounded to 8 decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """Fractions (0.01 is 1 %) and ratios."""

    total_return: float
    annual_return: Figure
    volatility: Figure
    sharpe: Figure
    sortino: Figure
    calmar: Figure
    max_drawdown: float
    max_drawdown_quote: Decimal
    max_drawdown_days: Figure  # from the peak until it was reached again, or until the end
    max_drawdown_is_over: bool | None
    worst_day: Figure
    worst_day_ms: int | None
    best_day: Figure
    positive_days: Figure  # fraction
    liquidation_distance: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How the grid worked. Fractions where nothing else is said."""

    days: float
    buys: int
    sells: int
    cycles: int
    cycles_per_day: Figure
    profit_per_cycle: Decimal | Absent  # quote, all fees deducted, rounded to 8 decimals
    time_in_range: float
    exposure: Figure  # mean share of the equity that was held in base
    most_exposure: Figure
    capital_used: float  # what the plan binds, of the start equity
    capital_efficiency: float  # profit of closed cycles after all fees, per capital bound
    fee_share: Figure  # of the grid profit
    unpaid_orders: int
    faulted_slots: int
    post_only_refusals: int
    late_cancels: int
    rate_waits: int
    over_limit_orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthOfGain:
    """One UTC month. `gain` in quote, exact; `total_return` of the month's first equity; deepest fall within it."""

    month: str  # 2024-01
    gain: Decimal
    total_return: Figure
    max_drawdown: float
    fills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Everything measured of one replay; `months` is empty without an equity curve."""

    money: Money
    risk: Risk
    work: Work
    months: tuple[MonthOfGain, ...]

    def flat(self) -> dict[str, object]:
        """Return every figure by its name, for tables; None for what is absent."""
        rows: dict[str, object] = {}
        for part in (self.money, self.risk, self.work):
            for entry in fields(part):
                value = getattr(part, entry.name)
                rows[entry.name] = None if isinstance(value, Absent) else value
        return rows

    @property
    def absent(self) -> Mapping[str, str]:
        """Return why figures are missing, by name."""
        parts = ((part, entry.name) for part in (self.money, self.risk, self.work) for entry in fields(part))
        found = ((name, getattr(part, name)) for part, name in parts)
        return {name: value.reason for name, value in found if isinstance(value, Absent)}
