"""Grids: check, start, pause, resume, edit, stop, look at."""

from flask import Response

from domain.grids import GridRequest
from domain.instrument import Instrument, Market
from routes.addressing import asked_for, grid_to_read, instrument_to_stop, is_active
from routes.edit_schemas import EditBody, EditQuery
from routes.edit_views import EditView
from routes.grid_views import GridChangeView, GridView, RecoveryView
from routes.plan_views import CheckedView
from routes.resource import resource
from routes.schemas import GridBody, MarketQuery, PauseBody, ResumeBody, StopBody, SymbolPath
from routes.services import services
from routes.views import ConfigErrorView, answer

bp = resource("grid", "Grid trading", writes=True)


@bp.post(
    "/grid/config",
    responses={
        200: CheckedView,
        **dict.fromkeys((400, 403, 405, 409, 413, 415, 421, 422), ConfigErrorView),
    },
)
def check(body: GridBody) -> Response:
    """Validate a grid without starting it; every mistake at once."""
    instrument = asked_for(body.symbol, body.config.market_type)
    return answer(CheckedView.of(services().commands.check_grid(_request(body, instrument))))


@bp.post("/grid/start", responses={200: GridChangeView})
def start(body: GridBody) -> Response:
    """Start a grid; answers once it is stored and its thread runs."""
    instrument = asked_for(body.symbol, body.config.market_type)
    grid = services().commands.start_grid(_request(body, instrument))
    return answer(GridChangeView.after(grid, "grid_started"))


def _request(body: GridBody, instrument: Instrument) -> GridRequest:
    return body.request(instrument, services().futures_direction)


@bp.post("/grid/stop", responses={200: GridChangeView, 202: GridChangeView})
def stop(body: StopBody) -> Response:
    """End a grid for good; 202 while it has not ended, as where the exchange does not answer."""
    market = Market(body.market_type) if body.market_type else None
    grid = services().commands.stop_grid(instrument_to_stop(body.symbol, market), body.ending)
    if is_active(grid):
        return answer(GridChangeView.after(grid, "grid_stopping", done=False), 202)
    return answer(GridChangeView.after(grid, "grid_stopped"))


@bp.post("/grid/pause", responses={200: GridChangeView, 202: GridChangeView})
def pause(body: PauseBody) -> Response:
    """Take a grid's entries, or all its orders, off the book until it is resumed; 202 while that is not stored."""
    instrument = instrument_to_stop(body.symbol, body.market)
    before = services().snapshots.grid(instrument).paused
    grid = services().commands.pause_grid(instrument, body.kept)
    if grid.paused is not body.kept:
        return answer(GridChangeView.after(grid, "grid_pausing", done=False), 202)
    return answer(GridChangeView.after(grid, "grid_paused" if before is not body.kept else "grid_paused_already"))


@bp.post("/grid/resume", responses={200: GridChangeView, 202: GridChangeView})
def resume(body: ResumeBody) -> Response:
    """Let a paused grid go on; 202 while that is not stored."""
    instrument = instrument_to_stop(body.symbol, body.market)
    before = services().snapshots.grid(instrument).paused
    grid = services().commands.resume_grid(instrument)
    if grid.paused is not None:
        return answer(GridChangeView.after(grid, "grid_resuming", done=False), 202)
    return answer(GridChangeView.after(grid, "grid_resumed" if before is not None else "grid_not_paused"))


@bp.patch("/grid/<path:symbol>", responses={200: EditView, 202: EditView})
def edit(path: SymbolPath, query: EditQuery, body: EditBody) -> Response:
    """Change a grid's ladder or size while it works; 202 while its orders are still on the way."""
    instrument = instrument_to_stop(path.symbol, query.market)
    edited = services().commands.edit_grid(instrument, body.changes, dry_run=query.dry_run)
    view = EditView.of(edited, dry_run=query.dry_run)
    return answer(view, 200 if view.success else 202)


@bp.get("/grid/status/<path:symbol>", responses={200: GridView})
def status(path: SymbolPath, query: MarketQuery) -> Response:
    """Show a grid; one that has stopped still answers with its books."""
    return answer(GridView.of(grid_to_read(path.symbol, query.market)))


@bp.get("/grid/recovery_status/<path:symbol>", responses={200: RecoveryView})
def recovery_status(path: SymbolPath, query: MarketQuery) -> Response:
    """Show whether a grid was taken up again after a restart and what was found then."""
    return answer(RecoveryView.of(grid_to_read(path.symbol, query.market)))
