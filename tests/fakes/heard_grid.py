"""A grid on the in-process host that keeps its books in a data folder and records what it hears, as a server does."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from adapters.data_folder import BOOKS, DataFolder
from adapters.price_recorder import FilePriceRecorder, RecordLimits
from adapters.storage import open_store
from chaos.host import InProcessHost, Latency
from domain.account import Account, Mode
from domain.events import PriceSeen
from domain.grids import GridPlan
from fakes.clock import FakeClock
from fakes.delayed_replay import DelayLineHost
from fakes.grid_examples import gate, plan
from ports.heard_prices import Ear
from ports.store import Store
from simulator.core.events import ExchangeEvent, MarketTrade, PublicTrade
from simulator.core.symbols import UNIT
from simulator.market.catalogue import SPECS
from simulator.market.feed import BookUpdate, FeedStep

START_MS = 1_722_729_600_000
STEP_MS = 20_000
SPEC = SPECS["BTCUSDT"]
ACCOUNT = Account.of_key("binance", Mode.SHADOW, "a key")
PLAN = plan(levels=11, spacing_percent=Decimal("0.5"), capital=Decimal(2_000), start_empty=True)
ENTERING_PLAN = plan(levels=11, spacing_percent=Decimal("0.5"), capital=Decimal(2_000))
DEEP = 10**9 * UNIT


class _Hearing(InProcessHost):
    """Tells an ear every public trade before the grid is told."""

    ear: Ear | None = None

    def _on_exchange_event(self, event: ExchangeEvent) -> None:
        if isinstance(event, PublicTrade) and self.ear is not None:
            price, quantity = (Decimal(units) / UNIT for units in (event.price, event.qty))
            self.ear.heard(PriceSeen(self.instrument, price, event.time_ms, self.heap.monotonic_s(), quantity))
        super()._on_exchange_event(event)


class HearingHost(_Hearing):
    """Whose market waits for orders that are under way."""


class HearingDelayLine(_Hearing, DelayLineHost):
    """Whose market goes on meanwhile."""


def live(folder: Path, steps: Iterable[FeedStep], grid: GridPlan = PLAN) -> InProcessHost:
    """Let the grid trade through `steps`; its books and what it heard lie in `folder` afterwards."""
    with _recorded(folder) as (store, recorder_of):
        host = HearingHost(**_at_work(store), seed=3, latency=Latency(1.0, 2.0))
        rest = iter(steps)
        host.play([next(rest)])
        host.ear = recorder_of(host).ear(host.start(grid))
        host.play(rest)
    return host


def live_delayed(folder: Path, steps: Iterable[FeedStep], latency_ms: int, grid: GridPlan = PLAN) -> DelayLineHost:
    """Let the grid trade with orders that travel while the market goes on."""
    with _recorded(folder) as (store, recorder_of):
        host = HearingDelayLine(**_at_work(store), latency_ms=latency_ms)
        first, *rest = steps
        host.begin(first, grid)
        host.ear = recorder_of(host).ear(store.grids()[0])
        for trade in first.trades:  # what its rungs were placed on
            price, quantity = (Decimal(units) / UNIT for units in (trade.price, trade.qty))
            host.ear.heard(PriceSeen(host.instrument, price, trade.time_ms, 0.0, quantity))
        host.go_on(rest)
    return host


def _at_work(store: Store) -> dict[str, Any]:
    balances = {"USDT": Decimal(10_000)}
    return {"spec": SPEC, "balances": balances, "store": store, "gate": gate(), "start_ms": START_MS}


@contextmanager
def _recorded(folder: Path) -> Iterator[tuple[Store, Callable[[InProcessHost], FilePriceRecorder]]]:
    """Open books in `folder`, and give what makes the recorder of a host beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    store = open_store(DataFolder(folder, None).url, ACCOUNT, FakeClock())
    assert (folder / BOOKS).exists()
    recorders: list[FilePriceRecorder] = []

    def recorder_of(host: InProcessHost) -> FilePriceRecorder:
        recorders.append(FilePriceRecorder(folder, ACCOUNT.id, host.heap, RecordLimits(spare_bytes=0)))
        return recorders[0]

    yield store, recorder_of
    for recorder in recorders:
        recorder.stop()
    store.close()


def visits(seed: int, count: int, *, queue: bool, quantity: Decimal = Decimal("0.004")) -> list[FeedStep]:
    """A market that wanders over the rungs and the middles between them, printing thrice at each.

    With `queue` so much waits at every rung before ours that trades at its price never reach us.
    """
    random, rungs = Random(seed), [int(price * UNIT) for price in PLAN.prices]
    middles = [(low + high) // 2 // SPEC.tick * SPEC.tick for low, high in pairwise(rungs)]
    places = sorted([*rungs, *middles])
    at = places.index(middles[PLAN.gap])
    steps, below = [], places[at]
    for index in range(count):
        price, time_ms = places[at], START_MS + STEP_MS * index
        is_middle = price in middles
        below = price if is_middle else below
        bids = tuple((rung, DEEP) for rung in reversed(rungs) if rung < below) if queue else ()
        asks = tuple((rung, DEEP) for rung in rungs if rung > below) if queue else ()
        for print_at in range(3):
            trade = MarketTrade("BTCUSDT", price, int(quantity * UNIT), time_ms + 4_000 * print_at, False)
            steps.append(FeedStep(trade.time_ms, (trade,), BookUpdate("BTCUSDT", bids, asks)))
        pull = 1 if at < len(places) // 2 else -1
        at = min(max(at + random.choice([-1, 1, -1, 1, pull]), 1), len(places) - 2)
    return steps


def strides(seed: int, count: int, *, every_ms: int) -> list[FeedStep]:
    """A market that strides over the rungs one by one, faster than orders that travel follow."""
    random, rungs, at = Random(seed), [int(price * UNIT) for price in PLAN.prices], PLAN.gap
    steps = []
    for index in range(count):
        time_ms = START_MS + every_ms * index
        trade = MarketTrade("BTCUSDT", rungs[at], int(Decimal("0.01") * UNIT), time_ms, False)
        steps.append(FeedStep(time_ms, (trade,), BookUpdate("BTCUSDT", (), ())))
        at = min(max(at + random.choice([-1, 1]), 1), len(rungs) - 2)
    return steps
