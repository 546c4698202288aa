"""The venue's position against that of the books: when a difference is alarm, and what the alarm tells."""

from dataclasses import dataclass, field
from decimal import Decimal

from domain.events import OpenOrdersRead
from domain.futures import Position
from domain.instrument import Instrument, Market
from domain.money import ZERO
from domain.orders import Fill, PositionSide, Side
from orders.position_check import CONFIRM_S, PositionCheck

BTC = Instrument("binance", Market.FUTURES, "BTC", "USDT")
ONE = {PositionSide.BOTH: Decimal("0.5")}


def position(quantity: str, side: PositionSide = PositionSide.BOTH) -> Position:
    names = set(Position.__dataclass_fields__) - {"instrument", "side", "quantity", "liquidation_price", "updated_ms"}
    return Position(
        instrument=BTC, side=side, quantity=Decimal(quantity), liquidation_price=None, updated_ms=0,
        **dict.fromkeys(names, ZERO),
    )  # fmt: skip


def foreign(number: int, client_id: str) -> Fill:
    return Fill(
        instrument=BTC, trade_id=number, client_id=client_id, venue_order_id=77, side=Side.SELL, price=Decimal(58_000),
        quantity=Decimal("0.5"), quote_quantity=Decimal(29_000), commission=ZERO, commission_asset="USDT",
        is_maker=False, time_ms=0,
    )  # fmt: skip


@dataclass
class Desk:
    check: PositionCheck = field(default_factory=lambda: PositionCheck(BTC))
    now_s: float = 100.0

    def read(self, *there: Position, held=ONE, quiet=True, trades: tuple[Fill, ...] | None = None) -> str:
        event = OpenOrdersRead(
            BTC, (), (), self.now_s, has_trades=trades is not None, positions=there, foreign_fills=trades or ()
        )
        return self.check.judge(event, dict(held), is_quiet=quiet, now_s=self.now_s)


def test_equal_positions_are_no_matter() -> None:
    desk = Desk()
    assert desk.read(position("0.5")) == desk.read(held={}) == ""
    legs = {PositionSide.LONG: Decimal(2), PositionSide.SHORT: Decimal(-1)}
    assert desk.read(position("2", PositionSide.LONG), position("-1", PositionSide.SHORT), held=legs) == ""
    assert desk.check.doubt(legs) == ""
    spot = OpenOrdersRead(BTC, (), (), 0.0)
    assert desk.check.judge(spot, {}, is_quiet=True, now_s=0.0) == ""


def test_a_difference_stops_placing_at_once_and_is_an_alarm_once_confirmed() -> None:
    desk = Desk()
    assert desk.read() == ""
    assert "read once more" in desk.check.doubt(ONE)
    assert not desk.check.wants_reading(ONE, desk.now_s + CONFIRM_S - 0.1)
    desk.now_s += CONFIRM_S
    assert desk.check.wants_reading(ONE, desk.now_s)
    alarm = desk.read(trades=(foreign(9, "autoclose-123"),))
    assert "the venue holds 0 BTC of this contract and the books 0.5" in alarm
    assert "sold 0.5 at 58000 (trade 9, order autoclose-123)" in alarm
    assert "adl_autoclose" in alarm
    assert "by hand" in alarm


def test_both_legs_of_hedge_mode_are_named() -> None:
    desk, legs = Desk(), {PositionSide.LONG: Decimal(2), PositionSide.SHORT: Decimal(-1)}
    desk.read(position("2", PositionSide.LONG), held=legs)
    desk.now_s += CONFIRM_S
    alarm = desk.read(position("2", PositionSide.LONG), held=legs, trades=())
    assert "holds long 2 BTC" in alarm
    assert "books long 2, short -1" in alarm
    assert "No trade of others" in alarm


def test_a_confirmation_comes_late_enough_and_with_trades() -> None:
    desk = Desk()
    desk.read()
    desk.now_s += 1
    assert desk.read(trades=()) == "", "too early"
    desk.now_s += CONFIRM_S
    assert desk.read() == "", "without trades"
    assert desk.check.wants_reading(ONE, desk.now_s)
    assert desk.read(trades=()) != ""


def test_a_fill_told_meanwhile_begins_anew() -> None:
    desk = Desk()
    desk.read(position("1"))
    desk.now_s += CONFIRM_S
    whole = {PositionSide.BOTH: Decimal(1)}
    assert desk.check.doubt(whole) == ""
    assert not desk.check.wants_reading(whole, desk.now_s)
    assert desk.read(position("1"), held=whole, trades=()) == ""
    assert desk.read(position("1"), trades=()) == "", "the first sight of another difference"


def test_an_order_taken_off_by_others_has_the_position_read_before_anything_is_placed() -> None:
    desk = Desk()
    desk.check.taken_off(desk.now_s)
    assert "took an order off" in desk.check.doubt(ONE)
    assert desk.check.wants_reading(ONE, desk.now_s)
    assert not desk.check.wants_reading(ONE, desk.now_s + 1), "one at a time"
    desk.now_s -= 1
    desk.read(position("0.5"))
    assert desk.check.doubt(ONE) != "", "that reading began before"
    desk.now_s += 2
    desk.read(position("0.5"))
    assert desk.check.doubt(ONE) == ""


def test_what_is_under_way_keeps_it_from_judging_but_not_from_remembering_trades() -> None:
    desk = Desk()
    desk.read()
    desk.now_s += CONFIRM_S
    assert desk.read(quiet=False, trades=(foreign(9, "autoclose-1"), foreign(9, "autoclose-1"))) == ""
    assert "autoclose-1" in desk.read(trades=())
