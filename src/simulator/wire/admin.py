"""Admin calls: stepping, state, prints, deposits, faults and changes of symbols. Loopback peers only."""

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson
from aiohttp import web

from simulator.core.events import MarketTrade
from simulator.faults.kinds import SPEC_CHANGES
from simulator.faults.reading import MARKETS, STATUSES, FaultMistake
from simulator.wire import errors
from simulator.wire.acts import changed
from simulator.wire.gateway import AdminHandler
from simulator.wire.numbers import MONEY_UNIT, UNIT, parse_scaled, render
from simulator.wire.venue import Venue

Json = dict[str, object]
MAX_POINTS: Final = 1_000_000


class Progress(Protocol):
    """What one step request brought."""

    @property
    def played(self) -> int: ...
    @property
    def finished(self) -> bool: ...


class Prints(Protocol):
    """Both markets, for prints of somebody's choosing."""

    def require(self, symbol: str, *, on_futures: bool) -> str:
        """Return the symbol if that market has it; -1121 otherwise."""
        ...

    def print_trade(self, trade: MarketTrade, *, on_futures: bool) -> None:
        """Print one trade; one on spot reaches the contract that follows it."""
        ...


class Market(Protocol):
    """The market's course, as the admin sees and moves it."""

    def state(self) -> Json:
        """Return source, speed, market time and the counts of events sent."""
        ...

    async def step(self, points: int, *, until_account: bool) -> Progress:
        """Play steps in lock-step.

        Raises:
            ApiError: the market runs by itself.
        """
        ...


class Faults(Protocol):
    """Faults as the admin arms, sees and clears them."""

    def arm(self, body: Mapping[str, Any], account_id: str) -> Json:
        """Arm a fault or let an act happen, on the caller's account unless it names another.

        Raises:
            FaultMistake: it cannot be had as written.
        """
        ...

    def listing(self) -> Json: ...

    def clear(self, number: int | None) -> int:
        """Disarm one, or all: then the rest of the plan is dropped, bans and changes of symbols are taken back."""
        ...


