"""A grid's money as its worker keeps it: the books, what third-asset fees are worth, and the check that all adds up."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from domain.events import FeeNotPriced, FeePriced, Moment
from domain.grids import Books, GridPlan
from domain.instrument import InstrumentRules
from domain.money import exact, plain
from domain.orders import FeeValue, Fill
from orders.books import FifoBooks
from orders.effects import AskFeePrice, RecordFeeValue
from orders.fee_watch import FeeWatch


class GridMoney:
    """Books of one grid and everything needed to value them."""

    def __init__(self, plan: GridPlan, rules: InstrumentRules) -> None:
        self._plan = plan
        self._rules = rules
        self._books = FifoBooks(rules.instrument)
        self._fees = FeeWatch(rules.instrument)
        self._fee_prices: dict[str, Decimal] = {}
        self._is_whole = False  # not while stored fills are being read in: they are judged together
        self.alarm = ""
        """Why the books are in doubt; nothing is bought on books that do not balance."""

    def book(self, fill: Fill, lane: int) -> None:
        """Book one fill; its fee counts once its value is known."""
        self._books.add(fill, lane=lane)
        self._fees.note(fill)
        self._check()

    def restore(self, values: Iterable[FeeValue]) -> None:
        """Take over the values the store holds; the fills were booked before. From now on all is checked."""
        for value in values:
            self._value(value.trade_id, value.price)
        self._is_whole = True
        self._check()

    def learn(self, event: FeePriced | FeeNotPriced, now: Moment) -> list[RecordFeeValue]:
        """Take in what a fee asset is worth, or that it could not be told. Repeats change nothing."""
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
        return []

    def questions(self, now: Moment, *, refresh: bool) -> list[AskFeePrice]:
        """Return which prices are to be asked for; with `refresh` those of the present too."""
        return [*self._fees.due(now), *(self._fees.refresh(now) if refresh else [])]

    @property
    def awaits_answer(self) -> bool:
        """Tell whether the value of a fill's fee is being asked for."""
        return self._fees.awaits_answer

    @property
    def inventory_cost(self) -> Decimal:
        """Return what the base held cost, in quote."""
        return self._books.inventory_cost()

    @exact
    def shown(self, mark_price: Decimal, *, cycles: int, dust: Decimal) -> Books:
        """Return the books at `mark_price`, beside what the first trade's base would have gained by being held."""
        books = self._books.marked(mark_price, self._fee_prices, cycles)
        hold_change = self._plan.entry_position * (mark_price - self._plan.start_price)
        return replace(books, dust=dust, hold_change=hold_change, versus_hold=books.equity_change - hold_change)

    def _value(self, trade_id: int, price: Decimal) -> bool:
        self._fees.settled(trade_id)
        return self._books.value_fee(trade_id, price)

    def _check(self) -> None:
        if not self._is_whole:
            return
        residual = self._books.marked(self._plan.start_price, self._fee_prices).residual
        if abs(residual) > self._rules.tick and not self.alarm:
            self.alarm = (
                f"the books do not balance: {plain(residual)} is left over; nothing is bought until this is clear"
            )
