"""The account's books stay whole after the exchange has forgotten a symbol that was traded on it."""

from decimal import Decimal

from domain.errors import NotFound, Unreachable
from domain.events import Balance
from domain.instrument import Instrument, Market
from domain.money import ZERO
from domain.orders import Fill
from fakes.clock import FakeClock
from fakes.grid_examples import BTC, plan
from fakes.some_market import Place, SomeMarket, ended_grid
from fakes.store import InMemoryStore
from grid.bookkeeper import FRESH_S, AccountBookkeeper
from grid.venue_lists import AccountSources
from orders.account_lines import added, moved_by
from ports.store import Baseline, Holding

BEFORE = {"USDT": Decimal(10_000), "BTC": Decimal("0.5")}


class ForgottenSymbol(SomeMarket):
    """Implements AccountTrades too: knows the balances, and nothing of BTC's trades."""

    def __init__(self, held: dict[str, Decimal]) -> None:
        super().__init__(BTC)
        self.held = held

    def balances(self, market: Market) -> tuple[Balance, ...]:
        assert market is Market.SPOT
        return tuple(Balance(asset, amount, ZERO) for asset, amount in self.held.items())

    def trades_since(self, instrument: Instrument, trade_id: int) -> tuple[Fill, ...]:
        raise NotFound(f"trades of {instrument} from {trade_id} on are not told")

    def newest_trade_id(self, instrument: Instrument) -> int:
        raise Unreachable(f"no trades of {instrument}")


def test_our_own_books_stand_in_for_trades_of_a_symbol_the_venue_knows_no_more():
    clock, store = FakeClock(), InMemoryStore()
    holdings = tuple(Holding(asset=asset, amount=amount, price=None) for asset, amount in BEFORE.items())
    store.set_baseline(Baseline(at_ms=1, valued_in="USDT", holdings=holdings))
    store.set_trade_mark(BTC, 1)
    place = Place(store, SomeMarket(BTC), clock)
    ended_grid(place, plan())
    fills = store.fills(1)
    assert fills
    venue = ForgottenSymbol(added(BEFORE, *map(moved_by, fills)))
    keeper = AccountBookkeeper(
        AccountSources(
            store=store, shown=place.manager.shown, market_data=venue, reader=venue, trades=venue, clock=clock
        )
    )
    for _ in range(2):  # a second reading counts nothing twice
        books = keeper.take()
        assert books.account is not None, books.account_error
        assert books.account.settled
        assert {line.asset: (line.residual, line.other_movements) for line in books.account.assets} == {
            "USDT": (0, 0),
            "BTC": (0, 0),
        }
        clock.advance(FRESH_S)
