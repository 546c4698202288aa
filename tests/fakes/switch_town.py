"""A house whose grids end flat and whose funds can change wallets, with a process that can be killed at any step."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

from domain.errors import OutcomeUnknown, Unreachable, VenueError
from domain.events import Balance
from domain.futures import Position
from domain.grids import Direction, GridPlan, GridRequest, GridSnapshot, GridStatus, OnStop
from domain.instrument import Instrument, Market
from domain.switches import Switch, Transfer, TransferState, decode_switch, encode_switch
from fakes.clock import FakeClock
from fakes.house import BTC, House
from grid.switching import Switching, SwitchRules
from ports.store import StoreFailed
from risk.gate import GateLimits, RiskGate

ZERO = Decimal(0)
COOLDOWN_MS = 1_800_000


class Killed(BaseException):
    """The process ended here."""


@dataclass
class Deaths:
    """Kills the process at the boundary number `at`, once."""

    at: int | None = None
    passed: int = 0

    def pass_by(self) -> None:
        self.passed += 1
        if self.passed == self.at:
            raise Killed


@dataclass
class SwitchBooks:
    """Implements SwitchStore; what is committed outlives the process. Of its writes number `refused` fails, once."""

    deaths: Deaths
    rows: dict[int, str] = field(default_factory=dict)
    refused: int = 0
    writes: int = 0

    def add(self, switch: Switch) -> Switch:
        numbered = replace(switch, number=len(self.rows) + 1)
        self.put(numbered)
        return numbered

    def put(self, switch: Switch) -> None:
        self.deaths.pass_by()
        self.writes += 1
        if self.writes == self.refused:
            raise StoreFailed("the disk is full")
        self.rows[switch.number] = encode_switch(switch)
        self.deaths.pass_by()

    def all(self) -> tuple[Switch, ...]:
        return tuple(decode_switch(text) for text in self.rows.values())


class TownHouse(House):
    """Implements also FundTransfers. `lost`: what becomes of the next transfers, in order: "", "answer", "request"."""

    def __init__(self, deaths: Deaths) -> None:
        super().__init__()
        self.deaths = deaths
        self.wallets = {Market.SPOT: Decimal(1500), Market.FUTURES: ZERO}
        self.made: list[Transfer] = []
        self.lost: list[str] = []
        self.states: list[TransferState] = []
        self.refusal: VenueError | None = None
        self.abstains = ""
        self.left = ZERO
        self.positions_left: tuple[Position, ...] = ()
        self.loss = ZERO

    def start_grid(self, request: GridRequest) -> GridSnapshot:
        self.deaths.pass_by()
        grid = super().start_grid(request)
        self.deaths.pass_by()
        return grid

    def stop_grid(self, instrument: Instrument, on_stop: OnStop, *, grid_id: int | None = None) -> GridSnapshot:
        self.deaths.pass_by()
        grid = super().stop_grid(instrument, on_stop, grid_id=grid_id)
        if grid.status is GridStatus.STOPPED:
            flat = replace(
                grid.books,
                base_held=self.left,
                inventory_value=self.left * grid.books.mark_price,
                equity_change=-self.loss,
            )
            self.history[instrument] = replace(grid, books=flat)
        self.deaths.pass_by()
        return self.history[instrument]

    def balances(self, market: Market) -> tuple[Balance, ...]:
        return (Balance("USDT", self.wallets[market], ZERO),)

    def positions(self, _instrument: Instrument) -> tuple[Position, ...]:
        return self.positions_left

    def check(self, request: GridRequest, incoming: Decimal) -> GridPlan:
        assert incoming > 0
        return self.check_grid(request)

    # FundTransfers

    def trouble(self) -> str:
        return self.abstains

    def send(self, transfer: Transfer) -> int:
        self.deaths.pass_by()
        if self.refusal is not None:
            raise self.refusal
        fate = self.lost.pop(0) if self.lost else ""
        if fate == "request":
            raise Unreachable("no connection")
        source = Market.SPOT if transfer.to is Market.FUTURES else Market.FUTURES
        assert transfer.amount <= self.wallets[source]
        self.wallets[source] -= transfer.amount
        self.wallets[transfer.to] += transfer.amount
        self.made.append(transfer)
        self.deaths.pass_by()
        if fate == "answer":
            raise OutcomeUnknown("no answer")
        return len(self.made)

    def find(self, transfer: Transfer) -> tuple[TransferState, int] | None:
        if self.states:
            return self.states.pop(0), 1
        return (TransferState.CONFIRMED, self.made.index(transfer) + 1) if transfer in self.made else None


class SwitchTown:
    """The house, its books of switches, and the part that moves pairs, which a restart builds anew."""

    def __init__(self, *, allowed: bool = True, max_exposure: int = 50_000) -> None:
        self.deaths, self.clock = Deaths(), FakeClock()
        self.house, self.books = TownHouse(self.deaths), SwitchBooks(self.deaths)
        self._rules = SwitchRules(
            allowed=allowed, markets=tuple(Market), cooldown_ms=COOLDOWN_MS, futures_direction=Direction.NEUTRAL
        )
        limits = GateLimits(
            max_order_notional=Decimal(10_000),
            max_exposure=Decimal(max_exposure),
            max_orders_per_10s=50,
            max_price_distance=Decimal(1),
            max_price_age_s=30.0,
            max_leverage=20,
        )
        self._gate = RiskGate(limits)
        self.switching = self._built()

    def _built(self) -> Switching:
        house = self.house
        return Switching(
            store=self.books,
            transfers=house,
            commands=house,
            snapshots=house,
            check=house.check,
            reader=house,
            positions=house.positions,
            market_data=house,
            gate=self._gate,
            rules=self._rules,
            clock=self.clock,
        )

    def restart(self) -> None:
        self.switching = self._built()

    def start(self, instrument: Instrument, **other: object) -> GridSnapshot:
        asked = {"levels": 5, "spacing_percent": Decimal(1), "capital": Decimal(1000), **other}
        grid = self.house.start_grid(GridRequest(instrument=instrument, **asked))  # type: ignore[arg-type]
        flat = replace(grid.books, equity_change=ZERO)
        self.house.history[instrument] = replace(grid, books=flat)
        return grid

    def outlive(self, act: Callable[[], object]) -> bool:
        """Do something, restart where the process is killed meanwhile; tell whether it was."""
        try:
            act()
        except Killed:
            self.restart()
            return True
        return False

    def newest(self) -> Switch:
        return self.switching.newest_first[0]

    def run(self, steps: int = 10, every_s: float = 60.0) -> Switch:
        """Step until the newest switch is over."""
        for _ in range(steps):
            self.outlive(lambda: self.switching.step())  # noqa: PLW0108 - another one after a restart
            if self.newest().is_over:
                break
            self.clock.advance(every_s)
        return self.newest()

    def running(self) -> list[Instrument]:
        return [it.instrument for it in self.house.grids() if it.status is not GridStatus.STOPPED]


def begun(**other: object) -> SwitchTown:
    """Return a town whose grid on spot is about to move to futures."""
    town = SwitchTown()
    town.start(BTC, **other)
    town.switching.begin(BTC, Market.FUTURES)
    return town
