"""Grids on contracts: requests and facts like BTCUSDT's, and a planned grid that trades on a USD-M exchange."""

from decimal import Decimal
from typing import Any

from domain.futures import Bracket, MarginType
from domain.grids import ContractTerms, Direction, GridPlan, GridRequest
from domain.instrument import FeeRates, Instrument, InstrumentRules, Market
from domain.orders import Fill, Side, Slot
from grid.core.contract import ContractFacts
from grid.core.planning import PreflightFacts, plan_grid
from grid.state import GridState
from orders.wanted import WantedOrder
from simulator.core import orders as venue
from simulator.core.errors import ExchangeError
from simulator.core.events import MarketTrade
from simulator.core.symbols import NOTIONAL_UNIT, PPM, UNIT
from simulator.um.core import orders as um
from simulator.um.core.catalogue import CONTRACTS
from simulator.um.core.contracts import ContractSpec
from simulator.um.core.events import FuturesEvent, Liquidated, OrderUpdate
from simulator.um.core.exchange import FuturesExchange
from simulator.um.core.views import PositionView

BTC_SPEC = CONTRACTS["BTCUSDT"]
FEES = FeeRates(maker=Decimal("0.0002"), taker=Decimal("0.0005"))
WOULD_TAKE = -5022
OWNER = "bot"
DEEP = 10**14 * UNIT


def amount(scaled: int, unit: int = UNIT) -> Decimal:
    return Decimal(scaled) / unit


def scaled(value: Decimal) -> int:
    whole = int(value * UNIT)
    assert whole == value * UNIT, f"{value} has more than 8 decimals"
    return whole


def contract_rules(spec: ContractSpec) -> InstrumentRules:
    """Return the order rules the bot reads from the exchange's symbol list."""
    return InstrumentRules(
        instrument=Instrument("binance", Market.FUTURES, spec.base, spec.quote),
        status=spec.status,
        tick=amount(spec.tick),
        lot=amount(spec.lot),
        min_quantity=amount(spec.min_qty),
        max_quantity=amount(spec.max_qty),
        min_notional=amount(spec.min_notional),
        min_price=amount(spec.min_price),
        max_price=amount(spec.max_price),
        market_max_quantity=amount(spec.market_max_qty),
        bid_up=amount(spec.mult_up_ppm, PPM),
        ask_down=amount(spec.mult_down_ppm, PPM),
        max_open_orders=spec.max_orders,
    )


def brackets_of(spec: ContractSpec) -> tuple[Bracket, ...]:
    return tuple(
        Bracket(
            floor=amount(step.floor),
            cap=amount(step.cap),
            max_leverage=step.max_leverage,
            maintenance_rate=amount(step.rate_ppm, PPM),
            deduction=amount(step.cum),
        )
        for step in spec.brackets
    )


def contract_facts(spec: ContractSpec = BTC_SPEC, *, price: Decimal = Decimal(60_000), **changes: Any) -> ContractFacts:
    values: dict[str, Any] = {
        "terms": ContractTerms(leverage=3, margin_type=MarginType.CROSS, hedge_mode=False),
        "max_leverage": 20,
        "brackets": brackets_of(spec),
        "mark_price": price,
        "funding_rate": Decimal("0.0001"),
        "funding_interval_h": 8,
        "position": Decimal(0),
        "foreign_orders": 0,
    }
    return ContractFacts(**(values | changes))


def futures_facts(contract: ContractFacts, spec: ContractSpec = BTC_SPEC, **changes: Any) -> PreflightFacts:
    values: dict[str, Any] = {
        "rules": contract_rules(spec),
        "fees": FEES,
        "price": Decimal(60_000),
        "free_quote": Decimal(100_000),
        "default_capital": Decimal(10_000),
        "min_order_value": Decimal(10),
        "max_price_distance": Decimal("0.9"),
        "max_order_notional": Decimal(0),
        "contract": contract,
    }
    return PreflightFacts(**(values | changes))


def futures_request(spec: ContractSpec = BTC_SPEC, **changes: Any) -> GridRequest:
    values: dict[str, Any] = {
        "instrument": contract_rules(spec).instrument,
        "levels": 11,
        "lower": Decimal(57_000),
        "upper": Decimal(63_000),
    }
    return GridRequest(**(values | changes))


def planned(direction: Direction, terms: ContractTerms | None = None, /, **changes: Any) -> GridPlan:
    """Plan the usual grid in a direction; `changes` are the request's."""
    contract = contract_facts(**({"terms": terms} if terms else {}))
    return plan_grid(futures_request(direction=direction, **changes), futures_facts(contract))


