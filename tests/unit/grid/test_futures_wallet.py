"""The futures wallet in the account's books: every change explained, whoever caused it, and both countings tied."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.account_books import WalletPart
from domain.errors import Unreachable
from domain.events import Balance
from domain.futures import FundingPayment
from domain.grids import Books, GridStatus, Phase
from domain.instrument import Instrument, Market
from domain.money import ZERO
from domain.orders import Fill, Side, Status
from fakes.clock import FakeClock
from fakes.store import InMemoryStore
from fakes.store_examples import PLAN, fill, intent, order
from grid.audit import audit_grid
from grid.bookkeeper import FRESH_S, AccountBookkeeper
from grid.venue_lists import AccountSources
from orders.account_lines import beside_wallet, booked_by, moved_by
from orders.books import FifoBooks
from orders.client_ids import ClientId

BTC = Instrument("binance", Market.FUTURES, "BTC", "USDT")
NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
OURS = str(ClientId("t3st", 1, intent("x").slot, 0, 0))


def traded(number: int, quantity: str, price: str, realized: str = "0", *, by: str = OURS, fee: str = "0.02") -> Fill:
    amount = Decimal(quantity)
    return replace(
        fill(number, by, instrument=BTC), side=Side.BUY if amount > 0 else Side.SELL, quantity=abs(amount),
        price=Decimal(price), quote_quantity=abs(amount) * Decimal(price), commission=Decimal(fee),
        commission_asset="USDT", realized_profit=Decimal(realized), time_ms=NOW_MS + number,
    )  # fmt: skip


def payment(number: int, amount: str, at_ms: int) -> FundingPayment:
    return FundingPayment(instrument=BTC, id=number, amount=Decimal(amount), asset="USDT", at_ms=at_ms)


@dataclass
class Venue:
    """Implements AccountReader, AccountTrades, FuturesAccount and MarketData as far as the books ask."""

    wallet: Decimal = Decimal(1_000)
    fills: list[Fill] = field(default_factory=list)
    payments: list[FundingPayment] = field(default_factory=list)
    is_down: bool = False
    readings: int = 0

    def trade(self, one: Fill) -> None:
        self.fills.append(one)
        self.wallet += one.realized_profit - one.commission

    def pay(self, one: FundingPayment) -> None:
        self.payments.append(one)
        self.wallet += one.amount

    def balances(self, market: Market) -> tuple[Balance, ...]:
        if market is Market.SPOT:
            return (Balance("USDT", Decimal(5), ZERO),)
        if self.is_down:
            raise Unreachable("futures do not answer")
        return (Balance("USDT", self.wallet, ZERO),)

    def trades_since(self, instrument: Instrument, trade_id: int) -> tuple[Fill, ...]:
        return tuple(one for one in self.fills if one.trade_id >= trade_id and one.instrument == instrument)

    def newest_trade_id(self, _instrument: Instrument) -> int:
        return max((one.trade_id for one in self.fills), default=0)

    def funding_payments(self, _instrument: Instrument, since_ms: int) -> tuple[FundingPayment, ...]:
        self.readings += 1
        return tuple(one for one in self.payments if one.at_ms >= since_ms)

    def tickers(self, _instruments: Sequence[Instrument]) -> tuple[()]:
        return ()


class Account:
    def __init__(self) -> None:
        self.clock, self.store, self.venue = FakeClock(NOW_MS), InMemoryStore(), Venue()
        venue: Any = self.venue
        self.forgotten: list[int] = []
        self.keeper = AccountBookkeeper(
            AccountSources(
                store=self.store, shown=self.shown, market_data=venue, reader=venue, trades=venue, clock=self.clock,
                futures=venue, forget=self.forgotten.append,
            )
        )  # fmt: skip

    def grid(self) -> None:
        """Start a grid as the API does."""
        self.keeper.prepare(BTC)
        self.store.add_grid(BTC, PLAN, self.clock.market_ms(), self.clock.wall_ms())
        self.store.add_intents([intent(OURS, instrument=BTC)])

    def end(self) -> None:
        self.store.set_grid(
            1, status=GridStatus.STOPPED, phase="ended", phase_reason="", on_stop="cancel",
            ended_ms=self.clock.market_ms(),
        )  # fmt: skip

    def book(self, *told: Fill) -> None:
        self.store.record([], list(told))

    def shown(self, row: Any) -> Any:
        books = FifoBooks(BTC)
        for one in self.store.fills(row.grid_id):
            books.add(one)
        for each in self.store.funding(row.grid_id):
            books.add_funding(each.amount)
        return _Shown(row.grid_id, BTC, books.marked(Decimal(60_000)), row.status)

    def wallet(self) -> WalletPart:
        self.clock.advance(FRESH_S)
        account = self.keeper.take().account
        assert account is not None
        assert account.futures is not None, account.futures_error
        assert [line.asset for line in account.assets] == ["USDT"]
        assert account.assets[0].balance == 5, "the spot balances have lines of their own"
        return account.futures


@dataclass
class _Shown:
    """As much of a GridSnapshot as the books look at."""

    grid_id: int
    instrument: Instrument
    books: Books
    status: GridStatus
    phase: Phase = Phase.TRADING
    current_price: Decimal | None = None


def line_of(wallet: WalletPart) -> tuple[Decimal, ...]:
    (line,) = wallet.assets
    explained = line.grids + line.foreign_trades + line.other_movements + line.residual
    assert line.balance - line.baseline == explained
    return line.grids, line.foreign_trades, line.other_movements, line.residual


def test_the_wallet_begins_with_the_first_contract_and_every_change_has_its_line() -> None:
    account = Account()
    account.keeper.begin()
    assert account.store.baseline(Market.FUTURES) is None
    account.venue.trade(traded(1, "1", "60000", by="web_0"))
    account.clock.advance(60)
    account.grid()
    for one in (traded(2, "-1", "60000"), traded(3, "0.5", "59000", "500")):
        account.venue.trade(one)
        account.book(one)
    account.venue.trade(traded(4, "0.1", "59000", "7", by="web_1"))
    paid = payment(1, "0.3", account.clock.market_ms() + 5)
    account.venue.pay(paid)
    account.store.add_funding(1, [paid])
    account.venue.wallet += 50
    wallet = account.wallet()
    assert wallet.assets[0].baseline == Decimal("999.98")
    assert line_of(wallet) == (Decimal("500.26"), Decimal("6.98"), 50, 0)
    assert wallet.settled
    shown = account.shown(account.store.grids()[0]).books
    assert wallet.value.grids + wallet.open_profit == shown.equity_change
    assert wallet.value.equity_change == Decimal("557.24")


def test_funding_the_books_lack_is_residual_and_not_read_at_every_look() -> None:
    account = Account()
    account.grid()
    one = traded(1, "-1", "60000")
    account.venue.trade(one)
    account.book(one)
    account.clock.advance(1)
    account.venue.pay(payment(1, "-0.3", account.clock.market_ms()))
    wallet = account.wallet()
    assert line_of(wallet)[3] == Decimal("-0.3")
    assert not wallet.settled
    account.store.add_funding(1, account.venue.payments)
    read = account.venue.readings
    for _ in range(20):
        assert line_of(account.wallet())[3] == 0
    assert account.venue.readings <= read + 1
    account.clock.advance(3_700)
    account.wallet()
    assert account.venue.readings == read + 1


def test_a_payment_listed_after_a_grid_ended_is_booked_then_and_one_after_its_end_is_foreign() -> None:
    account = Account()
    account.grid()
    one = traded(1, "-1", "60000")
    account.venue.trade(one)
    account.book(one)
    account.clock.advance(100)
    late = payment(1, "0.3", account.clock.market_ms() - 1)
    account.end()
    account.clock.advance(10)
    account.venue.pay(late)
    account.venue.pay(payment(2, "-0.1", account.clock.market_ms()))
    wallet = account.wallet()
    assert account.store.funding(1) == (late,)
    assert account.forgotten == [1]
    assert line_of(wallet) == (Decimal("0.28"), Decimal("-0.1"), 0, 0)


def test_a_baseline_that_was_never_stored_is_taken_back_to_before_the_grids() -> None:
    account = Account()
    account.store.add_grid(BTC, PLAN, account.clock.market_ms(), account.clock.wall_ms())
    account.store.add_intents([intent(OURS, instrument=BTC)])
    one, paid = traded(1, "-1", "60000"), payment(1, "0.3", NOW_MS + 1)
    account.venue.trade(one)
    account.venue.pay(paid)
    account.book(one)
    account.store.add_funding(1, [paid])
    account.clock.advance(1)
    account.keeper.begin()
    wallet = account.wallet()
    assert wallet.assets[0].baseline == 1_000
    assert line_of(wallet) == (Decimal("0.28"), 0, 0, 0)


def test_futures_out_of_reach_leave_the_spot_lines_as_they_are() -> None:
    account = Account()
    account.grid()
    account.venue.is_down = True
    account.clock.advance(FRESH_S)
    told = account.keeper.take().account
    assert told is not None
    assert (told.futures, told.futures_error) == (None, "futures do not answer")
    assert told.assets[0].balance == 5


def test_what_closed_positions_brought_is_rounding_up_to_1e_8_a_fill_and_a_fault_beyond() -> None:
    account = Account()
    account.grid()
    flat = [traded(1, "-1", "60000"), traded(2, "1", "59000", "1000.00000002")]
    for one in flat:
        account.venue.trade(one)
        account.book(one)
    wallet = account.wallet()
    assert (wallet.realized_rounding, wallet.realized_residual) == (Decimal("-0.00000002"), 0)
    (row,) = account.store.grids()
    assert not [fault for fault in audit_grid(account.store, row).faults if "closed positions" in fault]
    for one in (traded(3, "-1", "60000"), traded(4, "1", "59000", "999")):
        account.venue.trade(one)
        account.book(one)
    assert account.wallet().realized_residual == Decimal("0.99999998")
    (fault,) = [fault for fault in audit_grid(account.store, row).faults if "closed positions" in fault]
    assert "1999.00000002 by the venue's count and 2000 by ours" in fault
    account.store.record([order(intent(OURS, instrument=BTC), Status.FILLED)], [])


trades = st.lists(
    st.tuples(st.integers(-9, 9).filter(bool), st.integers(50_000, 70_000), st.integers(0, 300)),
    min_size=1,
    max_size=25,
)


@given(trades, st.lists(st.decimals("-100", "100", places=8), max_size=5), st.integers(50_000, 70_000))
def test_wallet_and_open_profit_make_up_the_equity_of_any_sequence(
    moves: list[tuple[int, int, int]], paid: list[Decimal], mark: int
) -> None:
    """The venue nets at average cost, rounded half up once a fill; the books match lots. Both come to the same."""
    books, wallet, position, cost = FifoBooks(BTC), ZERO, 0, ZERO
    for number, (quantity, price, fee) in enumerate(moves, 1):
        closed = min(abs(quantity), abs(position)) if quantity * position < 0 else 0
        share = cost if closed == abs(position) else (cost * closed / abs(position)).quantize(Decimal("1e-8"))
        realized = (price * closed * (1 if position > 0 else -1) - share) if closed else ZERO
        opened = quantity + (closed if position > 0 else -closed)
        cost, position = cost - (share if closed else ZERO) + opened * price, position + quantity
        one = traded(number, str(quantity), str(price), str(realized), fee=str(Decimal(fee) / 100))
        books.add(one, lane=number % 3)
        wallet += sum(moved_by(one).values())
    for amount in paid:
        books.add_funding(amount)
        wallet += amount
    shown = books.marked(Decimal(mark))
    open_profit, rounding, residual = beside_wallet([(BTC, shown)])
    assert shown.residual == residual == 0
    assert booked_by(BTC, shown).get("USDT", ZERO) == wallet
    assert wallet + open_profit + rounding == shown.equity_change
    if not position:
        assert abs(shown.grid_profit - shown.realized_profit) == abs(rounding) <= len(moves) * Decimal("1e-8")
    else:
        assert open_profit == position * mark - cost
