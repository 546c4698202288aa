"""The exchange's account of what happened against the API's."""

import re
from collections import Counter
from decimal import Decimal

from asking import Difference, NoAnswer

QUOTE = "USDT"
# gh-<instance>-<epoch>-<grid>-<role><side>-<price>-<cycle>-<attempt>, numbers in base 62 (docs/chaos-processes.md)
CLIENT_ID = re.compile(
    r"gh-[0-9a-z]{4}-[0-9A-Za-z]+-([0-9A-Za-z]+)-([reu])([bs])-([0-9A-Za-z]+)-[0-9A-Za-z]+-[0-9A-Za-z]+"
)


def slot_of(client_id):
    """Return grid, role, side and price of an order of ours, None for anybody else's."""
    found = CLIENT_ID.fullmatch(client_id)
    return found.groups() if found else None


def check_orders(symbol, orders, live):
    """Refuse ids that were used twice and slots that hold two live orders."""
    twice = [name for name, count in Counter(order["clientOrderId"] for order in orders).items() if count > 1]
    if twice:
        raise Difference(f"{symbol}: client ids used twice: {twice}")
    slots = Counter(slot_of(order["clientOrderId"]) for order in live)
    if None in slots:
        raise Difference(f"{symbol}: orders whose id is not of the documented layout: {live}")
    doubled = [slot for slot, count in slots.items() if count > 1]
    if doubled:
        raise Difference(f"{symbol}: more than one live order in slots {doubled}")


class Market:
    """What the exchange says of all symbols at one moment."""

    def __init__(self, exchange, symbols):
        self.open = {symbol: exchange.open_orders(symbol) for symbol in symbols}
        self.orders = {symbol: exchange.all_orders(symbol) for symbol in symbols}
        self.trades = {symbol: exchange.trades(symbol) for symbol in symbols}
        self.balances = exchange.balances()
        again = {symbol: exchange.open_orders(symbol) for symbol in symbols}
        if again != self.open or exchange.balances() != self.balances:
            raise NoAnswer("the market moved while it was read")


def compare(server, exchange, symbols, before):
    """Compare both accounts at a moment when neither moves; `before` are the balances before the first order.

    Raises:
        Difference: for what can never be right, however fast the market moves.
        NoAnswer: where they do not agree, which may be because one of them was just told of a fill.
    """
    market = Market(exchange, symbols)
    for symbol in symbols:
        check_orders(symbol, market.orders[symbol], market.open[symbol])
    shown = {symbol: server.get(f"/api/grid/status/{symbol}") for symbol in symbols}
    for symbol, grid in shown.items():
        refuse_never(symbol, grid)
        check_trades(symbol, server.trades(symbol), market.trades[symbol])
        expect(f"{symbol} trades in the books", grid["books"]["trades"], len(market.trades[symbol]))
        here = {order["client_order_id"] for order in grid["open_orders"]}
        expect(f"{symbol} open orders", here, {order["clientOrderId"] for order in market.open[symbol]})
        base = symbol.removesuffix(QUOTE)
        change = market.balances.get(base, Decimal(0)) - before.get(base, Decimal(0))
        expect(f"{base} held", Decimal(grid["books"]["base_held"]), change)
    cash = sum(Decimal(grid["books"]["cash_flow"]) for grid in shown.values())
    expect(f"{QUOTE} flow", cash, market.balances[QUOTE] - before[QUOTE])
    return market


def check_trades(symbol, told, there):
    """Refuse a trade that the API tells twice; expect the same trades of both."""
    twice = [number for number, count in Counter(trade["id"] for trade in told).items() if count > 1]
    if twice:
        raise Difference(f"{symbol}: trades told twice: {twice}")
    shown = {facts(trade, "quote_quantity", "commission_asset") for trade in told}
    expect(f"{symbol} trades", shown, {facts(trade, "quoteQty", "commissionAsset") for trade in there})


def refuse_never(symbol, grid):
    books = grid["books"]
    if Decimal(books["residual"]) != 0:
        raise Difference(f"{symbol}: the residual is {books['residual']}")
    if grid["phase"] == "faulted" or grid["faulted_slots"]:
        raise Difference(f"{symbol}: {grid['phase']} {grid['phase_reason']} {grid['faulted_slots']}")
    earned = [books[name] for name in ("grid_profit", "inventory_value", "fee_asset_revaluation", "equity_change")]
    profit, value, revaluation, equity = map(Decimal, earned)
    rounding = Decimal(books.get("quote_rounding", "0"))
    if profit + value - Decimal(books["inventory_cost"]) - Decimal(books["fees"]) + revaluation + rounding != equity:
        raise Difference(f"{symbol}: the identity of the books does not hold: {books}")


def facts(trade, amount, asset):
    """Return a trade's id, amount and fee; the names of two fields differ between the API and the exchange."""
    return (trade["id"], Decimal(trade[amount]), Decimal(trade["commission"]), trade[asset])


def expect(what, told, found):
    if told != found:
        raise NoAnswer(f"{what}: the API says {summary(told, found)}, the exchange {summary(found, told)}")


def summary(one, other):
    return f"also {sorted(one - other)[:5]}" if isinstance(one, set) else one
