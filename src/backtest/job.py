"""A back-test as a job of the server: `python -m backtest.job FOLDER`.

It reads parameters.json of the folder (ports.backtest_job), tells how far it is, and leaves there what
`python -m backtest run --out` does. Recordings are those of the data folder in which the folder of jobs lies.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from backtest.candles import BadCandles, Candles
from backtest.data.loading import load_candles
from backtest.data.series import DAY_MS
from backtest.data.store import FOLDER, Store
from backtest.grid_config import parse_grid
from backtest.rules_source import UsedRules
from backtest.scenario import PPM, Delays, Fees, FillAssumption, FillKind, PathRule
from backtest.study import Assumptions, Study, WindowLength, study
from domain.errors import TradingError
from ports.backtest_job import BacktestParameters
from ports.jobs import Progress, progress_line
from utils.clock import SystemClock

# Of the time that a year of minutes takes, a third is over before the first of these is told: modules have to load.
_READING: Final = Progress(0.3, "reading candles")
_WRITING: Final = Progress(0.6, "writing the report")
_PERCENT: Final = Decimal(PPM) / 100


def main(words: Sequence[str]) -> int:
    """Run the job of a folder; what cannot be done is told in one sentence, the last one."""
    folder = Path(words[0])
    try:
        given = BacktestParameters.model_validate_json((folder / "parameters.json").read_bytes())
        _tell(_READING)
        candles = candles_of(given, Store(folder.parents[1] / FOLDER))
        _tell(Progress(0.4, f"replaying {len(candles):,} candles"))
        found = study_of(given, candles, SystemClock().wall_ms())
        _tell(_WRITING)
        from backtest.report.files import write_all  # noqa: PLC0415 - slow to load, and not needed to refuse

        write_all(found, folder)
    except (TradingError, BadCandles, ValidationError) as error:
        print(error, flush=True)  # noqa: T201
        return 1
    except OSError as error:
        print(f"{error.filename or folder}: {error.strerror or error}", flush=True)  # noqa: T201
        return 1
    return 0


def candles_of(given: BacktestParameters, store: Store) -> Candles:
    """Return the stored candles of the window.

    Raises:
        InvalidRequest, Conflict: see `load_candles`.
    """

    def load(from_ms: int | None, to_ms: int | None, *, allow_gaps: bool) -> Candles:
        return load_candles(
            store, given.symbol, given.market_type, given.interval, from_ms, to_ms, allow_gaps=allow_gaps
        )

    from_ms, to_ms = given.from_ms, given.to_ms
    if given.days is not None:
        to_ms = to_ms if to_ms is not None else load(None, None, allow_gaps=True).end_ms
        from_ms = to_ms - given.days * DAY_MS
    return load(from_ms, to_ms, allow_gaps=given.allow_gaps)


def study_of(given: BacktestParameters, candles: Candles, now_ms: int) -> Study:
    """Replay what was asked for.

    Raises:
        InvalidRequest: with every mistake in the grid.
        BadCandles: for candles that the rules do not fit.
    """
    share = int((given.share_perc or 0) * _PERCENT)
    today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
    return study(
        parse_grid(given.config, given.rules.instrument),
        candles,
        UsedRules(given.rules, "the exchange's, when the job was submitted", today),
        Assumptions(
            balances=given.balances,
            fees=Fees(int(given.maker_rate * PPM), int(given.taker_rate * PPM), given.bnb_price),
            fill=FillAssumption(FillKind(given.fill), share),
            path=PathRule(given.path),
            delays=Delays(given.latency_ms, given.orders_per_10s),
        ),
        origin="from the store",
        windows=WindowLength(given.windows) if given.windows else None,
        made_ms=now_ms,
    )


def _tell(progress: Progress) -> None:
    print(progress_line(progress), flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
