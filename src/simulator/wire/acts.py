"""What faults do rather than strike: another hand on the account, other rules for a symbol, sockets sent away."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, Final, Protocol

from simulator.core.orders import OrderParams, OrderType, Side, TimeInForce
from simulator.core.symbols import SymbolSpec
from simulator.faults.board import Fault
from simulator.faults.course import Undo
from simulator.faults.kinds import FaultKind
from simulator.faults.reading import FaultMistake
from simulator.wire import errors
from simulator.wire.numbers import MONEY_UNIT, UNIT
from simulator.wire.user_streams import UserStreams
from simulator.wire.venue import Venue

_SPEC_FIELDS: Final = {
    "status": "status",
    "tickSize": "tick",
    "stepSize": "lot",
    "minPrice": "min_price",
    "maxPrice": "max_price",
    "minQty": "min_qty",
    "maxQty": "max_qty",
    "minNotional": "min_notional",
    "maxNotional": "max_notional",
    "maxPosition": "max_position",
    "maxNumOrders": "max_orders",
}
_COUNTS: Final = ("maxNumOrders",)


class Sockets(Protocol):
    """The open sockets of one port."""

    def disconnect(self, glob: str, how: str) -> None: ...


def changed(spec: SymbolSpec, changes: Mapping[str, int | str]) -> SymbolSpec:
    """Return a symbol with other filters or another status, by the names exchangeInfo uses (scaled by UNIT).

    Raises:
        ApiError: -1130 where they do not make a symbol.
    """
    try:
        fields: dict[str, Any] = {_SPEC_FIELDS[name]: value for name, value in changes.items()}
        return replace(spec, **fields)
    except ValueError as exc:
        raise errors.ApiError(-1130, str(exc)) from exc


class ContractActs(Protocol):
    """Acts on the futures venue, for faults with `market` um."""

    def pay(self, account_id: str, asset: str, amount: Decimal) -> None: ...
    def place(self, account_id: str, wanted: Mapping[str, Any]) -> None: ...
    def cancel(self, account_id: str, fault: Fault) -> None: ...
    def change(self, symbol: str, wanted: Mapping[str, Any]) -> Undo: ...
    def delist(self, symbol: str) -> None: ...
    def run_down(self, account_id: str, passed_ms: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Acts:
    """Carries out acts. `accounts` are the ids of the keys' accounts in order, `ports` those that listen so far."""

    venue: Venue
    users: UserStreams
    accounts: Sequence[str]
    ports: Sequence[Sockets]
    contracts: ContractActs
    expire_listen_key: Callable[[str], None]

    def __call__(self, fault: Fault) -> Undo | None:
        """Let it happen; return what takes it back, if that can be.

        Raises:
            FaultMistake: it names what this venue does not have.
            ApiError, ExchangeError: the venue refuses it.
        """
        carry_out: Mapping[FaultKind, Callable[[Fault], Undo | None]] = {
            FaultKind.MAINTENANCE: self._send_away,
            FaultKind.DISCONNECT: self._disconnect,
            FaultKind.END_USER_STREAM: self._end_user_stream,
            FaultKind.LISTEN_KEY_EXPIRY: self._expire_listen_key,
            FaultKind.BALANCE: self._balance,
            FaultKind.PLACE_ORDER: self._place,
            FaultKind.CANCEL_ORDER: self._cancel,
            FaultKind.SYMBOL: self._symbol,
            FaultKind.DELIST: self._delist,
            FaultKind.COUNTDOWN: self._run_down,
        }
        return carry_out[fault.kind](fault)

    def _send_away(self, _fault: Fault) -> None:
        for port in self.ports:
            port.disconnect("*", "shutdown")

    def _disconnect(self, fault: Fault) -> None:
        for port in self.ports:
            port.disconnect(fault.match, fault.details["how"])

    def _end_user_stream(self, fault: Fault) -> None:
        self.users.end(self._account(fault))

    def _expire_listen_key(self, fault: Fault) -> None:
        self.expire_listen_key(self._account(fault))

    def _balance(self, fault: Fault) -> None:
        if _is_um(fault):
            self.contracts.pay(self._account(fault), fault.details["asset"], fault.details["amount"])
            return
        amount = int(fault.details["amount"] * MONEY_UNIT)
        exchange, account_id, asset = self.venue.exchange, self._account(fault), fault.details["asset"]
        if amount > 0:
            exchange.deposit(account_id, asset, amount)
        else:
            exchange.withdraw(account_id, asset, -amount)

    def _place(self, fault: Fault) -> None:
        wanted = fault.details
        if _is_um(fault):
            self.contracts.place(self._account(fault), wanted)
            return
        spec = self.venue.spec(self.venue.require(wanted["symbol"]))
        kind = OrderType(wanted["type"])
        last = self.venue.last_price(spec.symbol)
        price = scaled(wanted["price"]) if "price" in wanted else away(last, wanted["distance_percent"], spec.tick)
        quantity = scaled(wanted["quantity"]) if "quantity" in wanted else worth(wanted["value"], price, spec.lot)
        params = OrderParams(
            symbol=spec.symbol,
            side=Side(wanted["side"]),
            type=kind,
            time_in_force=TimeInForce.GTC if kind is OrderType.LIMIT else None,
            quantity=quantity,
            price=price if kind is OrderType.LIMIT else None,
        )
        self.venue.exchange.place(self._account(fault), params, self.venue.market_ms())

    def _cancel(self, fault: Fault) -> None:
        if _is_um(fault):
            self.contracts.cancel(self._account(fault), fault)
            return
        account_id, symbol = self._account(fault), self.venue.require(fault.details["symbol"])
        exchange = self.venue.exchange
        found = [one for one in exchange.open_orders(account_id, symbol) if fnmatchcase(one.client_id, fault.match)]
        for order in fault.random.sample(found, min(len(found), fault.details["orders"])):
            if exchange.order(account_id, symbol, order_id=order.order_id).is_open:  # a list goes as a whole
                exchange.cancel(account_id, symbol, order_id=order.order_id, now_ms=self.venue.market_ms())

    def _symbol(self, fault: Fault) -> Undo:
        wanted = {name: value for name, value in fault.details.items() if name not in {"symbol", "market"}}
        if _is_um(fault):
            return self.contracts.change(fault.details["symbol"], wanted)
        changes = {name: scaled(value) if isinstance(value, Decimal) else value for name, value in wanted.items()}
        before = self.venue.spec(self.venue.require(fault.details["symbol"]))
        self.venue.set_symbol(changed(before, changes))
        old = {_SPEC_FIELDS[name]: getattr(before, _SPEC_FIELDS[name]) for name in changes}
        return lambda: self.venue.set_symbol(replace(self.venue.spec(before.symbol), **old))

    def _delist(self, fault: Fault) -> None:
        if _is_um(fault):
            self.contracts.delist(fault.details["symbol"])
        else:
            self.venue.delist(self.venue.require(fault.details["symbol"]))

    def _run_down(self, fault: Fault) -> None:
        self.contracts.run_down(self._account(fault), fault.delay_ms)

    def _account(self, fault: Fault) -> str:
        named: str | int = fault.details.get("account", 1)
        if isinstance(named, str):
            return named
        if named > len(self.accounts):
            raise FaultMistake("account", f"{named} is none of the {len(self.accounts)} accounts, counted from 1")
        return self.accounts[named - 1]


def _is_um(fault: Fault) -> bool:
    return bool(fault.details.get("market") == "um")


def scaled(amount: Decimal) -> int:
    """Return an exact amount scaled by UNIT."""
    return int(amount * UNIT)


def away(price: int, percent: Decimal, tick: int) -> int:
    """Return a price so many percent from another, rounded down to the tick."""
    away = int(price * (100 + percent) / 100)
    return away - away % tick


def worth(value: Decimal, price: int, lot: int) -> int:
    """Return the largest whole quantity that `value` of the quote asset pays for."""
    quantity = int(value * UNIT) * UNIT // max(1, price)
    return quantity - quantity % lot
