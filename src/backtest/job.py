"""A back-test as a job of the server: `python -m backtest.job FOLDER`.

It reads parameters.json of the folder (ports.backtest_job), tells how far it is, and leaves there what
`python -m backtest run --out` does. Recordings are those of the data folder in which the folder of jobs lies.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from backtest.candles import BadCandles
from backtest.job_inputs import Inputs, fill_of, inputs_of, store_of
from backtest.job_words import beyond_memory, unfit_candles
from backtest.rules_source import UsedRules
from backtest.scenario import PathRule
from backtest.study import Assumptions, Study, WindowLength, study
from domain.errors import InvalidRequest, TradingError
from ports.backtest_job import PARAMETERS, BacktestParameters
from ports.jobs import Progress, progress_line
from utils.clock import SystemClock

# Of the time that a year of minutes takes, a third is over before the first of these is told: modules have to load.
_READING: Final = Progress(0.3, "reading candles")
_WRITING: Final = Progress(0.6, "writing the report")


def main(words: Sequence[str]) -> int:
    """Run the job of a folder; what cannot be done is told in one sentence, the last one."""
    folder = Path(words[0])
    try:
        given = BacktestParameters.model_validate_json((folder / PARAMETERS).read_bytes())
        _tell(_READING)
        inputs = inputs_of(given, store_of(folder))
        _tell(Progress(0.4, f"replaying {len(inputs.candles):,} candles"))
        found = study_of(inputs, SystemClock().wall_ms())
        _tell(_WRITING)
        from backtest.report.files import write_all  # noqa: PLC0415 - slow to load, and not needed to refuse

        write_all(found, folder)
    except BadCandles as error:
        return _told(InvalidRequest([unfit_candles(error)]))
    except MemoryError:
        return _told(InvalidRequest([beyond_memory()]))
    except (TradingError, ValidationError) as error:
        return _told(error)
    except OSError as error:
        return _told(f"{error.filename or folder}: {error.strerror or error}")
    return 0


def study_of(inputs: Inputs, now_ms: int) -> Study:
    """Replay what was asked for.

    Raises:
        BadCandles: for candles that the rules do not fit.
    """
    given = inputs.given
    today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
    return study(
        inputs.request,
        inputs.candles,
        UsedRules(given.rules, "the exchange's, when the job was submitted", today),
        Assumptions(
            balances=inputs.scenario.balances,
            fees=inputs.scenario.fees,
            fill=fill_of(given),
            path=PathRule(given.path),
            delays=inputs.scenario.delays,
            max_exposure=inputs.scenario.max_exposure,
            contract=inputs.scenario.contract,
        ),
        origin="from the store",
        windows=WindowLength(given.windows) if given.windows else None,
        made_ms=now_ms,
    )


def _told(reason: object) -> int:
    """Say why it cannot be done, as the last line of the log."""
    print(reason, flush=True)  # noqa: T201
    return 1


def _tell(progress: Progress) -> None:
    print(progress_line(progress), flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
