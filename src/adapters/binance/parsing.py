"""Binance's JSON into domain values, exactly: every amount from its text, every id as an integer."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from domain.errors import VenueError
from domain.events import Balance, Candle, OrderReported, Ticker
from domain.instrument import FeeRates, Instrument, InstrumentRules, Market
from domain.money import ZERO, exact, parse_amount
from domain.orders import Fill, OrderType, PositionSide, Side, Status, VenueOrder

VENUE: Final = "binance"
Json = Mapping[str, Any]
POST_ONLY: Final = "GTX"
"""How futures say post-only: a limit order's time in force."""
_FOR_EVER_MS: Final = 4_102_444_800_000
"""The year 2100: a contract without an end is said to be delivered then."""
_TRIGGERED: Final[Mapping[str, OrderType]] = {
    "STOP": OrderType.LIMIT,
    "TAKE_PROFIT": OrderType.LIMIT,
    "STOP_MARKET": OrderType.MARKET,
    "TAKE_PROFIT_MARKET": OrderType.MARKET,
    "TRAILING_STOP_MARKET": OrderType.MARKET,
}

STATUSES: Final[Mapping[str, Status]] = {
    "PENDING_NEW": Status.OPEN,
    "NEW": Status.OPEN,
    "PARTIALLY_FILLED": Status.OPEN,
    "NEW_INSURANCE": Status.OPEN,
    "NEW_ADL": Status.OPEN,
    "PENDING_CANCEL": Status.OPEN,
    "FILLED": Status.FILLED,
    "CANCELED": Status.CANCELED,
    "EXPIRED": Status.EXPIRED,
    "EXPIRED_IN_MATCH": Status.EXPIRED,
    "REJECTED": Status.REJECTED,
}


def symbol_of(instrument: Instrument) -> str:
    """Return Binance's text for the instrument, e.g. BTCUSDT (spot pairs and perpetuals)."""
    return instrument.base + instrument.quote


def parse_order(instrument: Instrument, row: Json) -> VenueOrder:
    """Return the order of a placement, cancel or query reply.

    A cancel's reply on spot names the cancel request in `clientOrderId` and the order in `origClientOrderId`.
    """
    return VenueOrder(
        instrument=instrument,
        client_id=row.get("origClientOrderId") or row["clientOrderId"],
        venue_order_id=int(row["orderId"]),
        side=Side(row["side"]),
        type=order_type(row["type"], row.get("timeInForce")),
        status=STATUSES[row["status"]],
        price=parse_amount(row["price"]),
        quantity=parse_amount(row["origQty"]),
        executed_quantity=parse_amount(row["executedQty"]),
        updated_ms=int(row.get("transactTime") or row.get("updateTime") or row["time"]),
    )


def order_type(word: str, in_force: str | None) -> OrderType:
    """Return the type of an order; a limit order in force as GTX is what futures call post-only.

    An order that came of a conditional one may still bear that one's type.
    """
    kind = _TRIGGERED.get(word) or OrderType(word)
    return OrderType.LIMIT_MAKER if kind is OrderType.LIMIT and in_force == POST_ONLY else kind


@exact
def parse_placement_fills(order: VenueOrder, row: Json) -> tuple[Fill, ...] | None:
    """Return the fills of a FULL placement reply: trades made on arrival, so all of them as taker.

    These rows carry no quote amount. Price times quantity is exactly it on spot (3,432 of 3,432 real fills), which
    the reply's own total must confirm: where it does not, None says to read the trades instead.
    """
    fills = tuple(
        Fill(
            instrument=order.instrument,
            trade_id=int(fill["tradeId"]),
            client_id=order.client_id,
            venue_order_id=order.venue_order_id,
            side=order.side,
            price=parse_amount(fill["price"]),
            quantity=parse_amount(fill["qty"]),
            quote_quantity=parse_amount(fill["price"]) * parse_amount(fill["qty"]),
            commission=parse_amount(fill["commission"]),
            commission_asset=fill["commissionAsset"],
            is_maker=False,
            time_ms=order.updated_ms,
        )
        for fill in row.get("fills", ())
    )
    total = parse_amount(row["cummulativeQuoteQty"])
    return fills if sum((fill.quote_quantity for fill in fills), ZERO) == total else None


