"""A small deterministic house behind the API: no thread, no venue, every answer worked out from a few constants."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from domain.account import Mode
from domain.account_books import AccountBooks, AccountPart
from domain.edits import EditedGrid, EditTrade, GridChanges, GridEdit, MovedOrder, OrderLine
from domain.errors import Conflict, FieldMistake, InvalidRequest, NotFound, TradingError
from domain.events import Balance, Candle, Ticker
from domain.futures import Bracket, MarginType
from domain.grids import (
    Books,
    ContractTerms,
    GridPlan,
    GridRequest,
    GridSnapshot,
    GridStatus,
    OnStop,
    OrderView,
    PauseKeep,
    Phase,
)
from domain.instrument import FeeRates, Instrument, InstrumentRules, Market
from domain.orders import Fill, Side, Status
from fakes.jobs import Jobs
from grid.core.contract import ContractFacts
from grid.preflight import PreflightFacts, plan_grid
from orders.account_lines import totals_of
from ports.control import PartState, SystemSnapshot
from ports.market_data import Connection
from routes.application import GridhiveApp, create_app
from routes.services import Services

NOW_MS = 1_705_321_800_000  # 2024-01-15T12:30:00Z
HOUR_MS = 3_600_000
STARTED_MS = NOW_MS - 2 * HOUR_MS - 15 * 60_000
STATIC = Path(__file__).resolve().parents[2] / "static"

BTC = Instrument("binance", Market.SPOT, "BTC", "USDT")
ETH = Instrument("binance", Market.SPOT, "ETH", "USDT")
BRL = Instrument("binance", Market.SPOT, "USDT", "BRL")
HALTED = Instrument("binance", Market.SPOT, "OLD", "USDT")
BTC_FUTURES = Instrument("binance", Market.FUTURES, "BTC", "USDT")

PRICES = {
    BTC: Decimal("45000.50"),
    ETH: Decimal("2500.25"),
    BRL: Decimal(5),
    HALTED: Decimal("0.10"),
    BTC_FUTURES: Decimal("45010.0"),
}
ZERO = Decimal(0)


def books_of(trades: int = 42) -> Books:
    return Books(
        base_held=Decimal("0.01"),
        inventory_cost=Decimal("424.70"),
        inventory_value=Decimal("450.00"),
        grid_profit=Decimal("126.10"),
        fees=Decimal("0.60"),
        fees_by_asset={"BNB": Decimal("0.002")},
        fee_asset_revaluation=ZERO,
        cash_flow=Decimal("-299.20"),
        equity_change=Decimal("150.80"),
        residual=ZERO,
        mark_price=Decimal(45000),
        buys=trades // 2,
        sells=trades - trades // 2,
        trades=trades,
        cycles=trades // 2,
    )


def fill_of(instrument: Instrument, trade_id: int) -> Fill:
    price = Decimal(44900)
    quantity = Decimal("0.001")
    return Fill(
        instrument=instrument,
        trade_id=trade_id,
        client_id=f"gh-{trade_id}",
        venue_order_id=1000 + trade_id,
        side=Side.BUY if trade_id % 2 else Side.SELL,
        price=price,
        quantity=quantity,
        quote_quantity=price * quantity,
        commission=Decimal("0.000001"),
        commission_asset="BTC",
        is_maker=True,
        time_ms=NOW_MS - 1000 * (1000 - trade_id),
    )


def contract_of(price: Decimal) -> ContractFacts:
    bracket = Bracket(
        floor=ZERO, cap=Decimal(1_000_000), max_leverage=100, maintenance_rate=Decimal("0.005"), deduction=ZERO
    )
    return ContractFacts(
        terms=ContractTerms(leverage=1, margin_type=MarginType.CROSS, hedge_mode=False),
        max_leverage=20,
        brackets=(bracket,),
        mark_price=price,
        funding_rate=Decimal("0.0001"),
        funding_interval_h=8,
        position=ZERO,
        foreign_orders=0,
    )


@dataclass
class House:
    """Implements Commands, Snapshots, MarketData and AccountReader. `failure` is raised by the next call, whatever.

    `stop_hangs` is why a grid that is told to stop does not end.
    """

    mode: Mode = Mode.SHADOW
    venue_connected: bool = True
    database_failure: str = ""
    failure: Exception | None = None
    futures_failure: TradingError | None = None
    stop_hangs: str = ""
    history: dict[Instrument, GridSnapshot] = field(default_factory=dict)
    trades: dict[Instrument, list[Fill]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    account_part: AccountPart | None = None
    fees: FeeRates = field(default_factory=lambda: FeeRates(Decimal("0.001"), Decimal("0.001")))

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure

    def facts(self, instrument: Instrument) -> PreflightFacts:
        return PreflightFacts(
            rules=self.rules(instrument),
            fees=self.fees,
            price=PRICES[instrument],
            free_quote=Decimal(10_000),
            default_capital=Decimal(1000),
            min_order_value=Decimal(10),
            max_price_distance=Decimal("0.5"),
            max_order_notional=Decimal(5_000),
            contract=contract_of(PRICES[instrument]) if instrument.market is Market.FUTURES else None,
        )

    # Commands

    def check_grid(self, request: GridRequest) -> GridPlan:
        self._called("check_grid")
        return plan_grid(request, self.facts(request.instrument))

    def start_grid(self, request: GridRequest) -> GridSnapshot:
        plan = self.check_grid(request)
        running = self.history.get(request.instrument)
        if running is not None and running.status is not GridStatus.STOPPED:
            raise Conflict("a grid already runs on this symbol; stop it first")
        orders = tuple(
            OrderView(
                client_id=f"gh-{index}",
                venue_order_id=123456789 + index,
                side=Side.BUY,
                type="LIMIT_MAKER",
                price=price,
                quantity=plan.quantity_per_rung,
                executed_quantity=ZERO,
                status=Status.OPEN,
                created_ms=STARTED_MS,
                reason="rung below the price",
            )
            for index, price in enumerate(plan.prices[:-1])
        )
        fill = fill_of(request.instrument, 999)
        grid = GridSnapshot(
            grid_id=len(self.history) + 1,
            instrument=request.instrument,
            plan=plan,
            status=GridStatus.RUNNING,
            phase=Phase.TRADING,
            phase_reason="",
            current_price=PRICES[request.instrument],
            price_age_s=0.4,
            open_orders=orders,
            books=books_of(),
            last_fill=fill,
            faulted_slots=(),
            resumed=False,
            started_ms=STARTED_MS,
            started_wall_ms=STARTED_MS,
            updated_ms=NOW_MS,
        )
        self.history[request.instrument] = grid
        self.trades.setdefault(request.instrument, [fill_of(request.instrument, n) for n in range(42, 0, -1)])
        return grid

    def stop_grid(self, instrument: Instrument, on_stop: OnStop, *, grid_id: int | None = None) -> GridSnapshot:
        self._called(f"stop_grid {instrument} {on_stop}")
        grid = self.history.get(instrument)
        if grid is None or grid.status is GridStatus.STOPPED:
            raise NotFound("no grid runs on this symbol")
        if grid_id not in (None, grid.grid_id):
            raise Conflict("another grid runs on this symbol")
        if self.stop_hangs:
            self.history[instrument] = replace(grid, phase=Phase.STOPPING, phase_reason=self.stop_hangs)
            return self.history[instrument]
        ended = replace(grid, status=GridStatus.STOPPED, phase=Phase.ENDED, open_orders=())
        self.history[instrument] = ended
        return ended

    def pause_grid(self, instrument: Instrument, keep: PauseKeep) -> GridSnapshot:
        self._called(f"pause_grid {instrument} {keep}")
        return self._with_pause(instrument, keep)

    def resume_grid(self, instrument: Instrument) -> GridSnapshot:
        self._called(f"resume_grid {instrument}")
        return self._with_pause(instrument, None)

    def _with_pause(self, instrument: Instrument, keep: PauseKeep | None) -> GridSnapshot:
        if self.stop_hangs:
            return self.history[instrument]
        phase = Phase.TRADING if keep is None else Phase.PAUSED
        self.history[instrument] = replace(self.history[instrument], phase=phase, paused=keep)
        return self.history[instrument]

    def edit_grid(self, instrument: Instrument, changes: GridChanges, *, dry_run: bool) -> EditedGrid:
        self._called(f"edit_grid {instrument} {dry_run}")
        grid = self.history[instrument]
        plan = plan_grid(changes.made_in(grid.plan.request), self.facts(instrument))
        kept, moved = (OrderLine(Side.BUY, price, plan.quantity_per_rung) for price in plan.prices[:2])
        trade = EditTrade(side=Side.SELL, quantity=ZERO, limit_price=plan.start_price, cost=ZERO)
        edit = GridEdit(
            plan=plan,
            keep=(kept,),
            move=(MovedOrder(kept, moved),),
            cancel=(),
            add=(moved,),
            trade=trade,
            exposure=ZERO,
        )
        if not dry_run:
            self.history[instrument] = replace(grid, plan=plan, is_edited_now=bool(self.stop_hangs))
        return EditedGrid(edit=edit, grid=self.history[instrument], is_done=not dry_run and not self.stop_hangs)

    def switch_mode(self, mode: str, *, force: bool, confirm: bool) -> SystemSnapshot:
        self._called(f"switch_mode {mode} {force} {confirm}")
        wanted = Mode.parse(mode)
        if wanted is Mode.PRODUCTION and not confirm:
            raise InvalidRequest([FieldMistake("confirm", "must be true for Production: it trades real money")])
        self.mode = wanted
        return self.system()

    # Snapshots

    def system(self) -> SystemSnapshot:
        return SystemSnapshot(
            mode=self.mode.value,
            available_modes=("Production", "Shadow"),
            market_source="synthetic",
            account_id="binance:shadow:0123456789ab",
            started_wall_ms=STARTED_MS,
            market_ms=NOW_MS,
            venue_connected=self.venue_connected,
            venue_reason="" if self.venue_connected else "the market stream is silent for 12 s",
            notices=("The market is synthetic: prices are made up.",),
            version="0.1.0",
        )

    def parts(self) -> tuple[PartState, ...]:
        reason = "" if self.venue_connected else "the market stream is silent for 12 s"
        return (
            PartState(name="database", alive=self.database_failure == "", ready=False, reason=self.database_failure)
            if self.database_failure
            else PartState(name="database", alive=True, ready=True),
            PartState(name="venue", alive=True, ready=self.venue_connected, reason=reason),
            PartState(name="backup", alive=True, ready=True, age_s=3600.0),
        )

    def grids(self) -> tuple[GridSnapshot, ...]:
        return tuple(sorted(self.history.values(), key=lambda grid: grid.status is GridStatus.STOPPED))

    def grid(self, instrument: Instrument) -> GridSnapshot:
        if instrument not in self.history:
            raise NotFound("no grid ever ran on this symbol")
        return self.history[instrument]

    def fills(self, instrument: Instrument, limit: int) -> tuple[Fill, ...]:
        return tuple(self.trades.get(instrument, [])[:limit])

    def books(self) -> AccountBooks:
        self._called("books")
        grids = tuple(self.history.values())
        quotes = {grid.instrument.quote for grid in grids}
        totals = {q: totals_of([grid.books for grid in grids if grid.instrument.quote == q]) for q in quotes}
        return AccountBooks(
            account_id="binance:shadow:0123456789ab",
            valued_in="USDT",
            taken_ms=NOW_MS,
            grids=grids,
            totals=totals,
            account=self.account_part,
            account_error="" if self.account_part else "the venue does not answer",
        )

    def watched(self, market: Market) -> tuple[Instrument, ...]:
        return (BTC, ETH) if market is Market.SPOT else (BTC_FUTURES,)

    # MarketData

    def instrument(self, symbol: str, market: Market) -> Instrument:
        self._called("instrument")
        for instrument in PRICES:
            names = (self.symbol(instrument), f"{instrument.base}/{instrument.quote}")
            if instrument.market is market and symbol in names:
                return instrument
        raise NotFound(f"{symbol} is not listed")

    def symbol(self, instrument: Instrument) -> str:
        return f"{instrument.base}{instrument.quote}"

    def rules(self, instrument: Instrument) -> InstrumentRules:
        return InstrumentRules(
            instrument=instrument,
            status="BREAK" if instrument == HALTED else "TRADING",
            tick=Decimal("0.01"),
            lot=Decimal("0.00001"),
            min_quantity=Decimal("0.00001"),
            max_quantity=Decimal(9000),
            min_notional=Decimal(5),
        )

    def tickers(self, instruments: Sequence[Instrument]) -> tuple[Ticker, ...]:
        self._called("tickers")
        return tuple(
            Ticker(
                instrument=instrument,
                price=PRICES[instrument],
                volume=Decimal("123456.78"),
                quote_volume=Decimal(5500000000),
                change_percent=Decimal("2.45"),
                high=Decimal(46000),
                low=Decimal(44000),
                bid=PRICES[instrument] - Decimal("0.01"),
                ask=PRICES[instrument],
            )
            for instrument in instruments
        )

    def candles(
        self, instrument: Instrument, interval: str, limit: int, end_ms: int | None = None
    ) -> tuple[Candle, ...]:
        self._called(f"candles {interval} {limit} {end_ms}")
        last = (NOW_MS if end_ms is None else end_ms) // HOUR_MS * HOUR_MS
        return tuple(_candle(PRICES[instrument], last - step * HOUR_MS) for step in range(limit - 1, -1, -1))

    def instruments(self, market: Market, quote: str | None = None) -> tuple[Instrument, ...]:
        return tuple(one for one in PRICES if one.market is market and quote in (None, one.quote))

    def connection(self, market: Market) -> Connection:
        self._called("connection")
        limits = {"orders_per_second": 10, "orders_per_day": 200_000}
        if market is Market.FUTURES:
            limits = {"orders_per_minute": 1200}
        return Connection(connected=True, ping_ms=45.4, server_time_ms=NOW_MS, limits=limits, error=None)

    def market_source(self) -> str:
        return "synthetic"

    # AccountReader

    def balances(self, market: Market) -> tuple[Balance, ...]:
        self._called("balances")
        if market is Market.FUTURES:
            if self.futures_failure is not None:
                raise self.futures_failure
            return (Balance("USDT", Decimal(450), Decimal(50)),)
        return (
            Balance("USDT", Decimal(1000), Decimal(50)),
            Balance("BTC", Decimal("0.01"), ZERO),
            Balance("BRL", Decimal(100), ZERO),
            Balance("NOPRICE", Decimal(7), ZERO),
            Balance("DUST", ZERO, ZERO),
        )

    def fee_rates(self, instrument: Instrument) -> FeeRates:
        return self.fees


def _candle(price: Decimal, open_ms: int) -> Candle:
    wave = Decimal((open_ms // HOUR_MS) % 7 - 3) / 1000
    middle = price * (1 + wave)
    return Candle(
        open_ms=open_ms,
        close_ms=open_ms + HOUR_MS - 1,
        open=middle,
        high=middle * Decimal("1.004"),
        low=middle * Decimal("0.996"),
        close=middle,
        volume=Decimal("1234.56"),
        quote_volume=Decimal(55_000_000),
        trades=5678,
    )


class PlainClient(FlaskClient):
    """Reads answers as any other program would, not with the app's own JSON."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        response.json_module = json
        return response


def app_of(house: House, *, wall_ms: Callable[[], int] = lambda: NOW_MS, **options: Any) -> GridhiveApp:
    """Return the real app around the fake house; `options` go to `Services` or `create_app` by their names."""
    factory = {name: options.pop(name) for name in ("allowed_hosts", "allowed_origins") if name in options}
    options.setdefault("jobs", Jobs())
    services = Services(
        commands=house,
        snapshots=house,
        market_data=house,
        account_reader=house,
        wall_ms=wall_ms,
        version="0.1.0",
        **options,
    )
    app = create_app(services, static_folder=STATIC, **factory)
    app.test_client_class = PlainClient
    return app
