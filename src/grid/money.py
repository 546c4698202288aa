"""A grid's money as its worker keeps it: books, the worth of third-asset fees, funding, and the check of them all."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from domain.events import FeeEvent, FeeNotPriced, FeePriced, FundingEvent, FundingNotRead, FundingRead, Moment
from domain.futures import FundingPayment
from domain.grids import Books, GridPlan
from domain.instrument import InstrumentRules, Market
from domain.money import exact, plain
from domain.orders import FeeValue, Fill
from orders.books import FifoBooks
from orders.effects import AskFeePrice, ReadFunding, RecordFeeValue, RecordFunding
from orders.fee_watch import FeeWatch
from orders.funding_watch import FundingWatch
from orders.positions import Legs


class GridMoney:
    """Books of one grid and everything needed to value them."""

    def __init__(self, plan: GridPlan, rules: InstrumentRules, started_ms: int = 0) -> None:
        self._plan = plan
        self._rules = rules
        self._books = FifoBooks(rules.instrument)
        self._fees = FeeWatch(rules.instrument)
        self._funding = FundingWatch(started_ms) if rules.instrument.market is Market.FUTURES else None
        self._fee_prices: dict[str, Decimal] = {}
        self._is_whole = False  # not while stored fills are being read in: they are judged together
        self.alarm = ""
        """Why the books are in doubt; nothing is bought on books that do not balance."""

    def book(self, fill: Fill, lane: int) -> None:
        """Book one fill; its fee counts once its value is known."""
        self._books.add(fill, lane=lane)
        self._fees.note(fill)
        if self._funding is not None:
            self._funding.note(fill)
        self._check()

    def restore(self, values: Iterable[FeeValue], payments: tuple[FundingPayment, ...] = ()) -> None:
        """Take over what the store holds; the fills were booked before. From now on all is checked."""
        for value in values:
            self._value(value.trade_id, value.price)
        if self._funding is not None:
            self._funding.restore(payments)
            self._book_funding(payments)
        self._is_whole = True
        self._check()

    def learn(self, event: FeeEvent | FundingEvent, now: Moment) -> list[RecordFeeValue | RecordFunding]:
        """Take in what fee assets are worth or funding brought, or that it cannot be told; repeats change nothing."""
        match event:
            case FeePriced(trade_id=None):
                self._fee_prices[event.asset] = event.price
            case FeePriced(trade_id=int(trade_id)) if self._value(trade_id, event.price):
                self._check()
                value = FeeValue(
                    instrument=event.instrument,
                    trade_id=trade_id,
                    asset=event.asset,
                    price=event.price,
                    at_ms=event.at_ms,
                )
                return [RecordFeeValue(value)]
            case FeeNotPriced(trade_id=int(trade_id)):
                self._fees.failed(trade_id, now)
            case FundingRead() if self._funding is not None:
                return self._funded(self._funding, event, now)
            case FundingNotRead() if self._funding is not None:
                self._funding.failed(now)
        return []

    def questions(self, now: Moment, *, refresh: bool) -> list[AskFeePrice | ReadFunding]:
        """Return what is to be asked for; with `refresh` the present prices of fee assets too."""
        funding = [] if self._funding is None else self._funding.due(now)
        return [*self._fees.due(now), *(self._fees.refresh(now) if refresh else []), *funding]

    def still_awaits(self, now: Moment) -> str:
        """Return what a grid that is to end still waits for; empty when it may end."""
        if self._fees.awaits_answer:
            return "what a fee was worth"
        return "" if self._funding is None else self._funding.keeps_waiting(now)

    def is_told_all(self, now: Moment) -> bool:
        """Tell whether every fee has its value, and every settlement that was announced its payment."""
        is_owed = self._funding is not None and self._funding.is_owed(now)
        return not self._books.awaits_fee_values and not is_owed

    @property
    def notice(self) -> str:
        """Return what a person should know of funding; empty when all is there."""
        return "" if self._funding is None else self._funding.notice

    @property
    def position(self) -> Legs:
        """Return what the fills on a contract add up to, by side of position."""
        return {} if self._funding is None else self._funding.held.now()

    @property
    def inventory_cost(self) -> Decimal:
        """Return what the base held cost, in quote."""
        return self._books.inventory_cost()

    @property
    def cash(self) -> Decimal:
        """Return quote received less quote paid, all fees with a value and funding counted."""
        return self._books.cash

    @property
    def base_held(self) -> Decimal:
        """Return the base held, below 0 when short."""
        return self._books.base_held

    @exact
    def shown(self, mark_price: Decimal, *, cycles: int, dust: Decimal) -> Books:
        """Return the books at `mark_price`, beside what the first trade's base would have gained by being held."""
        books = self._books.marked(mark_price, self._fee_prices, cycles)
        hold_change = self._plan.entry_position * (mark_price - self._plan.start_price)
        return replace(books, dust=dust, hold_change=hold_change, versus_hold=books.equity_change - hold_change)

    def _value(self, trade_id: int, price: Decimal) -> bool:
        self._fees.settled(trade_id)
        return self._books.value_fee(trade_id, price)

    def _funded(self, watch: FundingWatch, event: FundingRead, now: Moment) -> list[RecordFeeValue | RecordFunding]:
        for payment in event.payments:
            if watch.contradicts(payment):
                self._alarm(f"funding payment {payment.id} was told again with another amount; compare both")
        fresh = watch.take(event, now)
        self._book_funding(fresh)
        self._check()
        return [RecordFunding(fresh)] if fresh else []

    def _book_funding(self, payments: Iterable[FundingPayment]) -> None:
        quote = self._rules.instrument.quote
        for payment in payments:
            if payment.asset == quote:
                self._books.add_funding(payment.amount)
                continue
            self._alarm(
                f"funding of {plain(payment.amount)} was paid in {payment.asset}, which books in {quote} cannot count; "
                "switch the futures account's multi-assets mode and its credits off"
            )

    def _alarm(self, text: str) -> None:
        self.alarm = self.alarm or text

    def _check(self) -> None:
        if not self._is_whole:
            return
        residual = self._books.marked(self._plan.start_price, self._fee_prices).residual
        if abs(residual) > self._rules.tick:
            self._alarm(
                f"the books do not balance: {plain(residual)} is left over; nothing is bought until this is clear"
            )