def parse_trade(instrument: Instrument, client_id: str, row: Json) -> Fill:
    """Return one row of myTrades or userTrades; it does not name the client id."""
    is_spot = instrument.market is Market.SPOT
    return Fill(
        instrument=instrument,
        trade_id=int(row["id"]),
        client_id=client_id,
        venue_order_id=int(row["orderId"]),
        side=Side.BUY if row["isBuyer" if is_spot else "buyer"] else Side.SELL,
        price=parse_amount(row["price"]),
        quantity=parse_amount(row["qty"]),
        quote_quantity=parse_amount(row["quoteQty"]),
        commission=parse_amount(row["commission"]),
        commission_asset=row["commissionAsset"],
        is_maker=row["isMaker" if is_spot else "maker"],
        time_ms=int(row["time"]),
        realized_profit=ZERO if is_spot else parse_amount(row["realizedPnl"]),
        position_side=PositionSide.BOTH if is_spot else PositionSide(row["positionSide"]),
    )


def report_client_id(event: Json) -> str:
    """Return the order's own client id of an executionReport: `C` where a cancel took `c` (protocol 6.11)."""
    return str(event.get("C") or event["c"])


def parse_report(instrument: Instrument, event: Json) -> OrderReported:
    """Return what a spot `executionReport` says, with its fill if it reports one."""
    order = VenueOrder(
        instrument=instrument,
        client_id=report_client_id(event),
        venue_order_id=int(event["i"]),
        side=Side(event["S"]),
        type=OrderType(event["o"]),
        status=STATUSES[event["X"]],
        price=parse_amount(event["p"]),
        quantity=parse_amount(event["q"]),
        executed_quantity=parse_amount(event["z"]),
        updated_ms=int(event["T"]),
    )
    if event["x"] != "TRADE":
        return OrderReported(order)
    fill = Fill(
        instrument=instrument,
        trade_id=int(event["t"]),
        client_id=order.client_id,
        venue_order_id=order.venue_order_id,
        side=order.side,
        price=parse_amount(event["L"]),
        quantity=parse_amount(event["l"]),
        quote_quantity=parse_amount(event["Y"]),
        commission=parse_amount(event["n"]),
        commission_asset=event["N"] or "",
        is_maker=event["m"],
        time_ms=int(event["T"]),
    )
    return OrderReported(order, (fill,))


def parse_candle(row: list[Any]) -> Candle:
    return Candle(
        open_ms=int(row[0]),
        close_ms=int(row[6]),
        open=parse_amount(row[1]),
        high=parse_amount(row[2]),
        low=parse_amount(row[3]),
        close=parse_amount(row[4]),
        volume=parse_amount(row[5]),
        quote_volume=parse_amount(row[7]),
        trades=int(row[8]),
    )


def parse_ticker(instrument: Instrument, row: Json, book: Json | None = None) -> Ticker:
    """Return a 24 h ticker; futures rows lack bid and ask, which `book` (bookTicker) then supplies."""
    quotes = row if book is None else book
    return Ticker(
        instrument=instrument,
        price=parse_amount(row["lastPrice"]),
        volume=parse_amount(row["volume"]),
        quote_volume=parse_amount(row["quoteVolume"]),
        change_percent=parse_amount(row["priceChangePercent"]),
        high=parse_amount(row["highPrice"]),
        low=parse_amount(row["lowPrice"]),
        bid=parse_amount(quotes["bidPrice"]),
        ask=parse_amount(quotes["askPrice"]),
    )


def parse_spot_balances(rows: Iterable[Json]) -> tuple[Balance, ...]:
    return tuple(Balance(row["asset"], parse_amount(row["free"]), parse_amount(row["locked"])) for row in rows)


@exact
def parse_futures_balances(rows: Iterable[Json]) -> tuple[Balance, ...]:
    """Return wallet balances; what is not available counts as locked (margin in use)."""
    balances = []
    for row in rows:
        wallet, available = parse_amount(row["balance"]), parse_amount(row["availableBalance"])
        free = min(wallet, available)
        balances.append(Balance(row["asset"], free, wallet - free))
    return tuple(balances)


