"""How an account stands in a contract: read for preflight, set before a start, looked at while a grid runs.

Everything here blocks on the venue; not for grid threads.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.errors import Conflict, FieldMistake, InvalidRequest, SlowDown, Unreachable, VenueError
from domain.events import ContractStands
from domain.futures import ContractSettings, CountdownPolicy, FundingRate, MarginType, Position
from domain.grids import ContractTerms, GridRequest
from domain.instrument import Instrument
from domain.money import ZERO
from grid.core.contract import ContractFacts
from ports.futures import Futures
from risk.gate import RiskGate

_HOUR_MS: Final = 3_600_000
_USUAL_INTERVAL_H: Final = 8
_NOT_HERE: Final = "this server trades no futures; use spot"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractDefaults:
    """What a futures grid gets that asks for nothing else, and how large and how near to its end none may be.

    `largest_share`: of one position, as a fraction of the margin balance times the leverage. `liquidation_buffer`: how
    far the liquidation price has to lie from the range at least, as a fraction. `asks_hedge_mode`: whether an account
    in one-way mode is worth a warning.
    """

    leverage: int = 1
    margin_type: MarginType = MarginType.CROSS
    largest_share: Decimal = Decimal(1)
    liquidation_buffer: Decimal = Decimal("0.15")
    asks_hedge_mode: bool = False
    countdown: CountdownPolicy = CountdownPolicy.AUTO


class Contracts:
    """The contracts of one account. `futures` is None where the house trades none."""

    def __init__(self, futures: Futures | None, defaults: ContractDefaults, gate: RiskGate) -> None:
        self._futures = futures
        self._defaults = defaults
        self._gate = gate

    def facts(self, request: GridRequest, wallet: Decimal) -> ContractFacts:
        """Return what preflight has to know; the account's position mode is taken as it is. `wallet` is in quote.

        Raises:
            InvalidRequest: where no futures are traded.
            VenueError: if the venue does not answer.
        """
        futures, instrument = self._offered(), request.instrument
        mark = futures.mark_price(instrument)
        terms = self._terms(request, hedge_mode=futures.hedge_mode())
        everything = futures.positions()
        margin_balance = sum((position.unrealized_profit for position in everything), wallet)
        held = (position.quantity for position in everything if position.instrument == instrument)
        return ContractFacts(
            terms=terms,
            max_leverage=self._gate.limits.max_leverage,
            brackets=futures.brackets(instrument),
            mark_price=mark.mark,
            funding_rate=mark.funding_rate,
            funding_interval_h=_interval_h(futures.funding_rates(instrument, 2)),
            position=max(held, key=abs, default=ZERO),
            foreign_orders=futures.open_orders(instrument),
            liquidation_buffer=self._defaults.liquidation_buffer,
            largest_position=self._defaults.largest_share * margin_balance * terms.leverage,
        )

    def settle(self, instrument: Instrument, terms: ContractTerms) -> None:
        """Have the venue trade the contract by `terms`, and see that it does. The position mode is never switched.

        Raises:
            Conflict: if it does not, if the risk gate refuses, or something stands in the way.
            VenueError: if the venue does not answer.
        """
        futures = self._offered()
        verdict = self._gate.ask_leverage(terms.leverage)
        if not verdict.allowed:
            raise Conflict(f"the risk gate refuses: {verdict.reason}")
        futures.set_margin_type(instrument, terms.margin_type)
        settings = futures.set_leverage(instrument, terms.leverage)
        trouble = _difference(terms, settings, hedge_mode=futures.hedge_mode())
        if trouble:
            raise Conflict(f"the venue does not trade {_name(instrument)} as asked: {trouble}")

    def stand(self, asked: Mapping[Instrument, ContractTerms]) -> dict[Instrument, ContractStands]:
        """Return how each contract stands against its terms; that it cannot be read is trouble too."""
        if self._futures is None:
            return dict.fromkeys(asked, ContractStands(_NOT_HERE))
        try:
            return self._read(self._futures, asked) if asked else {}
        except VenueError as error:
            return dict.fromkeys(asked, ContractStands(f"how the account trades contracts cannot be read: {error}"))

    def warnings(self, terms: ContractTerms) -> tuple[str, ...]:
        """Return what a person should know besides what preflight says."""
        if terms.hedge_mode or not self._defaults.asks_hedge_mode:
            return ()
        told = "grid.futures.position_side asks for hedge mode, the account is in one-way mode and is left so"
        return (f"{told}; switch it at the venue while no order rests and nothing is held",)

    @staticmethod
    def _read(futures: Futures, asked: Mapping[Instrument, ContractTerms]) -> dict[Instrument, ContractStands]:
        hedge_mode = futures.hedge_mode()
        positions = futures.positions()
        stands = {}
        for instrument, terms in asked.items():
            try:
                settings = futures.settings(instrument)
            except (Unreachable, SlowDown):
                raise
            except VenueError as error:  # as of a contract that is gone: the others go on
                told = f"how the account trades {_name(instrument)} cannot be read: {error}"
                stands[instrument] = ContractStands(told)
                continue
            stands[instrument] = ContractStands(
                _otherwise(instrument, _difference(terms, settings, hedge_mode=hedge_mode)),
                _liquidation_price(position for position in positions if position.instrument == instrument),
            )
        return stands

    def _offered(self) -> Futures:
        if self._futures is None:
            raise InvalidRequest([FieldMistake("market_type", _NOT_HERE)])
        return self._futures

    def _terms(self, request: GridRequest, *, hedge_mode: bool) -> ContractTerms:
        return ContractTerms(
            leverage=request.leverage or self._defaults.leverage,
            margin_type=request.margin_type or self._defaults.margin_type,
            hedge_mode=hedge_mode,
        )


def _difference(terms: ContractTerms, settings: ContractSettings, *, hedge_mode: bool) -> str:
    """Tell in words what at the venue is not by `terms`."""
    found = []
    if hedge_mode is not terms.hedge_mode:
        found.append(f"the account is in {_mode(hedge_mode)}, the grid in {_mode(terms.hedge_mode)}")
    if settings.margin_type is not terms.margin_type:
        found.append(f"its margin is {settings.margin_type}, the grid's {terms.margin_type}")
    if settings.leverage != terms.leverage:
        found.append(f"its leverage is {settings.leverage}, the grid's {terms.leverage}")
    return ", and ".join(found)


def _otherwise(instrument: Instrument, difference: str) -> str:
    """Tell a person what to do about a difference."""
    if not difference:
        return ""
    return f"{_name(instrument)} is not traded as planned: {difference}; set it back at the venue, or stop the grid"


def _liquidation_price(positions: Iterable[Position]) -> Decimal | None:
    known = [(abs(at - held.mark_price), at) for held in positions if (at := held.liquidation_price) is not None]
    return min(known)[1] if known else None


def _mode(hedge_mode: bool) -> str:
    return "hedge mode" if hedge_mode else "one-way mode"


def _name(instrument: Instrument) -> str:
    return f"{instrument.base}{instrument.quote}"


def _interval_h(settled: Sequence[FundingRate]) -> int:
    """Return how far apart the two newest settlements lie, in hours; the usual eight where that is not known."""
    if len(settled) < 2:
        return _USUAL_INTERVAL_H
    apart_ms = settled[-1].at_ms - settled[-2].at_ms
    return max(1, round(apart_ms / _HOUR_MS))
