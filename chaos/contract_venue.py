"""The USD-M exchange, on the simulator's own matching core: one contract, a wallet, and funding at full hours."""

from dataclasses import replace
from decimal import Decimal
from typing import Final

from chaos.clock import EventHeap
from chaos.contract_translate import (
    contract_of,
    contract_rules,
    fill_of,
    order_of,
    params_of,
    payment_of,
    position_of,
)
from chaos.translate import amount, scaled
from chaos.venue import ACCOUNT, Venue
from domain.futures import FundingPayment, FundingRate, MarginType, Position
from domain.grids import ContractTerms
from domain.instrument import InstrumentRules
from domain.orders import Fill, Intent, VenueOrder
from simulator.core.errors import ExchangeError
from simulator.core.orders import Side, TimeInForce
from simulator.core.symbols import UNIT
from simulator.um.core import orders as core
from simulator.um.core.contracts import MARGIN_ASSET, ContractSpec
from simulator.um.core.events import AccountReason, OrderUpdate
from simulator.um.core.exchange import FuturesExchange

ALL: Final = 10**9  # the wire's paging is not what is tried here


class ContractVenue(Venue):
    """An account that trades the contract by `terms`, with so much USDT in its futures wallet."""

    def __init__(self, spec: ContractSpec, terms: ContractTerms, wallet: Decimal, clock: EventHeap) -> None:
        super().__init__(spec, contract_of(spec), clock)
        self._hedge_mode = terms.hedge_mode
        self._settled: list[FundingRate] = []
        self._held: list[tuple[Position, ...]] = []  # after each thing that happened to an order
        exchange = self._exchange = FuturesExchange([spec], listener=self._heard)
        now_ms = clock.market_ms()
        exchange.open_account(ACCOUNT)
        exchange.transfer(ACCOUNT, scaled(wallet), now_ms)
        if terms.hedge_mode:
            exchange.set_position_mode(ACCOUNT, True, now_ms)
        if terms.margin_type is MarginType.ISOLATED:
            exchange.set_margin_type(ACCOUNT, spec.symbol, core.MarginType.ISOLATED, now_ms)
        exchange.set_leverage(ACCOUNT, spec.symbol, terms.leverage, now_ms)

    def rules(self) -> InstrumentRules:
        return contract_rules(self._exchange.contract(self.symbol))

    # --- the market ---

    def move(self, price: Decimal, quantity: Decimal, at_ms: int) -> None:
        super().move(price, quantity, at_ms)
        self._exchange.set_mark(self.symbol, scaled(price), scaled(price), at_ms)

    def settle(self, rate: Decimal) -> None:
        """Let every position pay or get funding at the mark price."""
        at_ms, mark = self._clock.market_ms(), self._exchange.mark_price(self.symbol)
        self._exchange.settle_funding(self.symbol, scaled(rate), mark, at_ms)
        self._settled.append(FundingRate(instrument=self.instrument, rate=rate, mark=amount(mark), at_ms=at_ms))

    # --- the account ---

    def balances(self) -> dict[str, Decimal]:
        return {MARGIN_ASSET: amount(self._exchange.account(ACCOUNT).wallet_balance)}

    def positions(self, lag_ms: float = 0) -> tuple[Position, ...]:
        if not lag_ms:
            views = self._exchange.positions(ACCOUNT, self.symbol)
            return tuple(position_of(view, self.instrument) for view in views if view.quantity)
        known = self._known(lag_ms)
        return self._held[known - 1] if known else ()

    def settlements(self) -> list[FundingRate]:
        return self._settled

    def payments(self) -> list[FundingPayment]:
        rows = self._exchange.income(ACCOUNT, symbol=self.symbol, type=core.IncomeType.FUNDING_FEE, limit=ALL)
        return [payment_of(row, self.instrument) for row in rows]

    def deposit(self, asset: str, change: Decimal) -> bool:
        if asset != MARGIN_ASSET:
            return False
        reason = AccountReason.DEPOSIT if change > 0 else AccountReason.WITHDRAW
        try:
            self._exchange.transfer(ACCOUNT, scaled(change), self._clock.market_ms(), reason=reason)
        except ExchangeError:
            return False
        return True

    def free(self, asset: str) -> Decimal:
        return amount(self._exchange.account(ACCOUNT).max_withdraw) if asset == MARGIN_ASSET else Decimal(0)

    # --- rules ---

    def set_status(self, status: str) -> None:
        self._exchange.set_contract(replace(self._exchange.contract(self.symbol), status=status))

    def set_filters(self, *, min_notional: int, tick: int) -> None:
        changed = replace(self._exchange.contract(self.symbol), min_notional=min_notional, tick=tick)
        self._exchange.set_contract(changed)

    def restore_symbol(self) -> None:
        self._exchange.set_contract(self.spec)

    # --- helpers ---

    def _heard(self, event: object) -> None:
        if isinstance(event, OrderUpdate) and event.order.symbol == self.symbol:
            before = self._held[-1] if self._held else ()
            self._held.append(before if event.fill is None else self.positions())
        super()._heard(event)

    def _params_of(self, intent: Intent) -> core.FuturesParams:
        return params_of(intent, self.symbol)

    def _params(
        self, side: Side, price: Decimal, quantity: Decimal, client_id: str, tif: TimeInForce
    ) -> core.FuturesParams:
        """Return an order of another hand; in hedge mode it opens a position of its side."""
        opened = core.PositionSide.LONG if side is Side.BUY else core.PositionSide.SHORT
        return core.FuturesParams(
            symbol=self.symbol,
            side=side,
            type=core.FuturesOrderType.LIMIT,
            time_in_force=core.FuturesTimeInForce(tif.value),
            position_side=opened if self._hedge_mode else None,
            quantity=int(quantity * UNIT),
            price=int(price * UNIT),
            client_id=client_id,
        )

    def _order_of(self, order: core.FuturesOrder) -> VenueOrder:
        return order_of(order, self.instrument)

    def _fill_of(self, fill: core.FuturesFill, client_id: str) -> Fill:
        return fill_of(fill, self.instrument, client_id)
