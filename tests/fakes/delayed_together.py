"""Several grids of one account lived through with orders that travel: plain workers, one gate, one matching core.

Of the same time requests arrive first, in the order of the hosts, then timers come, in that order, then prices print.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby

from backtest.portfolio.replay import Member
from chaos.clock import EventHeap
from chaos.host import ACCOUNT
from domain.events import TimerFired
from fakes.delayed_replay import NO_RATE, TIMER_MS, DelayLineHost, Happened
from fakes.grid_examples import gate
from fakes.live_replay import NO_LIMIT, Lived, beside_bnb, pay_fees, points, what_lived
from fakes.store import InMemoryStore
from simulator.core.events import ExchangeEvent, OrderChanged
from simulator.core.exchange import Exchange
from simulator.core.symbols import NOTIONAL_UNIT, SymbolSpec
from simulator.market.feed import FeedStep


class RankedHeap(EventHeap):
    """Runs actions of one time in the order of the hosts that they belong to."""

    def __init__(self, start_ms: int) -> None:
        super().__init__(start_ms)
        self.rank = 0
        self._ranked: list[tuple[float, int, int, Callable[[], None]]] = []

    def __len__(self) -> int:
        return len(self._ranked)

    def after(self, delay_ms: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._ranked, (self.now_ms + delay_ms, self.rank, next(self._order), action))

    def next_ms(self) -> float | None:
        return self._ranked[0][0] if self._ranked else None

    def run_next(self) -> None:
        at_ms, self.rank, _, action = heapq.heappop(self._ranked)
        self.now_ms = max(self.now_ms, at_ms)
        action()


class SharedHost(DelayLineHost):
    """One grid of an account that others share."""

    def join(self, heap: RankedHeap, exchange: Exchange) -> None:
        self.heap = heap
        self.exchange = exchange

    def hear(self, event: ExchangeEvent) -> None:
        self._on_exchange_event(event)

    def print_first(self, step: FeedStep, member: Member) -> None:
        """Print the first step, then start the grid."""
        self.print_one(step)
        self.next_timer = step.time_ms + TIMER_MS
        self.grid_id = self.start(member.scenario.plan).grid_id

    def print_one(self, step: FeedStep) -> None:
        self._print(step)

    bnb_at_last_print: Decimal | None = None
    next_timer: float = float("inf")
    grid_id = 0


class House:
    """All grids of the account."""

    def __init__(self, members: Sequence[Member], specs: Sequence[SymbolSpec], max_exposure: Decimal | None) -> None:
        scenario = members[0].scenario
        start_ms = min(member.candles.start_ms for member in members)
        self.members = members
        self.heap = RankedHeap(start_ms)
        self.exchange = Exchange(list(specs), listener=self._route)
        balances = {asset: int(value * NOTIONAL_UNIT) for asset, value in scenario.balances.items()}
        self.exchange.open_account(ACCOUNT, balances)
        one_gate = gate(
            max_order_notional=NO_LIMIT,
            max_exposure=NO_LIMIT if max_exposure is None else max_exposure,
            max_orders_per_10s=scenario.delays.orders_per_10s or NO_RATE,
            max_price_distance=NO_LIMIT,
        )
        store = InMemoryStore()
        self.hosts = [
            SharedHost(
                latency_ms=scenario.delays.latency_ms,
                spec=spec,
                balances={},
                store=store,
                gate=one_gate,
                start_ms=start_ms,
                fee_price=lambda _asset, _at_ms: self.hosts[0].bnb_price,
            )
            for spec in specs
        ]
        self._of_symbol = {spec.symbol: host for spec, host in zip(specs, self.hosts, strict=True)}
        for host in self.hosts:
            host.join(self.heap, self.exchange)
        pay_fees(self.hosts[0], scenario)

    def play(self, steps: Sequence[Iterator[FeedStep]]) -> None:
        """Print all steps of each grid's market in the order of their time, then of the grids."""
        for rank, step in _in_order(steps):
            host = self.hosts[rank]
            self._run_until(step.time_ms)
            self.heap.rank = rank
            if host.grid_id:
                host.print_one(step)
            else:
                host.print_first(step, self.members[rank])
            host.bnb_at_last_print = host.bnb_price
            for other in self.hosts:
                other.bnb_price = host.bnb_price
            self._run_until(step.time_ms)

    def lived(self) -> list[Lived]:
        """Return what each grid did; the balances are those of the account."""
        return [
            what_lived(
                host,
                member.scenario,
                member.candles,
                lambda fill, host=host: host.paid_at[fill.trade_id],
                host.bnb_at_last_print,
                grid_id=host.grid_id,
            )
            for host, member in zip(self.hosts, self.members, strict=True)
        ]

    def _route(self, event: ExchangeEvent) -> None:
        symbol = event.order.symbol if isinstance(event, OrderChanged) else getattr(event, "symbol", "")
        if symbol in self._of_symbol:
            self._of_symbol[symbol].hear(event)

    def _run_until(self, until_ms: int) -> None:
        while True:
            due_ms = self.heap.next_ms()
            timer, rank = min((host.next_timer, rank) for rank, host in enumerate(self.hosts))
            if due_ms is not None and due_ms <= min(until_ms, timer):
                self.heap.run_next()
            elif timer <= until_ms:
                self.heap.advance_to(int(timer))
                self.heap.rank = rank
                self.hosts[rank].next_timer += TIMER_MS
                self.hosts[rank].tell(TimerFired())
            else:
                return


def _in_order(markets: Sequence[Iterator[FeedStep]]) -> list[tuple[int, FeedStep]]:
    keyed = []
    for rank, steps in enumerate(markets):
        for time_ms, same in groupby(steps, key=lambda step: step.time_ms):
            keyed += [((time_ms, number, rank), step) for number, step in enumerate(same)]
    return [(key[2], step) for key, step in sorted(keyed, key=lambda pair: pair[0])]


def live_together(
    members: Sequence[Member],
    specs: Sequence[SymbolSpec],
    *,
    max_exposure: Decimal | None = None,
    steps: Sequence[Iterator[FeedStep]] | None = None,
) -> tuple[list[Lived], list[Happened]]:
    """Run the members on one account, on their candles' points or on `steps`; what is under way at the end is lost."""
    house = House(members, specs, max_exposure)
    row_ms = 1 if steps else members[0].candles.interval_ms
    if steps is None:
        steps = [points(member.candles, member.scenario, spec) for member, spec in zip(members, specs, strict=True)]
    house.play([beside_bnb(each, member.scenario, row_ms) for each, member in zip(steps, members, strict=True)])
    return house.lived(), [host.happened for host in house.hosts]
