"""Which fee prices are asked for, and when."""

from dataclasses import replace
from decimal import Decimal

from domain.orders import Fill
from fakes.grid_examples import BTC
from fakes.order_examples import BUY_SLOT, fill, intent, moment
from orders.effects import AskFeePrice
from orders.fee_watch import MOST_AT_ONCE, FeeWatch


def paid_in(asset: str, trade_id: int, amount: str = "0.001") -> Fill:
    return replace(
        fill(intent(BUY_SLOT), trade_id), commission=Decimal(amount), commission_asset=asset, time_ms=1_000 + trade_id
    )


def watch_of(*fills: Fill) -> FeeWatch:
    watch = FeeWatch(BTC)
    for each in fills:
        watch.note(each)
    return watch


def test_fees_in_base_in_quote_and_of_nothing_ask_for_no_price():
    watch = watch_of(paid_in("BTC", 1), paid_in("USDT", 2), paid_in("BNB", 3, "0"))
    assert watch.due(moment()) == watch.refresh(moment()) == []


def test_a_third_asset_is_asked_for_once_at_the_time_of_its_fill():
    watch = watch_of(paid_in("BNB", 7))
    assert watch.due(moment()) == [AskFeePrice("BNB", 1_007, 7)]
    assert watch.due(moment(9_000)) == []


def test_a_price_that_could_not_be_had_is_asked_for_again_ever_more_rarely():
    watch = watch_of(paid_in("BNB", 7))
    at_s = 0.0
    for pause_s in (60, 120, 240, 480, 960, 1920, 3600, 3600):
        assert len(watch.due(moment(at_s))) == 1
        watch.failed(7, moment(at_s))
        assert watch.due(moment(at_s + pause_s - 1)) == []
        at_s += pause_s


def test_many_missing_prices_are_asked_for_a_few_at_a_time():
    watch = watch_of(*[paid_in("BNB", number) for number in range(1, 50)])
    first = watch.due(moment())
    assert len(first) == MOST_AT_ONCE
    watch.settled(1)
    assert watch.due(moment()) == [AskFeePrice("BNB", 1_000 + MOST_AT_ONCE + 1, MOST_AT_ONCE + 1)]


def test_present_prices_are_asked_for_at_most_once_a_minute():
    watch = watch_of(paid_in("BNB", 1), paid_in("BNB", 2))
    assert watch.refresh(moment(0)) == [AskFeePrice("BNB", moment(0).market_ms, None)]
    assert watch.refresh(moment(59)) == []
    assert len(watch.refresh(moment(60))) == 1
