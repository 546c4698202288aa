"""Ends that are asked for in percent, of grids whose capital a person edits: percent of the capital in force."""

from decimal import Decimal

import pytest

from domain.edits import GridChanges
from domain.errors import InvalidRequest
from domain.exit_terms import ExitTerms
from domain.grids import Phase
from fakes.grid_examples import btc_rules, facts, plan
from grid.assembly import stored_state
from grid.editing import Sketch, sketch_edit
from grid.worker_events import EditRequested
from integration.grid.test_ends_of_grids import Watched, begun

PLAN = plan(capital=Decimal(1_000), exits=ExitTerms(stop_loss_percent=Decimal(3)))


def sketched(host: Watched, capital: int, profit: str = "0") -> Sketch:
    row = host.store.grids()[-1]
    state, now = stored_state(row, btc_rules(), host.store), facts(price=Decimal(60_010), free_quote=Decimal(100_000))
    return sketch_edit(state, GridChanges(capital=Decimal(capital)), now, [row.plan], Decimal(500), Decimal(profit))


def test_percent_of_a_loss_go_by_the_edited_capital_also_after_a_restart():
    host = begun(PLAN)
    host.market("60010")
    sketch = sketched(host, 4_000)
    assert any("stop_loss_perc goes by the new capital: 120 USDT" in told for told in sketch.shown.warnings)
    host.tell(EditRequested(sketch.asked))
    host.settle()
    host.market("60010")
    after = host.snapshot().exit_below
    assert after is not None
    host.live_again()
    host.market("59700", "59400", "59100")  # 36 are lost
    assert host.snapshot().phase is Phase.TRADING
    host.market(str(after.quantize(Decimal(1)) - 2_000))
    shown = host.snapshot()
    assert shown.phase is Phase.ENDED
    assert shown.books.equity_change < -120


def test_an_edit_that_would_end_the_grid_at_once_is_refused():
    host = begun(PLAN)
    host.market("60010")
    assert sketched(host, 500, "-14").shown.warnings
    with pytest.raises(InvalidRequest, match=r"stop_loss_perc would be 15 .* end the grid at once") as refused:
        sketched(host, 500, "-15")
    assert [mistake.field for mistake in refused.value.mistakes] == ["capital"]
