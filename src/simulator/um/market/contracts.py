"""Which contracts a market has, and their rules: the catalogue's, or a plain contract shaped like the symbol."""

from dataclasses import replace
from typing import Final

from simulator.core.symbols import UNIT, SymbolSpec
from simulator.um.core.catalogue import CONTRACTS, brackets_of
from simulator.um.core.contracts import MARGIN_ASSET, ContractSpec

_PLAIN_BRACKETS: Final = brackets_of(
    (
        (75, 10, 10_000), (50, 50, 15_000), (20, 500, 25_000), (10, 1_000, 50_000), (5, 2_000, 100_000),
        (4, 2_500, 125_000), (2, 5_000, 250_000), (1, 10_000, 500_000),
    )
)  # fmt: skip


def contract_of(symbol: SymbolSpec) -> ContractSpec | None:
    """Return the perpetual of a spot symbol; None where its quote is not the margin asset."""
    if symbol.quote != MARGIN_ASSET:
        return None
    return CONTRACTS.get(symbol.symbol) or _plain(symbol)


def as_symbol(contract: ContractSpec) -> SymbolSpec:
    """Return a contract's steps and bounds in the shape the market's models draw by."""
    return SymbolSpec(
        symbol=contract.symbol,
        base=contract.base,
        quote=contract.quote,
        tick=contract.tick,
        lot=contract.lot,
        min_price=contract.min_price or contract.tick,
        max_price=contract.max_price,
        min_qty=contract.lot,
        max_qty=contract.max_qty,
        market_max_qty=contract.market_max_qty,
        min_notional=contract.min_notional,
        max_notional=0,
    )


def on_recorded_grid(contract: ContractSpec, recorded: SymbolSpec) -> ContractSpec:
    """Return a contract with the steps its recording was traded under; every fill stays whole in 1e-8 USDT."""
    tick, lot = min(contract.tick, recorded.tick), min(contract.lot, recorded.lot)
    while tick * lot % UNIT:
        lot *= 10
    return replace(
        contract,
        tick=tick,
        lot=lot,
        price_precision=max(contract.price_precision, _decimals(tick)),
        quantity_precision=max(contract.quantity_precision, _decimals(lot)),
        min_qty=lot,
        market_min_qty=lot,
        market_step=lot,
    )


def _plain(symbol: SymbolSpec) -> ContractSpec:
    tick, lot = symbol.tick, symbol.lot
    while tick * lot % UNIT:
        lot *= 10
    return ContractSpec(
        symbol=symbol.symbol,
        base=symbol.base,
        tick=tick,
        lot=lot,
        price_precision=_decimals(tick),
        quantity_precision=_decimals(lot),
        min_price=tick,
        max_price=symbol.max_price - symbol.max_price % tick,
        min_qty=lot,
        max_qty=symbol.max_qty - symbol.max_qty % lot,
        market_min_qty=lot,
        market_max_qty=symbol.max_qty - symbol.max_qty % lot,
        market_step=lot,
        min_notional=5 * UNIT,
        liquidation_fee_ppm=15_000,
        brackets=_PLAIN_BRACKETS,
    )


def _decimals(step: int) -> int:
    return len(f"{step % UNIT:08d}".rstrip("0")) if step % UNIT else 0
