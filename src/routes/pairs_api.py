"""Which pairs suit a grid: the newest selection, with every figure and every reason."""

from typing import Literal

from flask import Response, request
from pydantic import ConfigDict, Field

from domain.errors import Conflict
from domain.instrument import Market
from ports.pairs import Pairs
from routes.addressing import instrument_to_stop, is_active
from routes.links import page_links
from routes.messages import say
from routes.mistakes import Strict
from routes.pair_views import CandidateView, LookingView, SelectionView, SwitchView
from routes.resource import resource
from routes.schemas import MarketQuery, OfSymbol
from routes.services import services
from routes.views import answer

bp = resource("pairs", "Pair selection", writes=True)


class PairsQuery(MarketQuery):
    accepted: bool | None = Field(None, description="true: accepted pairs alone; false: the others; default: all")
    limit: int = Field(100, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=100_000)


class RefreshBody(Strict):
    """Body of a refresh: an empty object."""


class SwitchBody(OfSymbol):
    """Body of a switch."""

    model_config = ConfigDict(json_schema_extra={"example": {"symbol": "BTCUSDT", "market_type": "futures"}})

    market_type: Literal["spot", "futures"] = Field(description="the market to move to")

    @property
    def source(self) -> Market:
        return Market.SPOT if self.market_type == Market.FUTURES.value else Market.FUTURES


@bp.get("/pairs", responses={200: SelectionView})
def pairs(query: PairsQuery) -> Response:
    """Show the newest selection: every candidate with its figures, its score, and why it was refused."""
    shown = _pairs().shown()
    candidates = () if shown.selection is None else shown.selection.candidates
    ranked = [(candidate, rank if candidate.is_accepted else None) for rank, candidate in enumerate(candidates, 1)]
    wanted = [
        (candidate, rank)
        for candidate, rank in ranked
        if query.market in (None, candidate.instrument.market) and query.accepted in (None, candidate.is_accepted)
    ]
    page = wanted[query.offset : query.offset + query.limit]
    running = {grid.instrument for grid in services().snapshots.grids() if is_active(grid)}
    views = [CandidateView.of(candidate, rank, running) for candidate, rank in page]
    response = answer(SelectionView.of(shown, views, len(wanted)))
    more = {"next": {"offset": query.offset + query.limit}} if len(wanted) > query.offset + query.limit else {}
    response.headers.update(page_links(request.full_path, more))
    return response


@bp.post("/pairs/refresh", responses={202: LookingView})
def refresh(body: RefreshBody) -> Response:  # noqa: ARG001 - an empty one is asked for, as of every POST
    """Select anew now instead of at the next interval, at most once a minute; 202, for it takes a while."""
    _pairs().refresh()
    return answer(LookingView(success=True, message=say("pairs_looking")), 202)


@bp.post("/pairs/switch", responses={202: SwitchView})
def switch(body: SwitchBody) -> Response:
    """Move a pair to the other market: its grid is unwound, its funds follow, the same grid starts there; 202."""
    source = instrument_to_stop(body.symbol, body.source)
    return answer(SwitchView.of(_pairs().switch(source, Market(body.market_type))), 202)


def _pairs() -> Pairs:
    selected = services().pairs
    if selected is None:
        raise Conflict(say("pairs_not_selected"))
    return selected
