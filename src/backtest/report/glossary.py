"""Every figure's name for people, its unit and its meaning: one list for page, terminal and documentation."""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from backtest.measured import Measures
from backtest.ratios import Absent
from backtest.report.sentences import amount, percent


class Unit(StrEnum):
    QUOTE = "quote"
    GAIN = "gain"  # quote, with its sign
    SHARE = "share"  # a fraction, shown in percent
    RETURN = "return"  # a fraction, shown in percent with its sign
    RATIO = "ratio"
    COUNT = "count"
    DAYS = "days"


class Entry(NamedTuple):
    """One figure; `name` is its field in Measures."""

    name: str
    label: str
    unit: Unit
    meaning: str


class Group(NamedTuple):
    title: str
    part: str  # field of Measures
    entries: tuple[Entry, ...]


MONEY: Final = Group(
    "Money",
    "money",
    (
        Entry("start_equity", "Equity at the start", Unit.QUOTE, "all balances at the first open"),
        Entry("end_equity", "Equity at the end", Unit.QUOTE, "all balances at the last close"),
        Entry("equity_change", "Gain", Unit.GAIN, "what the grid changed; also the gain against cash"),
        Entry("grid_profit", "Grid profit", Unit.GAIN, "closed cycles, before fees"),
        Entry("inventory_change", "Inventory", Unit.GAIN, "what is held, at the last close less at cost"),
        Entry("fees", "Fees", Unit.QUOTE, "every commission at its worth when it was paid"),
        Entry(
            "fee_asset_revaluation",
            "BNB revalued",
            Unit.GAIN,
            "fees in BNB: their worth when they were paid less that at the end",
        ),
        Entry("funding", "Funding", Unit.GAIN, "paid and received on futures; spot has none"),
        Entry("hold_change", "Holding", Unit.GAIN, "the first purchase simply held, the rest in cash"),
        Entry("versus_hold", "Against holding", Unit.GAIN, "gain less that of holding"),
        Entry("all_in_change", "All in", Unit.GAIN, "everything in the base from the start, no fee"),
        Entry("inventory_value", "Held at the end", Unit.QUOTE, "base the grid still holds, at the last close"),
    ),
)
RISK: Final = Group(
    "Return and risk",
    "risk",
    (
        Entry("total_return", "Return", Unit.RETURN, "gain / equity at the start"),
        Entry("annual_return", "Return per year", Unit.RETURN, "the same growth kept up for 365 days"),
        Entry("volatility", "Volatility", Unit.SHARE, "standard deviation of daily returns, per year"),
        Entry("sharpe", "Sharpe ratio", Unit.RATIO, "mean daily return / its standard deviation x sqrt(365)"),
        Entry("sortino", "Sortino ratio", Unit.RATIO, "the same, but only days that lost count as risk"),
        Entry("calmar", "Calmar ratio", Unit.RATIO, "return per year / deepest fall"),
        Entry("max_drawdown", "Deepest fall", Unit.SHARE, "largest loss from a peak before it, at candles' closes"),
        Entry("max_drawdown_quote", "Deepest fall in money", Unit.QUOTE, "the same fall in the quote asset"),
        Entry("max_drawdown_days", "Its length", Unit.DAYS, "from that peak until it was reached again, or the end"),
        Entry("worst_day", "Worst day", Unit.RETURN, "lowest return of a UTC day"),
        Entry("best_day", "Best day", Unit.RETURN, "highest return of a UTC day"),
        Entry("positive_days", "Days with a gain", Unit.SHARE, "of all days with candles"),
        Entry(
            "liquidation_distance",
            "Distance to liquidation",
            Unit.SHARE,
            "the move that would end it; futures only",
        ),
    ),
)
WORK: Final = Group(
    "How the grid worked",
    "work",
    (
        Entry("cycles", "Cycles", Unit.COUNT, "a purchase and the sale one rung up"),
        Entry("cycles_per_day", "Cycles per day", Unit.RATIO, ""),
        Entry("profit_per_cycle", "Profit per cycle", Unit.GAIN, "grid profit less all fees, per cycle"),
        Entry("buys", "Purchases", Unit.COUNT, "the first one included"),
        Entry("sells", "Sales", Unit.COUNT, ""),
        Entry("time_in_range", "Time in range", Unit.SHARE, "candles that closed within the ladder"),
        Entry("exposure", "Exposure", Unit.SHARE, "mean share of the equity held in the base"),
        Entry("most_exposure", "Highest exposure", Unit.SHARE, "its highest value"),
        Entry("capital_used", "Capital bound", Unit.SHARE, "what all purchases of the plan need, of the equity"),
        Entry("capital_efficiency", "Capital efficiency", Unit.RETURN, "grid profit less fees, per capital bound"),
        Entry("fee_share", "Fees eat", Unit.SHARE, "of the grid profit"),
        Entry("unpaid_orders", "Orders unpaid", Unit.COUNT, "wanted, but the free balance did not suffice"),
        Entry("faulted_slots", "Orders given up", Unit.COUNT, "below the exchange's minimum, or refused five times"),
        Entry("post_only_refusals", "Post-only refused", Unit.COUNT, "would have taken; sent again"),
        Entry("late_cancels", "Cancels too late", Unit.COUNT, "the order had filled when they arrived"),
        Entry("rate_waits", "Orders held back", Unit.COUNT, "by the limit of orders in ten seconds"),
        Entry("over_limit_orders", "Buys above the limit", Unit.COUNT, "held back by the limit of exposure"),
    ),
)
GROUPS: Final = (MONEY, RISK, WORK)


class Row(NamedTuple):
    """One figure as text; `reason` says why there is none, `is_loss` whether it is below 0."""

    name: str
    label: str
    text: str
    meaning: str
    reason: str
    is_loss: bool


def rows(measures: Measures, group: Group, quote: str) -> Iterator[Row]:
    """Yield the figures of one group, in its order."""
    part = getattr(measures, group.part)
    for entry in group.entries:
        value = getattr(part, entry.name)
        if isinstance(value, Absent):
            yield Row(entry.name, entry.label, "–", entry.meaning, value.reason, is_loss=False)
        else:
            signed = entry.unit in (Unit.GAIN, Unit.RETURN)
            yield Row(entry.name, entry.label, shown(value, entry.unit, quote), entry.meaning, "", signed and value < 0)


def shown(value: Decimal | float, unit: Unit, quote: str) -> str:
    """Return a figure as people write it."""
    match unit:
        case Unit.QUOTE | Unit.GAIN:
            return f"{amount(Decimal(value), signed=unit is Unit.GAIN)} {quote}"
        case Unit.SHARE | Unit.RETURN:
            return percent(float(value), signed=unit is Unit.RETURN)
        case Unit.COUNT:
            return f"{value:,}"
        case Unit.DAYS:
            return f"{value:,.1f} days"
        case Unit.RATIO:
            return f"{value:,.2f}"