@exact
def parse_commission(row: Json) -> FeeRates:
    """Return the rates of account/commission: standard + special + tax, each with the dearer of its sides.

    The discount for paying in BNB is left out: it may run dry in the middle of an order.
    """
    parts = [row[name] for name in ("standardCommission", "specialCommission", "taxCommission") if name in row]
    maker = sum((parse_amount(part["maker"]) + _side_rate(part) for part in parts), ZERO)
    taker = sum((parse_amount(part["taker"]) + _side_rate(part) for part in parts), ZERO)
    return FeeRates(maker, taker)


@exact
def _side_rate(part: Json) -> Decimal:
    return max(parse_amount(part.get("buyer", "0")), parse_amount(part.get("seller", "0")))


def parse_rules(instrument: Instrument, row: Json) -> InstrumentRules:
    """Return the order rules of one exchangeInfo symbol, from its filters alone.

    Raises:
        VenueError: if a filter that orders cannot do without is missing or makes no sense.
    """
    filters = {entry["filterType"]: entry for entry in row["filters"]}
    try:
        return _rules(instrument, row["status"], filters, settles_ms(instrument.market, row))
    except KeyError as e:
        raise VenueError(f"the venue publishes no {e.args[0]} for {instrument}") from None
    except ValueError as e:
        raise VenueError(f"the rules published for {instrument} make no sense: {e}") from None


def _rules(instrument: Instrument, status: str, filters: Mapping[str, Json], settles_ms: int) -> InstrumentRules:
    price, lot = filters["PRICE_FILTER"], filters["LOT_SIZE"]
    notional = filters.get("NOTIONAL") or filters["MIN_NOTIONAL"]
    market_lot = filters.get("MARKET_LOT_SIZE", {})
    percent = _percent_bounds(instrument.market, filters)
    counts = filters.get("MAX_NUM_ORDERS", {})
    return InstrumentRules(
        instrument=instrument,
        status=status,
        tick=parse_amount(price["tickSize"]),
        lot=parse_amount(lot["stepSize"]),
        min_quantity=parse_amount(lot["minQty"]),
        max_quantity=parse_amount(lot["maxQty"]),
        min_notional=parse_amount(notional.get("minNotional") or notional["notional"]),
        max_notional=parse_amount(notional.get("maxNotional", "0")),
        min_price=parse_amount(price["minPrice"]),
        max_price=parse_amount(price["maxPrice"]),
        market_max_quantity=parse_amount(market_lot.get("maxQty", "0")),
        settles_ms=settles_ms,
        max_open_orders=int(counts.get("maxNumOrders") or counts.get("limit") or 200),
        **percent,
    )


def settles_ms(market: Market, row: Json) -> int:
    """Return when a contract ends: one that goes on for ever has a date of the year 2100."""
    at_ms = int(row.get("deliveryDate") or 0) if market is Market.FUTURES else 0
    return at_ms if at_ms < _FOR_EVER_MS else 0


def _percent_bounds(market: Market, filters: Mapping[str, Json]) -> dict[str, Decimal]:
    by_side = filters.get("PERCENT_PRICE_BY_SIDE")
    if by_side is not None:
        return {
            "bid_up": parse_amount(by_side["bidMultiplierUp"]),
            "bid_down": parse_amount(by_side["bidMultiplierDown"]),
            "ask_up": parse_amount(by_side["askMultiplierUp"]),
            "ask_down": parse_amount(by_side["askMultiplierDown"]),
        }
    both = filters.get("PERCENT_PRICE")
    if both is None:
        return {}
    up, down = parse_amount(both["multiplierUp"]), parse_amount(both["multiplierDown"])
    if market is Market.FUTURES:  # a buy has only a cap there, a sell only a floor
        return {"bid_up": up, "ask_down": down}
    return {"bid_up": up, "bid_down": down, "ask_up": up, "ask_down": down}


def instrument_of(market: Market, row: Json) -> Instrument:
    return Instrument(VENUE, market, row["baseAsset"], row["quoteAsset"])
