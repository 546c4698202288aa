"""How old the streams are and what the request limits leave, as they are shown."""

from collections.abc import Sequence

from pydantic import Field

from domain.instrument import Instrument, Market
from ports.connectivity import LimitUse, RequestBudget, StreamAge
from routes.addressing import symbol_of
from routes.formats import iso
from routes.views import View


class StreamView(View):
    live: bool = Field(description="the venue confirmed the subscription on a connection that stands")
    age_seconds: float | None = Field(description="since something last arrived, by its arrival here")
    confirmed_age_seconds: float | None = Field(description="since stream or REST last proved that nothing is missing")
    expected_seconds: float | None = Field(description="how long it usually is from one arrival to the next, learned")
    silent_after_seconds: float | None = Field(description="after so long without a word silence is looked into")
    witness_age_seconds: float | None = Field(description="since the stream beside it, with a time of its own, spoke")
    witness_expected_seconds: float | None = Field(description="how often it speaks; null unless it keeps that time")
    events: int
    reconnects: int
    reason: str = Field(description="why it is not live; empty while it is")

    @classmethod
    def of(cls, age: StreamAge) -> "StreamView":
        return cls(
            live=age.live,
            age_seconds=_rounded(age.age_s),
            confirmed_age_seconds=_rounded(age.confirmed_age_s),
            expected_seconds=_rounded(age.expected_s),
            silent_after_seconds=_rounded(age.silent_after_s),
            witness_age_seconds=_rounded(age.witness_age_s),
            witness_expected_seconds=_rounded(age.witness_expected_s),
            events=age.events,
            reconnects=age.reconnects,
            reason=age.reason,
        )


class StreamsView(View):
    market: dict[str, StreamView] = Field(description="prices, by symbol; those of a contract are BTCUSDT:futures")
    user: StreamView | None = Field(description="our orders; its silence alone says nothing, so REST is compared")
    futures_user: StreamView | None = Field(description="our orders on futures; null while no contract is watched")

    @classmethod
    def of(cls, ages: Sequence[StreamAge]) -> "StreamsView":
        market = {_named(age.instrument): StreamView.of(age) for age in ages if age.instrument is not None}
        user = {age.market: StreamView.of(age) for age in ages if age.instrument is None}
        return cls(market=market, user=user.get(Market.SPOT), futures_user=user.get(Market.FUTURES))


class LimitView(View):
    window_seconds: int
    used: int
    limit: int

    @classmethod
    def of(cls, use: LimitUse) -> "LimitView":
        return cls(window_seconds=use.interval_s, used=use.used, limit=use.limit)


class BudgetView(LimitView):
    """Request weight of this machine's address, and the account's unfilled orders."""

    orders: list[LimitView]
    waiting: int = Field(description="requests that wait for their turn")
    frozen_until: str | None = Field(description="until then nothing at all is sent; null: now")
    placing_frozen_until: str | None = Field(description="until then no order is placed; null: now")

    @classmethod
    def of_market(cls, budget: RequestBudget) -> "BudgetView":
        return cls(
            **LimitView.of(budget.weight).model_dump(),
            orders=[LimitView.of(use) for use in budget.orders],
            waiting=budget.waiting,
            frozen_until=_iso(budget.frozen_until_ms),
            placing_frozen_until=_iso(budget.placing_frozen_until_ms),
        )


def budgets_by_market(budgets: Sequence[RequestBudget]) -> dict[str, BudgetView]:
    """Return the budgets under their markets' names."""
    return {budget.market.value: BudgetView.of_market(budget) for budget in budgets}


def _named(instrument: Instrument) -> str:
    symbol = symbol_of(instrument)
    return symbol if instrument.market is Market.SPOT else f"{symbol}:{instrument.market}"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms + 999)  # told in whole seconds, never too early
