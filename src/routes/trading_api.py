"""What is being traded and what was traded."""

from flask import Response, request

from domain.instrument import Instrument
from domain.orders import Fill
from routes.addressing import instrument_to_read, is_active
from routes.execution_views import ExecutionsView, ExecutionView, PairsView, PairView
from routes.links import page_links
from routes.order_views import TradesView, TradeView
from routes.resource import resource
from routes.schemas import SymbolPath, TradesQuery
from routes.services import services
from routes.views import answer

bp = resource("trading", "Trading")


@bp.get("/trading/executions", responses={200: ExecutionsView})
def executions() -> Response:
    """Show the newest grid of every symbol with its open orders, running ones first."""
    shown = [ExecutionView.of(grid) for grid in services().snapshots.grids()]
    return answer(
        ExecutionsView(
            executions=shown,
            total_active=sum(execution.status == "active" for execution in shown),
            timestamp=services().wall_ms(),
            market_source=services().snapshots.system().market_source,
        )
    )


@bp.get("/trading/pairs", responses={200: PairsView})
def pairs() -> Response:
    """List the pairs with an active grid and their prices."""
    return answer(PairsView([PairView.of(grid) for grid in services().snapshots.grids() if is_active(grid)]))


@bp.get("/trades/<path:symbol>", responses={200: TradesView})
def trades(path: SymbolPath, query: TradesQuery) -> Response:
    """Give our trades of a symbol, newest first; the Link header leads to older ones."""
    found = _older_than(instrument_to_read(path.symbol, query.market), query.before, query.limit + 1)
    page = found[: query.limit]
    response = answer(TradesView([TradeView.of(fill) for fill in page]))
    more = {"next": {"before": page[-1].trade_id}} if len(found) > query.limit else {}
    response.headers.update(page_links(request.full_path, more))
    return response


def _older_than(instrument: Instrument, before: int | None, wanted: int) -> list[Fill]:
    """Return up to `wanted` trades below the id `before`; the port gives the newest, so the reach is widened."""
    reach = wanted
    while True:
        newest = services().snapshots.fills(instrument, reach)
        found = [fill for fill in newest if before is None or fill.trade_id < before]
        if len(found) >= wanted or len(newest) < reach:
            return found[:wanted]
        reach *= 2
