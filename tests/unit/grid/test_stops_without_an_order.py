"""A stop that was reached and whose order the books never saw: the grid asks for it, then closes what is left open."""

from decimal import Decimal

import pytest

from domain.conditional import ConditionalKind, ConditionalOrder, ConditionalReported, ConditionalStatus
from domain.grids import OnStop, Phase
from domain.orders import OrderType, PositionSide, Role, Side, Slot, Status, VenueOrder
from grid.stops import StopTold
from grid.worker_host import WorkerHost
from orders.client_ids import ClientId
from unit.grid.test_contract_money import BTC, RULES, Place

ABOVE = Slot(1, Role.UNWIND, Side.BUY, 1_200)
TOLD = {
    "rejected": (ConditionalStatus.REJECTED,),
    "expired": (ConditionalStatus.TRIGGERED, ConditionalStatus.EXPIRED),
    "triggered": (ConditionalStatus.TRIGGERED,),
    "finished": (ConditionalStatus.FINISHED,),
}


@pytest.fixture
def place() -> Place:
    place = Place()
    assert place.gateway.position == -2
    return place


def stops_client_id(place: Place) -> str:
    ours = ClientId.parse(place.gateway.sent[0].client_id)
    assert ours is not None
    return str(ClientId(ours.instance, ours.epoch, ABOVE, 0, 0))


def reached(place: Place, *statuses: ConditionalStatus) -> None:
    """Let the venue tell of the grid's stop."""
    client_id = stops_client_id(place)
    for status in statuses:
        order = ConditionalOrder(
            instrument=BTC, client_id=client_id, venue_id=7, kind=ConditionalKind.STOP_MARKET, side=Side.BUY,
            position_side=PositionSide.BOTH, status=status, trigger_price=Decimal(120), price=None, quantity=None,
            venue_order_id=4711, updated_ms=0,
        )  # fmt: skip
        place.host.handle(StopTold(ConditionalReported(order)))


def assert_it_ends_flat(place: Place) -> None:
    place.pass_time(5)
    assert (place.gateway.position, place.gateway.open_orders) == (0, ())
    place.pass_time(700, step_s=10.0)
    assert place.host.finished
    (row,) = place.store.grids()
    assert (row.phase, row.on_stop) == (Phase.ENDED, OnStop.UNWIND)


@pytest.mark.parametrize("told", TOLD)
def test_what_a_stop_left_open_is_closed_once_its_order_is_proven_absent(place: Place, told: str) -> None:
    reached(place, *TOLD[told])
    assert place.gateway.position == -2, "its order may have closed it: the venue is asked first"
    place.settle()
    assert_it_ends_flat(place)


@pytest.mark.parametrize("told", TOLD)
def test_it_is_closed_too_where_the_server_died_before_it_could_ask(place: Place, told: str) -> None:
    reached(place, *TOLD[told])
    place.gateway._waiting.clear()
    place.host.drop()
    (row,) = place.store.grids()
    place.host = WorkerHost(row, RULES, place.house, place.told.append)
    place.begin()
    assert_it_ends_flat(place)


def test_an_order_that_the_venue_refused_is_looked_up_and_the_rest_is_closed(place: Place) -> None:
    client_id = stops_client_id(place)
    place.gateway.orders[client_id] = VenueOrder(
        instrument=BTC, client_id=client_id, venue_order_id=4711, side=Side.BUY, type=OrderType.MARKET,
        status=Status.EXPIRED, price=Decimal(0), quantity=Decimal(2), executed_quantity=Decimal(0), updated_ms=0,
    )  # fmt: skip
    reached(place, ConditionalStatus.REJECTED)
    place.settle()
    assert_it_ends_flat(place)
