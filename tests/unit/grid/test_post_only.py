"""A grid whose rungs never take, on the matching core."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.host import InProcessHost
from domain.events import TimerFired
from domain.orders import OrderType, Role
from fakes.grid_examples import gate, plan
from fakes.jumping_market import SPEC, START_MS, jumps
from fakes.store import InMemoryStore


@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), levels=st.integers(4, 24), resting=st.sampled_from([None, 1, 2, 4]))
def test_no_rung_takes_and_each_order_rests_at_its_rung_or_behind_the_market(
    seed: int, levels: int, resting: int | None
):
    host = InProcessHost(
        spec=SPEC,
        balances={"USDT": Decimal(10_000)},
        store=InMemoryStore(),
        gate=gate(),
        start_ms=START_MS,
        seed=seed,
    )
    path = jumps(seed, 60)
    host.play(path[:1])
    host.start(plan(levels=levels, capital=Decimal(5_000), post_only=True, resting_levels=resting))
    for step in path[1:]:
        host.play([step])
        host.tell(TimerFired())  # a slot whose cancel came too late waits for it
        host.settle()
        shown = host.snapshot()
        assert shown.recovery.differs == ()
        assert (shown.books.residual, shown.faulted_slots) == (0, ())
    by_id = {row.intent.client_id: row.intent for row in host.store.orders(1)}
    assert all(fill.is_maker for fill in host.store.fills(1) if by_id[fill.client_id].slot.role is Role.RUNG)
    assert {intent.type for intent in by_id.values() if intent.slot.role is Role.RUNG} == {OrderType.LIMIT_MAKER}
    for order in host.exchange.open_orders("bot", SPEC.symbol):
        rung = by_id[order.client_id].slot.price_ticks * SPEC.tick
        last = path[-1].trades[0].price
        if order.side.value == "BUY":
            assert order.price == rung or (order.price < rung and last <= rung)
        else:
            assert order.price == rung or (order.price > rung and last >= rung)
