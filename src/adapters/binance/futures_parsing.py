"""USD-M's JSON into domain values (protocol sections 1.6, 1.8 and 1.11)."""

from decimal import Decimal
from typing import Final

from adapters.binance.parsing import STATUSES, Json, order_type
from domain.errors import VenueError
from domain.events import OrderReported
from domain.futures import (
    Bracket,
    ContractSettings,
    FundingPayment,
    FundingRate,
    MarginType,
    MarkPrice,
    Position,
)
from domain.instrument import Instrument
from domain.money import exact, parse_amount
from domain.orders import Fill, PositionSide, Side, VenueOrder

_MARGIN_TYPES: Final = {
    "ISOLATED": MarginType.ISOLATED,
    "CROSSED": MarginType.CROSS,
    "CROSS": MarginType.CROSS,
}


@exact
def parse_futures_report(instrument: Instrument, told: Json) -> OrderReported:
    """Return what the order of an `ORDER_TRADE_UPDATE` says, with its fill if it reports one.

    Its fills carry no quote amount: price times quantity is exactly that of userTrades, for a linear contract.
    """
    order = VenueOrder(
        instrument=instrument,
        client_id=told["c"],
        venue_order_id=int(told["i"]),
        side=Side(told["S"]),
        type=order_type(told["o"], told["f"]),
        status=STATUSES[told["X"]],
        price=parse_amount(told["p"]),
        quantity=parse_amount(told["q"]),
        executed_quantity=parse_amount(told["z"]),
        updated_ms=int(told["T"]),
    )
    price, quantity = parse_amount(told["L"]), parse_amount(told["l"])
    if not quantity:
        return OrderReported(order)
    fill = Fill(
        instrument=instrument,
        trade_id=int(told["t"]),
        client_id=order.client_id,
        venue_order_id=order.venue_order_id,
        side=order.side,
        price=price,
        quantity=quantity,
        quote_quantity=price * quantity,
        commission=parse_amount(told.get("n", "0")),
        commission_asset=told.get("N") or "",
        is_maker=told["m"],
        time_ms=int(told["T"]),
        realized_profit=parse_amount(told["rp"]),
        position_side=PositionSide(told["ps"]),
    )
    return OrderReported(order, (fill,))


def parse_mark_price(instrument: Instrument, row: Json) -> MarkPrice:
    """Return one row of premiumIndex."""
    return MarkPrice(
        instrument=instrument,
        mark=parse_amount(row["markPrice"]),
        index=parse_amount(row["indexPrice"]),
        funding_rate=parse_amount(row["lastFundingRate"]),
        next_funding_ms=int(row["nextFundingTime"]),
        at_ms=int(row["time"]),
    )


def parse_funding_rate(instrument: Instrument, row: Json) -> FundingRate:
    """Return one row of fundingRate; old ones have an empty mark price."""
    return FundingRate(
        instrument=instrument,
        rate=parse_amount(row["fundingRate"]),
        mark=parse_amount(row["markPrice"]) if row.get("markPrice") else None,
        at_ms=int(row["fundingTime"]),
    )


def parse_funding_payment(instrument: Instrument, row: Json) -> FundingPayment:
    """Return one row of income whose kind is FUNDING_FEE."""
    return FundingPayment(
        instrument=instrument,
        id=int(row["tranId"]),
        amount=parse_amount(row["income"]),
        asset=row["asset"],
        at_ms=int(row["time"]),
    )


def parse_settings(instrument: Instrument, row: Json) -> ContractSettings:
    """Return one row of symbolConfig.

    Raises:
        VenueError: for a kind of margin that is not known here.
    """
    word = str(row["marginType"]).upper()
    if word not in _MARGIN_TYPES:
        raise VenueError(f"the venue names a margin type {word} of {instrument} that is not known here")
    return ContractSettings(
        instrument=instrument,
        margin_type=_MARGIN_TYPES[word],
        leverage=int(row["leverage"]),
        max_notional=parse_amount(row["maxNotionalValue"]),
    )


def parse_position(instrument: Instrument, row: Json) -> Position:
    """Return one row of positionRisk, version 3."""
    return Position(
        instrument=instrument,
        side=PositionSide(row["positionSide"]),
        quantity=parse_amount(row["positionAmt"]),
        entry_price=parse_amount(row["entryPrice"]),
        break_even_price=parse_amount(row["breakEvenPrice"]),
        mark_price=parse_amount(row["markPrice"]),
        liquidation_price=parse_amount(row["liquidationPrice"]) or None,
        unrealized_profit=parse_amount(row["unRealizedProfit"]),
        notional=parse_amount(row["notional"]),
        isolated_margin=parse_amount(row["isolatedMargin"]),
        isolated_wallet=parse_amount(row["isolatedWallet"]),
        initial_margin=parse_amount(row["initialMargin"]),
        maintenance_margin=parse_amount(row["maintMargin"]),
        updated_ms=int(row["updateTime"]),
    )


def parse_brackets(row: Json) -> tuple[Bracket, ...]:
    """Return one contract's brackets, smallest positions first."""
    steps = sorted(row["brackets"], key=lambda step: int(step["bracket"]))
    return tuple(
        Bracket(
            floor=_number(step["notionalFloor"]),
            cap=_number(step["notionalCap"]),
            max_leverage=int(step["initialLeverage"]),
            maintenance_rate=_number(step["maintMarginRatio"]),
            deduction=_number(step["cum"]),
        )
        for step in steps
    )


def _number(value: float) -> Decimal:
    """Return a JSON number as it was written: a float's shortest text is that, for up to 15 digits."""
    return parse_amount(str(value))
