"""What a job of the server is given, read and planned without replaying anything. Mistakes are told in the API's words.

Nothing here loads the engine, so that a look before a job is taken is short.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from backtest.candles import BadCandles, Candles
from backtest.contract_market import ContractMarket, FundingHistory
from backtest.data.loading import GapsInWindow, NoneInWindow, NotStored, load_candles
from backtest.data.series import DAY_MS
from backtest.data.store import FOLDER, Store
from backtest.funding_history import NONE, stored_funding
from backtest.grid_config import parse_grid
from backtest.job_bnb import fees_of, with_bnb
from backtest.job_words import beyond_memory, gaps_in_window, none_in_window, not_stored, unfit_candles
from backtest.scenario import PPM, Delays, Fees, FillAssumption, FillKind, PathRule, Scenario
from domain.errors import FieldMistake, InvalidRequest
from domain.grids import GridRequest
from domain.instrument import Market
from ports.backtest_job import BacktestParameters

_PPM_PER_PERCENT: Final = PPM // 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What is replayed: `request` is known to be plannable as `scenario` on `candles`."""

    given: BacktestParameters
    request: GridRequest
    candles: Candles
    scenario: Scenario


def store_of(folder: Path) -> Store:
    """Return the recordings of the data folder in which the folder of a job's parent lies."""
    return Store(folder.parents[1] / FOLDER)


def inputs_of(given: BacktestParameters, store: Store) -> Inputs:
    """Load the candles and plan the grid on them.

    Raises:
        InvalidRequest: with every mistake in window and grid, and its remedy.
        Conflict: if a file of the store is damaged.
    """
    mistakes: list[FieldMistake] = []
    try:
        candles = candles_of(given, store)
    except GapsInWindow as error:
        mistakes += gaps_in_window(error, given, store)
        candles = candles_of(given.model_copy(update={"allow_gaps": True}), store)
    fees = fees_of(given)
    balances: Mapping[str, Decimal] = given.balances
    try:
        fees, balances = with_bnb(given, candles, store)
    except InvalidRequest as error:
        mistakes += error.mistakes
    try:
        contract = contract_of(given, candles, store)
        request, scenario = _planned(given, candles, fees, balances, contract)
    except InvalidRequest as error:
        raise InvalidRequest([*mistakes, *_of_the_grid(error, given)]) from None
    if mistakes:
        raise InvalidRequest(mistakes)
    return Inputs(given=given, request=request, candles=candles, scenario=scenario)


def candles_of(given: BacktestParameters, store: Store) -> Candles:
    """Return the stored candles of the window.

    Raises:
        GapsInWindow: if some are missing and that is not allowed.
        InvalidRequest: for a window or interval of which nothing is stored, or candles that cannot be used.
        Conflict: if a file of the store is damaged.
    """
    try:
        return _loaded(given, store)
    except NotStored as error:
        raise InvalidRequest([not_stored(error, given, store)]) from None
    except NoneInWindow as error:
        raise InvalidRequest([none_in_window(error, given, store)]) from None
    except BadCandles as error:
        raise InvalidRequest([unfit_candles(error)]) from None
    except MemoryError:
        raise InvalidRequest([beyond_memory()]) from None


def _loaded(given: BacktestParameters, store: Store) -> Candles:
    def load(from_ms: int | None, to_ms: int | None, *, allow_gaps: bool) -> Candles:
        return load_candles(
            store, given.symbol, given.market_type, given.interval, from_ms, to_ms, allow_gaps=allow_gaps
        )

    from_ms, to_ms = given.from_ms, given.to_ms
    if given.days is not None:
        to_ms = to_ms if to_ms is not None else load(None, None, allow_gaps=True).end_ms
        from_ms = to_ms - given.days * DAY_MS
    return load(from_ms, to_ms, allow_gaps=given.allow_gaps)


def fill_of(given: BacktestParameters) -> FillAssumption:
    return FillAssumption(FillKind(given.fill), int((given.share_perc or 0) * _PPM_PER_PERCENT))


def contract_of(given: BacktestParameters, candles: Candles, store: Store) -> ContractMarket | None:
    """Return what a contract's market tells besides prices; None on spot.

    Raises:
        InvalidRequest: naming `funding`, where it is not stored.
        Conflict: if a file of the store is damaged.
    """
    if given.market_type is Market.SPOT:
        return None
    if given.funding == NONE:
        funding = FundingHistory.none("left out, as asked for")
    else:
        funding = stored_funding(store, candles, allow_gaps=given.allow_gaps)
    return ContractMarket(brackets=given.brackets, funding=funding)


def _planned(
    given: BacktestParameters,
    candles: Candles,
    fees: Fees,
    balances: Mapping[str, Decimal],
    contract: ContractMarket | None,
) -> tuple[GridRequest, Scenario]:
    request = parse_grid(given.config, given.rules.instrument)
    scenario = Scenario.of(
        request,
        candles,
        given.rules,
        balances=balances,
        fees=fees,
        fill=fill_of(given),
        path=PathRule(given.path),
        contract=contract,
        delays=Delays(given.latency_ms, given.orders_per_10s),
        max_exposure=given.max_exposure,
    )
    return request, scenario


def _of_the_grid(error: InvalidRequest, given: BacktestParameters) -> Iterator[FieldMistake]:
    """Yield mistakes of the grid and of fees by where they stand in the request; the account has a capital too."""
    own = next((key for key in ("capital", "capital_usd") if given.config.get(key) is not None), None)
    where = {"bnb_price": "fees.bnb_price", "bnb": "fees.bnb"} | ({"capital": f"config.{own}"} if own else {})
    for mistake in error.mistakes:
        yield replace(mistake, field=where.get(mistake.field, mistake.field))
