"""A grid's symbol is halted, gets other steps, or a contract ends: on the in-process host, books to the last digit."""

from dataclasses import replace
from decimal import Decimal

import pytest

from chaos.host import InProcessHost
from domain.events import RulesChanged
from domain.grids import GridStatus, OnStop, Phase
from fakes.grid_examples import plan
from fakes.store import InMemoryStore
from grid.worker_events import StopRequested
from integration.grid.test_in_process_host import START_MS, assert_books_balance, make_host, resting, step
from simulator.core.symbols import UNIT


def begun() -> InProcessHost:
    host = make_host(InMemoryStore())
    host.start(plan())
    host.settle()
    return host


def change(host: InProcessHost, **changes: Decimal | str) -> None:
    """Let the venue trade the symbol by other rules, and the grid hear of it as a server lets it."""
    names = {"tick": "tick", "lot": "lot", "min_notional": "min_notional", "status": "status"}
    venues = {names[name]: it if isinstance(it, str) else int(it * UNIT) for name, it in changes.items()}
    host.exchange.set_symbol(replace(host.exchange.symbol("BTCUSDT"), **venues))
    host.rules = replace(host.rules, **changes)  # type: ignore[arg-type]
    if "status" in changes:
        host.tell(RulesChanged(host.instrument, host.rules))
    else:
        host.resume(host.store.grids()[-1])
    host.settle()


@pytest.mark.parametrize("status", ["HALT", "BREAK", "END_OF_DAY"])
def test_a_halt_pauses_the_grid_and_its_end_lets_it_go_on(status: str) -> None:
    host = begun()
    before = resting(host)
    change(host, status=status)
    shown = host.snapshot()
    assert (shown.phase, shown.status) == (Phase.PAUSED, GridStatus.RUNNING)
    assert f"BTCUSDT is {status} at the venue" in shown.phase_reason
    assert host.store.grids()[-1].phase_reason == shown.phase_reason
    assert resting(host) == before
    host.tell(StopRequested(OnStop.UNWIND))
    host.settle()
    assert "waiting for the symbol to trade" in host.snapshot().phase_reason
    assert resting(host) == before
    change(host, status="TRADING")
    host.play([step(Decimal(60_000), START_MS + 60_000)])
    assert (host.finished, resting(host)) == (True, set())
    assert_books_balance(host)


def test_a_coarser_tick_moves_what_is_placed_from_now_on_and_earns_no_less() -> None:
    host = begun()
    before = resting(host)
    change(host, tick=Decimal("70.0"))
    assert resting(host) == before, "the venue keeps what it took"
    lowest = min(price for side, price, _ in before if side == "BUY")
    highest = max(price for side, price, _ in before if side == "SELL")
    for at, price in enumerate((lowest, highest, lowest, highest, Decimal(60_000))):
        host.play([step(price - price % 70, START_MS + 60_000 * (at + 1))])
    shown = host.snapshot()
    assert (shown.phase, shown.faulted_slots) == (Phase.TRADING, ())
    assert len(resting(host)) == len(before)
    fresh = resting(host) - before
    assert fresh
    assert all(price % 70 == 0 for _, price, _ in fresh)
    assert shown.books.cycles > 0
    assert shown.books.grid_profit - shown.books.fees > 0
    assert_books_balance(host)


def test_a_coarser_lot_lets_entries_wait_and_exits_go_as_far_as_they_fit_until_it_is_taken_back() -> None:
    host = begun()
    before = resting(host)
    change(host, lot=Decimal("0.00100000"))
    highest = max(price for side, price, _ in before if side == "SELL")
    lowest = min(price for side, price, _ in before if side == "BUY")
    host.play([step(highest, START_MS + 60_000), step(lowest, START_MS + 120_000)])
    shown = host.snapshot()
    assert shown.faulted_slots == ()
    assert "wait because the venue's rules changed: quantity" in shown.phase_reason
    assert_books_balance(host)
    change(host, lot=Decimal("0.00001000"))
    host.play([step(Decimal(60_000), START_MS + 180_000)])
    assert (host.snapshot().phase, host.snapshot().phase_reason) == (Phase.TRADING, "")
    change(host, lot=Decimal("0.00100000"))
    host.tell(StopRequested(OnStop.UNWIND))
    host.settle()
    assert host.finished
    assert host.snapshot().books.base_held < Decimal("0.001"), "what is left does not fit one lot"
    assert_books_balance(host)


def test_a_higher_least_value_gives_up_what_is_too_small_and_takes_it_back() -> None:
    host = begun()
    before = resting(host)
    change(host, min_notional=Decimal(5_000))
    lowest = min(price for side, price, _ in before if side == "BUY")
    host.play([step(lowest, START_MS + 60_000)])
    assert "below the venue's minimum" in host.snapshot().phase_reason
    assert_books_balance(host)
    change(host, min_notional=Decimal(5))
    host.play([step(lowest, START_MS + 120_000)])
    assert host.snapshot().phase_reason == ""
    assert len(resting(host)) == len(before)
