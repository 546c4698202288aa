"""The look before a back-test is taken as a job: `python -m backtest.job_check FOLDER`.

It reads parameters.json of the folder, as the job itself would, and tells what cannot be replayed by a line of
ports.jobs. It leaves with 0 whenever it could look.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from backtest.candles import BadCandles
from backtest.job_inputs import inputs_of, read_parameters, store_of
from backtest.job_words import beyond_memory, unfit_candles
from backtest.price_path import PricePath
from domain.errors import Conflict, InvalidRequest
from ports.jobs import refusal_line


def main(words: Sequence[str]) -> int:
    """Look at the parameters of a folder."""
    folder = Path(words[0])
    refusal: InvalidRequest | Conflict | None = None
    try:
        found = inputs_of(read_parameters(folder), store_of(folder))
        PricePath.of(found.candles, found.scenario)
    except (InvalidRequest, Conflict) as error:
        refusal = error
    except BadCandles as error:
        refusal = InvalidRequest([unfit_candles(error)])
    except MemoryError:
        refusal = InvalidRequest([beyond_memory()])
    if refusal is not None:
        print(refusal_line(refusal), flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
