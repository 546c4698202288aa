"""The arithmetic of an account's books: sums over grids, and balances explained. Pure and exact."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from domain.account_books import AssetLine, Totals, ValueLines
from domain.grids import Books
from domain.instrument import Instrument, Market
from domain.money import UNIT, ZERO, exact
from domain.orders import Fill, Side

Amounts = Mapping[str, Decimal]

_SUMMED = (
    *("grid_profit", "inventory_cost", "inventory_value", "fees", "funding", "realized_profit"),
    *("fee_asset_revaluation", "quote_rounding"),
    *("cash_flow", "equity_change", "residual", "hold_change", "versus_hold", "trades", "cycles"),
)


@exact
def added(*parts: Amounts) -> dict[str, Decimal]:
    """Return the sums by asset."""
    sums: dict[str, Decimal] = {}
    for part in parts:
        for asset, amount in part.items():
            sums[asset] = sums.get(asset, ZERO) + amount
    return sums


@exact
def negated(amounts: Amounts) -> dict[str, Decimal]:
    return {asset: -amount for asset, amount in amounts.items()}


@exact
def moved_by(fill: Fill) -> dict[str, Decimal]:
    """Return what one trade changed, by asset, from the venue's own amounts; of a contract what it realised."""
    fee = {fill.commission_asset: -fill.commission} if fill.commission else {}
    if fill.instrument.market is Market.FUTURES:
        return added({fill.instrument.quote: fill.realized_profit}, fee)
    sign = 1 if fill.side is Side.BUY else -1
    return added(
        {fill.instrument.base: sign * fill.quantity}, {fill.instrument.quote: -sign * fill.quote_quantity}, fee
    )


@exact
def booked_by(instrument: Instrument, books: Books) -> dict[str, Decimal]:
    """Return what a grid's books say it changed, by asset; fees count whether they have a value yet or not."""
    if instrument.market is Market.FUTURES:
        return added({instrument.quote: books.realized_profit + books.funding}, negated(books.fees_by_asset))
    own = (instrument.base, instrument.quote)
    third = {asset: -amount for asset, amount in books.fees_by_asset.items() if asset not in own}
    return added({instrument.base: books.base_held}, {instrument.quote: books.cash_flow}, third)


@exact
def not_in_wallet(instrument: Instrument, books: Books) -> Decimal:
    """Return what a contract's books count and the futures wallet does not: an open position's profit at the mark.

    Of a flat one it is what closed lots come to less what the venue realised: rounding of at most 1e-8 a fill.
    """
    fees = books.fees_by_asset.get(instrument.quote, ZERO)
    return books.cash_flow + fees - books.funding + books.inventory_value - books.realized_profit


@exact
def beside_wallet(contracts: Sequence[tuple[Instrument, Books]]) -> tuple[Decimal, Decimal, Decimal]:
    """Return what contracts' books count beside the wallet: open profit, rounding of flat ones, and what is neither.

    The venue rounds what it realises once a fill, to 1e-8.
    """
    open_profit = rounding = residual = ZERO
    for instrument, books in contracts:
        beside = not_in_wallet(instrument, books)
        if books.base_held:
            open_profit += beside
        elif abs(beside) <= books.trades * UNIT:
            rounding += beside
        else:
            residual += beside
    return open_profit, rounding, residual


@exact
def remarked(
    books: Books, instrument: Instrument, start_base: Decimal, mark_price: Decimal, fee_prices: Amounts
) -> Books:
    """Return a grid's books at other prices; `start_base` is the base that is held in `hold_change`."""
    own = (instrument.base, instrument.quote)
    fees = {asset: amount for asset, amount in books.fees_by_asset.items() if asset not in own}
    valued = added(fees, negated(books.fees_unvalued))
    prices = {asset: fee_prices.get(asset, price) for asset, price in books.fee_prices.items()}
    saved = sum((valued[asset] * (price - prices[asset]) for asset, price in books.fee_prices.items()), ZERO)
    value = books.base_held * mark_price
    equity = books.equity_change + (value - books.inventory_value) + saved
    hold = books.hold_change + start_base * (mark_price - books.mark_price)
    return replace(
        books,
        mark_price=mark_price,
        inventory_value=value,
        fee_prices=prices,
        fee_asset_revaluation=books.fee_asset_revaluation + saved,
        equity_change=equity,
        hold_change=hold,
        versus_hold=equity - hold,
    )


@exact
def totals_of(books: Sequence[Books]) -> Totals:
    """Return the sums over grids that share a quote asset."""
    sums = {name: sum((getattr(one, name) for one in books), getattr(Totals(), name)) for name in _SUMMED}
    return Totals(
        grids=len(books),
        fees_by_asset=added(*(one.fees_by_asset for one in books)),
        fees_unvalued=added(*(one.fees_unvalued for one in books)),
        **sums,
    )


@dataclass(slots=True)
class VenueTrades:
    """What the venue's list of trades on one instrument adds up to, read piece by piece."""

    next_id: int
    count_of_ours: int
    ours: dict[str, Decimal]
    foreign: dict[str, Decimal]

    def take(self, fills: Iterable[Fill], our_ids: set[int]) -> bool:
        """Add trades not seen before, those in `our_ids` as ours; tell whether there were any."""
        fresh = [fill for fill in fills if fill.trade_id >= self.next_id]
        for fill in fresh:
            if fill.trade_id in our_ids:
                self.ours = added(self.ours, moved_by(fill))
                self.count_of_ours += 1
            else:
                self.foreign = added(self.foreign, moved_by(fill))
            self.next_id = max(self.next_id, fill.trade_id + 1)
        return bool(fresh)


@exact
def asset_lines(
    *, baseline: Amounts, balances: Amounts, booked: Amounts, ours: Amounts, foreign: Amounts
) -> tuple[AssetLine, ...]:
    """Explain every asset's change. `booked` is the grids' word, `ours` and `foreign` the venue's list of trades."""
    lines = []
    for asset in sorted({*baseline, *balances, *booked, *ours, *foreign}):
        start, now = baseline.get(asset, ZERO), balances.get(asset, ZERO)
        by_ours, by_others = ours.get(asset, ZERO), foreign.get(asset, ZERO)
        grids = booked.get(asset, ZERO)
        lines.append(
            AssetLine(
                asset=asset,
                baseline=start,
                balance=now,
                grids=grids,
                foreign_trades=by_others,
                other_movements=now - start - by_ours - by_others,
                residual=by_ours - grids,
            )
        )
    return tuple(line for line in lines if any(_amounts_of(line)))


@exact
def valued(lines: Sequence[AssetLine], prices: Amounts, baseline_prices: Amounts) -> tuple[ValueLines, tuple[str, ...]]:
    """Return the lines in one currency, and the assets that count in none of them for want of a price."""
    unpriced = []
    values = dict.fromkeys(ValueLines.__dataclass_fields__, ZERO)
    for line in lines:
        now = prices.get(line.asset)
        then = baseline_prices.get(line.asset) if line.baseline else now
        if now is None or then is None:
            unpriced.append(line.asset)
            continue
        values["equity_change"] += line.balance * now - line.baseline * then
        values["revaluation"] += line.baseline * (now - then)
        for name in ("grids", "foreign_trades", "other_movements", "residual"):
            values[name] += getattr(line, name) * now
    return ValueLines(**values), tuple(unpriced)


def _amounts_of(line: AssetLine) -> tuple[Decimal, ...]:
    return line.baseline, line.balance, line.grids, line.foreign_trades, line.other_movements, line.residual
