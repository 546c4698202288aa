"""How an account stands in a contract: read, set up before a start, and held against what the grid was planned with."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest

from domain.errors import Conflict, InvalidRequest, Unreachable
from domain.futures import (
    Bracket,
    ContractSettings,
    FundingPayment,
    FundingRate,
    MarginType,
    MarkPrice,
    Position,
)
from domain.grids import ContractTerms, Direction, GridRequest
from domain.instrument import Instrument, Market
from domain.money import ZERO
from domain.orders import PositionSide
from fakes.grid_examples import gate
from grid.contracts import ContractDefaults, Contracts

BTC = Instrument("binance", Market.FUTURES, "BTC", "USDT")
ETH = Instrument("binance", Market.FUTURES, "ETH", "USDT")
HOUR_MS = 3_600_000
TERMS = ContractTerms(leverage=5, margin_type=MarginType.ISOLATED, hedge_mode=False)
BRACKET = Bracket(floor=ZERO, cap=Decimal(50_000), max_leverage=125, maintenance_rate=Decimal("0.004"), deduction=ZERO)


def position(instrument: Instrument, quantity: str, ends: str | None, profit: str = "0") -> Position:
    return Position(
        instrument=instrument,
        side=PositionSide.BOTH,
        quantity=Decimal(quantity),
        entry_price=Decimal(100),
        break_even_price=Decimal(100),
        mark_price=Decimal(100),
        liquidation_price=None if ends is None else Decimal(ends),
        unrealized_profit=Decimal(profit),
        notional=Decimal(quantity) * 100,
        isolated_margin=ZERO,
        isolated_wallet=ZERO,
        initial_margin=ZERO,
        maintenance_margin=ZERO,
        updated_ms=0,
    )


@dataclass
class SomeFutures:
    """Implements ports.futures.Futures. With `stubborn` it confirms every setting and changes none."""

    hedge: bool = False
    stubborn: bool = False
    silent: bool = False
    held: tuple[Position, ...] = ()
    resting: int = 0
    settled_ms: tuple[int, ...] = ()
    margin_type: MarginType = MarginType.CROSS
    leverage: int = 20
    switched: list[bool] = field(default_factory=list)

    def mark_price(self, instrument: Instrument) -> MarkPrice:
        mark = Decimal(100)
        return MarkPrice(
            instrument=instrument, mark=mark, index=mark, funding_rate=Decimal("0.0001"), next_funding_ms=0, at_ms=0
        )

    def funding_rates(self, instrument: Instrument, limit: int) -> tuple[FundingRate, ...]:
        newest = self.settled_ms[-limit:]
        return tuple(FundingRate(instrument=instrument, rate=ZERO, mark=None, at_ms=at_ms) for at_ms in newest)

    def hedge_mode(self) -> bool:
        if self.silent:
            raise Unreachable("no connection")
        return self.hedge

    def set_hedge_mode(self, on: bool) -> bool:
        self.switched.append(on)
        return True

    def settings(self, instrument: Instrument) -> ContractSettings:
        return ContractSettings(
            instrument=instrument, margin_type=self.margin_type, leverage=self.leverage, max_notional=Decimal(50_000)
        )

    def set_margin_type(self, _instrument: Instrument, margin_type: MarginType) -> bool:
        self.margin_type = self.margin_type if self.stubborn else margin_type
        return True

    def set_leverage(self, instrument: Instrument, leverage: int) -> ContractSettings:
        self.leverage = self.leverage if self.stubborn else leverage
        return self.settings(instrument)

    def positions(self, instrument: Instrument | None = None) -> tuple[Position, ...]:
        return tuple(one for one in self.held if instrument in (None, one.instrument))

    def open_orders(self, _instrument: Instrument) -> int:
        return self.resting

    def brackets(self, _instrument: Instrument) -> tuple[Bracket, ...]:
        return (BRACKET,)

    def funding_payments(self, _instrument: Instrument, _since_ms: int) -> tuple[FundingPayment, ...]:
        return ()


def request(**changes: object) -> GridRequest:
    asked = GridRequest(instrument=BTC, levels=10, spacing_percent=Decimal(1), direction=Direction.NEUTRAL)
    return replace(asked, **changes)  # type: ignore[arg-type]


def test_terms_are_the_requests_else_the_configurations_and_the_accounts_mode() -> None:
    defaults = ContractDefaults(leverage=2, margin_type=MarginType.ISOLATED)
    contracts = Contracts(SomeFutures(hedge=True), defaults, gate())
    usual = contracts.facts(request(), Decimal(1000)).terms
    assert usual == ContractTerms(leverage=2, margin_type=MarginType.ISOLATED, hedge_mode=True)
    asked = contracts.facts(request(leverage=7, margin_type=MarginType.CROSS), Decimal(1000)).terms
    assert asked == ContractTerms(leverage=7, margin_type=MarginType.CROSS, hedge_mode=True)


def test_facts_tell_of_positions_orders_and_the_largest_position() -> None:
    held = (position(BTC, "-0.5", None, "-40"), position(ETH, "3", "50", "10"))
    futures = SomeFutures(held=held, resting=2, settled_ms=(0, 4 * HOUR_MS + 3))
    defaults = ContractDefaults(leverage=4, largest_share=Decimal("0.5"), liquidation_buffer=Decimal("0.2"))
    facts = Contracts(futures, defaults, gate()).facts(request(), Decimal(1030))
    assert (facts.position, facts.foreign_orders, facts.funding_interval_h) == (Decimal("-0.5"), 2, 4)
    assert facts.largest_position == (1030 - 40 + 10) * 4 / 2
    assert facts.liquidation_buffer == Decimal("0.2")
    assert Contracts(SomeFutures(), defaults, gate()).facts(request(), Decimal(1)).funding_interval_h == 8


def test_a_contract_is_set_up_and_read_back_and_the_position_mode_never_switched() -> None:
    futures = SomeFutures()
    Contracts(futures, ContractDefaults(), gate()).settle(BTC, TERMS)
    assert (futures.margin_type, futures.leverage, futures.switched) == (MarginType.ISOLATED, 5, [])
    with pytest.raises(
        Conflict, match="its margin is cross, the grid's isolated, and its leverage is 20, the grid's 5"
    ):
        Contracts(SomeFutures(stubborn=True), ContractDefaults(), gate()).settle(BTC, TERMS)
    with pytest.raises(Conflict, match="the account is in hedge mode, the grid in one-way mode"):
        Contracts(SomeFutures(hedge=True), ContractDefaults(), gate()).settle(BTC, TERMS)


def test_the_gate_refuses_leverage_above_its_limit_before_the_venue_is_told() -> None:
    futures = SomeFutures()
    contracts = Contracts(futures, ContractDefaults(), gate(max_leverage=4))
    with pytest.raises(Conflict, match="the risk gate refuses: leverage 5 is above max_leverage 4"):
        contracts.settle(BTC, TERMS)
    assert (futures.margin_type, futures.leverage) == (SomeFutures().margin_type, SomeFutures().leverage)
    assert contracts.facts(request(), Decimal(1000)).max_leverage == 4


def test_what_stands_is_told_with_the_nearer_liquidation_price() -> None:
    held = (position(BTC, "1", "30"), position(BTC, "-1", "140"), position(ETH, "1", "99"))
    futures = SomeFutures(held=held, margin_type=MarginType.ISOLATED, leverage=5)
    stand = Contracts(futures, ContractDefaults(), gate()).stand({BTC: TERMS, ETH: replace(TERMS, leverage=6)})
    assert (stand[BTC].trouble, stand[BTC].liquidation_price) == ("", Decimal(140))
    told = (
        "ETHUSDT is not traded as planned: its leverage is 5, the grid's 6; set it back at the venue, or stop the grid"
    )
    assert stand[ETH].trouble == told


def test_what_cannot_be_read_or_is_not_offered_is_trouble() -> None:
    unread = Contracts(SomeFutures(silent=True), ContractDefaults(), gate()).stand({BTC: TERMS})
    assert unread[BTC].trouble == "how the account trades contracts cannot be read: no connection"
    nowhere = Contracts(None, ContractDefaults(), gate())
    assert "trades no futures" in nowhere.stand({BTC: TERMS})[BTC].trouble
    with pytest.raises(InvalidRequest, match="market_type: this server trades no futures; use spot"):
        nowhere.facts(request(), ZERO)


def test_an_account_in_one_way_mode_is_told_of_where_hedge_mode_was_asked_for() -> None:
    asking = Contracts(SomeFutures(), ContractDefaults(asks_hedge_mode=True), gate())
    assert "one-way mode and is left so" in asking.warnings(TERMS)[0]
    assert asking.warnings(replace(TERMS, hedge_mode=True)) == ()
    assert Contracts(SomeFutures(), ContractDefaults(), gate()).warnings(TERMS) == ()
