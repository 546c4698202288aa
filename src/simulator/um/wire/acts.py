"""What faults do on the futures venue: another hand on the account, other rules for a contract."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, Final

from simulator.core.orders import Side
from simulator.faults.board import Fault
from simulator.faults.course import Undo
from simulator.faults.kinds import SETTLES
from simulator.faults.reading import FaultMistake
from simulator.um.core.contracts import MARGIN_ASSET
from simulator.um.core.orders import FuturesOrderType, FuturesParams, FuturesTimeInForce
from simulator.um.wire.venue import FuturesVenue
from simulator.wire.acts import away, scaled, worth

_RULES: Final = {
    "status": "status",
    "tickSize": "tick",
    "stepSize": "lot",
    "minPrice": "min_price",
    "maxPrice": "max_price",
    "minQty": "min_qty",
    "maxQty": "max_qty",
    "minNotional": "min_notional",
    "maxNumOrders": "max_orders",
    SETTLES: "delivery_ms",
}


@dataclass(frozen=True, slots=True)
class FuturesActs:
    """Carries out acts on contracts; every method raises FaultMistake, ApiError or ExchangeError where it cannot."""

    venue: FuturesVenue

    def pay(self, account_id: str, asset: str, amount: Decimal) -> None:
        """Pay in, or out if negative."""
        if asset != MARGIN_ASSET:
            raise FaultMistake("asset", f"{asset} is not in the futures wallet; it holds {MARGIN_ASSET} alone")
        self.venue.exchange.transfer(account_id, scaled(amount), self.venue.market_ms())

    def place(self, account_id: str, wanted: Mapping[str, Any]) -> None:
        spec = self.venue.spec(self.venue.require(wanted["symbol"]))
        kind = FuturesOrderType(wanted["type"])
        last = self.venue.last_price(spec.symbol)
        price = scaled(wanted["price"]) if "price" in wanted else away(last, wanted["distance_percent"], spec.tick)
        quantity = scaled(wanted["quantity"]) if "quantity" in wanted else worth(wanted["value"], price, spec.lot)
        is_limit = kind is FuturesOrderType.LIMIT
        params = FuturesParams(
            symbol=spec.symbol,
            side=Side(wanted["side"]),
            type=kind,
            time_in_force=FuturesTimeInForce.GTC if is_limit else None,
            quantity=quantity,
            price=price if is_limit else None,
        )
        self.venue.exchange.place(account_id, params, self.venue.market_ms())

    def cancel(self, account_id: str, fault: Fault) -> None:
        """Cancel open orders drawn from those whose client id matches."""
        exchange, symbol = self.venue.exchange, self.venue.require(fault.details["symbol"])
        found = [one for one in exchange.open_orders(account_id, symbol) if fnmatchcase(one.client_id, fault.match)]
        for order in fault.random.sample(found, min(len(found), fault.details["orders"])):
            exchange.cancel(account_id, symbol, order_id=order.order_id, now_ms=self.venue.market_ms())

    def change(self, symbol: str, wanted: Mapping[str, Any]) -> Undo:
        """Change rules or status; return what takes it back."""
        before = self.venue.spec(self.venue.require(symbol))
        unknown = wanted.keys() - _RULES.keys()
        if unknown:
            raise FaultMistake(min(unknown), f"is no rule of a contract; it has {', '.join(_RULES)}")
        rules: dict[str, Any] = {
            _RULES[name]: scaled(value) if isinstance(value, Decimal) else value for name, value in wanted.items()
        }
        if SETTLES in wanted:
            rules[_RULES[SETTLES]] = self.venue.market_ms() + 1_000 * wanted[SETTLES]
        try:
            self.venue.set_contract(replace(before, **rules))
        except ValueError as exc:
            raise FaultMistake("symbol", str(exc)) from exc
        old = {name: getattr(before, name) for name in rules}
        return lambda: self.venue.set_contract(replace(self.venue.spec(symbol), **old))

    def run_down(self, account_id: str, passed_ms: int) -> None:
        """Let countdowns run down, and out, as if so much time had passed."""
        self.venue.exchange.run_down_countdowns(account_id, passed_ms, self.venue.market_ms())

    def delist(self, symbol: str) -> None:
        self.venue.delist(self.venue.require(symbol))
