"""Configurations tried on one market: a row of measures for each, or the reason why it cannot be started.

Amounts are exact decimals in quote, by the names of `backtest.measures`; ratios are floats. A row hangs on nothing but
its own configuration: neither on those tried beside it nor on the number of threads.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import numpy as np
import polars as pl

from backtest.batch import Batch, Totals, run_many
from backtest.candles import Candles, FloatColumn
from backtest.contract_market import ContractMarket
from backtest.core import layout as at
from backtest.grid_config import parse_grid
from backtest.measures import why_no_years
from backtest.price_path import PricePath
from backtest.ratios import DAY_MS, Absent, Figure, annual_growth, calmar, sharpe, sortino, volatility
from backtest.result import Drawdown
from backtest.run_options import balances_of
from backtest.scenario import Delays, Fees, FillAssumption, PathRule, Scenario
from backtest.sweep.axes import Axis
from domain.errors import FieldMistake, InvalidRequest
from domain.grids import Books
from domain.instrument import InstrumentRules
from domain.money import ZERO, exact

AMOUNT: Final = pl.Decimal(38, 16)
AMOUNTS: Final = (
    "start_equity",
    "equity_change",
    "grid_profit",
    "inventory_change",
    "fees",
    "fee_asset_revaluation",
    "hold_change",
    "versus_hold",
    "max_drawdown_quote",
)
RATIOS: Final = (
    "total_return",
    "annual_return",
    "volatility",
    "sharpe",
    "sortino",
    "calmar",
    "max_drawdown",
    "worst_day",
    "positive_days",
    "time_in_range",
    "capital_used",
)
COUNTS: Final = (
    "buys",
    "sells",
    "cycles",
    "unpaid_orders",
    "faulted_slots",
    "post_only_refusals",
    "late_cancels",
    "rate_waits",
    "over_limit_orders",
)
TEXTS: Final = ("ran_by", "numbers_hash", "refusal")
SCHEMA: Final[Mapping[str, Any]] = (
    dict.fromkeys(AMOUNTS, AMOUNT)
    | dict.fromkeys(RATIOS, pl.Float64)
    | dict.fromkeys(COUNTS, pl.Int64)
    | dict.fromkeys(TEXTS, pl.String)
)
"""A trial's columns. `numbers_hash` begins the SHA-256 of everything the engine left behind but the fills."""
_NO_CAPITAL: Final = FieldMistake("capital", "how much quote lies on the account? Say --capital 10000")
_BROKE: Final = Absent("the equity fell to nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What is assumed of account and market. Without `capital` each grid's own is what lies on the account."""

    capital: Decimal | None
    fees: Fees = field(default_factory=Fees)
    fill: FillAssumption = field(default_factory=FillAssumption)
    path: PathRule = PathRule.CANDLE
    bnb: str | None = None
    delays: Delays = field(default_factory=Delays)
    max_exposure: Decimal | None = None
    contract: ContractMarket | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """Where configurations are tried. `base` are the keys that all of them share."""

    candles: Candles
    rules: InstrumentRules
    account: Account
    base: Mapping[str, object]

    def scenario(self, keys: Mapping[str, object]) -> Scenario:
        """Return one configuration, planned at the first open.

        Raises:
            InvalidRequest: with every mistake in it.
        """
        account, instrument = self.account, self.rules.instrument
        request = parse_grid({**self.base, **keys}, instrument)
        capital = account.capital if account.capital is not None else request.capital
        if capital is None:
            raise InvalidRequest([_NO_CAPITAL])
        return Scenario.of(
            request,
            self.candles,
            self.rules,
            balances=balances_of(instrument, capital, account.fees, account.bnb),
            fees=account.fees,
            fill=account.fill,
            path=account.path,
            delays=account.delays,
            max_exposure=account.max_exposure,
            contract=account.contract,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """One configuration's measures by the names of SCHEMA, and its daily returns, empty where it was refused."""

    measures: Mapping[str, object]
    returns: FloatColumn

    @property
    def refusal(self) -> str | None:
        told = self.measures["refusal"]
        return None if told is None else str(told)


class Trials:
    """Tries configurations on one ground; the candles are translated once."""

    def __init__(self, ground: Ground, threads: int) -> None:
        self._ground = ground
        self._threads = threads
        self._path: PricePath | None = None

    def run(self, configurations: Sequence[Mapping[str, object]]) -> list[Trial]:
        """Try each; one that cannot be started is told with its reason.

        Raises:
            BadCandles: for candles that the rules do not fit.
        """
        planned = [self._planned(keys) for keys in configurations]
        scenarios = [found for found in planned if isinstance(found, Scenario)]
        if scenarios and self._path is None:
            self._path = PricePath.of(self._ground.candles, scenarios[0])
        batch = run_many(self._path, scenarios, threads=self._threads) if self._path and scenarios else None
        ran, trials = 0, []
        for found in planned:
            if batch is None or isinstance(found, str):
                trials.append(_refused(str(found)))
            else:
                trials.append(_trial(batch, ran, self._ground.candles))
                ran += 1
        return trials

    def _planned(self, keys: Mapping[str, object]) -> Scenario | str:
        try:
            return self._ground.scenario(keys)
        except InvalidRequest as refused:
            return str(refused)


def refuse_common_mistakes(ground: Ground, varied: Mapping[str, object]) -> None:
    """Refuse mistakes that no value of the varied keys can heal, before any work.

    Raises:
        InvalidRequest: naming the keys.
    """
    mistakes = []
    try:
        request = parse_grid({**ground.base, **varied}, ground.rules.instrument)
        if ground.account.capital is None and request.capital is None:
            mistakes.append(_NO_CAPITAL)
    except InvalidRequest as error:
        touched = {*varied, *(("upper_price",) if "lower_price" in varied else ())}
        mistakes += [mistake for mistake in error.mistakes if mistake.field not in touched]
    if mistakes:
        raise InvalidRequest(mistakes)


def key_columns(axes: Sequence[Axis], values: Sequence[Mapping[str, object]]) -> dict[str, pl.Series]:
    """Return the varied keys as columns of their kind."""
    return {axis.key: _key_column(axis, [str(row[axis.key]) for row in values]) for axis in axes}


def measure_columns(trials: Sequence[Trial]) -> dict[str, pl.Series]:
    """Return the measures as columns by the names of SCHEMA."""
    return {
        name: pl.Series(name, [trial.measures[name] for trial in trials], dtype=kind) for name, kind in SCHEMA.items()
    }


def measure_table(trials: Sequence[Trial]) -> pl.DataFrame:
    """Return the measures alone."""
    return pl.DataFrame(measure_columns(trials))


def daily_returns(equity: FloatColumn, start_equity: float) -> FloatColumn:
    """Return the returns of UTC days from the equity at their ends; none where nothing was left to gain with."""
    before = np.concatenate(([start_equity], equity[:-1]))
    return equity / before - 1.0 if (before > 0).all() else np.empty(0)


def _key_column(axis: Axis, texts: list[str]) -> pl.Series:
    if axis.is_whole:
        return pl.Series(axis.key, [int(Decimal(text)) for text in texts], dtype=pl.Int64)
    if axis.is_number:
        return pl.Series(axis.key, [Decimal(text) for text in texts], dtype=pl.Decimal(38, 18))
    return pl.Series(axis.key, texts, dtype=pl.String)


def _refused(reason: str) -> Trial:
    return Trial(measures=dict.fromkeys(SCHEMA, None) | {"refusal": reason}, returns=np.empty(0))


def _trial(batch: Batch, index: int, candles: Candles) -> Trial:
    one, books, fall = batch.totals[index], batch.books(index), batch.drawdown(index)
    start = _start_equity(one.scenario)
    returns = daily_returns(batch.equity[index], float(start))
    total = float(books.equity_change / start)
    days = (candles.end_ms - candles.start_ms) / DAY_MS
    return Trial(
        measures={
            "start_equity": start,
            **_amounts(books, fall),
            "total_return": total,
            "max_drawdown": fall.fraction,
            "capital_used": float(one.scenario.plan.capital_needed / start),
            **_ratios(returns, total, fall.fraction, (days, candles.missing_share)),
            "time_in_range": one.state[at.IN_RANGE] / len(candles),
            "buys": books.buys,
            "sells": books.sells,
            "cycles": books.cycles,
            "unpaid_orders": one.state[at.UNPAID_EVER],
            "faulted_slots": one.state[at.FAULTED],
            "post_only_refusals": one.state[at.REFUSALS],
            "late_cancels": one.state[at.LATE_CANCELS],
            "rate_waits": one.state[at.RATE_WAITS],
            "over_limit_orders": one.state[at.OVER_LIMIT_EVER],
            "ran_by": one.ran_by.value,
            "numbers_hash": _hash_of(one, batch.equity[index]),
            "refusal": None,
        },
        returns=returns,
    )


@exact
def _start_equity(scenario: Scenario) -> Decimal:
    instrument, balances = scenario.rules.instrument, scenario.balances
    quote, base = (balances.get(asset, ZERO) for asset in (instrument.quote, instrument.base))
    return quote + base * scenario.plan.start_price


@exact
def _amounts(books: Books, fall: Drawdown) -> dict[str, Decimal]:
    return {
        "equity_change": books.equity_change,
        "grid_profit": books.grid_profit,
        "inventory_change": books.inventory_value - books.inventory_cost,
        "fees": books.fees,
        "fee_asset_revaluation": books.fee_asset_revaluation,
        "hold_change": books.hold_change,
        "versus_hold": books.versus_hold,
        "max_drawdown_quote": fall.amount,
    }


def _ratios(returns: FloatColumn, total: float, fall: float, window: tuple[float, float]) -> dict[str, float | None]:
    """Return what `backtest.measures` tells of the same replay; None where it is absent.

    `window` is its length in days, and the fraction of it that is missing.
    """
    days, missing_share = window
    no_years = why_no_years(days, missing_share)
    growth = no_years or annual_growth(total, days)
    absent = no_years or (None if len(returns) else _BROKE)
    found: dict[str, Figure] = {
        "annual_return": growth,
        "volatility": absent or volatility(returns),
        "sharpe": absent or sharpe(returns),
        "sortino": absent or sortino(returns),
        "calmar": calmar(growth, fall),
        "worst_day": float(returns.min()) if len(returns) else _BROKE,
        "positive_days": float((returns > 0).mean()) if len(returns) else _BROKE,
    }
    return {name: None if isinstance(value, Absent) else value for name, value in found.items()}


def _hash_of(one: Totals, equity: FloatColumn) -> str:
    digest = hashlib.sha256(repr((one.cell, one.state)).encode())
    digest.update(np.ascontiguousarray(equity, dtype="<f8").tobytes())
    return digest.hexdigest()[:16]
