"""Values for tests of the books: plain examples, and hypothesis strategies with names from the domain."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, get_type_hints

from hypothesis import strategies as st

from domain.account import Account, Mode
from domain.exit_terms import ExitAction, ExitTerms
from domain.futures import FundingPayment, MarginType
from domain.grids import AskedBy, ContractTerms, Direction, GridPlan, GridRequest, Profit, Reinvesting, Spacing
from domain.instrument import Instrument, InstrumentRules, Market
from domain.orders import Fill, Intent, OrderType, PositionSide, Role, Side, Slot, Status, TimeInForce
from ports.store import OrderRow

SHADOW = Account("binance", Mode.SHADOW, "aaaaaaaaaaaa")
TESTNET = Account("binance", Mode.TESTNET, "bbbbbbbbbbbb")
BTC = Instrument("binance", Market.SPOT, "BTC", "USDT")
BTC_FUTURES = Instrument("binance", Market.FUTURES, "BTC", "USDT")
ETH = Instrument("binance", Market.SPOT, "ETH", "USDT")

PLAN = GridPlan(
    request=GridRequest(instrument=BTC, levels=3, spacing_percent=Decimal("0.5"), capital=Decimal(1000)),
    start_price=Decimal("45000.10"),
    prices=(Decimal("44775.09"), Decimal("45000.10"), Decimal("45225.10")),
    gap=1,
    entry_limit_price=Decimal("45225.11"),
    quantity_per_rung=Decimal("0.01"),
    entry_quantity=Decimal("0.01"),
    capital_needed=Decimal("897.7519"),
    profit_per_cycle=Decimal("1.35"),
    warnings=("the spacing is near the fees",),
)


def intent(client_id: str, *, grid: int = 1, side: Side = Side.BUY, instrument: Instrument = BTC) -> Intent:
    return Intent(
        client_id=client_id,
        slot=Slot(grid, Role.RUNG, side, 4_477_509),
        cycle=0,
        attempt=0,
        instrument=instrument,
        type=OrderType.LIMIT_MAKER,
        time_in_force=None,
        quantity=Decimal("0.01"),
        price=Decimal("44775.09"),
        reason="rung 1 of 3",
        created_ms=1_700_000_000_000,
    )


def order(of: Intent, status: Status, venue_order_id: int | None = 7) -> OrderRow:
    return OrderRow(intent=of, status=status, venue_order_id=venue_order_id, updated_ms=of.created_ms + 5)


def fill(trade_id: int, client_id: str, *, instrument: Instrument = BTC, quantity: str = "0.01") -> Fill:
    return Fill(
        instrument=instrument,
        trade_id=trade_id,
        client_id=client_id,
        venue_order_id=7,
        side=Side.BUY,
        price=Decimal("44775.09"),
        quantity=Decimal(quantity),
        quote_quantity=Decimal("447.7509"),
        commission=Decimal("0.00001"),
        commission_asset="BTC",
        is_maker=True,
        time_ms=1_700_000_000_100 + trade_id,
    )


amounts = st.decimals(
    min_value=Decimal("-1e12"), max_value=Decimal("1e12"), places=8, allow_nan=False, allow_infinity=False
) | st.sampled_from([Decimal("1E+5"), Decimal("1E-8"), Decimal("0E-8"), Decimal("1.50"), Decimal("-0")])
maybe_amounts = st.none() | amounts
instruments = st.sampled_from([BTC, BTC_FUTURES, ETH])
times_ms = st.integers(0, 2**53)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)  # PostgreSQL takes no NUL

# By type, so that a field added to the plan is drawn and held to its round trip from then on.
_BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(0, 1000),
    str: texts,
    bool: st.booleans(),
    Decimal: amounts,
    Decimal | None: maybe_amounts,
    tuple[Decimal, ...]: st.lists(amounts, max_size=8).map(tuple),
    tuple[str, ...]: st.lists(texts, max_size=3).map(tuple),
    int | None: st.none() | st.integers(1, 125),
    Spacing: st.sampled_from(Spacing),
    AskedBy: st.sampled_from(AskedBy),
    Profit: st.sampled_from(Profit),
    Direction: st.sampled_from(Direction),
    MarginType | None: st.none() | st.sampled_from(MarginType),
    MarginType: st.sampled_from(MarginType),
    Instrument: instruments,
}


def _records(kind: type, **narrower: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{name: _BY_TYPE[hint] for name, hint in get_type_hints(kind).items()} | narrower)


_BY_TYPE[ExitAction | None] = st.none() | st.sampled_from(ExitAction)
_BY_TYPE[ExitTerms] = _records(ExitTerms)
requests = _BY_TYPE[GridRequest] = _records(GridRequest)
_steps = st.integers(-8, 3).map(Decimal(1).scaleb)
_rules = _records(InstrumentRules, tick=_steps, lot=_steps, min_notional=amounts.map(abs))
_BY_TYPE[InstrumentRules | None] = st.none() | _rules
_BY_TYPE[ContractTerms | None] = st.none() | _records(ContractTerms)
_BY_TYPE[Reinvesting | None] = st.none() | _records(Reinvesting)
plans = _records(GridPlan)


@st.composite
def intents(draw: st.DrawFn, client_ids: st.SearchStrategy[str], grids: st.SearchStrategy[int]) -> Intent:
    base = intent(draw(client_ids), grid=draw(grids), side=draw(st.sampled_from(Side)))
    kind = draw(st.sampled_from(OrderType))
    return replace(
        base,
        type=kind,
        time_in_force=draw(st.none() | st.sampled_from(TimeInForce)),
        price=None if kind is OrderType.MARKET else draw(amounts),
        quantity=draw(amounts),
        created_ms=draw(times_ms),
        reason=draw(texts),
    )


@st.composite
def fills(draw: st.DrawFn, client_ids: st.SearchStrategy[str]) -> Fill:
    """Few trade ids and few quantities, so that repeats and conflicts happen."""
    return replace(
        fill(draw(st.integers(1, 6)), draw(client_ids), instrument=draw(instruments)),
        quantity=draw(st.sampled_from([Decimal("0.01"), Decimal("0.010"), Decimal("0.02")])),
        realized_profit=draw(amounts),
        position_side=draw(st.sampled_from(PositionSide)),
    )


payments = st.builds(
    FundingPayment,
    instrument=instruments,
    id=st.integers(2**53, 2**53 + 4),
    amount=amounts,
    asset=st.sampled_from(["USDT", "BNB"]),
    at_ms=times_ms,
)