@dataclass(frozen=True, slots=True)
class Admin:
    """The admin surface of one venue; `settle` as in the dispatcher."""

    venue: Venue
    prints: Prints
    market: Market
    faults: Faults
    settle: Callable[[], Awaitable[None]]
    account_of: Callable[[str | None], str]

    def handlers(self) -> Mapping[tuple[str, str], AdminHandler]:
        routes: dict[tuple[str, str], AdminHandler] = {
            ("GET", "/admin/state"): self._state,
            ("POST", "/admin/step"): self._step,
            ("POST", "/admin/print"): self._print,
            ("POST", "/admin/deposit"): self._deposit,
            ("POST", "/admin/faults"): self._arm,
            ("GET", "/admin/faults"): self._faults,
            ("DELETE", "/admin/faults"): self._clear,
            ("POST", "/admin/symbol"): self._symbol,
        }
        return {address: _on_loopback(handler) for address, handler in routes.items()}

    async def _state(self, _request: web.BaseRequest) -> Json:
        return self.market.state()

    async def _step(self, request: web.BaseRequest) -> Json:
        body = await _body(request)
        points = body.get("points", 1)
        if not isinstance(points, int) or isinstance(points, bool) or not 1 <= points <= MAX_POINTS:
            raise _bad("points", f"must be a whole number from 1 to {MAX_POINTS}")
        until = body.get("until")
        if until not in {None, "account"}:
            raise _bad("until", "must be null or 'account'")
        progress = await self.market.step(points, until_account=until == "account")
        state = self.market.state()
        kept = ("market_ms", "user_events", "market_events", "finished")
        answer: Json = {name: state[name] for name in kept}
        return {**answer, "played": progress.played, "remaining": points - progress.played}

    async def _print(self, request: web.BaseRequest) -> Json:
        body = await _body(request)
        market = body.get("market", "spot")
        if market not in MARKETS:
            raise _bad("market", f"must be one of {', '.join(MARKETS)}")
        symbol = self.prints.require(_text(body, "symbol"), on_futures=market == "um")
        buyer_is_maker = body.get("buyerIsMaker", False)
        if not isinstance(buyer_is_maker, bool):
            raise _bad("buyerIsMaker", "must be true or false")
        now_ms = self.venue.market_ms()
        price, quantity = _amount(body, "price"), _amount(body, "qty")
        trade = MarketTrade(symbol, price, quantity, now_ms, buyer_is_maker)
        self.prints.print_trade(trade, on_futures=market == "um")
        await self.settle()
        return {"market_ms": now_ms}

    async def _deposit(self, request: web.BaseRequest) -> Json:
        body = await _body(request)
        account_id = self.account_of(request.headers.get("X-MBX-APIKEY"))
        asset, amount = _text(body, "asset"), _amount(body, "amount")
        self.venue.exchange.deposit(account_id, asset, amount * (MONEY_UNIT // UNIT))
        await self.settle()
        return {"asset": asset, "amount": render(amount)}

    async def _arm(self, request: web.BaseRequest) -> Json:
        account_id = self.account_of(request.headers.get("X-MBX-APIKEY"))
        try:
            armed = self.faults.arm(await _body(request), account_id)
        except FaultMistake as mistake:
            raise _bad(mistake.field, mistake.remedy) from mistake
        await self.settle()
        return armed

    async def _faults(self, _request: web.BaseRequest) -> Json:
        return self.faults.listing()

    async def _clear(self, request: web.BaseRequest) -> Json:
        number = request.query.get("id")
        if number is not None and not number.isdecimal():
            raise _bad("id", "must be a fault's number")
        cleared = self.faults.clear(None if number is None else int(number))
        await self.settle()
        return {"cleared": cleared}

    async def _symbol(self, request: web.BaseRequest) -> Json:
        body = await _body(request)
        spec = changed(self.venue.spec(_text(body, "symbol")), _changes(body))
        self.venue.set_symbol(spec)
        return {"symbol": spec.symbol, "status": spec.status}


def _on_loopback(handler: AdminHandler) -> AdminHandler:
    async def guarded(request: web.BaseRequest) -> object:
        remote = request.remote or ""
        if not remote or not ipaddress.ip_address(remote).is_loopback:
            raise errors.ApiError(-2015, "Admin calls are answered to this machine alone.", http_status=403)
        return await handler(request)

    return guarded


def _bad(name: str, remedy: str) -> errors.ApiError:
    return errors.ApiError(-1130, f"Data sent for parameter '{name}' is not valid: it {remedy}.")


async def _body(request: web.BaseRequest) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.read() or b"{}")
    except orjson.JSONDecodeError as exc:
        raise errors.ApiError(-1135, "Invalid JSON Request") from exc
    if not isinstance(body, dict):
        raise errors.ApiError(-1135, "Invalid JSON Request")
    return body


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise errors.mandatory(name)
    return value


def _amount(body: Mapping[str, Any], name: str) -> int:
    amount = parse_scaled(name, _text(body, name))
    if amount <= 0:
        raise _bad(name, "must be above 0")
    return amount


def _whole(body: Mapping[str, Any], name: str, *, lowest: int = 1) -> int | None:
    value = body.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < lowest):
        raise _bad(name, f"must be a whole number of at least {lowest}")
    return value


def _changes(body: Mapping[str, Any]) -> dict[str, int | str]:
    """Read what is to change, prices and quantities scaled by UNIT."""
    changes: dict[str, int | str] = {}
    for name in set(body) - {"symbol"}:
        if name == "status":
            if body[name] not in STATUSES:
                raise _bad(name, f"must be one of {', '.join(STATUSES)}")
            changes[name] = body[name]
        elif name == "maxNumOrders":
            changes[name] = _whole(body, name) or 0
        elif name in SPEC_CHANGES:
            changes[name] = parse_scaled(name, _text(body, name))
        else:
            raise _bad(name, f"is unknown; a symbol has {', '.join(SPEC_CHANGES)}")
    return changes