class ContractGrid:
    """A planned grid on an exchange of its own, whose wallet holds what the plan needs and nothing else.

    It rests what `GridState` wants, post-only first, and books what the exchange tells of. Refusals are raised.
    """

    def __init__(self, plan: GridPlan, spec: ContractSpec, fees: FeeRates = FEES, *, mark: Decimal) -> None:
        assert plan.terms is not None
        assert plan.rules is not None
        self.plan, self.spec, self.rules = plan, spec, plan.rules
        self.events: list[FuturesEvent] = []
        self.exchange = FuturesExchange(
            [spec], maker_ppm=int(fees.maker * PPM), taker_ppm=int(fees.taker * PPM), listener=self._hear
        )
        self.state = GridState(1, plan, plan.rules)
        self._slots: dict[str, Slot] = {}
        self._resting: dict[Slot, str] = {}
        self._fills: list[Fill] = []
        self.now_ms = 1_000
        self.exchange.open_account(OWNER)
        self.exchange.transfer(OWNER, scaled(plan.capital_needed), self._tick())
        self.exchange.set_position_mode(OWNER, True, self.now_ms) if plan.terms.hedge_mode else None
        if plan.terms.margin_type is MarginType.ISOLATED:
            self.exchange.set_margin_type(OWNER, spec.symbol, um.MarginType.ISOLATED, self._tick())
        self.exchange.set_leverage(OWNER, spec.symbol, plan.terms.leverage, self._tick())
        self.mark(mark)
        self.print(plan.start_price)

    def _tick(self) -> int:
        self.now_ms += 1
        return self.now_ms

    def _hear(self, event: FuturesEvent) -> None:
        self.events.append(event)
        if isinstance(event, OrderUpdate) and event.fill is not None and event.order.client_id in self._slots:
            self._fills.append(self._fill(event.order.client_id, event.fill))

    def _fill(self, client_id: str, told: um.FuturesFill) -> Fill:
        return Fill(
            instrument=self.rules.instrument,
            trade_id=told.trade_id,
            client_id=client_id,
            venue_order_id=told.order_id,
            side=Side(told.side.value),
            price=amount(told.price),
            quantity=amount(told.quantity),
            quote_quantity=amount(told.quote, NOTIONAL_UNIT),
            commission=amount(told.commission),
            commission_asset=told.commission_asset,
            is_maker=told.is_maker,
            time_ms=told.time_ms,
        )

    def enter(self, at: Decimal) -> None:
        """Let the first trade happen at one price, then rest the rungs."""
        level = [(scaled(at), DEEP)]
        is_sale = self.plan.entry_side is Side.SELL
        self.exchange.set_book(self.spec.symbol, level if is_sale else [], [] if is_sale else level)
        while self.state.is_entering:
            (entry,) = self.state.wanted()
            self._place(entry, um.FuturesTimeInForce.IOC)
            self._book()
        self.exchange.set_book(self.spec.symbol, [], [])
        self.rest()

    def rest(self) -> None:
        """Cancel what is not wanted any more and place what is."""
        self._book()
        wanted = {order.slot: order for order in self.state.wanted()}
        still = {order.client_id for order in self.exchange.open_orders(OWNER)}
        for slot, client_id in list(self._resting.items()):
            if client_id in still and slot not in wanted:
                self.exchange.cancel(OWNER, self.spec.symbol, client_id=client_id, now_ms=self._tick())
            if client_id not in still or slot not in wanted:
                del self._resting[slot]
        for slot, order in wanted.items():
            if slot not in self._resting:
                self._resting[slot] = self._place_resting(order)

    def _place_resting(self, order: WantedOrder) -> str:
        try:
            return self._place(order, um.FuturesTimeInForce.GTX)
        except ExchangeError as refusal:
            if refusal.code != WOULD_TAKE:
                raise
            return self._place(order, um.FuturesTimeInForce.GTC)

    def _place(self, order: WantedOrder, in_force: um.FuturesTimeInForce) -> str:
        assert order.price is not None
        client_id = f"o{self._tick()}"
        self._slots[client_id] = order.slot
        params = um.FuturesParams(
            symbol=self.spec.symbol,
            side=venue.Side(order.slot.side.value),
            type=um.FuturesOrderType.LIMIT,
            time_in_force=in_force,
            position_side=um.PositionSide(order.position_side.value),
            quantity=scaled(order.quantity),
            price=scaled(order.price),
            client_id=client_id,
        )
        self.exchange.place(OWNER, params, self.now_ms)
        return client_id

    def _book(self) -> None:
        fills, self._fills = self._fills, []
        for fill in fills:
            self.state.apply(self._slots[fill.client_id], fill)

    def print(self, price: Decimal, quantity: int = DEEP) -> None:
        """Let the market trade at a price; whatever it reaches is filled, and nothing is rested yet."""
        trade = MarketTrade(self.spec.symbol, scaled(price), quantity, self._tick(), buyer_is_maker=True)
        self.exchange.print_trade(trade)
        self._book()

    def mark(self, price: Decimal) -> None:
        self.exchange.set_mark(self.spec.symbol, scaled(price), scaled(price), self._tick())

    def fund(self, rate: Decimal, price: Decimal) -> None:
        self.exchange.settle_funding(self.spec.symbol, scaled(rate), scaled(price), self._tick())

    @property
    def liquidations(self) -> list[Liquidated]:
        return [event for event in self.events if isinstance(event, Liquidated)]

    @property
    def position(self) -> Decimal:
        return amount(sum(view.quantity for view in self.views))

    @property
    def views(self) -> list[PositionView]:
        return [view for view in self.exchange.positions(OWNER, self.spec.symbol) if view.quantity]

    @property
    def wallet(self) -> Decimal:
        return amount(self.exchange.account(OWNER).wallet_balance)

    @property
    def resting(self) -> int:
        return len(self.exchange.open_orders(OWNER))
