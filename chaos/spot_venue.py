"""The spot exchange, on the simulator's own matching core."""

from dataclasses import replace
from decimal import Decimal

from chaos.clock import EventHeap
from chaos.translate import amount, fill_of, instrument_of, order_of, params_of, rules_of
from chaos.venue import ACCOUNT, BNB_PRICE, Venue
from domain.instrument import InstrumentRules
from domain.orders import Fill, Intent, VenueOrder
from simulator.core import orders as core
from simulator.core.errors import ExchangeError
from simulator.core.events import MarketTrade
from simulator.core.exchange import Exchange
from simulator.core.orders import OrderParams, OrderType, Side, TimeInForce
from simulator.core.symbols import NOTIONAL_UNIT, UNIT, SymbolSpec


class SpotVenue(Venue):
    """`bnb` is the market that gives fees in BNB their price."""

    def __init__(self, spec: SymbolSpec, bnb: SymbolSpec, balances: dict[str, Decimal], clock: EventHeap) -> None:
        super().__init__(spec, instrument_of(spec), clock)
        self._exchange = Exchange([spec, bnb], listener=self._heard)
        self._exchange.print_trade(
            MarketTrade(bnb.symbol, int(BNB_PRICE * UNIT), UNIT, clock.market_ms(), buyer_is_maker=False)
        )
        self._exchange.open_account(ACCOUNT, {asset: int(held * NOTIONAL_UNIT) for asset, held in balances.items()})

    def rules(self) -> InstrumentRules:
        return rules_of(self._exchange.symbol(self.symbol))

    def balances(self) -> dict[str, Decimal]:
        held = self._exchange.balances(ACCOUNT)
        return {asset: amount(balance.free + balance.locked, NOTIONAL_UNIT) for asset, balance in held.items()}

    def deposit(self, asset: str, change: Decimal) -> bool:
        units = int(change * NOTIONAL_UNIT)
        try:
            if units > 0:
                self._exchange.deposit(ACCOUNT, asset, units)
            else:
                self._exchange.withdraw(ACCOUNT, asset, -units)
        except ExchangeError:
            return False
        return True

    def free(self, asset: str) -> Decimal:
        held = self._exchange.balances(ACCOUNT).get(asset)
        return amount(held.free, NOTIONAL_UNIT) if held else Decimal(0)

    def set_status(self, status: str) -> None:
        self._exchange.set_symbol(replace(self._exchange.symbol(self.symbol), status=status))

    def set_filters(self, *, min_notional: int, tick: int) -> None:
        changed = replace(self._exchange.symbol(self.symbol), min_notional=min_notional, tick=tick)
        self._exchange.set_symbol(changed)

    def pay_in_bnb(self, wanted: bool) -> None:
        maker_ppm, taker_ppm, _ = self._exchange.commission(ACCOUNT)
        self._exchange.set_commission(ACCOUNT, maker_ppm=maker_ppm, taker_ppm=taker_ppm, pays_in_bnb=wanted)

    def restore_symbol(self) -> None:
        self._exchange.set_symbol(self.spec)

    def _params_of(self, intent: Intent) -> OrderParams:
        return params_of(intent, self.symbol)

    def _params(self, side: Side, price: Decimal, quantity: Decimal, client_id: str, tif: TimeInForce) -> OrderParams:
        return OrderParams(
            symbol=self.symbol,
            side=side,
            type=OrderType.LIMIT,
            time_in_force=tif,
            quantity=int(quantity * UNIT),
            price=int(price * UNIT),
            client_id=client_id,
        )

    def _order_of(self, order: core.Order) -> VenueOrder:
        return order_of(order, self.instrument)

    def _fill_of(self, fill: core.Fill, client_id: str) -> Fill:
        return fill_of(fill, self.instrument, client_id)
