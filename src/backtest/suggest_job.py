"""The search for a grid as a job of the server: `python -m backtest.suggest_job FOLDER`.

It reads parameters.json of the folder (ports.suggest_job) and leaves result.json there.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from backtest.candles import BadCandles
from backtest.suggest import find
from backtest.suggest_inputs import Search
from backtest.suggest_told import told
from domain.errors import TradingError
from ports.jobs import Progress, progress_line
from ports.suggest_job import PARAMETERS, RESULT, SuggestParameters


def main(words: Sequence[str]) -> int:
    """Run the job of a folder; what cannot be done is told in one sentence, the last one."""
    folder = Path(words[0])
    try:
        given = SuggestParameters.model_validate_json((folder / PARAMETERS).read_bytes())
        _say(progress_line(Progress(0.5, f"replaying grids over {len(given.candles):,} candles")))
        found = find(Search.of(given))
        (folder / RESULT).write_text(json.dumps(told(found), allow_nan=False), "utf-8")
    except (TradingError, ValidationError, BadCandles) as error:
        _say(str(error))
        return 1
    except OSError as error:
        _say(f"{error.filename or folder}: {error.strerror or error}")
        return 1
    return 0


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
