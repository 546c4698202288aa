"""What one grid's worker, and those that judge and show it, work with."""

from dataclasses import dataclass

from domain.instrument import InstrumentRules
from grid.exit_watch import ExitWatch
from grid.market_view import MarketView
from grid.money import GridMoney
from grid.protection import Protection
from grid.state import GridState
from grid.surroundings import Surroundings
from orders.desk import OrderDesk
from orders.position_check import PositionCheck
from ports.store import GridRow
from risk.gate import RiskGate


@dataclass(frozen=True, slots=True, kw_only=True)
class GridParts:
    """Of one grid: what it was planned as, what it holds and wants, and what it knows of its venue."""

    row: GridRow
    rules: InstrumentRules
    state: GridState
    desk: OrderDesk
    protection: Protection
    gate: RiskGate
    money: GridMoney
    position: PositionCheck
    market: MarketView
    exits: ExitWatch
    around: Surroundings

    @property
    def contract_doubt(self) -> str:
        """Return why nothing may be sent to the contract now: its position is in doubt, or how it is traded."""
        return self.position.doubt(self.money.position) or self.around.contract.trouble
