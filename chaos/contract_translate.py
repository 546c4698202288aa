"""Between the USD-M core's scaled integers and the bot's decimals: what the wire does, without the wire."""

from decimal import Decimal

from chaos.translate import STATUS, amount, scaled
from domain.futures import Bracket, FundingPayment, Position
from domain.instrument import Instrument, InstrumentRules, Market
from domain.orders import Fill, Intent, OrderType, PositionSide, Side, TimeInForce, VenueOrder
from simulator.core.orders import Side as VenueSide
from simulator.core.symbols import NOTIONAL_UNIT
from simulator.um.core import orders as venue
from simulator.um.core.contracts import ContractSpec
from simulator.um.core.views import PositionView


def contract_of(spec: ContractSpec) -> Instrument:
    return Instrument("binance", Market.FUTURES, spec.base, spec.quote)


def contract_rules(spec: ContractSpec) -> InstrumentRules:
    """Return the order rules the bot would read from the exchange's list of contracts."""
    return InstrumentRules(
        instrument=contract_of(spec),
        status=spec.status,
        tick=amount(spec.tick),
        lot=amount(spec.lot),
        min_quantity=amount(spec.min_qty),
        max_quantity=amount(spec.max_qty),
        min_notional=amount(spec.min_notional),
        min_price=amount(spec.min_price),
        max_price=amount(spec.max_price),
        market_max_quantity=amount(spec.market_max_qty),
        bid_up=Decimal(spec.mult_up_ppm) / 10**6,
        ask_down=Decimal(spec.mult_down_ppm) / 10**6,
        max_open_orders=spec.max_orders,
    )


def brackets_of(spec: ContractSpec) -> tuple[Bracket, ...]:
    return tuple(
        Bracket(
            floor=amount(bracket.floor),
            cap=amount(bracket.cap),
            max_leverage=bracket.max_leverage,
            maintenance_rate=Decimal(bracket.rate_ppm) / 10**6,
            deduction=amount(bracket.cum),
        )
        for bracket in spec.brackets
    )


def params_of(intent: Intent, symbol: str) -> venue.FuturesParams:
    """Return what the gateway would send: post-only is a limit order in force as GTX."""
    is_market = intent.type is OrderType.MARKET
    in_force = venue.FuturesTimeInForce((intent.time_in_force or TimeInForce.GTC).value)
    if intent.type is OrderType.LIMIT_MAKER:
        in_force = venue.FuturesTimeInForce.GTX
    return venue.FuturesParams(
        symbol=symbol,
        side=VenueSide(intent.side.value),
        type=venue.FuturesOrderType.MARKET if is_market else venue.FuturesOrderType.LIMIT,
        time_in_force=None if is_market else in_force,
        position_side=position_side_of(intent.position_side),
        quantity=scaled(intent.quantity),
        price=None if intent.price is None else scaled(intent.price),
        reduce_only=True if intent.reduce_only else None,
        client_id=intent.client_id,
    )


def position_side_of(side: PositionSide) -> venue.PositionSide | None:
    return None if side is PositionSide.BOTH else venue.PositionSide(side.value)


def order_of(order: venue.FuturesOrder, instrument: Instrument) -> VenueOrder:
    is_post_only = order.time_in_force is venue.FuturesTimeInForce.GTX
    return VenueOrder(
        instrument=instrument,
        client_id=order.client_id,
        venue_order_id=order.order_id,
        side=Side(order.side.value),
        type=OrderType.LIMIT_MAKER if is_post_only else OrderType(order.type.value),
        status=STATUS[order.status],
        price=amount(order.price),
        quantity=amount(order.quantity),
        executed_quantity=amount(order.executed),
        updated_ms=order.update_ms,
    )


def fill_of(fill: venue.FuturesFill, instrument: Instrument, client_id: str) -> Fill:
    return Fill(
        instrument=instrument,
        trade_id=fill.trade_id,
        client_id=client_id,
        venue_order_id=fill.order_id,
        side=Side(fill.side.value),
        price=amount(fill.price),
        quantity=amount(fill.quantity),
        quote_quantity=amount(fill.quote, NOTIONAL_UNIT),
        commission=amount(fill.commission),
        commission_asset=fill.commission_asset,
        is_maker=fill.is_maker,
        time_ms=fill.time_ms,
        realized_profit=amount(fill.realized_pnl),
        position_side=PositionSide(fill.position_side.value),
    )


def position_of(view: PositionView, instrument: Instrument) -> Position:
    return Position(
        instrument=instrument,
        side=PositionSide(view.position_side.value),
        quantity=amount(view.quantity),
        entry_price=amount(view.entry_price),
        break_even_price=amount(view.break_even_price),
        mark_price=amount(view.mark_price),
        liquidation_price=amount(view.liquidation_price) or None,
        unrealized_profit=amount(view.unrealized),
        notional=amount(view.notional),
        isolated_margin=amount(view.isolated_margin),
        isolated_wallet=amount(view.isolated_wallet),
        initial_margin=amount(view.initial_margin),
        maintenance_margin=amount(view.maintenance_margin),
        updated_ms=view.update_ms,
    )


def payment_of(row: venue.IncomeRow, instrument: Instrument) -> FundingPayment:
    return FundingPayment(
        instrument=instrument, id=row.tran_id, amount=amount(row.amount), asset=instrument.quote, at_ms=row.time_ms
    )
