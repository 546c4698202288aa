"""The account's books as the API shows them: exact decimal texts throughout."""

from decimal import Decimal
from typing import Self

from pydantic import Field

from domain.account_books import AccountBooks, AccountPart, AssetLine, Totals, ValueLines, WalletPart
from domain.grids import GridSnapshot
from domain.money import plain
from routes.addressing import symbol_of
from routes.formats import iso
from routes.money_views import BooksView
from routes.views import View


def texts(amounts: dict[str, Decimal]) -> dict[str, str]:
    """Return exact texts by asset."""
    return {asset: plain(amount) for asset, amount in amounts.items()}


def _plainly(values: dict[str, object]) -> dict[str, object]:
    return {name: plain(value) if isinstance(value, Decimal) else value for name, value in values.items()}


class GridLineView(View):
    grid_id: int
    symbol: str
    market_type: str
    status: str
    quote: str = Field(description="the asset the amounts are in")
    alarms: list[str]
    books: BooksView

    @classmethod
    def of(cls, grid: GridSnapshot) -> Self:
        return cls(
            grid_id=grid.grid_id,
            symbol=symbol_of(grid.instrument),
            market_type=grid.instrument.market.value,
            status=grid.status.value,
            quote=grid.instrument.quote,
            alarms=list(grid.alarms),
            books=BooksView.of(grid.books),
        )


class TotalsView(View):
    """Sums over all grids with one quote asset, in that asset."""

    grids: int
    grid_profit: str
    inventory_cost: str
    inventory_value: str
    fees: str
    funding: str
    realized_profit: str = Field(description="closed futures positions by the venue's own count")
    fee_asset_revaluation: str
    quote_rounding: str
    cash_flow: str
    equity_change: str
    residual: str
    hold_change: str
    versus_hold: str
    trades: int
    cycles: int
    fees_by_asset: dict[str, str]
    fees_unvalued: dict[str, str]

    @classmethod
    def of(cls, totals: Totals) -> Self:
        told = {name: getattr(totals, name) for name in cls.model_fields}
        told |= {"fees_by_asset": texts(totals.fees_by_asset), "fees_unvalued": texts(totals.fees_unvalued)}
        return cls.model_validate(_plainly(told))


class AssetLineView(View):
    """In units of the asset: balance - baseline = grids + foreign_trades + other_movements + residual."""

    asset: str
    baseline: str = Field(description="held when the account's books began")
    balance: str = Field(description="held now, free and locked")
    grids: str = Field(description="what our grids booked")
    foreign_trades: str = Field(description="trades of other orders on the grids' symbols")
    other_movements: str = Field(description="deposits, withdrawals, transfers, dust, trades on other symbols")
    residual: str = Field(description="trades of our orders that the books lack; 0 unless something is wrong")
    price: str | None = Field(description="in the books' currency; null where there is no market")
    baseline_price: str | None

    @classmethod
    def of(cls, line: AssetLine, part: AccountPart | WalletPart) -> Self:
        now, then = part.prices.get(line.asset), part.baseline_prices.get(line.asset)
        told: dict[str, object] = {name: getattr(line, name) for name in line.__dataclass_fields__}
        return cls.model_validate(_plainly(told | {"price": now, "baseline_price": then}))


class ValueLinesView(View):
    """In the books' currency: equity_change = grids + foreign_trades + other_movements + revaluation + residual."""

    equity_change: str
    grids: str
    foreign_trades: str
    other_movements: str
    revaluation: str = Field(description="what the holdings of the beginning gained by price alone")
    residual: str

    @classmethod
    def of(cls, lines: ValueLines) -> Self:
        return cls.model_validate({name: plain(getattr(lines, name)) for name in cls.model_fields})


class WalletView(View):
    """The futures wallet: what was deposited, realised and paid; what open positions would bring is beside it."""

    since: str
    settled: bool = Field(description="false while trades or funding of ours were still arriving: ask again")
    assets: list[AssetLineView]
    value: ValueLinesView
    unpriced: list[str]
    open_profit: str = Field(description="what the grids' open positions would bring at their mark prices")
    realized_rounding: str = Field(description="flat grids: closed lots less what the venue realised, 1e-8 a fill")
    realized_residual: str = Field(description="the same where it is more than rounding; 0 unless something is wrong")

    @classmethod
    def of(cls, part: WalletPart) -> Self:
        return cls(
            since=iso(part.since_ms),
            settled=part.settled,
            assets=[AssetLineView.of(line, part) for line in part.assets],
            value=ValueLinesView.of(part.value),
            unpriced=list(part.unpriced),
            open_profit=plain(part.open_profit),
            realized_rounding=plain(part.realized_rounding),
            realized_residual=plain(part.realized_residual),
        )


class AccountView(View):
    since: str
    settled: bool = Field(description="false while trades of ours were still arriving: ask again")
    assets: list[AssetLineView]
    value: ValueLinesView
    unpriced: list[str] = Field(description="assets without a price, which count in no value")
    futures: WalletView | None = Field(description="null while no contract was ever traded, or see futures_error")
    futures_error: str = Field(description="why the futures wallet is missing; empty where it is not")

    @classmethod
    def of(cls, part: AccountPart) -> Self:
        return cls(
            since=iso(part.since_ms),
            settled=part.settled,
            assets=[AssetLineView.of(line, part) for line in part.assets],
            value=ValueLinesView.of(part.value),
            unpriced=list(part.unpriced),
            futures=WalletView.of(part.futures) if part.futures else None,
            futures_error=part.futures_error,
        )


class AccountBooksView(View):
    account_id: str
    valued_in: str
    taken_at: str
    grids: list[GridLineView] = Field(description="every grid the account ever had, oldest first")
    totals: dict[str, TotalsView] = Field(description="sums over the grids, by their quote asset")
    account: AccountView | None = Field(description="null where the venue cannot be read")
    account_error: str = Field(description="why the account part is missing; empty where it is not")

    @classmethod
    def of(cls, books: AccountBooks) -> Self:
        return cls(
            account_id=books.account_id,
            valued_in=books.valued_in,
            taken_at=iso(books.taken_ms),
            grids=[GridLineView.of(grid) for grid in books.grids],
            totals={quote: TotalsView.of(totals) for quote, totals in books.totals.items()},
            account=AccountView.of(books.account) if books.account else None,
            account_error=books.account_error,
        )
