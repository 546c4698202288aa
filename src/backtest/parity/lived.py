"""What a grid did, from its books: lives of its orders, its first purchase, its money."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from itertools import chain
from typing import Final

from backtest.parity.delays import MeasuredDelays, measure_delays
from backtest.result import BUY, SELL
from backtest.scales import BNB
from backtest.scenario import PPM, Delays, Fees, FillAssumption, Scenario
from domain.account import Account
from domain.instrument import InstrumentRules
from domain.money import ZERO, exact
from domain.orders import FeeValue, Fill, Role, Side, Status
from ports.books import Books
from ports.store import EquityRow, GridRow, OrderRow

_AMPLE: Final = 100
_GONE: Final = (Status.CANCELED, Status.EXPIRED, Status.REJECTED, Status.FILLED)
_BNB_SHARE: Final = Decimal("0.75")


@dataclass(frozen=True, slots=True)
class Part:
    """One fill of an order."""

    time_ms: int
    lots: int
    price: Decimal
    is_maker: bool


@dataclass(slots=True, kw_only=True)
class Life:
    """One wanted order from its first placement to its end, whatever number of attempts that took.

    `rung` counts the prices of the ladder from 0. `placed_ms` is wall time, `gone_ms` market time, None while it rests.
    """

    side: int
    rung: int
    price: Decimal
    lots: int
    placed_ms: int
    gone_ms: int | None
    parts: list[Part] = field(default_factory=list)

    @property
    def cell(self) -> int:
        """Return the ladder's cell as replays count them."""
        return self.rung if self.side == BUY else self.rung - 1

    @property
    def filled_lots(self) -> int:
        return sum(part.lots for part in self.parts)

    @property
    def done_ms(self) -> int | None:
        """Return when it was filled whole."""
        return self.parts[-1].time_ms if self.filled_lots >= self.lots else None

    def filled_until(self, time_ms: int) -> int:
        return sum(part.lots for part in self.parts if part.time_ms <= time_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class LivedGrid:
    """A grid's books. Fills are in the order of their time, equity rows too."""

    account: Account
    row: GridRow
    rules: InstrumentRules
    lives: Sequence[Life]
    entry: Sequence[Fill]
    fills: Sequence[Fill]
    fee_values: Sequence[FeeValue]
    equity: Sequence[EquityRow]
    delays: MeasuredDelays

    def scenario(self, fill: FillAssumption, latency_ms: int = 0) -> Scenario:
        """Return the same grid for a replay: its plan, its fees, and an account that pays for everything it wants."""
        instrument = self.row.instrument
        fees = self.fees()
        balances = {instrument.quote: round(self.row.plan.capital_needed * _AMPLE, 8)}
        if fees.bnb_price is not None:
            balances[BNB] = round(self.row.plan.capital_needed * _AMPLE / fees.bnb_price, 8)
        delays = Delays(latency_ms)
        return Scenario(plan=self.row.plan, rules=self.rules, balances=balances, fees=fees, fill=fill, delays=delays)

    def fees(self) -> Fees:
        """Return the rates that the fills were charged, each told by its largest fill; 0.1 % where none tells."""
        maker, taker = (_rate(self.fills, self.fee_values, is_maker=is_maker) for is_maker in (True, False))
        known = [value.price for value in self.fee_values if value.asset == BNB]
        bnb = known[len(known) // 2] if known and any(fill.commission_asset == BNB for fill in self.fills) else None
        if BNB in (self.row.instrument.base, self.row.instrument.quote):
            bnb = None
        default = Fees()
        return Fees(
            maker if maker is not None else default.maker_ppm,
            taker if taker is not None else (maker if maker is not None else default.taker_ppm),
            round(bnb, 8) if bnb else None,
        )

    @exact
    def equity_change(self, mark: Decimal, until_ms: int) -> Decimal:
        """Return what the fills up to a time have gained, at a price; fees that nobody valued count nothing."""
        values = {(value.trade_id, value.asset): value.price for value in self.fee_values}
        base, quote = self.row.instrument.base, self.row.instrument.quote
        cash = held = ZERO
        for fill in self.fills:
            if fill.time_ms > until_ms:
                continue
            sign = 1 if fill.side is Side.BUY else -1
            held += sign * fill.quantity
            cash -= sign * fill.quote_quantity
            if fill.commission_asset == base:
                held -= fill.commission
            elif fill.commission_asset == quote:
                cash -= fill.commission
            else:
                cash -= fill.commission * values.get((fill.trade_id, fill.commission_asset), ZERO)
        return cash + held * mark


def read_grid(account: Account, books: Books, row: GridRow, rules: InstrumentRules) -> LivedGrid:
    """Read a grid's books.

    Raises:
        StoreFailed: if they cannot be read.
    """
    store = books.books_of(account)
    fills = tuple(sorted(store.fills(row.grid_id), key=lambda fill: (fill.time_ms, fill.trade_id)))
    orders = store.orders(row.grid_id)  # after the fills, so that each has its order
    entries = {order.intent.client_id for order in orders if order.intent.slot.role is Role.ENTRY}
    return LivedGrid(
        account=account,
        row=row,
        rules=rules,
        lives=lives_of(orders, fills, row, rules),
        entry=tuple(fill for fill in fills if fill.client_id in entries),
        fills=fills,
        fee_values=store.fee_values(row.grid_id),
        equity=store.equity(row.grid_id, 10**9),
        delays=measure_delays(
            orders, fills, books.moves_of(account, row.grid_id), [rules.ticks(price) for price in row.plan.prices]
        ),
    )


def lives_of(
    orders: Iterable[OrderRow], fills: Iterable[Fill], row: GridRow, rules: InstrumentRules
) -> tuple[Life, ...]:
    """Return the lives of the rungs' orders, by the time of their placement."""
    parts: dict[str, list[Part]] = defaultdict(list)
    for fill in fills:
        parts[fill.client_id].append(Part(fill.time_ms, rules.lots(fill.quantity), fill.price, fill.is_maker))
    rungs = {rules.ticks(price): rung for rung, price in enumerate(row.plan.prices)}
    lives: dict[tuple[int, Side, int], Life] = {}
    for order in sorted(orders, key=lambda order: order.intent.created_ms):
        intent = order.intent
        slot = intent.slot
        if slot.role is not Role.RUNG or slot.price_ticks not in rungs or order.status is Status.REJECTED:
            continue
        key = slot.price_ticks, slot.side, intent.cycle
        life = lives.get(key)
        if life is None:
            rung = rungs[slot.price_ticks]
            life = lives[key] = Life(
                side=BUY if slot.side is Side.BUY else SELL,
                rung=rung,
                price=row.plan.prices[rung],
                lots=0,
                placed_ms=intent.created_ms,
                gone_ms=None,
            )
        life.lots = max(life.lots, life.filled_lots + rules.lots(intent.quantity))
        life.gone_ms = order.updated_ms if order.status in _GONE else None
        life.parts = sorted([*life.parts, *parts.get(intent.client_id, ())], key=lambda part: part.time_ms)
    return tuple(lives.values())


def _rate(fills: Sequence[Fill], values: Sequence[FeeValue], *, is_maker: bool) -> int | None:
    """Return parts per million of what a fill brings."""
    prices = {(value.trade_id, value.asset): value.price for value in values}
    of_kind = sorted((fill for fill in fills if fill.is_maker == is_maker), key=lambda fill: -fill.quote_quantity)
    rates = chain.from_iterable(_told_rate(fill, prices) for fill in of_kind)
    return next(rates, None)


def _told_rate(fill: Fill, prices: dict[tuple[int, str], Decimal]) -> Iterable[int]:
    instrument = fill.instrument
    with localcontext(Context(prec=40)):
        if fill.commission_asset == instrument.base:
            return [round(fill.commission / fill.quantity * PPM)]
        if fill.commission_asset == instrument.quote:
            return [round(fill.commission / fill.quote_quantity * PPM)]
        price = prices.get((fill.trade_id, fill.commission_asset))
        if price is None:
            return []
        return [round(fill.commission * price / fill.quote_quantity / _BNB_SHARE * PPM)]
