"""The account's money on both markets, valued in USDT."""

from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from flask import Response
from pydantic import Field

from domain.errors import TradingError
from domain.events import Balance
from domain.instrument import Market
from domain.money import ZERO
from grid.bookkeeper import prices_in
from routes.formats import iso, number
from routes.messages import say
from routes.resource import resource
from routes.services import Services, services
from routes.side_by_side import side_by_side
from routes.views import View, answer

VALUED_IN = "USDT"

bp = resource("balance", "Balance")


class BalanceView(View):
    asset: str
    free: float
    locked: float
    total: float
    usdt_value: float = Field(description="0 with valued: false where the venue has no USDT price of the asset")
    valued: bool


class SpotBalanceView(View):
    balances: list[BalanceView]
    total_usdt: float
    error: str | None


class FuturesBalanceView(SpotBalanceView):
    margin_balance: float
    available_balance: float


class AccountBalanceView(View):
    spot: SpotBalanceView
    futures: FuturesBalanceView
    timestamp: str


class BalanceSummaryView(View):
    spot_usdt: float
    futures_usdt: float
    total_usdt: float
    spot_available: bool
    futures_available: bool
    last_updated: str


@dataclass(frozen=True, slots=True)
class Holding:
    """One asset held and its worth in USDT, None where no price is to be had."""

    balance: Balance
    worth: Decimal | None


@dataclass(frozen=True, slots=True)
class Purse:
    """What one market holds, or why that is not known."""

    holdings: tuple[Holding, ...]
    error: str | None

    @property
    def worth(self) -> Decimal:
        return sum((holding.worth or ZERO for holding in self.holdings), ZERO)

    def of_asset(self, asset: str) -> Balance:
        found = (holding.balance for holding in self.holdings if holding.balance.asset == asset)
        return next(found, Balance(asset, ZERO, ZERO))


@bp.get("/balance", responses={200: AccountBalanceView})
def balance() -> Response:
    """Give all balances; a market that cannot be read says so in `error`, the other one answers."""
    spot, futures = _purses()
    margin = futures.of_asset(VALUED_IN)
    return answer(
        AccountBalanceView(
            spot=SpotBalanceView(balances=_rows(spot), total_usdt=number(spot.worth), error=spot.error),
            futures=FuturesBalanceView(
                balances=_rows(futures),
                total_usdt=number(futures.worth),
                margin_balance=number(margin.total),
                available_balance=number(margin.free),
                error=futures.error,
            ),
            timestamp=iso(services().wall_ms()),
        )
    )


@bp.get("/balance/summary", responses={200: BalanceSummaryView})
def summary() -> Response:
    """Give the totals in USDT."""
    spot, futures = _purses()
    return answer(
        BalanceSummaryView(
            spot_usdt=number(spot.worth),
            futures_usdt=number(futures.worth),
            total_usdt=number(spot.worth + futures.worth),
            spot_available=spot.error is None,
            futures_available=futures.error is None,
            last_updated=iso(services().wall_ms()),
        )
    )


def _rows(purse: Purse) -> list[BalanceView]:
    return [
        BalanceView(
            asset=held.balance.asset,
            free=number(held.balance.free),
            locked=number(held.balance.locked),
            total=number(held.balance.total),
            usdt_value=number(held.worth or ZERO),
            valued=held.worth is not None,
        )
        for held in purse.holdings
    ]


def _purses() -> tuple[Purse, Purse]:
    """Return spot and futures, both asked at once; one that does not answer in time says so and holds up nobody."""
    given, markets = services(), (Market.SPOT, Market.FUTURES)
    off = {market: say("market_off", market=market) for market in markets if market not in given.supported_markets}
    asked = [partial(_purse, given, market) for market in markets if market not in off]
    late = Purse((), say("venue_slow", seconds=f"{given.venue_answer_s:g}"))
    told = iter(side_by_side(asked, given.venue_answer_s, late))
    spot, futures = (Purse((), off[market]) if market in off else next(told) for market in markets)
    return spot, futures


def _purse(given: Services, market: Market) -> Purse:
    try:
        balances = [held for held in given.account_reader.balances(market) if held.total]
        prices = prices_in(given.market_data, [held.asset for held in balances], VALUED_IN)
    except TradingError as error:
        return Purse((), str(error))
    return Purse(
        tuple(Holding(held, held.total * prices[held.asset] if held.asset in prices else None) for held in balances),
        None,
    )
