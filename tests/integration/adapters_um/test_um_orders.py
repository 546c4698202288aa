"""What orders on USD-M have that spot's have not: positions, hedge mode, reduce-only, replies without fills."""

from decimal import Decimal

import pytest

from adapters.binance.connect import BinanceVenue
from domain.events import OrderRefused, OrderReported, OutcomeUnknown, TradesRead
from domain.orders import OrderType, PositionSide, Side, Status, TimeInForce
from fakes.simulator_calls import Caller
from fakes.um_orders import BTC_PERPETUAL, SIZE, ask, cancel, look_up, order_of, price_of, read_open, submit
from fakes.venue_process import VenueProcess


def refusal(venue: BinanceVenue, *args: object, **more: object) -> OrderRefused:
    event = submit(venue, order_of(*args, **more))  # type: ignore[arg-type]
    assert isinstance(event, OrderRefused), event
    return event


def placed(venue: BinanceVenue, *args: object, **more: object) -> OrderReported:
    event = submit(venue, order_of(*args, **more))  # type: ignore[arg-type]
    assert isinstance(event, OrderReported), event
    return event


def test_a_closing_trade_tells_the_profit_that_it_realized(venue: BinanceVenue, process: VenueProcess) -> None:
    bought = placed(venue, None)
    assert {fill.realized_profit for fill in bought.fills} == {Decimal(0)}
    cost = sum(fill.quote_quantity for fill in bought.fills)
    sold = placed(venue, None, Side.SELL, reduce_only=True)
    worth = sum(fill.quote_quantity for fill in sold.fills)
    assert sum(fill.realized_profit for fill in sold.fills) == worth - cost
    first = bought.fills[0].trade_id
    trades = ask(lambda answer: venue.gateway.read_trades(BTC_PERPETUAL, first, answer))
    assert isinstance(trades, TradesRead)
    assert trades.fills == bought.fills + sold.fills
    assert venue.account_trades.trades_since(BTC_PERPETUAL, first) == trades.fills
    assert venue.account_trades.newest_trade_id(BTC_PERPETUAL) == sold.fills[-1].trade_id


def test_reduce_only_is_refused_without_a_position_and_beyond_it(venue: BinanceVenue) -> None:
    assert refusal(venue, None, Side.SELL, reduce_only=True).code == -2022
    placed(venue, None)
    exit_at = price_of(venue, "1.03")
    placed(venue, exit_at, Side.SELL, OrderType.LIMIT_MAKER, reduce_only=True)
    again = refusal(venue, exit_at, Side.SELL, OrderType.LIMIT_MAKER, reduce_only=True)
    assert (again.code, again.would_take, again.market_closed) == (-4118, False, False)


def test_both_sides_of_hedge_mode_are_held_at_once(venue: BinanceVenue, account: Caller) -> None:
    assert refusal(venue, None, position_side=PositionSide.LONG).code == -4061
    account.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")
    long = placed(venue, None, position_side=PositionSide.LONG)
    short = placed(venue, None, Side.SELL, position_side=PositionSide.SHORT)
    sides = [{fill.position_side for fill in report.fills} for report in (long, short)]
    assert sides == [{PositionSide.LONG}, {PositionSide.SHORT}]
    assert refusal(venue, None, Side.SELL, position_side=PositionSide.LONG, reduce_only=True).code == -1106
    placed(venue, None, Side.SELL, position_side=PositionSide.LONG)
    placed(venue, None, position_side=PositionSide.SHORT)


def test_an_order_at_once_or_not_at_all_ends_with_what_it_got(venue: BinanceVenue) -> None:
    away = placed(venue, price_of(venue, "0.97"), time_in_force=TimeInForce.IOC)
    assert (away.order.status, away.fills) == (Status.EXPIRED, ())
    near = placed(venue, price_of(venue, "1.01"), time_in_force=TimeInForce.IOC)
    assert near.order.status is Status.FILLED
    assert sum(fill.quantity for fill in near.fills) == SIZE


@pytest.mark.parametrize(("kind", "more"), [("lose_reply", {}), ("fail_after", {"status": 503})])
def test_an_order_whose_answer_is_lost_is_found_with_its_trades(
    venue: BinanceVenue, process: VenueProcess, kind: str, more: dict[str, int]
) -> None:
    process.fault(kind, "fut.order.new", **more)
    intent = order_of(None)
    assert isinstance(submit(venue, intent), OutcomeUnknown)
    found = look_up(venue, intent.client_id)
    assert isinstance(found, OrderReported)
    assert (found.order.status, sum(fill.quantity for fill in found.fills)) == (Status.FILLED, SIZE)


def test_trades_that_cannot_be_read_leave_the_placement_told_without_them(
    venue: BinanceVenue, process: VenueProcess
) -> None:
    process.fault("gateway", "fut.userTrades")
    told = placed(venue, None)
    assert (told.order.status, told.order.executed_quantity, told.fills) == (Status.FILLED, SIZE, ())
    assert isinstance(found := look_up(venue, told.order.client_id), OrderReported)
    assert sum(fill.quantity for fill in found.fills) == SIZE


def test_a_listing_tells_post_only_orders_as_such_and_counts_foreign_ones(venue: BinanceVenue) -> None:
    low = price_of(venue, "0.97")
    ours = placed(venue, low, kind=OrderType.LIMIT_MAKER)
    foreign = placed(venue, low, client_id="web-1")
    listing = read_open(venue)
    assert [(order.client_id, order.type) for order in listing.orders] == [
        (ours.order.client_id, OrderType.LIMIT_MAKER)
    ]
    assert (listing.foreign, listing.has_trades) == (1, False)
    for report in (ours, foreign):
        gone = cancel(venue, report.order.client_id)
        assert isinstance(gone, OrderReported)
        assert (gone.order.client_id, gone.order.status) == (report.order.client_id, Status.CANCELED)
