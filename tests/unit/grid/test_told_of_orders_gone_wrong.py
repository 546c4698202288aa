"""What a person finds in the log and on the page when the venue refuses orders or another hand cancels them."""

import logging
from dataclasses import replace

import pytest

from domain.events import OrderReported, TimerFired
from domain.grids import OnStop, Phase
from domain.orders import Status, VenueOrder
from fakes.clock import FakeClock
from fakes.grid_examples import BTC, plan
from fakes.some_market import Place, SomeMarket, answer_all, running_grid
from fakes.store import InMemoryStore
from grid.worker_events import StopRequested
from grid.worker_host import WorkerHost
from orders.placing import MAX_REFUSALS

LOG = "grid.worker_host"


def canceled_by_another_hand(host: WorkerHost, victim: VenueOrder) -> None:
    host.handle(OrderReported(replace(victim, status=Status.CANCELED)))


def test_an_order_given_up_is_told_by_log_page_and_phase(caplog: pytest.LogCaptureFixture):
    clock = FakeClock()
    place = Place(InMemoryStore(), SomeMarket(BTC), clock)
    host = running_grid(place, plan())
    victim = place.gateway.open_orders[0]
    with caplog.at_level(logging.INFO, logger=LOG):
        place.gateway.refuse_next(message="insufficient balance")
        canceled_by_another_hand(host, victim)
        for refusal in range(MAX_REFUSALS):
            if refusal:
                place.gateway.refuse_next(message="insufficient balance")
            host.handle(TimerFired())
            answer_all(place, host)
            clock.advance(60)
    lines = [record.getMessage() for record in caplog.records]
    assert sum(line.endswith("was canceled, and this process did not ask for it") for line in lines) == 1
    assert sum(line.endswith("was refused: insufficient balance") for line in lines) == MAX_REFUSALS
    shown = host.snapshot()
    assert shown.phase is Phase.TRADING
    (given_up,) = shown.faulted_slots
    assert "insufficient balance (-2010); mend the cause, then restart" in given_up
    assert shown.phase_reason == f"1 order(s) given up, the last: {given_up}"
    assert lines[-1].endswith(shown.phase_reason)


def test_cancels_of_our_own_are_no_news(caplog: pytest.LogCaptureFixture):
    place = Place(InMemoryStore(), SomeMarket(BTC), FakeClock())
    host = running_grid(place, plan())
    with caplog.at_level(logging.WARNING, logger=LOG):
        host.handle(StopRequested(OnStop.CANCEL))
        answer_all(place, host)
    assert host.finished
    assert caplog.records == []
