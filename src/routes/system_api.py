"""The house: status, operation mode, health."""

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import Field

from domain.account import Mode
from domain.errors import FieldMistake, InvalidRequest
from domain.grids import GridSnapshot
from domain.instrument import Market
from ports.control import PartState, SystemSnapshot
from routes.addressing import is_active, symbol_of
from routes.connectivity_views import BudgetView, StreamsView, budgets_by_market
from routes.formats import iso, number_or_none, uptime
from routes.grid_views import grid_uptime
from routes.messages import say
from routes.resource import resource
from routes.schemas import ModeBody
from routes.services import services
from routes.views import ErrorView, View, answer

bp = resource("system", "System", writes=True)
health_bp = APIBlueprint("health", __name__, abp_tags=[Tag(name="System")], abp_responses={"500": ErrorView})


class ActiveBotView(View):
    status: str
    current_price: float | None
    grid_levels: int
    active_orders: int
    uptime: str
    market_type: str
    phase: str
    phase_reason: str

    @classmethod
    def of(cls, grid: GridSnapshot) -> "ActiveBotView":
        return cls(
            status=grid.status.value,
            current_price=number_or_none(grid.current_price),
            grid_levels=len(grid.plan.prices),
            active_orders=len(grid.open_orders),
            uptime=grid_uptime(grid),
            market_type=grid.instrument.market.value,
            phase=grid.phase.value,
            phase_reason=grid.phase_reason,
        )


class StatusView(View):
    api_status: str
    active_bots: dict[str, ActiveBotView] = Field(
        description="by symbol; where both markets run a symbol, its futures grid is BTCUSDT:futures"
    )
    market_source: str = Field(description="live, testnet, replay or synthetic")
    operation_mode: str
    account_id: str
    venue_connected: bool
    venue_reason: str
    notices: list[str]
    uptime: str
    market_time: str
    version: str
    streams: StreamsView
    request_weight: dict[str, BudgetView] = Field(description="by market")


class ModeView(View):
    current_mode: str
    available_modes: list[str]
    description: dict[str, str]

    @classmethod
    def of(cls, system: SystemSnapshot) -> "ModeView":
        return cls(
            current_mode=system.mode,
            available_modes=list(system.available_modes),
            description={mode: say(f"mode_{mode.lower()}") for mode in system.available_modes},
        )


class ModeChangedView(ModeView):
    success: bool
    message: str


class PartView(View):
    name: str = Field(
        description="database, venue, streams, pair selection, simulator, http server, backup, or grid SYMBOL:market"
    )
    alive: bool = Field(description="it does its own work; the heartbeat stops with the first part that does not")
    ready: bool = Field(description="trading can go on as far as this part goes")
    reason: str
    age_seconds: float | None = Field(description="of its newest result, where that is told; the newest copy's")

    @classmethod
    def of(cls, part: PartState) -> "PartView":
        return cls(name=part.name, alive=part.alive, ready=part.ready, reason=part.reason, age_seconds=part.age_s)


class ReadyView(View):
    ready: bool
    reasons: list[str] = Field(description="one sentence for each part that keeps trading from going on")
    parts: list[PartView]


class HealthView(View):
    status: str = Field(description="ok, or degraded while the venue is out of reach or a part is not alive")
    mode: str
    market_source: str
    venue_connected: bool
    venue_reason: str
    uptime: str
    version: str
    parts: list[PartView]


@bp.get("/status", responses={200: StatusView})
def status() -> Response:
    """Tell how the house is and which bots run."""
    system = services().snapshots.system()
    return answer(
        StatusView(
            api_status="online",
            active_bots=_active_bots([grid for grid in services().snapshots.grids() if is_active(grid)]),
            market_source=system.market_source,
            operation_mode=system.mode,
            account_id=system.account_id,
            venue_connected=system.venue_connected,
            venue_reason=system.venue_reason,
            notices=list(system.notices),
            uptime=_uptime(system),
            market_time=iso(system.market_ms),
            version=system.version,
            streams=StreamsView.of(system.streams),
            request_weight=budgets_by_market(system.request_budgets),
        )
    )


def _active_bots(grids: list[GridSnapshot]) -> dict[str, ActiveBotView]:
    on_spot = {symbol_of(grid.instrument) for grid in grids if grid.instrument.market is Market.SPOT}
    bots = {}
    for grid in grids:
        symbol = symbol_of(grid.instrument)
        second = grid.instrument.market is Market.FUTURES and symbol in on_spot
        bots[f"{symbol}:futures" if second else symbol] = ActiveBotView.of(grid)
    return bots


def _uptime(system: SystemSnapshot) -> str:
    return uptime(services().wall_ms() - system.started_wall_ms)


@bp.get("/operation_mode", responses={200: ModeView})
def operation_mode() -> Response:
    """Tell the mode and those that can run with the keys at hand."""
    return answer(ModeView.of(services().snapshots.system()))


@bp.post("/operation_mode", responses={200: ModeChangedView})
def change_operation_mode(body: ModeBody) -> Response:
    """Change the mode."""
    system = services().commands.switch_mode(_mode(body.mode), force=body.force, confirm=body.confirm)
    now = ModeView.of(system)
    sentence = say("mode_changed", mode=system.mode)
    return answer(ModeChangedView(**now.model_dump(), success=True, message=sentence))


def _mode(text: str) -> str:
    try:
        return Mode.parse(text).value
    except ValueError:
        modes = ", ".join(mode.value for mode in Mode)
        raise InvalidRequest([FieldMistake("mode", say("one_of", field="mode", expected=modes))]) from None


@health_bp.get("/health", responses={200: HealthView})
def health() -> Response:
    """Tell that the process lives; 200 as long as it can answer."""
    system, parts = services().snapshots.system(), services().snapshots.parts()
    well = system.venue_connected and all(part.alive for part in parts)
    return answer(
        HealthView(
            status="ok" if well else "degraded",
            mode=system.mode,
            market_source=system.market_source,
            venue_connected=system.venue_connected,
            venue_reason=system.venue_reason,
            uptime=_uptime(system),
            version=system.version,
            parts=[PartView.of(part) for part in parts],
        )
    )


@health_bp.get("/ready", responses={200: ReadyView, 503: ReadyView})
def ready() -> Response:
    """Tell whether trading can go on; 503 with the reasons until it can."""
    parts = services().snapshots.parts()
    reasons = [f"{part.name}: {part.reason}" for part in parts if not part.ready]
    view = ReadyView(ready=not reasons, reasons=reasons, parts=[PartView.of(part) for part in parts])
    return answer(view, 503 if reasons else 200)
