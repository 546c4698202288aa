"""From a symbol's text and an optional market to an instrument or a grid.

Without `market_type` the symbol's only grid is meant; when both markets run it, writes are refused naming the
parameter and reads give the spot grid.
"""

from collections.abc import Sequence

from domain.errors import Conflict, FieldMistake, InvalidRequest, NotFound
from domain.grids import GridSnapshot, GridStatus
from domain.instrument import Instrument, Market
from routes.messages import say
from routes.services import services


def is_active(grid: GridSnapshot) -> bool:
    """Return whether the grid has not ended; a faulted one still needs a person and is active."""
    return grid.status is not GridStatus.STOPPED


def symbol_of(instrument: Instrument) -> str:
    return services().market_data.symbol(instrument)


def listed(symbol: str, market: Market) -> Instrument:
    """Return the instrument that `symbol` names.

    Raises:
        InvalidRequest: if the market is switched off in the settings.
        NotFound: if the venue lists no such symbol on `market`.
    """
    given = services()
    if market not in given.supported_markets:
        sentence = say("market_unsupported", field="market_type", market=market)
        raise InvalidRequest([FieldMistake("market_type", sentence)])
    try:
        return given.market_data.instrument(symbol, market)
    except NotFound:
        raise NotFound(say("symbol_unknown", symbol=symbol, market=market)) from None


def asked_for(symbol: str, market_type: str | None) -> Instrument:
    """Return the instrument of a new grid; an unknown symbol is a mistake of the field `symbol`.

    Raises:
        InvalidRequest: naming the field.
    """
    try:
        return listed(symbol, Market(market_type) if market_type else services().default_market)
    except NotFound as error:
        raise InvalidRequest([FieldMistake("symbol", str(error))]) from None


def instrument_to_read(symbol: str, market: Market | None) -> Instrument:
    """Return the instrument whose records are asked for, whether or not a grid ran on it.

    Raises:
        NotFound: if no grid knows the symbol and the venue does not list it.
    """
    grids = _grids_of(symbol, market)
    return _shown(grids).instrument if grids else listed(symbol, market or services().default_market)


def grid_to_read(symbol: str, market: Market | None) -> GridSnapshot:
    """Return the grid that a read means.

    Raises:
        NotFound: if none ever ran.
    """
    grids = _grids_of(symbol, market)
    if not grids:
        raise NotFound(say("no_grid", symbol=symbol))
    return _shown(grids)


def instrument_to_stop(symbol: str, market: Market | None) -> Instrument:
    """Return the instrument whose grid a write means.

    Raises:
        Conflict: if both markets run the symbol and none was named.
        NotFound: if no grid runs on it.
    """
    running = [grid for grid in _grids_of(symbol, market) if is_active(grid)]
    if not running:
        raise NotFound(say("no_running_grid", symbol=symbol))
    if len(running) > 1:
        raise Conflict(say("two_markets", symbol=symbol))
    return running[0].instrument


def _shown(grids: Sequence[GridSnapshot]) -> GridSnapshot:
    return min(grids, key=lambda grid: (not is_active(grid), grid.instrument.market is not Market.SPOT))


def _grids_of(symbol: str, market: Market | None) -> list[GridSnapshot]:
    return [
        grid
        for grid in services().snapshots.grids()
        if _names(symbol, grid.instrument) and market in (None, grid.instrument.market)
    ]


def _names(symbol: str, instrument: Instrument) -> bool:
    return symbol in (symbol_of(instrument), f"{instrument.base}/{instrument.quote}")
