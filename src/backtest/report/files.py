"""A back-test in a folder: result.json, fills.parquet, equity.parquet, report.html."""

from decimal import Decimal
from pathlib import Path
from typing import Final

import polars as pl

from backtest.report.document import write_report
from backtest.report.facts import facts_of, to_json
from backtest.result import BUY, FEE_IN_BASE, FEE_IN_BNB, FEE_IN_QUOTE, EquityCurve, Result
from backtest.study import Study
from backtest.whole_files import write_table, write_text
from domain.money import UNIT, exact

_EXACT: Final = pl.Decimal(38, 16)
_WHOLE: Final = pl.Decimal(38, 0)


def write_all(study: Study, folder: Path) -> list[Path]:
    """Write everything into `folder`, which is made where it does not exist; return the files.

    Raises:
        OSError: if that is not possible.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in ("result.json", "fills.parquet", "equity.parquet", "report.html")]
    write_text(files[0], to_json(facts_of(study), indent=1) + "\n")
    write_table(files[1], fills_table(study.result))
    if study.result.curve is not None:
        write_table(files[2], equity_table(study.result.curve, study.result.start_equity))
    write_report(study, files[3])
    return [file for file in files if file.exists()]


@exact
def fills_table(result: Result) -> pl.DataFrame:
    """Return every fill with exact amounts: price in quote, quantity in base, commission in `commission_asset`."""
    fills, rules = result.fills, result.scenario.rules
    instrument = rules.instrument
    assets = {FEE_IN_BASE: instrument.base, FEE_IN_QUOTE: instrument.quote, FEE_IN_BNB: "BNB"}
    prices = [rules.tick * ticks for ticks in fills.price_ticks.tolist()]
    quantities = [rules.lot * lots for lots in fills.lots.tolist()]
    return pl.DataFrame(
        {
            "time": pl.Series(fills.time_ms, dtype=pl.Int64).cast(pl.Datetime("ms", "UTC")),
            "cell": pl.Series(fills.cell, dtype=pl.Int64),
            "side": pl.Series(["BUY" if side == BUY else "SELL" for side in fills.side.tolist()], dtype=pl.String),
            "price": pl.Series(prices, dtype=_EXACT),
            "quantity": pl.Series(quantities, dtype=_EXACT),
            "quote_quantity": pl.Series(
                [price * quantity for price, quantity in zip(prices, quantities, strict=True)], dtype=_EXACT
            ),
            "commission": pl.Series([UNIT * units for units in fills.commission.tolist()], dtype=_EXACT),
            "commission_asset": pl.Series(
                [assets[asset] for asset in fills.commission_asset.tolist()], dtype=pl.String
            ),
        }
    )


def equity_table(curve: EquityCurve, start_equity: Decimal) -> pl.DataFrame:
    """Return the curve; `change` is a float for pictures, `change_units` x `unit` the exact gain in quote."""
    change = curve.change_quote
    return pl.DataFrame(
        {
            "time": pl.Series(curve.time_ms, dtype=pl.Int64).cast(pl.Datetime("ms", "UTC")),
            "equity": float(start_equity) + change,
            "change": change,
            "change_units": pl.Series(curve.change.tolist(), dtype=_WHOLE),
            "unit": pl.Series([str(curve.unit)], dtype=pl.String).new_from_index(0, len(change)),
            "base_units": pl.Series(curve.base.tolist(), dtype=_WHOLE),
        }
    )
