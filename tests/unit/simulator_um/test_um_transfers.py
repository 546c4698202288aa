"""Money between the spot and the futures wallet, and amounts as they are written."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.exchange import Exchange
from simulator.core.symbols import NOTIONAL_UNIT, UNIT
from simulator.um.core.exchange import FuturesExchange
from simulator.um.wire.numbers import in_event, render_to
from simulator.um.wire.transfers import TO_FUTURES, TO_SPOT, transfer, transfers
from simulator.um.wire.venue import FuturesVenue
from simulator.wire.calls import Call
from simulator.wire.errors import ApiError
from unit.simulator_um.futures_floor import SPEC

START = 1_000
WEEK_MS = 7 * 86_400_000
MOVES = st.lists(st.tuples(st.sampled_from((TO_FUTURES, TO_SPOT)), st.integers(-2, 1_500 * UNIT)), max_size=12)


def _exchange() -> Exchange:
    made = Exchange([], listener=lambda _event: None)
    made.open_account("a", {"USDT": START * NOTIONAL_UNIT})
    return made


def _contracts() -> FuturesExchange:
    made = FuturesExchange([SPEC], listener=lambda _event: None)
    made.open_account("a")
    return made


@dataclass
class SpotSide:
    exchange: Exchange = field(default_factory=_exchange)


@dataclass
class BothWallets:
    """The two exchanges as a transfer sees them."""

    exchange: FuturesExchange = field(default_factory=_contracts)
    spot: SpotSide = field(default_factory=SpotSide)
    now_ms: int = 1_000

    def market_ms(self) -> int:
        self.now_ms += 1
        return self.now_ms

    def move(self, kind: str, amount: int, asset: str = "USDT") -> object:
        params = {"type": kind, "asset": asset, "amount": amount}
        return transfer(cast("FuturesVenue", self), Call(params, "a", self.now_ms))

    def listed(self, kind: str, **more: object) -> dict[str, object]:
        return transfers(cast("FuturesVenue", self), Call({"type": kind, **more}, "a", self.now_ms))

    def wallets(self) -> tuple[int, int]:
        """Return both balances of USDT, scaled by NOTIONAL_UNIT."""
        futures = self.exchange.account("a").wallet_balance
        return self.spot.exchange.balances("a")["USDT"].free, futures * (NOTIONAL_UNIT // UNIT)


@settings(max_examples=60, deadline=None)
@given(MOVES)
def test_no_transfer_makes_or_loses_money_and_a_refused_one_moves_nothing(moves: list[tuple[str, int]]) -> None:
    venue = BothWallets()
    moved: dict[str, list[int]] = {TO_FUTURES: [], TO_SPOT: []}
    for kind, amount in moves:
        source, before = kind == TO_SPOT, venue.wallets()
        has_enough = 0 < amount * (NOTIONAL_UNIT // UNIT) <= before[source]
        if has_enough:
            venue.move(kind, amount)
            moved[kind].append(amount)
        else:
            with pytest.raises(ApiError, match="-5013" if amount > 0 else "-1130"):
                venue.move(kind, amount)
            assert venue.wallets() == before
        assert sum(venue.wallets()) == START * NOTIONAL_UNIT
        assert min(venue.wallets()) >= 0
    for kind, amounts in moved.items():
        listed = venue.listed(kind, size=100)
        rows = cast("list[dict[str, str]]", listed["rows"])
        assert listed["total"] == len(amounts)
        assert [Decimal(row["amount"]) * UNIT for row in rows] == amounts[::-1]


def test_history_comes_in_pages_of_the_last_week() -> None:
    venue = BothWallets()
    for amount in range(1, 6):
        venue.move(TO_FUTURES, amount * UNIT)
    page = cast("list[dict[str, str]]", venue.listed(TO_FUTURES, current=2, size=2)["rows"])
    assert [row["amount"] for row in page] == ["3.00000000", "2.00000000"]
    begun_ms = venue.now_ms
    venue.now_ms += WEEK_MS
    assert venue.listed(TO_FUTURES)["total"] == 0
    assert venue.listed(TO_FUTURES, startTime=begun_ms - 1)["total"] == 1


def test_wallets_and_assets_that_are_not_there_are_named() -> None:
    venue = BothWallets()
    with pytest.raises(ApiError, match=r"-1020.*MAIN_FUNDING"):
        venue.move("MAIN_FUNDING", UNIT)
    with pytest.raises(ApiError, match=r"-1020.*USDT alone"):
        venue.move(TO_FUTURES, UNIT, "BTC")


@given(st.integers(-(10**20), 10**20), st.integers(0, 8))
def test_amounts_are_written_exactly_and_padded_to_the_precision(scaled: int, decimals: int) -> None:
    text = render_to(scaled, decimals)
    assert Decimal(text) * UNIT == scaled
    assert len(text.partition(".")[2]) >= decimals
    assert in_event(scaled, decimals) == (text if scaled else "0")
