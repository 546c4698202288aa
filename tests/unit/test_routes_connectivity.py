"""Ages of streams and request budgets as the API shows them."""

from dataclasses import replace

from domain.instrument import Instrument, Market
from fakes.house import House, app_of
from ports.connectivity import LimitUse, RequestBudget, StreamAge
from routes.connectivity_views import StreamsView, budgets_by_market

BTC = Instrument("binance", Market.SPOT, "BTC", "USDT")


def age(kind: str, instrument: Instrument | None, **changes: object) -> StreamAge:
    values: dict[str, object] = {
        "kind": kind,
        "instrument": instrument,
        "live": True,
        "age_s": 0.12345,
        "confirmed_age_s": 0.1,
        "expected_s": None,
        "silent_after_s": 5.0,
        "events": 7,
        "reconnects": 1,
    }
    return StreamAge(**(values | changes))  # type: ignore[arg-type]


def test_streams_stand_by_symbol_and_the_user_stream_by_itself() -> None:
    silent = age("user", None, live=False, age_s=None, reason="not subscribed yet")
    with app_of(House()).app_context():
        shown = StreamsView.of([age("market", BTC), silent])
    assert list(shown.market) == ["BTCUSDT"]
    assert (shown.market["BTCUSDT"].age_seconds, shown.market["BTCUSDT"].silent_after_seconds) == (0.123, 5.0)
    assert shown.user is not None
    assert (shown.user.live, shown.user.age_seconds, shown.user.reason) == (False, None, "not subscribed yet")
    assert StreamsView.of([]).user is None


def test_a_contracts_streams_stand_beside_those_of_the_symbol_on_spot() -> None:
    contract = replace(BTC, market=Market.FUTURES)
    ages = [
        age("market", BTC, events=1),
        age("user", None, events=2),
        age("market", contract, events=3, market=Market.FUTURES),
        age("user", None, events=4, market=Market.FUTURES),
    ]
    with app_of(House()).app_context():
        shown = StreamsView.of(ages)
    assert {name: stream.events for name, stream in shown.market.items()} == {"BTCUSDT": 1, "BTCUSDT:futures": 3}
    assert shown.user is not None
    assert shown.futures_user is not None
    assert (shown.user.events, shown.futures_user.events) == (2, 4)


def test_a_freeze_is_never_shown_as_ending_too_early() -> None:
    budget = RequestBudget(
        market=Market.SPOT,
        weight=LimitUse(interval_s=60, used=1200, limit=6000),
        orders=(LimitUse(interval_s=10, used=3, limit=100),),
        waiting=2,
        frozen_until_ms=1_705_321_800_001,
        placing_frozen_until_ms=None,
    )
    shown = budgets_by_market([budget])["spot"]
    assert (shown.used, shown.limit, shown.window_seconds, shown.waiting) == (1200, 6000, 60, 2)
    assert (shown.frozen_until, shown.placing_frozen_until) == ("2024-01-15T12:30:01Z", None)
    assert shown.orders[0].model_dump() == {"window_seconds": 10, "used": 3, "limit": 100}
