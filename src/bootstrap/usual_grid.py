"""The grid that is started without anybody saying how: by the section `grid` of the settings."""

from config.settings import Settings
from domain.exit_terms import ExitTerms
from domain.grids import AskedBy, Direction, GridRequest
from domain.instrument import Instrument, Market


def usual_grid(settings: Settings, instrument: Instrument, asked_by: AskedBy) -> GridRequest:
    """Return what is asked for, its ends by profit and loss included; prices of one pair alone are left out."""
    grid, on_futures = settings.grid, instrument.market is Market.FUTURES
    return GridRequest(
        instrument=instrument,
        levels=grid.initial_levels,
        spacing_percent=grid.initial_spacing_perc * 100,
        direction=grid.futures.direction if on_futures else Direction.LONG,
        quantity_growth_percent=grid.quantity_growth_perc or None,
        profit=grid.profit,
        resting_levels=grid.resting_levels,
        post_only=grid.post_only,
        exits=ExitTerms(
            take_profit_percent=grid.take_profit_perc,
            stop_loss_percent=grid.stop_loss_perc,
            on_take_profit=grid.on_take_profit,
            on_stop_loss=grid.on_stop_loss,
        ),
        asked_by=asked_by,
    )
